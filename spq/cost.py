"""What a calculation will cost, before it is done: elements, solutions, seconds and bytes.

Elements of a region of volume V and size h: about K V / h^3; along a re-entrant edge of radius r,
meshed at h there, about K' r / h; around a nanocrystal of surface A about K'' A / h^2.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spq.mesh import cache_name, molecule_mesh, shipped, user_cache
from spq.meshing import SIZES
from spq.model import Model
from spq.shiftmap import map_positions

# Fitted to meshes of monomers, dimers and rows of three at all accuracies; good to about 40 %.
PER_VOLUME, PER_EDGE, PER_SURFACE = 7.3, 420.0, 30.0
NODES_PER_ELEMENT = 1.35

# Measured on two cores.
MESHING = 6e-4  # seconds for each element
SETTING_UP = 4.5e-4  # seconds for each unknown and dot: operators, states, integrals
REDUCED_SOLUTION = 8e-3  # seconds
DIRECT_SOLUTION = 1e-4  # seconds for each unknown
MEMORY = (0.3, 5e-5)  # GB, and for each unknown


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
    stored = has_mesh(model)
    if stored:
        mesh = molecule_mesh(model.molecule, model.accuracy)
        elements, unknowns = mesh.t.shape[1], mesh.doflocs.shape[1]
    else:
        elements = _elements(model)
        unknowns = round(NODES_PER_ELEMENT * elements)
    points = _points(model)
    repeats = 1 + (points or 1) * len(model.map.charges)
    # The vacuum that an exciton leaves behind needs no solution.
    solutions = repeats * sum(2 if any(state.final) else 1 for state in model.states)
    each = DIRECT_SOLUTION * unknowns if model.method == "direct" else REDUCED_SOLUTION
    seconds = SETTING_UP * unknowns * len(model.molecule.dots) + solutions * each
    if not stored:
        seconds += MESHING * elements
    memory = MEMORY[0] + MEMORY[1] * unknowns
    return Cost(stored, elements, unknowns, points, solutions, round(seconds, 1), round(memory, 2))


def has_mesh(model: Model) -> bool:
    """Return whether a mesh of the molecule is stored with spq or in the cache."""
    name = cache_name(model.molecule, model.accuracy)
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
