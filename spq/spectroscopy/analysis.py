"""One call for a measurement: `analyse` finds the states of a particle and says what each of them is like.

measurement → frames without cosmic rays → states of the frames → lines, rates, decays and polarisation of
each state; tracks of the emitters and their jumps; lifetime-intensity distribution of all frames. Every
number comes with its error; what the photons do not determine is NaN.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.progress import Progress, silent
from spq.spectroscopy.clusters import find_clusters
from spq.spectroscopy.cosmicrays import mask_cosmic_rays
from spq.spectroscopy.emittervariables import EMITTER_UNITS, emitter_variables
from spq.spectroscopy.jumps import find_jumps
from spq.spectroscopy.records import FrameSeries, Measurement
from spq.spectroscopy.stateproperties import Rates, rates_of
from spq.spectroscopy.statevariables import (
    Variables,
    decay_variables,
    line_variables,
    polarisation_variables,
    rate_variables,
    spectra_variables,
)
from spq.spectroscopy.tallies import Tally, has_micro_times
from spq.spectroscopy.timegates import time_gates
from spq.spectroscopy.tracks import find_tracks
from spq.spectroscopy.trackvariables import jump_variables, track_variables

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

PARTS = ("lines", "tracks", "decays", "polarisation", "emitters")

UNITS = {
    "wavelength": "nm",
    "energy": "eV",
    "start": "s",
    "angle": "degrees",
    "exposure": "s",
    "shift": "meV",
    "line_energy": "eV",
    "line_energy_error": "eV",
    "line_width": "meV",
    "shift_error": "meV",
    "diffusion": "meV",
    "rate": "1/s",
    "rate_error": "1/s",
    "state_rate": "1/s",
    "state_rate_error": "1/s",
    "state_rate_spread": "1/s",
    "frame_lifetime": "ns",
    "frame_lifetime_error": "ns",
    "bin_start": "ns",
    "bin_end": "ns",
    "lifetime": "ns",
    "lifetime_error": "ns",
    "polarisation_angle": "degrees",
    "polarisation_angle_error": "degrees",
    "plate_angle": "degrees",
    "flid": "s",
    "flid_rate": "1/s",
    "flid_lifetime": "ns",
    "track": "eV",
    "track_error": "eV",
    "track_width": "meV",
    "brightest": "eV",
    "jump_size": "meV",
    "jump_size_error": "meV",
    "jump_limit": "meV",
    "track_diffusion": "meV",
}
"""Unit of every variable that has one."""


def analyse(
    measurement: Measurement | Tally,
    states: Array | None = None,
    seed: int = 0,
    progress: Progress = silent,
    parts: Sequence[str] = PARTS,
) -> xr.Dataset:
    """Analyse a measurement.

    Parameters
    ----------
    measurement : Measurement or Tally
        Photons and frames of one particle; a `tally` of a long file gives the same without its photons.
    states : int (frames,) or None
        State of each frame from 0, -1: none. None: `find_clusters` finds them.
    seed : int
        Of the starts of `find_clusters`.
    progress : callable
        Called with the stage and how far it is.
    parts : sequence of str
        What is looked at beside states and intensities, of PARTS: "tracks" alone is what `spq.assign` needs.

    Returns
    -------
    xarray.Dataset
        Dimensions frame, state, pixel, bin (of micro-times), component (exponentials), flid_rate,
        flid_lifetime, emitter, jump; the attribute `units` of a variable is its unit, names in _error are
        standard errors.
        Attribute `warnings`: what was not determined, and why, one line each.

    Raises
    ------
    InputError
        If it is no measurement, states do not fit its frames, or a part is not known.
    """
    import xarray as xr

    for part in parts:
        checks.choice(part, "parts", PARTS)
    if not isinstance(measurement, Measurement | Tally):
        raise InputError(f"measurement: a {type(measurement).__name__}: must be a Measurement")
    warnings: list[str] = list(measurement.frames.about.get("warnings", ()))
    progress("cosmic rays", 0, 1)
    frames, rays = mask_cosmic_rays(measurement.frames)
    found: Variables = {"cosmic_rays": ("frame", rays.sum(axis=(1, 2)))}
    if states is None:
        progress("states", 0, 1)
        states, more = _clusters(measurement, frames, seed, warnings)
        found |= more
    else:
        states = _states(states, frames)
    number = int(states.max(initial=0)) + 1
    progress("intensity", 0, 1)
    found |= spectra_variables(frames, states, number)
    rates = rates_of(measurement, states, number)
    found |= rate_variables(rates)
    given = _Given(measurement, frames, states, number, rates, found, warnings)
    for part, made in _parts(given).items():
        if part in parts:
            progress(part, 0, 1)
            found |= made()
    ds = xr.Dataset(found, attrs={"spq_kind": "analysis", "warnings": "\n".join(warnings)})
    for name, unit in (UNITS | EMITTER_UNITS).items():
        if name in ds:
            ds[name].attrs["units"] = unit
    return ds


class _Given(NamedTuple):
    """What the parts of an analysis are made from."""

    measurement: Measurement | Tally
    frames: FrameSeries
    states: Array
    number: int
    rates: Rates
    found: Variables
    warnings: list[str]


def _parts(given: _Given) -> dict[str, Callable[[], Variables]]:
    """Functions that make the variables of each part, in order."""
    measurement, frames, states, number, rates, found, warnings = given
    tracks = functools.cache(lambda: find_tracks(frames))

    def tracked() -> Variables:
        of_tracks = track_variables(frames, tracks(), warnings)
        return of_tracks | jump_variables(find_jumps(tracks(), states), warnings)

    return {
        "lines": lambda: line_variables(
            frames, found["state_spectrum"][1], found["state_frames"][1], warnings
        ),
        "tracks": tracked,
        "decays": lambda: decay_variables(measurement, states, number, rates, warnings),
        "polarisation": lambda: polarisation_variables(frames, states, number, warnings),
        "emitters": lambda: emitter_variables(measurement, frames, states, number, tracks(), warnings),
    }


def _clusters(
    measurement: Measurement | Tally, frames: FrameSeries, seed: int, warnings: list[str]
) -> tuple[Array, Variables]:
    """States of the frames as they are found, and how sure they are."""
    gates = time_gates(measurement) if has_micro_times(measurement) else None
    found = find_clusters(frames, gates, seed=seed)
    warnings += found.warnings
    counted = {} if gates is None else {"gate_photons": (("frame", "gate"), gates)}
    return found.states, counted | {
        "state_probability": (("frame", "state_index"), found.probabilities),
        "shift": ("frame", found.shifts_meV),
        "shift_error": ("frame", found.shift_errors_meV),
        "diffusion": ((), found.diffusion_meV),
        "transition": (("state_index", "to_state"), found.transitions),
    }


def _states(given: Array, frames: FrameSeries) -> Array:
    found = np.asarray(given)
    if found.shape != (len(frames.counts),) or found.dtype.kind not in "iu":
        raise InputError(
            f"states: {found.dtype} of shape {found.shape}: must be whole numbers ({len(frames.counts)},), "
            "one per frame"
        )
    if found.min() < -1:
        raise InputError(f"states: {found.min()}: must be >= -1")
    return found.astype(np.int64)
