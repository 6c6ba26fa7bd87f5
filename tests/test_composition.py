"""Graded shells and anisotropic holes: exact radial levels, rotations, both discretisations."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh
from systems import discretised, need_mesh

import spq
from spq import Dot, InputError, Model, Molecule, SurfaceCharge, gallery
from spq.schrodinger import lowest_states
from spq.single_particle import levels
from spq.units import HBAR2_2M

CORE, SHELL = 1.3, 2.1
OUTER = CORE + SHELL
DIAGONAL = (0.36, 0.48, 0.8)


def graded(width, **options):
    molecule = Molecule([Dot(CORE, SHELL, gradation=width)])
    need_mesh(molecule, "coarse", options.get("discretisation", "axisymmetric"))
    return gallery.monomer(accuracy="coarse", **options).replace(molecule=molecule)


def radial(values, width, count=6000):
    """1s level in eV of the sphere by linear elements in r; values: (core, shell) of mass and band edge."""
    r = np.linspace(0.0, OUTER, count + 1)
    middle = 0.5 * (r[1:] + r[:-1])
    share = np.clip((middle - CORE) / width, 0, 1) if width else (middle > CORE).astype(float)
    inverse = 1 / values["mass"][0] + share * (1 / values["mass"][1] - 1 / values["mass"][0])
    band = values["band"][0] + share * (values["band"][1] - values["band"][0])
    h = np.diff(r)
    kinetic, mass = HBAR2_2M * inverse * middle**2 / h, middle**2 * h
    rows = np.arange(count)

    def assembled(own, other):
        diagonal = np.zeros(count + 1)
        np.add.at(diagonal, rows, own)
        np.add.at(diagonal, rows + 1, own)
        return sp.diags([diagonal, other, other], [0, 1, -1]).tocsc()[:count, :count]

    hamiltonian = assembled(kinetic + band * mass / 3, -kinetic + band * mass / 6)
    return eigsh(hamiltonian, k=1, M=assembled(mass / 3, mass / 6), sigma=-0.01)[0][0]


@pytest.mark.parametrize("discretisation, tolerance", [("axisymmetric", 0.3), ("solid", 1.5)])
@pytest.mark.parametrize("kind", ["e", "h"])
def test_exact_levels_of_a_graded_sphere(kind, discretisation, tolerance):
    model = graded(1.2, discretisation=discretisation)
    values = {"mass": model.masses(kind)[:2], "band": model.band(kind)[:2]}
    exact = 1e3 * radial(values, 1.2)
    assert abs(exact - 1e3 * radial(values, 0.0)) > 10.0
    found = lowest_states(discretised(model).carrier(kind), 1)[0][0]
    assert 1e3 * found == pytest.approx(exact, abs=tolerance)


def test_the_permittivity_is_graded():
    """Coulomb integrals on both discretisations; the mean permittivity lies between core and shell."""
    contrast = {"CdS": {"permittivity_static": 4.0}}
    found = {}
    for width in (0.0, 2.1):
        model = graded(width, materials=contrast)
        both = [spq.emission(model.replace(discretisation=each), "X@1") for each in ("axisymmetric", "solid")]
        assert both[0].emission_eV == pytest.approx(both[1].emission_eV, abs=5e-3)
        coulomb = []
        for step in (1.0, 2.0):  # frozen identity: doubling all permittivities halves the attraction
            other = {"CdSe": 9.5 * step, "CdS": 4.0 * step, "PMMA": 2.25 * step}
            materials = {name: {"permittivity_static": value} for name, value in other.items()}
            coulomb.append(spq.emission(model.replace(materials=materials), "X@1").emission_eV)
        found[width] = coulomb[1] - coulomb[0]
    assert 0.02 < found[2.1] < found[0.0] - 0.01


def test_a_shell_graded_towards_a_wide_gap_reduces_the_shift():
    """CdSe graded into ZnS holds both carriers better than CdS does; graded into CdS they spread out."""
    shifts = {}
    for shell, width in (("CdS", 0.0), ("CdS", 1.0), ("ZnS", SHELL)):
        molecule = Molecule([Dot(CORE, SHELL, shell=shell, gradation=width)])
        model = graded(0.0, self_energy="image").replace(molecule=molecule)
        shifts[shell, width] = spq.emission(model, "X@1", [SurfaceCharge(1, z=OUTER)]).shift_meV
    sharp = shifts["CdS", 0.0]
    print({key: f"{value:.3f} meV, {100 * (value / sharp - 1):+.0f} %" for key, value in shifts.items()})
    assert 0.65 < shifts["ZnS", SHELL] / sharp < 0.85
    assert 1.1 < shifts["CdS", 1.0] / sharp < 1.3


def test_gradations_that_cannot_be():
    with pytest.raises(
        InputError, match=r"gradation = 2.2 nm: must be <= 2.1 nm, the thickness of the shell"
    ):
        Dot(CORE, SHELL, gradation=2.2)
    with pytest.raises(InputError, match="gradation"):
        Dot(CORE, SHELL, gradation=-0.1)
    with pytest.raises(InputError, match="c_axis"):
        Dot(CORE, SHELL, c_axis=(0, 0, 0))


def wurtzite(c_axis=None, ratio=1.5, **options):
    """A monomer whose holes are heavier along c."""
    materials = {"CdSe": {"hole_mass_parallel": 0.45 * ratio}, "CdS": {"hole_mass_parallel": 0.7 * ratio}}
    molecule = Molecule([Dot(CORE, SHELL, c_axis=c_axis)])
    model = Model(molecule, materials=materials, accuracy="coarse", self_energy="none", **options)
    need_mesh(molecule, "coarse", model.chosen_discretisation)
    return model


def test_anisotropic_levels_on_both_discretisations():
    plane = levels(wurtzite())
    solid = levels(wurtzite(discretisation="solid"))
    tilted = levels(wurtzite(DIAGONAL))
    assert wurtzite(DIAGONAL).chosen_discretisation == "solid"
    isotropic = levels(wurtzite(ratio=1.0))
    for i in range(3):  # 1s, and 1p split into m = 0 and |m| = 1
        assert plane.hole[i].energy_meV < isotropic.hole[min(i, 1)].energy_meV - 1.0
        assert solid.hole[i].energy_meV == pytest.approx(plane.hole[i].energy_meV, abs=5.0)
        assert tilted.hole[i].energy_meV == pytest.approx(solid.hole[i].energy_meV, abs=1.0)
    assert plane.hole[2].energy_meV - plane.hole[1].energy_meV > 20.0
    assert plane.electron[0].energy_meV == pytest.approx(isotropic.electron[0].energy_meV, abs=1e-9)


def test_a_little_anisotropy_in_first_order():
    """⟨T⟩ of an s state is one third in every direction: dE = −⟨T⟩/3 · dm/m."""
    small = 0.01
    energies = [levels(wurtzite(ratio=1 + x)).hole[0].energy_meV for x in (-small, 0.0, small)]
    model = wurtzite(ratio=1.0)
    problem = discretised(model)
    _, orbitals = lowest_states(problem.carrier("h"), 1)
    kinetic = problem.space.orbital_stiffness(HBAR2_2M / model.masses("h"))
    expected = 1e3 * float(orbitals[:, 0] @ kinetic @ orbitals[:, 0]) / 3
    assert (energies[0] - energies[2]) / (2 * small) == pytest.approx(expected, rel=0.01)


def test_attachment_matters():
    """The same charge moves the hole differently along and across its crystal axis."""
    charge = [SurfaceCharge(1, z=OUTER)]
    along, across = (
        spq.emission(wurtzite(axis, discretisation="solid", ratio=3.0), "X@1", charge).shift_meV
        for axis in ((0, 0, 1), (1, 0, 0))
    )
    assert abs(along - across) > 0.05
    turned = spq.emission(wurtzite((0, 0, 1), ratio=3.0), "X@1", charge).shift_meV
    assert turned == pytest.approx(along, abs=0.05)


def test_axes_turn_with_the_molecule():
    molecule = Molecule([Dot(CORE, SHELL, c_axis=(0, 0, 2.0))])
    turn = np.array([[0, 0, 1.0], [0, 1.0, 0], [-1.0, 0, 0]])
    model = wurtzite().replace(molecule=molecule.rotated(turn))
    assert model.c_axes[0] == pytest.approx([1, 0, 0])
    tensor = model.mass_tensors("h")[0]
    assert np.diag(tensor) == pytest.approx([0.675, 0.45, 0.45])
    assert model.mass_tensors("e").ndim == 1


def test_equal_masses_are_isotropic():
    model = wurtzite(DIAGONAL, ratio=1.0)
    assert model.chosen_discretisation == "axisymmetric" and spq.polarisation(model, 1).degree == 0.0
    assert model.mass_tensors("h").ndim == 1


def test_tilted_levels_have_no_angular_momentum():
    assert {level.m for level in levels(wurtzite(DIAGONAL)).hole} == {None}


def test_a_monomer_turns_with_its_axis():
    turn = np.array([[0, 0, 1.0], [0, 1.0, 0], [-1.0, 0, 0]])
    model = wurtzite()
    assert model.replace(molecule=model.molecule.rotated(turn)).c_axes[0] == pytest.approx([1, 0, 0])


def test_tilted_axes_need_a_solid():
    with pytest.raises(InputError, match="needs crystal axes along that line"):
        wurtzite(DIAGONAL, discretisation="axisymmetric")
    with pytest.raises(InputError, match='model.wall = "finite": this part needs an axisymmetric molecule'):
        wurtzite(DIAGONAL, wall="finite")


def test_polarisation():
    model = wurtzite((0, 0, 1))
    side = spq.polarisation(model, 1, view=(1, 0, 0))
    assert (side.angle_deg, side.degree) == (pytest.approx(90.0), pytest.approx(1.0))
    along = spq.polarisation(model, 1, view=(0, 0, 1))
    assert along.angle_deg is None and along.degree == 0.0
    tilted = spq.polarisation(wurtzite((0, 3, 3)), 1, view=(0, 0, 5))  # half of c is seen, along y
    assert tilted.degree == pytest.approx(0.5 / 1.5)
    assert tilted.reference == pytest.approx((1, 0, 0)) and tilted.angle_deg == pytest.approx(0.0, abs=1e-9)
    assert spq.polarisation(gallery.monomer(), 1).degree == 0.0
    with pytest.raises(InputError, match=r"dot = 2: the molecule has 1"):
        spq.polarisation(model, 2)
    with pytest.raises(InputError, match="view"):
        spq.polarisation(model, 1, view=(0, 0, 0))
