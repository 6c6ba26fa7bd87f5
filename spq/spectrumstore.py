"""Spectra on disk: NetCDF with the whole input, a CSV table of the lines, and the JSON of the command line.

A spectrum is an xarray.Dataset as spq.spectra.spectrum returns it. Files appear whole or not at all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.spectraldata import INITIAL, LINE
from spq.store import Writer, cell, plain, read, write_files

if TYPE_CHECKING:
    import xarray as xr

PARTS = {
    "initial": (tuple(INITIAL), ("electrons", "holes")),
    "line": (tuple(LINE), ("dots",)),
}
"""Of initial levels and of lines: what has one value for each, and what has one for each and every dot."""

DOTS = ("local_field", "c_axis", "polarisation_deg", "polarisation_degree")
NEEDED = (
    *(f"{part}_{name}" for part, groups in PARTS.items() for names in groups for name in names),
    *DOTS,
    "set",
    "energy",
    "intensity",
)
NEEDED_ATTRIBUTES = ("input", "self_energy", "temperature_K")


def save_spectrum(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Write a spectrum as spectrum.nc and spectrum.csv into `folder`; return the two paths.

    ds: of spq.spectrum, units in its attributes. The folder is made where it is missing. Raises InputError if
    it cannot be written; then nothing is changed in it.
    """
    return write_files(folder, spectrum_writers(ds))


def spectrum_writers(ds: xr.Dataset) -> dict[str, Writer]:
    """Return for each file of a spectrum the function that writes it, for `write_files`."""
    return {
        "spectrum.nc": lambda path: _write_netcdf(ds, path),
        "spectrum.csv": lambda path: _write_csv(ds, path),
    }


def load_spectrum(path: str | Path) -> xr.Dataset:
    """Read a spectrum that `save_spectrum` wrote: the same Dataset, whole in memory.

    path: of the NetCDF file. Raises InputError if the file is not there, cannot be read or holds no spectrum
    of spq.
    """
    ds = read(path, "spectrum", NEEDED, NEEDED_ATTRIBUTES)
    for name, variable in ds.variables.items():
        if variable.dtype == object:  # text of any length on disk
            ds[name] = ds[name].astype(str, keep_attrs=True)
    return ds


def spectrum_json(ds: xr.Dataset) -> dict[str, Any]:
    """Return the JSON document of a spectrum, None for NaN and for what is infinite."""
    sets = [str(name) for name in ds["set"].values]
    intensity = ds["intensity"].transpose("set", "energy").values
    return plain(
        {
            "temperature_K": ds.attrs["temperature_K"],
            "self_energy": ds.attrs["self_energy"],
            "initial": list(_entries(ds, "initial")),
            "lines": list(_entries(ds, "line")),
            "dots": [
                {"dot": dot} | {name: ds[name].sel(dot=dot).values for name in DOTS}
                for dot in ds["dot"].values
            ],
            "energy_eV": ds["energy"].values,
            "intensity": dict(zip(sets, intensity, strict=True)),
            "sets": sets,
        }
    )


def _entries(ds: xr.Dataset, part: str) -> Iterator[dict[str, Any]]:
    """Every initial level, or every line, with its values by name without the prefix."""
    single, each_dot = PARTS[part]
    tables = {name: ds[f"{part}_{name}"].values for name in single}
    tables |= {name: ds[f"{part}_{name}"].transpose(part, "dot").values for name in each_dot}
    for number in range(ds.sizes[part]):
        yield {name: table[number] for name, table in tables.items()}


def _write_netcdf(ds: xr.Dataset, path: Path) -> None:
    packed = {"intensity": {"zlib": True, "complevel": 4}}
    ds.to_netcdf(path, engine="h5netcdf", encoding=packed)


def _write_csv(ds: xr.Dataset, path: Path) -> None:
    """Write one row for each line, with its initial level; an empty cell is a value that is not known."""
    levels = [_cells(entry, "initial") for entry in _entries(ds, "initial")]
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = None
        for entry in _entries(ds, "line"):
            row = {"set": str(entry["set"]), "self_energy": ds.attrs["self_energy"]}
            row["temperature_K"] = cell(ds.attrs["temperature_K"])
            row |= _cells(entry, "line") | levels[int(entry["initial"])]
            if rows is None:
                rows = csv.DictWriter(stream, list(row))
                rows.writeheader()
            rows.writerow(row)


def _cells(entry: dict[str, Any], part: str) -> dict[str, str]:
    """What is known of a level or line as text, by the names of the Dataset; its set is not repeated."""
    single, each_dot = PARTS[part]
    cells = {f"{part}_{name}": cell(entry[name]) for name in single if name != "set"}
    for name in each_dot:
        for dot, value in enumerate(np.asarray(entry[name]), 1):
            cells[f"{part}_{name}_dot{dot}"] = cell(value)
    return cells
