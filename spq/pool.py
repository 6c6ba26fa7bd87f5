"""Units of work given to an executor: our own processes, or whatever the caller brings.

Our own are loky's: they need no guarded main module and see a worker that was killed. Then the points that
were being computed are tried alone, so that one which kills its worker is found and does not stop the rest.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from spq.computing import Compute
from spq.errors import InputError, SpqError
from spq.parallel import cores
from spq.pointstore import PointStore
from spq.pointwork import Point, work

WATCH = 0.5  # s, in which a worker notices that its parent is gone
ORPHANED = 3  # its exit status then
DEATHS = 3  # of workers that computed one point alone, after which it counts as failed

Unit = list[Point]
Told = Callable[[], None]


def compute_units(
    store: PointStore, units: Sequence[Unit], compute: Compute, executor: Any, told: Told
) -> None:
    """Compute the points of all units; told() is called after each.

    Points that another process is computing come last, and are waited for.
    Raises InputError if the store cannot be written, SpqError if the caller's executor breaks.
    """
    if isinstance(executor, ThreadPoolExecutor):
        raise InputError("executor: meshes and solvers need processes, threads cannot share them")
    if executor is not None and not isinstance(executor, Executor):
        kind = type(executor).__name__
        raise InputError(
            f"executor: must be one of concurrent.futures' kind, not {kind}; dask's is Client.get_executor()"
        )
    left = list(units)
    for wait in (False, True):
        busy = set(_pass(store, left, compute, executor, told, wait))
        left = [[point for point in unit if point.key in busy] for unit in left]
        left = [unit for unit in left if unit]
        if not left:
            return


def _pass(
    store: PointStore, units: list[Unit], compute: Compute, executor: Executor | None, told: Told, wait: bool
) -> list[str]:
    """Go through the units once; return the keys of points that others are computing."""
    if executor is not None:
        try:
            return _submitted(executor, store, units, compute, told, wait)
        except SpqError:
            raise
        except Exception as error:  # executors have their own; none comes from a computation
            raise SpqError(
                f"the executor failed ({type(error).__name__}: {error}); what is finished is kept"
            ) from error
    while True:
        try:
            with _processes(min(cores(), len(units))) as own:
                return _submitted(own, store, units, compute, told, wait)
        except BrokenExecutor as error:
            begun = set(store.begun())
            suspects = [point for unit in units for point in unit if point.key in begun]
            for point in suspects:
                _alone(store, point, compute)
            left = [unit for unit in units if not all(store.has(point.key) for point in unit)]
            if len(left) == len(units) and not suspects:
                raise SpqError(f"no process could begin ({error.__cause__ or error})") from error
            units = left
            told()
            if not units:
                return []


def _submitted(
    executor: Executor,
    store: PointStore,
    units: list[Unit],
    compute: Compute,
    told: Told,
    wait: bool,
) -> list[str]:
    """All units through an executor; what goes wrong with one ends all."""
    futures: list[Future] = []
    busy: list[str] = []
    try:
        futures += [executor.submit(work, store, unit, compute, wait) for unit in units]
        for future in as_completed(futures):
            busy += future.result()
            told()
    except BaseException:
        if not isinstance(executor, _own()):  # ours are killed
            for future in futures:
                future.cancel()
        raise
    return busy


def _alone(store: PointStore, point: Point, compute: Compute) -> None:
    """Compute one point in a process of its own; one whose process dies again and again has failed."""
    for _ in range(DEATHS):
        try:
            with _processes(1) as own:
                own.submit(work, store, [point], compute, True).result()
                return
        except BrokenExecutor:
            continue
    dead = f"its process died {DEATHS} times (out of memory, killed, or a crash in a library)"
    with store.claimed(point.key, wait=True):
        if not store.has(point.key):
            store.write(point.key, {"error": dead, "result": None, "seconds": 0.0})


def _own() -> Any:
    """The class of our own executors."""
    from loky import ProcessPoolExecutor

    return ProcessPoolExecutor


@contextmanager
def _processes(count: int) -> Iterator[Executor]:
    """Our own processes; where the block fails they end at once, with what they are doing."""
    once = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    executor = _own()(
        max(count, 1), initializer=_begin, initargs=(os.getpid(),), env=once | {"MKL_CBWR": "AUTO"}
    )
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise
    executor.shutdown(wait=True)


def _begin(parent: int) -> None:
    """A worker leaves Ctrl-C to its parent, and ends soon after it, whatever it is doing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH)
    os._exit(ORPHANED)
