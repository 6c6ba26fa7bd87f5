"""Branching between emitters: shares with errors that cover, and nothing where nothing is known."""

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import branching


def drawn(seed, means=((60.0, 40.0), (20.0, 0.0)), frames=40):
    rng = np.random.default_rng(seed)
    states = np.arange(frames) % len(means)
    mean = np.array(means)[states]
    errors = np.sqrt(2.0 * mean + 1.0)
    return mean + errors * rng.standard_normal(mean.shape), errors, states


def test_exact_shares():
    found = branching([[60.0, 40.0], [30.0, 10.0]], [[6.0, 4.0], [3.0, 1.0]], [0, 1], 2)
    assert found.shares == pytest.approx(np.array([[0.6, 0.4], [0.75, 0.25]]))
    # (1 - s)² σ1² + s² σ2² over N²: 0.16 36 + 0.36 16 = 11.52
    assert found.errors[0] == pytest.approx(np.sqrt(11.52) / 100.0)
    assert not found.warnings


def test_errors_cover():
    """68 % within one error: 1200 shares of 600 draws, standard error 0.02 (both of a state are one)."""
    pulls = []
    for seed in range(600):
        found = branching(*drawn(seed), 2)
        pulls.append((found.shares[:, 0] - [0.6, 1.0]) / found.errors[:, 0])
    assert np.mean(np.abs(pulls) < 1.0) == pytest.approx(0.683, abs=0.04)
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.1)


def test_frames_without_values_are_left_out():
    light, errors, states = drawn(1)
    light[0, 1] = np.nan
    states[2] = -1
    found = branching(light, errors, states, 3)
    assert found.frames.tolist() == [18, 20, 0]
    assert found.shares[0] == pytest.approx(light[4::2].sum(axis=0) / light[4::2].sum())
    assert np.isnan(found.shares[2]).all() and "no frame" in found.warnings[0]


def test_one_emitter_and_no_light():
    found = branching(np.full((5, 1), 50.0), np.full((5, 1), 10.0), np.zeros(5, int), 1)
    assert (found.shares[0, 0], found.errors[0, 0]) == (1.0, 0.0)
    dark = branching(np.full((5, 2), 0.3), np.full((5, 2), 1.0), np.zeros(5, int), 1)
    assert np.isnan(dark.shares).all() and "above their error" in dark.warnings[0]
    nothing = branching(np.full((5, 2), np.nan), np.full((5, 2), np.nan), np.zeros(5, int), 1)
    assert np.isnan(nothing.shares).all() and len(nothing.warnings) == 1


@pytest.mark.parametrize(
    "given, message",
    [
        (([1.0], [1.0], [0], 1), "photons: shape"),
        (([[1.0]], [[1.0, 2.0]], [0], 1), "photon_errors: shape"),
        (([[1.0]], [[-1.0]], [0], 1), "photon_errors"),
        (([[np.inf]], [[1.0]], [0], 1), "finite"),
        (([[1.0]], [[1.0]], [0, 0], 1), "states"),
        (([[1.0]], [[1.0]], [1], 1), "between -1 and 0"),
        (([[1.0]], [[1.0]], [0.0], 1), "must be whole"),
        (([[1.0]], [[1.0]], [0], 0), "number"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(InputError, match=message):
        branching(*given)
