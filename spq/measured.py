"""What was measured: emission energies of states, and differences of two, with their standard errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spq import checks
from spq.carriers import State, parse_state
from spq.errors import InputError
from spq.geometry import Array
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr

LOCALISED = 0.95  # share of like carriers on their dots
HIGHEST = 10.0  # eV; what is above was given in another unit


@dataclass(frozen=True)
class Measurement:
    """An emission energy in eV (one state), or the first state's less the second's in meV (two states)."""

    states: tuple[State, ...]
    value: float
    error: float

    @property
    def name(self) -> str:
        """The quantity, by the states' names: `X@1`, `X-@1 - X@1`."""
        return " - ".join(state.name for state in self.states)

    @property
    def unit(self) -> str:
        """Of value and error."""
        return "eV" if len(self.states) == 1 else "meV"

    def computed(self, found: xr.Dataset) -> tuple[Array, Array]:
        """The quantity (points,) of a sweep of emissions, and whether it is of use there.

        It is where all its states converged, are followed, and every carrier is on its dot, before and after
        the emission, to LOCALISED: where hybridisation begins energies are no smooth function of sizes.
        """
        ours = found.sel(state=[state.name for state in self.states]).transpose("zipped", "state", ...)
        energies = ours["energy_eV"].values
        good = ours["converged"].values & ours["followed"].values & ~ours["hybridised"].values
        good = (good & np.isfinite(energies)).all(axis=1)
        for state in self.states:
            good &= _localised(ours.sel(state=state.name), state)
        if len(self.states) == 1:
            return energies[:, 0], good
        return MEV_PER_EV * (energies[:, 0] - energies[:, 1]), good


def _localised(found: xr.Dataset, state: State) -> npt.NDArray[np.bool_]:
    """Whether the carriers of a state (points,) are on their dots, before and after the emission."""
    localised = np.ones(found.sizes["zipped"], dtype=bool)
    before, after = (state.electrons, state.holes), state.final
    for prefix, carriers in (("", before), ("final_", after)):
        for kind, dots in zip(("electrons", "holes"), carriers, strict=True):
            populations = found[f"{prefix}{kind}"].transpose("zipped", "dot").values
            wanted = [dots.count(dot) for dot in found["dot"].values]
            elsewhere = 0.5 * np.abs(populations - wanted).sum(axis=1)
            localised &= elsewhere <= (1.0 - LOCALISED) * len(dots) + 1e-9
    return localised


def measurements_of(measured: Mapping[str, Any], n_dots: int) -> tuple[Measurement, ...]:
    """The measurements of a mapping from a quantity to (value, standard error).

    n_dots: number of dots of the molecule. A quantity is a state, or two with a minus between them.
    Raises InputError if one cannot be read, is given twice, or its numbers are wrong.
    """
    if not isinstance(measured, Mapping) or not measured:
        raise InputError('measured: must map at least one quantity such as "X@1" to (value, standard error)')
    found: list[Measurement] = []
    for text, given in measured.items():
        states = quantity(text, n_dots)
        unit = "eV" if len(states) == 1 else "meV"
        where = f'measured["{text}"]'
        pair = checks.listed(given, where, f"value and standard error in {unit}")
        if len(pair) != 2:
            raise InputError(f"{where} = {checks.shown(given)}: must be value and standard error in {unit}")
        value = checks.number(pair[0], f"value of {where}", unit)
        if unit == "eV" and not 0.0 < value < HIGHEST:
            raise InputError(f"value of {where} = {value:g} eV: must be > 0 and < {HIGHEST:g}")
        error = checks.number(pair[1], f"standard error of {where}", unit, above=0.0)
        found.append(Measurement(states, value, error))
        if found[-1].name in [other.name for other in found[:-1]]:
            raise InputError(
                f'measured: "{text}" is {found[-1].name} again; every quantity can be given once'
            )
    return tuple(found)


def quantity(text: str, n_dots: int) -> tuple[State, ...]:
    """The state, or the two states, of a quantity; raises InputError."""
    with checks.placed("measured: "):
        checks.name(text, "quantity")
        try:
            return (parse_state(text, n_dots),)
        except InputError as error:
            wrong = error
        pairs = []
        for place in [i for i, letter in enumerate(text) if letter == "-"]:
            try:
                pairs.append(tuple(parse_state(t, n_dots) for t in (text[:place], text[place + 1 :])))
            except InputError as error:
                if " - " in text and text[place - 1 : place + 2] == " - ":
                    wrong = error
        if len(pairs) > 1:
            raise InputError(f'"{text}": can be read in two ways; add @ and the dot to each state')
        if not pairs:
            raise wrong
        if pairs[0][0] == pairs[0][1]:
            raise InputError(f'"{text}": is the difference of a state from itself')
        return pairs[0]
