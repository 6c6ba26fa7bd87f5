"""From where the fit of a decay starts: the likeliest of a grid of shifts and sets of lifetimes.

Bins are joined to groups with about as many photons each, so that hundreds of sets cost a few ms.
"""

from __future__ import annotations

import itertools

import numpy as np

from spq.spectroscopy.decaymodel import Problem
from spq.spectroscopy.folding import folded, places
from spq.spectroscopy.likelihood import TINY
from spq.spectroscopy.responses import cells_of

Array = np.ndarray

GRID = 14
GROUPS = 160
ROUNDS = 60
ONSETS = (1, 4, 16, 64, 256)
"""Bins before and after an edge that are compared to find where a decay sets in."""


def starts_of(problem: Problem, number: int, most: int) -> list[Array]:
    """Up to `most` starting points (p,), the likeliest first, of a grid of shifts and lifetimes."""
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
        long, ago = time[right] - time[edge], np.maximum(time[edge] - time[left], widths.min())
        score = (after / long - before / ago) / np.sqrt((after + 1.0) / long**2 + (before + 1.0) / ago**2)
        score[left == right] = -np.inf
        score[edge == left] = -np.inf
        found.append(float(edges[int(np.argmax(score))]))
    middle = float(0.5 * np.diff(edges).min())
    return sorted({float(np.clip(each + middle, low, high)) for each in [*found, float(edges[0])]})
