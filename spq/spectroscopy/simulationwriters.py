"""Simulated measurements as files: 16-byte tags, Photon-HDF5, frames as NetCDF, truth as JSON; and a figure.

A tag is u8 type (0 tag, 1 error, 2 and 3 begin and end of an overflow, 4 missed), u8, u16 number missed, i32
channel, i64 time in ps, little-endian.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.photon_hdf5 import write_photon_hdf5
from spq.spectroscopy.plotsimulation import simulation_writer
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream
from spq.spectroscopy.recordstore import save
from spq.spectroscopy.simulator import FRAME, PLATE, as_counts
from spq.spectroscopy.truth import Truth
from spq.store import Writer

TAG = np.dtype([("type", "u1"), ("unused", "u1"), ("missed", "<u2"), ("channel", "<i4"), ("time", "<i8")])

PHOTON_CHANNEL, LASER_CHANNEL, FRAME_CHANNEL, PLATE_CHANNEL = 1, 2, 3, 4
FILES = ("tags.bin", "photons.h5", "frames.nc", "truth.json", "simulation.png")


def measurement_writers(measurement: Measurement, truth: Truth) -> dict[str, Writer]:
    """File name -> function that writes it, for `spq.store.write_files`."""
    return {
        "tags.bin": lambda path: write_tags(measurement.photons, path),
        "photons.h5": lambda path: _photons(measurement.photons, path),
        "frames.nc": lambda path: _frames(measurement.frames, path),
        "truth.json": lambda path: write_truth(truth, path),
    } | simulation_writer(measurement, truth)


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


def _photons(stream: PhotonStream, path: Path) -> None:
    write_photon_hdf5(stream, path, "simulated measurement")


def _frames(frames: FrameSeries, path: Path) -> None:
    save(as_counts(frames), path)


def write_truth(truth: Truth, path: str | Path) -> None:
    """Write everything that was drawn as JSON, but not the photons one by one."""
    Path(path).write_text(json.dumps(truth.document(), allow_nan=False) + "\n", encoding="utf-8")
