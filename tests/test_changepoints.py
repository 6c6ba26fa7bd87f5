"""Change points: the chance of a false one exact, changes found where they are, none where there is none."""

import time

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import PhotonStream, find_segments
from spq.spectroscopy.changestatistic import chance_of_crossing, critical, statistic


def stream(rates, durations, seed, **more):
    """Photons with these rates (1/ns) for these durations (ns)."""
    rng = np.random.default_rng(seed)
    begins = np.concatenate([[0.0], np.cumsum(durations)])
    times = [
        begin + np.sort(rng.random(rng.poisson(rate * length))) * length
        for rate, length, begin in zip(rates, durations, begins[:-1], strict=True)
    ]
    return PhotonStream(np.concatenate(times).astype(np.int64), 1.0, duration=float(begins[-1]), **more)


def largest(number, draws, seed):
    """Largest statistic of photons at one rate, many times."""
    rng = np.random.default_rng(seed)
    return statistic(np.sort(rng.random((draws, number)), axis=1)).max(axis=1)


@pytest.mark.parametrize("number", [2, 5, 40, 280])
def test_chance_is_exact(number):
    """The sum over steps against 20,000 draws: standard error 0.0035 at one half."""
    drawn = largest(number, 20_000, number)
    for level in (0.5, 0.9, 0.99):
        threshold = np.quantile(drawn, level)
        spread = np.sqrt(level * (1 - level) / 20_000)
        assert chance_of_crossing(number, threshold) == pytest.approx(1 - level, abs=4 * spread)


def test_chance_of_two_photons_by_hand():
    """With two photons the statistic is a function of the first alone: a grid of places gives the chance."""
    # V_1 of two uniform numbers has the density 2 (1 - v)
    v = (np.arange(400_000) + 0.5) / 400_000
    stat = statistic(np.stack([v, np.ones_like(v)], axis=1))[:, 0]
    for threshold in (0.0, 1.0, 3.0):
        expected = np.mean(2 * (1 - v) * (stat > threshold))
        assert 0.01 < expected < 0.9
        assert chance_of_crossing(2, threshold) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("number", [1000, 6000])
def test_extrapolated_chance(number):
    """Beyond the sizes that are summed exactly; 1500 draws, standard error 0.0056 at 5 %."""
    drawn = np.concatenate([largest(number, 250, seed) for seed in range(6)])
    assert np.mean(drawn > critical(number, 0.05)) == pytest.approx(0.05, abs=0.02)
    assert np.mean(drawn > critical(number, 0.3)) == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("photons", [100, 6000])
def test_false_positives(photons):
    """A constant rate is parted in alpha of the traces: 600 traces, standard error 0.009 (windows too)."""
    parted = [len(find_segments(stream([1e-3], [photons * 1e3], seed)).counts) > 1 for seed in range(600)]
    assert 0.02 < np.mean(parted) < 0.085


def test_one_change_and_its_region():
    """A rate that doubles after 200 photons: found, in place, and the 69 % region covers it so often."""
    hits, found = [], []
    for seed in range(300):
        segments = find_segments(stream([1e-3, 2e-3], [2e5, 1e5], seed))
        assert segments.counts.sum() == len(segments.of_photon)
        assert segments.durations.sum() == pytest.approx(3e5, rel=1e-12)
        if len(segments.counts) == 2:
            found.append(segments.ends[0])
            hits.append(segments.regions[0, 0] <= 2e5 <= segments.regions[0, 1])
    assert len(hits) > 240
    assert np.median(found) == pytest.approx(2e5, rel=0.02)
    assert np.mean(hits) == pytest.approx(0.69, abs=0.085)  # standard error 0.028


def test_rates_and_errors():
    """Rates of two clear states, within their errors."""
    segments = find_segments(stream([1e-3, 5e-3, 1e-3], [1e6, 1e6, 1e6], 3), alpha=0.01)
    assert len(segments.counts) == 3
    pulls = (segments.rates - [1e-3, 5e-3, 1e-3]) / segments.rate_errors
    assert np.abs(pulls).max() < 4 and np.abs(pulls).max() > 0
    assert segments.rate_errors == pytest.approx(np.sqrt(segments.counts) / segments.durations)
    assert np.all(segments.ratios > 100)
    assert np.all(segments.starts[1:] == segments.ends[:-1])


def test_changes_that_hide_one_another():
    """A regular telegraph of 60 dwells is found whole."""
    segments = find_segments(stream([4e-3, 1e-3] * 30, [1e5] * 60, 1), alpha=0.01)
    assert len(segments.counts) == pytest.approx(60, abs=3)
    near = np.abs(segments.ends[:-1, None] - 1e5 * np.arange(1, 60)).min(axis=0)
    assert np.mean(near < 1e4) > 0.95


def test_a_short_burst_in_a_long_trace():
    """Windows find 60 photons at ten times the rate among 20,000."""
    segments = find_segments(stream([1e-3, 1e-2, 1e-3], [1e7, 6e3, 1e7], 2))
    assert len(segments.counts) == 3
    assert segments.rates[1] == pytest.approx(1e-2, rel=0.4)
    assert segments.starts[1] == pytest.approx(1e7, abs=2e3)


def test_lost_tags_are_no_change():
    """An interval in which the hardware lost tags is taken out of the time; kept in, it reads as a change."""
    whole = stream([1e-3, 0.0, 1e-3], [1e6, 5e5, 1e6], 4)
    lost = PhotonStream(whole.timestamps, 1.0, duration=2.5e6, lost=[[1_000_000, 1_500_000]])
    assert len(find_segments(whole, alpha=0.01).counts) == 3
    segments = find_segments(lost, alpha=0.01)
    assert len(segments.counts) == 1
    assert segments.durations[0] == pytest.approx(2e6) and segments.ends[0] == 2.5e6


def test_mask():
    every = stream([1e-3, 4e-3], [1e6, 1e6], 5)
    which = np.random.default_rng(0).random(len(every.timestamps)) < 0.5
    segments = find_segments(every, which)
    assert segments.counts.sum() == which.sum()
    assert segments.ends[0] == pytest.approx(1e6, rel=0.02)


@pytest.mark.slow
def test_a_million_photons():
    """In a few seconds, with 1000 changes; and a constant million stays whole at alpha = 1 %."""
    rng = np.random.default_rng(0)
    durations = rng.exponential(2e7, 1000)
    many = stream(np.where(np.arange(1000) % 2, 1e-4, 2e-5), durations, 0)
    assert len(many.timestamps) > 1_000_000
    started = time.process_time()
    segments = find_segments(many)
    assert time.process_time() - started < 20.0
    assert segments.counts.sum() == len(many.timestamps)
    assert len(segments.counts) == pytest.approx(1000, rel=0.06)
    assert len(find_segments(stream([1e-3], [1e9], 1), alpha=0.01).counts) == 1


def test_bad_input():
    some = stream([1e-3], [1e5], 1)
    for options, message in (
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": np.nan}, "alpha"),
        ({"confidence": 1.0}, "confidence"),
        ({"which": np.ones(3, bool)}, "which"),
        ({"which": np.zeros(len(some.timestamps), bool)}, "no photon"),
    ):
        with pytest.raises(InputError, match=message):
            find_segments(some, **options)
    with pytest.raises(InputError, match="no photon"):
        find_segments(PhotonStream(np.array([], dtype=np.int64), 1.0))
    with pytest.raises(InputError, match="must be > 0"):
        find_segments(PhotonStream(np.zeros(5, dtype=np.int64), 1.0))


def test_very_few_photons():
    """One to four photons are one segment."""
    for number in range(1, 5):
        segments = find_segments(PhotonStream(np.arange(1, number + 1) * 100, 1.0))
        assert segments.counts.tolist() == [number]
