"""The lifetime-intensity map holds all of the time; lifetimes of short segments are unbiased."""

import numpy as np
import pytest
from scipy.stats import norm

from spq.errors import InputError
from spq.spectroscopy import (
    PhotonStream,
    Response,
    effective_lifetimes,
    find_segments,
    fit_decay,
    histogram,
    lifetime_intensity,
)
from spq.spectroscopy.folding import folded, places
from spq.spectroscopy.responses import cells_of

PULSE = Response(sigma_ns=0.1, centre_ns=5.0)


def mean_of(lifetime, period, bins, background):
    """Edges and mean counts per photon of a decay with a share of background."""
    edges = np.linspace(0.0, period, bins + 1)
    cells = cells_of(PULSE)
    share = folded(cells, places(cells, edges, period, 0.0), period, lifetime)[0]
    return edges, (1 - background) * share + background / bins


def segments(number, seed):
    rng = np.random.default_rng(seed)
    rates, lifetimes = rng.uniform(1e-6, 5e-6, number), rng.uniform(2.0, 80.0, number)
    return rates, 0.1 * rates, lifetimes, 0.1 * lifetimes, rng.exponential(1e8, number)


def test_integral_is_the_total_time():
    """Also where Gaussians reach beyond the map and where segments have no lifetime."""
    rates, rate_errors, lifetimes, lifetime_errors, durations = segments(5000, 1)
    lifetimes[::7] = np.nan
    for edges in ((None, None), (np.linspace(2e-6, 3e-6, 5), np.linspace(10.0, 20.0, 4))):
        found = lifetime_intensity(rates, rate_errors, lifetimes, lifetime_errors, durations, *edges)
        assert found.time.sum() + found.undetermined == pytest.approx(durations.sum(), rel=1e-12)
        assert found.total == pytest.approx(durations.sum(), rel=1e-12)
        assert found.undetermined == pytest.approx(durations[::7].sum(), rel=1e-12)
        assert found.time.min() >= 0
        area = np.outer(np.diff(found.rate_edges), np.diff(found.lifetime_edges))
        assert np.sum(found.density * area) == pytest.approx(found.time.sum(), rel=1e-12)


def test_one_segment_is_its_gaussian():
    """The density of one segment against SciPy's, in the middle of fine cells."""
    found = lifetime_intensity([3e-6], [2e-7], [20.0], [1.5], [1e9])
    rate, lifetime = (0.5 * (e[1:] + e[:-1]) for e in (found.rate_edges, found.lifetime_edges))
    expected = 1e9 * np.outer(norm(3e-6, 2e-7).pdf(rate), norm(20.0, 1.5).pdf(lifetime))
    assert found.density[1:-1, 1:-1] == pytest.approx(expected[1:-1, 1:-1], abs=2e-3 * expected.max())


def test_without_errors_a_segment_is_one_cell():
    found = lifetime_intensity(
        [1.5, 2.5], [0.0, 0.0], [10.5, 11.5], [0.0, 0.0], [3.0, 4.0], [1.0, 2.0, 3.0], [10.0, 11.0, 12.0]
    )
    assert found.time.tolist() == [[3.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize("period, lifetime", [(1000.0, 113.0), (200.0, 113.0), (200.0, 2.0)])
def test_effective_lifetimes(period, lifetime):
    """1000 segments of 300 photons, a tenth background: mean within 3 %, errors those of the scatter."""
    edges, mean = mean_of(lifetime, period, 200, 0.1)
    counts = np.random.default_rng(6).poisson(300 * mean, (1000, 200))
    durations = np.full(1000, 1e7)
    found = effective_lifetimes(counts, edges, period, PULSE, 30 / 1e7, durations)
    assert not any(found.reasons)
    assert np.mean(found.lifetimes) / lifetime == pytest.approx(1.0, abs=0.03)
    assert np.std(found.lifetimes) == pytest.approx(np.mean(found.errors), rel=0.12)
    ignored = effective_lifetimes(counts, edges, period, PULSE)  # background taken for light
    assert np.mean(ignored.lifetimes) / lifetime > 1.1


def test_effective_lifetime_is_the_fit_of_one_exponential():
    """Two routes: the table of many segments, the search of one decay."""
    edges, mean = mean_of(20.0, 200.0, 200, 0.1)
    counts = np.random.default_rng(7).poisson(500 * mean, (6, 200))
    found = effective_lifetimes(counts, edges, 200.0, PULSE, 50 / 1e7, np.full(6, 1e7))
    for each, lifetime, error in zip(counts, found.lifetimes, found.errors, strict=True):
        # the segment's background is given as a share of its photons: hold the fit to the same
        fit = fit_decay(each, edges, 200.0, PULSE, 1, shift=0.0, background=50 / 200.0)
        assert fit.lifetimes[0] == pytest.approx(lifetime, abs=0.05 * error)


def test_what_is_not_determined():
    """Too few photons, nothing but background, flat counts: NaN with a reason each."""
    edges, mean = mean_of(20.0, 200.0, 200, 0.0)
    decay = np.random.default_rng(8).poisson(500 * mean)
    counts = np.stack([decay, np.r_[5, np.zeros(199, int)], np.full(200, 3), decay])
    found = effective_lifetimes(counts, edges, 200.0, PULSE, np.array([0.0, 0.0, 0.0, 1.0]), np.full(4, 1e4))
    assert np.isnan(found.lifetimes).tolist() == [False, True, True, True]
    assert "fewer than" in found.reasons[1]
    assert "bound" in found.reasons[2] or "error" in found.reasons[2]
    assert "background" in found.reasons[3]


def test_from_photons_to_the_map():
    """Two states of different rate and lifetime: segments, lifetimes, and a map of two spots."""
    rng = np.random.default_rng(9)
    times, micro, begin = [], [], 0
    for state in [0, 1] * 10:
        rate, lifetime = ((2e-6, 10.0), (8e-6, 60.0))[state]
        n = rng.poisson(rate * 3e8)
        times.append(begin + np.sort(rng.integers(0, 300_000_000, n)))
        micro.append(((5.0 + rng.exponential(lifetime, n)) % 1000.0 / 2.0).astype(np.uint16))
        begin += 300_000_000
    stream = PhotonStream(
        np.concatenate(times), 1.0, nanotimes=np.concatenate(micro), nanotime_unit=2.0, nanotime_bins=500,
        laser_period=1000.0, duration=float(begin),
    )  # fmt: skip
    found = find_segments(stream)
    assert len(found.counts) == pytest.approx(20, abs=2)
    each = histogram(stream, group=found.of_photon)
    assert each.counts.sum(axis=1).tolist() == found.counts.tolist()
    fits = effective_lifetimes(each.counts, each.edges_ns, 1000.0, PULSE)
    spots = lifetime_intensity(
        found.rates, found.rate_errors, fits.lifetimes, fits.errors, found.durations,
        np.array([0.0, 5e-6, 2e-5]), np.array([0.0, 30.0, 200.0]),
    )  # fmt: skip
    shares = spots.time / spots.total
    assert shares[0, 0] == pytest.approx(0.5, abs=0.02) and shares[1, 1] == pytest.approx(0.5, abs=0.02)
    assert spots.time.sum() + spots.undetermined == pytest.approx(begin, rel=1e-12)


@pytest.mark.parametrize(
    "place, value, message",
    [
        (0, [1.0, 2.0], "shape"),
        (1, [-1.0], "must be numbers >= 0"),
        (3, [np.inf], "must not be infinite"),
        (4, [np.nan], "must be numbers >= 0"),
        (2, [np.nan], "no segment has a lifetime"),
        (5, [2.0, 1.0], "rate_edges"),
        (6, [2.0], "lifetime_edges"),
    ],
)
def test_bad_input(place, value, message):
    given = [[1.0], [0.1], [10.0], [1.0], [5.0], None, None]
    lifetime_intensity(*given)
    given[place] = value
    with pytest.raises(InputError, match=message):
        lifetime_intensity(*given)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"counts": np.zeros((0, 50))}, "shape"),
        ({"counts": np.ones(50)}, "shape"),
        ({"counts": np.full((2, 50), np.nan)}, "finite"),
        ({"counts": np.full((2, 50), -1)}, ">= 0"),
        ({"period_ns": 10.0}, "at most"),
        ({"background": -1.0}, "background"),
        ({"background": 1.0}, "durations"),
    ],
)
def test_bad_segments(changes, message):
    given = {
        "counts": np.ones((2, 50), int), "edges_ns": np.linspace(0, 100, 51), "period_ns": 100.0,
        "irf": PULSE,
    }  # fmt: skip
    effective_lifetimes(**given)
    with pytest.raises(InputError, match=message):
        effective_lifetimes(**{**given, **changes})
