"""Independent pieces of work in threads, one linear-algebra thread in each.

As many threads as the processor has cores for this process, or as OMP_NUM_THREADS says. NumPy lets go
of the interpreter in its kernels; results do not depend on the number of threads.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from threading import Lock, local
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from spq.factorisation import load_solver

CHUNKS = 2  # at least, of a large number of pieces; more would be slower, and not depend on the machine
LEAST = 8  # pieces in a chunk
TURN = 2e-3  # s, after which a thread lets another one interpret

Item = TypeVar("Item")
Result = TypeVar("Result")
_sharing: list[float] = []  # the interval before, once for each pool at work
_lock = Lock()
_own = local()


def workers() -> int:
    """Number of threads."""
    if getattr(_own, "alone", False):
        return 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores(), int(asked)) if asked.isdigit() and int(asked) > 0 else cores()


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(function: Callable[[slice], list[Result]], count: int, size: int) -> list[Result]:
    """function(part) for parts of 0..count, at most `size` long, their lists joined in order."""
    size = max(LEAST, min(size, -(-count // CHUNKS)))
    parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    with one_thread():
        if len(parts) == 1 or workers() == 1:
            found = [function(part) for part in parts]
        else:
            found = in_threads(function, parts)
    return [each for part in found for each in part]


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], together: bool = True
) -> list[Result]:
    """function(item) of every item, in threads if together; raises what the first one raises."""
    items = list(items)
    if not together or len(items) < 2 or workers() == 1:
        return [function(item) for item in items]
    pool = ThreadPoolExecutor(min(workers(), len(items)), initializer=_single)
    with one_thread(), _shared(), pool:
        return list(pool.map(function, items))


@contextmanager
def _shared() -> Iterator[None]:
    """Threads take turns often: a short piece of Python need not wait for a long one."""
    with _lock:
        _sharing.append(sys.getswitchinterval())
        sys.setswitchinterval(min(TURN, _sharing[0]))
    try:
        yield
    finally:
        with _lock:
            before = _sharing.pop()
            if not _sharing:
                sys.setswitchinterval(before)


def one_thread() -> AbstractContextManager:
    """Linear algebra in one thread."""
    return _controller().limit(limits=1, user_api="blas")


@contextmanager
def alone() -> Iterator[None]:
    """One thread for everything that this thread does."""
    before = getattr(_own, "alone", False)
    _own.alone = True
    try:
        with _controller().limit(limits=1):
            yield
    finally:
        _own.alone = before


def _single() -> None:
    """One linear-algebra thread in this thread: OpenMP counts for every thread apart."""
    _controller().limit(limits=1)


@functools.cache
def _controller() -> ThreadpoolController:
    """The libraries of linear algebra, all loaded before they are looked for."""
    load_solver()
    return ThreadpoolController()
