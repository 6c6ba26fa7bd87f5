"""The space of an axisymmetric molecule: curved triangles of the half plane (r, z), harmonics in azimuth.

For the harmonic m of a field: ∫ c ∇u·∇v → ∫ c (∂_r u ∂_r v + ∂_z u ∂_z v + m² u v/r²) r dr dz; harmonics
m ≠ 0 vanish on the axis (Bernardi, Dauge, Maday, Spectral Methods for Axisymmetric Domains, 1999).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp
from skfem import Basis, ElementTriP1, ElementTriP2, MeshTri1, MeshTri2

from spq.facets import Interfaces, boundary_of, curved_surface, inner_side, interfaces
from spq.geometry import Molecule
from spq.harmonics import turning
from spq.planar import in_space
from spq.space import Space, mass_form, stiffness_form
from spq.surface import axis_frame

HIGHEST = (6, 7)  # |m| of orbitals and of potentials
HIGHEST_COARSE = (4, 5)  # of a companion: the harmonics left out are part of its difference
HIGHEST_CORRELATED = (7, 14)  # of configuration interaction, whose orbitals are the lowest of all
FAR_AWAY = 1e-4  # nm⁻²
INTERFACE_ORDER = 15  # of the quadrature between regions
ON_AXIS = 1e-9  # nm, distance from the axis of what has no azimuth
ON_PLANE = 1e-9  # sine of the angle between two azimuths that are equal or opposite


class AxisymmetricSpace(Space):
    """Second-order space on curved triangles of the half plane; see spq.space.Space."""

    element = ElementTriP2()
    quadrature_order = 6

    def __init__(
        self, mesh: MeshTri2, molecule: Molecule, highest: tuple[int, int] = HIGHEST, reach: float = 0.0
    ):
        super().__init__(mesh, molecule, reach)
        self.harmonics = turning(*highest)

    @cached_property
    def surface_dofs(self) -> np.ndarray:
        facets = self._facets(self.has_orbitals)
        return np.vstack([self.mesh.facets[:, facets], self.mesh.dofs.facet_dofs[:, facets]])

    def _facets(self, elements: np.ndarray) -> np.ndarray:
        """Edges around elements (bool, (t,)), without those on the axis."""
        facets = boundary_of(self.mesh, elements)
        middles = self.mesh.dofs.facet_dofs[0, facets]
        return facets[self.mesh.doflocs[0, middles] > 0]

    @cached_property
    def weights(self) -> np.ndarray:
        return (self.orbital_elements.global_coordinates()[0] * self.orbital_elements.dx).ravel()

    @cached_property
    def points(self) -> np.ndarray:
        places = np.asarray(self.orbital_elements.global_coordinates()).reshape(2, -1).T
        return in_space(self.molecule, places)

    @cached_property
    def positions(self) -> np.ndarray:
        return in_space(self.molecule, self.mesh.doflocs.T)

    def in_space(self, places: np.ndarray) -> np.ndarray:
        return in_space(self.molecule, places)

    def local(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        axis, across, third = axis_frame(self.molecule)
        apart = positions - self.molecule.mean_center
        x, y = apart @ across, apart @ third
        return np.column_stack([np.hypot(x, y), apart @ axis]), np.arctan2(y, x)

    def turned(self, positions: np.ndarray, owners: np.ndarray) -> np.ndarray:
        # a set that shares a plane with the axis is put into that of azimuth 0
        places, azimuths = self.local(positions)
        beside = np.flatnonzero(places[:, 0] > ON_AXIS)
        first = np.full(owners.max() + 1, -1)
        first[owners[beside[::-1]]] = beside[::-1]
        turn = np.where(first >= 0, azimuths[first], 0.0)[owners]
        astray = beside[np.abs(np.sin((azimuths - turn)[beside])) > ON_PLANE]
        kept = np.isin(owners, owners[astray])
        turn[kept] = 0.0
        azimuths = azimuths - turn
        axis, across, third = axis_frame(self.molecule)
        sideways = np.outer(np.cos(azimuths), across) + np.outer(np.sin(azimuths), third)
        moved = self.molecule.mean_center + places[:, :1] * sideways + places[:, 1:] * axis
        return np.where(kept[:, None], positions, moved)

    def far_potential(self, field: np.ndarray) -> dict[int, np.ndarray]:
        radius, height = self.mesh.doflocs
        along, across, third = (float(field @ direction) for direction in axis_frame(self.molecule))
        found = {0: -along * np.sqrt(2 * np.pi) * height}
        for label, part in ((1, across), (-1, third)):
            if part:
                found[label] = -part * np.sqrt(np.pi) * radius
        return found

    def free(self, harmonic: int) -> np.ndarray:
        return np.flatnonzero(self.mesh.doflocs[0] > 0) if harmonic else np.arange(self.size)

    def stiffness(self, coefficients: np.ndarray, harmonic: int = 0, graded: bool = True) -> sp.csr_matrix:
        return self._whole.matrix(self._stiffness(coefficients, harmonic, graded))

    def orbital_stiffness(self, coefficients: np.ndarray, harmonic: int = 0) -> sp.csr_matrix:
        return self._within.matrix(self._stiffness(coefficients, harmonic)[self.has_orbitals])

    def orbital_mass(self, coefficients: np.ndarray) -> sp.csr_matrix:
        return self._within.matrix(self._integral("mass", coefficients)[self.has_orbitals])

    @cached_property
    def _products(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Functions (t, 6, q) whose products are integrated, and weights (t, 1, q)."""
        basis = self._everywhere
        radius = np.asarray(basis.global_coordinates())[0]
        values = np.array([np.broadcast_to(np.asarray(f[0]), radius.shape) for f in basis.basis])
        slopes = np.array([np.asarray(f[0].grad) for f in basis.basis]).transpose(1, 2, 0, 3)
        values, volume = values.transpose(1, 0, 2), (basis.dx * radius)[:, None]
        return {
            "radial": (slopes[0], volume),
            "axial": (slopes[1], volume),
            "mass": (values, volume),
            "centrifugal": (values, (basis.dx / radius)[:, None]),
        }

    @cached_property
    def _elements(self) -> dict[str, np.ndarray]:
        """Of every element, (t, 6, 6): ∫ ∂_r u ∂_r v r, ∫ ∂_z u ∂_z v r, ∫ u v r and ∫ u v / r."""
        return {
            name: (functions * weight) @ functions.transpose(0, 2, 1)
            for name, (functions, weight) in self._products.items()
        }

    def _integral(self, name: str, coefficients: np.ndarray, graded: bool = True) -> np.ndarray:
        """One of them with a coefficient per region, (t, 6, 6)."""
        coefficients = np.asarray(coefficients, dtype=float)
        found = self._elements[name] * coefficients[self.regions][:, None, None]
        varied = self.graded_elements
        if graded and len(varied):
            functions, weight = (each[varied] for each in self._products[name])
            values = self.per_point(self._everywhere, coefficients)[varied][:, None]
            found[varied] = (functions * weight * values) @ functions.transpose(0, 2, 1)
        return found

    @cached_property
    def _whole(self) -> Pattern:
        return Pattern(self.mesh.dofs.element_dofs.T, self.size)

    @cached_property
    def _within(self) -> Pattern:
        """Of the inner degrees of freedom; the others are left out."""
        number = np.full(self.size, -1)
        number[self.inner] = np.arange(len(self.inner))
        return Pattern(number[self.mesh.dofs.element_dofs.T[self.has_orbitals]], len(self.inner))

    def outer_mass(self) -> sp.csr_matrix:
        everywhere = np.ones(len(self.regions), dtype=bool)
        facets = self._facets(everywhere)
        surface = curved_surface(self.mesh, facets, inner_side(self.mesh, facets, everywhere))
        return surface.mass(np.ones(surface.weights.shape), self.size)

    def interfaces(self, values: np.ndarray) -> Interfaces:
        return interfaces(self.mesh, self.regions, values, INTERFACE_ORDER)

    def linear_companion(self, permittivities: np.ndarray, harmonic: int) -> tuple:
        vertices = np.ascontiguousarray(self.mesh.doflocs[:, : self.mesh.nvertices])
        basis = Basis(MeshTri1(vertices, self.mesh.t), ElementTriP1(), intorder=2)
        radius = np.asarray(basis.global_coordinates())[0]
        inside = mass_form.assemble(basis, coefficient=radius * self.has_orbitals[:, None])
        weighted = radius * permittivities[self.regions][:, None]
        matrix = stiffness_form.assemble(basis, coefficient=weighted)
        if harmonic:
            matrix = matrix + harmonic**2 * mass_form.assemble(basis, coefficient=weighted / radius**2)
        # far away the potential hardly matters for a choice: a weak mass stands for the Robin condition
        matrix = matrix + FAR_AWAY * mass_form.assemble(basis, coefficient=radius)
        return sp.csr_matrix(matrix), np.asarray(inside.sum(axis=1)).ravel()

    def _stiffness(self, coefficients: np.ndarray, harmonic: int, graded: bool = True) -> np.ndarray:
        """∫ c (∇u·∇v + m² u v/r²) r of every element, (t, 6, 6); tensors act across and along the axis."""
        across = along = np.asarray(coefficients, dtype=float)
        if across.ndim == 3:
            axis = self.molecule.axis
            along = np.einsum("i,nij,j->n", axis, across, axis)
            across = 0.5 * (np.einsum("nii->n", across) - along)
        found = self._integral("radial", across, graded) + self._integral("axial", along, graded)
        if harmonic:
            found += harmonic**2 * self._integral("centrifugal", across, graded)
        return found


class Pattern:
    """Where the entries of element matrices go in a sparse matrix.

    dofs: (t, n) number of each element's unknowns, -1 for those left out; size: number of unknowns.
    """

    def __init__(self, dofs: np.ndarray, size: int):
        rows = np.broadcast_to(dofs[:, :, None], (*dofs.shape, dofs.shape[1]))
        columns = rows.transpose(0, 2, 1)
        self.kept = (rows >= 0) & (columns >= 0)
        entries, self.place = np.unique(rows[self.kept] * size + columns[self.kept], return_inverse=True)
        self.columns = entries % size
        self.starts = np.searchsorted(entries // size, np.arange(size + 1))
        self.size = size

    def matrix(self, values: np.ndarray) -> sp.csr_matrix:
        """Sum of element matrices (t, n, n), (size, size)."""
        data = np.bincount(self.place, weights=values[self.kept], minlength=len(self.columns))
        return sp.csr_matrix((data, self.columns, self.starts), shape=(self.size, self.size))
