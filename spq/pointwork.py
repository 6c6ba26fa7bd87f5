"""The work of one process of a sweep: points in turn, each kept in the store as soon as it is finished."""

from __future__ import annotations

import errno
import json
import pickle
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks
from spq.computing import Compute
from spq.errors import InputError, SpqError
from spq.model import Model
from spq.parallel import alone
from spq.pointstore import PointStore

if TYPE_CHECKING:
    import xarray as xr


FULL = (errno.ENOSPC, errno.EDQUOT)  # what goes away, and says nothing of the point


@dataclass(frozen=True)
class Point:
    """One point of a sweep: the key of its result, and its model."""

    key: str
    model: Model


def work(
    store: PointStore,
    points: Sequence[Point],
    sent: bytes,
    wait: bool = False,
    call: str = "",
) -> list[str]:
    """Compute points that are not finished and keep each in the store.

    Parameters
    ----------
    store : PointStore
    points : points, those that share a prepared problem one after the other
    sent : what is computed, packed
    wait : whether to wait for points that another process has begun
    call : tells calls apart for executors that would give the same call its old result, as dask's do

    Returns
    -------
    list of str
        Keys of points that another process has begun, if they are not waited for.

    Raises
    ------
    InputError
        If the store cannot be seen from this process or be written, or is of another version of spq than
        this process runs, or what is computed cannot be loaded here.
    """
    with checks.placed("a worker: "):
        store.check()
        compute = _unpacked(sent)
    busy = []
    for point in points:
        if store.has(point.key):
            continue
        with store.claimed(point.key, wait) as ours:
            if not ours:
                busy.append(point.key)
            elif not store.has(point.key):
                store.write(point.key, record_of(point.model, compute))
    return busy


def packed(compute: Compute) -> bytes:
    """What is computed, as it is sent to other processes; raises InputError where it cannot be."""
    import cloudpickle

    try:
        return cloudpickle.dumps(compute)
    except Exception as error:  # whatever an object of the caller raises
        raise InputError(f"compute: cannot be sent to other processes ({error})") from error


def _unpacked(sent: bytes) -> Compute:
    """What is computed. Executors that fail to load their own messages may wait for ever."""
    try:
        return pickle.loads(sent)
    except Exception as error:  # of loading a module of the caller
        raise InputError(f"cannot load what is to be computed ({type(error).__name__}: {error})") from error


def record_of(model: Model, compute: Compute) -> dict[str, Any]:
    """What is kept of a point: its result or its error, and the seconds it took.

    Linear algebra works in one thread, and MKL in a mode in which results do not depend on where arrays lie
    in memory: the same point has the same bits in every process.
    """
    start = time.perf_counter()
    record: dict[str, Any] = {"error": None, "result": None}
    with alone():
        try:
            record["result"] = to_plain(compute(model))
            json.dumps(record["result"])  # what cannot be kept is an error of this point
        except OSError as error:
            if error.errno in FULL:
                raise InputError(f"{error.strerror}; what is finished is kept") from error
            record |= {"error": f"unexpected {type(error).__name__}: {error}", "result": None}
        except MemoryError as error:
            raise InputError("out of memory; what is finished is kept") from error
        except SpqError as error:
            record["error"] = f"{type(error).__name__}: {error}"
        except Exception as error:  # whatever it is, the other points go on
            record |= {"error": f"unexpected {type(error).__name__}: {error}", "result": None}
    return record | {"seconds": time.perf_counter() - start}


def to_plain(found: xr.Dataset) -> dict[str, Any]:
    """A Dataset as numbers, words and lists: name -> dimensions, kind, values and attributes.

    Raises InputError where values are neither numbers nor words.
    """
    for name, each in found.variables.items():
        words = each.dtype.kind in "OU" and all(isinstance(value, str) for value in each.values.flat)
        if not words and each.dtype.kind not in "biuf":
            raise InputError(f"compute: {name} holds {each.dtype}, neither real numbers nor words")
    return {
        str(name): {
            "dims": list(each.dims),
            "dtype": each.dtype.str if each.dtype.kind in "biuf" else "U",
            "data": each.values.tolist(),
            "attrs": {key: _attribute(value) for key, value in each.attrs.items()},
            "coordinate": name in found.coords,
        }
        for name, each in found.variables.items()
    }


def _attribute(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value
