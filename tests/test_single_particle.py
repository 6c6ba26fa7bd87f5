"""spq.levels: exact levels of the sphere, multiplicities, populations, splitting."""

import numpy as np
import pytest
from systems import entry, need_mesh, reference

import spq
from spq import gallery
from spq.discretisation import discretise
from spq.geometry import Molecule
from spq.schrodinger import lowest_states
from spq.surface import SurfaceCharge


@pytest.fixture(scope="module", params=["solid", "axisymmetric"])
def sphere_model(request):
    need_mesh(gallery.monomer().molecule, "normal", request.param)
    return gallery.monomer(accuracy="normal", discretisation=request.param)


@pytest.fixture(scope="module")
def sphere_levels(sphere_model):
    return spq.levels(sphere_model)


@pytest.fixture(scope="module", params=["solid", "axisymmetric"])
def homodimer_levels(request):
    need_mesh(gallery.homodimer().molecule, "coarse", request.param)
    return spq.levels(gallery.homodimer(accuracy="coarse", discretisation=request.param))


@pytest.mark.parametrize("kind, carrier, step", [("electron", "e", 0.10), ("hole", "h", 0.64)])
def test_levels_of_the_sphere(sphere_levels, kind, carrier, step):
    exact = entry(reference("sphere")["core_shell_levels"], carrier=carrier, step_eV=step, wall="hard")
    found = getattr(sphere_levels, kind)
    # 1s; 1p: m = 0 and 1; 1d or 2s next
    assert found[0].m == 0 and found[0].degeneracy == 1
    assert found[0].energy_meV == pytest.approx(exact["1s"], abs=1.0)
    p = sorted(found[1:3], key=lambda level: level.m)
    assert [(level.m, level.degeneracy) for level in p] == [(0, 1), (1, 2)]
    for level in p:
        assert level.energy_meV == pytest.approx(exact["1p"], abs=2.0)
    expected = {"electron": "1d", "hole": "2s"}[kind]
    assert found[3].energy_meV == pytest.approx(exact[expected], abs=2.0)
    if kind == "electron":
        d = sorted(found[3:6], key=lambda level: level.m)
        assert [(level.m, level.degeneracy) for level in d] == [(0, 1), (1, 2), (2, 2)]


def test_no_splitting_of_one_dot(sphere_levels):
    assert sphere_levels.splitting_meV == {"electron": None, "hole": None}
    for level in (*sphere_levels.electron, *sphere_levels.hole):
        assert level.dots == pytest.approx((1.0,), abs=2e-4)


@pytest.mark.parametrize("kind", ["electron", "hole"])
def test_each_state_is_counted_once(homodimer_levels, kind):
    found = getattr(homodimer_levels, kind)
    energies = [level.energy_meV for level in found]
    assert energies == sorted(energies)
    # sixteen, and the rest of a level whose parts the mesh splits
    assert 16 <= sum(level.degeneracy for level in found) <= 20
    for level in found:
        assert level.degeneracy == (1 if level.m in (0, None) else 2)
        assert sum(level.dots) == pytest.approx(1.0, abs=2e-3)


def test_homodimer_is_half_and_half(homodimer_levels):
    for kind in ("electron", "hole"):
        found = getattr(homodimer_levels, kind)
        gap = found[1].energy_meV - found[0].energy_meV
        assert homodimer_levels.splitting_meV[kind] == pytest.approx(gap, abs=1e-12)
        for level in found[:2]:
            assert level.dots == pytest.approx((0.5, 0.5), abs=0.01)
            assert level.m == 0
    # 1.8 meV at 6.4 nm for the hard wall and a step of 0.10 eV; the coarse mesh is good to 0.3
    assert homodimer_levels.splitting_meV["electron"] == pytest.approx(1.8, abs=0.3)
    assert 0 < homodimer_levels.splitting_meV["hole"] < 0.1


@pytest.mark.parametrize("discretisation", ["solid", "axisymmetric"])
def test_heterodimer_levels_are_localised(discretisation):
    need_mesh(gallery.NOMINAL, "coarse", discretisation)
    found = spq.levels(gallery.heterodimer(accuracy="coarse", discretisation=discretisation))
    for kind, least in (("electron", 0.8), ("hole", 0.99)):
        lower, upper = getattr(found, kind)[:2]
        assert lower.dots[1] > least and upper.dots[0] > least  # the larger core lies lower
        assert found.splitting_meV[kind] > 3.0


def test_charges_and_self_energy_do_not_enter(sphere_model, sphere_levels):
    charged = sphere_model.replace(surface_charges=(SurfaceCharge(1, z=3.4),), self_energy="density")
    found = spq.levels(charged)
    for kind in ("electron", "hole"):
        pairs = list(zip(getattr(found, kind), getattr(sphere_levels, kind), strict=True))
        assert len(pairs) > 3
        for one, other in pairs:
            assert (one.m, one.degeneracy) == (other.m, other.degeneracy)
            # rounding only: several threads add up in varying order
            assert one.energy_meV == pytest.approx(other.energy_meV, abs=1e-8)


def test_a_bent_molecule_has_no_m():
    need_mesh(gallery.trimer().molecule, "coarse")
    found = spq.levels(gallery.trimer(accuracy="coarse"))
    assert all(level.m is None and level.degeneracy == 1 for level in found.electron)
    assert len(found.electron) == 24
    assert np.sum([level.dots for level in found.electron[:3]], axis=0) == pytest.approx(1.0, abs=0.05)
    assert found.as_dict()["electron"][0]["m"] is None


@pytest.mark.parametrize("discretisation", ["solid", "axisymmetric"])
def test_levels_of_nearly_equal_dots_keep_their_own_populations(discretisation):
    """Two dots within a solid's grouping of degenerate levels: each energy goes with its own orbital."""
    molecule = Molecule.dimer((1.3, 1.3005), 2.1, center_distance=8.0)
    need_mesh(molecule, "coarse", discretisation)
    model = gallery.heterodimer(accuracy="coarse", discretisation=discretisation).replace(molecule=molecule)
    problem = discretise(model)
    energies, orbitals = lowest_states(problem.carrier("e"), 2)
    density = problem.space.weights[:, None] * problem.space.orbital_values(orbitals) ** 2
    on_first = density[problem.space.dot_at_points == 0].sum(axis=0)
    assert 1e3 * (energies[1] - energies[0]) < 2.0
    assert np.abs(on_first[0] - on_first[1]) > 0.9  # else the order could not be seen
    found = spq.levels(model).electron[:2]
    for level, energy, share in zip(found, energies, on_first, strict=True):
        assert level.energy_meV == pytest.approx(1e3 * energy, abs=1e-6)
        assert level.dots[0] == pytest.approx(share, abs=1e-6)
    pairs = [level for level in spq.levels(model).electron if level.m == 1][:2]
    assert len(pairs) == 2
    # a pair made of one state of each dot would have half of its density on either
    assert sorted(level.dots[0] > 0.9 for level in pairs) == [False, True]
    assert sorted(level.dots[0] < 0.1 for level in pairs) == [False, True]
