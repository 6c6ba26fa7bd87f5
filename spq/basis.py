"""A small basis of single-particle states of each carrier: the lowest, and how they polarise.

The lowest states of h by energy converge slowly: what other carriers and a surface charge do to an
orbital needs states of all energies. The basis therefore also holds first- and second-order
responses of each dot's lowest orbital φ to probe potentials W, W',
    r = (h − σ)⁻¹ (W − ⟨W⟩) φ    and    (h − σ)⁻¹ (W' − ⟨W'⟩) r,
those of the lowest electron and hole on the dot and of unit charges around its surface. Singular
values in the energy norm ⟨r|h − σ|r⟩ choose the combinations; h is diagonalised in the whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.discretisation import BARRIER, KINDS, Discretisation
from spq.geometry import Molecule
from spq.meshing import frame
from spq.schrodinger import lowest_states, orthonormal
from spq.space import Space

LOWEST_PER_DOT = 5  # s and p states, and one more
DISCARDED = {"coarse": 3e-5, "normal": 2e-5, "fine": 1e-5}  # eV, energy norm of a response left out
POLAR = {"coarse": 5, "normal": 7, "fine": 7}  # rings of probe charges around a dot, poles excluded
AZIMUTHS = 8


@dataclass(frozen=True, eq=False)
class Local:
    """A dot's lowest orbital of one carrier: nodal values and values at the quadrature points."""

    orbital: np.ndarray
    values: np.ndarray


def single_particle_basis(discretisation: Discretisation) -> dict[str, tuple]:
    """Energies (n,) in eV and orthonormal orbitals (dofs, n) of each carrier's basis states.

    The basis grows with `accuracy`: responses are left out whose energy norm is below DISCARDED.
    """
    space, molecule = discretisation.space, discretisation.model.molecule
    count = LOWEST_PER_DOT * len(molecule.dots)
    lowest = {kind: lowest_states(discretisation.carriers[kind], count) for kind in KINDS}
    found = {kind: [lowest[kind][1]] for kind in KINDS}
    for dot in range(len(molecule.dots)):
        local = {kind: _local(space, *lowest[kind], dot) for kind in KINDS}
        probes = _probe_potentials(discretisation, local, dot)
        for kind in KINDS:
            found[kind].append(_responses(discretisation, kind, lowest[kind][1], local[kind], probes))
    return {kind: _diagonal(discretisation, kind, np.hstack(found[kind])) for kind in KINDS}


def _local(space: Space, energies: np.ndarray, orbitals: np.ndarray, dot: int) -> Local:
    """The lowest combination of states with a barrier outside the dot."""
    values = space.orbital_values(orbitals)
    outside = values[space.dot_at_points != dot]
    weights = space.weights[space.dot_at_points != dot]
    barrier = BARRIER * (outside.T @ (weights[:, None] * outside))
    _, mixed = np.linalg.eigh(np.diag(energies) + barrier)
    return Local(orbitals @ mixed[:, 0], values @ mixed[:, 0])


def _probe_potentials(discretisation: Discretisation, local: dict[str, Local], dot: int) -> np.ndarray:
    """Potentials (q, probes) in eV at the quadrature points: electron, hole, then surface charges."""
    space, poisson = discretisation.space, discretisation.poisson[0]
    densities = np.column_stack([local[kind].values ** 2 for kind in KINDS])
    places = probe_positions(space.molecule, dot, POLAR[discretisation.model.accuracy])
    charges = space.point_values(places).toarray().T
    sources = np.hstack([poisson.density_source(densities), charges])
    return space.values(poisson.solve(sources))


def probe_positions(molecule: Molecule, dot: int, count: int) -> np.ndarray:
    """Places (s, 3) in nm on the free surface of a dot, symmetric in the molecule's frame.

    They lie on `count` rings about the long axis and at both poles.
    """
    rings = np.arange(1, count + 1)
    polar = np.repeat(np.pi * rings / (count + 1), AZIMUTHS)
    # every second ring is turned by half a step, counted from the equator to keep mirror symmetry
    turned = np.abs(2 * rings - count - 1) // 2 % 2
    azimuth = 2 * np.pi / AZIMUTHS * (np.arange(AZIMUTHS) + 0.5 * turned[:, None]).ravel()
    ring = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    directions = np.vstack([np.column_stack(ring), [[0, 0, 1], [0, 0, -1]]]) @ frame(molecule)
    places = molecule.centers[dot] + molecule.outer_radii[dot] * directions
    return places[molecule.distance_outside(places) > -1e-6]


def _responses(
    discretisation: Discretisation, kind: str, lowest: np.ndarray, local: Local, probes: np.ndarray
) -> np.ndarray:
    """Responses (dofs, r) of a dot's lowest orbital, orthogonal to the lowest states and compressed."""
    space, problem = discretisation.space, discretisation.carriers[kind]
    weights = space.weights[:, None]
    probes = probes - (space.weights * local.values**2) @ probes

    def respond(potentials, values):
        return problem.factors.solve(space.orbital_source(weights * potentials * values))

    first = respond(probes, local.values[:, None])
    first -= np.outer(local.orbital, (problem.mass @ local.orbital) @ first)
    values = space.orbital_values(first)
    carriers = len(KINDS)
    second = [respond(probes[:, [j]], values) for j in range(carriers)]
    second.append(respond(probes[:, carriers:], values[:, carriers:]))
    found = np.hstack([first, *second])
    found -= lowest @ (lowest.T @ (problem.mass @ found))
    metric = found.T @ (problem.hamiltonian @ found - problem.shift * (problem.mass @ found))
    size, rotation = np.linalg.eigh(0.5 * (metric + metric.T))
    kept = size > DISCARDED[discretisation.model.accuracy]
    return found @ (rotation[:, kept] / np.sqrt(size[kept]))


def _diagonal(discretisation: Discretisation, kind: str, vectors: np.ndarray) -> tuple:
    """h diagonalised in the span of vectors: energies (n,) and orbitals (dofs, n)."""
    problem = discretisation.carriers[kind]
    basis = orthonormal(vectors, problem.mass)
    matrix = basis.T @ (problem.hamiltonian @ basis)
    energies, mixed = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return energies, basis @ mixed
