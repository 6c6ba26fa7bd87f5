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

TEMPLATE = """\
# Input of spq: two fused core/shell quantum dots. Lengths in nm, energies in eV.
# Every key but [[dots]] can be left out; the values below are the defaults.

[[dots]]                      # dot 1 (negative z in a dimer)
core_radius = 1.3
shell_thickness = 2.1
core = "CdSe"
shell = "CdS"
gradation = 0.0               # width over which core turns into shell, from the core's surface outwards
# c_axis = [0.0, 0.0, 1.0]    # crystal axis, for anisotropic holes; default: the long axis
# position = [0.0, 0.0, 0.0]  # centre; for all dots or for none

[[dots]]                      # dot 2; leave it out for a single dot
core_radius = 1.35
shell_thickness = 2.1

[geometry]
# center_distance = 6.4       # default: sum of outer radii - 0.45; greater than that sum: a gap
neck_diameter = 0.0           # 0: only the lens where the spheres meet
linker_diameter = 0.0         # of a linker across the gap between two unfused dots; 0: none

[materials]
matrix = "PMMA"
linker = "ligand"             # barrier, mass and permittivity of the linker, if there is one
conduction_band_offset = 0.10 # of CdS above CdSe
permittivity = "static"       # or "optical"
# [materials.CdSe]            # any value of any material; a new material needs all six
# electron_mass = 0.13        # m0
# hole_mass = 0.45            # m0; with hole_mass_parallel (along the crystal axis) that across it
# gap = 1.84                  # at 4 K
# conduction_band = 0.0       # above CdSe
# permittivity_static = 9.5
# permittivity_optical = 6.2

[model]
self_energy = "image"         # or "none", "density"
image_cut = 0.1               # nm; the image is a straight line so far on both sides of a core's surface
image_prefactor = 1.0
wall = "hard"                 # or "finite": orbitals leak into the matrix
final_state = "relaxed"       # or "frozen"
electric_field = [0.0, 0.0, 0.0]  # kV/cm, laboratory axes
method = "reduced"            # mean field; or "direct", the same without a basis; or "ci", correlated
discretisation = "auto"       # "axisymmetric" where the dots lie on one line, else "solid"
accuracy = "normal"           # or "coarse", "fine"

# [[surface_charges]]         # any number, present in every calculation
# charge = 1.0                # e
# z = 3.2                     # along the long axis; or position = [x, y, z]
# phi = 0.0                   # degrees about the long axis
# offset = 0.0                # outside the surface

[map]                         # used by shift-map and emission
# states = ["X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2"]
charges = [1.0, -1.0]         # e
points = 41                   # from pole to pole; or z = [...]
surface = "line"              # or "full": every z at phi_points azimuths
phi = 0.0                     # degrees
phi_points = 24

[ci]                          # how far configuration interaction goes; default: as accuracy asks
# orbitals = 40               # active, of each kind of carrier in the whole molecule
# outside = 200               # counted in second order
# rank = 3                    # most carriers outside the lowest orbital of every dot
# energy = 2.0                # eV, most that a configuration lies above the lowest
memory = 6.0                  # GB

[spectrum]                    # used by spectrum, whose states are always correlated
carriers = ["X", "X-"]        # sets of carriers, spread over the dots as they like; or "e e h"
temperature = 4.0             # K
states = 8                    # eigenstates of each set
width = 1.0                   # meV, full width at half maximum of a line
phonons = []                  # meV below each line, such as [27.0, 37.0]; as many Huang-Rhys factors
huang_rhys = []
kane_energy = 17.5            # eV, E_P of the cores; 17 to 23 are found
"""
"""A commented input file: the nominal heterodimer, everything at its default."""


def load(path: str | Path) -> Model:
    """Return the Model of a TOML input file; raises InputError, with the file's name in front."""
    path = Path(path)
    with checks.placed(f"{path}: "):
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except FileNotFoundError:
            raise InputError("there is no such file") from None
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise InputError(f"line {line}: is not UTF-8 text") from None
        return loads(text)


def loads(text: str) -> Model:
    """Return the Model of a TOML text.

    Raises InputError: one line with the dotted key, or the line number where it is not TOML.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax(str(error), text)) from None
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
    molecule = model.molecule
    geometry = {"neck_diameter": molecule.neck_diameter, "linker_diameter": molecule.linker_diameter}
    if len(molecule.dots) == 2 and molecule.dots[0].position is None:
        geometry["center_distance"] = -2.0 * float(molecule.centers[0, 2])
    materials: dict[str, Any] = {
        "matrix": model.matrix,
        "linker": model.linker,
        "permittivity": model.permittivity,
    }
    for material in model.used_materials:
        values = _given(material, (*VALUES, *OPTIONAL))
        if material.name == "CdS":
            materials["conduction_band_offset"] = values.pop("conduction_band")
        materials[material.name] = values
    result: dict[str, Any] = {
        "dots": [_given(dot, DOT) for dot in molecule.dots],
        "geometry": geometry,
        "materials": materials,
        "model": {key: getattr(model, key) for key in MODEL},
        "surface_charges": [_given(charge, CHARGE) for charge in model.surface_charges],
        "map": _given(model.map, MAP),
        "ci": _given(model.ci, CI),
        "spectrum": _given(model.spectrum, SPECTRUM),
    }
    if not model.surface_charges:
        del result["surface_charges"]
    return tomlkit.dumps(result)


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
