"""Emulators learned from the solver in batches: each is predicted before it is learned.

The error on these points, never seen before, is the tested error of the emulator, which then learns them
too: what is reported is rather too large than too small.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spq.emulator import Box, Emulator, fitted
from spq.errors import ConvergenceError, InputError
from spq.fields import changed
from spq.geometry import Array
from spq.mapspec import MapSpec
from spq.measured import Measurement
from spq.model import Model
from spq.progress import Progress, silent
from spq.sweeps import sweep

SMALL = 0.3  # of a measurement's standard error, to which the emulator's is brought
LEFT_OUT = 0.5  # share of points, above which there is no emulator
EACH = 8  # points of a batch for every parameter; a batch holds a power of two
FEWEST = 4  # points of use to a quantity

Flags = npt.NDArray[np.bool_]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """The emulator of a quantity, and its tested errors in the unit of the quantity.

    rms, largest: on points that it had not seen. used, left_out: numbers of points that it is fitted to, and
    that failed, did not converge, are not followed or hybridised.
    """

    emulator: Emulator
    rms: float
    largest: float
    used: int
    left_out: int


@dataclass(frozen=True)
class Points:
    """Points of a box (n, p): all quantities there (n, k), which are of use, and which have a model (n,)."""

    values: Array
    found: Array
    good: Flags
    exists: Flags

    def __add__(self, other: Points) -> Points:
        names = ("values", "found", "good", "exists")
        return Points(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in names))


@dataclass(frozen=True)
class Source:
    """The solver as a source of points: `model` with some of its fields free, and what was measured.

    executor, store, progress: as of spq.sweep.
    """

    model: Model
    box: Box
    measurements: tuple[Measurement, ...]
    executor: Executor | None = None
    store: str | Path | None = None
    progress: Progress = silent

    def exists(self, values: Array) -> Flags:
        """Whether there is a model at values (n, p)."""
        return np.array([self._has_model(row) for row in values], dtype=bool)

    def _has_model(self, row: Array) -> bool:
        try:
            changed(self.model, dict(zip(self.box.names, row, strict=True)))
        except InputError:
            return False
        return True

    def points(self, values: Array) -> Points:
        """Compute all quantities at values (n, p); raises InputError as spq.sweep does."""
        exists = self.exists(values)
        found = np.full((len(values), len(self.measurements)), np.nan)
        good = np.zeros(found.shape, dtype=bool)
        if exists.any():
            states = sorted({state.name for each in self.measurements for state in each.states})
            model = self.model.replace(map=MapSpec(states=tuple(states)))
            axes: dict[str | tuple[str, ...], Any] = {self.box.names: list(values[exists].T)}
            ds = sweep(model, axes, "emission", self.executor, self.store, progress=self.progress)
            if "energy_eV" not in ds:
                raise InputError(f"no point could be computed: {ds['error'].values[0]}")
            for i, each in enumerate(self.measurements):
                found[exists, i], good[exists, i] = each.computed(ds)
        return Points(values, found, good, exists)


def learn(source: Source, most: int, seed: int) -> tuple[tuple[Learned, ...], Points]:
    """Emulators of all measured quantities, and the points that they are made of.

    Parameters
    ----------
    source : Source
    most : points that are computed at most
    seed : of the design (Sobol's sequence, scrambled) and of the fits

    Returns
    -------
    tuple of Learned, Points

    Raises
    ------
    InputError
        If more than half of the points are of no use to a quantity.
    ConvergenceError
        If the error of an emulator stays above that of the measurement.
    """
    from scipy.stats import qmc

    box = source.box
    design = qmc.Sobol(len(box.names), scramble=True, rng=np.random.default_rng(seed))
    size = batch(len(box.names), most)
    known: Points | None = None
    learned: tuple[Learned, ...] = ()
    while known is None or (len(known.values) < most and coarse(source.measurements, learned)):
        unit = design.random(size if known is None else min(size, most - len(known.values)))
        new = source.points(box.low + unit * (box.high - box.low))
        known = new if known is None else known + new
        _check_enough(source.measurements, known)
        source.progress("emulator", len(known.values), most)
        learned = taught(box, learned, known, new, seed)
    _judge(source.measurements, learned, len(known.values))
    return learned, known


def batch(parameters: int, most: int) -> int:
    """Number of points of a batch, a power of two: the first and the second must be among `most`."""
    wanted = min(EACH * parameters, most // 2)
    return 2 ** int(np.log2(wanted))


def taught(box: Box, before: Sequence[Learned], known: Points, new: Points, seed: int) -> tuple[Learned, ...]:
    """Emulators made of all known points; those from before are tested on the new ones first."""
    learned = []
    for i in range(known.found.shape[1]):
        seen, good = new.good[:, i], known.good[:, i]
        off = np.array([np.inf])
        if before and seen.any():
            off = np.abs(before[i].emulator(box.scaled(new.values[seen])) - new.found[seen, i])
        emulator = fitted(box.scaled(known.values[good]), known.found[good, i], seed)
        rms, largest = float(np.sqrt(np.mean(off**2))), float(off.max())
        used = int(good.sum())
        learned.append(Learned(emulator, rms, largest, used, int(known.exists.sum()) - used))
    return tuple(learned)


def coarse(measurements: Sequence[Measurement], learned: Sequence[Learned]) -> list[str]:
    """What is to be said of each quantity whose emulator's error is not small beside the measurement's."""
    return [
        f"{m.name}: {each.rms:.2g} {m.unit} of {m.error:.2g} {m.unit}"
        for m, each in zip(measurements, learned, strict=True)
        if not each.rms <= SMALL * m.error
    ]


def _check_enough(measurements: Sequence[Measurement], known: Points) -> None:
    there = int(known.exists.sum())
    for i, measurement in enumerate(measurements):
        used = int(known.good[:, i].sum())
        if used < (1.0 - LEFT_OUT) * there or used < FEWEST:
            raise InputError(
                f"{measurement.name}: of {len(known.values)} points of the priors' box {there} have a model, "
                f"and only {used} converged, are followed and not hybridised; give narrower priors"
            )


def _judge(measurements: Sequence[Measurement], learned: Sequence[Learned], count: int) -> None:
    """Say which emulators are coarse; raise ConvergenceError if one is coarser than the measurement."""
    for m, each in zip(measurements, learned, strict=True):
        if not each.rms <= m.error:
            raise ConvergenceError(
                f"{m.name}: after {count} points the emulator's error is {each.rms:.2g} {m.unit}, that of "
                f"the measurement {m.error:.2g} {m.unit}; allow more points, or give narrower priors"
            )
    if told := coarse(measurements, learned):
        log.warning("the emulator's error is not small after %d points: %s", count, ", ".join(told))
