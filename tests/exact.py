"""Closed forms for a dielectric sphere of radius R, permittivity inside and outside: see docstrings."""

import numpy as np
from scipy.special import eval_legendre

from spq.units import COULOMB


def potential_inside(points, charge_at, radius, inside, outside, terms=4000):
    """Potential (n,) in eV at points (n, 3) inside, of a unit charge on or outside the sphere.

    G = k Σ_l (2l+1)/(l ε₁ + (l+1) ε₂) r^l/r_s^{l+1} P_l(cos γ)
    """
    points = np.atleast_2d(points)
    far = np.linalg.norm(charge_at)
    assert far >= radius
    near = np.linalg.norm(points, axis=1)
    cosine = points @ np.asarray(charge_at) / np.where(near > 0, near * far, 1.0)
    order = np.arange(terms)[:, None]
    weights = (2 * order + 1) / (order * inside + (order + 1) * outside)
    series = weights * (near / far) ** order / far * eval_legendre(order, np.clip(cosine, -1, 1))
    return COULOMB * series.sum(axis=0)


def mismatch_constant(radius, inside, outside):
    """What the surroundings add to every Coulomb integral inside the sphere, for l = 0, in eV."""
    return COULOMB / radius * (1 / outside - 1 / inside)
