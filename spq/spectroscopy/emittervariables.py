"""What is known of each emitter of a particle as variables of a dataset, with their dimensions and errors.

tracks → branching in each state, polarisation of each emitter from windows about its line, intensity against
position in each state; decays unmixed and energy transfer from the states in which every emitter is either as
it is at its brightest ("home") or dark: elsewhere (charged) it decays in another way.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.branchingratios import branching, checked_tracks
from spq.spectroscopy.decays import MOST
from spq.spectroscopy.identity import track_identity
from spq.spectroscopy.linemodel import LineShape
from spq.spectroscopy.polarised import Polarisation
from spq.spectroscopy.records import FrameSeries, Measurement
from spq.spectroscopy.stability import intensity_against_position
from spq.spectroscopy.statevariables import POLARISATION, Variables
from spq.spectroscopy.tallies import Tally, has_micro_times
from spq.spectroscopy.transfer import energy_transfer
from spq.spectroscopy.unmixing import NAMES, unmix_decays
from spq.spectroscopy.windows import angle_difference, emitter_light, polarisation_of

Array = np.ndarray

HALF_meV, NARROWEST_meV = 4.0, 1.5
"""Half of the window about a line, and the smallest that is taken where lines are close."""
DARK_meV = 12.0
"""Above the bluest line, from which on there is background alone."""
HOME_meV = 5.0
"""Distance in energy from the brightest state up to which an emitter is as it is there."""
BRIGHT, DIM = 0.8, 0.3
"""Light relative to the brightest state from which on an emitter is bright, and up to which it is dim."""
FEWEST_FRAMES = 3
"""Frames of a state that can be the brightest."""

EMITTER_UNITS = {
    "emitter_polarisation_angle": "degrees",
    "emitter_polarisation_angle_error": "degrees",
    "polarisation_difference": "degrees",
    "polarisation_difference_error": "degrees",
    "stability_slope": "1/meV",
    "stability_slope_error": "1/meV",
    "stability_limit": "1/meV",
    "emitter_lifetime": "ns",
    "emitter_lifetime_error": "ns",
    "emitter_amplitude": "1/ns",
    "emitter_amplitude_error": "1/ns",
    "transfer_rate": "1/ns",
    "transfer_rate_error": "1/ns",
    "transfer_limit": "1/ns",
}
"""Unit of every variable that has one."""


class Tracked(Protocol):
    """Tracks of emitters: float (frames, emitters), NaN where not determined.

    energies, errors: in eV; photons, photon_errors: of the camera, of each line with its replicas.
    """

    @property
    def energies(self) -> Array: ...
    @property
    def errors(self) -> Array: ...
    @property
    def photons(self) -> Array: ...
    @property
    def photon_errors(self) -> Array: ...


def emitter_variables(
    measurement: Measurement | Tally,
    frames: FrameSeries,
    states: Array,
    number: int,
    tracks: Tracked,
    warnings: list[str],
) -> Variables:
    """Everything about the emitters, as variables; what is not determined is told in warnings.

    measurement: with the photons. frames: in photons, cosmic rays masked. states: int (frames,) from 0, -1:
    none, `number` of them. tracks: a `shape` (LineShape) of it is used; without, that of a default line.
    Raises InputError if shapes do not fit together.
    """
    if not np.shape(tracks.photons)[1]:
        warnings.append("emitters: not determined, for none was seen")
        return {}
    light, _, states = checked_tracks(tracks.photons, tracks.photon_errors, states, number)
    for name in ("energies", "errors"):
        if np.shape(getattr(tracks, name)) != light.shape:
            raise InputError(f"tracks.{name}: shape {np.shape(getattr(tracks, name))}: must be {light.shape}")
    if len(light) != len(frames.counts):
        raise InputError(f"tracks: {len(light)} frames: must be {len(frames.counts)}, as the camera has")
    parts = branching(tracks.photons, tracks.photon_errors, states, number)
    warnings += parts.warnings
    dims = ("state_index", "emitter")
    found: Variables = {"branching": (dims, parts.shares), "branching_error": (dims, parts.errors)}
    polarised, fits = _polarisations(frames, tracks, warnings)
    found |= polarised | _stabilities(states, number, tracks, warnings)
    weights, errors = _evened(frames, fits, tracks)
    return found | _decays(measurement, states, weights, errors, _kinds(states, number, tracks), warnings)


def _polarisations(
    frames: FrameSeries, tracks: Tracked, warnings: list[str]
) -> tuple[Variables, list[Polarisation | None]]:
    """Polarisation of each emitter and the angle between the two strongest, NaN where not determined."""
    energies = np.asarray(tracks.energies, dtype=float)
    emitters = energies.shape[1]
    table = np.full((len(POLARISATION), emitters), np.nan)
    fits: list[Polarisation | None] = [None] * emitters
    lit = None
    half, dark = _half(energies), _dark(frames, energies)
    shape = getattr(tracks, "shape", None) or LineShape()
    try:
        lit = emitter_light(frames, None, energies, tracks.photons, shape, half, dark)
    except InputError as error:
        warnings.append(f"polarisation of the emitters: not determined: {error}")
    for emitter, light in enumerate(lit or ()):
        fit = fits[emitter] = polarisation_of(light)
        warnings += [f"polarisation of emitter {emitter + 1}: {text}" for text in fit.warnings]
        table[:, emitter] = [getattr(fit, field) for field in POLARISATION.values()]
    apart = (np.nan, np.nan)
    if emitters > 1:
        strongest = np.argsort(-np.nansum(tracks.photons, axis=0), kind="stable")[:2]
        first, second = (fits[each] for each in strongest)
        if first is not None and second is not None:
            apart = angle_difference(first, second)
    else:
        warnings.append("polarisation difference: not determined: one emitter")
    named: Variables = {
        f"emitter_{name}": ("emitter", row) for name, row in zip(POLARISATION, table, strict=True)
    }
    return named | {
        "polarisation_difference": ((), apart[0]),
        "polarisation_difference_error": ((), apart[1]),
        "track_identity": ("frame", track_identity(frames, energies, half, dark, fits)),
    }, fits


def _half(energies: Array) -> float:
    """Half of a window in meV: smaller where the lines are usually close."""
    if energies.shape[1] < 2:
        return HALF_meV
    known = energies[np.isfinite(energies).all(axis=1)]
    if not len(known):
        return HALF_meV
    near = 1e3 * float(np.quantile(np.diff(np.sort(known, axis=1), axis=1).min(axis=1), 0.1))
    return float(np.clip(0.5 * near, NARROWEST_meV, HALF_meV))


def _dark(frames: FrameSeries, energies: Array) -> tuple[float, float] | None:
    """Stretch above all lines in eV; None where the camera does not reach so far."""
    if not np.isfinite(energies).any():
        return None
    low, high = float(np.nanmax(energies)) + 1e-3 * DARK_meV, float(frames.energy.max())
    return (low, high) if ((frames.energy >= low) & (frames.energy <= high)).sum() > 4 else None


def _stabilities(states: Array, number: int, tracks: Tracked, warnings: list[str]) -> Variables:
    """Relative change per meV of the light of each emitter in each state."""
    emitters = np.shape(tracks.photons)[1]
    table = np.full((3, number, emitters), np.nan)
    for state in range(number):
        of = states == state
        for emitter in range(emitters):
            fit = intensity_against_position(
                np.asarray(tracks.photons)[of, emitter],
                np.asarray(tracks.energies)[of, emitter],
                np.asarray(tracks.errors)[of, emitter],
            )
            table[:, state, emitter] = fit.slope, fit.error, fit.limit
            warnings += [f"state {state + 1}, emitter {emitter + 1}: {text}" for text in fit.warnings]
    dims = ("state_index", "emitter")
    names = ("stability_slope", "stability_slope_error", "stability_limit")
    return {name: (dims, each) for name, each in zip(names, table, strict=True)}


def _evened(frames: FrameSeries, fits: list[Polarisation | None], tracks: Tracked) -> tuple[Array, Array]:
    """Photons and errors (frames, emitters) without the part that turns with the wave plate.

    With throughputs r of V and 1 of H, V + H goes with 1 + p cos(4θ - 2φ) (r - 1)/(r + 1).
    """
    weights = np.array(tracks.photons, dtype=float)
    errors = np.array(tracks.photon_errors, dtype=float)
    if frames.angles is None:
        return weights, errors
    waves = np.radians(4.0 * np.asarray(frames.angles, dtype=float))
    for emitter, fit in enumerate(fits):
        if fit is None or not np.isfinite(fit.angle):
            continue
        a, b = fit.components
        part = (a * np.cos(waves) + b * np.sin(waves)) * (fit.throughput - 1.0) / (fit.throughput + 1.0)
        even = 1.0 + np.where(np.isfinite(part), part, 0.0)
        weights[:, emitter] /= even
        errors[:, emitter] /= even
    return weights, errors


def _kinds(states: Array, number: int, tracks: Tracked) -> Array:
    """What each emitter is in each frame's state, (frames, emitters): 1 home, 0 dim, -1 neither."""
    light, energies = (np.asarray(each, dtype=float) for each in (tracks.photons, tracks.energies))
    emitters = light.shape[1]
    means, places = np.full((2, number, emitters), np.nan)
    for state in range(number):
        of = states == state
        if of.sum() < FEWEST_FRAMES:
            continue
        for emitter in range(emitters):
            seen, weight = light[of, emitter], energies[of, emitter]
            if np.isfinite(seen).any():
                means[state, emitter] = np.nanmean(seen)
            if np.isfinite(weight).any():
                places[state, emitter] = np.nanmedian(weight)
    kinds = np.full((number, emitters), -1)
    for emitter in range(emitters):
        if not np.isfinite(means[:, emitter]).any():
            continue
        best = int(np.nanargmax(means[:, emitter]))
        relative = means[:, emitter] / max(means[best, emitter], 1e-12)
        near = np.abs(places[:, emitter] - places[best, emitter]) < 1e-3 * HOME_meV
        kinds[near & (relative > BRIGHT), emitter] = 1
        kinds[relative < DIM, emitter] = 0
    return np.where((states >= 0)[:, None], kinds[np.maximum(states, 0)], -1)


def _decays(
    measurement: Measurement | Tally,
    states: Array,
    weights: Array,
    errors: Array,
    kinds: Array,
    warnings: list[str],
) -> Variables:
    """Decays of the emitters, and the transfer of energy from each to the others."""
    photons = measurement.photons
    if photons.laser_period is None or not has_micro_times(measurement):
        warnings.append("decays of the emitters: not determined, for there are no photons with micro-times")
        return {}
    used = (kinds >= 0).all(axis=1)
    unmixed = unmix_decays(measurement, weights, errors, np.where(used, states, -1))
    warnings += unmixed.warnings
    named = [
        name.replace("times", "time").replace("tudes", "tude").replace("tions", "tion") for name in NAMES
    ]
    found: Variables = {
        f"emitter_{name.replace('errors', 'error').removesuffix('s')}": (
            ("emitter", "component"),
            getattr(unmixed, old),
        )
        for name, old in zip(named, NAMES, strict=True)
    }
    assert unmixed.lifetimes.shape[1] == MOST
    emitters = weights.shape[1]
    transfer = np.full((3, emitters), np.nan)
    if emitters < 2:
        warnings.append("energy transfer: not determined: one emitter")
    for donor in range(emitters if emitters > 1 else 0):
        others = np.delete(kinds, donor, axis=1)
        bright = np.where((others == 1).all(axis=1), 1, np.where((others == 0).all(axis=1), 0, -1))
        bright[~used] = -1
        moved = energy_transfer(measurement, weights, errors, donor, bright, states)
        warnings += [f"energy transfer from emitter {donor + 1}: {text}" for text in moved.warnings]
        transfer[:, donor] = moved.rate, moved.error, moved.limit
    names = ("transfer_rate", "transfer_rate_error", "transfer_limit")
    return (
        found
        | {
            "emitter_decay": (("emitter", "bin"), unmixed.decays),
            "emitter_decay_fit": (("emitter", "bin"), unmixed.means),
        }
        | {name: ("emitter", each) for name, each in zip(names, transfer, strict=True)}
    )
