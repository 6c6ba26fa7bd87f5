"""What the light of each emitter says of its charge: photons per frame, and the share that comes late.

Relative to the neutral dot a charged one is dimmer and has no long component (neutral 1 to 2 ns and 70 to 113
ns, charged 6 to 9 ns); a quenched one is dark at unchanged charge. Brightness of each charge is a prior, not
a result of the solver. Of the counter's photons a share ℓ Σ_i w_i [q_i = 0] / Σ_i w_i comes late, w_i the
light of emitter i.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spq.assignment.chargetable import CHARGES
from spq.assignment.observations import Observations

Array = np.ndarray

NEUTRAL = CHARGES.index(0)


@dataclass(frozen=True, eq=False)
class LightModel:
    """Brightness of the charges, relative to the neutral dot (labelled priors), and what is fitted.

    ratios, widths : float (4,)
        Mean and standard deviation for the charges in CHARGES.
    dark, dark_width, dark_share : float
        Brightness of a quenched dot, its width, and how often it is one.
    late_width : float
        Standard deviation of the share of late photons about the model.
    brightness : float (2,)
        Photons per frame of the neutral dots; fitted.
    late : float
        ℓ; fitted. NaN: late photons are not used.
    """

    ratios: Array
    widths: Array
    dark: float = 0.1
    dark_width: float = 0.08
    dark_share: float = 0.05
    late_width: float = 0.06
    brightness: Array | None = None
    late: float = float("nan")


def light_model(seen: Observations) -> LightModel:
    """The priors, with brightness and late share to begin with."""
    brightest = np.maximum(np.nanmax(seen.photons, axis=0), 1.0)
    finite = seen.late[np.isfinite(seen.late)]
    late = float(finite.max()) if len(finite) else float("nan")
    ratios, widths = np.array([0.4, 0.6, 1.0, 0.5]), np.array([0.15, 0.15, 0.15, 0.2])
    return LightModel(ratios, widths, brightness=brightest, late=late)


def _normal(value: Array, mean: Array, width: Array) -> Array:
    return np.exp(-0.5 * ((value - mean) / width) ** 2) / (width * np.sqrt(2.0 * np.pi))


def _densities(model: LightModel, seen: Observations) -> tuple[Array, Array]:
    """Densities of each emitter's light, not quenched (K, 2, 4) and quenched (K, 2, 1)."""
    assert model.brightness is not None
    ratio = (seen.photons / model.brightness)[:, :, None]
    error = (seen.photon_errors / model.brightness)[:, :, None]
    lit = _normal(ratio, model.ratios, np.hypot(model.widths, error)) * (1.0 - model.dark_share)
    dark = _normal(ratio, np.array([model.dark]), np.hypot(model.dark_width, error)) * model.dark_share
    return lit, dark


def light_evidence(model: LightModel, charges: tuple[Array, Array], seen: Observations) -> Array:
    """Log-likelihood (K, states) of the light for states with these charges (indices)."""
    lit, dark = _densities(model, seen)
    each = np.log(lit + dark + 1e-12)
    pairs = each[:, 0, :, None] + each[:, 1, None, :]
    if np.isfinite(model.late):
        weights = np.maximum(seen.photons, 0.0)
        weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        neutral = (np.arange(len(CHARGES)) == NEUTRAL).astype(float)
        share = weights[:, 0, None, None] * neutral[:, None] + weights[:, 1, None, None] * neutral[None, :]
        error = np.hypot(model.late_width, seen.late_errors)[:, None, None]
        pull = (seen.late[:, None, None] - model.late * share) / error
        pairs = pairs - np.where(np.isfinite(pull), 0.5 * pull**2, 0.0)
    return pairs[:, charges[0], charges[1]]


def dark_chances(model: LightModel, seen: Observations) -> Array:
    """Chance (K, 2, 4) that an emitter is quenched, if its charge is that."""
    lit, dark = _densities(model, seen)
    return dark / (lit + dark + 1e-12)


def refitted(model: LightModel, seen: Observations, charge: Array) -> LightModel:
    """Brightness and late share of greatest likelihood for the chances (K, 2, 4) of the charges."""
    assert model.brightness is not None
    length = (seen.ends - seen.begins)[:, None, None]
    weight = charge * (1.0 - dark_chances(model, seen)) * length / model.widths**2
    top = (weight * seen.photons[:, :, None] * model.ratios).sum(axis=(0, 2))
    bottom = (weight * model.ratios**2).sum(axis=(0, 2))
    brightness = np.where(bottom > 0, top / np.maximum(bottom, 1e-12), model.brightness)
    late = model.late
    if np.isfinite(late):
        light = np.maximum(seen.photons, 0.0)
        share = (light * charge[:, :, NEUTRAL]).sum(axis=1) / np.maximum(light.sum(axis=1), 1e-9)
        good = np.isfinite(seen.late)
        square = (length[good, 0, 0] * share[good] ** 2).sum()
        if square > 0.1:
            late = float((length[good, 0, 0] * share[good] * seen.late[good]).sum() / square)
    return replace(model, brightness=np.maximum(brightness, 1.0), late=late)
