"""Polarisation of windows: each emitter its own, background and replicas of the other taken out."""

import dataclasses

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import FrameSeries, LineShape, angle_difference, window_polarisation
from spq.spectroscopy.linemodel import energy_edges, profile
from spq.spectroscopy.windows import emitter_light, polarisation_of

SHAPE = LineShape(width_meV=1.0)
ENERGIES, ANGLES, DEGREE = (2.130, 2.102), (20.0, 75.0), 0.6
DARK = (2.145, 2.17)


def dimer(seed, photons=80.0, background=0.02, frames=200, noisy=True):
    """Frames of a dimer whose second line lies on a replica of the first; excess noise 2, throughput 1.2."""
    rng = np.random.default_rng(seed)
    wavelength = np.linspace(565.0, 620.0, 500)
    edges = energy_edges(wavelength)
    plate = 5.0 * (np.arange(frames) // (frames // 20))
    light = np.full((frames, 2, 500), background)
    for energy, angle in zip(ENERGIES, ANGLES, strict=True):
        share = profile(edges, energy, SHAPE)
        m = DEGREE * np.cos(np.radians(4 * plate - 2 * angle))
        for strip, part in enumerate((1.2 * (1 + m), 1 - m)):
            light[:, strip] += photons * 0.5 * part[:, None] * share
    if noisy:
        counts = rng.poisson(light)
        light = np.where(counts > 0, rng.gamma(np.maximum(counts, 1)), 0.0)
    return FrameSeries(
        light, wavelength, ("V", "H"), excess=2.0, angles=plate, starts=1.0 * np.arange(frames)
    )


def apart(frames, which=None, half=4.0):
    energies = np.tile(ENERGIES, (len(frames.counts), 1))
    light = emitter_light(frames, which, energies, np.full(energies.shape, 80.0), SHAPE, half, DARK)
    return [polarisation_of(each) for each in light]


def test_exact_light():
    """Means instead of counts: both angles and degrees; without the unmixing the second is wrong."""
    frames = dimer(0, noisy=False)
    for fit, angle in zip(apart(frames), ANGLES, strict=True):
        assert fit.angle == pytest.approx(angle, abs=0.05)
        assert fit.degree == pytest.approx(DEGREE, abs=0.003)
        assert fit.throughput == pytest.approx(1.2, rel=0.003)
    raw = window_polarisation(frames, None, (ENERGIES[1] - 4e-3, ENERGIES[1] + 4e-3), DARK)
    assert raw.angle < 74.0 and raw.degree < 0.57  # a fifth of it is a replica at 20 degrees
    alone = window_polarisation(frames, None, (ENERGIES[0] - 4e-3, ENERGIES[0] + 4e-3), DARK)
    assert alone.angle == pytest.approx(20.0, abs=0.05)


def test_background_is_taken_out():
    """Unpolarised background of twice the light in a wide window makes p too small unless it is known."""
    frames = dimer(0, photons=20.0, background=0.3, noisy=False)
    window = (ENERGIES[0] - 8e-3, ENERGIES[0] + 8e-3)
    left = window_polarisation(frames, None, window)
    taken = window_polarisation(frames, None, window, DARK)
    assert left.degree < 0.4
    assert taken.degree == pytest.approx(DEGREE, abs=0.01)
    assert taken.degree_error > left.degree_error  # its noise stays


def test_errors_cover():
    """20 runs, two emitters each: pulls of angle and difference within one error in 0.68 ± 0.22 (3 σ)."""
    found = [apart(dimer(seed)) for seed in range(20)]
    pulls = np.array(
        [[(f.angle - a) / f.angle_error for f, a in zip(fits, ANGLES, strict=True)] for fits in found]
    )
    assert 0.46 < np.mean(np.abs(pulls) < 1.0) < 0.90
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.5)
    differences = np.array([angle_difference(*fits) for fits in found])
    assert differences[:, 0].mean() == pytest.approx(55.0, abs=1.0)
    assert 0.40 < np.mean(np.abs(differences[:, 0] - 55.0) < differences[:, 1]) < 0.95


def test_chosen_frames_and_windows_of_each_frame():
    frames = dimer(1)
    which = np.arange(200) % 2 == 0
    window = np.tile([ENERGIES[0] - 4e-3, ENERGIES[0] + 4e-3], (200, 1))
    half = dataclasses.replace(
        frames, counts=frames.counts[which], angles=frames.angles[which], starts=frames.starts[which]
    )
    chosen = window_polarisation(frames, which, window[0])
    assert chosen.angle == pytest.approx(window_polarisation(half, None, window[0]).angle)
    window[~which] = np.nan
    assert window_polarisation(frames, None, window).angle == pytest.approx(chosen.angle)


def test_masked_pixels_are_left_out_of_both_strips():
    frames = dimer(2)
    counts = frames.counts.copy()
    counts[:, 0, 200:260] = np.nan  # of V alone
    fit = window_polarisation(dataclasses.replace(frames, counts=counts), None, (2.05, 2.15))
    assert fit.degree < 0.9 and fit.throughput == pytest.approx(1.2, abs=0.1)


@pytest.mark.parametrize("first, second, wanted", [(20, 75, 55), (5, 175, 10), (10, 170, 20), (0, 90, 90)])
def test_difference_is_folded(first, second, wanted):
    fit = apart(dimer(0, noisy=False))[0]
    pair = [dataclasses.replace(fit, angle=float(each), angle_error=3.0) for each in (first, second)]
    assert angle_difference(*pair) == (pytest.approx(wanted), pytest.approx(np.hypot(3.0, 3.0)))
    none = dataclasses.replace(fit, angle=np.nan, angle_error=np.nan)
    assert np.isnan(angle_difference(fit, none)).all()


def test_no_light():
    frames = dimer(3, photons=0.0)
    fit = window_polarisation(frames, None, (2.126, 2.134), DARK)
    assert np.isnan([fit.degree, fit.angle, fit.upper_limit]).all() and "no light" in fit.warnings[0]


def test_bad_input():
    frames = dimer(4, frames=20)
    window = (2.126, 2.134)
    for given, message in (
        ((frames, np.ones(3, bool), window), "which"),
        ((frames, np.zeros(20, bool), window), "no frame"),
        ((frames, None, (2.2, 2.1)), "low < high"),
        ((frames, None, (3.0, 3.1)), "no pixel"),
        ((frames, None, [1.0, 2.0, 3.0]), "window_eV: shape"),
        ((frames, None, window, (3.0, 3.1)), "dark_eV"),
        ((dataclasses.replace(frames, angles=None), None, window), "angles"),
        ((dataclasses.replace(frames, unit="counts"), None, window), "in counts"),
    ):
        with pytest.raises(InputError, match=message):
            window_polarisation(*given)
    one = FrameSeries(frames.counts[:, :1], frames.wavelength, angles=frames.angles)
    with pytest.raises(InputError, match="V and H"):
        window_polarisation(one, None, window)
    near = np.tile([2.13, 2.129], (20, 1))
    with pytest.raises(InputError, match="window of its own"):
        emitter_light(frames, None, near, np.ones(near.shape), SHAPE, 4.0)
