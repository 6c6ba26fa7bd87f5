"""A hidden Markov chain of states whose spectra drift together: forward and backward over (state, shift).

With L_t(k, s) the likelihood of frame t in state k with shift s, P the changes of states and D those of the
shift, a_t = L_t ∘ (Pᵀ a_{t-1} D) forward and b likewise backward give p(k, s at t | all) ∝ a_t ∘ b_t:
L. R. Rabiner, Proc. IEEE 77, 257 (1989). Each a_t is divided by its sum, whose logarithms add up to the
log-likelihood. D is an Ornstein-Uhlenbeck process: s' is Gaussian about ρ s with variance (1 - ρ²) σ².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Passed:
    """What forward and backward gave.

    chances (times, states, shifts): sum 1 at each time. moves (states, states): expected changes. step:
    standard deviation of the change of the shift from one time to the next, in bins. log_likelihood.
    """

    chances: Array
    moves: Array
    step: float
    log_likelihood: float


def drifting(reach: int, step: float, spread: float) -> tuple[Array, Array]:
    """D (shifts, shifts) of a step and a spread in bins, rows sum to 1, and the chances (shifts,) before."""
    shifts = np.arange(-reach, reach + 1)
    kept = np.sqrt(max(0.0, 1.0 - (step / spread) ** 2)) if spread > step else 0.0
    gap = shifts[None, :] - kept * shifts[:, None]
    kernel = np.exp(-0.5 * (gap / max(step, 1e-3)) ** 2) + 1e-12
    before = np.exp(-0.5 * (shifts / max(spread, 1e-3)) ** 2) + 1e-12
    return kernel / kernel.sum(axis=1, keepdims=True), before / before.sum()


def forward_backward(logs: Array, transitions: Array, start: Array, kernel: Array, before: Array) -> Passed:
    """Chances of states and shifts; logs: log-likelihoods (times, states, shifts), start (states,)."""
    times = len(logs)
    top = logs.max(axis=(1, 2), keepdims=True)
    seen = np.exp(logs - top)
    forward, backward = np.empty_like(seen), np.empty_like(seen)
    scale = np.empty(times)
    row = start[:, None] * before * seen[0]
    for t in range(times):
        if t:
            row = (transitions.T @ row @ kernel) * seen[t]
        scale[t] = row.sum()
        row = row / scale[t]
        forward[t] = row
    backward[-1] = 1.0
    for t in range(times - 2, -1, -1):
        backward[t] = transitions @ (seen[t + 1] * backward[t + 1]) @ kernel.T / scale[t + 1]
    weighted = seen[1:] * backward[1:] / scale[1:, None, None]
    drifted = forward[:-1] @ kernel
    moves = transitions * np.einsum("tks,tls->kl", drifted, weighted, optimize=True)
    drifts = kernel * np.einsum("tks,tkr->sr", transitions.T @ forward[:-1], weighted, optimize=True)
    apart = np.arange(len(kernel))
    squares = (drifts * (apart[:, None] - apart[None, :]) ** 2).sum()
    step = float(np.sqrt(squares / max(times - 1, 1)))
    return Passed(forward * backward, moves, step, float(np.log(scale).sum() + top.sum()))
