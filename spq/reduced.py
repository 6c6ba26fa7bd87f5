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
from spq.integrals import States, coulomb_factors, pair_densities
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
        self.states = {
            kind: States(energies, orbitals, space.orbital_values(orbitals))
            for kind, (energies, orbitals) in single_particle_basis(discretisation).items()
        }
        found = time.perf_counter()
        progress("integrals", 0, 1)
        self.discretisation = discretisation
        self.dots = len(discretisation.model.molecule.dots)
        self.surroundings = discretisation.surroundings
        densities = pair_densities(space, discretisation.poisson[0], self.states)
        self.coulomb = [coulomb_factors(p, densities, KINDS) for p in discretisation.poisson]
        self._overlaps(space)
        integrated = time.perf_counter()
        self.seconds = {"states": found - start, "integrals": integrated - found}

    def _overlaps(self, space: Space) -> None:
        """Populations of the dots, (N, n, n), positions along the axis, and electron-hole overlaps."""
        along = (space.points - space.molecule.mean_center) @ space.molecule.axis
        self.populations, self.axial = {}, {}
        for kind, state in self.states.items():
            weighted = state.values * space.weights[:, None]
            parts = []
            for dot in range(self.dots):
                part = space.dot_at_points == dot
                parts.append(weighted[part].T @ state.values[part])
            self.populations[kind] = np.array(parts)
            self.axial[kind] = weighted.T @ (state.values * along[:, None])
        self.pair_overlap = weighted.T @ self.states["e"].values  # the last kind is the hole

    def no_field(self) -> np.ndarray:
        """The field of nothing, (surroundings, k)."""
        return np.zeros((len(self.coulomb), self.coulomb[0].potentials.shape[1]))

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """Fields (s, surroundings, k) of unit charges at positions (s, 3) in nm."""
        values = self.discretisation.space.point_values(positions) @ self.coulomb[0].potentials
        fields = np.zeros((len(values), *self.no_field().shape))
        fields[:, 0] = values
        return fields

    def start(self, kind: str, dot: int, level: int) -> np.ndarray:
        """Lowest orbital (n,) with a barrier outside one dot (from 0), or its p-like one (level 1)."""
        barrier = BARRIER * (self.populations[kind].sum(axis=0) - self.populations[kind][dot])
        _, orbitals = np.linalg.eigh(barrier + np.diag(self.states[kind].energies))
        if level == 0:
            return orbitals[:, 0]
        moments = (self.axial[kind] @ orbitals[:, 0]) @ orbitals[:, 1:]
        return orbitals[:, 1 + int(np.argmax(np.abs(moments)))]

    def follow(
        self, kind: str, fields: np.ndarray, references: np.ndarray, choose: Choice
    ) -> tuple[np.ndarray, np.ndarray]:
        """Energies (b,) in eV and orbitals (b, n) of h + field that `choose` picks by the references."""
        size = len(self.states[kind].energies)
        packed = sum(
            section @ coulomb.factors[kind]
            for section, coulomb in zip(fields.swapaxes(0, 1), self.coulomb, strict=True)
        )
        lower, upper = np.tril_indices(size)
        matrices = np.empty((len(fields), size, size))
        matrices[:, lower, upper] = packed
        matrices[:, range(size), range(size)] += self.states[kind].energies
        energies, orbitals = np.linalg.eigh(matrices)  # reads the lower triangle only
        overlaps = np.einsum("bn,bnk->bk", references, orbitals)
        chosen = [choose(e, o**2) for e, o in zip(energies, overlaps, strict=True)]
        each = np.arange(len(fields))
        signs = np.where(overlaps[each, chosen] < 0, -1.0, 1.0)
        return energies[each, chosen], orbitals[each, :, chosen] * signs[:, None]

    def densities(self, kind: str, orbitals: np.ndarray) -> np.ndarray:
        """Densities of orbitals (b, n) as fields, (b, surroundings, k)."""
        lower, upper = np.tril_indices(orbitals.shape[1])
        pairs = orbitals[:, lower] * orbitals[:, upper] * np.where(lower == upper, 1.0, 2.0)
        return np.stack([pairs @ c.factors[kind].T for c in self.coulomb], axis=1)

    def interaction(self, fields: np.ndarray, densities: np.ndarray, section: int) -> np.ndarray:
        """Energies (b,) in eV of densities in one section of fields."""
        return np.einsum("bk,bk->b", fields[:, section], densities[:, section])

    def dot_populations(self, kind: str, orbital: np.ndarray) -> np.ndarray:
        """Population of each dot, (N,)."""
        return np.einsum("dab,a,b->d", self.populations[kind], orbital, orbital)

    def electron_hole_overlap(self, electron: np.ndarray, hole: np.ndarray) -> float:
        """⟨φ_e|φ_h⟩."""
        return float(hole @ self.pair_overlap @ electron)
