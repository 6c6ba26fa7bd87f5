"""An analysed measurement on disk: NetCDF with everything, a table of the states as CSV, and a figure."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.spectroscopy.plotanalysis import analysis_writer
from spq.store import Writer, cell

if TYPE_CHECKING:
    import xarray as xr

FILES = ("analysis.nc", "states.csv", "analysis.png")


def analysis_writers(ds: xr.Dataset) -> dict[str, Writer]:
    """File name -> function that writes it, for `spq.store.write_files`; of what `analyse` returns."""
    return {
        "analysis.nc": lambda path: _netcdf(ds, path),
        "states.csv": lambda path: _table(ds, path),
    } | analysis_writer(ds)


def state_rows(ds: xr.Dataset) -> list[dict[str, Any]]:
    """One row for each state: every variable of states alone, and of states and a short dimension.

    Names carry units where they have one; entries of a second dimension are numbered from 1.
    """
    rows: list[dict[str, Any]] = [{"state": state + 1} for state in range(ds.sizes["state_index"])]
    for name, variable in ds.data_vars.items():
        if variable.dims[:1] != ("state_index",) or variable.ndim > 2:
            continue
        if variable.ndim == 2 and variable.dims[1] not in ("component", "line", "emitter"):
            continue
        unit = variable.attrs.get("units", "")
        for state, row in enumerate(rows):
            values = variable.values[state]
            if variable.ndim == 1:
                row[_column(str(name), unit)] = values.item()
                continue
            for number, value in enumerate(values, 1):
                row[_column(f"{name}_{number}", unit)] = value.item()
    return rows


def _column(name: str, unit: str) -> str:
    return f"{name}_{unit.replace('1/s', 'per_s')}" if unit else name


def _netcdf(ds: xr.Dataset, path: Path) -> None:
    plain = {name: {"_FillValue": None} for name in ds.variables if ds[name].dtype.kind == "f"}
    large = {"zlib": True, "complevel": 1}
    packed = {name: large for name in ds.data_vars if ds[name].size > 10_000}
    encoding: Any = {name: plain.get(name, {}) | packed.get(name, {}) for name in {*plain, *packed}}
    ds.to_netcdf(path, engine="h5netcdf", encoding=encoding)


def _table(ds: xr.Dataset, path: Path) -> None:
    rows = state_rows(ds)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow([cell(np.asarray(value)) for value in row.values()])
