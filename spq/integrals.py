"""Coulomb integrals of single-particle states, from few solutions of Poisson's equation.

(ab|cd) = ∫ φ_a φ_b V[φ_c φ_d] with the dielectric mismatch in V, for every harmonic of the potential
apart: the pair of orbital harmonics m, m' makes |m ± m'|. All pair densities of electrons and holes
together are nearly dependent: pivoted Cholesky in the Coulomb metric (Beebe and Linderberg, Int. J.
Quantum Chem. 12, 683, 1977) selects the pairs P whose potentials are solved for, and
(ab|cd) ≈ Σ_PQ (ab|P) (P|Q)⁻¹ (Q|cd) is exact to second order in what the selection leaves out.
The selection itself is made on the linear companion of the mesh, where every pair is cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from spq.errors import SpqError
from spq.factorisation import Factorisation
from spq.parallel import in_threads
from spq.poisson import Poisson
from spq.space import Space
from spq.units import COULOMB

# eV, weighted Coulomb self-interaction of a pair density left out
TOLERANCE = {"coarse": 1e-6, "normal": 3e-7, "fine": 3e-8}
AMPLITUDE_ENERGY = 0.3  # eV; a state enters an orbital with an amplitude of about this over its energy


@dataclass(frozen=True, eq=False)
class States:
    """Single-particle states of one carrier and one harmonic |m|.

    energies: (n,) eV; orbitals: (inner dofs, n); values: (q, n) at the quadrature points; both are
    coefficients of the harmonic.
    """

    energies: np.ndarray
    orbitals: np.ndarray
    values: np.ndarray


Basis = dict[str, tuple[States, ...]]  # of "e" and "h": the states of |m| = 0, 1, ...


@dataclass(frozen=True, eq=False)
class PairDensities:
    """Pair densities φ_a φ_b that make one harmonic of the potential, of both carriers.

    pairs: (p, 5) carrier number, |m|, a, |m'|, b; sources: (covered dofs, p) ∫ φ_a φ_b v; chosen:
    indices of the pairs whose potentials are to be solved for.
    """

    pairs: np.ndarray
    sources: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True, eq=False)
class CoulombFactors:
    """Factors of the Coulomb integrals in one dielectric surrounding: (ab|cd) = Σ_k L_k,ab L_k,cd.

    factors: per carrier (k, pairs) in eV^½, pairs a >= b in the order of numpy.tril_indices over the
    states ordered by label and number; potentials: per |m| (size, k_m), of the orthonormal densities;
    columns: per label of a harmonic, its part of the k.
    """

    factors: dict[str, np.ndarray]
    potentials: dict[int, np.ndarray]
    columns: dict[int, slice]


def pair_densities(poisson: Poisson, basis: Basis, harmonic: int, tolerance: float) -> PairDensities:
    """Pair densities that make a harmonic as source vectors, and the choice of those that span the others.

    poisson: of the true surroundings; basis; harmonic: |m| of the potential; tolerance: eV, weighted
    Coulomb self-interaction of a density that is left out.
    """
    space = poisson.space
    pairs = [
        (number, m, a, n, b)
        for number, parts in enumerate(basis.values())
        for m, n in _coupled(space, len(parts), harmonic)
        for a in range(len(parts[m].energies))
        for b in range(a + 1 if m == n else len(parts[n].energies))
    ]
    sources = np.empty((len(space.covered), len(pairs)))
    table = np.array(pairs, dtype=int).reshape(-1, 5)
    start = 0
    for parts in basis.values():
        for m, n in _coupled(space, len(parts), harmonic):
            weighted = parts[n].values * space.weights[:, None]
            for a in range(len(parts[m].energies)):
                others = weighted[:, : a + 1] if m == n else weighted
                columns = slice(start, start + others.shape[1])
                sources[:, columns] = space.source(parts[m].values[:, [a]] * others)
                start = columns.stop
    if not pairs:
        return PairDensities(table, sources, np.empty(0, dtype=int))
    chosen = _choose(poisson, list(basis.values()), table, harmonic, tolerance)
    return PairDensities(table, sources, chosen)


def _coupled(space: Space, count: int, harmonic: int) -> list[tuple[int, int]]:
    """Orbital harmonics m >= m' whose product has the harmonic |M| of a potential."""
    found = []
    for m in range(count):
        for n in range(m + 1):
            signs = ((m, n), (-m, n), (m, -n), (-m, -n))
            known = [pair for pair in signs if all(label in space.harmonics.orbital for label in pair)]
            made = {abs(c) for pair in known for c, _ in space.harmonics.products(*pair)}
            if harmonic in made:
                found.append((m, n))
    return found


def _choose(poisson: Poisson, parts: list, pairs: np.ndarray, harmonic: int, tolerance: float) -> np.ndarray:
    """Indices of the pivots of the pairs' Coulomb metric on the mesh's vertices."""
    space = poisson.space
    matrix, lumped = space.linear_companion(poisson.permittivities, harmonic)
    inner = space.inner[space.inner < len(lumped)]  # vertices come before the edges' nodes
    loads = np.empty((len(inner), len(pairs)))
    for number, states in enumerate(parts):
        lowest = min(state.energies[0] for state in states if len(state.energies))
        values = []
        for state in states:
            weights = AMPLITUDE_ENERGY / (AMPLITUDE_ENERGY + state.energies - lowest)
            values.append(state.orbitals[: len(inner)] * weights)
        starts = np.cumsum([0] + [v.shape[1] for v in values])
        together = np.hstack(values)
        here = np.flatnonzero(pairs[:, 0] == number)
        _, m, a, n, b = pairs[here].T
        loads[:, here] = lumped[inner, None] * together[:, starts[m] + a] * together[:, starts[n] + b]
    everywhere = np.zeros((len(lumped), len(pairs)))
    everywhere[inner] = 4 * np.pi * COULOMB * loads
    free = space.free(harmonic)
    factors = Factorisation(matrix, free[free < len(lumped)])
    metric = loads.T @ factors.solve(everywhere)[inner]
    _, pivots, rank, _ = scipy.linalg.lapack.dpstrf(metric, tol=tolerance, overwrite_a=True)
    return pivots[:rank] - 1


def coulomb_factors(poissons: Sequence[Poisson], basis: Basis, tolerance: float) -> list[CoulombFactors]:
    """Solve for the potentials of the chosen pairs and integrate them with every pair.

    Parameters
    ----------
    poissons : of the true surroundings first; the same pairs serve all
    basis : states of each carrier
    tolerance : eV, weighted Coulomb self-interaction of a pair density that is left out

    Returns
    -------
    CoulombFactors of each dielectric surrounding

    Raises
    ------
    SpqError
        If the chosen pair densities are linearly dependent.
    """
    space = poissons[0].space
    harmonics = [label for label in space.harmonics.potential if label >= 0]

    def solve(harmonic: int) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
        # the sources of one harmonic take much memory and are needed here only
        pairs = pair_densities(poissons[0], basis, harmonic, tolerance)
        return pairs.pairs, [_one_harmonic(poisson, pairs, harmonic) for poisson in poissons]

    solved = dict(zip(harmonics, in_threads(solve, harmonics, space.harmonics.turning), strict=True))
    tables = {m: pairs for m, (pairs, _) in solved.items()}
    found = []
    for number in range(len(poissons)):
        integrals = {m: each[number][0] for m, (_, each) in solved.items()}
        potentials = {m: each[number][1] for m, (_, each) in solved.items()}
        columns, start = {}, 0
        for label in space.harmonics.potential:
            count = potentials[abs(label)].shape[1]
            columns[label] = slice(start, start + count)
            start += count
        factors = {}
        for carrier, kind in enumerate(basis):
            sizes = [len(state.energies) for state in basis[kind]]
            factors[kind] = _spread(space, carrier, sizes, tables, integrals, columns)
        found.append(CoulombFactors(factors, potentials, columns))
    return found


def _one_harmonic(poisson: Poisson, pairs: PairDensities, harmonic: int) -> tuple[np.ndarray, np.ndarray]:
    """Factors (k, p) of all pairs of one harmonic, and the k potentials (size, k)."""
    space = poisson.space
    if not len(pairs.chosen):
        return np.zeros((0, len(pairs.pairs))), np.zeros((space.size, 0))
    sources = np.zeros((space.size, len(pairs.chosen)))
    sources[space.covered] = pairs.sources[:, pairs.chosen]
    potentials = poisson.solve(sources, harmonic)
    integrals = potentials[space.covered].T @ pairs.sources  # (P|ab)
    metric = integrals[:, pairs.chosen]
    try:
        root = scipy.linalg.cholesky(0.5 * (metric + metric.T), lower=True)
    except scipy.linalg.LinAlgError as error:
        message = f"the {len(metric)} chosen pair densities are linearly dependent: {error}"
        raise SpqError(message) from error
    integrals = scipy.linalg.solve_triangular(root, integrals, lower=True)
    return integrals, scipy.linalg.solve_triangular(root, potentials.T, lower=True).T


def labelled(space: Space, sizes: list[int]) -> list[tuple[int, slice]]:
    """Label of each angular function and its part of the states of one carrier, cosines first."""
    found, start = [], 0
    for label in space.harmonics.orbital:
        if abs(label) < len(sizes):
            found.append((label, slice(start, start + sizes[abs(label)])))
            start += sizes[abs(label)]
    return found


def _spread(space: Space, number: int, sizes: list[int], pairs, integrals, columns) -> np.ndarray:
    """Factors of every pair of labelled states of one carrier, (k, pairs a >= b)."""
    parts = labelled(space, sizes)
    total = parts[-1][1].stop
    result = np.zeros((max(part.stop for part in columns.values()), total * (total + 1) // 2))
    tables = {m: _positions(each, number, sizes) for m, each in pairs.items()}
    for index, (first, rows) in enumerate(parts):
        for second, others in parts[: index + 1]:
            row, column = np.mgrid[rows, others]
            kept = row >= column
            row, column = row[kept], column[kept]
            packed = row * (row + 1) // 2 + column
            for label, weight in space.harmonics.products(first, second):
                table = tables[abs(label)]
                local = (abs(first), row - rows.start, abs(second), column - others.start)
                pair = table[local]
                result[columns[label], packed] = weight * integrals[abs(label)][:, pair]
    return result


def _positions(pairs: np.ndarray, number: int, sizes: list[int]) -> np.ndarray:
    """Index of the pair (|m|, a, |m'|, b) of a carrier among the pairs of a harmonic; -1: none."""
    widest = max(sizes)
    table = np.full((len(sizes), widest, len(sizes), widest), -1)
    here = np.flatnonzero(pairs[:, 0] == number)
    _, m, a, n, b = pairs[here].T
    table[m, a, n, b] = here
    table[n, b, m, a] = here
    return table
