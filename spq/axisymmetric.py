"""The space of an axisymmetric molecule: curved triangles of the half plane (r, z), harmonics in azimuth.

For the harmonic m of a field: ∫ c ∇u·∇v → ∫ c (∂_r u ∂_r v + ∂_z u ∂_z v + m² u v/r²) r dr dz; harmonics
m ≠ 0 vanish on the axis (Bernardi, Dauge, Maday, Spectral Methods for Axisymmetric Domains, 1999).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from skfem import Basis, BilinearForm, ElementTriP1, ElementTriP2, MeshTri1
from skfem.helpers import dot, grad
from skfem.quadrature import get_quadrature
from skfem.refdom import RefLine

from spq.facets import boundary_of
from spq.harmonics import turning
from spq.planar import in_space
from spq.space import Space
from spq.surface import axis_frame

HIGHEST_ORBITAL, HIGHEST_POTENTIAL = 4, 5
FAR_AWAY = 1e-4  # nm⁻²


@BilinearForm
def stiffness_form(u, v, w):
    return w.coefficient * dot(grad(u), grad(v))


@BilinearForm
def mass_form(u, v, w):
    return w.coefficient * u * v


class AxisymmetricSpace(Space):
    """Second-order space on curved triangles of the half plane; see spq.space.Space."""

    element = ElementTriP2()
    quadrature_order = 6
    harmonics = turning(HIGHEST_ORBITAL, HIGHEST_POTENTIAL)

    @cached_property
    def surface_dofs(self) -> np.ndarray:
        return self._line(self.in_nanocrystal)

    def _line(self, elements: np.ndarray) -> np.ndarray:
        """Degrees of freedom (3, f) of the edges around elements (bool, (t,)), without those on the axis."""
        facets = boundary_of(self.mesh, elements)
        dofs = np.vstack([self.mesh.facets[:, facets], self.mesh.dofs.facet_dofs[0, facets]])
        return dofs[:, self.mesh.doflocs[0, dofs[2]] > 0]

    @cached_property
    def _everywhere(self) -> Basis:
        return self.basis(np.arange(len(self.regions)))

    @cached_property
    def weights(self) -> np.ndarray:
        return (self.nanocrystal.global_coordinates()[0] * self.nanocrystal.dx).ravel()

    @cached_property
    def points(self) -> np.ndarray:
        places = np.asarray(self.nanocrystal.global_coordinates()).reshape(2, -1).T
        return in_space(self.molecule, places)

    def local(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        axis, across, third = axis_frame(self.molecule)
        apart = positions - self.molecule.mean_center
        x, y = apart @ across, apart @ third
        return np.column_stack([np.hypot(x, y), apart @ axis]), np.arctan2(y, x)

    def free(self, harmonic: int) -> np.ndarray:
        return np.flatnonzero(self.mesh.doflocs[0] > 0) if harmonic else np.arange(self.size)

    def stiffness(self, coefficients: np.ndarray, harmonic: int = 0) -> sp.csr_matrix:
        return self._stiffness(self._everywhere, coefficients, harmonic)

    def orbital_stiffness(self, coefficients: np.ndarray, harmonic: int = 0) -> sp.csr_matrix:
        return self.condensed(self._stiffness(self.nanocrystal, coefficients, harmonic))

    def orbital_mass(self, coefficients: np.ndarray) -> sp.csr_matrix:
        return self.condensed(self._assemble(mass_form, self.nanocrystal, coefficients, 1))

    def outer_mass(self) -> sp.csr_matrix:
        dofs = self._line(np.ones(len(self.regions), dtype=bool))
        reference, weights = get_quadrature(RefLine, 6)
        x = reference[0]
        shape = np.array([(1 - x) * (1 - 2 * x), x * (2 * x - 1), 4 * x * (1 - x)])
        slope = np.array([4 * x - 3, 4 * x - 1, 4 - 8 * x])
        nodes = self.mesh.doflocs[:, dofs]  # (2, 3, f)
        radius = np.einsum("if,iq->fq", nodes[0], shape)
        length = np.linalg.norm(np.einsum("dif,iq->dfq", nodes, slope), axis=0)
        local = np.einsum("fq,iq,jq->ijf", weights * radius * length, shape, shape)
        rows = np.broadcast_to(dofs[:, None], local.shape)
        columns = np.broadcast_to(dofs[None, :], local.shape)
        entries = (local.ravel(), (rows.ravel(), columns.ravel()))
        return sp.coo_matrix(entries, shape=(self.size, self.size)).tocsr()

    def linear_companion(self, permittivities: np.ndarray, harmonic: int) -> tuple:
        vertices = np.ascontiguousarray(self.mesh.doflocs[:, : self.mesh.nvertices])
        basis = Basis(MeshTri1(vertices, self.mesh.t), ElementTriP1(), intorder=2)
        radius = np.asarray(basis.global_coordinates())[0]
        inside = mass_form.assemble(basis, coefficient=radius * self.in_nanocrystal[:, None])
        weighted = radius * permittivities[self.regions][:, None]
        matrix = stiffness_form.assemble(basis, coefficient=weighted)
        if harmonic:
            matrix = matrix + harmonic**2 * mass_form.assemble(basis, coefficient=weighted / radius**2)
        # far away the potential hardly matters for a choice: a weak mass stands for the Robin condition
        matrix = matrix + FAR_AWAY * mass_form.assemble(basis, coefficient=radius)
        return sp.csr_matrix(matrix), np.asarray(inside.sum(axis=1)).ravel()

    def _stiffness(self, basis: Basis, coefficients: np.ndarray, harmonic: int) -> sp.csr_matrix:
        matrix = self._assemble(stiffness_form, basis, coefficients, 1)
        if harmonic:
            matrix = matrix + harmonic**2 * self._assemble(mass_form, basis, coefficients, -1)
        return matrix

    def _assemble(self, form, basis: Basis, coefficients: np.ndarray, power: int) -> sp.csr_matrix:
        """The form with coefficient c r^power."""
        radius = np.asarray(basis.global_coordinates())[0]
        coefficient = self.per_point(basis, coefficients) * radius**power
        return sp.csr_matrix(form.assemble(basis, coefficient=coefficient))
