"""The self-energy to first order in the difference of permittivities: ∫ |x − s|⁻⁴ dx beyond an interface.

The field of a charge at s in a body of permittivity ε goes as |x − s|⁻², so that the first order (Born) is
    Σ(s) = (k/8πε²) Σ_regions (ε − ε_region) ∫_region |x − s|⁻⁴ dx.
Close to an interface Σ tends to c = 2ε/(ε + ε′) times that, which is its singular part. By Gauss's theorem
the integral over all outside of a body is ∮ n·(x − s)/|x − s|⁴ dS, minus that over the
body where s lies outside. On a body of revolution the azimuth is integrated in closed form: with
p = r² + ρ² + (z − z_s)² and q = 2rρ,
    ∮ dα n·(x − s)/|x − s|⁴ = 2π [(n_r r + n_z (z − z_s)) p − n_r ρ q]/(p² − q²)^{3/2},
and along the profile the points are gathered at the one nearest to s by a sinh substitution (Johnston and
Elliott, Int. J. Numer. Meth. Engng 62, 564, 2005).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spq.dots import Pair
from spq.geometry import Molecule
from spq.image import narrowed
from spq.parallel import in_threads
from spq.planar import on_half_plane
from spq.units import COULOMB

POINTS = 20  # of the quadrature on each side of the nearest place of a piece of the profile
AT_ONCE = 5_000  # places whose integrals are made together
CLOSEST = 1e-9  # nm


class Piece(NamedTuple):
    """A piece of the profile of a body of revolution.

    An arc about (0, center), at angles from `start` to `end` off the +z axis; or, without a radius of
    curvature (curved False), the line of a cylinder of `radius` from the height `start` to `end`.
    """

    radius: float
    start: float
    end: float
    center: float = 0.0
    curved: bool = True


def limit(here: float, beyond: float) -> float:
    """Factor of ∫ |x − s|⁻⁴ dx in c Σ_Born, eV nm: at the interface Σ and c Σ_Born have the same limit."""
    return COULOMB * (here - beyond) / (4 * np.pi * here * (here + beyond))


def layers(molecule: Molecule, permittivities: np.ndarray, dot: int) -> tuple[float, float, float]:
    """Permittivities of a dot's core, of what lies at its surface, and outside."""
    core, shell, matrix = (float(permittivities[i]) for i in (2 * dot, 2 * dot + 1, -1))
    return core, shell if molecule.dots[dot].shell_thickness > 0 else core, matrix


def beyond_sphere(distance: np.ndarray, radius: float) -> np.ndarray:
    """∫ |x − s|⁻⁴ over the other side of a sphere: outside for s inside, inside for s outside.

    distance: (n,) nm, of s from the centre; radius: nm. Returns (n,) in nm⁻¹.
    """
    a = np.maximum(np.asarray(distance, dtype=float), 1e-6 * radius)
    with np.errstate(divide="ignore"):
        logarithm = np.log((radius + a) / np.abs(radius - a)) / (4 * a)
        inside = radius / (2 * (radius**2 - a**2)) + logarithm
    return 4 * np.pi * np.where(a < radius, inside, -inside)


def beyond_surface(molecule: Molecule, points: np.ndarray) -> np.ndarray:
    """∫ |x − s|⁻⁴ over all that lies beyond the nanocrystal's surface, seen from s.

    Exact where the dots lie on one line; else, for a point of one dot, put together from the pairs that
    it is part of, as if the others did not overlap: right where it is singular.

    points: (n, 3) nm, laboratory frame. Returns (n,) in nm⁻¹.
    """
    if molecule.is_linear:
        return _beyond_profile(_profile(molecule), *on_half_plane(molecule, points).T)
    dots, found = molecule.dot_of(points), np.zeros(len(points))
    for dot, (center, radius) in enumerate(zip(molecule.centers, molecule.outer_radii, strict=True)):
        here = dots == dot
        alone = beyond_sphere(np.linalg.norm(points[here] - center, axis=1), radius)
        found[here] = alone
        joined = [pair for pair in molecule.pairs if dot in (pair.first, pair.second)]
        met = {dot, *(i for pair in joined for i in (pair.first, pair.second))}
        for other in set(range(len(molecule.dots))) - met:
            away = np.linalg.norm(points[here] - molecule.centers[other], axis=1)
            found[here] -= beyond_sphere(away, molecule.outer_radii[other])
        for pair in joined:
            dots_of_pair = tuple(molecule.dots[i] for i in (pair.first, pair.second))
            two = Molecule(dots_of_pair, None, 2 * pair.neck_radius)
            found[here] += _beyond_profile(_profile(two), *on_half_plane(two, points[here]).T) - alone
    return found


def _profile(molecule: Molecule) -> list[Piece]:
    """The nanocrystal's surface in the half plane of a molecule whose dots lie on one line."""
    heights = (molecule.centers - molecule.mean_center) @ molecule.axis
    low, high = np.zeros(len(heights)), np.full(len(heights), np.pi)
    pieces = []
    for pair in molecule.pairs:
        ends = [_meeting(molecule, heights, pair, dot) for dot in (pair.first, pair.second)]
        for dot, angle, upwards in ends:
            if upwards:
                low[dot] = max(low[dot], angle)
            else:
                high[dot] = min(high[dot], np.pi - angle)
        if pair.neck_radius > 0:
            between = [
                heights[dot] + (1 if upwards else -1) * molecule.outer_radii[dot] * np.cos(angle)
                for dot, angle, upwards in ends
            ]
            pieces.append(Piece(pair.neck_radius, min(between), max(between), curved=False))
    for height, radius, start, end in zip(heights, molecule.outer_radii, low, high, strict=True):
        pieces.append(Piece(radius, start, end, height))
    return pieces


def _meeting(molecule: Molecule, heights: np.ndarray, pair: Pair, dot: int) -> tuple[int, float, bool]:
    """A dot of a pair, the angle under which it sees lens or neck, and whether that lies upwards."""
    other = pair.second if dot == pair.first else pair.first
    width = max(pair.lens_radius, pair.neck_radius)
    sine = min(1.0, width / molecule.outer_radii[dot])
    return dot, float(np.arcsin(sine)), bool(heights[other] > heights[dot])


def _beyond_profile(pieces: list[Piece], radius: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The integral at places (n,) of the half plane."""
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(radius), AT_ONCE)]

    def one(part: slice) -> np.ndarray:
        return np.abs(sum(_flux(piece, radius[part], height[part]) for piece in pieces))

    return np.concatenate([np.empty(0), *in_threads(one, parts)])


def _flux(piece: Piece, rho: np.ndarray, height: np.ndarray) -> np.ndarray:
    """∫ n·(x − s)/|x − s|⁴ dS over a piece turned about the axis, (n,) in nm⁻¹."""
    above = height - piece.center
    nearest = np.arctan2(rho, above) if piece.curved else height
    nearest = np.clip(nearest, piece.start, piece.end)
    scale = piece.radius if piece.curved else 1.0  # nm of the profile per unit of its parameter
    r, z, _, _ = _places(piece, nearest)
    away = np.maximum(np.hypot(r - rho, z - height), CLOSEST) / scale
    nodes, weights = np.polynomial.legendre.leggauss(POINTS)
    nodes, weights = 0.5 * (nodes + 1), 0.5 * weights
    total = np.zeros(len(rho))
    for end in (piece.start, piece.end):
        reach = np.arcsinh(np.abs(end - nearest) / away)
        u = reach[:, None] * nodes
        parameter = nearest[:, None] + np.sign(end - nearest)[:, None] * away[:, None] * np.sinh(u)
        r, z, n_r, n_z = _places(piece, parameter)
        dz, beside = z - height[:, None], rho[:, None]
        squares = (r - beside) ** 2 + dz**2, (r + beside) ** 2 + dz**2
        p = 0.5 * (squares[0] + squares[1])
        top = n_r * r * (p - 2 * beside**2) + n_z * dz * p
        value = 2 * np.pi * r * top / (squares[0] * squares[1]) ** 1.5
        total += (value * np.cosh(u)) @ weights * reach * away * scale
    return total


def _places(piece: Piece, parameter: np.ndarray) -> tuple:
    """Radius, height and outward normal (n_r, n_z) at parameters of a piece."""
    if piece.curved:
        sine, cosine = np.sin(parameter), np.cos(parameter)
        return piece.radius * sine, piece.center + piece.radius * cosine, sine, cosine
    ones = np.ones(parameter.shape)
    return piece.radius * ones, parameter, ones, 0 * ones


def singular(
    molecule: Molecule, permittivities: np.ndarray, points: np.ndarray, cut: float, most: float = np.inf
) -> np.ndarray:
    """c Σ_Born of the nanocrystal's surface and of a point's own core at points (n, 3): (n,) in eV.

    cut: nm; across a core's surface it is a straight line over this distance on both sides; most: in nm⁻¹,
    of the integral over what lies beyond the surface.
    """
    dots, within = molecule.dot_of(points), molecule.distance_outside(points) <= 0
    beyond = np.minimum(beyond_surface(molecule, points), most)
    found = np.empty(len(points))
    for number, (center, radius) in enumerate(zip(molecule.centers, molecule.core_radii, strict=True)):
        core, shell, matrix = layers(molecule, permittivities, number)
        here = dots == number
        found[here] = np.where(within[here], limit(shell, matrix), limit(matrix, shell)) * beyond[here]
        here &= within
        if core == shell:
            continue
        distance = np.linalg.norm(points[here] - center, axis=1)
        reach = narrowed(cut, radius, molecule.outer_radii[number])
        ends = radius + reach * np.array([-1.0, 1.0])
        at_ends = np.array([limit(core, shell), limit(shell, core)]) * beyond_sphere(ends, radius)
        near = np.abs(distance - radius) < reach
        away = np.where(distance < radius, limit(core, shell), limit(shell, core))
        away = away * beyond_sphere(np.where(near, 0.0, distance), radius)
        found[here] += np.where(near, np.interp(distance, ends, at_ends), away)
    return found
