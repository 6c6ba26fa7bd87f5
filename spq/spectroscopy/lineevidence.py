"""What an analysis says about two lines of a particle: distance, ratio, whether they are lit together, drift.

A line is lit in a state by its photons per frame over the most it has in any state, at most 1; "together" is
the mean of that of the one, weighted by the photons of the other. The correlation of two tracks is freed of
their noise, cov/√((v1 - e1²)(v2 - e2²)), each about its mean in every state; its error is that of as many
independent frames as the decay of the correlation leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spq.spectroscopy.foldedangles import fold_angle
from spq.spectroscopy.particlelines import APART, ParticleLines, long_component

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

FEWEST = 3
"""Frames of a state from which on its intensities count."""
DRIFT = 0.5
"""meV; least error of a distance, for two states see different stretches of the drift."""
LONG_ERROR = 0.05
"""Least error of the share of the long component, for background and stray light."""


@dataclass(frozen=True)
class LineEvidence:
    """A further line against another one; NaN: not measured.

    distance_meV, distance_error_meV: line less the other. ratio: of photons. forth, back: how much of the
    light of the line comes where the other is lit, and reversed. correlation, correlation_error: of the
    drifts. difference, difference_error: of polarisation, degrees, folded.
    """

    distance_meV: float
    distance_error_meV: float
    ratio: float
    forth: float
    back: float
    correlation: float
    correlation_error: float
    difference: float
    difference_error: float


@dataclass(frozen=True, eq=False)
class LongShares:
    """Share of the long component (states,) with errors, and of each line in the light (states, lines)."""

    shares: Array
    errors: Array
    light: Array


def line_evidence(ds: xr.Dataset, lines: ParticleLines, line: int, other: int) -> LineEvidence:
    """Evidence on a line of a particle against another one; both from 0, as `particle_lines` numbers them."""
    distance = 1e3 * (lines.energies[line] - lines.energies[other])
    error = np.hypot(1e3 * np.hypot(lines.errors[line], lines.errors[other]), DRIFT)
    lit = _lit(ds, lines)
    forth, back = (
        float(lines.table[:, one] @ lit[:, two] / lines.photons[one])
        for one, two in ((line, other), (other, line))
    )
    emitters = _emitters(ds, lines)
    correlation, spread = _correlation(ds, emitters[line], emitters[other])
    difference, angle_error = _difference(ds, lines, line, other, emitters)
    ratio = float(lines.photons[line] / lines.photons[other])
    return LineEvidence(
        float(distance), float(error), ratio, forth, back, correlation, spread, difference, angle_error
    )


def long_shares(ds: xr.Dataset, lines: ParticleLines) -> LongShares:
    """Long components of the states that have lines and a decay, and which lines their light is of."""
    parts = [long_component(ds, state) for state in range(len(lines.table))]
    shares = np.array([part.share for part in parts])
    errors = np.array([part.share_error for part in parts])
    total = lines.table.sum(axis=1)
    kept = np.isfinite(shares) & (total > 0)
    light = lines.table[kept] / total[kept, None]
    known = np.where(np.isfinite(errors[kept]), errors[kept], 0.0)
    return LongShares(shares[kept], np.hypot(known, LONG_ERROR), light)


def _lit(ds: xr.Dataset, lines: ParticleLines) -> Array:
    """How far each line is lit in each state, 0 to 1."""
    frames = ds["state_frames"].values.astype(float)[:, None]
    rate = lines.table / np.maximum(frames, 1.0)
    many = frames >= min(FEWEST, frames.max())
    return np.minimum(rate / np.maximum(np.where(many, rate, 0.0).max(axis=0), 1e-300), 1.0)


def _emitters(ds: xr.Dataset, lines: ParticleLines) -> list[int | None]:
    """Emitter whose track has its median at a line; None: no track, none near, or none of its own."""
    found: list[int | None] = [None] * len(lines.energies)
    if "track" not in ds:
        return found
    tracks = ds["track"].values
    for emitter in range(tracks.shape[1]):
        known = tracks[np.isfinite(tracks[:, emitter]), emitter]
        if not len(known):
            continue
        apart = np.abs(lines.energies - np.median(known))
        nearest = int(apart.argmin())
        if apart[nearest] < 1e-3 * APART and found[nearest] is None:
            found[nearest] = emitter
    return found


def _correlation(ds: xr.Dataset, first: int | None, second: int | None) -> tuple[float, float]:
    """Correlation of two tracks within the states, and its error."""
    nan = float("nan")
    if first is None or second is None:
        return nan, nan
    tracks, errors = 1e3 * ds["track"].values, 1e3 * ds["track_error"].values
    pair, noise = tracks[:, [first, second]], errors[:, [first, second]]
    state = ds["state"].values
    known = np.isfinite(pair).all(axis=1) & np.isfinite(noise).all(axis=1) & (state >= 0)
    pair, noise, state = pair[known], noise[known], state[known]
    if len(pair) < 10:
        return nan, nan
    for each in np.unique(state):
        pair[state == each] -= np.median(pair[state == each], axis=0)
    kept = (np.abs(pair) < APART).all(axis=1)  # a charge that moved is no drift
    pair, noise = pair[kept], noise[kept]
    if len(pair) < 10:
        return nan, nan
    own = pair.var(axis=0) - np.median(noise, axis=0) ** 2
    if (own < 0.1 * pair.var(axis=0)).any():
        return nan, nan  # nothing but noise
    found = float(np.mean(pair[:, 0] * pair[:, 1]) / np.sqrt(own.prod()))
    kept_on = float(np.clip(np.prod(np.mean(pair[1:] * pair[:-1], axis=0) / own), 0.0, 0.98))
    independent = max(len(pair) * (1.0 - kept_on) / (1.0 + kept_on), 3.0)
    spoiled = float(np.prod(pair.var(axis=0) / own)) ** 0.5
    error = spoiled * max(1.0 - min(abs(found), 1.0) ** 2, 0.1) / np.sqrt(independent)
    return found, float(error)


def _difference(
    ds: xr.Dataset, lines: ParticleLines, line: int, other: int, emitters: list[int | None]
) -> tuple[float, float]:
    """Difference of polarisation of two lines that are the emitters; without tracks, the two strongest."""
    nan = float("nan")
    if "polarisation_difference" not in ds or "polarisation_difference_error" not in ds:
        return nan, nan
    ours = {emitters[line], emitters[other]} == {0, 1}
    if not ours and not (all(each is None for each in emitters) and {line, other} == {0, 1}):
        return nan, nan
    values, errors = (
        np.ravel(ds[f"polarisation_difference{end}"].values).astype(float) for end in ("", "_error")
    )
    known = np.isfinite(values) & np.isfinite(errors)
    if not known.any():
        return nan, nan
    best = int(np.flatnonzero(known)[errors[known].argmin()])
    return float(fold_angle(values[best])), float(errors[best])
