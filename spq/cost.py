"""What a calculation will cost, before it is done: elements, solutions, seconds and bytes.

Tetrahedra of a region of volume V and size h: about K V / h^3; along a re-entrant edge of radius r,
meshed at h there, about K' r / h; around a nanocrystal of surface A about K'' A / h^2. Triangles of the
half plane: about K R^2 / h^2 for a half disk of radius R, and a number for every edge and the matrix.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from skfem import MeshTet2, MeshTri2

from spq import planar
from spq.correlation import ACTIVE
from spq.mesh import cache_name, half_plane_mesh, molecule_mesh, shipped, user_cache
from spq.meshing import SIZES
from spq.model import Model
from spq.shiftmap import map_positions

# Fitted to meshes of monomers, dimers and rows of three at all accuracies; good to about 40 %.
PER_VOLUME, PER_EDGE, PER_SURFACE = 7.3, 420.0, 30.0
NODES_PER_ELEMENT = 1.35
PER_AREA, PER_NECK, AROUND, AT_WALL = 2.0, 230.0, 430.0, 6.0
NODES_PER_TRIANGLE = 2.04

# Measured on two cores.
MESHING = 6e-4  # seconds for each element
# setting up: seconds, seconds for each unknown and dot, GB for each unknown; companions included
SOLID = (0.0, 9e-4, 5e-5)
HALF_PLANE = (1.0, 4e-4, 2e-5)
REDUCED_SOLUTION = 3e-3  # seconds
# of eigenstates of so many carriers at `normal`, two dots: seconds; more or fewer orbitals by their number
CORRELATED_SOLUTION = {0: 0.0, 1: 0.01, 2: 0.1, 3: 1.0, 4: 4.0}
CORRELATED_SETUP, CORRELATED_MEMORY = 12.0, 1.2  # seconds and GB, likewise, companion included
DIRECT_SOLUTION = 1e-4  # seconds for each unknown
MEMORY = 0.3  # GB
NORMAL_ORBITALS = 40


@dataclass(frozen=True)
class Cost:
    """What a shift map of a model would cost.

    stored_mesh: whether elements and unknowns are those of a mesh that is there already; they are
    estimates otherwise. points: positions of the surface charge, None where the molecule has no
    line of them. solutions: self-consistent solutions, initial and final states.
    seconds, memory_GB: estimates, on two cores.
    """

    stored_mesh: bool
    elements: int
    unknowns: int
    points: int | None
    solutions: int
    seconds: float
    memory_GB: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def estimate(model: Model) -> Cost:
    """Return what a shift map of a model would cost, without computing anything of it.

    Without a map (dots not on one line): what the emissions of its states would cost.
    """
    flat = model.chosen_discretisation == "axisymmetric"
    stored = has_mesh(model)
    if stored:
        mesh = _mesh(model)
        elements, unknowns = mesh.t.shape[1], mesh.doflocs.shape[1]
    else:
        elements = _triangles(model) if flat else _elements(model)
        unknowns = round((NODES_PER_TRIANGLE if flat else NODES_PER_ELEMENT) * elements)
    points = _points(model)
    repeats = 1 + (points or 1) * len(model.map.charges)
    # The vacuum that an exciton leaves behind needs no solution.
    solutions = repeats * sum(2 if any(state.final) else 1 for state in model.states)
    own, each_unknown, memory = HALF_PLANE if flat else SOLID
    each = DIRECT_SOLUTION * unknowns if model.method == "direct" else REDUCED_SOLUTION
    seconds = own + each_unknown * unknowns * len(model.molecule.dots) + solutions * each
    memory_GB = MEMORY + memory * unknowns
    if model.method == "ci":
        size = _orbitals(model) / NORMAL_ORBITALS
        seconds = own + size**2 * (CORRELATED_SETUP + repeats * _eigenstates(model))
        memory_GB += size**2 * CORRELATED_MEMORY
    if not stored:
        seconds += MESHING * elements
    return Cost(stored, elements, unknowns, points, solutions, round(seconds, 1), round(memory_GB, 2))


def _orbitals(model: Model) -> int:
    """Active orbitals of each kind in a configuration interaction."""
    return model.ci.orbitals or ACTIVE[model.accuracy] * len(model.molecule.dots)


def _eigenstates(model: Model) -> float:
    """Seconds of all eigenstates that a model's states need in one field."""
    sets = {(len(state.electrons), len(state.holes)) for state in model.states}
    sets |= {(electrons - 1, holes - 1) for electrons, holes in sets}
    return sum(CORRELATED_SOLUTION[min(sum(each), max(CORRELATED_SOLUTION))] for each in sets)


def _mesh(model: Model) -> MeshTet2 | MeshTri2:
    if model.chosen_discretisation == "solid":
        return molecule_mesh(model.molecule, model.accuracy)
    return half_plane_mesh(model.molecule, model.accuracy, leaking=model.wall == "finite")


def has_mesh(model: Model) -> bool:
    """Return whether a mesh of the molecule is stored with spq or in the cache."""
    if model.chosen_discretisation == "axisymmetric":
        sizes = planar.element_sizes(model.accuracy, model.wall == "finite")
        name = cache_name(model.molecule, sizes, planar.EDGE_GROWTH)
    else:
        name = cache_name(model.molecule, SIZES[model.accuracy])
    return any((folder / name).is_file() for folder in (shipped(), user_cache()))


def _points(model: Model) -> int | None:
    return len(map_positions(model)[0]) if model.molecule.is_linear else None


def _elements(model: Model) -> int:
    """Return about how many tetrahedra a mesh will have."""
    molecule, sizes = model.molecule, SIZES[model.accuracy]
    cores, outers = molecule.core_radii, molecule.outer_radii
    volumes = 4.0 / 3.0 * np.pi * cores**3, 4.0 / 3.0 * np.pi * (outers**3 - cores**3)
    count = PER_VOLUME * np.sum(volumes[0] / sizes.core**3 + volumes[1] / sizes.shell**3)
    count += PER_SURFACE * 4.0 * np.pi * np.sum(outers**2) / sizes.shell**2
    radii = [max(pair.lens_radius, pair.neck_radius) for pair in molecule.pairs]
    return round(float(count + PER_EDGE * sum(radii) / sizes.edge))


def _triangles(model: Model) -> int:
    """Return about how many triangles a mesh of the half plane will have."""
    molecule, sizes = model.molecule, planar.SIZES[model.accuracy]
    cores, outers = molecule.core_radii, molecule.outer_radii
    at_wall = 0.0
    if model.wall == "finite":
        at_wall = AT_WALL * np.pi * float(outers.sum()) / planar.WALL[model.accuracy]
    half_disks = 0.5 * np.pi * np.sum(cores**2 / sizes.core**2 + (outers**2 - cores**2) / sizes.shell**2)
    edges = sum(2 if pair.neck_radius else 1 for pair in molecule.pairs if pair.lens_radius)
    far = AROUND * planar.SIZES["normal"].outer / sizes.outer
    return round(float(PER_AREA * 2 * half_disks + PER_NECK * edges + far + at_wall))
