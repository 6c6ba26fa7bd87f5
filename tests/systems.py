"""What the tests of the solver share: discretised models, transitions, reference numbers."""

import functools
import json
import weakref
from pathlib import Path

import numpy as np
import pytest

from spq import meshing, planar
from spq.carriers import parse_state
from spq.discretisation import discretise
from spq.mesh import cache_name, shipped, user_cache
from spq.prepare import external_field
from spq.schrodinger import lowest_states
from spq.transition import continued, converged, uncharged

REFERENCE = Path(__file__).parent / "reference"


@functools.cache
def reference(name):
    """Reference numbers of one file; every entry says its conditions."""
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))


def entry(rows, **wanted):
    """The only row with the given values."""
    (found,) = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    return found


def need_gmsh():
    """Skip the test where Gmsh's libraries cannot be loaded."""
    try:
        import gmsh  # noqa: F401
    except OSError as error:
        pytest.skip(f"Gmsh's system libraries are missing: {error}")


def mesh_name(molecule, accuracy, discretisation="solid", leaking=False):
    """File name of a stored mesh."""
    if discretisation == "solid":
        return cache_name(molecule, meshing.SIZES[accuracy])
    return cache_name(molecule, planar.element_sizes(accuracy, leaking), planar.EDGE_GROWTH)


def need_mesh(molecule, accuracy, discretisation="solid", leaking=False):
    """Skip the test where a mesh is not stored and Gmsh cannot make it."""
    name = mesh_name(molecule, accuracy, discretisation, leaking)
    if not any((folder / name).is_file() for folder in (shipped(), user_cache())):
        need_gmsh()


def discretised(model):
    """The discretisation of a model, or the test is skipped as `need_mesh` says."""
    leaking = model.wall == "finite"
    need_mesh(model.molecule, model.accuracy, model.chosen_discretisation, leaking)
    return discretise(model)


_BARE = weakref.WeakKeyDictionary()  # system -> what `bare` found on it


def bare(system, state, final_state="relaxed"):
    """The transition of a state without surface charge, solved for once."""
    known = _BARE.setdefault(system, {})
    if (state, final_state) not in known:
        dots = len(system.discretisation.model.molecule.dots)
        known[state, final_state] = uncharged(system, parse_state(state, dots), final_state)
    return known[state, final_state]


def emission_meV(system, state, final_state="relaxed"):
    """Emission energy above the gap in meV, without surface charge."""
    return 1e3 * bare(system, state, final_state).energy


def charged(system, state, charges, final_state="relaxed"):
    """The transition of a state with surface charges (a list of SurfaceCharge)."""
    without = bare(system, state, final_state)
    field = external_field(system, system.discretisation.model, charges)
    (found,) = continued(system, without.state, field[None], without, final_state)
    return converged(found)


def shift_meV(system, state, charges, final_state="relaxed"):
    """Shift of the emission energy by surface charges in meV."""
    without = bare(system, state, final_state)
    return 1e3 * (charged(system, state, charges, final_state).energy - without.energy)


def density(discretisation, kind, index=0):
    """Density (q,) in nm⁻³ of a single-particle state at the quadrature points of a solid mesh."""
    _, orbitals = lowest_states(discretisation.carrier(kind), index + 1)
    return (discretisation.space.orbital_interpolation @ orbitals[:, index]) ** 2


def turn(axis, degrees):
    """Rotation matrix about an axis (3,)."""
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
