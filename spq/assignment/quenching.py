"""Whether each emitter is lit, quenched or bleached: a chain of its own beside that of the charges.

An emitter goes dark at unchanged charge. A quenched one comes back, after τ on average (a labelled prior), so
that a stretch of length L leaves it dark with chance exp(-L/τ); a bleached one stays dark.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np

from spq.assignment.movepriors import MovePriors
from spq.assignment.moves import BLEACHED, LIT, QUENCHED
from spq.assignment.observations import Observations

Array = np.ndarray

STATES = ("lit", "quenched", "bleached")
PAIRS = np.array(list(product(range(len(STATES)), repeat=2)))
"""States of both emitters, (9, 2)."""
ALIKE = np.array([[0, -1, -1, -1], [1, 2, -1, -1], [3, 6, -1, -1], [4, 5, 7, 8]])
"""Rows of PAIRS that give the same light, a bleached emitter being as dark as a quenched one; -1: no more."""
FIRST = np.array([0.94, 0.05, 0.01])
"""Chance of each before anything is seen."""


def first_pairs() -> Array:
    """Chance (9,) of the states of both emitters before anything is seen."""
    return np.outer(FIRST, FIRST).ravel()


@lru_cache(maxsize=8)
def turns(priors: MovePriors) -> dict[str, Array]:
    """Weights (9, 9) by which one emitter goes dark or comes back, the other staying as it is."""
    found, still = {}, np.eye(len(STATES))
    for emitter in (0, 1):
        for label, rate, old, new in (
            (QUENCHED, priors.quenching, 0, 1),
            (BLEACHED, priors.bleaching, 0, 2),
            (LIT, priors.relighting, 1, 0),
        ):
            step = np.zeros_like(still)
            step[old, new] = rate
            pair = (still, step) if emitter else (step, still)
            found[label.format(emitter + 1)] = np.kron(*pair)
    return found


def staying(seen: Observations, priors: MovePriors) -> Array:
    """Logarithm (K, 9) of the chance that what is quenched stays so through each stretch."""
    lengths = (seen.ends - seen.begins) * seen.frame_time
    quenched = (PAIRS == STATES.index("quenched")).sum(axis=1)
    return -np.outer(lengths / priors.quenched_time, quenched)
