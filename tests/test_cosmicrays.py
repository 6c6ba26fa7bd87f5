"""Cosmic rays are masked, lines are not, however narrow or short-lived."""

import dataclasses

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import FrameSeries, Simulation, energies_by_hand, mask_cosmic_rays, simulate
from spq.spectroscopy.instruments import Camera
from spq.spectroscopy.simulator import as_counts

WAVELENGTH = np.linspace(570.0, 620.0, 200)


def series(counts, **more):
    return FrameSeries(counts, WAVELENGTH, strips=("V", "H"), excess=2.0, **more)


@pytest.fixture(scope="module")
def struck():
    """A dimer of 200 s with ten times the usual number of rays."""
    simulation = Simulation(energies_by_hand((2.10, 2.13)), camera=Camera(cosmic_rays=0.2))
    return simulate(simulation, seed=5)


def test_rays_are_found_and_light_is_kept(struck):
    """Nine of ten rays of more than 25 photons; of a million pixels of light fewer than 20 are lost."""
    measurement, truth = struck
    frames = measurement.frames
    masked, rays = mask_cosmic_rays(frames)
    hit = np.zeros(rays.shape, dtype=bool)
    bright = []
    for frame, strip, pixel in truth.cosmic_rays:
        hit[frame, strip, pixel : pixel + 4] = True
        if frames.counts[frame, strip, pixel] > 25.0:
            bright.append(rays[frame, strip, pixel])
    assert len(bright) > 20
    assert np.mean(bright) >= 0.9
    assert (rays & ~hit).sum() <= 20e-6 * rays.size
    assert np.array_equal(np.isnan(masked.counts), rays)
    assert np.array_equal(masked.counts[~rays], frames.counts[~rays])


def test_a_state_of_one_frame_is_no_ray():
    """A line of one pixel that is there for one frame, in both strips, is light."""
    generator = np.random.default_rng(4)
    counts = generator.poisson(0.2, (40, 2, 200)).astype(float)
    counts[20, :, 90] += (60.0, 20.0)
    assert not mask_cosmic_rays(series(counts))[1].any()
    counts[20, 1, 90] = 0.0
    assert mask_cosmic_rays(series(counts))[1].sum() == 1  # in one strip alone it is a ray


def test_a_blinking_line_of_one_strip_is_light():
    counts = np.random.default_rng(5).poisson(0.2, (60, 2, 200)).astype(float)
    counts[7::11, 0, 90] += 50.0
    assert not mask_cosmic_rays(series(counts))[1].any()


def test_rays_in_neighbouring_frames_do_not_hide_each_other():
    counts = np.random.default_rng(6).poisson(0.2, (40, 2, 200)).astype(float)
    counts[[0, 1], 0, 90] += 200.0
    assert mask_cosmic_rays(series(counts))[1][[0, 1], 0, 90].all()
    counts[[20, 39], 0, 90] += 200.0  # four times in 40 frames: it recurs
    assert not mask_cosmic_rays(series(counts))[1].any()


def test_what_was_masked_stays_masked():
    counts = np.random.default_rng(7).poisson(1.0, (20, 2, 200)).astype(float)
    counts[3:9, 0, 5] = np.nan
    counts[:, 1, 7] = np.nan
    masked, rays = mask_cosmic_rays(series(counts))
    assert not rays.any() and np.array_equal(np.isnan(masked.counts), np.isnan(counts))


@pytest.mark.parametrize(
    "counts", [np.zeros((30, 2, 200)), np.full((30, 2, 200), np.nan), np.ones((1, 2, 200))]
)
def test_nothing_to_mask(counts):
    assert not mask_cosmic_rays(series(counts))[1].any()


def test_counts_are_refused(struck):
    with pytest.raises(InputError, match="must be in photons"):
        mask_cosmic_rays(as_counts(struck[0].frames))
    with pytest.raises(InputError, match="neighbours"):
        mask_cosmic_rays(dataclasses.replace(struck[0].frames), neighbours=0)
