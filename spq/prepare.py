"""A model made ready to be solved: its discretised problem, kept while it is used again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from spq.direct import Direct
from spq.discretisation import discretise
from spq.hartree import System
from spq.model import MapSpec, Model
from spq.progress import Progress, silent
from spq.reduction import reduction
from spq.surface import SurfaceCharge

PREPARED = 2  # problems kept in memory
_prepared: OrderedDict[Model, System] = OrderedDict()


def _key(model: Model) -> Model:
    return model.replace(surface_charges=(), map=MapSpec(), final_state="relaxed")


def is_prepared(model: Model) -> bool:
    """Whether a model's discretised problem is in memory."""
    return _key(model) in _prepared


def prepare(model: Model, progress: Progress = silent) -> System:
    """The discretised problem of a model; models that differ in charges or map share it.

    The last two are kept in memory. Raises what building the mesh and the operators raises.
    """
    key = _key(model)
    if key not in _prepared:
        while len(_prepared) >= PREPARED:  # before the new one needs its memory
            _prepared.popitem(last=False)
        discretisation = discretise(key, progress)
        direct = model.method == "direct"
        _prepared[key] = Direct(discretisation) if direct else reduction(discretisation, progress)
    _prepared.move_to_end(key)
    return _prepared[key]


def charge_field(system: System, model: Model, charges: Sequence[SurfaceCharge]) -> np.ndarray:
    """Field of several surface charges on a positive unit charge."""
    if not charges:
        return system.no_field()
    positions = np.array([charge.resolve(model.molecule) for charge in charges])
    values = np.array([charge.charge for charge in charges])
    return np.tensordot(values, system.charge_fields(positions), axes=1)
