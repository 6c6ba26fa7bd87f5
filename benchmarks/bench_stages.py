"""Each stage of the nominal heterodimer at `normal` by itself, with its error where one is known."""

from tempfile import TemporaryDirectory

import numpy as np
import pytest
from cases import size

from spq import gallery, meshing, planar
from spq.discretisation import KINDS, discretise
from spq.factorisation import Factorisation
from spq.integrals import TOLERANCE, States, coulomb_factors
from spq.mesh import half_plane_mesh, molecule_mesh, region_volumes
from spq.observables import emission
from spq.reduction import reduction
from spq.schrodinger import lowest_states
from spq.self_energy import molecule_self_energy, smooth_part

DISCRETISATIONS = ("axisymmetric", "solid")
TEN = {"axisymmetric": (4, 3, 1, 1, 1), "solid": (10,)}  # states of each |m|
# the core/shell sphere 1.3/3.4 nm, meV: 1s, 1p, 1d, 2s of the electron at a step of 0.10 eV, and of the hole
SPHERE = {
    "e": (228.6072856, 434.4073479, 641.1985003, 737.1387288),
    "h": (255.9172678, 509.4388188, 748.4852476, 741.8624186),
}


@pytest.fixture(scope="module", params=DISCRETISATIONS)
def model(request):
    return gallery.heterodimer(discretisation=request.param)


@pytest.fixture(scope="module")
def discretisation(model):
    return discretise(model)


def test_mesh(benchmark, model):
    """Gmsh on one wedge; error: largest relative volume error of a region."""
    molecule, accuracy = model.molecule, model.accuracy
    if model.discretisation == "solid":
        make, sizes, mesh = meshing.mesh_wedge, meshing.SIZES, molecule_mesh(molecule, accuracy)
    else:
        make, sizes, mesh = planar.mesh_half_plane, planar.SIZES, half_plane_mesh(molecule, accuracy)
    benchmark.pedantic(make, (molecule, sizes[accuracy]), rounds=3)
    measured = region_volumes(mesh, molecule)[:-1]
    benchmark.extra_info["volume_error"] = float(np.abs(measured / molecule.volumes() - 1).max())


def test_operators(benchmark, model):
    """Spaces, assembly and factorisation of both Hamiltonians of every harmonic, mesh read from store."""

    def operators():
        found = discretise(model)
        for kind in KINDS:
            for m in range(len(TEN[model.discretisation])):
                found.carrier(kind, m)
        return found

    benchmark.extra_info |= size(benchmark.pedantic(operators, rounds=3))


def test_image_self_energy(benchmark, discretisation):
    """What `image` adds to a map; error: at the centre of dot 1, against the finer half plane."""
    space, poisson = discretisation.space, discretisation.poisson[0]

    def made():
        with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as empty:
            patch.setenv("SPQ_CACHE", empty)
            return molecule_self_energy(space, poisson)

    benchmark.pedantic(made, rounds=1)
    finer = discretise(gallery.heterodimer(accuracy="fine"))
    centre = discretisation.model.molecule.centers[:1]
    values = [smooth_part(each.space, each.poisson[0])(centre)[0] for each in (discretisation, finer)]
    benchmark.extra_info["centre_error_meV"] = 1e3 * float(values[0] - values[1])


def test_poisson_factorisation(benchmark, discretisation):
    """One sparse Cholesky factorisation of Poisson's matrix; error: residual of a probe solution."""
    matrix = discretisation.poisson[0].matrix()
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
    """Ten lowest states of a carrier (m = 0) by shift-invert, its factors at hand."""
    benchmark.pedantic(lowest_states, (discretisation.carrier(kind), 10), rounds=3)


@pytest.mark.parametrize("discretisation", DISCRETISATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_sphere_levels(benchmark, discretisation, kind):
    """The same at `normal` on the monomer; error: against the exact levels 1s, 1p, 1d, 2s."""
    problem = discretise(gallery.monomer(discretisation=discretisation)).carrier(kind)
    energies, _ = benchmark.pedantic(lowest_states, (problem, 12), rounds=3)
    errors = [float(np.abs(1e3 * energies - exact).min()) for exact in SPHERE[kind]]
    benchmark.extra_info["level_errors_meV"] = [round(error, 4) for error in errors]


def test_reduced_basis(benchmark, discretisation):
    """Basis states and all integrals."""
    found = benchmark.pedantic(reduction, (discretisation,), rounds=1)
    benchmark.extra_info["seconds"] = found.seconds
    benchmark.extra_info["pair_potentials"] = found.no_field().shape[1]


def test_pair_potentials(benchmark, discretisation):
    """Integrals of ten states per carrier: pair densities, pivoted Cholesky, Poisson, contraction."""
    space, poisson, model = discretisation.space, discretisation.poisson[0], discretisation.model
    basis, tolerance = {}, TOLERANCE[model.accuracy]
    for kind in KINDS:
        counts = enumerate(TEN[model.discretisation])
        found = [lowest_states(discretisation.carrier(kind, m), count) for m, count in counts]
        basis[kind] = tuple(States(e, o, space.orbital_values(o)) for e, o in found)

    benchmark.pedantic(coulomb_factors, ([poisson], basis, tolerance), rounds=1)


def test_direct_trion(benchmark, model):
    """One X-@1 by the direct method, initial and final state, operators included."""
    found = benchmark.pedantic(emission, (model.replace(method="direct"), "X-@1"), rounds=1)
    reference = emission(model, "X-@1")
    benchmark.extra_info["reduced_minus_direct_meV"] = round(
        reference.confinement_meV - found.confinement_meV, 4
    )
    benchmark.extra_info["iterations"] = found.iterations
