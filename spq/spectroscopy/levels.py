"""Change points of a track that also diffuses, and its shift at a change, by a filter for a random walk.

Between jumps the energy x_t walks, x_t = x_{t-1} + w_t with variance q (an Ornstein-Uhlenbeck process at
times short against its correlation time), and is seen as y_t = x_t + v_t, r_t the variance of v_t. The filter
of R. E. Kalman, J. Basic Eng. 82, 35 (1960) gives the steps ν_t that are not foreseen, with variances S_t.
Change points make Σ ν²/2S over all stretches plus a price for each change least, exactly, by dynamic
programming: B. Jackson et al., IEEE Signal Process. Lett. 12, 105 (2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

PRICE = 8.0
"""Log-likelihood that a change must bring: a jump of 4 standard errors."""
ROUNDS = 4
MEMORY = 60
"""Frames on each side that a shift is taken from at most."""


@dataclass(frozen=True, eq=False)
class Levels:
    """A track in stretches.

    frames: (k,) that are determined. values, variances: (k,) in meV and meV². walk: variance q per frame.
    changes: (c,) places in `frames` at which a new stretch begins.
    """

    frames: Array
    values: Array
    variances: Array
    walk: float
    changes: Array


def find_levels(values: Array, errors: Array) -> Levels:
    """Stretches of a track (frames,) in meV with its errors, NaN where not determined."""
    frames = np.flatnonzero(np.isfinite(values) & np.isfinite(errors))
    y, r = values[frames], errors[frames] ** 2
    found = Levels(frames, y, r, 0.0, np.empty(0, dtype=np.int64))
    if len(frames) < 3:
        return found
    middle = np.median(np.abs(np.diff(y) / np.sqrt(np.diff(frames))))
    walk = max(float((1.4826 * middle) ** 2 - 2.0 * np.median(r)), 0.02 * float(np.median(r)))
    for _ in range(ROUNDS):
        found = Levels(frames, y, r, walk, _changes(frames, y, r, walk))
        old, walk = walk, _walk(found)
        if abs(walk - old) < 0.02 * old:
            break
    return Levels(frames, y, r, walk, _changes(frames, y, r, walk))


def _changes(frames: Array, y: Array, r: Array, walk: float) -> Array:
    """Places of the changes of least cost."""
    number = len(y)
    gaps = np.diff(frames, prepend=frames[0])
    best = np.full(number + 1, np.inf)
    best[0] = -PRICE
    back = np.zeros(number + 1, dtype=np.int64)
    mean, variance, cost = np.zeros(number), np.zeros(number), np.zeros(number)
    for now in range(number):
        variance[:now] += walk * gaps[now]
        total = variance[:now] + r[now]
        apart = y[now] - mean[:now]
        cost[:now] += 0.5 * apart**2 / total
        gain = variance[:now] / total
        mean[:now] += gain * apart
        variance[:now] *= 1.0 - gain
        mean[now], variance[now] = y[now], r[now]
        trials = best[: now + 1] + cost[: now + 1] + PRICE
        back[now + 1] = trials.argmin()
        best[now + 1] = trials.min()
    found, place = [], number
    while place > 0:
        place = int(back[place])
        found.append(place)
    return np.array(sorted(found)[1:], dtype=np.int64)


def _walk(levels: Levels) -> float:
    """The variance of a step of greatest likelihood, the stretches given; of all trials at once."""
    trials = float(np.median(levels.variances)) * np.geomspace(1e-3, 1e3, 61)
    begins = {0, *levels.changes.tolist()}
    cost, mean, variance = np.zeros((3, len(trials)))
    for now, (frame, y, r) in enumerate(zip(levels.frames, levels.values, levels.variances, strict=True)):
        if now in begins:
            mean, variance = np.full(len(trials), y), np.full(len(trials), r)
            continue
        variance = variance + trials * (frame - levels.frames[now - 1])
        total = variance + r
        cost += 0.5 * (y - mean) ** 2 / total + 0.5 * np.log(total)
        mean = mean + variance / total * (y - mean)
        variance = variance * r / total
    return float(trials[int(np.argmin(cost))])


def level_beside(levels: Levels, first: int, last: int, forward: bool) -> tuple[float, float]:
    """Level and variance at the end of a stretch from its places first..last: the last, or the first.

    forward: at the last place, from those before it; else at the first, from those after it.
    """
    places = np.arange(first, last + 1)[-MEMORY:] if forward else np.arange(first, last + 1)[:MEMORY][::-1]
    mean, variance = float(levels.values[places[0]]), float(levels.variances[places[0]])
    for old, now in zip(places[:-1], places[1:], strict=True):
        variance += levels.walk * abs(int(levels.frames[now] - levels.frames[old]))
        gain = variance / (variance + levels.variances[now])
        mean += gain * (levels.values[now] - mean)
        variance *= 1.0 - gain
    return mean, variance


def shift_between(levels: Levels, first: int, before: int, after: int, last: int) -> tuple[float, float]:
    """Shift and its standard error in meV from the stretch first..before to after..last (places)."""
    old, of_old = level_beside(levels, first, before, True)
    new, of_new = level_beside(levels, after, last, False)
    steps = int(levels.frames[after] - levels.frames[before])
    return new - old, float(np.sqrt(of_old + of_new + levels.walk * steps))
