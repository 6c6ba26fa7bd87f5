"""How the light of a particle is shared between its emitters, in each of its states.

With n_fe photons of emitter e in frame f the share of the emitter in a state is

    s_e = N_e/Σ N,   N_e = Σ_f n_fe,   σ²(s_e) = [(1 - s_e)² σ²(N_e) + s_e² Σ_{i≠e} σ²(N_i)]/(Σ N)²,

σ²(N_e) the sum of the squares of the errors of the frames, which hold the excess noise of the camera. Errors
of two emitters in one frame are taken as independent: lines that overlap make the true error larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError

Array = np.ndarray

FEWEST = 3.0
"""Light of all emitters over its error from which on shares are given."""


@dataclass(frozen=True, eq=False)
class Branching:
    """Shares of the emitters in the light of each state; what is not determined is NaN.

    Attributes
    ----------
    shares, errors : float (states, emitters)
        Sum 1 in each state, with standard errors.
    photons, photon_errors : float (states, emitters)
        Per frame, of the frames in which every emitter is determined.
    frames : int (states,)
        Number of those frames.
    warnings : tuple of str
    """

    shares: Array
    errors: Array
    photons: Array
    photon_errors: Array
    frames: Array
    warnings: tuple[str, ...]


def branching(photons: Array, photon_errors: Array, states: Array, number: int) -> Branching:
    """Share of the light of each emitter in each state.

    Parameters
    ----------
    photons, photon_errors : float (frames, emitters)
        Photons of each emitter's line with its replicas, and standard errors with the excess noise; a frame
        in which one of them is NaN is left out, for all emitters.
    states : int (frames,)
        From 0, -1: none.
    number : int
        Of states.

    Returns
    -------
    Branching

    Raises
    ------
    InputError
        If shapes do not fit together, errors are negative, a value is infinite or a state does not exist.
    """
    light, errors, states = checked_tracks(photons, photon_errors, states, number)
    emitters = light.shape[1]
    shares, share_errors, means, mean_errors = np.full((4, number, emitters), np.nan)
    frames, warnings = np.zeros(number, dtype=int), []
    known = (np.isfinite(light) & np.isfinite(errors)).all(axis=1)
    for state in range(number):
        of = known & (states == state)
        frames[state] = of.sum()
        where = f"branching of state {state + 1}"
        if not of.any():
            warnings.append(f"{where}: not determined: no frame in which every emitter is")
            continue
        sums, variances = light[of].sum(axis=0), (errors[of] ** 2).sum(axis=0)
        means[state], mean_errors[state] = sums / of.sum(), np.sqrt(variances) / of.sum()
        total = sums.sum()
        if not total > FEWEST * np.sqrt(variances.sum()) or not total > 0:
            warnings.append(f"{where}: not determined: {total:.3g} photons are not above their error")
            continue
        share = sums / total
        others = variances.sum() - variances
        shares[state] = share
        share_errors[state] = np.sqrt((1.0 - share) ** 2 * variances + share**2 * others) / total
    return Branching(shares, share_errors, means, mean_errors, frames, tuple(warnings))


def checked_tracks(photons: Any, errors: Any, states: Any, number: Any) -> tuple[Array, Array, Array]:
    """Photons and errors (frames, emitters) and states (frames,); raises InputError."""
    number = checks.integer(number, "number", minimum=1)
    light, spread = np.asarray(photons, dtype=float), np.asarray(errors, dtype=float)
    if light.ndim != 2 or not light.size:
        raise InputError(f"photons: shape {light.shape}: must be (frames, emitters)")
    if spread.shape != light.shape:
        raise InputError(f"photon_errors: shape {spread.shape}: must be {light.shape}, as photons")
    if np.isinf(light).any() or np.isinf(spread).any():
        raise InputError("photons, photon_errors: must be finite or NaN")
    if np.any(spread < 0):
        raise InputError("photon_errors: must be >= 0")
    return light, spread, checked_states(states, len(light), number)


def checked_states(given: Any, frames: int, number: int) -> Array:
    """States (frames,) from 0 to number - 1, -1: none; raises InputError."""
    states = np.asarray(given)
    if states.shape != (frames,) or states.dtype.kind not in "iu":
        raise InputError(
            f"states: {states.dtype} of shape {states.shape}: must be whole ({frames},), one per frame"
        )
    if states.min() < -1 or states.max() >= number:
        raise InputError(f"states: must lie between -1 and {number - 1}")
    return states.astype(np.int64)
