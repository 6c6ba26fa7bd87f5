"""θ of greatest posterior, by expectation and maximisation, and its evidence by Laplace's method.

For given chances of the states log p(data, θ) is quadratic in θ, so that a step is the solution of a linear
system: A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1 (1977).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spq.assignment.chain import passed
from spq.assignment.chargetable import CHARGES
from spq.assignment.light import LightModel, refitted
from spq.assignment.problem import SPLITTING, Problem, Solution, prior_of, splitting_of
from spq.assignment.quenching import PAIRS

Array = np.ndarray

KEPT = 700
"""States of a stretch that are looked at, at most."""
SETTLED = 0.05


def solved(problem: Problem, theta: Array, light: LightModel, rounds: int, kept: int = KEPT) -> Solution:
    """Expectation and maximisation from a start."""
    found = passed(problem, theta, light, kept)
    for _ in range(rounds):
        theta = _maximised(problem, found)
        light = refitted(light, problem.seen, lit_chances(problem, found)) if problem.use_light else light
        old, found = found.evidence, passed(problem, theta, light, kept)
        if abs(found.evidence - old) < SETTLED:
            break
    logdet = np.linalg.slogdet(information_of(problem, found)[0])[1]
    return replace(found, evidence=found.evidence + prior_of(problem, found.theta) - 0.5 * float(logdet))


def lit_chances(problem: Problem, found: Solution) -> Array:
    """Chances (K, 2, 4) that a dot has each charge and is lit."""
    chances = np.zeros((len(found.states), 2, len(CHARGES)))
    for k, (states, dark, weights) in enumerate(zip(found.states, found.dark, found.chances, strict=True)):
        for i in (0, 1):
            lit = weights * (PAIRS[dark, i] == 0)
            chances[k, i] = np.bincount(problem.charges[i][states], lit, len(CHARGES))
    return chances


def _maximised(problem: Problem, found: Solution) -> Array:
    """θ of greatest posterior for given chances."""
    return np.linalg.solve(*information_of(problem, found))


def information_of(problem: Problem, found: Solution) -> tuple[Array, Array]:
    """Inverse covariance (5, 5) of θ for given chances, and what it gives times the best θ."""
    features, rest = problem.features, problem.table.rest.reshape(-1, 2)
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
