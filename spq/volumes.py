"""Closed-form volumes of the parts of a monomer or a dimer.

Sphere of radius R cut at distance a from its centre: V = pi (2/3 R^3 + R^2 a - a^3/3).
Neck cylinder of radius n outside the sphere, up to the plane at a:
V = pi int_x^min(a, R) (n^2 - R^2 + t^2) dt + pi n^2 max(0, a - R), x = sqrt(R^2 - n^2).
"""

from __future__ import annotations

import math


def dot_volumes(
    core_radius: float, outer_radius: float, plane: float | None, neck_radius: float
) -> tuple[float, float]:
    """Return the volumes (core, shell with its side of lens and neck) of one dot in nm^3.

    core_radius, outer_radius: nm. plane: distance of the dividing plane from the dot's centre, nm,
    None for a monomer. neck_radius: nm, 0 where no neck acts.
    The core must not cross the plane; the other sphere never does except inside this one.
    """
    core = 4.0 / 3.0 * math.pi * core_radius**3
    if plane is None:
        return core, 4.0 / 3.0 * math.pi * outer_radius**3 - core
    side = _cut_sphere(outer_radius, min(plane, outer_radius))
    if neck_radius > 0.0:
        side += _neck_outside(outer_radius, plane, neck_radius)
    return core, side - core


def _cut_sphere(radius: float, plane: float) -> float:
    """Return the volume of a sphere on the centre's side of a plane at distance `plane`."""
    return math.pi * (2.0 / 3.0 * radius**3 + radius**2 * plane - plane**3 / 3.0)


def _neck_outside(radius: float, plane: float, neck: float) -> float:
    """Return the volume of the neck between sphere and plane."""
    start = math.sqrt(max(radius**2 - neck**2, 0.0))
    end = min(plane, radius)
    beside = (neck**2 - radius**2) * (end - start) + (end**3 - start**3) / 3.0
    return math.pi * (beside + neck**2 * max(plane - radius, 0.0))
