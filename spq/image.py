"""Self-energy of a point charge from its image: Σ(r) = ½ [G(r, r) − G_bulk(r, r)], one core/shell sphere.

In layers of permittivity the potential of a charge e at radius a is a sum over l of r^l and r^−(l+1) whose
amplitudes follow from the continuity of V and ε ∂V/∂r; the part that the interfaces add is taken at the
charge. At a single interface (radius R, ε there ε, beyond it ε′, s = the outer one over the sum of both) the
sum has a closed form: with x = (a/R)² < 1 inside or (R/a)² < 1 outside
    Σ_l x^l (l+1)/(l+s) = 1/(1−x) + (1−s)/s F(x),    Σ_l x^l l/(l+s) = 1/(1−x) − F(x),
F(x) = ₂F₁(1, s; 1+s; x). What two interfaces add to the sum of both falls like (core/R)^2l.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import hyp2f1

from spq.units import COULOMB

CUT = 0.1  # nm; closer to the core's surface the self-energy is a straight line
ORDER = np.arange(60)  # l of what the interfaces make together


def sphere_self_energy(
    radius: np.ndarray, core: float, outer: float, permittivities: np.ndarray, cut: float = CUT
) -> np.ndarray:
    """Σ of a unit charge in or around a core/shell sphere.

    Parameters
    ----------
    radius : (n,) nm, distances from the centre
    core, outer : nm, radii of the core and of the whole; equal for a bare core
    permittivities : of core, shell and surroundings
    cut : nm; across the core's surface Σ is a straight line over this distance on both sides; it is not
        where the core is bare, nor at the outer surface, where a hard wall keeps the carriers away

    Returns
    -------
    (n,) in eV; not finite on an interface without a cut
    """
    radius = np.asarray(radius, dtype=float)
    inner, shell, matrix = (float(value) for value in permittivities)
    bare = core >= outer
    layers = _Layers(0.5 * outer, outer, inner, inner, matrix)  # divided where nothing changes
    if not bare:
        layers = _Layers(core, outer, inner, shell, matrix)
    found = np.empty(radius.shape)
    below, above = radius < layers.core, radius > outer
    for here, formula in ((below, _in_core), (above, _outside), (~below & ~above, _in_shell)):
        found[here] = formula(radius[here], layers)
    cut = narrowed(cut, core, outer)
    near = np.abs(radius - core) < cut
    if near.any() and not bare and inner != shell:
        ends = np.array([core - cut, core + cut])
        there = sphere_self_energy(ends, core, outer, permittivities, 0.0)
        found[near] = np.interp(radius[near], ends, there)
    return found


def narrowed(cut: float, core: float, outer: float) -> float:
    """A cut that stays within half of a core and half of its shell, nm."""
    return min(cut, 0.5 * core, 0.5 * (outer - core))


class _Layers(NamedTuple):
    """Radii of core and whole in nm, permittivities of core, shell and surroundings."""

    core: float
    outer: float
    inner: float
    shell: float
    matrix: float

    @property
    def across(self) -> np.ndarray:
        """(core/outer)^(2l+1)."""
        return (self.core / self.outer) ** (2 * ORDER + 1)

    @property
    def core_back(self) -> np.ndarray:
        """What the core's surface sends back into the shell, of every l."""
        return ORDER * (self.shell - self.inner) / (ORDER * self.inner + (ORDER + 1) * self.shell)

    @property
    def outer_back(self) -> np.ndarray:
        """What the outer surface sends back into the shell, of every l."""
        return (ORDER + 1) * (self.shell - self.matrix) / (ORDER * self.shell + (ORDER + 1) * self.matrix)


def _from_within(x: np.ndarray, here: float, beyond: float) -> np.ndarray:
    """Σ_l x^l (l+1)(ε − ε′)/(l ε + (l+1) ε′) of a charge within an interface."""
    if here == beyond:
        return np.zeros(x.shape)
    s = beyond / (here + beyond)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (here - beyond) / (here + beyond) * (1 / (1 - x) + (1 - s) / s * hyp2f1(1, s, 1 + s, x))


def _from_without(x: np.ndarray, here: float, within: float) -> np.ndarray:
    """Σ_l x^l l (ε − ε′)/(l ε′ + (l+1) ε) of a charge outside an interface."""
    if here == within:
        return np.zeros(x.shape)
    s = here / (here + within)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (here - within) / (here + within) * (1 / (1 - x) - hyp2f1(1, s, 1 + s, x))


def _in_core(a: np.ndarray, layers: _Layers) -> np.ndarray:
    inner, shell, across = layers.inner, layers.shell, layers.across
    # at the core: flux over potential of a wave that goes out, with what the outer surface sends back
    back = across * layers.outer_back
    flux = shell * (ORDER * back - (ORDER + 1)) / (1 + back)
    together = (flux + inner * (ORDER + 1)) / (inner * ORDER - flux)
    alone = (ORDER + 1) * (inner - shell) / (ORDER * inner + (ORDER + 1) * shell)
    x = (a / layers.core) ** 2
    rest = np.vander(x, len(ORDER), increasing=True) @ (together - alone)
    return COULOMB / (2 * inner * layers.core) * (_from_within(x, inner, shell) + rest)


def _in_shell(a: np.ndarray, layers: _Layers) -> np.ndarray:
    outward, inward = a / layers.outer, layers.core / a
    both = layers.across * layers.core_back * layers.outer_back
    outwards = np.vander(outward**2, len(ORDER), increasing=True) * outward[:, None] * layers.outer_back
    inwards = np.vander(inward**2, len(ORDER), increasing=True) * inward[:, None] * layers.core_back
    rest = ((outwards + inwards) * both + 2 * both) / (1 - both)
    single = outward * _from_within(outward**2, layers.shell, layers.matrix)
    single += inward * _from_without(inward**2, layers.shell, layers.inner)
    return COULOMB / (2 * layers.shell * a) * (single + rest.sum(axis=1))


def _outside(a: np.ndarray, layers: _Layers) -> np.ndarray:
    shell, matrix = layers.shell, layers.matrix
    back = layers.across * layers.core_back
    flux = shell * (ORDER - (ORDER + 1) * back) / (1 + back)
    together = (ORDER * matrix - flux) / ((ORDER + 1) * matrix + flux)
    alone = ORDER * (matrix - shell) / (ORDER * shell + (ORDER + 1) * matrix)
    y = (layers.outer / a) ** 2
    rest = np.vander(y, len(ORDER), increasing=True) @ (together - alone)
    return COULOMB * layers.outer / (2 * matrix * a**2) * (_from_without(y, matrix, shell) + rest)
