"""What the benchmarks share: the points at which a map is compared with the direct method."""

import numpy as np

from spq.carriers import parse_state
from spq.discretisation import Discretisation
from spq.hartree import System
from spq.model import Model
from spq.surface import surface_points
from spq.transition import continued, converged, uncharged

# state, charge in e, z in nm: own dot and other dot, both signs, poles, sides and neck
POINTS = (
    ("X@1", 1.0, -6.6),
    ("X@2", -1.0, 3.0),
    ("X-@2", 1.0, 6.65),
    ("segX-@1", -1.0, -6.6),
    ("segX-@1", 1.0, 2.0),
    ("segT@1", 1.0, -4.0),
    ("segT@1", -1.0, -0.6),
)


def shifts(system: System, model: Model, points=POINTS) -> np.ndarray:
    """Shift in meV at each of the points."""
    found = []
    for name, charge, z in points:
        state = parse_state(name, len(model.molecule.dots))
        bare = uncharged(system, state, model.final_state)
        field = charge * system.charge_fields(surface_points(model.molecule, [z]))
        charged = converged(continued(system, state, field, bare, model.final_state)[0])
        found.append(1e3 * (charged.energy - bare.energy))
    return np.array(found)


def size(discretisation: Discretisation) -> dict[str, int]:
    """Elements and unknowns of a discretisation."""
    space = discretisation.space
    return {
        "elements": space.mesh.nelements,
        "unknowns_orbital": len(space.inner),
        "unknowns_potential": space.size,
    }
