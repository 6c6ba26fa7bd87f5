"""Iterators towards fixed points x = F(x) of a pure map: plain, damped, Anderson.

An iterator is called with x and F(x) of b problems, (b, n), and returns the next x of each; `keep`
drops the problems that are done. It holds its own history, nothing else.
Anderson: x⁺ = Σ c_j (x_j + β r_j), r = F(x) − x, Σ c_j = 1 minimising ‖Σ c_j r_j‖ (J. ACM 12, 547).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

GROWTH = 1.3  # of a residual in one step, that makes an iteration careful
CLOSE = 1e-3  # relative residual at which it dares again
PATIENT = 8  # careful steps, after which it dares again if they crawl
LESS, LEAST = 0.5, 0.02  # factor on the damping when it becomes careful, and its least value
MORE, FALL = 1.1, 0.9  # factor on it after a careful step whose residual fell below that part
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
    """Anderson's acceleration over the last `depth` steps, damped by `mixing`.

    A problem whose residual grows forgets its steps and is damped twice as much from then on, without
    acceleration until its residual is small or hardly falls: where levels cross, the map is steep and far
    from linear.
    """

    def __init__(self, mixing: float = 0.4, depth: int = 6):
        self.mixing, self.depth = mixing, depth
        self.points: list[np.ndarray] = []
        self.residuals: list[np.ndarray] = []
        self.known: list[np.ndarray] = []  # whether a problem still remembers the step
        self.size = self.damping = np.empty(0)
        self.careful = np.empty(0, dtype=bool)
        self.steady = np.empty(0, dtype=int)  # steps since the residual grew

    def advance(self, x: np.ndarray, mapped: np.ndarray) -> np.ndarray:
        latest = mapped - x
        self._watch(np.linalg.norm(latest, axis=1) / np.linalg.norm(mapped, axis=1))
        self.points.append(x.copy())
        self.residuals.append(latest)
        self.known.append(np.ones(len(x), dtype=bool))
        del self.points[: -self.depth], self.residuals[: -self.depth], self.known[: -self.depth]
        result = x + self.damping[:, None] * latest
        if len(self.residuals) > 1:
            steps = np.stack([r - latest for r in self.residuals[:-1]], axis=1)  # (b, j, n)
            moves = np.stack([p - x for p in self.points[:-1]], axis=1)
            moves += self.damping[:, None, None] * steps
            steps *= np.stack(self.known[:-1], axis=1)[:, :, None]
            # steps shrink by orders of magnitude: each is scaled to one before the normal equations
            size = np.linalg.norm(steps, axis=2)
            size = np.where(size == 0, 1.0, size)
            scaled = steps / size[:, :, None]
            normal = scaled @ scaled.transpose(0, 2, 1)
            normal[:, range(normal.shape[1]), range(normal.shape[1])] += RIDGE
            right = -(scaled @ latest[:, :, None])
            change = np.linalg.solve(normal, right)[:, :, 0] / size
            change[self.careful] = 0.0
            result += np.einsum("bj,bjn->bn", change, moves)
        return result

    def _watch(self, size: np.ndarray) -> None:
        """Note which problems are to be careful; size: of their residuals, relative."""
        if not len(self.size):
            self.size = np.full(len(size), np.inf)
            self.damping = np.full(len(size), self.mixing)
            self.careful = np.zeros(len(size), dtype=bool)
            self.steady = np.zeros(len(size), dtype=int)
        worse = size > GROWTH * self.size
        self.damping = np.where(worse, np.maximum(LESS * self.damping, LEAST), self.damping)
        better = self.careful & (size < FALL * self.size)
        self.damping = np.where(better, np.minimum(MORE * self.damping, self.mixing), self.damping)
        self.steady = np.where(worse, 0, self.steady + 1)
        crawling = (self.steady >= PATIENT) & (size > FALL * self.size)
        self.careful = (self.careful & ~crawling | worse) & (size > CLOSE)
        for known in self.known:
            known &= ~worse
        self.size = size

    def keep(self, problems: np.ndarray) -> None:
        self.points = [each[problems] for each in self.points]
        self.residuals = [each[problems] for each in self.residuals]
        self.known = [each[problems] for each in self.known]
        self.size, self.damping = self.size[problems], self.damping[problems]
        self.careful, self.steady = self.careful[problems], self.steady[problems]


ITERATORS: dict[str, Callable[[], Iterator]] = {
    "plain": lambda: Damped(1.0),
    "damped": Damped,
    "anderson": Anderson,
}
