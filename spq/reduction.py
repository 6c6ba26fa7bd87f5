"""From a discretisation to its reduced problem: basis states, their Coulomb integrals and overlaps."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import numpy as np

from spq.basis import diagonal, starting_vectors
from spq.discretisation import Discretisation, warn_of_leaks
from spq.enrichment import amplitudes, corrections, train
from spq.integrals import TOLERANCE as PAIR_TOLERANCE
from spq.integrals import Basis, CoulombFactors, States, coulomb_factors, labelled
from spq.progress import Progress, silent
from spq.projection import compressed
from spq.reduced import Reduced

log = logging.getLogger(__name__)

TOLERANCE = {"coarse": 1e-4, "normal": 5e-5, "fine": 2e-5}  # eV, energy left out of a training problem
ROUNDS = 4  # what is left out then is warned of
DIRECTION = 0.5  # of the tolerance: energy of a direction worth adding, over all training problems
NARROWED = 0.3  # factor on it with every round


def reduction(discretisation: Discretisation, progress: Progress = silent, looseness: float = 1.0) -> Reduced:
    """Choose basis states of a discretised problem and compute all their integrals.

    The basis grows until the energies that it leaves out of the training problems (spq.enrichment)
    are below the tolerance of the model's accuracy. A looser one stays as it starts.

    Parameters
    ----------
    discretisation : Discretisation
    progress : called with what is being done
    looseness : factor on the tolerances, 1 or more

    Returns
    -------
    Reduced

    Raises
    ------
    ConvergenceError
        If the eigensolver fails.
    SpqError
        If a factorisation or the Cholesky decomposition fails.
    """
    start = time.perf_counter()
    progress("states", 0, 1)
    vectors = starting_vectors(discretisation, looseness)
    found = time.perf_counter()
    progress("integrals", 0, 1)
    tolerance = TOLERANCE[discretisation.model.accuracy]
    left_out = np.inf
    turning = discretisation.space.harmonics.turning
    for turn in range(ROUNDS):
        basis = diagonal(discretisation, vectors)
        system, coulomb = integrated(discretisation, basis, PAIR_TOLERANCE[discretisation.model.accuracy])
        trained = train(system) if turning or looseness == 1 else []
        if looseness > 1:
            break
        least = DIRECTION * NARROWED**turn * tolerance
        added, left_out = corrections(system, basis, coulomb, trained, least)
        log.info("basis %s leaves out %.1e eV", system.even, left_out)
        if left_out < tolerance or not trained or turn == ROUNDS - 1:
            break
        for kind, parts in vectors.items():
            vectors[kind] = [np.hstack(both) for both in zip(parts, added[kind], strict=True)]
    if looseness == 1 and not left_out < tolerance:
        log.warning("the basis leaves out %.1e eV of an energy, wanted are %.0e eV", left_out, tolerance)
    if turning:  # in a solid the training problems are too few for that
        system = compressed(system, amplitudes(system, basis, trained))
        log.info("compressed to %d fields", system.even_fields)
    for kind, states in basis.items() if looseness == 1 else ():
        warn_of_leaks(discretisation, kind, states[0].values[:, 0])
    seconds = {"states": found - start, "integrals": time.perf_counter() - found}
    return replace(system, seconds=seconds, left_out=left_out)


def integrated(
    discretisation: Discretisation, basis: Basis, tolerance: float
) -> tuple[Reduced, list[CoulombFactors]]:
    """All integrals of a basis; tolerance: see spq.integrals.coulomb_factors."""
    space = discretisation.space
    coulomb = coulomb_factors(discretisation.poisson, basis, tolerance)
    parts = {kind: labelled(space, [len(s.energies) for s in basis[kind]]) for kind in basis}
    dots = [space.dot_at_points == dot for dot in range(len(space.molecule.dots))]
    pair_overlap = np.zeros((len(dots), parts["h"][-1][1].stop, parts["e"][-1][1].stop))
    for (label, hole), (_, electron) in zip(parts["h"], parts["e"], strict=True):
        values = basis["h"][abs(label)].values * space.weights[:, None]
        for dot, here in enumerate(dots):
            pair_overlap[dot, hole, electron] = values[here].T @ basis["e"][abs(label)].values[here]
    matrices = {kind: _matrices(discretisation, basis[kind], parts[kind]) for kind in basis}
    system = Reduced(
        discretisation=discretisation,
        hamiltonian={kind: each[0] for kind, each in matrices.items()},
        factors=[each.factors for each in coulomb],
        populations={kind: each[1] for kind, each in matrices.items()},
        axial={kind: each[2] for kind, each in matrices.items()},
        pair_overlap=pair_overlap,
        central={kind: len(states[0].energies) for kind, states in basis.items()},
        even={kind: sum(len(state.energies) for state in states) for kind, states in basis.items()},
        labels={
            kind: np.repeat([m for m, _ in each], [p.stop - p.start for _, p in each])
            for kind, each in parts.items()
        },
        columns=coulomb[0].columns,
        potentials=coulomb[0].potentials,
        seconds={},
        left_out=np.inf,
        orbitals={kind: tuple(state.orbitals for state in states) for kind, states in basis.items()},
        image={kind: each[3] for kind, each in matrices.items() if discretisation.image is not None},
    )
    return system, coulomb


def _matrices(
    discretisation: Discretisation, basis: tuple[States, ...], parts: list[tuple[int, slice]]
) -> tuple:
    """h (n, n) in eV, populations (N, n, n), positions along the axis (n, n) and Σ of labelled states."""
    space, image = discretisation.space, discretisation.image
    along = (space.points - space.molecule.mean_center) @ space.molecule.axis
    size, dots = parts[-1][1].stop, len(space.molecule.dots)
    hamiltonian, axial, self_energy = np.zeros((3, size, size))
    populations = np.zeros((dots, size, size))
    for label, part in parts:
        states = basis[abs(label)]
        weighted = states.values * space.weights[:, None]
        hamiltonian[part, part] = np.diag(states.energies)
        for dot in range(dots):
            here = space.dot_at_points == dot
            populations[dot, part, part] = weighted[here].T @ states.values[here]
        axial[part, part] = weighted.T @ (states.values * along[:, None])
        if image is not None:
            self_energy[part, part] = weighted.T @ (states.values * image[:, None])
    return hamiltonian, populations, axial, self_energy
