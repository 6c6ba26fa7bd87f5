"""What a reduced basis leaves out of solved problems, and the orbitals that mend it.

For an orbital φ of a self-consistent solution in the basis, in its mean field W, the residual on the
whole finite-element space is r = (h + W − ε) φ. The correction δ = (h − σ)⁻¹ r lowers the energy by
about ⟨r|δ⟩: the error indicator. Its harmonics, compressed in the energy norm over all training
problems, are the orbitals to be added: a greedy reduced basis of snapshots (Hesthaven, Rozza, Stamm,
Certified Reduced Basis Methods, 2016, chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq import hartree
from spq.basis import Vectors, probe_positions
from spq.carriers import parse_state
from spq.discretisation import KINDS, SIGN, Discretisation
from spq.hartree import Shell, Solution
from spq.integrals import Basis, CoulombFactors, labelled
from spq.reduced import Reduced
from spq.surface import line_positions, surface_points
from spq.transition import transitions

TRAINED = ("X-@{}", "X+@{}")  # states of each dot whose orbitals the basis is fitted to
CHARGES = (1.0, -1.0)
PLACES_PER_DOT = 3  # on the line of an axisymmetric molecule
RINGS, AZIMUTHS = 2, 4  # of places around each dot in a solid
TOGETHER = 16  # solutions whose residuals are made at once


@dataclass(frozen=True, eq=False)
class Trained:
    """Self-consistent solutions of one transition in several fields: shells alike in all of them.

    solutions; externals: (b, surroundings, k).
    """

    solutions: list[Solution]
    externals: np.ndarray


def train(system: Reduced) -> list[Trained]:
    """Solve the training problems of a reduced basis: charged and polarised states of every dot."""
    molecule = system.discretisation.model.molecule
    unit = system.charge_fields(training_places(system.discretisation))
    externals = np.concatenate([system.no_field()[None], *(charge * unit for charge in CHARGES)])
    found = []
    for dot in range(1, len(molecule.dots) + 1):
        for name in TRAINED:
            state = parse_state(name.format(dot), len(molecule.dots))
            (bare,) = transitions(system, state, externals[:1])
            if not bare.converged:
                continue
            solved = transitions(system, state, externals, bare)
            done = [i for i, each in enumerate(solved) if each.converged]
            found.append(Trained([solved[i].initial for i in done], externals[done]))
    return found


def training_places(discretisation: Discretisation) -> np.ndarray:
    """Places (s, 3) in nm of the surface charges of the training problems."""
    molecule = discretisation.model.molecule
    if discretisation.space.harmonics.turning:
        heights = line_positions(molecule, PLACES_PER_DOT * len(molecule.dots) + 2)
        return surface_points(molecule, heights)
    dots = range(len(molecule.dots))
    return np.vstack([probe_positions(molecule, dot, RINGS, AZIMUTHS) for dot in dots])


def corrections(
    system: Reduced, basis: Basis, coulomb: list[CoulombFactors], trained: list[Trained], least: float
) -> tuple[Vectors, float]:
    """Orbitals to be added for each |m|, and the largest energy that the basis leaves out in eV.

    least: eV, energy of a direction worth adding, summed over all training problems.
    """
    space = system.discretisation.space
    count = max(space.harmonics.orbital) + 1
    found: dict[str, list[list[np.ndarray]]] = {kind: [[] for _ in range(count)] for kind in KINDS}
    worst = 0.0
    acting = _acting(system, coulomb)
    for each in trained:
        shells = each.solutions[0].shells
        total = np.zeros(len(each.solutions))
        densities = np.array([solution.densities for solution in each.solutions])
        for i, shell in enumerate(shells):
            fields = hartree.orbital_fields(system, shells, densities, i) + SIGN[shell.kind] * each.externals
            orbitals = np.array([solution.orbitals[i] for solution in each.solutions])
            levels = np.array([solution.levels[i] for solution in each.solutions])
            for start in range(0, len(levels), TOGETHER):
                part = slice(start, start + TOGETHER)
                left_out = _corrected(
                    system, basis, acting, shell, fields[part], orbitals[part], levels[part]
                )
                for m, (vectors, energies) in enumerate(left_out):
                    found[shell.kind][m].append(vectors)
                    total[part] += shell.count * energies
        worst = max(worst, float(total.max()))
    added: Vectors = {
        kind: [
            _directions(system.discretisation, kind, m, np.hstack(each), least)
            for m, each in enumerate(parts)
        ]
        for kind, parts in found.items()
    }
    return added, worst


def _acting(system: Reduced, coulomb: list[CoulombFactors]) -> list[dict[int, np.ndarray]]:
    """Per surroundings and |m|: values (q, k) of the potentials at the quadrature points."""
    space = system.discretisation.space
    return [{m: space.values(p) for m, p in each.potentials.items()} for each in coulomb]


def _corrected(
    system: Reduced, basis: Basis, acting: list, shell: Shell, fields, orbitals, levels
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each |m|: corrections (inner, b) of orbitals (b, n) and energies (b,) in eV; even ones only."""
    discretisation = system.discretisation
    space, harmonics = discretisation.space, discretisation.space.harmonics
    states = basis[shell.kind]
    parts = dict(labelled(space, [len(state.energies) for state in states]))
    coefficients = {m: orbitals[:, part].T for m, part in parts.items() if m >= 0}
    values = {m: states[m].values @ c for m, c in coefficients.items()}
    potentials: dict[int, np.ndarray] = {}
    start = 0
    for label in (label for label in harmonics.potential if label >= 0):
        size = acting[0][label].shape[1]
        columns = slice(start, start + size)
        each = [a[label] @ fields[:, s, columns].T for s, a in enumerate(acting)]
        potentials[label] = space.weights[:, None] * np.sum(each, axis=0)
        start += size
    found = []
    for m in coefficients:
        problem = discretisation.carrier(shell.kind, m)
        weighted = np.zeros(values[m].shape)
        for n in coefficients:
            for label, factor in harmonics.products(m, n):
                weighted += factor * potentials[label] * values[n]
        orbital = states[m].orbitals @ coefficients[m]
        residual = space.orbital_source(weighted)
        residual += problem.hamiltonian @ orbital - (problem.mass @ orbital) * levels
        own = states[m].orbitals
        residual -= problem.mass @ (own @ (own.T @ residual))
        correction = problem.factors.solve(residual)
        correction -= own @ (own.T @ (problem.mass @ correction))
        energies = np.einsum("ib,ib->b", residual[problem.free], correction[problem.free])
        found.append((np.sqrt(shell.count) * correction, energies))
    return found


def _directions(discretisation, kind: str, m: int, vectors: np.ndarray, least: float) -> np.ndarray:
    """Combinations of corrections whose energy norm ⟨δ|h − σ|δ⟩ in eV is worth adding, (inner, n)."""
    problem = discretisation.carrier(kind, m)
    metric = vectors.T @ (problem.hamiltonian @ vectors - problem.shift * (problem.mass @ vectors))
    size, rotation = np.linalg.eigh(0.5 * (metric + metric.T))
    kept = size > least
    return vectors @ (rotation[:, kept] / np.sqrt(size[kept]))
