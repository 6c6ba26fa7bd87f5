"""Energy levels of correlated carriers: eigenstates with their spins, degeneracy and place.

Where nothing breaks the symmetry about the long axis, states are found for every Σ m apart; those of ±m
are one level. Levels above the lowest configuration with a carrier outside the active orbitals are not
given: those found there have others, not found, among and below them, and second order is none for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.correlation import Correlation
from spq.discretisation import SIGN
from spq.eigenstates import Eigenstates, Energy, eigenstates
from spq.labelling import Placement, dot_populations, shares

HIGHEST = 1  # |Σ m| of the levels that are looked for; those of higher |Σ m| lie higher
APART = (1.0, np.pi)  # eV for S² of electrons and holes, to tell degenerate states apart
MIXED = 1e-3  # ⟨a|S²|b⟩ from which on states are taken apart
IMPURE = 0.1  # ⟨S²⟩ off S (S + 1) that is no rounding


@dataclass(frozen=True, eq=False)
class Level:
    """One eigenstate: its parts of energy, placement of most share, that share, spins and degeneracy."""

    states: Eigenstates
    number: int
    energy: Energy
    placement: Placement
    purity: float
    populations: tuple[tuple[float, ...], tuple[float, ...]]
    spins: tuple[float, float]
    total: int | None

    @property
    def degeneracy(self) -> int:
        """Of both spins and of ±Σ m."""
        electron, hole = (round(2 * spin + 1) for spin in self.spins)
        return electron * hole * (2 if self.total else 1)

    @property
    def kind(self) -> tuple:
        """What it has in common with the same level of another calculation."""
        return self.placement, self.spins, self.total


def levels_of(
    problem: Correlation, electrons: int, holes: int, external: np.ndarray | None, count: int
) -> list[Level]:
    """The lowest levels of some carriers, ascending: up to `count` of each |Σ m| <= 1, or of all.

    There are fewer where the active orbitals do not reach further.
    """
    groups: list[Eigenstates] = []
    for total in range(HIGHEST + 1):
        groups.append(_pure(eigenstates(problem, electrons, holes, external, count, total), count))
        if groups[0].space.total is None or not problem.discretisation.space.harmonics.turning:
            break
    top = min(states.variational[0] for states in groups) + _reach(groups[0])
    found = []
    for states in groups:
        squares = states.space.squared_spin(states.vectors)
        for number in np.flatnonzero(states.variational <= top):
            electron, hole = (_spin(float(squares[kind][number, number].real)) for kind in SIGN)
            if electron is not None and hole is not None:
                found.append(_level(states, int(number), (electron, hole), problem.dots))
    return sorted(found, key=lambda level: level.energy.total)


def _level(states: Eigenstates, number: int, spins: tuple[float, float], dots: int) -> Level:
    placements = shares(states, number)
    placement, purity = next(iter(placements.items()))
    populations = dot_populations(placements, dots)
    turning = states.space.orbitals.system.discretisation.space.harmonics.turning
    total = states.space.total if turning else None
    return Level(states, number, states.energy(number), placement, purity, populations, spins, total)


def _reach(states: Eigenstates) -> float:
    """How far above the lowest configuration the lowest one with a carrier outside lies, eV."""
    gaps = [np.inf]  # a single carrier has no orbitals outside
    for carrier, active in zip(states.space.carriers, states.space.shape, strict=True):
        levels = np.diag(states.matrices[carrier.kind]).real
        if active < len(levels):
            gaps.append(levels[active:].min() - levels[:active].min())
    return max(0.0, float(min(gaps)))


def _pure(states: Eigenstates, count: int) -> Eigenstates:
    """The lowest `count` of some states; degenerate ones of different spins, which mix, are taken apart."""
    energies, vectors = states.variational[:count], states.vectors[:, :count]
    squares = states.space.squared_spin(vectors)
    # with this added different spins are far apart, and states of the same spin stay what they are
    added = sum(unit * squares[kind] for kind, unit in zip(SIGN, APART, strict=True))
    if np.abs(added - np.diag(np.diag(added))).max() < MIXED:
        if len(states.variational) == len(energies):
            return states
    else:
        _, mixed = np.linalg.eigh(np.diag(energies) + added)
        energies = (np.abs(mixed) ** 2 * energies[:, None]).sum(axis=0)
        order = np.argsort(energies, kind="stable")
        energies, vectors = energies[order], vectors @ mixed[:, order]
    return Eigenstates(states.space, states.matrices, energies, vectors, states.iterations)


def _spin(square: float) -> float | None:
    """S of ⟨S²⟩; None for a mixture: the degenerate partner was not looked for."""
    spin = round(float(np.sqrt(1 + 4 * max(square, 0.0))) - 1) / 2
    return spin if abs(square - spin * (spin + 1)) < IMPURE else None
