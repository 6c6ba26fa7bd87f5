"""Iterators on maps whose fixed points are known."""

import numpy as np
import pytest

from spq.iteration import ITERATORS, Anderson, Damped

GAINS = np.array([0.5, 2.0, 8.0, 20.0, 40.0])
CENTER = 0.3
STEPS = 80


def steep(gains):
    """A map of (b, 2) that falls like a step of two levels that cross; the fixed point is near CENTER."""

    def mapped(x):
        first = CENTER - 0.25 * np.tanh(gains * (x[:, 0] - CENTER) / 0.25)
        return np.column_stack([first, 0.5 * x[:, 0] + 0.2 * x[:, 1]])

    return mapped


def iterated(iterator, mapped, x, steps=STEPS):
    for _ in range(steps):
        x = iterator.advance(x, mapped(x))
    return np.linalg.norm(mapped(x) - x, axis=1)


@pytest.fixture
def start():
    return np.tile([0.0, 0.0], (len(GAINS), 1))


def test_steep_maps_are_damped_until_they_converge(start):
    assert (iterated(Anderson(), steep(GAINS), start) < 1e-8).all()


def test_a_fixed_damping_does_not_converge_on_them(start):
    """Negative control: the map is steep enough."""
    assert iterated(Damped(), steep(GAINS), start)[-1] > 1e-3


@pytest.mark.parametrize("name", ITERATORS)
def test_linear_maps(name):
    matrix = np.array([[0.3, 0.2], [0.1, -0.4]])
    left = iterated(ITERATORS[name](), lambda x: x @ matrix.T + 1.0, np.zeros((3, 2)))
    assert (left < 1e-10).all()


def test_problems_do_not_see_each_other(start):
    """One of many, and the others dropped on the way: the same steps."""
    together, alone = Anderson(), Anderson()
    x, y, mapped = start, start[[3]], steep(GAINS)
    for step in range(12):
        x, y = together.advance(x, mapped(x)), alone.advance(y, steep(GAINS[[3]])(y))
        if step == 5:
            kept = np.array([False, True, False, True, True])
            together.keep(kept)
            x, mapped = x[kept], steep(GAINS[kept])
        row = 3 if step < 5 else 1
        assert x[row] == pytest.approx(y[0], abs=1e-12)
