"""Decays: the model against its integral, known lifetimes found without bias, nothing invented."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from spq.errors import InputError
from spq.spectroscopy import PhotonStream, Response, fit_decay, histogram
from spq.spectroscopy.folding import folded, places
from spq.spectroscopy.likelihood import deviances, expected_deviance
from spq.spectroscopy.responses import cells_of

DATA = Path(os.environ.get("SPQ_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
BIN = 2.743484e-02
PULSE = Response(sigma_ns=0.1, centre_ns=10.0)


def shares(lifetime, period, bins, response=PULSE, wrap=True):
    """Edges of equal bins over a period, and the share of an exponential in each."""
    edges = np.linspace(0.0, period, bins + 1)
    cells = cells_of(response)
    return edges, folded(cells, places(cells, edges, period, 0.0, wrap), period, lifetime, wrap)[0]


def fitted(mean, edges, period, seeds, response=PULSE, **options):
    """Fits of one exponential to counts with these means, of several seeds."""
    return [
        fit_decay(np.random.default_rng(seed).poisson(mean), edges, period, response, 1, **options)
        for seed in seeds
    ]


def lifetimes(fits):
    return np.array([fit.lifetimes[0] for fit in fits])


@pytest.fixture(scope="module")
def atto550():
    """Counts, edges and response of a real decay; the bins that the instrument filled."""
    folder = DATA / "tcspc"
    if not (folder / "Atto550_DNA.txt").exists():
        pytest.skip(f"no measured decay in {folder}; SPQ_TEST_DATA names the folder of the data")
    found = []
    for name in ("Atto550_DNA.txt", "irf.txt"):
        lines = (folder / name).read_text(encoding="latin-1").splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("Chan")) + 1
        found.append(np.array([int(line.split()[1]) for line in lines[first:] if line.strip()]))
    assert len(found[0]) == len(found[1]) == 4096
    assert found[0].sum() == 1_476_495
    return found[0][205:3880], np.arange(205, 3881) * BIN, found[1][205:3880]


@pytest.mark.parametrize("lifetime", [0.3, 4.0, 200.0])
def test_folding_is_the_integral(lifetime):
    """Bins, shifted response and all earlier pulses against a sum over pulses and a quadrature."""
    period, shift = 50.0, 0.37
    edges = np.array([0.0, 1.0, 1.7, 9.0, 30.0, 50.0])
    weights, starts, width = np.array([1.0, 3.0, 2.0]) / 6.0, 1.2 + shift + 0.4 * np.arange(3), 0.4
    response = Response(counts=[1, 3, 2], edges_ns=1.2 + 0.4 * np.arange(4))

    def since(x):
        return np.where(x > 0, 1.0 - np.exp(-np.maximum(x, 0.0) / lifetime), 0.0)

    def below(t):  # photons of one pulse before t: the response smeared over its cells
        each = [
            w * quad(lambda s, a=a: since(t - a - s), 0, width, points=[np.clip(t - a, 0, width)])[0] / width
            for w, a in zip(weights, starts, strict=True)
        ]
        return sum(each)

    pulses = int(np.ceil(35 * lifetime / period)) + 1
    expected = sum(np.diff([below(t + k * period) for t in edges]) for k in range(pulses))
    cells = cells_of(response)
    found = folded(cells, places(cells, edges, period, shift), period, lifetime)[0]
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert found.sum() == pytest.approx(1.0, rel=1e-12)


def test_derivatives_of_the_folding():
    cells, edges = cells_of(PULSE), np.sort(np.r_[0.0, np.random.default_rng(4).uniform(0, 90, 50), 90.0])

    def share(lifetime, shift):
        return folded(cells, places(cells, edges, 100.0, shift), 100.0, lifetime)

    _, by_log, by_shift = share(7.0, 0.2)
    step = 1e-5
    numerical = (share(7.0 * np.exp(step), 0.2)[0] - share(7.0 * np.exp(-step), 0.2)[0]) / (2 * step)
    assert by_log == pytest.approx(numerical, abs=1e-7)
    numerical = (share(7.0, 0.2 + step)[0] - share(7.0, 0.2 - step)[0]) / (2 * step)
    assert by_shift == pytest.approx(numerical, abs=1e-6)
    assert np.abs(by_log).max() > 1e-2 and np.abs(by_shift).max() > 1e-2


def test_expected_deviance():
    """At few counts the deviance is far from the number of bins, and the table knows it."""
    rng = np.random.default_rng(5)
    for mean in (0.01, 0.3, 3.0, 60.0):
        means = np.full(400, mean)
        drawn = [deviances(rng.poisson(means), means).sum() for _ in range(300)]
        expected, spread = expected_deviance(means)
        assert np.mean(drawn) == pytest.approx(expected, abs=4 * spread / np.sqrt(300))
        assert np.std(drawn) == pytest.approx(spread, rel=0.2)  # 5 standard errors


def test_atto550(atto550):
    """3.68 ns by Poisson likelihood; one exponential is an approximation, and the fit says so."""
    counts, edges, irf = atto550
    fit = fit_decay(counts, edges, 4096 * BIN, irf, 1)
    assert fit.lifetimes[0] == pytest.approx(3.68, abs=0.02)
    assert 0.001 < fit.lifetime_errors[0] < 0.006  # τ/√N = 0.003
    assert any("does not describe" in each for each in fit.warnings)
    assert fit.means.sum() == pytest.approx(counts.sum(), rel=1e-6)


def test_thinned_atto550_is_unbiased(atto550):
    """The mean of 120 thinnings to 300 photons: standard error 0.6 %, allowed 3 %."""
    counts, edges, irf = atto550
    whole = fit_decay(counts, edges, 4096 * BIN, irf, 1)
    rng = np.random.default_rng(8)
    thin = [
        fit_decay(rng.binomial(counts, 300 / counts.sum()), edges, 4096 * BIN, irf, 1) for _ in range(120)
    ]
    found = lifetimes(thin)
    assert np.mean(found) == pytest.approx(whole.lifetimes[0], rel=0.03)
    # Fisher's errors are those of the scatter (6.5 % uncertain); the shift costs a little more
    assert np.std(found) == pytest.approx(np.mean([fit.lifetime_errors for fit in thin]), rel=0.3)


def test_long_lifetime_from_few_photons():
    """113 ns from 300 photons at 1 MHz, a tenth of them background: no bias, scatter 8 %."""
    edges, share = shares(113.0, 1000.0, 500)
    started = time.process_time()
    found = lifetimes(fitted(300 * (0.9 * share + 0.1 / 500), edges, 1000.0, range(150)))
    assert time.process_time() - started < 10.0  # 400 such fits are to take seconds
    assert np.mean(found) / 113.0 == pytest.approx(1.0, abs=0.025)  # standard error 0.007
    assert np.std(found) / 113.0 == pytest.approx(0.08, abs=0.02)


def test_earlier_pulses():
    """At 5 MHz leaving the earlier pulses out costs a quarter of the lifetime; with them nothing is lost."""
    edges, share = shares(113.0, 200.0, 200)
    mean = 300 * (0.9 * share + 0.1 / 200)
    right = fitted(mean, edges, 200.0, range(120), background=0.1 * 300 / 200.0)
    assert np.mean(lifetimes(right)) / 113.0 == pytest.approx(1.0, abs=0.05)  # standard error 0.013
    wrong = lifetimes(fitted(mean, edges, 200.0, range(120), wrap=False))
    assert -0.34 < np.nanmean(wrong) / 113.0 - 1.0 < -0.20
    assert any("below 3 lifetimes" in each for each in right[0].warnings)


def test_earlier_pulses_with_many_photons():
    """With a fitted background as well, given enough photons."""
    edges, share = shares(113.0, 200.0, 200)
    mean = 50_000 * (0.95 * share + 0.05 / 200)
    right, wrong = (lifetimes(fitted(mean, edges, 200.0, range(20), wrap=wrap)) for wrap in (True, False))
    assert np.mean(right) / 113.0 == pytest.approx(1.0, abs=0.04)  # standard error 0.008
    assert np.mean(wrong) / 113.0 < 0.75


@pytest.mark.slow
@pytest.mark.parametrize("amounts", [{20.0: 0.98}, {2.0: 0.49, 20.0: 0.49}])
def test_number_of_exponentials(amounts):
    """BIC finds one and two exponentials in at least 38 of 40 decays of 5000 photons."""
    mean = 0.02 / 400
    for lifetime, amount in amounts.items():
        edges, share = shares(lifetime, 200.0, 400)
        mean = mean + amount * share
    fits = [
        fit_decay(np.random.default_rng(seed).poisson(5000 * mean), edges, 200.0, PULSE) for seed in range(40)
    ]
    right = [fit for fit in fits if len(fit.lifetimes) == len(amounts)]
    assert len(right) >= 38
    found = np.mean([fit.lifetimes for fit in right], axis=0)
    assert found == pytest.approx(sorted(amounts), rel=0.05)
    assert set(right[0].bic) == {1, 2, 3}
    total = sum(amounts.values())
    expected = [amounts[each] / total for each in sorted(amounts)]
    assert np.mean([fit.fractions for fit in right], axis=0) == pytest.approx(expected, abs=0.03)


def test_two_exponentials_and_their_errors():
    """Fractions, amplitudes and lifetimes of 20 decays lie where their errors say."""
    edges, fast = shares(2.0, 200.0, 400)
    _, slow = shares(20.0, 200.0, 400)
    mean = 20_000 * (0.3 * fast + 0.65 * slow + 0.05 / 400)
    pulls = []
    for seed in range(20):
        fit = fit_decay(np.random.default_rng(seed).poisson(mean), edges, 200.0, PULSE, 2)
        pulls.append((fit.lifetimes - [2.0, 20.0]) / fit.lifetime_errors)
        pulls.append((fit.amplitudes - [3000.0, 650.0]) / fit.amplitude_errors)
        pulls.append((fit.fractions - np.array([0.3, 0.65]) / 0.95) / fit.fraction_errors)
        assert fit.reduced_deviance == pytest.approx(1.0, abs=0.35)  # √(2/400) = 0.07
    pulls = np.array(pulls)
    assert np.abs(pulls.mean()) < 0.5
    assert np.std(pulls) == pytest.approx(1.0, abs=0.25)


def test_unequal_bins_agree_with_equal_ones():
    edges, share = shares(20.0, 200.0, 400)
    counts = np.random.default_rng(2).poisson(5000 * share)
    keep = np.unique(np.r_[np.arange(0, 120), np.geomspace(120, 400, 40).astype(int)])
    joined = np.add.reduceat(counts, keep[:-1])
    fine = fit_decay(counts, edges, 200.0, PULSE, 1)
    coarse = fit_decay(joined, edges[keep], 200.0, PULSE, 1)
    assert len(joined) < 200 and joined.sum() == counts.sum()
    assert coarse.lifetimes[0] == pytest.approx(fine.lifetimes[0], abs=0.3 * fine.lifetime_errors[0])


def test_response_whose_time_is_not_known():
    """The pulse is found, its width too; without a response it is found to a bin."""
    true = Response(sigma_ns=0.6, centre_ns=41.3)
    edges, share = shares(12.0, 100.0, 400, true)
    counts = np.random.default_rng(3).poisson(20_000 * share)
    fit = fit_decay(counts, edges, 100.0, Response(sigma_ns=0.3, fit_sigma=True), 1)
    assert fit.lifetimes[0] == pytest.approx(12.0, abs=4 * fit.lifetime_errors[0])
    assert fit.shift == pytest.approx(41.3, abs=4 * fit.shift_error)
    assert fit.sigma_ns == pytest.approx(0.6, abs=0.06)
    blind = fit_decay(counts, edges, 100.0, exponentials=1)
    assert blind.shift == pytest.approx(41.3, abs=1.0)
    assert blind.lifetimes[0] == pytest.approx(12.0, rel=0.05)


def test_scatter():
    edges, share = shares(20.0, 200.0, 400)
    direct = np.diff(places(cells_of(PULSE), edges, 200.0, 0.0).passed)
    counts = np.random.default_rng(1).poisson(20_000 * share + 3000 * direct)
    with_it = fit_decay(counts, edges, 200.0, PULSE, 1, scatter=True)
    without = fit_decay(counts, edges, 200.0, PULSE, 1)
    assert with_it.lifetimes[0] == pytest.approx(20.0, abs=4 * with_it.lifetime_errors[0])
    assert with_it.scatter == pytest.approx(3000, rel=0.1)
    assert without.lifetimes[0] < 19.0


def test_profile_interval():
    """At many photons the profile agrees with Fisher's errors; at few it reaches further up than down."""
    edges, share = shares(20.0, 200.0, 200)
    many = fit_decay(np.random.default_rng(1).poisson(20_000 * share), edges, 200.0, PULSE, 1, interval=0.683)
    assert np.abs(many.intervals[0] - many.lifetimes[0]) == pytest.approx(
        many.lifetime_errors[[0, 0]], rel=0.05
    )
    few = fit_decay(np.random.default_rng(1).poisson(100 * share), edges, 200.0, PULSE, 1, interval=0.954)
    down, up = few.lifetimes[0] - few.intervals[0, 0], few.intervals[0, 1] - few.lifetimes[0]
    assert up > 1.1 * down > 0


def test_nothing_is_invented():
    """Flat counts and a handful of photons have no lifetime, and the reason is told."""
    edges, share = shares(20.0, 200.0, 200)
    flat = fit_decay(np.random.default_rng(0).poisson(np.full(200, 5.0)), edges, 200.0, PULSE, 1)
    assert np.isnan(flat.lifetimes).all() and "flat background" in flat.warnings[0]
    few = fit_decay(np.random.default_rng(0).poisson(10 * share), edges, 200.0, PULSE, interval=0.683)
    assert np.isnan(few.lifetimes).all() and np.isnan(few.intervals).all()
    assert "photons, at least" in few.warnings[0]
    assert few.photons > 1


@pytest.mark.parametrize("irf", [None, Response(sigma_ns=2.0, centre_ns=0.0, fit_sigma=True)])
def test_odd_counts_end_in_an_answer(irf):
    """Coarse unequal bins, few counts, three exponentials: finite, or NaN with a reason."""
    rng = np.random.default_rng(11)
    for bins in (2, 3, 10, 64):
        edges = np.sort(rng.uniform(0, 60.0, bins + 1))
        counts = rng.poisson(3.0, bins) + np.r_[2, 1, np.zeros(bins - 2, int)]
        fit = fit_decay(counts, edges, 100.0, irf, 3 if bins == 10 else None)
        assert np.isfinite(fit.log_likelihood)
        assert not np.isnan(fit.lifetimes).any() or any("not determined" in each for each in fit.warnings)


def good(**changes):
    """Arguments of a fit, one of them changed."""
    edges, share = shares(20.0, 200.0, 50)
    counts = np.random.default_rng(0).poisson(1000 * share)
    return {"counts": counts, "edges_ns": edges, "period_ns": 200.0, "irf": PULSE, **changes}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"counts": np.zeros(50, int)}, "no photon"),
        ({"counts": np.full(50, np.nan)}, "must be finite"),
        ({"counts": np.r_[-1, np.ones(49)]}, "must be a whole number of photons"),
        ({"counts": np.full(50, 0.5)}, "must be a whole number of photons"),
        ({"counts": np.r_[300, np.zeros(49, int)]}, "in bin 0"),
        ({"counts": np.ones(49, int)}, r"shape \(49,\)"),
        ({"counts": [], "edges_ns": []}, "edges_ns"),
        ({"edges_ns": np.linspace(200, 0, 51)}, "ascend"),
        ({"period_ns": 150.0}, "at most one period"),
        ({"period_ns": 0.0}, "must be > 0"),
        ({"irf": np.ones(3)}, "irf: response.counts: shape"),
        ({"irf": np.zeros(50)}, "not all zero"),
        ({"exponentials": 4}, "at most 3"),
        ({"interval": 2.0}, "between 0 and 1"),
        ({"shift": (1.0, 0.0)}, "shift"),
        ({"background": -1.0}, "must be >= 0"),
    ],
)
def test_bad_input(changes, message):
    with pytest.raises(InputError, match=message):
        fit_decay(**good(**changes))


def test_good_input_is_good():
    assert np.isfinite(fit_decay(**good()).lifetimes).all()


def stream_of(nanotimes, **more):
    return PhotonStream(
        np.arange(len(nanotimes)), 100.0, nanotimes=nanotimes, nanotime_unit=0.5, nanotime_bins=200, **more
    )


def test_histogram_keeps_every_photon(monkeypatch):
    """The same in pieces as at once; masks, groups, joined bins and chosen edges."""
    nanotimes = np.random.default_rng(1).integers(0, 200, 10_007).astype(np.uint16)
    stream = stream_of(nanotimes, laser_period=100.0)
    at_once = histogram(stream)
    assert np.array_equal(at_once.counts, np.bincount(nanotimes, minlength=200))
    monkeypatch.setattr("spq.spectroscopy.histograms.PIECE", 1000)
    assert np.array_equal(histogram(stream).counts, at_once.counts)
    assert at_once.period_ns == 100.0 and at_once.edges_ns[[0, -1]].tolist() == [0.0, 100.0]
    joined = histogram(stream, bins=3)  # 66 bins of three, two bins of the hardware over
    assert len(joined.counts) == 66
    assert joined.outside == np.sum(nanotimes >= 198) > 0
    assert joined.counts.sum() + joined.outside == len(nanotimes)
    which = nanotimes % 2 == 0
    chosen = histogram(stream, which, bins=np.array([10.0, 20.0, 60.0]))
    assert chosen.counts.tolist() == [
        np.sum(which & (nanotimes >= 20) & (nanotimes < 40)),
        np.sum(which & (nanotimes >= 40) & (nanotimes < 120)),
    ]
    group = np.arange(len(nanotimes)) // 4000 - 1
    grouped = histogram(stream, which, group=group)
    assert grouped.counts.shape == (2, 200)
    assert grouped.counts.sum() == np.sum(which & (group >= 0))


def test_histogram_of_bad_input():
    stream = stream_of(np.arange(10, dtype=np.uint16))
    for options, message in (
        ({"which": np.ones(9, bool)}, "which"),
        ({"which": np.ones(10)}, "must be bool"),
        ({"group": np.full(10, -2)}, "group"),
        ({"bins": 500}, "at most the 200 bins"),
        ({"bins": np.array([5.0, 5.1])}, "ascend"),
        ({"bins": np.array([0.0, 500.0])}, "at most 100 ns"),
    ):
        with pytest.raises(InputError, match=message):
            histogram(stream, **options)
    with pytest.raises(InputError, match="no micro-times"):
        histogram(PhotonStream(np.arange(3), 1.0))


@pytest.mark.slow
def test_histogram_of_many_photons_needs_little_memory():
    """Beyond the photons themselves a few tens of MB, whatever their number."""
    import tracemalloc

    nanotimes = np.random.default_rng(1).integers(0, 200, 10_000_000).astype(np.uint16)
    stream = stream_of(nanotimes)
    tracemalloc.start()
    counts = histogram(stream).counts
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counts.sum() == len(nanotimes)
    assert peak < 100e6  # as much as 1e8 photons would need: pieces of a million
