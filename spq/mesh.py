"""The mesh of a molecule: the wedge reflected, moved to the laboratory frame, checked and cached.

A mesh is a scikit-fem MeshTet2, or a MeshTri2 of the half plane (r, z) of a molecule whose dots lie on
one line; its subdomains are named core1, shell1, core2, ..., matrix.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
from skfem import MeshTet2, MeshTri2

from spq import cache, meshing, planar
from spq.errors import MeshError
from spq.geometry import Molecule
from spq.meshing import Sizes, Wedge

FORMAT = 1  # raised whenever a change in meshing makes stored meshes stale
VOLUME_TOLERANCE = {"coarse": 3e-3, "normal": 1e-3, "fine": 3e-4}  # relative, of each region


def region_names(molecule: Molecule) -> list[str]:
    """Names of the regions in the order of their numbers."""
    numbers = range(1, len(molecule.dots) + 1)
    linker = ["linker"] if molecule.linker_diameter > 0 else []
    return [f"{part}{i}" for i in numbers for part in ("core", "shell")] + linker + ["matrix"]


def molecule_mesh(molecule: Molecule, accuracy: str = "normal", coarsening: float = 1.0) -> MeshTet2:
    """Mesh of a molecule and its surroundings, from the cache where it was made before.

    Parameters
    ----------
    molecule : Molecule
    accuracy : "coarse", "normal" or "fine"
    coarsening : factor on the element sizes in the nanocrystal

    Returns
    -------
    MeshTet2
        Lengths in nm, laboratory frame, every region a named subdomain.

    Raises
    ------
    MeshError
        If Gmsh cannot be loaded or cannot mesh the molecule, or a region's volume is wrong.
    """
    if molecule.linker_diameter > 0:
        raise MeshError("solid meshes of linked dots are not built yet; use the half plane")
    sizes = meshing.SIZES[accuracy].scaled(coarsening)
    wedge = _stored(cache_name(molecule, sizes), lambda: meshing.mesh_wedge(molecule, sizes))
    mesh = _assemble(wedge, molecule)
    _check_volumes(region_volumes(mesh, molecule), molecule, VOLUME_TOLERANCE[accuracy] * coarsening**4)
    return mesh


def half_plane_mesh(
    molecule: Molecule, accuracy: str = "normal", coarsening: float = 1.0, leaking: bool = False
) -> MeshTri2:
    """Mesh of the half plane (r, z) of a molecule whose dots lie on one line; see molecule_mesh.

    z is along the long axis from the mean of the dots' centres. leaking: whether the surface is resolved
    for orbitals that leak through it.
    """
    sizes = planar.element_sizes(accuracy, leaking).scaled(coarsening)
    name = cache_name(molecule, sizes, planar.EDGE_GROWTH)
    nodes, elements, regions = _reflected(
        _stored(name, lambda: planar.mesh_half_plane(molecule, sizes)), molecule
    )
    mesh = MeshTri2(
        np.ascontiguousarray(nodes.T),
        np.ascontiguousarray(elements.T),
        _subdomains=_subdomains(regions, molecule),
    )
    _check_volumes(region_volumes(mesh, molecule), molecule, VOLUME_TOLERANCE[accuracy] * coarsening**4)
    return mesh


def cache_name(molecule: Molecule, sizes: Sizes, planar_growth: float | None = None) -> str:
    """File name of a stored mesh: a hash of everything that the wedge depends on.

    planar_growth: growth of the elements at an edge in a mesh of the half plane; None: of the solid.
    """
    rotation = meshing.frame(molecule)
    centers = np.round((molecule.centers - molecule.mean_center) @ rotation.T, 9) + 0.0
    content: dict[str, object] = {
        "format": FORMAT,
        "centers": centers.tolist(),
        "core_radii": [round(float(r), 9) for r in molecule.core_radii],
        "outer_radii": [round(float(r), 9) for r in molecule.outer_radii],
        # one that has no effect gives the mesh of none
        "neck_diameter": round(max((2 * pair.neck_radius for pair in molecule.pairs), default=0.0), 9),
        "sizes": [*astuple(replace(sizes, wall=0.0))[:-1], meshing.EDGE_GROWTH],
    }
    if sizes.wall:
        content["wall"] = [sizes.wall, planar.WALL_GROWTH]
    if molecule.linker_diameter > 0:
        growth = [planar.LINKER, planar.WALL_GROWTH]
        content["linker"] = [round(float(molecule.linker_diameter), 9), *growth]
    if planar_growth is not None:
        content["planar"] = planar_growth
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"{digest[:20]}.npz"


def _stored(name: str, make: Callable[[], Wedge]) -> Wedge:
    """A wedge that ships with spq or is in the cache, or else made and put there."""
    wedge = _read(name)
    if wedge is None:
        wedge = make()
        write_wedge(wedge, user_cache() / name)
    return wedge


def user_cache() -> Path:
    """Folder of meshes made on this machine."""
    return cache.folder("meshes")


def shipped() -> Path:
    """Folder of the meshes that come with the package."""
    inside = Path(__file__).parent / "meshes"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "meshes"


def _read(name: str) -> Wedge | None:
    for folder in (shipped(), user_cache()):
        stored = cache.read(folder / name, ("nodes", "elements", "regions", "mirrors"))
        if stored is not None:
            mirrors = tuple(int(axis) for axis in stored["mirrors"])
            elements, regions = (stored[key].astype(np.int64) for key in ("elements", "regions"))
            return Wedge(stored["nodes"], elements, regions, mirrors)
    return None


def write_wedge(wedge: Wedge, path: Path) -> None:
    """Write at once or not at all; a cache that cannot be written costs only time."""
    arrays = {
        "nodes": wedge.nodes,
        "elements": wedge.elements.astype(np.int32),
        "regions": wedge.regions.astype(np.int16),
        "mirrors": np.array(wedge.mirrors, dtype=np.int8),
    }
    cache.write(path, arrays)


def _assemble(wedge: Wedge, molecule: Molecule) -> MeshTet2:
    nodes, elements, regions = _reflected(wedge, molecule)
    nodes = nodes @ meshing.frame(molecule) + molecule.mean_center
    return MeshTet2(
        np.ascontiguousarray(nodes.T),
        np.ascontiguousarray(elements.T),
        _subdomains=_subdomains(regions, molecule),
    )


def _subdomains(regions: np.ndarray, molecule: Molecule) -> dict[str, np.ndarray]:
    return {name: np.flatnonzero(regions == number) for number, name in enumerate(region_names(molecule))}


def _reflected(wedge: Wedge, molecule: Molecule):
    """Nodes, elements and regions with all mirror images, in the molecule's frame or half plane."""
    nodes, elements, regions = wedge.nodes, wedge.elements, wedge.regions
    flat = nodes.shape[1] == 2  # (r, z): z is the third axis of the frame
    for axis in wedge.mirrors:
        nodes, elements = _reflect(nodes, elements, axis)
        regions = np.concatenate([regions, partner_regions(molecule, 2 if flat else axis)[regions]])
    return nodes, elements, regions


def _reflect(nodes, elements, axis: int):
    """Add the mirror image; nodes on the plane are shared, and image elements keep their orientation."""
    off_plane = np.flatnonzero(nodes[:, axis] > 0)
    image = np.arange(len(nodes))
    image[off_plane] = len(nodes) + np.arange(len(off_plane))
    mirrored = nodes[off_plane].copy()
    mirrored[:, axis] *= -1
    # exchanging the first two vertices exchanges the mid-nodes of the edges that hold one of them
    order = [1, 0, 2, 3, 5, 4] if elements.shape[1] == 6 else [1, 0, 2, 3, 4, 6, 5, 8, 7, 9]
    return np.vstack([nodes, mirrored]), np.vstack([elements, image[elements[:, order]]])


def partner_regions(molecule: Molecule, axis: int) -> np.ndarray:
    """Region numbers after reflection of one coordinate of the molecule's frame."""
    centers = (molecule.centers - molecule.mean_center) @ meshing.frame(molecule).T
    image = centers.copy()
    image[:, axis] *= -1
    dots = np.argmin(np.linalg.norm(image[:, None] - centers[None], axis=2), axis=1)
    others = np.arange(2 * len(dots), len(region_names(molecule)))
    return np.append(np.column_stack([2 * dots, 2 * dots + 1]).ravel(), others)


def region_volumes(mesh: MeshTet2 | MeshTri2, molecule: Molecule) -> np.ndarray:
    """Volume of each region in nm³, shape (2N + 1,), integrated over the curved elements."""
    from skfem import Basis, ElementTetP0, ElementTriP0

    if isinstance(mesh, MeshTet2):
        volumes = Basis(mesh, ElementTetP0(), intorder=5).dx.sum(axis=1)
    else:
        basis = Basis(mesh, ElementTriP0(), intorder=5)
        volumes = 2 * np.pi * (basis.global_coordinates()[0] * basis.dx).sum(axis=1)
    return np.array([volumes[mesh.subdomains[name]].sum() for name in region_names(molecule)])


def _check_volumes(volumes: np.ndarray, molecule: Molecule, tolerance: float) -> None:
    count = 2 * len(molecule.dots)
    measured = volumes[:count]
    exact = molecule.volumes()
    if exact is None:  # shells of more than two dots have no closed form, cores have
        exact = measured.copy()
        exact[::2] = 4 / 3 * np.pi * molecule.core_radii**3
    wrong = np.abs(measured - exact) > tolerance * exact + 1e-9
    if molecule.linker_diameter > 0:
        measured, exact = volumes[: count + 1], np.append(exact, molecule.linker_volume())
        wrong = np.append(wrong, abs(measured[-1] - exact[-1]) > tolerance * exact[-1])
    wrong[1:count:2] |= (measured[1:count:2] == 0) & (molecule.outer_radii > molecule.core_radii)
    if wrong.any():
        worst = int(np.flatnonzero(wrong)[0])
        raise MeshError(
            f"volume of {region_names(molecule)[worst]} is {measured[worst]:.5f} nm^3 in the mesh, "
            f"{exact[worst]:.5f} nm^3 in closed form: the mesh does not follow the geometry"
        )
