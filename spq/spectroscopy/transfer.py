"""Energy transfer from one emitter to another, or a limit on it, from the decays of the first.

An exciton of the donor that decays at the rate k alone decays at k + k_T if the other emitter takes its
energy at the rate k_T. Of the short exponential of the donor's decay

    k_T = 1/τ(other bright) - 1/τ(other dim),   efficiency E = k_T/(1/τ(other bright)),

the decay of the other being the same in both: T. Förster, Ann. Phys. 437, 55 (1948). Both decays of the
donor, that of the other, and the light of each in every group of frames are fitted at once. The limit is that
of the posterior of k_T >= 0, all values alike before: it never falls below what noise allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.mixedgroups import groups_of
from spq.spectroscopy.records import Measurement
from spq.spectroscopy.tallies import Tally
from spq.spectroscopy.unmixing import Unmixed, fit_groups

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Transfer:
    """Energy transfer from a donor; what is not determined is NaN.

    Attributes
    ----------
    rate, error : float
        k_T in 1/ns as found, below 0 too, and its standard error.
    limit : float
        k_T is smaller, in 1/ns, with the confidence asked for.
    efficiency, efficiency_error, efficiency_limit : float
        Share of the donor's excitons of the short exponential that are handed on.
    rate_bright, rate_bright_error, rate_dim, rate_dim_error : float
        1/τ of the donor's short exponential in 1/ns, the other bright and dim.
    decays : Unmixed
        Of the donor with the other bright, of the donor with the other dim, then of each other emitter.
    warnings : tuple of str
    """

    rate: float
    error: float
    limit: float
    efficiency: float
    efficiency_error: float
    efficiency_limit: float
    rate_bright: float
    rate_bright_error: float
    rate_dim: float
    rate_dim_error: float
    decays: Unmixed
    warnings: tuple[str, ...]


def energy_transfer(
    measurement: Measurement | Tally,
    weights: Array,
    weight_errors: Array,
    donor: int,
    bright: Array,
    states: Array | None = None,
    edges: Array | None = None,
    exponentials: int | None = None,
    confidence: float = 0.95,
) -> Transfer:
    """Transfer rate from one emitter, by its decay with the other bright and dim.

    Parameters
    ----------
    measurement, weights, weight_errors, states, edges, exponentials
        As of `unmix_decays`, edges in ns; exponentials is that of all decays.
    donor : int
        Number of the emitter from 0.
    bright : int (frames,)
        1: the other is bright (can take energy), 0: it is dim, -1: neither, the frame is left out. Frames in
        which the donor is dim and the other bright must be among them, for they give the decay of the other.
    confidence : float
        Of the limits.

    Returns
    -------
    Transfer

    Raises
    ------
    InputError
        As unmix_decays; if there is one emitter only, or `bright` or `donor` is wrong.
    """
    if not 0.5 < checks.number(confidence, "confidence") < 1.0:
        raise InputError(f"confidence = {confidence:g}: must lie between 0.5 and 1")
    kinds = np.asarray(bright)
    if kinds.size and (kinds.dtype.kind not in "iu" or kinds.min() < -1 or kinds.max() > 1):
        raise InputError("bright: must be 1, 0 or -1")
    groups = groups_of(measurement, weights, weight_errors, states, kinds, edges)
    emitters = groups.weights.shape[1]
    if emitters < 2:
        raise InputError("weights: one emitter: energy transfer needs two")
    if checks.integer(donor, "donor", minimum=0) >= emitters:
        raise InputError(f"donor = {donor}: must be at most {emitters - 1}")
    kind = np.array([kinds[groups.labels == group][0] for group in range(len(groups.counts))], dtype=int)
    columns = np.empty(groups.columns.shape, dtype=int)
    columns[:, donor] = 1 - kind
    others = [emitter for emitter in range(emitters) if emitter != donor]
    columns[:, others] = 2 + np.arange(len(others))
    found = fit_groups(
        measurement,
        replace(groups, columns=columns),
        (0, 0, *range(1, len(others) + 1)),
        exponentials,
    )
    return _transfer(found, confidence)


def _transfer(found: Unmixed, confidence: float) -> Transfer:
    with_other, without = found.rates[:2]
    variance = found.rate_covariance
    rate = float(with_other - without)
    error = float(np.sqrt(variance[0, 0] + variance[1, 1] - 2.0 * variance[0, 1]))
    limit = upper_limit_above_zero(rate, error, confidence)
    # E = 1 - k(dim)/k(bright)
    slope = np.array([without / with_other**2, -1.0 / with_other])
    warnings = found.warnings
    if not np.isfinite(limit):
        warnings = (*warnings, "energy transfer: not determined: the donor has no short lifetime in both")
    return Transfer(
        rate=rate,
        error=error,
        limit=limit,
        efficiency=float(rate / with_other),
        efficiency_error=float(np.sqrt(slope @ variance[:2, :2] @ slope)),
        efficiency_limit=float(limit / (without + limit)),
        rate_bright=float(with_other),
        rate_bright_error=float(np.sqrt(variance[0, 0])),
        rate_dim=float(without),
        rate_dim_error=float(np.sqrt(variance[1, 1])),
        decays=found,
        warnings=warnings,
    )


def upper_limit_above_zero(value: float, error: float, confidence: float = 0.95) -> float:
    """Upper limit of a quantity >= 0 from an estimate that may be negative, all values alike before."""
    if not (np.isfinite(value) and np.isfinite(error) and error > 0):
        return float("nan")
    # of a Gaussian that is cut off at 0: its upper tail is 1 - confidence of what is left
    tail = (1.0 - confidence) * ndtr(value / error)
    return float(max(value - error * ndtri(tail), 0.0)) if tail > 0 else float("nan")
