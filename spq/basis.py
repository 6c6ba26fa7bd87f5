"""A small basis of single-particle states of each carrier: the lowest, and how they polarise.

The lowest states of h by energy converge slowly: what other carriers and a surface charge do to an
orbital needs states of all energies. The basis therefore also holds first- and second-order
responses of each dot's lowest orbital φ to probe potentials W, W',
    r = (h − σ)⁻¹ (W − ⟨W⟩) φ    and    (h − σ)⁻¹ (W' − ⟨W'⟩) r,
those of the lowest electron and hole on the dot and of unit charges around its surface. Singular
values in the energy norm ⟨r|h − σ|r⟩ choose the combinations; h is diagonalised in the whole. In an
axisymmetric molecule this is done for every harmonic apart: φ has m = 0, r that of W.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.discretisation import BARRIER, KINDS, Discretisation
from spq.errors import ConvergenceError
from spq.geometry import Molecule
from spq.integrals import Basis, States
from spq.meshing import frame
from spq.parallel import in_threads
from spq.schrodinger import lowest_states, orthonormal
from spq.space import Space

LOWEST_PER_DOT = {False: (5,), True: (2,)}  # by |m|, in a solid and on the half plane
DISCARDED = {  # eV, energy norm of a response left out, in a solid and on the half plane
    False: {"coarse": 3e-5, "normal": 2e-5, "fine": 1e-5},
    True: {"coarse": 2e-4, "normal": 7e-5, "fine": 2e-5},
}
POLAR = {"coarse": 5, "normal": 7, "fine": 7}  # rings of probe charges around a dot, poles excluded
MOST_LOWEST = 200  # states looked through for one on every dot
ON_DOT = 0.8  # least population of a dot's lowest orbital on it
AZIMUTHS = 8  # of the probes of each ring in a solid


Vectors = dict[str, list[np.ndarray]]  # of "e" and "h": (inner, n) for |m| = 0, 1, ...


@dataclass(frozen=True, eq=False)
class Local:
    """A dot's lowest orbital of one carrier: nodal values and values at the quadrature points."""

    orbital: np.ndarray
    values: np.ndarray


def starting_vectors(discretisation: Discretisation, looseness: float = 1.0) -> Vectors:
    """The lowest orbitals of each carrier and their responses, for each |m|.

    looseness: factor on the energy norm below which responses are left out.
    """
    turning = discretisation.space.harmonics.turning
    least = looseness * DISCARDED[turning][discretisation.model.accuracy]
    molecule = discretisation.model.molecule
    lowest = {kind: _lowest(discretisation, kind) for kind in KINDS}
    found = {kind: [[vectors] for vectors in lowest[kind]] for kind in KINDS}
    dots = range(len(molecule.dots))
    local = [{kind: _local(discretisation, kind, lowest[kind][0], dot) for kind in KINDS} for dot in dots]
    probes = [_probe_potentials(discretisation, local[dot], dot) for dot in dots]
    jobs = [(dot, kind) for dot in dots for kind in KINDS]
    made = in_threads(
        lambda job: _responses(discretisation, job[1], local[job[0]][job[1]], probes[job[0]]), jobs, turning
    )
    for (_, kind), responses in zip(jobs, made, strict=True):
        for m, vectors in enumerate(responses):
            found[kind][m].append(_compressed(discretisation, kind, m, vectors, lowest[kind][m], least))
    return {kind: [np.hstack(each) for each in parts] for kind, parts in found.items()}


def diagonal(discretisation: Discretisation, vectors: Vectors) -> Basis:
    """h of each carrier and harmonic diagonalised in the span of vectors."""
    space, result = discretisation.space, {}
    for kind, parts in vectors.items():
        solved = [_diagonal(discretisation, kind, m, each) for m, each in enumerate(parts)]
        result[kind] = tuple(States(e, o, space.orbital_values(o)) for e, o in solved)
    return result


def _highest(space: Space) -> int:
    return max(space.harmonics.orbital)


def _lowest(discretisation: Discretisation, kind: str) -> list[np.ndarray]:
    """Lowest orbitals (inner, n) of h for each |m|."""
    space = discretisation.space
    counts = LOWEST_PER_DOT[space.harmonics.turning]
    dots = len(space.molecule.dots)
    found = []
    for m in range(_highest(space) + 1):
        count = counts[m] * dots if m < len(counts) else 0
        vectors = np.empty((len(space.inner), 0))
        if count:
            _, vectors = lowest_states(discretisation.carrier(kind, m), count)
        while m == 0 and not _on_every_dot(discretisation, kind, vectors):
            # of unequal dots the larger one may hold all the lowest states
            count *= 2
            if count > MOST_LOWEST:
                raise ConvergenceError(f"no orbital of {kind} was found on each of the {dots} dots")
            _, vectors = lowest_states(discretisation.carrier(kind, m), count)
        found.append(vectors)
    return found


def _on_every_dot(discretisation: Discretisation, kind: str, orbitals: np.ndarray) -> bool:
    """Whether the lowest combination with a barrier outside each dot lies on that dot."""
    space = discretisation.space
    for dot in range(len(space.molecule.dots)):
        density = space.weights * _local(discretisation, kind, orbitals, dot).values ** 2
        if density[space.dot_at_points == dot].sum() < ON_DOT:
            return False
    return True


def _local(discretisation: Discretisation, kind: str, orbitals: np.ndarray, dot: int) -> Local:
    """The lowest combination of orbitals (inner, n) with a barrier outside the dot."""
    space, problem = discretisation.space, discretisation.carrier(kind)
    values = space.orbital_values(orbitals)
    outside = values[space.dot_at_points != dot]
    weights = space.weights[space.dot_at_points != dot]
    barrier = BARRIER * (outside.T @ (weights[:, None] * outside))
    _, mixed = np.linalg.eigh(orbitals.T @ (problem.hamiltonian @ orbitals) + barrier)
    return Local(orbitals @ mixed[:, 0], values @ mixed[:, 0])


def _probe_potentials(discretisation: Discretisation, local: dict[str, Local], dot: int) -> list[np.ndarray]:
    """Values (q, p) for each |m| of the potentials of a dot's electron and hole, then of surface charges.

    The carriers have m = 0 only.
    """
    space, poisson = discretisation.space, discretisation.poisson[0]
    densities = np.column_stack([local[kind].values ** 2 for kind in KINDS])
    count = POLAR[discretisation.model.accuracy]
    places = probe_positions(space.molecule, dot, count, 1 if space.harmonics.turning else AZIMUTHS)
    charges = space.point_values(places).toarray().T
    found = []
    for m in range(_highest(space) + 1):
        sources = charges if m else np.hstack([poisson.density_source(densities), charges])
        found.append(space.values(poisson.solve(sources, m)))
    return found


def probe_positions(molecule: Molecule, dot: int, count: int, azimuths: int) -> np.ndarray:
    """Places (s, 3) in nm on the free surface of a dot, symmetric in the molecule's frame.

    They lie on `count` rings about the long axis, `azimuths` on each, and at both poles.
    """
    rings = np.arange(1, count + 1)
    polar = np.repeat(np.pi * rings / (count + 1), azimuths)
    # every second ring is turned by half a step, counted from the equator to keep mirror symmetry
    turned = np.abs(2 * rings - count - 1) // 2 % 2
    azimuth = 2 * np.pi / azimuths * (np.arange(azimuths) + 0.5 * turned[:, None]).ravel()
    ring = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    directions = np.vstack([np.column_stack(ring), [[0, 0, 1], [0, 0, -1]]]) @ frame(molecule)
    places = molecule.centers[dot] + molecule.outer_radii[dot] * directions
    return places[molecule.distance_outside(places) > -1e-6]


def _responses(discretisation: Discretisation, kind: str, local: Local, probes: list) -> list[np.ndarray]:
    """Responses (inner, r) of a dot's lowest orbital for each |m|."""
    space = discretisation.space
    weights = space.weights[:, None]
    highest = _highest(space)
    probes = [probes[0] - (space.weights * local.values**2) @ probes[0], *probes[1:]]
    found: list[list[np.ndarray]] = [[] for _ in range(highest + 1)]

    def respond(m, potentials, values):
        source = space.orbital_source(weights * potentials * values)
        found[m].append(discretisation.carrier(kind, m).factors.solve(source))
        return found[m][-1]

    carriers = len(KINDS)
    first = [respond(m, probes[m], local.values[:, None]) for m in range(highest + 1)]
    first[0] -= np.outer(local.orbital, (discretisation.carrier(kind).mass @ local.orbital) @ first[0])
    values = [space.orbital_values(each) for each in first]
    for m in range(highest + 1):
        for j in range(carriers):
            respond(m, probes[0][:, [j]], values[m])
        charged = values[m] if m else values[m][:, carriers:]
        for n in range(highest + 1 - m):
            acting = probes[n] if n else probes[n][:, carriers:]
            for made in {m + n, abs(m - n)}:
                respond(made, acting, charged)
    return [np.hstack(each) for each in found]


def _compressed(discretisation, kind: str, m: int, found, lowest, least: float) -> np.ndarray:
    """Combinations (inner, r) of responses of more than the least energy norm, orthogonal to the lowest."""
    problem = discretisation.carrier(kind, m)
    found = found - lowest @ (lowest.T @ (problem.mass @ found))
    metric = found.T @ (problem.hamiltonian @ found - problem.shift * (problem.mass @ found))
    size, rotation = np.linalg.eigh(0.5 * (metric + metric.T))
    kept = size > least
    return found @ (rotation[:, kept] / np.sqrt(size[kept]))


def _diagonal(discretisation: Discretisation, kind: str, m: int, vectors: np.ndarray) -> tuple:
    """h diagonalised in the span of vectors: energies (n,) and orbitals (inner, n)."""
    problem = discretisation.carrier(kind, m)
    if not vectors.shape[1]:
        return np.empty(0), vectors
    basis = orthonormal(vectors, problem.mass)
    matrix = basis.T @ (problem.hamiltonian @ basis)
    energies, mixed = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return energies, basis @ mixed
