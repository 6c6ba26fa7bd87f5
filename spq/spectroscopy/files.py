"""One way in: `read` recognises a file by how it begins, and by its name where that says nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream
from spq.spectroscopy.sources import existing

Record = PhotonStream | FrameSeries | Measurement

READERS = {
    "ptu": ("picoquant", "read_ptu"),
    "ht3": ("picoquant", "read_ht3"),
    "pt3": ("picoquant_old", "read_pt3"),
    "t3r": ("picoquant_old", "read_t3r"),
    "spc": ("becker_hickl", "read_spc"),
    "photon-hdf5": ("photon_hdf5", "read_photon_hdf5"),
    "swabian": ("swabian", "read_swabian"),
    "sif": ("sif", "read_sif"),
    "spe": ("spe", "read_spe"),
    "tiff": ("tiff", "read_tiff"),
    "asc": ("ascii_spectra", "read_asc"),
    "mat": ("matlab", "read_mat"),
    "netcdf": ("recordstore", "load"),
}
"""Kind of file -> module and function that read it."""

IMAGES = {
    "sif": ("sif", "sif_images"),
    "spe": ("spe", "spe_images"),
    "tiff": ("tiff", "tiff_images"),
    "mat": ("matlab", "mat_images"),
}
"""Kind of file that holds images -> module and function that read them."""

BEGINNINGS = {
    b"PQTTTR\0\0": "ptu",
    b"HydraHarp\0": "ht3",
    b"PicoHarp 300\0": "pt3",
    b"TimeHarp 200\0": "t3r",
    b"Andor Technology Multi-Channel File": "sif",
    b"MATLAB ": "mat",
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",
    b"MM\0+": "tiff",
}
ENDINGS = {
    ".ptu": "ptu",
    ".ht2": "ht3",
    ".ht3": "ht3",
    ".pt3": "pt3",
    ".t3r": "t3r",
    ".spc": "spc",
    ".h5": "photon-hdf5",
    ".hdf5": "photon-hdf5",
    ".dump": "swabian",
    ".tags": "swabian",
    ".ttbin": "swabian",
    ".sif": "sif",
    ".spe": "spe",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".asc": "asc",
    ".mat": "mat",
    ".nc": "netcdf",
}
HDF5 = b"\x89HDF\r\n\x1a\n"


def read(path: str | os.PathLike[str], *, kind: str | None = None, **options: Any) -> Record:
    """Read a file of photons or spectra: a PhotonStream, a FrameSeries, or a Measurement.

    path: of the file. kind: one of READERS, None to recognise it. options: those of the format's reader, e.g.
    `photons=[1, 2]` (channels of a Swabian dump), `strips=("V", "H")`, `nanotime_unit=...`. Raises InputError
    if the file is not there, empty, cut, or of no kind that is known, or if an option is not known to its
    reader.
    """
    found = existing(path)
    name = recognise(found) if kind is None else kind
    if name not in READERS:
        raise InputError(f"kind = {name!r}: must be one of {', '.join(READERS)}")
    reader = _function(*READERS[name])
    check_options(found, name, reader, options)
    return reader(found, **options)


def read_images(path: str | os.PathLike[str], *, kind: str | None = None, **options: Any) -> CameraImages:
    """Read the images of a camera as they are, for `extract_spectra`.

    path: of the file. kind: one of IMAGES, None to recognise it. options: those of the format, e.g. of a .mat
    `variable="images", axes=("rows", "columns", "frames")`.
    Raises InputError if the file is not there, empty, cut, or of no kind that holds images.
    """
    found = existing(path)
    name = recognise(found) if kind is None else kind
    if name not in IMAGES:
        raise InputError(f"{found}: files of kind {name} hold no images; those of {', '.join(IMAGES)} do")
    reader = _function(*IMAGES[name])
    check_options(found, name, reader, options)
    return reader(found, **options)


def recognise(path: str | os.PathLike[str]) -> str:
    """Return the kind of a file, one of READERS; raises InputError if it is none."""
    found = existing(path)
    with found.open("rb") as file:
        head = file.read(64)
    for beginning, kind in BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    ending = found.suffix.lower()
    if head.startswith(HDF5):
        return _hdf5(found)
    if ending in ENDINGS:
        return ENDINGS[ending]
    raise InputError(f"{found}: is of no kind that is known; known are {', '.join(sorted(ENDINGS))}")


def _hdf5(path: Path) -> str:
    """Which kind of HDF5 a file is."""
    import h5py

    try:
        with h5py.File(path) as file:
            if "spq_record" in file.attrs:
                return "netcdf"
            if any(name.startswith("photon_data") for name in file):
                return "photon-hdf5"
    except (OSError, RuntimeError, KeyError, TypeError) as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{path}: cannot be read as HDF5: {reason}") from error
    return "mat" if path.suffix.lower() == ".mat" else "photon-hdf5"


def _function(module: str, function: str) -> Callable[..., Any]:
    return getattr(import_module(f"spq.spectroscopy.{module}"), function)


def check_options(path: Path, kind: str, reader: Callable[..., Any], options: dict[str, Any]) -> None:
    """Raise an InputError that names an option that is not known, or is missing."""
    import inspect

    known = inspect.signature(reader).parameters
    open_ended = any(each.kind is each.VAR_KEYWORD for each in known.values())
    for name in options:
        if name not in known and not open_ended:
            there = ", ".join(list(known)[1:]) or "none"
            raise InputError(f"{path}: {name}: no option of files of kind {kind} (options: {there})")
    for name, each in list(known.items())[1:]:
        if each.default is each.empty and each.kind is not each.VAR_KEYWORD and name not in options:
            raise InputError(f"{path}: a file of kind {kind} needs {name}=...")
