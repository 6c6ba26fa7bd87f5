"""Which two states of a model are one: alike in gates and, but for spectral diffusion, in spectra.

Emitters need not drift together, so that one state may be found as two whose lines lie differently. With
spectra p and q of sum 1, their common shift s taken out, two measures must both be small:

    1 - Σ √(p q)  of spectra blurred by the diffusion,
    Σ |P_i(s) - Q_i| ΔE  of the cumulated spectra,

the second being the distance in meV by which light must be moved to make one of the other (L. N. Vaserstein,
Probl. Inf. Transm. 5, 64 (1969)). Blurring alone makes everything alike once the diffusion is large.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

BLUR = 2.5
"""Width by which spectra are blurred, in standard deviations of the diffusion."""
DIM = 20.0
"""Photons below which a state has no spectrum to compare."""
ALIKE = 0.84
"""Overlap of spectra, less the cost of the shift between them, from which on they are alike."""
FAR = 10.0
"""Shift, in standard deviations of the diffusion, that costs an overlap of 1."""
MOVED_meV = 7.0
"""Distance by which light may have moved, the shift taken out."""
CLOSE, SIGMAS = 0.10, 4.0
"""Relative difference of gates, and in standard errors, up to which they agree: a few quenched frames
in a state change its mean by several percent."""


def most_alike(
    light: Array, gates: Array, frames: Array, spread: float, reach: int, bin_meV: float
) -> tuple[int, int, str] | None:
    """The two states that are most alike, if any are, and how.

    light: means (states, bins); gates: means (states, gates), those of the light if there are none; frames
    (states,) of each. spread: standard deviation of the diffusion; reach: largest shift; in bins of bin_meV.
    """
    above = light - np.median(light, axis=1, keepdims=True)
    blurred, sharp = _blurred(above, BLUR * spread), _blurred(above, 0.5 * spread)
    dim = blurred.sum(axis=1) * frames < DIM
    roots = np.sqrt(_shares(blurred))
    below = np.cumsum(_shares(sharp), axis=1)
    gates = gates if gates.shape[1] else light.sum(axis=1, keepdims=True)
    gates = np.concatenate([gates, gates.sum(axis=1, keepdims=True)], axis=1)
    moved = np.arange(-reach, reach + 1)
    cost = (moved / (FAR * (spread + 1.0))) ** 2
    best: tuple[float, int, int, str] | None = None
    for first in range(len(frames)):
        for second in range(first + 1, len(frames)):
            if not _agree(gates[[first, second]], frames[[first, second]]):
                continue
            overlap, shift = 1.0, 0.0
            if not (dim[first] and dim[second]):
                overlaps = np.correlate(roots[first], roots[second], mode="full")
                overlaps = overlaps[len(roots[first]) - 1 + moved] - cost
                overlap, shift = float(overlaps.max()), moved[overlaps.argmax()] * bin_meV
                if overlap > ALIKE and bin_meV * _distance(below[first], below[second], reach) > MOVED_meV:
                    continue
            if overlap > ALIKE and (best is None or overlap > best[0]):
                text = f"two states with the same gates and spectra {abs(shift):.1f} meV apart were merged"
                best = overlap, first, second, f"{text} (overlap {overlap:.2f})"
    return best and best[1:]


def same_gates(light: Array, gates: Array, frames: Array) -> Array:
    """Which states (states, states) agree in gates or, where there are none, in light; as `most_alike`."""
    gates = gates if gates.shape[1] else light.sum(axis=1, keepdims=True)
    gates = np.concatenate([gates, gates.sum(axis=1, keepdims=True)], axis=1)
    number = range(len(frames))
    return np.array([[_agree(gates[[a, b]], frames[[a, b]]) for b in number] for a in number])


def _agree(gates: Array, frames: Array) -> bool:
    """Whether the gates (2, gates) of two states are the same within their errors."""
    errors = np.sqrt((gates / np.maximum(frames[:, None], 1e-9)).sum(axis=0))
    allowed = np.maximum(CLOSE * gates.mean(axis=0), SIGMAS * errors)
    return bool((np.abs(gates[0] - gates[1]) <= allowed).all())


def _blurred(spectra: Array, width: float) -> Array:
    """Spectra (n, bins) behind a Gaussian of a width in bins, 0.7 at least; nothing is below zero."""
    width = max(0.7, width)
    kernel = np.exp(-0.5 * (np.arange(-int(4 * width), int(4 * width) + 1) / width) ** 2)
    return np.maximum(np.stack([np.convolve(row, kernel, mode="same") for row in spectra]), 0.0)


def _shares(spectra: Array) -> Array:
    return spectra / np.maximum(spectra.sum(axis=1, keepdims=True), 1e-12)


def _distance(first: Array, second: Array, reach: int) -> float:
    """Distance in bins of two cumulated spectra (bins,), least over common shifts up to a reach."""
    inner = first[reach : len(first) - reach]
    shifted = np.lib.stride_tricks.sliding_window_view(second, len(inner))
    return float(np.abs(inner - shifted).sum(axis=1).min())
