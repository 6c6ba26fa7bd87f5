"""Emission energies of every state of a particle: from a shift map of the solver, or given by hand.

A state is the charge of every dot and the place of the surface charge. With a map it is
E = E_ref(state) + shift(state, Q, z); screening is an effective charge |Q| <= 1, not a factor on the shift:
the shift has a part linear and a part quadratic in Q, so it is interpolated between the map's charges and
none, where it is zero.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spq import checks
from spq.carriers import State
from spq.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

MOST_DOTS = 3


@dataclass(frozen=True)
class Trap:
    """A place of the surface charge: z in nm along the long axis, charge in e (0: none), azimuth in degrees.

    phi may be left out if the map has one azimuth only. Raises InputError.
    """

    z: float = 0.0
    charge: float = 0.0
    phi: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "z", checks.number(self.z, "trap.z", "nm"))
        object.__setattr__(self, "charge", checks.number(self.charge, "trap.charge", "e"))
        if self.phi is not None:
            object.__setattr__(self, "phi", checks.number(self.phi, "trap.phi", "degrees"))
        if abs(self.charge) > 1.0:
            raise InputError(f"trap.charge = {self.charge:.10g} e: must lie between -1 and 1")


@dataclass(frozen=True)
class StateEnergies:
    """Emission energies in eV of each dot for every charge of all dots and every site.

    Attributes
    ----------
    charges : tuple of int
        Charges in e that a dot can have, 0 first.
    sites : tuple of str
        What each site is, for people.
    table : mapping
        (charges of the dots, site) -> energies of the dots in eV.

    Raises
    ------
    InputError
        If an energy is missing or not positive.
    """

    charges: tuple[int, ...]
    sites: tuple[str, ...]
    table: Mapping[tuple[tuple[int, ...], int], tuple[float, ...]]

    def __post_init__(self) -> None:
        if not self.table or not self.sites:
            raise InputError("energies: no state is given")
        if not self.charges or self.charges[0] != 0 or len(set(self.charges)) < len(self.charges):
            raise InputError(
                f"energies.charges = {checks.shown(self.charges)}: must be 0 and others, once each"
            )
        states = itertools.product(self.charges, repeat=self.dots)
        for state in itertools.product(states, range(len(self.sites))):
            if state not in self.table:
                raise InputError(f"energies: charges {state[0]} at site {state[1]} are missing")
            for i, energy in enumerate(self.table[state], 1):
                checks.number(energy, f"energies: charges {state[0]}, dot {i}", "eV", above=0.0)

    @property
    def dots(self) -> int:
        """Number of dots."""
        return len(next(iter(self.table))[0])


def energies_by_hand(
    neutral: Sequence[float],
    charged: Sequence[float] = (),
    other_charged: Sequence[float] = (),
    sites: Sequence[Sequence[float]] = (),
    charge: int = -1,
) -> StateEnergies:
    """Energies that add up: neutral (dots,) in eV; all else in meV.

    charged: shift of each dot by its own charge. other_charged: by the charge of each other one. sites:
    shifts of every dot, one row for each place of the surface charge. Raises InputError.
    """
    base = checks.numbers_of(neutral, "energies.neutral", "eV")
    if len(base) > MOST_DOTS:
        raise InputError(f"energies.neutral: {len(base)} dots: must be {MOST_DOTS} at most")
    if charge not in (-1, 1):
        raise InputError(f"energies.charge = {checks.shown(charge)}: must be -1 or 1")
    dots = len(base)
    charged = checks.listed(charged, "energies.charged", "a list of shifts")
    other_charged = checks.listed(other_charged, "energies.other_charged", "a list of shifts")
    own = checks.numbers_of(
        charged if len(charged) else (-14.0,) * dots, "energies.charged", "meV", length=dots
    )
    beside = checks.numbers_of(
        other_charged if len(other_charged) else (-0.5,) * dots, "energies.other_charged", "meV", length=dots
    )
    given = checks.listed(sites, "energies.sites", "a list of shifts of every dot")
    rows = [
        checks.numbers_of(row, f"energies.sites[{i}]", "meV", length=dots)
        for i, row in enumerate(given or [(0.0,) * dots], 1)
    ]
    table = {}
    for state in itertools.product((0, charge), repeat=dots):
        for site, row in enumerate(rows):
            count = sum(each != 0 for each in state)
            shifts = [
                (own[i] if state[i] else 0.0) + beside[i] * (count - bool(state[i])) + row[i]
                for i in range(dots)
            ]
            table[state, site] = tuple(base[i] + 1e-3 * shifts[i] for i in range(dots))
    names = tuple(", ".join(f"{shift:+g} meV" for shift in row) for row in rows)
    return StateEnergies((0, charge), names, table)


def energies_of_map(
    shifts: xr.Dataset, traps: Sequence[Trap] = (Trap(),), charges: Sequence[int] = (0, -1)
) -> StateEnergies:
    """Energies in eV of a shift map.

    shifts: of spq.shift_map or spq.load_map. traps: places of the surface charge, at positions and charges
    within those of the map. charges: those a dot can have, of 0, -1 and 1. Raises InputError if the map lacks
    a state or a place.
    """
    dots = shifts.sizes["dot"]
    if dots > MOST_DOTS:
        raise InputError(f"map: has {dots} dots: must be {MOST_DOTS} at most")
    charges = [checks.integer(each, "energies.charges", minimum=-2) for each in charges]
    known = [str(name) for name in shifts["state"].values]
    table = {}
    for state in itertools.product(tuple(charges), repeat=dots):
        names = [state_name(state, dot) for dot in range(dots)]
        for name in names:
            if name not in known:
                raise InputError(f"map: has no state {name}, only {', '.join(known)}")
        for site, trap in enumerate(traps):
            table[state, site] = tuple(_energy(shifts, name, trap) for name in names)
    texts = tuple(f"{trap.charge:+g} e at z = {trap.z:g} nm" if trap.charge else "none" for trap in traps)
    return StateEnergies(tuple(charges), texts, table)


def state_name(charges: Sequence[int], dot: int) -> str:
    """Name of the state in which a dot (from 0) emits; charges of all: before the photon is absorbed."""
    electrons, holes = [dot + 1], [dot + 1]
    for i, charge in enumerate(charges, 1):
        (electrons if charge < 0 else holes).extend([i] * abs(charge))
    return State(tuple(electrons), tuple(holes), dot + 1, len(charges)).name


def _energy(shifts: xr.Dataset, name: str, trap: Trap) -> float:
    """Emission energy in eV of one state with a surface charge; raises InputError outside the map."""
    reference = float(shifts["reference_eV"].sel(state=name))
    if trap.charge == 0.0:
        return reference
    given = shifts["charge"].values.astype(float)
    if not min(0.0, given.min()) <= trap.charge <= max(0.0, given.max()):
        raise InputError(f"trap.charge = {trap.charge:g} e: the map has {', '.join(f'{q:g}' for q in given)}")
    nodes = {0.0: 0.0}
    along = shifts["shift_meV"].sel(state=name).transpose("charge", "point").values
    for charge, row in zip(given, along, strict=True):
        nodes[float(charge)] = _along(shifts, row, trap, f"{name}, charge {charge:g} e")
    places = np.array(sorted(nodes))
    values = np.array([nodes[q] for q in places])
    if len(places) <= 3:  # exact for a linear and a quadratic part
        shift = float(np.polyval(np.polyfit(places, values, len(places) - 1), trap.charge))
    else:
        shift = float(np.interp(trap.charge, places, values))
    return reference + 1e-3 * shift


def _along(shifts: xr.Dataset, row: np.ndarray, trap: Trap, where: str) -> float:
    """Shift in meV at the place of a trap, between the two points of the map beside it."""
    z, phi = shifts["z_nm"].values, shifts["phi_deg"].values
    azimuths = np.unique(phi)
    if trap.phi is None and len(azimuths) > 1:
        raise InputError(f"trap.phi: missing; the map has {len(azimuths)} azimuths")
    on = np.isfinite(row)
    if trap.phi is not None:
        on &= np.abs((phi - trap.phi + 180.0) % 360.0 - 180.0) < 1e-6
    if not on.any():
        raise InputError(f"map: {where}: no point at the azimuth of the trap")
    order = np.argsort(z[on])
    heights, values = z[on][order], row[on][order]
    if not heights[0] <= trap.z <= heights[-1]:
        lowest, highest = heights[0], heights[-1]
        raise InputError(
            f"trap.z = {trap.z:g} nm: {where}: the map reaches from {lowest:g} to {highest:g} nm"
        )
    return float(np.interp(trap.z, heights, values))
