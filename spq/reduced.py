"""The self-consistent problem in a small basis of single-particle states: dense algebra.

Orbitals are coefficient vectors c, densities the vectors d_k = Σ_ab L_k,ab c_a c_b of the Coulomb
factors, so that ∫ρ V[ρ'] = d·d'. A surface charge Q is the vector Q potentials_k(r_s): by
reciprocity ⟨φ_a|Φ_ext|φ_b⟩ = Q V[φ_a φ_b](r_s).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from spq.discretisation import BARRIER, Discretisation
from spq.following import Choice, certain
from spq.hartree import Shell
from spq.units import COULOMB

RESIDUAL = 1e-8  # eV, of an orbital that needs no further step
NEAR = 1e-6  # eV, of one that has been improved
RAYLEIGH_STEPS = 4

PerKind = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Reduced:
    """A discretisation reduced to a basis of single-particle states and their integrals.

    Implements the interface that spq.hartree solves on; see there. A field is an array
    (surroundings, k) in eV^½, of which section s acts through the factors of surroundings s.

    hamiltonian: (n, n) of each kind in eV; factors: per surroundings (k, pairs) of each kind in eV^½,
    pairs a >= b in the order of numpy.tril_indices; populations: (N, n, n); axial: (n, n) positions
    along the axis in nm; pair_overlap: (N, holes, electrons), the dots' parts of ∫ φ_h φ_e; central: number
    of first states that may hold a dot's lowest orbital; even: number of first states that are even about
    the plane of azimuth 0; labels: (n,) the angular function of each state; columns: the fields of every
    angular function's label, even ones first; potentials: per |m| (size, k_m) in eV, those of the fields,
    nodal; left_out: eV, largest energy that the basis leaves out of its training problems, infinite if
    nobody looked; orbitals: of each kind, (inner dofs, n) of the states of each |m|; image: (n, n) of each
    kind in eV, the part of the self-energy `image` in the hamiltonian, if it acts; exact: in a projected
    problem, each species' part of an external field, which is (b, pairs) of all species.
    """

    discretisation: Discretisation
    hamiltonian: PerKind
    factors: list[PerKind]
    populations: PerKind
    axial: PerKind
    pair_overlap: np.ndarray
    central: dict[str, int]
    even: dict[str, int]
    labels: PerKind
    columns: dict[int, slice]
    potentials: dict[int, np.ndarray]
    seconds: dict[str, float]
    left_out: float
    orbitals: dict[str, tuple[np.ndarray, ...]]
    image: PerKind = field(default_factory=dict)
    exact: dict[str, slice] = field(default_factory=dict)
    _sectors: dict[tuple[str, int], list[np.ndarray]] = field(default_factory=dict)

    batch = 64  # problems that are iterated together: their matrices stay in the cache

    @property
    def dots(self) -> int:
        """Number of dots."""
        return len(self.discretisation.model.molecule.dots)

    @property
    def even_fields(self) -> int:
        """Number of first fields that are even about the plane of azimuth 0."""
        return max(part.stop for label, part in self.columns.items() if label >= 0)

    @property
    def surroundings(self) -> tuple[int, ...]:
        """Which section belongs to each dot's self-energy."""
        return self.discretisation.surroundings

    def no_field(self) -> np.ndarray:
        """The field of nothing, (surroundings, k)."""
        return np.zeros((len(self.factors), len(next(iter(self.factors[0].values())))))

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """Fields (s, surroundings, k) of unit charges at positions (s, 3) in nm."""
        space = self.discretisation.space
        evaluate = space.point_values(positions)
        radial = {m: evaluate @ potentials for m, potentials in self.potentials.items()}
        angular = space.azimuthal(tuple(self.columns), positions)
        fields = np.zeros((len(positions), *self.no_field().shape))
        for (label, columns), chi in zip(self.columns.items(), angular, strict=True):
            width = radial[abs(label)].shape[1]
            fields[:, 0, columns.start : columns.start + width] = radial[abs(label)] * chi[:, None]
        return fields

    def far_field(self, field: np.ndarray) -> np.ndarray:
        """Field (surroundings, k) of a uniform field (3,) in V/nm far away; by reciprocity as of charges."""
        found = self.no_field()
        for label, source in self.discretisation.poisson[0].far_source(field).items():
            potentials = self.potentials[abs(label)]
            start = self.columns[label].start
            found[0, start : start + potentials.shape[1]] = potentials.T @ source / (4 * np.pi * COULOMB)
        return found

    def key(self, shell: Shell) -> str:
        """The orbital space of a shell: its kind; in a projected problem that of its dot."""
        return shell.kind if shell.kind in self.hamiltonian else f"{shell.kind}{shell.dot}"

    def start(self, kind: str, dot: int, level: int) -> np.ndarray:
        """Lowest orbital (n,) with a barrier outside one dot (from 0), or its p-like one (level 1)."""
        count = self.central[kind]
        own = self.populations[kind][:, :count, :count]
        barrier = BARRIER * (own.sum(axis=0) - own[dot])
        _, orbitals = np.linalg.eigh(barrier + self.hamiltonian[kind][:count, :count])
        chosen = 0
        if level:
            moments = (self.axial[kind][:count, :count] @ orbitals[:, 0]) @ orbitals[:, 1:]
            chosen = 1 + int(np.argmax(np.abs(moments)))
        padded = np.zeros(len(self.hamiltonian[kind]))
        padded[:count] = orbitals[:, chosen]
        return padded

    def follow(
        self,
        key: str,
        fields: np.ndarray,
        externals: np.ndarray,
        references: np.ndarray,
        guesses: np.ndarray,
        choose: Choice,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (b,) in eV and orbitals (b, n) of h + fields that `choose` picks by the references."""
        matrices = self.matrices(key, fields, externals, references)
        size = matrices.shape[1]
        references = references[:, :size]
        energies, orbitals, found = rayleigh(matrices, guesses[:, :size])
        overlaps = np.einsum("bn,bn->b", references, orbitals)
        resembled = np.einsum("bn,bn->b", guesses[:, :size], orbitals)
        found &= certain(choose, overlaps**2, resembled**2)
        for each in np.flatnonzero(~found):
            levels, vectors = np.linalg.eigh(matrices[each])
            overlap = references[each] @ vectors
            latest = guesses[each, :size] @ vectors
            chosen = choose(levels, overlap**2, latest**2)
            energies[each], orbitals[each], overlaps[each] = (
                levels[chosen],
                vectors[:, chosen],
                overlap[chosen],
            )
        padded = np.zeros(guesses.shape)
        padded[:, :size] = orbitals * np.where(overlaps < 0, -1.0, 1.0)[:, None]
        return energies, padded

    def matrices(self, key: str, fields, externals, orbitals: np.ndarray) -> np.ndarray:
        """h + fields, (b, n, n) in eV; n: the even states where fields and orbitals (b, n) are even."""
        if self.exact:
            packed = externals[:, self.exact[key]]
        else:
            fields, packed = fields + externals, 0.0
        even = not (fields[:, :, self.even_fields :].any() or orbitals[:, self.even[key] :].any())
        size, factors = self.sector(key, even)
        for section, each in zip(fields.swapaxes(0, 1), factors, strict=True):
            packed = packed + section[:, : len(each)] @ each
        found = packed[:, square(size)].reshape(-1, size, size)
        found += self.hamiltonian[key][:size, :size]
        return found

    def outside(self, key: str, externals: np.ndarray, orbitals: np.ndarray, densities) -> np.ndarray:
        """Energies (b,) in eV of orbitals with the given densities in external fields."""
        if not self.exact:
            return self.interaction(externals, densities, 0)
        return np.einsum("bp,bp->b", externals[:, self.exact[key]], pairs_of(orbitals))

    def densities(self, kind: str, orbitals: np.ndarray) -> np.ndarray:
        """Densities of orbitals (b, n) as fields, (b, surroundings, k)."""
        size, factors = self.sector(kind, not orbitals[:, self.even[kind] :].any())
        pairs = pairs_of(orbitals[:, :size])
        found = np.zeros((len(orbitals), *self.no_field().shape))
        for section, each in enumerate(factors):
            found[:, section, : len(each)] = pairs @ each.T
        return found

    def sector(self, kind: str, even: bool) -> tuple[int, list[np.ndarray]]:
        """Number of states and Coulomb factors (k, pairs) of each surrounding, of all or of the even states.

        Nothing odd about the plane of azimuth 0 arises from even fields: sines can be left out.
        """
        size = self.even[kind] if even else len(self.hamiltonian[kind])
        if (kind, size) not in self._sectors:
            count = self.even_fields if even else len(self.factors[0][kind])
            pairs = size * (size + 1) // 2
            self._sectors[kind, size] = [np.ascontiguousarray(f[kind][:count, :pairs]) for f in self.factors]
        return size, self._sectors[kind, size]

    def interaction(self, fields: np.ndarray, densities: np.ndarray, section: int) -> np.ndarray:
        """Energies (b,) in eV of densities in one section of fields."""
        return np.einsum("bk,bk->b", fields[:, section], densities[:, section])

    def dot_populations(self, kind: str, orbital: np.ndarray) -> np.ndarray:
        """Population of each dot, (N,)."""
        return (self.populations[kind] @ orbital) @ orbital

    def overlap(self, kind: str, one: np.ndarray, other: np.ndarray) -> float:
        """⟨one|other⟩ of two orbitals of a kind."""
        return float(one @ other)

    def electron_hole_overlap(self, electron: np.ndarray, hole: np.ndarray) -> float:
        """⟨φ_e|φ_h⟩."""
        return float(hole @ self.pair_overlap.sum(axis=0) @ electron)


def pairs_of(orbitals: np.ndarray) -> np.ndarray:
    """Products c_a c_b of orbitals (b, n), a >= b, those with a > b twice, (b, pairs)."""
    lower, upper, twice = _triangle(orbitals.shape[1])
    pairs = orbitals[:, lower]
    pairs *= orbitals[:, upper]
    pairs *= twice
    return pairs


@lru_cache
def _triangle(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row and column of each element of a packed lower triangle, and how often it occurs."""
    lower, upper = np.tril_indices(size)
    return lower, upper, np.where(lower == upper, 1.0, 2.0)


@lru_cache
def square(size: int) -> np.ndarray:
    """Where each element of a symmetric matrix stands in its packed lower triangle, (size²,)."""
    row, column = np.indices((size, size))
    low, high = np.minimum(row, column), np.maximum(row, column)
    return (high * (high + 1) // 2 + low).ravel()


def rayleigh(matrices: np.ndarray, guesses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rayleigh quotient iteration: eigenvalues (b,), eigenvectors (b, n) near guesses (b, n), and success.

    matrices: (b, n, n) symmetric, in eV. Converges with order three (Parlett, The Symmetric Eigenvalue
    Problem, section 4.6).
    """
    vectors = guesses / np.linalg.norm(guesses, axis=1)[:, None]
    applied = (matrices @ vectors[:, :, None])[:, :, 0]
    values = np.einsum("bi,bi->b", applied, vectors)
    error = np.linalg.norm(applied - values[:, None] * vectors, axis=1)
    for step in range(RAYLEIGH_STEPS):
        # after a step the residual is that of the one before, cubed
        moving = np.flatnonzero(error > (NEAR if step else RESIDUAL))
        if not len(moving):
            break
        # a little off, so that the exact eigenvalue does not make the matrix singular
        shifts, before = values[moving] + 1e-14, vectors[moving]
        shifted = matrices[moving]
        np.einsum("bii->bi", shifted)[:] -= shifts[:, None]
        solved = np.linalg.solve(shifted, before[:, :, None])[:, :, 0]
        # (H − σ) y = x: the quotient of y is σ + x·y/y·y, its residual x − (x·y/y·y) y
        size = np.linalg.norm(solved, axis=1)
        change = np.einsum("bi,bi->b", before, solved) / size**2
        values[moving] = shifts + change
        error[moving] = np.linalg.norm(before - change[:, None] * solved, axis=1) / size
        vectors[moving] = solved / size[:, None]
    return values, vectors, error <= NEAR
