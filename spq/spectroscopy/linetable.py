"""Lines of one shape at many places: a table of their shares of the pixels, interpolated between its rows.

The share of a line at E is s(E) = (1 - f) s_k + f s_{k+1}, f the part of the way from row k to row k + 1; its
slope is interpolated likewise from differences of the rows. Rows are a twentieth of the line's width apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.linemodel import LineShape, profile

Array = np.ndarray

ROWS_PER_WIDTH = 20.0
MOST_ROWS = 4000


@dataclass(frozen=True, eq=False)
class LineTable:
    """Rows for lines at first + k step in meV: shares and slopes per meV (rows, pixels)."""

    first: float
    step: float
    shares: Array
    slopes: Array

    @property
    def last(self) -> float:
        """Energy of the last row in meV."""
        return self.first + self.step * (len(self.shares) - 1)


def table_of(edges: Array, shape: LineShape) -> LineTable:
    """The table for lines anywhere between the edges (pixels + 1,) in eV."""
    low, high = 1e3 * float(np.min(edges)), 1e3 * float(np.max(edges))
    rows = int(np.clip(np.ceil((high - low) * ROWS_PER_WIDTH / shape.width_meV), 8, MOST_ROWS))
    places = np.linspace(low, high, rows)
    shares = profile(edges, 1e-3 * places, shape)
    step = float(places[1] - places[0])
    return LineTable(low, step, shares, np.gradient(shares, step, axis=0))


def looked_up(table: LineTable, energies: Array) -> tuple[Array, Array]:
    """Shares and slopes per meV (..., pixels) of lines at energies (...) in meV."""
    place = np.clip((energies - table.first) / table.step, 0.0, len(table.shares) - 1.001)
    row = place.astype(np.int64)
    part = (place - row)[..., None]
    shares = table.shares[row] * (1.0 - part) + table.shares[row + 1] * part
    slopes = table.slopes[row] * (1.0 - part) + table.slopes[row + 1] * part
    return shares, slopes
