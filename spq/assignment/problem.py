"""What is given of an assignment: energies of all microstates, moves, observations and priors.

The energy of emitter i in microstate s is R_i(s) + f_i(s)·θ, θ = (energies of the neutral dots, scale of the
shift by a dot's own charge, its offset in meV if that is negative, and if positive).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from spq.assignment.chargetable import CHARGES, ChargeTable
from spq.assignment.light import LightModel
from spq.assignment.moves import Moves
from spq.assignment.observations import Observations

Array = np.ndarray

PRIOR = np.array([0.0, 0.0, 1.0, -3.0, 0.0])
WIDTH = np.array([60.0, 60.0, 0.25, 6.0, 8.0])
"""θ before anything is measured, energies about the mean of all. Correlation makes trions 6 to 14 meV redder
than the mean field (labelled priors)."""
SPLITTING = 6.0
"""meV, how well the model knows by how much the neutral dots differ (a labelled prior): it is made for this
particle, its sizes deduced from these two lines."""


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

    @cached_property
    def charges(self) -> tuple[Array, Array]:
        """Index of the charge of each dot of every state, (states,) each."""
        count, grid = self.table.configurations, np.arange(len(CHARGES))
        return np.repeat(grid, len(CHARGES) * count), np.tile(np.repeat(grid, count), len(CHARGES))

    @cached_property
    def entering(self) -> Array:
        """Factor (states,) on coming into a state: the chance that no electron falls to a dot that emits."""
        falls = self.table.falls.reshape(-1, 2).any(axis=1)
        return np.where(falls, 1.0 - self.moves.priors.falling, 1.0)

    @cached_property
    def features(self) -> Array:
        """f, what θ is multiplied with, (2, states, 5)."""
        found = np.zeros((2, len(self.start), len(PRIOR)))
        for i, charge in enumerate(self.charges):
            value = np.array(CHARGES)[charge]
            found[i, :, i] = 1.0
            found[i, :, 2] = self.table.own[i][charge]
            found[i, :, 3] = value < 0
            found[i, :, 4] = value > 0
        return found


@dataclass(frozen=True, eq=False)
class Solution:
    """What one θ gave.

    theta (5,) and light as used. states, dark: microstates kept in each stretch, and which emitters are dark
    in them (of `quenching.PAIRS`); chances of these. forward: chances of them by all before, links: weights
    (kept, kept) of all that may happen at a jump, from which paths are drawn. moved: joint chances of what is
    kept on both sides of each jump, (kept, kept), a charge having moved; unmoved: chances at each jump that
    an emitter went dark or came back, nothing moved, the instrument did, or that no move explains it.
    evidence: log.
    """

    theta: Array
    light: LightModel
    states: list[Array]
    dark: list[Array]
    chances: list[Array]
    forward: list[Array]
    links: list[Array]
    moved: list[Array]
    unmoved: list[dict[str, float]]
    evidence: float


def energies_of(problem: Problem, theta: Array) -> Array:
    """Energies (states, 2) in meV above the origin of the observations."""
    return problem.table.rest.reshape(-1, 2) + (problem.features @ theta).T


def splitting_of(table: ChargeTable) -> float:
    """By how much the neutral dot 1 lies above dot 2 in the model, meV."""
    return 1e3 * float(table.neutral_eV[0] - table.neutral_eV[1])


def prior_of(problem: Problem, theta: Array) -> float:
    """Logarithm of the prior density of θ, but for a constant."""
    pull = (theta - problem.prior) / problem.width
    apart = (theta[0] - theta[1] - splitting_of(problem.table)) / SPLITTING
    return float(-0.5 * (pull @ pull + apart**2))
