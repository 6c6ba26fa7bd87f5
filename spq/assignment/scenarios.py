"""Scenarios A to F: charging events of a dimer with their ledger, as simulations whose truth is known.

C, F: a hole is ejected to its own dot's surface (F beside a charge that is there already); D: to the other
dot's. B, E: Auger ejection of an electron, to the own and to the other dot's surface. A: ejection of a hole
and release of a trapped electron together. Every scenario goes on with its undoing, a hop and a quenching, in
an order left to chance. Energies are those of the solver with charges where they are, at places and screened
as chance has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from spq import checks
from spq.assignment.moves import COMBINED, LIT, QUENCHED, WHERE
from spq.assignment.sites import sites_of
from spq.errors import ConvergenceError, InputError
from spq.surface import SurfaceCharge

if TYPE_CHECKING:
    from spq.spectroscopy.simulation import Simulation
    from spq.table import Table

Array = np.ndarray

SCENARIOS = tuple("ABCDEF")
DWELL = (12.0, 25.0)
"""s between two events, at least and at most."""
PHI = 360.0


@dataclass(frozen=True)
class Trapped:
    """A charge on the surface: carrier, dot whose surface it is, and the charge itself."""

    carrier: str
    dot: int
    charge: SurfaceCharge


@dataclass(frozen=True)
class Situation:
    """Charges of the dots, charges on the surface, and which emitters are quenched."""

    charges: tuple[int, int]
    trapped: tuple[Trapped, ...] = ()
    quenched: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, eq=False)
class Scenario:
    """A simulation, and what happened in it.

    letter: of SCENARIOS. times: s, of each event. events: what it was, in the words of `assign`. situations:
    before the first and after every event. simulation: to be run by `spq.spectroscopy.simulate`.
    """

    letter: str
    times: tuple[float, ...]
    events: tuple[str, ...]
    situations: tuple[Situation, ...]
    simulation: Simulation


def scenario(letter: str, table: Table, seed: int, **options: object) -> Scenario:
    """One of the scenarios A to F.

    Parameters
    ----------
    letter : str
    table : spq.Table
        Of the dimer.
    seed : int
        Of places, screening, times and order.
    options
        Of the Simulation, but `energies`, `schedule` and `duration`.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        If the letter or the molecule is not one of these.
    ConvergenceError
        If the solver does not find a state of the scenario.
    """
    checks.choice(letter, "letter", SCENARIOS)
    story = _Story(table, np.random.default_rng(seed), letter)
    getattr(story, f"tell_{letter}")()
    story.go_on()
    ends = np.cumsum(story.generator.uniform(*DWELL, len(story.situations)))
    simulation = _simulation(table, story.situations, (0.0, *ends[:-1]), float(ends[-1]), options)
    return Scenario(
        letter,
        tuple(float(each) for each in ends[:-1]),
        tuple(story.events),
        tuple(story.situations),
        simulation,
    )


class _Story:
    """A situation and what happens to it."""

    def __init__(self, table: Table, generator: np.random.Generator, letter: str):
        self.generator = generator
        self.molecule = table.model.molecule
        sites = sites_of(self.molecule)
        self.bounds = {
            dot: (
                float((sites.z - sites.half_width)[sites.regions == dot].min()),
                float((sites.z + sites.half_width)[sites.regions == dot].max()),
            )
            for dot in (1, 2)
        }
        self.dot = int(generator.integers(1, 3))
        self.situations = [Situation((0, 0))]
        self.events: list[str] = []

    @property
    def now(self) -> Situation:
        return self.situations[-1]

    def begin(self, charges: dict[int, int], trapped: tuple[Trapped, ...] = ()) -> None:
        self.situations = [Situation((charges.get(1, 0), charges.get(2, 0)), trapped)]

    def trap(self, carrier: str, dot: int) -> Trapped:
        """A charge at a place of a dot's surface, screened in half of all cases."""
        low, high = self.bounds[dot]
        strength = 1.0 if self.generator.random() < 0.5 else float(self.generator.uniform(0.4, 1.0))
        sign = 1.0 if carrier == "hole" else -1.0
        z, phi = float(self.generator.uniform(low, high)), float(self.generator.uniform(0.0, PHI))
        return Trapped(carrier, dot, SurfaceCharge(charge=sign * strength, z=z, phi=phi))

    def happens(self, event: str, change: dict[int, int], trapped: tuple[Trapped, ...]) -> None:
        one, two = self.now.charges
        charges = (one + change.get(1, 0), two + change.get(2, 0))
        self.events.append(event)
        self.situations.append(replace(self.now, charges=charges, trapped=trapped))

    def ejected(self, carrier: str, dot: int, target: int) -> None:
        event = f"{carrier} of dot {dot} ejected to {WHERE[target]}"
        change = {dot: -1 if carrier == "hole" else 1}
        self.happens(event, change, (*self.now.trapped, self.trap(carrier, target)))

    def returned(self, place: int, dot: int) -> None:
        gone = self.now.trapped[place]
        event = f"trapped {gone.carrier} returns from {WHERE[gone.dot]} to dot {dot}"
        rest = self.now.trapped[:place] + self.now.trapped[place + 1 :]
        self.happens(event, {dot: 1 if gone.carrier == "hole" else -1}, rest)

    def hops(self) -> None:
        """The last trapped charge hops on its dot, by more than a fifth of it."""
        old = self.now.trapped[-1]
        low, high = self.bounds[old.dot]
        new = self.trap(old.carrier, old.dot)
        while abs((new.charge.z or 0.0) - (old.charge.z or 0.0)) < 0.2 * (high - low):
            new = self.trap(old.carrier, old.dot)
        event = f"trapped {old.carrier} hops on {WHERE[old.dot]}"
        self.happens(event, {}, (*self.now.trapped[:-1], new))

    def quenches(self, dot: int) -> None:
        """An emitter goes dark, and comes back."""
        for label, dark in ((QUENCHED, True), (LIT, False)):
            one, two = self.now.quenched
            quenched = (dark if dot == 1 else one, dark if dot == 2 else two)
            self.events.append(label.format(dot))
            self.situations.append(replace(self.now, quenched=quenched))

    def tell_A(self) -> None:  # noqa: N802
        self.begin({}, (self.trap("electron", 3 - self.dot),))
        trapped = (self.trap("hole", self.dot),)
        self.happens(COMBINED, {self.dot: -1, 3 - self.dot: -1}, trapped)

    def tell_B(self) -> None:  # noqa: N802
        self.begin({self.dot: -1})
        self.ejected("electron", self.dot, self.dot)

    def tell_C(self) -> None:  # noqa: N802
        self.ejected("hole", self.dot, self.dot)

    def tell_D(self) -> None:  # noqa: N802
        self.ejected("hole", self.dot, 3 - self.dot)

    def tell_E(self) -> None:  # noqa: N802
        self.begin({self.dot: -1})
        self.ejected("electron", self.dot, 3 - self.dot)

    def tell_F(self) -> None:  # noqa: N802
        self.begin({}, (self.trap("hole", 3 - self.dot),))
        self.ejected("hole", self.dot, self.dot)

    def go_on(self) -> None:
        """A hop, the return of what was ejected, and quenching of an emitter, in an order left to chance."""
        acts = ["hop", "return", "quench"]
        self.generator.shuffle(acts)
        if acts.index("return") < acts.index("hop"):
            acts.remove("hop")
            acts.append("again")
        for act in acts:
            if act == "hop":
                self.hops()
            elif act == "return":
                self.returned(len(self.now.trapped) - 1, self.dot)
            elif act == "again":
                carrier = "electron" if self.now.charges[self.dot - 1] < 0 else "hole"
                self.ejected(carrier, self.dot, self.dot)
            else:
                self.quenches(int(self.generator.integers(1, 3)))


def _simulation(
    table: Table, situations: list[Situation], begins: tuple[float, ...], duration: float, options: dict
) -> Simulation:
    """The simulation in which these situations follow each other, energies from the solver."""
    from spq.spectroscopy.simulation import Diffusion, Simulation, Step
    from spq.spectroscopy.stateenergies import StateEnergies

    surfaces = list(dict.fromkeys(each.trapped for each in situations))
    values = {0, *(charge for each in situations for charge in each.charges)}
    charges = (0, *sorted(values - {0}))
    sets = [[each.charge for each in surface] for surface in surfaces]
    energies = {}
    for state in product(charges, repeat=2):
        entries = table.entries([state] * len(sets), sets)
        found = np.where(entries["converged"], entries["energy_eV"], np.nan)
        for site in range(len(surfaces)):
            visited = any(each.charges == state and each.trapped == surfaces[site] for each in situations)
            if visited and not np.isfinite(found[site]).all():
                raise ConvergenceError(f"charges {state}: the solver does not find this state")
            fallback = entries["reference_eV"].values[site]
            energies[state, site] = tuple(np.where(np.isfinite(found[site]), found[site], fallback).tolist())
    names = tuple(
        ", ".join(f"{each.charge.charge:+.2f} e at z = {each.charge.z:.2f} nm" for each in surface) or "none"
        for surface in surfaces
    )
    steps = tuple(
        Step(float(begin), each.charges, surfaces.index(each.trapped), each.quenched)
        for begin, each in zip(begins, situations, strict=True)
    )
    given = {"diffusion": Diffusion(), **options}
    if {"energies", "schedule", "duration"} & given.keys():
        raise InputError("scenario: energies, schedule and duration are its own")
    return Simulation(StateEnergies(charges, names, energies), schedule=steps, duration=duration, **given)
