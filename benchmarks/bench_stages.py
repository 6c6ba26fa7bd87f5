"""Each stage of the nominal heterodimer at `normal` by itself, with its error where one is known."""

import numpy as np
import pytest
from cases import size

from spq import gallery
from spq.discretisation import KINDS, discretise
from spq.factorisation import Factorisation
from spq.integrals import States, coulomb_factors, pair_densities
from spq.mesh import molecule_mesh, region_volumes
from spq.meshing import mesh_wedge
from spq.observables import emission
from spq.reduced import Reduced
from spq.schrodinger import lowest_states

MODEL = gallery.heterodimer()
# the core/shell sphere 1.3/3.4 nm, meV: 1s, 1p, 1d, 2s of the electron at a step of 0.10 eV, and of the hole
SPHERE = {
    "e": (228.6072856, 434.4073479, 641.1985003, 737.1387288),
    "h": (255.9172678, 509.4388188, 748.4852476, 741.8624186),
}


@pytest.fixture(scope="module")
def discretisation():
    return discretise(MODEL)


def test_mesh(benchmark):
    """Gmsh on one wedge; error: largest relative volume error of a region."""
    benchmark.pedantic(mesh_wedge, (MODEL.molecule, MODEL.accuracy), rounds=3)
    measured = region_volumes(molecule_mesh(MODEL.molecule, MODEL.accuracy), MODEL.molecule)[:-1]
    benchmark.extra_info["volume_error"] = float(np.abs(measured / MODEL.molecule.volumes() - 1).max())


def test_operators(benchmark):
    """Spaces, assembly and factorisation of both Hamiltonians, mesh read from store."""
    found = benchmark.pedantic(discretise, (MODEL,), rounds=3)
    benchmark.extra_info |= size(found)


def test_poisson_factorisation(benchmark, discretisation):
    """One sparse Cholesky factorisation of Poisson's matrix; error: residual of a probe solution."""
    matrix = discretisation.poisson[0].matrix
    factors = benchmark.pedantic(Factorisation, (matrix,), rounds=3)
    right = np.random.default_rng(7041).normal(size=matrix.shape[0])
    residual = np.linalg.norm(matrix @ factors.solve(right) - right) / np.linalg.norm(right)
    benchmark.extra_info["residual"] = float(residual)


@pytest.mark.parametrize("count", [1, 16, 64])
def test_poisson_solutions(benchmark, discretisation, count):
    """Potentials of several right-hand sides with the factors at hand."""
    poisson = discretisation.poisson[0]
    right = np.random.default_rng(7042).normal(size=(poisson.space.size, count))
    poisson.solve(right[:, :1])
    benchmark.pedantic(poisson.solve, (right,), rounds=3)


@pytest.mark.parametrize("kind", KINDS)
def test_eigenproblem(benchmark, discretisation, kind):
    """Ten lowest states of a carrier by shift-invert, its factors at hand."""
    benchmark.pedantic(lowest_states, (discretisation.carriers[kind], 10), rounds=3)


@pytest.mark.parametrize("kind", KINDS)
def test_sphere_levels(benchmark, kind):
    """The same at `normal` on the monomer; error: against the exact levels 1s, 1p, 1d, 2s."""
    problem = discretise(gallery.monomer()).carriers[kind]
    energies, _ = benchmark.pedantic(lowest_states, (problem, 12), rounds=3)
    errors = [float(np.abs(1e3 * energies - exact).min()) for exact in SPHERE[kind]]
    benchmark.extra_info["level_errors_meV"] = [round(error, 4) for error in errors]


def test_reduced_basis(benchmark, discretisation):
    """Basis states and all integrals."""
    found = benchmark.pedantic(Reduced, (discretisation,), rounds=1)
    benchmark.extra_info["seconds"] = found.seconds
    benchmark.extra_info["pair_potentials"] = found.no_field().shape[1]


def test_pair_potentials(benchmark, discretisation):
    """Integrals of ten states per carrier: pair densities, pivoted Cholesky, Poisson, contraction."""
    space, poisson = discretisation.space, discretisation.poisson[0]
    states = {}
    for kind in KINDS:
        energies, orbitals = lowest_states(discretisation.carriers[kind], 10)
        states[kind] = States(energies, orbitals, space.orbital_values(orbitals))

    def integrals():
        return coulomb_factors(poisson, pair_densities(space, poisson, states), KINDS)

    benchmark.pedantic(integrals, rounds=1)


def test_direct_trion(benchmark):
    """One X-@1 by the direct method, initial and final state, operators included."""
    model = MODEL.replace(method="direct")
    found = benchmark.pedantic(emission, (model, "X-@1"), rounds=1)
    reference = emission(MODEL, "X-@1")
    benchmark.extra_info["reduced_minus_direct_meV"] = round(
        reference.confinement_meV - found.confinement_meV, 4
    )
    benchmark.extra_info["iterations"] = found.iterations
