"""What a jump was: chances of all moves, summed over the microstates before and after.

P(move | data) = Σ_s,s' p(s, s' | data) T_move(s, s')/T(s, s'), and likewise for two moves at once. A jump in
which no charge moved but one emitter went dark or came back is its quenching; the light decides that by
itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from spq.assignment.marginal import Posterior
from spq.assignment.moves import COMBINED, TWO, Moves

Array = np.ndarray

TINY = 1e-30


def move_chances(moves: Moves, found: Posterior) -> list[dict[str, float]]:
    """Chance of every move at every jump, largest first; they sum to 1."""
    listed = []
    for k, joint in enumerate(found.moved):
        chances = dict(found.unmoved[k])
        for label, chance in _moved(moves, joint).items() if joint.nnz else ():
            chances[label] = chances.get(label, 0.0) + chance
        total = sum(chances.values())
        ranked = sorted(chances.items(), key=lambda each: -each[1])
        listed.append({label: chance / total for label, chance in ranked if chance > 1e-6 * total})
    return listed


def _moved(moves: Moves, joint: sparse.csr_matrix) -> dict[str, float]:
    """Chances of moves of charge for the joint chances (states, states) before and after."""
    pairs = joint.tocoo()
    share = pairs.data / np.maximum(moves.total[pairs.row, pairs.col], TINY)
    labels, matrices = (*moves.labels, COMBINED, TWO), (*moves.single, moves.combined, moves.two)
    return {
        label: float(share @ np.asarray(matrix[pairs.row, pairs.col]).ravel())
        for label, matrix in zip(labels, matrices, strict=True)
    }


def mixed(listed: Sequence[list[dict[str, float]]], shares: Array) -> list[dict[str, float]]:
    """Chances under several explanations, each with its share, largest first."""
    found = []
    for jump in zip(*listed, strict=True):
        total: dict[str, float] = {}
        for chances, share in zip(jump, shares, strict=True):
            for label, chance in chances.items():
                total[label] = total.get(label, 0.0) + float(share) * chance
        found.append(dict(sorted(total.items(), key=lambda each: -each[1])))
    return found
