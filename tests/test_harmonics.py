"""Angular functions: orthonormal, and products that expand as trigonometry says."""

import numpy as np
import pytest

from spq.harmonics import Harmonics, turning

LABELS = turning(4, 5)


def azimuths(count=64):
    return 2 * np.pi * np.arange(count) / count


def test_harmonics_are_orthonormal():
    values = LABELS.values(LABELS.potential, azimuths())
    assert LABELS.potential == (0, 1, 2, 3, 4, 5, -1, -2, -3, -4, -5)
    assert values @ values.T * 2 * np.pi / 64 == pytest.approx(np.eye(11), abs=1e-13)


def test_products_of_harmonics():
    """χ_a χ_b = Σ_c G_abc χ_c, cut at the potential's highest: what is left is orthogonal to the rest."""
    azimuth = azimuths()
    values = dict(zip(LABELS.potential, LABELS.values(LABELS.potential, azimuth), strict=True))
    complete = 0
    for a in LABELS.orbital:
        for b in LABELS.orbital:
            product = values[a] * values[b]
            found = dict(LABELS.products(a, b))
            assert dict(LABELS.products(b, a)) == pytest.approx(found) and len(found) <= 2
            assert {abs(c) for c in found} <= {abs(abs(a) - abs(b)), abs(a) + abs(b)}
            left = product - sum(weight * values[c] for c, weight in found.items())
            for other in values.values():
                assert other @ left == pytest.approx(0.0, abs=1e-12)
            if abs(a) + abs(b) <= 5:
                complete += 1
                assert left == pytest.approx(0.0, abs=1e-13)
            else:
                assert np.abs(left).max() > 0.1
    assert complete > 40


@pytest.mark.parametrize(
    "a, b, expected",
    [
        (0, 0, {0: 1 / np.sqrt(2 * np.pi)}),
        (3, 0, {3: 1 / np.sqrt(2 * np.pi)}),
        (-3, -3, {0: 1 / np.sqrt(2 * np.pi)}),  # and −cos 6α, beyond 5
        (1, 1, {0: 1 / np.sqrt(2 * np.pi), 2: 0.5 / np.sqrt(np.pi)}),
        (-1, -1, {0: 1 / np.sqrt(2 * np.pi), 2: -0.5 / np.sqrt(np.pi)}),
        (2, 1, {1: 0.5 / np.sqrt(np.pi), 3: 0.5 / np.sqrt(np.pi)}),
        (-2, -1, {1: 0.5 / np.sqrt(np.pi), 3: -0.5 / np.sqrt(np.pi)}),
        (2, -1, {-3: 0.5 / np.sqrt(np.pi), -1: -0.5 / np.sqrt(np.pi)}),
        (-2, 1, {-3: 0.5 / np.sqrt(np.pi), -1: 0.5 / np.sqrt(np.pi)}),
    ],
)
def test_known_products(a, b, expected):
    """cos a cos b = [cos(a−b) + cos(a+b)]/2 and its like."""
    assert dict(LABELS.products(a, b)) == pytest.approx(expected)


def test_a_solid_has_one_function():
    solid = Harmonics()
    assert (solid.orbital, solid.potential) == ((0,), (0,))
    assert solid.products(0, 0) == ((0, 1.0),)
    assert solid.values((0,), azimuths()) == pytest.approx(1.0)
