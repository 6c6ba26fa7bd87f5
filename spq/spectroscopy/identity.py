"""Whether the line that is followed as one emitter is polarised as it: identity of tracks, frame by frame.

With the plate at θ a share q_e(θ) of emitter e's photons is in V (`polarised`), so that of V and H photons in
a window about its line

    log Λ = Σ_e [V_e log(q_e/q_o) + H_e log((1 - q_e)/(1 - q_o))]/F

is the evidence that each line belongs to its own emitter e against that the two are exchanged, o the other
and F the excess noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spq.spectroscopy.polarised import Polarisation
from spq.spectroscopy.records import FrameSeries

Array = np.ndarray

SHARES = (0.02, 0.98)
"""q is kept within these: some light of the other emitter is in every window."""


def track_identity(
    frames: FrameSeries,
    energies: Array,
    half_meV: float,
    dark_eV: tuple[float, float] | None,
    fits: Sequence[Polarisation | None],
) -> Array:
    """Log-likelihood that the tracks of two emitters are each its own, against that they are exchanged.

    Parameters
    ----------
    frames : FrameSeries
        In photons, with strips V and H and angles of the wave plate.
    energies : float (frames, 2)
        Of the tracks in eV.
    half_meV : float
        Half of the window about a line.
    dark_eV : (low, high) or None
        Stretch without lines that gives the background.
    fits : two Polarisation or None
        Of the emitters.

    Returns
    -------
    float (frames,)
        NaN where it is not determined: a line is not seen, or the angle of a polarisation is not known.
    """
    found = np.full(len(energies), np.nan)
    if energies.shape[1] != 2 or frames.angles is None or any(_unknown(fit) for fit in fits):
        return found
    angle = 4.0 * np.radians(np.asarray(frames.angles, dtype=float))
    shares = np.stack([_share(fit, angle) for fit in fits if fit is not None], axis=1)
    evidence = np.zeros(len(energies))
    for emitter in (0, 1):
        inside = np.abs(frames.energy - energies[:, emitter, None]) <= 1e-3 * half_meV
        light = np.nansum(np.where(inside[:, None, :], frames.counts, 0.0), axis=2)
        if dark_eV is not None:
            dark = (frames.energy >= dark_eV[0]) & (frames.energy <= dark_eV[1])
            light -= np.nanmean(frames.counts[:, :, dark], axis=(0, 2)) * inside.sum(axis=1)[:, None]
        own, other = shares[:, emitter], shares[:, 1 - emitter]
        evidence += light[:, 0] * np.log(own / other) + light[:, 1] * np.log((1.0 - own) / (1.0 - other))
    known = np.isfinite(energies).all(axis=1) & np.isfinite(angle)
    found[known] = evidence[known] / frames.excess
    return found


def _unknown(fit: Polarisation | None) -> bool:
    return fit is None or not np.isfinite(fit.angle)


def _share(fit: Polarisation, angle: Array) -> Array:
    """Share of the light that is in V, at 4θ in radians."""
    a, b = fit.components
    m = a * np.cos(angle) + b * np.sin(angle)
    return np.clip(fit.throughput * (1.0 + m) / (fit.throughput * (1.0 + m) + 1.0 - m), *SHARES)
