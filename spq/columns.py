"""A Dataset as tables of named columns with units, and as regular grids: what other programs want to read.

The rows of a table run over one dimension (of a map its points); every place along the other dimensions
makes a column, whose long name says which ("shift_meV X-@1, charge +1 e").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

ROWS = ("point", "energy", "line", "initial", "sample")
"""Dimensions that are rows wherever they occur; else the longest one is."""

PLANES = ("xz", "yz", "xy")
MOST = 5000  # columns of one table
SPACING = 1e-9  # relative; steps that differ by less are equal


@dataclass(frozen=True, eq=False)
class Column:
    """name: letters, digits, _; long_name (variable and place), unit, comment: headers; values: (rows,)."""

    name: str
    long_name: str
    unit: str
    comment: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Table:
    """name: the dimension of its rows; columns of equal length."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, eq=False)
class Grid:
    """Values (n, k) over two axes, of names, units and coordinates (n,) and (k,)."""

    column: Column
    axes: tuple[tuple[str, str, np.ndarray], tuple[str, str, np.ndarray]]


def word(text: str) -> str:
    """A text as letters, digits and _ that begins with a letter: "X-@1" is Xm_1, "+0.5" p0_5."""
    text = re.sub(r"-(?=\d)|(?<=[A-Za-z0-9])-", "m", text).replace("+", "p")
    text = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return text if re.match("[A-Za-z]", text) else f"v{text}"


def unique(name: str, taken: set[str], longest: int) -> str:
    """A name of at most so many characters that is not taken, counting case as no difference; it then is."""
    found, number = name[:longest], 1
    while found.lower() in taken:
        number += 1
        found = f"{name[: longest - len(str(number)) - 1]}_{number}"
    taken.add(found.lower())
    return found


def tables(ds: xr.Dataset) -> list[Table]:
    """All variables of a Dataset, and its coordinates, as tables by the dimension of their rows.

    A section in a plane is one table over all its points. Raises InputError if a table would be too wide.
    """
    if ds.attrs.get("plane") in PLANES:
        ds = ds.stack(point=[str(dim) for dim in plane_dims(ds)], create_index=False)
    groups: dict[str, list[str]] = {}
    names = [str(name) for name in ds.data_vars]
    names += [str(name) for name in ds.coords if name not in ds.dims]
    for name in names:
        groups.setdefault(_rows(ds, ds[name].dims), []).append(name)
    found = []
    for dim, members in groups.items():
        columns = [_column(ds[dim], "", ds[dim].values)] if dim in ds.coords else []
        # what stands alone along the rows says where they are
        members = sorted(members, key=lambda name: (name in ds.data_vars, len(ds[name].dims) > 1))
        for name in members:
            columns += _columns(ds, name, dim)
            if len(columns) > MOST:
                raise InputError(
                    f"{dim}: a table of more than {MOST} columns; choose a part of the Dataset first"
                )
        taken: set[str] = set()
        named = [_renamed(each, unique(each.name, taken, 63)) for each in columns]
        found.append(Table(dim or "values", tuple(named)))
    return found


def grids(ds: xr.Dataset) -> list[Grid]:
    """Values on regular grids: of a section in a plane, or of a map over z and phi; else none."""
    if ds.attrs.get("plane") in PLANES:
        dims = plane_dims(ds)
        axes = [(f"{dim}_nm", "nm", np.asarray(ds[dim].values)) for dim in dims]
        return [
            Grid(_column(part, comment, values), (axes[0], axes[1]))
            for name in ds.data_vars
            for part, comment, values in _parts(ds[name].transpose(..., *dims), 2)
        ]
    shape = surface_shape(ds)
    if shape is None:
        return []
    z, phi = (ds[name].values.reshape(shape) for name in ("z_nm", "phi_deg"))
    along = (("z_nm", "nm", z[:, 0]), ("phi_deg", "degree", phi[0]))
    return [
        Grid(_column(part, comment, values.reshape(shape)), along)
        for name in ("shift_meV", "energy_eV", "shift_error_meV")
        for part, comment, values in _parts(ds[name].transpose(..., "point"), 1)
    ]


def plane_dims(ds: xr.Dataset) -> tuple[str, str]:
    """The dimensions of a section in a plane, as its arrays have them: the second letter first."""
    plane = ds.attrs["plane"]
    return plane[1], plane[0]


def surface_shape(ds: xr.Dataset) -> tuple[int, int] | None:
    """(z, phi) of a map of the full surface; None of any other Dataset."""
    if "phi_deg" not in ds or "z_nm" not in ds or ds["phi_deg"].dims != ("point",):
        return None
    phi, z = ds["phi_deg"].values, ds["z_nm"].values
    count = len(np.unique(phi[np.isfinite(phi)]))
    if count < 2 or len(phi) % count or np.isnan(z).any():
        return None
    shape = (len(phi) // count, count)
    regular = (phi.reshape(shape) == phi[:count]).all() and np.ptp(z.reshape(shape), axis=1).max() < 1e-9
    return shape if regular else None


def spaced(values: np.ndarray) -> float | None:
    """The step of equally spaced numbers, None of others."""
    steps = np.diff(values)
    if not len(steps) or np.ptp(steps) > SPACING * np.abs(values).max():
        return None
    return float(steps.mean())


def _rows(ds: xr.Dataset, dims: Sequence[Any]) -> str:
    for dim in ROWS:
        if dim in dims:
            return dim
    return str(max(dims, key=lambda dim: ds.sizes[dim])) if dims else ""


def _columns(ds: xr.Dataset, name: str, rows: str) -> Iterator[Column]:
    array = ds[name]
    if rows:
        array = array.transpose(..., rows)
        return (_column(part, text, values) for part, text, values in _parts(array, 1))
    return iter([_column(array, "", np.atleast_1d(array.values))])


def _parts(array: xr.DataArray, kept: int) -> Iterator[tuple[xr.DataArray, str, np.ndarray]]:
    """Values along the last `kept` dimensions at every place of the others, and the place in words."""
    others = [str(dim) for dim in array.dims[: array.ndim - kept]]
    for where in itertools.product(*(range(array.sizes[dim]) for dim in others)):
        words = [_label(array, dim, index) for dim, index in zip(others, where, strict=True)]
        yield array, ", ".join(words), array.values[where]


def _label(array: xr.DataArray, dim: str, index: int) -> str:
    if dim == "xyz":
        return dim[index]
    label = array[dim].values[index] if dim in array.coords else index + 1
    if isinstance(label, str):
        return label
    return f"charge {label:+g} e" if dim == "charge" else f"{dim} {label}"


def _column(array: xr.DataArray, place: str, values: np.ndarray) -> Column:
    words = [re.sub("^charge | e$", "", each) for each in place.split(", ")] if place else []
    name = "_".join([word(str(array.name)), *(word(each).removeprefix("v") for each in words)])
    unit = str(array.attrs.get("units", ""))
    about = str(array.attrs.get("long_name", ""))
    long_name = " ".join(part for part in (str(array.name), place) if part)
    if values.dtype.kind == "b":
        values = values.astype(int)
    return Column(name, long_name, "" if unit == "1" else unit, about, values)


def _renamed(column: Column, name: str) -> Column:
    return Column(name, column.long_name, column.unit, column.comment, column.values)
