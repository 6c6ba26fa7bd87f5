"""A decay in bins: one exponential, convolved with the response, after all earlier pulses.

The density g(t) per ns of an exponential of lifetime τ behind a response q(t) of integral 1 obeys

    τ dg/dt + g = q(t),    g(t + T) = g(t)  (period T of the laser),

the periodic boundary being the geometric sum over all earlier pulses, 1/(1 - exp(-T/τ)). For q constant in
cells both g and its integral are exact: within a cell g = q + (g_k - q) exp(-(t - t_k)/τ), and over a bin

    ∫ g dt = ∫ q dt - τ (g(b) - g(a)).

A shift of the response moves t, by any fraction of a bin. See D. V. O'Connor, D. Phillips, Time-correlated
Single Photon Counting (Academic Press, 1984), chapter 6, for the convolution and the earlier pulses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from spq.spectroscopy.responses import Cells

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Places:
    """Where edges lie in a response that repeats.

    Attributes
    ----------
    cell : int (edges,)
        Cell of the response, or the number of cells where it is over.
    into : float (edges,)
        Time in ns since that cell began.
    passed : float (edges,)
        Integral of the response since its first begin: whole periods and the part of this one.
    density : float (edges,)
        The response there, per ns.
    """

    cell: Array
    into: Array
    passed: Array
    density: Array


def places(cells: Cells, edges: Array, period: float, shift: float, wrap: bool = True) -> Places:
    """Where edges (ns) lie in a response that begins `shift` ns later and repeats with `period` ns.

    Without `wrap` there is one pulse alone, and nothing before it or a period after it.
    """
    time = edges - (cells.start + shift)
    turns, time = np.divmod(time, period) if wrap else (0.0, np.clip(time, 0.0, period))
    cell = np.minimum((time / cells.width).astype(np.intp), len(cells.height))
    into = np.maximum(time - cell * cells.width, 0.0)
    below = np.concatenate([[0.0], np.cumsum(cells.height) * cells.width])
    density = np.concatenate([cells.height, [0.0]])[cell]
    return Places(cell, into, turns + below[cell] + density * into, density)


def folded(
    cells: Cells, place: Places, period: float, lifetime: float, wrap: bool = True
) -> tuple[Array, Array, Array]:
    """Share of one exponential's photons in every bin, and its derivatives.

    Parameters
    ----------
    cells, place
        The response, and where the edges of the bins (bins + 1) lie in it.
    period, lifetime : float
        In ns.
    wrap : bool
        False leaves the earlier pulses out, which is wrong: for comparison alone.

    Returns
    -------
    share : float (bins,)
        Sums to 1 over a period.
    by_log_lifetime : float (bins,)
        Derivative by ln τ.
    by_shift : float (bins,)
        Derivative by the shift of the response, per ns.
    """
    tau, q = lifetime, cells.height
    keep = np.exp(-cells.width / tau)
    behind = lfilter([1.0 - keep], [1.0, -keep], q)
    start = np.concatenate([[0.0], behind])  # g where each cell begins, without earlier pulses
    keep_slope = keep * cells.width / tau**2
    slope = np.concatenate([[0.0], lfilter([keep_slope], [1.0, -keep], start[:-1] - q)])
    since = np.arange(len(start)) * cells.width
    first = first_slope = 0.0
    if wrap:
        dark = period - cells.length
        faded, whole = np.exp(-dark / tau), np.exp(-period / tau)
        first = start[-1] * faded / (1.0 - whole)
        first_slope = (slope[-1] + start[-1] * dark / tau**2) * faded / (1.0 - whole)
        first_slope += first * whole * period / tau**2 / (1.0 - whole)
        old = np.exp(-since / tau)
        slope = slope + (first_slope + first * since / tau**2) * old
        start = start + first * old
    fade = np.exp(-place.into / tau)
    above = start[place.cell] - place.density
    g = place.density + above * fade
    g_slope = (slope[place.cell] + above * place.into / tau**2) * fade
    share = np.diff(place.passed) - tau * np.diff(g)
    by_log = -tau * (np.diff(g) + tau * np.diff(g_slope))
    return np.maximum(share, 0.0), by_log, -np.diff(g)
