"""Integrals over curved surface triangles of a second-order tetrahedral mesh.

scikit-fem's FacetBasis cannot invert a curved tetrahedron; the surface is integrated here over the
6-node triangles whose nodes are the tetrahedron's vertices and edge mid-nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from skfem import ElementTriP2, MeshTet2
from skfem.quadrature import get_quadrature
from skfem.refdom import RefTri

QUADRATURE_ORDER = 6


@dataclass(frozen=True)
class Surface:
    """Quadrature on curved triangles.

    dofs: (6, f) degrees of freedom; shape: (6, q) shape functions; points: (f, q, 3) nm;
    normals: (f, q, 3) unit; weights: (f, q) nm².
    """

    dofs: np.ndarray
    shape: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    weights: np.ndarray

    def load(self, values: np.ndarray, size: int) -> np.ndarray:
        """∮ f v dS for every degree of freedom, shape (size,); values of f: (f, q)."""
        local = np.einsum("fq,iq->if", values * self.weights, self.shape)
        return np.bincount(self.dofs.ravel(), weights=local.ravel(), minlength=size)

    def mass(self, values: np.ndarray, size: int) -> sp.csr_matrix:
        """∮ f u v dS as a sparse matrix (size, size); values of f: (f, q)."""
        local = np.einsum("fq,iq,jq->ijf", values * self.weights, self.shape, self.shape)
        rows = np.broadcast_to(self.dofs[:, None], local.shape)
        columns = np.broadcast_to(self.dofs[None, :], local.shape)
        entries = (local.ravel(), (rows.ravel(), columns.ravel()))
        return sp.coo_matrix(entries, shape=(size, size)).tocsr()


def boundary_of(mesh: MeshTet2, elements: np.ndarray) -> np.ndarray:
    """Facets with an element of the given set (bool, shape (t,)) on exactly one side."""
    first, second = mesh.f2t
    within = np.where(second >= 0, elements[second], False)
    return np.flatnonzero(elements[first] != within)


def curved_surface(mesh: MeshTet2, facets: np.ndarray, elements: np.ndarray) -> Surface:
    """Quadrature on facets, normals pointing out of the given set of elements (bool, shape (t,))."""
    vertices = mesh.facets[:, facets]
    dofs = np.vstack([vertices, mesh.dofs.edge_dofs[0][mesh.f2e[:, facets]]])
    reference, weights = get_quadrature(RefTri, QUADRATURE_ORDER)
    element = ElementTriP2()
    basis = [element.lbasis(reference, i) for i in range(6)]
    shape = np.array([value for value, _ in basis])
    slopes = np.array([slope for _, slope in basis])  # (6, 2, q)
    nodes = mesh.doflocs[:, dofs]  # (3, 6, f)
    points = np.einsum("dif,iq->fqd", nodes, shape)
    tangents = np.einsum("dif,ikq->kfqd", nodes, slopes)
    normals = np.cross(tangents[0], tangents[1])
    area = np.linalg.norm(normals, axis=2)
    inner = np.where(elements[mesh.f2t[0, facets]], mesh.f2t[0, facets], mesh.f2t[1, facets])
    middle = mesh.doflocs[:, mesh.t[:, inner]].mean(axis=1).T
    outward = np.einsum("fqd,fqd->fq", normals, points - middle[:, None])
    normals = normals * (np.sign(outward) / area)[..., None]
    return Surface(dofs, shape, points, normals, area * weights)
