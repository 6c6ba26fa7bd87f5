"""What a reduced basis leaves out of solved problems, and the orbitals that mend it.

For an orbital φ of a self-consistent solution in the basis, in its mean field W, the residual on the
whole finite-element space is r = (h + W − ε) φ. The correction δ = (h − σ)⁻¹ r lowers the energy by
about ⟨r|δ⟩: the error indicator. Its harmonics, compressed in the energy norm over all training
problems, are the orbitals to be added: a greedy reduced basis of snapshots (Hesthaven, Rozza, Stamm,
Certified Reduced Basis Methods, 2016, chapter 3).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from spq import hartree
from spq.basis import Vectors, probe_positions
from spq.carriers import State, parse_state
from spq.discretisation import KINDS, SIGN, Discretisation
from spq.hartree import Shell, Solution
from spq.integrals import Basis, CoulombFactors, labelled
from spq.parallel import in_threads
from spq.reduced import Reduced
from spq.surface import line_positions, surface_points

log = logging.getLogger(__name__)

# states of each dot whose orbitals the basis is fitted to; segregated ones need two dots
TRAINED = ("X-@{}", "X+@{}")
TRAINED_IN_DIMERS = ("segT@{}",)
CHARGES = (1.0, -1.0)
PLACES_PER_DOT = {False: 3, True: 6}  # on the line of an axisymmetric molecule; where orbitals leak
RINGS, AZIMUTHS = 2, 4  # of places around each dot in a solid
SPARE = 5.0  # how much larger an amplitude may be than its root mean square
LEAST_AMPLITUDE = 3e-3
EVERY = 2  # of the training problems is checked on the whole space; all in solids and where orbitals leak
TOGETHER = 16  # solutions whose residuals are made at once


@dataclass(frozen=True, eq=False)
class Trained:
    """Self-consistent solutions of one transition beside several charges: shells alike in all of them.

    solutions; charges: (b, s) in e at the training places.
    """

    solutions: list[Solution]
    charges: np.ndarray


def train(system: Reduced) -> list[Trained]:
    """Solve the training problems of a reduced basis: charged and polarised states of every dot.

    Those that do not converge are left out; that a state does not at all is logged.
    """
    molecule = system.discretisation.model.molecule
    unit = system.charge_fields(training_places(system.discretisation))
    apart = np.eye(len(unit))
    charges = np.concatenate([0 * apart[:1], *(charge * apart for charge in CHARGES)])
    externals = np.tensordot(charges, unit, axes=1)
    names = TRAINED + (TRAINED_IN_DIMERS if len(molecule.dots) == 2 else ())
    numbers = range(1, len(molecule.dots) + 1)
    states = [parse_state(name.format(dot), len(molecule.dots)) for dot in numbers for name in names]

    def solve(state: State) -> Trained:
        shells = hartree.configuration(state.electrons, state.holes)
        followed = [system.start(shell.kind, shell.dot, shell.level) for shell in shells]
        followed = [np.tile(orbital, (len(externals), 1)) for orbital in followed]
        solved = hartree.solve(system, shells, followed, externals)
        done = [i for i, each in enumerate(solved) if each.converged]
        if not done:
            log.warning("no training problem of %s converged", state.name)
        return Trained([solved[i] for i in done], charges[done])

    turning = system.discretisation.space.harmonics.turning
    return [trained for trained in in_threads(solve, states, turning) if trained.solutions]


def training_places(discretisation: Discretisation) -> np.ndarray:
    """Places (s, 3) in nm of the surface charges of the training problems."""
    molecule = discretisation.model.molecule
    if discretisation.space.harmonics.turning:
        heights = line_positions(
            molecule, PLACES_PER_DOT[discretisation.space.reach > 0] * len(molecule.dots) + 2
        )
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
    if not trained:
        return {kind: [np.empty((len(space.inner), 0))] * count for kind in KINDS}, np.inf
    turning = space.harmonics.turning
    every = EVERY if turning and not space.reach else 1
    jobs = [Trained(t.solutions[::every], t.charges[::every]) for t in trained]
    unit = _charge_potentials(system.discretisation)
    solved = in_threads(lambda job: _one_transition(system, basis, coulomb, unit, job), jobs, turning)
    found: dict[str, list[list[np.ndarray]]] = {kind: [[] for _ in range(count)] for kind in KINDS}
    for vectors, _ in solved:
        for kind, m, some in vectors:
            found[kind][m].append(some)
    worst = max(energy for _, energy in solved)
    added: Vectors = {
        kind: [
            _directions(system.discretisation, kind, m, np.hstack(each), least)
            for m, each in enumerate(parts)
        ]
        for kind, parts in found.items()
    }
    return added, worst


def _charge_potentials(discretisation: Discretisation) -> dict[int, np.ndarray]:
    """Potentials of unit charges at the training places, for every even label: weighted values (q, s).

    Those of the whole space: pair densities do not hold what is close to a charge.
    """
    space, poisson = discretisation.space, discretisation.poisson[0]
    places = training_places(discretisation)
    sources = space.point_values(places).toarray().T
    labels = tuple(label for label in space.harmonics.potential if label >= 0)
    angular = space.azimuthal(labels, places)
    return {
        label: space.weights[:, None] * space.values(poisson.solve(sources, label) * chi)
        for label, chi in zip(labels, angular, strict=True)
    }


def _one_transition(
    system: Reduced, basis: Basis, coulomb: list, unit: dict[int, np.ndarray], trained: Trained
) -> tuple[list, float]:
    """Corrections (inner, b) of each kind and |m| to solutions, and the largest energy left out in eV."""
    solutions, charges = trained.solutions, trained.charges
    shells, found = solutions[0].shells, []
    total = np.zeros(len(solutions))
    densities = np.array([solution.densities for solution in solutions])
    for i, shell in enumerate(shells):
        fields = hartree.orbital_fields(system, shells, densities, i)
        orbitals = np.array([solution.orbitals[i] for solution in solutions])
        levels = np.array([solution.levels[i] for solution in solutions])
        for start in range(0, len(levels), TOGETHER):
            part = slice(start, start + TOGETHER)
            acting = SIGN[shell.kind] * charges[part].T
            external = {label: values @ acting for label, values in unit.items()}
            state = (fields[part], orbitals[part], levels[part])
            left_out = _corrected(system, basis, coulomb, shell, external, *state)
            for m, (vectors, energies) in enumerate(left_out):
                found.append((shell.kind, m, vectors))
                total[part] += shell.count * energies
    return found, float(total.max())


def _corrected(
    system: Reduced, basis: Basis, coulomb: list, shell: Shell, external: dict, fields, orbitals, levels
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each |m|: corrections (inner, b) of orbitals (b, n) and energies (b,) in eV; even ones only.

    fields: (b, surroundings, k) of the other carriers; external: of the charges, (q, b) by label.
    """
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
        potentials[label] = space.weights[:, None] * space.values(np.sum(sections, axis=0)) + external[label]
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


def amplitudes(system: Reduced, basis: Basis, trained: list[Trained]) -> dict[str, np.ndarray]:
    """Amplitudes (n,) with which the states of each kind occur in the training problems, and room to spare.

    Those of sines are those of cosines. All are 1 where no training problem was solved.
    """
    found = {}
    for kind, hamiltonian in system.hamiltonian.items():
        orbitals = _orbitals(trained, kind)
        if not len(orbitals):
            found[kind] = np.ones(len(hamiltonian))
            continue
        mean = np.maximum(SPARE * np.sqrt(np.mean(orbitals**2, axis=0)), LEAST_AMPLITUDE)
        sizes = [len(states.energies) for states in basis[kind]]
        parts = dict(labelled(system.discretisation.space, sizes))
        for label, part in parts.items():
            mean[part] = mean[parts[abs(label)]]
        found[kind] = mean
    return found


def _orbitals(trained: list[Trained], kind: str) -> np.ndarray:
    """All orbitals of a kind, each times the root of its number of carriers, (k, n)."""
    found = [
        np.sqrt(shell.count) * orbital
        for each in trained
        for solution in each.solutions
        for shell, orbital in zip(solution.shells, solution.orbitals, strict=True)
        if shell.kind == kind
    ]
    return np.array(found)
