"""Shift maps on disk: NetCDF with the whole input, a CSV table, and the JSON of the command line.

A map is an xarray.Dataset as spq.shiftmap.shift_map returns it. Files appear whole or not at all.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spq.checks import holds
from spq.errors import InputError
from spq.observables import FLAGS, POPULATIONS, VARIABLES

if TYPE_CHECKING:
    import xarray as xr

ROW_VARIABLES = tuple(VARIABLES)
"""Variables of a map with one value for each (state, charge, point)."""

DOT_VARIABLES = tuple(POPULATIONS)
"""Variables of a map with one value for each (state, charge, point, dot)."""

BOOLEAN = (*FLAGS, "reference_hybridised")
NEEDED = (*ROW_VARIABLES, *DOT_VARIABLES, "reference_eV", "z_nm", "phi_deg", "position_nm")
NEEDED_ATTRIBUTES = ("input", "self_energy", "seconds")

KINDS = {"intensity": "spectrum", "samples": "deduction", "error": "sweep", "reference_eV": "map"}
"""Kinds of results by a variable that no other has; others are said by their attribute spq_kind."""

Writer = Callable[[Path], None]


def save_map(ds: xr.Dataset, folder: str | Path) -> list[Path]:
    """Write a map as shift_map.nc and shift_map.csv into `folder`; return the two paths.

    ds: of spq.shift_map, units in its attributes. The folder is made where it is missing. Raises InputError
    if it cannot be written; then nothing is changed in it.
    """
    return write_files(folder, map_writers(ds))


def map_writers(ds: xr.Dataset) -> dict[str, Writer]:
    """Return for each file of a map the function that writes it, for `write_files`."""
    return {
        "shift_map.nc": lambda path: _write_netcdf(ds, path),
        "shift_map.csv": lambda path: _write_csv(ds, path),
    }


def load_map(path: str | Path) -> xr.Dataset:
    """Read a map that `save_map` wrote: the same Dataset, whole in memory.

    path: of the NetCDF file. Raises InputError if the file is not there, cannot be read or holds no map of
    spq.
    """
    ds = read(path, "map", NEEDED, NEEDED_ATTRIBUTES)
    for name in BOOLEAN:
        if name in ds:
            ds[name] = ds[name].astype(bool, keep_attrs=True)
    return ds


def read(
    path: str | Path, what: str, needed: Sequence[str] = (), attributes: Sequence[str] = ()
) -> xr.Dataset:
    """Read a NetCDF file whole; what: the kind of result that messages say it should hold.

    Raises InputError if the file is not there, cannot be read or lacks a variable or attribute needed.
    """
    import xarray as xr

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    try:
        ds = xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: cannot be read as NetCDF, so it is no {what} of spq") from error
    missing = [name for name in needed if name not in ds.variables]
    missing += [name for name in attributes if name not in ds.attrs]
    if missing:
        raise InputError(f"{path}: is no {what} of spq, it lacks {', '.join(missing)}")
    return ds


def kind_of(ds: Any) -> str:
    """What a Dataset is: "map", "spectrum", "sweep", "deduction", "analysis", ...; "" if none of spq."""
    said = getattr(ds, "attrs", {}).get("spq_kind")
    found = (kind for name, kind in KINDS.items() if holds(ds, name))
    return said if isinstance(said, str) else next(found, "")


def described(kind: str) -> str:
    """A kind of result with its article."""
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def map_json(ds: xr.Dataset) -> dict[str, Any]:
    """Return the JSON document of a map: nested lists [state][charge][point], None for NaN."""
    document: dict[str, Any] = {
        "z_nm": plain(ds["z_nm"].values),
        "phi_deg": plain(ds["phi_deg"].values),
        "charge": plain(ds["charge"].values),
        "state": [str(name) for name in ds["state"].values],
    }
    for name in ("shift_meV", "energy_eV", "overlap", "converged", "followed", "hybridised"):
        document[name] = plain(ds[name].transpose("state", "charge", "point").values)
    document["reference_eV"] = plain(ds["reference_eV"].values)
    document["self_energy"] = ds.attrs["self_energy"]
    document["seconds"] = plain(json.loads(ds.attrs["seconds"]))
    return document


def plain(value: Any) -> Any:
    """Return arrays, mappings and sequences as lists, dicts and numbers, with None for NaN."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def write_files(folder: str | Path, writers: Mapping[str, Writer]) -> list[Path]:
    """Write several files into a folder, all or none.

    folder: made where it is missing. writers: file name -> function that writes to a given path.
    Every file is written under a temporary name first and renamed when all are there.
    Raises InputError if the folder or a file cannot be written.
    """
    folder = Path(folder)
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".spq-", suffix=".tmp", dir=folder) as inside:
            for name, write in writers.items():
                write(Path(inside) / name)
            for name in writers:
                os.replace(Path(inside) / name, folder / name)
    return [folder / name for name in writers]


def check_writable(folder: str | Path, names: tuple[str, ...] = ()) -> None:
    """Raise InputError unless files with these names can be written into a folder.

    The folder need not be there yet; nothing is left behind.
    """
    folder = Path(folder)
    parent = folder
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    with _writing(folder):
        if not parent.is_dir():
            raise NotADirectoryError(0, f"{parent} is not a folder")
        with tempfile.TemporaryFile(dir=parent):
            pass
        for name in names:
            if (folder / name).is_dir():
                raise IsADirectoryError(0, f"{folder / name} is a folder")


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn an OSError in the block into the InputError of an output folder."""
    try:
        yield
    except OSError as error:
        raise InputError(f"output folder {folder}: cannot be written: {error.strerror}") from error


def _write_netcdf(ds: xr.Dataset, path: Path) -> None:
    packed = {
        name: {"zlib": True, "complevel": 4}
        for name, variable in ds.data_vars.items()
        if variable.dtype.kind in "fiub" and variable.ndim >= 3
    }
    ds.to_netcdf(path, engine="h5netcdf", encoding=packed)


def _write_csv(ds: xr.Dataset, path: Path) -> None:
    """Write one row for each (state, charge, point); an empty cell is a value that is not known."""
    dots = [int(dot) for dot in ds["dot"].values]
    header = ["state", "self_energy", "charge_e", "point", "z_nm", "phi_deg"]
    header += [f"position_{axis}_nm" for axis in "xyz"]
    header += ["reference_eV", *ROW_VARIABLES]
    header += [f"{name}_dot{dot}" for name in DOT_VARIABLES for dot in dots]
    order = ("state", "charge", "point")
    tables = [ds[name].transpose(*order).values for name in ROW_VARIABLES]
    tables += [
        ds[name].transpose(*order, "dot").values[..., i] for name in DOT_VARIABLES for i in range(len(dots))
    ]
    position = ds["position_nm"].transpose("point", ...).values
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(header)
        for s, c, p in np.ndindex(*(ds.sizes[name] for name in order)):
            cells = [
                str(ds["state"].values[s]),
                ds.attrs["self_energy"],
                cell(ds["charge"].values[c]),
                p,
                cell(ds["z_nm"].values[p]),
                cell(ds["phi_deg"].values[p]),
                *(cell(x) for x in position[p]),
                cell(ds["reference_eV"].values[s]),
            ]
            rows.writerow(cells + [cell(table[s, c, p]) for table in tables])


def cell(value: npt.ArrayLike) -> str:
    """Return a value as text: ten digits, nothing for NaN."""
    item = np.asarray(value).item()
    if isinstance(item, float):
        return "" if np.isnan(item) else f"{item:.10g}"
    return str(item)
