"""Two stored results of one kind set beside each other: maps, spectra, sweeps.

Differences are B − A, in meV, beside the combined numerical error √(σ_A² + σ_B²) of both (spq.accuracy);
inputs that differ are named by their dotted names.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks, store
from spq.differences import Difference, alone, difference_row, state_rows
from spq.errors import InputError
from spq.fields import plain, shown
from spq.mapcomparison import compared_maps
from spq.observables import FLAGS
from spq.spectrumstore import load_spectrum
from spq.store import load_map
from spq.sweepstore import load_sweep, swept
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr

LOADERS = {"map": load_map, "spectrum": load_spectrum, "sweep": load_sweep}
SAME = 1e-9  # relative; coordinates of sweeps that differ by less are one


@dataclass(frozen=True)
class Comparison:
    """kind of both; differences; inputs: dotted name -> (value in A, in B), None where it is not there.

    only: states, charges, sets or lines that one of them has alone: {"A": [...], "B": [...]}.
    """

    kind: str
    differences: tuple[Difference, ...]
    inputs: Mapping[str, tuple[Any, Any]]
    only: Mapping[str, tuple[str, ...]]

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `spq compare`."""
        return asdict(self)


def compare(a: xr.Dataset | str | Path, b: xr.Dataset | str | Path) -> Comparison:
    """Compare two maps, two spectra or two sweeps.

    Parameters
    ----------
    a, b : Datasets as spq.shift_map, spq.spectrum or spq.sweep return them, or their NetCDF files
        Of a map B is interpolated linearly in z to the points of A, azimuth by azimuth, where the places
        differ, and how many is counted; an azimuth that turns nothing is passed over. Points of A beyond
        those of B are missing. Lines of spectra are matched by their set, the
        placements before and after, and their order in energy. Sweeps are compared where their fields have
        the same values.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If they are not of one kind, of no kind that can be compared, or have nothing in common.
    """
    (first, one), (second, other) = _loaded(a, "A"), _loaded(b, "B")
    if one != other:
        kinds = f"A is {store.described(one)} and B {store.described(other)}"
        raise InputError(f"compare: {kinds}; both must be of one kind")
    if one not in LOADERS:
        raise InputError(
            f"compare: both are {store.described(one)}; maps, spectra and sweeps can be compared"
        )
    rows, only = {"map": compared_maps, "spectrum": _spectra, "sweep": _sweeps}[one](first, second)
    if not rows:
        raise InputError(
            f"compare: the two {one}s have no {'set' if one == 'spectrum' else 'state'} in common"
        )
    return Comparison(one, tuple(rows), inputs_that_differ(first, second), only)


def _loaded(source: xr.Dataset | str | Path, letter: str) -> tuple[xr.Dataset, str]:
    """A Dataset or what its file holds, and its kind."""
    ds = store.read(source, "result") if isinstance(source, (str, Path)) else source
    if not hasattr(ds, "data_vars"):
        raise InputError(f"compare: {letter} = {checks.shown(source)}: must be a Dataset, or the file of one")
    kind = store.kind_of(ds) or "result of another program"
    if isinstance(source, (str, Path)) and kind in LOADERS:
        ds = LOADERS[kind](source)
    return ds, kind


def inputs_that_differ(a: xr.Dataset, b: xr.Dataset) -> dict[str, tuple[Any, Any]]:
    """Dotted name -> (value in A, value in B) of every field of the stored inputs that is not the same."""
    one, other = (dict(_leaves(tomllib.loads(ds.attrs.get("input", "")))) for ds in (a, b))
    names = [*one, *(name for name in other if name not in one)]
    return {name: (one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)}


def _leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every value of nested tables with its dotted name; lists of numbers and words are values."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, (*place, key))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value):
            yield from _leaves(each, (*place, number))
    else:
        yield shown(place), plain(value)


def _spectra(a: xr.Dataset, b: xr.Dataset) -> tuple[list[Difference], dict[str, tuple[str, ...]]]:
    sets = [[str(each) for each in ds["set"].values] for ds in (a, b)]
    rows: list[Difference] = []
    unmatched: dict[str, list[str]] = {"A": [], "B": []}
    lines = [_lines(ds) for ds in (a, b)]
    for name in (each for each in sets[0] if each in sets[1]):
        one, other = ({key: value for key, value in part.items() if key[0] == name} for part in lines)
        both = [key for key in one if key in other]
        for letter, part in (("A", one), ("B", other)):
            unmatched[letter] += [f"{key[1]} -> {key[2]} ({key[3] + 1})" for key in part if key not in both]
        values = np.array([[part[key] for key in both] for part in (one, other)]).reshape(2, -1, 2)
        energies = MEV_PER_EV * values[:, :, 0]
        row = difference_row(name, "line", energies[0], energies[1], (values[0, :, 1], values[1, :, 1]))
        rows.append(row)
    only = alone(*sets)
    return rows, {letter: (*only[letter], *unmatched[letter]) for letter in only}


def _lines(ds: xr.Dataset) -> dict[tuple[str, str, str, int], tuple[float, float]]:
    """Energy in eV and error in meV of each line by set, placements before and after, and number."""
    placement = ds["initial_placement"].values
    found: dict[tuple[str, str, str, int], tuple[float, float]] = {}
    numbers: dict[tuple[str, str, str], int] = {}
    for i in np.argsort(ds["line_energy_eV"].values, kind="stable"):
        before = str(placement[int(ds["line_initial"].values[i])])
        key = (str(ds["line_set"].values[i]), before, str(ds["line_final"].values[i]))
        number = numbers[key] = numbers.get(key, -1) + 1
        found[(*key, number)] = (float(ds["line_energy_eV"].values[i]), float(ds["line_error_meV"].values[i]))
    return found


def _sweeps(a: xr.Dataset, b: xr.Dataset) -> tuple[list[Difference], dict[str, tuple[str, ...]]]:
    fields = [sorted(name for axis in swept(ds) for name in axis) for ds in (a, b)]
    if fields[0] != fields[1]:
        raise InputError(f"compare: A is swept over {', '.join(fields[0])}, B over {', '.join(fields[1])}")
    if a["error"].dims != b["error"].dims:
        b = b.transpose(*a["error"].dims, ...)
    for dim in a["error"].dims:
        names = [name for name in fields[0] if a[name].dims == (dim,)]
        kept = _common(a, b, names)
        a, b = a.isel({dim: kept[0]}), b.isel({dim: kept[1]})
    if not a["error"].size:
        raise InputError("compare: the two sweeps have no point in common")
    if not all("state" in ds.dims and "energy_eV" in ds for ds in (a, b)):
        raise InputError('compare: sweeps of "emission" or "shift_map" can be compared')
    states = [[str(each) for each in ds["state"].values] for ds in (a, b)]
    rows = []
    for state in (each for each in states[0] if each in states[1]):
        one, other = (ds.sel(state=state) for ds in (a, b))
        if one["energy_eV"].shape != other["energy_eV"].shape:
            raise InputError("compare: the maps of the two sweeps have other points; compare single maps")
        flags = {name: int((one[name].values != other[name].values).sum()) for name in FLAGS if name in one}
        rows += state_rows(state, one, other, flags)
    return rows, alone(*states)


def _common(a: xr.Dataset, b: xr.Dataset, names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Steps of one axis at which all its fields have the same values in both."""
    kept: tuple[list[int], list[int]] = ([], [])
    for i in range(len(a[names[0]])):
        for j in range(len(b[names[0]])):
            if all(_same(a[name].values[i], b[name].values[j]) for name in names):
                kept[0].append(i)
                kept[1].append(j)
                break
    return kept


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    return bool(np.isclose(one, other, rtol=SAME, atol=0.0))
