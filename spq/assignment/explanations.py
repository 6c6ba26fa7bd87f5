"""Explanations of one measurement: which emitter is which dot, which model, and whether a charge stays
throughout in a trap that cannot be reached.

P(explanation | data) ∝ P(explanation) ∫ p(data | θ, explanation) p(θ) dθ: each is a problem of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import softmax

from spq.assignment.chargetable import CHARGES, ChargeTable, beside
from spq.assignment.hypotheses import mixed, move_chances
from spq.assignment.inference import solved
from spq.assignment.light import light_model
from spq.assignment.marginal import Posterior, integrated
from spq.assignment.movepriors import MovePriors
from spq.assignment.moves import WHERE, moves_of
from spq.assignment.observations import Observations
from spq.assignment.problem import Problem, Solution
from spq.assignment.sites import Placed
from spq.assignment.starts import first_states, searched
from spq.assignment.verdicts import charges_of
from spq.progress import Progress

Array = np.ndarray

HOPELESS = 10.0
"""Log evidence below the best from which on an explanation is left."""
UNLIKELY = 5.0
"""Log evidence below the best of Laplace's method from which on a charge that stays is not integrated."""
STARTS, ROUNDS, KEPT, DRAWS = 2, 2, 80, 12
"""For a charge that stays: solutions without it that are gone on from, rounds, states of a stretch, draws."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """A problem with its solutions and posterior.

    model: number of the model, from 0. exchanged: emitter 1 is dot 2. stays: the charge in a trap that cannot
    be reached, or None. share: probability among all explanations.
    """

    problem: Problem
    found: list[Solution]
    posterior: Posterior
    model: int
    exchanged: bool
    stays: Placed | None
    prior: float
    share: float = 1.0

    @property
    def log_weight(self) -> float:
        """Logarithm of prior times evidence."""
        return float(np.log(self.prior)) + self.posterior.evidence


def explained(
    seen: Observations, tables: Sequence[ChargeTable], priors: MovePriors, seed: int, progress: Progress
) -> list[Explanation]:
    """All explanations that are not hopeless, the likeliest first."""
    tried = []
    for number, table in enumerate(tables):
        moves, first = moves_of(table.sites, priors), first_states(table)
        for exchanged in (False, True):
            progress("starts", 2 * number + exchanged, 2 * len(tables))
            problem = Problem(table, moves, mirrored(seen) if exchanged else seen, first)
            tried.append((problem, searched(problem, light_model(problem.seen)), number, exchanged))
    best = max(found[0].evidence for _, found, _, _ in tried)
    tried = [each for each in tried if each[1][0].evidence > best - HOPELESS]
    prior = (1.0 - priors.inaccessible) / (2 * len(tables))
    explanations = []
    for place, (problem, found, number, exchanged) in enumerate(tried):
        progress("microstates", place, len(tried))
        posterior = integrated(problem, found, seed)
        explanations.append(Explanation(problem, found, posterior, number, exchanged, None, prior))
    for each in _likely(explanations):
        explanations += _staying(each, priors, seed)
    return _shared(_likely(explanations))


def _likely(explanations: list[Explanation]) -> list[Explanation]:
    best = max(each.log_weight for each in explanations)
    return [each for each in explanations if each.log_weight > best - HOPELESS]


def _shared(explanations: list[Explanation]) -> list[Explanation]:
    shares = softmax([each.log_weight for each in explanations])
    found = [replace(each, share=float(share)) for each, share in zip(explanations, shares, strict=True)]
    return sorted(found, key=lambda each: -each.share)


def _staying(bare: Explanation, priors: MovePriors, seed: int) -> list[Explanation]:
    """The same with a charge that stays, at every site and of either sign, those that are likely enough."""
    if not priors.inaccessible > 0:
        return []
    sites = bare.problem.table.sites
    tried = []
    for sign in (1, -1):
        for site, weight in enumerate(sites.weights):
            charge = Placed(sign, site, 0)
            problem = _beside(bare.problem, charge, priors)
            shift = bare.problem.table.rest[CHARGES.index(0), CHARGES.index(0), sites.place[(charge,)]]
            found = [_gone_on(problem, each, shift) for each in bare.found[:STARTS]]
            found.sort(key=lambda each: -each.evidence)
            prior = bare.prior * priors.inaccessible / (1.0 - priors.inaccessible) * float(weight) / 2.0
            tried.append((problem, found, charge, prior))
    best = max(found[0].evidence for _, found, _, _ in tried)
    return [
        replace(
            bare,
            problem=problem,
            found=found,
            posterior=integrated(problem, found, seed, DRAWS),
            stays=charge,
            prior=prior,
        )
        for problem, found, charge, prior in tried
        if found[0].evidence > best - UNLIKELY
    ]


def _beside(bare: Problem, charge: Placed, priors: MovePriors) -> Problem:
    table = beside(bare.table, charge)
    return replace(bare, table=table, moves=moves_of(table.sites, priors), start=first_states(table))


def _gone_on(problem: Problem, found: Solution, shift: Array) -> Solution:
    """The solution beside a charge that shifts the neutral dots by `shift` (2,)."""
    theta = found.theta.copy()
    theta[:2] -= shift
    return solved(problem, theta, found.light, ROUNDS, KEPT)


def mirrored(seen: Observations) -> Observations:
    """The observations with the emitters exchanged."""
    names = ("levels", "level_errors", "jumps", "jump_errors", "photons", "photon_errors")
    changes: dict[str, Any] = {name: getattr(seen, name)[:, ::-1] for name in names}
    return replace(seen, diffusion=seen.diffusion[::-1], **changes)


def chances_of_moves(explanations: Sequence[Explanation]) -> list[dict[str, float]]:
    """Chance of every move at every jump, under all explanations, largest first."""
    shares = np.array([each.share for each in explanations])
    return mixed([move_chances(each.problem.moves, each.posterior) for each in explanations], shares)


def charges_under(explanations: Sequence[Explanation]) -> tuple[Array, Array, Array, Array]:
    """Chances of the charges of the dots (K, 2, 4), mean number of charges of each sign at each site (K, 2,
    sites), chances that each emitter is lit, quenched, bleached (K, 2, 3), and that a charge of each sign
    stays at a site (2, sites), under all explanations."""
    first = explanations[0].problem
    charge = np.zeros((len(first.seen.begins), 2, len(CHARGES)))
    held = np.zeros((len(charge), 2, len(first.table.sites.z)))
    dark = np.zeros((len(charge), 2, 3))
    stays = np.zeros(held.shape[1:])
    for each in explanations:
        found, placed = charges_of(each.problem, each.posterior)
        charge += each.share * found
        held += each.share * placed
        dark += each.share * each.posterior.dark
        if each.stays is not None:
            stays[0 if each.stays.sign > 0 else 1, each.stays.site] += each.share
    return charge, held + stays, dark, stays


def likeliest_path(explanations: Sequence[Explanation]) -> tuple[list[str], float]:
    """The sequence of charges that is drawn most often under all explanations, and how often."""
    counted: dict[tuple[str, ...], float] = {}
    for each in explanations:
        for path in each.posterior.paths:
            told = tuple(words(each.problem.table, state, each.stays) for state in path)
            counted[told] = counted.get(told, 0.0) + each.share / len(each.posterior.paths)
    best = max(counted, key=lambda told: counted[told])
    return list(best), counted[best]


def words(table: ChargeTable, state: int, stays: Placed | None = None) -> str:
    """A microstate in words: charges of the dots, and where on the surface charges are."""
    pair, configuration = divmod(int(state), table.configurations)
    one, two = (CHARGES[each] for each in divmod(pair, len(CHARGES)))
    charges = [*table.sites.configurations[configuration], *([stays] if stays else [])]
    placed = [
        f"{'+' if each.sign > 0 else '-'} on {WHERE[int(table.sites.regions[each.site])]}" for each in charges
    ]
    return ", ".join([f"dot 1: {one:+d}, dot 2: {two:+d}", *sorted(placed)])
