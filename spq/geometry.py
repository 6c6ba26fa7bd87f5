"""The shape of a molecule: spherical core/shell dots, fused, with a neck or with a gap.

The nanocrystal is the union of the outer spheres |r - c_i| <= R_i and of the neck cylinders. A
point belongs to the dot with the least power |r - c_i|^2 - R_i^2; two spheres that meet are so
divided in the plane of their intersection circle (see spq.dots).

A linker is a cylinder across the gap between two dots; it is no part of the nanocrystal.

Regions are numbered 2 i = core of dot i, 2 i + 1 = shell of dot i (i from 0), 2 N = linker where there is
one, and the matrix last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from spq import checks
from spq.dots import TOUCH, Dot, Pair, meet
from spq.errors import InputError
from spq.volumes import dot_volumes

__all__ = ["Array", "Dot", "Molecule", "Pair"]

Array = npt.NDArray[np.float64]

CLUSTER = 0.3
"""A third dot closer than this (nm) to where two meet makes them a cluster."""

DEFAULT_OVERLAP = 0.45
"""Overlap of the spheres (nm) of a dimer whose center_distance is not given."""


@dataclass(frozen=True)
class Molecule:
    """One or more dots, fused or not, with an optional neck.

    dots: the dots, in order. Two dots without position lie at (0, 0, -D/2) and (0, 0, +D/2), one at
    the origin; three and more need positions. Either all dots have a position or none.
    center_distance: D of a dimer in nm; None: the sum of the outer radii less 0.45 nm.
    neck_diameter: of the right cylinder about the line of centres, nm; without effect where it leaves the
    lens by no more than 1e-4 nm. With more than two dots a neck joins every pair whose spheres meet.
    linker_diameter: of the cylinder about the line of centres that joins two unfused dots, nm; its length
    is the gap between them, its material the model's `linker`. 0: none.

    Two molecules are equal if their dots are and lie in the same places; whether center_distance
    was given or left to its default makes no difference.
    Raises InputError for every shape that cannot be: see the messages.
    """

    dots: tuple[Dot, ...]
    center_distance: float | None = field(default=None, compare=False)
    neck_diameter: float = 0.0
    linker_diameter: float = 0.0
    _places: tuple[tuple[float, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if isinstance(self.dots, Dot):
            raise InputError("dots: must be a list of Dot; a single one is Molecule([dot])")
        dots = tuple(checks.listed(self.dots, "dots", "a list of Dot"))
        if not dots:
            raise InputError("dots = []: at least one dot is needed")
        for i, dot in enumerate(dots, 1):
            if not isinstance(dot, Dot):
                raise InputError(f"dots[{i}] = {checks.shown(dot)}: must be a Dot")
        neck = checks.number(self.neck_diameter, "neck_diameter", "nm", minimum=0.0)
        object.__setattr__(self, "dots", dots)
        object.__setattr__(self, "neck_diameter", neck)
        if self.center_distance is not None:
            distance = checks.number(self.center_distance, "center_distance", "nm", above=0.0)
            object.__setattr__(self, "center_distance", distance)
        object.__setattr__(self, "_places", self._placed())
        self.pairs  # noqa: B018 - raises where two dots cannot be fused as given
        linker = checks.number(self.linker_diameter, "linker_diameter", "nm", minimum=0.0)
        object.__setattr__(self, "linker_diameter", linker)
        if linker > 0.0:
            self._check_linker()

    def _check_linker(self) -> None:
        given = f"linker_diameter = {self.linker_diameter:.10g} nm"
        if len(self.dots) != 2 or self.pairs[0].gap == 0.0:
            raise InputError(f"{given}: a linker joins two dots with a gap between them")
        if self.neck_diameter > 0.0:
            raise InputError(f"{given}: the dots have a neck already, neck_diameter must be 0")
        widest = 2.0 * min(dot.outer_radius for dot in self.dots)
        if self.linker_diameter > widest:
            raise InputError(f"{given}: must be <= {widest:.10g} nm, twice the smaller outer radius")

    @classmethod
    def monomer(
        cls,
        core_radius: float,
        shell_thickness: float = 0.0,
        *,
        core: str = "CdSe",
        shell: str = "CdS",
    ) -> Molecule:
        """Return one dot at the origin.

        core_radius, shell_thickness: nm; core, shell: names of materials. Raises InputError as Dot does.
        """
        with checks.placed("dots[1]."):
            dot = Dot(core_radius, shell_thickness, core, shell)
        return cls((dot,))

    @classmethod
    def dimer(
        cls,
        core_radius: float | Sequence[float],
        shell_thickness: float | Sequence[float] = 0.0,
        center_distance: float | None = None,
        neck_diameter: float = 0.0,
        *,
        core: str | Sequence[str] = "CdSe",
        shell: str | Sequence[str] = "CdS",
        gradation: float | Sequence[float] = 0.0,
        linker_diameter: float = 0.0,
    ) -> Molecule:
        """Return two dots on the z axis, dot 1 at negative z.

        core_radius, shell_thickness, core, shell and gradation (see Dot) are one value for both dots or a
        pair (dot 1, dot 2). center_distance: None: the sum of the outer radii less 0.45 nm. neck_diameter,
        linker_diameter: 0: none. Lengths in nm. Raises InputError.
        """
        values = {
            "core_radius": core_radius,
            "shell_thickness": shell_thickness,
            "core": core,
            "shell": shell,
            "gradation": gradation,
        }
        both: dict[str, list[Any]] = {key: _pair_of(value, key) for key, value in values.items()}
        dots = []
        for i in range(2):
            with checks.placed(f"dots[{i + 1}]."):
                dots.append(Dot(**{key: value[i] for key, value in both.items()}))
        return cls(tuple(dots), center_distance, neck_diameter, linker_diameter)

    def _placed(self) -> tuple[tuple[float, ...], ...]:
        """Return the centres of the dots; raises InputError where they are not well given."""
        given = [i for i, dot in enumerate(self.dots, 1) if dot.position is not None]
        count = len(self.dots)
        if given and len(given) < count:
            lacking = next(i for i in range(1, count + 1) if i not in given)
            raise InputError(
                f"dots[{lacking}].position: missing; it is given for dots[{given[0]}], so every dot needs one"
            )
        if count == 1 and self.neck_diameter > 0.0:
            raise InputError(f"neck_diameter = {self.neck_diameter:.10g} nm: a single dot has no neck")
        if self.center_distance is not None and (given or count != 2):
            why = "positions are given for the dots" if given else f"there is {count} dot"
            if not given and count > 2:
                why = f"there are {count} dots, which need positions"
            raise InputError(
                f"center_distance = {self.center_distance:.10g} nm: "
                f"allowed only for two dots without position; {why}"
            )
        if given:
            return tuple(dot.position for dot in self.dots if dot.position is not None)
        if count == 1:
            return ((0.0, 0.0, 0.0),)
        if count > 2:
            raise InputError(f"dots[1].position: missing; {count} dots need a position each")
        distance = self.center_distance
        if distance is None:
            distance = round(sum(dot.outer_radius for dot in self.dots) - DEFAULT_OVERLAP, 12)
            if distance <= 0.0:
                raise InputError(
                    "center_distance: missing; the default, the sum of the outer radii less "
                    f"{DEFAULT_OVERLAP} nm, would be {distance:.10g} nm: must be > 0"
                )
        return ((0.0, 0.0, -distance / 2), (0.0, 0.0, distance / 2))

    @cached_property
    def centers(self) -> Array:
        """Centres of the dots, (N, 3), nm."""
        return _fixed(self._places)

    @cached_property
    def core_radii(self) -> Array:
        """Core radii, (N,), nm."""
        return _fixed([dot.core_radius for dot in self.dots])

    @cached_property
    def outer_radii(self) -> Array:
        """Radii of core and shell together, (N,), nm."""
        return _fixed([dot.outer_radius for dot in self.dots])

    @cached_property
    def axis(self) -> Array:
        """The long axis, (3,): unit vector from the first to the last dot, +z for a monomer."""
        if len(self.dots) == 1:
            return _fixed([0.0, 0.0, 1.0])
        along = self.centers[-1] - self.centers[0]
        return _fixed(along / np.linalg.norm(along))

    @cached_property
    def is_linear(self) -> bool:
        """Whether all centres lie within 1e-6 nm of one line."""
        steps = self.centers - self.centers[0]
        aside = steps - np.outer(steps @ self.axis, self.axis)
        return bool(np.all(np.linalg.norm(aside, axis=1) <= TOUCH))

    @cached_property
    def mean_center(self) -> Array:
        """Mean of the centres, (3,), nm."""
        return _fixed(self.centers.mean(axis=0))

    @cached_property
    def half_length(self) -> float:
        """Largest distance of the nanocrystal's surface from `mean_center`, nm."""
        away = np.linalg.norm(self.centers - self.mean_center, axis=1)
        return float(np.max(away + self.outer_radii))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of dots whose spheres meet; the two dots of a dimer in any case."""
        found = []
        for i, j in combinations(range(len(self.dots)), 2):
            distance = float(np.linalg.norm(self.centers[j] - self.centers[i]))
            found.append(meet(self.dots, i, j, distance, self.neck_diameter))
        return tuple(pair for pair in found if pair.gap == 0.0 or len(self.dots) == 2)

    @cached_property
    def is_clustered(self) -> bool:
        """Whether the lens of two dots comes within 0.3 nm of a third one."""
        for pair in self.pairs:
            start = self.centers[pair.first]
            along = (self.centers[pair.second] - start) / pair.distance
            for i, (center, radius) in enumerate(zip(self.centers, self.outer_radii, strict=True)):
                if i in (pair.first, pair.second) or pair.lens_radius == 0.0:
                    continue
                apart = center - start - pair.plane * along
                height = float(apart @ along)
                aside = max(float(np.linalg.norm(apart - height * along)) - pair.lens_radius, 0.0)
                if np.hypot(height, aside) < radius + CLUSTER:
                    return True
        return False

    def dot_of(self, points: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the dot (from 0) on whose side of the dividing planes each point lies.

        points: (..., 3), nm, laboratory frame. Returns (...,) of int.
        """
        points = np.asarray(points, dtype=float)
        if len(self.dots) == 2:
            pair = self.pairs[0]
            along = (points - self.centers[0]) @ self.axis
            return (along > pair.plane).astype(np.int64)
        apart = points[..., None, :] - self.centers
        power = np.sum(apart**2, axis=-1) - self.outer_radii**2
        return np.argmin(power, axis=-1).astype(np.int64)

    def distance_outside(self, points: npt.ArrayLike) -> Array:
        """Return how far each point lies outside the nanocrystal.

        points: (..., 3), nm. Returns (...,) in nm: outside the distance from the nanocrystal, 0 on
        its surface, inside minus the depth below the surface of the body it is deepest in.
        """
        points = np.asarray(points, dtype=float)
        apart = np.linalg.norm(points[..., None, :] - self.centers, axis=-1)
        nearest = np.min(apart - self.outer_radii, axis=-1)
        for pair in self.pairs:
            if pair.neck_radius > 0.0:
                nearest = np.minimum(nearest, self._outside_neck(pair, points))
        return np.asarray(nearest)

    def _outside_neck(self, pair: Pair, points: Array) -> Array:
        """Return the signed distance (...,) of points (..., 3) from the neck cylinder of a pair."""
        start = self.centers[pair.first]
        along = (self.centers[pair.second] - start) / pair.distance
        step = points - start
        height = step @ along
        radial = np.linalg.norm(step - height[..., None] * along, axis=-1) - pair.neck_radius
        beyond = np.abs(height - pair.distance / 2) - pair.distance / 2
        outside = np.hypot(np.maximum(radial, 0.0), np.maximum(beyond, 0.0))
        return np.minimum(np.maximum(radial, beyond), 0.0) + outside

    def in_linker(self, points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether points (..., 3) in nm lie in the linker, (...,)."""
        points = np.asarray(points, dtype=float)
        if self.linker_diameter == 0.0:
            return np.zeros(points.shape[:-1], dtype=bool)
        height = (points - self.centers[0]) @ self.axis
        aside = np.linalg.norm(points - self.centers[0] - height[..., None] * self.axis, axis=-1)
        between = (height > 0) & (height < self.pairs[0].distance)
        inside = between & (aside < self.linker_diameter / 2) & (self.distance_outside(points) > 0)
        return np.asarray(inside)

    def linker_volume(self) -> float:
        """Return the volume of the linker in nm^3 in closed form."""
        radius = self.linker_diameter / 2
        if radius == 0.0:
            return 0.0
        caps = [r**3 - (r**2 - radius**2) ** 1.5 for r in self.outer_radii]
        return float(np.pi * radius**2 * self.pairs[0].distance - 2 / 3 * np.pi * sum(caps))

    def volumes(self) -> Array | None:
        """Return the volumes (2 N,) of core 1, shell 1, core 2, ... in nm^3 in closed form.

        The shell of a dot includes its side of lens and neck. None for more than two dots.
        """
        if len(self.dots) > 2:
            return None
        result: list[float] = []
        for i, dot in enumerate(self.dots):
            plane, neck = None, 0.0
            if self.pairs:
                pair = self.pairs[0]
                plane = pair.plane if i == 0 else pair.distance - pair.plane
                neck = pair.neck_radius
            result += dot_volumes(dot.core_radius, dot.outer_radius, plane, neck)
        return np.array(result)

    def rotated(self, matrix: npt.ArrayLike) -> Molecule:
        """Return the molecule turned about the origin by a rotation matrix (3, 3).

        The dots of the result carry positions. Raises InputError if it is no rotation.
        """
        turn = np.asarray(matrix, dtype=float)
        if (
            turn.shape != (3, 3)
            or not np.allclose(turn @ turn.T, np.eye(3), rtol=0.0, atol=1e-9)
            or np.linalg.det(turn) < 0.0
        ):
            raise InputError(f"matrix = {checks.shown(turn.tolist())}: must be a rotation (3, 3)")
        given = [dot.c_axis for dot in self.dots]
        if len(given) == 1 and given[0] is None and not np.allclose(turn @ self.axis, self.axis):
            given = [tuple(self.axis.tolist())]  # that of a single dot does not follow from its place
        turned = tuple(
            dot if axis is None else replace(dot, c_axis=tuple((turn @ np.array(axis)).tolist()))
            for dot, axis in zip(self.dots, given, strict=True)
        )
        return replace(self, dots=turned)._at(self.centers @ turn.T)

    def translated(self, vector: npt.ArrayLike) -> Molecule:
        """Return the molecule moved by a vector (3,) in nm; its dots carry positions."""
        step = checks.numbers_of(np.asarray(vector), "vector", "nm", length=3)
        return self._at(self.centers + np.array(step))

    def _at(self, centers: Array) -> Molecule:
        places = [tuple(center) for center in centers.tolist()]
        dots = (replace(dot, position=at) for dot, at in zip(self.dots, places, strict=True))
        return Molecule(tuple(dots), None, self.neck_diameter, self.linker_diameter)


def _pair_of(value: object, where: str) -> list[Any]:
    """Return one value for both dots, or a pair of values, as a list of two."""
    if isinstance(value, str) or np.ndim(value) == 0:  # type: ignore[arg-type]
        return [value, value]
    both = checks.listed(value, where, "one value or a pair of values")
    if len(both) != 2:
        given = checks.shown(value)
        raise InputError(f"{where} = {given}: must be one value or a pair of values")
    return both


def _fixed(values: npt.ArrayLike) -> Array:
    """Return a read-only float array."""
    array = np.array(values, dtype=float)
    array.setflags(write=False)
    return array
