"""The materials table and its overrides."""

import dataclasses

import pytest

from spq import units
from spq.errors import InputError
from spq.materials import GIVEN, MATERIALS, VALUES, Material, new_material


def test_units_have_their_literature_values():
    assert units.HBAR2_2M == pytest.approx(0.0380998, abs=1e-7)
    assert units.COULOMB == pytest.approx(1.4399645, abs=1e-7)


def test_every_value_has_a_source():
    for material in MATERIALS.values():
        for key in VALUES:
            assert len(material.sources[key]) > 10, (material.name, key)
    assert all(MATERIALS[name].gap_300K for name in ("CdSe", "CdS", "ZnSe", "ZnS"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("CdSe", (0.13, 0.45, 1.84, 0.0, 9.5, 6.2)),
        ("CdS", (0.21, 0.70, 2.58, 0.10, 8.9, 5.4)),
        ("ZnSe", (0.16, 0.60, 2.82, 0.86, 8.6, 5.9)),
        ("ZnS", (0.28, 0.55, 3.84, 1.00, 8.9, 5.1)),
        ("PMMA", (1.0, 1.0, 7.84, 3.0, 2.25, 2.2)),
        ("ligand", (1.0, 1.0, 7.84, 3.0, 2.25, 2.2)),
    ],
)
def test_default_values(name, values):
    assert tuple(getattr(MATERIALS[name], key) for key in VALUES) == values


def test_walls_are_three_electronvolts_high_for_both_carriers():
    wall, core = MATERIALS["PMMA"], MATERIALS["CdSe"]
    assert wall.conduction_band == pytest.approx(3.0, abs=1e-12)
    assert wall.gap - core.gap - wall.conduction_band == pytest.approx(3.0, abs=1e-12)


def test_override_changes_the_value_and_its_source_only():
    changed = MATERIALS["CdS"].overridden({"gap": 2.6, "hole_mass": 0.70})
    assert changed.gap == 2.6
    assert changed.sources["gap"] == GIVEN
    assert changed.sources["hole_mass"] == MATERIALS["CdS"].sources["hole_mass"] != GIVEN
    assert changed != MATERIALS["CdS"]
    assert dataclasses.replace(changed, gap=2.58) == MATERIALS["CdS"]
    assert MATERIALS["CdS"].gap == 2.58


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"electron_mass": 0}, r"materials\.CdS\.electron_mass = 0 m0: must be > 0"),
        ({"gap": -1}, r"materials\.CdS\.gap = -1 eV: must be > 0"),
        ({"permittivity_static": 0.9}, r"permittivity_static = 0\.9: must be >= 1"),
        ({"gap": float("nan")}, r"gap = nan eV: must be finite"),
        ({"gap": "2.6"}, r"gap = '2\.6': must be a number in eV"),
        ({"electron_mas": 1}, r'electron_mas: unknown key \(nearest: "electron_mass"\)'),
    ],
)
def test_wrong_overrides(values, message):
    with pytest.raises(InputError, match=message):
        MATERIALS["CdS"].overridden(values)


def test_cdse_is_the_zero_of_energy():
    assert MATERIALS["CdSe"].overridden({"conduction_band": 0}).conduction_band == 0.0
    with pytest.raises(InputError, match=r"conduction_band = 0\.1 eV: must be 0"):
        MATERIALS["CdSe"].overridden({"conduction_band": 0.1})


def test_a_new_material_needs_every_value():
    values = dict.fromkeys(VALUES, 1)
    made = new_material("InP", values)
    assert isinstance(made, Material)
    assert made.gap == 1.0 and isinstance(made.gap, float)
    del values["gap"], values["hole_mass"]
    with pytest.raises(InputError, match=r"materials\.InP.*missing: hole_mass, gap$"):
        new_material("InP", values)
