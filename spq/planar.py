"""Gmsh geometry and mesh of the half plane (r, z) of a molecule whose dots lie on one line.

z runs along the long axis from the mean of the centres, r >= 0 is the distance from it. Half disks
and half necks are united, cut at the dividing planes, and embedded in the outer half disk. Of a
molecule that is its own mirror image only z >= 0 is meshed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spq.errors import MeshError
from spq.geometry import Molecule
from spq.meshing import (
    Sizes,
    Wedge,
    attempted,
    edges,
    free_space,
    mirror_axes,
    outer_radius,
    region_of,
)
from spq.surface import axis_frame

WALL = {"coarse": 0.16, "normal": 0.11, "fine": 0.07}  # nm, element size at a finite wall
LINKER = 0.4  # of the shell's element size, in a linker
WALL_GROWTH = 0.5  # increase of the element size per nm of distance from it
EDGE_GROWTH = 0.35  # increase of the element size per nm of distance from a neck's edge

SIZES = {
    "coarse": Sizes(core=0.35, shell=0.6, edge=0.03, outer=8.0, growth=0.3),
    "normal": Sizes(core=0.22, shell=0.4, edge=0.01, outer=6.0, growth=0.25),
    "fine": Sizes(core=0.13, shell=0.24, edge=0.003, outer=4.0, growth=0.18),
}


def element_sizes(accuracy: str, leaking: bool = False) -> Sizes:
    """Element sizes; leaking: of orbitals that leak through the nanocrystal's surface."""
    return replace(SIZES[accuracy], wall=WALL[accuracy]) if leaking else SIZES[accuracy]


def mesh_half_plane(molecule: Molecule, sizes: Sizes) -> Wedge:
    """Mesh the half plane.

    Returns a Wedge of second-order triangles: nodes (n, 2) nm (r, z), elements (t, 6), mirrored in z
    where the molecule is. Raises MeshError as spq.meshing.attempted does.
    """
    return attempted(molecule, sizes, _generate, _collect)


def heights(molecule: Molecule) -> np.ndarray:
    """z of the dots' centres in the half plane, (N,) nm."""
    return (molecule.centers - molecule.mean_center) @ molecule.axis


def _mirrored(molecule: Molecule) -> bool:
    return 2 in mirror_axes(molecule)


def _generate(gmsh, molecule: Molecule, sizes: Sizes) -> None:
    _faces(gmsh.model.occ, molecule)
    gmsh.model.occ.synchronize()
    _size_field(gmsh.model.mesh.field, molecule, sizes)
    gmsh.model.mesh.generate(2)


def _faces(occ, molecule: Molecule) -> None:
    """Half disks of cores, shells on each side of the dividing planes, and the matrix; x = r, y = z."""
    centers, far = heights(molecule), outer_radius(molecule)

    def half(faces):
        low = 0.0 if _mirrored(molecule) else -2 * far
        box = occ.addRectangle(0.0, low, 0.0, 2 * far, 2 * far - low)
        return occ.intersect(faces, [(2, box)])[0]

    def disk(height: float, radius: float) -> tuple[int, int]:
        return (2, occ.addDisk(0.0, height, 0.0, radius, radius))

    bodies = [disk(z, r) for z, r in zip(centers, molecule.outer_radii, strict=True)]
    cuts = []
    for pair in molecule.pairs:
        start, along = centers[pair.first], np.sign(centers[pair.second] - centers[pair.first])
        if pair.neck_radius > 0:
            low = min(start, centers[pair.second])
            bodies.append((2, occ.addRectangle(0.0, low, 0.0, pair.neck_radius, pair.distance)))
        width = max(pair.lens_radius, pair.neck_radius)
        if width > 0:
            plane = start + along * pair.plane
            ends = [occ.addPoint(0.0, plane, 0.0), occ.addPoint(1.2 * width, plane, 0.0)]
            cuts.append((1, occ.addLine(*ends)))
    united = bodies if len(bodies) == 1 else occ.fuse(bodies[:1], bodies[1:])[0]
    united = half(united)
    if cuts:
        cuts = occ.intersect(cuts, united, removeObject=True, removeTool=False)[0]
    cores = []
    for z, radius, dot in zip(centers, molecule.core_radii, molecule.dots, strict=True):
        if dot.shell_thickness > 0 or len(molecule.dots) > 1:
            cores += half([disk(z, radius)])
    surround = half([disk(0.0, far)])
    linker = []
    if molecule.linker_diameter > 0:
        box = occ.addRectangle(0.0, centers.min(), 0.0, molecule.linker_diameter / 2, np.ptp(centers))
        linker = half(occ.cut([(2, box)], united, removeTool=False)[0])
    occ.fragment(surround, united + cores + cuts + linker)


def _size_field(field, molecule: Molecule, sizes: Sizes) -> None:
    centers = heights(molecule)
    tags = []

    def add(expression: str) -> None:
        tag = field.add("MathEval")
        field.setString(tag, "F", expression)
        tags.append(tag)

    def ball(height: float, radius: float, size: float) -> None:
        outside = f"(Sqrt(x^2+(y-({height:.12g}))^2)-{radius:.12g})"
        add(f"{size:.12g}+{0.5 * sizes.growth}*({outside}+Fabs({outside}))")

    for z, dot in zip(centers, molecule.dots, strict=True):
        shell = min(sizes.shell, 0.35 * dot.outer_radius)
        if dot.shell_thickness > 0:
            shell = min(shell, max(1.5 * dot.shell_thickness, sizes.edge))
        ball(z, dot.outer_radius, shell)
        ball(z, dot.core_radius, min(sizes.core, 0.6 * dot.core_radius, shell))
        if sizes.wall:
            wall = f"Fabs(Sqrt(x^2+(y-({z:.12g}))^2)-{dot.outer_radius:.12g})"
            add(f"{min(sizes.wall, shell):.12g}+{WALL_GROWTH}*{wall}")
    if molecule.linker_diameter > 0:
        pair = molecule.pairs[0]
        middle = f"Fabs(y-({centers[0] + pair.plane:.12g}))-{pair.gap:.12g}"
        aside = f"x-{molecule.linker_diameter / 2:.12g}"
        away = f"0.5*({middle}+Fabs({middle}))+0.5*({aside}+Fabs({aside}))"
        add(f"{min(LINKER * sizes.shell, 0.25 * pair.gap):.12g}+{WALL_GROWTH}*({away})")
    for pair in molecule.pairs:
        start, along = centers[pair.first], np.sign(centers[pair.second] - centers[pair.first])
        if sizes.wall and pair.neck_radius > 0:
            middle = 0.5 * (start + centers[pair.second])
            beyond = f"(Fabs(y-({middle:.12g}))-{0.5 * pair.distance:.12g})"
            wall = f"Fabs(x-{pair.neck_radius:.12g})+0.5*({beyond}+Fabs({beyond}))"
            add(f"{sizes.wall:.12g}+{WALL_GROWTH}*({wall})")
        for offset, radius in edges(molecule, pair):
            place = f"(x-{radius:.12g})^2+(y-({start + along * offset:.12g}))^2"
            add(f"{sizes.edge:.12g}+{EDGE_GROWTH}*Sqrt({place})")
        narrow = free_space(molecule, pair)
        if narrow < sizes.shell:
            ball(start + along * pair.plane, 0.0, max(narrow, sizes.edge))
    add(f"{sizes.outer}")
    smallest = field.add("Min")
    field.setNumbers(smallest, "FieldsList", tags)
    field.setAsBackgroundMesh(smallest)


def _collect(gmsh, molecule: Molecule) -> tuple[Wedge, float]:
    """The mesh out of Gmsh, and its smallest Jacobian determinant."""
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    nodes = coordinates.reshape(-1, 3)[:, :2]
    position = np.zeros(int(tags.max()) + 1, dtype=np.int64)
    position[tags.astype(np.int64)] = np.arange(len(tags))
    elements, regions, worst = [], [], np.inf
    for _, face in gmsh.model.getEntities(2):
        kinds, element_tags, node_tags = gmsh.model.mesh.getElements(2, face)
        if list(kinds) != [9]:
            raise MeshError(f"face {face} holds element types {list(kinds)}, expected 6-node triangles")
        worst = min(worst, gmsh.model.mesh.getElementQualities(element_tags[0], "minDetJac").min())
        cells = position[node_tags[0].astype(np.int64).reshape(-1, 6)]
        middle = in_space(molecule, nodes[cells[:, :3]].mean(axis=1))
        elements.append(cells)
        regions.append(np.full(len(cells), np.bincount(region_of(molecule, middle)).argmax()))
    used, cells = np.unique(np.vstack(elements), return_inverse=True)
    nodes = nodes[used]
    nodes[np.abs(nodes[:, 0]) < 1e-8, 0] = 0.0
    mirrors = (1,) if _mirrored(molecule) else ()
    for axis in mirrors:
        nodes[np.abs(nodes[:, axis]) < 1e-8, axis] = 0.0
    return Wedge(nodes, cells.reshape(-1, 6), np.concatenate(regions), mirrors), worst


def in_space(molecule: Molecule, places: np.ndarray) -> np.ndarray:
    """Points (n, 3) in nm, laboratory frame, of places (r, z) (n, 2) at azimuth 0."""
    across = axis_frame(molecule)[1]
    return molecule.mean_center + np.outer(places[:, 0], across) + np.outer(places[:, 1], molecule.axis)


def on_half_plane(molecule: Molecule, points: np.ndarray) -> np.ndarray:
    """Places (r, z) (n, 2) of points (n, 3) in nm, laboratory frame."""
    apart = points - molecule.mean_center
    height = apart @ molecule.axis
    return np.column_stack([np.linalg.norm(apart - np.outer(height, molecule.axis), axis=1), height])
