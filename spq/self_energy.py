"""Self-energy of a point charge in any molecule, Σ(s) = ½ [G(s, s) − G_bulk(s, s)], by finite elements.

With V₀ = k/(ε_s |x − s|) and the total potential V₀ + w, w solves Poisson's equation with the charges that
V₀ induces, b(v) = −Σ_Γ (ε_a − ε_b) ∮ ∂_n V₀ v over all interfaces Γ (n from a to b). Its value at s is an
energy, w(s) = [Σ_regions (ε_s − ε) ∫ |∇V₀|² + b(w)]/4πk, whose error is of second order in that of w and
whose first term is exact (spq.born). Close to an interface the sum tends to c = 2ε_s/(ε_s + ε′) times the
first term: the rest R = Σ − c Σ_Born is smooth. It is computed at sample points, interpolated by thin-plate
splines, and the singular part added in closed form. Sphere by sphere: spq.image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from scipy.interpolate import RBFInterpolator

from spq import cache
from spq.born import beyond_sphere, beyond_surface, limit
from spq.facets import Interfaces
from spq.geometry import Molecule
from spq.harmonics import turning
from spq.image import CUT, sphere_self_energy
from spq.parallel import in_threads
from spq.planar import in_space, on_half_plane
from spq.poisson import Poisson
from spq.space import Space
from spq.units import COULOMB

FORMAT = 1  # raised whenever a change here makes what is stored stale
HARMONICS = 12  # |m| of the induced charge; beyond it the rest is negligible
AZIMUTHS = 64  # on half a turn
DEPTH = {True: 0.2, False: 0.35}  # nm; samples lie at least so deep; on the half plane, in a solid
OFF_CORE = 0.1  # nm; and so far from the core's surface
SPACING = (0.2, 0.5)  # nm between samples, at the surface and deep inside
WIDENING = 0.25  # nm per nm of depth
COARSER = 1.6  # factor on it where the dots do not lie on one line
ON_WALL = 1e-6  # nm, distance from the outer surface of what lies on it
TOGETHER = 32  # samples whose induced charge is found at once


def molecule_self_energy(space: Space, poisson: Poisson, cut: float = CUT) -> np.ndarray:
    """Σ of a unit charge at the nanocrystal's quadrature points; zero on the wall, where it is infinite.

    Parameters
    ----------
    space : Space
    poisson : of the molecule in its surroundings
    cut : nm; across a core's surface Σ is a straight line over this distance on both sides

    Returns
    -------
    (q,) in eV
    """
    molecule, nodes = space.molecule, space.covered
    within = molecule.distance_outside(space.points) < -ON_WALL
    if len(molecule.dots) == 1:
        return _of_sphere(space, poisson.permittivities, within, cut)
    field = np.zeros((space.size, 1))
    field[nodes, 0] = _kept(
        space, poisson.permittivities, lambda: smooth_part(space, poisson)(space.positions[nodes])
    )
    found = space.values(field)[:, 0]
    found[within] += singular(molecule, poisson.permittivities, space.points[within], cut)
    return np.where(within, found, 0.0)


def smooth_part(space: Space, poisson: Poisson) -> Callable[[np.ndarray], np.ndarray]:
    """R in eV as a function of points (n, 3) of the nanocrystal in nm, interpolated between samples."""
    molecule = space.molecule
    samples = _samples(molecule, space.positions[space.covered], DEPTH[space.harmonics.turning])
    rest = remainder(space, poisson, samples)
    spline = RBFInterpolator(_coordinates(molecule, samples), rest, kernel="thin_plate_spline")
    return lambda points: spline(_coordinates(molecule, points))


def _kept(space: Space, permittivities: np.ndarray, make: Callable[[], np.ndarray]) -> np.ndarray:
    """R from the cache, or made and put there: it depends on the mesh and the permittivities only."""
    digest = hashlib.sha256(repr((FORMAT, permittivities.tolist())).encode())
    for array in (space.mesh.doflocs, space.mesh.t, space.regions):
        digest.update(np.ascontiguousarray(array).tobytes())
    path = cache.folder("self_energy") / f"{digest.hexdigest()[:20]}.npz"
    stored = cache.read(path, ("rest",))
    if stored is None:
        stored = {"rest": make()}
        cache.write(path, stored)
    return stored["rest"]


def _of_sphere(space: Space, permittivities: np.ndarray, within: np.ndarray, cut: float) -> np.ndarray:
    (dot,), (center,) = space.molecule.dots, space.molecule.centers
    distances = np.linalg.norm(space.points[within] - center, axis=1)
    found = np.zeros(len(within))
    found[within] = sphere_self_energy(distances, dot.core_radius, dot.outer_radius, permittivities, cut)
    return found


def singular(molecule: Molecule, permittivities: np.ndarray, points: np.ndarray, cut: float) -> np.ndarray:
    """c Σ_Born of the surface and of its own core at points (n, 3) of the nanocrystal: (n,) in eV."""
    dots, outside = molecule.dot_of(points), beyond_surface(molecule, points)
    found = np.empty(len(points))
    for number, (center, radius) in enumerate(zip(molecule.centers, molecule.core_radii, strict=True)):
        here = dots == number
        core, shell, matrix = _layers(molecule, permittivities, number)
        found[here] = limit(shell, matrix) * outside[here]
        if core == shell:
            continue
        distance = np.linalg.norm(points[here] - center, axis=1)
        ends = radius + cut * np.array([-1.0, 1.0])
        at_ends = np.array([limit(core, shell), limit(shell, core)]) * beyond_sphere(ends, radius)
        near = np.abs(distance - radius) < cut
        away = np.where(distance < radius, limit(core, shell), limit(shell, core))
        away = away * beyond_sphere(np.where(near, 0.0, distance), radius)
        found[here] += np.where(near, np.interp(distance, ends, at_ends), away)
    return found


def _layers(molecule: Molecule, permittivities: np.ndarray, dot: int) -> tuple[float, float, float]:
    """Permittivities of a dot's core, of what lies at its surface, and outside."""
    core, shell, matrix = (float(permittivities[i]) for i in (2 * dot, 2 * dot + 1, -1))
    return core, shell if molecule.dots[dot].shell_thickness > 0 else core, matrix


def remainder(space: Space, poisson: Poisson, samples: np.ndarray) -> np.ndarray:
    """R = Σ − c Σ_Born at samples (n, 3) in nm, laboratory frame, off every interface: (n,) in eV."""
    interfaces = space.interfaces(poisson.permittivities)
    if not len(interfaces.first):
        return np.zeros(len(samples))
    labels = tuple(range(HARMONICS + 1)) if space.harmonics.turning else (0,)
    for label in labels:
        poisson.factors(label)  # before threads ask for it
    pieces = [samples[i : i + TOGETHER] for i in range(0, len(samples), TOGETHER)]
    turning = space.harmonics.turning
    found = in_threads(lambda piece: _remainder(poisson, interfaces, labels, piece), pieces, turning)
    return np.concatenate(found)


def _remainder(
    poisson: Poisson, interfaces: Interfaces, labels: tuple[int, ...], samples: np.ndarray
) -> np.ndarray:
    space, permittivities, surface = poisson.space, poisson.permittivities, interfaces.surface
    molecule = space.molecule
    dots = molecule.dot_of(samples)
    in_core = np.linalg.norm(samples - molecule.centers[dots], axis=1) < molecule.core_radii[dots]
    own = permittivities[2 * dots + ~in_core]
    jump = permittivities[interfaces.first] - permittivities[interfaces.second]
    values, slopes = _fields(surface.points, surface.normals, space.local(samples)[0], labels)
    flux = np.einsum("nlfq,nlfq,fq->nf", values, slopes, surface.weights)
    first_order = -COULOMB / (8 * np.pi * own**2) * (flux @ jump)
    energy = np.zeros(len(samples))
    for i, label in enumerate(labels):
        source = surface.loads(slopes[:, i] * jump[:, None], space.size) * (-COULOMB / own)
        source[np.setdiff1d(np.arange(space.size), space.free(label))] = 0.0
        energy += np.einsum("in,in->n", source, poisson.factors(label).solve(source))
    found = first_order + energy / (8 * np.pi * COULOMB)
    for number in range(len(molecule.dots)):
        here = dots == number
        core, shell, matrix = _layers(molecule, permittivities, number)
        found[here] -= limit(shell, matrix) * (flux[here] @ interfaces.out_of(2 * len(molecule.dots)))
        if core != shell:
            through = flux[here] @ interfaces.out_of(2 * number)
            found[here] -= np.where(in_core[here], -limit(core, shell), limit(shell, core)) * through
    return found


def _fields(points, normals, samples, labels) -> tuple[np.ndarray, np.ndarray]:
    """1/|x − s| and its normal derivative at an interface's points (f, q, d) for samples (n, d).

    Returns two arrays (n, labels, f, q): on the half plane (d = 2) the coefficients of the harmonics, of
    a sample at azimuth 0; in a solid the values.
    """
    shape, dimension = points.shape[:2], points.shape[2]
    x, n = points.reshape(-1, dimension), normals.reshape(-1, dimension)
    values = np.empty((len(samples), len(labels), len(x)))
    slopes = np.empty(values.shape)
    if dimension == 3:
        for i, sample in enumerate(samples):
            apart = x - sample
            inverse = 1 / np.linalg.norm(apart, axis=1)
            values[i], slopes[i] = inverse, -np.einsum("id,id->i", n, apart) * inverse**3
    else:
        azimuth = np.pi / AZIMUTHS * (np.arange(AZIMUTHS) + 0.5)
        cosine = np.cos(azimuth)[:, None]
        waves = turning(max(labels), 0).values(labels, azimuth) * (2 * np.pi / AZIMUTHS)
        for i, (radius, height) in enumerate(samples):
            above = x[:, 1] - height
            squares = x[:, 0] ** 2 + radius**2 + above**2 - 2 * radius * cosine * x[:, 0]
            inverse = 1 / np.sqrt(squares)
            towards = n[:, 0] * x[:, 0] + n[:, 1] * above - radius * cosine * n[:, 0]
            values[i], slopes[i] = waves @ inverse, waves @ (-towards * inverse**3)
    return values.reshape(*values.shape[:2], *shape), slopes.reshape(*values.shape[:2], *shape)


def _samples(molecule: Molecule, places: np.ndarray, deep: float) -> np.ndarray:
    """Points (n, 3) among places in the nanocrystal: the denser the nearer to its surface.

    Where the dots lie on one line, all at azimuth 0.
    """
    depth, dots = -molecule.distance_outside(places), molecule.dot_of(places)
    from_center = np.linalg.norm(places - molecule.centers[dots], axis=1)
    off_core = np.abs(from_center - molecule.core_radii[dots]) > OFF_CORE
    kept = np.flatnonzero((depth >= deep) & off_core)
    kept = kept[np.argsort(-depth[kept], kind="stable")]
    coordinates = _coordinates(molecule, places)[kept]
    spacing = np.clip(SPACING[0] + WIDENING * (depth[kept] - deep), *SPACING)
    spacing *= 1.0 if molecule.is_linear else COARSER
    open_ = np.ones(len(kept), dtype=bool)
    chosen = []
    for i in range(len(kept)):
        if open_[i]:
            chosen.append(i)
            open_ &= np.linalg.norm(coordinates - coordinates[i], axis=1) > spacing
    found = coordinates[chosen]
    return in_space(molecule, found) if molecule.is_linear else found


def _coordinates(molecule: Molecule, points: np.ndarray) -> np.ndarray:
    """What Σ depends on: distance from the axis and height along it where the dots lie on one line."""
    return on_half_plane(molecule, points) if molecule.is_linear else points
