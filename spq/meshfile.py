"""The quality of a mesh, and a mesh as a Gmsh file.

Jacobian ratio of a curved tetrahedron: smallest over largest determinant of dx/dX at its ten nodes;
1 for a straight one, <= 0 for an inverted one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spq.geometry import Molecule
from spq.mesh import region_names, region_volumes

if TYPE_CHECKING:
    from skfem import MeshTet2

# Reference coordinates of the ten nodes in scikit-fem's order: vertices, then the middles of the
# edges 01, 12, 02, 03, 13, 23.
_CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
_EDGES = np.array([[0, 1], [1, 2], [0, 2], [0, 3], [1, 3], [2, 3]])
_NODES = np.vstack([_CORNERS, _CORNERS[_EDGES].mean(axis=1)])


@dataclass(frozen=True)
class MeshQuality:
    """Figures of a mesh.

    elements, nodes: their numbers. least_jacobian_ratio: smallest Jacobian ratio of all elements.
    regions: names of core1, shell1, ..., matrix. region_elements: elements of each region.
    volumes: of each region in nm^3, integrated over the curved elements.
    exact: the same in closed form; None for the matrix and where there is no closed form.
    """

    elements: int
    nodes: int
    least_jacobian_ratio: float
    regions: tuple[str, ...]
    region_elements: tuple[int, ...]
    volumes: tuple[float, ...]
    exact: tuple[float | None, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as the JSON of `spq mesh`."""
        rows = zip(self.regions, self.region_elements, self.volumes, self.exact, strict=True)
        return {
            "elements": self.elements,
            "nodes": self.nodes,
            "least_jacobian_ratio": self.least_jacobian_ratio,
            "regions": [
                {"name": name, "elements": count, "volume_nm3": volume, "exact_volume_nm3": exact}
                for name, count, volume, exact in rows
            ],
        }


def mesh_quality(mesh: MeshTet2, molecule: Molecule) -> MeshQuality:
    """Return the quality figures of a mesh of `molecule`."""
    names = region_names(molecule)
    closed = molecule.volumes()
    exact: list[float | None] = [None] * len(names)
    if closed is not None:
        exact[:-1] = closed.tolist()
    return MeshQuality(
        elements=int(mesh.t.shape[1]),
        nodes=int(mesh.doflocs.shape[1]),
        least_jacobian_ratio=float(jacobian_ratios(mesh).min()),
        regions=tuple(names),
        region_elements=tuple(len(mesh.subdomains[name]) for name in names),
        volumes=tuple(region_volumes(mesh, molecule).tolist()),
        exact=tuple(exact),
    )


def jacobian_ratios(mesh: MeshTet2) -> npt.NDArray[np.float64]:
    """Return the Jacobian ratio of every element, (t,)."""
    from skfem import ElementTetP2

    element = ElementTetP2()
    slopes = np.array([element.lbasis(_NODES.T, i)[1] for i in range(10)])  # (10, 3, 10)
    nodes = mesh.doflocs[:, mesh.dofs.element_dofs]  # (3, 10, t)
    jacobians = np.einsum("dit,ikn->tndk", nodes, slopes)
    determinants = np.linalg.det(jacobians)
    determinants *= np.sign(determinants.sum(axis=1, keepdims=True))
    return determinants.min(axis=1) / determinants.max(axis=1)


def write_mesh(mesh: MeshTet2, molecule: Molecule, path: str | Path) -> None:
    """Write a mesh as a binary Gmsh 2.2 file of 10-node tetrahedra, lengths in nm.

    Physical volumes are the regions, numbered from 1 and named core1, shell1, ..., matrix.
    Raises OSError if the file cannot be written.
    """
    import meshio

    names = region_names(molecule)
    regions = np.zeros(mesh.t.shape[1], dtype=np.int32)
    for number, name in enumerate(names, 1):
        regions[mesh.subdomains[name]] = number
    # scikit-fem orders the ten nodes as VTK does, which is meshio's own order; meshio swaps the
    # last two when it writes for Gmsh.
    content = meshio.Mesh(
        points=np.ascontiguousarray(mesh.doflocs.T),
        cells=[("tetra10", np.ascontiguousarray(mesh.dofs.element_dofs.T))],
        cell_data={"gmsh:physical": [regions], "gmsh:geometrical": [regions]},
        field_data={name: np.array([number, 3]) for number, name in enumerate(names, 1)},
    )
    meshio.write(path, content, file_format="gmsh22", binary=True)
