"""Electrostatics: −∇·(ε ∇V) = 4πk ρ on all space, k = e²/4πε₀, flux continuous at every interface.

V is the potential energy of a unit charge in eV. The outer sphere of radius R carries the Robin
condition ∂V/∂n = −(m + 1) V/R, exact for the slowest decay of the harmonic m: of a charge at its
centre for m = 0 and on a solid mesh.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from spq.errors import SpqError
from spq.factorisation import Factorisation
from spq.space import Space
from spq.units import COULOMB

GAUSS_LIMIT = 1e-8  # of the charge's absolute value


class Poisson:
    """Poisson's equation on a space with given permittivities, factorised once per harmonic.

    Parameters
    ----------
    space : Space
    permittivities : (2N + 1,) relative permittivity of each region
    graded : whether it varies in graded shells
    """

    def __init__(self, space: Space, permittivities: np.ndarray, graded: bool = True):
        self.space, self.graded = space, graded
        self.permittivities = np.asarray(permittivities, dtype=float)
        self._matrices: dict[int, sp.csr_matrix] = {}
        self._factors: dict[int, Factorisation] = {}

    def matrix(self, harmonic: int = 0) -> sp.csr_matrix:
        """∫ ε ∇u·∇v + ∮ (m + 1) (ε/R) u v of the harmonic m, (size, size), symmetric."""
        m = abs(harmonic)
        if m not in self._matrices:
            robin = (m + 1) * self.permittivities[-1] / self.space.outer_radius
            stiffness = self.space.stiffness(self.permittivities, m, self.graded)
            matrix = stiffness + robin * self._outer_mass
            self._matrices[m] = matrix.tocsr()
        return self._matrices[m]

    @cached_property
    def _outer_mass(self) -> sp.csr_matrix:
        return self.space.outer_mass()

    def factors(self, harmonic: int = 0) -> Factorisation:
        """Factorisation of a harmonic's matrix; its solutions vanish where the harmonic must."""
        m = abs(harmonic)
        if m not in self._factors:
            self._factors[m] = Factorisation(self.matrix(m), self.space.free(m))
        return self._factors[m]

    def solve(self, sources: np.ndarray, harmonic: int = 0) -> np.ndarray:
        """Potentials in eV from source vectors ∫ρ v or v(r_s), (size,) or (size, k), batched.

        Raises SpqError where a potential misses Gauss's law by more than 1e-8 of the charge.
        """
        potentials = self.factors(harmonic).solve(4 * np.pi * COULOMB * sources)
        if harmonic == 0:
            charge, size = sources.sum(axis=0), np.abs(sources).sum(axis=0)
            flux = (self._outflow @ potentials) / (4 * np.pi * COULOMB)
            if not np.all(np.abs(flux - charge) <= GAUSS_LIMIT * size):
                raise SpqError(
                    "Gauss's law fails: the flux through the outer sphere is not the charge inside"
                )
        return potentials

    def far_source(self, field: np.ndarray) -> dict[int, np.ndarray]:
        """What a uniform field far away makes on the outer sphere: right-hand sides (size,) of each label.

        field: (3,) in V/nm. The potential −F·r there, r from the sphere's centre, meets the Robin condition
        with the load (ε/R) (m + 2) (−F·r).
        """
        found = {}
        for label, values in self.space.far_potential(field).items():
            load = self._outer_mass @ values
            found[label] = self.permittivities[-1] / self.space.outer_radius * (abs(label) + 2) * load
        return found

    @cached_property
    def _outflow(self) -> np.ndarray:
        """Row vector whose product with a potential is the flux ∮ (ε/R) V through the outer sphere."""
        return self.matrix() @ np.ones(self.space.size)

    def density_source(self, density: np.ndarray) -> np.ndarray:
        """∫ ρ v of densities given at the nanocrystal's quadrature points, (q,) or (q, k), in nm⁻³."""
        weighted = self.space.weights[:, None] * density.reshape(len(density), -1)
        sources = np.zeros((self.space.size, weighted.shape[1]))
        sources[self.space.covered] = self.space.source(weighted)
        return sources.reshape(-1, *density.shape[1:])

    def potential_of_density(self, density: np.ndarray) -> np.ndarray:
        """Potential in eV, (size,) or (size, k), of unit-charge densities at quadrature points."""
        return self.solve(self.density_source(density))

    def flux(self, potential: np.ndarray) -> float:
        """Charge in e within the nanocrystal by Gauss's law: the flux of ε∇V through its surface.

        Taken consistently with the weak form, (1/4πk) ∫ ε ∇V·∇χ over the elements outside, with χ one
        on the nanocrystal and falling to zero across the elements that touch it.
        """
        touched = np.zeros(self.space.size)
        touched[self.space.covered] = 1.0
        outside = np.zeros_like(self.permittivities)
        outside[-1] = self.permittivities[-1]
        return float(touched @ (self.space.stiffness(outside) @ potential)) / (4 * np.pi * COULOMB)
