"""Why a jump is called what it is: the same without one piece of evidence, or with another assumption.

Without a piece of evidence the log-odds of the called move against all others fall by so much; the piece
whose absence costs most has decided. The sign of a charge on the surface comes from the shift if it is lost
when both signs are made to shift alike, else from conservation: the dots' charges fix it. An assumption
overturns a verdict if another move comes first without it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spq.assignment.chargetable import ChargeTable
from spq.assignment.hypotheses import move_chances
from spq.assignment.inference import solved
from spq.assignment.marginal import Posterior, integrated
from spq.assignment.movepriors import MovePriors
from spq.assignment.moves import ANNIHILATED, COMBINED, NONE, TWO, moves_of
from spq.assignment.problem import Problem, Solution

Array = np.ndarray

DECIDED = 0.8
"""Chance from which on a jump is called."""
UNDECIDED = "undecided"
EVIDENCE = ("energy of dot 1", "energy of dot 2", "light of both dots")
SHIFT, CONSERVATION, OPEN, NO_CHARGE = (
    "shift",
    "conservation",
    "not determined",
    "no charge on the surface moved",
)
ASSUMPTIONS = {
    "dots take charges from the environment seldom": {"capture": 1.0, "environment": 1.0, "exchange": 1.0},
    "electrons are ejected from charged dots only": {"unexcited": 1.0},
}
EXACT = "trion shifts are uncertain by correlation"
MIXED = (COMBINED, TWO, NONE, ANNIHILATED)
"""What moves carriers of both signs, or of either."""
STARTS, ROUNDS, KEPT = 3, 3, 120
"""Solutions that are gone on from, rounds, and states of a stretch."""
DRAWS = 10
"""Of what the particle's own energies may be, in each of two rounds: enough to see what comes first."""


def without_evidence(problem: Problem) -> dict[str, Problem]:
    """The problem without each piece of evidence."""
    first, second = (replace(problem, use_emitters=each) for each in ((False, True), (True, False)))
    return dict(zip(EVIDENCE, (first, second, replace(problem, use_light=False)), strict=True))


def with_assumptions(problem: Problem) -> dict[str, Problem]:
    """The problem with each assumption given up; its name says what was assumed."""
    found = {}
    for name, change in ASSUMPTIONS.items():
        priors = MovePriors(**{**vars(problem.moves.priors), **change})
        found[name] = replace(problem, moves=moves_of(problem.table.sites, priors))
    exact = problem.width.copy()
    exact[2:] = 0.02, 0.5, 0.5
    prior = problem.prior.copy()
    prior[2:] = 1.0, 0.0, 0.0
    return found | {EXACT: replace(problem, prior=prior, width=exact)}


def signs_alike(table: ChargeTable) -> ChargeTable:
    """A table in which charges of both signs shift alike: by the mean of their shifts."""
    sites = table.sites
    mirrored = [tuple(replace(each, sign=-each.sign) for each in charges) for charges in sites.configurations]
    place = [sites.place.get(each, sites.place.get(each[::-1], -1)) for each in mirrored]
    return replace(table, rest=0.5 * (table.rest + table.rest[:, :, place]))


def reasons(problem: Problem, found: list[Solution], calls: list[str], seed: int):
    """What decided each call (jumps, evidence) in log-odds, what overturns it, and where a sign comes from.

    All is compared with the same problem as it is, solved and drawn in the same way.
    """
    base = _chances(problem, found, seed)
    costs = np.full((len(calls), len(EVIDENCE)), np.nan)
    for column, other in enumerate(without_evidence(problem).values()):
        chances = _chances(other, found, seed)
        for k, call in enumerate(calls):
            costs[k, column] = _odds(base[k].get(call, 0.0)) - _odds(chances[k].get(call, 0.0))
    overturned = [""] * len(calls)
    for name, other in with_assumptions(problem).items():
        chances = _chances(other, found, seed)
        for k, call in enumerate(calls):
            if not overturned[k] and next(iter(base[k])) == call != next(iter(chances[k])):
                overturned[k] = name
    alike = replace(problem, table=signs_alike(problem.table))
    return costs, overturned, _signs(calls, base, _chances(alike, found, seed))


def _chances(problem: Problem, found: list[Solution], seed: int) -> list[dict[str, float]]:
    """Chances of the moves, from the solutions of a similar problem, which are gone on from."""
    again = [solved(problem, each.theta, each.light, ROUNDS, KEPT) for each in found[:STARTS]]
    again.sort(key=lambda each: -each.evidence)
    return move_chances(problem.moves, integrated(problem, again, seed, DRAWS))


def _signs(calls: list[str], base: list[dict[str, float]], alike: list[dict[str, float]]) -> list[str]:
    """Where the sign comes from: with shifts as they are, and with those of both signs made alike."""
    said = []
    for k, call in enumerate(calls):
        if call in MIXED:
            said.append(OPEN)
            continue
        sign = sign_of(call)
        if sign is None:
            said.append(NO_CHARGE)
            continue
        with_shift, without = (_share(each, sign) for each in (base[k], alike[k]))
        said.append(CONSERVATION if without >= DECIDED else SHIFT if with_shift >= DECIDED else OPEN)
    return said


def sign_of(label: str) -> str | None:
    """The carrier that a move puts on the surface, takes from it or moves there; None if there is none."""
    if "environment" in label and "trapped" not in label:
        return None
    for carrier in ("hole", "electron"):
        if f"trapped {carrier}" in label or (label.startswith(carrier) and "ejected" in label):
            return carrier
    return None


def _share(chances: dict[str, float], sign: str) -> float:
    """Chance of a carrier's sign among the moves that have one."""
    known = {label: chance for label, chance in chances.items() if sign_of(label) is not None}
    total = sum(known.values())
    return sum(c for label, c in known.items() if sign_of(label) == sign) / total if total > 0 else 0.0


def _odds(chance: float) -> float:
    chance = min(max(chance, 1e-6), 1.0 - 1e-6)
    return float(np.log(chance / (1.0 - chance)))


def called(chances: list[dict[str, float]]) -> tuple[list[str], list[str]]:
    """The likeliest move of each jump, and the verdict: that move, or that it is undecided."""
    first = [next(iter(each)) for each in chances]
    verdict = [
        label if each[label] >= DECIDED else UNDECIDED for label, each in zip(first, chances, strict=True)
    ]
    return first, verdict


def charges_of(problem: Problem, found: Posterior) -> tuple[Array, Array]:
    """Chances of the charges of the dots (K, 2, 4), and of a charge of each sign at each site (K, 2,
    sites)."""
    table = problem.table
    whole = found.states.reshape(len(found.states), 4, 4, table.configurations)
    charge = np.stack([whole.sum(axis=(2, 3)), whole.sum(axis=(1, 3))], axis=1)
    surface = whole.sum(axis=(1, 2))
    held = np.zeros((table.configurations, 2, len(table.sites.z)))
    for number, placed in enumerate(table.sites.configurations):
        for each in placed:
            held[number, 0 if each.sign > 0 else 1, each.site] += 1.0
    return charge, np.einsum("kc,csz->ksz", surface, held)
