"""A finite wall: orbitals leak into the matrix, with its mass and its barrier."""

import logging

import numpy as np
import pytest
from systems import discretised, entry, need_mesh, reference

import spq
from spq import InputError, Molecule, SurfaceCharge, gallery
from spq.dots import NECK_HEIGHT
from spq.image import CUT, sphere_self_energy
from spq.schrodinger import RESIDUAL_LIMIT, lowest_states, residuals
from spq.self_energy import molecule_self_energy
from spq.single_particle import levels

CORE, OUTER = 1.3, 3.4
WALL = "3 eV, m=1"
LOWEST = {"1s": 0, "1p": 1, "1d": 2}  # |m| of the highest of each
SPLITTING = {("finite", 0.0): 2.54, ("finite", 4.0): 8.34, ("finite", 6.0): 19.04}
SPLITTING |= {(wall, 1.5): SPLITTING.get((wall, 0.0), 0.40) for wall in ("finite", "hard")}  # the lens
SPLITTING |= {("hard", 0.0): 0.40, ("hard", 4.0): 5.10, ("hard", 6.0): 19.13}


def of_monomer(accuracy, **options):
    model = gallery.monomer(wall="finite", accuracy=accuracy, **options)
    need_mesh(model.molecule, accuracy, "axisymmetric", leaking=True)
    return model


@pytest.mark.parametrize(
    "accuracy, lowest, others", [("coarse", 0.3, 0.6), ("normal", 0.05, 0.15), ("fine", 0.03, 0.06)]
)
def test_exact_levels(accuracy, lowest, others):
    found = levels(of_monomer(accuracy))
    rows = reference("sphere")["core_shell_levels"]
    for kind, each in (("e", found.electron), ("h", found.hole)):
        row = entry(rows, carrier=kind, wall=WALL)
        hard = entry(rows, carrier=kind, wall="hard", step_eV=row["step_eV"])
        assert each[0].energy_meV == pytest.approx(row["1s"], abs=lowest)
        for name, m in LOWEST.items():
            (energy,) = {level.energy_meV for level in each[:7] if level.m == m and _is(level, row[name])}
            assert energy == pytest.approx(row[name], abs=others)
        assert hard["1s"] > row["1s"] + (30.0 if kind == "e" else 0.0)


def _is(level, energy, tolerance=5.0):
    return abs(level.energy_meV - energy) < tolerance


@pytest.mark.parametrize("wall, neck", SPLITTING)
def test_splitting_of_a_homodimer(wall, neck):
    model = gallery.necked_homodimer(neck, wall=wall)
    need_mesh(model.molecule, "normal", "axisymmetric", leaking=wall == "finite")
    found = levels(model)
    assert found.splitting_meV["electron"] == pytest.approx(SPLITTING[wall, neck], abs=0.05)


def test_a_neck_as_wide_as_the_lens_is_the_lens():
    """1.5 nm where the spheres meet in 1.49998 nm: elements 2e-6 nm high would leave residuals of 2e-8 eV."""
    model, lens = (gallery.necked_homodimer(neck, wall="finite", accuracy="coarse") for neck in (1.5, 0.0))
    assert 0.0 < 1.5 - 2 * lens.molecule.pairs[0].lens_radius < 1e-4
    problem = discretised(model)
    corners = problem.space.mesh.p[:, problem.space.mesh.t[:3]]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=0)
    assert 5e-3 < sides.min() < 0.03  # the size that is asked for at the edge
    found, bare = levels(model), levels(lens)
    assert [level.energy_meV for level in found.electron] == [level.energy_meV for level in bare.electron]
    assert found.splitting_meV["electron"] == pytest.approx(SPLITTING["finite", 1.5], abs=0.05)


def test_the_lowest_neck_that_acts_leaves_no_residual():
    """Rounding on elements 1.15e-4 nm high leaves some 6e-11 eV; it grows as 1/height."""
    model = gallery.necked_homodimer(1.501, accuracy="coarse", wall="finite")
    problem = discretised(model)
    (pair,) = model.molecule.pairs
    height = pair.plane - np.sqrt(OUTER**2 - pair.neck_radius**2)
    assert NECK_HEIGHT < height < 1.2 * NECK_HEIGHT
    for kind, m in (("e", 0), ("e", 1), ("h", 0)):
        carrier = problem.carrier(kind, m)
        energies, orbitals = lowest_states(carrier, 16)
        error, _ = residuals(carrier.hamiltonian @ orbitals, carrier.mass, energies, orbitals)
        weighted = (error**2 / carrier.mass.diagonal()[:, None])[carrier.free]
        norm = np.sqrt(weighted.sum(axis=0))
        assert np.all((norm > 0) & (norm < 0.05 * RESIDUAL_LIMIT))


@pytest.mark.parametrize("state", ["X@1", "X-@2"])
def test_the_direct_method_agrees(state):
    model = gallery.heterodimer(wall="finite", accuracy="coarse", self_energy="image")
    need_mesh(model.molecule, "coarse", "axisymmetric", leaking=True)
    charge = [SurfaceCharge(-1, z=5.0, phi=20.0)]
    found = [spq.emission(model.replace(method=way), state, charge) for way in ("reduced", "direct")]
    assert found[0].shift_meV == pytest.approx(found[1].shift_meV, abs=0.05)
    assert found[0].emission_eV == pytest.approx(found[1].emission_eV, abs=5e-5)
    hard = spq.emission(model.replace(wall="hard"), state)
    assert found[0].emission_eV < hard.emission_eV - 0.02  # the electron spreads out


def test_the_self_energy_is_a_line_across_the_wall():
    """In a dimer with far dots as in one sphere, whose closed form holds on both sides."""
    molecule = Molecule.dimer(CORE, OUTER - CORE, 40.0)
    model = gallery.heterodimer(wall="finite", accuracy="coarse", self_energy="image").replace(
        molecule=molecule
    )
    need_mesh(molecule, "coarse", "axisymmetric", leaking=True)
    problem = discretised(model)
    space, layers = problem.space, model.permittivities()[2:]
    here = space.dot_at_points == 0
    radius = np.linalg.norm(space.points[here] - molecule.centers[0], axis=1)
    ends = OUTER + CUT * np.array([-1.0, 1.0])
    at_ends = sphere_self_energy(ends, CORE, OUTER, layers)
    assert at_ends[0] > 0.3 and at_ends[1] < -0.8
    exact = sphere_self_energy(radius, CORE, OUTER, layers)
    near = np.abs(radius - OUTER) < CUT
    exact[near] = np.interp(radius[near], ends, at_ends)
    found = problem.image[here]
    close = np.abs(radius - OUTER) < 0.3
    assert near.sum() > 100 and (radius > OUTER + 0.5).sum() > 100
    assert found[~close] == pytest.approx(exact[~close], rel=0.01, abs=1e-3)
    assert found[close] == pytest.approx(exact[close], abs=0.04)
    wider = molecule_self_energy(space, problem.poisson[0], 0.3)[here]
    assert np.abs(wider).max() < 0.5 * np.abs(found).max()


def test_the_self_energy_of_one_sphere_is_exact():
    model = of_monomer("coarse", self_energy="image")
    problem = discretised(model)
    radius = np.linalg.norm(problem.space.points, axis=1)
    off = np.abs(radius - OUTER) > CUT
    exact = sphere_self_energy(radius[off], CORE, OUTER, model.permittivities())
    assert problem.image[off] == pytest.approx(exact, rel=1e-9)
    assert np.abs(problem.image[~off]).max() <= np.abs(
        sphere_self_energy([OUTER + CUT], CORE, OUTER, model.permittivities())
    )


def test_options_of_the_image():
    model = of_monomer("coarse", self_energy="image")
    half = discretised(model.replace(image_prefactor=0.5))
    assert half.image == pytest.approx(0.5 * discretised(model).image, rel=1e-12)
    assert model.replace(image_cut=0.2) != model
    with pytest.raises(InputError, match=r"image_cut = 0 nm: must be > 0"):
        model.replace(image_cut=0.0)


def test_a_state_that_leaks_is_warned_of(caplog):
    soft = {"PMMA": {"conduction_band": 0.6}}
    with caplog.at_level(logging.WARNING, logger="spq"):
        levels(of_monomer("coarse", self_energy="image"))
        assert not caplog.records
        levels(of_monomer("coarse", self_energy="image", materials=soft))
    assert "of the lowest state of an electron lies outside the nanocrystal" in caplog.text


def test_bent_molecules_are_refused():
    with pytest.raises(InputError, match=r'model.wall = "finite": this part needs an axisymmetric molecule'):
        gallery.trimer(wall="finite")
    with pytest.raises(InputError, match="finite"):
        gallery.heterodimer(wall="finite", discretisation="solid")
