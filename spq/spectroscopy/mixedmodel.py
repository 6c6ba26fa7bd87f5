"""Decays of several emitters in one light, with the light of each known but for noise.

Photons n_gt of group g in bin t, and camera photons y_ge of emitter e in it, have the means

    μ_gt = Σ_e w_ge D_c(t) + b T_g Δ_t,   D_c(t) = Σ_j a_cj P_t(τ_cj),   E y_ge = w_ge,

c the column of (g, e), P_t the share of an exponential in bin t behind the response, after all earlier
pulses, T_g the exposure. The true light w_ge is a parameter like the others: taking y for it would be
regression on a variable with errors, which draws the decays towards each other: W. A. Fuller, Measurement
Error Models (Wiley, 1987). With variance σ² of y, (y + a)/F counts as Poisson with mean (w + a)/F, F the
excess noise of the emitter's light and a = σ²/F - y what else there is of noise.
All parameters at once by the likelihood, errors by its Fisher
information, those of the weights in them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.decaymodel import Problem, bounds_of, means_of, problem_of
from spq.spectroscopy.decays import DecayFit, fit_decay
from spq.spectroscopy.likelihood import Maximum, maximise
from spq.spectroscopy.mixedgroups import Groups, design
from spq.spectroscopy.responses import Response

Array = np.ndarray

Starts = dict[tuple[int, int], tuple[Array | None, Array]]
"""(decay, number of exponentials) -> lifetimes, None if not determined, and shares."""

ROUNDS = 400
"""Steps of the unmixing without a model."""
CLEAR = 3.0
"""Light of an emitter over its error from which on its excess noise is read off."""
MOST_LIGHT = 10.0
"""Largest true light that is looked for, in what was seen and its errors."""


@dataclass(frozen=True, eq=False)
class MixedFit:
    """Maximum of the likelihood, and where its parameters are.

    best: Maximum. numbers: exponentials of each decay. bic: float. counts: (rows,), means: (rows,), of groups
    and bins, then of groups and emitters. decays: (sources, bins), of each for one photon of the camera.
    weights: (groups, emitters), the true light.
    """

    best: Maximum
    numbers: tuple[int, ...]
    bic: float
    counts: Array
    means: Array
    decays: Array
    weights: Array

    def at(self, source: int) -> slice:
        """Parameters of a decay: ln τ of its exponentials, then their photons for one of the camera."""
        begin = 2 * sum(self.numbers[:source])
        return slice(begin, begin + 2 * self.numbers[source])

    @property
    def shared(self) -> int:
        """Place of the shift; ln σ of the response and the background follow."""
        return 2 * sum(self.numbers)


def unmixed(groups: Groups, weights: Array, sources: int) -> Array:
    """Photons (sources, bins) of each decay, any form >= 0, by the likelihood with fixed weights.

    Multiplicative steps, which conserve the photons: W. H. Richardson, J. Opt. Soc. Am. 62, 55 (1972).
    """
    light = np.maximum(design(groups, weights, sources), 0.0)
    whole = np.maximum(light.sum(axis=0), 1e-12)
    found = np.tile(groups.counts.sum(axis=0) / light.sum(), (sources, 1))
    for _ in range(ROUNDS):
        found *= (light.T @ (groups.counts / np.maximum(light @ found, 1e-300))) / whole[:, None]
    return found * whole[:, None]


def whole_numbers(photons: Array) -> Array:
    """Whole counts (bins,) whose sum from the first bin on is that of the photons, rounded."""
    return np.diff(np.concatenate([[0.0], np.rint(np.cumsum(photons))])).astype(np.int64)


def started(groups: Groups, irf: Response | None, sources: int) -> tuple[DecayFit, tuple[Array, ...]]:
    """Fit of all photons, and counts (bins,) of each decay unmixed without a model."""
    whole = fit_decay(groups.counts.sum(axis=0), groups.edges_ns, groups.period_ns, irf)
    photons = unmixed(groups, groups.weights, sources)
    return whole, tuple(whole_numbers(each) for each in photons)


def fit_mixed(
    groups: Groups,
    irf: Response | None,
    whole: DecayFit,
    apart: tuple[Array, ...],
    numbers: tuple[int, ...],
    known: Starts,
) -> MixedFit:
    """The likeliest decays of so many exponentials, from those unmixed without a model.

    known: filled with the exponentials of each decay by itself, for further numbers. Raises InputError.
    """
    problem = problem_of(
        groups.counts.sum(axis=0), groups.edges_ns, groups.period_ns, irf, None, None, False, True
    )
    start, low, high, fixed = _start(problem, groups, whole, apart, numbers, known)
    counts, light = _rows(groups)

    def means(x: Array) -> tuple[Array, Array]:
        return _means(problem, groups, light, numbers, x)

    best = maximise(counts, means, start, low, high, fixed)
    mean = means(best.at)[0]
    size = float(groups.counts.sum())
    bic = float((~best.held).sum() * np.log(size) - 2.0 * best.log_likelihood)
    decays = np.stack([each[0] for each in _decays(problem, numbers, best.at)])
    weights = best.at[2 * sum(numbers) + 3 :].reshape(groups.weights.shape)
    return MixedFit(best, numbers, bic, counts, mean, decays, weights)


def _rows(groups: Groups) -> tuple[Array, tuple[Array, Array]]:
    """Counts of all rows; of those of the camera the excess noise F (emitters,) and what is added (g, e)."""
    seen, errors = groups.weights, np.maximum(groups.errors, 1e-9)
    ratio = np.where(seen > CLEAR * errors, errors**2 / np.maximum(seen, 1e-12), np.inf)
    excess = ratio.min(axis=0)
    brightest = np.max(errors**2 / np.maximum(np.abs(seen), 1.0), axis=0)
    excess = np.where(np.isfinite(excess), excess, brightest)
    added = np.maximum(errors**2 / excess - seen, 0.0)
    counts = np.concatenate([groups.counts.ravel(), np.maximum((seen + added) / excess, 0.0).ravel()])
    return counts, (excess, added)


def _vector(problem: Problem, numbers: tuple[int, ...], source: int, x: Array) -> Array:
    """Parameters of one decay as `decaymodel` has them, without background and scatter."""
    k, begin, shared = numbers[source], 2 * sum(numbers[:source]), 2 * sum(numbers)
    own = x[begin : begin + 2 * k]
    return np.concatenate([own[:k], x[shared : shared + 2], own[k:], [0.0, 0.0]])


def _decays(problem: Problem, numbers: tuple[int, ...], x: Array) -> list[tuple[Array, Array]]:
    return [means_of(problem, k)(_vector(problem, numbers, s, x)) for s, k in enumerate(numbers)]


def _means(
    problem: Problem, groups: Groups, light: tuple[Array, Array], numbers: tuple[int, ...], x: Array
) -> tuple[Array, Array]:
    """Means (rows,) and slopes (rows, p)."""
    number, emitters = groups.weights.shape
    bins, shared = groups.counts.shape[1], 2 * sum(numbers)
    weights = x[shared + 3 :].reshape(number, emitters)
    each = _decays(problem, numbers, x)
    decays = np.stack([mean for mean, _ in each])
    amount = design(groups, weights, len(numbers))
    flat = np.diff(problem.edges) / problem.period
    time = groups.durations / groups.durations.sum()
    slope = np.zeros((number, bins, len(x)))
    for source, k in enumerate(numbers):
        begin, own = 2 * sum(numbers[:source]), each[source][1]
        turned = np.concatenate([own[:, :k], own[:, k + 2 : 2 * k + 2]], axis=1)
        slope[:, :, begin : begin + 2 * k] = amount[:, source, None, None] * turned
        slope[:, :, shared : shared + 2] += amount[:, source, None, None] * own[:, k : k + 2]
    slope[:, :, shared + 2] = time[:, None] * flat
    for group in range(number):
        for emitter in range(emitters):
            place = shared + 3 + group * emitters + emitter
            slope[group, :, place] = decays[groups.columns[group, emitter]]
    total = amount @ decays + x[shared + 2] * time[:, None] * flat
    excess, added = light
    camera = np.zeros((number * emitters, len(x)))
    camera[:, shared + 3 :] = np.diag(np.tile(1.0 / excess, number))
    rows = np.concatenate([total.ravel(), ((weights + added) / excess).ravel()])
    return rows, np.concatenate([slope.reshape(number * bins, -1), camera])


def _start(
    problem: Problem,
    groups: Groups,
    whole: DecayFit,
    apart: tuple[Array, ...],
    numbers: tuple[int, ...],
    known: Starts,
) -> tuple[Array, Array, Array, Array]:
    """Where the search starts, the bounds, and what is fixed, all (p,)."""
    light = np.maximum(design(groups, groups.weights, len(numbers)).sum(axis=0), 1.0)
    start, low, high = [], [], []
    shift = float(whole.shift)
    for source, k in enumerate(numbers):
        below, above, _ = bounds_of(problem, k)
        taken = apart[source]
        tau, photons = None, float(taken.sum())
        if np.count_nonzero(taken) > 1:
            if (source, k) not in known:
                known[source, k] = _exponentials(problem, taken, k, shift)
            tau, share = known[source, k]
        if tau is None:
            tau, share = np.geomspace(1.5, 60.0, k) if k > 1 else np.array([10.0]), np.full(k, 1.0 / k)
        start += [*np.log(tau), *(share * photons / light[source])]
        low += [*below[:k], *(0.0,) * k]
        high += [*above[:k], *(np.full(k, 1e3 * max(photons, 1.0) / light[source]))]
    below, above, held = bounds_of(problem, 1)
    sigma = np.log(whole.sigma_ns) if whole.sigma_ns else 0.0
    background = max(float(whole.background) * problem.period, 1e-3 * float(problem.counts.sum()))
    start += [shift, sigma, background]
    low += [below[1], below[2], 0.0]
    high += [above[1], above[2], 1e3 * problem.counts.sum()]
    seen = groups.weights
    start += list(np.maximum(seen, 0.1 * groups.errors).ravel())
    low += [0.0] * seen.size
    high += list((MOST_LIGHT * (np.abs(seen) + groups.errors + 1e-6)).ravel())
    fixed = np.zeros(len(start), dtype=bool)
    shared = 2 * sum(numbers)
    fixed[shared : shared + 2] = held[1:3]
    return tuple(np.array(each, dtype=float) for each in (start, low, high)) + (fixed,)  # type: ignore[return-value]


def _exponentials(problem: Problem, counts: Array, k: int, shift: float) -> tuple[Array | None, Array]:
    """Lifetimes and shares (k,) of so many exponentials in counts; None where they are not determined."""
    fit = fit_decay(counts, problem.edges, problem.period, problem.response, k, shift=shift)
    if not np.all(np.isfinite(fit.lifetimes)):
        return None, np.empty(0)
    return fit.lifetimes, np.maximum(fit.fractions, 0.01)
