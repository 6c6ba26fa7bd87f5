"""Text files of Andor Solis (.asc): a column of wavelengths, a column of counts for each frame, and settings.

Columns are separated by tabs, commas, semicolons or blanks; lines `name: value` before or after them are the
settings. Frame k starts at k times the "Kinetic Cycle Time".
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages, series
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.sources import existing

Array = np.ndarray

SHORTEST, LONGEST = 100.0, 20000.0
"""Wavelengths in nm that are taken for such; pixel numbers and ticks of a clock are not."""


def read_asc(
    path: str | os.PathLike[str], *, wavelength: Array | None = None, air: bool = False
) -> FrameSeries:
    """Read a .asc of Solis, one strip.

    wavelength: nm, one per pixel, in place of the first column. air: wavelengths are those in air.
    Raises InputError, with the line, if a row has another number of columns than the first, and if there
    are no rows or the first column holds no wavelengths.
    """
    path = existing(path)
    rows, settings = _rows(path)
    table = np.array(rows)
    axis = table[:, 0]
    if wavelength is None and not (axis.min() >= SHORTEST and axis.max() <= LONGEST):
        raise InputError(
            f"{path}: the first column, {axis[0]:g} to {axis[-1]:g}, holds no wavelengths in nm: "
            "give wavelength=..., one per pixel"
        )
    counts = table[:, 1:].T[:, None, :]
    cycle = _seconds(settings, "Kinetic Cycle Time")
    repeats = _seconds(settings, "Number of Accumulations") or 1.0
    single = _seconds(settings, "Exposure Time")
    between = _seconds(settings, "Accumulate Cycle Time") or 0.0
    exposure = None if not single else single + (repeats - 1.0) * between
    recorded = CameraImages(
        counts,
        axis,
        starts=1e9 * cycle * np.arange(len(counts)) if cycle else None,
        exposure=1e9 * exposure if exposure else None,
        about={"format": "Solis ASCII", **settings},
    )
    return series(path, recorded, wavelength=wavelength, air=air)


def _rows(path: Path) -> tuple[list[list[float]], dict[str, str]]:
    """Rows of numbers and settings of the file; raises InputError."""
    rows: list[list[float]] = []
    settings: dict[str, str] = {}
    text = path.read_bytes()
    if b"\0" in text:
        raise InputError(f"{path}: is no text: byte {text.index(bytes(1))} is 0")
    for number, line in enumerate(text.decode("latin-1").splitlines(), 1):
        row = _numbers(line)
        if row is None:
            name, colon, value = line.partition(":")
            if colon:
                settings[name.strip()] = value.strip()
            elif line.strip() and rows and not settings:
                raise InputError(
                    f"{path}: line {number}: {line.strip()[:40]!r} is neither numbers nor a setting"
                )
            continue
        if len(row) < 2 or (rows and len(row) != len(rows[0])):
            wanted = len(rows[0]) if rows else "at least 2"
            raise InputError(f"{path}: line {number} has {len(row)} columns, not {wanted}")
        rows.append(row)
    if len(rows) < 2:
        raise InputError(f"{path}: holds no rows of wavelengths and counts")
    return rows, settings


def _numbers(line: str) -> list[float] | None:
    """The numbers of a line, None if it is something else."""
    for mark in "\t,;":
        line = line.replace(mark, " ")
    try:
        return [float(part) for part in line.split()] or None
    except ValueError:
        return None


def _seconds(settings: dict[str, str], name: str) -> float | None:
    """A number among the settings whose name begins so, e.g. "Exposure Time (secs)"."""
    for key, value in settings.items():
        if key.startswith(name):
            try:
                return float(value)
            except ValueError:
                return None
    return None
