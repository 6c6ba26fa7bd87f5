"""Decays of the emitters of a particle, from the decays of its frames and the light of each line in them.

The photon counter does not know which emitter a photon came from, the camera does. In frame f

    n_f(t) ~ Poisson(Σ_e w_fe D_e(t) + b),

w_fe the photons of emitter e in the spectrum, D_e its decay, the same in all frames that are given. Frames of
one state are summed (or runs of consecutive frames), and the true light of each emitter in each sum is fitted
with the decays (`mixedmodel`): without that the noise of the spectra would mix the decays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.decays import MOST
from spq.spectroscopy.likelihood import covariance_of, deviances, expected_deviance
from spq.spectroscopy.mixedgroups import Groups, design, groups_of
from spq.spectroscopy.mixedmodel import MixedFit, Starts, fit_mixed, started, unmixed
from spq.spectroscopy.records import Measurement
from spq.spectroscopy.stateproperties import FEWEST, response_of
from spq.spectroscopy.tallies import Tally

Array = np.ndarray

APART = 0.03
"""Smallest singular value of the normalised light of the decays with which they are told apart."""
NOISE = 2.0
"""And how many times the noise of the light it must be."""
UNSURE = 1.0
"""Relative error from which on a lifetime is not determined."""
ODD = 5.0
"""Standard deviations of the deviance above its expectation from which on the model is said to be wrong."""
NAMES = ("lifetimes", "lifetime_errors", "amplitudes", "amplitude_errors", "fractions", "fraction_errors")


@dataclass(frozen=True, eq=False)
class Unmixed:
    """Decays of the emitters; what is not determined is NaN, with its reason among the warnings.

    Attributes
    ----------
    lifetimes, lifetime_errors : float (decays, 3)
        In ns, ascending; NaN beyond the number of exponentials. Errors have those of the light in them.
    amplitudes, amplitude_errors : float (decays, 3)
        Counts per ns right after the pulse, of all frames together.
    fractions, fraction_errors : float (decays, 3)
        Share of each exponential in the photons of its decay.
    decays, means : float (decays, bins)
        Photons of each, unmixed without a model of the decay, and as fitted.
    edges_ns : float (bins + 1,)
    background : float
        Counts per ns, of all frames together.
    photons : float (decays,)
    rates, rate_covariance : float (decays,), (decays, decays)
        1/τ of the shortest exponential of each, in 1/ns.
    labels : int (frames,)
        Group that each frame was summed in; -1: left out.
    bic : float
    reduced_deviance : float
        Deviance over its expectation.
    warnings : tuple of str
    """

    lifetimes: Array
    lifetime_errors: Array
    amplitudes: Array
    amplitude_errors: Array
    fractions: Array
    fraction_errors: Array
    decays: Array
    means: Array
    edges_ns: Array
    background: float
    photons: Array
    rates: Array
    rate_covariance: Array
    labels: Array
    bic: float
    reduced_deviance: float
    warnings: tuple[str, ...]


def unmix_decays(
    measurement: Measurement | Tally,
    weights: Array,
    weight_errors: Array,
    states: Array | None = None,
    edges: Array | None = None,
    exponentials: int | None = None,
) -> Unmixed:
    """Decay of each emitter from decays and spectra of the frames.

    Parameters
    ----------
    measurement : Measurement
    weights, weight_errors : float (frames, emitters)
        Camera photons of each emitter's line with its replicas, and standard errors (excess noise in). NaN:
        the frame is left out. Leave out the frames in which an emitter decays in another way.
    states : int (frames,) or None
        Frames of one state are summed; -1: left out. None: runs of consecutive frames are.
    edges : float (bins + 1,) or None
        Of the bins in ns; None: as for the decays of states.
    exponentials : 1, 2, 3 or None
        Of each emitter; None: the numbers with the smallest BIC.

    Returns
    -------
    Unmixed
        One decay per emitter.

    Raises
    ------
    InputError
        If shapes do not fit together, or there are no micro-times of a known laser.
    """
    groups = groups_of(measurement, weights, weight_errors, states, None, edges)
    emitters = groups.weights.shape[1]
    return fit_groups(measurement, groups, tuple(range(emitters)), exponentials)


def fit_groups(
    measurement: Measurement | Tally, groups: Groups, ties: tuple[int, ...], exponentials: int | None
) -> Unmixed:
    """Decays of groups of frames; ties (decays,): those of one value have as many exponentials."""
    if exponentials is not None and checks.integer(exponentials, "exponentials", minimum=1) > MOST:
        raise InputError(f"exponentials = {exponentials}: must be at most {MOST}")
    sources = len(ties)
    reason = _not_told_apart(groups, sources)
    if reason:
        return _nothing(groups, sources, reason)
    irf = response_of(measurement)
    whole, apart = started(groups, irf, sources)
    kinds = sorted(set(ties))
    known: Starts = {}

    def fitted(chosen: dict[int, int]) -> MixedFit:
        return fit_mixed(groups, irf, whole, apart, tuple(chosen[tie] for tie in ties), known)

    chosen = dict.fromkeys(kinds, exponentials or 1)
    best = fitted(chosen)
    while exponentials is None:
        more = [chosen | {kind: chosen[kind] + 1} for kind in kinds if chosen[kind] < MOST]
        tried = [(fitted(each), each) for each in more]
        if not tried or min(each.bic for each, _ in tried) >= best.bic:
            break
        best, chosen = min(tried, key=lambda each: each[0].bic)
    return _described(groups, sources, best)


def _not_told_apart(groups: Groups, sources: int) -> str:
    """Why the decays cannot be unmixed; empty if they can."""
    photons = groups.counts.sum()
    if photons < FEWEST:
        return f"{int(photons)} photons in the frames that can be used, at least {FEWEST} are needed"
    light = np.maximum(design(groups, groups.weights, sources), 0.0)
    length = np.sqrt((light**2).sum(axis=0))
    if np.any(length <= 0):
        return f"no light of decay {int(np.argmin(length)) + 1}"
    noise = np.sqrt(design(groups, groups.errors**2, sources).sum(axis=0)) / length
    smallest = np.linalg.svd(light / length, compute_uv=False)[-1] if len(light) >= sources else 0.0
    if smallest < max(APART, NOISE * float(noise.max())):
        return (
            f"the light of the emitters does not change enough from one group of frames to another "
            f"({smallest:.2g}; noise {noise.max():.2g}) to tell their decays apart"
        )
    return ""


def _described(groups: Groups, sources: int, fit: MixedFit) -> Unmixed:
    """The result, with what is not determined as NaN."""
    x, covariance = fit.best.at, covariance_of(fit.best.information, fit.best.held)
    errors = np.sqrt(np.diag(covariance))
    amount = design(groups, fit.weights, sources).sum(axis=0)
    table = np.full((len(NAMES), sources, MOST), np.nan)
    rates, place, warnings = np.full(sources, np.nan), np.zeros(sources, dtype=int), []
    for source, k in enumerate(fit.numbers):
        own = fit.at(source)
        order = own.start + np.argsort(x[own][:k])
        tau, share = np.exp(x[order]), x[order + k]
        relative, total = errors[order], share.sum()
        good = (relative < UNSURE) & (share > 0)
        for j in np.flatnonzero(~good):
            warnings.append(f"lifetime {j + 1} of decay {source + 1} not determined")
        by_share = covariance[np.ix_(order + k, order + k)]
        turn = (np.eye(k) - (share / max(total, 1e-300))[:, None]) / max(total, 1e-300)
        across = np.diag(covariance[np.ix_(order + k, order)])
        spread2 = (errors[order + k] / np.maximum(share, 1e-300)) ** 2 + relative**2
        spread2 = spread2 - 2.0 * across / np.maximum(share, 1e-300)
        height = share * amount[source] / tau
        fraction_errors = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", turn, by_share, turn), 0.0))
        rows = (
            tau,
            tau * relative,
            height,
            height * np.sqrt(np.maximum(spread2, 0.0)),
            share / max(total, 1e-300),
            fraction_errors,
        )
        for row, values in enumerate(rows):
            table[row, source, :k] = np.where(good, values, np.nan)
        rates[source] = 1.0 / tau[0] if good[0] else np.nan
        place[source] = order[0]
    block = covariance[np.ix_(place, place)] * np.outer(rates, rates)
    expected, spread = expected_deviance(fit.means)
    freedom = max(1.0 - (~fit.best.held).sum() / len(fit.means), 1e-3)
    reduced = float(deviances(fit.counts, fit.means).sum() / (expected * freedom))
    if reduced > 1.0 + ODD * spread / expected:
        warnings.append(f"reduced deviance {reduced:.3g}: the decays are not the same in all frames")
    if not fit.best.settled:
        warnings.append("the search for the maximum did not settle")
    return Unmixed(
        **dict(zip(NAMES, table, strict=True)),
        decays=unmixed(groups, fit.weights, sources),
        means=fit.decays * amount[:, None],
        edges_ns=groups.edges_ns,
        background=float(x[fit.shared + 2] / groups.period_ns),
        photons=fit.decays.sum(axis=1) * amount,
        rates=rates,
        rate_covariance=block,
        labels=groups.labels,
        bic=fit.bic,
        reduced_deviance=reduced,
        warnings=tuple(f"unmixing: {text}" for text in warnings),
    )


def _nothing(groups: Groups, sources: int, reason: str) -> Unmixed:
    none = np.full((len(NAMES), sources, MOST), np.nan)
    bins = np.full((sources, len(groups.edges_ns) - 1), np.nan)
    row, nan = np.full(sources, np.nan), float("nan")
    return Unmixed(
        **dict(zip(NAMES, none, strict=True)),
        decays=bins,
        means=bins,
        edges_ns=groups.edges_ns,
        background=nan,
        photons=row,
        rates=row,
        rate_covariance=np.full((sources, sources), np.nan),
        labels=groups.labels,
        bic=nan,
        reduced_deviance=nan,
        warnings=(f"unmixing: not determined: {reason}",),
    )
