"""What a jump was: chances of all moves, summed over the microstates before and after.

P(move | data) = Σ_s,s' p(s, s' | data) T_move(s, s')/T(s, s'), and likewise for two moves at once. A jump in
which no charge moved but one emitter went dark or came back is its quenching; the light decides that by
itself.
"""

from __future__ import annotations

import numpy as np

from spq.assignment.marginal import Posterior
from spq.assignment.moves import COMBINED, DRIFT, NONE, STILL, TWO, Moves

Array = np.ndarray

QUENCHED, LIT = "emitter {} quenched", "emitter {} lit again"


def move_chances(moves: Moves, found: Posterior) -> list[dict[str, float]]:
    """Chance of every move at every jump, largest first; they sum to 1."""
    listed = []
    for k, joint in enumerate(found.moved):
        pairs = joint.tocoo()
        share = pairs.data / np.maximum(moves.total[pairs.row, pairs.col], 1e-30)
        chances: dict[str, float] = {}
        for label, matrix in zip(moves.labels, moves.single, strict=True):
            chances[label] = float(share @ np.asarray(matrix[pairs.row, pairs.col]).ravel())
        chances[COMBINED] = float(share @ moves.combined[pairs.row, pairs.col])
        chances[TWO] = float(share @ moves.two[pairs.row, pairs.col])
        chances.update(_unmoved(found, k))
        chances[NONE] = float(found.outlier[k])
        total = sum(chances.values())
        ranked = sorted(chances.items(), key=lambda each: -each[1])
        listed.append({label: chance / total for label, chance in ranked if chance > 1e-6 * total})
    return listed


def _unmoved(found: Posterior, k: int) -> dict[str, float]:
    """Chances of what moves no charge: quenching, drift of the instrument, nothing."""
    before, after = found.dark[k], found.dark[k + 1]
    flips = {QUENCHED.format(i + 1): (1.0 - before[i]) * after[i] for i in (0, 1)}
    flips |= {LIT.format(i + 1): before[i] * (1.0 - after[i]) for i in (0, 1)}
    part = float(found.still[k] + found.drift[k])
    rest = max(0.0, 1.0 - sum(flips.values()))
    chances = {label: part * float(chance) for label, chance in flips.items()}
    return chances | {STILL: float(found.still[k]) * rest, DRIFT: float(found.drift[k]) * rest}
