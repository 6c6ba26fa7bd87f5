"""Where the rate of photons changes, photon by photon, and the segments of constant rate between.

Every stretch is tested for one change by the generalised likelihood ratio of its arrival times
(`changestatistic`); where it is significant the stretch is parted and both parts are tested again. A stretch
without a change that is longer than a window is tested in windows too, since many changes up and down hide
one another. At the end every change is tested once more between its neighbours, moved or dropped:
L. P. Watkins, H. Yang, J. Phys. Chem. B 109, 617 (2005).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.changestatistic import critical, likelihood_ratio, statistic
from spq.spectroscopy.records import PhotonStream

Array = np.ndarray

WINDOW = 2000
"""Photons of a window; windows overlap by half."""
ROWS = 256
"""Windows that are tested at once."""
PASSES = 10


@dataclass(frozen=True, eq=False)
class Segments:
    """Stretches of constant rate, without gaps: each change is at the last photon of its stretch.

    Attributes
    ----------
    starts, ends : float (m,)
        In ns since the start of the measurement.
    durations : float (m,)
        In ns, without intervals in which tags were lost.
    counts : int64 (m,)
        Photons; their sum is the number of photons that were looked at.
    rates, rate_errors : float (m,)
        Photons per ns: n/T and √n/T; NaN where all tags were lost.
    regions : float (m - 1, 2)
        First and last time in ns at which each change may lie, with the confidence asked for.
    ratios : float (m - 1,)
        Likelihood ratio L (twice the logarithm) of each change.
    alpha : float
        Chance of a change found in a stretch of constant rate.
    """

    starts: Array
    ends: Array
    durations: Array
    counts: Array
    rates: Array
    rate_errors: Array
    regions: Array
    ratios: Array
    alpha: float

    @property
    def of_photon(self) -> Array:
        """Segment (n,) of each photon that was looked at, in their order."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def find_segments(
    stream: PhotonStream, which: Array | None = None, alpha: float = 0.05, confidence: float = 0.69
) -> Segments:
    """Find the changes of the rate of photons.

    Parameters
    ----------
    stream : PhotonStream
    which : bool (n,) or None
        The photons to look at (a detector, a time gate); None: all.
    alpha : float
        Chance to find a change in a stretch that has none, of any length.
    confidence : float
        Of the region of each change.

    Returns
    -------
    Segments

    Raises
    ------
    InputError
        If there is no photon or no time, a mask does not fit, or a chance is not between 0 and 0.5 (1).
    """
    if not 0.0 < checks.number(alpha, "alpha") <= 0.5:
        raise InputError(f"alpha = {alpha:g}: must lie between 0 and 0.5")
    if not 0.0 < checks.number(confidence, "confidence") < 1.0:
        raise InputError(f"confidence = {confidence:g}: must lie between 0 and 1")
    ticks = stream.timestamps
    if which is not None:
        mask = np.asarray(which)
        if mask.shape != ticks.shape or mask.dtype != bool:
            raise InputError(
                f"which: {mask.dtype} of shape {mask.shape}: must be bool of shape {ticks.shape}"
            )
        ticks = ticks[mask]
    if not len(ticks):
        raise InputError("stream: no photon to find changes in")
    real = ticks * stream.timestamp_unit
    end = max(float(stream.duration or 0.0), float(real[-1]))
    live = _live(stream, end)
    times, last = live(real), float(live(np.array([end]))[0])
    if not last > 0:
        raise InputError(f"stream: {last:g} ns long: must be > 0")
    changes = _checked(times, last, _found(times, last, alpha), alpha)
    regions, ratios = _regions(times, last, changes, confidence)
    bounds = np.concatenate([[0.0], real[changes], [end]])
    durations = np.diff(np.concatenate([[0.0], times[changes], [last]]))
    counts = np.diff(np.concatenate([[0], np.array(changes, dtype=np.int64) + 1, [len(ticks)]]))
    safe = np.where(durations > 0, durations, np.nan)
    return Segments(
        starts=bounds[:-1],
        ends=bounds[1:],
        durations=durations,
        counts=counts,
        rates=counts / safe,
        rate_errors=np.sqrt(np.maximum(counts, 1)) / safe,
        regions=np.interp(regions, times, real),
        ratios=ratios,
        alpha=float(alpha),
    )


def _live(stream: PhotonStream, end: float) -> Callable[[Array], Array]:
    """The function from a time in ns to the time until then in which tags were not lost."""
    knots, gone, seen = [0.0], [0.0], 0.0
    lost = stream.lost[np.argsort(stream.lost[:, 0], kind="stable")] * stream.timestamp_unit
    for first, last in lost:
        first, last = max(first, seen), min(max(last, seen), end)
        if last > first:
            knots += [first, last]
            gone += [gone[-1], gone[-1] + last - first]
            seen = last
    knots.append(end + 1.0)
    gone.append(gone[-1])
    return lambda time: time - np.interp(time, knots, gone)


def _stretch(times: Array, end: float, a: int, b: int) -> Array | None:
    """Places V (N,) of the photons between the changes at a and b (-1, n: the ends); None: too few."""
    if b - a < 3:
        return None
    first = times[a] if a >= 0 else 0.0
    last = times[b] if b < len(times) else end
    if not last > first:
        return None
    return (times[a + 1 : b] - first) / (last - first)


def _change(times: Array, end: float, a: int, b: int, alpha: float) -> int | None:
    """The photon at which the rate changes between photons a and b, if it does."""
    v = _stretch(times, end, a, b)
    if v is None:
        return None
    found = statistic(v)
    best = int(np.argmax(found))
    return a + 1 + best if found[best] > critical(len(v), alpha) else None


def _found(times: Array, end: float, alpha: float) -> list[int]:
    """Photons at which the rate changes, ascending."""
    open_, changes = [(-1, len(times))], []
    while open_:
        a, b = open_.pop()
        long = b - a - 1 > 2 * WINDOW
        at = _change(times, end, a, b, 0.5 * alpha if long else alpha)
        new = [at] if at is not None else _in_windows(times, a, b, 0.5 * alpha) if long else []
        if new:
            changes += new
            bounds = [a, *new, b]
            open_ += list(zip(bounds[:-1], bounds[1:], strict=True))
    return sorted(changes)


def _in_windows(times: Array, a: int, b: int, alpha: float) -> list[int]:
    """Photons between a and b at which the rate changes within a window, `alpha` shared among the windows."""
    begins = np.arange(a + 1, b - WINDOW - 2, WINDOW // 2)  # the photons before and after a window bound it
    if not len(begins):
        return []
    limit = critical(WINDOW, alpha / len(begins))
    found: list[int] = []
    for row in range(0, len(begins), ROWS):
        first = begins[row : row + ROWS]
        inside = times[first[:, None] + np.arange(1, WINDOW + 1)]
        low, high = times[first][:, None], times[first + WINDOW + 1][:, None]
        stat = statistic((inside - low) / np.maximum(high - low, 1e-300))
        best = np.argmax(stat, axis=1)
        passed = stat[np.arange(len(first)), best] > limit
        found += [int(each) for each in (first + 1 + best)[passed]]
    return sorted(set(found))


def _checked(times: Array, end: float, changes: list[int], alpha: float) -> list[int]:
    """Changes tested again between their neighbours: moved to where they are likeliest, or dropped."""
    for _ in range(PASSES):
        kept: list[int] = []
        for i, old in enumerate(changes):
            before = kept[-1] if kept else -1
            after = changes[i + 1] if i + 1 < len(changes) else len(times)
            at = _change(times, end, before, after, alpha) if old > before else None
            if at is not None:
                kept.append(at)
        if kept == changes:
            break
        changes = kept
    return changes


def _regions(times: Array, end: float, changes: list[int], confidence: float) -> tuple[Array, Array]:
    """Times (m, 2) in ns between which each change lies, and its likelihood ratio (m,).

    The likelihood exp(L/2) of every time between two photons, normalised, all times being alike before; as
    much is left out at either end.
    """
    regions, ratios = np.zeros((len(changes), 2)), np.zeros(len(changes))
    bounds = [-1, *changes, len(times)]
    for i, at in enumerate(changes):
        v = _stretch(times, end, bounds[i], bounds[i + 2])
        assert v is not None
        ratio = likelihood_ratio(v)
        ratios[i] = ratio[at - bounds[i] - 1]
        later = likelihood_ratio(np.append(v[1:], 1.0))  # just before the next photon
        top = max(ratio.max(), later.max())
        height = np.exp(0.5 * (ratio - top)) + np.exp(0.5 * (later - top))
        below = np.concatenate([[0.0], np.cumsum(height * np.diff(v))])
        wanted = below[-1] * np.array([0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
        regions[i] = np.interp(wanted, below, times[bounds[i] + 1 : bounds[i + 2]])
    return regions, ratios
