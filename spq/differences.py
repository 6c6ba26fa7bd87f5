"""The difference of two series of energies in one row: largest, rms, mean, beside their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Difference:
    """B − A of one quantity of one state (of a spectrum: of a set of carriers).

    quantity: "shift", "energy" or "reference" of a map or sweep, "line" of a spectrum; points: compared;
    missing: of A that B lacks, or that are not known in both; maximum, rms and mean in meV, maximum of the
    absolute value with its sign; error_meV: root mean square of the combined errors, beyond: how many points
    differ by more than their combined error, both None without errors; flags: how many points have another
    flag.
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


def difference_row(
    state: str,
    quantity: str,
    a: np.ndarray,
    b: np.ndarray,
    errors: tuple[np.ndarray, np.ndarray] | None = None,
    flags: Mapping[str, int] | None = None,
) -> Difference:
    """The row of values in meV; errors: of both, in meV."""
    apart = np.ravel(np.asarray(b, dtype=float) - a)
    known = np.isfinite(apart)
    error, beyond = None, None
    if errors is not None:
        combined = np.ravel(np.hypot(*errors))
        of_use = known & np.isfinite(combined)
        if of_use.any():
            error = float(np.sqrt(np.mean(combined[of_use] ** 2)))
            beyond = int(np.sum(np.abs(apart[of_use]) > combined[of_use]))
    values: tuple[float | None, float | None, float | None] = (None, None, None)
    if known.any():
        left = apart[known]
        rms = float(np.sqrt(np.mean(left**2)))
        values = (float(left[np.argmax(np.abs(left))]), rms, float(left.mean()))
    missing = int((~known).sum())
    return Difference(state, quantity, int(known.sum()), missing, *values, error, beyond, dict(flags or {}))


def alone(a: Sequence[str], b: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {"A": tuple(x for x in a if x not in b), "B": tuple(x for x in b if x not in a)}
