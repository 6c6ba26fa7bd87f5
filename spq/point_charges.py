"""The potential of point charges at any place of a solid mesh, their singular part split off."""

from __future__ import annotations

import numpy as np

from spq.errors import InputError
from spq.poisson import Poisson
from spq.solid import SolidSpace
from spq.units import COULOMB

ON_SURFACE = 1e-3  # nm; a charge nearer than this to the surface is on it


def potential_of_charges(
    poisson: Poisson, positions: np.ndarray, charges: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Potential in eV at points (n, 3) of point charges on or outside the nanocrystal's surface.

    The singular part k Q/(ε̄ |r − r_s|) is split off, with ε̄ the mean permittivity of both sides
    for a charge on the surface (exact for a plane interface); the rest, driven by the jump of
    ε ∂ₙ of the singular part on every interface, is solved for on the mesh. What quadrature
    misses of the solid angle near the charge is put back at the charge itself.

    Parameters
    ----------
    poisson : Poisson on a solid mesh
    positions : (s, 3) nm; charges : (s,) in e; points : (n, 3) nm

    Returns
    -------
    (n,) potential energy of a unit charge in eV

    Raises
    ------
    InputError
        If a position or a point lies outside the mesh, or the mesh is of a half plane.
    """
    positions, charges = np.atleast_2d(positions), np.atleast_1d(charges)
    space = _solid(poisson)
    strengths = COULOMB * charges / local_permittivity(poisson, positions)
    here = space.point_values(positions)
    halves, smooth = solid_angles(poisson, positions)
    load = np.zeros(space.size)
    for number, permittivity in enumerate(poisson.permittivities):
        surface = space.interface(space.regions == number)
        slope = _normal_slope(surface, positions, strengths)
        load -= permittivity * surface.loads(slope.sum(axis=-1)[None], space.size)[:, 0]
        missing = -2 * np.pi * halves[number] * strengths - _integral(surface, slope)
        load -= permittivity * (here.T @ np.where(smooth, missing, 0.0))
    outer = space.outer_surface
    value = _coulomb(outer.points, positions, strengths)
    load -= outer.loads((poisson.permittivities[-1] / space.outer_radius * value)[None], space.size)[:, 0]
    regular = poisson.factors().solve(load)
    return _coulomb(points, positions, strengths) + space.point_values(points) @ regular


def solid_angles(poisson: Poisson, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half-spaces (0, 1 or 2) that a charge sees of each region, (2N + 1, s); known where smooth."""
    molecule = poisson.space.molecule
    at_surface = np.abs(molecule.distance_outside(positions)) < ON_SURFACE
    halves = np.zeros((len(poisson.permittivities), len(positions)))
    halves[-1] = np.where(at_surface, 1.0, 2.0)
    dot = molecule.dot_of(positions)
    bare = molecule.core_radii == molecule.outer_radii  # no shell: the core is at the surface
    halves[np.where(bare[dot], 2 * dot, 2 * dot + 1), np.arange(len(positions))] = at_surface
    touching = [
        np.abs(np.linalg.norm(positions - center, axis=1) - radius) < ON_SURFACE
        for center, radius in zip(molecule.centers, molecule.outer_radii, strict=True)
    ]
    for pair in molecule.pairs:
        if pair.neck_radius > 0:
            along = molecule.centers[pair.second] - molecule.centers[pair.first]
            offset = np.cross(positions - molecule.centers[pair.first], along / pair.distance)
            across = np.linalg.norm(offset, axis=1)
            touching.append(np.abs(across - pair.neck_radius) < ON_SURFACE)
    return halves, np.sum(touching, axis=0) < 2


def local_permittivity(poisson: Poisson, positions: np.ndarray) -> np.ndarray:
    """Mean permittivity around each charge, (s,): of both sides for one on the surface."""
    halves, _ = solid_angles(poisson, positions)
    return 0.5 * poisson.permittivities @ halves


def _solid(poisson: Poisson) -> SolidSpace:
    if not isinstance(poisson.space, SolidSpace):
        raise InputError("the potential of single charges needs a solid mesh")
    return poisson.space


def _coulomb(points, positions, strengths) -> np.ndarray:
    """Σ strength/|r − r_s| at points (..., 3)."""
    distance = np.linalg.norm(points[..., None, :] - positions, axis=-1)
    return (strengths / distance).sum(axis=-1)


def _integral(surface, values) -> np.ndarray:
    """∮ f dS of values (f, q, s), (s,)."""
    return np.einsum("fqs,fq->s", values, surface.weights)


def _normal_slope(surface, positions, strengths) -> np.ndarray:
    """∂ₙ of each strength/|r − r_s| on a surface, (f, q, s)."""
    apart = surface.points[..., None, :] - positions
    distance = np.linalg.norm(apart, axis=-1)
    along = np.einsum("fqsd,fqd->fqs", apart, surface.normals)
    return -strengths * along / distance**3
