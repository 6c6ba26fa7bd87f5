"""Photon-HDF5 files, read with h5py; written for other programs (http://photon-hdf5.org, version 0.5).

Seconds of the file become ns. Markers, which the format does not know, are under /user/markers: one array of
ticks (unit of the photons' timestamps) per marker, named by it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.checks import placed
from spq.errors import InputError
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.sources import existing

if TYPE_CHECKING:
    import h5py

Array = np.ndarray

MARKERS = "user/markers"
LOST = "user/lost"
PIECE = 1 << 22
DAMAGED = (OSError, KeyError, RuntimeError, TypeError)


def read_photon_hdf5(path: str | os.PathLike[str], *, spot: int | None = None) -> PhotonStream:
    """Read a Photon-HDF5 file; `spot`: which one of a file with several (photon_data0, ...).

    Raises InputError if the file cannot be read, is no Photon-HDF5, or lacks what photons need.
    """
    import h5py

    path = existing(path)
    with _told(path), h5py.File(path) as file:
        return _stream(path, file, spot)


def photon_hdf5_pieces(
    path: str | os.PathLike[str], *, spot: int | None = None
) -> tuple[PhotonStream, Callable[[], Iterator[tuple]]]:
    """Head of a Photon-HDF5 file, a stream without photons, and what yields its photons; see `stream`.

    Raises InputError like `read_photon_hdf5`.
    """
    import h5py

    path = existing(path)
    names = ("timestamps", "detectors", "nanotimes")

    def pieces() -> Iterator[tuple]:
        with _told(path), h5py.File(path) as file:
            data = file[_spot(path, file, spot)]
            for first in range(0, len(data["timestamps"]), PIECE):
                part = slice(first, first + PIECE)
                yield tuple(data[name][part] if name in data else None for name in names)

    with _told(path), h5py.File(path) as file:
        return _stream(path, file, spot, slice(0)), pieces


def write_photon_hdf5(stream: PhotonStream, path: str | os.PathLike[str], description: str = "") -> Path:
    """Write photons as Photon-HDF5 (measurement type "generic"), with markers and gaps under /user.

    stream: the photons. path: of the file, which is returned. description: a sentence in the file. Raises
    InputError if the file cannot be written.
    """
    import h5py

    path = Path(path)
    try:
        with h5py.File(path, "w") as file:
            _write(file, stream, path, description)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error}") from error
    return path


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of a damaged file as one InputError."""
    try:
        yield
    except DAMAGED as error:
        reason = str(error).split("\n")[0]
        raise InputError(f"{path}: cannot be read as Photon-HDF5: {reason}") from error


def _spot(path: Path, file: h5py.File, spot: int | None) -> str:
    """Name of the group that holds the photons; raises InputError."""
    name = _text(file.attrs.get("format_name", file.get("format_name", "")))
    spots = sorted(key for key in file if key.startswith("photon_data"))
    if name != "Photon-HDF5" and not spots:
        raise InputError(f"{path}: is HDF5, but no Photon-HDF5: it has no photon_data")
    group = "photon_data" if spot is None else f"photon_data{spot}"
    if group not in spots:
        there = ", ".join(spots) or "none"
        raise InputError(f"{path}: has no {group} (there: {there}); choose with spot=0, 1, ...")
    return group


def _stream(path: Path, file: h5py.File, spot: int | None, part: slice = slice(None)) -> PhotonStream:
    """The photons of a part of the file, with all that holds for the whole of it."""
    data = file[_spot(path, file, spot)]
    tick = 1e9 * float(_needed(path, data, "timestamps_specs/timestamps_unit")[()])
    timed = "nanotimes" in data
    rate = data.get("measurement_specs/laser_repetition_rate")
    duration = file.get("acquisition_duration")
    timestamps = _needed(path, data, "timestamps")
    if not len(timestamps):
        raise InputError(f"{path}: holds no photon")
    last = float(timestamps[-1]) * tick
    markers = _markers(file)
    ends = [last, *(float(each[-1]) * tick for each in markers.values() if len(each))]
    with placed(f"{path}: "):
        return PhotonStream(
            timestamps=timestamps[part],
            timestamp_unit=tick,
            detectors=data["detectors"][part] if "detectors" in data else None,
            nanotimes=data["nanotimes"][part] if timed else None,
            nanotime_unit=1e9 * float(_needed(path, data, "nanotimes_specs/tcspc_unit")[()])
            if timed
            else None,
            nanotime_bins=int(_needed(path, data, "nanotimes_specs/tcspc_num_bins")[()]) if timed else None,
            laser_period=1e9 / float(rate[()]) if rate is not None and rate[()] > 0 else None,
            markers=markers,
            lost=file[LOST][()] if LOST in file else np.empty((0, 2), dtype=np.int64),
            duration=max([last, 1e9 * float(duration[()])] if duration is not None else ends),
            about={"format": "Photon-HDF5", **_about(file)},
        )


def _needed(path: Path, data: h5py.Group, name: str) -> h5py.Dataset:
    if name not in data:
        raise InputError(f"{path}: lacks {data.name}/{name}")
    return data[name]


def _markers(file: h5py.File) -> dict[int | str, Array]:
    """Markers under /user/markers, whole-number names as numbers."""
    if MARKERS not in file:
        return {}
    return {int(name) if name.isdigit() else name: each[()] for name, each in file[MARKERS].items()}


def _about(file: h5py.File) -> dict[str, Any]:
    """Single texts and numbers of the groups that describe the file."""
    found = {"description": _text(file["description"])} if "description" in file else {}
    for group in ("identity", "setup", "sample", "provenance"):
        if group in file:
            for name, each in file[group].items():
                if hasattr(each, "shape") and each.shape == ():
                    value = each[()]
                    found[f"{group}/{name}"] = _text(value) if isinstance(value, bytes) else value.item()
    return found


def _text(value: Any) -> str:
    if hasattr(value, "shape") and value.shape == () and not isinstance(value, (bytes, str)):
        value = value[()]
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _write(file: h5py.File, stream: PhotonStream, path: Path, description: str) -> None:
    file.attrs["format_name"], file.attrs["format_version"] = "Photon-HDF5", "0.5"
    file.attrs["format_url"] = "http://photon-hdf5.org/"
    file["acquisition_duration"] = 1e-9 * (stream.duration or 0.0)
    file["description"] = description or "photons"
    detectors = np.zeros(0) if stream.detectors is None else stream.detectors
    data: dict[str, Any] = {
        "timestamps": stream.timestamps,
        "detectors": detectors,
        "timestamps_specs/timestamps_unit": 1e-9 * stream.timestamp_unit,
    }
    if stream.nanotimes is not None and stream.nanotime_unit is not None:
        bins = stream.nanotime_bins or int(stream.nanotimes.max(initial=0)) + 1
        data["nanotimes"] = stream.nanotimes
        data["nanotimes_specs/tcspc_unit"] = 1e-9 * stream.nanotime_unit
        data["nanotimes_specs/tcspc_num_bins"] = bins
        data["nanotimes_specs/tcspc_range"] = 1e-9 * stream.nanotime_unit * bins
    data["measurement_specs/measurement_type"] = "generic"
    if stream.laser_period is not None:
        data["measurement_specs/laser_repetition_rate"] = 1e9 / stream.laser_period
    for i, number in enumerate(np.unique(detectors)):
        data[f"measurement_specs/detectors_specs/split_ch{i + 1}"] = np.array([number])
    group = file.create_group("photon_data")
    for name, value in data.items():
        packed = {"compression": "gzip"} if np.size(value) > 1000 else {}
        group.create_dataset(name, data=value, **packed)
    for key, ticks in stream.markers.items():
        file[f"{MARKERS}/{key}"] = ticks
    if len(stream.lost):
        file[LOST] = stream.lost
    file["identity/format_name"], file["identity/format_version"] = "Photon-HDF5", "0.5"
    file["identity/format_url"] = "http://photon-hdf5.org/"
    file["identity/software"], file["identity/filename"] = "spq", path.name
    setup = {"num_pixels": len(np.unique(detectors)), "num_spots": 1, "num_spectral_ch": 1}
    setup |= {"num_polarization_ch": 1, "num_split_ch": max(len(np.unique(detectors)), 1)}
    setup |= {"modulated_excitation": 0, "lifetime": int(stream.nanotimes is not None)}
    for key, number in setup.items():
        file[f"setup/{key}"] = number
