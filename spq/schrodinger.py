"""Single-carrier states: −(ħ²/2) ∇·(1/m ∇φ) + (V + Σ) φ = E φ, φ = 0 on the nanocrystal's surface.

In an axisymmetric molecule the equation falls apart into one for every harmonic of the azimuth.

BenDaniel–Duke form: the weak form keeps φ and (1/m) ∂φ/∂n continuous at every interface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from spq.errors import ConvergenceError
from spq.factorisation import Factorisation
from spq.space import Space
from spq.units import HBAR2_2M

RESIDUAL_LIMIT = 1e-8  # eV, norm of (H − E M) φ in the metric of the inverse mass diagonal
EIGEN_TOLERANCE = 1e-11  # relative, of the inverted problem's eigenvalues
POLISHING = 3  # inverse iterations where residuals are too large
BELOW = 0.05  # eV; the shift lies this far below the lowest possible level


@dataclass(frozen=True, eq=False)
class Carrier:
    """Matrices of one carrier's single-particle problem for one harmonic, on the inner degrees of freedom.

    hamiltonian, mass: sparse (n, n) in eV and dimensionless; shift: eV, below the spectrum;
    factors: of hamiltonian − shift · mass; free: unknowns that need not vanish.
    """

    hamiltonian: sp.csr_matrix
    mass: sp.csr_matrix
    shift: float
    factors: Factorisation
    free: np.ndarray


def carrier(
    space: Space,
    masses: np.ndarray,
    band: np.ndarray,
    harmonic: int = 0,
    self_energy: np.ndarray | None = None,
) -> Carrier:
    """Assemble and factorise one carrier's Hamiltonian.

    Parameters
    ----------
    space : Space
    masses : (2N + 1,) effective mass of each region in m0, or (2N + 1, 3, 3) its tensor
    band : (2N + 1,) band edge of each region in eV, up for electrons, down for holes
    harmonic : |m| of the orbitals
    self_energy : (q,) Σ in eV at the quadrature points; None: without

    Returns
    -------
    Carrier

    Raises
    ------
    SpqError
        If the factorisation fails its residual check.
    """
    mass = space.orbital_mass(np.ones(len(band)))
    inverse = np.linalg.inv(masses) if np.ndim(masses) == 3 else 1 / masses
    kinetic = space.orbital_stiffness(HBAR2_2M * inverse, harmonic)
    hamiltonian = (kinetic + space.orbital_mass(band)).tocsr()
    lowest = float(np.min(band[:-1]))
    if self_energy is not None:
        values = space.orbital_interpolation
        weighted = values.multiply((space.weights * self_energy)[:, None]).tocsr()
        hamiltonian = (hamiltonian + values.T @ weighted).tocsr()
        lowest += min(0.0, float(self_energy.min()))
    shift = lowest - BELOW
    free = space.orbital_free(harmonic)
    return Carrier(hamiltonian, mass, shift, Factorisation((hamiltonian - shift * mass).tocsr(), free), free)


def lowest_states(problem: Carrier, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The lowest single-particle states by shift-invert Lanczos iteration.

    Parameters
    ----------
    problem : Carrier
    count : number of states

    Returns
    -------
    energies : (count,) eV, ascending
    orbitals : (n, count), orthonormal in the mass matrix, sign fixed (positive mean of φ|φ|)

    Raises
    ------
    ConvergenceError
        If the iteration or the residual of a state does not reach its tolerance.
    """
    free, size = problem.free, len(problem.free)
    hamiltonian, mass = (matrix[free][:, free] for matrix in (problem.hamiltonian, problem.mass))

    def inverted(right):
        padded = np.zeros(problem.mass.shape[0])
        padded[free] = right
        return problem.factors.solve(padded)[free]

    inverse = LinearOperator((size, size), matvec=inverted, dtype=float)
    start = np.cos(np.arange(size, dtype=float))  # the same at every run
    try:
        energies, found = eigsh(
            hamiltonian,
            k=count,
            M=mass,
            sigma=problem.shift,
            OPinv=inverse,
            v0=start,
            ncv=min(size - 1, max(2 * count, count + 12)),
            tol=EIGEN_TOLERANCE,
        )
    except ArpackNoConvergence as error:
        message = f"only {len(error.eigenvalues)} of {count} single-particle states converged"
        raise ConvergenceError(message, partial=error.eigenvalues) from error
    order = np.argsort(energies)
    energies, found = energies[order], found[:, order]
    for _ in range(POLISHING):  # where the wall is high and thin, Lanczos leaves a little more than rounding
        if np.all(residuals(hamiltonian @ found, mass, energies, found)[1] < RESIDUAL_LIMIT):
            break
        padded = np.zeros((problem.mass.shape[0], count))
        padded[free] = mass @ found
        found = orthonormal(problem.factors.solve(padded)[free], mass)
        energies, mixed = np.linalg.eigh(found.T @ (hamiltonian @ found))
        found = found @ mixed
    check_residuals(hamiltonian @ found, mass, energies, found)
    orbitals = np.zeros((problem.mass.shape[0], count))
    orbitals[free] = found
    signs = np.sign(np.einsum("ia,ia->a", orbitals, problem.mass @ np.abs(orbitals)))
    return energies, orbitals * np.where(signs == 0, 1.0, signs)


def residuals(applied, mass, energies, orbitals) -> tuple[np.ndarray, np.ndarray]:
    """(Hφ − E M φ, its norm in the metric of the inverse mass diagonal in eV); applied = Hφ, (n, k)."""
    error = applied - (mass @ orbitals) * energies
    norm = np.sqrt(np.einsum("ia,ia->a", error, error / mass.diagonal()[:, None]))
    return error, norm


def check_residuals(applied, mass, energies, orbitals) -> None:
    """Raise ConvergenceError where ‖Hφ − E M φ‖ exceeds the limit; applied = Hφ, (n, k)."""
    _, norm = residuals(applied, mass, energies, orbitals)
    if not np.all(norm < RESIDUAL_LIMIT):
        worst = int(np.argmax(norm))
        raise ConvergenceError(
            f"state {worst + 1} of {len(energies)} has a residual of {norm[worst]:.1e} eV, "
            f"allowed is {RESIDUAL_LIMIT:.0e} eV",
            partial=energies,
        )


def orthonormal(vectors: np.ndarray, mass, against: np.ndarray | None = None) -> np.ndarray:
    """Columns made orthonormal in the mass matrix, and orthogonal to `against`; dependent ones go."""
    for _ in range(2):  # once leaves a remainder of the size of the cancellation
        if against is not None:
            vectors = vectors - against @ (against.T @ (mass @ vectors))
        vectors = vectors / np.sqrt(np.einsum("ia,ia->a", vectors, mass @ vectors))
        metric = vectors.T @ (mass @ vectors)
        scale, rotation = np.linalg.eigh(0.5 * (metric + metric.T))
        kept = scale > 1e-10
        vectors = (vectors @ rotation[:, kept]) / np.sqrt(scale[kept])
    return vectors
