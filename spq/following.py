"""Which state of a mean field an orbital is: those that follow a reference orbital.

The initial state without charge follows the lowest state on its dot, with charge the orbital without it;
a final state follows the orbitals that survive the emission.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LEAST_OVERLAP = 0.3  # overlap² of a state that passes for the reference
MARGIN = 0.4  # and how far it may lie below the best

# energies, overlap² with the reference and with the latest orbital, (n,) each -> index
Choice = Callable[[np.ndarray, np.ndarray, np.ndarray], int]


def closest(energies: np.ndarray, closeness: np.ndarray, latest: np.ndarray) -> int:
    """The state of largest overlap² with the reference."""
    return int(np.argmax(closeness))


def survivor(energies: np.ndarray, closeness: np.ndarray, latest: np.ndarray) -> int:
    """The lowest state among those that are close to a surviving orbital."""
    near = _near(closeness)
    return int(near[np.argmin(energies[near])])


def lingering(energies: np.ndarray, closeness: np.ndarray, latest: np.ndarray) -> int:
    """Of the states that are close to the reference the one that resembles the latest orbital most.

    Where two levels cross, the closest one, or the lowest, may change at every iteration.
    """
    near = _near(closeness)
    return int(near[np.argmax(latest[near])])


def certain(choose: Choice, closeness: np.ndarray, latest: np.ndarray) -> np.ndarray:
    """Where states with these overlaps² (b,) are what `choose` takes, whatever the others are.

    The overlaps² of all states with one orbital sum to 1.
    """
    if choose is closest:
        return closeness > 0.5
    if choose is survivor:
        return closeness >= 1 - LEAST_OVERLAP
    if choose is lingering:
        least = max(LEAST_OVERLAP, 0.5 * (1 - MARGIN))
        return (closeness > least) & (latest > 0.5)
    return np.zeros(closeness.shape, dtype=bool)


def _near(closeness: np.ndarray) -> np.ndarray:
    """Indices of the states that pass for the reference; at least the closest."""
    best = closeness.max()
    near = (closeness > LEAST_OVERLAP) & (closeness > best - MARGIN)
    return np.flatnonzero(near | (closeness == best))
