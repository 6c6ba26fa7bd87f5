"""What an analysis saw of a dimer, as stretches without a jump and the jumps between them.

Stretch k has of emitter i the mean energy, and jump k its change from the mean of the last n frames before to
the first n after, g frames away from it. Diffusion is a random walk of σ_w per frame for so short a time, of
the mean of both emitters, so the variance of a jump is

    σ² = v_before/n + v_after/n + 2 σ_w² (g + n/3),

v the variance of a frame's energy by its photons; n is near where this is least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spq.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

SIGNIFICANT = 0.05
"""False discovery rate up to which a jump of one emitter counts."""
CAUTION = 1.4
"""Factor on the error of a jump: of simulated ones the deviations are 1.15 of the error, with tails."""
LONGEST = 12
"""Frames on each side of a jump that are used at most."""
SHORT = 4
"""Frames of a stretch from which on the one next to a jump is left out: the jump may lie within it."""
TURN, SIGMAS, FAR, EXCESS = 4, 5.0, 0.5, 2.0
"""Frames on each side in which light is compared where the state of the particle changes; standard
deviations, and share of the brighter side, from which on it has turned; excess noise of the camera. A state
that changes without light or a jump is none of a charge."""
LAGS, FEWEST = 12, 20
"""Frames over which diffusion is looked at, and changes that are needed for it."""
WALK, LEAST_WALK = 0.2, 0.15
"""meV per frame that are taken where there are too few frames, and at least."""
EXCHANGED = -6.0
"""Log-likelihood of a stretch by the polarisation below which its tracks are taken to be exchanged."""
GATES = 4
"""Time gates that there are unless pulses follow too soon (`spq.spectroscopy.time_gates`)."""
NEEDED = ("track", "track_error", "track_photons", "jump_frame", "jump_q")


@dataclass(frozen=True, eq=False)
class Observations:
    """Stretches (K) and the jumps between them (K - 1); energies in meV, of two emitters; NaN: not
    determined.

    Attributes
    ----------
    begins, ends : int (K,)
        First frame, and one past the last.
    times : float (K,)
        Begin of each stretch in s.
    origin_eV : float
        Energy that levels are counted from.
    levels, level_errors : float (K, 2)
    jumps, jump_errors : float (K - 1, 2)
    photons, photon_errors : float (K, 2)
        Photons per frame of each emitter.
    late, late_errors : float (K,)
        Share of the counter's photons that come late after the pulse; NaN without micro-times.
    diffusion : float (2,)
        Standard deviation of the energies about their levels.
    independent : float
        Number of independent values that diffusion takes in the measurement, at least 1.

    Raises
    ------
    InputError
        If levels, jumps or photons have another shape.
    """

    begins: Array
    ends: Array
    times: Array
    origin_eV: float
    levels: Array
    level_errors: Array
    jumps: Array
    jump_errors: Array
    photons: Array
    photon_errors: Array
    late: Array
    late_errors: Array
    diffusion: Array
    independent: float

    def __post_init__(self) -> None:
        stretches = len(self.begins)
        for name, rows in (("levels", stretches), ("photons", stretches), ("jumps", stretches - 1)):
            shape = getattr(self, name).shape
            if shape != (rows, 2):
                raise InputError(f"observations.{name}: shape {shape}: must be ({rows}, 2)")

    @property
    def frame_time(self) -> float:
        """Time of a frame in s, from the begins of stretches; 0 if there is one stretch only."""
        frames = int(self.begins[-1] - self.begins[0])
        return float(self.times[-1] - self.times[0]) / frames if frames else 0.0


def observations_of(analysis: xr.Dataset) -> Observations:
    """Stretches and jumps of an analysis, as `spq.spectroscopy.analyse` returns it.

    Raises InputError if it is none, has no tracks of two emitters, or no frame with both.
    """
    if analysis.attrs.get("spq_kind") != "analysis":
        raise InputError("analysis: is no analysis of a measurement")
    missing = [name for name in NEEDED if name not in analysis]
    if missing or analysis.sizes.get("emitter", 0) != 2:
        number = analysis.sizes.get("emitter", 0)
        raise InputError(f"analysis: has tracks of {number} emitters: an assignment needs two")
    energies, errors, photons = put_right(analysis)
    if not np.isfinite(energies).any(axis=0).all():
        raise InputError("analysis: an emitter was never seen: nothing can be assigned")
    return stretched(
        energies, errors, photons, analysis["start"].values, _borders(analysis), *_late(analysis)
    )


def put_right(analysis: xr.Dataset) -> list[Array]:
    """Energies in eV, errors and photons (frames, 2) of the emitters, exchanged where `exchanged_frames`."""
    exchanged = exchanged_frames(analysis)[:, None]
    tracks = [analysis[name].values for name in ("track", "track_error", "track_photons")]
    return [np.where(exchanged, each[:, ::-1], each) for each in tracks]


def _borders(analysis: xr.Dataset) -> Array:
    """First frames of new stretches."""
    light = analysis["track_photons"].values
    jump_frames = analysis["jump_frame"].values[(analysis["jump_q"].values <= SIGNIFICANT).any(axis=1)]
    changes = np.flatnonzero(np.diff(analysis["state"].values)) + 1
    turned = [each for each in changes if not _near(int(each), jump_frames, 2) and _turned(light, int(each))]
    return np.unique(np.concatenate([jump_frames, turned]).astype(int))


def exchanged_frames(analysis: xr.Dataset) -> Array:
    """Frames (frames,) of stretches whose light is polarised as if the tracks were exchanged; none without
    polarisation (`spq.spectroscopy.identity`)."""
    found = np.zeros(analysis.sizes["frame"], dtype=bool)
    if "track_identity" in analysis:
        identity, borders = analysis["track_identity"].values, _borders(analysis)
        for begin, end in zip([0, *borders], [*borders, len(identity)], strict=True):
            found[begin:end] = np.nansum(identity[begin:end]) < EXCHANGED
    return found


def _near(frame: int, others: Array, reach: int) -> bool:
    return bool(len(others)) and bool(np.abs(others - frame).min() <= reach)


def _turned(light: Array, frame: int) -> bool:
    """Whether the light of an emitter changes by far at a frame: it is quenched, or comes back."""
    before, after = light[max(frame - TURN, 0) : frame], light[frame : frame + TURN]
    for i in range(light.shape[1]):
        old, new = (np.nan_to_num(each[:, i]).mean() for each in (before, after))
        error = np.sqrt(EXCESS * (max(old, 1.0) / len(before) + max(new, 1.0) / len(after)))
        if abs(new - old) > max(SIGMAS * error, FAR * max(old, new)):
            return True
    return False


def _late(analysis: xr.Dataset) -> tuple[Array, Array]:
    """Photons of the counter in the last gate, from 60 ns, and all, of every frame; NaN without that gate:
    pulses follow so soon that a trion's photons would be late as well."""
    if analysis.sizes.get("gate", 0) < GATES or "gate_photons" not in analysis:
        nothing = np.full(analysis.sizes["frame"], np.nan)
        return nothing, nothing
    gates = analysis["gate_photons"].values
    return gates[:, -1], gates.sum(axis=1)


def stretched(
    energies: Array, errors: Array, photons: Array, starts: Array, borders: Array, late: Array, total: Array
) -> Observations:
    """Stretches of tracks.

    energies, errors: eV (frames, 2). photons: (frames, 2). starts: s (frames,). borders: first frames of
    new stretches (K - 1,). late, total: photons of the counter that come late, and all (frames,).
    """
    frames = len(energies)
    borders = np.asarray([each for each in borders if 0 < each < frames], dtype=int)
    begins, ends = np.concatenate([[0], borders]), np.concatenate([borders, [frames]])
    origin = float(np.nanmean(energies))
    meV, sigma = 1e3 * (energies - origin), 1e3 * errors
    levels = np.full((len(begins), 2), np.nan)
    level_errors, light, light_errors = levels.copy(), levels.copy(), levels.copy()
    shares = np.full((2, len(begins)), np.nan)
    for k, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        light[k] = np.nanmean(np.where(np.isfinite(photons[begin:end]), photons[begin:end], 0.0), axis=0)
        light_errors[k] = np.sqrt(2.0 * np.maximum(light[k], 1.0) / (end - begin))
        shares[:, k] = _share(late[begin:end], total[begin:end])
        for i in (0, 1):
            levels[k, i], level_errors[k, i] = _mean(meV[begin:end, i], sigma[begin:end, i])
    walk = np.sqrt(np.full(2, np.mean([_walk(meV[:, i], begins, ends) ** 2 for i in (0, 1)])))
    jumps, jump_errors = _jumps(meV, sigma, begins, ends, walk)
    diffusion, independent = _diffusion(meV, sigma, begins, ends, levels, walk)
    return Observations(
        begins, ends, starts[begins], origin, levels, level_errors, jumps, jump_errors, light, light_errors,
        shares[0], shares[1], diffusion, independent,
    )  # fmt: skip


def _mean(values: Array, errors: Array) -> tuple[float, float]:
    """Weighted mean of what is finite, and its error."""
    good = np.isfinite(values) & (errors > 0)
    if not good.any():
        return np.nan, np.nan
    weights = errors[good] ** -2.0
    return float(np.average(values[good], weights=weights)), float(weights.sum() ** -0.5)


def _share(late: Array, total: Array) -> tuple[float, float]:
    """Share of photons that come late, with its binomial error."""
    whole = np.nansum(total)
    if not whole > 0:
        return np.nan, np.nan
    share = float(np.nansum(late) / whole)
    return share, float(np.sqrt((share * (1.0 - share) + 0.25 / whole) / whole))


def _walk(values: Array, begins: Array, ends: Array) -> float:
    """Standard deviation of the change by diffusion from one frame to the next, within stretches.

    The variance of the change over L frames is that of two frames' errors plus L times that of one step.
    """
    lags = np.arange(1, LAGS + 1)
    spread = np.full(len(lags), np.nan)
    for place, lag in enumerate(lags):
        steps = np.concatenate(
            [values[b + lag : e] - values[b : max(e - lag, b)] for b, e in zip(begins, ends, strict=True)]
        )
        steps = steps[np.isfinite(steps)]
        if len(steps) >= FEWEST:
            spread[place] = (1.4826 * np.median(np.abs(steps))) ** 2
    good = np.isfinite(spread)
    if good.sum() < 3:
        return WALK
    return float(np.sqrt(max(np.polyfit(lags[good], spread[good], 1)[0], LEAST_WALK**2)))


def _jumps(meV: Array, sigma: Array, begins: Array, ends: Array, walk: Array) -> tuple[Array, Array]:
    sizes = np.full((len(begins) - 1, 2), np.nan)
    errors = sizes.copy()
    for k in range(len(begins) - 1):
        for i in (0, 1):
            noise = np.nanmedian(sigma[:, i])
            most = int(np.clip(np.sqrt(1.5) * noise / walk[i], 1, LONGEST))
            old = _side(meV[begins[k] : ends[k], i][::-1], sigma[begins[k] : ends[k], i][::-1], most)
            new = _side(meV[begins[k + 1] : ends[k + 1], i], sigma[begins[k + 1] : ends[k + 1], i], most)
            sizes[k, i] = new[0] - old[0]
            errors[k, i] = CAUTION * np.sqrt(new[1] ** 2 + old[1] ** 2 + walk[i] ** 2 * (new[2] + old[2]))
    return sizes, errors


def _side(values: Array, errors: Array, most: int) -> tuple[float, float, float]:
    """Mean and error of the frames next to a jump, and the variance of their mean by diffusion in steps."""
    good = np.flatnonzero(np.isfinite(values))
    good = good[good > 0][:most] if len(good) >= SHORT else good[:most]
    if not len(good):
        return np.nan, np.nan, np.nan
    mean, error = _mean(values[good], errors[good])
    return mean, error, float(good[0] + (good[-1] - good[0] + 1) / 3.0)


def _diffusion(
    meV: Array, sigma: Array, begins: Array, ends: Array, levels: Array, walk: Array
) -> tuple[Array, float]:
    """Standard deviation about the levels, from the stretches' own; how often diffusion starts anew."""
    found = np.empty(2)
    for i in (0, 1):
        rest = np.concatenate(
            [meV[b:e, i] - level for b, e, level in zip(begins, ends, levels[:, i], strict=True)]
        )
        variance = np.nanvar(rest) - np.nanmedian(sigma[:, i]) ** 2
        # a stretch shorter than the time of diffusion hides what its level drifts by
        found[i] = np.sqrt(max(variance, walk[i] ** 2 * 10.0, 0.3**2))
    turns = len(meV) * float(np.mean(walk**2 / (2.0 * found**2)))
    return found, max(1.0, turns)
