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
from spq.assignment.quenching import PAIRS

Array = np.ndarray

NEUTRAL = CHARGES.index(0)
LEAST = 1e-20
"""Density that light has at least: a stretch may have any."""


@dataclass(frozen=True, eq=False)
class LightModel:
    """Brightness of the charges, relative to the neutral dot (labelled priors), and what is fitted.

    ratios, widths : float (4,)
        Mean and standard deviation for the charges in CHARGES.
    dark, dark_width : float
        Brightness of a quenched or bleached dot relative to its own when it is lit, and its width.
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


def _normal(value: Array, mean: Array | float, width: Array) -> Array:
    return np.exp(-0.5 * ((value - mean) / width) ** 2) / (width * np.sqrt(2.0 * np.pi))


def light_evidence(model: LightModel, seen: Observations) -> Array:
    """Log-likelihood (K, 4, 4, 9) of the light, for the charges of both dots and which of them are dark."""
    assert model.brightness is not None
    ratio, error = seen.photons / model.brightness, seen.photon_errors / model.brightness
    widths = np.hypot(model.widths, error[:, :, None])
    lit = _normal(ratio[:, :, None], model.ratios, widths)
    widths = np.hypot(model.dark_width * model.ratios, error[:, :, None])
    dark = _normal(ratio[:, :, None], model.dark * model.ratios, widths)
    each = np.log(np.stack([lit, dark, dark], axis=-1) + LEAST)
    pairs = each[:, 0][:, :, None, PAIRS[:, 0]] + each[:, 1][:, None, :, PAIRS[:, 1]]
    # of the photons, not of their ratio: the brightness is another for every solution
    return pairs + _late_evidence(model, seen)[..., None] - np.log(model.brightness).sum()


def _late_evidence(model: LightModel, seen: Observations) -> Array:
    """Log-likelihood (K, 4, 4) of the share of late photons, for the charges of both dots."""
    if not np.isfinite(model.late):
        return np.zeros((len(seen.late), len(CHARGES), len(CHARGES)))
    weights = np.maximum(seen.photons, 0.0)
    weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    neutral = (np.arange(len(CHARGES)) == NEUTRAL).astype(float)
    share = weights[:, 0, None, None] * neutral[:, None] + weights[:, 1, None, None] * neutral[None, :]
    error = np.hypot(model.late_width, seen.late_errors)[:, None, None]
    pull = (seen.late[:, None, None] - model.late * share) / error
    return np.where(np.isfinite(pull), -0.5 * pull**2, 0.0)


def refitted(model: LightModel, seen: Observations, lit: Array) -> LightModel:
    """Brightness and late share of greatest likelihood for the chances (K, 2, 4) of charges that are lit."""
    assert model.brightness is not None
    length = (seen.ends - seen.begins)[:, None, None]
    weight = lit * length / model.widths**2
    top = (weight * seen.photons[:, :, None] * model.ratios).sum(axis=(0, 2))
    bottom = (weight * model.ratios**2).sum(axis=(0, 2))
    brightness = np.where(bottom > 0, top / np.maximum(bottom, 1e-12), model.brightness)
    late = model.late
    if np.isfinite(late):
        light = np.maximum(seen.photons, 0.0)
        share = (light * lit[:, :, NEUTRAL]).sum(axis=1) / np.maximum(light.sum(axis=1), 1e-9)
        good = np.isfinite(seen.late)
        square = (length[good, 0, 0] * share[good] ** 2).sum()
        if square > 0.1:
            late = float((length[good, 0, 0] * share[good] * seen.late[good]).sum() / square)
    return replace(model, brightness=np.maximum(brightness, 1.0), late=late)
