"""Micro-times of photons as histograms: of all of them, of those of a mask, or one for each of many groups.

Photons are counted in pieces, so that the memory needed beyond the photons themselves does not grow with
their number. Every photon that was asked for is either in a bin or told as outside; the sum is checked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError, SpqError
from spq.spectroscopy.records import PhotonStream

Array = np.ndarray

PIECE = 1 << 20


@dataclass(frozen=True, eq=False)
class MicroTimes:
    """Micro-times of photons in bins.

    Attributes
    ----------
    counts : int64 (bins,) or (groups, bins)
    edges_ns : float (bins + 1,)
        Since the laser pulse, in ns.
    outside : int
        Photons that were asked for and lie in no bin.
    period_ns : float or None
        Time between two laser pulses, where the stream knows it.
    """

    counts: Array
    edges_ns: Array
    outside: int
    period_ns: float | None


def histogram(
    stream: PhotonStream,
    which: Array | None = None,
    bins: int | Array | None = None,
    group: Array | None = None,
) -> MicroTimes:
    """Count the micro-times of photons in bins.

    Parameters
    ----------
    stream : PhotonStream
        With micro-times.
    which : bool (n,) or None
        The photons to count; None: all.
    bins : int, float (bins + 1,) or None
        How many of the hardware's bins are joined to one (photons of a rest at the end are outside);
        or edges in ns, rounded to those of the hardware; None: the hardware's own.
    group : int (n,) or None
        Group (segment, cluster, frame) of each photon from 0, -1: none. Gives counts (groups, bins).

    Returns
    -------
    MicroTimes

    Raises
    ------
    InputError
        If the stream has no micro-times, or a mask, the bins or the groups do not fit it.
    SpqError
        If not every photon was counted, inside or outside: an error of the program.
    """
    nanotimes = stream.nanotimes
    if nanotimes is None or stream.nanotime_unit is None:
        raise InputError("stream: has no micro-times, so no histogram of them")
    number = len(nanotimes)
    which = _fitting(which, "which", number, "b")
    group = _fitting(group, "group", number, "iu")
    limits = limits_of(stream, bins)
    groups = 1 if group is None else max(int(group.max(initial=-1)) + 1, 1)
    slots = len(limits) - 1
    table = np.full(int(limits[-1]) + 2, slots, dtype=np.intp)  # bin of every micro-time; the last: outside
    table[: limits[-1]] = np.searchsorted(limits, np.arange(limits[-1]), side="right") - 1
    table[: limits[0]] = slots
    counts = np.zeros(groups * (slots + 1), dtype=np.int64)
    asked = 0
    for first in range(0, number, PIECE):
        piece = slice(first, first + PIECE)
        at = table[np.minimum(nanotimes[piece], len(table) - 1).astype(np.intp)]
        keep = None if which is None else which[piece]
        if group is not None:
            at = at + group[piece].astype(np.intp) * (slots + 1)
            keep = group[piece] >= 0 if keep is None else keep & (group[piece] >= 0)
        at = at if keep is None else at[keep]
        asked += len(at)
        counts += np.bincount(at, minlength=len(counts))
    by_group = counts.reshape(groups, slots + 1)
    outside = int(by_group[:, -1].sum())
    inside = np.ascontiguousarray(by_group[:, :-1])
    if int(inside.sum()) + outside != asked:
        raise SpqError(f"histogram: {int(inside.sum())} photons in bins, {outside} outside, of {asked}")
    edges = limits * float(stream.nanotime_unit)
    return MicroTimes(inside[0] if group is None else inside, edges, outside, stream.laser_period)


def _fitting(given: Array | None, where: str, number: int, kinds: str) -> Array | None:
    """An array (n,) of one entry per photon; raises InputError."""
    if given is None:
        return None
    found = np.asarray(given)
    if found.shape != (number,) or found.dtype.kind not in kinds:
        wanted = "bool" if kinds == "b" else "whole numbers"
        raise InputError(
            f"{where}: {found.dtype} of shape {found.shape}: must be {wanted} ({number},), one per photon"
        )
    if kinds != "b" and len(found) and found.min() < -1:
        raise InputError(f"{where}: {found.min()}: must be >= -1")
    return found


def limits_of(stream: PhotonStream, bins: int | Array | None) -> Array:
    """Edges (bins + 1,) in the hardware's bins; raises InputError."""
    nanotimes, unit = stream.nanotimes, stream.nanotime_unit
    assert nanotimes is not None and unit is not None
    whole = stream.nanotime_bins
    if whole is None:
        whole = int(nanotimes.max(initial=0)) + 1
        if stream.laser_period is not None:
            whole = max(whole, round(stream.laser_period / unit))
    if bins is None or np.ndim(bins) == 0:
        size = 1 if bins is None else checks.integer(bins, "bins", minimum=1)
        if size > whole:
            raise InputError(f"bins = {size}: must be at most the {whole} bins of the hardware")
        return np.arange(0, whole + 1, size)
    edges = np.asarray(bins, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.isfinite(edges)):
        raise InputError(f"bins: shape {edges.shape}: must be at least two finite edges in ns")
    limits = np.rint(edges / unit).astype(np.int64)
    if limits[0] < 0 or not np.all(np.diff(limits) > 0):
        raise InputError(f"bins: must be >= 0 and ascend by at least one bin of the hardware, {unit:g} ns")
    if limits[-1] > whole:
        raise InputError(f"bins: end at {edges[-1]:g} ns: must be at most {whole * unit:g} ns")
    return limits
