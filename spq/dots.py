"""The dots of a molecule and how two of them meet.

Two spheres at distance d < R_1 + R_2 meet in a circle of radius sqrt(R_1^2 - a^2) in the plane at
a = (d^2 + R_1^2 - R_2^2)/(2 d) from the first centre; across a gap the plane is its middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spq import checks
from spq.errors import InputError

TOUCH = 1e-6
"""Two surfaces closer than this (nm) count as touching."""

NECK_HEIGHT = 1e-4
"""A neck that leaves the lens by no more than this (nm) along the line of centres has no effect.

Its mesh needs elements of that height h, at which rounding alone leaves a residual of 1e-14 eV nm / h in the
orbitals. A wall of that height moves the splitting of two hardly fused dots by less than 0.001 meV.
"""


@dataclass(frozen=True)
class Dot:
    """One quantum dot: a spherical core in a concentric shell.

    core_radius: nm, > 0. shell_thickness: nm, >= 0. core, shell: names of materials.
    position: centre (x, y, z) in nm, or None where the molecule places the dot.
    gradation: nm from the core's surface outwards, over which band edges, inverse masses and
    permittivity vary linearly from the core's to the shell's values; at most the shell's thickness.
    c_axis: (x, y, z), of any length, the crystal's axis that anisotropic masses refer to; None: the
    molecule's long axis.
    Raises InputError.
    """

    core_radius: float
    shell_thickness: float = 0.0
    core: str = "CdSe"
    shell: str = "CdS"
    position: tuple[float, float, float] | None = None
    gradation: float = 0.0
    c_axis: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        clean: dict[str, object] = {
            "core_radius": checks.number(self.core_radius, "core_radius", "nm", above=0.0),
            "shell_thickness": checks.number(self.shell_thickness, "shell_thickness", "nm", minimum=0.0),
            "core": checks.name(self.core, "core"),
            "shell": checks.name(self.shell, "shell"),
        }
        if self.position is not None:
            clean["position"] = checks.numbers_of(self.position, "position", "nm", length=3)
        clean["gradation"] = checks.number(self.gradation, "gradation", "nm", minimum=0.0)
        if self.gradation > self.shell_thickness:
            raise InputError(
                f"gradation = {self.gradation:.10g} nm: must be <= {self.shell_thickness:.10g} nm, "
                "the thickness of the shell"
            )
        if self.c_axis is not None:
            clean["c_axis"] = checks.numbers_of(self.c_axis, "c_axis", "", length=3)
            if not any(self.c_axis):
                raise InputError("c_axis = [0, 0, 0]: must not vanish")
        for key, value in clean.items():
            object.__setattr__(self, key, value)

    @property
    def outer_radius(self) -> float:
        """Radius of core and shell together, nm."""
        return self.core_radius + self.shell_thickness


@dataclass(frozen=True)
class Pair:
    """Two dots that are joined, or the two dots of a dimer.

    first, second: their indices from 0. distance: between the centres, nm.
    plane: distance of the dividing plane from the first centre, nm (gap: the middle of the gap).
    lens_radius: of the intersection circle, nm (0: gap). neck_radius: nm (0: no neck acts).
    gap: between the spheres, nm (0: fused).
    """

    first: int
    second: int
    distance: float
    plane: float
    lens_radius: float
    neck_radius: float
    gap: float


def meet(dots: Sequence[Dot], first: int, second: int, distance: float, neck_diameter: float) -> Pair:
    """Return how the dots `first` and `second` (from 0) meet at `distance` (nm).

    The neck (nm) is taken to join them; whether it acts depends on the lens: see NECK_HEIGHT.
    Raises InputError where the two cannot be fused so.
    """
    one, two = dots[first], dots[second]
    reach = one.outer_radius + two.outer_radius
    where = f"distance of dots[{first + 1}] and dots[{second + 1}]"
    if len(dots) == 2 and one.position is None:
        where = "center_distance"
    given = f"{where} = {distance:.10g} nm: must be"
    swallowed = abs(one.outer_radius - two.outer_radius)
    if distance <= swallowed + TOUCH:
        raise InputError(
            f"{given} > {swallowed:.10g} nm (difference of the outer radii), "
            "or one sphere lies inside the other"
        )
    cores = one.core_radius + two.core_radius
    if distance <= cores + TOUCH:
        raise InputError(f"{given} > {cores:.10g} nm (sum of the core radii), or the cores touch or overlap")
    widest = 2.0 * min(one.outer_radius, two.outer_radius)
    fused = distance <= reach + TOUCH
    if neck_diameter > widest and (fused or len(dots) == 2):
        raise InputError(
            f"neck_diameter = {neck_diameter:.10g} nm: must be <= {widest:.10g} nm, twice the "
            f"smaller outer radius of dots[{first + 1}] and dots[{second + 1}]"
        )
    plane = (distance**2 + one.outer_radius**2 - two.outer_radius**2) / (2 * distance)
    lens = math.sqrt(max(one.outer_radius**2 - plane**2, 0.0))
    neck = neck_diameter / 2
    if fused and not _leaves_lens(neck, lens, (one, plane), (two, distance - plane)):
        neck = 0.0
    if abs(distance - reach) <= TOUCH and neck == 0.0:
        raise InputError(
            f"{given} less or more than {reach:.10g} nm (sum of the outer radii): spheres that "
            "touch in one point cannot be meshed; overlap or part them, or give a wider neck_diameter"
        )
    if not fused:
        gap = distance - reach
        plane = one.outer_radius + gap / 2
        return Pair(first, second, distance, plane, 0.0, neck, gap)
    for i, core, room in (
        (first + 1, one.core_radius, plane),
        (second + 1, two.core_radius, distance - plane),
    ):
        if room <= 0.0:
            raise InputError(
                f"{given} larger: the centre of dots[{i}] lies {-room:.10g} nm beyond the plane "
                "in which the two spheres meet"
            )
        if core >= room - TOUCH:
            raise InputError(
                f"dots[{i}].core_radius = {core:.10g} nm: must be < {room:.10g} nm, the distance "
                "of its centre from the plane in which the two spheres meet"
            )
    return Pair(first, second, distance, plane, lens, neck, 0.0)


def _leaves_lens(neck: float, lens: float, *sides: tuple[Dot, float]) -> bool:
    """Return whether a neck (radius, nm) acts; sides: dots, and their distances from the dividing plane."""
    if neck <= lens + TOUCH:
        return False
    heights = [plane - math.sqrt(max(dot.outer_radius**2 - neck**2, 0.0)) for dot, plane in sides]
    return min(heights) > NECK_HEIGHT
