"""From the images of a camera to spectra: rows summed into strips, an axis of wavelengths that ascends.

Nothing else is done to the counts: offset and gain are still in them, so their unit is "counts". Pixels at
the full scale of the converter, 2^n - 1, are saturated: what came is not known, and they are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from spq.checks import placed, shown
from spq.errors import InputError
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.wavelengths import vacuum_of

Array = np.ndarray
Strips = Sequence[str] | Mapping[str, tuple[int, int]] | None

FULL_SCALES = (4095.0, 16383.0, 65535.0)
"""Largest counts of converters with 12, 14 and 16 bits."""


@dataclass(frozen=True, eq=False)
class CameraImages:
    """Images as a camera gave them.

    Attributes
    ----------
    images : (frames, rows, columns)
        Counts, offset and gain in them; may be a memory map.
    wavelength : float (columns,) or None
        In nm, in either direction, as the file says.
    starts : float (frames,) or None
        Begin of each exposure in ns, in the camera's clock.
    exposure : float or None
        Length of an exposure in ns.
    about : mapping
        What else the file says. Plain text and numbers.

    Raises
    ------
    InputError
        If images have not three axes, or there are none.
    """

    images: Array
    wavelength: Array | None = None
    starts: Array | None = None
    exposure: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        images = np.asanyarray(self.images)
        if images.ndim != 3 or not images.size or images.dtype.kind not in "iuf":
            raise InputError(
                f"images: {images.dtype} of shape {images.shape}: must be numbers (frames, rows, columns)"
            )
        object.__setattr__(self, "images", images)


def series(
    path: Path,
    recorded: CameraImages,
    *,
    strips: Strips = None,
    wavelength: Array | None = None,
    air: bool = False,
) -> FrameSeries:
    """Return the spectra of images read from a file.

    strips: names of the rows, or name -> (first, one past the last row), which are summed; None: a single
    row, "all". wavelength: (columns,) nm, in place of that of the images. air: wavelengths are those in air.
    Raises InputError, with the file's name, if they do not fit together.
    """
    with placed(f"{path}: "):
        images, saturated = without_saturated(recorded.images)
        counts, names = rows_to_strips(images, strips)
        axis = axis_of(recorded.wavelength if wavelength is None else wavelength, counts.shape[2], air)
        if axis[0] > axis[-1]:
            axis, counts = axis[::-1], counts[:, :, ::-1]
        found = {"wavelengths_given_in": "air" if air else "vacuum", **saturation(saturated, images.size)}
        return FrameSeries(
            counts=counts,
            wavelength=axis,
            strips=names,
            unit="counts",
            starts=recorded.starts,
            exposure=recorded.exposure,
            about={**recorded.about, **found},
        )


def axis_of(wavelength: Array | None, columns: int, air: bool) -> Array:
    """Wavelengths (columns,) in nm in vacuum, in the order they have; raises InputError."""
    if wavelength is None:
        raise InputError("holds no wavelengths: give wavelength=..., one per pixel, in nm")
    axis = np.asarray(wavelength, dtype=float)
    if axis.shape != (columns,):
        raise InputError(f"wavelength: shape {axis.shape}: must be ({columns},), one per pixel")
    if not np.all(axis > 0):
        raise InputError(
            f"wavelength: from {axis[0]:.6g} to {axis[-1]:.6g} nm: not positive "
            "(grating at zero order?): give wavelength=..., one per pixel, in nm"
        )
    return vacuum_of(axis) if air else axis


def without_saturated(images: Array) -> tuple[Array, int]:
    """Images with NaN where the converter was at its full scale, and how many pixels that were."""
    if images.dtype.kind == "f" and not np.isfinite(images).any():
        return images, 0
    full = float(np.nanmax(images))
    if full not in FULL_SCALES:
        return images, 0
    at = np.asarray(images) == full
    return np.where(at, np.nan, images), int(at.sum())


def saturation(number: int, of: int) -> dict[str, Any]:
    """What `about` says of saturated pixels."""
    if not number:
        return {"saturated_pixels": 0}
    text = f"camera: {number} of {of} pixels are saturated; they are masked (NaN)"
    return {"saturated_pixels": number, "warnings": [text]}


def mask_saturated(frames: FrameSeries) -> FrameSeries:
    """The same `frames` in counts with NaN where they are saturated, which `about` says under "warnings".

    Frames of which a reader of images has looked at every pixel stay as they are. Raises nothing.
    """
    if "saturated_pixels" in frames.about or frames.unit != "counts":
        return frames
    counts, number = without_saturated(frames.counts)
    return replace(frames, counts=counts, about={**frames.about, **saturation(number, counts.size)})


def rows_to_strips(images: Array, strips: Strips) -> tuple[Array, tuple[str, ...]]:
    """Return counts (frames, strips, columns) and the strips' names; raises InputError."""
    rows = images.shape[1]
    if strips is None:
        if rows != 1:
            raise InputError(
                f"has {rows} rows: name them, strips=('V', 'H'), or sum some of them, "
                "strips={'V': (first, end), 'H': (first, end)}; extract_spectra finds strips in images"
            )
        return images, ("all",)
    if isinstance(strips, Mapping):
        check_rows(strips, rows)
        summed = [images[:, first:end].sum(axis=1, dtype=float) for first, end in strips.values()]
        return np.stack(summed, axis=1), tuple(strips)
    if len(strips) != rows:
        raise InputError(f"strips = {shown(tuple(strips))}: there are {rows} rows")
    return images, tuple(strips)


def check_rows(strips: Mapping[str, tuple[int, int]], rows: int) -> None:
    """Raise InputError if strips, name -> (first, one past the last row), leave the image."""
    for name, (first, end) in strips.items():
        if not 0 <= first < end <= rows:
            raise InputError(f"strips[{name!r}] = ({first}, {end}): must lie within rows 0 to {rows}")
