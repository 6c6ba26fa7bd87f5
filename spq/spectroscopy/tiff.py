"""Stacks of camera images as TIFF, read by tifffile: a page is a frame. The file holds no wavelengths."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages, Strips, series
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.sources import existing, library

Array = np.ndarray

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(
    path: str | os.PathLike[str],
    *,
    strips: Strips = None,
    wavelength: Array | None = None,
    air: bool = False,
) -> FrameSeries:
    """Read spectra of a stack of TIFF images.

    strips: names of the rows, or name -> (first, one past the last row), which are summed. wavelength: nm,
    one per column. air: wavelengths are those in air.
    Raises InputError if the file is cut or no TIFF of grey images of one size, or there are no wavelengths.
    """
    path = existing(path)
    return series(path, tiff_images(path), strips=strips, wavelength=wavelength, air=air)


def tiff_images(path: str | os.PathLike[str]) -> CameraImages:
    """Return the images of a TIFF, one per page, as they are; raises InputError."""
    path = existing(path, 8)
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            raise InputError(f"{path}: is no TIFF: it does not begin with II or MM")
    _check_chain(path)
    tifffile = library("tifffile", path)
    try:
        with tifffile.TiffFile(path) as file:
            stacks = file.series
            if len(stacks) != 1 or len(file.pages[0].shape) != 2:
                raise InputError(f"{path}: holds no stack of grey images of one size")
            _check_data(path, [end for page in file.pages for end in _ends(page)])
            images = stacks[0].asarray()
            images = images.reshape(-1, *file.pages[0].shape)
    except InputError:
        raise
    except Exception as error:  # a damaged file raises anything from struct.error to zlib.error there
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as TIFF: {reason}") from error
    return CameraImages(images, about={"format": "TIFF"})


def _check_chain(path: Path) -> None:
    """Raise an InputError where a page lies beyond the end: libraries silently leave the rest away."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        number, length, entry, at = ("Q", 8, 20, 8) if big else ("I", 4, 12, 4)
        count = struct.Struct(order + ("Q" if big else "H"))
        following = struct.Struct(order + number)
        seen: set[int] = set()
        place = following.unpack(head[at : at + length])[0] if len(head) >= at + length else 0
        if not place:
            raise InputError(f"{path}: ends at byte {size}, it holds no image")
        while place:
            file.seek(place)
            entries = file.read(count.size)
            whole = len(entries) == count.size
            if whole:
                file.seek(entry * count.unpack(entries)[0], os.SEEK_CUR)
            rest = file.read(length) if whole else b""
            if len(rest) != length or place in seen:
                raise InputError(
                    f"{path}: is cut: ends at byte {size}, page {len(seen)} begins at byte {place}"
                )
            seen.add(place)
            place = following.unpack(rest)[0]


def _ends(page: Any) -> list[int]:
    """Bytes at which the pieces of a page end."""
    return [int(sum(each)) for each in zip(page.dataoffsets, page.databytecounts, strict=True)]


def _check_data(path: Path, ends: list[int]) -> None:
    """Raise an InputError if the images end beyond the file."""
    size = path.stat().st_size
    if max(ends, default=0) > size:
        raise InputError(f"{path}: is cut: ends at byte {size}, its images need {max(ends)}")
