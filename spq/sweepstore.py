"""Sweeps on disk: the Dataset as NetCDF, a table with one row for each point, and how far a store is."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.pointstore import PointStore
from spq.store import Writer, cell, read, write_files

if TYPE_CHECKING:
    import xarray as xr

MOST = 500  # values of one variable at a point that become columns of the table
FLAGS = ("converged", "followed", "hybridised")


def save_sweep(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Write a sweep as sweep.nc and sweep.csv into `folder`; return the two paths.

    ds: of spq.sweep, units in its attributes. Raises InputError if it cannot be written; then nothing is
    changed in the folder.
    """
    return write_files(folder, sweep_writers(ds))


def sweep_writers(ds: xr.Dataset) -> dict[str, Writer]:
    """Return for each file of a sweep the function that writes it, for `write_files`."""
    return {
        "sweep.nc": lambda path: ds.to_netcdf(path, engine="h5netcdf"),
        "sweep.csv": lambda path: _write_csv(ds, path),
    }


def load_sweep(path: str | Path) -> xr.Dataset:
    """Read a sweep that `save_sweep` wrote: the same Dataset, whole in memory.

    path: of the NetCDF file. Raises InputError if the file is not there, cannot be read or holds no sweep of
    spq.
    """
    ds = read(path, "sweep", ("error",), ("axes", "input", "compute"))
    for name in FLAGS:
        if name in ds:
            ds[name] = ds[name].astype(bool, keep_attrs=True)
    return ds


def swept(ds: xr.Dataset) -> list[list[str]]:
    """Names of the fields along each axis of a sweep."""
    return [axis["fields"] for axis in json.loads(ds.attrs["axes"])]


def _write_csv(ds: xr.Dataset, path: Path) -> None:
    """Write a row for each point: its fields, its error, and every value that it has."""
    axes = ds["error"].dims
    fields = [name for axis in swept(ds) for name in axis]
    columns = [*fields, "error"]
    values: list[xr.DataArray] = [ds[name].broadcast_like(ds["error"]) for name in fields] + [ds["error"]]
    for name, each in ds.data_vars.items():
        own = [dim for dim in each.dims if dim not in axes]
        if name == "error" or np.prod([each.sizes[dim] for dim in own]) > MOST:
            continue
        for where, text in _places(ds, own):
            columns.append(f"{name}{text}")
            values.append(each.isel(where))
    flat = [each.transpose(*axes).values.ravel() for each in values]
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(columns)
        rows.writerows([cell(value) for value in row] for row in zip(*flat, strict=True))


def _places(ds: xr.Dataset, dims: list[Any]) -> Iterator[tuple[dict[Any, int], str]]:
    """Index and words of every place along some dimensions: {"state": 0, "dot": 1}, " X@1 dot2"."""
    for where in itertools.product(*(range(ds.sizes[dim]) for dim in dims)):
        words = []
        for dim, index in zip(dims, where, strict=True):
            label = ds[dim].values[index] if dim in ds.coords else index + 1
            words.append(str(label) if isinstance(label, str) else f"{dim}{label}")
        yield dict(zip(dims, where, strict=True)), "".join(f" {word}" for word in words)


def status(folder: str | Path) -> list[dict[str, Any]]:
    """How far the sweeps of a store are.

    Returns
    -------
    list of dict
        For each sweep: its fields, what is computed, number of points, of those finished, of those with an
        error, of those begun by somebody; mean seconds of a finished point.

    Raises
    ------
    InputError
        If the folder holds no sweep, or a file of it is damaged.
    """
    store = PointStore.opened(folder, make=False)
    begun = set(store.begun())
    found = []
    for sweep in store.sweeps():
        records = [store.read(key) for key in sweep["keys"] if store.has(key)]
        seconds = [record["seconds"] for record in records]
        found.append(
            {
                "fields": [axis["fields"] for axis in sweep["axes"]],
                "compute": sweep["compute"],
                "points": len(sweep["keys"]),
                "finished": len(records),
                "failed": sum(record["error"] is not None for record in records),
                "begun": len(begun.intersection(sweep["keys"])),
                "seconds_per_point": float(np.mean(seconds)) if seconds else None,
            }
        )
    return found
