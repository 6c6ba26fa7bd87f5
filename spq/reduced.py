"""The self-consistent problem in a small basis of single-particle states: dense algebra.

Orbitals are coefficient vectors c, densities the vectors d_k = Σ_ab L_k,ab c_a c_b of the Coulomb
factors, so that ∫ρ V[ρ'] = d·d'. A surface charge Q is the vector Q potentials_k(r_s): by
reciprocity ⟨φ_a|Φ_ext|φ_b⟩ = Q V[φ_a φ_b](r_s).
"""

from __future__ import annotations

import time

import numpy as np

from spq.basis import single_particle_basis
from spq.discretisation import BARRIER, KINDS, Discretisation
from spq.hartree import Choice
from spq.integrals import coulomb_factors, labelled, pair_densities
from spq.progress import Progress, silent
from spq.space import Space


class Reduced:
    """A discretisation reduced to a basis of single-particle states and their integrals.

    Implements the interface that spq.hartree solves on; see there. A field is an array
    (surroundings, k) in eV^½, of which section s acts through the factors of surroundings s.
    """

    batch = 64  # problems that are iterated together

    def __init__(self, discretisation: Discretisation, progress: Progress = silent):
        space = discretisation.space
        start = time.perf_counter()
        progress("states", 0, 1)
        self.basis = single_particle_basis(discretisation)
        found = time.perf_counter()
        progress("integrals", 0, 1)
        self.discretisation = discretisation
        self.dots = len(discretisation.model.molecule.dots)
        self.surroundings = discretisation.surroundings
        true = discretisation.poisson[0]
        densities = {
            m: pair_densities(space, true, self.basis, m) for m in space.harmonics.potential if m >= 0
        }
        self.coulomb = [coulomb_factors(p, self.basis, densities) for p in discretisation.poisson]
        self.even_fields = max(part.stop for m, part in self.coulomb[0].columns.items() if m >= 0)
        self._sectors: dict[tuple[str, int], list[np.ndarray]] = {}
        self._overlaps(space)
        integrated = time.perf_counter()
        self.seconds = {"states": found - start, "integrals": integrated - found}

    def _overlaps(self, space: Space) -> None:
        """Energies (n,), populations (N, n, n), positions along the axis and electron-hole overlaps.

        Of the labelled states: those with a cosine, then those with a sine.
        """
        along = (space.points - space.molecule.mean_center) @ space.molecule.axis
        self.energies, self.populations, self.axial, self.even, self.lowest = {}, {}, {}, {}, {}
        self.pair_overlap: np.ndarray
        parts = {}
        for kind, states in self.basis.items():
            parts[kind] = labelled(space, [len(state.energies) for state in states])
            size = parts[kind][-1][1].stop
            self.even[kind] = sum(len(state.energies) for state in states)
            self.lowest[kind] = len(states[0].energies)
            self.energies[kind] = np.empty(size)
            self.populations[kind] = np.zeros((self.dots, size, size))
            self.axial[kind] = np.zeros((size, size))
            for label, part in parts[kind]:
                values = states[abs(label)].values
                self.energies[kind][part] = states[abs(label)].energies
                weighted = values * space.weights[:, None]
                for dot in range(self.dots):
                    here = space.dot_at_points == dot
                    self.populations[kind][dot, part, part] = weighted[here].T @ values[here]
                self.axial[kind][part, part] = weighted.T @ (values * along[:, None])
        shape = tuple(len(self.energies[kind]) for kind in ("h", "e"))
        self.pair_overlap = np.zeros(shape)
        for (label, hole), (_, electron) in zip(parts["h"], parts["e"], strict=True):
            values = self.basis["h"][abs(label)].values * space.weights[:, None]
            self.pair_overlap[hole, electron] = values.T @ self.basis["e"][abs(label)].values

    def no_field(self) -> np.ndarray:
        """The field of nothing, (surroundings, k)."""
        return np.zeros((len(self.coulomb), len(self.coulomb[0].factors["e"])))

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """Fields (s, surroundings, k) of unit charges at positions (s, 3) in nm."""
        space, coulomb = self.discretisation.space, self.coulomb[0]
        evaluate = space.point_values(positions)
        radial = {m: evaluate @ potentials for m, potentials in coulomb.potentials.items()}
        angular = space.azimuthal(tuple(coulomb.columns), positions)
        fields = np.zeros((len(angular.T), *self.no_field().shape))
        for (label, columns), chi in zip(coulomb.columns.items(), angular, strict=True):
            fields[:, 0, columns] = radial[abs(label)] * chi[:, None]
        return fields

    def start(self, kind: str, dot: int, level: int) -> np.ndarray:
        """Lowest orbital (n,) with a barrier outside one dot (from 0), or its p-like one (level 1)."""
        count = self.lowest[kind]
        own = self.populations[kind][:, :count, :count]
        barrier = BARRIER * (own.sum(axis=0) - own[dot])
        _, orbitals = np.linalg.eigh(barrier + np.diag(self.energies[kind][:count]))
        chosen = 0
        if level:
            moments = (self.axial[kind][:count, :count] @ orbitals[:, 0]) @ orbitals[:, 1:]
            chosen = 1 + int(np.argmax(np.abs(moments)))
        padded = np.zeros(len(self.energies[kind]))
        padded[:count] = orbitals[:, chosen]
        return padded

    def follow(
        self, kind: str, fields: np.ndarray, references: np.ndarray, choose: Choice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (b,) in eV and orbitals (b, n) of h + field that `choose` picks by the references."""
        even = not (fields[:, :, self.even_fields :].any() or references[:, self.even[kind] :].any())
        size, factors = self._sector(kind, even)
        count = len(factors[0])
        packed = sum(
            section[:, :count] @ each for section, each in zip(fields.swapaxes(0, 1), factors, strict=True)
        )
        lower, upper = np.tril_indices(size)
        matrices = np.empty((len(fields), size, size))
        matrices[:, lower, upper] = packed
        matrices[:, range(size), range(size)] += self.energies[kind][:size]
        energies, orbitals = np.linalg.eigh(matrices)  # reads the lower triangle only
        overlaps = np.einsum("bn,bnk->bk", references[:, :size], orbitals)
        chosen = [choose(e, o**2) for e, o in zip(energies, overlaps, strict=True)]
        each = np.arange(len(fields))
        signs = np.where(overlaps[each, chosen] < 0, -1.0, 1.0)
        found = np.zeros(references.shape)
        found[:, :size] = orbitals[each, :, chosen] * signs[:, None]
        return energies[each, chosen], found

    def densities(self, kind: str, orbitals: np.ndarray) -> np.ndarray:
        """Densities of orbitals (b, n) as fields, (b, surroundings, k)."""
        size, factors = self._sector(kind, not orbitals[:, self.even[kind] :].any())
        lower, upper = np.tril_indices(size)
        pairs = orbitals[:, lower] * orbitals[:, upper] * np.where(lower == upper, 1.0, 2.0)
        found = np.zeros((len(orbitals), *self.no_field().shape))
        for section, each in enumerate(factors):
            found[:, section, : len(each)] = pairs @ each.T
        return found

    def _sector(self, kind: str, even: bool) -> tuple[int, list[np.ndarray]]:
        """Number of states and Coulomb factors (k, pairs) of each surrounding, of all or of the even states.

        Nothing odd about the plane of azimuth 0 arises from even fields: sines can be left out.
        """
        size = self.even[kind] if even else len(self.energies[kind])
        if (kind, size) not in self._sectors:
            count = self.even_fields if even else len(self.coulomb[0].factors[kind])
            pairs = size * (size + 1) // 2
            self._sectors[kind, size] = [
                np.ascontiguousarray(c.factors[kind][:count, :pairs]) for c in self.coulomb
            ]
        return size, self._sectors[kind, size]

    def interaction(self, fields: np.ndarray, densities: np.ndarray, section: int) -> np.ndarray:
        """Energies (b,) in eV of densities in one section of fields."""
        return np.einsum("bk,bk->b", fields[:, section], densities[:, section])

    def dot_populations(self, kind: str, orbital: np.ndarray) -> np.ndarray:
        """Population of each dot, (N,)."""
        return np.einsum("dab,a,b->d", self.populations[kind], orbital, orbital)

    def electron_hole_overlap(self, electron: np.ndarray, hole: np.ndarray) -> float:
        """⟨φ_e|φ_h⟩."""
        return float(hole @ self.pair_overlap @ electron)
