"""Polarisation of the light in a spectral window of any set of frames, of each emitter for itself too.

Of the photons W_w of window w (in V or H at one angle of the plate) part is background, part belongs to other
lines, whose phonon replicas lie there:

    W_w = Σ_e A_we N_e + b P_w,   so   N = A⁻¹ (W - b P),

A_we the share of emitter e's photons in the window, P_w its pixels, b the background of one pixel from a
stretch without lines. What is taken out leaves its noise: the excess noise that goes on to
`fit_polarisation` is the variance of N over N, all angles together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.cosmicrays import read_noise
from spq.spectroscopy.linemodel import LineShape, profile
from spq.spectroscopy.polarised import Polarisation, fit_polarisation
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.stateproperties import light_by_angle

Array = np.ndarray

FINE = 2e-5
"""eV, step of the table of a line's photons below an energy."""
REACH = 0.4
"""eV on both sides of a line that the table reaches."""
SINGULAR = 1e4
"""Condition of A from which on the light in the windows is not told apart."""


@dataclass(frozen=True, eq=False)
class WindowLight:
    """Photons of one window at the angles of the plate.

    angles : float (m,) in degrees; light : float (2, m), of V and H, what does not belong to it taken out;
    variance : float (2, m).
    """

    angles: Array
    light: Array
    variance: Array


def window_polarisation(
    frames: FrameSeries,
    which: Array | None,
    window_eV: Any,
    dark_eV: tuple[float, float] | None = None,
    throughput: float | None = None,
    confidence: float = 0.95,
) -> Polarisation:
    """Polarisation of the light in a spectral window of some frames.

    Parameters
    ----------
    frames : FrameSeries
        In photons, strips V and H, with angles of the wave plate.
    which : bool (frames,) or None
        The frames, as `states == 2`; None: all.
    window_eV : (low, high) or float (frames, 2)
        In eV, the same for all frames or of each its own (NaN: the frame is left out).
    dark_eV : (low, high) or None
        Stretch without lines in eV that gives the background of either strip; None: none is taken out.
    throughput, confidence
        As of fit_polarisation.

    Returns
    -------
    Polarisation
        Everything NaN, with the reason, if the window has no light above the background.

    Raises
    ------
    InputError
        If there are not two strips, no angles, no frame, or no pixel in a window.
    """
    (light,) = window_light(frames, which, [window_eV], dark_eV)
    return polarisation_of(light, throughput, confidence)


def angle_difference(first: Polarisation, second: Polarisation) -> tuple[float, float]:
    """Angle between the `first` polarisation and the `second`, 0 to 90 degrees, and its standard error.

    NaN if one has no angle. Raises nothing.
    Within two errors of 0 or 90 it cannot go beyond them, so that the mean of many is drawn inwards.
    """
    apart = abs(first.angle - second.angle) % 180.0
    error = float(np.hypot(first.angle_error, second.angle_error))
    return (float(min(apart, 180.0 - apart)), error) if np.isfinite(apart) else (float("nan"), float("nan"))


def window_light(
    frames: FrameSeries, which: Any, windows: list[Any], dark_eV: tuple[float, float] | None = None
) -> tuple[WindowLight, ...]:
    """Photons of each window at each angle, the background taken out; arguments of window_polarisation."""
    chosen = _chosen(frames, which)
    limits = [_limits(each, len(chosen), number) for number, each in enumerate(windows)]
    for each in limits:
        chosen = chosen & np.isfinite(each).all(axis=1)
    dark, noise = np.zeros(2), read_noise(frames.counts) ** 2 if np.isfinite(frames.counts).any() else 0.0
    dark_variance = np.zeros(2)
    if dark_eV is not None:
        (low, high) = checks.numbers_of(dark_eV, "dark_eV", "eV", length=2)
        inside = (frames.energy >= low) & (frames.energy <= high)
        if not low < high or not inside.any():
            raise InputError(f"dark_eV = {checks.shown(dark_eV)}: must be (low, high) with a pixel in it")
        seen = frames.counts[:, :, inside]
        number = np.maximum(np.isfinite(seen).sum(axis=(0, 2)), 1)
        dark = np.nansum(seen, axis=(0, 2)) / number
        dark_variance = np.nanvar(seen, axis=(0, 2)) / number
    found = []
    for each in limits:
        inside = (frames.energy >= each[:, :1]) & (frames.energy <= each[:, 1:])
        if not (inside.any(axis=1) | ~chosen).all():
            raise InputError("window_eV: a frame has no pixel in its window")
        found.append(_of_window(frames, chosen, inside, dark, dark_variance, noise))
    return tuple(found)


def emitter_light(
    frames: FrameSeries,
    which: Any,
    energies: Array,
    photons: Array,
    shape: LineShape,
    half_meV: float,
    dark_eV: tuple[float, float] | None = None,
) -> tuple[WindowLight, ...]:
    """Photons of each emitter at each angle, from windows about its line, those of the others taken out.

    energies, photons: (frames, emitters), of the line in eV and in the camera; a frame is left out in which
    an energy is NaN or windows overlap. shape: of the lines. half_meV: half of a window in meV. The windows'
    light is turned into that of the lines with all their replicas. Raises InputError as window_polarisation,
    and if no frame is left.
    """
    energies = np.asarray(energies, dtype=float)
    half = 1e-3 * checks.number(half_meV, "half_meV", "meV", above=0.0)
    chosen = _chosen(frames, which) & np.isfinite(energies).all(axis=1)
    near = np.diff(np.sort(energies, axis=1), axis=1) < 2.0 * half
    chosen &= ~near.any(axis=1)
    if not chosen.any():
        raise InputError("energies: no frame in which every emitter has its line in a window of its own")
    emitters = energies.shape[1]
    windows = [np.stack([energies[:, e] - half, energies[:, e] + half], axis=1) for e in range(emitters)]
    parts = window_light(frames, chosen, windows, dark_eV)
    share = _shares(energies, half, shape)
    light, variance = (np.stack([getattr(part, name) for part in parts]) for name in ("light", "variance"))
    angles = parts[0].angles
    amount = np.where(np.isfinite(photons), np.maximum(photons, 0.0), 0.0) + 1e-9
    turned, spread = np.full(light.shape, 0.0), np.full(light.shape, 0.0)
    for place, angle in enumerate(angles):
        of = chosen & (np.asarray(frames.angles) == angle)
        if not of.any():
            continue
        mixing = (share[of] * amount[of][:, None, :]).sum(axis=0) / amount[of].sum(axis=0)
        if np.linalg.cond(mixing) > SINGULAR:
            continue
        back = np.linalg.inv(mixing)
        turned[:, :, place] = back @ light[:, :, place]
        spread[:, :, place] = back**2 @ variance[:, :, place]
    return tuple(WindowLight(angles, turned[e], spread[e]) for e in range(emitters))


def polarisation_of(
    light: WindowLight, throughput: float | None = None, confidence: float = 0.95
) -> Polarisation:
    """Fit to the light of a window; everything NaN, with the reason, where there is none."""
    vertical, horizontal = light.light
    good = (vertical >= 0) & (horizontal >= 0) & (vertical + horizontal > 0)
    total = light.light[:, good].sum()
    spread = light.variance[:, good].sum()
    if not good.any() or not total > 3.0 * np.sqrt(spread):
        return _without("not determined: no light above the background in the window")
    excess = max(float(spread / total), 1.0)
    fit = fit_polarisation(
        vertical[good], horizontal[good], light.angles[good], excess, throughput, confidence
    )
    left = int((~good & (light.variance.sum(axis=0) > 0)).sum())
    if left:
        reason = f"{left} angles left out, where less than nothing was left of the light"
        fit = replace(fit, warnings=(*fit.warnings, reason))
    return fit


def _chosen(frames: FrameSeries, which: Any) -> Array:
    """Frames (frames,) that are to be taken; raises InputError."""
    if frames.unit != "photons":
        raise InputError("frames: are in counts: must be in photons, offset and gain taken out")
    if len(frames.strips) != 2:
        raise InputError(f"frames: {len(frames.strips)} strip: polarisation needs V and H")
    if frames.angles is None or not np.isfinite(frames.angles).any():
        raise InputError("frames.angles: polarisation needs the angles of the wave plate")
    found = np.ones(len(frames.counts), dtype=bool) if which is None else np.asarray(which)
    if found.shape != (len(frames.counts),) or found.dtype != bool:
        raise InputError(
            f"which: {found.dtype} of shape {found.shape}: must be bool, ({len(frames.counts)},)"
        )
    if not found.any():
        raise InputError("which: no frame is chosen")
    return found & np.isfinite(frames.angles)


def _limits(window: Any, frames: int, number: int) -> Array:
    """Limits (frames, 2) of a window; raises InputError."""
    found = np.asarray(window, dtype=float)
    if found.shape == (2,):
        found = np.tile(found, (frames, 1))
    if found.shape != (frames, 2):
        raise InputError(f"window_eV: shape {found.shape}: must be (low, high) or ({frames}, 2)")
    if np.any(found[:, 0] >= found[:, 1]) or not np.isfinite(found).all(axis=1).any():
        raise InputError(f"window_eV: window {number + 1}: must be low < high, in eV")
    return found


def _of_window(
    frames: FrameSeries, chosen: Array, inside: Array, dark: Array, dark_variance: Array, noise: float
) -> WindowLight:
    """Light by angle of the pixels (frames, pixels) inside."""
    cut = replace(frames, counts=np.where(inside[:, None, :], frames.counts, 0.0))
    states = np.where(chosen, 0, -1)
    lit = light_by_angle(cut, states, 1)
    seen = np.where(inside & ~np.isnan(frames.counts).any(axis=1), 1.0, 0.0)
    ones = replace(frames, counts=np.repeat(seen[:, None, :], 2, axis=1))
    pixels = light_by_angle(ones, states, 1)
    assert lit is not None and pixels is not None  # strips and angles are checked
    angles, light = lit[0], lit[1][0]
    number = pixels[1][0]
    variance = frames.excess * np.maximum(light, 0.0) + noise * number + dark_variance[:, None] * number**2
    return WindowLight(angles, light - dark[:, None] * number, variance)


def _shares(energies: Array, half: float, shape: LineShape) -> Array:
    """Share (frames, windows, emitters) of each line's photons in the windows about all lines."""
    grid = np.arange(REACH, -REACH, -FINE)
    below = 1.0 - np.concatenate([[0.0], np.cumsum(profile(grid, 0.0, shape))])
    apart = energies[:, :, None] - energies[:, None, :]  # of the window from the line
    lower, upper = (np.interp(apart + side * half, grid[::-1], below[::-1]) for side in (-1.0, 1.0))
    return upper - lower


def _without(reason: str) -> Polarisation:
    nan = float("nan")
    empty = np.full(2, nan), np.full((2, 2), nan)
    return Polarisation(*(nan,) * 9, *empty, nan, nan, (reason,))
