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

# states of each dot whose orbitals the basis is fitted to; segregated ones need two dots
TRAINED = ("X-@{}", "X+@{}")
TRAINED_IN_DIMERS = ("segT@{}",)
CHARGES = (1.0, -1.0)
PLACES_PER_DOT = 3  # on the line of an axisymmetric molecule
RINGS, AZIMUTHS = 2, 4  # of places around each dot in a solid
LEAST = 1e-8  # eV, energy norm of a direction over all training problems, to be a natural orbital
GAP = 0.05  # eV, least energy of a direction above the lowest state
BARE = {0: 4, 1: 2}  # lowest states of each dot that are always kept, by |m|
SPARE = 5.0  # how much larger an amplitude may be than its root mean square
LEAST_AMPLITUDE = 3e-3
EVERY = 2  # of the training problems is checked on the whole space
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
        for name in TRAINED + (TRAINED_IN_DIMERS if len(molecule.dots) == 2 else ()):
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
    for each in trained:
        solutions = each.solutions[::EVERY]
        if not solutions:
            continue
        shells = solutions[0].shells
        total = np.zeros(len(solutions))
        densities = np.array([solution.densities for solution in solutions])
        for i, shell in enumerate(shells):
            fields = hartree.orbital_fields(system, shells, densities, i)
            fields += SIGN[shell.kind] * each.externals[::EVERY]
            orbitals = np.array([solution.orbitals[i] for solution in solutions])
            levels = np.array([solution.levels[i] for solution in solutions])
            for start in range(0, len(levels), TOGETHER):
                part = slice(start, start + TOGETHER)
                left_out = _corrected(
                    system, basis, coulomb, shell, fields[part], orbitals[part], levels[part]
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


def _corrected(
    system: Reduced, basis: Basis, coulomb: list, shell: Shell, fields, orbitals, levels
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each |m|: corrections (inner, b) of orbitals (b, n) and energies (b,) in eV; even ones only."""
    discretisation = system.discretisation
    space, harmonics = discretisation.space, discretisation.space.harmonics
    states = basis[shell.kind]
    parts = dict(labelled(space, [len(state.energies) for state in states]))
    coefficients = {m: orbitals[:, part].T for m, part in parts.items() if m >= 0}
    values = {m: states[m].values @ c for m, c in coefficients.items()}
    potentials: dict[int, np.ndarray] = {}
    for label in (label for label in harmonics.potential if label >= 0):
        sections = [
            each.potentials[label] @ fields[:, section, each.columns[label]].T
            for section, each in enumerate(coulomb)
        ]
        potentials[label] = space.weights[:, None] * space.values(np.sum(sections, axis=0))
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


def natural(system: Reduced, trained: list[Trained], parts: dict) -> tuple:
    """Natural orbitals of the training problems: vectors, amplitudes, and how many are even and central.

    parts: labels of the angular functions and their states, of each kind. Every harmonic |m| apart, the
    orbitals are compressed in the energy norm, with the lowest bare states among them.
    """
    vectors: dict[str, np.ndarray] = {}
    amplitudes: dict[str, np.ndarray] = {}
    even, central = {}, {}
    for kind, hamiltonian in system.hamiltonian.items():
        orbitals = _orbitals(trained, kind)
        energies = np.diag(hamiltonian)
        blocks, sizes = {}, {}
        for label, part in parts[kind]:
            if label >= 0:
                weights = np.sqrt(energies[part] - energies.min() + GAP)
                bare = BARE.get(label, 0) * system.dots
                blocks[label], sizes[label] = _natural_block(orbitals[part], weights, bare)
        starts = np.cumsum([0] + [blocks[abs(label)].shape[1] for label, _ in parts[kind]])
        vectors[kind] = np.zeros((len(hamiltonian), starts[-1]))
        for i, (label, part) in enumerate(parts[kind]):
            vectors[kind][part, starts[i] : starts[i + 1]] = blocks[abs(label)]
        amplitudes[kind] = np.concatenate([sizes[abs(label)] for label, _ in parts[kind]])
        even[kind] = sum(block.shape[1] for block in blocks.values())
        central[kind] = blocks[0].shape[1]
    return vectors, amplitudes, even, central


def _orbitals(trained: list[Trained], kind: str) -> np.ndarray:
    """All orbitals of a kind, each times the root of its number of carriers, (n, k)."""
    found = [
        np.sqrt(shell.count) * orbital
        for each in trained
        for solution in each.solutions
        for shell, orbital in zip(solution.shells, solution.orbitals, strict=True)
        if shell.kind == kind
    ]
    return np.array(found).T


def _natural_block(orbitals: np.ndarray, weights: np.ndarray, bare: int) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal vectors (n, s) of one harmonic and their amplitudes (s,)."""
    if not len(orbitals):
        return np.empty((0, 0)), np.empty(0)
    first = np.eye(len(orbitals))[:, :bare]
    rest = orbitals - first @ (first.T @ orbitals)
    left, size, _ = np.linalg.svd(weights[:, None] * rest, full_matrices=False)
    space = np.linalg.qr(np.hstack([first, left[:, size**2 > LEAST] / weights[:, None]]))[0]
    left, size, _ = np.linalg.svd(space.T @ orbitals)
    mean = np.zeros(len(left))
    mean[: len(size)] = size / np.sqrt(orbitals.shape[1])
    return space @ left, np.maximum(SPARE * mean, LEAST_AMPLITUDE)
