"""Results for other programs: Origin (.csv), MATLAB (.mat), Igor Pro (.itx) and ParaView (.vtu)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks, inputfile, store
from spq.carriers import parse_state
from spq.columns import PLANES, Table, grids, tables, unique, word
from spq.cuts import line_cut, sections
from spq.errors import InputError
from spq.igor import write_itx
from spq.localfields import solved
from spq.model import Model
from spq.progress import Progress, silent
from spq.store import Writer
from spq.vtu import write_fields, write_map

if TYPE_CHECKING:
    import xarray as xr

FORMATS = ("csv", "mat", "itx", "vtu")
HEADERS = ("long_name", "unit", "comment")
LONGEST = 63  # characters of a name in MATLAB


def export(
    source: xr.Dataset | Model | str | Path,
    to: str,
    folder: str | Path = ".",
    name: str | None = None,
    states: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write a result, or the fields of a model's states, for another program.

    Parameters
    ----------
    source : Dataset of spq (a map, a spectrum, a sweep, a section, ...), a NetCDF file of one, a Model, or
        its TOML file
    to : "csv": columns with three rows of headers (long name, unit, comment), as Origin imports them, one
        file for each dimension that rows run over; "mat": MATLAB 5, every variable as an array, `units`,
        `long_names`, `dims` and `attributes` as structs; "itx": Igor text, one wave for each column, and
        two-dimensional ones of grids and of maps over the full surface; "vtu": binary VTK for ParaView, of a
        map its points on the surface, of a model the fields on the curved elements of its mesh
    folder : made where it is missing
    name : of the files without what follows; by default that of the file, or "fields", or "result"
    states : of a model, whose fields are written; by default those of its map. Without vtu they are written
        in the plane xz and along the axis.
    progress : called with what is being done

    Returns
    -------
    list of Path
        The files written; all or none.

    Raises
    ------
    InputError
        If the source cannot be read, or the format cannot hold it; as spq.evaluate does for a model.
    ConvergenceError, MeshError
        As spq.emission does.
    """
    checks.choice(to, "to", FORMATS)
    result, stem = _read(source)
    stem = stem if name is None else checks.name(name, "name")
    store.check_writable(folder)
    if isinstance(result, Model):
        return store.write_files(folder, _model_writers(result, to, stem, states, progress))
    if states is not None:
        raise InputError("states: go with a model; a stored result is written whole")
    return store.write_files(folder, writers(result, to, stem))


def writers(ds: xr.Dataset, to: str, stem: str) -> dict[str, Writer]:
    """The function that writes each file of a Dataset, for spq.store.write_files."""
    if to == "vtu":
        if "position_nm" not in ds or "shift_meV" not in ds or "state" not in ds.dims:
            raise InputError(
                "vtu: holds maps and, from a model's file, fields on its mesh; use csv, mat or itx"
            )
        return {f"{stem}.vtu": lambda path: write_map(ds, path)}
    if to == "mat":
        return {f"{stem}.mat": lambda path: _write_mat(ds, path)}
    found = tables(ds)
    if to == "itx":
        regular = grids(ds)
        if ds.attrs.get("plane") in PLANES:  # whose points are all in the grids
            found = [table for table in found if table.name != "point"]
        about = f"spq {ds.attrs.get('spq_version', '')}: {ds.attrs.get('title', stem)}"
        return {f"{stem}.itx": lambda path: write_itx(found, regular, about, path)}
    files = {f"{stem}.csv" if len(found) == 1 else f"{stem}_{word(each.name)}.csv": each for each in found}
    return {file: _csv_writer(table) for file, table in files.items()}


def _read(source: Any) -> tuple[Any, str]:
    """The Dataset or Model of a source, and the name of its files."""
    import xarray as xr

    if isinstance(source, xr.Dataset):
        return source, "result"
    if isinstance(source, Model):
        return source, "fields"
    if not isinstance(source, (str, Path)):
        raise InputError(f"source = {checks.shown(source)}: must be a Dataset, a Model or a file")
    path = Path(source)
    if path.suffix.lower() == ".toml":
        return inputfile.load(path), path.stem
    return store.read(path, "result"), path.stem


def _model_writers(
    model: Model, to: str, stem: str, states: Sequence[str] | None, progress: Progress
) -> dict[str, Writer]:
    count = len(model.molecule.dots)
    asked = model.states if states is None else [parse_state(each, count) for each in states]
    found: dict[str, Writer] = {}
    for state in asked:
        start = f"{stem}_{state.name.replace(' ', '_')}"
        if to == "vtu":
            found[f"{start}.vtu"] = _field_writer(model, state.name, progress)
            continue
        for kind, cut in (("plane", sections), ("axis", line_cut)):
            ds = cut(model, state.name, progress=progress)
            found |= writers(ds, to, f"{start}_{kind}")
    return found


def _field_writer(model: Model, state: str, progress: Progress) -> Writer:
    given = solved(model, state, progress=progress)
    return lambda path: write_fields(given, path, progress)


def _csv_writer(table: Table) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream)
            rows.writerows([[getattr(column, header) for column in table.columns] for header in HEADERS])
            values = [column.values for column in table.columns]
            rows.writerows([_cell(value) for value in row] for row in zip(*values, strict=True))

    return write


def _cell(value: Any) -> str:
    """Text of a value, nothing for NaN."""
    if not isinstance(value, (float, np.floating)):
        return str(value)
    return "" if np.isnan(value) else f"{value:.15g}"


def _write_mat(ds: xr.Dataset, path: Path) -> None:
    from scipy.io import savemat

    taken: set[str] = {"units", "long_names", "dims", "attributes"}
    names = {each: unique(word(str(each)), taken, LONGEST) for each in ds.variables}
    content: dict[str, Any] = {name: _matlab(ds[each].values) for each, name in names.items()}
    kinds = {"units": "units", "long_names": "long_name"}
    for struct, attribute in kinds.items():
        content[struct] = {name: str(ds[each].attrs.get(attribute, "")) for each, name in names.items()}
    content["dims"] = {name: " ".join(str(dim) for dim in ds[each].dims) for each, name in names.items()}
    keys: set[str] = set()
    content["attributes"] = {unique(word(str(k)), keys, LONGEST): str(v) for k, v in ds.attrs.items()}
    savemat(path, content, long_field_names=True, oned_as="column", do_compression=True)


def _matlab(values: np.ndarray) -> np.ndarray:
    """Numbers and truth values as they are, words as a cell array."""
    if values.dtype.kind in "biufc":
        return values
    return np.array([str(each) for each in values.ravel()], dtype=object).reshape(values.shape)
