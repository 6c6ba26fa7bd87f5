"""The finite-element space: second-order fields on the curved elements of a molecule's mesh.

Fields are plain arrays of nodal values: of all degrees of freedom (potentials), or of those inside
the nanocrystal (orbitals, which vanish on its surface). On the half plane they are the coefficients
of one angular function (spq.harmonics), and integrals carry the weight r.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from skfem import Basis, BilinearForm, MeshTet2, MeshTri2
from skfem.element import Element
from skfem.helpers import dot, grad

from spq.errors import InputError, MeshError
from spq.facets import Interfaces
from spq.geometry import Molecule
from spq.harmonics import Harmonics
from spq.location import Finder
from spq.mesh import region_names
from spq.meshing import outer_radius

NEAR = 0.02  # in reference coordinates; a point on a curved surface may lie just off the elements
POINTS_AT_ONCE = 200


@BilinearForm
def stiffness_form(u, v, w):
    return w.coefficient * dot(grad(u), grad(v))


@BilinearForm
def tensor_form(u, v, w):
    return np.einsum("ij...,i...,j...->...", w.coefficient, grad(v), grad(u))


@BilinearForm
def mass_form(u, v, w):
    return w.coefficient * u * v


class Space(ABC):
    """Second-order space on a molecule's mesh: spq.solid.SolidSpace or spq.axisymmetric.AxisymmetricSpace.

    mesh: with a subdomain per region; molecule: what it is a mesh of; reach: how far outside the
    nanocrystal orbitals vanish, nm, 0 for a hard wall; regions: (t,) region number of each element;
    harmonics: its angular functions. Where this speaks of the nanocrystal's quadrature points and
    surface, those of all that is within reach are meant.
    """

    element: Element
    quadrature_order: int
    harmonics: Harmonics

    def __init__(self, mesh: MeshTet2 | MeshTri2, molecule: Molecule, reach: float = 0.0):
        self.mesh, self.molecule, self.reach = mesh, molecule, reach
        self.regions = np.full(mesh.nelements, -1)
        for number, name in enumerate(region_names(molecule)):
            self.regions[mesh.subdomains[name]] = number
        if (self.regions < 0).any():
            raise MeshError(f"{np.count_nonzero(self.regions < 0)} elements belong to no region")

    @property
    @abstractmethod
    def weights(self) -> np.ndarray:
        """Quadrature weights in the nanocrystal, (q,), in nm³ (half plane: r dr dz)."""

    @property
    @abstractmethod
    def points(self) -> np.ndarray:
        """Quadrature points in the nanocrystal in nm, laboratory frame, (q, 3)."""

    @property
    @abstractmethod
    def surface_dofs(self) -> np.ndarray:
        """Degrees of freedom on the nanocrystal's surface."""

    @property
    @abstractmethod
    def positions(self) -> np.ndarray:
        """Places of the degrees of freedom in nm, laboratory frame, (size, 3)."""

    @abstractmethod
    def interfaces(self, values: np.ndarray) -> Interfaces:
        """Facets across which a value per region (2N + 1,) changes."""

    @abstractmethod
    def local(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates on the mesh (n, d) and azimuths (n,) in radians of positions (n, 3) in nm."""

    @abstractmethod
    def stiffness(self, coefficients: np.ndarray, harmonic: int = 0, graded: bool = True) -> sp.csr_matrix:
        """∫ c ∇u·∇v over the whole mesh; c per region, (2N + 1,). Shape (size, size).

        On the half plane with the term m²/r² of the harmonic. graded: whether c varies in graded shells.
        """

    @abstractmethod
    def orbital_stiffness(self, coefficients: np.ndarray, harmonic: int = 0) -> sp.csr_matrix:
        """The same over the nanocrystal, for fields that vanish on its surface.

        c may be a tensor per region, (2N + 1, 3, 3), of the laboratory frame.
        """

    @abstractmethod
    def orbital_mass(self, coefficients: np.ndarray) -> sp.csr_matrix:
        """∫ c u v over the nanocrystal for fields that vanish on its surface; c per region."""

    @abstractmethod
    def outer_mass(self) -> sp.csr_matrix:
        """∮ u v over the outer sphere, (size, size)."""

    @abstractmethod
    def linear_companion(self, permittivities: np.ndarray, harmonic: int) -> tuple:
        """∫ ε ∇u·∇v (nv, nv) on first-order elements, definite, and lumped weights (nv,) of the nanocrystal.

        For a quick and rough Coulomb metric; the outer sphere is treated crudely.
        """

    @abstractmethod
    def free(self, harmonic: int) -> np.ndarray:
        """Degrees of freedom where a harmonic of a potential need not vanish."""

    @property
    def size(self) -> int:
        """Number of degrees of freedom of a potential."""
        return self.mesh.doflocs.shape[1]

    @property
    def leaks(self) -> bool:
        """Whether orbitals leave the nanocrystal."""
        return self.reach > 0 or self.molecule.linker_diameter > 0

    @cached_property
    def has_orbitals(self) -> np.ndarray:
        """Whether orbitals live in each element, (t,) bool: of the matrix only where it is within reach."""
        within = self.regions < len(region_names(self.molecule)) - 1
        if self.reach > 0:
            middles = self.positions[self.mesh.t].mean(axis=0)
            within |= self.molecule.distance_outside(middles) < self.reach
        return within

    @cached_property
    def orbital_elements(self) -> Basis:
        """Basis on the elements with orbitals, numbered as the whole mesh."""
        return self.basis(np.flatnonzero(self.has_orbitals))

    @cached_property
    def inner(self) -> np.ndarray:
        """Degrees of freedom of an orbital: where orbitals live, not on the boundary of that."""
        inside = np.zeros(self.size, dtype=bool)
        inside[self.mesh.dofs.element_dofs[:, self.has_orbitals]] = True
        inside[self.surface_dofs] = False
        return np.flatnonzero(inside)

    @property
    def outer_radius(self) -> float:
        """Radius of the outer sphere in nm."""
        return outer_radius(self.molecule)

    @cached_property
    def dot_at_points(self) -> np.ndarray:
        """Dot (from 0) to which each quadrature point's place belongs, (q,)."""
        return self.molecule.dot_of(self.points)

    @cached_property
    def interpolation(self) -> sp.csr_matrix:
        """Values at the nanocrystal's quadrature points from all degrees of freedom, (q, size)."""
        basis = self.orbital_elements
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
        return np.unique(self.orbital_elements.element_dofs)

    @cached_property
    def _scatter(self) -> sp.csr_matrix:
        """Sum of element contributions, (len(covered), elements · 10)."""
        local = np.searchsorted(self.covered, self.orbital_elements.element_dofs.T).ravel()
        entries = (np.ones(len(local)), (local, np.arange(len(local))))
        return sp.csr_matrix(entries, shape=(len(self.covered), len(local)))

    @cached_property
    def _shape(self) -> np.ndarray:
        """Shape functions at the quadrature points of an element, (10, points)."""
        basis = self.orbital_elements
        return np.array([np.asarray(basis.basis[i][0])[0] for i in range(basis.Nbfun)])

    def source(self, values: np.ndarray) -> np.ndarray:
        """∫ f v for every covered degree of freedom; f · weights at the quadrature points, (q, k)."""
        points = self._shape.shape[1]
        blocks = values.reshape(len(values) // points, points, values.shape[1])
        local = np.matmul(self._shape, blocks)
        return self._scatter @ local.reshape(local.shape[0] * local.shape[1], values.shape[1])

    def orbital_source(self, values: np.ndarray) -> np.ndarray:
        """The same for the inner degrees of freedom, (len(inner), k)."""
        return self.source(values)[np.searchsorted(self.covered, self.inner)]

    def values(self, fields: np.ndarray) -> np.ndarray:
        """Values (q, k) at the nanocrystal's quadrature points of fields (size, k)."""
        nodes = fields[self.orbital_elements.element_dofs.T]  # (elements, 10, k)
        return np.matmul(self._shape.T, nodes).reshape(len(self.weights), fields.shape[1])

    def orbital_values(self, orbitals: np.ndarray) -> np.ndarray:
        """Values (q, k) at the nanocrystal's quadrature points of orbitals (len(inner), k)."""
        fields = np.zeros((self.size, orbitals.shape[1]))
        fields[self.inner] = orbitals
        return self.values(fields)

    @cached_property
    def orbital_interpolation(self) -> sp.csr_matrix:
        """Values at the nanocrystal's quadrature points from an orbital's, (q, len(inner))."""
        return self.interpolation[:, self.inner].tocsr()

    def orbital_free(self, harmonic: int) -> np.ndarray:
        """Which of the inner degrees of freedom a harmonic of an orbital has, indices into inner."""
        return np.flatnonzero(np.isin(self.inner, self.free(harmonic)))

    def basis(self, elements: np.ndarray) -> Basis:
        """scikit-fem's basis on some elements, numbered as the whole mesh."""
        return Basis(self.mesh, self.element, intorder=self.quadrature_order, elements=elements)

    @cached_property
    def _everywhere(self) -> Basis:
        """Basis on all elements."""
        return self.basis(np.arange(len(self.regions)))

    @cached_property
    def graded_elements(self) -> np.ndarray:
        """Elements of shells whose composition varies."""
        graded = [2 * i + 1 for i, dot in enumerate(self.molecule.dots) if dot.gradation > 0]
        return np.flatnonzero(np.isin(self.regions, graded))

    def per_point(self, basis: Basis, coefficients: np.ndarray, graded: bool = True) -> np.ndarray:
        """Values per region at the quadrature points of a basis, (..., elements, points).

        coefficients: (2N + 1, ...). In a graded shell they vary linearly from the core's to the shell's.
        """
        coefficients = np.asarray(coefficients, dtype=float)
        regions = self.regions[basis.tind]
        shape = (len(basis.tind), basis.X.shape[-1])
        found = np.moveaxis(coefficients[regions], 0, -1)[..., None]
        varied = np.flatnonzero(np.isin(basis.tind, self.graded_elements))
        if not (graded and len(varied)):
            return np.broadcast_to(found, (*coefficients.shape[1:], *shape))
        found = np.array(np.broadcast_to(found, (*coefficients.shape[1:], *shape)))
        places = np.asarray(basis.global_coordinates())[:, varied].reshape(self.mesh.dim(), -1).T
        dots = np.repeat(regions[varied] // 2, shape[1])
        radius = np.linalg.norm(self.in_space(places) - self.molecule.centers[dots], axis=1)
        widths = np.array([dot.gradation or 1.0 for dot in self.molecule.dots])
        share = np.clip((radius - self.molecule.core_radii[dots]) / widths[dots], 0.0, 1.0)
        core, shell = (np.moveaxis(coefficients[2 * dots + part], 0, -1) for part in (0, 1))
        values = core + share * (shell - core)
        found[..., varied, :] = values.reshape(*values.shape[:-1], len(varied), shape[1])
        return found

    @abstractmethod
    def in_space(self, places: np.ndarray) -> np.ndarray:
        """Points (n, 3) in nm, laboratory frame, of places on the mesh (n, d); at azimuth 0."""

    def condensed(self, matrix: sp.csr_matrix) -> sp.csr_matrix:
        """Rows and columns of the inner degrees of freedom."""
        return sp.csr_matrix(matrix)[self.inner][:, self.inner].tocsr()

    @abstractmethod
    def far_potential(self, field: np.ndarray) -> dict[int, np.ndarray]:
        """−F·r of a field (3,) in V/nm, r from the mean of the dots' centres: nodal values by label."""

    def turned(self, positions: np.ndarray, owners: np.ndarray) -> np.ndarray:
        """Positions (n, 3) in nm of sets of charges, each turned by a symmetry that makes it simplest.

        owners: (n,) the set of each.
        """
        return positions

    def azimuthal(self, labels: tuple[int, ...], positions: np.ndarray) -> np.ndarray:
        """Angular functions of the labels at positions (n, 3) in nm, (labels, n)."""
        return self.harmonics.values(labels, self.local(np.atleast_2d(positions))[1])

    @cached_property
    def _finder(self) -> Finder:
        return Finder(self.mesh, self.element)

    def point_values(self, points: np.ndarray) -> sp.csr_matrix:
        """Matrix (n, size) that evaluates the coefficients of an angular function at points (n, 3) in nm.

        Raises
        ------
        InputError
            If a point lies outside the mesh.
        """
        points = np.atleast_2d(points)
        # charges on a ring share one place of the half plane
        places, index = np.unique(np.round(self.local(points)[0], 12), axis=0, return_inverse=True)
        index = index.ravel()
        starts = range(0, len(places), POINTS_AT_ONCE)
        parts = [self._finder.find(places[i : i + POINTS_AT_ONCE]) for i in starts]
        elements, locals_, excess = (np.concatenate(each) for each in zip(*parts, strict=True))
        lost = np.flatnonzero(~(excess < NEAR)[index])
        if len(lost):
            where = np.round(points[lost[0]], 4).tolist()
            raise InputError(f"point {where} nm lies outside the mesh")
        columns = self.mesh.dofs.element_dofs[:, elements].T[index]
        values = self._finder.shapes(locals_)[0].T[index]
        rows = np.repeat(np.arange(len(points)), columns.shape[1])
        entries = (values.ravel(), (rows, columns.ravel()))
        return sp.csr_matrix(entries, shape=(len(points), self.size))
