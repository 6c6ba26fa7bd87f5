"""Values on a regular grid from a text file, as COMSOL Multiphysics exports them.

Lines that begin with % are headers. Spreadsheet format: one row for each point, its coordinates (x y z; x y;
r z) and then one column for each expression; the last header line names the columns and their units,
    % Dimension:   3
    % Length unit: nm
    % x            y            z            V (V)
    -5.0           -5.0         -5.0         0.0123
Grid format: after "% Grid" one line of coordinates for each axis; then for each expression a header line
with its name ("% Data" or "% V (V)") and its values, x along a line, a line for each y, blocks of these for
each z. Without "Length unit" coordinates are metres, as in COMSOL. Values outside the domain may be NaN; a
complex value is written 0.1+0.2i. (COMSOL Multiphysics Reference Manual, Spreadsheet and Grid Data Format.)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import constants

from spq import checks
from spq.errors import InputError
from spq.units import NM

if TYPE_CHECKING:
    import xarray as xr

LENGTHS = {
    "m": 1.0,
    "cm": 1e-2,
    "mm": 1e-3,
    "um": 1e-6,
    "µm": 1e-6,
    "μm": 1e-6,
    "nm": 1e-9,
    "pm": 1e-12,
    "å": 1e-10,
    "angstrom": 1e-10,
}
VALUES = {
    "V": ("eV", 1.0),
    "mV": ("eV", 1e-3),
    "eV": ("eV", 1.0),
    "meV": ("eV", 1e-3),
    "J": ("eV", 1.0 / constants.e),
    "1/m^3": ("1/nm^3", NM**3),
    "m^-3": ("1/nm^3", NM**3),
    "1/nm^3": ("1/nm^3", 1.0),
    "nm^-3": ("1/nm^3", 1.0),
    "nm^(-3)": ("1/nm^3", 1.0),
}
"""Units of values: what they become here (a potential of 1 V is 1 eV for a charge +e), and the factor."""

NETCDF = (b"\x89HDF", b"CDF")  # how its files begin
COORDINATES = ("x", "y", "z", "r")
SAME = 1e-6  # of the length of an axis; coordinates that differ by less are one


def read_grid(path: str | Path) -> xr.Dataset:
    """Read a text file of values on a regular grid, in COMSOL's spreadsheet or grid format (see
    spq.gridfile).

    Parameters
    ----------
    path : of the text file

    Returns
    -------
    xarray.Dataset
        Dimensions x, y, z (or x, y; r, z), coordinates in nm; one variable for each expression, with `units`
        (of potentials and energies eV, of densities 1/nm^3, else as the file says); the file's headers as
        attributes.

    Raises
    ------
    InputError
        If it is no file, cannot be read, holds other text, or its rows do not fill a regular grid.
    """
    if not isinstance(path, (str, Path)):
        raise InputError(f"path = {checks.shown(path)}: must be a file")
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if content.startswith(NETCDF):
        raise InputError(f"{path}: is a NetCDF file, not the text of a grid")
    text = content.decode("utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    headers = [line.lstrip("% ").strip() for line in lines if line.startswith("%")]
    if not headers and not lines:
        raise InputError(f"{path}: is empty")
    said = dict(_split(header) for header in headers if re.match(r"[A-Z][A-Za-z ]+:", header))
    gridded = next((i for i, line in enumerate(lines) if re.fullmatch(r"%\s*grid", line.lower())), None)
    if gridded is None:
        axes, values = _spreadsheet(path, lines, headers, said)
    else:
        axes, values = _grid(path, lines[gridded + 1 :], said)
    return _dataset(path, axes, values, said)


def _split(header: str) -> tuple[str, str]:
    key, _, value = header.partition(":")
    return key.strip().lower(), value.strip()


def _numbers(path: Path, text: str) -> np.ndarray:
    """The numbers (n,) of a text, complex ones where there are any."""
    words = re.split(r"[\s,;]+", text.strip(" ,;"))
    try:
        return np.array(words, dtype=float)
    except ValueError:
        pass
    found = []
    for word in words:
        try:
            found.append(complex(word.replace("i", "j") if "i" in word else word))
        except ValueError as error:
            raise InputError(f"{path}: holds something that is no number: {checks.shown(word)}") from error
    return np.array(found)


def _spreadsheet(path: Path, lines: list[str], headers: list[str], said: dict[str, str]) -> tuple[list, list]:
    rows = [line for line in lines if not line.startswith("%")]
    if not rows:
        raise InputError(f"{path}: holds no values")
    columns = len(re.split(r"[\s,;]+", rows[0].strip(" ,;")))
    table = _numbers(path, "\n".join(rows))
    if table.size != columns * len(rows):
        raise InputError(f"{path}: rows of different lengths; the first has {columns} columns")
    table = table.reshape(len(rows), columns)
    names = _names(headers[-1] if headers else "", columns)
    dimension = sum(name.lower() in COORDINATES for name, _ in names)
    if not names:
        dimension = _dimension(path, said)
        names = [(letter, "") for letter in "xyz"[:dimension]]
        names += [(f"value_{i}", "") for i in range(1, columns - dimension + 1)]
    if not 2 <= dimension < columns:
        raise InputError(
            f"{path}: {columns} columns with {dimension} coordinates: needs two or three and a value"
        )
    places = np.real(table[:, :dimension]).astype(float)
    axes, index = [], []
    for number in range(dimension):
        axis, place = _distinct(places[:, number])
        name, unit = names[number]
        axes.append((name.lower(), _length(path, unit or said.get("length unit", "m")) * axis))
        index.append(place)
    shape = tuple(len(axis) for _, axis in axes)
    flat = np.ravel_multi_index(index, shape)
    if len(np.unique(flat)) != len(flat) or len(flat) != np.prod(shape):
        size = " × ".join(str(each) for each in shape)
        raise InputError(
            f"{path}: {len(flat)} rows do not fill a regular grid, which would have {size} points"
        )
    values = []
    for (name, unit), column in zip(names[dimension:], table.T[dimension:], strict=True):
        ordered = np.empty(len(flat), dtype=column.dtype)
        ordered[flat] = column
        values.append((name, unit, ordered.reshape(shape)))
    return axes, values


def _dimension(path: Path, said: dict[str, str]) -> int:
    """How many coordinates there are, of a file that does not name its columns."""
    given = said.get("dimension", "3")
    if given not in ("2", "3"):
        raise InputError(f"{path}: Dimension: {given[:60]}: must be 2 or 3")
    return int(given)


def _names(header: str, columns: int) -> list[tuple[str, str]]:
    """Name and unit of every column, nothing where the header does not name them all."""
    for pattern in (r"\t+|\s{2,}|\s*[,;]\s*", r"\s+(?![(@])"):
        words = [word for word in re.split(pattern, header.strip()) if word]
        if len(words) == columns:
            break
    else:
        return []
    return [_named(word) for word in words]


def _named(word: str) -> tuple[str, str]:
    """Name and unit of "V (V)" or "psi (1/m^(3/2)) @ t=0": the last parentheses after a space."""
    found = re.fullmatch(r"(.*?)\s+\(((?:[^()]|\([^()]*\))*)\)\s*(@.*)?", word.strip())
    if not found:
        return word.strip(), ""
    return " ".join(part for part in (found[1].strip(), found[3]) if part), found[2].strip()


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values, ascending, and the number of each of them."""
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order]) > SAME * max(float(np.ptp(values)), 1e-300)
    number = np.concatenate([[0], np.cumsum(steps)])
    place = np.empty(len(values), dtype=int)
    place[order] = number
    sums = np.bincount(place, weights=values)
    return sums / np.bincount(place), place


def _grid(path: Path, lines: list[str], said: dict[str, str]) -> tuple[list, list]:
    first = next((i for i, line in enumerate(lines) if line.startswith("%")), 0)
    if first not in (2, 3):
        raise InputError(f"{path}: after % Grid there must be two or three lines of coordinates")
    factor = _length(path, said.get("length unit", "m"))
    letters = ("r", "z") if first == 2 and "axisym" in str(said).lower() else ("x", "y", "z")
    axes = [(letters[i], factor * np.real(_numbers(path, lines[i]))) for i in range(first)]
    shape = tuple(len(axis) for _, axis in axes)
    blocks: list[tuple[str, list[str]]] = []
    for line in lines[first:]:
        if line.startswith("%"):
            blocks.append((line.lstrip("% ").strip(), []))
        else:
            blocks[-1][1].append(line)
    values = []
    for number, (header, rows) in enumerate((block for block in blocks if block[1]), 1):
        name, unit = _named("" if header.lower() == "data" else header)
        block = _numbers(path, "\n".join(rows))
        if block.size != np.prod(shape):
            raise InputError(
                f"{path}: {name or 'Data'} has {block.size} values on a grid of {np.prod(shape)} points"
            )
        turned = block.reshape(shape[::-1]).transpose()
        values.append((name or said.get("description", "") or f"value_{number}", unit, turned))
    if not values:
        raise InputError(f"{path}: holds no values")
    return axes, values


def _length(path: Path, unit: str) -> float:
    """A length unit in nm."""
    if unit.lower() not in LENGTHS:
        raise InputError(f"{path}: length unit {unit}: must be one of {', '.join(LENGTHS)}")
    return LENGTHS[unit.lower()] / NM


def _dataset(path: Path, axes: list, values: list, said: dict[str, str]) -> xr.Dataset:
    import xarray as xr

    dims = [name for name, _ in axes]
    coordinates: dict[str, Any] = {name: (name, axis, {"units": "nm"}) for name, axis in axes}
    variables: dict[str, Any] = {}
    for name, unit, array in values:
        ours, factor = VALUES.get(unit, (unit, 1.0))
        about = {"units": ours, "long_name": name, "units_of_file": unit}
        key, number = name, 1
        while key in variables or key in dims:
            number += 1
            key = f"{name}_{number}"
        variables[key] = (dims, factor * array, about)
    return xr.Dataset(variables, coordinates, {"source": path.name, **said})
