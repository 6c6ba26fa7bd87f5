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
from spq.assignment.light import LightModel, light_evidence, refitted
from spq.assignment.moves import Moves
from spq.assignment.observations import Observations

Array = np.ndarray

KEPT, CUT = 700, 14.0
"""States of a stretch that are looked at, at most, and how far below the best in log-likelihood."""
PRIOR = np.array([0.0, 0.0, 1.0, -3.0, 0.0])
WIDTH = np.array([60.0, 60.0, 0.25, 6.0, 8.0])
"""θ before anything is measured: energies of the neutral dots about the mean of all; scale of the shift by
the dot's own charge; its offset in meV if that is negative, and if positive. Correlation makes trions 6 to 14
meV redder than the mean field (labelled priors)."""
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

    theta (5,) and light as fitted. states: kept in each stretch, and their chances. moved: joint chances of
    kept states on both sides of each jump, (kept, kept), something having moved; still, drift: chances
    (kept,) that nothing or the instrument did, by the state; outlier (K - 1,): that no move explains the
    jump. evidence: log.
    """

    theta: Array
    light: LightModel
    states: list[Array]
    chances: list[Array]
    forward: list[Array]
    links: list[Array]
    moved: list[Array]
    still: Array
    drift: Array
    outlier: Array
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
    links = [_link(problem, k, energies, variances, *states[k : k + 2]) for k in range(len(states) - 1)]
    return _chained(problem, theta, light, states, unary, links)


@dataclass(frozen=True, eq=False)
class _Link:
    """Weights of a jump: of every change (kept, kept), of none and of a drift (same), of an outlier
    (kept',)."""

    moved: Array
    still: Array
    drift: Array
    outlier: Array

    @property
    def whole(self) -> Array:
        return self.moved + self.still + self.drift + self.outlier


def _link(problem: Problem, k: int, energies: Array, variances: Array, old: Array, new: Array) -> _Link:
    seen, moves = problem.seen, problem.moves
    chance = moves.total[np.ix_(old, new)].astype(float)
    same = (old[:, None] == new[None, :]).astype(float)
    still, outside = same * moves.priors.still, 1.0
    known = [i for i in (0, 1) if np.isfinite(seen.jumps[k, i]) and problem.use_emitters[i]]
    for i in known:
        size, error = seen.jumps[k, i], seen.jump_errors[k, i] ** 2
        apart = energies[new, i][None, :] - energies[old, i][:, None]
        variance = error + variances[old, i][:, None] + variances[new, i][None, :]
        chance *= np.exp(-0.5 * (size - apart) ** 2 / variance) / np.sqrt(variance)
        still *= np.exp(-0.5 * size**2 / error) / np.sqrt(error)
        outside *= np.sqrt(2.0 * np.pi) / OUTLIER
    drift = same * moves.priors.drift
    if len(known) == 2:
        size, cover = seen.jumps[k], np.diag(seen.jump_errors[k] ** 2) + COMMON**2
        drift *= np.exp(-0.5 * size @ np.linalg.solve(cover, size)) / np.sqrt(np.linalg.det(cover))
    else:
        drift *= 0.0
    outlier = np.broadcast_to(moves.priors.none * outside * problem.start[new], chance.shape)
    return _Link(chance, still, drift, outlier)


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
    shares = np.zeros((3, max(count - 1, 0)))
    back = np.ones(len(states[-1]))
    for k in range(count - 2, -1, -1):
        after, link = back * weights[k + 1], links[k]
        parts = [
            forward[k][:, None] * each * after for each in (link.moved, link.still, link.drift, link.outlier)
        ]
        total = sum(float(each.sum()) for each in parts) + FLOOR
        moved.insert(0, parts[0] / total)
        shares[:, k] = [float(each.sum()) / total for each in parts[1:]]
        back = whole[k] @ after
        back = back / (back.max() + FLOOR)
        chance = forward[k] * back
        chances.insert(0, chance / (chance.sum() + FLOOR))
    return Solution(
        theta, light, states, chances, forward, whole, moved, shares[0], shares[1], shares[2], evidence
    )


def _maximised(problem: Problem, found: Solution) -> Array:
    """θ of greatest posterior for given chances."""
    return np.linalg.solve(*information_of(problem, found))


def prior_of(problem: Problem, theta: Array) -> float:
    """Logarithm of the prior density of θ, but for a constant."""
    return float(-0.5 * (((theta - problem.prior) / problem.width) ** 2).sum())


def information_of(problem: Problem, found: Solution) -> tuple[Array, Array]:
    """Inverse covariance (5, 5) of θ for given chances, and what it gives times the best θ."""
    features, rest = features_of(problem), problem.table.rest.reshape(-1, 2)
    variances = problem.table.spread.reshape(-1, 2) ** 2
    matrix, vector = np.diag(problem.width**-2.0), problem.prior / problem.width**2
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
