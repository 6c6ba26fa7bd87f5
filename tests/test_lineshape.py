"""Line shapes: area and width of a line, shares and places of its phonon replicas."""

from math import exp, factorial

import numpy as np
import pytest

from spq.lineshape import LEFT_OUT, broadened, replicated, scale

WIDTH = 2.0  # meV


def test_area_and_width_of_a_gaussian():
    """The integral over the scale is the weight; half of the maximum is left half a width away."""
    energy, weight = 2.2, 0.7
    energies = scale(np.array([energy]), WIDTH)
    shape = broadened(np.array([energy]), np.array([weight]), WIDTH, energies)
    # the scale ends where 1e-20 of the maximum is left, and the sum over equal steps is exact before that
    assert np.trapezoid(shape, energies) == pytest.approx(weight, rel=1e-9)
    height = weight * np.sqrt(4 * np.log(2) / np.pi) / (1e-3 * WIDTH)
    places = energy + 1e-3 * WIDTH * np.array([0.0, 0.5, -0.5, 1.0])
    found = broadened(np.array([energy]), np.array([weight]), WIDTH, places)
    assert found == pytest.approx(height * np.array([1.0, 0.5, 0.5, 1 / 16]), rel=1e-12)


def test_scale_covers_all_lines():
    energies = np.array([2.1, 2.25])
    found = scale(energies, WIDTH)
    assert found[0] < 2.1 - 3e-3 * WIDTH and found[-1] > 2.25 + 3e-3 * WIDTH
    assert 0.0 < np.diff(found).max() < 0.1e-3 * WIDTH


@pytest.mark.parametrize("factor", [0.1, 1.0, 4.0])
def test_replicas_of_one_mode(factor):
    """Shares e^{-S} S^n/n! at n phonons below the line; all but LEFT_OUT of it is there."""
    energies, shares = replicated(np.array([2.2]), np.array([2.0]), (27.0,), (factor,))
    n = np.arange(len(energies))
    assert energies == pytest.approx(2.2 - 0.027 * n, abs=1e-12)
    poisson = [2.0 * exp(-factor) * factor**k / factorial(k) for k in n]
    assert shares == pytest.approx(poisson, rel=1e-12)
    assert 2.0 * (1 - LEFT_OUT) <= shares.sum() < 2.0


def test_replicas_of_two_modes():
    """The mean energy lies S ħω of every mode below the line; areas are kept for every line."""
    lines, weights = np.array([2.2, 2.3]), np.array([1.0, 3.0])
    energies, shares = replicated(lines, weights, (27.0, 37.0), (0.2, 0.1))
    assert shares.sum() == pytest.approx(weights.sum(), rel=2 * LEFT_OUT)
    mean = (energies * shares).sum() / shares.sum()
    expected = (lines * weights).sum() / weights.sum() - 1e-3 * (0.2 * 27 + 0.1 * 37)
    assert mean == pytest.approx(expected, abs=1e-5)  # eV, of 9e-3; what is left out lies 0.1 eV lower
    # one phonon of each mode of the first line: S1 S2 e^{-S1 - S2}
    place = np.flatnonzero(np.isclose(energies, 2.2 - 0.064, atol=1e-9))
    assert shares[place].sum() == pytest.approx(0.02 * exp(-0.3))


def test_no_phonons_change_nothing():
    energies, shares = replicated(np.array([2.2, 2.3]), np.array([1.0, 3.0]), (), ())
    assert energies.tolist() == [2.2, 2.3] and shares.tolist() == [1.0, 3.0]
