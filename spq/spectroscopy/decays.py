"""Fit of a fluorescence decay: one to three exponentials by the likelihood of its counts.

Counts n_i of photons in bins of micro-time are Poisson with the means of `decaymodel`: exponentials behind
the response of the instrument, after all earlier pulses, on a constant background. Least squares on few
counts is biased (113 ns from 300 photons: +17 %), the likelihood is not: P. Hall, B. Selinger,
J. Phys. Chem. 85, 2941 (1981); M. Maus et al., Anal. Chem. 73, 2078 (2001). Of one to three
exponentials the number with the smallest BIC = k ln N - 2 ln L is taken, k free parameters, N photons:
G. Schwarz, Ann. Stat. 6, 461 (1978).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.decaychecks import told, undetermined
from spq.spectroscopy.decaymodel import Problem, bounds_of, means_of, names_of, problem_of
from spq.spectroscopy.decaystarts import starts_of
from spq.spectroscopy.likelihood import Maximum, covariance_of, maximise
from spq.spectroscopy.responses import Response

Array = np.ndarray

MOST = 3
STARTS = {1: 2, 2: 3, 3: 4}


@dataclass(frozen=True, eq=False)
class DecayFit:
    """A fitted decay; whatever the photons do not determine is NaN, with its reason among the warnings.

    Attributes
    ----------
    lifetimes, lifetime_errors : float (k,)
        In ns, ascending, with standard errors from the Fisher information.
    amplitudes, amplitude_errors : float (k,)
        Height of each exponential right after the pulse, counts per ns.
    fractions, fraction_errors : float (k,)
        Share of each exponential in the photons of all, amplitude times lifetime; sum 1.
    background, background_error : float
        Constant background, counts per ns.
    shift, shift_error : float
        In ns: of the response against the decay, or where the pulse lies if the response has no centre.
        The error is NaN where it was given.
    sigma_ns : float or None
        Width of a Gaussian response, fitted or given.
    scatter : float
        Photons of scattered laser light; 0 unless asked for.
    intervals : float (k, 2) or None
        Profile-likelihood intervals of the lifetimes in ns, if asked for; an end beyond the range that is
        looked at is NaN.
    covariance : float (p, p)
        Of the parameters `names`; NaN for those at a bound or fixed.
    names : tuple of str
    log_likelihood : float
    bic : mapping
        Number of exponentials -> BIC, of every number tried.
    reduced_deviance : float
        Deviance over its expectation (less the share of the fitted parameters): 1 for a model that is right,
        at few counts too.
    means : float (bins,)
        Expected counts.
    photons : int
    period_ns : float
    warnings : tuple of str
    """

    lifetimes: Array
    lifetime_errors: Array
    amplitudes: Array
    amplitude_errors: Array
    fractions: Array
    fraction_errors: Array
    background: float
    background_error: float
    shift: float
    shift_error: float
    sigma_ns: float | None
    scatter: float
    intervals: Array | None
    covariance: Array
    names: tuple[str, ...]
    log_likelihood: float
    bic: Mapping[int, float]
    reduced_deviance: float
    means: Array
    photons: int
    period_ns: float
    warnings: tuple[str, ...]

    @property
    def mean_lifetime(self) -> float:
        """Mean over all photons of the lifetime in ns, Σ fraction · τ; NaN if one is not determined."""
        return float(self.fractions @ self.lifetimes)


def fit_decay(
    counts: Array,
    edges_ns: Array,
    period_ns: float,
    irf: Array | Response | None = None,
    exponentials: int | None = None,
    *,
    shift: float | tuple[float, float] | None = None,
    background: float | None = None,
    scatter: bool = False,
    wrap: bool = True,
    interval: float | None = None,
) -> DecayFit:
    """Fit a histogram of micro-times by one to three exponentials.

    Parameters
    ----------
    counts : whole numbers (bins,)
        Photons per bin: never less background, never scaled.
    edges_ns : float (bins + 1,)
        Edges of the bins in ns, equal or not, over at most one period.
    period_ns : float
        Time between two laser pulses in ns; earlier pulses are always in.
    irf : float (bins,), Response or None
        Measured response in the same bins, or a `Response`; None: a pulse without length whose time is found.
    exponentials : 1, 2, 3 or None
        None: the number with the smallest BIC.
    shift : float, (low, high) or None
        Shift of the response in ns: given, or fitted within a range. None: fitted within the width of the
        response and three bins; over the whole period if the response has no centre.
    background : float or None
        Known constant background in counts per ns (dark counts); None: fitted. At a period of less than three
        lifetimes the two can hardly be told apart: a fitted background then takes from the lifetime.
    scatter : bool
        Whether scattered laser light may be in.
    wrap : bool
        False leaves the earlier pulses out, which is wrong: for comparison alone.
    interval : float or None
        Confidence (0.683) of profile-likelihood intervals of the lifetimes; None: none.

    Returns
    -------
    DecayFit

    Raises
    ------
    InputError
        If counts are empty, negative, not whole, not finite or all in one bin, shapes do not fit together,
        the edges span more than a period, or an option is wrong.
    """
    problem = problem_of(counts, edges_ns, period_ns, irf, shift, background, scatter, wrap)
    if exponentials is not None and checks.integer(exponentials, "exponentials", minimum=1) > MOST:
        raise InputError(f"exponentials = {exponentials}: must be at most {MOST}")
    if interval is not None and not 0.0 < checks.number(interval, "interval") < 1.0:
        raise InputError(f"interval = {interval:g}: must lie between 0 and 1")
    numbers = range(1, MOST + 1) if exponentials is None else (exponentials,)
    found: dict[int, Maximum] = {}
    bic = {}
    for number in numbers:
        found[number] = _best(problem, number)
        free = int(np.sum(~bounds_of(problem, number)[2]))
        bic[number] = free * np.log(problem.counts.sum()) - 2.0 * found[number].log_likelihood
    number = min(bic, key=lambda each: bic[each])
    fit = _described(problem, number, found[number], bic)
    if interval is None:
        return fit
    ends = _profiled(problem, number, found[number], interval)
    ends[np.isnan(fit.lifetimes)] = np.nan
    return replace(fit, intervals=ends)


def _best(problem: Problem, number: int) -> Maximum:
    """The best maximum of several searches, lifetimes in order."""
    low, high, fixed = bounds_of(problem, number)
    means = means_of(problem, number)
    starts = starts_of(problem, number, STARTS[number])
    found = [maximise(problem.counts, means, start, low, high, fixed) for start in starts]
    best = max(found, key=lambda each: each.log_likelihood)
    order = np.argsort(best.at[:number])
    turn = np.r_[order, number, number + 1, number + 2 + order, len(low) - 2, len(low) - 1]
    information = best.information[np.ix_(turn, turn)]
    return replace(best, at=best.at[turn], information=information, held=best.held[turn])


def _described(problem: Problem, number: int, best: Maximum, bic: dict[int, float]) -> DecayFit:
    """The result, with what is not determined as NaN."""
    x, k = best.at, number
    covariance = covariance_of(best.information, best.held)
    errors = np.sqrt(np.diag(covariance))
    reasons, taken = undetermined(problem, k, best, errors)
    tau = np.exp(x[:k])
    means = means_of(problem, k)(x)[0]
    reduced, warnings = told(problem, best, means, float(np.max(tau[~taken], initial=0.0)))
    photons = x[k + 2 : 2 * k + 2]
    by_photons = covariance[k + 2 : 2 * k + 2, k + 2 : 2 * k + 2]
    whole = photons.sum()
    fractions = np.where(taken, np.nan, photons / whole if whole > 0 else np.nan)
    turn = (np.eye(k) - fractions[:, None]) / whole if whole > 0 else np.full((k, k), np.nan)
    across = covariance[k + 2 : 2 * k + 2, :k]
    relative2 = np.diag(by_photons) / np.maximum(photons, 1e-300) ** 2 + errors[:k] ** 2
    relative2 = relative2 - 2.0 * np.diag(across) / np.maximum(photons, 1e-300)

    def clean(values: Array) -> Array:
        return np.where(taken, np.nan, values)

    return DecayFit(
        lifetimes=clean(tau),
        lifetime_errors=clean(tau * errors[:k]),
        amplitudes=clean(photons / tau),
        amplitude_errors=clean(photons / tau * np.sqrt(np.maximum(relative2, 0.0))),
        fractions=fractions,
        fraction_errors=clean(np.sqrt(np.einsum("ij,jk,ik->i", turn, by_photons, turn))),
        background=float(x[-2] / problem.period),
        background_error=float(errors[-2] / problem.period),
        shift=float(x[k]),
        shift_error=float(errors[k]),
        sigma_ns=float(np.exp(x[k + 1])) if problem.response.counts is None else None,
        scatter=float(x[-1]),
        intervals=None,
        covariance=covariance,
        names=names_of(k),
        log_likelihood=best.log_likelihood,
        bic=bic,
        reduced_deviance=reduced,
        means=means,
        photons=int(problem.counts.sum()),
        period_ns=problem.period,
        warnings=(*reasons, *warnings),
    )


def _profiled(problem: Problem, k: int, best: Maximum, confidence: float) -> Array:
    """Ends (k, 2) in ns where the likelihood, all else fitted, has fallen by half the chi-square quantile."""
    low, high, fixed = bounds_of(problem, k)
    means = means_of(problem, k)
    drop = 0.5 * chi2.ppf(confidence, 1)
    errors = np.sqrt(np.diag(covariance_of(best.information, best.held)))
    ends = np.full((k, 2), np.nan)
    for j in range(k):
        held = fixed.copy()
        held[j] = True

        def depth(at: float, j: int = j, held: Array = held) -> float:
            start = best.at.copy()
            start[j] = at
            found = maximise(problem.counts, means, start, low, high, held)
            return best.log_likelihood - found.log_likelihood - drop

        step = errors[j] if np.isfinite(errors[j]) else 1.0
        for side, (sign, bound) in enumerate(((-1.0, low[j]), (1.0, high[j]))):
            inner, outer = best.at[j], best.at[j]
            for doubling in range(12):
                outer = np.clip(best.at[j] + sign * step * 1.3**doubling, low[j], high[j])
                if depth(outer) > 0 or outer == bound:
                    break
                inner = outer
            if outer != inner and depth(outer) > 0:
                ends[j, side] = np.exp(brentq(depth, inner, outer, xtol=1e-4 * step))
    return ends
