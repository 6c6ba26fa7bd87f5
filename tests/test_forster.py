"""Förster transfer: point dipoles far apart, symmetries, solid against half plane, detailed balance."""

import functools

import numpy as np
import pytest
from scipy import constants
from systems import need_mesh, turn

import spq
from spq import gallery
from spq.cispec import CISpec
from spq.discretisation import build_space
from spq.errors import InputError
from spq.forster import couplings, line_width, spectral_overlap, transfer
from spq.geometry import Dot, Molecule
from spq.inputfile import dumps
from spq.poisson import Poisson
from spq.surface import SurfaceCharge
from spq.units import COULOMB, HBAR2_2M

SMALL = {"accuracy": "coarse", "ci": CISpec(orbitals=8, outside=16)}
UNFUSED = Molecule.dimer((1.3, 1.35), 2.1, 8.0)
K_EV = constants.k / constants.e
HBAR_NS = constants.hbar / constants.e * 1e9


@functools.cache
def space(molecule, discretisation):
    """Coarse elements."""
    need_mesh(molecule, "coarse", discretisation)
    return build_space(molecule, "coarse", discretisation)


@functools.cache
def tensors(molecule, discretisation="axisymmetric", cores=None, around=None):
    """Couplings in eV of unit dipoles; cores, around: their permittivity and that of the rest, else real."""
    permittivities = spq.Model(molecule, self_energy="none").region_values("permittivity_optical")
    if cores is not None:
        permittivities[:] = around
        permittivities[: 2 * len(molecule.dots) : 2] = cores
    return couplings(space(molecule, discretisation), permittivities)


@functools.cache
def transferred(model, *arguments):
    """What `transfer` gives for a model."""
    need_mesh(model.molecule, model.accuracy, model.chosen_discretisation)
    return transfer(model, *arguments)


def points(molecule, i, j, permittivity):
    """Coupling (3, 3) of unit point dipoles in the centres of two dots."""
    step = molecule.centers[j] - molecule.centers[i]
    distance = np.linalg.norm(step)
    direction = step / distance
    return COULOMB / (permittivity * distance**3) * (np.eye(3) - 3 * np.outer(direction, direction))


@pytest.mark.parametrize(("discretisation", "tolerance"), [("axisymmetric", 0.006), ("solid", 0.003)])
def test_point_dipoles(discretisation, tolerance):
    """In a uniform medium spheres act as point dipoles: along and across the axis, on both meshes.

    A uniformly polarised sphere has exactly a dipole's field, and the mean of that over another is its value
    at the centre, so only the mesh and the outer sphere err: 0.1 %, and 0.4 % along the axis of the half
    plane, where the condition on the outer sphere is that of a charge.
    """
    found = tensors(UNFUSED, discretisation, 5.0, 5.0)[0, 1]
    exact = points(UNFUSED, 0, 1, 5.0)
    assert exact[2, 2] == -2 * exact[0, 0] < 0
    print(discretisation, np.diag(found) / np.diag(exact))
    assert np.diag(found) == pytest.approx(np.diag(exact), rel=tolerance)
    assert np.abs(found - np.diag(np.diag(found))).max() < 1e-3 * exact[0, 0]


@pytest.mark.parametrize(("discretisation", "tolerance"), [("axisymmetric", 0.006), ("solid", 0.02)])
def test_local_field(discretisation, tolerance):
    """Cores of permittivity 12 in a medium of 2: each dipole acts as F = 3·2/(12 + 2·2) of itself, so F².

    What a core scatters back to the other is (a/D)⁶ of that, 1e-5. The cores' surfaces add 1 % on a coarse
    solid mesh to the errors of `test_point_dipoles`.
    """
    field = 3 * 2.0 / (12.0 + 2 * 2.0)
    found = tensors(UNFUSED, discretisation, 12.0, 2.0)[0, 1]
    exact = field**2 * points(UNFUSED, 0, 1, 2.0)
    print(discretisation, np.diag(found) / np.diag(exact))
    assert np.diag(found) == pytest.approx(np.diag(exact), rel=tolerance)


def test_own_energy_of_a_polarised_sphere():
    """A unit dipole spread over its core has the energy k/(ε a³) with itself, twice (1/2)(1/3) P²V/ε ε0."""
    found = tensors(UNFUSED, "axisymmetric", 5.0, 5.0)
    for dot, radius in enumerate((1.3, 1.35)):
        assert np.diag(found[dot, dot]) == pytest.approx(COULOMB / (5.0 * radius**3), rel=2e-3)


def test_dots_out_of_line():
    """Three dots that no axis joins: point dipoles in a uniform medium, all directions of every pair."""
    molecule = gallery.trimer().molecule
    uniform = tensors(molecule, "solid", 5.0, 5.0)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        exact = points(molecule, i, j, 5.0)
        assert np.abs(uniform[i, j] - exact).max() < 0.01 * np.abs(exact).max()
    # out of line on purpose: y and z of one pair are coupled, more than the tolerance by far
    assert abs(points(molecule, 1, 2, 5.0)[1, 2]) > 0.5 * np.abs(points(molecule, 1, 2, 5.0)).max()


def test_pairs_of_charges():
    """The fused trimer in its own permittivities, against dipoles made of two charges 0.6 nm apart.

    Around the centre of a sphere of one permittivity they act as the sphere polarised evenly does, but for
    (0.3 nm/D)² and the elements that a point charge falls into.
    """
    molecule = gallery.trimer().molecule
    found = tensors(molecule, "solid")
    permittivities = spq.Model(molecule, self_energy="none").region_values("permittivity_optical")
    steps = 0.3 * np.vstack([np.eye(3), -np.eye(3)])
    ends = [space(molecule, "solid").point_values(centre + steps) for centre in molecule.centers[:2]]
    first, second = ((each[:3] - each[3:]).toarray() / 0.6 for each in ends)
    exact = first @ Poisson(space(molecule, "solid"), permittivities).solve(second.T)
    scale = np.abs(exact).max()
    print(np.round(found[0, 1] / scale, 4), np.round(exact / scale, 4))
    assert np.abs(found[0, 1] - exact).max() < 0.01 * scale
    # the third dot makes the pair's tensor unsymmetric, so that rows and columns cannot be exchanged
    assert np.abs(exact - exact.T).max() > 0.02 * scale
    assert np.abs(found - found.transpose(1, 0, 3, 2)).max() < 1e-9 * scale


def test_solid_against_half_plane():
    """The fused heterodimer, turned in space, in its own permittivities: 2 % by meshes and outer sphere."""
    matrix = turn((1.0, 2.0, 0.5), 40.0)
    molecule = gallery.NOMINAL.rotated(matrix)
    upright = tensors(gallery.NOMINAL)
    flat, solid = tensors(molecule), tensors(molecule, "solid")
    assert flat == pytest.approx(matrix @ upright @ matrix.T, rel=1e-6, abs=1e-9)
    scale = np.abs(flat[0, 1]).max()
    print("largest difference", np.abs(solid - flat)[0, 1].max() / scale)
    assert np.abs(solid - flat)[0, 1].max() < 0.02 * scale
    assert np.abs(flat - upright)[0, 1].max() > 0.3 * scale
    # between point dipoles in a medium of the cores alone and of the matrix alone
    ratio = np.diag(upright[0, 1]) / np.diag(points(gallery.NOMINAL, 0, 1, 1.0))
    assert np.all((1 / 6.2 < ratio) & (ratio < 1 / 2.2))


def test_forster_formula():
    """Two dots far apart in a uniform optical medium: the whole rate, from dipoles and line widths.

    Two dipoles across the axis, each coupled to one of the other dot: ½ Σ J² is k² r⁴/(ε D³)². The lines'
    overlap is integrated here. 1 % for the coupling's 0.12 %, twice.
    """
    materials = {name: {"permittivity_optical": 4.0} for name in ("CdSe", "CdS", "PMMA")}
    model = gallery.far_dimer(method="ci", materials=materials, **SMALL)
    found = transferred(model, (300.0,), (40.0,)).isel(temperature=0)
    first, second = found.dipole_nm.values
    coupling = COULOMB * first * second / (4.0 * 20.0**3)
    assert 1e-3 * found.coupling_meV.values[0, 1] == pytest.approx(coupling, rel=2.5e-3)
    sigma = 0.040 / np.sqrt(8 * np.log(2))
    energies, step = np.linspace(1.5, 2.5, 20001, retstep=True)
    shapes = [
        np.exp(-0.5 * ((energies - centre) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
        for centre in found.energy_eV.values
    ]
    overlap = step * (shapes[0] @ shapes[1])
    assert abs(found.detuning_meV.values[0, 1]) < 0.1  # like dots: neither up- nor downhill
    assert found.rate.values[0, 1] == pytest.approx(2 * np.pi / HBAR_NS * coupling**2 * overlap, rel=0.01)


def test_like_dots():
    """A homodimer: equal rates, and excitons of one dot, though every eigenstate is spread over both."""
    found = transferred(gallery.homodimer(method="ci", **SMALL), (4.0, 300.0))
    rate = found.rate.values
    # without detuning only the lines' width matters; the two halves of the mesh differ a little
    assert rate[0, 1] == pytest.approx(rate[1, 0], rel=1e-6)
    assert rate[0, 1, 0] > 10 * rate[0, 1, 1] > 1.0
    assert found.dipole_nm.values[0] == pytest.approx(found.dipole_nm.values[1], rel=1e-3)
    # dot 1 of the heterodimer is the same; the eigenstate's dipole would be √2 times that, or 0
    other = transferred(gallery.heterodimer(method="ci", **SMALL)).dipole_nm.values
    assert found.dipole_nm.values[0] == pytest.approx(other[0], rel=0.01)


def test_heterodimer_with_temperature():
    """A detuning of 16 meV: no transfer at 4 K, at 300 K faster than the emission, mostly downhill."""
    found = transferred(gallery.heterodimer(method="ci", **SMALL))
    rate, radiative = found.rate.values, found.radiative_rate.values
    print("1/ns: 4 K", rate[0, 1, 0], "300 K", rate[..., 1], "radiative", radiative)
    detuning = found.detuning_meV.values
    assert 10 < detuning[0, 1] < 25
    assert detuning[1, 0] == -detuning[0, 1]
    assert np.isnan([detuning[0, 0], rate[0, 0, 0], rate[1, 1, 1], found.coupling_meV.values[1, 1]]).all()
    assert rate[0, 1, 0] < 1e-6 * radiative[0]
    assert 1 < rate[0, 1, 1] / radiative[0] < 100
    coupling = found.coupling_meV.values
    assert coupling[0, 1] == pytest.approx(coupling[1, 0], rel=1e-12) and coupling[0, 1] > 0.03
    # a dipole's rate, n F² ω³ |er|²/(3π ε0 ħ c³), of the bright half
    omega = found.energy_eV.values * constants.e / constants.hbar
    squares = (constants.e * 1e-9 * found.dipole_nm.values) ** 2
    bright = omega**3 * squares / (3 * np.pi * constants.epsilon_0 * constants.hbar * constants.c**3)
    field = 3 * 2.2 / (6.2 + 2 * 2.2)
    assert radiative == pytest.approx(0.5e-9 * np.sqrt(2.2) * field**2 * bright, rel=1e-6)
    # half of the excitons are bright, of those transferred as of those radiated
    efficiency = found.efficiency.values
    assert efficiency[0, 1] == pytest.approx(1 / (1 + 2 * radiative[0] / rate[0, 1, 1]), rel=1e-12)
    assert efficiency[0, 0] < 1e-6 and efficiency[0, 1] > efficiency[1, 1] > 0.1


@pytest.mark.parametrize("temperature", [77.0, 300.0])
def test_detailed_balance(temperature):
    """Uphill over downhill is exp(−Δ/kT), to rounding, whatever the width."""
    for width in (30.0, 60.0):
        found = transferred(gallery.heterodimer(method="ci", **SMALL), (temperature,), (width,))
        down, up = found.rate.values[0, 1, 0], found.rate.values[1, 0, 0]
        factor = np.exp(-1e-3 * found.detuning_meV.values[0, 1] / (K_EV * temperature))
        assert 0.01 < factor < 0.7
        assert up / down == pytest.approx(factor, rel=1e-10)


def test_overlap_of_lines():
    """Two equal Gaussians overlap by 1/(2 √π σ); half a width apart that falls by 2^(−1/2)."""
    peak = spectral_overlap(0.0, 0.05, 300.0)
    assert peak == pytest.approx(np.sqrt(8 * np.log(2)) / (2 * np.sqrt(np.pi) * 0.05), rel=1e-12)
    assert spectral_overlap(0.05, 0.05, 300.0) == pytest.approx(peak / 4, rel=1e-12)
    widths = [1e3 * line_width(temperature) for temperature in (0.01, 4.0, 300.0)]
    assert widths == pytest.approx([1.0, 1.24, 62.4], abs=0.05)


def test_crystal_axes():
    """Dipoles lie across each dot's crystal axis: that decides which couplings are left."""

    def coupling(*axes):
        dots = [Dot(1.3, 2.1, position=(0, 0, 8.0 * i), c_axis=axis) for i, axis in enumerate(axes)]
        model = spq.Model(Molecule(tuple(dots)), self_energy="none", **SMALL)
        found = transferred(model, (300.0,), (50.0,))
        return found.coupling_meV.values[0, 1] / np.prod(found.dipole_nm.values), model

    both, model = coupling((0, 0, 1), (0, 0, 1))
    own = np.diag(tensors(model.molecule)[0, 1])
    assert both == pytest.approx(1e3 * abs(own[0]), rel=1e-9)
    one, _ = coupling((0, 0, 1), (1, 0, 0))
    assert one == pytest.approx(both / np.sqrt(2), rel=1e-9)
    neither, _ = coupling((0, 1, 0), (0, 1, 0))
    assert neither == pytest.approx(1e3 * np.sqrt(0.5 * (own[0] ** 2 + own[2] ** 2)), rel=1e-9)
    assert neither > 1.3 * both


def test_charges_act():
    """A surface charge moves the excitons as it does in `emission`; the model's method does not matter."""
    charge = SurfaceCharge(-1.0, z=-6.6)
    model = gallery.heterodimer(surface_charges=(charge,), final_state="frozen", **SMALL)
    found = transferred(model)
    assert found.attrs["input"] == dumps(model.replace(method="ci", final_state="relaxed"))
    wanted = spq.emission(model.replace(method="ci", final_state="relaxed"), ["X@1", "X@2"])
    assert found.energy_eV.values == pytest.approx([each.emission_eV for each in wanted], abs=1e-9)
    # bright states hold the whole overlap, to what electrons and holes of two dots overlap
    squares = HBAR2_2M * 17.5 * np.array([each.overlap for each in wanted]) / found.energy_eV.values**2
    assert found.dipole_nm.values**2 == pytest.approx(squares, rel=0.01)
    bare = transferred(gallery.heterodimer(method="ci", **SMALL)).detuning_meV.values[0, 1]
    assert abs(found.detuning_meV.values[0, 1] - bare) > 2


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        (gallery.monomer(), {}, "1 dot"),
        (gallery.heterodimer(self_energy="density"), {}, 'transfer: .*self_energy = "density"'),
        (gallery.heterodimer(), {"temperatures": (4.0, 0.0)}, r"temperatures\[2\] = 0 K: must be > 0"),
        (gallery.heterodimer(), {"temperatures": ()}, "at least one"),
        (gallery.heterodimer(), {"temperatures": 300.0}, "temperatures"),
        (gallery.heterodimer(), {"width_meV": (1.0,)}, "width_meV.*2 numbers"),
        (gallery.heterodimer(), {"width_meV": (1.0, -1.0)}, r"width_meV\[2\] = -1 meV: must be > 0"),
    ],
)
def test_errors(model, arguments, message):
    with pytest.raises(InputError, match=message) as error:
        transfer(model, **arguments)
    assert "\n" not in str(error.value)
