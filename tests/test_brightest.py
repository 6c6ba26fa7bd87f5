"""The brightest pixel of each frame: an unstable laser, and nothing where nothing is brightest."""

import os
from pathlib import Path

import numpy as np
import pytest

from spq.spectroscopy import FrameSeries, brightest_pixel

WAVELENGTH = np.linspace(570.0, 580.0, 11)


def test_an_unstable_laser():
    """The dominant line of 84 real spectra switches at frames 20, 22, 36, 42 and 66, and nowhere else.

    Columns of the file: time in s, wavelength less 405 nm in pm (descending), intensity."""
    folder = os.environ.get("SPQ_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data"
    path = Path(folder) / "spectra_series" / "laser.txt.gz"
    if not path.is_file():
        pytest.skip(f"no file {path}: set SPQ_TEST_DATA")
    _, place, light = np.loadtxt(path, unpack=True)
    light = light.reshape(84, 1, 140)[..., ::-1]
    frames = FrameSeries(light, 405.0 + 1e-3 * place[139::-1], unit="counts")
    found = np.flatnonzero(np.diff(brightest_pixel(frames))) + 1
    assert found.tolist() == [20, 22, 36, 42, 66]


def test_strips_are_added_and_masked_pixels_left_out():
    counts = np.ones((2, 2, 11))
    counts[:, 0, 3], counts[:, 1, 7], counts[:, :, 8] = 5.0, 4.0, 2.8
    counts[1, 0, 3] = np.nan
    frames = FrameSeries(counts, WAVELENGTH, strips=("V", "H"))
    assert np.array_equal(brightest_pixel(frames), frames.energy[[3, 8]])


@pytest.mark.parametrize("light", [0.0, 7.0, np.nan])
def test_no_pixel_is_brightest(light):
    frames = FrameSeries(np.full((3, 1, 11), light), WAVELENGTH)
    assert np.isnan(brightest_pixel(frames)).all()
