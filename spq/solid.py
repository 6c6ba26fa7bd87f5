"""The space on a solid mesh of curved tetrahedra: one angular function, the constant 1."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from skfem import Basis, ElementTetP1, ElementTetP2, MeshTet1

from spq.facets import Interfaces, Surface, boundary_of, curved_surface, inner_side, interfaces
from spq.harmonics import Harmonics
from spq.space import Space, mass_form, stiffness_form, tensor_form

FAR_AWAY = 1e-4  # nm⁻²
INTERFACE_ORDER = 10  # of the quadrature between regions


class SolidSpace(Space):
    """Second-order space on curved tetrahedra; see spq.space.Space."""

    element = ElementTetP2()
    quadrature_order = 5  # scikit-fem's default for second order, 4, has a negative weight
    harmonics = Harmonics()

    @cached_property
    def nanocrystal_surface(self) -> Surface:
        """The nanocrystal's surface, normals outward."""
        return self.interface(self.has_orbitals)

    @cached_property
    def outer_surface(self) -> Surface:
        """The outer sphere, normals outward."""
        return self.interface(np.ones(len(self.regions), dtype=bool))

    def interface(self, elements: np.ndarray) -> Surface:
        """Boundary of a set of elements (bool, (t,)), normals pointing out of it."""
        facets = boundary_of(self.mesh, elements)
        return curved_surface(self.mesh, facets, inner_side(self.mesh, facets, elements))

    def interfaces(self, values: np.ndarray) -> Interfaces:
        return interfaces(self.mesh, self.regions, values, INTERFACE_ORDER)

    @property
    def surface_dofs(self) -> np.ndarray:
        return self.nanocrystal_surface.dofs

    @cached_property
    def weights(self) -> np.ndarray:
        return np.ascontiguousarray(self.orbital_elements.dx).ravel()

    @cached_property
    def points(self) -> np.ndarray:
        return np.asarray(self.orbital_elements.global_coordinates()).reshape(3, -1).T

    @cached_property
    def positions(self) -> np.ndarray:
        return self.mesh.doflocs.T

    def in_space(self, places: np.ndarray) -> np.ndarray:
        return places

    def local(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return positions, np.zeros(len(positions))

    def far_potential(self, field: np.ndarray) -> dict[int, np.ndarray]:
        return {0: -field @ (self.mesh.doflocs - self.molecule.mean_center[:, None])}

    def free(self, harmonic: int) -> np.ndarray:
        return np.arange(self.size)

    def stiffness(self, coefficients: np.ndarray, harmonic: int = 0, graded: bool = True) -> sp.csr_matrix:
        return self._assemble(stiffness_form, self._everywhere, coefficients, graded)

    def orbital_stiffness(self, coefficients: np.ndarray, harmonic: int = 0) -> sp.csr_matrix:
        form = tensor_form if np.ndim(coefficients) == 3 else stiffness_form
        return self.condensed(self._assemble(form, self.orbital_elements, coefficients))

    def orbital_mass(self, coefficients: np.ndarray) -> sp.csr_matrix:
        return self.condensed(self._assemble(mass_form, self.orbital_elements, coefficients))

    def outer_mass(self) -> sp.csr_matrix:
        return self.outer_surface.mass(np.ones(self.outer_surface.weights.shape), self.size)

    def linear_companion(self, permittivities: np.ndarray, harmonic: int) -> tuple:
        vertices = np.ascontiguousarray(self.mesh.doflocs[:, : self.mesh.nvertices])
        basis = Basis(MeshTet1(vertices, self.mesh.t), ElementTetP1(), intorder=1)
        ones = np.ones(basis.dx.shape)
        inside = mass_form.assemble(basis, coefficient=ones * self.has_orbitals[:, None])
        matrix = stiffness_form.assemble(basis, coefficient=ones * permittivities[self.regions][:, None])
        # far away the potential hardly matters for a choice: a weak mass stands for the Robin condition
        matrix = matrix + FAR_AWAY * mass_form.assemble(basis, coefficient=ones)
        return sp.csr_matrix(matrix), np.asarray(inside.sum(axis=1)).ravel()

    def _assemble(self, form, basis: Basis, coefficients: np.ndarray, graded: bool = True) -> sp.csr_matrix:
        return sp.csr_matrix(form.assemble(basis, coefficient=self.per_point(basis, coefficients, graded)))
