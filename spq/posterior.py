"""Posterior density of parameters: Gaussian likelihood times priors, sampled.

    log p(x | measured) = Σ log prior(x_i) - ½ Σ [(f_q(x) - value_q)/error_q]² + constant

Walkers of emcee (Foreman-Mackey et al., PASP 125, 306 (2013)) start from draws that are chosen by importance
in several rounds, from the prior to the posterior: all modes are found that the prior's draws show. The
evidence, the integral of prior times likelihood, is the sum over one more such round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spq.errors import ConvergenceError
from spq.geometry import Array
from spq.parallel import one_thread
from spq.priors import Prior

WALKERS = 128
STEPS = 100  # after which the length of the chain is looked at
MOST = 20_000  # steps
LENGTH = 50  # autocorrelation times that the chain is longer than
WINDOW = 5.0  # of these times, over which the correlation is summed
BURN = 10  # autocorrelation times at the beginning that are left out
KEPT = 4000  # samples
DRAWS = 2**13  # of a round of importance sampling
COUNTING = 500  # draws that count, at least; else the likelihood is softened
SOFTER = 0.8  # factor on its power
ROUNDS = 30
MIXED = 300  # points that draws are about
FLAT = 0.1  # share of draws from the prior
FREEDOM = 5.0  # degrees of freedom of Student's t, whose tails are wider than the posterior's
NEGLIGIBLE = 15.0  # natural logarithm, by which what does not matter is below the largest

LogLikelihood = Callable[[Array], Array]
Exists = Callable[[Array], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Posterior:
    """Samples (n, p) and their log density (n,) without the evidence.

    best (p,): where the density is largest, best_log: its logarithm there. log_evidence, log_evidence_error:
    natural logarithm and its standard error. lengths: of the chain, in autocorrelation times, of the
    slowest parameter. acceptance: share of steps.
    """

    samples: Array
    log_density: Array
    best: Array
    best_log: float
    log_evidence: float
    log_evidence_error: float
    lengths: float
    acceptance: float


@dataclass(frozen=True)
class Density:
    """Prior times likelihood. likelihood: logarithm (m,) at parameters (m, p)."""

    priors: Sequence[Prior]
    likelihood: LogLikelihood

    def prior(self, values: Array) -> Array:
        """Logarithm (m,) of the prior density at parameters (m, p); -inf outside."""
        return sum((p.log_density(values[:, i]) for i, p in enumerate(self.priors)), np.zeros(len(values)))

    def __call__(self, values: Array) -> Array:
        """Logarithm (m,) of the product; -inf outside."""
        found = self.prior(values)
        inside = np.isfinite(found)
        if inside.any():
            found[inside] += self.likelihood(values[inside])
        return found

    def draws(self, shares: Array) -> Array:
        """Parameters (m, p) at which the cumulated priors are `shares`."""
        return np.column_stack([p.draws(shares[:, i]) for i, p in enumerate(self.priors)])


def sampled(density: Density, seed: int, exists: Exists | None = None, most: int = MOST) -> Posterior:
    """Sample a density.

    Parameters
    ----------
    density : Density
    seed : the same gives the same bits
    exists : whether there is a model at parameters (m, p); where there is none the density is zero. It is
        asked only for samples that are kept: a posterior restricted to a region is that of the whole box
        without the samples outside.
    most : steps of the chain

    Returns
    -------
    Posterior

    Raises
    ------
    ConvergenceError
        If the chain is not long enough after `most` steps (with the Posterior as it is), or no sample has a
        model.
    """
    generator = np.random.default_rng(seed)
    with one_thread():
        start = _starts(density, generator)
        chain, logs, lengths, acceptance = _walked(density, start, seed, most)
        flat, log_density = chain.reshape(-1, chain.shape[-1]), logs.ravel()
        kept = generator.choice(len(flat), min(KEPT, len(flat)), replace=False)
        samples, log_density = flat[kept], log_density[kept]
        if exists is not None:
            there = exists(samples)
            if not there.any():
                raise ConvergenceError("what the measurements ask for has no model; give other priors")
            samples, log_density = samples[there], log_density[there]
        best, best_log = _best(density, samples, log_density, exists)
        evidence, its_error = _evidence(density, samples, generator, exists)
    found = Posterior(samples, log_density, best, best_log, evidence, its_error, lengths, acceptance)
    if not lengths > LENGTH:
        raise ConvergenceError(
            f"the chain is {lengths:.1f} autocorrelation times long after {most} steps, not {LENGTH}",
            found,
        )
    return found


def _starts(density: Density, generator: np.random.Generator) -> Array:
    """Starts (WALKERS, p) of the walkers: draws chosen by prior times likelihood.

    The likelihood is softened (a power below one) until enough draws count; the next draws are about those.
    """
    from scipy.special import logsumexp

    draws = density.draws(generator.uniform(size=(DRAWS, len(density.priors))))
    log_drawn = density.prior(draws)
    for _ in range(ROUNDS):
        prior = density.prior(draws)
        likelihood = density(draws) - np.where(np.isfinite(prior), prior, 0.0)
        soft, logs = 1.0, prior + likelihood - log_drawn
        while np.exp(2.0 * logsumexp(logs) - logsumexp(2.0 * logs)) < COUNTING and soft > 1e-9:
            soft *= SOFTER
            logs = np.where(np.isfinite(prior), prior + soft * likelihood - log_drawn, -np.inf)
        weights = np.exp(logs - logs.max())
        size = WALKERS if soft == 1.0 else MIXED
        chosen = draws[generator.choice(len(draws), size, p=weights / weights.sum(), replace=soft < 1.0)]
        if soft == 1.0:
            break
        draws, log_drawn = _drawn_about(density, chosen, generator)
    return chosen[:WALKERS]


def _walked(density: Density, start: Array, seed: int, most: int) -> tuple[Array, Array, float, float]:
    """The chain (steps, walkers, p) after its beginning, its log densities, length and acceptance."""
    import emcee

    # kernel density of the other walkers: far steps along curved ridges; emcee's snooker is biased
    moves = emcee.moves
    mixture = [(moves.KDEMove(), 0.6), (moves.DEMove(), 0.2), (moves.StretchMove(), 0.2)]
    walkers, parameters = start.shape
    sampler = emcee.EnsembleSampler(walkers, parameters, density, moves=mixture, vectorize=True)
    state = emcee.State(start, random_state=np.random.RandomState(seed).get_state())
    lengths, burn, done = 0.0, 0, 0
    while done < most and not lengths > LENGTH:
        steps = min(STEPS, most - done)
        state = sampler.run_mcmc(state, steps, skip_initial_state_check=True)
        done += steps
        time = correlation_time(sampler.get_chain(discard=burn))
        burn = min(int(BURN * time), done // 2)
        lengths = (done - burn) / time
    chain, logs = sampler.get_chain(discard=burn), sampler.get_log_prob(discard=burn)
    return chain, logs, lengths, float(np.mean(sampler.acceptance_fraction))


def correlation_time(chain: Array) -> float:
    """Integrated autocorrelation time in steps of a chain (steps, walkers, p), of its slowest parameter.

    1 + 2 Σ ρ(t) up to the first t that is WINDOW such times (Sokal 1997). ρ is about the mean of all walkers,
    so that walkers which stay apart count as slow.
    """
    from scipy import fft

    steps = len(chain)
    moved = fft.rfft(chain - chain.mean(axis=(0, 1)), fft.next_fast_len(2 * steps), axis=0)
    covariance = fft.irfft(np.abs(moved) ** 2, fft.next_fast_len(2 * steps), axis=0)[:steps].mean(axis=1)
    times = 2.0 * np.cumsum(covariance / covariance[0], axis=0) - 1.0
    ends = np.argmax(np.arange(steps)[:, None] >= WINDOW * times, axis=0)
    ends = np.where(ends == 0, steps - 1, ends)
    return float(max(1.0, times[ends, np.arange(chain.shape[2])].max()))


def _best(density: Density, samples: Array, log_density: Array, exists: Exists | None) -> tuple[Array, float]:
    """Where the density is largest, from the best sample on, and its logarithm there."""
    from scipy.optimize import minimize

    first = samples[np.argmax(log_density)]
    low, high = (np.array([getattr(prior, end) for prior in density.priors]) for end in ("low", "high"))

    def below(point: Array) -> float:
        values = (first + point * (high - low))[None]
        found = float(density(values)[0])
        if exists is not None and np.isfinite(found) and not exists(values)[0]:
            return np.inf
        return -found

    size = np.maximum(samples.std(axis=0) / (high - low), 1e-4)
    inwards = np.where(first > (low + high) / 2, -size, size)
    corners = np.vstack([np.zeros(len(size)), np.diag(inwards)])
    options = {"initial_simplex": corners, "xatol": 1e-6, "fatol": 1e-6, "maxiter": 400 * len(size)}
    found = minimize(below, corners[0], method="Nelder-Mead", options=options)
    return first + found.x * (high - low), -float(found.fun)


def _evidence(
    density: Density, samples: Array, generator: np.random.Generator, exists: Exists | None
) -> tuple[float, float]:
    """Logarithm of the evidence and its standard error, by importance sampling."""
    centres = samples[np.linspace(0, len(samples) - 1, min(MIXED, len(samples))).astype(int)]
    draws, log_drawn = _drawn_about(density, centres, generator)
    logs = density(draws) - log_drawn
    if exists is not None:
        matter = logs > logs.max() - NEGLIGIBLE
        logs = np.where(matter, logs, -np.inf)
        logs[matter] = np.where(exists(draws[matter]), logs[matter], -np.inf)
    top = logs.max()
    weights = np.exp(logs - top)
    error = weights.std() / weights.mean() / np.sqrt(len(weights))
    return float(top + np.log(weights.mean())), float(error)


def _drawn_about(density: Density, centres: Array, generator: np.random.Generator) -> tuple[Array, Array]:
    """Draws (DRAWS, p) about centres (k, p), and the logarithm of the density that they are from.

    That is Student's t about every centre, as wide as Silverman's rule says, and for a few draws the prior:
    no part of the box is left out.
    """
    from scipy.linalg import solve_triangular

    count, parameters = centres.shape
    width = (4.0 / ((parameters + 2) * count)) ** (1.0 / (parameters + 4))
    spread = np.atleast_2d(np.cov(centres.T)) if count > 1 else np.zeros((parameters, parameters))
    box = np.array([prior.high - prior.low for prior in density.priors])
    root = width * np.linalg.cholesky(spread + np.diag((1e-6 * box) ** 2))
    flat = int(FLAT * DRAWS)
    near = generator.integers(count, size=DRAWS - flat)
    tails = np.sqrt(FREEDOM / generator.chisquare(FREEDOM, size=len(near)))
    steps = tails[:, None] * generator.standard_normal((len(near), parameters)) @ root.T
    draws = np.vstack([density.draws(generator.uniform(size=(flat, parameters))), centres[near] + steps])
    white = [solve_triangular(root, points.T, lower=True).T for points in (draws, centres)]
    log_near = _log_student(*white) - np.log(np.diag(root)).sum()
    share = flat / DRAWS
    return draws, np.logaddexp(np.log(share) + density.prior(draws), np.log(1.0 - share) + log_near)


def _log_student(points: Array, centres: Array) -> Array:
    """Log (m,) of the mean density of Student's t of unit width about centres (k, p) at points (m, p)."""
    from scipy.spatial.distance import cdist
    from scipy.special import gammaln, logsumexp

    parameters = points.shape[1]
    power = (FREEDOM + parameters) / 2.0
    logs = -power * np.log1p(cdist(points, centres, "sqeuclidean") / FREEDOM)
    norm = gammaln(power) - gammaln(FREEDOM / 2.0) - 0.5 * parameters * np.log(np.pi * FREEDOM)
    return logsumexp(logs, axis=1) - np.log(len(centres)) + norm
