"""Maximum of a Poisson likelihood within bounds, by damped Fisher scoring; what deviance to expect.

For counts n with means μ(x) the logarithm of the likelihood is Σ (n ln μ - μ - ln n!), its gradient
Σ (n/μ - 1) ∂μ, and the Fisher information Σ ∂μ ∂μ/μ. Every step solves with the information, its diagonal
raised as by Levenberg and Marquardt until the likelihood grows. Parameters at a bound that pushes against
their gradient rest there. The deviance is 2 Σ (n ln(n/μ) - n + μ); at few counts its expectation is not the
number of bins, so it is summed exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, xlogy

Array = np.ndarray
Means = Callable[[Array], tuple[Array, Array]]
"""Parameters (p,) -> means (bins,), their derivatives (bins, p)."""

TINY = 1e-300
STEPS = 100
SETTLED = 1e-5
"""Growth of the log-likelihood that a full step still promises, where the search ends."""


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where the likelihood is largest.

    Attributes
    ----------
    at : float (p,)
    log_likelihood : float
        With the constant -Σ ln n!.
    information : float (p, p)
        Fisher information there.
    held : bool (p,)
        Parameters at a bound, or fixed.
    settled : bool
        Whether the search ended by itself.
    """

    at: Array
    log_likelihood: float
    information: Array
    held: Array
    settled: bool


def log_likelihood(counts: Array, means: Array) -> float:
    """Σ (n ln μ - μ - ln n!) of counts with these means (bins,)."""
    return float(np.sum(xlogy(counts, np.maximum(means, TINY)) - means - gammaln(counts + 1.0)))


def maximise(
    counts: Array, means: Means, start: Array, low: Array, high: Array, fixed: Array | None = None
) -> Maximum:
    """The maximum next to `start` (p,) between `low` and `high` (p,); those `fixed` (p,) stay as they are."""
    fixed = np.zeros(len(start), dtype=bool) if fixed is None else fixed
    constant = float(np.sum(gammaln(counts + 1.0)))
    lit = counts > 0
    some = counts[lit]

    def value(mean: Array) -> float:
        return float(some @ np.log(np.maximum(mean[lit], TINY)) - mean.sum())

    x = np.clip(start, low, high)
    mean, slope = means(x)
    best, damping, settled = value(mean), 1e-3, False
    for _ in range(STEPS):
        safe = np.maximum(mean, TINY)
        gradient = slope.T @ (counts / safe - 1.0)
        information = (slope / safe[:, None]).T @ slope
        held = fixed | ((x <= low) & (gradient <= 0)) | ((x >= high) & (gradient >= 0))
        free = np.flatnonzero(~held)
        settled = not len(free)
        while not settled:
            step = _step(information[np.ix_(free, free)], gradient[free], damping)
            if abs(step @ gradient[free]) < SETTLED:
                settled = True
                break
            tried = x.copy()
            tried[free] = np.clip(x[free] + step, low[free], high[free])
            new_mean, new_slope = means(tried)
            found = value(new_mean)
            if found > best:
                x, mean, slope, best = tried, new_mean, new_slope, found
                damping = max(damping / 10.0, 1e-9)
                break
            damping *= 5.0
            if damping > 1e9:
                settled = True
        if settled:
            break
    return Maximum(x, best - constant, information, held, settled)


def _step(information: Array, gradient: Array, damping: float) -> Array:
    """Solution of the damped equations, scaled to a unit diagonal."""
    scale = np.sqrt(np.maximum(np.diag(information), TINY))
    matrix = information / np.outer(scale, scale)
    matrix[np.diag_indices_from(matrix)] += damping
    return np.linalg.solve(matrix, gradient / scale) / scale


def covariance_of(information: Array, held: Array) -> Array:
    """Inverse (p, p) of the Fisher information; NaN for what is held, and everywhere if it is singular."""
    found = np.full(information.shape, np.nan)
    free = np.flatnonzero(~held)
    scale = np.sqrt(np.diag(information)[free])
    if not len(free) or np.any(scale <= 0):
        return found
    matrix = information[np.ix_(free, free)] / np.outer(scale, scale)
    if np.linalg.cond(matrix) > 1e14:
        return found
    found[np.ix_(free, free)] = np.linalg.inv(matrix) / np.outer(scale, scale)
    return found


def deviances(counts: Array, means: Array) -> Array:
    """2 (n ln(n/μ) - n + μ) of every bin."""
    safe = np.maximum(means, TINY)
    return 2.0 * (xlogy(counts, counts / safe) - counts + safe)


def expected_deviance(means: Array) -> tuple[float, float]:
    """Expectation and standard deviation of the deviance of Poisson counts with these means (bins,)."""
    grid, mean, variance = _deviance_table()
    place = np.log(np.clip(means, np.exp(grid[0]), np.exp(grid[-1])))
    thin = np.minimum(means / np.exp(grid[0]), 1.0)  # below the table both fall in proportion
    expected = np.interp(place, grid, mean) * thin
    spread = np.interp(place, grid, variance) * thin
    return float(expected.sum()), float(np.sqrt(spread.sum()))


@lru_cache(maxsize=1)
def _deviance_table() -> tuple[Array, Array, Array]:
    """ln μ on a grid from 1e-4 to 100, expectation and variance of the deviance of one bin."""
    grid = np.linspace(np.log(1e-4), np.log(100.0), 120)
    means = np.exp(grid)[:, None]
    counts = np.arange(260)[None, :]
    weights = np.exp(xlogy(counts, means) - means - gammaln(counts + 1.0))
    each = deviances(counts, means)
    mean = (weights * each).sum(axis=1)
    return grid, mean, (weights * each**2).sum(axis=1) - mean**2
