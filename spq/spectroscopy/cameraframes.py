"""From the images of a camera to spectra: rows summed into strips, an axis of wavelengths that ascends.

Nothing else is done to the counts: offset and gain are still in them, so their unit is "counts".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spq.checks import placed, shown
from spq.errors import InputError
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.wavelengths import vacuum_of

Array = np.ndarray
Strips = Sequence[str] | Mapping[str, tuple[int, int]] | None


def series(
    path: Path,
    images: Array,
    wavelength: Array | None,
    *,
    strips: Strips = None,
    air: bool = False,
    starts: Array | None = None,
    exposure: float | None = None,
    about: Mapping[str, Any] | None = None,
) -> FrameSeries:
    """Return the spectra of images (frames, rows, columns) read from a file.

    wavelength: (columns,) nm, in either direction. strips: names of the rows, or name -> (first, one past
    the last row), which are summed; None: a single row, "all". air: wavelengths are those in air.
    starts (frames,), exposure: ns. Raises InputError, with the file's name, if they do not fit together.
    """
    with placed(f"{path}: "):
        counts, names = rows_to_strips(images, strips)
        if wavelength is None:
            raise InputError("holds no wavelengths: give wavelength=..., one per pixel, in nm")
        axis = np.asarray(wavelength, dtype=float)
        if axis.shape != (counts.shape[2],):
            raise InputError(f"wavelength: shape {axis.shape}: must be ({counts.shape[2]},), one per pixel")
        if not np.all(axis > 0):
            raise InputError(
                f"wavelength: from {axis[0]:.6g} to {axis[-1]:.6g} nm: not positive "
                "(grating at zero order?): give wavelength=..., one per pixel, in nm"
            )
        axis = vacuum_of(axis) if air else axis
        if axis[0] > axis[-1]:
            axis, counts = axis[::-1], counts[:, :, ::-1]
        return FrameSeries(
            counts=counts,
            wavelength=axis,
            strips=names,
            unit="counts",
            starts=starts,
            exposure=exposure,
            about={**(about or {}), "wavelengths_given_in": "air" if air else "vacuum"},
        )


def rows_to_strips(images: Array, strips: Strips) -> tuple[Array, tuple[str, ...]]:
    """Return counts (frames, strips, columns) and the strips' names; raises InputError."""
    rows = images.shape[1]
    if strips is None:
        if rows != 1:
            raise InputError(
                f"has {rows} rows: name them, strips=('V', 'H'), or sum some of them, "
                "strips={'V': (first, end), 'H': (first, end)}"
            )
        return images, ("all",)
    if isinstance(strips, Mapping):
        for name, (first, end) in strips.items():
            if not 0 <= first < end <= rows:
                raise InputError(f"strips[{name!r}] = ({first}, {end}): must lie within rows 0 to {rows}")
        summed = [images[:, first:end].sum(axis=1, dtype=float) for first, end in strips.values()]
        return np.stack(summed, axis=1), tuple(strips)
    if len(strips) != rows:
        raise InputError(f"strips = {shown(tuple(strips))}: there are {rows} rows")
    return images, tuple(strips)
