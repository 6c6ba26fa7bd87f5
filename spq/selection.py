"""Which configurations are taken, how many they are, and whether they fit into memory."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from spq.errors import InputError
from spq.orbitals import Orbitals

BYTES = 8
BLOCKS = 8  # Σ m of about as many pairs each
LEVEL_BIN = 2e-3  # eV, of the count of configurations by energy


@dataclass(frozen=True)
class Selection:
    """Which configurations of the active orbitals are taken.

    rank: most carriers outside the reference orbitals, None: any; energy: eV, most above the lowest
    configuration in Σ h, None: any; reference: number of lowest orbitals of each kind that rank does
    not count; memory: bytes that a solution may take; vectors: that it keeps of the size of a state.
    """

    rank: int | None = None
    energy: float | None = None
    reference: tuple[tuple[str, int], ...] = ()
    memory: float = 6e9
    vectors: int = 300


def check_memory(orbitals: Orbitals, sizes: list[int], total: int | None, selection: Selection) -> None:
    """Raise InputError where states of so many carriers, or second order on top, do not fit."""
    if not sizes:
        return
    turning = any((labels != 0).any() for labels in orbitals.labels.values())
    share = 1 / (1 + np.sqrt(np.mean(sizes))) if turning and total is not None else 1.0
    listed = BYTES * (selection.vectors + len(sizes) ** 2) * share * _counted(orbitals, sizes, selection)
    outside = np.mean([len(orbitals.energies[kind]) for kind in orbitals.energies])
    tensors = BYTES * float(np.prod(sizes)) * (3 + len(sizes) * outside / np.mean(sizes))
    # the interaction of all pairs with the active ones, in blocks of one Σ m
    blocks = 3 * BYTES * len(orbitals.energies) * (outside * np.mean(sizes)) ** 2 / (BLOCKS if turning else 1)
    if turning and total is None:
        listed, tensors = 2 * listed, 2 * tensors  # complex in general
    needed = listed + (tensors + blocks if len(sizes) > 1 else 0.0)
    if needed > selection.memory:
        fitting = int(np.mean(sizes) * (selection.memory / needed) ** (1 / len(sizes)))
        raise InputError(
            f"configuration interaction of {len(sizes)} carriers in {max(sizes)} orbitals each needs "
            f"{needed / 1e9:.2g} GB, allowed are {selection.memory / 1e9:.2g} (ci.memory); about {fitting} "
            "orbitals (ci.orbitals) would fit"
        )


def _counted(orbitals: Orbitals, sizes: list[int], selection: Selection) -> float:
    """About how many configurations a selection takes, of every Σ m."""
    found = float(np.prod(sizes))
    if selection.rank is not None:
        inside = max(1, dict(selection.reference).get("e", 1))
        terms = [comb(len(sizes), k) * max(sizes) ** k for k in range(min(selection.rank, len(sizes)) + 1)]
        found = min(found, sum(n * inside ** (len(sizes) - k) for k, n in enumerate(terms)))
    if selection.energy is not None:
        levels = [each[: max(sizes)] for each in orbitals.energies.values()]
        found = min(found, max(number_below(each, len(sizes), selection.energy) for each in levels))
    return found


def number_below(levels: np.ndarray, carriers: int, energy: float) -> float:
    """How many configurations of carriers in levels (n,) lie less than an energy in eV above the lowest."""
    counts = np.bincount(((levels - levels[0]) / LEVEL_BIN).astype(int)).astype(float)
    every = counts
    for _ in range(carriers - 1):
        every = np.convolve(every, counts)
    return float(every[: int(energy / LEVEL_BIN) + 1].sum())


def energy_of(levels: np.ndarray, carriers: int, count: int) -> float:
    """Energy in eV above the lowest below which about `count` configurations of carriers in levels lie."""
    low, high = 0.0, carriers * float(levels[-1] - levels[0])
    while high - low > LEVEL_BIN:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if number_below(levels, carriers, middle) < count else (low, middle)
    return high
