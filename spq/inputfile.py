"""The input file: TOML read into a Model, and a Model written as TOML.

`loads(dumps(model)) == model`: what is written is the whole input, with the values of every
material that is used, so that an old file gives the same model after defaults have changed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from spq import checks
from spq.cispec import CISpec
from spq.errors import InputError
from spq.geometry import Dot, Molecule
from spq.mapspec import MapSpec
from spq.materials import OPTIONAL, VALUES
from spq.model import OPTIONS, Model
from spq.spectrumspec import SpectrumSpec
from spq.surface import SurfaceCharge

DOT = ("core_radius", "shell_thickness", "core", "shell", "position", "gradation", "c_axis")
GEOMETRY = ("center_distance", "neck_diameter", "linker_diameter")
MATERIALS = ("matrix", "linker", "conduction_band_offset", "permittivity")
MODEL = (*OPTIONS, "image_cut", "image_prefactor", "electric_field")
CHARGE = ("charge", "z", "position", "phi", "offset")
SPECTRUM = ("carriers", "temperature", "states", "width", "phonons", "huang_rhys", "kane_energy")
CI = ("orbitals", "outside", "rank", "energy", "memory")
MAP = ("states", "charges", "points", "z", "surface", "phi", "phi_points")
TABLES: dict[str, tuple[str, ...]] = {
    "dots": DOT,
    "geometry": GEOMETRY,
    "materials": MATERIALS,
    "model": MODEL,
    "surface_charges": CHARGE,
    "map": MAP,
    "ci": CI,
    "spectrum": SPECTRUM,
}
"""Tables of the input file and their keys; [materials.X] holds keys of spq.materials.VALUES."""

APART = ("sweep", "deduce")
"""Tables of what is done with a model; they are no part of it and are read where they are used."""


def load(path: str | Path) -> Model:
    """Return the Model of the TOML input file at `path`, lengths in nm and energies in eV.

    It carries the surface charges and the map of the file. Raises InputError, with the file's name in front.
    """
    with checks.placed(f"{path}: "):
        return loads(text_of(path))


def text_of(path: str | Path) -> str:
    """The text of an input file; raises InputError where it cannot be read."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError("there is no such file") from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"line {line}: is not UTF-8 text") from None


def loads(text: str) -> Model:
    """Return the Model of a TOML text.

    Raises InputError: one line with the dotted key, or the line number where it is not TOML.
    """
    return from_document(parsed(text))


def parsed(text: str) -> dict[str, Any]:
    """The tables of a TOML text; raises InputError with the line number where it is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax(str(error), text)) from None


def from_document(given: Mapping[str, Any]) -> Model:
    """Return the Model of an input's tables; raises InputError with the dotted key."""
    _check_tables(given)
    materials = dict(given.get("materials", {}))
    shorthand = {key: materials.pop(key) for key in MATERIALS if key in materials}
    dots = []
    for i, values in enumerate(given["dots"], 1):
        if "core_radius" not in values:
            raise InputError(f"dots[{i}].core_radius: missing")
        with checks.placed(f"dots[{i}]."):
            dots.append(Dot(**values))
    molecule = _molecule(dots, given.get("geometry", {}))
    charges = []
    for i, values in enumerate(given.get("surface_charges", []), 1):
        if "charge" not in values:
            raise InputError(f"surface_charges[{i}].charge: missing")
        with checks.placed(f"surface_charges[{i}]."):
            charges.append(SurfaceCharge(**values))
    return Model(
        molecule,
        **shorthand,
        materials=materials,
        **given.get("model", {}),
        surface_charges=tuple(charges),
        map=MapSpec(**given.get("map", {})),
        ci=CISpec(**given.get("ci", {})),
        spectrum=SpectrumSpec(**given.get("spectrum", {})),
    )


def dumps(model: Model) -> str:
    """Return the whole input of a Model as TOML text; `loads` gives an equal Model."""
    return tomlkit.dumps(whole(model))


def document(model: Model) -> dict[str, Any]:
    """The tables of a Model's input as it was given: what has a default that depends on the rest keeps it."""
    molecule = model.molecule
    geometry = {key: getattr(molecule, key) for key in reversed(GEOMETRY)}
    materials = {key: getattr(model, key) for key in MATERIALS} | dict(model.materials)
    found: dict[str, Any] = {
        "dots": [_given(dot, DOT) for dot in molecule.dots],
        "geometry": {key: value for key, value in geometry.items() if value is not None},
        "materials": {key: value for key, value in materials.items() if value is not None},
        "model": {key: getattr(model, key) for key in MODEL},
        "surface_charges": [_given(charge, CHARGE) for charge in model.surface_charges],
        "map": _given(model.map, MAP),
        "ci": _given(model.ci, CI),
        "spectrum": _given(model.spectrum, SPECTRUM),
    }
    if not model.surface_charges:
        del found["surface_charges"]
    return found


def whole(model: Model) -> dict[str, Any]:
    """The tables of a Model's whole input, with the values of every material that is used."""
    found = document(model)
    molecule = model.molecule
    if len(molecule.dots) == 2 and molecule.dots[0].position is None:
        found["geometry"] |= {"center_distance": -2.0 * float(molecule.centers[0, 2])}
    materials = {key: getattr(model, key) for key in ("matrix", "linker", "permittivity")}
    for material in model.used_materials:
        values = _given(material, (*VALUES, *OPTIONAL))
        if material.name == "CdS":
            materials["conduction_band_offset"] = values.pop("conduction_band")
        materials[material.name] = values
    found["materials"] = materials
    return found


def _given(description: object, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the values of a description that are not None."""
    values = {key: getattr(description, key) for key in keys}
    return {key: value for key, value in values.items() if value is not None}


def _molecule(dots: list[Dot], geometry: Mapping[str, Any]) -> Molecule:
    """Return the molecule; an error about a key of [geometry] gets the name of the table."""
    try:
        return Molecule(tuple(dots), **geometry)
    except InputError as error:
        inside = str(error).startswith(GEOMETRY)
        raise InputError(f"geometry.{error}" if inside else str(error)) from None


def _syntax(message: str, text: str) -> str:
    """Return the message of the TOML reader, with the line in front."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    if found:
        return f"line {found[1]}, column {found[2]}: {message[: found.start()]}"
    lines = max(len(text.splitlines()), 1)
    return f"line {lines}: {message.replace(' (at end of document)', '')}, at the end of the text"


def _check_tables(given: Mapping[str, Any]) -> None:
    """Raise InputError for unknown keys at any level and for tables that are none."""
    for table, content in given.items():
        if table in APART:
            continue
        if table not in TABLES:
            raise InputError(f"{table}: unknown key{_nearest_key(table, '')}")
        if table in ("dots", "surface_charges"):
            if not isinstance(content, list) or not all(isinstance(x, dict) for x in content):
                raise InputError(f"{table}: must be written as [[{table}]], once for each")
            for i, values in enumerate(content, 1):
                _check_keys(values, table, f"{table}[{i}]")
        elif not isinstance(content, dict):
            raise InputError(f"{table} = {checks.shown(content)}: must be a table, [{table}]")
        elif table == "materials":
            _check_materials(content)
        else:
            _check_keys(content, table, table)
    if not given.get("dots"):
        raise InputError("dots: missing; at least one [[dots]] with a core_radius is needed")


def _check_keys(values: Mapping[str, Any], table: str, where: str) -> None:
    for key in values:
        if key not in TABLES[table]:
            raise InputError(f"{where}.{key}: unknown key{_nearest_key(key, table, where)}")


def _check_materials(content: Mapping[str, Any]) -> None:
    """Check [materials]: its own keys, and one table of values for each material."""
    for key, values in content.items():
        if key in MATERIALS:
            continue
        where = f"materials.{key}"
        if not isinstance(values, dict):
            hint = _nearest_key(key, "materials", "materials")
            raise InputError(f"{where}: unknown key{hint}; values go into [materials.NAME]")
        for value in values:
            if value not in (*VALUES, *OPTIONAL):
                hint = checks.nearest(value, (*VALUES, *OPTIONAL), f"{where}.")
                known = hint or f" (known: {', '.join((*VALUES, *OPTIONAL))})"
                raise InputError(f"{where}.{value}: unknown key{known}")


def _nearest_key(key: str, table: str, where: str = "") -> str:
    """Return a hint at the nearest known key: of the same table, else of any, else all known."""
    if table:
        hint = checks.nearest(key, TABLES[table], f"{where}.")
        if hint:
            return hint
    elif hint := checks.nearest(key, TABLES):
        return hint
    homes = {name: home for home, names in reversed(TABLES.items()) for name in names}
    homes |= {value: "materials.NAME" for value in (*VALUES, *OPTIONAL)}
    found = checks.nearest(key, homes)
    if found:
        name = found.split('"')[1]
        return f' (nearest: "{homes[name]}.{name}")'
    return f" (known: {', '.join(TABLES[table] if table else TABLES)})"
