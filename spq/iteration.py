"""Iterators towards a fixed point x = F(x) of a pure map: plain, damped, Anderson.

An iterator is called with x and F(x) and returns the next x. It holds its own history, nothing else.
Anderson: x⁺ = Σ c_j (x_j + β r_j), r = F(x) − x, Σ c_j = 1 minimising ‖Σ c_j r_j‖ (J. ACM 12, 547).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Iterator = Callable[[np.ndarray, np.ndarray], np.ndarray]


def plain() -> Iterator:
    """x⁺ = F(x)."""
    return lambda x, mapped: mapped


def damped(mixing: float = 0.4) -> Iterator:
    """x⁺ = x + mixing (F(x) − x)."""
    return lambda x, mapped: x + mixing * (mapped - x)


def anderson(mixing: float = 0.4, depth: int = 6) -> Iterator:
    """Anderson's acceleration over the last `depth` steps, damped by `mixing`."""
    points: list[np.ndarray] = []
    residuals: list[np.ndarray] = []

    def advance(x: np.ndarray, mapped: np.ndarray) -> np.ndarray:
        points.append(x)
        residuals.append(mapped - x)
        del points[:-depth], residuals[:-depth]
        steps = np.array([(r - residuals[-1]).ravel() for r in residuals[:-1]])
        weights = np.zeros(len(residuals))
        weights[-1] = 1.0
        if len(steps):
            # a singular history (steps already converged) is resolved by least squares
            change = np.linalg.lstsq(steps.T, -residuals[-1].ravel(), rcond=1e-10)[0]
            weights[:-1] = change
            weights[-1] -= change.sum()
        steps_to = np.array(points) + mixing * np.array(residuals)
        return np.tensordot(weights, steps_to, axes=1)

    return advance


ITERATORS: dict[str, Callable[[], Iterator]] = {
    "plain": plain,
    "damped": damped,
    "anderson": anderson,
}
