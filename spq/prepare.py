"""A model made ready to be solved: its discretised problem, kept while it is used again.

Beside it, its companion: the same on a coarser mesh in a looser basis, for the error of every energy.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from threadpoolctl import threadpool_limits

from spq.direct import Direct
from spq.discretisation import discretise
from spq.factorisation import load_solver
from spq.hartree import System
from spq.model import MapSpec, Model
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.reduction import reduction
from spq.surface import SurfaceCharge

PREPARED = 4  # problems kept in memory, companions among them
COARSENING = 1.5  # of a companion's elements
LOOSENESS = 3.0  # of its basis

_prepared: OrderedDict[tuple[Model, bool], System] = OrderedDict()


def _key(model: Model) -> Model:
    return model.replace(surface_charges=(), map=MapSpec(), final_state="relaxed")


def is_prepared(model: Model) -> bool:
    """Whether a model's discretised problem is in memory."""
    return (_key(model), False) in _prepared


def prepare(model: Model, progress: Progress = silent) -> System:
    """The discretised problem of a model; models that differ in charges or map share it.

    The last ones are kept in memory. Raises what building the mesh and the operators raises.
    """
    key = _key(model), False
    if key not in _prepared:
        _make_room()
        direct = model.method == "direct"
        with threads(model):
            discretisation = discretise(key[0], progress)
            _prepared[key] = Direct(discretisation) if direct else reduction(discretisation, progress)
    _prepared.move_to_end(key)
    return _prepared[key]


def companion(model: Model, progress: Progress = silent) -> Reduced:
    """The reduced problem of a model on a coarser mesh, with a looser basis; raises as `prepare`."""
    key = _key(model).replace(method="reduced"), True
    if key not in _prepared:
        _make_room()
        with threads(model):
            coarse = discretise(key[0], progress, COARSENING)
            _prepared[key] = reduction(coarse, progress, LOOSENESS)
    _prepared.move_to_end(key)
    found = _prepared[key]
    assert isinstance(found, Reduced)
    return found


def threads(model: Model) -> AbstractContextManager:
    """Linear algebra in one thread, unless the matrices are those of a solid."""
    if model.chosen_discretisation == "solid":
        return nullcontext()
    load_solver()  # what is loaded later would not be limited
    return threadpool_limits(1, user_api="blas")


def _make_room() -> None:
    while len(_prepared) >= PREPARED:  # before the new one needs its memory
        _prepared.popitem(last=False)


def charge_field(system: System, model: Model, charges: Sequence[SurfaceCharge]) -> np.ndarray:
    """Field of several surface charges on a positive unit charge."""
    if not charges:
        return system.no_field()
    positions = np.array([charge.resolve(model.molecule) for charge in charges])
    values = np.array([charge.charge for charge in charges])
    return np.tensordot(values, system.charge_fields(positions), axes=1)
