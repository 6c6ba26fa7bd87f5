"""Independent pieces of dense algebra in threads, one linear-algebra thread in each.

As many threads as the processor has cores for this process, or as OMP_NUM_THREADS says. NumPy lets go
of the interpreter in its kernels; results do not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

CHUNKS = 4  # at least, of a large number of pieces: so many threads have work
LEAST = 8

Result = TypeVar("Result")


def workers() -> int:
    """Number of threads."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(asked)) if asked.isdigit() and int(asked) > 0 else cores


def in_parts(function: Callable[[slice], list[Result]], count: int, size: int) -> list[Result]:
    """function(part) for parts of 0..count, at most `size` long, their lists joined in order."""
    size = max(LEAST, min(size, -(-count // CHUNKS)))
    parts = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    with threadpool_limits(1, user_api="blas"):
        if len(parts) == 1 or workers() == 1:
            found = [function(part) for part in parts]
        else:
            with ThreadPoolExecutor(workers()) as pool:
                found = list(pool.map(function, parts))
    return [each for part in found for each in part]
