"""Simulated measurements as files: 16-byte tags, Photon-HDF5, frames as NetCDF, truth as JSON.

A tag is u8 type (0 tag, 1 error, 2 and 3 begin and end of an overflow, 4 missed), u8, u16 number missed, i32
channel, i64 time in ps, little-endian. Photon-HDF5 0.5: http://photon-hdf5.readthedocs.io, times in s.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream
from spq.spectroscopy.simulator import FRAME, PLATE, as_counts
from spq.spectroscopy.truth import Truth
from spq.store import Writer

TAG = np.dtype([("type", "u1"), ("unused", "u1"), ("missed", "<u2"), ("channel", "<i4"), ("time", "<i8")])

PHOTON_CHANNEL, LASER_CHANNEL, FRAME_CHANNEL, PLATE_CHANNEL = 1, 2, 3, 4
FILES = ("tags.bin", "photons.h5", "frames.nc", "truth.json")


def measurement_writers(measurement: Measurement, truth: Truth) -> dict[str, Writer]:
    """File name -> function that writes it, for `spq.store.write_files`."""
    return {
        "tags.bin": lambda path: write_tags(measurement.photons, path),
        "photons.h5": lambda path: write_photon_hdf5(measurement.photons, path),
        "frames.nc": lambda path: write_frames(as_counts(measurement.frames), path),
        "truth.json": lambda path: write_truth(truth, path),
    }


def write_tags(stream: PhotonStream, path: str | Path) -> None:
    """Write simulated photons as 16-byte tags in the order of their times.

    Channel 1: photons; 2: the laser pulse before each photon, as a filter of the tagger leaves it, once per
    pulse; 3: exposures; 4: moves of the wave plate. Raises InputError unless ticks are ps.
    """
    if abs(stream.timestamp_unit - 1e-3) > 1e-12 or stream.laser_period is None:
        raise InputError("photons: ticks must be ps and the laser's period known, to be written as tags")
    period = round(1e3 * stream.laser_period)
    pulses = np.unique(stream.timestamps // period) * period
    channels = {
        LASER_CHANNEL: pulses,
        FRAME_CHANNEL: stream.markers.get(FRAME, np.empty(0, dtype=np.int64)),
        PLATE_CHANNEL: stream.markers.get(PLATE, np.empty(0, dtype=np.int64)),
        PHOTON_CHANNEL: stream.timestamps,  # last: a pulse comes before a photon of the same ps
    }
    times = np.concatenate(list(channels.values()))
    order = np.argsort(times, kind="stable")
    tags = np.zeros(len(times), dtype=TAG)
    tags["time"] = times[order]
    numbers = np.array(list(channels), dtype=np.int32)
    tags["channel"] = np.repeat(numbers, [len(each) for each in channels.values()])[order]
    tags.tofile(path)


def write_photon_hdf5(stream: PhotonStream, path: str | Path) -> None:
    """Write photons as Photon-HDF5 0.5; markers under /user/markers, in ticks of the photons.

    Raises InputError if there are no micro-times.
    """
    import h5py

    import spq

    if stream.nanotimes is None or stream.nanotime_unit is None or stream.nanotime_bins is None:
        raise InputError("photons: have no micro-times")
    assert stream.duration is not None and stream.detectors is not None
    data: dict[str, Any] = {
        "timestamps": stream.timestamps,
        "timestamps_specs/timestamps_unit": 1e-9 * stream.timestamp_unit,
        "nanotimes": stream.nanotimes,
        "nanotimes_specs/tcspc_unit": 1e-9 * stream.nanotime_unit,
        "nanotimes_specs/tcspc_num_bins": stream.nanotime_bins,
        "nanotimes_specs/tcspc_range": 1e-9 * stream.nanotime_unit * stream.nanotime_bins,
        "detectors": stream.detectors,
        "measurement_specs/measurement_type": "generic",
        "measurement_specs/detectors_specs/spectral_ch1": np.array([0], dtype=np.uint8),
    }
    if stream.laser_period is not None:
        data["measurement_specs/laser_repetition_rate"] = 1e9 / stream.laser_period
    software = {"software": "spq", "software_version": spq.__version__}
    identity = software | {
        "format_name": "Photon-HDF5",
        "format_version": "0.5",
        "format_url": "http://photon-hdf5.org/",
        "filename": Path(path).name,
    }
    setup = {"num_pixels": 1, "num_spots": 1, "num_spectral_ch": 1, "num_polarization_ch": 1}
    setup |= {"num_split_ch": 1, "modulated_excitation": 0, "lifetime": 1, "excitation_alternated": 0}
    with h5py.File(path, "w") as file:
        for name in ("format_name", "format_version", "format_url"):
            file.attrs[name] = identity[name]
        file["acquisition_duration"] = 1e-9 * stream.duration
        file["description"] = "simulated measurement"
        for group, values in (("photon_data", data), ("identity", identity), ("setup", setup)):
            for name, value in values.items():
                packed = {"compression": "gzip", "compression_opts": 1} if np.size(value) > 1000 else {}
                file.create_dataset(f"{group}/{name}", data=value, **packed)
        file["provenance/filename"] = "simulated"
        file["provenance/software"] = "spq"
        for marker, ticks in stream.markers.items():
            file[f"user/markers/{marker}"] = ticks


def write_frames(frames: FrameSeries, path: str | Path) -> None:
    """Write frames as NetCDF: group "frames" with the fields of a FrameSeries, units as attributes."""
    import xarray as xr

    numbers = {"strips": list(frames.strips), "unit": frames.unit, "excess": frames.excess}
    numbers |= {} if frames.exposure is None else {"exposure": frames.exposure}
    variables: dict[str, Any] = {
        "counts": (("frame", "strip", "pixel"), frames.counts, {"units": "1"}),
        "wavelength": ("pixel", frames.wavelength, {"units": "nm"}),
        "about": json.dumps(dict(frames.about)),
        "numbers": json.dumps(numbers),
    }
    for name, unit in (("starts", "ns"), ("angles", "degree")):
        value = getattr(frames, name)
        if value is not None:
            variables[name] = ("frame", value, {"units": unit})
    head = xr.Dataset(attrs={"spq_record": "FrameSeries"})
    head.to_netcdf(path, engine="h5netcdf")
    ds = xr.Dataset(variables)
    packed: dict[str, Any] = {
        str(name): {"_FillValue": None} for name in ds.variables if ds[name].dtype.kind == "f"
    }
    packed["counts"] |= {"zlib": True, "complevel": 4}
    ds.to_netcdf(path, mode="a", group="frames", engine="h5netcdf", encoding=packed)


def write_truth(truth: Truth, path: str | Path) -> None:
    """Write everything that was drawn as JSON, but not the photons one by one."""
    Path(path).write_text(json.dumps(truth.document(), allow_nan=False) + "\n", encoding="utf-8")
