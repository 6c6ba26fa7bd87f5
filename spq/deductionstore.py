"""Deductions on disk: NetCDF with the whole input, a CSV table of the parameters, and JSON.

A deduction is an xarray.Dataset as spq.deduction.deduce returns it. Files appear whole or not at all.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spq.store import Writer, cell, plain, read, write_files

if TYPE_CHECKING:
    import xarray as xr

PARAMETER = (
    *("best", "median", "mean", "sd", "prior_low", "prior_high", "prior_mean", "prior_sigma"),
    "narrowing",
)
"""Variables with one value for each parameter."""

QUANTITY = (
    *("measured", "error", "best_predicted", "predicted_mean", "predicted_sd", "pull"),
    *("emulator_rms", "emulator_largest", "points_used", "points_left_out"),
)
"""Variables with one value for each measured quantity."""

OTHERS = ("samples", "log_density", "interval", "correlation", "direction", "direction_sd")
NUMBERS = ("chi2", "log_evidence", "log_evidence_error", "points", "points_without_model", "chain_length")
NEEDED = (*PARAMETER, *QUANTITY, *OTHERS, "parameter_unit", "quantity_unit")
NEEDED_ATTRIBUTES = (*NUMBERS, "input", "self_energy", "seed")


def save_deduction(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Write a deduction as deduction.nc and deduction.csv into `folder`; return the two paths.

    ds: of spq.deduce, units in its attributes. The folder is made where it is missing. Raises InputError if
    it cannot be written; then nothing is changed in it.
    """
    return write_files(folder, deduction_writers(ds))


def deduction_writers(ds: xr.Dataset) -> dict[str, Writer]:
    """Return for each file of a deduction the function that writes it, for `write_files`."""
    return {
        "deduction.nc": lambda path: ds.to_netcdf(path, engine="h5netcdf"),
        "deduction.csv": lambda path: _write_csv(ds, path),
    }


def load_deduction(path: str | Path) -> xr.Dataset:
    """Read a deduction that `save_deduction` wrote: the same Dataset, whole in memory.

    path: of the NetCDF file. Raises InputError if the file is not there, cannot be read or holds no deduction
    of spq.
    """
    return read(path, "deduction", NEEDED, NEEDED_ATTRIBUTES)


def deduction_json(ds: xr.Dataset) -> dict[str, Any]:
    """Return the JSON document of a deduction, without its samples."""
    parameters = []
    for name in ds["parameter"].values:
        one = ds.sel(parameter=name)
        entry = {"parameter": str(name), "unit": str(one["parameter_unit"].values)}
        entry |= {key: plain(one[key].values.item()) for key in PARAMETER}
        entry["interval"] = plain(one["interval"].values)
        parameters.append(entry)
    quantities = []
    for name in ds["quantity"].values:
        one = ds.sel(quantity=name)
        entry = {"quantity": str(name), "unit": str(one["quantity_unit"].values)}
        quantities.append(entry | {key: plain(one[key].values.item()) for key in QUANTITY})
    return {
        "parameters": parameters,
        "quantities": quantities,
        "correlation": plain(ds["correlation"].values),
        "directions": plain(ds["direction"].values),
        "direction_sd": plain(ds["direction_sd"].values),
        **{name: plain(ds.attrs[name]) for name in (*NUMBERS, "self_energy", "seed")},
    }


def _write_csv(ds: xr.Dataset, path: Path) -> None:
    """Write one row for each parameter; an empty cell is a value that there is not."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["parameter", "unit", "low_16", "high_84", *PARAMETER, "self_energy"])
        for name in ds["parameter"].values:
            one = ds.sel(parameter=name)
            ends = [cell(end) for end in one["interval"].values]
            row = [str(name), str(one["parameter_unit"].values), *ends]
            rows.writerow(row + [cell(one[key].values) for key in PARAMETER] + [ds.attrs["self_energy"]])
