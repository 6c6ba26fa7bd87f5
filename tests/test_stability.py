"""Intensity against position: slopes without bias by the errors of the positions, limits that cover."""

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import intensity_against_position


def drawn(seed, slope, frames=150, noise=0.3, mean=400.0, moves=0.8):
    rng = np.random.default_rng(seed)
    place = rng.normal(0.0, moves, frames)
    counts = rng.poisson(mean * np.exp(slope * place))
    seen = 2.1 + 1e-3 * (place + noise * rng.standard_normal(frames))
    return counts.astype(float), seen, np.full(frames, 1e-3 * noise)


@pytest.mark.parametrize("slope", [0.0, 0.05, -0.1])
def test_slopes(slope):
    """300 runs: the mean within its standard error (0.0004) times 3, 68 % within one error (± 0.027)."""
    found = [intensity_against_position(*drawn(seed, slope)) for seed in range(300)]
    slopes = np.array([each.slope for each in found])
    errors = np.array([each.error for each in found])
    assert slopes.mean() == pytest.approx(slope, abs=0.0015 + 0.02 * abs(slope))
    assert np.mean(np.abs(slopes - slope) < errors) == pytest.approx(0.683, abs=0.08)
    limits = np.array([each.limit for each in found])
    assert np.mean(limits > abs(slope)) >= 0.92
    assert limits.mean() < abs(slope) + 0.02


def test_errors_of_positions_matter():
    """Positions as noisy as they move: half of the slope is lost unless the errors are given."""
    plain, mended = [], []
    for seed in range(100):
        counts, seen, errors = drawn(seed, 0.1, noise=0.8)
        plain.append(intensity_against_position(counts, seen).slope)
        mended.append(intensity_against_position(counts, seen, errors).slope)
    assert np.mean(plain) == pytest.approx(0.05, abs=0.006)
    assert np.mean(mended) == pytest.approx(0.1, abs=0.01)
    assert "not known" in intensity_against_position(counts, seen).warnings[0]


def test_p_value_and_dispersion():
    """Intensities that scatter more than photons do (φ = 5) give no more slopes than they should."""
    values, dispersions = [], []
    for seed in range(300):
        counts, seen, errors = drawn(seed, 0.0)
        counts = counts * np.random.default_rng(seed + 999).gamma(100.0, 0.01, len(counts))
        found = intensity_against_position(counts, seen, errors)
        values.append(found.p_value)
        dispersions.append(found.dispersion)
    assert np.mean(dispersions) == pytest.approx(5.0, abs=0.2)
    assert np.mean(np.array(values) < 0.05) == pytest.approx(0.05, abs=0.035)
    assert intensity_against_position(*drawn(1, 0.1)).p_value < 1e-6
    assert intensity_against_position(*drawn(1, 0.1)).correlation > 0.5


def test_drift_of_the_intensity_is_told():
    counts, seen, errors = drawn(3, 0.0)
    slow = counts * (1.0 + 0.3 * np.sin(np.arange(len(counts)) / 20.0))
    assert any("alike" in each for each in intensity_against_position(slow, seen, errors).warnings)
    assert not intensity_against_position(counts, seen, errors).warnings


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda n, x, e: (n[:5], x[:5], e[:5]), "5 frames"),
        (lambda n, x, e: (n, np.full(len(x), np.nan), e), "0 frames"),
        (lambda n, x, e: (0.0 * n, x, e), "no light"),
        (lambda n, x, e: (n, np.full(len(x), 2.1), e), "does not move"),
        (lambda n, x, e: (n, x, 3.0 * e), "their errors are"),
        (lambda n, x, e: (np.full(len(n), 7.0), x, e), "do not scatter"),
    ],
)
def test_not_determined(change, reason):
    found = intensity_against_position(*change(*drawn(1, 0.0)))
    assert np.isnan([found.slope, found.error, found.limit, found.p_value]).all()
    assert reason in found.warnings[0]


@pytest.mark.parametrize(
    "given, message",
    [
        (([1.0, 2.0], [2.1]), "shape"),
        (([np.inf], [2.1]), "finite"),
        (([1.0], [2.1], [-1.0]), ">= 0"),
        (([1.0], [2.1], None, 0.3), "confidence"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(InputError, match=message):
        intensity_against_position(*given)
