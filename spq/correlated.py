"""Emission between correlated states: which eigenstates a charging state's name means, and their line.

The initial state is the lowest eigenstate that has its carriers where the name puts them; its share of that
placement is its purity. The final state is the one of the strongest line into the placement left.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from spq.carriers import State
from spq.correlation import Correlation
from spq.eigenstates import Eigenstates, Energy, eigenstates
from spq.errors import ConvergenceError
from spq.labelling import dot_populations, shares
from spq.parallel import in_threads
from spq.recombination import amplitudes, total_strength

log = logging.getLogger(__name__)

COUNT = 8  # eigenstates looked through at first
MOST = 32
PURE = 0.5  # share of a placement above which an eigenstate is that placement's
NEARLY = 0.8  # of the largest share: eigenstates that share a placement evenly
SOME = 0.05  # share below which no eigenstate resembles the placement
MAIN = 0.3  # of all strength: a line that is the main one
REMEMBERED = 6e8  # bytes of eigenstates in fields


@dataclass(frozen=True)
class Line:
    """The emission of a charging state as a line between two eigenstates.

    initial, final: parts of their energies; purity, final_purity: share of the placement that the state's
    name and what it leaves mean; strength: see spq.recombination; electrons, holes and final_*: on each dot;
    iterations of both eigensolvers.
    """

    state: State
    initial: Energy
    final: Energy
    purity: float
    final_purity: float
    strength: float
    electrons: tuple[float, ...]
    holes: tuple[float, ...]
    final_electrons: tuple[float, ...]
    final_holes: tuple[float, ...]
    iterations: int
    converged: bool = True

    @property
    def energy(self) -> float:
        """E[initial] − E[final] in eV."""
        return self.initial.total - self.final.total

    @property
    def overlap(self) -> float:
        """Strength of the line for each bright pair of the emitting dot."""
        state = self.state
        return 2 * self.strength / (state.electrons.count(state.emitter) * state.holes.count(state.emitter))

    @property
    def sharing(self) -> float:
        """Least share of a carrier on its dot before and after, as if all carriers were alike."""
        before = self.purity ** (1 / (len(self.state.electrons) + len(self.state.holes)))
        left = len(self.state.electrons) + len(self.state.holes) - 2
        return min(before, self.final_purity ** (1 / max(left, 1)))


@dataclass(frozen=True)
class Lost:
    """A line that was not found in some field."""

    state: State
    reason: str
    converged: bool = False
    energy: float = np.nan


class Lines:
    """The lines of a state in fields; bare: that without."""

    def __init__(self, problem: Correlation, bare: Line):
        self.problem, self.bare = problem, bare

    def solve(self, externals: np.ndarray) -> list[Line | Lost]:
        """The line in each of b fields (b, ...)."""

        def each(external: np.ndarray) -> Line | Lost:
            try:
                return line(self.problem, self.bare.state, external)
            except ConvergenceError as error:
                log.info("%s: %s", self.bare.state.name, error)
                return Lost(self.bare.state, str(error))

        return in_threads(each, externals)


def line(problem: Correlation, state: State, external: np.ndarray | None = None) -> Line:
    """The emission of a state in a field.

    Parameters
    ----------
    problem : Correlation
    state : State
    external : (surroundings, k) field on a positive unit charge; None: none

    Returns
    -------
    Line

    Raises
    ------
    ConvergenceError
        If an eigensolver does not converge or no eigenstate resembles the state.
    InputError
        If the configurations need more memory than allowed.
    """
    wanted = (state.electrons, state.holes)
    count = COUNT
    while True:
        initial = solved(problem, len(state.electrons), len(state.holes), external, count)
        known = min(count, len(initial.variational))  # not what an earlier search has found beyond
        found = np.array([shares(initial, i).get(wanted, 0.0) for i in range(known)])
        if found.max() > PURE or known >= MOST or known < count:
            break
        count *= 2
    if found.max() < SOME:
        raise ConvergenceError(
            f"none of the lowest {known} eigenstates has more than {SOME:.0%} of {state.carriers}"
        )
    number = int(np.flatnonzero(found >= NEARLY * found.max())[0])
    left, overlap = state.final, problem.orbitals(2).overlap
    everything = total_strength(initial, number, overlap)
    count = COUNT
    while True:
        final = solved(problem, len(left[0]), len(left[1]), external, count)
        known = min(count, len(final.variational))
        strengths = (np.abs(amplitudes(initial, final, number, overlap)) ** 2).sum(axis=0)[:known]
        if strengths.max() > MAIN * everything or known >= MOST or known < count:
            break
        count *= 2
    pure = np.array([shares(final, i).get(left, 0.0) for i in range(known)])
    last = int(np.argmax(strengths * pure))
    before, after = (
        dot_populations(shares(states, place), problem.dots)
        for states, place in ((initial, number), (final, last))
    )
    return Line(
        state,
        initial.energy(number),
        final.energy(last),
        float(found[number]),
        float(pure[last]),
        float(strengths[last]),
        *before,
        *after,
        initial.iterations + final.iterations,
    )


def solved(
    problem: Correlation, electrons: int, holes: int, external: np.ndarray | None, count: int
) -> Eigenstates:
    """Eigenstates in a field; the last ones are remembered, for states that share them."""
    field = b"" if external is None or not external.any() else external.tobytes()
    key, memory = (electrons, holes, field), problem.remembered
    known = memory.get(key)
    if known is None or len(known.variational) < min(count, known.space.size):
        known = eigenstates(problem, electrons, holes, external, count)
        memory[key] = known
        while sum(each.vectors.nbytes for each in list(memory.values())) > REMEMBERED and len(memory) > 1:
            memory.pop(next(iter(memory)), None)
    return known
