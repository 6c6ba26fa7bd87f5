"""Self-energy of a point charge: exact spheres, then levels, emission and shifts of the monomer."""

import numpy as np
import pytest
from systems import entry, reference

import spq
from spq import gallery
from spq.image import CUT, sphere_self_energy
from spq.single_particle import levels
from spq.units import COULOMB

CORE, OUTER = 1.3, 3.4


def image(step, accuracy="normal", **others):
    return gallery.uniform_monomer(step, self_energy="image", accuracy=accuracy, **others)


@pytest.mark.parametrize("name", ["image_self_energy", "layered_image_self_energy"])
def test_reference_tables(name):
    """Exact to the digits given, inside and outside."""
    table = reference("sphere")[name]
    layers = table.get("eps") or [table["eps_in"], table["eps_in"], table["eps_out"]]
    found = 1e3 * sphere_self_energy(np.array(table["r_nm"]), CORE, OUTER, layers, cut=0.0)
    assert found == pytest.approx(table["sigma_meV"], abs=2e-6, rel=1e-8)


def summed(radius, inner, shell, matrix, orders=6000):
    """The series of a charge in the shell, term by term."""
    order = np.arange(orders)
    core_back = order * (shell - inner) / (order * inner + (order + 1) * shell)
    outer_back = (order + 1) * (shell - matrix) / (order * shell + (order + 1) * matrix)
    x = (radius / OUTER) ** (2 * order + 1) * outer_back
    y = (CORE / radius) ** (2 * order + 1) * core_back
    return COULOMB / (2 * shell * radius) * np.sum((x + y + 2 * x * y) / (1 - x * y))


@pytest.mark.parametrize("layers", [(9.5, 8.9, 2.25), (5.0, 9.0, 2.0), (6.0, 3.0, 12.0)])
def test_the_series_of_a_charge_in_the_shell(layers):
    for radius in (1.32, 1.5, 2.4, 3.3, 3.39):
        found = sphere_self_energy(np.array([radius]), CORE, OUTER, layers, cut=0.0)
        assert found[0] == pytest.approx(summed(radius, *layers), rel=1e-10)


def test_at_the_centre():
    """Σ(0) = (k/2R)(1/ε₂ − 1/ε₁)."""
    found = sphere_self_energy(np.zeros(1), OUTER, OUTER, (9.5, 1.0, 2.25))
    assert found[0] == pytest.approx(COULOMB / (2 * OUTER) * (1 / 2.25 - 1 / 9.5), rel=1e-12)


def test_a_bare_core_is_a_uniform_sphere():
    radius = np.linspace(0.0, 3.39, 40)
    bare = sphere_self_energy(radius, OUTER, OUTER, (9.5, 4.0, 2.25))
    assert bare == pytest.approx(sphere_self_energy(radius, CORE, OUTER, (9.5, 9.5, 2.25)), rel=1e-12)


def test_across_the_surface_of_the_core_it_is_a_line():
    layers = (9.5, 8.9, 2.25)
    radius = CORE + CUT * np.linspace(-1, 1, 9)
    line = sphere_self_energy(radius, CORE, OUTER, layers)
    assert np.diff(line, 2) == pytest.approx(0.0, abs=1e-12)
    ends = sphere_self_energy(radius[[0, -1]], CORE, OUTER, layers, cut=0.0)
    assert line[[0, -1]] == pytest.approx(ends, rel=1e-6)
    near = sphere_self_energy(CORE + np.array([-1e-3, 1e-3]), CORE, OUTER, layers, cut=0.0)
    assert near[0] - near[1] > 20 * abs(ends[0] - ends[1])  # without it, two poles


def test_without_contrast_there_is_none():
    radius = np.linspace(0.1, 5.0, 20)
    assert sphere_self_energy(radius, CORE, OUTER, (7.0, 7.0, 7.0)) == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
def test_levels_with_the_cut(discretisation):
    row = reference("sphere")["image_1s_with_cut"]
    model = gallery.monomer(self_energy="image", discretisation=discretisation)
    assert model.permittivities().tolist() == row["eps"]
    found = levels(model)
    assert found.electron[0].energy_meV == pytest.approx(row["e"], abs=0.3)
    assert found.hole[0].energy_meV == pytest.approx(row["h"], abs=0.3 if discretisation != "solid" else 1.0)
    plain = levels(model.replace(self_energy="none"))
    assert found.electron[0].energy_meV - plain.electron[0].energy_meV > 50.0


@pytest.mark.parametrize("step", [0.10, 0.32])
@pytest.mark.parametrize(
    "accuracy, exciton, shift, charged",
    [("normal", 0.3, 0.3, 0.1), pytest.param("fine", 0.15, 0.15, 0.05, marks=pytest.mark.slow)],
)
def test_reference_emission_and_shifts(step, accuracy, exciton, shift, charged):
    model, rows = image(step, accuracy), reference("shifts")
    row = entry(rows["monomer"], cb_step_eV=step)
    found = {state: spq.emission(model, f"{state}@1").confinement_meV for state in ("X", "X-", "X+", "XX")}
    assert found["X"] == pytest.approx(row["X"], abs=exciton)
    for state in ("X-", "X+", "XX"):
        assert abs(row[state]) > 5 * shift
        assert found[state] - found["X"] == pytest.approx(row[state], abs=shift)
    frozen = spq.emission(model.replace(final_state="frozen"), "X-@1").confinement_meV
    assert frozen - found["X"] == pytest.approx(row["X-_frozen"], abs=shift)
    for place in [each for each in rows["surface_charge_at_pole"] if each["cb_step_eV"] == step]:
        for state in ("X", "X-"):
            value = spq.emission(model, f"{state}@1", [spq.SurfaceCharge(place["Q"], z=OUTER)]).shift_meV
            assert value == pytest.approx(place[state], abs=charged)


def test_two_charges_do_not_add():
    row = reference("shifts")["two_charges_image"]
    for second, expected in zip((-1, 1), row["X"].values(), strict=True):
        charges = [spq.SurfaceCharge(1, z=OUTER), spq.SurfaceCharge(second, z=-OUTER)]
        found = spq.emission(image(row["cb_step_eV"]), "X@1", charges)
        assert found.shift_meV == pytest.approx(expected, abs=0.05)


def test_reference_shift_in_a_field():
    row = entry([reference("shifts")["uniform_field_X"]], cb_step_eV=0.32)
    for strength, expected in zip(row["kV_per_cm"], row["image"], strict=True):
        found = spq.emission(image(0.32, electric_field=(0.0, 0.0, strength)), "X@1")
        assert found.shift_meV == pytest.approx(expected, rel=0.02)


def test_the_direct_method_agrees():
    model, charge = image(0.10, "coarse"), [spq.SurfaceCharge(-1, z=2.0, phi=30.0)]
    found = [spq.emission(model.replace(method=way), "X-@1", charge) for way in ("reduced", "direct")]
    assert found[0].shift_meV < -1.0
    assert found[0].shift_meV == pytest.approx(found[1].shift_meV, abs=0.03)
    assert found[0].emission_eV == pytest.approx(found[1].emission_eV, abs=5e-5)
