"""What the fit of a decay must not claim: lifetimes that its photons do not determine, a wrong model."""

from __future__ import annotations

import numpy as np

from spq.spectroscopy.decaymodel import Problem, names_of
from spq.spectroscopy.likelihood import Maximum, deviances, expected_deviance, log_likelihood

Array = np.ndarray

FEWEST = 20
"""Photons below which no lifetime is given."""
UNSURE = 1.0
"""Relative error from which on a lifetime is not determined."""
FLAT = 13.8
"""Twice the log-likelihood ratio of a decay against a flat background, chance 1e-3 with two parameters."""
PERIODS = 3.0
"""Lifetimes that a period should hold."""
ODD = 5.0
"""Standard deviations of the deviance above its expectation from which on the model is said to be wrong."""


def undetermined(problem: Problem, k: int, best: Maximum, errors: Array) -> tuple[list[str], Array]:
    """Reasons, and which of the exponentials (k,) the photons do not determine."""
    photons = problem.counts.sum()
    if photons < FEWEST:
        return [f"not determined: {int(photons)} photons, at least {FEWEST} are needed"], np.ones(
            k, dtype=bool
        )
    flat = np.diff(problem.edges)
    gain = 2.0 * (best.log_likelihood - log_likelihood(problem.counts, photons * flat / flat.sum()))
    if gain < FLAT:
        return [f"not determined: no decay beyond a flat background ({gain:.3g} < {FLAT})"], np.ones(k, bool)
    reasons, taken = [], np.zeros(k, dtype=bool)
    short, long = np.log(problem.lifetimes)
    for j, at in enumerate(best.at[:k]):
        if best.at[k + 2 + j] <= 0.0:
            reason = "it has no photons"
        elif at <= short or at >= long:
            reason = f"it lies at the bound of {np.exp(at):.4g} ns"
        elif not errors[j] < UNSURE:
            reason = f"its relative error is {errors[j]:.3g}"
        else:
            continue
        taken[j] = True
        reasons.append(f"lifetime {j + 1} not determined: {reason}")
    return reasons, taken


def told(problem: Problem, best: Maximum, means: Array, longest: float) -> tuple[float, list[str]]:
    """Reduced deviance of the fitted means (bins,), and what else is to be told; `longest` lifetime in ns."""
    expected, spread = expected_deviance(means)
    freedom = max(1.0 - np.sum(~best.held) / len(means), 1e-3)
    reduced = float(deviances(problem.counts, means).sum() / (expected * freedom))
    warnings = []
    if problem.period < PERIODS * longest:
        warnings.append(
            f"period {problem.period:g} ns is below {PERIODS:g} lifetimes ({longest:.4g} ns): "
            "earlier pulses are in, but a fitted background and the lifetime can hardly be told apart"
        )
    if reduced > 1.0 + ODD * spread / expected:
        warnings.append(f"reduced deviance {reduced:.3g}: the model does not describe the counts")
    if not best.settled:
        warnings.append("the search for the maximum did not settle")
    shift = names_of((len(best.at) - 4) // 2).index("shift")
    if bool(best.held[shift]) and problem.shifts[0] < problem.shifts[1]:
        warnings.append(f"shift {best.at[shift]:.4g} ns lies at the end of its range")
    return reduced, warnings
