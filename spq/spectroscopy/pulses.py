"""Micro-times of photons from the times of laser pulses.

The micro-time is the time since the last pulse before the photon. Where only every n-th pulse is stamped,
pulses in between are taken to be evenly spaced: between two stamps a distance D apart there are
n = round(D / period) periods of D / n each, so that a slow drift of the laser does no harm. Where a stamp
comes after its photon (reversed start-stop), it is period minus the time to that stamp.
"""

from __future__ import annotations

import numpy as np

from spq import checks
from spq.errors import InputError

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
    following = np.minimum(place + 1, len(pulses) - 1)
    distance = np.where(following > place, pulses[following] - pulses[place], period)
    count = np.maximum(np.rint(distance / period), 1.0)
    local = distance / count
    within = passed - np.floor(passed / local) * local
    return np.where(there, np.maximum(within, 0.0), 0.0).astype(np.uint32), there


def _to_next(times: Array, pulses: Array, period: float) -> tuple[Array, Array]:
    place = np.searchsorted(pulses, times, side="left")
    there = place < len(pulses)
    wait = pulses[np.minimum(place, len(pulses) - 1)] - times
    within = np.ceil(wait / period) * period - wait
    return np.where(there, np.maximum(within, 0.0), 0.0).astype(np.uint32), there
