"""Where a search begins: which levels could be those of neutral dots, and what states come first."""

from __future__ import annotations

from itertools import product

import numpy as np

from spq.assignment.chargetable import CHARGES, ChargeTable
from spq.assignment.inference import solved
from spq.assignment.light import LightModel
from spq.assignment.problem import SPLITTING, Problem, Solution, splitting_of
from spq.assignment.sites import Placed, Sites

Array = np.ndarray

GAP = 3.0
"""meV between levels that count as two."""
SURFACE = 4.0
"""meV that a charge on the surface may have shifted a level by."""
CANDIDATES, FIRST_KEPT, FINISHED = 3, 120, 12
"""Levels of each emitter that are tried; states of a stretch, and starts that are finished."""
FARTHEST = 4.0
"""Standard deviations up to which the neutral dots may differ by another energy than the model says."""
SAME, WORTH = 0.5, 12.0
"""meV between solutions that are one; log evidence below the best from which on a start is left."""
FIRST_CHARGE = {-2: 0.03, -1: 0.25, 0: 0.6, 1: 0.12}
FIRST_SURFACE = (0.5, 0.35, 0.15)
"""Chance of each charge of a dot, and of none, one and two charges on the surface, before anything is
seen."""
ROUNDS = 4


def first_states(table: ChargeTable) -> Array:
    """Chances (states,) of the first state before anything is seen."""
    chances = np.array([FIRST_CHARGE[each] for each in CHARGES])
    numbers = np.array([len(each) for each in table.sites.configurations])
    surface = np.array([_chance(table.sites, each) for each in table.sites.configurations])
    for number, share in enumerate(FIRST_SURFACE):
        of = numbers == number
        surface[of] *= share / max(surface[of].sum(), 1e-12)
    found = np.einsum("a,b,c->abc", chances, chances, surface).ravel()
    return found / found.sum()


def _chance(sites: Sites, charges: tuple[Placed, ...]) -> float:
    """Share of the places and strengths of as many charges."""
    found = float(np.prod([sites.weights[each.site] for each in charges]))
    if len(charges) == 1:
        return found * sites.strength_weights[charges[0].strength]
    return 2.0 * found if len(charges) == 2 and charges[0] != charges[1] else found


def searched(problem: Problem, light: LightModel) -> list[Solution]:
    """Solutions from all starts worth finishing, the likeliest first, none twice."""
    pairs = list(product(*(_candidates(problem, i) for i in (0, 1))))
    apart = [abs(first - second - splitting_of(problem.table)) for first, second in pairs]
    likely = [pair for pair, off in zip(pairs, apart, strict=True) if off < FARTHEST * SPLITTING]
    tried = []
    for first, second in likely or [pairs[int(np.argmin(apart))]]:
        theta = problem.prior.copy()
        theta[:2] = first, second
        tried.append(solved(problem, theta, light, 1, FIRST_KEPT))
    kept: list[Solution] = []
    apart_ones = _apart(tried)
    for each in apart_ones[:FINISHED]:
        if each.evidence > apart_ones[0].evidence - WORTH:
            kept.append(solved(problem, each.theta, each.light, ROUNDS, FIRST_KEPT))
    return _apart(kept)


def _apart(found: list[Solution]) -> list[Solution]:
    """Solutions without those at the same θ, the likeliest first."""
    kept: list[Solution] = []
    for each in sorted(found, key=lambda each: -each.evidence):
        if all(np.abs(each.theta - other.theta)[[0, 1, 3, 4]].max() > SAME for other in kept):
            kept.append(each)
    return kept


def _candidates(problem: Problem, emitter: int) -> list[float]:
    """Energies of the neutral dot to begin with: levels that were seen, bare or shifted by a charge on the
    surface, or what would make them those of a negative dot."""
    seen = problem.seen
    levels, lengths = seen.levels[:, emitter], (seen.ends - seen.begins).astype(float)
    good = np.isfinite(levels)
    order = np.argsort(levels[good])
    levels, lengths = levels[good][order], lengths[good][order]
    groups = np.concatenate([[0], np.cumsum(np.diff(levels) > GAP)])
    time = np.bincount(groups, lengths)
    means = np.bincount(groups, lengths * levels) / time
    bare = means[np.argsort(-time)][:CANDIDATES].tolist()
    negative = float(problem.table.own[emitter][CHARGES.index(-1)] + problem.prior[3])
    bare.append(float(means[0]) - negative)
    return [level + shift for level in bare for shift in (0.0, SURFACE)]
