"""Fluorescence lifetime-intensity distribution: how much time was spent at which rate and lifetime.

Each segment (or frame) of duration T_s is a two-dimensional Gaussian of its own errors around its rate and
lifetime; a cell of the map holds

    Σ_s T_s ∫∫_cell N(rate; r_s, σ_r,s) N(lifetime; τ_s, σ_τ,s).

What of a Gaussian lies beyond the map is counted in its outermost cells, and what has no lifetime is kept
apart, so that map and remainder together are the total time. Errors instead of a chosen smoothing: the map
itself as in C. Galland et al., Nature 479, 203 (2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from spq.errors import InputError

Array = np.ndarray

CELLS = 80
REACH = 4.0
ROWS = 4096
"""Segments that are added at once."""


@dataclass(frozen=True, eq=False)
class Flid:
    """Time spent at each rate and lifetime.

    Attributes
    ----------
    time : float (rates, lifetimes)
        In ns; its sum with `undetermined` is the total time.
    rate_edges : float (rates + 1,)
        Photons per ns.
    lifetime_edges : float (lifetimes + 1,)
        In ns.
    undetermined : float
        Time in ns of segments without a lifetime or a rate.
    total : float
        Time in ns of all segments.
    """

    time: Array
    rate_edges: Array
    lifetime_edges: Array
    undetermined: float
    total: float

    @property
    def density(self) -> Array:
        """Time (rates, lifetimes) in ns per photon rate (1/ns) and per ns of lifetime."""
        return self.time / np.outer(np.diff(self.rate_edges), np.diff(self.lifetime_edges))


def lifetime_intensity(
    rates: Array,
    rate_errors: Array,
    lifetimes: Array,
    lifetime_errors: Array,
    durations: Array,
    rate_edges: Array | None = None,
    lifetime_edges: Array | None = None,
) -> Flid:
    """The lifetime-intensity distribution of segments or frames.

    Parameters
    ----------
    rates, rate_errors : float (m,)
        Photons per ns and their standard errors.
    lifetimes, lifetime_errors : float (m,)
        In ns; NaN: not determined.
    durations : float (m,)
        In ns.
    rate_edges, lifetime_edges : float (cells + 1,) or None
        Edges of the map; None: 80 cells that take in every segment with four of its errors, from 0 at least.

    Returns
    -------
    Flid

    Raises
    ------
    InputError
        If shapes differ, a duration or an error is negative or not finite, edges do not ascend, or no segment
        has a lifetime and edges are not given.
    """
    given = {
        "rates": rates,
        "rate_errors": rate_errors,
        "lifetimes": lifetimes,
        "lifetime_errors": lifetime_errors,
        "durations": durations,
    }
    arrays = {name: np.asarray(each, dtype=float) for name, each in given.items()}
    number = arrays["rates"].size
    for name, each in arrays.items():
        if each.shape != (number,) or not number:
            raise InputError(f"{name}: shape {each.shape}: must be ({number},), at least one segment")
        if np.any(np.isinf(each)):
            raise InputError(f"{name}[{int(np.flatnonzero(np.isinf(each))[0])}]: must not be infinite")
    for name in ("durations", "rate_errors", "lifetime_errors"):
        if np.any(arrays[name] < 0) or (name == "durations" and np.any(np.isnan(arrays[name]))):
            raise InputError(f"{name}: must be numbers >= 0")
    known = ~np.any([np.isnan(each) for each in arrays.values()], axis=0)
    r, sr, t, st, length = (each[known] for each in arrays.values())
    over_rate = _edges(rate_edges, r, sr, "rate_edges")
    over_lifetime = _edges(lifetime_edges, t, st, "lifetime_edges")
    time = np.zeros((len(over_rate) - 1, len(over_lifetime) - 1))
    for i in range(0, len(r), ROWS):
        rows = slice(i, i + ROWS)
        by_rate = _shares(over_rate, r[rows], sr[rows])
        time += (by_rate * length[rows, None]).T @ _shares(over_lifetime, t[rows], st[rows])
    undetermined = float(arrays["durations"][~known].sum())
    return Flid(time, over_rate, over_lifetime, undetermined, float(arrays["durations"].sum()))


def _edges(given: Array | None, values: Array, errors: Array, where: str) -> Array:
    """Checked or chosen edges of the map along one axis; raises InputError."""
    if given is None:
        if not len(values):
            raise InputError(f"{where}: needed, for no segment has a lifetime and a rate")
        low = max(0.0, float((values - REACH * errors).min()))
        high = float((values + REACH * errors).max())
        return np.linspace(low, high if high > low else low + max(abs(low), 1.0) * 1e-3, CELLS + 1)
    found = np.asarray(given, dtype=float)
    if found.ndim != 1 or len(found) < 2 or not np.all(np.isfinite(found)) or not np.all(np.diff(found) > 0):
        raise InputError(f"{where}: shape {found.shape}: must be at least two finite edges that ascend")
    return found


def _shares(edges: Array, values: Array, errors: Array) -> Array:
    """Share (m, cells) of each Gaussian in each cell, the outermost reaching to infinity; rows sum to 1."""
    below = ndtr((edges[None, 1:-1] - values[:, None]) / np.maximum(errors[:, None], 1e-300))
    whole = np.concatenate([np.zeros((len(values), 1)), below, np.ones((len(values), 1))], axis=1)
    return np.diff(whole, axis=1)
