"""Chances of states and moves, with θ integrated out by importance sampling.

θ is drawn from a mixture q of Student distributions (5 degrees of freedom) about the solutions of all starts;
a draw counts with p(data | θ) p(θ)/q(θ): A. Owen, Y. Zhou, J. Am. Stat. Assoc. 95, 135 (2000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from spq.assignment.chain import passed
from spq.assignment.inference import information_of
from spq.assignment.problem import Problem, Solution, prior_of
from spq.assignment.quenching import PAIRS, STATES

Array = np.ndarray

DRAWS, KEPT = 64, 160
"""Draws of θ in each of two rounds, and states of a stretch that each of them looks at."""
PATHS = 400
NEGLIGIBLE = 1e-6
CENTRES = 12
"""Draws of the first round about which those of the second are drawn, at most."""
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
    unmoved : list of mappings
        For each jump the chance of what moves no charge, and of none of all.
    dark : float (K, 2, 3)
        Chance that each emitter is lit, quenched, bleached.
    theta, theta_error : float (5,)
    evidence : float
        Logarithm, but for a constant that depends on the observations alone.
    draws : float
        Effective number of draws.
    """

    states: Array
    moved: list[sparse.csr_matrix]
    unmoved: list[dict[str, float]]
    dark: Array
    theta: Array
    theta_error: Array
    paths: Array
    evidence: float
    draws: float


def integrated(problem: Problem, found: list[Solution], seed: int = 0, draws: int = DRAWS) -> Posterior:
    """Integrate θ out, about the solutions of `spq.assignment.starts.searched`.

    A second round of draws lies about the best of the first; all count by the mixture of both rounds.
    """
    generator = np.random.default_rng(seed)
    shares = np.exp(np.array([each.evidence for each in found]) - found[0].evidence)
    shares = np.maximum(shares / shares.sum(), 0.5 / len(found))
    scales = [WIDER * np.linalg.inv(information_of(problem, each)[0]) for each in found]
    mixture = _Mixture(found, [each.theta for each in found], scales, shares / shares.sum())
    drawn = mixture.drawn(problem, generator, draws)
    logs = _logs(problem, drawn, [mixture])
    weights = np.exp(logs - logs.max())
    best = np.argsort(-weights)[: max(1, min(CENTRES, int((weights > 0.01).sum())))]
    scales = [np.linalg.inv(information_of(problem, drawn[each])[0]) for each in best]
    near = _Mixture(
        [drawn[each] for each in best],
        [drawn[each].theta for each in best],
        scales,
        weights[best] / weights[best].sum(),
    )
    drawn += near.drawn(problem, generator, draws)
    logs = _logs(problem, drawn, [mixture, near])
    weights = np.exp(logs - logs.max())
    evidence = float(logs.max() + np.log(weights.mean()))
    weights /= weights.sum()
    return _summed(problem, drawn, weights, evidence, generator)


class _Mixture(NamedTuple):
    """Student distributions of θ about some solutions."""

    about: list[Solution]
    centres: list[Array]
    scales: list[Array]
    shares: Array

    def drawn(self, problem: Problem, generator: np.random.Generator, draws: int) -> list[Solution]:
        """As many draws of θ, each with its own pass over the states."""
        found = []
        for number in np.sort(generator.choice(len(self.about), draws, p=self.shares)):
            part = multivariate_t(self.centres[number], self.scales[number], FREEDOM)
            found.append(passed(problem, part.rvs(random_state=generator), self.about[number].light, KEPT))
        return found

    def density(self, thetas: Array) -> Array:
        """Logarithm of the density at thetas (n, 5)."""
        parts = [
            np.log(share) + np.atleast_1d(multivariate_t(centre, scale, FREEDOM).logpdf(thetas))
            for centre, scale, share in zip(self.centres, self.scales, self.shares, strict=True)
        ]
        return logsumexp(parts, axis=0)


def _logs(problem: Problem, drawn: list[Solution], mixtures: list[_Mixture]) -> Array:
    """Logarithm of the weight of each draw, of as many from each mixture."""
    thetas = np.array([each.theta for each in drawn])
    density = logsumexp([each.density(thetas) for each in mixtures], axis=0) - np.log(len(mixtures))
    return np.array([each.evidence + prior_of(problem, each.theta) for each in drawn]) - density


def _path(found: Solution, generator: np.random.Generator) -> Array:
    """One sequence of microstates (K,), backward from the last."""
    place = int(generator.choice(len(found.states[-1]), p=found.chances[-1]))
    path = [int(found.states[-1][place])]
    for k in range(len(found.links) - 1, -1, -1):
        weight = found.forward[k] * found.links[k][:, place]
        place = int(generator.choice(len(weight), p=weight / weight.sum()))
        path.insert(0, int(found.states[k][place]))
    return np.array(path)


def _summed(
    problem: Problem, drawn: list[Solution], weights: Array, evidence: float, generator: np.random.Generator
) -> Posterior:
    size, stretches = len(problem.start), len(problem.seen.begins)
    states = np.zeros((stretches, size))
    entries: list[list[tuple[Array, Array, Array]]] = [[] for _ in range(stretches - 1)]
    unmoved: list[dict[str, float]] = [{} for _ in range(stretches - 1)]
    dark = np.zeros((stretches, 2, len(STATES)))
    for each, weight in zip(drawn, weights, strict=True):
        if weight < NEGLIGIBLE:
            continue
        for k, (kept, pairs, chances) in enumerate(zip(each.states, each.dark, each.chances, strict=True)):
            np.add.at(states[k], kept, weight * chances)
            for i in (0, 1):
                dark[k, i] += weight * np.bincount(PAIRS[pairs, i], chances, len(STATES))
        for k, joint in enumerate(each.moved):
            rows, columns = np.nonzero(joint > 1e-7)
            values = weight * joint[rows, columns]
            entries[k].append((each.states[k][rows], each.states[k + 1][columns], values))
        for sums, parts in zip(unmoved, each.unmoved, strict=True):
            for label, part in parts.items():
                sums[label] = sums.get(label, 0.0) + float(weight) * part
    states /= states.sum(axis=1, keepdims=True)
    moved = []
    for found in entries:
        rows, columns, values = (np.concatenate(part) for part in zip(*found, strict=True))
        moved.append(sparse.csr_matrix((values, (rows, columns)), shape=(size, size)))
    thetas = np.array([each.theta for each in drawn])
    mean = weights @ thetas
    error = np.sqrt(weights @ (thetas - mean) ** 2)
    which = generator.choice(len(drawn), PATHS, p=weights)
    paths = np.array([_path(drawn[each], generator) for each in which])
    return Posterior(
        states=states,
        moved=moved,
        unmoved=unmoved,
        dark=dark,
        theta=mean,
        theta_error=error,
        paths=paths,
        evidence=evidence,
        draws=float(1.0 / (weights**2).sum()),
    )
