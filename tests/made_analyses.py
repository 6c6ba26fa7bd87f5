"""Datasets as `analyse` returns them, with given lines and decays, and nothing simulated."""

import numpy as np
import xarray as xr


def made(states, shares=None, difference=None, tracks=None, lines=4):
    """An analysis. states: for each its frames and its lines {energy in meV: photons}.

    shares: of the long component of each state's photons, 0: none; lifetimes 1.5 or 6 and 90 ns. difference:
    of polarisation and its error. tracks: meV (frames, 2), with errors of 0.3 meV.
    """
    energy = np.full((len(states), lines), np.nan)
    photons = energy.copy()
    for state, (_, each) in enumerate(states):
        for place, value in enumerate(sorted(each, reverse=True)):
            energy[state, place], photons[state, place] = 1e-3 * value, each[value]
    dims = ("state_index", "line")
    frames = np.array([number for number, _ in states])
    found = {
        "line_energy": (dims, energy),
        "line_energy_error": (dims, np.where(np.isfinite(energy), 1e-4, np.nan)),
        "line_photons": (dims, photons),
        "line_photons_error": (dims, np.sqrt(2.0 * photons) + 5.0),
        "state_frames": ("state_index", frames),
        "state": ("frame", np.repeat(np.arange(len(states)), frames)),
    }
    if shares is not None:
        found |= decays(np.array(shares, dtype=float))
    if difference is not None:
        found |= {"polarisation_difference": ((), difference[0])}
        found |= {"polarisation_difference_error": ((), difference[1])}
    if tracks is not None:
        found |= {"track": (("frame", "emitter"), 1e-3 * tracks)}
        found |= {"track_error": (("frame", "emitter"), np.full(tracks.shape, 3e-4))}
    return xr.Dataset(found, attrs={"spq_kind": "analysis", "warnings": ""})


def decays(shares):
    """Lifetimes, amplitudes and fractions (states, 2) with errors of 3 %."""
    with_long = shares[:, None] > 0
    lifetime = np.where(with_long, [1.5, 90.0], [6.0, np.nan])
    fraction = np.where(with_long, np.column_stack([1.0 - shares, shares]), [1.0, np.nan])
    dims = ("state_index", "component")
    table = {"lifetime": lifetime, "amplitude": 1000.0 * fraction / lifetime, "fraction": fraction}
    found = {name: (dims, each) for name, each in table.items()}
    return found | {f"{name}_error": (dims, 0.03 * each) for name, each in table.items()}


def drifts(frames, common, seed, sigma=1.2, noise=0.3):
    """Drift (frames, 2) in meV of two lines, a share of its variance in common, with noise of the tracks."""
    generator = np.random.default_rng(seed)
    kept, drawn = np.exp(-0.5 / 5.0), generator.standard_normal((frames, 3))
    path = drawn.copy()
    for t in range(1, frames):
        path[t] = kept * path[t - 1] + np.sqrt(1.0 - kept**2) * drawn[t]
    both = np.sqrt(common) * path[:, :1] + np.sqrt(1.0 - common) * path[:, 1:]
    return sigma * both + noise * generator.standard_normal((frames, 2))
