"""Where points lie in a mesh of curved elements (scikit-fem cannot tell): boxes, then Newton's method."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from skfem import MeshTet2, MeshTri2
from skfem.element import Element

NEWTON_STEPS = 30


class Finder:
    """Finds the elements of points, and their places in them.

    mesh: curved, of second order; element: whose shape functions are evaluated there.
    """

    def __init__(self, mesh: MeshTet2 | MeshTri2, element: Element):
        self.mesh, self.element = mesh, element

    @cached_property
    def _boxes(self) -> tuple[np.ndarray, np.ndarray]:
        corners = self.mesh.doflocs[:, self.mesh.dofs.element_dofs]
        low, high = corners.min(axis=1), corners.max(axis=1)
        margin = 0.1 * (high - low).max(axis=0)
        return low - margin, high + margin

    def find(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Element, reference coordinates and how far outside of places (n, d): (n,), (n, d), (n,)."""
        low, high = self._boxes
        inside = np.ones((len(places), low.shape[1]), dtype=bool)
        for axis in range(len(low)):
            place = places[:, [axis]]
            inside &= (place >= low[axis]) & (place <= high[axis])
        which, candidates = np.nonzero(inside)
        coordinates = self._invert(candidates, places[which])
        excess = np.maximum(-coordinates.min(axis=1), coordinates.sum(axis=1) - 1.0)
        excess = np.where(np.isfinite(excess), excess, np.inf)
        order = np.lexsort((excess, which))
        first = order[np.unique(which[order], return_index=True)[1]]
        elements = np.zeros(len(places), dtype=int)
        found = np.zeros(places.shape)
        least = np.full(len(places), np.inf)
        elements[which[first]], found[which[first]] = candidates[first], coordinates[first]
        least[which[first]] = excess[first]
        return elements, found, least

    def shapes(self, coordinates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shape functions (nodes, n) and derivatives (nodes, d, n) at reference coordinates (n, d)."""
        count = len(self.mesh.dofs.element_dofs)
        pairs = [self.element.lbasis(coordinates.T, i) for i in range(count)]
        shape = np.array([np.broadcast_to(value, len(coordinates)) for value, _ in pairs])
        slopes = [np.broadcast_to(slope, coordinates.T.shape) for _, slope in pairs]
        return shape, np.array(slopes)

    def _invert(self, elements: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Reference coordinates (n, d) of places (n, d) in curved elements (n,) by Newton's method."""
        nodes = self.mesh.doflocs[:, self.mesh.dofs.element_dofs[:, elements]]  # (d, nodes, n)
        local = np.full(places.shape, 1.0 / (places.shape[1] + 1))
        moving = np.arange(len(places))
        for _ in range(NEWTON_STEPS):
            shape, slopes = self.shapes(local[moving])
            here = nodes[:, :, moving]
            miss = places[moving] - np.einsum("din,in->nd", here, shape)
            jacobian = np.einsum("din,ien->nde", here, slopes)
            singular = np.abs(np.linalg.det(jacobian)) < 1e-300
            jacobian[singular] = np.eye(places.shape[1])
            step = np.linalg.solve(jacobian, miss[:, :, None])[:, :, 0]
            local[moving] += np.clip(step, -0.5, 0.5)
            moving = moving[np.abs(step).max(axis=1) >= 1e-13]
            if not len(moving):
                break
        local[moving] = np.inf
        return local
