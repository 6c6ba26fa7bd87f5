"""The mean counts of a decay in its bins, as the fit sees them.

    μ_i = Σ_j c_j P_i(τ_j, shift) + b w_i/T + s S_i(shift)

P_i is the share of one exponential in bin i (`folding`), c_j its photons in a whole period, b those of the
constant background (w_i width of the bin, T period), s those of scattered laser light (S_i: the response
itself). An amplitude per ns is c_j/τ_j. Parameters in order: ln τ_j, shift, ln σ, c_j, b, s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.folding import Places, folded, places
from spq.spectroscopy.likelihood import Means
from spq.spectroscopy.responses import GAUSSIAN_REACH, Cells, Response, cells_of, edges_of, spread_of

Array = np.ndarray

LONGEST = 10.0
"""Longest lifetime that is looked for, in periods of the laser: beyond, a decay is flat."""
SHORTEST = 0.05
"""Shortest lifetime that is looked for, in widths of a bin or of the response, whichever is larger."""
SIGMA_STEP = 1e-3


@dataclass(frozen=True, eq=False)
class Problem:
    """What is fitted: counts (bins,), edges (bins + 1,) in ns, and everything that is known.

    `shifts` is the range of the shift in ns (one point: fixed), `background` in photons per period (None:
    fitted).
    """

    counts: Array
    edges: Array
    period: float
    response: Response
    shifts: tuple[float, float]
    background: float | None
    scatter: bool
    wrap: bool

    @property
    def lifetimes(self) -> tuple[float, float]:
        """Shortest and longest lifetime in ns that are looked for."""
        finest = max(float(np.diff(self.edges).min()), spread_of(cells_of(self.response)))
        return SHORTEST * finest, LONGEST * self.period


def problem_of(
    counts: Any, edges: Any, period: Any, irf: Any, shift: Any, background: Any, scatter: bool, wrap: bool
) -> Problem:
    """The checked problem; raises InputError."""
    edges = edges_of(edges, "edges_ns")
    found = histogram_of(counts, len(edges) - 1)
    period = checks.number(period, "period_ns", "ns", above=0.0)
    span = edges[-1] - edges[0]
    if span > period * (1.0 + 1e-6):
        raise InputError(f"edges_ns: span {span:.10g} ns: must be at most one period, {period:.10g} ns")
    finest = float(np.diff(edges).min())
    if irf is None:
        response = Response(sigma_ns=0.02 * finest)
    elif isinstance(irf, Response):
        response = irf
    else:
        with checks.placed("irf: "):
            response = Response(counts=np.asarray(irf, dtype=float), edges_ns=edges)
    cells = cells_of(response)
    if cells.length > period * (1.0 + 1e-6):
        raise InputError(f"irf: {cells.length:.10g} ns long: must be at most one period, {period:.10g} ns")
    if shift is None and response.counts is None and response.centre_ns is None:
        shifts = (edges[0] - 0.5 * period, edges[-1] + 0.5 * period)
    elif shift is None:
        reach = spread_of(cells) + 3.0 * float(np.median(np.diff(edges)))
        shifts = (-reach, reach)
    elif np.ndim(shift) == 0:
        shifts = (checks.number(shift, "shift", "ns"),) * 2
    else:
        low, high = checks.numbers_of(shift, "shift", "ns", length=2)
        if not low < high:
            raise InputError(f"shift = {checks.shown(shift)}: must be (low, high) in ns")
        shifts = (low, high)
    if background is not None:
        background = period * checks.number(background, "background", "counts/ns", minimum=0.0)
    shifts = (float(shifts[0]), float(shifts[1]))
    return Problem(found, edges, period, response, shifts, background, scatter, wrap)


def histogram_of(given: Any, bins: int) -> Array:
    """Photons (bins,) of a decay as float; raises InputError if they cannot be that."""
    found = np.asarray(given)
    if found.shape != (bins,):
        raise InputError(f"counts: shape {found.shape}: must be ({bins},), one per bin of edges_ns")
    if found.dtype.kind not in "iuf":
        raise InputError(f"counts: must be whole numbers, not {found.dtype}")
    if not np.all(np.isfinite(found)):
        raise InputError(f"counts[{int(np.flatnonzero(~np.isfinite(found))[0])}]: must be finite")
    if np.any(found < 0) or np.any(found != np.floor(found)):
        at = int(np.flatnonzero((found < 0) | (found != np.floor(found)))[0])
        raise InputError(f"counts[{at}] = {found[at]:g}: must be a whole number of photons >= 0")
    if not found.any():
        raise InputError("counts: no photon: a decay needs some")
    if np.count_nonzero(found) == 1:
        raise InputError(f"counts: all {int(found.sum())} photons in bin {int(np.argmax(found))}: no decay")
    return found.astype(float)


def names_of(number: int) -> tuple[str, ...]:
    """Names of the parameters with `number` exponentials."""
    each = [str(j + 1) for j in range(number)]
    return (
        *(f"ln lifetime {j}" for j in each),
        "shift",
        "ln sigma",
        *(f"photons {j}" for j in each),
        "background",
        "scatter",
    )


def bounds_of(problem: Problem, number: int) -> tuple[Array, Array, Array]:
    """Lowest and highest values (p,) of the parameters and which are fixed (p,)."""
    short, long = np.log(problem.lifetimes)
    most = 1e3 * problem.counts.sum()
    width = np.log(problem.response.sigma_ns or 1.0)
    low = np.r_[[short] * number, problem.shifts[0], width - 3.0, [0.0] * (number + 2)]
    widest = np.log(problem.period / (2.0 * GAUSSIAN_REACH)) - 2.0 * SIGMA_STEP  # its cells fill a period
    high = np.r_[[long] * number, problem.shifts[1], min(width + 3.0, widest), [most] * (number + 2)]
    fixed = np.zeros(len(low), dtype=bool)
    fixed[number] = problem.shifts[0] == problem.shifts[1]
    fixed[number + 1] = not problem.response.fit_sigma
    fixed[-2:] = problem.background is not None, not problem.scatter
    if problem.background is not None:
        low[-2] = high[-2] = problem.background
    return low, high, fixed


def means_of(problem: Problem, number: int) -> Means:
    """The function of the parameters that gives the means (bins,) and their derivatives (bins, p)."""
    flat = np.diff(problem.edges) / problem.period
    own = cells_of(problem.response)

    def parts(cells: Cells, x: Array) -> tuple[Places, list[tuple[Array, Array, Array]], Array]:
        place = places(cells, problem.edges, problem.period, x[number], problem.wrap)
        each = [folded(cells, place, problem.period, np.exp(t), problem.wrap) for t in x[:number]]
        total = flat * x[-2]
        for c, (share, _, _) in zip(x[number + 2 : -2], each, strict=True):
            total = total + c * share
        return place, each, total + x[-1] * np.diff(place.passed)

    def means(x: Array) -> tuple[Array, Array]:
        fit_sigma = problem.response.fit_sigma
        cells = cells_of(problem.response, float(np.exp(x[number + 1]))) if fit_sigma else own
        place, each, total = parts(cells, x)
        slope = np.zeros((len(flat), len(x)))
        for j, (share, by_log, by_shift) in enumerate(each):
            slope[:, j] = x[number + 2 + j] * by_log
            slope[:, number] += x[number + 2 + j] * by_shift
            slope[:, number + 2 + j] = share
        if fit_sigma:
            wider = cells_of(problem.response, float(np.exp(x[number + 1] + SIGMA_STEP)))
            narrower = cells_of(problem.response, float(np.exp(x[number + 1] - SIGMA_STEP)))
            slope[:, number + 1] = (parts(wider, x)[2] - parts(narrower, x)[2]) / (2.0 * SIGMA_STEP)
        slope[:, -2] = flat
        if problem.scatter:
            slope[:, number] -= x[-1] * np.diff(place.density)
            slope[:, -1] = np.diff(place.passed)
        return total, slope

    return means
