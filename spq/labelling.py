"""Where the carriers of a correlated state are: its share of every way to put them on the dots.

The share of the electrons on dots a, b, ... and the holes on dots c, ... is ⟨Ψ| Π_i 1_{d_i}(r_i) |Ψ⟩, with
1_d one on the side of dot d. All shares sum to 1.
"""

from __future__ import annotations

import numpy as np

from spq.eigenstates import Eigenstates

Placement = tuple[tuple[int, ...], tuple[int, ...]]  # sorted dots, from 1, of the electrons and of the holes
LEAST = 1e-9  # a share below this is not followed up


def shares(states: Eigenstates, number: int) -> dict[Placement, float]:
    """The share of every placement in one state, the largest first."""
    space = states.space
    matrices = space.orbitals.populations
    tensor = space.tensor(states.vectors[:, number])
    found: dict[Placement, float] = {}

    def placed(left: np.ndarray, place: int, electrons: tuple[int, ...], holes: tuple[int, ...]) -> None:
        share = float(np.vdot(tensor, left).real)
        if place == len(space.carriers):
            key = (tuple(sorted(electrons)), tuple(sorted(holes)))
            found[key] = found.get(key, 0.0) + share
            return
        if share < LEAST:
            return
        kind, size = space.carriers[place].kind, space.shape[place]
        for dot, matrix in enumerate(matrices[kind], 1):
            moved = np.tensordot(matrix[:size, :size], left, axes=(1, place))
            both = ((*electrons, dot), holes) if kind == "e" else (electrons, (*holes, dot))
            placed(np.moveaxis(moved, 0, place), place + 1, *both)

    placed(tensor, 0, (), ())
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def dot_populations(
    placements: dict[Placement, float], dots: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Electrons and holes on each dot, two tuples of N."""
    found = np.zeros((2, dots))
    for placement, share in placements.items():
        for row, places in zip(found, placement, strict=True):
            np.add.at(row, np.array(places, dtype=int) - 1, share)
    return tuple(found[0].tolist()), tuple(found[1].tolist())


def written(placement: Placement) -> str:
    """A placement as text, `e1 e1 h1`; nothing left is `-`."""
    electrons, holes = placement
    dots = sorted({*electrons, *holes})
    words = []
    for dot in dots:
        words += [f"e{dot}"] * electrons.count(dot) + [f"h{dot}"] * holes.count(dot)
    return " ".join(words) or "-"
