"""The charge that a point charge induces on the interfaces of a molecule, and the smooth part of its Σ.

With V₀ = k/(ε_s |x − s|) and the total potential V₀ + w, w solves Poisson's equation with the charges that
V₀ induces, b(v) = −Σ_Γ (ε_a − ε_b) ∮ ∂_n V₀ v over all interfaces Γ (n from a to b). Its value at s is an
energy, w(s) = [Σ_regions (ε_s − ε) ∫ |∇V₀|² + b(w)]/4πk, whose error is of second order in that of w; its
first term, the first order in the difference of permittivities, is exact (spq.born). What is left of
Σ = w(s)/2 without c times its first order, R, is smooth up to the interfaces.
"""

from __future__ import annotations

import numpy as np

from spq.born import layers, limit, singular
from spq.facets import Interfaces
from spq.harmonics import turning
from spq.parallel import in_threads
from spq.poisson import Poisson
from spq.space import Space
from spq.units import COULOMB

HARMONICS = 12  # |m| of the induced charge; beyond it the rest is negligible
AZIMUTHS = 64  # on half a turn
TOGETHER = 32  # samples whose induced charge is found at once


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
    dots, matrix = molecule.dot_of(samples), len(permittivities) - 1
    outside = molecule.distance_outside(samples) > 0
    in_core = np.linalg.norm(samples - molecule.centers[dots], axis=1) < molecule.core_radii[dots]
    around = np.where(molecule.in_linker(samples), 2 * len(molecule.dots), matrix)
    own = permittivities[np.where(outside, around, 2 * dots + ~in_core)]
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
    if not space.harmonics.turning:  # all of it at once, where the closed form need not be exact
        return found - singular(molecule, permittivities, samples, 0.0)
    surroundings = sum(interfaces.out_of(region) for region in range(2 * len(molecule.dots), matrix + 1))
    for number in range(len(molecule.dots)):
        core, shell, beyond = layers(molecule, permittivities, number)
        surface_flux = flux @ surroundings
        here = (dots == number) & outside
        found[here] += limit(beyond, shell) * surface_flux[here]
        here = (dots == number) & ~outside
        found[here] -= limit(shell, beyond) * surface_flux[here]
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
