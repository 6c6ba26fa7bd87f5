"""Tracks of the emitters: where, how sure, and never one emitter taken for the other or for its replica."""

import dataclasses

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import FrameSeries, brightest_pixel, brightest_track, find_tracks
from spq.units import HC

WAVELENGTH = 575.0 + 0.1 * np.arange(256)


def drawn(energies, photons, seed, background=0.01):
    """Frames of Poisson counts, photon by photon, with replicas; emitters at energies (t, e) in eV.

    photons: mean of each frame and emitter (t, e)."""
    generator = np.random.default_rng(seed)
    energies, photons = np.asarray(energies, dtype=float), np.asarray(photons, dtype=float)
    counts = generator.poisson(background, (len(energies), 1, 256)).astype(float)
    for frame, emitter in np.ndindex(energies.shape):
        number = generator.poisson(photons[frame, emitter])
        at = 1e3 * energies[frame, emitter] + 0.5 * generator.standard_normal(number)
        for phonon, factor in ((27.0, 0.25), (37.0, 0.1)):
            made = generator.poisson(factor, number)
            at -= made * phonon + np.sqrt(made) * 1.5 * generator.standard_normal(number)
        pixel = np.rint((1e3 * HC / at - WAVELENGTH[0]) / 0.1).astype(int)
        counts[frame, 0] += np.bincount(pixel[(pixel >= 0) & (pixel < 256)], minlength=256)
    return FrameSeries(counts, WAVELENGTH)


def walking(seed, frames=120, levels=(2.13, 2.10), step=0.35):
    """Energies (frames, emitters) in eV that walk by `step` meV a frame, held near their levels."""
    generator = np.random.default_rng(seed)
    found = np.zeros((frames, len(levels)))
    for frame in range(1, frames):
        found[frame] = 0.97 * found[frame - 1] + step * generator.standard_normal(len(levels))
    return np.array(levels) + 1e-3 * found


@pytest.fixture(scope="module")
def dimer():
    """The first emitter, charged by turns, is 14 meV lower; the second is dark from frame 60 to 80."""
    energies = walking(1)
    energies[30:50, 0] -= 0.014
    energies[90:, 0] -= 0.014
    photons = np.full((120, 2), 50.0)
    photons[60:80, 1] = 0.0
    frames = drawn(energies, photons, 2)
    return frames, energies, find_tracks(frames)


def test_positions_and_their_errors(dimer):
    """At 50 photons a line: 0.15 meV at most where 0.5 meV over the root of 35 photons is 0.08, and pixels
    add to it; pulls of some 220 have a spread of 1 within 0.15 (3 standard errors)."""
    frames, energies, tracks = dimer
    assert tracks.energies.shape == (120, 2)
    lit = np.ones((120, 2), dtype=bool)
    lit[60:80, 1] = False
    off = (tracks.energies - energies)[lit]
    assert np.isfinite(off).mean() > 0.98
    off = off[np.isfinite(off)]
    assert 0.05 < 1e3 * np.sqrt(np.mean(off**2)) < 0.15
    pull = ((tracks.energies - energies) / tracks.errors)[lit]
    assert np.sqrt(np.nanmean(pull**2)) == pytest.approx(1.0, abs=0.15)
    nearest = np.abs(brightest_pixel(frames)[:, None] - energies).min(axis=1)
    assert np.sqrt(np.nanmean(nearest**2)) > 1.5 * np.sqrt(np.mean(off**2))


def test_a_dark_emitter_is_not_the_replica_of_the_other(dimer):
    """The replica of the first, 27 meV below it, is 3 meV beside the place of the second."""
    _, _, tracks = dimer
    dark = slice(60, 80)
    assert np.isnan(tracks.energies[dark, 1]).mean() > 0.9
    assert np.isfinite(tracks.energies[dark, 0]).all()
    pull = tracks.photons[dark, 1] / tracks.photon_errors[dark, 1]
    assert np.nanmean(pull) < 1.5
    assert any("emitter 2: not determined in" in text for text in tracks.warnings)


def test_photons_and_shape(dimer):
    _, _, tracks = dimer
    of_first = tracks.photons[:, 0]
    # of 50 within 3 standard errors of the mean of 120
    assert of_first.mean() == pytest.approx(50.0, abs=3.0 * np.sqrt(50.0 / 120.0))
    # 0.5 meV and a pixel's width: 1.2 meV of full width
    assert tracks.shape.width_meV == pytest.approx(1.2, abs=0.12)
    assert tracks.shape.ratios == pytest.approx((0.25, 0.1), abs=0.04)


def test_two_lines_of_one_emitter_are_not_two_emitters():
    """In frame 20 the first jumps: each of its two lines is brighter than that of the second."""
    energies = np.tile([2.130, 2.121, 2.100], (40, 1))
    photons = np.tile([300.0, 0.0, 70.0], (40, 1))
    photons[20, :2] = 150.0
    photons[21:, :2] = 0.0, 300.0
    tracks = find_tracks(drawn(energies, photons, 7), 2)
    assert tracks.energies[:, 1] == pytest.approx(np.full(40, 2.100), abs=6e-4)
    assert tracks.energies[21:, 0] == pytest.approx(np.full(19, 2.121), abs=4e-4)


def test_one_emitter_is_one():
    """Neither its replica nor its charged line is another; one frame with two lines does not make two."""
    energies = walking(3, 80, (2.12,))
    energies[40:] -= 0.014
    tracks = find_tracks(drawn(energies, np.full((80, 1), 100.0), 4))
    assert tracks.energies.shape == (80, 1)
    assert np.nanmax(np.abs(tracks.energies - energies)) < 1e-3


def test_excess_noise_is_in_the_errors(dimer):
    """Counts twice the photons, said to have twice the variance: the same places, the same errors."""
    frames, _, tracks = dimer
    doubled = dataclasses.replace(frames, counts=2.0 * frames.counts, excess=2.0)
    again = find_tracks(doubled, 2)
    both = np.isfinite(again.energies) & np.isfinite(tracks.energies)
    assert both.mean() > 0.85
    assert np.median((again.errors / tracks.errors)[both]) == pytest.approx(1.0, abs=0.02)
    assert np.median(np.abs(again.energies - tracks.energies)[both]) < 2e-5


def test_masked_frames_and_pixels(dimer):
    frames, energies, tracks = dimer
    counts = frames.counts.copy()
    counts[5] = np.nan
    counts[:, 0, 20] = np.nan
    found = find_tracks(dataclasses.replace(frames, counts=counts), 2)
    assert np.isnan(found.energies[5]).all() and np.isnan(found.photons[5]).all()
    assert np.nanmax(np.abs(found.energies[6:30] - energies[6:30])) < 1e-3


@pytest.mark.parametrize("light", [0.0, 3.0, np.nan])
def test_without_light_nothing_is_determined(light):
    frames = FrameSeries(np.full((6, 1, 256), light), WAVELENGTH)
    assert find_tracks(frames).energies.shape == (6, 0)
    tracks = find_tracks(frames, 2)
    assert tracks.energies.shape == (6, 2) and np.isnan(tracks.energies).all()
    assert "not determined" in tracks.warnings[0]


def test_noise_alone_is_no_emitter():
    counts = np.random.default_rng(5).poisson(0.3, (40, 1, 256)).astype(float)
    tracks = find_tracks(FrameSeries(counts, WAVELENGTH))
    assert tracks.energies.shape[1] == 0 or np.isfinite(tracks.energies).mean() < 0.1


def test_one_frame():
    tracks = find_tracks(drawn([[2.13, 2.10]], [[300.0, 300.0]], 6))
    assert tracks.energies == pytest.approx(np.array([[2.13, 2.10]]), abs=4e-4)


@pytest.mark.parametrize(
    ("frames", "emitters", "text"),
    [
        (np.zeros((3, 5)), None, "frames: a ndarray"),
        (FrameSeries(np.zeros((3, 1, 256)), WAVELENGTH), 0, "emitters = 0"),
        (FrameSeries(np.zeros((3, 1, 256)), WAVELENGTH), 4, "emitters = 4: must be at most 3"),
        (FrameSeries(np.full((3, 1, 256), np.inf), WAVELENGTH), None, "frames.counts: must be finite"),
    ],
)
def test_bad_input(frames, emitters, text):
    with pytest.raises(InputError, match=text):
        find_tracks(frames, emitters)


def test_the_brightest_pixel_as_a_track(dimer):
    frames, _, _ = dimer
    track = brightest_track(frames)
    assert np.array_equal(track.energies[:, 0], brightest_pixel(frames), equal_nan=True)
    width = np.abs(np.diff(frames.energy)).mean()
    assert np.nanmean(track.errors) == pytest.approx(width / np.sqrt(12.0), rel=0.05)
