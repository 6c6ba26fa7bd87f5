"""Micro-times of photons from the times of laser pulses.

The micro-time is the time since the last pulse before the photon. Where only every n-th pulse is stamped,
pulses in between are taken to be evenly spaced: between two stamps a distance D apart there are
n = round(D / period) periods of D / n each, so that a slow drift of the laser does no harm. Where a stamp
comes after its photon (reversed start-stop), it is whole periods, as long as between the stamps around the
photon, minus the time to that stamp.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.records import PhotonStream

Array = np.ndarray

PIECE = 1 << 20


def period_of(pulses: Array) -> float:
    """Period in ticks of pulses (m,) that are all stamped: their median distance.

    Raises InputError if there are fewer than two, or they are not in order.
    """
    if len(pulses) < 2:
        raise InputError(f"laser: {len(pulses)} tags: a period needs two, or laser_period")
    distances = np.diff(pulses[: 1 << 16])
    period = float(np.median(distances))
    if not period > 0 or (distances < 0).any():
        raise InputError("laser: tags must ascend")
    close = distances[np.abs(distances - period) < 0.25 * period]
    return float(close.mean())


def since_pulse(times: Array, pulses: Array, period: float, *, reverse: bool = False) -> tuple[Array, Array]:
    """Micro-times in whole ticks of photons (n,) since the pulse before, and which photons have one.

    times, pulses: int64 ticks, ascending. period: of the laser in ticks (not of its stamps).
    reverse: stamps come after their photons. Returns uint32 (n,), 0 where not known, and bool (n,).
    Raises InputError if there is no pulse, or the period is not positive.
    """
    checks.number(period, "period", "ticks", above=0.0)
    if not len(pulses):
        raise InputError("laser: there is no tag of it")
    micro = np.zeros(len(times), dtype=np.uint32)
    known = np.zeros(len(times), dtype=bool)
    for start in range(0, len(times), PIECE):
        piece = slice(start, start + PIECE)
        way = _to_next if reverse else _since_last
        micro[piece], known[piece] = way(times[piece], pulses, period)
    return micro, known


def _since_last(times: Array, pulses: Array, period: float) -> tuple[Array, Array]:
    place = np.searchsorted(pulses, times, side="right") - 1
    there = place >= 0
    place = np.maximum(place, 0)
    passed = times - pulses[place]
    local = _local(pulses, place, period)
    within = passed - np.floor(passed / local) * local
    return np.where(there, np.maximum(within, 0.0), 0.0).astype(np.uint32), there


def _to_next(times: Array, pulses: Array, period: float) -> tuple[Array, Array]:
    place = np.searchsorted(pulses, times, side="left")
    there = place < len(pulses)
    place = np.minimum(place, len(pulses) - 1)
    wait = pulses[place] - times
    local = _local(pulses, place - 1, period)
    within = np.ceil(wait / local) * local - wait
    return np.where(there, np.maximum(within, 0.0), 0.0).astype(np.uint32), there


def _local(pulses: Array, place: Array, period: float) -> Array:
    """Period between stamp `place` and the next, beyond the first and the last stamp as next to them."""
    if len(pulses) < 2:
        return np.full(len(place), period)
    place = np.clip(place, 0, len(pulses) - 2)
    distance = pulses[place + 1] - pulses[place]
    count = np.maximum(np.rint(distance / period), 1.0)
    return np.where(distance > 0, distance / count, period)


def micro_times(
    stamps: Array,
    laser: Array,
    unit: float,
    *,
    laser_period: float | None = None,
    reverse: bool = False,
    width: float | None = None,
) -> tuple[dict[str, Any], Array]:
    """Fields of a PhotonStream that describe micro-times, and which photons (n,) have one.

    stamps, laser: int64 ticks of `unit` ns, ascending. laser_period: ns, None: every pulse is stamped.
    reverse: stamps come after their photons. width: bin in ns, None: one tick. Raises InputError as
    `since_pulse`, and if no photon has a pulse.
    """
    width = unit if width is None else width
    period = period_of(laser) if laser_period is None else laser_period / unit
    micro, known = since_pulse(stamps, laser, period, reverse=reverse)
    if not known.any():
        raise InputError(f"laser: no photon came {'before' if reverse else 'after'} a pulse of it")
    micro = in_bins(micro, unit, width)
    return timing_of(period * unit, width, int(micro.max(initial=0)) + 1, micro), known


def in_bins(micro: Array, unit: float, width: float) -> Array:
    """Micro-times in ticks of `unit` ns as bins of a width in ns."""
    return np.floor(micro * (unit / width)).astype(np.uint32) if width > unit else micro


def timing_of(period: float, width: float, least: int, micro: Array) -> dict[str, Any]:
    """Fields of a PhotonStream, of a period and a width in ns; least: number of bins that are used."""
    bins = max(int(np.ceil(period / width * (1.0 - 1e-12))), least)
    kind = np.uint16 if bins <= 1 << 16 else np.uint32
    found = {"nanotimes": micro.astype(kind), "nanotime_unit": width, "laser_period": period}
    return {**found, "nanotime_bins": bins}


def with_micro_times(
    photons: PhotonStream,
    laser_marker: int | str,
    *,
    laser_period: float | None = None,
    reverse: bool = False,
    width: float | None = None,
) -> PhotonStream:
    """Photons with micro-times from the laser's marker; those without a pulse are left out, and counted.

    laser_marker: name of the `photons`' marker that holds pulses. laser_period: ns, None: every pulse is
    stamped. reverse: stamps come after their photons. width: bin in ns, None: one tick. `about` says
    photons_without_pulse. Raises InputError if there is no such marker, there are too few of them, or no
    photon has a pulse.
    """
    if laser_marker not in photons.markers:
        there = ", ".join(repr(name) for name in photons.markers) or "none"
        raise InputError(f"photons: have no marker {laser_marker!r} of the laser (there are: {there})")
    laser = photons.markers[laser_marker]
    timing, known = micro_times(
        photons.timestamps,
        laser,
        photons.timestamp_unit,
        laser_period=laser_period,
        reverse=reverse,
        width=width,
    )
    detectors = np.asarray(photons.detectors)[known]
    timing["nanotimes"] = timing["nanotimes"][known]
    about = {**photons.about, "photons_without_pulse": int(len(known) - np.count_nonzero(known))}
    return replace(photons, timestamps=photons.timestamps[known], detectors=detectors, about=about, **timing)
