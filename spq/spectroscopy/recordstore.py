"""Photons, frames and measurements on disk: NetCDF, which `save` writes and `load` reads back bit for bit.

A file has a group "photons", a group "frames", or both and what joins them. A file appears whole or not at
all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import store
from spq.checks import placed
from spq.errors import InputError
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream
from spq.spectroscopy.sources import existing

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray
Record = PhotonStream | FrameSeries | Measurement

KIND = "spq_record"
SINGLE = ("timestamp_unit", "nanotime_unit", "nanotime_bins", "laser_period", "duration")
PHOTONS = ("timestamps", "detectors", "nanotimes")
FRAMES = ("starts", "angles")
DAMAGED = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError)


def save(record: Record, path: str | os.PathLike[str]) -> Path:
    """Write a `record` (photons, frames or a measurement) as NetCDF; return the path.

    Numbers in `about` and the like are kept, arrays in it become lists. Raises InputError if the file cannot
    be written, or `about` holds what JSON does not know.
    """
    if not isinstance(record, Record):
        raise InputError(f"record: a {type(record).__name__}: must be photons, frames or a measurement")
    path = Path(path)
    groups = {"/": _head(record)}
    if isinstance(record, Measurement):
        groups |= {"photons": _photons(record.photons), "frames": _frames(record.frames)}
    else:
        one = isinstance(record, PhotonStream)
        groups["photons" if one else "frames"] = _photons(record) if one else _frames(record)  # type: ignore

    def write(target: Path) -> None:
        for number, (name, ds) in enumerate(groups.items()):
            plain = {each: {"_FillValue": None} for each in ds.variables if ds[each].dtype.kind == "f"}
            mode: Any = "a" if number else "w"
            ds.to_netcdf(target, mode=mode, group=name, engine="h5netcdf", encoding=plain)

    return store.write_files(path.parent, {path.name: write})[0]


def load(path: str | os.PathLike[str]) -> Record:
    """Read what `save` wrote to `path`; raises InputError if it cannot be read or is none of these."""
    import xarray as xr

    path = existing(path)
    try:
        with xr.open_dataset(path, engine="h5netcdf") as head:
            kind = head.attrs.get(KIND)
            head = head.load()
        if kind not in ("PhotonStream", "FrameSeries", "Measurement"):
            raise InputError(f"{path}: is no record of spq: it has no attribute {KIND}")
        with placed(f"{path}: "):
            photons = None if kind == "FrameSeries" else _photons_of(_group(path, "photons"))
            frames = None if kind == "PhotonStream" else _frames_of(_group(path, "frames"))
            if photons is not None and frames is not None:
                return _joined(head, photons, frames)
    except DAMAGED as error:
        reason = (str(error).splitlines() or [""])[0]
        raise InputError(f"{path}: cannot be read as a record of spq: {reason}") from error
    record = frames if photons is None else photons
    assert record is not None
    return record


def _head(record: Record) -> xr.Dataset:
    """What joins photons and frames, and what kind of record it is."""
    import xarray as xr

    variables: dict[str, Any] = {}
    if isinstance(record, Measurement):
        variables["frame_of_photon"] = ("photon", record.frame_of_photon)
        variables["about"] = _json(record.about)
        if record.irf is not None:
            variables["irf"] = ("bin", np.asarray(record.irf, dtype=float))
    return xr.Dataset(variables, attrs={KIND: type(record).__name__})


def _joined(head: xr.Dataset, photons: PhotonStream, frames: FrameSeries) -> Measurement:
    irf = head["irf"].values if "irf" in head else None
    return Measurement(photons, frames, head["frame_of_photon"].values, irf, _about(head))


def _group(path: Path, name: str) -> xr.Dataset:
    import xarray as xr

    with xr.open_dataset(path, group=name, engine="h5netcdf", decode_times=False) as ds:
        return ds.load()


def _photons(stream: PhotonStream) -> xr.Dataset:
    import xarray as xr

    arrays = {name: getattr(stream, name) for name in PHOTONS}
    variables: dict[str, Any] = {name: ("photon", each) for name, each in arrays.items() if each is not None}
    variables["lost"] = (("gap", "end"), stream.lost)
    names = list(stream.markers)
    for number, name in enumerate(names):
        variables[f"marker_{number}"] = (f"mark_{number}", stream.markers[name])
    numbers = {name: getattr(stream, name) for name in SINGLE if getattr(stream, name) is not None}
    variables |= {"about": _json(stream.about), "markers": _json(names), "numbers": _json(numbers)}
    return xr.Dataset(variables)


def _photons_of(ds: xr.Dataset) -> PhotonStream:
    names = json.loads(str(ds["markers"].item()))
    markers = {name: ds[f"marker_{number}"].values for number, name in enumerate(names)}
    arrays: dict[str, Any] = {name: ds[name].values for name in PHOTONS if name in ds}
    numbers = json.loads(str(ds["numbers"].item()))
    return PhotonStream(**arrays, **numbers, markers=markers, lost=ds["lost"].values, about=_about(ds))


def _frames(frames: FrameSeries) -> xr.Dataset:
    import xarray as xr

    arrays = {name: getattr(frames, name) for name in FRAMES}
    variables: dict[str, Any] = {name: ("frame", each) for name, each in arrays.items() if each is not None}
    variables["counts"] = (("frame", "strip", "pixel"), frames.counts)
    variables["wavelength"] = ("pixel", frames.wavelength)
    numbers = {"strips": list(frames.strips), "unit": frames.unit, "excess": float(frames.excess)}
    if frames.exposure is not None:
        numbers["exposure"] = float(frames.exposure)
    variables |= {"about": _json(frames.about), "numbers": _json(numbers)}
    return xr.Dataset(variables)


def _frames_of(ds: xr.Dataset) -> FrameSeries:
    arrays: dict[str, Any] = {name: ds[name].values for name in FRAMES if name in ds}
    numbers = json.loads(str(ds["numbers"].item()))
    numbers["strips"] = tuple(numbers["strips"])
    return FrameSeries(ds["counts"].values, ds["wavelength"].values, **arrays, **numbers, about=_about(ds))


def _json(value: Any) -> str:
    """Numbers, texts, lists and mappings as JSON, which keeps every digit; raises InputError."""
    try:
        return json.dumps(_bare(value))
    except (TypeError, ValueError) as error:
        raise InputError(f"about: cannot be kept: {error}") from error


def _bare(value: Any) -> Any:
    """Arrays and numbers of NumPy as those of Python."""
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_bare(item) for item in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _about(ds: xr.Dataset) -> dict[str, Any]:
    return json.loads(str(ds["about"].item()))
