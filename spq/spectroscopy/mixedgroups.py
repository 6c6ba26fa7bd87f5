"""Decays of groups of frames, and the light of each emitter in them.

Sums over frames keep what is linear: if the decay of frame f is Σ_e w_fe D_e(t), that of a group of frames is
Σ_e (Σ_f w_fe) D_e(t). The noise of the summed weights is smaller, in proportion, and known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.branchingratios import checked_states, checked_tracks
from spq.spectroscopy.records import Measurement
from spq.spectroscopy.stateproperties import decay_edges
from spq.spectroscopy.tallies import Tally, grouped_micro_times, has_micro_times

Array = np.ndarray

RUNS = 20
"""Runs of consecutive frames that are made without states."""


@dataclass(frozen=True, eq=False)
class Groups:
    """Decays of groups of frames.

    counts : float (groups, bins), edges_ns : float (bins + 1,); weights, errors : float (groups, emitters),
    photons of the camera and their standard errors; durations : float (groups,), ns of exposure;
    labels : int (frames,), group of each frame, -1: left out; columns : int (groups, emitters), decay that
    each emitter has in each group; period_ns : float.
    """

    counts: Array
    edges_ns: Array
    weights: Array
    errors: Array
    durations: Array
    labels: Array
    columns: Array
    period_ns: float


def groups_of(
    measurement: Measurement | Tally,
    weights: Any,
    weight_errors: Any,
    states: Any = None,
    kinds: Any = None,
    edges: Any = None,
) -> Groups:
    """Sum the frames of each state, or of runs of consecutive frames, those of each kind for themselves.

    weights, weight_errors: (frames, emitters), a frame with a NaN is left out. states: int (frames,), -1:
    left out; None: at most 20 runs. kinds: int (frames,), frames that may not be summed, -1: left out.
    edges: ns of the bins; None: as for the states' decays. `columns` is each emitter's own number.
    Raises InputError.
    """
    frames = len(measurement.frames.counts)
    light, errors, _ = checked_tracks(weights, weight_errors, np.zeros(np.shape(weights)[:1], dtype=int), 1)
    if len(light) != frames:
        raise InputError(f"weights: shape {light.shape}: must be ({frames}, emitters), one row per frame")
    photons = measurement.photons
    if photons.laser_period is None:
        raise InputError("photons.laser_period: needed for decays")
    if photons.nanotimes is None:
        raise InputError("photons.nanotimes: needed for decays")
    if not has_micro_times(measurement):
        raise InputError("photons: none: decays need some")
    used = (np.isfinite(light) & np.isfinite(errors)).all(axis=1)
    kind = np.zeros(frames, dtype=int) if kinds is None else checked_states(kinds, frames, 1 << 30)
    used &= kind >= 0
    if states is None:
        run = (np.cumsum(used) - 1) * RUNS // max(int(used.sum()), RUNS)
    else:
        run = checked_states(states, frames, 1 << 30)
        used &= run >= 0
    labels = np.full(frames, -1)
    if used.any():
        pairs = np.stack([run[used], kind[used]], axis=1)
        labels[used] = np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)
    number = int(labels.max(initial=-1)) + 1
    limits = decay_edges(measurement) if edges is None else np.asarray(edges, dtype=float)
    times = grouped_micro_times(measurement, labels, number, limits)
    counts = times.counts.astype(float)
    member = labels[None, :] == np.arange(number)[:, None]
    exposure = float(measurement.frames.exposure or np.nan)
    summed = np.stack([light[of].sum(axis=0) for of in member]) if number else np.zeros((0, light.shape[1]))
    noise = np.stack([(errors[of] ** 2).sum(axis=0) for of in member]) if number else summed
    columns = np.tile(np.arange(light.shape[1]), (number, 1))
    durations = exposure * member.sum(axis=1)
    return Groups(
        counts, times.edges_ns, summed, np.sqrt(noise), durations, labels, columns, photons.laser_period
    )


def design(groups: Groups, weights: Array, sources: int) -> Array:
    """Light (groups, sources) of each decay, by the weights (groups, emitters)."""
    found = np.zeros((len(weights), sources))
    for emitter in range(weights.shape[1]):
        found[np.arange(len(weights)), groups.columns[:, emitter]] += weights[:, emitter]
    return found
