"""The self-consistent problem on the full finite-element space, the reference for the reduced one.

Orbitals are nodal values, densities are their potentials V[ρ] (one per surrounding), a surface charge
is the potential of a point source at its place, so that ⟨φ|Φ_ext|φ⟩ = Q V[φ²](r_s) to all digits. All
are stacked over the labels of their angular functions; labels that nothing couples to stay zero.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from spq.discretisation import BARRIER, KINDS, Discretisation
from spq.errors import ConvergenceError
from spq.following import Choice
from spq.hartree import Shell
from spq.schrodinger import lowest_states, orthonormal, residuals
from spq.units import COULOMB

BARE_STATES = {False: (8,), True: (4, 2, 1)}  # of each dot by |m|, in a solid and on the half plane
RESIDUAL = 1e-7  # eV, of every state that resembles the reference
RESEMBLES = 0.1  # overlap² with the reference
LARGEST_SUBSPACE = 60
MAX_EXPANSIONS = 80
CONVERGED_AT_START = 5  # s and p states of one dot, and one more

Potential = dict[tuple[int, int], np.ndarray]  # weighted values (q,) that couple two labels


@dataclass(frozen=True, eq=False)
class _Problem:
    """One carrier's h on some labels, stacked over the unknowns that need not vanish.

    rows: those unknowns among the stacked orbitals; parts: of each label; values: (q, unknowns) of each
    label at the quadrature points; solve: the preconditioner.
    """

    rows: np.ndarray
    parts: dict[int, slice]
    values: dict[int, sp.csr_matrix]
    hamiltonian: sp.csr_matrix
    mass: sp.csr_matrix
    solve: Callable[[np.ndarray], np.ndarray]


class Direct:
    """A discretisation with every orbital and potential on the full space.

    Implements the interface that spq.hartree solves on; see there. A field is an array
    (surroundings, labels · size) of nodal potentials in eV, an orbital (labels · inner dofs,). The
    latest orbitals are kept as a guess for the next: they speed up the iteration and change a result
    within its tolerance only.
    """

    batch = 1  # problems that are iterated together

    def __init__(self, discretisation: Discretisation):
        self.discretisation = discretisation
        self.space = discretisation.space
        self.harmonics = self.space.harmonics
        self.dots = len(discretisation.model.molecule.dots)
        self.surroundings = discretisation.surroundings
        self._along = (self.space.points - self.space.molecule.mean_center) @ self.space.molecule.axis
        self._problems: dict[tuple[str, tuple[int, ...]], _Problem] = {}
        start = time.perf_counter()
        self._bare = {kind: self._lowest(kind) for kind in KINDS}
        self.seconds = {"states": time.perf_counter() - start}
        self._latest: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}

    def _lowest(self, kind: str) -> np.ndarray:
        """The lowest states of h of the lowest harmonics, (labels · inner, k)."""
        counts = BARE_STATES[self.harmonics.turning]
        found = []
        for label in self.harmonics.orbital:
            if abs(label) < len(counts):
                count = counts[abs(label)] * self.dots
                _, orbitals = lowest_states(self.discretisation.carrier(kind, label), count)
                found.append(self._stacked({label: orbitals}))
        return np.hstack(found)

    def _stacked(self, parts: dict[int, np.ndarray]) -> np.ndarray:
        """Orbitals (labels · inner, k) from those of some labels, (inner, k)."""
        shape = next(iter(parts.values())).shape
        return np.vstack([parts.get(label, np.zeros(shape)) for label in self.harmonics.orbital])

    def _blocks(self, orbital: np.ndarray) -> dict[int, np.ndarray]:
        """The parts (inner, ...) of stacked orbitals that are not zero."""
        blocks = orbital.reshape(len(self.harmonics.orbital), len(self.space.inner), *orbital.shape[1:])
        return {label: each for label, each in zip(self.harmonics.orbital, blocks, strict=True) if each.any()}

    def _field_blocks(self, fields: np.ndarray) -> dict[int, np.ndarray]:
        """The parts (size,) of a stacked field (labels · size,) that are not zero."""
        blocks = fields.reshape(len(self.harmonics.potential), self.space.size)
        return {
            label: each for label, each in zip(self.harmonics.potential, blocks, strict=True) if each.any()
        }

    def no_field(self) -> np.ndarray:
        """The field of nothing, (surroundings, labels · size)."""
        count = len(self.harmonics.potential) * self.space.size
        return np.zeros((len(self.discretisation.poisson), count))

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """Fields (s, surroundings, labels · size) of unit charges at positions (s, 3) in nm."""
        labels = self.harmonics.potential
        sources = self.space.point_values(positions).toarray().T
        angular = self.space.azimuthal(labels, positions)
        solve = self.discretisation.poisson[0].solve
        radial = {m: solve(sources, m) for m in {abs(label) for label in labels}}
        parts = [(radial[abs(label)] * chi).T for label, chi in zip(labels, angular, strict=True)]
        fields = np.zeros((sources.shape[1], *self.no_field().shape))
        fields[:, 0] = np.hstack(parts)
        return fields

    def far_field(self, field: np.ndarray) -> np.ndarray:
        """Field (surroundings, labels · size) of a uniform field (3,) in V/nm far away."""
        poisson, labels = self.discretisation.poisson[0], self.harmonics.potential
        sources = poisson.far_source(field)
        nothing = np.zeros(self.space.size)
        found = self.no_field()
        found[0] = np.hstack(
            [poisson.factors(m).solve(sources[m]) if m in sources else nothing for m in labels]
        )
        return found

    def key(self, shell: Shell) -> str:
        """The orbital space of a shell: its kind."""
        return shell.kind

    def start(self, kind: str, dot: int, level: int) -> np.ndarray:
        """Lowest orbital (n,) with a barrier outside one dot (from 0), or its p-like one (level 1)."""
        barrier = BARRIER * self.space.weights * (self.space.dot_at_points != dot)
        guess = self._bare[kind][:, self._has_only_zero(self._bare[kind])]
        _, orbitals, _ = self._davidson(kind, {(0, 0): barrier}, guess, None)
        if level == 0:
            return orbitals[:, 0]
        values = self.space.orbital_values(self._blocks(orbitals)[0])
        moments = (self.space.weights * self._along * values[:, 0]) @ values[:, 1:CONVERGED_AT_START]
        return orbitals[:, 1 + int(np.argmax(np.abs(moments)))]

    def _has_only_zero(self, orbitals: np.ndarray) -> np.ndarray:
        """Which columns of stacked orbitals belong to the label 0."""
        return np.asarray(~orbitals[len(self.space.inner) :].any(axis=0))

    def follow(
        self, kind: str, fields, externals, references: np.ndarray, guesses: np.ndarray, choose: Choice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (b,) in eV and orbitals (b, n) of h + field that `choose` picks by the references."""
        levels, followed = [], []
        for field, reference, own in zip(fields + externals, references, guesses, strict=True):
            potential = self._couplings(field.sum(axis=0))
            guess = np.column_stack([reference, own, *self._latest[kind], self._bare[kind]])
            energies, orbitals, converged = self._davidson(kind, potential, guess, reference)
            overlaps, latest = (self._overlaps(each, orbitals) for each in (reference, own))
            index = choose(energies, overlaps**2, latest**2)
            self._latest[kind] = [orbitals[:, converged], *self._latest[kind]][:2]
            levels.append(energies[index])
            followed.append(orbitals[:, index] * (-1.0 if overlaps[index] < 0 else 1.0))
        return np.array(levels), np.array(followed)

    def _overlaps(self, orbital: np.ndarray, orbitals: np.ndarray) -> np.ndarray:
        """⟨orbital|orbitals⟩ with each of (n, k), (k,)."""
        mass, parts = self.discretisation.carrier("e").mass, self._blocks(orbitals)
        each = [
            (mass @ block) @ parts[label] for label, block in self._blocks(orbital).items() if label in parts
        ]
        return np.sum(each, axis=0) if each else np.zeros(orbitals.shape[1])

    def outside(self, kind: str, externals: np.ndarray, orbitals: np.ndarray, densities) -> np.ndarray:
        """Energies (b,) in eV of orbitals with the given densities in external fields."""
        return self.interaction(externals, densities, 0)

    def _couplings(self, field: np.ndarray) -> Potential:
        """∫ χ_a W χ_b dα times the quadrature weights for every pair of labels that a field couples."""
        values = {c: self.space.values(part[:, None])[:, 0] for c, part in self._field_blocks(field).items()}
        found: Potential = {}
        for a in self.harmonics.orbital:
            for b in self.harmonics.orbital:
                each = [weight * values[c] for c, weight in self.harmonics.products(a, b) if c in values]
                if each:
                    found[a, b] = self.space.weights * np.sum(each, axis=0)
        return found

    def _problem(self, kind: str, labels: tuple[int, ...]) -> _Problem:
        if (kind, labels) not in self._problems:
            each = [self.discretisation.carrier(kind, label) for label in labels]
            size = len(self.space.inner)
            starts = size * np.array([self.harmonics.orbital.index(label) for label in labels])
            rows = np.concatenate([start + p.free for start, p in zip(starts, each, strict=True)])
            ends = np.cumsum([0] + [len(p.free) for p in each])
            parts = {label: slice(*ends[i : i + 2]) for i, label in enumerate(labels)}

            def solve(right):
                solved = []
                for p, part in zip(each, parts.values(), strict=True):
                    padded = np.zeros((size, right.shape[1]))
                    padded[p.free] = right[part]
                    solved.append(p.factors.solve(padded)[p.free])
                return np.vstack(solved)

            self._problems[kind, labels] = _Problem(
                rows,
                parts,
                {m: self.space.orbital_interpolation[:, p.free] for m, p in zip(labels, each, strict=True)},
                sp.block_diag([p.hamiltonian[p.free][:, p.free] for p in each], format="csr"),
                sp.block_diag([p.mass[p.free][:, p.free] for p in each], format="csr"),
                solve,
            )
        return self._problems[kind, labels]

    def _reached(self, potential: Potential, orbital: np.ndarray | None) -> tuple[int, ...]:
        """Labels that a potential couples to those of an orbital; None: to the label 0."""
        found = {0} if orbital is None else set(self._blocks(orbital))
        while True:
            more = {b for a, b in potential if a in found} - found
            if not more:
                return tuple(label for label in self.harmonics.orbital if label in found)
            found |= more

    def _davidson(self, kind: str, potential: Potential, guess: np.ndarray, reference):
        """Davidson's method preconditioned by the factorised bare Hamiltonian.

        Converges the Ritz vectors that resemble the reference (None: the lowest few). The reference is
        in the subspace, so that whatever resembles it is found.
        """
        labels = self._reached(potential, reference)
        problem = self._problem(kind, labels)
        left_out = np.setdiff1d(np.arange(len(guess)), problem.rows)
        guess = guess[problem.rows][:, ~guess[left_out].any(axis=0)]
        overlap_with = None if reference is None else problem.mass @ reference[problem.rows]
        basis = orthonormal(guess, problem.mass)
        applied = self._apply(problem, potential, basis)
        for _ in range(MAX_EXPANSIONS):
            projected = basis.T @ applied
            energies, coefficients = np.linalg.eigh(0.5 * (projected + projected.T))
            ritz, image = basis @ coefficients, applied @ coefficients
            wanted = np.arange(len(energies)) < CONVERGED_AT_START
            if overlap_with is not None:
                closeness = (overlap_with @ ritz) ** 2
                wanted = closeness > min(RESEMBLES, closeness.max())
                wanted[np.argmax(closeness)] = True
            error, norm = residuals(image, problem.mass, energies, ritz)
            open_ones = wanted & (norm > RESIDUAL)
            if not open_ones.any():
                found = np.zeros((len(self.harmonics.orbital) * len(self.space.inner), len(energies)))
                found[problem.rows] = ritz
                return energies, found, wanted
            if basis.shape[1] > LARGEST_SUBSPACE:
                kept = wanted | (np.arange(len(energies)) < guess.shape[1])
                basis, applied = ritz[:, kept], image[:, kept]
            correction = problem.solve(error[:, open_ones])
            new = orthonormal(correction, problem.mass, against=basis)
            basis = np.hstack([basis, new])
            applied = np.hstack([applied, self._apply(problem, potential, new)])
        raise ConvergenceError(
            f"orbital not converged: residual {norm[wanted].max():.1e} eV after {MAX_EXPANSIONS} steps",
            partial=energies,
        )

    def _apply(self, problem: _Problem, potential: Potential, vectors: np.ndarray) -> np.ndarray:
        """(h + potential) vectors, (unknowns, k)."""
        values = {a: problem.values[a] @ vectors[part] for a, part in problem.parts.items()}
        applied = problem.hamiltonian @ vectors
        for b, part in problem.parts.items():
            for a in problem.parts:
                if (a, b) in potential:
                    applied[part] += problem.values[b].T @ (potential[a, b][:, None] * values[a])
        return applied

    def densities(self, kind: str, orbitals: np.ndarray) -> np.ndarray:
        """Potentials of the densities of orbitals (b, n), (b, surroundings, labels · size)."""
        values = {label: self.space.orbital_values(part) for label, part in self._blocks(orbitals.T).items()}
        densities: dict[int, np.ndarray] = {}
        for a in values:
            for b in values:
                for c, weight in self.harmonics.products(a, b):
                    densities[c] = densities.get(c, 0.0) + weight * values[a] * values[b]
        found = np.zeros((len(orbitals), *self.no_field().shape))
        size = self.space.size
        for section, poisson in enumerate(self.discretisation.poisson):
            for c, density in densities.items():
                start = self.harmonics.potential.index(c) * size
                solved = poisson.solve(poisson.density_source(density), c)
                found[:, section, start : start + size] = solved.T
        return found

    def interaction(self, fields: np.ndarray, densities: np.ndarray, section: int) -> np.ndarray:
        """Energies (b,) in eV of densities in one section of fields."""
        poisson = self.discretisation.poisson[section]
        shape = (len(fields), len(self.harmonics.potential), self.space.size)
        first, second = fields[:, section].reshape(shape), densities[:, section].reshape(shape)
        total = np.zeros(len(fields))
        for i, label in enumerate(self.harmonics.potential):
            if first[:, i].any() and second[:, i].any():
                total += np.einsum("bn,nb->b", first[:, i], poisson.matrix(label) @ second[:, i].T)
        return total / (4 * np.pi * COULOMB)

    def dot_populations(self, kind: str, orbital: np.ndarray) -> np.ndarray:
        """Population of each dot, (N,)."""
        parts = [self.space.orbital_interpolation @ part for part in self._blocks(orbital).values()]
        density = self.space.weights * np.sum(np.square(parts), axis=0)
        return np.bincount(self.space.dot_at_points, weights=density, minlength=self.dots)

    def overlap(self, kind: str, one: np.ndarray, other: np.ndarray) -> float:
        """⟨one|other⟩ of two orbitals."""
        return float(self._overlaps(one, other[:, None])[0])

    def electron_hole_overlap(self, electron: np.ndarray, hole: np.ndarray) -> float:
        """⟨φ_e|φ_h⟩."""
        return float(self._overlaps(electron, hole[:, None])[0])
