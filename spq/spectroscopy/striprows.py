"""The strips of a camera image: in which rows their light is, and how they are tilted against the rows.

The row of a strip at column c is  y(c) = y0 + t (c - c0),  c0 the middle column. With S_c = Σ_r M_rc the
light of a column of the mean image M and Y_c = Σ_r r M_rc, y0 and t minimise  Σ_c (Y_c - y(c) S_c)² / V_c,
V_c = Σ_r (r - y(c))² var M_rc: the straight line through the centroids Y_c / S_c, each weighted by its light.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spq.errors import InputError

Array = np.ndarray

SHARES = (0.05, 0.1, 0.2, 0.35, 0.5)
"""Shares of the brightest row above which rows are a strip, tried until there are enough strips."""
SIGMAS = 8.0
REACH = 3.4
"""Half of the height of a strip in standard deviations of its profile: 99.9 % of a Gaussian."""
ROUNDS = 8
OPEN = 2.0
"""Rows by which the ends of a strip may be uncertain; beyond, its tilt is not determined."""


@dataclass(frozen=True)
class Strip:
    """Where the light of one polarisation is.

    Attributes
    ----------
    name : str
    row, row_error : float
        Its middle at the middle column, from 0, with its standard error.
    tilt, tilt_error : float
        Rows per column; NaN where it is not determined, and taken as none.
    width : float
        Standard deviation of its profile in rows.
    half : float
        Rows on each side of the middle that belong to it.
    """

    name: str
    row: float
    row_error: float
    tilt: float
    tilt_error: float
    width: float
    half: float

    def rows(self, columns: int) -> Array:
        """Its middle (columns,) at every column."""
        tilt = 0.0 if np.isnan(self.tilt) else self.tilt
        return self.row + tilt * (np.arange(columns) - 0.5 * (columns - 1))

    def weights(self, rows: int, columns: int) -> Array:
        """Share (rows, columns) of each pixel that lies within the strip."""
        return overlap(rows, self.rows(columns), self.half)


def overlap(rows: int, middle: Array, half: float) -> Array:
    """Share (rows, columns) of each pixel within `half` rows of the middle (columns,)."""
    at = np.arange(rows)[:, None]
    low, high = np.maximum(at - 0.5, middle - half), np.minimum(at + 0.5, middle + half)
    return np.clip(high - low, 0.0, 1.0)


def find_rows(image: Array, names: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Name -> (first, one past the last row) of strips in a mean image (rows, columns), from low rows up.

    Raises InputError if there are not as many strips as names.
    """
    profile = np.nanmean(image, axis=1)
    low = np.sort(profile)[: max(2, int(0.4 * len(profile)))]
    dark = float(np.median(low))
    noise = 1.4826 * float(np.median(np.abs(low - dark)))
    most = 0
    for share in SHARES:
        level = dark + max(SIGMAS * noise, share * (float(profile.max()) - dark))
        lit = np.concatenate([[False], profile > level, [False]])
        edges = np.flatnonzero(np.diff(lit.astype(int)))
        runs = [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]
        most = max(most, len(runs))
        if len(runs) >= len(names):
            runs.sort(key=lambda run: -float((profile[run[0] : run[1]] - dark).sum()))
            return dict(zip(names, sorted(runs[: len(names)]), strict=True))
    raise InputError(
        f"images: {most} bright strips in {len(profile)} rows, not {len(names)}: name their rows, "
        "strips={'V': (first, end), 'H': (first, end)}"
    )


def dark_rows(rows: int, strips: Mapping[str, tuple[int, int]], named: bool) -> Array:
    """Which rows (rows,) are dark: away from every strip by half of its height and two rows.

    named: the user says what the strips are, and every row but one beside them is dark.
    """
    dark = np.ones(rows, dtype=bool)
    for first, end in strips.values():
        margin = 1 if named else (end - first + 1) // 2 + 2
        dark[max(first - margin, 0) : end + margin] = False
    return dark


def fit_strip(
    name: str, light: Array, variance: Array, first: int, end: int, bounds: tuple[float, float]
) -> Strip:
    """The strip that begins in rows first to end of the mean image without offset, (rows, columns).

    variance: of its pixels. bounds: rows that it may not cross, half-way to its neighbours.
    Raises InputError if there is no light in it.
    """
    rows, columns = light.shape
    at, place = np.arange(rows)[:, None], np.arange(columns) - 0.5 * (columns - 1)
    line, half = np.full(columns, 0.5 * (first + end - 1)), max(0.5 * (end - first) + 1.0, 2.0)
    cov, tilt, width = np.full((2, 2), np.nan), np.nan, np.nan
    for _ in range(ROUNDS):
        weight = overlap(rows, line, half)
        total, moment = (weight * light).sum(axis=0), (weight * light * at).sum(axis=0)
        spread = (weight**2 * variance * ((at - line) ** 2 + 1.0 / 12.0)).sum(axis=0)
        sure = total / np.maximum(spread, 1e-300)
        shape = np.stack([np.ones(columns), place])
        normal = (shape * (sure * total)) @ shape.T
        if not total.sum() > 5.0 * np.sqrt((weight**2 * variance).sum()) or not normal[0, 0] > 0.0:
            raise InputError(f"strips[{name!r}]: there is no light in rows {first} to {end - 1}")
        tilt, slope, found, cov = _line(normal, shape @ (sure * moment), columns)
        line = found + slope * place
        off = moment - line * total
        cov = cov * max(1.0, float((off**2 / np.maximum(spread, 1e-300)).sum()) / max(columns - 2, 1))
        width = np.sqrt(max(float((weight * light * (at - line) ** 2).sum() / total.sum()), 1.0 / 12.0))
        ends = min(float(line.min()) - bounds[0], bounds[1] - float(line.max()))
        half = float(min(max(REACH * width, 1.5), max(ends, 0.5)))
    error = float(np.sqrt(cov[0, 0])), float(np.sqrt(cov[1, 1]))
    return Strip(name, float(found), error[0], float(tilt), error[1], float(width), half)


def _line(normal: Array, right: Array, columns: int) -> tuple[float, float, float, Array]:
    """Tilt, the slope that is used for it, row in the middle, and covariance (row, slope)."""
    if np.linalg.cond(normal) < 1e12:
        cov = np.linalg.inv(normal)
        row, tilt = cov @ right
        if np.sqrt(cov[1, 1]) * 0.5 * columns < OPEN:
            return float(tilt), float(tilt), float(row), cov
    cov = np.array([[1.0 / normal[0, 0], 0.0], [0.0, np.nan]])
    return np.nan, 0.0, float(right[0] / normal[0, 0]), cov
