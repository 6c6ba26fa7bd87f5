"""Princeton Instruments .spe: version 3.0 (own reader, several regions), version 2.x (by imageio).

Version 3.0: raw frames from byte 4100; an XML footer, whose place is the uint64 at byte 678, says how the
frames are built: regions one after the other, then 8 bytes for each time stamp (LightField, "SPE 3.0 File
Format Specification").
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages, Strips, series
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.sources import existing, library

Array = np.ndarray

DATA = 4100
FOOTER = 678
VERSION = 1992
PIXELS = {
    "MonochromeUnsigned16": "<u2",
    "MonochromeUnsigned32": "<u4",
    "MonochromeFloating32": "<f4",
}

CALIBRATION = 3000
SHORTEST, LONGEST = 100.0, 20000.0
"""Wavelengths in nm that are taken for such."""

BYTES = {0: 4, 1: 4, 2: 2, 3: 2, 5: 8, 6: 1, 8: 4}
"""Type of a pixel in version 2.x -> its bytes."""


@dataclass(frozen=True, eq=False)
class Region:
    """A rectangle of the sensor that was read out.

    Attributes
    ----------
    images : (frames, rows, columns)
        As the camera counted; a memory map.
    x, y : int
        First column and row on the sensor.
    x_binning, y_binning : int
        Columns and rows of the sensor in one pixel.
    wavelength : float (columns,) or None
        In nm, the mean over the columns of the sensor in a pixel.
    """

    images: Array
    x: int
    y: int
    x_binning: int
    y_binning: int
    wavelength: Array | None


def read_spe(
    path: str | os.PathLike[str],
    *,
    strips: Strips = None,
    wavelength: Array | None = None,
    air: bool = False,
) -> FrameSeries:
    """Read spectra of a .spe.

    A single region: strips names its rows, or gives name -> (first, one past the last row) to sum.
    Several regions: each is summed over its rows into a strip, strips=("V", "H") names them in the order of
    the file; columns are summed to the coarsest binning, over what all regions share of the sensor.
    wavelength: nm, one per resulting pixel, in place of the file's. air: wavelengths are those in air.
    Raises InputError if the file is cut or is no .spe, if regions cannot be brought onto one axis, or if
    there are no (or no positive) wavelengths.
    """
    path = existing(path, DATA)
    version = _version(path)
    regions = () if version < 3.0 else _regions(path, _footer(path))[0]
    if len(regions) > 1 and (not isinstance(strips, Sequence) or len(strips) != len(regions)):
        raise InputError(f"{path}: has {len(regions)} regions: name them, strips=('V', 'H')")
    return series(path, spe_images(path), strips=strips, wavelength=wavelength, air=air)


def spe_images(path: str | os.PathLike[str]) -> CameraImages:
    """Return the images of a .spe as the camera gave them.

    Of several regions each is summed to a row, over the columns that they share. Wavelengths of version 2.x
    are its calibration polynomial, where that is marked valid. Raises InputError as `read_spe`.
    """
    path = existing(path, DATA)
    version = _version(path)
    about = {"format": f"SPE {version:.1f}"}
    if version < 3.0:
        images = _by_imageio(path)
        return CameraImages(images, _polynomial(path, images.shape[2]), about=about)
    root = _footer(path)
    regions, starts = _regions(path, root)
    images, axis = regions[0].images, regions[0].wavelength
    if len(regions) > 1:
        images, axis = _joined(path, regions)
    milliseconds = _number(root, "ExposureTime")
    exposure = 1e6 * milliseconds if milliseconds else None
    return CameraImages(images, axis, starts, exposure, {**about, "regions": len(regions)})


def spe_regions(path: str | os.PathLike[str]) -> tuple[Region, ...]:
    """Return every region of the .spe (3.0) at `path` as it was read out, in counts; raises InputError."""
    path = existing(path, DATA)
    if _version(path) < 3.0:
        raise InputError(f"{path}: is of version {_version(path):.1f}, which has no footer with regions")
    return _regions(path, _footer(path))[0]


def _version(path: Path) -> float:
    with path.open("rb") as file:
        head = file.read(DATA)
    version = struct.unpack_from("<f", head, VERSION)[0]
    if not 1.0 <= version < 4.0:
        raise InputError(f"{path}: is no .spe: version {version:.4g} at byte {VERSION}")
    return version


def _footer(path: Path) -> ElementTree.Element:
    """The XML at the end of the file; raises InputError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(FOOTER)
        offset = struct.unpack("<Q", file.read(8))[0]
        if not DATA <= offset < size:
            raise InputError(f"{path}: is cut: ends at byte {size}, its footer begins at byte {offset}")
        file.seek(offset)
        text = file.read()
    try:
        return ElementTree.fromstring(text.rstrip(b"\0"))
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: the footer at byte {offset} is damaged or cut: {error}") from error


def _named(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Elements of a name, in any namespace."""
    return (each for each in root.iter() if each.tag.rpartition("}")[2] == name)


def _number(root: ElementTree.Element, name: str) -> float | None:
    """The number in the first element of a name that holds one."""
    for each in _named(root, name):
        try:
            return float(each.text or "")
        except ValueError:
            continue
    return None


def _regions(path: Path, root: ElementTree.Element) -> tuple[tuple[Region, ...], Array | None]:
    """Regions of all frames, and starts of the exposures in ns where they were stamped."""
    frame = next((each for each in _named(root, "DataBlock") if each.get("type") == "Frame"), None)
    blocks = [] if frame is None else [each for each in frame if each.get("type") == "Region"]
    if frame is None or not blocks:
        raise InputError(f"{path}: the footer describes no frames with regions")
    pixel = frame.get("pixelFormat", "")
    if pixel not in PIXELS:
        raise InputError(f"{path}: pixels of format {pixel!r}: must be one of {', '.join(PIXELS)}")
    kind = np.dtype(PIXELS[pixel])
    try:
        count, stride = int(frame.attrib["count"]), int(frame.attrib["stride"])
        places = _places(root)
        found, offset = [], 0
        for block in blocks:
            rows, columns = int(block.attrib["height"]), int(block.attrib["width"])
            images = _images(path, kind, count, stride, offset, rows, columns)
            place = next((places[i] for i in block.get("calibrations", "").split(",") if i in places), None)
            found.append(_region(path, root, images, place))
            offset += int(block.attrib["stride"])
        return tuple(found), _starts(path, root, count, stride, offset)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path}: the footer cannot be understood: {error!r}") from error


def _places(root: ElementTree.Element) -> dict[str, tuple[int, int, int, int]]:
    """Id of a mapping to the sensor -> x, y, binning along x and y."""
    names = ("x", "y", "xBinning", "yBinning")
    return {
        each.attrib["id"]: tuple(int(each.attrib[name]) for name in names)  # type: ignore[misc]
        for each in _named(root, "SensorMapping")
    }


def _images(
    path: Path, kind: np.dtype, count: int, stride: int, offset: int, rows: int, columns: int
) -> Array:
    """One region of all frames, (frames, rows, columns), as a view of a memory map."""
    end = DATA + (count - 1) * stride + offset + rows * columns * kind.itemsize
    size = path.stat().st_size
    if min(count, rows, columns) < 1 or end > size:
        raise InputError(f"{path}: is cut: ends at byte {size}, {count} frames need {end}")
    raw = np.memmap(path, dtype="u1", mode="r", offset=DATA, shape=(end - DATA,))
    steps = (stride, columns * kind.itemsize, kind.itemsize)
    return np.ndarray((count, rows, columns), kind, buffer=raw, offset=offset, strides=steps)


def _region(
    path: Path, root: ElementTree.Element, images: Array, place: tuple[int, int, int, int] | None
) -> Region:
    x, y, x_binning, y_binning = place or (0, 0, 1, 1)
    columns = images.shape[2]
    texts = [each.text for each in _named(root, "Wavelength") if each.text and "," in each.text]
    if not texts:
        return Region(images, x, y, x_binning, y_binning, None)
    axis = np.array([float(part) for part in texts[0].split(",")])
    if len(axis) >= x + columns * x_binning:  # one wavelength per column of the sensor
        axis = axis[x : x + columns * x_binning].reshape(columns, x_binning).mean(axis=1)
    elif len(axis) != columns:
        raise InputError(
            f"{path}: {len(axis)} wavelengths for {columns} pixels from column {x} of the sensor"
        )
    return Region(images, x, y, x_binning, y_binning, axis)


def _starts(path: Path, root: ElementTree.Element, count: int, stride: int, offset: int) -> Array | None:
    """Starts of exposures in ns, behind the regions of each frame; None where they were not stamped."""
    block = next(_named(root, "MetaBlock"), None)
    for item in [] if block is None else block:
        width = int(item.get("bitDepth", "64")) // 8
        if item.get("event") == "ExposureStarted":
            resolution = float(item.attrib["resolution"])  # ticks per second
            last = DATA + (count - 1) * stride + offset + width
            if last > path.stat().st_size or width != 8:
                raise InputError(f"{path}: is cut: the time stamps need {last} bytes")
            raw = np.memmap(path, dtype="u1", mode="r", offset=DATA, shape=(last - DATA,))
            ticks = np.ndarray((count,), "<i8", buffer=raw, offset=offset, strides=(stride,))
            return 1e9 * ticks / resolution
        offset += width
    return None


def _joined(path: Path, regions: Sequence[Region]) -> tuple[Array, Array | None]:
    """Images (frames, regions, columns): regions summed over rows, onto the coarsest columns they share."""
    coarse = max(regions, key=lambda region: region.x_binning)
    width = coarse.x_binning
    first = max(region.x for region in regions)
    first += -(first - coarse.x) % width
    last = min(region.x + region.images.shape[2] * region.x_binning for region in regions)
    count = (last - first) // width
    if count < 1:
        raise InputError(f"{path}: its regions share no columns of the sensor")
    summed = []
    for region in regions:
        each = width // region.x_binning
        if width % region.x_binning or (first - region.x) % region.x_binning:
            raise InputError(f"{path}: its regions have pixels that do not fit into one another")
        start = (first - region.x) // region.x_binning
        rows = region.images[:, :, start : start + count * each].sum(axis=1, dtype=float)
        summed.append(rows.reshape(len(rows), count, each).sum(axis=2))
    axis = coarse.wavelength
    start = (first - coarse.x) // width
    return np.stack(summed, axis=1), None if axis is None else axis[start : start + count]


def _by_imageio(path: Path) -> Array:
    """Images (frames, rows, columns) of version 2.x."""
    with path.open("rb") as file:
        head = file.read(DATA)
    columns, rows = struct.unpack_from("<H", head, 42)[0], struct.unpack_from("<H", head, 656)[0]
    kind, frames = struct.unpack_from("<h", head, 108)[0], struct.unpack_from("<i", head, 1446)[0]
    if kind not in BYTES or min(columns, rows, frames) < 1:
        raise InputError(f"{path}: {frames} frames of {rows} x {columns} pixels of type {kind}: damaged")
    size, needed = path.stat().st_size, DATA + frames * rows * columns * BYTES[kind]
    if size < needed:
        raise InputError(f"{path}: is cut: ends at byte {size}, {frames} frames need {needed}")
    v3 = library("imageio.v3", path)
    try:
        images = np.asarray(v3.imread(path, plugin="SPE", index=...))
    except (OSError, ValueError, IndexError, KeyError, RuntimeError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(f"{path}: cannot be read as SPE 2.x: {reason}") from error
    return images.reshape(-1, rows, columns)


def _polynomial(path: Path, columns: int) -> Array | None:
    """Wavelengths (columns,) in nm of the calibration in the header of version 2.x; None: not valid.

    λ = Σ a_k p^k, p from 1 (WinSpec, "SPE file format", structure of the x calibration at byte 3000). A
    polynomial whose values are not wavelengths in nm (Raman shifts, pixels) is none.
    """
    with path.open("rb") as file:
        head = file.read(DATA)
    valid, order = head[CALIBRATION + 98], head[CALIBRATION + 101]
    if not valid or not 1 <= order <= 5:
        return None
    coefficients = struct.unpack_from("<6d", head, CALIBRATION + 263)[: order + 1]
    axis = np.polynomial.polynomial.polyval(np.arange(1.0, columns + 1.0), coefficients)
    steps = np.diff(axis)
    usual = np.all(np.isfinite(axis)) and axis.min() >= SHORTEST and axis.max() <= LONGEST
    return axis if usual and (np.all(steps > 0) or np.all(steps < 0)) else None
