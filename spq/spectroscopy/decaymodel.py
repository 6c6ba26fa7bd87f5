"""The mean counts of a decay in its bins, as the fit sees them, and from where the fit starts.

    μ_i = Σ_j c_j P_i(τ_j, shift) + b w_i/T + s S_i(shift)

P_i is the share of one exponential in bin i (`folding`), c_j its photons in a whole period, b those of the
constant background (w_i width of the bin, T period), s those of scattered laser light (S_i: the response
itself). An amplitude per ns is c_j/τ_j. Parameters in order: ln τ_j, shift, ln σ, c_j, b, s.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.folding import Places, folded, places
from spq.spectroscopy.likelihood import TINY, Means
from spq.spectroscopy.responses import Cells, Response, cells_of, spread_of

Array = np.ndarray

LONGEST = 10.0
"""Longest lifetime that is looked for, in periods of the laser: beyond, a decay is flat."""
SHORTEST = 0.05
"""Shortest lifetime that is looked for, in widths of a bin or of the response, whichever is larger."""
SIGMA_STEP = 1e-3
GRID = 14
GROUPS = 160
ROUNDS = 60
ONSETS = (1, 4, 16, 64, 256)
"""Bins before and after an edge that are compared to find where a decay sets in."""


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
    high = np.r_[[long] * number, problem.shifts[1], width + 3.0, [most] * (number + 2)]
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
        total = sum(
            (c * share for c, (share, _, _) in zip(x[number + 2 :], each, strict=False)), flat * x[-2]
        )
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


def starts_of(problem: Problem, number: int, most: int) -> list[Array]:
    """Up to `most` starting points (p,), the likeliest first, of a search over shifts and lifetimes on a grid."""
    edges, counts = problem.edges, problem.counts
    cells = cells_of(problem.response)
    groups = _groups(counts)
    thin = np.add.reduceat(counts, groups).astype(float)
    short, long = problem.lifetimes
    span = edges[-1] - edges[0]
    reach = (max(short, 0.3 * float(np.diff(edges).min())), min(long, 2.0 * span))
    grid = np.geomspace(*reach, GRID)
    flat = np.add.reduceat(np.diff(edges), groups) / problem.period

    def columns(shift: float) -> tuple[Array, Array]:
        place = places(cells, edges, problem.period, shift, problem.wrap)
        each = [folded(cells, place, problem.period, tau, problem.wrap)[0] for tau in grid]
        direct = np.add.reduceat(np.diff(place.passed), groups)
        return np.array([np.add.reduceat(share, groups) for share in each]), direct

    found = []
    choices = list(itertools.combinations(range(GRID), number))
    for shift in _shifts(problem):
        shares, direct = columns(shift)
        rest = [flat, direct] if problem.scatter else [flat]
        bases = np.array([[*shares[list(choice)], *rest] for choice in choices])
        amounts, value = _shared_out(thin, bases)
        found += [(v, shift, choice, a) for v, choice, a in zip(value, choices, amounts, strict=True)]
    found.sort(key=lambda each: -each[0])
    chosen: list[tuple[float, float, tuple[int, ...], Array]] = []
    for each in found:
        near = [s == each[1] and np.abs(np.subtract(c, each[2])).max() <= 1 for _, s, c, _ in chosen]
        if not any(near):
            chosen.append(each)
        if len(chosen) == most:
            break
    width = np.log(problem.response.sigma_ns or 1.0)
    scattered = [a[-1] if problem.scatter else 0.0 for *_, a in chosen]
    return [
        np.r_[np.log(grid[list(choice)]), shift, width, amount[: number + 1], direct]
        for (_, shift, choice, amount), direct in zip(chosen, scattered, strict=True)
    ]


def _groups(counts: Array) -> Array:
    """First bins of groups of neighbours with about equal numbers of photons, finer where more are."""
    below = np.cumsum(counts)
    wanted = np.linspace(0.0, below[-1], GROUPS + 1)[:-1]
    spread = np.linspace(0, len(counts) - 1, 24).astype(int)  # dark stretches count as well
    return np.unique(np.concatenate([[0], np.searchsorted(below, wanted), spread]))


def _shared_out(counts: Array, bases: Array) -> tuple[Array, Array]:
    """Amounts (m, k) >= 0 of the columns of `bases` (m, k, groups), and the log-likelihoods (m,).

    Expectation maximisation: each photon is shared among the columns by their means.
    """
    whole = np.maximum(bases.sum(axis=2), TINY)
    amounts = np.full(bases.shape[:2], counts.sum() / bases.shape[1]) / whole
    for _ in range(ROUNDS):
        mean = np.maximum(np.einsum("mk,mkg->mg", amounts, bases), TINY)
        amounts = amounts * np.einsum("mkg,mg->mk", bases, counts / mean) / whole
    mean = np.maximum(np.einsum("mk,mkg->mg", amounts, bases), TINY)
    return amounts, np.log(mean) @ counts - mean.sum(axis=1)


def _shifts(problem: Problem) -> list[float]:
    """Shifts in ns at which to look first."""
    low, high = problem.shifts
    if low == high:
        return [low]
    if problem.response.counts is not None or problem.response.centre_ns is not None:
        return [0.5 * (low + high), 0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high]
    counts, edges = problem.counts.astype(float), problem.edges
    around = np.isclose(edges[-1] - edges[0], problem.period, rtol=1e-3)
    number = len(counts)
    padded, widths = counts, np.diff(edges)
    if around:
        padded, widths = np.tile(padded, 3), np.tile(widths, 3)
    below, time = np.cumsum(np.r_[0.0, padded]), np.cumsum(np.r_[0.0, widths])
    edge = np.arange(number) + (number if around else 0)
    found = []
    for size in ONSETS:
        if 2 * size > number:
            break
        left, right = np.maximum(edge - size, 0), np.minimum(edge + size, len(below) - 1)
        after, before = below[right] - below[edge], below[edge] - below[left]
        long, ago = time[right] - time[edge], np.maximum(time[edge] - time[left], TINY)
        score = (after / long - before / ago) / np.sqrt((after + 1.0) / long**2 + (before + 1.0) / ago**2)
        score[left == right] = -np.inf
        score[edge == left] = -np.inf
        found.append(float(edges[int(np.argmax(score))]))
    middle = float(0.5 * np.diff(edges).min())
    return sorted({float(np.clip(each + middle, low, high)) for each in [*found, float(edges[0])]})
