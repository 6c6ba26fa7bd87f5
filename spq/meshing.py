"""Gmsh geometry and mesh of one symmetry wedge of a molecule, in the molecule's own frame.

Spheres and neck cylinders are united, cut at the dividing planes, and embedded in an outer sphere.
Where the molecule has mirror planes through its centre only one side of each is meshed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import RLock

import numpy as np

from spq.errors import MeshError
from spq.geometry import Molecule, Pair

log = logging.getLogger(__name__)
_owned = RLock()

DEBIAN_PACKAGES = "libglu1-mesa libxcursor1 libxft2 libxinerama1 libxfixes3 libxrender1"
EDGE_GROWTH = 0.5  # increase of the element size per nm of distance from a neck's edge
ATTEMPTS = 4


@dataclass(frozen=True)
class Sizes:
    """Element sizes in nm: in cores, in shells, at a neck's edge, and at the outer sphere.

    growth: increase of the size per nm of distance from a core or from the nanocrystal. wall: at the
    nanocrystal's surface where orbitals leak through it; 0: they do not.
    """

    core: float
    shell: float
    edge: float
    outer: float
    growth: float
    wall: float = 0.0

    def scaled(self, factor: float) -> Sizes:
        """The same sizes in and at the nanocrystal times a factor."""
        near = {name: getattr(self, name) * factor for name in ("core", "shell", "edge", "wall")}
        return replace(self, **near)


SIZES = {
    "coarse": Sizes(core=0.6, shell=0.9, edge=0.15, outer=9.0, growth=0.35),
    "normal": Sizes(core=0.4, shell=0.6, edge=0.05, outer=8.0, growth=0.28),
    "fine": Sizes(core=0.22, shell=0.4, edge=0.025, outer=6.0, growth=0.2),
}


@dataclass(frozen=True)
class Wedge:
    """Second-order elements of one symmetry wedge.

    nodes: (n, 3) nm in the molecule's frame; elements: (t, 10) in Gmsh's order with its last two
    nodes swapped (scikit-fem's order); of a half plane: (n, 2) and (t, 6). regions: (t,) region
    numbers; mirrors: axes whose coordinate is >= 0 in the wedge, to be reflected.
    """

    nodes: np.ndarray
    elements: np.ndarray
    regions: np.ndarray
    mirrors: tuple[int, ...]


def outer_radius(molecule: Molecule) -> float:
    """Radius of the outer sphere in nm: 30 nm, or four half-lengths of a longer molecule."""
    return max(30.0, 4.0 * molecule.half_length)


def frame(molecule: Molecule) -> np.ndarray:
    """Rotation (3, 3) into the molecule's frame: long axis to z, normal of a planar molecule to y."""
    axis = molecule.axis
    spread = molecule.centers - molecule.mean_center
    across = spread - np.outer(spread @ axis, axis)
    widest = across[np.argmax(np.linalg.norm(across, axis=1))]
    if molecule.is_linear:
        widest = np.eye(3)[0] if abs(axis[0]) < 0.9 else np.eye(3)[1]
        widest = widest - (widest @ axis) * axis
    x = widest / np.linalg.norm(widest)
    return np.array([x, np.cross(axis, x), axis])


def mirror_axes(molecule: Molecule) -> tuple[int, ...]:
    """Axes of the molecule's frame whose coordinate planes are mirror planes of the geometry."""
    centers = (molecule.centers - molecule.mean_center) @ frame(molecule).T
    sizes = np.column_stack([molecule.core_radii, molecule.outer_radii])
    found = []
    for axis in range(3):
        image = centers.copy()
        image[:, axis] *= -1
        distance = np.linalg.norm(image[:, None] - centers[None], axis=2)
        partner = np.argmin(distance, axis=1)
        if distance.min(axis=1).max() < 1e-9 and np.allclose(sizes[partner], sizes, rtol=0, atol=1e-12):
            found.append(axis)
    return tuple(found)


def mesh_wedge(molecule: Molecule, sizes: Sizes) -> Wedge:
    """Mesh one symmetry wedge of the solid; raises MeshError as `attempted` does."""
    return attempted(molecule, sizes, _generate, _collect)


def attempted(molecule: Molecule, sizes: Sizes, generate: Callable, collect: Callable) -> Wedge:
    """A mesh made by generate(gmsh, molecule, sizes), read by collect(gmsh, molecule).

    Sizes shrink and Gmsh runs again where an element is inverted.

    Raises
    ------
    MeshError
        If Gmsh cannot be loaded, cannot mesh the geometry, or inverted elements remain.
    """
    for attempt in range(ATTEMPTS):
        with gmsh_session() as gmsh:
            try:
                generate(gmsh, molecule, sizes)
            except Exception as error:  # Gmsh's interface raises nothing more specific
                raise MeshError(f"Gmsh failed on this geometry: {error}") from error
            wedge, worst = collect(gmsh, molecule)
        if worst > 0:
            return wedge
        log.info("attempt %d: smallest Jacobian %.1e; trying smaller elements", attempt + 1, worst)
        sizes = sizes.scaled(0.85)
    raise MeshError(f"inverted elements remain (smallest Jacobian {worst:.1e}) after {ATTEMPTS} attempts")


@contextlib.contextmanager
def gmsh_session() -> Iterator:
    """Gmsh's global state, owned for one model and by one thread; a session that others opened is kept."""
    with _owned, _session() as gmsh:
        yield gmsh


@contextlib.contextmanager
def _session() -> Iterator:
    try:
        import gmsh
    except OSError as error:
        raise MeshError(
            f"Gmsh cannot be loaded ({error}); on Debian: apt-get install {DEBIAN_PACKAGES}"
        ) from error
    ours = not gmsh.isInitialized()
    if ours:
        gmsh.initialize(readConfigFiles=False, interruptible=False)
    previous = gmsh.model.getCurrent()
    options = {
        "General.Terminal": 0,
        "General.NumThreads": 1,  # more than one thread gives a different mesh at each run
        "Mesh.ElementOrder": 2,
        "Mesh.HighOrderOptimize": 1,
        "Mesh.MeshSizeExtendFromBoundary": 0,
        "Mesh.MeshSizeFromPoints": 0,
        "Mesh.MeshSizeFromCurvature": 0,
    }
    before = {name: gmsh.option.getNumber(name) for name in options}
    for name, value in options.items():
        gmsh.option.setNumber(name, value)
    gmsh.model.add("spq")
    try:
        yield gmsh
    finally:
        gmsh.model.remove()
        if ours:
            gmsh.finalize()
        else:
            for name, value in before.items():
                gmsh.option.setNumber(name, value)
            gmsh.model.setCurrent(previous)


def _generate(gmsh, molecule: Molecule, sizes: Sizes) -> None:
    rotation = frame(molecule)
    _solids(gmsh.model.occ, molecule, rotation, mirror_axes(molecule))
    gmsh.model.occ.synchronize()
    _size_field(gmsh.model.mesh.field, molecule, rotation, sizes)
    gmsh.model.mesh.generate(3)


def _collect(gmsh, molecule: Molecule) -> tuple[Wedge, float]:
    """The mesh out of Gmsh, and its smallest Jacobian determinant."""
    rotation, mirrors = frame(molecule), mirror_axes(molecule)
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    nodes = coordinates.reshape(-1, 3)
    position = np.zeros(int(tags.max()) + 1, dtype=np.int64)
    position[tags.astype(np.int64)] = np.arange(len(tags))
    elements, regions, worst = [], [], np.inf
    for _, volume in gmsh.model.getEntities(3):
        kinds, element_tags, node_tags = gmsh.model.mesh.getElements(3, volume)
        if list(kinds) != [11]:
            raise MeshError(f"volume {volume} holds element types {list(kinds)}, expected 10-node tetrahedra")
        worst = min(worst, gmsh.model.mesh.getElementQualities(element_tags[0], "minDetJac").min())
        cells = position[node_tags[0].astype(np.int64).reshape(-1, 10)]
        middle = nodes[cells[:, :4]].mean(axis=1) @ rotation + molecule.mean_center
        elements.append(cells)
        regions.append(np.full(len(cells), np.bincount(region_of(molecule, middle)).argmax()))
    order = [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]
    used, cells = np.unique(np.vstack(elements)[:, order], return_inverse=True)
    nodes = nodes[used]
    for axis in mirrors:
        nodes[np.abs(nodes[:, axis]) < 1e-8, axis] = 0.0
    return Wedge(nodes, cells.reshape(-1, 10), np.concatenate(regions), mirrors), worst


def region_of(molecule: Molecule, points: np.ndarray) -> np.ndarray:
    """Region number of each point (n, 3): 2i core of dot i, 2i + 1 its shell, then linker and matrix."""
    linked = molecule.in_linker(points)
    surroundings = 2 * len(molecule.dots) + ((molecule.linker_diameter > 0) & ~linked)
    distance = np.linalg.norm(points[:, None] - molecule.centers[None], axis=2)
    inside_core = distance < molecule.core_radii
    return np.where(
        inside_core.any(axis=1),
        2 * inside_core.argmax(axis=1),
        np.where(
            molecule.distance_outside(points) <= 0,
            2 * molecule.dot_of(points) + 1,
            surroundings,
        ),
    )


def _solids(occ, molecule: Molecule, rotation: np.ndarray, mirrors: tuple[int, ...]) -> None:
    """Cores, shells on each side of the dividing planes, and the matrix, fragmented to share faces."""
    centers = (molecule.centers - molecule.mean_center) @ rotation.T
    far = 2.0 * outer_radius(molecule)

    def within_wedge(solids):
        if not mirrors:
            return solids
        low = [0.0 if axis in mirrors else -far for axis in range(3)]
        box = occ.addBox(*low, *(far - np.array(low)))
        return occ.intersect(solids, [(3, box)])[0]

    bodies = [(3, occ.addSphere(*c, r)) for c, r in zip(centers, molecule.outer_radii, strict=True)]
    cuts = []
    for pair in molecule.pairs:
        start, along = centers[pair.first], centers[pair.second] - centers[pair.first]
        if pair.neck_radius > 0:
            bodies.append((3, occ.addCylinder(*start, *along, pair.neck_radius)))
        width = max(pair.lens_radius, pair.neck_radius)
        if width > 0:
            middle = start + along / pair.distance * pair.plane
            disk = occ.addDisk(*middle, 1.2 * width, 1.2 * width, zAxis=along / pair.distance)
            cuts.append((2, disk))
    united = bodies if len(bodies) == 1 else occ.fuse(bodies[:1], bodies[1:])[0]
    united = within_wedge(united)
    if cuts:
        cuts = occ.intersect(cuts, united, removeObject=True, removeTool=False)[0]
    cores = []
    for center, radius, dot in zip(centers, molecule.core_radii, molecule.dots, strict=True):
        if dot.shell_thickness > 0 or len(molecule.dots) > 1:
            cores += within_wedge([(3, occ.addSphere(*center, radius))])
    surround = within_wedge([(3, occ.addSphere(0, 0, 0, outer_radius(molecule)))])
    occ.fragment(surround, united + cores + cuts)


def _size_field(field, molecule: Molecule, rotation: np.ndarray, sizes: Sizes) -> None:
    centers = (molecule.centers - molecule.mean_center) @ rotation.T
    fields = []

    def add(expression: str) -> None:
        tag = field.add("MathEval")
        field.setString(tag, "F", expression)
        fields.append(tag)

    def ball(center, radius: float, size: float) -> None:
        """The given size inside a ball, growing linearly outside it."""
        x, y, z = (f"({name}-({value:.12g}))" for name, value in zip("xyz", center, strict=True))
        outside = f"(Sqrt({x}^2+{y}^2+{z}^2)-{radius:.12g})"
        add(f"{size:.12g}+{0.5 * sizes.growth}*({outside}+Fabs({outside}))")

    for center, dot in zip(centers, molecule.dots, strict=True):
        shell = min(sizes.shell, 0.35 * dot.outer_radius)
        if dot.shell_thickness > 0:
            shell = min(shell, max(1.5 * dot.shell_thickness, sizes.edge))
        ball(center, dot.outer_radius, shell)
        ball(center, dot.core_radius, min(sizes.core, 0.6 * dot.core_radius, shell))
    for pair in molecule.pairs:
        start = centers[pair.first]
        along = (centers[pair.second] - start) / pair.distance
        for offset, radius in edges(molecule, pair):
            add(_ring(start + offset * along, along, radius, sizes.edge))
        narrow = free_space(molecule, pair)
        if narrow < sizes.shell:
            ball(start + pair.plane * along, 0.0, max(narrow, sizes.edge))
    add(f"{sizes.outer}")
    smallest = field.add("Min")
    field.setNumbers(smallest, "FieldsList", fields)
    field.setAsBackgroundMesh(smallest)


def free_space(molecule: Molecule, pair: Pair) -> float:
    """Narrowest space in nm between a pair's dividing plane and its cores, or half the gap."""
    free = [pair.plane - molecule.core_radii[pair.first]]
    free.append(pair.distance - pair.plane - molecule.core_radii[pair.second])
    return float(min([*free, pair.gap / 2 if pair.gap > 0 else np.inf]))


def edges(molecule: Molecule, pair: Pair) -> list[tuple[float, float]]:
    """Re-entrant edges of a pair: (distance of the circle's plane from the first centre, radius)."""
    if pair.neck_radius > 0:
        radii = (molecule.outer_radii[pair.first], molecule.outer_radii[pair.second])
        reach = [np.sqrt(max(radius**2 - pair.neck_radius**2, 0.0)) for radius in radii]
        return [(reach[0], pair.neck_radius), (pair.distance - reach[1], pair.neck_radius)]
    return [(pair.plane, pair.lens_radius)] if pair.lens_radius > 0 else []


def _ring(center, axis, radius: float, size: float) -> str:
    """Size growing linearly with the distance from a circle."""
    x, y, z = (f"({name}-({value:.12g}))" for name, value in zip("xyz", center, strict=True))
    along = "(" + "+".join(f"({a:.15g})*{v}" for a, v in zip(axis, (x, y, z), strict=True)) + ")"
    across = f"Sqrt(Fabs({x}^2+{y}^2+{z}^2-{along}^2))"
    return f"{size:.12g}+{EDGE_GROWTH}*Sqrt(({across}-{radius:.12g})^2+{along}^2)"
