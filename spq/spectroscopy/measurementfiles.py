"""A measurement from its files: photons with markers and frames of the camera, or both in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.cameramodel import in_photons
from spq.spectroscopy.files import read
from spq.spectroscopy.joining import join
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream

Path = str | os.PathLike[str]


def read_measurement(
    paths: Sequence[Path], *, offset: float | None = None, gain: float | None = None
) -> Measurement:
    """Read a measurement: one file that holds it, or one of photons and one of frames, in any order.

    offset, gain: of the camera, in counts and counts per photon; needed for frames in counts unless their
    file says them. Markers join photons and frames, see `join`. Raises InputError if files are not these.
    """
    if not 1 <= len(paths) <= 2:
        raise InputError(f"{len(paths)} files: must be one measurement, or one of photons and one of frames")
    records = [read(path) for path in paths]
    if len(records) == 1:
        if not isinstance(records[0], Measurement):
            have = "photons" if isinstance(records[0], PhotonStream) else "frames"
            raise InputError(f"{paths[0]}: has {have} alone: an analysis needs photons and frames")
        return records[0]
    photons = [each for each in records if isinstance(each, PhotonStream)]
    frames = [each for each in records if isinstance(each, FrameSeries)]
    if len(photons) != 1 or len(frames) != 1:
        raise InputError(f"{paths[0]}, {paths[1]}: must be one file of photons and one of frames")
    return join(photons[0], _light(frames[0], offset, gain))


def _light(frames: FrameSeries, offset: float | None, gain: float | None) -> FrameSeries:
    """Frames in photons, offset and gain taken out; raises InputError if they are not known."""
    if frames.unit == "photons":
        return frames
    known = {}
    for name, given in (("offset", offset), ("gain", gain)):
        value = frames.about.get(name) if given is None else given
        if value is None:
            raise InputError(f"frames: are in counts, and their file says no {name}: it must be given")
        known[name] = value
    checks.number(known["offset"], "offset", "counts")
    checks.number(known["gain"], "gain", "counts per photon", above=0.0)
    return in_photons(frames, float(known["offset"]), float(known["gain"]))
