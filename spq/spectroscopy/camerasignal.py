"""Offset, read noise and gain of a camera from its own images.

Offset of frame t and column c: B_t + D_c, from rows without light; single pixels more than five standard
deviations off (cosmic rays, clock-induced charge) do not count. Gain g: within a column the light S of a
strip falls on rows r in shares P_r, whatever S is, so that the residual x_r - P_r S has the variance

    F g S P_r (1 - P_r) + s² [(1 - P_r)² + (n - 1) P_r²],

F the excess noise, s the read noise, n the rows: the relation of photon transfer between the rows of a
column, in which a particle that blinks or moves in energy makes no difference. F g is all that it gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.errors import InputError

Array = np.ndarray

CLIP = 5.0
BRIGHT, FEWEST = 8.0, 10
"""Light of a column over its error, both summed over frames, from which it takes part in the gain, and the
fewest such columns."""
ROUNDS = 6
POOL = 6
"""Columns on each side from which the shares of the rows are taken together: a tilt changes little there."""
RAY = 30.0
"""Residual in units of F g, beyond that of its own noise, that is no light but a cosmic ray."""


@dataclass(frozen=True, eq=False)
class Offset:
    """Counts without light.

    Attributes
    ----------
    frames : float (frames,)
        Mean of each frame.
    columns : float (columns,)
        Difference of each column from it, of mean zero; all zero where it is not significant.
    error : float
        Standard error of the offset of a pixel, common to its column.
    read_noise : float
        Standard deviation of a pixel in counts.
    """

    frames: Array
    columns: Array
    error: float
    read_noise: float


def offset_of(images: Array, dark: Array) -> Offset:
    """Offset of images (frames, rows, columns) from dark rows (rows,); raises InputError without any."""
    count = int(dark.sum())
    if not count:
        raise InputError("images: no row is dark, so that their offset is not determined: give offset=...")
    values = np.asarray(images[:, dark], dtype=float)
    middle = np.nanmedian(values, axis=(1, 2), keepdims=True)
    noise = max(1.4826 * float(np.nanmedian(np.abs(values - middle))), 0.5)
    good = np.where(np.abs(values - middle) < CLIP * noise, values, np.nan)
    frames = np.nanmean(good, axis=(1, 2))
    rest = good - frames[:, None, None]
    noise = float(np.nanstd(rest))
    number = np.maximum(np.isfinite(rest).sum(axis=(0, 1)), 1)
    columns = np.nan_to_num(np.nansum(rest, axis=(0, 1)) / number)
    chi2 = float((columns**2 * number).sum()) / max(noise, 1e-9) ** 2
    if chi2 < len(columns) + 5.0 * np.sqrt(2.0 * len(columns)):
        error = noise / np.sqrt(number.sum())
        return Offset(frames, np.zeros(len(columns)), float(error), noise)
    return Offset(frames, columns - columns.mean(), noise / float(np.sqrt(number.mean())), noise)


def noise_slope(light: Array, read_noise: float) -> tuple[float, float]:
    """Variance over mean F g in counts, and its standard error, of light (frames, rows, columns) of a strip.

    light: offset taken out; NaN: not seen. NaN with fewer than three frames or ten bright columns.
    """
    frames, rows, _ = light.shape
    if frames < 3 or rows < 2:
        return np.nan, np.nan
    seen = np.isfinite(light).all(axis=(0, 1))
    light = light[:, :, seen]
    total = light.sum(axis=1)
    whole = total.sum(axis=0)
    scatter = np.sqrt(light.var(axis=0).sum(axis=0) * frames)
    bright = np.flatnonzero(whole > BRIGHT * scatter)
    if len(bright) < FEWEST:
        return np.nan, np.nan
    pool = np.abs(np.subtract.outer(np.arange(len(whole)), bright)) <= POOL
    pooled = light.sum(axis=0) @ pool
    light, total, whole = light[:, :, bright], total[:, bright], pooled.sum(axis=0)
    share = pooled / whole
    residual = light - share * total[:, None]
    dark = read_noise**2 * ((1.0 - share) ** 2 + (rows - 1.0) * share**2).sum(axis=0)
    above = (residual**2).sum(axis=1) - dark
    shape = 1.0 - (share**2).sum(axis=0)
    slope = _median_slope(above, shape * total)
    for _ in range(ROUNDS):
        limit = RAY * slope + CLIP * read_noise + CLIP * np.sqrt(slope * np.maximum(total, 0.0))
        good = np.abs(residual).max(axis=1) < limit
        # shares are of the same frames: each residual lacks the part that its frame has in them
        own = (total**2 - slope * total - rows * read_noise**2) / whole
        part = shape / np.maximum(1.0 - slope / whole, 0.5) * (total - own)
        parts = np.where(good, above, 0.0).sum(axis=0), np.where(good, part, 0.0).sum(axis=0)
        slope = float(parts[0].sum() / parts[1].sum())
        if not slope > 0.0:
            return np.nan, np.nan
    error = np.sqrt(float(((parts[0] - slope * parts[1]) ** 2).sum())) / float(parts[1].sum())
    return slope, float(error)


def _median_slope(above: Array, below: Array) -> float:
    """A first slope that few columns with cosmic rays do not change: the weighted median of the columns."""
    up, down = above.sum(axis=0), np.maximum(below.sum(axis=0), 1e-9)
    order = np.argsort(up / down)
    weight = np.cumsum(down[order])
    return max(float((up / down)[order[np.searchsorted(weight, 0.5 * weight[-1])]]), 1e-9)
