"""A model made ready to be solved: its discretised problem, kept while it is used again.

Beside it, its companion: the same on a coarser mesh in a looser basis, for the error of every energy.
"""

from __future__ import annotations

import functools
import logging
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from spq.direct import Direct
from spq.discretisation import discretise
from spq.errors import SpqError
from spq.hartree import System
from spq.model import MapSpec, Model
from spq.parallel import in_threads, one_thread
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.reduction import reduction
from spq.surface import SurfaceCharge

log = logging.getLogger(__name__)

PREPARED = 4  # problems kept in memory, companions among them
COARSENING = 1.5  # of a companion's elements
LOOSENESS = 3.0  # of its basis
KEYS = 64  # models whose key is remembered
AT_ONCE = 1024  # charges whose fields are made together

_prepared: OrderedDict[tuple[Model, bool], System | None] = OrderedDict()


@functools.lru_cache(KEYS)
def _key(model: Model) -> Model:
    return model.replace(surface_charges=(), map=MapSpec(), final_state="relaxed")


def is_prepared(model: Model) -> bool:
    """Whether a model's discretised problem and its companion are in memory."""
    return all((_key(model), coarse) in _prepared for coarse in (False, True))


def prepare(model: Model, progress: Progress = silent) -> System:
    """The discretised problem of a model; models that differ in charges or map share it.

    The last ones are kept in memory. Raises what building the mesh and the operators raises.
    """
    key = _key(model)
    if (key, False) not in _prepared:
        with threads(model):
            discretisation = discretise(key, progress)
            direct = model.method == "direct"
            _keep(key, False, Direct(discretisation) if direct else reduction(discretisation, progress))
    _prepared.move_to_end((key, False))
    found = _prepared[key, False]
    assert found is not None
    return found


def companion(model: Model, progress: Progress = silent) -> Reduced | None:
    """The reduced problem of a model on a coarser mesh, with a looser basis.

    None if it cannot be made: it serves the estimate of errors only.
    """
    key = _key(model)
    if (key, True) not in _prepared:
        with threads(model):
            try:
                coarse = discretise(key.replace(method="reduced"), progress, COARSENING)
                _keep(key, True, reduction(coarse, progress, LOOSENESS))
            except SpqError as error:
                log.warning("no errors are estimated: %s", error)
                _keep(key, True, None)
    _prepared.move_to_end((key, True))
    found = _prepared[key, True]
    assert found is None or isinstance(found, Reduced)
    return found


def with_companion(model: Model, progress: Progress = silent) -> tuple[System, Reduced | None]:
    """`prepare` and `companion`, on the half plane side by side in two threads."""
    key = _key(model)
    missing = not ((key, False) in _prepared or (key, True) in _prepared)
    if missing and model.chosen_discretisation != "solid" and model.method == "reduced":
        with threads(model):
            jobs = (lambda: prepare(model, progress), lambda: companion(model))
            in_threads(lambda job: job(), jobs)
    return prepare(model, progress), companion(model, progress)


def _keep(model: Model, coarse: bool, system: System | None) -> None:
    """Keep a problem and forget the oldest ones."""
    _prepared[model, coarse] = system
    while len(_prepared) > PREPARED:
        _prepared.popitem(last=False)


def threads(model: Model) -> AbstractContextManager:
    """Linear algebra in one thread, unless the matrices are those of a solid."""
    if model.chosen_discretisation == "solid":
        return nullcontext()
    return one_thread()


def charge_field(system: System, model: Model, charges: Sequence[SurfaceCharge]) -> np.ndarray:
    """Field of several surface charges on a positive unit charge."""
    positions = np.array([charge.resolve(model.molecule) for charge in charges]).reshape(-1, 3)
    values = np.array([charge.charge for charge in charges])
    return set_fields(system, positions, values, np.zeros(len(charges), dtype=int), 1)[0]


def set_fields(
    system: System, positions: np.ndarray, values: np.ndarray, owners: np.ndarray, count: int
) -> np.ndarray:
    """Fields (count, ...) of sets of charges on a positive unit charge.

    positions (n, 3) in nm and values (n,) in e of all charges, owners: (n,) the set of each. A set is
    turned about the axis of a linear molecule into a plane of symmetry where it can: its energies stay,
    and half of the fields vanish.
    """
    fields = np.tile(system.no_field(), (count, *[1] * system.no_field().ndim))
    if len(positions):
        positions = system.discretisation.space.turned(positions, owners)
    for start in range(0, len(positions), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        unit = system.charge_fields(positions[part])
        np.add.at(fields, owners[part], values[part].reshape(-1, *[1] * (unit.ndim - 1)) * unit)
    return fields
