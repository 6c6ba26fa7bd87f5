"""Places where a charge can sit on the surface of a dimer, and sets of up to two charges there.

The surface of each dot is cut into bands of equal height, which on a sphere are bands of equal area,
2πR dz; what lies within half a neck's height of the plane between the dots is the neck. A trap may be
screened: its charge acts with an effective |Q| <= 1. Charges are never smeared: each sits at one place.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations_with_replacement, product

import numpy as np

from spq.errors import InputError
from spq.geometry import Molecule
from spq.surface import SurfaceCharge

Array = np.ndarray

NECK = 0
"""Region of the neck; dots are regions 1 and 2."""
NECK_HEIGHT = 1.0
"""nm along the axis about the plane between the dots."""
APART = 120.0
"""Degrees about the axis between two charges: neither on top of each other nor opposite."""
STRENGTHS = (1.0, 2.0 / 3.0, 1.0 / 3.0)
STRENGTH_WEIGHTS = (0.5, 0.25, 0.25)
"""Effective charges of a trap, and how likely each is before anything is measured (an assumption)."""


@dataclass(frozen=True)
class Placed:
    """One charge: sign, number of its site, number of its strength."""

    sign: int
    site: int
    strength: int


@dataclass(frozen=True, eq=False)
class Sites:
    """Sites of a dimer and all sets of charges on them.

    Attributes
    ----------
    z : float (sites,)
        nm along the long axis, ascending.
    half_width : float (sites,)
        nm along the axis to the border of each band.
    regions : int (sites,)
        1, 2, or 0 for the neck.
    weights : float (sites,)
        Area of each band; sum 1.
    configurations : tuple of tuples of Placed
        None, one charge of any strength, two of full strength; the first has no charge.
    strength_weights : tuple of float
        How likely each strength of one charge is.
    """

    z: Array
    half_width: Array
    regions: Array
    weights: Array
    configurations: tuple[tuple[Placed, ...], ...]
    strength_weights: tuple[float, ...] = STRENGTH_WEIGHTS
    place: dict[tuple[Placed, ...], int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", {each: i for i, each in enumerate(self.configurations)})

    @property
    def charge(self) -> Array:
        """Sum of the signs (configurations,)."""
        return np.array([sum(each.sign for each in found) for found in self.configurations])

    def surface_charges(self, configuration: int) -> list[SurfaceCharge]:
        """The charges of a configuration, the second turned by APART about the axis."""
        return [
            SurfaceCharge(
                charge=each.sign * STRENGTHS[each.strength], z=float(self.z[each.site]), phi=APART * i
            )
            for i, each in enumerate(self.configurations[configuration])
        ]


def sites_of(molecule: Molecule, per_dot: int = 5) -> Sites:
    """Sites of a dimer, `per_dot` on each dot and one at the neck; raises InputError if it is no dimer."""
    if len(molecule.dots) != 2 or not molecule.is_linear:
        raise InputError(f"molecule: has {len(molecule.dots)} dots: an assignment needs two")
    heights = molecule.centers @ molecule.axis
    radii = molecule.outer_radii
    ends = (float(heights[0] - radii[0]), float(heights[1] + radii[1]))
    distance = float(heights[1] - heights[0])
    plane = float(heights[0]) + (distance**2 + radii[0] ** 2 - radii[1] ** 2) / (2.0 * distance)
    low, high = plane - 0.5 * NECK_HEIGHT, plane + 0.5 * NECK_HEIGHT
    edges = np.concatenate([np.linspace(ends[0], low, per_dot + 1), np.linspace(high, ends[1], per_dot + 1)])
    z = 0.5 * (edges[1:] + edges[:-1])
    regions = np.array([1] * per_dot + [NECK] + [2] * per_dot)
    half = 0.5 * np.diff(edges)
    radius = np.where(regions == 1, radii[0], radii[1])
    radius = np.where(regions == NECK, _waist(molecule, plane), radius)
    weights = radius * half
    return Sites(z, half, regions, weights / weights.sum(), _configurations(len(z)))


@lru_cache(maxsize=3)
def beside_another(sites: Sites) -> Sites:
    """The same sites, with no charge or one of full strength: what is left beside a charge that stays."""
    full = tuple((Placed(sign, site, 0),) for sign in (1, -1) for site in range(len(sites.z)))
    return replace(sites, configurations=((), *full), strength_weights=(1.0,))


def _waist(molecule: Molecule, plane: float) -> float:
    """Distance from the axis where the dots meet, nm; at least half a nm."""
    apart = plane - float(molecule.centers[0] @ molecule.axis)
    square = float(molecule.outer_radii[0]) ** 2 - apart**2
    return max(np.sqrt(max(square, 0.0)), 0.5 * molecule.neck_diameter, 0.5)


def _configurations(sites: int) -> tuple[tuple[Placed, ...], ...]:
    single = [(Placed(*each),) for each in product((1, -1), range(sites), range(len(STRENGTHS)))]
    full = [Placed(sign, site, 0) for sign in (1, -1) for site in range(sites)]
    return ((), *single, *combinations_with_replacement(full, 2))
