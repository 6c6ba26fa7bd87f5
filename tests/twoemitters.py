"""Two emitters that blink, as photons drawn without a simulator: fast, and nothing but what is meant."""

from types import SimpleNamespace

import numpy as np

from spq.spectroscopy.records import Measurement

PERIOD, BIN, PULSE = 1000.0, 0.1, 20.0
LIFETIMES = ((1.5, 90.0), (3.0, 60.0))
PHOTON_SHARES = (0.35, 0.65)
SEEN = 100.0
"""Camera photons in a frame of an emitter that is bright."""
GIVEN = 8.0
"""Photons of the counter for one of the camera."""


def blinking(seed, frames=120, transfer=0.0, excess=2.0, brightness=((1, 1), (1, 0), (0, 1))):
    """Measurement, tracks and states: blocks of 10 frames in the states of `brightness`, one after another.

    transfer: 1/ns by which the first emitter decays faster while the second is bright.
    """
    rng = np.random.default_rng(seed)
    states = (np.arange(frames) // 10) % len(brightness)
    mean = SEEN * np.array(brightness, dtype=float)[states]
    energies = np.array([2.13, 2.10]) + 8e-4 * rng.standard_normal(mean.shape)
    seen = mean + np.sqrt(excess * mean + 1.0) * rng.standard_normal(mean.shape)
    frame, times = [], []
    for emitter in (0, 1):
        number = rng.poisson(GIVEN * mean[:, emitter])
        of = np.repeat(np.arange(frames), number)
        part = rng.choice(2, size=len(of), p=PHOTON_SHARES)
        tau = np.array(LIFETIMES[emitter])[part]
        if emitter == 0:
            tau = np.where(mean[of, 1] > 0, 1.0 / (1.0 / tau + transfer), tau)
        frame.append(of)
        times.append(PULSE + BIN * rng.random(len(of)) + tau * rng.standard_exponential(len(of)))
    dark = rng.poisson(20.0, frames)
    frame.append(np.repeat(np.arange(frames), dark))
    times.append(PERIOD * rng.random(dark.sum()))
    frame, times = np.concatenate(frame), np.concatenate(times) % PERIOD
    ticks = np.floor((frame + rng.random(len(frame))) * 1e6).astype(np.int64)
    order = np.argsort(ticks)
    irf = np.zeros(round(PERIOD / BIN))
    irf[round(PULSE / BIN)] = 1.0
    measurement = Measurement.from_arrays(
        timestamps=ticks[order],
        timestamp_unit=500.0,
        counts=np.ones((frames, 1, 8)),
        wavelength=np.linspace(580.0, 600.0, 8),
        starts=5e8 * np.arange(frames),
        exposure=5e8,
        frame_of_photon=frame[order].astype(np.int32),
        irf=irf,
        nanotimes=np.floor(times[order] / BIN).astype(np.uint32),
        nanotime_unit=BIN,
        nanotime_bins=len(irf),
        laser_period=PERIOD,
    )
    known = np.where(mean > 0, 1.0, np.nan)
    tracks = SimpleNamespace(
        energies=energies * known,
        errors=2e-4 * known,
        photons=seen,
        photon_errors=np.sqrt(excess * mean + 1.0),
    )
    return measurement, tracks, states, mean
