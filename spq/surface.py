"""Points on the surface of a molecule, and the charges that sit there.

In a linear molecule a point is given by z = r . axis, measured from the laboratory origin, and by
phi, the right-handed angle about the axis from the projection of +x (of +y if the axis is parallel
to x). The distance from the axis is the largest one there:
rho(z) = max over spheres of sqrt(R_i^2 - (z - z_i)^2) and over necks of their radius.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spq import checks
from spq.errors import InputError
from spq.geometry import Array, Molecule

SNAP = 1e-6
"""A z closer than this to a pole (nm) is the pole."""

EDGE = 1e-9
"""Two bodies whose distances from the axis differ by less than this (nm) meet in an edge."""

DEPTH = 1e-3
"""A charge up to this deep (nm) inside the nanocrystal is put on its surface."""


@dataclass(frozen=True)
class SurfaceCharge:
    """A point charge on the surface of the nanocrystal or outside it.

    charge: e, any number. Its place is either `position` (x, y, z) in nm in the laboratory frame,
    or `z` in nm along the long axis with `phi` in degrees and `offset` >= 0 in nm along the outward
    normal (perpendicular to the axis at an edge). phi and offset belong to z.
    Raises InputError.
    """

    charge: float
    z: float | None = None
    position: tuple[float, float, float] | None = None
    phi: float = 0.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        clean: dict[str, object] = {
            "charge": checks.number(self.charge, "charge", "e"),
            "phi": checks.number(self.phi, "phi", "degrees"),
            "offset": checks.number(self.offset, "offset", "nm", minimum=0.0),
        }
        if (self.z is None) == (self.position is None):
            given = "neither is" if self.z is None else "both are"
            raise InputError(f"z, position: {given} given, exactly one of them is needed")
        if self.z is not None:
            clean["z"] = checks.number(self.z, "z", "nm")
        else:
            clean["position"] = checks.numbers_of(self.position, "position", "nm", length=3)
            for key, unit in (("phi", "degrees"), ("offset", "nm")):
                if clean[key] != 0.0:
                    given = f"{key} = {checks.shown(clean[key], unit)}"
                    raise InputError(f"{given}: goes with z, not with position")
        for key, value in clean.items():
            object.__setattr__(self, key, value)

    def resolve(self, molecule: Molecule) -> Array:
        """Return the position (3,) of the charge on a `molecule` in nm, laboratory frame.

        Raises InputError if the charge is deeper than 1e-3 nm inside the nanocrystal, if z lies
        beyond a pole or in a gap, or if z is given for dots that are not on one line.
        """
        if self.position is not None:
            where = "position = [" + ", ".join(f"{x:.10g}" for x in self.position) + "] nm"
            return _lifted(molecule, np.array(self.position), where)
        assert self.z is not None
        point = surface_points(molecule, np.array([self.z]), self.phi, self.offset)[0]
        if self.offset == 0.0:
            return point
        where = f"z = {self.z:.10g} nm, offset = {self.offset:.10g} nm"
        return _lifted(molecule, point, where)


def surface_points(
    molecule: Molecule,
    z: npt.ArrayLike,
    phi: npt.ArrayLike = 0.0,
    offset: float = 0.0,
) -> Array:
    """Return the outermost surface points of a linear molecule at z and phi.

    z: (n,), nm along the long axis from the laboratory origin. phi: (n,) or one number, degrees.
    offset: nm along the outward normal. Returns (n, 3), nm, laboratory frame.
    Raises InputError for a z beyond a pole or in a gap, and for dots that are not on one line.
    """
    line = _Line.of(molecule, "z")
    heights = np.atleast_1d(np.asarray(z, dtype=float))
    turns = np.deg2rad(np.broadcast_to(np.asarray(phi, dtype=float), heights.shape))
    axis, across, third = axis_frame(molecule)
    foot = molecule.centers[0] - (molecule.centers[0] @ axis) * axis
    points = np.empty((len(heights), 3))
    for k, (height, turn) in enumerate(zip(heights.tolist(), turns.tolist(), strict=True)):
        height, rho, lean = line.outermost(height)
        outward = np.cos(turn) * across + np.sin(turn) * third
        normal = lean * axis + np.sqrt(1.0 - lean**2) * outward
        points[k] = foot + height * axis + rho * outward + offset * normal
    return points


def line_positions(molecule: Molecule, points: int) -> Array:
    """Return z (points,) in nm from pole to pole of a linear molecule, poles included.

    In a gapped molecule every unconnected part has its poles and its share of the points by length.
    Raises InputError for too few points and for dots that are not on one line.
    """
    pieces = _Line.of(molecule, 'surface = "line"').pieces
    count = checks.integer(points, "points", minimum=2 * len(pieces))
    lengths = np.array([top - bottom for bottom, top in pieces])
    # Largest remainders of the exact shares; two points of each part are its poles.
    exact = (count - 2 * len(pieces)) * lengths / lengths.sum()
    shares = np.floor(exact + EDGE).astype(int)
    rest = count - 2 * len(pieces) - int(shares.sum())
    shares[np.argsort(shares - exact, kind="stable")[:rest]] += 1
    return np.concatenate(
        [np.linspace(*piece, share + 2) for piece, share in zip(pieces, shares, strict=True)]
    )


def axis_frame(molecule: Molecule) -> tuple[Array, Array, Array]:
    """Return the long axis, the direction of phi = 0 and that of phi = 90 degrees, each (3,)."""
    axis = molecule.axis
    for start in np.eye(3)[:2]:
        across = start - (start @ axis) * axis
        size = np.linalg.norm(across)
        if size > SNAP:
            break
    across = across / size
    return axis, across, np.cross(axis, across)


class _Line(NamedTuple):
    """A linear molecule as seen along its axis: all heights are z in nm."""

    centers: list[float]
    radii: list[float]
    necks: list[tuple[float, float, float]]  # bottom, top, radius
    pieces: list[tuple[float, float]]  # bottom and top of each connected part

    @classmethod
    def of(cls, molecule: Molecule, asked: str) -> _Line:
        """Return the line of `molecule`; raises InputError, naming `asked`, if there is none."""
        if not molecule.is_linear:
            raise InputError(f"{asked}: needs dots on one line; give positions instead")
        centers = (molecule.centers @ molecule.axis).tolist()
        radii = molecule.outer_radii.tolist()
        necks = []
        for pair in molecule.pairs:
            if pair.neck_radius > 0.0:
                ends = sorted((centers[pair.first], centers[pair.second]))
                necks.append((ends[0], ends[1], pair.neck_radius))
        spans = [(c - r, c + r) for c, r in zip(centers, radii, strict=True)]
        spans += [(bottom, top) for bottom, top, _ in necks]
        pieces: list[tuple[float, float]] = []
        for bottom, top in sorted(spans):
            if pieces and bottom <= pieces[-1][1]:
                pieces[-1] = (pieces[-1][0], max(top, pieces[-1][1]))
            else:
                pieces.append((bottom, top))
        return cls(centers, radii, necks, pieces)

    def outermost(self, height: float) -> tuple[float, float, float]:
        """Return (z, distance from the axis, normal . axis) of the surface at a height.

        The height of a pole is returned in place of one within 1e-6 nm of it.
        Raises InputError where there is no surface.
        """
        for bottom, top in self.pieces:
            if abs(height - bottom) <= SNAP:
                return bottom, 0.0, -1.0
            if abs(height - top) <= SNAP:
                return top, 0.0, 1.0
        if not any(bottom < height < top for bottom, top in self.pieces):
            raise self._off_surface(height)
        found = []
        for center, radius in zip(self.centers, self.radii, strict=True):
            if abs(height - center) <= radius:
                lean = (height - center) / radius
                found.append((radius * np.sqrt(1.0 - lean**2), lean))
        found += [(radius, 0.0) for bottom, top, radius in self.necks if bottom <= height <= top]
        rho, lean = max(found, key=lambda body: body[0])
        if sum(rho - other <= EDGE for other, _ in found) > 1:
            lean = 0.0  # an edge: perpendicular to the axis
        return height, float(rho), float(lean)

    def _off_surface(self, height: float) -> InputError:
        """Return the error for a height where there is no surface."""
        ranges = " or ".join(f"{bottom:.10g} to {top:.10g}" for bottom, top in self.pieces)
        inside = self.pieces[0][0] < height < self.pieces[-1][1]
        why = "lies in a gap between the dots" if inside else "lies beyond a pole"
        return InputError(f"z = {height:.10g} nm: {why}; must be in {ranges} nm")


def _lifted(molecule: Molecule, point: Array, where: str) -> Array:
    """Return a point (3,), put on the surface if it lies up to DEPTH below it.

    Raises InputError, naming `where`, for a deeper one.
    """
    depth = -float(molecule.distance_outside(point))
    if depth > DEPTH:
        raise InputError(
            f"{where}: lies {depth:.4g} nm inside the nanocrystal; "
            f"must be outside or at most {DEPTH:g} nm deep"
        )
    # Near an edge the way out of one body can lead into another, a little less deep.
    for _ in range(200):
        if depth <= 0.0:
            return point
        point = point + depth * _outward(molecule, point)
        depth = -float(molecule.distance_outside(point))
        if depth < EDGE * DEPTH:
            return point
    raise InputError(f"{where}: no surface point was found near it")


def _outward(molecule: Molecule, point: Array) -> Array:
    """Return the outward normal (3,) of the body that a point (3,) is deepest in."""
    step = 1e-4
    moved = point + step * np.concatenate([np.eye(3), -np.eye(3)])
    values = molecule.distance_outside(moved)
    slope = values[:3] - values[3:]
    return slope / np.linalg.norm(slope)
