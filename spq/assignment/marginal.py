"""Chances of states and moves, with θ integrated out by importance sampling.

θ is drawn from a mixture q of Student distributions (5 degrees of freedom) about the solutions of all starts; a draw
counts with p(data | θ) p(θ)/q(θ): A. Owen, Y. Zhou, J. Am. Stat. Assoc. 95, 135 (2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from spq.assignment.inference import Problem, Solution, charge_chances, information_of, passed, prior_of
from spq.assignment.light import dark_chances

Array = np.ndarray

DRAWS, KEPT = 96, 160
"""Draws of θ, and states of a stretch that each of them looks at."""
FREEDOM, WIDER = 5.0, 2.5
"""Of the Student distributions, and the factor on their variances: chances of states are not certain."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """What is known of microstates and moves.

    Attributes
    ----------
    states : (K, states)
        Chance of every microstate in every stretch.
    moved : sparse (states, states), K - 1 of them
        Joint chance of microstates on both sides of a jump, something having moved.
    still, drift, outlier : float (K - 1,)
        Chances that nothing did, that the instrument did, that no move explains it.
    dark : float (K, 2)
        Chance that each emitter is quenched.
    theta, theta_error : float (5,)
    evidence : float
        Logarithm, but for a constant that depends on the observations alone.
    draws : float
        Effective number of draws.
    """

    states: Array
    moved: list[sparse.csr_matrix]
    still: Array
    drift: Array
    outlier: Array
    dark: Array
    theta: Array
    theta_error: Array
    evidence: float
    draws: float


def integrated(problem: Problem, found: list[Solution], seed: int = 0, draws: int = DRAWS) -> Posterior:
    """Integrate θ out, about the solutions of `spq.assignment.starts.searched`."""
    generator = np.random.default_rng(seed)
    scales = [WIDER * np.linalg.inv(information_of(problem, each)[0]) for each in found]
    shares = np.exp(np.array([each.evidence for each in found]) - found[0].evidence)
    shares = np.maximum(shares / shares.sum(), 0.5 / len(found))
    shares /= shares.sum()
    parts = [multivariate_t(each.theta, scale, FREEDOM) for each, scale in zip(found, scales, strict=True)]
    which = np.sort(generator.choice(len(found), draws, p=shares))
    drawn, logs = [], []
    for number in which:
        theta = parts[number].rvs(random_state=generator)
        density = logsumexp([np.log(p) + part.logpdf(theta) for p, part in zip(shares, parts, strict=True)])
        solution = passed(problem, theta, found[number].light, KEPT)
        drawn.append(solution)
        logs.append(solution.evidence + prior_of(problem, theta) - density)
    weights = np.exp(np.array(logs) - max(logs))
    evidence = float(max(logs) + np.log(weights.mean()))
    weights /= weights.sum()
    return _summed(problem, drawn, weights, evidence)


def _summed(problem: Problem, drawn: list[Solution], weights: Array, evidence: float) -> Posterior:
    size, stretches = len(problem.start), len(problem.seen.begins)
    states = np.zeros((stretches, size))
    entries: list[list[tuple[Array, Array, Array]]] = [[] for _ in range(stretches - 1)]
    single = np.zeros((3, max(stretches - 1, 0)))
    dark = np.zeros((stretches, 2))
    for each, weight in zip(drawn, weights, strict=True):
        if weight < 1e-5:
            continue
        for k, (kept, chances) in enumerate(zip(each.states, each.chances, strict=True)):
            states[k, kept] += weight * chances
        for k, joint in enumerate(each.moved):
            rows, columns = np.nonzero(joint > 1e-7)
            values = weight * joint[rows, columns]
            entries[k].append((each.states[k][rows], each.states[k + 1][columns], values))
        single += weight * np.stack([each.still, each.drift, each.outlier])
        if problem.use_light:
            dark += weight * dark_chances(each.light, problem.seen, charge_chances(problem, each))
    moved = []
    for found in entries:
        rows, columns, values = (np.concatenate(part) for part in zip(*found, strict=True))
        moved.append(sparse.csr_matrix((values, (rows, columns)), shape=(size, size)))
    thetas = np.array([each.theta for each in drawn])
    mean = weights @ thetas
    error = np.sqrt(weights @ (thetas - mean) ** 2)
    return Posterior(states, moved, *single, dark, mean, error, evidence, float(1.0 / (weights**2).sum()))
