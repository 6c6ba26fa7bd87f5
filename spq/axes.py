"""Axes of a sweep: fields of the input by dotted name, each over its values or several side by side."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.fields import changed, check_apart, plain
from spq.model import Model

GRID = ("start", "stop", "points")
ZIPPED = "zipped"
LARGE = 2**53  # from here on not every integer is a number of its own


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep: names of the fields that change along it, and a value of each per step."""

    dimension: str
    names: tuple[str, ...]
    steps: tuple[tuple[Any, ...], ...]

    def coordinate(self, name: str) -> np.ndarray:
        """Values (steps,) of one field; those that are no numbers or words as JSON."""
        column = self.names.index(name)
        values = [step[column] for step in self.steps]
        return np.array([json.dumps(value) if isinstance(value, list) else value for value in values])


def axes_of(model: Model, axes: Mapping[str | tuple[str, ...], Any]) -> tuple[Axis, ...]:
    """The axes of a sweep, in the order in which they are given.

    Parameters
    ----------
    model : Model
        Whose fields they are.
    axes : field -> its values, or {"start", "stop", "points"}; several fields (a tuple) -> as many lists
        of one length, which change together along a dimension called "zipped", "zipped_2", ...

    Returns
    -------
    tuple of Axis

    Raises
    ------
    InputError
        If a field is unknown or in two axes, or an axis is empty, has a value twice or lists of two lengths.
    """
    if not isinstance(axes, Mapping) or not axes:
        raise InputError("axes: must map at least one field such as dots[1].core_radius to its values")
    check_apart(model, [name for key in axes for name in _names(key)])
    found: list[Axis] = []
    together = 0
    for key, given in axes.items():
        names = _names(key)
        if isinstance(key, str):
            found.append(Axis(key, names, tuple((value,) for value in _values(given, key))))
        else:
            together += 1
            dimension = ZIPPED if together == 1 else f"{ZIPPED}_{together}"
            found.append(Axis(dimension, names, _side_by_side(names, given)))
        shown = ", ".join(names)
        steps = [json.dumps([_number(value) for value in step]) for step in found[-1].steps]
        if len(set(steps)) < len(steps):
            twice = next(step for step in steps if steps.count(step) > 1)
            raise InputError(f"axes: {shown} = {twice[1:-1]} is given twice")
    return tuple(found)


def points(model: Model, axes: Sequence[Axis]) -> Iterator[Model | InputError]:
    """The model at every point, the last axis fastest; what is wrong where there is none."""
    for steps in itertools.product(*(axis.steps for axis in axes)):
        values = {
            name: value
            for axis, step in zip(axes, steps, strict=True)
            for name, value in zip(axis.names, step, strict=True)
        }
        try:
            yield changed(model, values)
        except InputError as error:
            yield error


def _number(value: Any) -> Any:
    """A value as fields take it: 1 and 1.0 are the same."""
    if isinstance(value, list):
        return [_number(each) for each in value]
    return float(value) if type(value) is int else value


def _names(key: Any) -> tuple[str, ...]:
    names = (key,) if isinstance(key, str) else key
    if not isinstance(names, tuple) or not names:
        raise InputError(f"axes: {checks.shown(key)}: must be a field's dotted name, or a tuple of some")
    return names


def _side_by_side(names: tuple[str, ...], given: Any) -> tuple[tuple[Any, ...], ...]:
    shown = ", ".join(names)
    columns = checks.listed(given, f"axes: {shown}", "a list of values for each field")
    if len(columns) != len(names):
        raise InputError(f"axes: {shown}: {len(columns)} lists for {len(names)} fields")
    lists = [_values(column, name) for column, name in zip(columns, names, strict=True)]
    lengths = [len(values) for values in lists]
    if len(set(lengths)) > 1:
        raise InputError(f"axes: {shown}: change together, but have {lengths} values")
    return tuple(zip(*lists, strict=True))


def _values(given: Any, name: str) -> list[Any]:
    """Values of one field, plain as a TOML reader gives them."""
    where = f"axes: {name}"
    if isinstance(given, Mapping):
        checks.known_keys(given, GRID, f"{where}: ")
        if missing := [key for key in GRID if key not in given]:
            raise InputError(f"{where}: a grid needs start, stop and points; {missing[0]} is missing")
        count = checks.integer(given["points"], f"{where}.points", minimum=1)
        start, stop = (checks.number(given[key], f"{where}.{key}") for key in GRID[:2])
        return np.linspace(start, stop, count).tolist()
    given = given.tolist() if isinstance(given, np.ndarray) and given.ndim else given
    values = checks.listed(given, where, "a list of values, or start, stop and points")
    if not values:
        raise InputError(f"{where} = []: must hold at least one value")
    found = plain(values)
    for value in found:
        if not isinstance(value, (bool, int, float, str, list)):
            raise InputError(f"{where} = {checks.shown(value)}: must be a number, a word or a list of these")
        if isinstance(value, int) and abs(value) >= LARGE:
            raise InputError(f"{where} = {checks.shown(value)}: is too large")
    kinds = {str if isinstance(v, str) else list if isinstance(v, list) else float for v in found}
    if len(kinds) > 1:
        raise InputError(f"{where} = {checks.shown(found)}: must be all numbers or all words")
    return found
