"""The self-consistent solution of several carriers in their mean field.

[h + q_i Φ_ext + Σ_i + Σ_{j≠i} q_i q_j V[ρ_j]] φ_i = ε_i φ_i: no carrier acts on itself, two like
carriers of a dot share one orbital, and exchange between different orbitals is neglected. The total
energy is E = Σ_i ⟨h + q_i Φ_ext⟩_i + Σ_{i<j} q_i q_j J_ij + ½ Σ_i ⟨Σ_i⟩; taken with the latest
orbitals it is stationary, so its error is of second order in theirs.

Many problems that differ in their external field only are iterated together. `System` is what they
are solved on: spq.reduced.Reduced or spq.direct.Direct.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spq.discretisation import SIGN, Discretisation
from spq.errors import ConvergenceError
from spq.following import Choice, closest, lingering
from spq.iteration import ITERATORS

log = logging.getLogger(__name__)

ENERGY_TOLERANCE = 1e-6  # eV, change of the total energy in one iteration
DENSITY_TOLERANCE = 1e-5  # relative change of the densities in one iteration
MAX_ITERATIONS = 100
PATIENCE = 30  # iterations with the orbitals followed by their references


class System(Protocol):
    """What the mean field needs of a discretised problem; b problems at once, fields (b, ...).

    A density is a field: that which it makes, one section per dielectric surrounding. An external
    field of charges may be an array of another shape. `key` names the space of a shell's orbitals.
    """

    @property
    def discretisation(self) -> Discretisation: ...
    @property
    def dots(self) -> int: ...
    @property
    def surroundings(self) -> tuple[int, ...]: ...
    @property
    def batch(self) -> int: ...
    @property
    def seconds(self) -> dict[str, float]: ...
    def no_field(self) -> np.ndarray: ...
    def charge_fields(self, positions: np.ndarray) -> np.ndarray: ...
    def far_field(self, field: np.ndarray) -> np.ndarray: ...
    def key(self, shell: Shell) -> str: ...
    def start(self, kind: str, dot: int, level: int) -> np.ndarray: ...
    def follow(
        self,
        key: str,
        fields: np.ndarray,
        externals: np.ndarray,
        references: np.ndarray,
        guesses: np.ndarray,
        choose: Choice,
    ) -> tuple[np.ndarray, np.ndarray]: ...
    def outside(self, key: str, externals: np.ndarray, orbitals: np.ndarray, densities) -> np.ndarray: ...
    def densities(self, kind: str, orbitals: np.ndarray) -> np.ndarray: ...
    def interaction(self, fields: np.ndarray, densities: np.ndarray, section: int) -> np.ndarray: ...
    def dot_populations(self, kind: str, orbital: np.ndarray) -> np.ndarray: ...
    def overlap(self, kind: str, one: np.ndarray, other: np.ndarray) -> float: ...
    def electron_hole_overlap(self, electron: np.ndarray, hole: np.ndarray) -> float: ...


@dataclass(frozen=True)
class Shell:
    """One orbital and how many carriers share it: kind "e" or "h", dot (from 0), level 0 (s) or 1 (p)."""

    kind: str
    dot: int
    count: int
    level: int = 0


@dataclass(frozen=True, eq=False)
class Solution:
    """A self-consistent solution: one entry per shell.

    orbitals; densities: as fields, (shells, ...); levels: orbital energies ε_i in eV; bare: ⟨h⟩_i in
    eV; outside: ⟨q_i Φ_ext⟩_i in eV; energy: total in eV; change: of the densities in the last
    iteration, relative.
    """

    shells: tuple[Shell, ...]
    orbitals: tuple[np.ndarray, ...]
    densities: np.ndarray
    levels: np.ndarray
    bare: np.ndarray
    outside: np.ndarray
    energy: float
    iterations: int
    change: float
    converged: bool


def configuration(electrons: tuple[int, ...], holes: tuple[int, ...]) -> tuple[Shell, ...]:
    """Shells of carriers on dots numbered from 1: two like carriers share an orbital, a third is p."""
    shells = []
    for kind, places in (("e", electrons), ("h", holes)):
        for dot in sorted(set(places)):
            count = places.count(dot)
            shells.append(Shell(kind, dot - 1, min(count, 2)))
            if count > 2:
                shells.append(Shell(kind, dot - 1, 1, level=1))
    return tuple(shells)


def solve(
    system: System,
    shells: tuple[Shell, ...],
    references: Sequence[np.ndarray],
    externals: np.ndarray,
    choose: Choice = closest,
    first: np.ndarray | None = None,
    iterator: str = "anderson",
) -> list[Solution]:
    """Iterate b problems to self-consistency, each orbital followed by a reference held fixed.

    After PATIENCE iterations without success `lingering` decides.

    Parameters
    ----------
    system : System
    shells : the orbitals to be occupied
    references : per shell (b, n), the orbitals that each problem's are followed by
    externals : (b, ...) fields of the surface charges on a positive unit charge
    choose : `closest`, or `survivor` for the state left by an emission
    first : (b, shells, ...) densities to start from; None: those of the references
    iterator : a name of spq.iteration.ITERATORS

    Returns
    -------
    list of b Solutions; where `converged` is False it is the last iterate.
    """
    count = len(externals)
    if not shells:
        nothing = np.zeros((0, *system.no_field().shape))
        none = np.zeros(0)
        return [Solution((), (), nothing, none, none, none, 0.0, 0, 0.0, True)] * count
    densities = _densities(system, shells, references) if first is None else first.copy()
    guesses = [np.array(reference) for reference in references]
    iterate = ITERATORS[iterator]()
    energies = np.full(count, np.inf)
    found: list[Solution | None] = [None] * count
    active = np.arange(count)
    for iteration in range(1, MAX_ITERATIONS + 1):
        here = [reference[active] for reference in references]
        guessed = [guess[active] for guess in guesses]
        try:
            picked = choose if iteration <= PATIENCE else lingering
            step = _step(system, shells, here, guessed, externals[active], picked, densities[active])
        except ConvergenceError as error:
            log.info("an orbital was not found: %s", error)
            step = _failed(shells, here, densities[active])
        moved = _size(step.densities - densities[active]) / _size(step.densities)
        settled = (np.abs(step.energies - energies[active]) < ENERGY_TOLERANCE) & (moved < DENSITY_TOLERANCE)
        settled |= _independent(system, shells) & np.isfinite(step.energies)
        last = iteration == MAX_ITERATIONS or not np.isfinite(step.energies).all()
        for place in np.flatnonzero(settled | last):
            done = bool(settled[place])
            found[active[place]] = step.solution(shells, int(place), iteration, float(moved[place]), done)
        energies[active] = step.energies
        for guess, orbitals in zip(guesses, step.orbitals, strict=True):
            guess[active] = orbitals
        going = ~settled
        if going.any() and not last:
            flat = (len(active), -1)
            advanced = iterate.advance(densities[active].reshape(flat), step.densities.reshape(flat))
            densities[active] = advanced.reshape(step.densities.shape)
            iterate.keep(going)
        active = active[going]
        if last or not len(active):
            break
    return [solution for solution in found if solution is not None]


def _failed(shells, references, densities) -> _Step:
    """The state of problems whose orbitals could not be computed: no energies."""
    nothing = np.full((len(densities), len(shells)), np.nan)
    return _Step(list(references), densities, nothing, nothing, nothing, nothing[:, 0])


def _size(densities: np.ndarray) -> np.ndarray:
    return np.linalg.norm(densities.reshape(len(densities), -1), axis=1)


def _independent(system: System, shells: tuple[Shell, ...]) -> bool:
    """Whether no orbital depends on any density: a single carrier without self-energy."""
    return len(shells) == 1 and shells[0].count == 1 and not system.surroundings


def _densities(system: System, shells, orbitals) -> np.ndarray:
    """(b, shells, ...) from orbitals per shell (b, n)."""
    each = [system.densities(system.key(shell), o) for shell, o in zip(shells, orbitals, strict=True)]
    return np.stack(each, axis=1)


@dataclass(frozen=True, eq=False)
class _Step:
    """b problems after one step: orbitals per shell (b, n); the rest (b, shells) or (b,)."""

    orbitals: list[np.ndarray]
    densities: np.ndarray
    levels: np.ndarray
    bare: np.ndarray
    outside: np.ndarray
    energies: np.ndarray

    def solution(self, shells, place: int, iterations: int, change: float, done: bool) -> Solution:
        orbitals = tuple(each[place] for each in self.orbitals)
        each = (self.densities[place], self.levels[place], self.bare[place], self.outside[place])
        return Solution(shells, orbitals, *each, float(self.energies[place]), iterations, change, done)


def _step(system: System, shells, references, guesses, externals, choose: Choice, densities) -> _Step:
    """The pure map: densities in, new orbitals and their densities and energies out.

    The guesses of the orbitals only speed it up.
    """
    orbitals, levels, fields = [], [], []
    for i, (shell, reference, guess) in enumerate(zip(shells, references, guesses, strict=True)):
        fields.append(orbital_fields(system, shells, densities, i))
        outer = SIGN[shell.kind] * externals
        level, orbital = system.follow(system.key(shell), fields[-1], outer, reference, guess, choose)
        orbitals.append(orbital)
        levels.append(level)
    new = _densities(system, shells, orbitals)
    bare, outside = [], []
    for i, (shell, level, orbital, field) in enumerate(zip(shells, levels, orbitals, fields, strict=True)):
        outside.append(SIGN[shell.kind] * system.outside(system.key(shell), externals, orbital, new[:, i]))
        bare.append(level - outside[-1] - _expectation(system, shell, field, new[:, i]))
    each, without, within = (np.array(values).T for values in (levels, bare, outside))
    energies = total_energies(system, shells, without, within, new)
    return _Step(orbitals, new, each, without, within, energies)


def orbital_fields(system: System, shells, densities, index: int) -> np.ndarray:
    """Fields of the carriers on one orbital, (b, ...), its sign included: the others, its self-energy."""
    shell = shells[index]
    sign = SIGN[shell.kind]
    fields = np.zeros((len(densities), *densities.shape[2:]))
    for j, other in enumerate(shells):
        acting = other.count - (j == index)
        fields[:, 0] += sign * SIGN[other.kind] * acting * densities[:, j, 0]
    if system.surroundings:
        section = system.surroundings[shell.dot]
        fields[:, 0] += densities[:, index, 0]
        fields[:, section] -= densities[:, index, section]
    return fields


def _expectation(system: System, shell: Shell, fields, densities) -> np.ndarray:
    """⟨field⟩ of an orbital over all sections that act on it, (b,)."""
    sections = {0, *([system.surroundings[shell.dot]] if system.surroundings else [])}
    each = [system.interaction(fields, densities, section) for section in sections]
    return np.sum(each, axis=0)


def total_energies(system: System, shells, bare, outside, densities) -> np.ndarray:
    """Σ_i ⟨h + q_i Φ_ext⟩_i + ½ Σ_i ⟨Σ_i⟩ + Σ_{i<j} q_i q_j J_ij in eV, (b,).

    bare: ⟨h⟩, outside: ⟨q Φ_ext⟩, both (b, shells).
    """
    energies = pair_energies(system, shells, densities)
    for i, shell in enumerate(shells):
        own = self_energies(system, shell, densities[:, i])
        energies = energies + shell.count * (bare[:, i] + outside[:, i] + 0.5 * own)
    return energies


def self_energies(system: System, shell: Shell, densities) -> np.ndarray:
    """⟨Σ_i⟩ = ∫ρ_i (V[ρ_i; ε] − V[ρ_i; shell's ε continued outside]) in eV, (b,); 0 without."""
    if not system.surroundings:
        return np.zeros(len(densities))
    section = system.surroundings[shell.dot]
    within = system.interaction(densities, densities, section)
    return system.interaction(densities, densities, 0) - within


def pair_energies(system: System, shells, densities) -> np.ndarray:
    """Σ_{i<j} q_i q_j J_ij over all pairs of carriers in eV, (b,)."""
    total = np.zeros(len(densities))
    for i, shell in enumerate(shells):
        for j in range(i + 1):
            pairs = shell.count * shells[j].count * SIGN[shell.kind] * SIGN[shells[j].kind]
            if i == j:
                pairs = shell.count * (shell.count - 1) / 2
            if pairs:
                total += pairs * system.interaction(densities[:, i], densities[:, j], 0)
    return total
