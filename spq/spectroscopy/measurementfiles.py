"""A measurement from its files: photons with markers and frames of the camera, or both in one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.cameraframes import mask_saturated
from spq.spectroscopy.cameramodel import in_photons
from spq.spectroscopy.files import IMAGES, Record, read, read_images, recognise
from spq.spectroscopy.images import extract_spectra
from spq.spectroscopy.joining import join
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream

Array = np.ndarray
Path = str | os.PathLike[str]


def read_measurement(
    paths: Sequence[Path],
    *,
    offset: float | None = None,
    gain: float | None = None,
    wavelength: Array | None = None,
    strips: Sequence[str] | Mapping[str, tuple[int, int]] | None = None,
    air: bool = False,
    exposure: float | None = None,
) -> Measurement:
    """Read a measurement: one file that holds it, or one of photons and one of frames, in any order.

    paths: of these files. offset, gain: of the camera, in counts and counts per photon; needed for frames in
    counts unless their file says them. Images of more rows than strips go through `extract_spectra`, which
    finds strips ("V" and "H" unless named), offset and gain. wavelength: (columns,) in nm, and air: whether
    in air, for files that hold none. exposure: ns, if the frames do not say it. Markers join photons and
    frames, see `join`. Raises InputError if files are not these.
    """
    if not 1 <= len(paths) <= 2:
        raise InputError(f"{len(paths)} files: must be one measurement, or one of photons and one of frames")
    taken = {"wavelength": wavelength, "strips": strips, "air": air}
    records = [_record(path, offset, gain, taken) for path in paths]
    if len(records) == 1:
        if not isinstance(records[0], Measurement):
            have = "photons" if isinstance(records[0], PhotonStream) else "frames"
            raise InputError(f"{paths[0]}: has {have} alone: an analysis needs photons and frames")
        whole = records[0]
        return replace(whole, frames=_light(whole.frames, offset, gain))
    photons = [each for each in records if isinstance(each, PhotonStream)]
    frames = [each for each in records if isinstance(each, FrameSeries)]
    if len(photons) != 1 or len(frames) != 1:
        raise InputError(f"{paths[0]}, {paths[1]}: must be one file of photons and one of frames")
    return join(photons[0], _light(frames[0], offset, gain), exposure=exposure)


def _record(path: Path, offset: float | None, gain: float | None, taken: Mapping[str, Any]) -> Record:
    """What a file holds; of images their spectra, in photons where strips are found in them."""
    if recognise(path) not in IMAGES or recognise(path) == "mat":
        return read(path)
    recorded, strips = read_images(path), taken["strips"]
    rows = recorded.images.shape[1]
    if rows == 1 or (not isinstance(strips, Mapping) and strips is not None and len(strips) == rows):
        return read(path, **taken)
    if rows == 2 and strips is None:
        return read(path, **{**taken, "strips": ("V", "H")})
    with checks.placed(f"{path}: "):
        return extract_spectra(
            recorded,
            taken["wavelength"],
            strips=("V", "H") if strips is None else strips,
            offset=offset,
            gain=gain,
            air=taken["air"],
        )


def _light(frames: FrameSeries, offset: float | None, gain: float | None) -> FrameSeries:
    """Frames in photons, offset and gain taken out; raises InputError if they are not known."""
    if frames.unit == "photons":
        return frames
    frames = mask_saturated(frames)
    known = {}
    for name, given in (("offset", offset), ("gain", gain)):
        value = frames.about.get(name) if given is None else given
        if value is None:
            raise InputError(f"frames: are in counts, and their file says no {name}: it must be given")
        known[name] = value
    checks.number(known["offset"], "offset", "counts")
    checks.number(known["gain"], "gain", "counts per photon", above=0.0)
    return in_photons(frames, float(known["offset"]), float(known["gain"]))
