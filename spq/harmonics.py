"""Angular functions about the long axis, and how products of them expand.

Real harmonics, orthonormal over the azimuth α: χ_0 = 1/√2π, χ_m = cos(mα)/√π, χ_−m = sin(mα)/√π. A
field is Σ_m u_m χ_m with u_m on the half plane (r, z). Products: χ_a χ_b = Σ_c G_abc χ_c with
c = ±|a ± b|. On a solid mesh there is one function, χ = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

ROUNDING = 1e-14
SAMPLES = 64  # of the azimuth; integrates products of three harmonics up to m = 20 exactly


@dataclass(frozen=True)
class Harmonics:
    """The angular functions of a space: labels m, negative for sines, of orbitals and of potentials.

    Even functions (m >= 0) come first. In a solid both are (0,) and `turning` is False.
    """

    orbital: tuple[int, ...] = (0,)
    potential: tuple[int, ...] = (0,)
    turning: bool = False

    def values(self, labels: tuple[int, ...], azimuth: np.ndarray) -> np.ndarray:
        """χ of each label at angles (n,) in radians, (labels, n)."""
        if not self.turning:
            return np.ones((len(labels), len(azimuth)))
        return np.array([_harmonic(label, azimuth) for label in labels])

    def products(self, a: int, b: int) -> tuple[tuple[int, float], ...]:
        """(c, G_abc) of every potential's label c for which G_abc = ∫ χ_a χ_b χ_c dα is not zero."""
        return self._products[a, b]

    @cached_property
    def _products(self) -> dict[tuple[int, int], tuple[tuple[int, float], ...]]:
        if not self.turning:
            return {(0, 0): ((0, 1.0),)}
        azimuth = 2 * np.pi * np.arange(SAMPLES) / SAMPLES
        chi = {m: _harmonic(m, azimuth) for m in {*self.orbital, *self.potential}}
        table = {}
        for a in self.orbital:
            for b in self.orbital:
                weights = [2 * np.pi / SAMPLES * chi[a] @ (chi[b] * chi[c]) for c in self.potential]
                found = zip(self.potential, weights, strict=True)
                table[a, b] = tuple((c, float(weight)) for c, weight in found if abs(weight) > 1e-12)
        return table


def turning(orbital: int, potential: int) -> Harmonics:
    """Harmonics of an axisymmetric space: |m| <= orbital of orbitals, <= potential of potentials."""

    def labels(highest: int) -> tuple[int, ...]:
        return (*range(highest + 1), *range(-1, -highest - 1, -1))

    return Harmonics(labels(orbital), labels(potential), True)


def _harmonic(label: int, azimuth: np.ndarray) -> np.ndarray:
    if label == 0:
        return np.full(len(azimuth), 1 / np.sqrt(2 * np.pi))
    wave = np.cos if label > 0 else np.sin
    values = wave(abs(label) * azimuth) / np.sqrt(np.pi)
    return np.where(np.abs(values) < ROUNDING, 0.0, values)  # what is even stays so at 180 degrees
