"""Polarisation: angles and degrees with errors that cover, no degree and no angle from noise."""

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import fit_polarisation
from spq.spectroscopy.polarised import debiased, upper_limit

PLATE = 5.0 * np.arange(20)


def measured(photons, degree, angle, excess, seed, throughput=1.2, brightness=1.0):
    """Counts of V and H; with an excess noise of 2 each photon gives an exponential number of counts."""
    rng = np.random.default_rng(seed)
    m = degree * np.cos(np.radians(4 * PLATE - 2 * angle))
    both = np.stack([throughput * (1 + m), 1 - m]) * brightness
    counts = rng.poisson(photons * both / both.sum()).astype(float)
    return np.where(counts > 0, rng.gamma(np.maximum(counts, 1.0)), 0.0) if excess == 2 else counts


def fits(number, *given, **more):
    excess = given[3]
    return [fit_polarisation(*measured(*given, seed, **more), PLATE, excess) for seed in range(number)]


def every(found, name):
    return np.array([getattr(each, name) for each in found])


def test_exact_counts_give_exact_values():
    """Means instead of counts: degree, angle and throughput come back."""
    m = 0.6 * np.cos(np.radians(4 * PLATE - 2 * 130.0))
    found = fit_polarisation(1300.0 * (1 + m), 1000.0 * (1 - m), PLATE)
    assert found.degree == pytest.approx(0.6, abs=1e-6)
    assert found.angle == pytest.approx(130.0, abs=1e-4)
    assert found.throughput == pytest.approx(1.3, rel=1e-6)
    assert found.reduced_deviance == pytest.approx(0.0, abs=1e-6)
    assert not found.warnings
    flipped = fit_polarisation(1000.0 * (1 - m), 1300.0 * (1 + m), PLATE)  # V and H exchanged
    assert (flipped.angle - found.angle) % 180.0 == pytest.approx(90.0, abs=1e-3)


@pytest.mark.parametrize(
    "number, photons, degree, excess",
    [
        (1200, 1000, 0.6, 2),
        pytest.param(600, 3000, 0.3, 2, marks=pytest.mark.slow),
        pytest.param(600, 1000, 0.6, 1, marks=pytest.mark.slow),
    ],
)
def test_errors_cover(number, photons, degree, excess):
    """68 % of the fits within one error: standard error 0.014 with 1200 fits, 0.019 with 600."""
    found = fits(number, photons, degree, 30.0, excess)
    assert not np.isnan(every(found, "angle")).any()
    assert 0.64 < np.mean(np.abs(every(found, "angle") - 30.0) < every(found, "angle_error")) < 0.72
    assert 0.64 < np.mean(np.abs(every(found, "degree") - degree) < every(found, "degree_error")) < 0.72
    ratio = np.abs(every(found, "throughput") - 1.2) < every(found, "throughput_error")
    assert 0.62 < np.mean(ratio) < 0.74
    assert np.mean(every(found, "reduced_deviance")) == pytest.approx(1.0, abs=0.1)


def test_error_of_the_angle():
    """N = 1000, p = 0.6, F = 2: σ is some 2.7 degrees, √(2F/N)/(2p) = 3.0 being its limit for small p."""
    found = fits(300, 1000, 0.6, 30.0, 2)
    assert np.mean(every(found, "angle_error")) == pytest.approx(2.7, abs=0.3)
    assert np.std(every(found, "angle")) == pytest.approx(2.7, abs=0.4)  # 4 % uncertain
    weak = fits(40, 100_000, 0.1, 30.0, 2)
    limit = np.degrees(np.sqrt(2 * 2 / 100_000) / 0.2)
    assert np.mean(every(weak, "angle_error")) == pytest.approx(limit, rel=0.03)


def test_excess_noise_matters():
    """Taken for Poisson, amplified counts have errors too small by √2: half of the fits lie within."""
    found = [fit_polarisation(*measured(1000, 0.6, 30.0, 2, seed), PLATE, 1.0) for seed in range(300)]
    assert np.mean(np.abs(every(found, "angle") - 30.0) < every(found, "angle_error")) < 0.60


def test_no_polarisation():
    """At N = 100 noise alone reads as p = 0.19; debiased it is mostly 0, and p² is 0 in the mean."""
    found = fits(600, 100, 0.0, 0.0, 1)
    assert np.mean(every(found, "degree")) == pytest.approx(0.185, abs=0.02)  # √(π/2) √(2/N) = 0.177
    assert np.median(every(found, "degree_debiased")) == 0.0
    assert np.mean(every(found, "degree_debiased")) < 0.1
    assert np.mean(every(found, "degree_squared")) == pytest.approx(0.0, abs=0.006)  # standard error 0.0017
    assert np.mean(np.isnan(every(found, "angle"))) > 0.97
    silent = next(each for each in found if np.isnan(each.angle))
    assert "p/σ" in silent.warnings[-1]
    assert np.all(every(found, "upper_limit") > 0.1)


def test_debiased_degree():
    """p = 0.3 from 300 photons with F = 2: the bias of 7 % goes."""
    found = fits(600, 300, 0.3, 30.0, 2)
    assert np.mean(every(found, "degree")) > 0.31
    assert np.mean(every(found, "degree_debiased")) == pytest.approx(0.3, abs=0.02)
    assert np.mean(every(found, "degree_squared")) == pytest.approx(0.09, abs=0.01)
    assert debiased(1.4, 1.0) == 0.0 and debiased(0.3, 0.03) == pytest.approx(0.2985, rel=1e-3)


def test_upper_limit_covers():
    found = fits(600, 300, 0.3, 30.0, 2)
    assert np.mean(every(found, "upper_limit") > 0.3) == pytest.approx(0.95, abs=0.03)
    assert upper_limit(0.0, 0.1) >= 0.0
    assert upper_limit(0.5, 0.1, 0.9) < upper_limit(0.5, 0.1, 0.99)


def test_brightness_does_no_harm():
    """Frames whose brightness differs tenfold: no bias, for only the share of V counts."""
    brightness = np.random.default_rng(1).uniform(0.1, 1.0, 20)
    found = fits(200, 2000, 0.5, 70.0, 1, brightness=brightness)
    assert np.mean(every(found, "angle")) == pytest.approx(70.0, abs=0.5)
    assert np.mean(every(found, "degree_debiased")) == pytest.approx(0.5, abs=0.01)


def test_throughput_ignored_is_told():
    """A throughput that is wrong makes the deviance large."""
    counts = measured(20_000, 0.3, 30.0, 1, 1, throughput=1.5)
    assert not fit_polarisation(*counts, PLATE).warnings
    forced = fit_polarisation(*counts, PLATE, throughput=1.0)
    assert any("does not describe" in each for each in forced.warnings)
    assert np.isnan(forced.throughput_error) and forced.throughput == 1.0


def test_angles_that_do_not_suffice():
    """Two angles, or angles 45 degrees apart: NaN with a reason, no number."""
    for plate in ([0.0, 10.0], [0.0, 45.0, 90.0, 135.0]):
        found = fit_polarisation(np.full(len(plate), 60.0), np.full(len(plate), 40.0), plate)
        assert np.isnan([found.degree, found.angle, found.upper_limit]).all()
        assert "not determined" in found.warnings[0]


def test_frames_without_angle_or_light_are_left_out():
    v, h = measured(2000, 0.5, 70.0, 1, 3)
    found = fit_polarisation(v, h, PLATE)
    more = fit_polarisation(np.r_[v, 500.0, 0.0], np.r_[h, 0.0, 0.0], np.r_[PLATE, np.nan, 3.0])
    assert (more.degree, more.angle, more.photons) == (found.degree, found.angle, found.photons)


def test_full_polarisation():
    """At the bound of p = 1 the angle is right and the error of p is said to be a guess."""
    found = fit_polarisation(*measured(5000, 1.0, 30.0, 1, 1), PLATE)
    assert found.degree == pytest.approx(1.0, abs=0.01)
    assert found.angle == pytest.approx(30.0, abs=2.0)
    assert found.upper_limit <= 1.0


@pytest.mark.parametrize(
    "given, message",
    [
        (([], [], []), "shape"),
        (([1.0], [1.0, 2.0], [0.0]), "horizontal: shape"),
        (([-1.0], [1.0], [0.0]), r"vertical\[0\] = -1"),
        (([1.0], [np.nan], [0.0]), r"horizontal\[0\]"),
        (([0.0, 0.0], [0.0, 0.0], [0.0, 5.0]), "no count"),
        (([1.0], [1.0], [np.nan]), "no count"),
        (([1.0], [1.0], [np.inf]), "infinite"),
        (([1.0], [1.0], [0.0], 0.5), "excess"),
        (([1.0], [1.0], [0.0], 1.0, -1.0), "throughput"),
        (([1.0], [1.0], [0.0], 1.0, 1.0, 0.2), "confidence"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(InputError, match=message):
        fit_polarisation(*given)
