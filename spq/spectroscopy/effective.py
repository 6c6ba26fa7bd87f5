"""One effective lifetime of each of many short decays, all at once.

Photons n_i of a segment are shared out to the bins with the chances

    p_i(τ) = (1 - β) P_i(τ)/Σ P + β w_i/Σ w,

P_i one exponential behind the response after all earlier pulses (`folding`), w_i the width of the bin and β
the known share of the background in the photons of the segment. The likelihood Σ n_i ln p_i(τ) has one
parameter, τ, the single exponential that comes nearest to a decay of any form; its Fisher information per
photon of ln τ is Σ (∂p/∂ln τ)²/p. See J. Tellinghuisen, C. W. Wilkerson, Anal. Chem. 65, 1240 (1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.folding import folded, places
from spq.spectroscopy.likelihood import TINY
from spq.spectroscopy.responses import Response, cells_of, edges_of

Array = np.ndarray

TABLE = 160
"""Lifetimes, in equal steps of ln τ, between which shares are interpolated by cubics."""
COARSE = 8
"""Every so many of them are tried first."""
ROUNDS = 30
ROWS = 2048
"""Segments that are fitted at once."""
SETTLED = 1e-6
FEWEST = 20
UNSURE = 1.0


@dataclass(frozen=True, eq=False)
class EffectiveLifetimes:
    """Effective lifetimes of many decays.

    Attributes
    ----------
    lifetimes, errors : float (m,)
        In ns, with standard errors from the Fisher information; NaN where not determined.
    photons : int64 (m,)
    reasons : tuple of str (m,)
        Why a lifetime is not determined; empty where it is.
    """

    lifetimes: Array
    errors: Array
    photons: Array
    reasons: tuple[str, ...]


def effective_lifetimes(
    counts: Array,
    edges_ns: Array,
    period_ns: float,
    irf: Response,
    background: float | Array = 0.0,
    durations: Array | None = None,
    shift: float = 0.0,
) -> EffectiveLifetimes:
    """The likeliest effective lifetime of each of many decays.

    Parameters
    ----------
    counts : whole numbers (m, bins)
        Photons of each segment per bin of micro-time.
    edges_ns : float (bins + 1,)
        Edges of the bins in ns, over at most one period.
    period_ns : float
        Time between two laser pulses in ns.
    irf : Response
        On the clock of the micro-times, moved by `shift` ns.
    background : float or float (m,)
        Photons of the background per ns of measurement (dark counts, within the bins).
    durations : float (m,) or None
        Length of each segment in ns; needed with a background.
    shift : float
        In ns, as a fit of the sum of all segments gives it.

    Returns
    -------
    EffectiveLifetimes

    Raises
    ------
    InputError
        If shapes do not fit together, or counts, edges or background are not what they must be.
    """
    edges = edges_of(edges_ns, "edges_ns")
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[1] != len(edges) - 1 or not len(table):
        raise InputError(f"counts: shape {table.shape}: must be (segments, {len(edges) - 1})")
    if table.dtype.kind not in "iuf" or not np.all(np.isfinite(table)):
        raise InputError("counts: must be finite whole numbers")
    if np.any(table < 0) or np.any(table != np.floor(table)):
        raise InputError("counts: must be whole numbers of photons >= 0")
    period = checks.number(period_ns, "period_ns", "ns", above=0.0)
    if edges[-1] - edges[0] > period * (1.0 + 1e-6):
        raise InputError(f"edges_ns: span {edges[-1] - edges[0]:.10g} ns: must be at most {period:.10g} ns")
    shift = checks.number(shift, "shift", "ns")
    share = _background_share(table.sum(axis=1), background, durations)
    logs, shares, slopes = _table(edges, period, irf, shift)
    flat = np.diff(edges) / (edges[-1] - edges[0])
    found = [
        _fitted(table[i : i + ROWS].astype(float), share[i : i + ROWS], logs, shares, slopes, flat)
        for i in range(0, len(table), ROWS)
    ]
    at, information = (np.concatenate(each) for each in zip(*found, strict=True))
    photons = table.sum(axis=1).astype(np.int64)
    error = 1.0 / np.sqrt(np.maximum(information * photons, TINY))
    rules = [
        (photons < FEWEST, f"fewer than {FEWEST} photons"),
        (share >= 1.0, "no more photons than background"),
        ((at <= logs[0]) | (at >= logs[-1]), "it lies at the bound of the range"),
        (~(error < UNSURE), "its relative error is above 1"),
    ]
    reasons = np.full(len(at), "", dtype=object)
    for bad, reason in rules:
        reasons[bad & (reasons == "")] = reason
    good = reasons == ""
    lifetimes = np.where(good, np.exp(at), np.nan)
    return EffectiveLifetimes(lifetimes, lifetimes * error, photons, tuple(str(each) for each in reasons))


def _background_share(photons: Array, background: float | Array, durations: Array | None) -> Array:
    """Share (m,) of the background in the photons of each segment, at most 1; raises InputError."""
    rate = np.asarray(background, dtype=float)
    if rate.shape not in ((), photons.shape) or not np.all(np.isfinite(rate)) or np.any(rate < 0):
        raise InputError(
            f"background: shape {rate.shape}: must be a number >= 0 or one for each of {len(photons)}"
        )
    if not rate.any():
        return np.zeros(len(photons))
    length = np.asarray(durations if durations is not None else [], dtype=float)
    if length.shape != photons.shape or not np.all(np.isfinite(length)) or np.any(length < 0):
        raise InputError(f"durations: shape {length.shape}: must be ({len(photons)},) in ns >= 0")
    return np.minimum(rate * length / np.maximum(photons, 1), 1.0)


def _table(edges: Array, period: float, irf: Response, shift: float) -> tuple[Array, Array, Array]:
    """ln τ (t,), shares (t, bins) that sum to 1, and their derivatives by ln τ (t, bins)."""
    cells = cells_of(irf)
    place = places(cells, edges, period, shift)
    logs = np.linspace(np.log(0.1 * np.diff(edges).min()), np.log(10.0 * period), TABLE)
    shares, slopes = np.empty((TABLE, len(edges) - 1)), np.empty((TABLE, len(edges) - 1))
    for row, log in enumerate(logs):
        share, slope, _ = folded(cells, place, period, np.exp(log))
        whole = max(share.sum(), TINY)
        shares[row] = share / whole
        slopes[row] = (slope - shares[row] * slope.sum()) / whole
    return logs, shares, slopes


def _fitted(
    counts: Array, share: Array, logs: Array, shares: Array, slopes: Array, flat: Array
) -> tuple[Array, Array]:
    """ln τ (m,) of the largest likelihood and the Fisher information per photon (m,)."""
    step = logs[1] - logs[0]
    tries = np.arange(0, len(logs), COARSE)
    values = np.empty((len(counts), len(tries)))
    mixed = share[:, None] * flat
    for column, row in enumerate(tries):
        chance = (1.0 - share[:, None]) * shares[row] + mixed
        values[:, column] = np.einsum("mi,mi->m", counts, np.log(np.maximum(chance, TINY)))

    def chances(at: Array) -> tuple[Array, Array]:
        cell = np.minimum(((at - logs[0]) / step).astype(int), len(logs) - 2)
        u = ((at - logs[cell]) / step)[:, None]
        a, b, da, db = shares[cell], shares[cell + 1], slopes[cell] * step, slopes[cell + 1] * step
        value = a + u * (da + u * (3 * (b - a) - 2 * da - db + u * (2 * (a - b) + da + db)))
        slope = da + u * (2 * (3 * (b - a) - 2 * da - db) + 3 * u * (2 * (a - b) + da + db))
        rest = 1.0 - share[:, None]
        return np.maximum(rest * value + mixed, TINY), rest * slope / step

    best = np.argmax(values, axis=1)
    at = logs[tries[best]]
    low = logs[np.maximum(tries[best] - COARSE, 0)]
    high = logs[np.minimum(tries[best] + COARSE, len(logs) - 1)]
    photons = np.maximum(counts.sum(axis=1), 1.0)
    for _ in range(ROUNDS):  # Fisher scoring between two bounds that close in
        chance, slope = chances(at)
        gradient = np.einsum("mi,mi->m", counts, slope / chance)
        information = np.einsum("mi,mi->m", slope, slope / chance)
        low, high = np.where(gradient > 0, at, low), np.where(gradient < 0, at, high)
        new = at + gradient / np.maximum(information * photons, TINY)
        new = np.where((new <= low) | (new >= high), 0.5 * (low + high), new)
        moved = np.abs(new - at).max(initial=0.0)
        at = new
        if moved < SETTLED:
            break
    chance, slope = chances(at)
    at = np.where(at - logs[0] < 1e-3 * step, logs[0], np.where(logs[-1] - at < 1e-3 * step, logs[-1], at))
    return at, np.einsum("mi,mi->m", slope, slope / chance)
