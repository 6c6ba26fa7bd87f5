"""Units of work given to an executor: our own processes, or whatever the caller brings.

Our own are loky's: they need no guarded main module and see a worker that was killed. Then the points that
were being computed are tried alone, so that one which kills its worker is found and does not stop the rest.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any

from spq.computing import Compute
from spq.errors import InputError, SpqError
from spq.parallel import cores
from spq.pointstore import PointStore
from spq.pointwork import Point, packed, work

ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MKL_CBWR": "AUTO",
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e15",
}
"""Of a worker: one thread, the same bits everywhere, and no end for keeping what it has prepared (loky takes
300 MB more than at its start for a leak)."""

WATCH = 0.5  # s, in which a worker notices that its parent is gone
ORPHANED = 3  # its exit status then
DEATHS = 3  # of workers, after which the point that they computed alone has failed, or none can begin

Unit = list[Point]
Told = Callable[[bool], None]  # called with whether only points of other processes are left


def compute_units(
    store: PointStore, units: Sequence[Unit], compute: Compute, executor: Any, told: Told
) -> None:
    """Compute the points of all units; told(waiting) is called after each.

    Points that another process is computing come last, and are waited for. A point whose process dies does
    not stop the others.
    Raises InputError if the store cannot be written, SpqError if the caller's executor breaks.
    """
    if isinstance(executor, ThreadPoolExecutor):
        raise InputError("executor: meshes and solvers need processes, threads cannot share them")
    if executor is not None and not isinstance(executor, Executor):
        kind = type(executor).__name__
        raise InputError(
            f"executor: must be one of concurrent.futures' kind, not {kind}; dask's is Client.get_executor()"
        )
    sent = packed(compute)
    go = _own_pass if executor is None else functools.partial(_pass, executor)
    left = list(units)
    for wait in (False, True):
        busy = set(go(store, left, sent, told, wait))
        left = _unfinished([[point for point in unit if point.key in busy] for unit in left], store)
        if not left:
            return
        told(True)


def _unfinished(units: Sequence[Unit], store: PointStore) -> list[Unit]:
    left = [[point for point in unit if not store.has(point.key)] for unit in units]
    return [unit for unit in left if unit]


def _own_pass(store: PointStore, units: list[Unit], sent: bytes, told: Told, wait: bool) -> list[str]:
    """Go through the units once in our own processes; return the keys of points that others are computing."""
    futile = 0
    while True:
        try:
            with _processes(min(cores(), len(units))) as own:
                return _submitted(own, store, units, sent, told, wait, ours=True)[0]
        except BrokenExecutor as error:
            suspects = _suspects(store, units)
            for point in suspects:
                _alone(store, point, sent)
            left = _unfinished(units, store)
            futile = 0 if suspects or sum(map(len, left)) < sum(map(len, units)) else futile + 1
            if futile == DEATHS:
                raise SpqError(f"no process could begin ({error.__cause__ or error})") from error
            units = left
            told(False)
            if not units:
                return []


def _pass(
    executor: Executor, store: PointStore, units: list[Unit], sent: bytes, told: Told, wait: bool
) -> list[str]:
    """The same with an executor of the caller's, which goes on when it has lost a worker, or breaks.

    It may lose units that were only waiting for that worker; those are given to it again.
    """
    busy, lost = _submitted(executor, store, units, sent, told, wait)
    left = _unfinished([unit for unit, _ in lost], store)
    suspects = _suspects(store, left)
    if left and not suspects:
        raise _broken(lost[0][1])
    for point in suspects:
        _, dead = _submitted(executor, store, [[point]], sent, told, True)
        for _, error in dead:
            _give_up(store, point, f"its worker was lost again ({type(error).__name__}: {error})")
    left = _unfinished(left, store)
    return busy + (_pass(executor, store, left, sent, told, wait) if left else [])


def _suspects(store: PointStore, units: Sequence[Unit]) -> list[Point]:
    """Points that somebody has begun and not finished."""
    begun = set(store.begun())
    return [point for unit in units for point in unit if point.key in begun]


def _submitted(
    executor: Executor,
    store: PointStore,
    units: list[Unit],
    sent: bytes,
    told: Told,
    wait: bool,
    ours: bool = False,
) -> tuple[list[str], list[tuple[Unit, Exception]]]:
    """All units through an executor: keys of points that others compute, and units that it lost, with why.

    ours: nothing is lost, whatever goes wrong is raised, and our processes end with what they are doing.
    """
    of: dict[Future, Unit] = {}
    busy: list[str] = []
    lost: list[tuple[Unit, Exception]] = []
    try:
        for unit in units:
            of[executor.submit(work, store, unit, sent, wait, uuid.uuid4().hex)] = unit
        for future in as_completed(of):
            try:
                busy += future.result()
            except SpqError:
                raise
            except Exception as error:  # executors have their own; none comes from a computation
                if ours:
                    raise
                lost.append((of[future], error))
            told(False)
    except BaseException as error:
        if ours:
            raise
        for future in of:
            future.cancel()
        if isinstance(error, SpqError) or not isinstance(error, Exception):
            raise
        raise _broken(error) from error
    return busy, lost


def _broken(error: Exception) -> SpqError:
    kind = type(error).__name__
    return SpqError(f"the executor failed ({kind}: {error}); what is finished is kept")


def _alone(store: PointStore, point: Point, sent: bytes) -> None:
    """Compute one point in a process of its own; one whose process dies again and again has failed."""
    for _ in range(DEATHS):
        try:
            with _processes(1) as own:
                own.submit(work, store, [point], sent, True).result()
                return
        except BrokenExecutor:
            continue
    _give_up(
        store, point, f"its process died {DEATHS} times (out of memory, killed, or a crash in a library)"
    )


def _give_up(store: PointStore, point: Point, why: str) -> None:
    """Keep that a point has failed, unless somebody has finished it."""
    with store.claimed(point.key, wait=True):
        if not store.has(point.key):
            store.write(point.key, {"error": why, "result": None, "seconds": 0.0})


@contextmanager
def _processes(count: int) -> Iterator[Executor]:
    """Our own processes; where the block fails they end at once, with what they are doing."""
    from loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(
        max(count, 1), initializer=_begin, initargs=(os.getpid(),), env=ENVIRONMENT
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
