"""What one particle shows in all its states: its lines, joined over the states, and its long lifetime.

Lines of different states closer than some meV are one line; its energy is the mean weighted by 1/σ², the
photons of every state stay apart. Of a decay Σ A exp(-t/τ) the relative amplitude of the long component is
A/ΣA, its share of the photons Aτ/ΣAτ; only the second is a mean over what emits in a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spq import checks
from spq.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

LONG = 40.0
"""ns; longer than decays of charged dots (about 6 ns), shorter than those of neutral ones (70 to 113)."""
APART = 6.0
"""meV; the least distance of two lines. Drift moves a line by less from state to state, charging by more."""
SURE = 3.0
"""Photons of a line over their error, below which it is not counted."""


@dataclass(frozen=True, eq=False)
class ParticleLines:
    """Lines of a particle, the strongest first.

    Attributes
    ----------
    energies, errors : float (lines,)
        In eV; the error holds the scatter over states.
    photons : float (lines,)
        Of all states, replicas included.
    table, table_errors : float (states, lines)
        Photons of each line in each state; 0 where it was not found, with the error of the state's weakest.
    """

    energies: Array
    errors: Array
    photons: Array
    table: Array
    table_errors: Array


@dataclass(frozen=True)
class LongComponent:
    """The long component of a decay: lifetime in ns, amplitude over that of all, share of the photons.

    A decay that was fitted and has none above LONG has amplitude and share 0; NaN: no decay was fitted.
    """

    lifetime: float
    lifetime_error: float
    amplitude: float
    amplitude_error: float
    share: float
    share_error: float


def checked_analysis(ds: xr.Dataset, where: str = "analysis") -> xr.Dataset:
    """Return a dataset if `analyse` made it; raises InputError."""
    kind = getattr(ds, "attrs", {}).get("spq_kind")
    if kind != "analysis":
        raise InputError(f"{where}: a {type(ds).__name__}: must be what spq.spectroscopy.analyse returns")
    for name in ("line_energy", "line_photons", "state_frames"):
        if name not in ds:
            raise InputError(f"{where}: has no variable {name}")
    return ds


def brightest_state(ds: xr.Dataset) -> int | None:
    """The state, from 0, whose lines hold the most photons; None: none has a line."""
    photons = np.nansum(np.where(sure_lines(ds), ds["line_photons"].values, np.nan), axis=1)
    return int(photons.argmax()) if len(photons) and photons.max() > 0 else None


def sure_lines(ds: xr.Dataset) -> Array:
    """Lines (states, lines) that are there: finite, their photons more than three errors above zero."""
    energy, photons = ds["line_energy"].values, ds["line_photons"].values
    errors = ds["line_photons_error"].values
    sure = ~(photons <= SURE * errors)  # an error that is not known does not speak against a line
    return np.isfinite(energy) & (photons > 0) & sure


def particle_lines(ds: xr.Dataset, apart_meV: float = APART, states: Array | None = None) -> ParticleLines:
    """Join the lines of the states of a particle.

    Parameters
    ----------
    ds : Dataset
        As `analyse` returns it.
    apart_meV : float
        Lines of different states that are closer are one; of one state they never are.
    states : int (n,) or None
        States that are taken; None: all.

    Raises
    ------
    InputError
        If it is no analysis, or a number is wrong.
    """
    checked_analysis(ds)
    apart = 1e-3 * checks.number(apart_meV, "apart_meV", "meV", above=0.0)
    there = sure_lines(ds)
    if states is not None:
        there &= np.isin(np.arange(len(there)), states)[:, None]
    where = np.argwhere(there)
    number = len(there)
    if not len(where):
        none = np.empty(0)
        return ParticleLines(none, none, none, np.empty((number, 0)), np.empty((number, 0)))
    energy, error = (ds[name].values[there] for name in ("line_energy", "line_energy_error"))
    photons, spread = (ds[name].values[there] for name in ("line_photons", "line_photons_error"))
    error = np.where(np.isfinite(error) & (error > 0), error, apart)
    label = _grouped(energy, photons, where[:, 0], apart)
    lines = int(label.max()) + 1
    table, table_errors = np.zeros((number, lines)), np.zeros((number, lines))
    table[where[:, 0], label] = photons
    for state in range(number):
        known = spread[(where[:, 0] == state) & np.isfinite(spread)]
        table_errors[state] = known.min() if len(known) else 0.0
    table_errors[where[:, 0], label] = np.where(np.isfinite(spread), spread, 0.0)
    weight = 1.0 / error**2
    total = np.bincount(label, weight, lines)
    mean = np.bincount(label, weight * energy, lines) / total
    several = np.bincount(label, minlength=lines) > 1
    scatter = np.bincount(label, weight * (energy - mean[label]) ** 2, lines) / total
    errors = np.sqrt(1.0 / total + np.where(several, scatter, 0.0))
    sums = table.sum(axis=0)
    order = np.argsort(-sums, kind="stable")
    return ParticleLines(mean[order], errors[order], sums[order], table[:, order], table_errors[:, order])


def _grouped(energy: Array, photons: Array, state: Array, apart: float) -> Array:
    """Number of the line that each belongs to: the nearest of the stronger ones, unless too far."""
    label = np.full(len(energy), -1)
    centres: list[float] = []
    taken: list[set[int]] = []
    for each in np.argsort(-photons, kind="stable"):
        distances = [
            abs(energy[each] - centre) if int(state[each]) not in used else np.inf
            for centre, used in zip(centres, taken, strict=True)
        ]
        nearest = int(np.argmin(distances)) if distances else -1
        if nearest < 0 or distances[nearest] > apart:
            centres.append(float(energy[each]))
            taken.append(set())
            nearest = len(centres) - 1
        label[each] = nearest
        taken[nearest].add(int(state[each]))
    return label


def long_component(ds: xr.Dataset, state: int) -> LongComponent:
    """The longest component above LONG of the decay of a state, from 0."""
    nan = float("nan")
    if "lifetime" not in ds or not np.isfinite(ds["lifetime"].values[state]).any():
        return LongComponent(nan, nan, nan, nan, nan, nan)
    lifetimes = ds["lifetime"].values[state]
    amplitudes, errors = ds["amplitude"].values[state], ds["amplitude_error"].values[state]
    place = int(np.nanargmax(lifetimes))
    if not lifetimes[place] > LONG:
        return LongComponent(nan, nan, 0.0, nan, 0.0, nan)
    whole = np.nansum(amplitudes)
    share = amplitudes[place] / whole
    others = np.nansum(np.where(np.arange(len(errors)) == place, 0.0, errors**2))
    # of A/(A + B): the errors of A and B taken as independent
    error = np.hypot((1.0 - share) * errors[place], share * np.sqrt(others)) / whole
    lifetime_error = ds["lifetime_error"].values[state, place]
    fraction, fraction_error = (
        ds["fraction"].values[state, place],
        ds["fraction_error"].values[state, place],
    )
    values = (lifetimes[place], lifetime_error, share, error, fraction, fraction_error)
    return LongComponent(*(float(each) for each in values))
