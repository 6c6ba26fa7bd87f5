"""Exposure markers of a tagger and the frames that a camera gave: which belongs to which.

Camera and tagger have clocks of their own: frame k began at c_k of the camera's (or k periods, if it says
none), which the tagger calls a + b c_k. Tags may be missing, and others may be too many. Offset a is the one
with which the most tags lie on frames, of equals the one with far the least scatter; a and b are then the
straight line through these pairs. Another offset that fits as well means that the pairs are not determined,
which is said and not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.errors import InputError

Array = np.ndarray

NEAR = 0.2
"""Distance of a tag from its frame, relative to the time between frames, up to which they are a pair."""
CLOSER = 0.3
"""Scatter about the line, relative to the next best, with which an offset of as many pairs is the one."""
MOST_DRIFT = 1e-3
ROUNDS = 10


@dataclass(frozen=True, eq=False)
class Matched:
    """Frames in the clock of the tagger.

    Attributes
    ----------
    starts : float (frames,)
        Begin of each exposure in ns: its tag, or the straight line where the tag is missing.
    missing : int (m,)
        Frames without a tag.
    extra : int (e,)
        Tags without a frame.
    rate : float
        Tagger's time over the camera's, b; 1 if the camera said no times.
    rate_error : float
        Its standard error; NaN with fewer than three pairs.
    jitter : float
        Standard deviation of the tags about the line in ns; NaN likewise.
    """

    starts: Array
    missing: Array
    extra: Array
    rate: float
    rate_error: float
    jitter: float


def match_markers(tags: Array, times: Array | None, number: int) -> Matched:
    """Match tags (t,), ascending in ns, with `number` frames, times (number,) ns in the camera's clock.

    times: None, if the camera says none: its frames are then taken as periodic. Raises InputError if there
    is no tag, fewer than half of the frames have one, or another assignment fits as well.
    """
    tags = np.asarray(tags, dtype=float)
    if not len(tags):
        raise InputError("photons: no marker of an exposure: photons and frames cannot be joined")
    if number == 1 or len(tags) == 1:
        if number == len(tags):
            return Matched(tags, np.empty(0, int), np.empty(0, int), 1.0, np.nan, np.nan)
        raise InputError(f"photons: {len(tags)} markers of {number} frames: which belongs to which is open")
    periodic = times is None
    period = _period(tags)
    camera = period * np.arange(number) if times is None else np.asarray(times, dtype=float)
    gap = float(np.median(np.diff(camera)))
    offset, rate = _offset(tags, camera, gap), 1.0
    pairs = np.full(number, -1)
    for _ in range(ROUNDS):
        old, pairs = pairs, _pairs(tags, offset + rate * camera, NEAR * gap)
        if np.array_equal(old, pairs):
            break
        there = np.flatnonzero(pairs >= 0)
        if len(there) >= 3:
            rate, offset = np.polyfit(camera[there], tags[pairs[there]], 1)
    there = np.flatnonzero(pairs >= 0)
    if 2 * len(there) < number:
        raise InputError(
            f"photons: markers fit {len(there)} of {number} frames: they are not of these frames"
        )
    if not periodic and abs(rate - 1.0) > MOST_DRIFT:
        raise InputError(f"photons: clock {rate:.6g} times as fast as the camera's: not of these frames")
    line = offset + rate * camera
    starts = line.copy()
    starts[there] = tags[pairs[there]]
    jitter, error = _scatter(camera[there], tags[pairs[there]] - line[there])
    extra = np.setdiff1d(np.arange(len(tags)), pairs[there])
    return Matched(
        starts,
        np.flatnonzero(pairs < 0),
        extra,
        1.0 if periodic else float(rate),
        np.nan if periodic else error,
        jitter,
    )


def _period(tags: Array) -> float:
    """Time between tags, most of which are there: the median, then the mean over whole numbers of it."""
    steps = np.diff(tags)
    period = float(np.median(steps))
    whole = np.rint(steps / period)
    good = (whole >= 1) & (np.abs(steps - whole * period) < NEAR * period)
    return float(steps[good].sum() / whole[good].sum()) if good.any() else period


def _offset(tags: Array, camera: Array, gap: float) -> float:
    """The offset with which most tags lie on frames; raises InputError if it is not the only one."""
    first = camera[: max(2, len(camera) // 2 + 1)]
    trials = np.unique(np.rint((tags[: len(tags) // 2 + 1, None] - first[None]).ravel() / (NEAR * gap)))
    trials = trials * NEAR * gap
    spans = np.array([_fitting(tags, camera + trial, 2.0 * NEAR * gap) for trial in trials])
    best = trials[spans == spans.max()]
    scores = [_exactly(tags, camera, float(trial), gap) for trial in best]
    most = max(score for score, _, _ in scores)
    closest = sorted((scatter, offset) for score, offset, scatter in scores if score == most)
    rivals = [scatter for scatter, offset in closest if abs(offset - closest[0][1]) > 0.5 * gap]
    if rivals and not closest[0][0] + 1e-5 * gap < CLOSER * rivals[0]:
        raise InputError(
            f"photons: markers fit the frames in more than one way ({most} of {len(camera)} each): the "
            "first or the last are missing, or too many, and the camera's times do not say which"
        )
    return closest[0][1]


def _fitting(tags: Array, line: Array, near: float) -> int:
    """Frames that have a tag nearby."""
    at = np.searchsorted(tags, line)
    below, above = np.maximum(at - 1, 0), np.minimum(at, len(tags) - 1)
    distance = np.minimum(np.abs(tags[below] - line), np.abs(tags[above] - line))
    return int((distance < near).sum())


def _exactly(tags: Array, camera: Array, trial: float, gap: float) -> tuple[int, float, float]:
    """Frames on tags with an offset near a trial, that offset, and the scatter of the pairs about a line."""
    pairs = _pairs(tags, camera + trial, 2.0 * NEAR * gap)
    there = np.flatnonzero(pairs >= 0)
    if not len(there):
        return 0, trial, np.inf
    apart = tags[pairs[there]] - camera[there]
    offset = float(np.median(apart))
    line = np.polyval(np.polyfit(camera[there], apart, 1), camera[there]) if len(there) > 2 else offset
    scatter = float(np.median(np.abs(apart - line)))
    return _fitting(tags, camera + offset, NEAR * gap), offset, scatter


def _pairs(tags: Array, line: Array, near: float) -> Array:
    """Tag (frames,) of each frame, the nearest within reach, each tag once; -1: none."""
    at = np.searchsorted(tags, line)
    below, above = np.maximum(at - 1, 0), np.minimum(at, len(tags) - 1)
    nearest = np.where(np.abs(tags[below] - line) <= np.abs(tags[above] - line), below, above)
    distance = np.abs(tags[nearest] - line)
    found = np.where(distance < near, nearest, -1)
    for tag in np.flatnonzero(np.bincount(found[found >= 0], minlength=1) > 1):
        rivals = np.flatnonzero(found == tag)
        found[np.delete(rivals, np.argmin(distance[rivals]))] = -1
    return found


def _scatter(camera: Array, residual: Array) -> tuple[float, float]:
    """Standard deviation about the line, and the standard error of its slope."""
    if len(residual) < 3:
        return np.nan, np.nan
    jitter = float(np.sqrt((residual**2).sum() / (len(residual) - 2)))
    return jitter, jitter / float(np.sqrt(((camera - camera.mean()) ** 2).sum()))
