"""Forward and backward over microstates: which sequence of charges explains levels and jumps of both
emitters.

With states s of stretch k and θ (energies of the neutral dots, scale and offsets of shifts by a dot's own
charge),

    p(s_1 ... s_K | data) ∝ p(s_1) Π u_k(s_k) Π T(s_k, s_k+1) N(jump_k; E(s_k+1) - E(s_k), σ_k²),

u_k the levels (weakly: they diffuse) and the light of the stretch, T the priors of moves: L. R. Rabiner,
Proc. IEEE 77, 257 (1989). θ is that of greatest posterior by expectation and maximisation, from several
starts, for which dots were neutral is not known; each start counts with its evidence by Laplace's method.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from spq.assignment.chargetable import CHARGES, ChargeTable
from spq.assignment.light import LightModel, dark_chances, light_evidence, refitted
from spq.assignment.moves import DRIFT, LIT, NONE, QUENCHED, STILL, Moves
from spq.assignment.observations import Observations

Array = np.ndarray

KEPT, CUT = 700, 14.0
"""States of a stretch that are looked at, at most, and how far below the best in log-likelihood."""
PRIOR = np.array([0.0, 0.0, 1.0, -3.0, 0.0])
WIDTH = np.array([60.0, 60.0, 0.25, 6.0, 8.0])
"""θ before anything is measured: energies of the neutral dots about the mean of all; scale of the shift by
the dot's own charge; its offset in meV if that is negative, and if positive. Correlation makes trions 6 to 14
meV redder than the mean field (labelled priors)."""
SPLITTING = 6.0
"""meV, how well the model knows by how much the neutral dots differ (a labelled prior): it is made for this
particle, its sizes deduced from these two lines."""
OUTLIER = 40.0
"""meV over which a jump that no move explains is spread."""
COMMON = 3.0
"""meV, standard deviation of a drift of the instrument, the same for both emitters."""
SETTLED = 0.05
FLOOR = 1e-300


@dataclass(frozen=True, eq=False)
class Problem:
    """Energies of all states, moves, observations, priors (states,) of the first state, and what is used."""

    table: ChargeTable
    moves: Moves
    seen: Observations
    start: Array
    prior: Array = field(default_factory=PRIOR.copy)
    width: Array = field(default_factory=WIDTH.copy)
    use_light: bool = True
    use_emitters: tuple[bool, bool] = (True, True)

    @property
    def charges(self) -> tuple[Array, Array]:
        """Index of the charge of each dot of every state, (states,) each."""
        count, grid = self.table.configurations, np.arange(len(CHARGES))
        return np.repeat(grid, len(CHARGES) * count), np.tile(np.repeat(grid, count), len(CHARGES))


@dataclass(frozen=True, eq=False)
class Solution:
    """What one start gave.

    theta (5,) and light as fitted. states: kept in each stretch, and their chances. forward: chances of them
    by all before, links: weights (kept, kept) of all that may happen at a jump, from which paths are drawn.
    moved: joint chances of kept states on both sides of each jump, (kept, kept), something having moved;
    unmoved: chances at each jump that a dot was quenched or lit again, nothing moved, the instrument
    did, or that no move explains it. evidence: log.
    """

    theta: Array
    light: LightModel
    states: list[Array]
    chances: list[Array]
    forward: list[Array]
    links: list[Array]
    moved: list[Array]
    unmoved: list[dict[str, float]]
    evidence: float


def energies_of(problem: Problem, theta: Array) -> Array:
    """Energies (states, 2) in meV above the origin of the observations."""
    found = problem.table.rest.reshape(-1, 2).copy()
    features = features_of(problem)
    for i in (0, 1):
        found[:, i] += features[i] @ theta
    return found


def features_of(problem: Problem) -> Array:
    """What θ is multiplied with, (2, states, 5)."""
    found = np.zeros((2, len(problem.start), len(PRIOR)))
    for i, charge in enumerate(problem.charges):
        value = np.array(CHARGES)[charge]
        found[i, :, i] = 1.0
        found[i, :, 2] = problem.table.own[i][charge]
        found[i, :, 3] = value < 0
        found[i, :, 4] = value > 0
    return found


def solved(problem: Problem, theta: Array, light: LightModel, rounds: int, kept: int = KEPT) -> Solution:
    """Expectation and maximisation from a start."""
    found = passed(problem, theta, light, kept)
    for _ in range(rounds):
        theta = _maximised(problem, found)
        light = refitted(light, problem.seen, charge_chances(problem, found)) if problem.use_light else light
        old, found = found.evidence, passed(problem, theta, light, kept)
        if abs(found.evidence - old) < SETTLED:
            break
    logdet = np.linalg.slogdet(information_of(problem, found)[0])[1]
    return replace(found, evidence=found.evidence + prior_of(problem, found.theta) - 0.5 * float(logdet))


def charge_chances(problem: Problem, found: Solution) -> Array:
    """Chances (K, 2, 4) of the charges of each dot."""
    chances = np.zeros((len(found.states), 2, len(CHARGES)))
    for k, (states, weights) in enumerate(zip(found.states, found.chances, strict=True)):
        for i in (0, 1):
            chances[k, i] = np.bincount(problem.charges[i][states], weights, len(CHARGES))
    return chances


def passed(problem: Problem, theta: Array, light: LightModel, kept: int) -> Solution:
    seen, energies = problem.seen, energies_of(problem, theta)
    variances = problem.table.spread.reshape(-1, 2) ** 2
    lit = light_evidence(light, problem.charges, seen) if problem.use_light else None
    often = max(1.0, len(seen.begins) / seen.independent)
    states, unary = [], []
    for k in range(len(seen.begins)):
        value = np.zeros(len(problem.start)) if lit is None else lit[k].copy()
        rough = value.copy()
        for i in (0, 1):
            level = seen.levels[k, i]
            if not np.isfinite(level) or not problem.use_emitters[i]:
                continue
            variance = seen.diffusion[i] ** 2 + seen.level_errors[k, i] ** 2 + variances[:, i]
            square = (level - energies[:, i]) ** 2
            rough -= 0.5 * square / variance
            value -= 0.5 * square / (variance * often) + 0.5 * np.log(variance)
        rough = np.where(np.isfinite(rough), rough, -np.inf)
        if not k:
            rough = rough + np.log(problem.start + FLOOR)
        best = np.argsort(-rough, kind="stable")[:kept]
        best = best[rough[best] > rough[best[0]] - CUT]
        states.append(best)
        unary.append(value[best])
    dark = dark_chances(light, seen) if problem.use_light else np.zeros((len(states), 2, len(CHARGES)))
    links = [_link(problem, k, energies, variances, dark, *states[k : k + 2]) for k in range(len(states) - 1)]
    return _chained(problem, theta, light, states, unary, links)


@dataclass(frozen=True, eq=False)
class _Link:
    """Weights (kept, kept) of a jump: something moved; or all stayed and (names of SAME) what happened."""

    moved: Array
    same: dict[str, Array]
    outlier: Array

    @property
    def whole(self) -> Array:
        return sum(self.same.values(), self.moved + self.outlier)


def _link(
    problem: Problem, k: int, energies: Array, variances: Array, dark: Array, old: Array, new: Array
) -> _Link:
    seen, priors = problem.seen, problem.moves.priors
    moved = problem.moves.total[np.ix_(old, new)].astype(float)
    stays = (old[:, None] == new[None, :]).astype(float)
    known = [i for i in (0, 1) if np.isfinite(seen.jumps[k, i]) and problem.use_emitters[i]]
    outside = 1.0
    for i in known:
        size, error = seen.jumps[k, i], seen.jump_errors[k, i] ** 2
        apart = energies[new, i][None, :] - energies[old, i][:, None]
        variance = error + variances[old, i][:, None] + variances[new, i][None, :]
        moved *= np.exp(-0.5 * (size - apart) ** 2 / variance) / np.sqrt(variance)
        stays *= np.exp(-0.5 * size**2 / error) / np.sqrt(error)
        outside *= np.sqrt(2.0 * np.pi) / OUTLIER
    goes, comes = [], []
    for i in (0, 1):
        before, after = dark[k, i][problem.charges[i][old]], dark[k + 1, i][problem.charges[i][new]]
        goes.append((1.0 - before)[:, None] * after)
        comes.append(before[:, None] * (1.0 - after))
    steady = [1.0 - goes[i] - comes[i] for i in (0, 1)]
    unchanged = steady[0] * steady[1]
    moved *= unchanged + priors.two * (1.0 - unchanged)  # a charge and a quenching at once are two moves
    same = {STILL: priors.still * stays * unchanged}
    for i in (0, 1):
        for label, turned in ((QUENCHED, goes), (LIT, comes)):
            same[label.format(i + 1)] = priors.quenching * stays * turned[i] * steady[1 - i]
    if len(known) == 2:
        size, cover = seen.jumps[k], np.diag(seen.jump_errors[k] ** 2) + COMMON**2
        common = np.exp(-0.5 * size @ np.linalg.solve(cover, size)) / np.sqrt(np.linalg.det(cover))
        same[DRIFT] = priors.drift * common * (old[:, None] == new[None, :]) * unchanged
    outlier = np.broadcast_to(priors.none * outside * problem.start[new], moved.shape)
    return _Link(moved, same, outlier)


def _chained(
    problem: Problem,
    theta: Array,
    light: LightModel,
    states: list[Array],
    unary: list[Array],
    links: list[_Link],
) -> Solution:
    count = len(states)
    tops = [float(each.max()) for each in unary]
    weights = [np.exp(each - top) for each, top in zip(unary, tops, strict=True)]
    row = (problem.start[states[0]] + FLOOR) * weights[0]
    forward, evidence = [row / row.sum()], float(np.log(row.sum())) + tops[0]
    whole = [each.whole for each in links]
    for k in range(1, count):
        row = (forward[-1] @ whole[k - 1]) * weights[k]
        evidence += float(np.log(row.sum() + FLOOR)) + tops[k]
        forward.append(row / (row.sum() + FLOOR))
    chances: list[Array] = [forward[-1]]
    moved: list[Array] = []
    unmoved: list[dict[str, float]] = []
    back = np.ones(len(states[-1]))
    for k in range(count - 2, -1, -1):
        after, link = back * weights[k + 1], links[k]
        before = forward[k]
        parts = {label: float(before @ each @ after) for label, each in link.same.items()}
        parts[NONE] = float(before @ link.outlier @ after)
        joint = before[:, None] * link.moved * after
        total = sum(parts.values()) + float(joint.sum()) + FLOOR
        moved.insert(0, joint / total)
        unmoved.insert(0, {label: part / total for label, part in parts.items()})
        back = whole[k] @ after
        back = back / (back.max() + FLOOR)
        chance = forward[k] * back
        chances.insert(0, chance / (chance.sum() + FLOOR))
    return Solution(theta, light, states, chances, forward, whole, moved, unmoved, evidence)


def _maximised(problem: Problem, found: Solution) -> Array:
    """θ of greatest posterior for given chances."""
    return np.linalg.solve(*information_of(problem, found))


def prior_of(problem: Problem, theta: Array) -> float:
    """Logarithm of the prior density of θ, but for a constant."""
    pull = (theta - problem.prior) / problem.width
    apart = (theta[0] - theta[1] - splitting_of(problem.table)) / SPLITTING
    return float(-0.5 * (pull @ pull + apart**2))


def splitting_of(table: ChargeTable) -> float:
    """By how much the neutral dot 1 lies above dot 2 in the model, meV."""
    return 1e3 * float(table.neutral_eV[0] - table.neutral_eV[1])


def information_of(problem: Problem, found: Solution) -> tuple[Array, Array]:
    """Inverse covariance (5, 5) of θ for given chances, and what it gives times the best θ."""
    features, rest = features_of(problem), problem.table.rest.reshape(-1, 2)
    variances = problem.table.spread.reshape(-1, 2) ** 2
    matrix, vector = np.diag(problem.width**-2.0), problem.prior / problem.width**2
    apart = np.array([1.0, -1.0, 0.0, 0.0, 0.0]) / SPLITTING
    matrix += np.outer(apart, apart)
    vector += apart * splitting_of(problem.table) / SPLITTING
    seen, often = problem.seen, max(1.0, len(problem.seen.begins) / problem.seen.independent)
    for i in (0, 1):
        if not problem.use_emitters[i]:
            continue
        for k, (states, weights) in enumerate(zip(found.states, found.chances, strict=True)):
            if np.isfinite(seen.levels[k, i]):
                variance = seen.diffusion[i] ** 2 + seen.level_errors[k, i] ** 2 + variances[states, i]
                values = seen.levels[k, i] - rest[states, i]
                _add(matrix, vector, features[i][states], values, weights / (variance * often))
        for k, joint in enumerate(found.moved):
            if np.isfinite(seen.jumps[k, i]):
                first, second = np.nonzero(joint > 1e-4)
                old, new = found.states[k][first], found.states[k + 1][second]
                variance = seen.jump_errors[k, i] ** 2 + variances[old, i] + variances[new, i]
                values = seen.jumps[k, i] - (rest[new, i] - rest[old, i])
                step = features[i][new] - features[i][old]
                _add(matrix, vector, step, values, joint[first, second] / variance)
    return matrix, vector


def _add(matrix: Array, vector: Array, features: Array, values: Array, weights: Array) -> None:
    good = np.isfinite(values)
    weighted = features[good] * weights[good, None]
    matrix += weighted.T @ features[good]
    vector += weighted.T @ values[good]
