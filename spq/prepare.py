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

from spq.correlation import Correlation, correlate
from spq.direct import Direct
from spq.discretisation import Discretisation, discretise
from spq.errors import SpqError
from spq.mapspec import MapSpec
from spq.model import Model
from spq.parallel import in_threads, one_thread
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.reduction import reduction
from spq.solution import Problem
from spq.spectrumspec import SpectrumSpec
from spq.surface import SurfaceCharge
from spq.units import KV_PER_CM

log = logging.getLogger(__name__)

PREPARED = 4  # problems kept in memory, companions among them
COARSENING = 1.5  # of a companion's elements
LOOSENESS = 3.0  # of its basis
FEWER = 1.6  # of its orbitals in configuration interaction
KEYS = 64  # models whose key is remembered
AT_ONCE = 1024  # charges whose fields are made together

_prepared: OrderedDict[tuple[Model, bool], Problem | None] = OrderedDict()


@functools.lru_cache(KEYS)
def _key(model: Model, coarse: bool) -> tuple[Model, bool]:
    """Models with the same key share their discretised problem; coarse: that of the companion."""
    outside = {"surface_charges": (), "electric_field": (0.0, 0.0, 0.0)}
    method = "reduced" if coarse and model.method == "direct" else model.method
    return model.replace(
        **outside, method=method, map=MapSpec(), spectrum=SpectrumSpec(), final_state="relaxed"
    ), coarse


def shared(model: Model) -> Model:
    """The same for all models that share their discretised problem."""
    return _key(model, False)[0]


def is_prepared(model: Model) -> bool:
    """Whether a model's discretised problem is in memory."""
    return _key(model, False) in _prepared


def prepare(model: Model, progress: Progress = silent) -> Problem:
    """The discretised problem of a model; models that differ in charges or map share it.

    The last ones are kept in memory. Raises what building the mesh and the operators raises.
    """
    (found,) = _obtained(model, (False,), progress)
    assert found is not None
    return found


def companion(model: Model, progress: Progress = silent) -> Reduced | Correlation | None:
    """The problem of a model on a coarser mesh, with a looser basis; reduced unless it is correlated.

    None if it cannot be made: it serves the estimate of errors only.
    """
    (found,) = _obtained(model, (True,), progress)
    assert found is None or isinstance(found, (Reduced, Correlation))
    return found


def with_companion(model: Model, progress: Progress = silent) -> tuple[Problem, Reduced | Correlation | None]:
    """`prepare` and `companion`, on the half plane side by side."""
    _obtained(model, (False, True), progress)
    return prepare(model, progress), companion(model, progress)


def _obtained(model: Model, coarse: tuple[bool, ...], progress: Progress) -> list[Problem | None]:
    """The problem of a model, its companion, or both; what is not in memory is made."""
    keys = [_key(model, each) for each in coarse]
    for key in keys:  # what is there is not to make room for the rest
        if key in _prepared:
            _prepared.move_to_end(key)
    missing = [key for key in keys if key not in _prepared]
    while missing and len(_prepared) > PREPARED - len(missing):  # before the new ones need its memory
        _prepared.popitem(last=False)
    with threads(model) if missing else nullcontext():
        # Gmsh works in the main thread only
        if model.chosen_discretisation != "solid" and model.method != "direct":
            meshed = [_discretised(*key, progress) for key in missing]
            told = [progress, *[silent] * len(missing)]  # one thread speaks
            jobs = list(zip(meshed, missing, told, strict=False))
            made = in_threads(lambda job: _system(job[0], job[1][1], job[2]), jobs)
        else:
            made = [_system(_discretised(*key, progress), key[1], progress) for key in missing]
    _prepared.update(zip(missing, made, strict=True))
    found = [_prepared[key] for key in keys]
    if None in found:
        log.warning("no errors are estimated: their companion could not be made")
    return found


def _discretised(model: Model, coarse: bool, progress: Progress) -> Discretisation | None:
    if not coarse:
        return discretise(model, progress)
    try:
        return discretise(model, progress, COARSENING)
    except SpqError as error:
        log.warning("a companion cannot be made: %s", error)
        return None


def _system(discretisation: Discretisation | None, coarse: bool, progress: Progress) -> Problem | None:
    if discretisation is None:
        return None
    method = discretisation.model.method
    if not coarse:
        if method == "ci":
            return correlate(discretisation, progress)
        return Direct(discretisation) if method == "direct" else reduction(discretisation, progress)
    try:
        if method == "ci":
            return correlate(discretisation, progress, FEWER)
        return reduction(discretisation, progress, LOOSENESS)
    except SpqError as error:
        log.warning("a companion cannot be made: %s", error)
        return None


def threads(model: Model) -> AbstractContextManager:
    """Linear algebra in one thread, unless the matrices are those of a solid."""
    if model.chosen_discretisation == "solid":
        return nullcontext()
    return one_thread()


def external_field(system: Problem, model: Model, charges: Sequence[SurfaceCharge]) -> np.ndarray:
    """Field of several surface charges, and of a model's electric field, on a positive unit charge."""
    values = np.array([charge.charge for charge in charges])
    return np.tensordot(values, unit_fields(system, model, charges), axes=1) + electric_field(system, model)


def unit_fields(system: Problem, model: Model, charges: Sequence[SurfaceCharge]) -> np.ndarray:
    """Fields (s, ...) of several surface charges if each were 1 e, turned together as `set_fields` does."""
    if not charges:
        return np.zeros((0, *system.no_field().shape))
    positions = np.array([charge.resolve(model.molecule) for charge in charges])
    return system.charge_fields(turned(system, model, positions, np.zeros(len(charges), dtype=int)))


def set_fields(
    system: Problem, model: Model, positions: np.ndarray, values: np.ndarray, owners: np.ndarray, count: int
) -> np.ndarray:
    """Fields (count, ...) of sets of charges, each with a model's electric field, on a positive unit charge.

    positions (n, 3) in nm and values (n,) in e of all charges, owners: (n,) the set of each. A set is
    turned about the axis of a linear molecule into a plane of symmetry where it can: its energies stay,
    and half of the fields vanish.
    """
    fields = np.zeros((count, *system.no_field().shape))
    if len(positions):
        positions = turned(system, model, positions, owners)
    for start in range(0, len(positions), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        unit = system.charge_fields(positions[part])
        np.add.at(fields, owners[part], values[part].reshape(-1, *[1] * (unit.ndim - 1)) * unit)
    return fields + electric_field(system, model)


def turned(system: Problem, model: Model, positions: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Positions (n, 3) of sets of charges, turned as `set_fields` says; not in a field across the axis."""
    electric = np.array(model.electric_field)
    across = electric - (electric @ model.molecule.axis) * model.molecule.axis
    return positions if across.any() else system.discretisation.space.turned(positions, owners)


def electric_field(system: Problem, model: Model) -> np.ndarray:
    """A model's electric field as a field on a positive unit charge."""
    if not any(model.electric_field):
        return system.no_field()
    return system.far_field(KV_PER_CM * np.array(model.electric_field))
