"""Andor .sif files, read by sif_parser (0.3.6 or newer: older ones return wrong wavelengths).

Time stamps in these files may all be 0, so frame k starts at k times the cycle time.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages, Strips, series
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.sources import existing, library

Array = np.ndarray

MAGIC = b"Andor Technology Multi-Channel File"
NEEDED = (0, 3, 6)
"""Version of sif_parser."""


class _Whole(io.BufferedReader):
    """A file whose end is an error: sif_parser reads on for ever at the end of a cut header."""

    def read(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().read(size), size)

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().readline(size), size)

    def _checked(self, found: bytes, size: int | None) -> bytes:
        if not found and size != 0:
            raise EOFError
        return found


def read_sif(
    path: str | os.PathLike[str],
    *,
    strips: Strips = None,
    wavelength: Array | None = None,
    air: bool = False,
) -> FrameSeries:
    """Read spectra or images of a .sif.

    strips: names of the rows, or name -> (first, one past the last row), which are summed. wavelength: nm,
    one per pixel, in place of the file's. air: wavelengths are those in air. An exposure of several
    accumulations lasts from the begin of the first to the end of the last.
    Raises InputError if the file is cut, is no .sif, or has no wavelengths.
    """
    path = existing(path)
    return series(path, sif_images(path), strips=strips, wavelength=wavelength, air=air)


def sif_images(path: str | os.PathLike[str]) -> CameraImages:
    """Return the images of a .sif as the camera gave them; raises InputError if it is cut or no .sif."""
    path = existing(path)
    parser = library("sif_parser", path)
    _recent(parser, path)
    header, offset = _header(path, parser)
    width, height = header["size"]
    frames = header["NumberOfFrames"]
    there = (path.stat().st_size - offset) // (4 * width * height)
    if there < frames:
        size = path.stat().st_size
        raise InputError(f"{path}: is cut: ends at byte {size} after {there} of {frames} frames")
    images = np.memmap(path, dtype="<f4", mode="r", offset=offset, shape=(frames, height, width))
    repeats = max(int(header["AccumulatedCycles"]), 1)
    cycle = header["StackCycleTime"] if repeats > 1 else header["CycleTime"]
    exposure = header["ExposureTime"] + (repeats - 1) * header["AccumulatedCycleTime"]
    if frames > 1 and not cycle > 0:
        raise InputError(f"{path}: the cycle time of {frames} frames is {cycle} s")
    return CameraImages(
        images,
        _axis(path, parser, header),
        starts=1e9 * cycle * np.arange(frames),
        exposure=1e9 * exposure if exposure > 0 else None,
        about=_about(header),
    )


def _recent(parser: Any, path: Path) -> None:
    from importlib import metadata

    version = metadata.version("sif_parser")
    found = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if found < NEEDED:
        raise InputError(f"{path}: sif_parser {version} returns wrong wavelengths: 0.3.6 or newer is needed")


def _header(path: Path, parser: Any) -> tuple[dict[str, Any], int]:
    """What the header says, and the byte where the counts begin; raises InputError."""
    from sif_parser._sif_open import _open

    with _Whole(io.FileIO(path)) as file:
        if file.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
            raise InputError(f"{path}: is no .sif: it does not begin with {MAGIC.decode()}")
        try:
            header = dict(_open(file)[3])
        except EOFError:
            raise InputError(f"{path}: ends at byte {path.stat().st_size}, inside its header") from None
        except (ValueError, LookupError, ArithmeticError, SyntaxError, UnboundLocalError) as error:
            raise InputError(f"{path}: the header cannot be read at byte {file.tell()}: {error}") from error
    if min(*header["size"], header["NumberOfFrames"]) < 1:
        raise InputError(f"{path}: {header['NumberOfFrames']} frames of {header['size']} pixels")
    return header, int(header["offset"])


def _axis(path: Path, parser: Any, header: dict[str, Any]) -> Array | None:
    """Wavelengths in nm of the file, None where it has none; raises InputError if frames differ."""
    if str(header.get("FrameAxis", b"").strip().lower()).find("wavelength") < 0:
        return None
    found = parser.utils.extract_calibration(header)
    if found is None or found.ndim == 1:
        return found
    if np.ptp(found, axis=0).max() > 0:
        raise InputError(f"{path}: frames have different wavelengths: give wavelength=... of all")
    return found[0]


def _about(header: dict[str, Any]) -> dict[str, Any]:
    """Plain numbers and texts of the header."""
    found: dict[str, Any] = {"format": "SIF"}
    for name, value in header.items():
        if isinstance(value, bytes):
            found[name] = value.decode("utf-8", errors="replace").strip()
        elif isinstance(value, (str, int, float)) and not name.startswith("timestamp_of"):
            found[name] = value
    return found
