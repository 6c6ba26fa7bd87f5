"""An assignment on disk: NetCDF with everything, a table of the jumps as CSV, and a figure."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.assignment.plotassignment import assignment_writer, letter
from spq.store import Writer, cell, plain, read, write_files

if TYPE_CHECKING:
    import xarray as xr

FILES = ("assignment.nc", "jumps.csv", "assignment.png")
NEEDED = (
    "move",
    "probability",
    "verdict",
    "charge_probability",
    "surface_probability",
    "stays_probability",
    "path",
)
REASONS = ("decided_by", "sign_from", "overturned_by")


def save_assignment(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Write an assignment as assignment.nc, jumps.csv and assignment.png into `folder`; return the paths.

    ds: of `assign`. Raises InputError if it cannot be written; then nothing is changed in the folder.
    """
    return write_files(folder, assignment_writers(ds))


def assignment_writers(ds: xr.Dataset) -> dict[str, Writer]:
    """File name -> function that writes it, for `spq.store.write_files`; of what `assign` returns."""
    return {
        "assignment.nc": lambda path: _netcdf(ds, path),
        "jumps.csv": lambda path: _table(ds, path),
    } | assignment_writer(ds)


def load_assignment(path: str | Path) -> xr.Dataset:
    """Read an assignment that `save_assignment` wrote, whole in memory.

    path: of the NetCDF file. Raises InputError if the file is not there, cannot be read or holds no
    assignment.
    """
    return read(path, "assignment", NEEDED, ("input",))


def jump_rows(ds: xr.Dataset) -> list[dict[str, Any]]:
    """One row for each jump: its letter, time, sizes, verdict, likeliest moves, and reasons."""
    rows = []
    for k in range(ds.sizes["jump"]):
        row: dict[str, Any] = {"jump": letter(k), "time_s": float(ds["jump_time"][k])}
        for dot in (1, 2):
            row[f"shift_{dot}_meV"] = float(ds["jump_size"][k, dot - 1])
            row[f"shift_{dot}_error_meV"] = float(ds["jump_size_error"][k, dot - 1])
        row["verdict"] = str(ds["verdict"].values[k])
        for rank in range(min(3, ds.sizes["rank"])):
            row[f"move_{rank + 1}"] = str(ds["move"].values[k, rank])
            row[f"probability_{rank + 1}"] = float(ds["probability"][k, rank])
        row |= {name: str(ds[name].values[k]) for name in REASONS if name in ds}
        rows.append(row)
    return rows


def assignment_json(ds: xr.Dataset) -> dict[str, Any]:
    """The document of `spq assign --json`."""
    stretches = [
        {"begin_s": float(begin), "state": str(state)}
        for begin, state in zip(ds["stretch_begin"].values, ds["path"].values, strict=True)
    ]
    return plain(
        {
            "jumps": jump_rows(ds),
            "path": stretches,
            "path_probability": float(ds["path_probability"]),
            "charge_probability": ds["charge_probability"].values,
            "surface_probability": ds["surface_probability"].values,
            "stays_probability": ds["stays_probability"].values,
            "environment_charge_e": ds["environment_charge"].values,
            "quenched_probability": ds["quenched_probability"].values,
            "bleached_probability": ds["bleached_probability"].values,
            "model_probability": ds["model_probability"].values,
            "site_z_nm": ds["site_z"].values,
            "warnings": [line for line in ds.attrs["warnings"].splitlines() if line],
        }
    )


def _netcdf(ds: xr.Dataset, path: Path) -> None:
    ds.to_netcdf(path, engine="h5netcdf")


def _table(ds: xr.Dataset, path: Path) -> None:
    rows = jump_rows(ds)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0] if rows else ["jump"])
        for row in rows:
            writer.writerow([cell(np.asarray(value)) for value in row.values()])
