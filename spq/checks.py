"""Checks of single input values: each returns the clean value or raises a one-line InputError.

A message says where, what was given and what is allowed:
`dots[1].core_radius = -1 nm: must be > 0`.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from spq.errors import InputError


def shown(value: Any, unit: str = "") -> str:
    """Return `value` as a message shows it: one line of modest length, a number with its unit."""
    if not isinstance(value, (bool, np.bool_)) and isinstance(value, numbers.Real):
        return f"{_float(value):.10g} {unit}".strip()
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _float(value: Any) -> float:
    """A real number as a float, infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number(
    value: Any,
    where: str,
    unit: str = "",
    *,
    above: float | None = None,
    minimum: float | None = None,
) -> float:
    """Return `value` as a float: finite, > `above`, >= `minimum` (in `unit`).

    Python and numpy integers and floats and 0-dimensional arrays are numbers; bool and str are not.
    Raises InputError.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        kind = f"a number in {unit}" if unit else "a number"
        raise InputError(f"{where} = {shown(value)}: must be {kind}")
    result = _float(value)
    given = f"{where} = {result:.10g} {unit}".rstrip()
    if not math.isfinite(result):
        raise InputError(f"{given}: must be finite")
    if above is not None and not result > above:
        raise InputError(f"{given}: must be > {above:g}")
    if minimum is not None and not result >= minimum:
        raise InputError(f"{given}: must be >= {minimum:g}")
    return result


def integer(value: Any, where: str, *, minimum: int) -> int:
    """Return `value` as an int >= `minimum`; raises InputError (also for floats and bool)."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise InputError(f"{where} = {shown(value)}: must be a whole number")
    if int(value) < minimum:
        raise InputError(f"{where} = {int(value)}: must be >= {minimum}")
    return int(value)


def numbers_of(value: Any, where: str, unit: str = "", *, length: int | None = None) -> tuple[float, ...]:
    """Return a sequence of finite numbers as a tuple of floats, of `length` if that is given.

    Raises InputError; an element is named by its place counted from 1.
    """
    wanted = f"{length} numbers" if length is not None else "at least one number"
    items = listed(value, where, wanted)
    if len(items) != length and (length is not None or not items):
        raise InputError(f"{where} = {shown(value)}: must be {wanted}")
    return tuple(number(item, f"{where}[{i}]", unit) for i, item in enumerate(items, 1))


def listed(value: Any, where: str, wanted: str) -> list[Any]:
    """Return a list, tuple or 1-dimensional array as a list; an InputError asks for `wanted`."""
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return list(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return list(value)
    raise InputError(f"{where} = {shown(value)}: must be {wanted}")


def choice(value: Any, where: str, allowed: Sequence[str]) -> str:
    """Return `value` if it is one of `allowed`; raises InputError naming all and the nearest."""
    if isinstance(value, str) and value in allowed:
        return value
    options = ", ".join(f'"{option}"' for option in allowed)
    hint = nearest(value, allowed) if isinstance(value, str) else ""
    raise InputError(f"{where} = {shown(value)}: must be one of {options}{hint}")


def holds(value: Any, *names: str) -> bool:
    """Whether something is a Dataset with these variables."""
    variables = getattr(value, "variables", ())
    return all(name in variables for name in names)


def name(value: Any, where: str) -> str:
    """Return `value` if it is a non-empty str; raises InputError."""
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where} = {shown(value)}: must be a name in quotes")
    return value


def known_keys(given: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Raise an InputError naming the first key of `given` not in `known`, and the nearest one."""
    allowed = list(known)
    for key in given:
        if key not in allowed:
            hint = nearest(str(key), allowed) or f" (known: {', '.join(allowed)})"
            raise InputError(f"{where}{key}: unknown key{hint}")


def nearest(given: str, known: Iterable[str], prefix: str = "") -> str:
    """Return ` (nearest: "...")` for the known name that looks most like `given`, or nothing."""
    by_lower = {item.lower(): item for item in known}
    found = difflib.get_close_matches(given.lower(), list(by_lower), n=1, cutoff=0.5)
    return f' (nearest: "{prefix}{by_lower[found[0]]}")' if found else ""


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Put `where` in front of the message of an InputError raised in the block."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}{error}") from None
