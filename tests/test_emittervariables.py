"""Variables of the emitters: shapes, truth of a simulated dimer, and honest nothing."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from twoemitters import LIFETIMES, blinking

from spq.errors import InputError
from spq.spectroscopy.emittervariables import EMITTER_UNITS, emitter_variables


@pytest.fixture(scope="module")
def made():
    measurement, tracks, states, _ = blinking(5)
    warnings = []
    found = emitter_variables(measurement, measurement.frames, states, 3, tracks, warnings)
    return measurement, tracks, states, found, warnings


def test_truth(made):
    _, _, _, found, _ = made
    assert found["branching"][1] == pytest.approx(np.array([[0.5, 0.5], [1, 0], [0, 1]]), abs=0.04)
    assert found["emitter_lifetime"][1][:, :2] == pytest.approx(np.array(LIFETIMES), rel=0.06)
    rate, error = found["transfer_rate"][1], found["transfer_rate_error"][1]
    assert np.all(np.abs(rate) < 4.0 * error) and np.all(found["transfer_limit"][1] > 0)
    slope, spread = found["stability_slope"][1], found["stability_slope_error"][1]
    assert np.isfinite(slope).tolist() == [[True, True], [True, False], [False, True]]
    assert np.nanmax(np.abs(slope / spread)) < 4.0


def test_what_is_not_known_is_nan_with_a_reason(made):
    """One strip without angles: no polarisation."""
    *_, found, warnings = made
    assert np.isnan(found["emitter_polarisation"][1]).all()
    assert np.isnan(found["polarisation_difference"][1])
    assert any(each.startswith("polarisation of the emitters: not determined") for each in warnings)


def test_names_and_dimensions(made):
    """As a Dataset they fit together, and every unit belongs to a variable."""
    import xarray as xr

    ds = xr.Dataset(made[3])
    assert set(EMITTER_UNITS) <= set(ds)
    assert ds.emitter_decay.dims == ds.emitter_decay_fit.dims == ("emitter", "bin")
    assert ds.emitter_lifetime.dims == ("emitter", "component")
    for name in ("lifetime", "amplitude", "fraction"):
        assert f"emitter_{name}_error" in ds
    for name in ("", "_error", "_debiased", "_limit", "_angle", "_angle_error"):
        assert ds[f"emitter_polarisation{name}"].dims == ("emitter",)


def test_nothing_known(made):
    measurement, tracks, states, _, _ = made
    nan = np.full(tracks.photons.shape, np.nan)
    empty = SimpleNamespace(energies=nan, errors=nan, photons=nan, photon_errors=nan)
    warnings = []
    found = emitter_variables(measurement, measurement.frames, states, 3, empty, warnings)
    assert all(np.isnan(np.asarray(each[1], dtype=float)).all() for each in found.values())
    assert len(warnings) > 5


def test_one_emitter(made):
    measurement, tracks, states, _, _ = made
    names = ("energies", "errors", "photons", "photon_errors")
    one = SimpleNamespace(**{name: getattr(tracks, name)[:, :1] for name in names})
    warnings = []
    found = emitter_variables(measurement, measurement.frames, np.where(states == 1, 0, -1), 1, one, warnings)
    assert found["emitter_lifetime"][1][0, 0] == pytest.approx(1.5, rel=0.06)
    assert np.isnan(found["transfer_rate"][1]).all()
    assert any("one emitter" in each for each in warnings)


def test_without_micro_times(made):
    measurement, tracks, states, _, _ = made
    silent = dataclasses.replace(
        measurement, photons=dataclasses.replace(measurement.photons, nanotimes=None)
    )
    warnings = []
    found = emitter_variables(silent, silent.frames, states, 3, tracks, warnings)
    assert "emitter_lifetime" not in found and any("no photons with micro-times" in each for each in warnings)


def test_bad_input(made):
    measurement, tracks, states, _, _ = made
    wrong = SimpleNamespace(**{**vars(tracks), "energies": tracks.energies[:, :1]})
    with pytest.raises(InputError, match="tracks.energies"):
        emitter_variables(measurement, measurement.frames, states, 3, wrong, [])
    with pytest.raises(InputError, match="states"):
        emitter_variables(measurement, measurement.frames, states[:4], 3, tracks, [])
