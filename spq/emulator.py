"""Emulators: smooth functions in the place of the solver, fitted to some of its results.

Gaussian processes: mean + k(z, z_i) alpha_i with k = c exp(-|(z - z') / l|²/2), and white noise for what
meshes add. Inputs z are in the box from -1 to 1, lengths by their inverse, in which energies are smoothest.
Rasmussen & Williams, Gaussian Processes for Machine Learning (2006), chapter 2.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spq.geometry import Array
from spq.parallel import one_thread
from spq.priors import Prior, unit_of

RESTARTS = 3  # of the search for hyperparameters
SMOOTHEST = 100.0  # correlation length in units of half the box


@dataclass(frozen=True)
class Box:
    """The box of the free parameters: names, lower and upper ends (p,) in the units of the input."""

    names: tuple[str, ...]
    low: Array
    high: Array

    @classmethod
    def of(cls, priors: Mapping[str, Prior]) -> Box:
        """The box of some priors."""
        ends = np.array([[prior.low, prior.high] for prior in priors.values()])
        return cls(tuple(priors), ends[:, 0], ends[:, 1])

    def scaled(self, values: Array) -> Array:
        """Values (n, p) as coordinates from -1 to 1, lengths by their inverse."""
        found = np.empty_like(values, dtype=float)
        for i, name in enumerate(self.names):
            ends = np.array([self.low[i], self.high[i]])
            column = values[:, i]
            if unit_of(name) == "nm" and ends[0] > 0:
                ends, column = 1.0 / ends, 1.0 / column
            found[:, i] = 2.0 * (column - ends[0]) / (ends[1] - ends[0]) - 1.0
        return found


@dataclass(frozen=True)
class Emulator:
    """One quantity as a function of coordinates.

    nodes (n, p): where it was computed, in units of the correlation lengths (p,). weights (n,): alpha with
    all factors. mean: far from all nodes.
    """

    lengths: Array
    nodes: Array
    weights: Array
    mean: float

    def __call__(self, scaled: Array) -> Array:
        """Values (m,) at coordinates (m, p) of Box.scaled."""
        from scipy.spatial.distance import cdist

        squared = cdist(scaled / self.lengths, self.nodes, "sqeuclidean")
        np.multiply(squared, -0.5, out=squared)
        np.exp(squared, out=squared)
        return self.mean + squared @ self.weights


def fitted(scaled: Array, values: Array, seed: int) -> Emulator:
    """The emulator of values (n,) at coordinates (n, p); the same seed gives the same bits."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    mean, spread = float(np.mean(values)), float(np.std(values))
    if spread == 0.0:
        return Emulator(np.ones(scaled.shape[1]), scaled, np.zeros(len(scaled)), mean)
    smooth = RBF(np.full(scaled.shape[1], 2.0), (0.05, SMOOTHEST))
    kernel = ConstantKernel(10.0, (1e-2, 1e6)) * smooth + WhiteKernel(1e-3, (1e-9, 1.0))
    process = GaussianProcessRegressor(kernel, n_restarts_optimizer=RESTARTS, random_state=seed)
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore", ConvergenceWarning)  # at its bound: does not matter
        process.fit(scaled, (values - mean) / spread)
    product = process.kernel_.k1
    lengths = np.broadcast_to(product.k2.length_scale, scaled.shape[1:]).astype(float)
    weights = spread * product.k1.constant_value * process.alpha_
    return Emulator(lengths, scaled / lengths, weights, mean)
