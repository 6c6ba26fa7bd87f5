"""Photons joined to camera frames and angles of the wave plate, by the markers among the photons.

A photon at t belongs to frame k if s_k <= t < s_k + T, s_k the begin of the exposure in the clock of the
photons and T its length there, so that it belongs to one frame or, in the dead time between, to none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError, SpqError
from spq.spectroscopy.markers import Matched, match_markers
from spq.spectroscopy.pulses import with_micro_times
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream

Array = np.ndarray


def join(
    photons: PhotonStream,
    frames: FrameSeries,
    *,
    frame_marker: int | str = "frame",
    plate_marker: int | str | None = "plate",
    exposure: float | None = None,
    start_angle: float = 0.0,
    step: float = 5.0,
    move: float = 3e8,
    irf: Array | None = None,
    laser_marker: int | str | None = None,
    laser_period: float | None = None,
    reverse: bool = False,
) -> Measurement:
    """Join photons and frames.

    Parameters
    ----------
    photons : PhotonStream
        With a marker at the begin of every exposure.
    frames : FrameSeries
        `starts`, if it has them, are times in the camera's own clock.
    frame_marker, plate_marker : int or str
        Names of the markers: begin of an exposure, begin of a move of the wave plate; None: no plate.
    exposure : float or None
        Length of an exposure in ns, if the frames do not say it.
    start_angle, step, move : float
        Of the wave plate: degrees at the begin, degrees per move, ns that a move takes.
    irf : float (bins,) or None
        Measured response, kept with the measurement.
    laser_marker, laser_period, reverse : int or str, float, bool
        Name of the laser's marker, from which micro-times are made for photons that have none; ns between
        pulses, needed where not every one is stamped; whether a stamp follows its photon.

    Returns
    -------
    Measurement
        Frames with starts in the photons' clock and angles, NaN where the plate moved; frames that bring
        angles keep them. `about`: missing and extra markers, drift_ppm of the clocks with its error,
        jitter_ns of the tags, photons in exposures, between, before and after, and, left out, without pulse.

    Raises
    ------
    InputError
        If a marker is not there, exposures overlap or have no length, or which marker belongs to which
        frame is open.
    """
    brought = len(photons.timestamps)
    if laser_marker is not None and photons.nanotimes is None:
        photons = with_micro_times(photons, laser_marker, laser_period=laser_period, reverse=reverse)
    frames, matched, starts, ticks = placed_frames(
        photons, frames, frame_marker, plate_marker, exposure, start_angle, step, move
    )
    of_photon, tally = frames_of(photons.timestamps, starts, ticks)
    if brought > len(of_photon):
        tally["photons_without_pulse"] = brought - len(of_photon)
    return Measurement(photons, frames, of_photon, irf, about_join(matched) | tally)


def placed_frames(
    photons: PhotonStream,
    frames: FrameSeries,
    frame_marker: int | str,
    plate_marker: int | str | None,
    exposure: float | None,
    start_angle: float,
    step: float,
    move: float,
) -> tuple[FrameSeries, Matched, Array, int]:
    """Frames in the clock of the photons, by markers alone: arguments and errors as of `join`.

    Also what was matched, and starts (frames,) and length of the exposures in ticks.
    """
    if frame_marker not in photons.markers:
        there = ", ".join(repr(name) for name in photons.markers) or "none"
        raise InputError(f"photons: have no marker {frame_marker!r} of exposures (there are: {there})")
    number = len(frames.counts)
    unit = photons.timestamp_unit
    matched = match_markers(photons.markers[frame_marker] * unit, frames.starts, number)
    length = frames.exposure if exposure is None else exposure
    if length is None:
        raise InputError("exposure: needed, for the frames do not say how long they are")
    length = checks.number(length, "exposure", "ns", above=0.0) * matched.rate
    starts = np.rint(matched.starts / unit).astype(np.int64)
    ticks = max(round(length / unit), 1)
    if number > 1 and (np.diff(starts) < 0.9 * ticks).any():
        raise InputError(f"exposure = {length:.10g} ns: is longer than the time between two exposures")
    angles = frames.angles
    if angles is None and plate_marker is not None and plate_marker in photons.markers:
        moves = photons.markers[plate_marker] * unit
        angles = _angles(matched.starts, length, moves, start_angle, step, move)
    placed = replace(frames, starts=starts * unit, exposure=ticks * unit, angles=angles)
    return placed, matched, starts, ticks


def frames_of(times: Array, starts: Array, length: int) -> tuple[Array, dict[str, int]]:
    """Frame of each photon, -1 for none, and how many are where; all in ticks."""
    bounds = np.searchsorted(times, np.stack([starts, starts + length]))
    begins, ends = bounds[0], np.maximum(bounds[1], bounds[0])
    ends[:-1] = np.minimum(ends[:-1], begins[1:])  # a tag that came early ends the exposure before
    of_photon = np.full(len(times), -1, dtype=np.int32)
    for frame, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        of_photon[begin:end] = frame
    inside = int((ends - begins).sum())
    before, after = int(begins[0]), len(times) - int(ends[-1])
    between = int((begins[1:] - ends[:-1]).sum())
    if inside + before + after + between != len(times) or inside != int((of_photon >= 0).sum()):
        raise SpqError(f"join: {inside} photons in exposures, {between} between them, of {len(times)}")
    tally = {"in_exposures": inside, "between": between, "before": before, "after": after}
    return of_photon, {f"photons_{name}": count for name, count in tally.items()}


def _angles(starts: Array, length: float, moves: Array, first: float, step: float, move: float) -> Array:
    """Angle (frames,) of the plate in degrees; NaN where it moved during the exposure."""
    done = np.searchsorted(moves, starts, side="right")
    begun = np.searchsorted(moves, starts + length, side="left")
    last = moves[np.maximum(done - 1, 0)] if len(moves) else np.zeros(len(starts))
    moving = (begun > done) | ((done > 0) & (last + move > starts))
    return np.where(moving, np.nan, first + step * done)


def about_join(matched: Matched) -> dict[str, Any]:
    """What was found, as plain numbers and lists; what is not determined is left out."""
    found: dict[str, Any] = {
        "markers_missing": [int(each) for each in matched.missing],
        "markers_extra": [int(each) for each in matched.extra],
    }
    drift = {
        "drift_ppm": 1e6 * (matched.rate - 1.0),
        "drift_error_ppm": 1e6 * matched.rate_error,
        "jitter_ns": matched.jitter,
    }
    return found | {name: float(each) for name, each in drift.items() if np.isfinite(each)}
