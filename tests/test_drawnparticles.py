"""Particles of a population: what is drawn scatters as it is said to, and is known."""

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import draw_particle


def test_what_is_drawn():
    """200 dimers: energies, angles and least differences, within four standard errors of their spread."""
    drawn = [draw_particle(2, seed, apart_meV=12.0) for seed in range(200)]
    energies = 1e3 * np.array([each.energies.table[(0, 0), 0] for each, _ in drawn])
    apart = np.abs(np.diff(energies, axis=1))
    assert apart.min() >= 12.0 and abs(energies.mean() - 2100.0) < 4.0 * 18.0 / np.sqrt(400)
    turned = np.array([each.emitters[1].angle - each.emitters[0].angle for each, _ in drawn]) % 180.0
    known = np.array([turn for _, turn in drawn])
    folded = np.minimum(turned, 180.0 - turned)
    assert np.allclose(folded, known, atol=1e-9)
    assert abs(known.mean() - 20.0) < 4.0 * 8.0 / np.sqrt(200)
    assert known.std() == pytest.approx(8.0, rel=4.0 / np.sqrt(400))
    rates = np.array([emitter.rate for each, _ in drawn for emitter in each.emitters])
    assert 2000.0 <= rates.min() < 2100.0 and 3900.0 < rates.max() <= 4000.0


def test_seeds_and_monomers():
    one, angle = draw_particle(1, 3, duration=40.0, plate_every=2.0)
    assert len(one.emitters) == 1 and np.isnan(angle) and one.duration == 40.0 and one.plate.every == 2.0
    assert draw_particle(2, 3)[0] == draw_particle(2, 3)[0] != draw_particle(2, 4)[0]


@pytest.mark.parametrize(
    ("dots", "options", "text"),
    [
        (3, {}, "dots = 3: must be 1 or 2"),
        (2, {"apart_meV": 100.0}, "must be <= 54"),
        (2, {"apart_meV": -1}, ">= 0"),
    ],
)
def test_bad_input(dots, options, text):
    with pytest.raises(InputError, match=text):
        draw_particle(dots, 0, **options)
