"""Photons counted by frame and micro-time, all that most of an analysis needs of them.

n_kj is the number of photons in frame k and bin j of the hardware, k = frames for those between exposures.
Gates, decays of states and effective lifetimes are sums over it, so that they are the same, photon by photon,
as with all photons in memory. A file of any length is counted piece by piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError, SpqError
from spq.spectroscopy.histograms import MicroTimes, histogram, limits_of
from spq.spectroscopy.joining import about_join, frames_of, placed_frames
from spq.spectroscopy.photonpieces import PhotonPieces
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream

Array = np.ndarray

MOST = 1 << 28
"""Entries of the table, of 4 bytes each."""


@dataclass(frozen=True, eq=False)
class Tally:
    """A measurement whose photons are counted and no longer kept.

    Attributes
    ----------
    photons : PhotonStream
        Without photons: units, laser and markers.
    frames : FrameSeries
        With starts and exposure in the clock of the photons.
    table : uint32 (frames + 1, bins + 1)
        Photons by frame (the last: between exposures) and bin of micro-time (the last: beyond all bins; the
        only one if there are no micro-times).
    irf : float (bins,) or None
        Measured response, in the hardware's bins.
    about : mapping
        As `join` gives it.
    """

    photons: PhotonStream
    frames: FrameSeries
    table: Array
    irf: Array | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def tally(
    photons: PhotonPieces | PhotonStream,
    frames: FrameSeries,
    *,
    frame_marker: int | str = "frame",
    plate_marker: int | str | None = "plate",
    exposure: float | None = None,
    start_angle: float = 0.0,
    step: float = 5.0,
    move: float = 3e8,
    irf: Array | None = None,
    bins: int = 1,
) -> Tally:
    """Join photons and frames like `join`, but count the photons instead of keeping them.

    Parameters
    ----------
    photons : PhotonPieces or PhotonStream
        `stream` of a file, read once, or photons at hand.
    bins : int
        How many of the hardware's bins of micro-time are joined to one; the table of counts must have fewer
        than 2.7e8 entries.
    frames, frame_marker, plate_marker, exposure (ns), start_angle (degrees), step, move, irf
        As of `join`; irf (bins,) is in the hardware's bins, which must not be joined with it.

    Returns
    -------
    Tally
        `analyse` takes it like a measurement.

    Raises
    ------
    InputError
        Like `join`, if the table is too large, or reading fails.
    SpqError
        If not every photon was counted: an error of the program.
    """
    head = photons.head if isinstance(photons, PhotonPieces) else _emptied(photons)
    checks.integer(bins, "bins", minimum=1)
    if irf is not None and bins > 1:
        raise InputError("bins: must be 1 with a measured response")
    frames, matched, starts, ticks = placed_frames(
        head, frames, frame_marker, plate_marker, exposure, start_angle, step, move
    )
    width = 1
    if head.nanotime_unit is not None:
        joined = -(-int(limits_of(head, None)[-1]) // bins)
        head = replace(head, nanotime_unit=head.nanotime_unit * bins, nanotime_bins=joined)
        width = joined + 1
    rows = len(starts) + 1
    if rows * width > MOST:
        raise InputError(f"bins = {bins}: {rows} frames of {width} bins are too many: join more bins to one")
    table = np.zeros((rows, width), dtype=np.uint32)
    total: dict[str, int] = {}
    read = 0
    for piece in [photons] if isinstance(photons, PhotonStream) else photons:
        of_photon, counted = frames_of(piece.timestamps, starts, ticks)
        _count(table, of_photon, piece.nanotimes, bins)
        total = {name: total.get(name, 0) + count for name, count in counted.items()}
        read += len(of_photon)
    if not read:
        raise InputError("photons: there are none")
    if int(table.sum(dtype=np.int64)) != read:
        raise SpqError(f"tally: {int(table.sum(dtype=np.int64))} photons counted, of {read}")
    return Tally(head, frames, table, irf, about_join(matched) | total)


def _emptied(photons: PhotonStream) -> PhotonStream:
    """The stream without its photons; the number of its bins is kept."""
    bins = None if photons.nanotimes is None else int(limits_of(photons, None)[-1])
    empty = {
        name: each[:0]
        for name in ("timestamps", "detectors", "nanotimes")
        if (each := getattr(photons, name)) is not None
    }
    return replace(photons, nanotime_bins=bins, **empty)


def _count(table: Array, of_photon: Array, nanotimes: Array | None, bins: int) -> None:
    """Add photons to the table; frames ascend, so that a piece touches few of its rows."""
    width = table.shape[1]
    inside = of_photon >= 0
    if nanotimes is None:
        micro = np.zeros(len(of_photon), dtype=np.int64)
    else:
        micro = np.minimum(nanotimes.astype(np.int64) // bins, width - 1)
    table[-1] += np.bincount(micro[~inside], minlength=width).astype(np.uint32)
    rows = of_photon[inside]
    if not len(rows):
        return
    first, last = int(rows[0]), int(rows[-1]) + 1
    places = (rows - first) * np.int64(width) + micro[inside]
    counts = np.bincount(places, minlength=(last - first) * width)
    table[first:last] += counts.reshape(-1, width).astype(np.uint32)


def has_micro_times(measured: Measurement | Tally) -> bool:
    """Whether there are photons with micro-times."""
    if measured.photons.nanotimes is None:
        return False
    return isinstance(measured, Tally) or len(measured.photons.timestamps) > 0


def frame_counts(measured: Measurement | Tally) -> Array:
    """Photons (frames,) of the counter in each frame."""
    if isinstance(measured, Tally):
        return measured.table[:-1].sum(axis=1, dtype=np.int64)
    inside = measured.frame_of_photon[measured.frame_of_photon >= 0]
    return np.bincount(inside, minlength=len(measured.frames.counts))


def micro_times(measured: Measurement | Tally, bins: int | Array | None = None) -> MicroTimes:
    """Micro-times of all photons, also between exposures; bins as of `histogram`. Raises InputError."""
    if isinstance(measured, Measurement):
        return histogram(measured.photons, bins=bins)
    return _summed(measured, np.zeros(len(measured.table), dtype=np.int64), 1, bins, alone=True)


def grouped_micro_times(
    measured: Measurement | Tally, groups: Array, number: int, bins: int | Array | None = None
) -> MicroTimes:
    """Micro-times (number, bins) of groups of frames; groups: int (frames,) from 0, -1: none.

    bins as of `histogram`. Raises InputError.
    """
    groups = np.append(groups, -1)
    if isinstance(measured, Tally):
        return _summed(measured, groups, number, bins)
    of_photon = groups.astype(np.int32)[measured.frame_of_photon]  # -1, between exposures, is the last
    times = histogram(measured.photons, bins=bins, group=of_photon)
    counts = np.zeros((number, len(times.edges_ns) - 1), dtype=np.int64)
    counts[: len(times.counts)] = times.counts[:number]
    return replace(times, counts=counts)


def _summed(
    measured: Tally, groups: Array, number: int, bins: int | Array | None, alone: bool = False
) -> MicroTimes:
    """Sums of rows of the table by groups, in bins."""
    head = measured.photons
    if head.nanotimes is None or head.nanotime_unit is None:
        raise InputError("photons: have no micro-times, so no histogram of them")
    limits = limits_of(head, bins)
    rows = np.flatnonzero(groups >= 0)
    steps = np.zeros((number, len(limits) - 1), dtype=np.int64)
    outside = 0
    for row in rows:  # one by one: the table may be large
        whole = measured.table[row]
        below = np.concatenate([[0], np.cumsum(whole, dtype=np.int64)])
        inside = np.diff(below[limits])
        steps[groups[row]] += inside
        outside += int(below[-1] - inside.sum())
    counts = steps[0] if alone else steps
    return MicroTimes(counts, limits * float(head.nanotime_unit), outside, head.laser_period)
