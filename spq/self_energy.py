"""Self-energy of a point charge in any molecule, Σ(s) = ½ [G(s, s) − G_bulk(s, s)].

The singular part is added in closed form (spq.born) to the smooth rest, which is computed by finite elements
at sample points (spq.induced) and interpolated by thin-plate splines. Single dots: spq.image. Across the
surface of a core, and across a finite wall, Σ is replaced by a straight line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from scipy.interpolate import RBFInterpolator

from spq import cache
from spq.born import singular
from spq.geometry import Molecule
from spq.image import CUT, sphere_self_energy
from spq.induced import remainder
from spq.mesh import partner_regions
from spq.meshing import frame, mirror_axes
from spq.planar import in_space, on_half_plane
from spq.poisson import Poisson
from spq.space import Space

FORMAT = 5  # raised whenever a change here makes what is stored stale
DEPTH = {True: 0.2, False: 0.35}  # nm; samples lie at least so deep; on the half plane, in a solid
OFF_CORE = 0.1  # nm; and so far from the core's surface
OFF_PLANE = 0.2  # nm; and from a plane between shells of different permittivity
FEWEST = 10  # samples that are interpolated
SPACING = (0.2, 0.5)  # nm between samples, at the surface and deep inside
WIDENING = 0.25  # nm per nm of depth
COARSER = 1.6  # factor on it where the dots do not lie on one line
ON_WALL = 1e-6  # nm, distance from the outer surface of what lies on it
STEEPEST = 2 * np.pi  # over the cut: of the integral that is singular, at an edge

Field = Callable[[np.ndarray], np.ndarray]  # eV at points (n, 3) in nm


def molecule_self_energy(
    space: Space, poisson: Poisson, cut: float = CUT, coarsening: float = 1.0
) -> np.ndarray:
    """Σ of a unit charge at the quadrature points of a space.

    Parameters
    ----------
    space : Space
    poisson : of the molecule in its surroundings
    cut : nm, > 0; across a core's surface, and across a finite wall, Σ is a straight line over this
        distance on both sides
    coarsening : factor on the distances of the samples from each other and from the surface

    Returns
    -------
    (q,) in eV; zero on a hard wall, where it is infinite and orbitals vanish
    """
    molecule, points = space.molecule, space.points
    if space.leaks or len(molecule.dots) == 1:
        return self_energy_at(space, poisson, points, cut, coarsening)
    within = molecule.distance_outside(points) < -ON_WALL
    found = np.zeros(len(points))
    # the rest is smooth: by the elements from its values at their nodes, which are fewer
    nodal = np.zeros((space.size, 1))
    nodal[space.covered, 0] = smooth_part(space, poisson, coarsening)(space.positions[space.covered])
    rest = space.values(nodal)[within, 0]
    found[within] = rest + singular(molecule, poisson.permittivities, points[within], cut)
    return found


def self_energy_at(
    space: Space, poisson: Poisson, points: np.ndarray, cut: float = CUT, coarsening: float = 1.0
) -> np.ndarray:
    """Σ of a unit charge at any points (n, 3) in nm, laboratory frame; arguments as `molecule_self_energy`.

    Returns (n,) in eV. It is infinite on a hard wall; there and beyond it is 0.
    """
    molecule = space.molecule
    outside = molecule.distance_outside(points)
    total = _total(space, poisson, cut, coarsening)
    off = np.abs(outside) > ON_WALL if space.leaks else outside < -ON_WALL
    found = np.zeros(len(points))
    found[off] = total(points[off])
    if not space.leaks:
        return found
    near = (np.abs(outside) < cut) & _passable(space, points)
    depth, normal = outside[near, None], _outward(molecule, points[near])
    ends = [total(points[near] + (side * cut - depth) * normal, STEEPEST / cut) for side in (-1, 1)]
    share = 0.5 + 0.5 * depth[:, 0] / cut
    found[near] = (1 - share) * ends[0] + share * ends[1]
    return found


def _passable(space: Space, points: np.ndarray) -> np.ndarray:
    """Where orbitals leave the nanocrystal through its nearest surface: everywhere, or to a linker."""
    if space.reach:
        return np.ones(len(points), dtype=bool)
    aside, height = on_half_plane(space.molecule, points).T
    ends = (space.molecule.centers - space.molecule.mean_center) @ space.molecule.axis
    return (aside < space.molecule.linker_diameter / 2) & (height > ends.min()) & (height < ends.max())


def _total(space: Space, poisson: Poisson, cut: float, coarsening: float) -> Callable[..., np.ndarray]:
    """Σ off the nanocrystal's surface, of points and of `most` as spq.born.singular has it."""
    molecule, permittivities = space.molecule, poisson.permittivities
    if len(molecule.dots) == 1:
        (dot,), (center,) = molecule.dots, molecule.centers
        radii = (dot.core_radius, dot.outer_radius)
        return lambda points, most=np.inf: sphere_self_energy(
            np.linalg.norm(points - center, axis=1), *radii, permittivities, cut
        )
    rest = smooth_part(space, poisson, coarsening)
    return lambda points, most=np.inf: rest(points) + singular(molecule, permittivities, points, cut, most)


def smooth_part(space: Space, poisson: Poisson, coarsening: float = 1.0) -> Field:
    """R = Σ − c Σ_Born, interpolated between samples inside and, where orbitals leak, outside."""
    molecule = space.molecule
    places, deep = space.positions[space.covered], coarsening * DEPTH[space.harmonics.turning]
    depth = -molecule.distance_outside(places)
    mirrors = _mirrors(molecule, poisson.permittivities)
    places_off = _off_interfaces(molecule, poisson.permittivities, places)
    places, depth = places[places_off], depth[places_off]
    samples = [_samples(molecule, places, depth, deep, mirrors, coarsening)]
    if space.leaks:
        gap = molecule.pairs[0].gap if molecule.pairs and not space.reach else np.inf
        samples.append(_samples(molecule, places, -depth, min(deep, gap / 4), mirrors, coarsening))
    values = _kept(space, poisson, np.vstack(samples))
    parts = np.split(values, [len(samples[0])])
    splines = []
    for where, part in zip(samples, parts, strict=False):
        every = _reflected(_coordinates(molecule, where), part, mirrors)
        enough = len(every[0]) >= FEWEST  # in a small linker orbitals hardly are
        splines.append(RBFInterpolator(*every, kernel="thin_plate_spline") if enough else _nothing)

    def rest(points: np.ndarray) -> np.ndarray:
        coordinates = _coordinates(molecule, points)
        if not space.leaks:
            return splines[0](coordinates)
        outside = molecule.distance_outside(points) > 0
        found = np.empty(len(points))
        for spline, here in zip(splines, (~outside, outside), strict=True):
            if here.any():
                found[here] = spline(coordinates[here])
        return found

    return rest


def _kept(space: Space, poisson: Poisson, samples: np.ndarray) -> np.ndarray:
    """R at samples (n, 3) from the cache, or made and put there."""
    digest = hashlib.sha256(repr((FORMAT, poisson.permittivities.tolist(), poisson.graded)).encode())
    for array in (space.mesh.doflocs, space.mesh.t, space.regions, samples):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = cache.folder("self_energy") / f"{digest.hexdigest()[:20]}.npz"
    stored = cache.read(path, ("rest",))
    if stored is None:
        stored = {"rest": remainder(space, poisson, samples)}
        cache.write(path, stored)
    return stored["rest"]


def _outward(molecule: Molecule, points: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 3) away from the body that points are nearest to."""
    step = 1e-5 * np.eye(3)
    slope = [molecule.distance_outside(points + s) - molecule.distance_outside(points - s) for s in step]
    gradient = np.column_stack(slope)
    return gradient / np.linalg.norm(gradient, axis=1)[:, None]


def _nothing(coordinates: np.ndarray) -> np.ndarray:
    return np.zeros(len(coordinates))


def _off_interfaces(molecule: Molecule, permittivities: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which places keep off a linker's side and off the planes between shells of different permittivity."""
    kept = np.ones(len(places), dtype=bool)
    for pair in molecule.pairs:
        start = molecule.centers[pair.first]
        along = (molecule.centers[pair.second] - start) / pair.distance
        if permittivities[2 * pair.first + 1] != permittivities[2 * pair.second + 1]:
            kept &= np.abs((places - start) @ along - pair.plane) > OFF_PLANE
    if molecule.linker_diameter > 0:
        aside = on_half_plane(molecule, places)[:, 0]
        kept &= np.abs(aside - molecule.linker_diameter / 2) > OFF_CORE
    return kept


def _mirrors(molecule: Molecule, permittivities: np.ndarray) -> tuple[int, ...]:
    """Mirror planes of geometry and permittivities: the coordinates (`_coordinates`) that change sign."""
    kept = [
        axis
        for axis in mirror_axes(molecule)
        if np.array_equal(permittivities[partner_regions(molecule, axis)], permittivities)
    ]
    if molecule.is_linear:  # the distance from the axis has no sign
        return (1,) if 2 in kept else ()
    return tuple(kept)


def _reflected(places: np.ndarray, values: np.ndarray, mirrors: tuple[int, ...]) -> tuple:
    """Places (n, d) and values (n,) with those of all mirror images."""
    for axis in mirrors:
        off = places[:, axis] > ON_WALL
        image = places[off] * np.where(np.arange(places.shape[1]) == axis, -1.0, 1.0)
        places, values = np.vstack([places, image]), np.concatenate([values, values[off]])
    return places, values


def _samples(
    molecule: Molecule,
    places: np.ndarray,
    depth: np.ndarray,
    deep: float,
    mirrors: tuple[int, ...],
    wider: float,
) -> np.ndarray:
    """Points (n, 3) among places that lie deep enough, the denser the nearer to the surface.

    depth: (n,) nm, of each place; mirrors: the points lie on one side of these planes. Where the dots lie
    on one line, all at azimuth 0.
    """
    dots = molecule.dot_of(places)
    from_center = np.linalg.norm(places - molecule.centers[dots], axis=1)
    off_core = np.abs(from_center - molecule.core_radii[dots]) > OFF_CORE
    coordinates = _coordinates(molecule, places)
    one_side = (coordinates[:, list(mirrors)] > -ON_WALL).all(axis=1)
    kept = np.flatnonzero((depth >= deep) & off_core & one_side)
    kept = kept[np.argsort(-depth[kept], kind="stable")]
    coordinates = coordinates[kept]
    spacing = np.clip(SPACING[0] + WIDENING * (depth[kept] - deep), *SPACING)
    spacing *= wider if molecule.is_linear else wider * COARSER
    open_ = np.ones(len(kept), dtype=bool)
    chosen = []
    for i in range(len(kept)):
        if open_[i]:
            chosen.append(i)
            open_ &= np.linalg.norm(coordinates - coordinates[i], axis=1) > spacing
    found = coordinates[chosen]
    if molecule.is_linear:
        return in_space(molecule, found)
    return molecule.mean_center + found @ frame(molecule)


def _coordinates(molecule: Molecule, points: np.ndarray) -> np.ndarray:
    """Those of the half plane where the dots lie on one line, else of the molecule's frame."""
    if molecule.is_linear:
        return on_half_plane(molecule, points)
    return (points - molecule.mean_center) @ frame(molecule).T
