"""Spectra of the strips in raw camera images, in photons.

counts of frame t, strip s, column c:  n = Σ_r w_rc (x_trc - B_t - D_c) / g,  w the part of pixel r within the
strip, which follows its tilt, B + D the offset and g the gain; strips after the first are then moved by their
offset along the wavelengths. Rows are summed with weight 1 (not by their profile), so that the noise of light
is the same as in one row: variance over mean in photons is `excess`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.cameraframes import CameraImages, axis_of, check_rows, saturation, without_saturated
from spq.spectroscopy.camerasignal import Offset, noise_slope, offset_of
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.striprows import Strip, dark_rows, find_rows, fit_strip
from spq.spectroscopy.stripshifts import moved, spectral_shift

Array = np.ndarray


def extract_spectra(
    images: Array | CameraImages,
    wavelength: Array | None = None,
    *,
    strips: Sequence[str] | Mapping[str, tuple[int, int]] = ("V", "H"),
    offset: float | None = None,
    gain: float | None = None,
    excess: float = 2.0,
    air: bool = False,
    starts: Array | None = None,
    exposure: float | None = None,
) -> FrameSeries:
    """Find the strips in raw images and return their spectra in photons.

    Parameters
    ----------
    images : (frames, rows, columns) or CameraImages
        Counts of the camera.
    wavelength : (columns,) or None
        In nm, of the first strip, in either direction; None: that of the CameraImages.
    strips : names, or name -> (first, one past the last row)
        Names alone: the strips are found, named from low rows up.
    offset : float or None
        Counts without light; None: from the rows without light, for each frame and column.
    gain : float or None
        Counts per photon; None: from the noise between the rows of a column, with `excess` as given.
    excess : float
        Variance over mean of the light in photons: 2 with electron multiplication, 1 without.
    air : bool
        Wavelengths are those in air.
    starts, exposure : (frames,) and float, or None
        In ns, in place of those of the CameraImages.

    Returns
    -------
    FrameSeries
        NaN where a saturated pixel is in the sum, or a moved strip has no pixel. `about`: offset, read_noise
        and gain with their errors and where they are from, for each strip its row, tilt and width in pixels
        with errors and its shift against the first, saturated_pixels, and `warnings`.

    Raises
    ------
    InputError
        If strips are not found or dark, or offset or gain are neither given nor determined.
    """
    recorded = images if isinstance(images, CameraImages) else CameraImages(images)
    raw, saturated = without_saturated(recorded.images)
    frames, rows, columns = raw.shape
    axis = axis_of(recorded.wavelength if wavelength is None else wavelength, columns, air)
    excess = checks.number(excess, "excess", minimum=1.0)
    mean = _mean(raw)
    places = _places(mean, strips)
    named = isinstance(strips, Mapping)
    level = _level(raw, dark_rows(rows, places, named), offset)
    slope, slope_error = _slope(raw, level, places, gain, excess)
    light = mean - (level.frames.mean() + level.columns)
    variance = (slope * np.maximum(light, 0.0) + level.read_noise**2) / frames
    found = {
        name: fit_strip(name, light, variance, *place, _bounds(place, places, rows))
        for name, place in places.items()
    }
    names = tuple(strips)
    counts = np.stack([_summed(raw, level, found[name]) for name in names], axis=1)
    shifts = _shifts(counts, slope, [2.0 * found[name].half * level.read_noise**2 for name in names])
    for number, (shift, _) in enumerate(shifts):
        counts[:, number] = moved(counts[:, number], 0.0 if np.isnan(shift) else shift)
    about = _about(level, offset, found, names, shifts, saturation(saturated, raw.size))
    about |= {"gain": slope / excess, "gain_error": slope_error / excess, "excess_assumed": excess}
    about["gain_from"] = "given" if gain is not None else "noise between the rows of a column"
    if axis[0] > axis[-1]:
        axis, counts = axis[::-1], counts[:, :, ::-1]
    return FrameSeries(
        counts=counts * (excess / slope),
        wavelength=axis,
        strips=names,
        unit="photons",
        starts=recorded.starts if starts is None else starts,
        exposure=recorded.exposure if exposure is None else exposure,
        excess=excess,
        about={**recorded.about, **about, "wavelengths_given_in": "air" if air else "vacuum"},
    )


def _mean(raw: Array) -> Array:
    """Mean (rows, columns) of the frames in which a pixel is not saturated, 0 if it always is."""
    good = np.isfinite(raw)
    number = good.sum(axis=0)
    return np.where(good, raw, 0.0).sum(axis=0) / np.maximum(number, 1)


def _places(mean: Array, strips: Sequence[str] | Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Name -> (first, one past the last row), from low rows up; raises InputError."""
    if isinstance(strips, str) or not len(strips) or len(set(strips)) != len(strips):
        raise InputError(f"strips = {checks.shown(strips)}: must be different names, such as ('V', 'H')")
    if not isinstance(strips, Mapping):
        return find_rows(mean, tuple(strips))
    check_rows(strips, len(mean))
    places = dict(sorted(strips.items(), key=lambda each: each[1]))
    ends = list(places.values())
    for (_, end), (first, _) in zip(ends, ends[1:], strict=False):
        if first < end:
            raise InputError(f"strips: row {first} belongs to two of them")
    return places


def _level(raw: Array, dark: Array, given: float | None) -> Offset:
    """Offset and read noise of the images; raises InputError if they are neither given nor determined."""
    if given is None:
        return offset_of(raw, dark)
    given = checks.number(given, "offset", "counts")
    if dark.any():
        noise = offset_of(raw, dark).read_noise
    else:  # what is below the offset is noise alone
        below = given - raw[raw < given]
        noise = float(np.sqrt((below**2).mean())) if below.size else 0.0
    return Offset(np.full(len(raw), given), np.zeros(raw.shape[2]), 0.0, noise)


def _slope(
    raw: Array, level: Offset, places: Mapping[str, tuple[int, int]], gain: float | None, excess: float
) -> tuple[float, float]:
    """Variance over mean of light in counts with its error; raises InputError if it is not determined."""
    if gain is not None:
        return excess * checks.number(gain, "gain", "counts per photon", above=0.0), 0.0
    slopes = []
    for first, end in places.values():
        light = raw[:, first:end] - (level.frames[:, None, None] + level.columns)
        slopes.append(noise_slope(light, level.read_noise))
    each = np.array([pair for pair in slopes if np.isfinite(pair).all() and pair[1] > 0.0])
    if not len(each):
        raise InputError(
            "images: their noise does not give the gain (too few frames, or too little light): give gain=..."
        )
    weight = each[:, 1] ** -2.0
    return float((weight * each[:, 0]).sum() / weight.sum()), float(weight.sum() ** -0.5)


def _bounds(place: tuple[int, int], places: Mapping[str, tuple[int, int]], rows: int) -> tuple[float, float]:
    """Rows that a strip may not cross: half-way to its neighbours, or the ends of the image."""
    low = max((end for _, end in places.values() if end <= place[0]), default=None)
    high = min((first for first, _ in places.values() if first >= place[1]), default=None)
    return (
        -0.5 if low is None else 0.5 * (low + place[0] - 1),
        rows - 0.5 if high is None else 0.5 * (high + place[1] - 1),
    )


def _summed(raw: Array, level: Offset, strip: Strip) -> Array:
    """Counts (frames, columns) of a strip, offset taken out; NaN where a saturated pixel is in the sum."""
    weight = strip.weights(*raw.shape[1:])
    used = weight.any(axis=1)
    weight, part = weight[used], np.asarray(raw[:, used], dtype=float)
    bad = np.isnan(part) & (weight > 0.0)
    part = np.where(np.isnan(part), 0.0, part)
    counts = np.einsum("trc,rc->tc", part, weight)
    counts -= weight.sum(axis=0) * (level.frames[:, None] + level.columns)
    return np.where(bad.any(axis=1), np.nan, counts)


def _shifts(counts: Array, slope: float, noise: list[float]) -> list[tuple[float, float]]:
    """Shift of every strip against the first in pixels with its error; NaN where it is not determined."""
    good = np.isfinite(counts)
    spectra = np.where(good, counts, 0.0).mean(axis=0)
    variances = slope * np.maximum(spectra, 0.0) + np.array(noise)[:, None]
    found = [(0.0, 0.0)]
    for number in range(1, counts.shape[1]):
        found.append(spectral_shift(counts[:, 0], counts[:, number], (variances[0], variances[number])))
    return found


def _about(
    level: Offset,
    given: float | None,
    found: Mapping[str, Strip],
    names: tuple[str, ...],
    shifts: list[tuple[float, float]],
    saturated: dict[str, Any],
) -> dict[str, Any]:
    """What was found, as plain numbers; None is not determined."""
    warnings = list(saturated.get("warnings", ()))
    strips = {}
    for name, (shift, shift_error) in zip(names, shifts, strict=True):
        numbers = asdict(found[name]) | {"shift": shift, "shift_error": shift_error}
        del numbers["name"]
        strips[name] = {key: None if np.isnan(value) else value for key, value in numbers.items()}
        for what in ("tilt", "shift"):
            if strips[name][what] is None:
                warnings.append(f"camera: the {what} of strip {name} is not determined, and taken as none")
    return {
        "offset": float(level.frames.mean()),
        "offset_error": level.error,
        "offset_from": "rows without light" if given is None else "given",
        "read_noise": level.read_noise,
        "strips": strips,
        "saturated_pixels": saturated["saturated_pixels"],
        "warnings": warnings,
    }
