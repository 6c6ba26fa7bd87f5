"""Three and four dots, in a row and not, through the same calls as two."""

import numpy as np
import pytest
from systems import need_mesh

import spq
from spq import Dot, Model, Molecule, SurfaceCharge, gallery
from spq.single_particle import levels


def row(spacing=6.4, **options):
    places = [(0.0, 0.0, step * spacing) for step in (-1, 0, 1)]
    molecule = Molecule([Dot(1.3, 2.1, position=place) for place in places])
    model = Model(molecule, accuracy="coarse", **{"self_energy": "none", **options})
    need_mesh(molecule, "coarse", model.chosen_discretisation)
    return model


def test_hybridisation_of_a_row_of_three():
    """The chain of three: the outer two and the middle one mix, mirror-even and mirror-odd."""
    model = gallery.linear_trimer(accuracy="coarse")
    assert model == row()
    dimer = levels(gallery.homodimer(accuracy="coarse")).splitting_meV["electron"]
    found = levels(model)
    s = [level for level in found.electron if level.m == 0][:3]
    for level in s:
        assert sum(level.dots) == pytest.approx(1.0, abs=1e-9)
        assert level.dots[0] == pytest.approx(level.dots[2], abs=1e-6)
    assert s[1].dots[1] < 0.05  # odd: none in the middle
    assert s[0].dots[1] + s[2].dots[1] == pytest.approx(1.0, abs=0.05)
    assert found.splitting_meV["electron"] == pytest.approx(s[1].energy_meV - s[0].energy_meV)
    assert 0.5 * dimer < s[2].energy_meV - s[0].energy_meV < 4 * dimer


def test_dots_far_apart_are_monomers():
    single = levels(gallery.monomer(accuracy="coarse"))
    found = levels(row(12.0))
    for i in range(3):
        assert found.electron[i].energy_meV == pytest.approx(single.electron[0].energy_meV, abs=0.2)


def test_emission_of_every_dot():
    model = row(self_energy="image")
    charge = SurfaceCharge(1, z=-9.8)
    first, last = spq.emission(model, "X@1"), spq.emission(model, "X@3")
    assert first.emission_eV == pytest.approx(last.emission_eV, abs=1e-7)
    middle = spq.emission(model, "X@2")
    assert abs(1e3 * (middle.emission_eV - first.emission_eV)) > 0.3  # less mismatch around it
    near, far = (spq.emission(model, state, [charge]).shift_meV for state in ("X@1", "X@3"))
    assert near < -3.0 and abs(far) < 0.1
    segregated = spq.emission(model, "e1 h1 e3 @1")
    assert segregated.electrons == pytest.approx((1.0, 0.0, 1.0), abs=0.05)
    # what stays behind is shared by the outer dots, which are alike, until a charge tells them apart
    assert segregated.final_electrons == pytest.approx((0.5, 0.0, 0.5), abs=0.05)
    assert segregated.hybridised
    held = spq.emission(model, "e1 h1 e3 @1", [charge])
    assert held.final_electrons == pytest.approx((0.0, 0.0, 1.0), abs=0.05)
    assert not held.hybridised


def test_the_map_of_a_row():
    found = spq.shift_map(row(self_energy="image"), charges=(1,), points=7)
    assert found["state"].values.tolist() == ["X@1", "X@2", "X@3"]
    assert found["converged"].values.all()
    shifts = found["shift_meV"].values[:, 0]
    assert shifts[0] == pytest.approx(shifts[2][::-1], abs=1e-3)
    assert shifts[1] == pytest.approx(shifts[1][::-1], abs=1e-3)


@pytest.mark.slow
def test_a_bent_chain():
    """Dots 1 and 3 hang on dot 2 alike: their levels and emissions are those of the straight chain nearly."""
    model = gallery.trimer(accuracy="coarse", self_energy="image")
    need_mesh(model.molecule, "coarse")
    found = levels(model)
    assert [sum(level.dots) for level in found.electron] == pytest.approx([1.0] * len(found.electron))
    assert found.electron[0].dots[1] > 0.9
    straight = levels(row(self_energy="image"))
    for bent, flat in zip(found.electron[:3], straight.electron[:3], strict=True):
        assert bent.energy_meV == pytest.approx(flat.energy_meV, abs=1.5)
        assert bent.m is None
    result = spq.emission(model, "X@1", [SurfaceCharge(1, position=(0.0, 0.0, -9.8))])
    expected = spq.emission(row(self_energy="image"), "X@1", [SurfaceCharge(1, z=-9.8)])
    assert result.shift_meV == pytest.approx(expected.shift_meV, abs=0.3)
    assert np.isfinite(result.error_meV)


@pytest.mark.slow
def test_a_square_of_four():
    """The symmetry of the square: one, two and one levels, every dot alike."""
    model = gallery.tetramer(accuracy="coarse")
    need_mesh(model.molecule, "coarse")
    found = levels(model).electron[:4]
    energies = [level.energy_meV for level in found]
    assert energies[1] == pytest.approx(energies[2], abs=0.05)
    assert energies[1] - energies[0] == pytest.approx(energies[3] - energies[2], rel=0.2)
    for level in (found[0], found[3]):
        assert level.dots == pytest.approx([0.25] * 4, abs=0.01)
