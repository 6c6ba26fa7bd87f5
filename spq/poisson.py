"""Electrostatics: −∇·(ε ∇V) = 4πk ρ on all space, k = e²/4πε₀, flux continuous at every interface.

V is the potential energy of a unit charge in eV. The outer sphere of radius R carries the Robin
condition ∂V/∂n = −V/R, exact for the monopole of a charge at its centre.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse as sp

from spq.errors import SpqError
from spq.factorisation import Factorisation
from spq.space import Space
from spq.units import COULOMB

GAUSS_LIMIT = 1e-8  # of the charge's absolute value
ON_SURFACE = 1e-3  # nm; a charge nearer than this to the surface is on it


class Poisson:
    """Poisson's equation on a space with given permittivities, factorised once.

    Parameters
    ----------
    space : Space
    permittivities : (2N + 1,) relative permittivity of each region
    """

    def __init__(self, space: Space, permittivities: np.ndarray):
        self.space = space
        self.permittivities = np.asarray(permittivities, dtype=float)

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """∫ ε ∇u·∇v + ∮ (ε/R) u v, (size, size), symmetric."""
        outer = self.space.outer_surface
        robin = np.full(outer.weights.shape, self.permittivities[-1] / self.space.outer_radius)
        return (self.space.stiffness(self.permittivities) + outer.mass(robin, self.space.size)).tocsr()

    @cached_property
    def factors(self) -> Factorisation:
        """Factorisation of the matrix."""
        return Factorisation(self.matrix)

    def solve(self, sources: np.ndarray) -> np.ndarray:
        """Potentials in eV from source vectors ∫ρ v or v(r_s), (size,) or (size, k), batched.

        Raises SpqError where a potential misses Gauss's law by more than 1e-8 of the charge.
        """
        potentials = self.factors.solve(4 * np.pi * COULOMB * sources)
        charge, size = sources.sum(axis=0), np.abs(sources).sum(axis=0)
        flux = (self._outflow @ potentials) / (4 * np.pi * COULOMB)
        if not np.all(np.abs(flux - charge) <= GAUSS_LIMIT * size):
            raise SpqError("Gauss's law fails: the flux through the outer sphere is not the charge inside")
        return potentials

    @cached_property
    def _outflow(self) -> np.ndarray:
        """Row vector whose product with a potential is the flux ∮ (ε/R) V through the outer sphere."""
        return self.matrix @ np.ones(self.space.size)

    def density_source(self, density: np.ndarray) -> np.ndarray:
        """∫ ρ v of densities given at the nanocrystal's quadrature points, (q,) or (q, k), in nm⁻³."""
        weighted = self.space.weights[:, None] * density.reshape(len(density), -1)
        sources = np.zeros((self.space.size, weighted.shape[1]))
        sources[self.space.covered] = self.space.source(weighted)
        return sources.reshape(-1, *density.shape[1:])

    def potential_of_density(self, density: np.ndarray) -> np.ndarray:
        """Potential in eV, (size,) or (size, k), of unit-charge densities at quadrature points."""
        return self.solve(self.density_source(density))

    def flux(self, potential: np.ndarray) -> float:
        """Charge in e within the nanocrystal by Gauss's law: the flux of ε∇V through its surface.

        Taken consistently with the weak form, (1/4πk) ∫ ε ∇V·∇χ over the elements outside, with χ one
        on the nanocrystal and falling to zero across the elements that touch it.
        """
        touched = np.zeros(self.space.size)
        touched[self.space.covered] = 1.0
        outside = np.zeros_like(self.permittivities)
        outside[-1] = self.permittivities[-1]
        return float(touched @ (self.space.stiffness(outside) @ potential)) / (4 * np.pi * COULOMB)

    def potential_of_charges(
        self, positions: np.ndarray, charges: np.ndarray, points: np.ndarray
    ) -> np.ndarray:
        """Potential in eV at points (n, 3) of point charges on or outside the nanocrystal's surface.

        The singular part k Q/(ε̄ |r − r_s|) is split off, with ε̄ the mean permittivity of both sides
        for a charge on the surface (exact for a plane interface); the rest, driven by the jump of
        ε ∂ₙ of the singular part on every interface, is solved for on the mesh. What quadrature
        misses of the solid angle near the charge is put back at the charge itself.

        Parameters
        ----------
        positions : (s, 3) nm; charges : (s,) in e; points : (n, 3) nm

        Returns
        -------
        (n,) potential energy of a unit charge in eV

        Raises
        ------
        InputError
            If a position or a point lies outside the mesh.
        """
        positions, charges = np.atleast_2d(positions), np.atleast_1d(charges)
        strengths = COULOMB * charges / self._local_permittivity(positions)
        here = self.space.point_values(positions)
        halves, smooth = self._solid_angles(positions)
        load = np.zeros(self.space.size)
        for number, permittivity in enumerate(self.permittivities):
            surface = self.space.interface(self.space.regions == number)
            slope = _normal_slope(surface, positions, strengths)
            load -= permittivity * surface.load(slope.sum(axis=-1), self.space.size)
            missing = -2 * np.pi * halves[number] * strengths - _integral(surface, slope)
            load -= permittivity * (here.T @ np.where(smooth, missing, 0.0))
        outer = self.space.outer_surface
        value = _coulomb(outer.points, positions, strengths)
        load -= outer.load(self.permittivities[-1] / self.space.outer_radius * value, self.space.size)
        regular = self.factors.solve(load)
        return _coulomb(points, positions, strengths) + self.space.point_values(points) @ regular

    def _solid_angles(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half-spaces (0, 1 or 2) that a charge sees of each region, (2N + 1, s); known where smooth."""
        molecule = self.space.molecule
        at_surface = np.abs(molecule.distance_outside(positions)) < ON_SURFACE
        halves = np.zeros((len(self.permittivities), len(positions)))
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

    def _local_permittivity(self, positions: np.ndarray) -> np.ndarray:
        """Mean permittivity around each charge, (s,): of both sides for one on the surface."""
        halves, _ = self._solid_angles(positions)
        return 0.5 * self.permittivities @ halves


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
