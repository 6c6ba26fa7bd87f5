"""Tracks of the emitters: energy and photons of every emitter's line in every frame, by likelihood.

Counts y_i of a frame are compared with μ_i = Σ_l N_l s_i(E_l) + b, all lines of one shape with its replicas.
Which line is which emitter is found over all frames together; energy and photons of a frame are those of
greatest likelihood of that frame alone, so that jumps stay sharp and errors of frames are independent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.linemodel import FWHM, LineShape
from spq.spectroscopy.linetable import table_of
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.trackdata import TrackData, track_data
from spq.spectroscopy.trackfit import FrameFits, fit_frames, fit_shape
from spq.spectroscopy.trackpaths import follow
from spq.spectroscopy.trackpeaks import find_peaks, number_of_emitters, score

Array = np.ndarray

MOST = 3
"""Emitters that can be followed."""
PIXELS = (1.5, 3.0, 6.0, 12.0)
"""Widths of the line in pixels that are tried at first."""
RATIOS = (0.2, 0.1)
"""Ratios of the replicas before anything is known."""
TRIED = 120
"""Frames by which the shape is found."""
SIGNIFICANT = 2.0
"""Photons over their error from which on a line is there."""
DETERMINED = 1.0
"""Error of an energy over the width of the line up to which it is determined."""
FEWEST = 20.0
"""Photons over the noise factor that all frames together must have above the background."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """What every emitter did; emitters in the order of falling mean energy.

    Attributes
    ----------
    energies, errors : float (frames, emitters)
        Zero-phonon line in eV, and its standard error with the excess noise in it; NaN where the emitter is
        dark or its line is not determined.
    photons, photon_errors : float (frames, emitters)
        In the camera, of the line with its replicas. Of a dark emitter those at the place it is expected at;
        NaN in a frame without a pixel.
    background, background_errors : float (frames,)
        Per pixel.
    shape : LineShape or None
        Of a line in a single frame; None where nothing is determined.
    noise_factor : float
        Variance over mean that the errors take, without the read-out noise.
    warnings : tuple of str
    """

    energies: Array
    errors: Array
    photons: Array
    photon_errors: Array
    background: Array
    background_errors: Array
    shape: LineShape | None
    noise_factor: float
    warnings: tuple[str, ...]


def find_tracks(
    frames: FrameSeries,
    emitters: int | None = None,
    *,
    kind: str = "gaussian",
    phonons_meV: tuple[float, ...] = (27.0, 37.0),
) -> Tracks:
    """Follow the line of every emitter through all frames.

    Parameters
    ----------
    frames : FrameSeries
        Without cosmic rays; both strips together are taken. Masked pixels are left out.
    emitters : 1 to 3 or None
        None: the largest number of lines that a quarter of the lit frames show, none of them a replica.
    kind : "gaussian" or "lorentzian"
    phonons_meV : tuple of float
        How far below a line its replicas lie; () for light without them.

    Returns
    -------
    Tracks

    Raises
    ------
    InputError
        If these are no frames, a number is wrong, or there are more than three emitters.
    """
    if not isinstance(frames, FrameSeries):
        raise InputError(f"frames: a {type(frames).__name__}: must be a FrameSeries")
    if emitters is not None and checks.integer(emitters, "emitters", minimum=1) > MOST:
        raise InputError(f"emitters = {emitters}: must be at most {MOST}")
    if np.isinf(frames.counts).any():
        raise InputError("frames.counts: must be finite, or NaN where masked")
    ratios = (*RATIOS, *(RATIOS[-1],) * len(phonons_meV))[: len(phonons_meV)]
    start = LineShape(kind, 1.0, tuple(phonons_meV), ratios)
    data = track_data(frames)
    if not _light(data) > FEWEST:
        return _nothing(data, emitters, "tracks: not determined, for there is no light above the background")
    brightest = np.sort(np.argsort(-data.counts.sum(axis=1), kind="stable")[:TRIED])
    part = data.part(brightest)
    shape, number = _first_shape(part, start), emitters
    for _ in range(2):
        if emitters is None:
            number = number_of_emitters(find_peaks(part, shape, MOST))
        path = _path(part, shape, number)
        if path is None:
            return _nothing(data, emitters, "tracks: not determined, for no line stands out in any frame")
        shape = fit_shape(part, _fitted(part, shape, path), shape)
    path = _path(data, shape, number)
    if path is None:
        return _nothing(data, emitters, "tracks: not determined, for no line stands out in any frame")
    return _described(data, shape, path, _fitted(data, shape, path))


def _light(data: TrackData) -> float:
    """Counts above the darker half of the pixels that stand out of their noise, summed."""
    mean = data.counts.sum(axis=0)
    rest = mean - np.median(mean)
    noise = 1.4826 * np.median(np.abs(rest)) + 1e-12
    return float(rest[rest > 5.0 * noise].sum()) if data.seen.any() else 0.0


def _first_shape(data: TrackData, start: LineShape) -> LineShape:
    """The width with which one or two lines explain the frames best."""
    pixel = float(np.abs(np.gradient(data.centres)).mean())
    tried = [replace(start, width_meV=each * pixel) for each in PIXELS]
    return max(tried, key=lambda shape: score(find_peaks(data, shape, 2)))


def _path(data: TrackData, shape: LineShape, number: int | None) -> Array | None:
    """Rough energies (frames, emitters) in meV, NaN: dark, by falling mean; None without any line."""
    if not number:
        return None
    peaks = find_peaks(data, shape, number)
    if not np.isfinite(peaks.energies).any():
        return None
    path = follow(peaks, number, shape.width_meV)
    if not np.isfinite(path).any():
        return None
    lit = np.isfinite(path)
    mean = np.where(lit, path, 0.0).sum(axis=0) / np.maximum(lit.sum(axis=0), 1)
    return path[:, np.argsort(-mean, kind="stable")]


def _fitted(data: TrackData, shape: LineShape, path: Array) -> FrameFits:
    """Frames fitted; a dark emitter is where it was last, or will be next."""
    lit = np.isfinite(path)
    light = np.maximum(data.counts.sum(axis=1) - np.median(data.counts, axis=1) * data.counts.shape[1], 1.0)
    photons = lit * (light / np.maximum(lit.sum(axis=1), 1))[:, None]
    places = path.copy()
    for emitter in range(path.shape[1]):
        known = np.flatnonzero(lit[:, emitter])
        if not len(known):
            places[:, emitter] = data.centres.mean()
            continue
        last = np.searchsorted(known, np.arange(len(path)), side="right") - 1
        places[:, emitter] = path[known[np.maximum(last, 0)], emitter]
    return fit_frames(data, table_of(data.edges, shape), places, lit, photons)


def _described(data: TrackData, shape: LineShape, path: Array, fits: FrameFits) -> Tracks:
    with np.errstate(invalid="ignore"):
        there = np.isfinite(path) & (fits.photons > SIGNIFICANT * fits.photon_errors)
        there &= fits.energy_errors < DETERMINED * shape.width_meV / FWHM * 2.0
    # without a pixel nothing is known
    seen = data.seen.sum(axis=1)[:, None] > 0
    warnings = [
        f"emitter {emitter + 1}: not determined in {dark} of {len(path)} frames: dark, or too near another"
        for emitter, dark in enumerate((~there).sum(axis=0))
        if dark
    ]
    return Tracks(
        energies=np.where(there, 1e-3 * fits.energies, np.nan),
        errors=np.where(there, 1e-3 * fits.energy_errors, np.nan),
        photons=np.where(seen, data.factor * fits.photons, np.nan),
        photon_errors=np.where(seen, data.factor * fits.photon_errors, np.nan),
        background=np.where(seen[:, 0], data.factor * fits.background, np.nan),
        background_errors=np.where(seen[:, 0], data.factor * fits.background_errors, np.nan),
        shape=shape,
        noise_factor=data.factor,
        warnings=tuple(warnings),
    )


def _nothing(data: TrackData, emitters: int | None, reason: str) -> Tracks:
    """Tracks (frames, emitters, or 0 where their number is not known) of NaN."""
    frames = len(data.counts)
    nan, line = np.full((frames, emitters or 0), np.nan), np.full(frames, np.nan)
    return Tracks(nan, nan, nan, nan, line, line, None, data.factor, (reason,))
