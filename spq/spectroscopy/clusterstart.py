"""Frames grouped by likeness to begin with: k-means on square roots of counts, of equal noise.

k-means++ chooses the first centres: D. Arthur, S. Vassilvitskii, Proc. SODA 2007, 1027. On its own this takes
spectral diffusion for new states.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

COARSE = 4
"""Spectral bins that are taken together."""
ROUNDS = 30


def grouped(light: Array, gates: Array, number: int, seed: int) -> Array:
    """Group (frames,) of each frame; light (frames, bins) and gates (frames, gates) in photons."""
    frames, bins = light.shape
    whole = light[:, : bins - bins % COARSE].reshape(frames, -1, COARSE).sum(axis=2)
    features = np.sqrt(np.maximum(np.concatenate([whole, gates], axis=1), 0.0) + 0.375)
    return kmeans(features, number, seed)


def kmeans(features: Array, number: int, seed: int) -> Array:
    """Group (n,) of each row of features (n, m)."""
    generator = np.random.default_rng(seed)
    centres = features[[generator.integers(len(features))]]
    for _ in range(1, number):
        far = _distances(features, centres).min(axis=1)
        total = far.sum()
        if not total > 0:
            break
        centres = np.concatenate([centres, features[[generator.choice(len(features), p=far / total)]]])
    labels = np.full(len(features), -1)
    for _ in range(ROUNDS):
        old, labels = labels, _distances(features, centres).argmin(axis=1)
        if np.array_equal(old, labels):
            break
        for group in np.unique(labels):
            centres[group] = features[labels == group].mean(axis=0)
    return np.unique(labels, return_inverse=True)[1]


def _distances(features: Array, centres: Array) -> Array:
    squares = (features**2).sum(axis=1)[:, None] - 2.0 * features @ centres.T + (centres**2).sum(axis=1)
    return np.maximum(squares, 0.0)
