"""Emission between correlated states: which eigenstates a charging state's name means, and their line.

The initial state is the lowest eigenstate that has its carriers where the name puts them; its share of that
placement is its purity. The final state is the one of the strongest line into the placement left.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock

import numpy as np

from spq.carriers import State
from spq.correlation import Correlation
from spq.eigenstates import Eigenstates, Energy, eigenstates
from spq.errors import ConvergenceError
from spq.labelling import dot_populations, shares
from spq.parallel import in_threads
from spq.recombination import amplitudes, total_strength

log = logging.getLogger(__name__)
_lock = Lock()

COUNT = 8  # eigenstates looked through at first
MOST = 32
PURE = 0.5  # share of a placement above which an eigenstate is that placement's
NEARLY, COUNTS = 0.8, 0.3  # of the largest share, and least share: eigenstates that share a placement
SHARED = 0.75  # share below which a level is one of several that share the placement
CLOSE = 5e-3  # eV, between levels that share a placement
DEGENERATE = 1e-5  # eV
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
    def initial_energy(self) -> float:
        """E[initial] in eV."""
        return self.initial.total

    @property
    def overlap(self) -> float:
        """Strength of the line for each bright pair of the emitting dot."""
        state = self.state
        return 2 * self.strength / (state.electrons.count(state.emitter) * state.holes.count(state.emitter))

    @property
    def localised(self) -> tuple[float, float]:
        """Least share of a carrier on its dot, before the emission and after it."""
        state = self.state
        before = _least(state.electrons, self.electrons), _least(state.holes, self.holes)
        after = _least(state.final[0], self.final_electrons), _least(state.final[1], self.final_holes)
        return min(before), min(after)

    @property
    def extrapolation(self) -> float:
        """Part of the energy that is extrapolated, eV."""
        return self.initial.extrapolation - self.final.extrapolation


def _least(dots: tuple[int, ...], populations: tuple[float, ...]) -> float:
    """Least population of a dot for each carrier that belongs there, of like carriers."""
    return min((populations[dot - 1] / dots.count(dot) for dot in set(dots)), default=1.0)


@dataclass(frozen=True)
class Lost:
    """A line that was not found in some field."""

    state: State
    reason: str
    converged: bool = False
    energy: float = np.nan
    initial_energy: float = np.nan


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
    initial, number, purity = _initial(problem, state, external)
    final, strengths, pure = _final(problem, state, external, initial, number)
    last = int(np.argmax(strengths * pure))
    # degenerate final levels share the line
    same = np.abs(final.variational[: len(pure)] - final.variational[last]) < DEGENERATE
    strength = float((strengths * (pure > PURE * pure[last]))[same].sum())
    before, after = (
        dot_populations(shares(states, place), problem.dots)
        for states, place in ((initial, number), (final, last))
    )
    return Line(
        state,
        initial.energy(number),
        final.energy(last),
        purity,
        float(pure[last]),
        strength,
        *before,
        *after,
        initial.iterations + final.iterations,
    )


def _initial(
    problem: Correlation, state: State, external: np.ndarray | None
) -> tuple[Eigenstates, int, float]:
    """The eigenstate that a state's name means: its set, number and share of the placement.

    It is the lowest one with a share that counts; of levels that share the placement evenly the brightest.
    """
    wanted, count = (state.electrons, state.holes), COUNT
    while True:
        states = solved(problem, len(state.electrons), len(state.holes), external, count)
        known = min(count, len(states.variational))  # not what an earlier search has found beyond
        found = np.array([shares(states, i).get(wanted, 0.0) for i in range(known)])
        enough = np.flatnonzero(found >= min(NEARLY * found.max(), COUNTS))
        first = int(enough[0])
        together = np.flatnonzero(np.abs(states.variational[:known] - states.variational[first]) < CLOSE)
        if found[together].sum() > PURE or known >= MOST or known < count:
            break
        count *= 2
    if found.max() < SOME:
        raise ConvergenceError(
            f"none of the lowest {known} eigenstates has more than {SOME:.0%} of {state.carriers}"
        )
    overlap = problem.orbitals(2).overlap
    even = [i for i in together if i in enough]
    bright = [float(found[i]) * total_strength(states, int(i), overlap) for i in even]
    number = int(even[int(np.argmax(bright))]) if found[first] < SHARED else first
    return states, number, float(found[number])


def _final(
    problem: Correlation, state: State, external: np.ndarray | None, initial: Eigenstates, number: int
) -> tuple[Eigenstates, np.ndarray, np.ndarray]:
    """Final eigenstates, with the main line among them: the strengths into each, and its share (v,)."""
    left, overlap, count = state.final, problem.orbitals(2).overlap, COUNT
    everything = total_strength(initial, number, overlap)
    while True:
        final = solved(problem, len(left[0]), len(left[1]), external, count)
        known = min(count, len(final.variational))
        strengths = (np.abs(amplitudes(initial, final, number, overlap)) ** 2).sum(axis=0)[:known]
        if strengths.max() > MAIN * everything or known >= MOST or known < count:
            break
        count *= 2
    return final, strengths, np.array([shares(final, i).get(left, 0.0) for i in range(known)])


def solved(
    problem: Correlation, electrons: int, holes: int, external: np.ndarray | None, count: int
) -> Eigenstates:
    """Eigenstates in a field; the last ones are remembered, for states that share them."""
    field = b"" if external is None or not external.any() else external.tobytes()
    key, memory = (electrons, holes, field), problem.remembered
    known = memory.get(key)
    if known is None or len(known.variational) < min(count, known.space.size):
        known = eigenstates(problem, electrons, holes, external, count)
        with _lock:
            memory[key] = known
            while sum(each.nbytes for each in memory.values()) > REMEMBERED and len(memory) > 1:
                memory.pop(next(iter(memory)))
    return known
