"""From photons to the tags of a single-photon detector: response, dead time, afterpulses, dark counts."""

from __future__ import annotations

import numpy as np

from spq.spectroscopy.emissions import Emissions
from spq.spectroscopy.instruments import Detector
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.simulation import Simulation

Array = np.ndarray

FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
RESPONSE_COUNTS = 1_000_000
"""Counts of the measured instrument response."""


def count_photons(
    simulation: Simulation, emissions: Emissions, generator: np.random.Generator
) -> tuple[PhotonStream, dict[str, int]]:
    """Tags of the photons that the splitter sent to the counter, and what became of each.

    Timestamps are ps, micro-times bins since the laser pulse before. The numbers: sent, missed (efficiency),
    late (after the end), dead (lost in the dead time), dark, afterpulses, counted.
    """
    detector, period = simulation.detector, round(simulation.laser.period_ps)
    sent = np.flatnonzero(~emissions.to_camera)
    seen = sent[generator.random(len(sent)) < detector.efficiency]
    delay = emissions.delay[seen] + delays(detector, len(seen), generator)
    stamps = emissions.pulse[seen] * period + np.floor(1e3 * delay).astype(np.int64)
    end = round(1e12 * simulation.duration)
    inside = (stamps >= 0) & (stamps < end)
    dark = generator.integers(0, end, generator.poisson(detector.dark_rate * simulation.duration))
    stamps = np.concatenate([stamps[inside], dark])
    origin = np.repeat(np.array([0, 1], dtype=np.int8), [int(inside.sum()), len(dark)])
    stamps, origin = _with_afterpulses(detector, stamps, origin, end, generator)
    tally = {
        "sent": len(sent),
        "missed": len(sent) - len(seen),
        "late": int((~inside).sum()),
        "dead": int(inside.sum()) - int((origin == 0).sum()),
        "dark": int((origin == 1).sum()),
        "afterpulses": int((origin == 2).sum()),
        "counted": len(stamps),
    }
    unit = round(1e3 * detector.bin)
    stream = PhotonStream(
        timestamps=stamps,
        timestamp_unit=1e-3,
        nanotimes=((stamps % period) // unit).astype(np.uint32),
        nanotime_unit=detector.bin,
        nanotime_bins=period // unit,
        laser_period=simulation.laser.period,
        duration=1e9 * simulation.duration,
        about={"format": "simulated"},
    )
    return stream, tally


def delays(detector: Detector, count: int, generator: np.random.Generator) -> Array:
    """Delays (count,) in ns that the detector adds: its response."""
    found = detector.delay + detector.response / FWHM * generator.standard_normal(count)
    tailed = generator.random(count) < detector.tail_share
    return found + tailed * generator.standard_exponential(count) * detector.tail


def response(simulation: Simulation, generator: np.random.Generator) -> Array:
    """A measured response, counts (bins,) over one period of the laser."""
    period = round(simulation.laser.period_ps)
    unit = round(1e3 * simulation.detector.bin)
    stamps = np.floor(1e3 * delays(simulation.detector, RESPONSE_COUNTS, generator)).astype(np.int64)
    return np.bincount((stamps % period) // unit, minlength=period // unit).astype(float)


def _with_afterpulses(detector, stamps, origin, end, generator) -> tuple[Array, Array]:
    """Tags in order after dead time, with one generation of afterpulses (origin 2), in ps."""
    dead = round(1e3 * detector.dead_time)
    stamps, origin = alive(*_sorted(stamps, origin), dead)
    parents = stamps[generator.random(len(stamps)) < detector.afterpulsing]
    wait = 1e3 * detector.afterpulse_time * generator.standard_exponential(len(parents))
    after = parents + dead + np.rint(wait).astype(np.int64)
    after = after[after < end]
    stamps = np.concatenate([stamps, after])
    origin = np.concatenate([origin, np.full(len(after), 2, dtype=np.int8)])
    return alive(*_sorted(stamps, origin), dead)


def _sorted(stamps: Array, origin: Array) -> tuple[Array, Array]:
    order = np.argsort(stamps, kind="stable")
    return stamps[order], origin[order]


def alive(stamps: Array, origin: Array, dead: int) -> tuple[Array, Array]:
    """Those of ascending tags that are at least `dead` after the last one kept."""
    while True:
        close = np.diff(stamps, prepend=stamps[:1] - dead - 1) < dead
        # of neighbours that are too close only the first is lost for sure: its predecessor is kept
        lost = close & ~np.concatenate([[False], close[:-1]])
        if not lost.any():
            return stamps, origin
        stamps, origin = stamps[~lost], origin[~lost]
