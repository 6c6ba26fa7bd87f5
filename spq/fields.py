"""Fields of an input by dotted name: `dots[1].core_radius`, `materials.CdSe.gap`, `model.electric_field[3]`.

Dots, charges and components count from 1; a list without a number (`dots.core_radius`) means each of its
entries. What is changed is the input as it was given, so a default that depends on the rest (the distance
of two fused dots) follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.inputfile import MATERIALS, TABLES, document, from_document
from spq.model import Model

LISTS = ("dots", "surface_charges")
STEP = ("materials", "conduction_band_offset")
SAME = {"materials.CdS.conduction_band": "materials.conduction_band_offset"}
PART = re.compile(r"([^\[\].]+)(?:\[(\d+)\])?")

Place = tuple[str | int, ...]


def changed(model: Model, values: Mapping[str, Any]) -> Model:
    """A model with some fields changed.

    Parameters
    ----------
    model : Model
    values : dotted field name -> value, in the units of the input file

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If a field is unknown, two names mean the same field, or a value is wrong.
    """
    check_apart(model, values)
    given = plain(document(model))
    for name, value in values.items():
        for place in places(model, name):
            _put(given, place, plain(value), name)
    return from_document(given)


def check_apart(model: Model, names: Iterable[str]) -> None:
    """Raise InputError where two names mean the same field, or one is part of the other."""
    taken: dict[Place, str] = {}
    for name in names:
        for place in places(model, name):
            for other, first in taken.items():
                shorter = min(len(place), len(other))
                if place[:shorter] == other[:shorter]:
                    raise InputError(f"{name}: contradicts {first}; both change {shown(place)}")
            taken[place] = name


def places(model: Model, name: str) -> list[Place]:
    """Where in the tables of an input a field is; several for a list of dots or charges as a whole.

    Raises InputError for a name that is none; an unknown key is found when it is used.
    """
    if not isinstance(name, str):
        raise InputError(f"{checks.shown(name)}: a field must be a dotted name such as dots[1].core_radius")
    parts = [PART.fullmatch(part) for part in SAME.get(name, name).split(".")]
    if not all(parts) or len(parts) < 2:
        raise InputError(f'"{name}": is no dotted field name such as dots[1].core_radius')
    (table, number), *inner = [(part[1], part[2]) for part in parts if part]
    if table not in TABLES:
        raise InputError(f"{name}: unknown field{checks.nearest(table, TABLES)}")
    start: list[Place] = [(table,)]
    if table in LISTS:
        count = len(model.molecule.dots if table == "dots" else model.surface_charges)
        if number is not None and not 1 <= int(number) <= count:
            raise InputError(f"{name}: the input has {count} {table.replace('_', ' ')}, counted from 1")
        if not count:
            raise InputError(f"{name}: the input has no {table.replace('_', ' ')}")
        start = [(table, i) for i in ([int(number) - 1] if number else range(count))]
    elif number is not None:
        raise InputError(f"{name}: {table} is no list")
    depth = 2 if table == "materials" and inner[0][0] not in MATERIALS else 1
    if len(inner) != depth or any(part[1] for part in inner[:-1]):
        raise InputError(f"{name}: unknown field")
    last, component = inner[-1]
    keys: Place = (*(part[0] for part in inner[:-1]), last)
    if component is not None:
        keys = (*keys, int(component) - 1)
    return [(*each, *keys) for each in start]


def shown(place: Place) -> str:
    """The dotted name of one place."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def plain(value: Any) -> Any:
    """A value as a TOML reader would give it: numpy's numbers and arrays become Python's."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


def _put(given: dict[str, Any], place: Place, value: Any, name: str) -> None:
    """Put a value at its place of the tables of an input; name: the field's, for messages."""
    inside: Any = given
    for part in place[:-1]:
        inside = inside[part] if isinstance(part, int) else inside.setdefault(part, {})
    last = place[-1]
    if isinstance(last, int):
        if not isinstance(inside, list):
            raise InputError(f"{name}: is no list in the input, give it as a whole")
        if not 0 <= last < len(inside):
            raise InputError(f"{name}: the list has {len(inside)} entries, counted from 1")
    inside[last] = value
    if place == STEP:  # however the input said it before
        given["materials"].get("CdS", {}).pop("conduction_band", None)
