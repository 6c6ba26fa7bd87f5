"""The table [sweep] of an input file: axes, fields that change together, and what is computed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spq import checks
from spq.axes import GRID
from spq.errors import InputError
from spq.inputfile import from_document, parsed, text_of
from spq.sweeps import Sweep, planned

SWEEP = ("compute", "axes", "zipped")


def sweep_of(path: str | Path) -> Sweep:
    """The Sweep of an input file with a table [sweep].

    [sweep.axes] maps fields to values or grids, each [[sweep.zipped]] several fields to lists of one length.
    Raises InputError with the file's name in front.
    """
    with checks.placed(f"{path}: "):
        given = parsed(text_of(path))
        table = given.get("sweep")
        if not isinstance(table, dict):
            raise InputError("sweep: missing; a table [sweep.axes] says which fields change")
        checks.known_keys(table, SWEEP, "sweep.")
        return planned(from_document(given), _axes(table), table.get("compute", "emission"))


def _axes(table: Mapping[str, Any]) -> dict[str | tuple[str, ...], Any]:
    """The axes as spq.sweep takes them."""
    found: dict[str | tuple[str, ...], Any] = {}
    found |= _flat(_table(table.get("axes", {}), "sweep.axes"))
    zipped = table.get("zipped", [])
    if not isinstance(zipped, list):
        raise InputError("sweep.zipped: must be written as [[sweep.zipped]], once for each group of fields")
    for i, group in enumerate(zipped, 1):
        fields = _flat(_table(group, f"sweep.zipped[{i}]"))
        if tuple(fields) in found:
            raise InputError(f"sweep.zipped[{i}]: {', '.join(fields)} are given twice")
        found[tuple(fields)] = list(fields.values())
    return found


def _table(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise InputError(f"{where} = {checks.shown(given)}: must map fields to their values")
    return given


def _flat(given: Mapping[str, Any], before: str = "") -> dict[Any, Any]:
    """Fields by dotted name, also of names that were not put in quotes and so became tables."""
    found: dict[Any, Any] = {}
    for key, value in given.items():
        name = f"{before}{key}"
        inner = {name: value}
        if isinstance(value, dict) and not set(value) & set(GRID):
            inner = _flat(value, f"{name}.")
            if not inner:
                raise InputError(f"sweep.axes: {name}: has no values")
        if twice := found.keys() & inner.keys():
            raise InputError(f"sweep.axes: {min(twice)} is given twice")
        found |= inner
    return found
