"""What each state of a particle is like: rate, decay, polarisation, from the photons and frames in it.

A state is a set of camera frames; its photons are those that came in their exposures. Micro-times are counted
in bins that are narrow after the laser pulse, where the decay is fast, and as wide as a tenth of the time
since the pulse later on: nothing of an exponential is lost by that, and a fit takes a tenth of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.decays import DecayFit, fit_decay
from spq.spectroscopy.effective import EffectiveLifetimes, effective_lifetimes
from spq.spectroscopy.histograms import MicroTimes
from spq.spectroscopy.polarised import Polarisation, fit_polarisation
from spq.spectroscopy.records import FrameSeries, Measurement
from spq.spectroscopy.responses import Response
from spq.spectroscopy.tallies import Tally, frame_counts, grouped_micro_times, micro_times

Array = np.ndarray

NARROW, SOON, GROWTH = 0.1, 10.0, 1.08
"""ns of a narrow bin, ns after the pulse up to which they go, and how much wider each further bin is."""
FEWEST = 100
"""Photons that a decay must have to be fitted."""
FLOOR, COUNTED = 2e-3, 1e-4
"""Height of a measured response, relative to its peak, below which it is taken for its background; the second
where it is in counts, for its tail matters: 0.8 % of it cut off is 1 % of a lifetime of 1.5 ns."""
ABOVE = 5.0
"""Standard deviations of the background that a response in counts must be above it."""


@dataclass(frozen=True, eq=False)
class Rates:
    """Photons of the counter in every frame and in every state.

    Attributes
    ----------
    counts : int64 (frames,)
    rates, errors : float (frames,)
        Photons per s of exposure, n/T and √n/T.
    state_rates, state_errors, state_spread : float (states,)
        Mean of each state, its standard error, and the standard deviation from frame to frame; NaN without
        frames.
    """

    counts: Array
    rates: Array
    errors: Array
    state_rates: Array
    state_errors: Array
    state_spread: Array


def rates_of(measurement: Measurement | Tally, states: Array, number: int) -> Rates:
    """Photons per s of every frame and of every state, states (frames,) from 0, -1: none."""
    counts = frame_counts(measurement)
    exposure = 1e-9 * float(measurement.frames.exposure or np.nan)
    found = np.full((3, number), np.nan)
    for state in range(number):
        of = counts[states == state]
        if len(of):
            found[0, state] = of.mean() / exposure
            found[1, state] = np.sqrt(max(of.sum(), 1)) / len(of) / exposure
            found[2, state] = of.std() / exposure
    return Rates(counts, counts / exposure, np.sqrt(counts) / exposure, *found)


def decay_edges(measurement: Measurement | Tally) -> Array:
    """Edges (bins + 1,) in ns for the decays of a measurement, narrow from the pulse on.

    The pulse is where the micro-times of all photons rise most. Raises InputError without micro-times.
    """
    stream = measurement.photons
    whole = micro_times(measurement)
    unit = float(stream.nanotime_unit or 0.0)
    counts, last = whole.counts, whole.edges_ns[-1]
    if stream.laser_period is not None:
        last = min(last, stream.laser_period)
    pulse = unit * int(np.argmax(counts))
    late = pulse + SOON * GROWTH ** np.arange(1, 1 + max(1, int(np.log(max(last, 1.0)) / np.log(GROWTH))))
    edges = np.concatenate([np.arange(0.0, min(pulse + SOON, last), NARROW), late[late < last], [last]])
    steps = np.unique(np.rint(edges / unit).astype(np.int64))
    return steps[steps <= round(last / unit)] * unit


def response_of(measurement: Measurement | Tally) -> Response | None:
    """The measured response of a measurement without its background, on the clock of the micro-times."""
    irf, unit = measurement.irf, measurement.photons.nanotime_unit
    if irf is None or unit is None:
        return None
    irf = np.asarray(irf, dtype=float)
    if not np.all(np.isfinite(irf)) or not np.any(irf > 0):
        raise InputError("measurement.irf: must be finite and not all zero")
    floor = FLOOR * irf.max()
    if np.all(irf == np.floor(irf)) and np.all(irf >= 0):
        background = float(np.median(irf))
        irf = irf - background
        floor = max(COUNTED * irf.max(), min(ABOVE * np.sqrt(background + 1.0), 0.5 * irf.max()))
    lit = np.flatnonzero(irf > floor)
    first, last = int(lit[0]), int(lit[-1]) + 1
    counts = np.maximum(irf[first:last], 0.0)
    return Response(counts=counts, edges_ns=unit * np.arange(first, last + 1))


def state_decays(
    measurement: Measurement | Tally, states: Array, number: int, edges: Array
) -> tuple[MicroTimes, tuple[DecayFit | None, ...]]:
    """Micro-times (states, bins) of every state and their fits; None where there are too few photons.

    states: int (frames,) from 0, -1: none. edges: ns, as `decay_edges` gives them. Raises InputError if
    the stream has no micro-times or its laser period is not known.
    """
    photons = measurement.photons
    if photons.laser_period is None:
        raise InputError("photons.laser_period: needed for decays")
    times = grouped_micro_times(measurement, states, number, edges)
    irf = response_of(measurement)
    fits = tuple(
        fit_decay(row, times.edges_ns, photons.laser_period, irf) if row.sum() >= FEWEST else None
        for row in times.counts
    )
    return times, fits


def frame_lifetimes(
    measurement: Measurement | Tally, edges: Array, whole: DecayFit | None
) -> EffectiveLifetimes | None:
    """The effective lifetime of every frame, as for a lifetime-intensity distribution.

    whole: the fit of all photons, which gives shift and background; None: there is none, and no lifetime.
    Without a measured response the pulse is taken as that of the fit. Raises InputError.
    """
    photons, frames = measurement.photons, measurement.frames
    if whole is None or photons.laser_period is None:
        return None
    number = len(frames.counts)
    counts = grouped_micro_times(measurement, np.arange(number), number, edges).counts
    irf, shift = response_of(measurement), whole.shift
    if irf is None:
        irf, shift = Response(sigma_ns=NARROW / 2.0, centre_ns=whole.shift), 0.0
    # a constant background within the bins of all photons, as one per ns of measurement
    live = len(frames.counts) * float(frames.exposure or np.nan)
    background = whole.background * (edges[-1] - edges[0]) / live
    durations = np.full(len(counts), float(frames.exposure or np.nan))
    return effective_lifetimes(counts, edges, photons.laser_period, irf, background, durations, shift)


def light_by_angle(frames: FrameSeries, states: Array, number: int) -> tuple[Array, Array] | None:
    """Angles (m,) of the wave plate in degrees, and photons (states, 2, m) of V and H there.

    None where there are not two strips, or no angles. Masked pixels are left out of both strips. Frames of
    one angle are added, for a single one may have less than nothing once the camera's offset is taken out.
    """
    if len(frames.strips) != 2 or frames.angles is None or not np.isfinite(frames.angles).any():
        return None
    masked = np.isnan(frames.counts).any(axis=1)
    light = np.where(masked[:, None], 0.0, frames.counts).sum(axis=2)
    angles = np.unique(frames.angles[np.isfinite(frames.angles)])
    place = np.searchsorted(angles, frames.angles)
    sums = np.zeros((number, 2, len(angles)))
    for state in range(number):
        of = (states == state) & np.isfinite(frames.angles)
        for strip in (0, 1):
            sums[state, strip] = np.bincount(place[of], light[of, strip], len(angles))
    return angles, sums


def state_polarisation(angles: Array, light: Array, excess: float) -> tuple[Polarisation | None, ...]:
    """Polarisation of all light of each state, as `light_by_angle` gives it; None without light in both."""
    found: list[Polarisation | None] = []
    for vertical, horizontal in light:
        good = (vertical > 0) & (horizontal > 0)
        fit = fit_polarisation(vertical[good], horizontal[good], angles[good], excess) if good.any() else None
        found.append(fit)
    return tuple(found)
