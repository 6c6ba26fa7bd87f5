"""MATLAB files (.mat): version 5 by scipy.io, version 7.3 (HDF5) by h5py. The caller names the variables.

Numbers of MATLAB are doubles: ticks that are whole numbers up to 2^53 become int64 without loss.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from spq import checks
from spq.checks import placed
from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream
from spq.spectroscopy.sources import existing

Array = np.ndarray

HDF5 = b"\x89HDF\r\n\x1a\n"
HDF5_AT = 512
"""Byte where HDF5 begins in a .mat of version 7.3, behind MATLAB's own header."""

WHOLE = ("timestamps", "detectors", "nanotimes", "frame_of_photon")
EXACT = 2.0**53


def read_mat(
    path: str | os.PathLike[str],
    variables: Mapping[str, str],
    *,
    axes: tuple[str, ...] | None = None,
    scale: Mapping[str, float] | None = None,
    **values: Any,
) -> PhotonStream | FrameSeries | Measurement:
    """Read photons, spectra or both of a .mat.

    variables: field of PhotonStream or FrameSeries -> variable of the file; "timestamps" among them makes
    photons, "counts" spectra, both a measurement (with starts in the clock of the photons and exposure, and
    also frame_of_photon and irf, see `Measurement.from_arrays`). axes: what the axes of the counts are, e.g.
    ("pixels", "frames") or ("pixels", "strips", "frames"); None: two axes, of which only one is as long as
    the wavelengths.
    scale: field -> factor into its unit (ns, nm), e.g. {"starts": 1e9} for seconds. values: other fields as
    they are, e.g. timestamp_unit=1e-3.
    Raises InputError if the file is cut or is no .mat, a variable is not in it (all that are, are listed),
    or ticks are no whole numbers.
    """
    path = existing(path, 128)
    whole = {"timestamps", "counts"} <= set(variables)
    kind = PhotonStream if "timestamps" in variables else FrameSeries
    known = [each.name for each in fields(kind)]
    if whole:
        tags = {each.name for each in fields(PhotonStream)} - {"about"}
        known = [*tags, *(each.name for each in fields(FrameSeries)), "frame_of_photon", "irf"]
    checks.known_keys(variables, known, "variables: ")
    checks.known_keys(values, known, "")
    given = _arrays(path, list(variables.values()))
    found: dict[str, Any] = {}
    with placed(f"{path}: "):
        for name, variable in variables.items():
            array: Any = given[variable]
            if array.dtype.kind not in "iufb":
                raise InputError(f"{variable}: holds no numbers, but {array.dtype}")
            factor = (scale or {}).get(name)
            array = array if factor is None else array * factor
            if name in WHOLE:
                array = _whole(array, variable)
            if name != "counts":
                array = array.reshape(-1) if array.size != 1 or name in (*WHOLE, "starts") else array.item()
            found[name] = array
        if kind is PhotonStream and not whole:
            return PhotonStream(**found, **values)
        if "counts" not in found:
            raise InputError('variables: must name "timestamps" (photons) or "counts" (spectra)')
        wavelength = np.asarray(found.get("wavelength", values.get("wavelength", ())), dtype=float)
        found["counts"] = _ordered(found["counts"], wavelength.size, axes)
        if wavelength.size > 1 and wavelength[0] > wavelength[-1]:
            found["counts"] = found["counts"][:, :, ::-1]
            (found if "wavelength" in found else values)["wavelength"] = wavelength[::-1]
        made = Measurement.from_arrays if whole else FrameSeries
        return made(**found, **{"unit": "counts", **values})


def mat_images(
    path: str | os.PathLike[str],
    variable: str,
    *,
    axes: tuple[str, ...],
    wavelength: str | None = None,
) -> CameraImages:
    """Return the images that a variable of a .mat holds.

    axes: what its axes are, ("rows", "columns", "frames") in their order. wavelength: variable that holds
    those of the columns in nm. Raises InputError as `read_mat`.
    """
    path = existing(path, 128)
    given = _arrays(path, [variable, *([] if wavelength is None else [wavelength])])
    with placed(f"{path}: "):
        images = given[variable]
        if sorted(axes) != ["columns", "frames", "rows"] or images.ndim != 3:
            raise InputError(
                f"axes = {checks.shown(axes)}: must name rows, columns and frames of {variable}, of shape "
                f"{images.shape}"
            )
        images = images.transpose([axes.index(name) for name in ("frames", "rows", "columns")])
        axis = None if wavelength is None else given[wavelength].reshape(-1)
        return CameraImages(images, axis, about={"format": "MATLAB"})


def _arrays(path: Path, names: list[str]) -> dict[str, Array]:
    """Arrays of a file in MATLAB's order of axes; raises InputError."""
    with path.open("rb") as file:
        head = file.read(HDF5_AT + len(HDF5))
    if HDF5 in (head[: len(HDF5)], head[HDF5_AT:]):
        return _version_73(path, names)
    return _version_5(path, names)


def _version_5(path: Path, names: list[str]) -> dict[str, Array]:
    from scipy import io

    try:
        there = [name for name, _, _ in io.whosmat(path)]
        _all_there(path, names, there)
        found = io.loadmat(path, variable_names=names)
    except InputError:
        raise
    except Exception as error:  # a damaged file raises anything from zlib.error to TypeError in scipy
        raise InputError(f"{path}: cannot be read as MATLAB file: {error or type(error).__name__}") from error
    lacking = [name for name in names if name not in found]
    if lacking:
        raise InputError(f"{path}: is cut: {', '.join(lacking)} cannot be read")
    return {name: np.asarray(found[name]) for name in names}


def _version_73(path: Path, names: list[str]) -> dict[str, Array]:
    import h5py

    try:
        with h5py.File(path) as file:
            there: list[str] = []
            file.visititems(lambda name, each: there.append(name) if isinstance(each, h5py.Dataset) else None)
            _all_there(path, names, [name for name in there if not name.startswith("#refs#")])
            return {name: np.asarray(file[name][()]).T for name in names}
    except (OSError, KeyError, RuntimeError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{path}: cannot be read as MATLAB 7.3 file: {reason}") from error


def _all_there(path: Path, names: list[str], there: list[str]) -> None:
    """Raise an InputError that lists what the file holds, if a name is not in it."""
    for name in names:
        if name not in there:
            hint = checks.nearest(name, there)
            raise InputError(f"{path}: has no variable {name!r}{hint}; it holds {', '.join(there) or 'none'}")


def _whole(array: Array, variable: str) -> Array:
    """Whole numbers (n,) as integers; raises InputError where they are none."""
    if array.dtype.kind in "iu":
        return array
    array = array.astype(float)
    if not np.all(np.isfinite(array)) or np.any(np.abs(array) > EXACT) or np.any(array != np.rint(array)):
        raise InputError(f"{variable}: holds numbers that are not whole: give ticks, or scale them to such")
    return array.astype(np.int64)


def _ordered(counts: Array, pixels: int, axes: tuple[str, ...] | None) -> Array:
    """Counts (frames, strips, pixels); raises InputError where the order is not given and not clear."""
    if axes is None:
        fits = [size == pixels for size in counts.shape]
        if counts.ndim != 2 or sum(fits) != 1:
            raise InputError(
                f"counts: of shape {counts.shape} with {pixels} wavelengths: say what the axes are, "
                'e.g. axes=("pixels", "frames")'
            )
        axes = ("pixels", "frames") if fits[0] else ("frames", "pixels")
    if len(axes) != counts.ndim or sorted({"strips", *axes}) != ["frames", "pixels", "strips"]:
        raise InputError(
            f"axes = {checks.shown(axes)}: must name frames, pixels and maybe strips, {counts.ndim}"
        )
    if "strips" not in axes:
        counts, axes = counts[..., None], (*axes, "strips")
    return counts.transpose([axes.index(name) for name in ("frames", "strips", "pixels")])
