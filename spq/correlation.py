"""Configuration interaction: correlated states of n electrons and m holes.

The energy of a state is that of the active orbitals, which is variational, with E₂ of the others
(spq.perturbation) and of those beyond them. A pair's cusp makes the energy that N orbitals miss fall as
1/N, as with a basis of plane waves (Shepherd et al., Phys. Rev. B 86, 035111, 2012): E₂ at several N is
extrapolated to 1/N = 0.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from spq.cispec import CISpec
from spq.configurations import Configurations, Selection, configurations, particles
from spq.davidson import lowest
from spq.discretisation import SIGN, Discretisation
from spq.errors import InputError
from spq.orbitals import DEGENERATE, Orbitals, lowest_orbitals, orbitals
from spq.perturbation import second_order
from spq.progress import Progress, silent
from spq.reduced import PerKind, Reduced
from spq.reduction import integrated

# orbitals of each kind and dot: active, and in second order on the half plane and in a solid
ACTIVE = {"coarse": 12, "normal": 20, "fine": 30}
OUTSIDE = {True: {"coarse": 60, "normal": 100, "fine": 150}, False: {"coarse": 24, "normal": 30, "fine": 40}}
PAIRS = {"coarse": 1e-6, "normal": 3e-7, "fine": 1e-7}  # eV, see spq.integrals
LARGEST = 1e6  # configurations of active orbitals, selected or not, unless asked for more
MOST = 60_000  # configurations taken unless asked for more
LEVEL_BIN = 2e-3  # eV, of the count of configurations by energy
RESIDUAL = 1e-5  # eV, norm; an energy's error is its square over the distance of the next level
DENSE = 400  # configurations that are diagonalised at once
GUARD = 3  # states beyond those wanted, which need not converge
COUPLED = 1e-10  # eV, between orbitals of different m: a field that turns
FITTED = 6  # numbers of orbitals from N/2 to N that are extrapolated from


@dataclass(frozen=True, eq=False)
class Correlation:
    """A discretised problem ready for configuration interaction.

    system: the lowest eigenstates of h and their integrals, a reduced problem; spec: how far to go; asked:
    whether the user gave the number of active orbitals; remembered: the last eigenstates in fields.
    """

    system: Reduced
    spec: CISpec
    asked: bool = False
    _orbitals: dict[int, Orbitals] = field(default_factory=dict)
    _bare: dict[tuple[int, int, int], Eigenstates] = field(default_factory=dict)
    remembered: dict[tuple[int, int, bytes], Eigenstates] = field(default_factory=dict)

    @property
    def discretisation(self) -> Discretisation:
        """What it was made of."""
        return self.system.discretisation

    @property
    def dots(self) -> int:
        """Number of dots."""
        return self.system.dots

    @property
    def seconds(self) -> dict[str, float]:
        """Time spent."""
        return self.system.seconds

    def no_field(self) -> np.ndarray:
        """As that of the reduced problem."""
        return self.system.no_field()

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """As those of the reduced problem."""
        return self.system.charge_fields(positions)

    def far_field(self, field: np.ndarray) -> np.ndarray:
        """As that of the reduced problem."""
        return self.system.far_field(field)

    def orbitals(self, carriers: int) -> Orbitals:
        """The orbitals for so many carriers; a single one has all of them active."""
        every = min(len(each) for each in self.system.hamiltonian.values())
        active = every
        if carriers > 1:
            active = min(every, self.spec.orbitals or every)
        if not self.asked:
            active = min(active, int(LARGEST ** (1 / max(carriers, 1))))
        if active not in self._orbitals:
            self._orbitals[active] = orbitals(self.system, active)
        return self._orbitals[active]


@dataclass(frozen=True, eq=False)
class Eigenstates:
    """The lowest states of some carriers in a field, ascending in variational energy.

    space: their configurations; matrices: (N, N) of each kind in eV, h and the field; variational: (v,) eV;
    vectors: (D, v) normalised; iterations of the eigensolver.
    """

    space: Configurations
    matrices: PerKind
    variational: np.ndarray
    vectors: np.ndarray
    iterations: int
    _energies: dict[int, Energy] = field(default_factory=dict)

    def energy(self, number: int) -> Energy:
        """What the energy of one state consists of."""
        if number not in self._energies:
            self._energies[number] = _energy(self, number)
        return self._energies[number]


@dataclass(frozen=True)
class Energy:
    """Parts of a state's energy in eV: of the selected configurations; E₂ of the others; extrapolation."""

    variational: float
    second: float
    extrapolation: float

    @property
    def total(self) -> float:
        """Their sum."""
        return self.variational + self.second + self.extrapolation


def truncated(discretisation: Discretisation, looseness: float = 1.0) -> CISpec:
    """How far to go with a discretised problem: a model's CISpec with every number of orbitals given."""
    model, turning = discretisation.model, discretisation.space.harmonics.turning
    spec, dots = model.ci, len(model.molecule.dots)
    few = (spec.orbitals or ACTIVE[model.accuracy] * dots) / looseness
    many = (spec.outside or OUTSIDE[turning][model.accuracy] * dots) / looseness
    few = max(1, round(few))
    return replace(spec, orbitals=few, outside=max(few, round(many)))


def correlate(
    discretisation: Discretisation, progress: Progress = silent, looseness: float = 1.0
) -> Correlation:
    """Orbitals and integrals of a discretised problem for configuration interaction.

    Parameters
    ----------
    discretisation : Discretisation
    progress : called with what is being done
    looseness : factor by which the numbers of orbitals are smaller, 1 or more

    Returns
    -------
    Correlation

    Raises
    ------
    InputError
        If the integrals need more memory than allowed.
    ConvergenceError
        If the eigensolver fails.
    """
    start = time.perf_counter()
    spec = truncated(discretisation, looseness)
    many = spec.outside or 1
    _check_memory(discretisation, many)
    progress("states", 0, 1)
    basis = lowest_orbitals(discretisation, many)
    found = time.perf_counter()
    progress("integrals", 0, 1)
    system, _ = integrated(discretisation, basis, PAIRS[discretisation.model.accuracy])
    system.seconds.update(states=found - start, integrals=time.perf_counter() - found)
    return Correlation(system, spec, discretisation.model.ci.orbitals is not None)


def _check_memory(discretisation: Discretisation, count: int) -> None:
    """Raise InputError where the pair densities of so many orbitals do not fit."""
    space, allowed = discretisation.space, 1e9 * discretisation.model.ci.memory
    share = 0.25 if space.harmonics.turning else 1.0  # of one harmonic
    needed = 8.0 * len(space.covered) * share * count * (count + 1)
    if needed > allowed:
        fitting = int(count * np.sqrt(allowed / needed))
        raise InputError(
            f"ci.outside: the pairs of {count} orbitals need {needed / 1e9:.1f} GB, allowed are "
            f"{allowed / 1e9:.1f} (ci.memory); {fitting} orbitals would fit"
        )


def eigenstates(
    problem: Correlation,
    electrons: int,
    holes: int,
    external: np.ndarray | None = None,
    count: int = 8,
    total: int = 0,
) -> Eigenstates:
    """The lowest states of some carriers, of all spins.

    Parameters
    ----------
    problem : Correlation
    electrons, holes : how many
    external : (surroundings, k) field on a positive unit charge; None: none
    count : number of states, fewer where there are fewer
    total : Σ m of the carriers, where nothing breaks the symmetry

    Returns
    -------
    Eigenstates

    Raises
    ------
    ConvergenceError
        If the eigensolver does not converge; its partial result: the energies.
    InputError
        If the configurations need more memory than allowed.
    """
    key = (electrons, holes, total)
    bare = external is None or not external.any()
    known = problem._bare.get(key)
    if bare and known is not None and len(known.variational) >= min(count, known.space.size):
        return known
    carriers = particles(electrons, holes)
    single = problem.orbitals(electrons + holes)
    matrices = {
        kind: single.hamiltonian(kind, None if external is None else sign * external)
        for kind, sign in SIGN.items()
    }
    conserved = None if any(_turns(single.labels[k], each) for k, each in matrices.items()) else total
    space = configurations(single, carriers, conserved, _selection(problem, single, len(carriers)))
    found = _solved(space, matrices, count, None if bare else known)
    if bare:
        problem._bare[key] = found
    return found


def _turns(labels: np.ndarray, matrix: np.ndarray) -> bool:
    """Whether a matrix couples orbitals of different m."""
    return bool(np.abs(matrix[labels[:, None] != labels]).max(initial=0.0) > COUPLED)


def _selection(problem: Correlation, single: Orbitals, carriers: int) -> Selection:
    spec = problem.spec
    energy = spec.energy
    if energy is None and carriers > 2:
        energy = _energy_for(single, carriers)
    reference = tuple((kind, problem.dots) for kind in SIGN)
    return Selection(spec.rank, energy, reference, 1e9 * spec.memory)


def _energy_for(single: Orbitals, carriers: int) -> float | None:
    """Energy below which about MOST configurations lie; None: all of them."""
    levels = single.energies["e"][: single.active["e"]]
    if len(levels) ** carriers <= MOST:
        return None
    counts = np.bincount(((levels - levels[0]) / LEVEL_BIN).astype(int)).astype(float)
    every = counts
    for _ in range(carriers - 1):
        every = np.convolve(every, counts)
    return LEVEL_BIN * float(np.searchsorted(np.cumsum(every), MOST))


def _solved(space: Configurations, matrices: PerKind, count: int, near: Eigenstates | None) -> Eigenstates:
    """The lowest states; `near`: those of a similar problem to start from."""
    count = min(count, space.size)
    if not space.carriers:
        return Eigenstates(space, matrices, np.zeros(1), np.ones((1, 1)), 0)
    links = [*space.interactions, *space.single(matrices)]

    def applied(vectors):
        return space.applied(links, vectors)

    if space.size <= max(DENSE, 5 * (count + GUARD)):
        # antisymmetric vectors only: the projector's kernel would come out at zero energy
        every = space.antisymmetric(np.eye(space.size))
        share, physical = np.linalg.eigh(every)
        physical = physical[:, share > 0.5]
        energies, mixed = np.linalg.eigh(physical.conj().T @ applied(physical))
        return Eigenstates(space, matrices, energies[:count], physical @ mixed[:, :count], 0)
    diagonal = space.diagonal + _added(space, matrices)
    kind = complex if any(np.iscomplexobj(each) for each in matrices.values()) else float
    start = _start(space, diagonal, count + GUARD, near, kind)

    energies, vectors, iterations = lowest(applied, diagonal, start, count, RESIDUAL)
    return Eigenstates(space, matrices, energies, vectors, iterations)


def _added(space: Configurations, matrices: PerKind) -> np.ndarray:
    """What a field adds to the diagonal, (D,) in eV."""
    found = -space.bare
    for carrier, places in zip(space.carriers, space.table.T, strict=True):
        found = found + np.diag(matrices[carrier.kind]).real[places]
    return found


def _start(
    space: Configurations, diagonal: np.ndarray, count: int, near: Eigenstates | None, kind: type
) -> np.ndarray:
    """First vectors (D, v), independent: known states, the rest by the diagonal."""
    random = np.random.default_rng(11)
    # a little of everything, so that no symmetry is left out by chance
    weight = 1e-3 / (1 + 50 * (diagonal - diagonal.min())) ** 2
    start = (weight[:, None] * random.standard_normal((space.size, count))).astype(kind)
    first = np.argsort(np.where(space.canonical, diagonal, np.inf), kind="stable")[:count]
    start[first, np.arange(count)] += 1.0
    if near is not None:
        take = min(count, near.vectors.shape[1])
        place = np.searchsorted(space.flat, near.space.flat)
        place = np.minimum(place, space.size - 1)
        there = space.flat[place] == near.space.flat
        start[:, :take] *= 1e-3
        start[place[there], :take] += near.vectors[there, :take]
    return space.antisymmetric(start)


def _energy(states: Eigenstates, number: int) -> Energy:
    variational = float(states.variational[number])
    space = states.space
    if len(space.carriers) < 2:
        return Energy(variational, 0.0, 0.0)
    found = second_order(space, states.vectors[:, number], states.matrices)
    second = found.total()
    count = len(found.outside)
    levels = space.orbitals.energies[space.carriers[0].kind]
    least = max(max(space.shape), count // 2)
    counts = _whole(levels, np.linspace(least, count, FITTED).astype(int))
    if len(counts) < 3:
        return Energy(variational, second, 0.0)
    values = [found.total(each) for each in counts]
    _, limit = np.polyfit(1 / np.array(counts), values, 1)
    return Energy(variational, second, min(0.0, float(limit) - second))


def _whole(levels: np.ndarray, counts: np.ndarray) -> list[int]:
    """Numbers of orbitals near given ones that cut no degenerate level."""
    ends = [i for i in range(1, len(levels)) if levels[i] - levels[i - 1] > DEGENERATE] + [len(levels)]
    return sorted({min(ends, key=lambda end: abs(end - count)) for count in counts})
