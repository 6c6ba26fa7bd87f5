"""Cosmic rays in camera frames: bright in one strip of one frame, and dark before and after.

A pixel y of a frame is compared with the median m of the same pixel in the frames around it. It is a ray if

    y - m > 8 √(F m + F/2 + s²)   and   y - m > 12 photons,

F the excess noise, F/2 for light that the median of few photons does not see, s the read noise of the camera
(from the scatter of dark pixels). Light of the particle is kept: what is bright in the other strip too, or
was about as bright in other frames of the run. Never is a pixel compared with others of its own spectrum:
zero-phonon lines are as narrow as a ray.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.records import FrameSeries

Array = np.ndarray

SIGMAS, PHOTONS = 8.0, 12.0
SHARED = 4.0
"""Standard deviations above the median from which on the other strip shows light as well."""
RECURRENT, TIMES = 0.3, 3
"""Share of the brightness that recurs, and frames from which on it is taken for light of the particle."""
FRINGE = 3.0
"""Standard deviations from which on neighbours of a ray, in its strip and frame, are masked with it."""


def mask_cosmic_rays(frames: FrameSeries, neighbours: int = 3) -> tuple[FrameSeries, Array]:
    """Mask the pixels that cosmic rays hit.

    Parameters
    ----------
    frames : FrameSeries
        In photons.
    neighbours : int
        Frames on each side that a frame is compared with.

    Returns
    -------
    frames : FrameSeries
        With NaN where a ray is; nothing is filled in.
    mask : bool (frames, strips, pixels)
        Pixels that are masked now and were not before.

    Raises
    ------
    InputError
        If frames are in counts. With fewer than three frames nothing can be compared, and nothing is masked.
    """
    if frames.unit != "photons":
        raise InputError("frames: are in counts: must be in photons, offset and gain taken out")
    neighbours = checks.integer(neighbours, "neighbours", minimum=1)
    light = frames.counts
    none = np.zeros(light.shape, dtype=bool)
    if len(light) < 3 or not np.isfinite(light).any():
        return frames, none
    around = _median_around(light, neighbours)
    spread = np.sqrt(frames.excess * (np.maximum(around, 0.0) + 0.5) + read_noise(light) ** 2)
    above = np.where(np.isfinite(light), light - around, 0.0)
    suspects = (above > SIGMAS * spread) & (above > PHOTONS)
    rays = none.copy()
    for frame, strip, pixel in zip(*np.nonzero(suspects), strict=True):
        near = slice(max(pixel - 1, 0), pixel + 2)
        others = np.delete(above[frame, :, near] / spread[frame, :, near], strip, axis=0)
        recurs = (np.nan_to_num(light[:, :, near]).max(axis=2) > RECURRENT * light[frame, strip, pixel]).any(
            axis=1
        )
        recurs[frame] = False
        rays[frame, strip, pixel] = not (others > SHARED).any() and recurs.sum() < TIMES
    fringe = none.copy()
    fringe[..., 1:] |= rays[..., :-1]
    fringe[..., :-1] |= rays[..., 1:]
    rays |= fringe & (above > FRINGE * spread)
    return replace(frames, counts=np.where(rays, np.nan, light)), rays


def _median_around(light: Array, neighbours: int) -> Array:
    """Median (frames, strips, pixels) of `neighbours` frames on each side, without the frame itself."""
    count = len(light)
    at = np.arange(count)[:, None] + np.delete(np.arange(-neighbours, neighbours + 1), neighbours)
    at = np.where(at < 0, at + 2 * neighbours + 1, at)  # at the ends, further frames of the other side
    at = np.clip(np.where(at >= count, at - 2 * neighbours - 1, at), 0, count - 1)
    found = np.empty_like(light)
    for strip in range(light.shape[1]):  # a strip at a time: the neighbours take their number in memory
        stack = light[:, strip][at]
        dark = ~np.isfinite(stack).any(axis=1)
        stack = np.where(dark[:, None], 0.0, stack)
        found[:, strip] = np.nanmedian(stack, axis=1)
    return found


def read_noise(light: Array) -> float:
    """Standard deviation in photons of pixels without light, from those below their median."""
    low = light[np.isfinite(light)]
    middle = float(np.median(low))
    below = middle - low[low < middle]
    return float(np.median(below) / 0.6745) if len(below) else 0.0
