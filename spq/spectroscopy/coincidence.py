"""Are jumps of different emitters simultaneous more often than by chance, and which are false discoveries.

One track is turned against the other in time, in a circle: the share of all turns with at least as many
coincidences is the p-value of the run, whatever the pattern of the jumps within each track. Of many p-values
those below a level q of false discoveries are found as in Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57,
289 (1995).

A limit is given only where a shift is not significant, |d| < c σ; that it is not, is part of the chance:
the limit L solves Φ(|d|/σ - L/σ) = (1 - C) Φ(c - L/σ), so that C of the limits hold whatever the shift is.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.special import log_ndtr

Array = np.ndarray

NEAR = 1
"""Frames within which two jumps are simultaneous: a jump within an exposure may be seen in either."""
MOST = 30.0
"""Standard errors up to which a limit is looked for."""


def false_discovery(p_values: Array) -> Array:
    """Least share of false discoveries at which each p-value is a discovery, same shape; NaN stay."""
    p = np.asarray(p_values, dtype=float)
    found = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    values = p[known]
    if not len(values):
        return found
    order = np.argsort(values)
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    q = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    back = np.empty(len(values))
    back[order] = q
    found[known] = back
    return found


def coincidence_of(jumps: list[Array], frames: int) -> tuple[float, float, int]:
    """p-value of the run, mean number of coincidences by chance, and the number there is.

    jumps: frames of the jumps of each emitter. p and mean are NaN where fewer than two emitters jump, or
    there are too few frames to turn.
    """
    marks = np.zeros((len(jumps), frames), dtype=np.int64)
    for row, each in enumerate(jumps):
        marks[row, np.asarray(each, dtype=np.int64)] = 1
    if (marks.sum(axis=1) > 0).sum() < 2 or frames < 20:
        return np.nan, np.nan, 0
    total = np.zeros(frames)
    turns = np.arange(frames)
    for first, second in combinations(range(len(jumps)), 2):
        wide = sum(np.roll(marks[second], shift) for shift in range(-NEAR, NEAR + 1))
        # correlation at every turn; the second is turned (second - first) times as far
        spectrum = np.conj(np.fft.rfft(marks[first])) * np.fft.rfft(wide)
        each = np.rint(np.fft.irfft(spectrum, n=frames))
        total += each[(-(second - first) * turns) % frames]
    least = 2 * NEAR + 1
    spread = np.arange(1, len(jumps))[:, None] * turns
    apart = np.minimum(spread % frames, -spread % frames).min(axis=0) >= least
    turned = total[apart]
    p = (1.0 + (turned >= total[0]).sum()) / (1.0 + len(turned))
    return float(p), float(turned.mean()), int(total[0])


def limits_of(z: Array, significant: Array, confidence: float) -> Array:
    """Upper limits in standard errors of shifts z >= 0 that are less than `significant`, both in them.

    Infinite where a shift is so nearly significant that its being none says nothing.
    """
    low, high = np.zeros(z.shape), np.full(z.shape, MOST)
    wanted = np.log(1.0 - confidence)

    def excess(limit: Array) -> Array:
        return log_ndtr(z - limit) - log_ndtr(significant - limit) - wanted

    open_ended = excess(high) > 0
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = excess(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(open_ended, np.inf, high)
