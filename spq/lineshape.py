"""Line shapes: every line a Gaussian, with phonon replicas below it.

A mode of energy ħω and Huang-Rhys factor S gives the replica n of a line at E the share e^{-S} S^n/n! at
E − nħω (Huang and Rhys, Proc. R. Soc. A 204, 406, 1950, at low temperature).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.special import gammaln, pdtrc

LEFT_OUT = 1e-4  # share of a line in replicas of each mode beyond those that are given
PER_WIDTH = 2.3548200450309493  # full width at half maximum of a Gaussian over σ
BEYOND = 4.0  # widths around the lines that a scale covers
STEP = 0.05  # of a width


def replicated(
    energies: np.ndarray, weights: np.ndarray, phonons: tuple[float, ...], huang_rhys: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Lines with their replicas: energies in eV and weights of all; phonons in meV."""
    modes = [_shares(factor) for factor in huang_rhys]
    found, shares = [], []
    for numbers in product(*(range(len(each)) for each in modes)):
        below = 1e-3 * sum(n * energy for n, energy in zip(numbers, phonons, strict=True))
        share = np.prod([each[n] for n, each in zip(numbers, modes, strict=True)])
        found.append(energies - below)
        shares.append(weights * share)
    return np.concatenate(found), np.concatenate(shares)


def _shares(factor: float) -> np.ndarray:
    """e^{-S} S^n/n! of the replicas 0, 1, ... of a mode of Huang-Rhys factor S, all but LEFT_OUT of them."""
    count = 1
    while pdtrc(count - 1, factor) > LEFT_OUT:
        count += 1
    n = np.arange(count)
    return np.exp(n * np.log(factor) - factor - gammaln(n + 1))


def scale(energies: np.ndarray, width: float) -> np.ndarray:
    """Energies in eV around lines, fine enough for a width in meV."""
    spread = 1e-3 * width
    low, high = energies.min() - BEYOND * spread, energies.max() + BEYOND * spread
    return np.linspace(low, high, int(np.ceil((high - low) / (STEP * spread))) + 1)


def broadened(energies: np.ndarray, weights: np.ndarray, width: float, at: np.ndarray) -> np.ndarray:
    """Σ weights times Gaussians of a full width in meV, at energies (n,) in eV; per eV."""
    sigma = 1e-3 * width / PER_WIDTH
    found = np.zeros(len(at))
    for energy, weight in zip(energies, weights, strict=True):
        found += weight * np.exp(-0.5 * ((at - energy) / sigma) ** 2)
    return found / (sigma * np.sqrt(2 * np.pi))
