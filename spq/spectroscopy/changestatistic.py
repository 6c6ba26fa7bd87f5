"""The likelihood ratio of one change of rate among photons, and how large chance alone makes it.

N photons within a time T, at V_k T (k = 1..N), come at one rate or at two with the change at photon k:

    L_k = 2 [k ln(k/(N V_k)) + (N - k) ln((N - k)/(N (1 - V_k)))],    k = 1..N-1.

At one rate the V_k are ordered uniform numbers, V_k ~ Beta(k, N + 1 - k), whence the mean and the standard
deviation of L_k; the statistic is (L_k - mean)/deviation + ln(4k(N - k)/N²)/2, its maximum over k is
tested: L. P. Watkins, H. Yang, J. Phys. Chem. B 109, 617 (2005). A threshold bounds every V_k on both sides,
so the chance that no V_k crosses is that of a Poisson process between two steps, which is summed exactly from
step to step (A. Moscovich, B. Nadler, Stat. Probab. Lett. 123, 177 (2017)). Far from its ends the statistic
in ln(k/(N - k)) is stationary, so the logarithm of that chance is linear in ln N for large N.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.special import digamma, polygamma, xlogy

Array = np.ndarray

SIZES = (2, 3, 4, 6, 9, 14, 22, 36, 60, 100, 170, 280, 450)
"""Numbers of photons for which chances are summed exactly; beyond the last two they are extrapolated."""
THRESHOLDS = np.geomspace(0.3, 40.0, 30)
HALVINGS = 60


def statistic(v: Array) -> Array:
    """The statistic (..., N - 1) at each photon but the last, of places V_k (..., N) in (0, 1), ascending."""
    mean, spread, weight = _moments(v.shape[-1])
    return (likelihood_ratio(v) - mean) / spread + weight


def likelihood_ratio(v: Array) -> Array:
    """L_k (..., N - 1) at each photon but the last, of places V_k (..., N) in (0, 1), ascending."""
    number = v.shape[-1]
    k = np.arange(1.0, number)
    logs = _tables(number)[2][1:number]  # ln k; backwards ln(N - k)
    inside = np.clip(v[..., :-1], 1e-15, 1.0 - 1e-15)
    found = k * (logs - np.log(inside)) + (number - k) * (logs[::-1] - np.log1p(-inside))
    return 2.0 * (found - number * np.log(number))


def critical(number: int, chance: float) -> float:
    """Value that the largest statistic of `number` photons at one rate exceeds with probability `chance`."""
    if number < 2:
        return np.inf
    logs, values = _critical_values(float(chance))
    return float(np.interp(np.log(number), logs, values))


@lru_cache(maxsize=64)
def _critical_values(chance: float) -> tuple[Array, Array]:
    """ln N from 2 to 1e9 photons, and the critical values there."""
    numbers = np.array([*SIZES, *np.geomspace(SIZES[-1], 1e9, 24)[1:]])
    low, high = THRESHOLDS[0], THRESHOLDS[-1]
    wanted = np.log(-np.log1p(-chance))

    def root(number: float) -> float:
        if _log_hazard(number, low) <= wanted:
            return float(low)
        if _log_hazard(number, high) >= wanted:
            return float(high)
        return float(brentq(lambda each: _log_hazard(number, each) - wanted, low, high, xtol=1e-6))

    return np.log(numbers), np.array([root(each) for each in numbers])


def _log_hazard(number: float, threshold: float) -> float:
    """ln(-ln P) of the chance P that no statistic of `number` photons exceeds the threshold."""
    if number <= SIZES[-1]:
        return float(_hazards(int(number))(threshold))
    last, before = np.exp(_hazards(SIZES[-1])(threshold)), np.exp(_hazards(SIZES[-2])(threshold))
    per_log = (last - before) / np.log(SIZES[-1] / SIZES[-2])
    return float(np.log(last + max(per_log, 0.0) * np.log(number / SIZES[-1])))


@cache
def _hazards(number: int) -> PchipInterpolator:
    """ln(-ln P) as a function of the threshold."""
    found = [-np.log(max(1.0 - chance_of_crossing(number, each), 1e-300)) for each in THRESHOLDS]
    return PchipInterpolator(THRESHOLDS, np.log(np.maximum(found, 1e-14)), extrapolate=True)


def chance_of_crossing(number: int, threshold: float) -> float:
    """Exact chance that the largest statistic of `number` photons at one rate exceeds the threshold."""
    low, high = _bounds(number, threshold)
    if np.any(low >= high):
        return 1.0
    # By time t at least as many photons have come as upper bounds are past, at most as many as lower.
    times = np.sort(np.concatenate([low, high]))
    least = np.searchsorted(high, times, side="right")  # photons whose upper bound is past
    most = np.searchsorted(low, times, side="left")  # photons that may have come before this time
    most[most == number - 1] = number  # the last photon is free
    chance, first, before = np.array([1.0]), 0, 0.0
    for time, lower, upper in zip(times, least, most, strict=True):
        mean = number * (time - before)
        if mean > 0:
            jumps = np.arange(int(upper) - first + 1)
            steps = np.exp(xlogy(jumps, mean) - mean - _log_factorials(number)[jumps])
            chance = np.convolve(chance, steps)[: int(upper) - first + 1]
        chance = chance[max(int(lower) - first, 0) : int(upper) - first + 1]
        first, before = max(int(lower), first), time
        if not len(chance):
            return 1.0
    mean = number * (1.0 - before)
    jumps = number - first - np.arange(len(chance))
    ends = np.exp(xlogy(jumps, mean) - mean - _log_factorials(number)[jumps])
    stay = float(chance @ ends) / np.exp(xlogy(number, number) - number - _log_factorials(number)[number])
    return 1.0 - min(stay, 1.0)


def _bounds(number: int, threshold: float) -> tuple[Array, Array]:
    """Lowest and highest V_k (N - 1,) at which the statistic stays at or below the threshold, ascending."""
    mean, spread, weight = _moments(number)
    k = np.arange(1.0, number)
    allowed = mean + (threshold - weight) * spread
    middle = k / number  # L_k is zero there and grows to both sides

    def ratio(v: Array) -> Array:
        return 2.0 * (k * np.log(middle / v) + (number - k) * np.log((1.0 - middle) / (1.0 - v)))

    ends = []
    for outer in (np.full(len(k), 1e-18), np.full(len(k), 1.0 - 1e-16)):
        inner = middle.copy()
        for _ in range(HALVINGS):
            half = np.sqrt(inner * outer) if outer[0] < 0.5 else 0.5 * (inner + outer)
            good = ratio(half) <= allowed
            inner, outer = np.where(good, half, inner), np.where(good, outer, half)
        ends.append(np.where(allowed >= 0, inner, np.nan))
    low = np.where(np.isnan(ends[0]), 1.0, ends[0])
    high = np.where(np.isnan(ends[1]), 0.0, ends[1])
    return np.maximum.accumulate(low), np.minimum.accumulate(high[::-1])[::-1]


@lru_cache(maxsize=4)
def _log_factorials(number: int) -> Array:
    """ln n! for n = 0..number + 1."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, number + 2.0)))])


def _moments(number: int) -> tuple[Array, Array, Array]:
    """Mean and standard deviation (N - 1,) of L_k at one rate, and the weight of the ends (N - 1,)."""
    first, second, logs = _tables(number + 1)
    k = np.arange(1.0, number)
    rest = k[::-1]  # N - k
    log_k, log_rest = logs[1:number], logs[1:number][::-1]
    # V_k ~ Beta(k, N + 1 - k): moments of ln V_k and ln(1 - V_k)
    log_v = first[1:number] - first[number + 1]
    log_u = first[2 : number + 1][::-1] - first[number + 1]
    whole = 2.0 * np.log(number)
    mean = 2.0 * (k * (log_k - log_v) + rest * (log_rest - log_u) - number * np.log(number))
    variance = (
        k**2 * second[1:number] + rest**2 * second[2 : number + 1][::-1] - number**2 * second[number + 1]
    )
    weight = 0.5 * (np.log(4.0) + log_k + log_rest - whole)
    return mean, 2.0 * np.sqrt(variance), weight


def _tables(number: int) -> tuple[Array, Array, Array]:
    """Digamma, trigamma and logarithm of 0, 1, 2, ..., at least up to `number` (0 at 0)."""
    return _tables_to(1 << max(int(number), 1024).bit_length())


@cache
def _tables_to(size: int) -> tuple[Array, Array, Array]:
    k = np.arange(1.0, size + 1.0)
    first, second, logs = (np.concatenate([[0.0], f]) for f in (digamma(k), polygamma(1, k), np.log(k)))
    return first, second, logs
