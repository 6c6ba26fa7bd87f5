"""Spectral diffusion: an Ornstein-Uhlenbeck process on an even grid of times, exact at its points.

x(t + s) = x(t) exp(-s/τ) + σ sqrt(1 - exp(-2 s/τ)) ξ, so that var x = σ² and its correlation decays with τ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.simulation import Diffusion

STEP = 0.01
"""Longest step in s."""


@dataclass(frozen=True, eq=False)
class Drift:
    """Shift of every emitter by diffusion. step: s; values: meV (steps, emitters), held for one step each."""

    step: float
    values: np.ndarray

    def at(self, times: np.ndarray, emitter: int) -> np.ndarray:
        """Shift in meV of one emitter at times in s."""
        return self.values[np.minimum((times / self.step).astype(np.int64), len(self.values) - 1), emitter]


def drift(diffusion: Diffusion, emitters: int, duration: float, generator: np.random.Generator) -> Drift:
    """Draw the diffusion of all emitters over a duration in s, from its stationary distribution on."""
    from scipy.signal import lfilter

    step = min(STEP, diffusion.time / 20.0)
    steps = int(np.ceil(duration / step))
    kept = np.exp(-step / diffusion.time)
    drawn = generator.standard_normal((steps, emitters + 1))
    drawn[1:] *= np.sqrt(1.0 - kept**2)
    paths = lfilter([1.0], [1.0, -kept], drawn, axis=0)
    common, own = np.sqrt(diffusion.common), np.sqrt(1.0 - diffusion.common)
    return Drift(step, diffusion.sigma * (common * paths[:, :1] + own * paths[:, 1:]))
