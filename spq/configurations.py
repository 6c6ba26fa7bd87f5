"""Configurations of several carriers and the Hamiltonian between them.

H = Σ_i (h + q_i Φ)_i + Σ_{i<j} q_i q_j V_ij acts on amplitudes C[x_1, ..., x_p], one orbital for each
carrier. It contains no spin: electrons of spin up come first, then those of spin down, holes alike, and C
changes sign where two of equal spin are exchanged (Löwdin, Phys. Rev. 97, 1474, 1955). Electron and
hole do not exchange, so S² of the electrons and of the holes are conserved apart:
    ⟨S²⟩ = S_z (S_z + 1) + n_↓ − Σ_{i↑, j↓} ⟨P_ij⟩, with P_ij the exchange of the two places.
The configurations can be restricted by their energy Σ h_xx and by their rank, the number of carriers
outside the lowest orbitals; what is left out is counted in second order (spq.perturbation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product

import numpy as np

from spq.discretisation import SIGN
from spq.orbitals import Orbitals
from spq.selection import Selection, check_memory

ALIKE = 1.6  # numbers of rows of spectators that share a link


@dataclass(frozen=True)
class Particle:
    """One carrier: its kind "e" or "h" and its spin, +1 or −1."""

    kind: str
    spin: int


def particles(electrons: int, holes: int) -> tuple[Particle, ...]:
    """So many carriers with the least S_z: of each kind those of spin up first."""
    found = []
    for kind, count in (("e", electrons), ("h", holes)):
        up = (count + 1) // 2
        found += [Particle(kind, 1)] * up + [Particle(kind, -1)] * (count - up)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Link:
    """Where the amplitudes of configurations stand that one piece of the Hamiltonian couples.

    places: (r, s) numbers of configurations, the configuration beyond the last one where there is none;
    matrix: (r, r) in eV.
    """

    places: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True, eq=False)
class Configurations:
    """Configurations of carriers in active orbitals.

    orbitals; carriers: of each place; total: Σ m of all, None where a field breaks that; table: (D, p)
    orbital of each place.
    """

    orbitals: Orbitals
    carriers: tuple[Particle, ...]
    total: int | None
    table: np.ndarray

    @property
    def size(self) -> int:
        """Number D of configurations."""
        return len(self.table)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Number of active orbitals of each place."""
        return tuple(self.orbitals.active[each.kind] for each in self.carriers)

    @cached_property
    def flat(self) -> np.ndarray:
        """Place of each configuration in an array of this shape, (D,), ascending."""
        if not self.carriers:
            return np.zeros(1, dtype=int)
        return np.ravel_multi_index(tuple(self.table.T), self.shape)

    @cached_property
    def labels(self) -> np.ndarray:
        """m of each orbital of each configuration, (D, p)."""
        each = [self.orbitals.labels[c.kind][x] for c, x in zip(self.carriers, self.table.T, strict=True)]
        return np.column_stack(each)

    @cached_property
    def bare(self) -> np.ndarray:
        """Σ ε of each configuration in eV, (D,)."""
        each = [self.orbitals.energies[c.kind][x] for c, x in zip(self.carriers, self.table.T, strict=True)]
        return np.sum(each, axis=0)

    @cached_property
    def interactions(self) -> list[Link]:
        """The links of all pairs of carriers."""
        found = []
        for i, j in combinations(range(len(self.carriers)), 2):
            one, other = self.carriers[i].kind, self.carriers[j].kind
            blocks = self.orbitals.blocks(one, other)
            sign = SIGN[one] * SIGN[other]
            totals = self.labels[:, i] + self.labels[:, j]
            rest = _ravelled(self.table, self.shape, (i, j))
            for total in np.unique(totals):
                block = blocks[int(total)]
                here = np.flatnonzero(totals == total)
                pairs = block.pairs[block.active]
                number = np.full(self.shape[i] * self.shape[j], -1)
                number[pairs[:, 0] * self.shape[j] + pairs[:, 1]] = np.arange(len(pairs))
                row = number[self.table[here, i] * self.shape[j] + self.table[here, j]]
                inside = sign * block.matrix[block.active]
                found += self._links(here, row, rest[here], inside)
        return found

    def forget(self) -> None:
        """Drop the links, which take most memory; they are made again when asked for."""
        self.__dict__.pop("interactions", None)

    def _links(self, here: np.ndarray, row: np.ndarray, rest: np.ndarray, matrix: np.ndarray) -> list[Link]:
        """Links of configurations with these rows; spectators that leave about as many rows share one."""
        _, spectator, count = np.unique(rest, return_inverse=True, return_counts=True)
        size = np.floor(np.log(count) / np.log(ALIKE)).astype(int)
        found = []
        for several in np.unique(size):
            group = size[spectator] == several
            rows, local = np.unique(row[group], return_inverse=True)
            _, column = np.unique(spectator[group], return_inverse=True)
            places = np.full((len(rows), column.max() + 1), self.size, dtype=np.int32)
            places[local, column] = here[group]
            whole = len(rows) == len(matrix)
            found.append(Link(places, matrix if whole else matrix[np.ix_(rows, rows)]))
        return found

    def single(self, matrices: dict[str, np.ndarray]) -> list[Link]:
        """The links of matrices (N, N) in eV that act on each carrier alone."""
        found = []
        for i, carrier in enumerate(self.carriers):
            rest = _ravelled(self.table, self.shape, (i,))
            inside = matrices[carrier.kind][: self.shape[i], : self.shape[i]]
            found += self._links(np.arange(self.size), self.table[:, i], rest, inside)
        return found

    @cached_property
    def diagonal(self) -> np.ndarray:
        """Σ ε + Σ q q ⟨pq|V|pq⟩ of each configuration in eV, (D,)."""
        found = np.append(self.bare, 0.0)
        for link in self.interactions:
            found[link.places] += np.diag(link.matrix)[:, None]
        return found[:-1]

    def applied(self, links: list[Link], amplitudes: np.ndarray) -> np.ndarray:
        """What links make of amplitudes (D, v), antisymmetric as they must be."""
        kind = np.result_type(amplitudes, *{link.matrix.dtype for link in links})
        padded = np.zeros((self.size + 1, amplitudes.shape[1]), dtype=kind)
        padded[:-1] = amplitudes
        found = np.zeros_like(padded)
        for link in links:
            gathered = padded[link.places]
            made = link.matrix @ gathered.reshape(len(gathered), -1)
            # a configuration stands once in a link
            found[link.places] += made.reshape(gathered.shape)
        return self.antisymmetric(found[:-1])

    @cached_property
    def _alike(self) -> list[tuple[int, int]]:
        pairs = combinations(range(len(self.carriers)), 2)
        return [(i, j) for i, j in pairs if self.carriers[i] == self.carriers[j]]

    def exchanged(self, i: int, j: int) -> np.ndarray:
        """Configuration with the orbitals of two places exchanged, (D,); D where that is not there."""
        other = self.table.copy()
        other[:, [i, j]] = other[:, [j, i]]
        wanted = np.ravel_multi_index(tuple(other.T), self.shape)
        place = np.minimum(np.searchsorted(self.flat, wanted), self.size - 1)
        return np.where(self.flat[place] == wanted, place, self.size)

    @cached_property
    def canonical(self) -> np.ndarray:
        """Whether the orbitals of carriers of equal kind and spin ascend, (D,)."""
        found = np.ones(self.size, dtype=bool)
        for i, j in self._alike:
            found &= self.table[:, i] < self.table[:, j]
        return found

    @cached_property
    def _swaps(self) -> list[np.ndarray]:
        return [self.exchanged(i, j) for i, j in self._alike]

    def antisymmetric(self, amplitudes: np.ndarray) -> np.ndarray:
        """Amplitudes (D, v) made antisymmetric in carriers of equal kind and spin; two at most are alike."""
        for swap in self._swaps:
            amplitudes = 0.5 * (amplitudes - amplitudes[swap])
        return amplitudes

    def squared_spin(self, amplitudes: np.ndarray) -> dict[str, np.ndarray]:
        """⟨a|S²|b⟩ of the electrons and of the holes between amplitudes (D, v), (v, v) each."""
        found = {}
        padded = np.vstack([amplitudes, np.zeros((1, amplitudes.shape[1]))])
        for kind in SIGN:
            spins = [(i, each.spin) for i, each in enumerate(self.carriers) if each.kind == kind]
            ups, downs = ([i for i, spin in spins if spin == which] for which in (1, -1))
            along = 0.5 * (len(ups) - len(downs))
            value = (along * (along + 1) + len(downs)) * np.eye(amplitudes.shape[1])
            for i, j in product(ups, downs):
                value = value - amplitudes.conj().T @ padded[self.exchanged(i, j)]
            found[kind] = value
        return found

    def tensor(self, amplitudes: np.ndarray) -> np.ndarray:
        """Amplitudes (D,) as an array with one axis for each carrier."""
        found = np.zeros(int(np.prod(self.shape)), dtype=amplitudes.dtype)
        found[self.flat] = amplitudes
        return found.reshape(self.shape)


def configurations(
    orbitals: Orbitals, carriers: tuple[Particle, ...], total: int | None, selection: Selection
) -> Configurations:
    """All configurations of carriers in active orbitals with Σ m = total, as a selection restricts them.

    Raises InputError if they need more memory than allowed; the message says what would fit.
    """
    sizes = [orbitals.active[each.kind] for each in carriers]
    check_memory(orbitals, sizes, total, selection)
    lowest = sum(orbitals.energies[each.kind][0] for each in carriers)
    limit = np.inf if selection.energy is None else selection.energy
    rank = len(carriers) if selection.rank is None else selection.rank
    reference = dict(selection.reference)
    table = np.zeros((1, 0), dtype=np.int32)
    energy, label, outside = np.full(1, -lowest), np.zeros(1, dtype=int), np.zeros(1, dtype=int)
    for i, (carrier, size) in enumerate(zip(carriers, sizes, strict=True)):
        levels, labels = orbitals.energies[carrier.kind][:size], orbitals.labels[carrier.kind][:size]
        beyond = np.arange(size) >= reference.get(carrier.kind, 0)
        energy = np.add.outer(energy, levels)
        label = np.add.outer(label, labels)
        outside = np.add.outer(outside, beyond)
        left = sum(orbitals.energies[each.kind][0] for each in carriers[i + 1 :])
        kept = (energy + left <= limit) & (outside <= rank)
        kept &= _reachable(label, orbitals, carriers[i + 1 :], total)
        before, last = np.nonzero(kept)
        table = np.column_stack([table[before], last.astype(np.int32)])
        energy, label, outside = energy[kept], label[kept], outside[kept]
    return Configurations(orbitals, carriers, total, table)


def _reachable(label: np.ndarray, orbitals: Orbitals, rest: tuple[Particle, ...], total: int | None):
    """Whether the carriers that are left can make Σ m = total."""
    if total is None:
        return True
    most = sum(int(np.abs(orbitals.labels[c.kind][: orbitals.active[c.kind]]).max()) for c in rest)
    return np.abs(total - label) <= most


def _ravelled(table: np.ndarray, shape: tuple[int, ...], without: tuple[int, ...]) -> np.ndarray:
    """One number for the orbitals of all places but some, (D,)."""
    found = np.zeros(len(table), dtype=np.int64)
    for i, size in enumerate(shape):
        if i not in without:
            found = found * size + table[:, i]
    return found
