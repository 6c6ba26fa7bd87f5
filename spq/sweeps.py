"""Sweeps: the same computation for every combination of some fields' values.

Every finished point goes to a store at once (spq.pointstore) under the hash of its whole input, of what is
computed and of the program; points that are there are not computed again. Points of one molecule are worked
on in turn by one process, so that they share mesh, states and integrals.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks
from spq.axes import Axis, axes_of, points
from spq.computing import Computation, Compute, compute_of
from spq.errors import InputError
from spq.inputfile import dumps, whole
from spq.model import Model
from spq.parallel import cores
from spq.pointstore import PointStore, digest_of, program
from spq.pointwork import Point
from spq.pool import Told, Unit, compute_units
from spq.prepare import shared
from spq.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr

PAUSE = 0.5  # s, between two looks at how many points are finished
LONGEST = 8  # points that one process takes at a time, fewer of a short sweep


@dataclass(frozen=True)
class Sweep:
    """What a sweep covers: a model, the axes along which it changes, and what is computed.

    models: at every point, the last axis fastest, or what is wrong there; keys: of their results, "" where
    there is no model.
    """

    model: Model
    axes: tuple[Axis, ...]
    compute: Compute
    models: tuple[Model | InputError, ...]
    keys: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of steps of each axis."""
        return tuple(len(axis.steps) for axis in self.axes)

    @property
    def distinct(self) -> list[Point]:
        """The points to be computed, each once."""
        pairs = zip(self.keys, self.models, strict=True)
        found = {key: model for key, model in pairs if isinstance(model, Model)}
        return [Point(key, model) for key, model in found.items()]

    def description(self) -> dict[str, Any]:
        """The sweep as its store describes it."""
        axes = [{"fields": list(axis.names), "values": [list(s) for s in axis.steps]} for axis in self.axes]
        keys = [point.key for point in self.distinct]
        return {"input": dumps(self.model), "axes": axes, "compute": self.compute.name, "keys": keys}


def planned(
    model: Model,
    axes: Mapping[str | tuple[str, ...], Any],
    compute: str | Computation | Sequence[str | Computation] = "emission",
) -> Sweep:
    """The Sweep of a model; arguments and errors are those of `sweep`."""
    found, what = axes_of(model, axes), compute_of(compute)
    models = tuple(points(model, found))
    wrong = [each for each in models if isinstance(each, InputError)]
    if len(wrong) == len(models):
        raise wrong[0]
    keys = tuple(_key(each, what) if isinstance(each, Model) else "" for each in models)
    return Sweep(model, found, what, models, keys)


def _key(model: Model, compute: Compute) -> str:
    return digest_of({"input": whole(model), "compute": compute.name, "program": program()})


def sweep(
    model: Model,
    axes: Mapping[str | tuple[str, ...], Any],
    compute: str | Computation | Sequence[str | Computation] = "emission",
    executor: Executor | None = None,
    store: str | Path | None = None,
    retry: bool = False,
    progress: Progress = silent,
) -> xr.Dataset:
    """Compute something for every combination of some fields' values.

    Parameters
    ----------
    model : Model
        With the values of all other fields.
    axes : mapping
        Dotted field name -> its values, or {"start", "stop", "points"} for a grid with both ends; a tuple of
        names -> one list of values for each, of equal length: these change together. Units are those of the
        input file. "dots.core_radius" means all dots.
    compute : "emission" (of the model's states with its own surface charges), "levels", "shift_map", a
        function of a Model that returns an xarray.Dataset or numbers by name, or a list of these
    executor : what runs the work, like those of concurrent.futures: dask's Client.get_executor(), MPI's.
        Its workers must see the folder of the store. By default as many processes as there are cores.
    store : folder of finished points; a sweep that was interrupted goes on where it was, and several sweeps
        and processes may share one. Without it what is finished is lost if the sweep is interrupted.
    retry : compute points again whose error is in the store
    progress : called with what is being done

    Returns
    -------
    xarray.Dataset
        One dimension for each axis (named by its field, or "zipped"), then those of the results. A point that
        failed holds NaN (False, 0, ""), and its reason in `error`, which is "" elsewhere.

    Raises
    ------
    InputError
        If a field is unknown or in two axes, no point has a model, or the store is damaged, of another
        program, or cannot be written. What is finished is kept.
    """
    if not isinstance(model, Model):
        raise InputError(f"model = {checks.shown(model)}: must be a Model")
    plan = planned(model, axes, compute)
    with _kept(store) as kept:
        run(plan, kept, executor, retry, progress)
        return gathered(plan, kept)


def run(
    plan: Sweep,
    store: PointStore,
    executor: Executor | None = None,
    retry: bool = False,
    progress: Progress = silent,
) -> None:
    """Compute what a store lacks of a sweep; arguments and errors are those of `sweep`."""
    store.describe(plan.description())
    wanted = plan.distinct
    there = {point.key: store.read(point.key) for point in wanted if store.has(point.key)}  # or damaged
    if retry:
        store = store.without(key for key, record in there.items() if record["error"] is not None)
    missing = [point for point in wanted if not store.has(point.key)]
    tell = _teller(store, [point.key for point in missing], len(wanted), progress)
    tell(False)
    if missing:
        compute_units(store, _units(missing), plan.compute, executor, tell)
        progress("sweep", len(wanted), len(wanted))


def _teller(store: PointStore, missing: list[str], total: int, progress: Progress) -> Told:
    """A function that tells how many points are finished, and whether only those of others are left."""
    left = set(missing)
    looked = -PAUSE

    def tell(waiting: bool) -> None:
        nonlocal looked
        if not waiting and time.monotonic() - looked < PAUSE:
            return
        left.difference_update([key for key in left if store.has(key)])
        stage = "waiting for points that another process computes" if waiting else "sweep"
        progress(stage, total - len(left), total)
        looked = time.monotonic()

    return tell


def _units(missing: Sequence[Point]) -> list[Unit]:
    """Points in the parts in which processes take them: of one molecule, those of one problem together."""
    groups: dict[Any, dict[Model, Unit]] = {}
    for point in missing:
        model = point.model
        geometry = (model.molecule, model.accuracy, model.chosen_discretisation, model.wall)
        groups.setdefault(geometry, {}).setdefault(shared(model), []).append(point)
    together = [[point for unit in group.values() for point in unit] for group in groups.values()]
    size = max(1, min(LONGEST, len(missing) // (2 * cores())))
    return [unit[i : i + size] for unit in together for i in range(0, len(unit), size)]


@contextmanager
def _kept(store: str | Path | None) -> Iterator[PointStore]:
    if store is not None:
        yield PointStore.opened(store)
        return
    with tempfile.TemporaryDirectory(prefix="spq-sweep-") as folder:
        yield PointStore.opened(folder)


def gathered(plan: Sweep, store: PointStore) -> xr.Dataset:
    """The Dataset of a sweep whose points are all in a store; raises InputError as `sweep` does."""
    import xarray as xr

    import spq

    records = {point.key: store.read(point.key) for point in plan.distinct}
    results = [records[key]["result"] if key else None for key in plan.keys]
    errors = [records[key]["error"] or "" if key else str(model) for key, model in _at(plan)]
    dimensions = tuple(axis.dimension for axis in plan.axes)
    variables, coordinates = _assembled(results, dimensions, plan.shape)
    about = {"long_name": "why the point failed; empty where it did not"}
    variables["error"] = (dimensions, np.array(errors, dtype=object).reshape(plan.shape), about)
    for axis in plan.axes:
        for name in axis.names:
            coordinates[name] = (axis.dimension, axis.coordinate(name))
    attributes = {
        "title": f"Sweep of {', '.join(name for axis in plan.axes for name in axis.names)}",
        "compute": plan.compute.name,
        "input": dumps(plan.model),
        "axes": json.dumps(plan.description()["axes"]),
        "spq_version": spq.__version__,
    }
    return xr.Dataset(variables, coordinates, attributes)


def _at(plan: Sweep) -> Iterator[tuple[str, Model | InputError]]:
    return zip(plan.keys, plan.models, strict=True)


def _check_alike(name: str, first: dict[str, Any], each: dict[str, Any], dimensions: tuple[str, ...]) -> None:
    """Raise InputError where results of two points cannot stand in one Dataset."""
    if name == "error" or name in dimensions or set(each["dims"]) & set(dimensions):
        raise InputError(f"compute: {name} has the name of something of the sweep itself; rename it")
    if np.shape(each["data"]) != np.shape(first["data"]) or each["dims"] != first["dims"]:
        raise InputError(f"compute: {name} has another shape at another point of the sweep")
    if (each["dtype"] == "U") != (first["dtype"] == "U"):
        raise InputError(f"compute: {name} is a number at one point of the sweep and a word at another")
    if each["coordinate"] and each["data"] != first["data"]:
        raise InputError(f"compute: coordinate {name} differs between points of the sweep; sweep them apart")


def _assembled(
    results: Sequence[dict[str, Any] | None], dimensions: tuple[str, ...], shape: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables with the sweep's dimensions before their own, and coordinates; where one failed, nothing."""
    samples: dict[str, dict[str, Any]] = {}
    for result in results:
        for name, each in (result or {}).items():
            first = samples.setdefault(name, each)
            _check_alike(name, first, each, dimensions)
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for name, each in samples.items():
        if each["coordinate"]:
            coordinates[name] = (each["dims"], np.array(each["data"]), each["attrs"])
            continue
        kinds = {result[name]["dtype"] for result in results if result is not None and name in result}
        kind = np.dtype(object) if kinds == {"U"} else np.result_type(*map(np.dtype, kinds))
        empty = {"f": np.nan, "O": ""}.get(kind.kind, 0)
        values = np.full((len(results), *np.shape(each["data"])), empty, dtype=kind)
        for place, result in enumerate(results):
            if result is not None and name in result:
                values[place] = np.array(result[name]["data"], dtype=kind)
        whole_shape = (*shape, *values.shape[1:])
        variables[name] = ((*dimensions, *each["dims"]), values.reshape(whole_shape), each["attrs"])
    return variables, coordinates
