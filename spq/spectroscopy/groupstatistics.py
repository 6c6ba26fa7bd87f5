"""Statistics of groups of particles: means, medians, histograms, and tests between groups.

Of rows of `population`, one mapping per particle. Every error is that of drawing particles with replacement.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from spq.spectroscopy.bootstrap import Statistic, compared, histogram_of, mean_of, median_of, multiplicities
from spq.spectroscopy.foldedangles import difference_tests

Array = np.ndarray
Rows = list[dict[str, Any]]

QUANTITIES = {
    "energy": ("eV", "zero-phonon lines, each particle's mean weighted by photons"),
    "spacing": ("meV", "distance of each further line from the strongest, without sign"),
    "lines": ("", "zero-phonon lines of a particle"),
    "long_lifetime": ("ns", "long component of the brightest state"),
    "long_amplitude": ("", "amplitude of that over all"),
    "polarisation_difference": ("degrees", "between the two emitters, folded to 0 to 90"),
    "phonon_1": ("meV", "replica fitted on its own, below 32 meV"),
    "phonon_2": ("meV", "replica fitted on its own, above 32 meV"),
}
"""Quantity -> unit, and what it is."""
PARTED = 32.0
"""meV; between the two phonons, 27 and 37 meV."""
BINS = {"energy": 24, "spacing": 20, "long_lifetime": 16, "long_amplitude": 12, "polarisation_difference": 9}
"""Bins of histograms."""
ENDS = ("", "_error", "_low", "_high")


def _values(row: dict[str, Any], quantity: str) -> Array:
    """All known values of a quantity of a particle."""
    if quantity == "energy":
        weight = row["zpl_weight"]
        return np.array([weight @ row["zpl_energy"]]) if weight.sum() > 0 else np.empty(0)
    if quantity.startswith("phonon"):
        phonons = row["phonon"]
        return phonons[(phonons < PARTED) == (quantity == "phonon_1")]
    values = np.abs(np.atleast_1d(row[quantity]))
    return values[np.isfinite(values)]


def group_statistics(
    rows: Rows, names: list[str], angle: float, draws: int, seed: int, warnings: list[str]
) -> dict[str, Any]:
    """Variables of groups, in the order in which they are first named; what is not determined is told."""
    labels = list(dict.fromkeys(names))
    members = {
        label: [row for row, name in zip(rows, names, strict=True) if name == label] for label in labels
    }
    weights = {label: multiplicities(len(each), draws, seed) for label, each in members.items()}
    quantities = list(QUANTITIES)
    table = np.full((len(labels), len(quantities), 8), np.nan)
    count = np.zeros((len(labels), len(quantities)), dtype=int)
    for i, label in enumerate(labels):
        for j, quantity in enumerate(quantities):
            values = [_values(row, quantity) for row in members[label]]
            count[i, j] = sum(len(each) > 0 for each in values)
            both = mean_of(values, weights[label]), median_of(values, weights[label])
            table[i, j] = [number for each in both for number in _numbers(each)]
            if count[i, j] < 2:
                what = (
                    "errors are not determined, for one particle has it"
                    if count[i, j]
                    else ("not determined, for no particle has it")
                )
                warnings.append(f"{label}: {quantity}: {what}")
    dims = ("group_name", "quantity")
    found: dict[str, Any] = {"group_name": labels, "quantity": quantities, "count": (dims, count)}
    for place, name in enumerate(f"{which}{end}" for which in ("mean", "median") for end in ENDS):
        found[name] = (dims, table[:, :, place])
    found |= _histograms(members, weights, labels)
    found |= _compared(members, labels, quantities, draws, seed)
    return found | _angles(members, labels, angle, seed)


def _numbers(each: Statistic) -> tuple[float, float, float, float]:
    return each.value, each.error, each.low, each.high


def _edges(values: Array, name: str) -> Array:
    if name == "polarisation_difference":
        return np.linspace(0.0, 90.0, BINS[name] + 1)
    if not len(values):
        return np.linspace(0.0, 1.0, BINS[name] + 1)
    low, high = float(values.min()), float(values.max())
    if name == "spacing":
        low = 0.0
    margin = 0.02 * (high - low) if high > low else max(0.05 * abs(high), 1e-3)
    return np.linspace(low - margin * (name != "spacing"), high + margin, BINS[name] + 1)


def _histograms(members: dict[str, Rows], weights: dict[str, Array], labels: list[str]) -> dict[str, Any]:
    """Shares of every bin with errors; positions weighted by photons, each particle counting alike."""
    found: dict[str, Any] = {}
    everyone = [row for label in labels for row in members[label]]
    for name in (*BINS, "lines"):
        single = "zpl_energy" if name == "energy" else name
        flat = [np.abs(np.atleast_1d(row[single])) for row in everyone]
        known = np.concatenate([each[np.isfinite(each)] for each in flat])
        most = int(known.max(initial=1.0)) if name == "lines" else 0
        edges = np.arange(0.5, most + 1.0) if name == "lines" else _edges(known, name)
        shares = []
        for label in labels:
            values = [np.abs(np.atleast_1d(row[single])) for row in members[label]]
            kept = [np.isfinite(each) for each in values]
            weight = None
            if name == "energy":
                weight = [row["zpl_weight"][keep] for row, keep in zip(members[label], kept, strict=True)]
            values = [each[keep] for each, keep in zip(values, kept, strict=True)]
            shares.append(histogram_of(values, edges, weights[label], weight))
        dims = ("group_name", f"{name}_bin")
        found[f"{name}_bin"] = (f"{name}_bin", 0.5 * (edges[1:] + edges[:-1]))
        found[f"{name}_share"] = (dims, np.array([share for share, _ in shares]))
        found[f"{name}_share_error"] = (dims, np.array([error for _, error in shares]))
    return found


def _compared(
    members: dict[str, Rows], labels: list[str], quantities: list[str], draws: int, seed: int
) -> dict[str, Any]:
    """Chances that two groups are alike, for every pair of them."""
    pairs = [(a, b) for i, a in enumerate(labels) for b in labels[i + 1 :]]
    table = np.full((len(pairs), len(quantities), 2), np.nan)
    for i, pair in enumerate(pairs):
        for j, quantity in enumerate(quantities):
            first, second = ([_values(row, quantity) for row in members[each]] for each in pair)
            table[i, j] = compared(first, second, draws, seed)
    dims = ("pair", "quantity")
    return {
        "pair": ("pair", np.array([f"{a} - {b}" for a, b in pairs], dtype=str)),
        "mann_whitney_p": (dims, table[:, :, 0]),
        "permutation_p": (dims, table[:, :, 1]),
    }


def _angles(members: dict[str, Rows], labels: list[str], angle: float, seed: int) -> dict[str, Any]:
    fields = ("uniform_p", "angle_p", "log_ratio", "chance", "scatter")
    table = np.full((len(fields), len(labels)), np.nan)
    for place, label in enumerate(labels):
        rows = members[label]
        values, errors = (
            np.array([row[f"polarisation_difference{end}"] for row in rows]) for end in ("", "_error")
        )
        tests = difference_tests(values, errors, angle, seed)
        table[:, place] = [getattr(tests, field) for field in fields]
    names = ("uniform_p", "angle_p", "angle_log_ratio", "angle_chance", "angle_scatter")
    return {name: ("group_name", row) for name, row in zip(names, table, strict=True)}
