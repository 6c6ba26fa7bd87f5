"""Coulomb integrals of single-particle states, from few solutions of Poisson's equation.

(ab|cd) = ∫ φ_a φ_b V[φ_c φ_d] with the dielectric mismatch in V. All pair densities of electrons and
holes together are nearly dependent: pivoted Cholesky in the Coulomb metric (Beebe and Linderberg,
Int. J. Quantum Chem. 12, 683, 1977) selects the pairs P whose potentials are solved for, and
(ab|cd) ≈ Σ_PQ (ab|P) (P|Q)⁻¹ (Q|cd) is exact to second order in what the selection leaves out.
The selection itself is made on the linear companion of the mesh, where every pair is cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from skfem import Basis, ElementTetP1, MeshTet1

from spq.errors import SpqError
from spq.factorisation import Factorisation
from spq.poisson import Poisson
from spq.space import Space, mass_form, stiffness_form
from spq.units import COULOMB

TOLERANCE = 3e-8  # eV, weighted Coulomb self-interaction of a pair density left out
AMPLITUDE_ENERGY = 0.3  # eV; a state enters an orbital with an amplitude of about this over its energy


@dataclass(frozen=True, eq=False)
class States:
    """Single-particle states of one carrier.

    energies: (n,) eV; orbitals: (dofs, n); values: (q, n) at the quadrature points, nm^-3/2.
    """

    energies: np.ndarray
    orbitals: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class PairDensities:
    """Every pair density φ_a φ_b, a >= b, of both carriers.

    pairs: (p, 3) carrier number, a, b; sources: (covered dofs, p) ∫ φ_a φ_b v; chosen: indices of
    the pairs whose potentials are to be solved for.
    """

    pairs: np.ndarray
    sources: np.ndarray
    chosen: np.ndarray


@dataclass(frozen=True, eq=False)
class CoulombFactors:
    """Factors of the Coulomb integrals in one dielectric surrounding: (ab|cd) = Σ_k L_k,ab L_k,cd.

    factors: per carrier (k, pairs) in eV^½, pairs a >= b in the order of numpy.tril_indices;
    potentials: (size, k) of the k orthonormal densities: V[φ_a φ_b](r) = Σ_k L_k,ab potentials_k(r).
    """

    factors: dict[str, np.ndarray]
    potentials: np.ndarray


def pair_densities(space: Space, poisson: Poisson, states: dict[str, States]) -> PairDensities:
    """All pair densities as source vectors, and the choice of those that span the others.

    space; poisson: the true surroundings; states: of "e" and "h". Returns PairDensities.
    """
    counts = [len(state.energies) for state in states.values()]
    pairs = [(number, a, b) for number, n in enumerate(counts) for a in range(n) for b in range(a + 1)]
    chosen = _choose(space, poisson, list(states.values()), np.array(pairs))
    sources = np.empty((len(space.covered), len(pairs)))
    start = 0
    for state in states.values():
        weighted = state.values * space.weights[:, None]
        for a in range(len(state.energies)):
            columns = slice(start, start + a + 1)
            sources[:, columns] = space.source(state.values[:, [a]] * weighted[:, : a + 1])
            start = columns.stop
    return PairDensities(np.array(pairs), sources, chosen)


def _choose(space: Space, poisson: Poisson, states: list[States], pairs: np.ndarray) -> np.ndarray:
    """Indices of the pivots of the pairs' Coulomb metric on the mesh's vertices."""
    mesh = space.mesh
    vertices = np.ascontiguousarray(mesh.doflocs[:, : mesh.nvertices])
    linear = MeshTet1(vertices, mesh.t)
    basis = Basis(linear, ElementTetP1(), intorder=1)
    per_point = np.ones(basis.dx.shape)
    inside = mass_form.assemble(basis, coefficient=per_point * space.in_nanocrystal[:, None])
    lumped = np.asarray(inside.sum(axis=1)).ravel()
    inner = space.inner[space.inner < mesh.nvertices]  # vertices come before the edges' nodes
    loads = np.zeros((len(inner), len(pairs)))
    for number, state in enumerate(states):
        excess = state.energies - state.energies[0]
        weights = AMPLITUDE_ENERGY / (AMPLITUDE_ENERGY + excess)
        values = state.orbitals[: len(inner)] * weights
        columns = np.flatnonzero(pairs[:, 0] == number)
        products = values[:, pairs[columns, 1]] * values[:, pairs[columns, 2]]
        loads[:, columns] = lumped[inner, None] * products
    permittivity = per_point * poisson.permittivities[space.regions][:, None]
    matrix = stiffness_form.assemble(basis, coefficient=permittivity)
    # far away the potential hardly matters for a choice: a weak mass stands for the Robin condition
    matrix = matrix + 1e-4 * mass_form.assemble(basis, coefficient=per_point)
    factors = Factorisation(matrix.tocsr())
    everywhere = np.zeros((mesh.nvertices, len(pairs)))
    everywhere[inner] = 4 * np.pi * COULOMB * loads
    metric = loads.T @ factors.solve(everywhere)[inner]
    _, pivots, rank, _ = scipy.linalg.lapack.dpstrf(metric, tol=TOLERANCE, overwrite_a=True)
    return pivots[:rank] - 1


def coulomb_factors(poisson: Poisson, densities: PairDensities, kinds: tuple) -> CoulombFactors:
    """Solve for the potentials of the chosen pairs and integrate them with every pair.

    Parameters
    ----------
    poisson : Poisson
    densities : PairDensities
    kinds : names of the carriers in the order of their numbers

    Returns
    -------
    CoulombFactors

    Raises
    ------
    SpqError
        If the chosen pair densities are linearly dependent.
    """
    space = poisson.space
    sources = np.zeros((space.size, len(densities.chosen)))
    sources[space.covered] = densities.sources[:, densities.chosen]
    potentials = poisson.solve(sources)
    integrals = potentials[space.covered].T @ densities.sources  # (P|ab)
    metric = integrals[:, densities.chosen]
    try:
        root = scipy.linalg.cholesky(0.5 * (metric + metric.T), lower=True)
    except scipy.linalg.LinAlgError as error:
        message = f"the {len(metric)} chosen pair densities are linearly dependent: {error}"
        raise SpqError(message) from error
    integrals = scipy.linalg.solve_triangular(root, integrals, lower=True)
    potentials = scipy.linalg.solve_triangular(root, potentials.T, lower=True).T
    factors = {}
    for number, kind in enumerate(kinds):
        columns = densities.pairs[:, 0] == number
        factors[kind] = np.ascontiguousarray(integrals[:, columns])
    return CoulombFactors(factors, potentials)
