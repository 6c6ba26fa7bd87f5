"""Errors of statistics over particles by bootstrap, and tests between two groups of particles.

Particles are drawn with replacement, never single lines: lines of one particle belong together. Intervals are
percentiles of the statistic over the draws: B. Efron, Ann. Stat. 7, 1 (1979). Drawing particles is the same
as giving each a whole weight, so that all draws are one matrix product. The chance of a difference of means
as large between two groups is that over permutations of the particles: R. A. Fisher (1935).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import mannwhitneyu

Array = np.ndarray

LEVEL = 0.6827
"""Of intervals: one standard deviation of a Gaussian."""
NONE = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Statistic:
    """A statistic, its standard error, and the ends of its 68 % interval; NaN where not determined."""

    value: float
    error: float
    low: float
    high: float


def multiplicities(particles: int, draws: int, seed: int) -> Array:
    """How often each particle is in each draw with replacement, float (draws, particles)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(particles, np.full(particles, 1.0 / particles), draws).astype(float)


def interval(drawn: Array, axis: int = 0) -> tuple[Array, Array, Array]:
    """Standard deviation and ends of the 68 % interval of draws along an axis; NaN draws are left out."""
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.nanpercentile(drawn, (tail, 100.0 - tail), axis=axis)
    return np.nanstd(drawn, axis=axis, ddof=1), low, high


def mean_of(values: Sequence[Array], weights: Array) -> Statistic:
    """Mean of all values; those of one particle (any number, also none) are one entry.

    weights: (draws, particles), as `multiplicities` gives them.
    """
    sums = np.array([each.sum() for each in values])
    numbers = np.array([len(each) for each in values], dtype=float)
    if not numbers.sum():
        return Statistic(float("nan"), *NONE)
    value = float(sums.sum() / numbers.sum())
    if (numbers > 0).sum() < 2:
        return Statistic(value, *NONE)
    many = weights @ numbers
    drawn = np.where(many > 0, weights @ sums / np.maximum(many, 1.0), np.nan)
    return Statistic(value, *(float(each) for each in interval(drawn)))


def median_of(values: Sequence[Array], weights: Array) -> Statistic:
    """Median of all values; arguments as of `mean_of`."""
    flat = np.concatenate(values) if len(values) else np.empty(0)
    owner = np.repeat(np.arange(len(values)), [len(each) for each in values])
    if not len(flat):
        return Statistic(float("nan"), *NONE)
    if len(np.unique(owner)) < 2:
        return Statistic(float(np.median(flat)), *NONE)
    order = np.argsort(flat, kind="stable")
    flat, owner = flat[order], owner[order]
    sums = np.cumsum(weights[:, owner], axis=1)
    whole = sums[:, -1:]
    lower = (sums >= 0.5 * whole).argmax(axis=1)
    upper = (sums > 0.5 * whole).argmax(axis=1)
    drawn = np.where(whole[:, 0] > 0, 0.5 * (flat[lower] + flat[upper]), np.nan)
    return Statistic(float(np.median(flat)), *(float(each) for each in interval(drawn)))


def histogram_of(
    values: Sequence[Array], edges: Array, weights: Array, shares: Sequence[Array] | None = None
) -> tuple[Array, Array]:
    """Share of all values in each bin, and its standard error (bins,); NaN errors with one particle.

    shares: weight of every value, for particles that should count alike; None: every value counts one.
    """
    given = [np.ones(len(each)) for each in values] if shares is None else shares
    table = np.array(
        [np.histogram(each, edges, weights=share)[0] for each, share in zip(values, given, strict=True)]
    )
    whole = np.array([share.sum() for share in given])  # also what lies beyond the edges
    nothing = np.full(len(edges) - 1, np.nan)
    if not whole.sum() > 0:
        return nothing, nothing
    found = table.sum(axis=0) / whole.sum()
    if (whole > 0).sum() < 2:
        return found, nothing
    totals = weights @ whole
    drawn = np.where(totals[:, None] > 0, weights @ table / np.maximum(totals, 1e-300)[:, None], np.nan)
    return found, interval(drawn)[0]


def compared(first: Sequence[Array], second: Sequence[Array], draws: int, seed: int) -> tuple[float, float]:
    """Chances of a difference as large: Mann-Whitney's, and of the means by permutation.

    Each particle counts once, with the mean of its values; those without are left out. NaN with fewer than
    two particles in a group.
    """
    a, b = (np.array([each.mean() for each in group if len(each)]) for group in (first, second))
    if len(a) < 2 or len(b) < 2:
        return float("nan"), float("nan")
    rank = float(mannwhitneyu(a, b).pvalue)
    both = np.concatenate([a, b])
    generator = np.random.default_rng(seed)
    mixed = generator.permuted(np.tile(both, (draws, 1)), axis=1)
    distances = np.abs(mixed[:, : len(a)].mean(axis=1) - mixed[:, len(a) :].mean(axis=1))
    seen = abs(a.mean() - b.mean())
    return rank, float((1 + (distances >= seen - 1e-12).sum()) / (1 + draws))
