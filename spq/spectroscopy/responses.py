"""Instrument response: how a flash of light of no length would appear in the bins of the micro-times.

A response is a density q(t) per ns, constant within equal cells: the counts of a measured one in its own
bins, or a Gaussian in 64 cells over ±5 standard deviations (that adds 0.2 % to its variance). It repeats with
the laser pulses; outside its cells it is zero. A decay D appears as ∫ q(t') D(t - t') dt'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from spq import checks
from spq.errors import InputError

Array = np.ndarray

GAUSSIAN_CELLS = 64
GAUSSIAN_REACH = 5.0
MOST_CELLS = 1 << 16
EQUAL = 1e-6
"""Relative difference of widths up to which bins count as equal."""


@dataclass(frozen=True, eq=False)
class Response:
    """Response of laser, detector and electronics: a measured one, or a Gaussian.

    Attributes
    ----------
    counts : float (bins,) or None
        A measured response; its sum is of no matter. None: a Gaussian.
    edges_ns : float (bins + 1,) or None
        Edges of its bins in ns, on the clock of the decay; needed with `counts`.
    sigma_ns : float or None
        Standard deviation of the Gaussian in ns.
    centre_ns : float or None
        Where the Gaussian lies in ns; None: not known, to be found in the decay.
    fit_sigma : bool
        Whether the width is fitted, starting from `sigma_ns`.

    Raises
    ------
    InputError
        If it is neither of the two, counts are negative, not finite or all zero, or edges do not ascend.
    """

    counts: Array | None = None
    edges_ns: Array | None = None
    sigma_ns: float | None = None
    centre_ns: float | None = None
    fit_sigma: bool = False

    def __post_init__(self) -> None:
        if (self.counts is None) == (self.sigma_ns is None):
            raise InputError("response: must have either counts (measured) or sigma_ns (Gaussian)")
        if self.counts is None:
            checks.number(self.sigma_ns, "response.sigma_ns", "ns", above=0.0)
            if self.centre_ns is not None:
                checks.number(self.centre_ns, "response.centre_ns", "ns")
            return
        edges = edges_of(self.edges_ns, "response.edges_ns")
        counts = np.asarray(self.counts, dtype=float)
        if counts.shape != (len(edges) - 1,):
            raise InputError(f"response.counts: shape {counts.shape}: must be ({len(edges) - 1},)")
        if not np.all(np.isfinite(counts)) or np.any(counts < 0) or not counts.sum() > 0:
            raise InputError("response.counts: must be finite, >= 0 and not all zero")
        if self.fit_sigma or self.centre_ns is not None:
            raise InputError("response: fit_sigma and centre_ns belong to a Gaussian, not to measured counts")
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "edges_ns", edges)


@dataclass(frozen=True, eq=False)
class Cells:
    """A response in equal cells: `start` and `width` in ns, density `height` (cells,) per ns, integral 1."""

    start: float
    width: float
    height: Array

    @property
    def length(self) -> float:
        """Length of all cells in ns."""
        return self.width * len(self.height)


def edges_of(given: Any, where: str) -> Array:
    """Edges (bins + 1,) in ns, finite and ascending; raises InputError."""
    found = np.asarray(given if given is not None else [], dtype=float)
    if found.ndim != 1 or len(found) < 2:
        raise InputError(f"{where}: shape {found.shape}: must be a list of at least two edges in ns")
    if not np.all(np.isfinite(found)) or not np.all(np.diff(found) > 0):
        raise InputError(f"{where}: must be finite and ascend, in ns")
    return found


def cells_of(response: Response, sigma: float | None = None) -> Cells:
    """The response in equal cells; a Gaussian has the width `sigma` (ns) if given, centre 0 if none.

    Unequal bins are divided into cells of the smallest of their widths, counts shared in proportion.
    Raises InputError if that takes more than 65536 cells.
    """
    if response.counts is None:
        sigma = response.sigma_ns if sigma is None else sigma
        assert sigma is not None
        steps = np.linspace(-GAUSSIAN_REACH, GAUSSIAN_REACH, GAUSSIAN_CELLS + 1)
        share = np.diff(ndtr(steps))
        width = (steps[1] - steps[0]) * sigma
        return Cells((response.centre_ns or 0.0) + steps[0] * sigma, width, share / share.sum() / width)
    edges = response.edges_ns
    assert edges is not None
    widths = np.diff(edges)
    lit = np.flatnonzero(response.counts)
    first, last = lit[0], lit[-1] + 1
    counts, edges, widths = response.counts[first:last], edges[first : last + 1], widths[first:last]
    share = counts / counts.sum()
    if np.ptp(widths) > EQUAL * widths.max():
        number = int(np.ceil((edges[-1] - edges[0]) / widths.min() - EQUAL))
        if number > MOST_CELLS:
            raise InputError(f"response.edges_ns: {number} cells of its smallest bin: at most {MOST_CELLS}")
        grid = np.linspace(edges[0], edges[-1], number + 1)
        share = np.diff(np.interp(grid, edges, np.concatenate([[0.0], np.cumsum(share)])))
        edges = grid
    width = (edges[-1] - edges[0]) / len(share)
    return Cells(float(edges[0]), float(width), share / width)


def spread_of(cells: Cells) -> float:
    """Width in ns of the response: the stretch that holds 68 % of it about its median."""
    below = np.concatenate([[0.0], np.cumsum(cells.height) * cells.width])
    low, high = np.interp((0.16, 0.84), below, np.arange(len(below)) * cells.width)
    return float(high - low)
