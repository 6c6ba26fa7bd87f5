"""Work in threads: order, errors, and what is left behind."""

import sys
import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from spq import parallel
from spq.parallel import in_parts, in_threads


@pytest.fixture(autouse=True)
def two(monkeypatch):
    monkeypatch.setattr(parallel, "workers", lambda: 2)


def test_results_are_in_order():
    assert in_threads(lambda i: i**2, range(50)) == [i**2 for i in range(50)]
    assert in_parts(lambda part: list(range(part.start, part.stop)), 100, 16) == list(range(100))


def test_the_work_is_shared():
    """Both are waiting for each other: one thread alone would wait for ever."""
    gate = threading.Barrier(2, timeout=20)
    in_threads(lambda _: gate.wait(), range(2))


def test_together_or_not():
    here = threading.get_ident()
    assert in_threads(lambda _: threading.get_ident(), range(3), together=False) == [here] * 3


def test_an_error_is_passed_on_and_nothing_stays_changed():
    before = sys.getswitchinterval()

    def fail(i):
        assert sys.getswitchinterval() <= parallel.TURN + 1e-9
        raise ValueError(f"no {i}")

    with pytest.raises(ValueError, match="no 0"):
        in_threads(fail, range(3))
    assert sys.getswitchinterval() == before


def test_nested_work_gives_the_interval_back():
    before = sys.getswitchinterval()
    in_threads(lambda i: in_threads(lambda j: i + j, range(3)), range(3))
    assert sys.getswitchinterval() == before


def blas_threads(_):
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


def test_linear_algebra_is_in_one_thread_meanwhile():
    with threadpool_limits(2, user_api="blas"):
        assert 2 in blas_threads(None)
        for found in (in_parts(blas_threads, 40, 8), *in_threads(blas_threads, range(3))):
            assert set(found) == {1}
        assert 2 in blas_threads(None)
