"""Differences between two angles of polarisation: folded to 0 to 90°, tested against uniform and an angle.

An axis is the same after 180°, and a difference has no sign: d = |((x + 90) mod 180) - 90|. Two axes that
have nothing to do with each other have d uniform over 0 to 90°, whatever its error. A difference of α
measured with error σ has the density Σ_k [n(d - α + 180 k) + n(d + α + 180 k)], n a Gaussian of width σ,
which may hold a scatter s of the particles, σ² + s². The evidence for α against uniform is the likelihood
averaged over s: R. E. Kass, A. E. Raftery, J. Am. Stat. Assoc. 90, 773 (1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr
from scipy.stats import kstest

from spq import checks
from spq.errors import InputError

Array = np.ndarray

TURNS = np.arange(-1, 2)
LEAST, MOST = 0.5, 60.0
"""degrees; errors are taken as at least the one, for the wave plate is set no better, and at most the other,
which is as good as uniform."""
SCATTERS = np.linspace(0.0, 20.0, 21)
"""degrees; scatter of the particles about the angle, all alike before."""
DRAWS = 1000
"""Sets of uniform differences that give the chance of the evidence."""


@dataclass(frozen=True)
class AngleTests:
    """What folded differences say; NaN where there are too few.

    Attributes
    ----------
    count : int
        Differences that are known.
    uniform_p : float
        Chance of a Kolmogorov-Smirnov distance as large if they are uniform.
    angle_p : float
        The same if all are the angle, within their errors and no scatter.
    log_ratio : float
        Natural logarithm of the likelihood of the angle, averaged over the scatter, over that of uniform.
    chance : float
        Share of uniform sets with a ratio as large.
    scatter : float
        Likeliest scatter in degrees.
    """

    count: int
    uniform_p: float
    angle_p: float
    log_ratio: float
    chance: float
    scatter: float


def fold_angle(degrees: Array | float) -> Array:
    """Fold differences of axes (any shape), degrees, to 0 to 90; NaN stays. Raises InputError if infinite."""
    given = np.asarray(degrees, dtype=float)
    if np.isinf(given).any():
        raise InputError("degrees: must be finite or NaN")
    return np.abs((given + 90.0) % 180.0 - 90.0)


def folded_density(difference: Array, angle: float, error: Array) -> Array:
    """Density per degree of folded differences for a true one of `angle`; in degrees, shapes broadcast."""
    difference, error = np.asarray(difference)[..., None], np.asarray(error)[..., None]
    apart = [(difference - sign * angle + 180.0 * TURNS) / error for sign in (1.0, -1.0)]
    total = sum(np.exp(-0.5 * each**2).sum(axis=-1) for each in apart)
    return total / (np.sqrt(2.0 * np.pi) * error[..., 0])


def difference_tests(differences: Array, errors: Array, angle: float = 20.0, seed: int = 0) -> AngleTests:
    """Test differences (n,) with errors (n,), in degrees, against uniform and against an angle.

    seed: of the draws that give chances. Differences are folded first; those that are NaN, or whose error is,
    are left out. Raises InputError if shapes differ, or the angle is not within 0 to 90.
    """
    differences, errors = np.asarray(differences, dtype=float), np.asarray(errors, dtype=float)
    if differences.ndim != 1 or differences.shape != errors.shape:
        raise InputError(f"errors: shape {errors.shape}: must be that of differences, {differences.shape}")
    angle = checks.number(angle, "angle", "degrees", minimum=0.0)
    if angle > 90.0:
        raise InputError(f"angle = {angle:g} degrees: must be <= 90")
    known = np.isfinite(differences) & np.isfinite(errors)
    d, error = fold_angle(differences[known]), np.clip(errors[known], LEAST, MOST)
    nan = float("nan")
    if len(d) < 2:
        return AngleTests(len(d), nan, nan, nan, nan, nan)
    by_scatter = _log_ratios(d, angle, error)
    log_ratio = float(logsumexp(by_scatter) - np.log(len(SCATTERS)))
    drawn = 90.0 * np.random.default_rng(seed).random((DRAWS, len(d)))
    others = logsumexp(_log_ratios(drawn, angle, error), axis=-1) - np.log(len(SCATTERS))
    return AngleTests(
        count=len(d),
        uniform_p=float(kstest(d / 90.0, "uniform").pvalue),
        angle_p=float(kstest(_distribution(d, angle, error), "uniform").pvalue),
        log_ratio=log_ratio,
        chance=float((1 + (others >= log_ratio).sum()) / (1 + DRAWS)),
        scatter=float(SCATTERS[by_scatter.argmax()]),
    )


def _log_ratios(d: Array, angle: float, error: Array) -> Array:
    """Likelihood over that of uniform, logarithm, (..., scatters); differences (..., n), errors (n,)."""
    found = np.empty((*d.shape[:-1], len(SCATTERS)))
    for place, scatter in enumerate(SCATTERS):
        density = 90.0 * folded_density(d, angle, np.hypot(error, scatter))
        found[..., place] = np.log(np.maximum(density, 1e-12)).sum(axis=-1)
    return found


def _distribution(d: Array, angle: float, error: Array) -> Array:
    """Chance of a folded difference of at most d (n,), for a true one of the angle."""
    centre = np.array([angle, -angle])[:, None, None] + 180.0 * TURNS[:, None]
    return (ndtr((d - centre) / error) - ndtr(-centre / error)).sum(axis=(0, 1))
