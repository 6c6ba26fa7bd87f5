"""Linear polarisation of the emission of a dot whose hole is anisotropic.

The lowest hole of wurtzite (heavy, Γ9) recombines with dipoles across the crystal axis c only: seen from a
direction k, light of linear polarisation n (n ⟂ k) has the intensity 1 − (n·c)² (Efros et al., Phys. Rev. B
54, 4843, 1996, the A exciton).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.model import Model


@dataclass(frozen=True)
class Polarisation:
    """Linear polarisation in the plane of view.

    angle_deg: of the brightest direction, from `reference` about the direction of view, in [0, 180); None
    where there is none; degree: (I_max − I_min)/(I_max + I_min); reference: (3,) unit vector.
    """

    angle_deg: float | None
    degree: float
    reference: tuple[float, float, float]


def polarisation(model: Model, dot: int, view: Sequence[float] = (1.0, 0.0, 0.0)) -> Polarisation:
    """Linear polarisation of the emission of a dot, seen from a direction.

    Parameters
    ----------
    model : Model
    dot : number of the emitting dot, from 1
    view : (3,), of any length, from the dot towards who looks; laboratory frame

    Returns
    -------
    Polarisation
        Not polarised (degree 0) where the core's hole mass is isotropic. Angles count from the projection
        of +z, of +x if the view is along z, right-handed about the view.

    Raises
    ------
    InputError
        If there is no such dot, or the view is no direction.
    """
    count = len(model.molecule.dots)
    number = checks.integer(dot, "dot", minimum=1)
    if number > count:
        raise InputError(f"dot = {number}: the molecule has {count}")
    along = np.array(checks.numbers_of(view, "view", "", length=3))
    if not along.any():
        raise InputError("view = [0, 0, 0]: must not vanish")
    along = along / np.linalg.norm(along)
    first = np.eye(3)[2 if abs(along[2]) < 1 - 1e-9 else 0]
    first = first - (first @ along) * along
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    reference = (float(first[0]), float(first[1]), float(first[2]))
    core = model.material(model.molecule.dots[number - 1].core)
    axis = model.c_axes[number - 1]
    seen = np.array([axis @ first, axis @ second])
    share = float(seen @ seen)
    if not core.is_anisotropic or share < 1e-12:
        return Polarisation(None, 0.0, reference)
    angle = float(np.degrees(np.arctan2(seen[1], seen[0])) + 90.0) % 180.0
    return Polarisation(angle, share / (2.0 - share), reference)
