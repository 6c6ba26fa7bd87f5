"""The self-consistent problem on the full finite-element space, the reference for the reduced one.

Orbitals are nodal values, densities are their potentials V[ρ] (one per surrounding), a surface charge
is the potential of a point source at its place, so that ⟨φ|Φ_ext|φ⟩ = Q V[φ²](r_s) to all digits.
"""

from __future__ import annotations

import time

import numpy as np

from spq.discretisation import BARRIER, KINDS, Discretisation
from spq.errors import ConvergenceError
from spq.hartree import Choice
from spq.schrodinger import lowest_states, orthonormal, residuals
from spq.units import COULOMB

BARE_STATES = 8  # of each dot, in every subspace
RESIDUAL = 1e-7  # eV, of every state that resembles the reference
RESEMBLES = 0.1  # overlap² with the reference
LARGEST_SUBSPACE = 60
MAX_EXPANSIONS = 80
CONVERGED_AT_START = 5  # s and p states of one dot, and one more


class Direct:
    """A discretisation with every orbital and potential on the full space.

    Implements the interface that spq.hartree solves on; see there. A field is an array
    (surroundings, size) of nodal potentials in eV. The latest orbitals are kept as a guess for the
    next: they speed up the iteration and change a result within its tolerance only.
    """

    batch = 1  # problems that are iterated together

    def __init__(self, discretisation: Discretisation):
        self.discretisation = discretisation
        self.space = discretisation.space
        self.dots = len(discretisation.model.molecule.dots)
        self.surroundings = discretisation.surroundings
        self._along = (self.space.points - self.space.molecule.mean_center) @ self.space.molecule.axis
        start = time.perf_counter()
        self._bare = {
            kind: lowest_states(discretisation.carriers[kind], BARE_STATES * self.dots)[1] for kind in KINDS
        }
        self.seconds = {"states": time.perf_counter() - start}
        self._latest: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}

    def no_field(self) -> np.ndarray:
        """The field of nothing, (surroundings, size)."""
        return np.zeros((len(self.discretisation.poisson), self.space.size))

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """Fields (s, surroundings, size) of unit charges at positions (s, 3) in nm."""
        sources = self.space.point_values(positions).toarray().T
        fields = np.zeros((sources.shape[1], *self.no_field().shape))
        fields[:, 0] = self.discretisation.poisson[0].solve(sources).T
        return fields

    def start(self, kind: str, dot: int, level: int) -> np.ndarray:
        """Lowest orbital (n,) with a barrier outside one dot (from 0), or its p-like one (level 1)."""
        barrier = BARRIER * (self.space.dot_at_points != dot)
        _, orbitals, _ = self._davidson(kind, barrier, self._bare[kind], None)
        if level == 0:
            return orbitals[:, 0]
        values = self.space.orbital_interpolation
        moved = values.T @ (self.space.weights * self._along * (values @ orbitals[:, 0]))
        return orbitals[:, 1 + int(np.argmax(np.abs(moved @ orbitals[:, 1:CONVERGED_AT_START])))]

    def follow(
        self, kind: str, fields: np.ndarray, references: np.ndarray, choose: Choice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (b,) in eV and orbitals (b, n) of h + field that `choose` picks by the references."""
        levels, followed = [], []
        for field, reference in zip(fields, references, strict=True):
            potential = self.space.interpolation @ field.sum(axis=0)
            guess = np.column_stack([reference, *self._latest[kind], self._bare[kind]])
            energies, orbitals, converged = self._davidson(kind, potential, guess, reference)
            overlaps = (self.discretisation.carriers[kind].mass @ reference) @ orbitals
            index = choose(energies, overlaps**2)
            self._latest[kind] = [orbitals[:, converged], *self._latest[kind]][:2]
            levels.append(energies[index])
            followed.append(orbitals[:, index] * (-1.0 if overlaps[index] < 0 else 1.0))
        return np.array(levels), np.array(followed)

    def _davidson(self, kind: str, potential: np.ndarray, guess: np.ndarray, reference):
        """Davidson's method preconditioned by the factorised bare Hamiltonian.

        Converges the Ritz vectors that resemble the reference (None: the lowest few). The reference is
        in the subspace, so that whatever resembles it is found.
        """
        problem = self.discretisation.carriers[kind]
        values = self.space.orbital_interpolation
        weighted = (potential * self.space.weights)[:, None]

        def apply(vectors):
            return problem.hamiltonian @ vectors + values.T @ (weighted * (values @ vectors))

        basis = orthonormal(guess, problem.mass)
        applied = apply(basis)
        for _ in range(MAX_EXPANSIONS):
            projected = basis.T @ applied
            energies, coefficients = np.linalg.eigh(0.5 * (projected + projected.T))
            ritz, image = basis @ coefficients, applied @ coefficients
            wanted = np.arange(len(energies)) < CONVERGED_AT_START
            if reference is not None:
                closeness = ((problem.mass @ reference) @ ritz) ** 2
                wanted = closeness > min(RESEMBLES, closeness.max())
                wanted[np.argmax(closeness)] = True
            error, norm = residuals(image, problem.mass, energies, ritz)
            open_ones = wanted & (norm > RESIDUAL)
            if not open_ones.any():
                return energies, ritz, wanted
            if basis.shape[1] > LARGEST_SUBSPACE:
                kept = wanted | (np.arange(len(energies)) < guess.shape[1])
                basis, applied = ritz[:, kept], image[:, kept]
            correction = problem.factors.solve(error[:, open_ones])
            new = orthonormal(correction, problem.mass, against=basis)
            basis = np.hstack([basis, new])
            applied = np.hstack([applied, apply(new)])
        raise ConvergenceError(
            f"orbital not converged: residual {norm[wanted].max():.1e} eV after {MAX_EXPANSIONS} steps",
            partial=energies,
        )

    def densities(self, kind: str, orbitals: np.ndarray) -> np.ndarray:
        """Potentials of the densities of orbitals (b, n), (b, surroundings, size)."""
        values = (self.space.orbital_interpolation @ orbitals.T) ** 2
        each = [p.potential_of_density(values).T for p in self.discretisation.poisson]
        return np.stack(each, axis=1)

    def interaction(self, fields: np.ndarray, densities: np.ndarray, section: int) -> np.ndarray:
        """Energies (b,) in eV of densities in one section of fields."""
        applied = self.discretisation.poisson[section].matrix @ densities[:, section].T
        return np.einsum("bn,nb->b", fields[:, section], applied) / (4 * np.pi * COULOMB)

    def dot_populations(self, kind: str, orbital: np.ndarray) -> np.ndarray:
        """Population of each dot, (N,)."""
        density = self.space.weights * (self.space.orbital_interpolation @ orbital) ** 2
        return np.bincount(self.space.dot_at_points, weights=density, minlength=self.dots)

    def electron_hole_overlap(self, electron: np.ndarray, hole: np.ndarray) -> float:
        """⟨φ_e|φ_h⟩."""
        values = self.space.orbital_interpolation
        return float((values @ electron) @ (self.space.weights * (values @ hole)))
