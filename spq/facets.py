"""Integrals over curved facets of second-order meshes: triangles of a solid, edges of the half plane.

scikit-fem's FacetBasis cannot invert a curved element; the surface is integrated here over the 6-node
triangles (3-node edges) whose nodes are the element's vertices and mid-nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from skfem import ElementLineP2, ElementTriP2, MeshTet2, MeshTri2
from skfem.quadrature import get_quadrature
from skfem.refdom import RefLine, RefTri

QUADRATURE_ORDER = 6


@dataclass(frozen=True)
class Surface:
    """Quadrature on curved facets.

    dofs: (n, f) degrees of freedom; shape: (n, q) shape functions; points: (f, q, d) nm;
    normals: (f, q, d) unit; weights: (f, q) nm², on the half plane r dl.
    """

    dofs: np.ndarray
    shape: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    weights: np.ndarray

    def loads(self, values: np.ndarray, size: int) -> np.ndarray:
        """∮ f v dS for every degree of freedom, shape (size, k); values of each f: (k, f, q)."""
        local = np.matmul(values * self.weights, self.shape.T)  # (k, f, n)
        count = len(values)
        rows = (self.dofs.T.ravel() + size * np.arange(count)[:, None]).ravel()
        return np.bincount(rows, weights=local.ravel(), minlength=count * size).reshape(count, size).T

    def mass(self, values: np.ndarray, size: int) -> sp.csr_matrix:
        """∮ f u v dS as a sparse matrix (size, size); values of f: (f, q)."""
        local = np.einsum("fq,iq,jq->ijf", values * self.weights, self.shape, self.shape)
        rows = np.broadcast_to(self.dofs[:, None], local.shape)
        columns = np.broadcast_to(self.dofs[None, :], local.shape)
        entries = (local.ravel(), (rows.ravel(), columns.ravel()))
        return sp.coo_matrix(entries, shape=(size, size)).tocsr()


@dataclass(frozen=True)
class Interfaces:
    """Facets between different regions: first, second: (f,) regions, normals from the first to the second."""

    surface: Surface
    first: np.ndarray
    second: np.ndarray

    def out_of(self, region: int) -> np.ndarray:
        """1 on the facets whose normal points out of a region, −1 where into it, else 0, (f,)."""
        return (self.first == region).astype(float) - (self.second == region)


def boundary_of(mesh: MeshTet2 | MeshTri2, elements: np.ndarray) -> np.ndarray:
    """Facets with an element of the given set (bool, shape (t,)) on exactly one side."""
    first, second = mesh.f2t
    within = np.where(second >= 0, elements[second], False)
    return np.flatnonzero(elements[first] != within)


def interfaces(mesh: MeshTet2 | MeshTri2, regions: np.ndarray, values: np.ndarray, order: int) -> Interfaces:
    """The facets across which the value of a region (n,) changes; regions: (t,) of each element."""
    first, second = mesh.f2t
    inner = second >= 0
    changes = inner & (values[regions[first]] != values[regions[np.where(inner, second, 0)]])
    facets = np.flatnonzero(changes)
    surface = curved_surface(mesh, facets, first[facets], order)
    return Interfaces(surface, regions[first[facets]], regions[second[facets]])


def inner_side(mesh: MeshTet2 | MeshTri2, facets: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """Of facets around elements (bool, (t,)): the element of that set, (f,)."""
    first, second = mesh.f2t[:, facets]
    return np.where(elements[first], first, second)


def curved_surface(
    mesh: MeshTet2 | MeshTri2, facets: np.ndarray, inside: np.ndarray, order: int = QUADRATURE_ORDER
) -> Surface:
    """Quadrature on facets, exact to an order, normals pointing out of the elements inside (f,)."""
    solid = isinstance(mesh, MeshTet2)
    vertices = mesh.facets[:, facets]
    middles = mesh.dofs.edge_dofs[0][mesh.f2e[:, facets]] if solid else mesh.dofs.facet_dofs[:, facets]
    dofs = np.vstack([vertices, middles])
    reference, weights = get_quadrature(RefTri if solid else RefLine, order)
    element = ElementTriP2() if solid else ElementLineP2()
    basis = [element.lbasis(reference, i) for i in range(len(dofs))]
    shape = np.array([value for value, _ in basis])
    slopes = np.array([np.reshape(slope, (-1, len(weights))) for _, slope in basis])  # (n, d − 1, q)
    nodes = mesh.doflocs[:, dofs]  # (d, n, f)
    points = np.einsum("dif,iq->fqd", nodes, shape)
    tangents = np.einsum("dif,ikq->kfqd", nodes, slopes)
    if solid:
        normals = np.cross(tangents[0], tangents[1])
    else:
        normals = np.stack([tangents[0, ..., 1], -tangents[0, ..., 0]], axis=-1)
    area = np.linalg.norm(normals, axis=2)
    middle = mesh.doflocs[:, mesh.t[:, inside]].mean(axis=1).T
    outward = np.einsum("fqd,fqd->fq", normals, points - middle[:, None])
    normals = normals * (np.sign(outward) / area)[..., None]
    if not solid:
        area = area * points[..., 0]
    return Surface(dofs, shape, points, normals, area * weights)
