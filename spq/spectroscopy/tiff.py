"""Stacks of camera images as TIFF, read by tifffile: a page is a frame. The file holds no wavelengths."""

from __future__ import annotations

import os
from pathlib import Path

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
    tifffile = library("tifffile", path)
    try:
        with tifffile.TiffFile(path) as file:
            pages = [(page.shape, page.dtype) for page in file.pages]
            _whole(path, pages, [end for page in file.pages for end in _ends(page)])
            images = np.stack([page.asarray() for page in file.pages])
    except InputError:
        raise
    except Exception as error:  # a damaged file raises anything from struct.error to zlib.error there
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: cannot be read as TIFF: {reason}") from error
    return CameraImages(images, about={"format": "TIFF"})


def _ends(page: object) -> list[int]:
    """Bytes at which the pieces of a page end."""
    offsets, lengths = page.dataoffsets, page.databytecounts  # type: ignore[attr-defined]
    return [int(offset + length) for offset, length in zip(offsets, lengths, strict=True)]


def _whole(path: Path, pages: list[tuple[tuple[int, ...], np.dtype]], ends: list[int]) -> None:
    """Raise an InputError if pages are not grey images of one size, or end beyond the file."""
    size = path.stat().st_size
    if not pages or not ends:
        raise InputError(f"{path}: holds no image")
    if max(ends) > size:
        raise InputError(f"{path}: is cut: ends at byte {size}, its images need {max(ends)}")
    shape, kind = pages[0]
    for number, page in enumerate(pages):
        if page != (shape, kind) or len(shape) != 2 or kind.kind not in "iuf":
            raise InputError(
                f"{path}: page {number}: {page[1]} of shape {page[0]}: not grey images of one size"
            )
