"""From a discretisation to its reduced problem: basis states, their Coulomb integrals and overlaps."""

from __future__ import annotations

import time

import numpy as np

from spq.basis import single_particle_basis
from spq.discretisation import Discretisation
from spq.integrals import Basis, CoulombFactors, coulomb_factors, labelled, pair_densities
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.space import Space


def reduction(discretisation: Discretisation, progress: Progress = silent) -> Reduced:
    """Choose basis states of a discretised problem and compute all their integrals.

    Raises
    ------
    ConvergenceError, SpqError
        As the eigensolver, the factorisations and the Cholesky decomposition do.
    """
    space = discretisation.space
    start = time.perf_counter()
    progress("states", 0, 1)
    basis = single_particle_basis(discretisation)
    found = time.perf_counter()
    progress("integrals", 0, 1)
    harmonics = [label for label in space.harmonics.potential if label >= 0]
    densities = {m: pair_densities(space, discretisation.poisson[0], basis, m) for m in harmonics}
    coulomb = [coulomb_factors(poisson, basis, densities) for poisson in discretisation.poisson]
    seconds = {"states": found - start, "integrals": time.perf_counter() - found}
    parts = {kind: labelled(space, [len(s.energies) for s in basis[kind]]) for kind in basis}
    pair_overlap = np.zeros((parts["h"][-1][1].stop, parts["e"][-1][1].stop))
    for (label, hole), (_, electron) in zip(parts["h"], parts["e"], strict=True):
        values = basis["h"][abs(label)].values * space.weights[:, None]
        pair_overlap[hole, electron] = values.T @ basis["e"][abs(label)].values
    matrices = {kind: _matrices(space, basis, kind, parts[kind]) for kind in basis}
    return Reduced(
        discretisation=discretisation,
        hamiltonian={kind: each[0] for kind, each in matrices.items()},
        factors=[each.factors for each in coulomb],
        populations={kind: each[1] for kind, each in matrices.items()},
        axial={kind: each[2] for kind, each in matrices.items()},
        pair_overlap=pair_overlap,
        central={kind: len(states[0].energies) for kind, states in basis.items()},
        even={kind: sum(len(state.energies) for state in states) for kind, states in basis.items()},
        even_fields=max(part.stop for label, part in coulomb[0].columns.items() if label >= 0),
        place=_placing(space, coulomb[0], len(coulomb)),
        seconds=seconds,
    )


def _matrices(space: Space, basis: Basis, kind: str, parts: list[tuple[int, slice]]) -> tuple:
    """h (n, n) in eV, populations (N, n, n) and positions along the axis (n, n) of labelled states."""
    along = (space.points - space.molecule.mean_center) @ space.molecule.axis
    size, dots = parts[-1][1].stop, len(space.molecule.dots)
    hamiltonian, axial = np.zeros((size, size)), np.zeros((size, size))
    populations = np.zeros((dots, size, size))
    for label, part in parts:
        states = basis[kind][abs(label)]
        weighted = states.values * space.weights[:, None]
        hamiltonian[part, part] = np.diag(states.energies)
        for dot in range(dots):
            here = space.dot_at_points == dot
            populations[dot, part, part] = weighted[here].T @ states.values[here]
        axial[part, part] = weighted.T @ (states.values * along[:, None])
    return hamiltonian, populations, axial


def _placing(space: Space, coulomb: CoulombFactors, surroundings: int):
    """The function that gives fields (s, surroundings, k) of unit charges at positions (s, 3)."""
    total = len(coulomb.factors["e"])

    def place(positions: np.ndarray) -> np.ndarray:
        evaluate = space.point_values(positions)
        radial = {m: evaluate @ potentials for m, potentials in coulomb.potentials.items()}
        angular = space.azimuthal(tuple(coulomb.columns), positions)
        fields = np.zeros((angular.shape[1], surroundings, total))
        for (label, columns), chi in zip(coulomb.columns.items(), angular, strict=True):
            fields[:, 0, columns] = radial[abs(label)] * chi[:, None]
        return fields

    return place
