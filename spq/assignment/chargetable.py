"""Emission energies of both dots for every charge of the dots and every set of surface charges.

E_i = E_i(0) + A_i(q_i) + R_i(q_1, q_2, surface), where A_i is the shift of dot i by its own charge alone,
whose scale and offset an assignment leaves open (the mean field lacks correlation), and R_i is all else.
An electron of the other dot can fall to the emitting dot where that lowers the energy of the initial state,

    E[q_i - 1, q_j + 1] < E[q_i, q_j],  q_j < 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spq.assignment.sites import STRENGTHS, Placed, Sites, beside_another
from spq.errors import ConvergenceError
from spq.model import Model
from spq.progress import Progress, silent

Array = np.ndarray

CHARGES = (-2, -1, 0, 1)
"""Charges in e that a dot can have before the photon is absorbed. Energies of -2 are no solver results: the
mean field lets its survivors relax from the p shell, 160 meV too blue. They go on in the line of 0 and -1."""
SOLVED = CHARGES[1:]
SHELL = 15.0
"""meV, standard deviation given to the energy of a dot that holds two charges, for that."""


@dataclass(frozen=True, eq=False)
class ChargeTable:
    """Energies of a dimer, in meV; NaN where the solver found no state.

    Attributes
    ----------
    sites : Sites
    neutral_eV : float (2,)
        Emission of each dot, nothing charged.
    own : float (2, 4)
        Shift of each dot by its own charge, in the order of CHARGES.
    rest : float (4, 4, configurations, 2)
        Shift of each dot by all else: charges of dot 1, of dot 2, set of surface charges.
    spread : float (4, 4, configurations, 2)
        Standard deviation of that shift within a site's band, a step of the strength, and SHELL.
    falls : bool (4, 4, configurations, 2)
        Whether an electron of the other dot can fall to the dot that emits.
    input : str
        The model, as TOML.
    """

    sites: Sites
    neutral_eV: Array
    own: Array
    rest: Array
    spread: Array
    falls: Array
    input: str

    @property
    def configurations(self) -> int:
        """Number of sets of surface charges."""
        return len(self.sites.configurations)


def beside(table: ChargeTable, charge: Placed) -> ChargeTable:
    """The table of the same dimer with a charge of full strength that always stays where it is."""
    sites = beside_another(table.sites)
    pairs = [(charge, *others) for others in sites.configurations]
    place = table.sites.place
    kept = [place[each] if each in place else place[each[::-1]] for each in pairs]
    return replace(
        table,
        sites=sites,
        rest=table.rest[:, :, kept],
        spread=table.spread[:, :, kept],
        falls=table.falls[:, :, kept],
    )


def energies_of_model(model: Model, sites: Sites, progress: Progress = silent) -> tuple[Array, Array]:
    """Emission energies, and energies of the initial states, (3, 3, configurations, 2) in eV, of charges -1,
    0 and 1 of each dot; NaN where not found."""
    from spq.table import Table

    sets = [sites.surface_charges(each) for each in range(len(sites.configurations))]
    table = Table(model, progress)
    energies = np.full((len(SOLVED), len(SOLVED), len(sets), 2), np.nan)
    initial = energies.copy()
    for first, one in enumerate(SOLVED):
        for second, two in enumerate(SOLVED):
            progress("energies of all charges", first * len(SOLVED) + second, len(SOLVED) ** 2)
            entries = table.entries([(one, two)] * len(sets), sets)
            energies[first, second] = np.where(entries["converged"], entries["energy_eV"], np.nan)
            initial[first, second] = entries["initial_energy_eV"]
    return energies, initial


def table_of(sites: Sites, energies: Array, initial: Array | None = None, text: str = "") -> ChargeTable:
    """A table of energies (3, 3, configurations, 2) in eV, charges -1, 0 and 1 of each dot.

    initial: energies of the initial states, likewise; without them no electron falls. Raises ConvergenceError
    without its references.
    """
    for axis in (0, 1):
        less, more = np.take(energies, [0], axis), np.take(energies, [1], axis)
        energies = np.concatenate([2.0 * less - more, energies], axis)
    none = CHARGES.index(0)
    neutral = energies[none, none, 0]
    own = 1e3 * np.stack([energies[:, none, 0, 0] - neutral[0], energies[none, :, 0, 1] - neutral[1]])
    if not np.all(np.isfinite(own[:, 1:])):
        raise ConvergenceError("the neutral or singly charged dimer without surface charges was not found")
    rest = 1e3 * (energies - neutral)
    rest[..., 0] -= own[0][:, None, None]
    rest[..., 1] -= own[1][None, :, None]
    falls = np.zeros(rest.shape, dtype=bool)
    if initial is not None:
        falls[1:, 1:] = _falling(initial)
    return ChargeTable(sites, neutral, own, rest, _spread(sites, rest), falls, text)


def _falling(initial: Array) -> Array:
    """Whether an electron of the other dot can fall to the emitting one, charges -1, 0 and 1."""
    found = np.zeros(initial.shape, dtype=bool)
    for own in (1, 2):  # the emitting dot is neutral or positive, the other negative
        found[own, 0, :, 0] = initial[own - 1, 1, :, 0] < initial[own, 0, :, 0]
        found[0, own, :, 1] = initial[1, own - 1, :, 1] < initial[0, own, :, 1]
    return found


def _spread(sites: Sites, rest: Array) -> Array:
    """What a charge's place within its band, and its strength between two steps, leave open."""
    count = len(sites.z)
    single = rest[:, :, 1 : 1 + 2 * count * len(STRENGTHS)]
    single = single.reshape(4, 4, 2, count, len(STRENGTHS), 2)
    slope = np.gradient(single, sites.z, axis=3)
    within = np.abs(slope) * sites.half_width[:, None, None] / np.sqrt(3.0)
    # what a strength leaves open reaches half a step to each side, down to no charge at all
    none = np.broadcast_to(rest[:, :, None, None, :1], (*single.shape[:4], 1, 2))
    steps = np.concatenate([single, none], axis=4)
    strength = np.gradient(steps, axis=4)[:, :, :, :, :-1] / (2.0 * np.sqrt(3.0))
    variance = np.nan_to_num(within**2 + strength**2)
    found = np.zeros(rest.shape)
    for number, placed in enumerate(sites.configurations):
        for each in placed:
            sign = 0 if each.sign > 0 else 1
            found[:, :, number] += variance[:, :, sign, each.site, each.strength]
    double = np.abs(np.array(CHARGES)) > 1
    found[double, :, :, 0] += SHELL**2
    found[:, double, :, 1] += SHELL**2
    return np.sqrt(found)
