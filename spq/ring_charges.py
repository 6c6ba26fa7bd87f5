"""The potential of point charges on a half plane, their singular part split off.

V = V₀ + w with V₀ = k Q/(ε̄ |r − r_s|), ε̄ the mean permittivity around the charge. What is left obeys
    ∫ ε ∇w·∇v + Robin = −Σ_Γ (ε_a − ε_b) ∮ ∂ₙV₀ v − ∮_outer (ε ∂ₙV₀ + Robin V₀) v
over all interfaces Γ (n from a to b), harmonic by harmonic of the azimuth β from the charge. Close to the
charge the integrals over β are gathered at β = 0 by β = a sinh u, a the distance in the half plane over √(r
ρ).
"""

from __future__ import annotations

import numpy as np

from spq.axisymmetric import INTERFACE_ORDER, ON_AXIS, AxisymmetricSpace
from spq.facets import Surface, boundary_of, curved_surface, inner_side
from spq.point_charges import local_permittivity, potential_of_charges, solid_angles
from spq.poisson import Poisson
from spq.units import COULOMB

HIGHEST = 24  # |m| of what the interfaces answer with
TURNS = 96  # quadrature points over half a turn
NEAREST = 1e-9  # nm


def charges_potential(
    poisson: Poisson, positions: np.ndarray, charges: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """Potential in eV at points of point charges on or outside the nanocrystal's surface, on any mesh.

    Parameters
    ----------
    poisson : Poisson
    positions : (s, 3) nm; charges : (s,) in e; points : (n, 3) nm

    Returns
    -------
    (n,) potential energy of a positive unit charge in eV; infinite at a charge

    Raises
    ------
    InputError
        If a position or a point lies outside the mesh.
    """
    apart = np.linalg.norm(points[:, None] - positions, axis=-1)
    at, of = np.nonzero(apart < NEAREST)
    off = np.delete(np.arange(len(points)), at)
    found = np.empty(len(points))
    found[at] = np.sign(charges[of]) * np.inf
    if not isinstance(poisson.space, AxisymmetricSpace):
        found[off] = potential_of_charges(poisson, positions, charges, points[off])
        return found
    strengths = COULOMB * charges / local_permittivity(poisson, positions)
    found[off] = (strengths / apart[off]).sum(axis=-1)
    space = poisson.space
    evaluate, azimuths = space.point_values(points), space.local(points)[1]
    for label, nodal in _answer(poisson, space, positions, strengths).items():
        found += space.harmonics.values((label,), azimuths)[0] * (evaluate @ nodal)
    return found


def _answer(
    poisson: Poisson, space: AxisymmetricSpace, positions: np.ndarray, strengths: np.ndarray
) -> dict[int, np.ndarray]:
    """w of all charges together: nodal values of each label."""
    permittivities = poisson.permittivities
    inner = space.interfaces(np.arange(len(permittivities), dtype=float))
    jump = permittivities[inner.first] - permittivities[inner.second]
    outer = _outer(space)
    places, azimuths = space.local(positions)
    halves, smooth = solid_angles(poisson, positions)
    here = space.point_values(positions)
    far, radius = float(permittivities[-1]), space.outer_radius
    found: dict[int, np.ndarray] = {}
    for number, (place, strength) in enumerate(zip(places, strengths, strict=True)):
        highest = HIGHEST if place[0] > ON_AXIS else 0
        _, slopes = _harmonics(inner.surface, place, highest)
        values, fluxes = _harmonics(outer, place, highest)
        robin = (np.arange(highest + 1) + 1)[:, None, None] * values / radius + fluxes
        loads = -inner.surface.loads(jump[:, None] * slopes, space.size) - far * outer.loads(
            robin, space.size
        )
        if smooth[number]:  # what quadrature misses of the solid angle is put back at the charge
            flux = np.sum(slopes[0] * inner.surface.weights, axis=1)
            missing = [-2 * np.pi * halves[i, number] for i in range(len(permittivities))]
            missing -= np.array([inner.out_of(i) @ flux for i in range(len(permittivities))])
            missing[-1] -= np.sum(fluxes[0] * outer.weights)
            loads -= (permittivities @ missing) * here[number].toarray().T
        for m in range(highest + 1):
            solved = strength * poisson.factors(m).solve(np.where(_free(space, m), loads[:, m], 0.0))
            for label in {m, -m}:
                (angular,) = space.harmonics.values((label,), azimuths[[number]])
                if angular[0]:
                    found[label] = found.get(label, 0.0) + angular[0] * solved
    return found


def _free(space: AxisymmetricSpace, harmonic: int) -> np.ndarray:
    return np.isin(np.arange(space.size), space.free(harmonic))


def _outer(space: AxisymmetricSpace) -> Surface:
    everywhere = np.ones(len(space.regions), dtype=bool)
    facets = boundary_of(space.mesh, everywhere)
    facets = facets[space.mesh.doflocs[0, space.mesh.dofs.facet_dofs[0, facets]] > 0]
    return curved_surface(space.mesh, facets, inner_side(space.mesh, facets, everywhere), INTERFACE_ORDER)


def _harmonics(surface: Surface, place: np.ndarray, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """∫ cos(mβ) of 1/|x − s| and of its normal derivative over β at a surface's points, (m, f, q) each."""
    shape = surface.points.shape[:2]
    r, z = surface.points.reshape(-1, 2).T
    n_r, n_z = surface.normals.reshape(-1, 2).T
    aside, height = place
    above = z - height
    away = np.maximum(np.hypot(r - aside, above), NEAREST)
    # on the axis nothing depends on β
    scale = np.minimum(away / np.sqrt(np.maximum(r * aside, NEAREST**2)), np.pi)
    nodes, weights = np.polynomial.legendre.leggauss(TURNS)
    reach = np.arcsinh(np.pi / scale)
    u = 0.5 * (nodes[:, None] + 1) * reach
    beta = scale * np.sinh(u)
    weight = weights[:, None] * reach * scale * np.cosh(u)  # of both halves of the turn
    square = away**2 + 4 * r * aside * np.sin(0.5 * beta) ** 2
    inverse = 1 / np.sqrt(square)
    towards = n_r * (r - aside * np.cos(beta)) + n_z * above
    slope = -towards * inverse**3 * weight
    value = inverse * weight
    waves = [np.cos(m * beta) for m in range(highest + 1)]
    values = np.array([np.sum(wave * value, axis=0) for wave in waves])
    slopes = np.array([np.sum(wave * slope, axis=0) for wave in waves])
    return values.reshape(-1, *shape), slopes.reshape(-1, *shape)
