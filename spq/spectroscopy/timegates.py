"""Photons of the counter in time gates, frame by frame: what tells states apart whose spectra are alike.

A gate holds the photons with t_a <= t < t_b after the pulse: of Σ_i A_i exp(-t/τ_i) a share
Σ_i A_i τ_i [exp(-t_a/τ_i) - exp(-t_b/τ_i)]/Σ_i A_i τ_i."""

from __future__ import annotations

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.records import Measurement
from spq.spectroscopy.tallies import Tally, grouped_micro_times, micro_times

Array = np.ndarray

GATES_ns = (0.0, 3.0, 15.0, 60.0, 1000.0)

EARLY = 0.1
"""ns before the rise to half of the peak at which the first gate begins."""


def time_gates(measurement: Measurement | Tally, gates_ns: tuple[float, ...] = GATES_ns) -> Array:
    """Photons (frames, gates) of each frame in gates after the pulse.

    measurement: photons with micro-times and frames, or their tally. gates_ns: edges of the gates in ns,
    ascending. The pulse is where the micro-times of all photons rise to half of their peak; gates beyond the
    period are cut there. Raises InputError without micro-times, or if edges do not ascend.
    """
    photons = measurement.photons
    edges = np.asarray(gates_ns, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
        raise InputError(f"gates_ns = {gates_ns}: must be at least two edges that ascend")
    whole = micro_times(measurement)
    unit = float(photons.nanotime_unit or 0.0)
    rise = int(np.argmax(whole.counts >= 0.5 * whole.counts.max()))
    pulse = max(unit * rise - EARLY, 0.0)
    last = float(whole.edges_ns[-1])
    placed = np.unique(np.minimum(edges + pulse, last))
    if len(placed) < 2:
        raise InputError(f"gates_ns = {gates_ns}: lie beyond the micro-times, which end at {last:g} ns")
    number = len(measurement.frames.counts)
    return grouped_micro_times(measurement, np.arange(number), number, placed).counts.astype(float)
