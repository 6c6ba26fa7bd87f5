"""Iterators towards fixed points x = F(x) of a pure map: plain, damped, Anderson.

An iterator is called with x and F(x) of b problems, (b, n), and returns the next x of each; `keep`
drops the problems that are done. It holds its own history, nothing else.
Anderson: x⁺ = Σ c_j (x_j + β r_j), r = F(x) − x, Σ c_j = 1 minimising ‖Σ c_j r_j‖ (J. ACM 12, 547).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

RIDGE = 1e-13  # relative; steps that depend on each other are resolved by least squares


class Iterator(Protocol):
    """What `spq.hartree.solve` asks of an iterator."""

    def advance(self, x: np.ndarray, mapped: np.ndarray) -> np.ndarray: ...
    def keep(self, problems: np.ndarray) -> None: ...


class Damped:
    """x⁺ = x + mixing (F(x) − x)."""

    def __init__(self, mixing: float = 0.4):
        self.mixing = mixing

    def advance(self, x: np.ndarray, mapped: np.ndarray) -> np.ndarray:
        return x + self.mixing * (mapped - x)

    def keep(self, problems: np.ndarray) -> None:
        pass


class Anderson:
    """Anderson's acceleration over the last `depth` steps, damped by `mixing`."""

    def __init__(self, mixing: float = 0.4, depth: int = 6):
        self.mixing, self.depth = mixing, depth
        self.points: list[np.ndarray] = []
        self.residuals: list[np.ndarray] = []

    def advance(self, x: np.ndarray, mapped: np.ndarray) -> np.ndarray:
        self.points.append(x.copy())
        self.residuals.append(mapped - x)
        del self.points[: -self.depth], self.residuals[: -self.depth]
        latest = self.residuals[-1]
        result = x + self.mixing * latest
        if len(self.residuals) > 1:
            steps = np.stack([r - latest for r in self.residuals[:-1]], axis=1)  # (b, j, n)
            moves = np.stack([p - x for p in self.points[:-1]], axis=1) + self.mixing * steps
            # steps shrink by orders of magnitude: each is scaled to one before the normal equations
            size = np.linalg.norm(steps, axis=2)
            size = np.where(size == 0, 1.0, size)
            scaled = steps / size[:, :, None]
            normal = scaled @ scaled.transpose(0, 2, 1)
            normal[:, range(normal.shape[1]), range(normal.shape[1])] += RIDGE
            right = -(scaled @ latest[:, :, None])
            change = np.linalg.solve(normal, right)[:, :, 0] / size
            result += np.einsum("bj,bjn->bn", change, moves)
        return result

    def keep(self, problems: np.ndarray) -> None:
        self.points = [each[problems] for each in self.points]
        self.residuals = [each[problems] for each in self.residuals]


ITERATORS: dict[str, Callable[[], Iterator]] = {
    "plain": lambda: Damped(1.0),
    "damped": Damped,
    "anderson": Anderson,
}
