"""The difference of two series of energies in one row: largest, rms, mean, beside their errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = (
    ("shift", "shift_meV", "shift_error_meV", 1.0),
    ("energy", "energy_eV", "error_meV", MEV_PER_EV),
)
"""Of maps and sweeps: name, variable, its error in meV, factor to meV."""


@dataclass(frozen=True)
class Difference:
    """B − A of one quantity of one state (of a spectrum: of a set of carriers).

    quantity: "shift", "energy" or "reference" of a map or sweep, "line" of a spectrum; points: compared;
    missing: of A that B lacks, or that are not known in both; maximum, rms and mean in meV, maximum of the
    absolute value with its sign; error_meV: root mean square of the combined errors, None without errors;
    beyond: how many points differ by more than their combined error, which knows nothing of interpolation, so
    of those alone that are at one place in both, None if none is; flags: how many points have another flag;
    interpolated: how many points stand between those of B, whose differences hold what interpolation does.
    """

    state: str
    quantity: str
    points: int
    missing: int
    maximum_meV: float | None
    rms_meV: float | None
    mean_meV: float | None
    error_meV: float | None
    beyond: int | None
    flags: Mapping[str, int]
    interpolated: int = 0


def difference_row(
    state: str,
    quantity: str,
    a: np.ndarray,
    b: np.ndarray,
    errors: tuple[np.ndarray, np.ndarray] | None = None,
    flags: Mapping[str, int] | None = None,
    between: np.ndarray | None = None,
) -> Difference:
    """The row of values in meV; errors: of both, in meV; between: which ones are interpolated."""
    apart = np.ravel(np.asarray(b, dtype=float) - a)
    known = np.isfinite(apart)
    inexact = np.zeros(len(apart), dtype=bool) if between is None else np.ravel(between)
    error, beyond = None, None
    if errors is not None:
        combined = np.ravel(np.hypot(*errors))
        of_use = known & np.isfinite(combined)
        if of_use.any():
            error = float(np.sqrt(np.mean(combined[of_use] ** 2)))
        of_use &= ~inexact
        if of_use.any():
            beyond = int(np.sum(np.abs(apart[of_use]) > combined[of_use]))
    values: tuple[float | None, float | None, float | None] = (None, None, None)
    if known.any():
        left = apart[known]
        rms = float(np.sqrt(np.mean(left**2)))
        values = (float(left[np.argmax(np.abs(left))]), rms, float(left.mean()))
    counts = int(known.sum()), int((~known).sum())
    several = dict(flags or {}), int(np.sum(inexact & known))
    return Difference(state, quantity, *counts, *values, error, beyond, *several)


def state_rows(
    state: str,
    a: xr.Dataset,
    b: xr.Dataset,
    flags: Mapping[str, int],
    moved: Callable[[np.ndarray], np.ndarray] = np.asarray,
    between: np.ndarray | None = None,
) -> list[Difference]:
    """The rows of a state's shifts and energies in maps or sweeps.

    flags: of the shift's row; moved: takes values of B to the places of A; between: which of them are
    interpolated.
    """
    rows = []
    for quantity, name, error, factor in QUANTITIES:
        values = factor * a[name].values, factor * moved(b[name].values)
        errors = a[error].values, moved(b[error].values)
        own = flags if quantity == "shift" else None
        rows.append(difference_row(state, quantity, *values, errors, own, between))
    return rows


def alone(a: Sequence[str], b: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {"A": tuple(x for x in a if x not in b), "B": tuple(x for x in b if x not in a)}
