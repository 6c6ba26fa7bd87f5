"""Forward and backward over microstates: which sequence of charges explains levels and jumps of both
emitters.

With states s of stretch k, d which emitters are dark, and θ (the particle's own energies, `problem`),

    p(s_1 ... s_K | data) ∝ p(s_1) Π u_k(s_k) Π T(s_k, s_k+1) N(jump_k; E(s_k+1) - E(s_k), σ_k²),

u_k the levels (weakly: they diffuse) and the light of the stretch, T the priors of moves: L. R. Rabiner,
Proc. IEEE 77, 257 (1989). s stands for (s, d).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.assignment.chargetable import CHARGES
from spq.assignment.light import LightModel, light_evidence
from spq.assignment.moves import DRIFT, NONE, STILL, TWO
from spq.assignment.problem import Problem, Solution, energies_of
from spq.assignment.quenching import ALIKE, PAIRS, first_pairs, staying, turns

Array = np.ndarray

CUT = 14.0
"""How far below the best in log-likelihood a state of a stretch is looked at."""
OUTLIER = 40.0
"""meV over which a jump that no move explains is spread."""
ASTRAY = 0.5
"""Chance that the energy of a dark emitter is not its own: few photons, of other lines and of background."""
COMMON = 3.0
"""meV, standard deviation of a drift of the instrument, the same for both emitters."""
FLOOR = 1e-300


def passed(problem: Problem, theta: Array, light: LightModel, kept: int) -> Solution:
    """Forward and backward for one θ, over the `kept` likeliest states of each stretch at most."""
    energies, variances = energies_of(problem, theta), problem.table.spread.reshape(-1, 2) ** 2
    shown, stays = _light(problem, light), staying(problem.seen, problem.moves.priors)
    stays[0] += np.log(first_pairs())
    states, dark, unary = [], [], []
    for k in range(len(problem.seen.begins)):
        rough, levels = _levels(problem, k, energies, variances)
        if not k:
            rough = rough + np.log(problem.start + FLOOR)
        best, pairs = _likeliest(rough, shown[k], kept)
        states.append(best)
        dark.append(pairs)
        charge = [each[best] for each in problem.charges]
        value = shown[k][charge[0], charge[1], pairs] + stays[k, pairs]
        for i, level in levels.items():
            wrong = np.where(PAIRS[pairs, i] > 0, ASTRAY, problem.moves.priors.none)
            value += np.log(_astray(np.exp(level[best]), wrong))
        unary.append(value)
    ends = (energies, variances)
    links = [_link(problem, k, *ends, states[k : k + 2], dark[k : k + 2]) for k in range(len(states) - 1)]
    return _chained(problem, theta, light, (states, dark), unary, links)


def _astray(density: Array, wrong: Array | float = ASTRAY) -> Array:
    """Density of an energy that is not the emitter's own with a chance, without its factor 1/√(2π)."""
    return (1.0 - wrong) * density + wrong * np.sqrt(2.0 * np.pi) / OUTLIER


def _light(problem: Problem, light: LightModel) -> Array:
    """Log-likelihood (K, 4, 4, 9) of the light of each stretch."""
    if problem.use_light:
        return light_evidence(light, problem.seen)
    lit = np.where(PAIRS.any(axis=1), -np.inf, 0.0)
    return np.tile(lit, (len(problem.seen.begins), len(CHARGES), len(CHARGES), 1))


def _levels(problem: Problem, k: int, energies: Array, variances: Array) -> tuple[Array, dict[int, Array]]:
    """Log-likelihoods (states,) of a stretch's levels: as if diffusion began anew in it, by which states are
    chosen; and of each emitter that is seen, with what all stretches share of it, by which they count."""
    seen = problem.seen
    often = max(1.0, len(seen.begins) / seen.independent)
    rough, levels = np.zeros(len(energies)), {}
    for i in (0, 1):
        level = seen.levels[k, i]
        if np.isfinite(level) and problem.use_emitters[i]:
            variance = seen.diffusion[i] ** 2 + seen.level_errors[k, i] ** 2 + variances[:, i]
            square = (level - energies[:, i]) ** 2
            rough -= 0.5 * square / variance + 0.5 * np.log(variance)
            levels[i] = -0.5 * square / (variance * often) - 0.5 * np.log(variance * often)
    return np.where(np.isfinite(rough), rough, -np.inf), levels


def _likeliest(rough: Array, shown: Array, kept: int) -> tuple[Array, Array]:
    """Microstates of a stretch that are looked at, and which emitters are dark in each, the likeliest first;
    of those that give the same light all or none."""
    by_charge = rough.reshape(len(CHARGES) ** 2, -1)
    pairs = shown.reshape(len(CHARGES) ** 2, -1)[:, ALIKE[:, 0]]
    tops = (by_charge + pairs.max(axis=1, keepdims=True)).ravel()
    best = np.argsort(-tops, kind="stable")[:kept]
    best = best[tops[best] > tops[best[0]] - CUT]
    whole = (rough[best][:, None] + pairs[best // by_charge.shape[1]]).ravel()
    order = np.argsort(-whole, kind="stable")[:kept]
    order = order[whole[order] > whole.max() - CUT]
    state, row = np.divmod(order, len(ALIKE))
    alike = ALIKE[row]
    return np.repeat(best[state], (alike >= 0).sum(axis=1)), alike[alike >= 0]


@dataclass(frozen=True, eq=False)
class _Link:
    """Weights (kept, kept) of a jump: a charge moved; or what else happened (label)."""

    moved: Array
    others: dict[str, Array]

    @property
    def whole(self) -> Array:
        return sum(self.others.values(), self.moved)


def _link(
    problem: Problem, k: int, energies: Array, variances: Array, states: list[Array], dark: list[Array]
) -> _Link:
    seen, priors = problem.seen, problem.moves.priors
    (old, new), turned = states, turns(priors)
    moved = problem.moves.total[np.ix_(old, new)] * problem.entering[new]
    stays = (old[:, None] == new[None, :]).astype(float)
    known = [i for i in (0, 1) if np.isfinite(seen.jumps[k, i]) and problem.use_emitters[i]]
    outside = 1.0
    for i in known:
        size, error = seen.jumps[k, i], seen.jump_errors[k, i] ** 2
        apart = energies[new, i][None, :] - energies[old, i][:, None]
        variance = error + variances[old, i][:, None] + variances[new, i][None, :]
        shifts = np.exp(-0.5 * (size - apart) ** 2 / variance) / np.sqrt(variance)
        same_energy = np.exp(-0.5 * size**2 / error) / np.sqrt(error)
        is_dark = (PAIRS[dark[0], i] > 0)[:, None] | (PAIRS[dark[1], i] > 0)[None, :]
        moved *= np.where(is_dark, _astray(shifts), shifts)
        stays *= np.where(is_dark, _astray(same_energy), same_energy)
        outside *= np.sqrt(2.0 * np.pi) / OUTLIER
    steady = (dark[0][:, None] == dark[1][None, :]).astype(float)
    possible = np.ix_(*(np.unique(each) for each in dark))
    turned = {label: each[np.ix_(*dark)] for label, each in turned.items() if each[possible].any()}
    # a charge and a quenching at once are two moves
    both = moved * sum((priors.two * each for each in turned.values()), np.zeros(moved.shape))
    moved *= steady
    others = {TWO: both, STILL: priors.still * stays * steady}
    others |= {label: stays * each for label, each in turned.items()}
    if len(known) == 2:
        size, cover = seen.jumps[k], np.diag(seen.jump_errors[k] ** 2) + COMMON**2
        common = np.exp(-0.5 * size @ np.linalg.solve(cover, size)) / np.sqrt(np.linalg.det(cover))
        others[DRIFT] = priors.drift * common * (old[:, None] == new[None, :]) * steady
    anything = problem.start[new] * first_pairs()[dark[1]]
    others[NONE] = np.broadcast_to(priors.none * outside * anything, moved.shape)
    return _Link(moved, others)


def _chained(
    problem: Problem,
    theta: Array,
    light: LightModel,
    kept: tuple[list[Array], list[Array]],
    unary: list[Array],
    links: list[_Link],
) -> Solution:
    states, dark = kept
    tops = [float(each.max()) for each in unary]
    weights = [np.exp(each - top) for each, top in zip(unary, tops, strict=True)]
    row = (problem.start[states[0]] + FLOOR) * weights[0]
    forward, evidence = [row / row.sum()], float(np.log(row.sum())) + tops[0]
    whole = [each.whole for each in links]
    for k in range(1, len(states)):
        row = (forward[-1] @ whole[k - 1]) * weights[k]
        evidence += float(np.log(row.sum() + FLOOR)) + tops[k]
        forward.append(row / (row.sum() + FLOOR))
    chances: list[Array] = [forward[-1]]
    moved: list[Array] = []
    unmoved: list[dict[str, float]] = []
    back = np.ones(len(states[-1]))
    for k in range(len(states) - 2, -1, -1):
        after, link, before = back * weights[k + 1], links[k], forward[k]
        parts = {label: float(before @ each @ after) for label, each in link.others.items()}
        joint = before[:, None] * link.moved * after
        total = sum(parts.values()) + float(joint.sum()) + FLOOR
        moved.insert(0, joint / total)
        unmoved.insert(0, {label: part / total for label, part in parts.items()})
        back = whole[k] @ after
        back = back / (back.max() + FLOOR)
        chance = before * back
        chances.insert(0, chance / (chance.sum() + FLOOR))
    return Solution(theta, light, states, dark, chances, forward, whole, moved, unmoved, evidence)
