"""The lines of a spectrum as a figure shows them: which are drawn, how high, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

POPULATED = 0.01  # least population of a level whose lines are drawn solid
EXCITED = 50.0  # meV above the lowest level of the same placement: faint, no label, perhaps off the scale
SHOWN = 0.01  # of the largest of its panel: lower sticks are not drawn
LABELLED = 0.1  # of the largest rate of its panel: slower lines have no label
LABELS = 8  # of a panel, at most
HYBRIDISED = 0.9  # a placement of lower share is named with it, a line of lower share of a dot is of several
SHARED = 0


@dataclass(frozen=True)
class Stick:
    """One drawn line: photon energy in eV, height, dot that emits (from 1; 0: several), what it is called.

    rate: relative to the largest; excited: a level of the same placement lies far below the initial one.
    """

    energy: float
    height: float
    rate: float
    populated: bool
    emitter: int
    text: str
    excited: bool


def sticks_of(ds: xr.Dataset, name: str) -> list[Stick]:
    """The lines of a set of carriers that are high enough to be seen, ascending in energy."""
    lines = ds.isel(line=np.flatnonzero(ds["line_set"].values == name))
    if not lines.sizes["line"]:
        return []
    levels = ds.isel(initial=lines["line_initial"].values)
    populated = levels["initial_population"].values >= POPULATED
    above = levels["initial_excitation_meV"].values - _lowest(ds, levels)
    heights = []
    for values in (lines["line_rate"].values, lines["line_weight"].values):
        heights.append(values / max(values.max(), np.finfo(float).tiny))
    found = []
    for i in np.argsort(lines["line_energy_eV"].values, kind="stable"):
        line, level = lines.isel(line=i), levels.isel(initial=i)
        initial = _placed(level["initial_placement"], level["initial_purity"])
        final = _placed(line["line_final"], line["line_final_purity"])
        stick = Stick(
            energy=float(line["line_energy_eV"]),
            height=float(heights[int(populated[i])][i]),
            rate=float(heights[0][i]),
            populated=bool(populated[i]),
            emitter=int(line["line_emitter"]) if line["line_dots"].max() >= HYBRIDISED else SHARED,
            text=f"{initial} → {final}",
            excited=bool(above[i] > EXCITED),
        )
        if stick.height >= SHOWN:
            found.append(stick)
    return found


def _lowest(ds: xr.Dataset, levels: xr.Dataset) -> np.ndarray:
    """Excitation in meV of the lowest level of the same set and placement, for each of some levels."""
    names = ("initial_set", "initial_placement")
    found: dict[tuple, float] = {}
    for *key, value in zip(*(ds[name].values for name in (*names, "initial_excitation_meV")), strict=True):
        found[tuple(key)] = min(value, found.get(tuple(key), np.inf))
    return np.array([found[key] for key in zip(*(levels[name].values for name in names), strict=True)])


def _placed(placement: xr.DataArray, purity: xr.DataArray) -> str:
    """A placement as a label says it; nothing that is left is the empty set."""
    text, share = str(placement.values), float(purity)
    if text == "-":
        return "∅"
    return text if share >= HYBRIDISED else f"{text} ({100 * share:.0f} %)"


def labelled(sticks: list[Stick]) -> list[Stick]:
    """Which sticks get a label, ascending in energy: the highest of every text, populated ones first."""
    first: dict[str, Stick] = {}
    for each in sorted(sticks, key=lambda each: (not each.populated, -each.height)):
        if each.rate >= LABELLED and (each.populated or not each.excited):
            first.setdefault(each.text, each)
    return sorted(list(first.values())[:LABELS], key=lambda each: each.energy)
