"""Correlated states of n electrons and m holes by configuration interaction.

The energy of a state is that of the active orbitals, which is variational, with E₂ of the others
(spq.perturbation) and of those beyond them. A pair's cusp makes the energy that N orbitals miss fall as
1/N, as with a basis of plane waves (Shepherd et al., Phys. Rev. B 86, 035111, 2012): E₂ at several N is
extrapolated to 1/N = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spq.configurations import Configurations, configurations, particles
from spq.correlation import Correlation
from spq.davidson import WIDEST, lowest
from spq.discretisation import SIGN
from spq.errors import InputError
from spq.orbitals import DEGENERATE, Orbitals
from spq.perturbation import second_order
from spq.reduced import PerKind
from spq.selection import Selection, energy_of

MOST = 25_000  # configurations taken unless asked for more
RESIDUAL = 1e-5  # eV, norm; an energy's error is its square over the distance of the next level
DENSE, DENSER = 400, 10  # configurations, and configurations for each state, that are diagonalised at once
GUARD = 3  # states beyond those wanted, which need not converge unless one could lie below these
EVERYTHING = 0.1  # of the first vectors; with less, states of a symmetry that they lack are missed
AWAY = 30.0  # eV, of vectors that are not antisymmetric
COUPLED = 1e-10  # eV, between orbitals of different m: a field that turns
SPAN = 1.5  # least ratio of the numbers of orbitals that are extrapolated from
FITTED = 6  # numbers of orbitals from N/2 to N that are extrapolated from


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

    @property
    def nbytes(self) -> int:
        """About what it keeps in memory."""
        arrays = [self.vectors, self.space.table, *self.matrices.values()]
        return 3 * sum(each.nbytes for each in arrays)

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
    known = problem.bare.get(key)
    if bare and known is not None and len(known.variational) >= min(count, known.space.size):
        return known
    carriers = particles(electrons, holes)
    single = problem.orbitals(electrons + holes)
    matrices = {
        kind: single.hamiltonian(kind, None if external is None else sign * external)
        for kind, sign in SIGN.items()
    }
    conserved = None if any(_turns(single.labels[k], each) for k, each in matrices.items()) else total
    selection = _selection(problem, single, len(carriers), count)
    space = configurations(single, carriers, conserved, selection)
    found = _solved(space, matrices, count, None if bare else known)
    space.forget()
    if bare:
        problem.bare[key] = found
    return found


def _turns(labels: np.ndarray, matrix: np.ndarray) -> bool:
    """Whether a matrix couples orbitals of different m."""
    return bool(np.abs(matrix[labels[:, None] != labels]).max(initial=0.0) > COUPLED)


def _selection(problem: Correlation, single: Orbitals, carriers: int, count: int) -> Selection:
    spec = problem.spec
    energy = spec.energy
    if energy is None and carriers > 2:
        energy = _energy_for(single, carriers)
    reference = tuple((kind, problem.dots) for kind in SIGN)
    vectors = 3 * (WIDEST + 1) * (count + GUARD)
    return Selection(spec.rank, energy, reference, 1e9 * spec.memory, vectors)


def _energy_for(single: Orbitals, carriers: int) -> float | None:
    """Energy below which about MOST configurations of the denser levels lie; None: all of them."""
    levels = [single.energies[kind][: single.active[kind]] for kind in SIGN]
    if max(len(each) for each in levels) ** carriers <= MOST:
        return None
    return min(energy_of(each, carriers, MOST) for each in levels)


def _solved(space: Configurations, matrices: PerKind, count: int, near: Eigenstates | None) -> Eigenstates:
    """The lowest states; `near`: those of a similar problem to start from."""
    if not space.carriers:
        return Eigenstates(space, matrices, np.zeros(1), np.ones((1, 1)), 0)
    count = min(count, int(space.canonical.sum()))
    if not count:
        raise InputError(
            f"{len(space.carriers)} carriers do not fit into the orbitals and configurations allowed: give "
            "more ci.orbitals, a higher ci.rank or ci.energy"
        )
    links = [*space.interactions, *space.single(matrices)]

    def applied(vectors):
        # what is not antisymmetric comes from rounding; it must not look like a state of zero energy
        odd = space.antisymmetric(vectors)
        return space.applied(links, odd) + AWAY * (vectors - odd)

    if space.size <= max(DENSE, DENSER * (count + GUARD)):
        energies, found = np.linalg.eigh(applied(np.eye(space.size)))
        return Eigenstates(space, matrices, energies[:count], found[:, :count], 0)
    diagonal = space.diagonal + _added(space, matrices)
    kind = complex if any(np.iscomplexobj(each) for each in matrices.values()) else float
    start = _start(space, diagonal, count + GUARD, near, kind)

    energies, vectors, iterations = lowest(applied, diagonal, start, count, RESIDUAL, space.antisymmetric)
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
    weight = EVERYTHING / (1 + 50 * (diagonal - diagonal.min())) ** 2
    start = (weight[:, None] * random.standard_normal((space.size, count))).astype(kind)
    first = np.argsort(np.where(space.canonical, diagonal, np.inf), kind="stable")[:count]
    take = 0 if near is None else min(count, near.vectors.shape[1])
    start[first[: count - take], np.arange(take, count)] += 1.0
    if near is not None:
        place = np.searchsorted(space.flat, near.space.flat)
        place = np.minimum(place, space.size - 1)
        there = space.flat[place] == near.space.flat
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
    if len(counts) < 3 or count < SPAN * least:
        return Energy(variational, second, 0.0)
    values = [found.total(each) for each in counts]
    _, limit = np.polyfit(1 / np.array(counts), values, 1)
    return Energy(variational, second, min(0.0, float(limit) - second))


def _whole(levels: np.ndarray, counts: np.ndarray) -> list[int]:
    """Numbers of orbitals near given ones that cut no degenerate level."""
    ends = [i for i in range(1, len(levels)) if levels[i] - levels[i - 1] > DEGENERATE] + [len(levels)]
    return sorted({min(ends, key=lambda end: abs(end - count)) for count in counts})
