"""Orbitals of configuration interaction: the lowest states of h, and the interaction of pairs of them.

In an axisymmetric molecule the orbitals are u(r, z) e^{imα}/√2π with m of either sign. With
I_M(ab) the factors of the radial pair densities (spq.integrals),
    ⟨p q|V|r s⟩ = Σ_k I_{|M|,k}(pr) I_{|M|,k}(qs)/2π,   M = m_r − m_p = m_q − m_s,
so every matrix is real and m_p + m_q is conserved. On a solid mesh m = 0 and the orbitals are real.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from spq.discretisation import KINDS, Discretisation
from spq.integrals import Basis, States
from spq.reduced import PerKind, Reduced, square
from spq.schrodinger import lowest_states

SPARE = 4  # eigenstates of a harmonic looked for beyond those expected
ROUNDING = 1e-12  # eV, imaginary parts below this are none


@dataclass(frozen=True, eq=False)
class PairBlock:
    """Pairs (p, q) with one m_p + m_q and their interaction with those of the active orbitals.

    pairs: (b, 2) orbital numbers, ascending in p within each m_p; matrix: (b, c) ⟨p q|V|r s⟩ in eV of a
    repulsive unit charge each; active: (c,) the rows of the columns' pairs.
    """

    pairs: np.ndarray
    matrix: np.ndarray
    active: np.ndarray


@dataclass(frozen=True, eq=False)
class Orbitals:
    """N orbitals of each kind, ascending in energy, the first n of them active.

    system: the reduced problem whose states they are; energies: (N,) in eV; labels: (N,) their m;
    states: (N,) number of the state of the system that is their radial part; turn: (n', N) from the system's
    real states to these; active: number of active ones of each kind.
    """

    system: Reduced
    energies: PerKind
    labels: PerKind
    states: PerKind
    turn: PerKind
    active: dict[str, int]
    _blocks: dict[tuple[str, str], dict[int, PairBlock]] = field(default_factory=dict)

    def turned(self, kind: str, matrix: np.ndarray) -> np.ndarray:
        """A matrix (n', n') between the system's states between orbitals, (N, N), real if it can be."""
        turn = self.turn[kind]
        found = turn.conj().T @ matrix @ turn
        return found.real if np.abs(np.imag(found)).max(initial=0.0) < ROUNDING else found

    def hamiltonian(self, kind: str, external: np.ndarray | None = None) -> np.ndarray:
        """h + field (N, N) in eV; external: (surroundings, k), acting on this kind with its sign."""
        matrix = self.system.hamiltonian[kind]
        if external is not None:
            packed = external[0] @ self.system.factors[0][kind]
            matrix = matrix + packed[square(len(matrix))].reshape(matrix.shape)
        return self.turned(kind, matrix)

    @cached_property
    def populations(self) -> PerKind:
        """Matrices (dots, N, N) of the share of each dot."""
        return {
            kind: np.array([self.turned(kind, each) for each in matrices])
            for kind, matrices in self.system.populations.items()
        }

    @cached_property
    def dot_overlaps(self) -> np.ndarray:
        """∫ φ_h φ_e over each dot's side, of every hole (rows) and electron, (dots, N, N)."""
        found = np.array([self.turn["h"].T @ part @ self.turn["e"] for part in self.system.pair_overlap])
        return found.real if np.abs(np.imag(found)).max(initial=0.0) < ROUNDING else found

    @cached_property
    def overlap(self) -> np.ndarray:
        """∫ φ_h φ_e of every hole (rows) and electron, (N, N): what recombines."""
        return self.dot_overlaps.sum(axis=0)

    def blocks(self, first: str, second: str) -> dict[int, PairBlock]:
        """Interaction of every pair of orbitals of two kinds with the active pairs, by m_p + m_q."""
        if (first, second) not in self._blocks:
            self._blocks[first, second] = _pair_blocks(self, first, second)
        return self._blocks[first, second]


def lowest_orbitals(discretisation: Discretisation, count: int) -> Basis:
    """The `count` lowest eigenstates of h of each kind, ± partners counted; a pair is never cut.

    Raises ConvergenceError if the eigensolver fails.
    """
    space = discretisation.space
    basis = {}
    for kind in KINDS:
        found = []
        for m in range(max(space.harmonics.orbital) + 1):
            # of the lowest N levels of a sphere a share of about 1/(3m + 5) has one m
            expected = SPARE + (3 * count // (3 * m + 7) if space.harmonics.turning else count)
            found.append(_lowest(discretisation, kind, m, expected))
        highest = _highest(found, count)
        for m, (energies, _) in enumerate(found):  # in a long chain one m may have more
            while energies[-1] <= highest and len(energies) < _most(discretisation, m):
                found[m] = _lowest(discretisation, kind, m, 2 * len(energies))
                energies, highest = found[m][0], _highest(found, count)
        states = [(e[e <= highest], o[:, e <= highest]) for e, o in found]
        basis[kind] = tuple(States(e, o, space.orbital_values(o)) for e, o in states)
    return basis


def _most(discretisation: Discretisation, harmonic: int) -> int:
    return len(discretisation.space.orbital_free(harmonic)) // 2


def _lowest(discretisation: Discretisation, kind: str, harmonic: int, count: int) -> tuple:
    """Energies (n,) and orbitals (dofs, n) of the lowest states of one harmonic."""
    count = min(count, _most(discretisation, harmonic))
    return lowest_states(discretisation.carrier(kind, harmonic), count)


def _highest(found: list[tuple], count: int) -> float:
    """The energy of the last of the lowest `count` states, those of m > 0 twice."""
    levels = np.concatenate([np.repeat(e, 2 if m else 1) for m, (e, _) in enumerate(found)])
    return float(np.sort(levels)[min(count, len(levels)) - 1])


def orbitals(system: Reduced, active: int) -> Orbitals:
    """All states of a reduced problem as orbitals, at least the lowest `active` of each kind active.

    Orbitals of equal energy are active together.
    """
    energies, labels, states, turn, inside = {}, {}, {}, {}, {}
    for kind in system.hamiltonian:
        bare, real = np.diag(system.hamiltonian[kind]), system.labels[kind]
        cosines = np.flatnonzero(real >= 0)
        partners = cosines[real[cosines] > 0]
        number = np.concatenate([cosines, partners])
        label = np.concatenate([real[cosines], -real[partners]])
        order = np.lexsort((-label, np.round(bare[number], 9)))
        number, label = number[order], label[order]
        energies[kind], labels[kind], states[kind] = bare[number], label, number
        turn[kind] = _turn(real, number, label)
        inside[kind] = _whole_levels(bare[number], active)
    return Orbitals(system, energies, labels, states, turn, inside)


DEGENERATE = 1e-3  # eV; a mesh splits degenerate levels by less


def _whole_levels(energies: np.ndarray, count: int) -> int:
    """The least number of orbitals >= count that cuts no degenerate level."""
    count = min(count, len(energies))
    while count < len(energies) and energies[count] - energies[count - 1] < DEGENERATE:
        count += 1
    return count


def _turn(real: np.ndarray, number: np.ndarray, label: np.ndarray) -> np.ndarray:
    """e^{±imα} from cosines and sines: (n', N)."""
    if not (real != 0).any():
        return np.eye(len(real))[:, number]
    found = np.zeros((len(real), len(number)), dtype=complex)
    sines: dict[int, int] = {}
    for m in np.unique(real[real > 0]):
        sines.update(zip(np.flatnonzero(real == m), np.flatnonzero(real == -m), strict=True))
    for column, (state, m) in enumerate(zip(number, label, strict=True)):
        if m == 0:
            found[state, column] = 1.0
        else:
            found[state, column] = np.sqrt(0.5)
            found[sines[state], column] = 1j * np.sign(m) * np.sqrt(0.5)
    return found


def _pair_blocks(orbitals: Orbitals, first: str, second: str) -> dict[int, PairBlock]:
    ones, others = (_by_label(orbitals.labels[kind]) for kind in (first, second))
    n, o = orbitals.active[first], orbitals.active[second]
    found = {}
    for total in sorted({m + k for m in ones for k in others}):
        parts = [(m, ones[m], others[total - m]) for m in ones if total - m in others]
        pairs = np.concatenate([_product(p, q) for _, p, q in parts])
        active = np.flatnonzero((pairs[:, 0] < n) & (pairs[:, 1] < o))
        if not len(active):
            continue
        rows = []
        for m, p, q in parts:
            row = []
            for k, r, s in parts:
                r, s = r[r < n], s[s < o]
                one = _factors(orbitals, first, p, r, abs(k - m))
                other = _factors(orbitals, second, q, s, abs(k - m))
                block = np.tensordot(one, other, axes=(0, 0)).transpose(0, 2, 1, 3)
                row.append(block.reshape(len(p) * len(q), len(r) * len(s)))
            rows.append(np.hstack(row))
        found[total] = PairBlock(pairs, np.vstack(rows), active)
    return found


def _by_label(labels: np.ndarray) -> dict[int, np.ndarray]:
    return {int(m): np.flatnonzero(labels == m) for m in np.unique(labels)}


def _product(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.column_stack([np.repeat(p, len(q)), np.tile(q, len(p))])


def _factors(orbitals: Orbitals, kind: str, p: np.ndarray, r: np.ndarray, harmonic: int) -> np.ndarray:
    """I_M(pr)/√2π of orbitals with one m each, (k, p, r)."""
    system = orbitals.system
    a, b = orbitals.states[kind][p], orbitals.states[kind][r]
    columns = system.columns.get(harmonic, slice(0, 0))
    high, low = np.maximum.outer(a, b), np.minimum.outer(a, b)
    factors = system.factors[0][kind][columns]
    found = factors[:, (high * (high + 1) // 2 + low).ravel()].reshape(len(factors), len(p), len(r))
    harmonics = system.discretisation.space.harmonics
    if not harmonics.turning or not found.size:
        return found
    one, other = (abs(int(orbitals.labels[kind][each[0]])) for each in (p, r))
    weight = dict(harmonics.products(one, other))[harmonic]
    return found / (weight * np.sqrt(2 * np.pi))
