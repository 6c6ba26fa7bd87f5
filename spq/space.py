"""The finite-element space: second-order fields on the curved tetrahedra of a molecule.

Fields are plain arrays of nodal values: of all degrees of freedom (potentials), or of those inside
the nanocrystal (orbitals, which vanish on its surface).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from skfem import Basis, BilinearForm, ElementTetP2, MeshTet2
from skfem.helpers import dot, grad

from spq.errors import InputError, MeshError
from spq.facets import Surface, boundary_of, curved_surface
from spq.geometry import Molecule
from spq.mesh import molecule_mesh, region_names
from spq.meshing import outer_radius

QUADRATURE_ORDER = 5  # scikit-fem's default for second order, 4, has a negative weight
NEWTON_STEPS = 30


@BilinearForm
def stiffness_form(u, v, w):
    return w.coefficient * dot(grad(u), grad(v))


@BilinearForm
def mass_form(u, v, w):
    return w.coefficient * u * v


@dataclass(frozen=True, eq=False)
class Space:
    """Second-order space on a molecule's mesh.

    mesh: MeshTet2 with a subdomain per region; molecule: what it is a mesh of;
    regions: (t,) region number of each element.
    """

    mesh: MeshTet2
    molecule: Molecule
    regions: np.ndarray

    @property
    def size(self) -> int:
        """Number of degrees of freedom of a potential."""
        return self.mesh.doflocs.shape[1]

    @cached_property
    def in_nanocrystal(self) -> np.ndarray:
        """Whether each element belongs to the nanocrystal, (t,) bool."""
        return self.regions < 2 * len(self.molecule.dots)

    @cached_property
    def nanocrystal(self) -> Basis:
        """Basis on the nanocrystal's elements, numbered as the whole mesh."""
        return self._basis(np.flatnonzero(self.in_nanocrystal))

    @cached_property
    def inner(self) -> np.ndarray:
        """Degrees of freedom of an orbital: inside the nanocrystal, not on its surface."""
        inside = np.zeros(self.size, dtype=bool)
        inside[self.mesh.dofs.element_dofs[:, self.in_nanocrystal]] = True
        inside[self.nanocrystal_surface.dofs] = False
        return np.flatnonzero(inside)

    @cached_property
    def nanocrystal_surface(self) -> Surface:
        """The nanocrystal's surface, normals outward."""
        return self.interface(self.in_nanocrystal)

    @cached_property
    def outer_surface(self) -> Surface:
        """The outer sphere, normals outward."""
        return self.interface(np.ones(len(self.regions), dtype=bool))

    @property
    def outer_radius(self) -> float:
        """Radius of the outer sphere in nm."""
        return outer_radius(self.molecule)

    def interface(self, elements: np.ndarray) -> Surface:
        """Boundary of a set of elements (bool, (t,)), normals pointing out of it."""
        return curved_surface(self.mesh, boundary_of(self.mesh, elements), elements)

    @cached_property
    def weights(self) -> np.ndarray:
        """Quadrature weights in the nanocrystal in nm³, (q,)."""
        return np.ascontiguousarray(self.nanocrystal.dx).ravel()

    @cached_property
    def points(self) -> np.ndarray:
        """Quadrature points in the nanocrystal in nm, (q, 3)."""
        return np.asarray(self.nanocrystal.global_coordinates()).reshape(3, -1).T

    @cached_property
    def dot_at_points(self) -> np.ndarray:
        """Dot (from 0) to which each quadrature point's place belongs, (q,)."""
        return self.molecule.dot_of(self.points)

    @cached_property
    def interpolation(self) -> sp.csr_matrix:
        """Values at the nanocrystal's quadrature points from all degrees of freedom, (q, size)."""
        basis = self.nanocrystal
        count = basis.X.shape[-1]
        elements = len(basis.tind)
        rows = np.arange(elements * count).reshape(elements, count)
        values, columns = [], []
        for i in range(basis.Nbfun):
            values.append(np.broadcast_to(self._shape[i], (elements, count)))
            columns.append(np.broadcast_to(basis.element_dofs[i][:, None], (elements, count)))
        entries = (np.ravel(values), (np.tile(rows.ravel(), basis.Nbfun), np.ravel(columns)))
        return sp.csr_matrix(entries, shape=(elements * count, self.size))

    @cached_property
    def covered(self) -> np.ndarray:
        """Degrees of freedom that belong to the nanocrystal's elements, its surface included."""
        return np.unique(self.nanocrystal.element_dofs)

    @cached_property
    def _scatter(self) -> sp.csr_matrix:
        """Sum of element contributions, (len(covered), elements · 10)."""
        local = np.searchsorted(self.covered, self.nanocrystal.element_dofs.T).ravel()
        entries = (np.ones(len(local)), (local, np.arange(len(local))))
        return sp.csr_matrix(entries, shape=(len(self.covered), len(local)))

    @cached_property
    def _shape(self) -> np.ndarray:
        """Shape functions at the quadrature points of an element, (10, points)."""
        basis = self.nanocrystal
        return np.array([np.asarray(basis.basis[i][0])[0] for i in range(basis.Nbfun)])

    def source(self, values: np.ndarray) -> np.ndarray:
        """∫ f v for every covered degree of freedom; f · weights at the quadrature points, (q, k)."""
        blocks = values.reshape(-1, self._shape.shape[1], values.shape[1])
        return self._scatter @ np.matmul(self._shape, blocks).reshape(-1, values.shape[1])

    def orbital_source(self, values: np.ndarray) -> np.ndarray:
        """The same for the inner degrees of freedom, (len(inner), k)."""
        return self.source(values)[np.searchsorted(self.covered, self.inner)]

    def values(self, fields: np.ndarray) -> np.ndarray:
        """Values (q, k) at the nanocrystal's quadrature points of fields (size, k)."""
        nodes = fields[self.nanocrystal.element_dofs.T]  # (elements, 10, k)
        return np.matmul(self._shape.T, nodes).reshape(-1, fields.shape[1])

    def orbital_values(self, orbitals: np.ndarray) -> np.ndarray:
        """Values (q, k) at the nanocrystal's quadrature points of orbitals (len(inner), k)."""
        fields = np.zeros((self.size, orbitals.shape[1]))
        fields[self.inner] = orbitals
        return self.values(fields)

    @cached_property
    def orbital_interpolation(self) -> sp.csr_matrix:
        """Values at the nanocrystal's quadrature points from an orbital's, (q, len(inner))."""
        return self.interpolation[:, self.inner].tocsr()

    def stiffness(self, coefficients: np.ndarray) -> sp.csr_matrix:
        """∫ c ∇u·∇v over the whole mesh; c per region, (2N + 1,). Shape (size, size)."""
        return self._assemble(stiffness_form, self._basis(np.arange(len(self.regions))), coefficients)

    def orbital_stiffness(self, coefficients: np.ndarray) -> sp.csr_matrix:
        """∫ c ∇u·∇v over the nanocrystal for fields that vanish on its surface; c per region."""
        return self._condense(self._assemble(stiffness_form, self.nanocrystal, coefficients))

    def orbital_mass(self, coefficients: np.ndarray) -> sp.csr_matrix:
        """∫ c u v over the nanocrystal for fields that vanish on its surface; c per region."""
        return self._condense(self._assemble(mass_form, self.nanocrystal, coefficients))

    def _basis(self, elements: np.ndarray) -> Basis:
        return Basis(self.mesh, ElementTetP2(), intorder=QUADRATURE_ORDER, elements=elements)

    def _assemble(self, form, basis: Basis, coefficients: np.ndarray) -> sp.csr_matrix:
        per_element = np.asarray(coefficients, dtype=float)[self.regions[basis.tind]]
        points = np.broadcast_to(per_element[:, None], (len(basis.tind), basis.X.shape[-1]))
        return sp.csr_matrix(form.assemble(basis, coefficient=points))

    def _condense(self, matrix: sp.csr_matrix) -> sp.csr_matrix:
        return matrix[self.inner][:, self.inner].tocsr()

    def point_values(self, points: np.ndarray) -> sp.csr_matrix:
        """Matrix (n, size) that evaluates a field at points (n, 3) in nm.

        Raises
        ------
        InputError
            If a point lies outside the mesh.
        """
        points = np.atleast_2d(points)
        found = [self._locate(point) for point in points]
        columns = self.mesh.dofs.element_dofs[:, [element for element, _ in found]].T
        values = np.array([_shapes(local)[0] for _, local in found])
        rows = np.repeat(np.arange(len(points)), columns.shape[1])
        entries = (values.ravel(), (rows, columns.ravel()))
        return sp.csr_matrix(entries, shape=(len(points), self.size))

    @cached_property
    def _boxes(self) -> tuple[np.ndarray, np.ndarray]:
        corners = self.mesh.doflocs[:, self.mesh.dofs.element_dofs]
        low, high = corners.min(axis=1), corners.max(axis=1)
        margin = 0.1 * (high - low).max(axis=0)
        return low - margin, high + margin

    def _locate(self, point: np.ndarray) -> tuple[int, np.ndarray]:
        """Element that holds a point and its reference coordinates, (3,)."""
        low, high = self._boxes
        place = point[:, None]
        candidates = np.flatnonzero(np.all((place >= low) & (place <= high), axis=0))
        best, best_local, least = -1, np.zeros(3), np.inf
        for element in candidates:
            nodes = self.mesh.doflocs[:, self.mesh.dofs.element_dofs[:, element]]
            local = _invert(nodes, point)
            excess = max(-local.min(), local.sum() - 1.0)
            if excess < least:
                best, best_local, least = int(element), local, excess
        if best < 0 or not least < 0.02:  # a point on a curved surface may lie just off the elements
            raise InputError(f"point {np.round(point, 4).tolist()} nm lies outside the mesh")
        return best, best_local


def build_space(molecule: Molecule, accuracy: str) -> Space:
    """Mesh a molecule (or read its stored mesh) and make the space on it.

    Raises
    ------
    MeshError
        As molecule_mesh does, or if an element belongs to no region.
    """
    mesh = molecule_mesh(molecule, accuracy)
    regions = np.full(mesh.nelements, -1)
    for number, name in enumerate(region_names(molecule)):
        regions[mesh.subdomains[name]] = number
    if (regions < 0).any():
        raise MeshError(f"{np.count_nonzero(regions < 0)} elements belong to no region")
    return Space(mesh, molecule, regions)


def _shapes(local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P2 shape functions (10,) and their derivatives (10, 3) at reference coordinates (3,)."""
    element = ElementTetP2()
    pairs = [element.lbasis(local, i) for i in range(10)]
    return np.array([value for value, _ in pairs]), np.array([slope for _, slope in pairs])


def _invert(nodes: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Reference coordinates of a point in a curved element by Newton's method; nodes (3, 10)."""
    local = np.full(3, 0.25)
    for _ in range(NEWTON_STEPS):
        shape, slope = _shapes(local)
        miss = point - nodes @ shape
        jacobian = nodes @ slope
        step = np.linalg.lstsq(jacobian, miss, rcond=None)[0]
        local = local + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-13:
            return local
    return np.full(3, np.inf)
