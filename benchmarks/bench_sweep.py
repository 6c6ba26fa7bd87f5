"""Sweeps: dimers a minute with one and two processes, points of one molecule, and what keeping costs."""

import os
import time

import numpy as np
import pytest
from loky import ProcessPoolExecutor

from spq import gallery
from spq.model import Model
from spq.pool import ENVIRONMENT
from spq.surface import SurfaceCharge
from spq.sweeps import sweep

DIMERS = 16


def volume(model: Model) -> dict[str, float]:
    """A computation that costs nothing."""
    return {"volume": float(model.molecule.core_radii[0] ** 3)}


def warm(_: int) -> None:
    """What a worker imports before its first point."""
    import spq.computing
    import spq.factorisation

    spq.factorisation.load_solver()
    time.sleep(1.0)


@pytest.fixture
def workers(request):
    """So many processes, started and warm."""
    with ProcessPoolExecutor(request.param, env=ENVIRONMENT) as executor:
        list(executor.map(warm, range(2 * request.param)))
        yield executor


@pytest.mark.parametrize("workers", [1, 2], indirect=True, ids=["one", "two"])
def test_dimers(benchmark, workers, tmp_path, monkeypatch):
    """Molecules that nothing is known of, six states each without charge; error: their mean error_meV."""
    monkeypatch.setenv("SPQ_CACHE", str(tmp_path / "cache"))
    axes = {"dots[1].core_radius": np.linspace(1.25, 1.45, DIMERS)}
    found = benchmark.pedantic(
        lambda: sweep(gallery.heterodimer(), axes, executor=workers, store=tmp_path / "store"), rounds=1
    )
    seconds = benchmark.stats["mean"]
    assert (found["error"] == "").all()
    error = float(found["error_meV"].mean())
    benchmark.extra_info.update(error_meV=error, dimers_per_minute=60.0 * DIMERS / seconds)
    print(
        f"\n{DIMERS} dimers, {seconds:.1f} s, {60.0 * DIMERS / seconds:.1f} a minute, error {error:.3f} meV"
    )


@pytest.mark.parametrize("workers", [2], indirect=True)
def test_places_of_a_charge(benchmark, workers, tmp_path):
    """Points that share a molecule: 200 places of a charge; error: mean shift_error_meV."""
    model = gallery.heterodimer().replace(surface_charges=(SurfaceCharge(charge=1.0, z=0.0),))
    name = "surface_charges[1].z"
    sweep(model, {name: [0.5, 0.6, 0.7, 0.8]}, executor=workers, store=tmp_path)  # prepares both
    axes = {name: np.linspace(-6.5, 6.5, 200)}
    found = benchmark.pedantic(lambda: sweep(model, axes, executor=workers, store=tmp_path), rounds=1)
    each = 1e3 * benchmark.stats["mean"] / 200
    error = float(found["shift_error_meV"].mean())
    benchmark.extra_info.update(error_meV=error, milliseconds_per_point=each)
    print(f"\n{each:.0f} ms a point of six states, error of shifts {error:.4f} meV")


@pytest.mark.parametrize("workers", [2], indirect=True)
def test_keeping(benchmark, workers, tmp_path):
    """What a point costs beside its computation: 500 of them, computed and then found."""
    axes = {"dots[1].core_radius": np.linspace(1.2, 1.5, 500)}
    store = tmp_path / "store"
    os.sync()
    first = benchmark.pedantic(
        lambda: sweep(gallery.heterodimer(), axes, volume, executor=workers, store=store), rounds=1
    )
    start = time.perf_counter()
    again = sweep(gallery.heterodimer(), axes, volume, executor=workers, store=store)
    found = time.perf_counter() - start
    assert again.identical(first)
    each = 1e3 * benchmark.stats["mean"] / 500
    benchmark.extra_info.update(error=0.0, milliseconds_kept=each, milliseconds_found=2.0 * found)
    print(f"\n{each:.1f} ms a point, {2.0 * found:.1f} ms when it is there")
