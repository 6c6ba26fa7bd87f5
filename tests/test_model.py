"""The Model: values of the regions, checks, comparison."""

import math
import pickle

import numpy as np
import pytest

from spq.errors import InputError
from spq.geometry import Dot, Molecule
from spq.mapspec import MapSpec
from spq.model import Model
from spq.surface import SurfaceCharge

MOLECULE = Molecule.dimer((1.3, 1.35), 2.1)
NOMINAL = Model(MOLECULE)
BENT = Molecule([Dot(1.3, 2.1, position=p) for p in ((0, 0, 0), (6, 0, 0), (6, 6, 0))])
NEW = {
    "electron_mass": 0.08,
    "hole_mass": 0.6,
    "gap": 1.42,
    "conduction_band": -0.3,
    "permittivity_static": 12.5,
    "permittivity_optical": 9.6,
}


def test_values_of_the_regions():
    names = [material.name for material in NOMINAL.region_materials]
    assert names == ["CdSe", "CdS", "CdSe", "CdS", "PMMA"]
    np.testing.assert_allclose(NOMINAL.band("e"), [0, 0.10, 0, 0.10, 3], atol=1e-12)
    np.testing.assert_allclose(NOMINAL.band("h"), [0, 0.64, 0, 0.64, 3], atol=1e-12)
    np.testing.assert_array_equal(NOMINAL.masses("e"), [0.13, 0.21, 0.13, 0.21, 1])
    np.testing.assert_array_equal(NOMINAL.masses("h"), [0.45, 0.70, 0.45, 0.70, 1])
    np.testing.assert_array_equal(NOMINAL.permittivities(), [9.5, 8.9, 9.5, 8.9, 2.25])
    optical = NOMINAL.replace(permittivity="optical").permittivities()
    np.testing.assert_array_equal(optical, [6.2, 5.4, 6.2, 5.4, 2.2])


def test_other_band_step_and_other_cores():
    np.testing.assert_allclose(
        Model(MOLECULE, conduction_band_offset=0.32).band("h"), [0, 0.42, 0, 0.42, 3], atol=1e-12
    )
    molecule = Molecule.dimer(1.3, 2.1, core=("CdSe", "InP"), shell=("CdS", "ZnS"))
    model = Model(molecule, materials={"InP": NEW})
    np.testing.assert_allclose(model.core_gaps, [1.84, 1.42], atol=1e-12)
    np.testing.assert_allclose(model.band("e"), [0, 0.10, -0.3, 1.0, 3], atol=1e-12)
    np.testing.assert_allclose(model.band("h"), [0, 0.64, -0.12, 1.0, 3], atol=1e-12)
    assert model.gap == 1.84
    wider = model.replace(materials={"InP": NEW, "CdSe": {"gap": 1.94}})
    np.testing.assert_allclose(wider.band("h") - model.band("h"), [0, -0.1, -0.1, -0.1, -0.1])


def test_shorthand_and_table_are_the_same_value():
    short = Model(MOLECULE, conduction_band_offset=0.32)
    long = Model(MOLECULE, materials={"CdS": {"conduction_band": 0.32}})
    assert short == long and hash(short) == hash(long) and short != NOMINAL
    assert Model(MOLECULE, conduction_band_offset=0.1) == NOMINAL
    assert Model(MOLECULE, materials={"CdSe": {"gap": 1.84}}) == NOMINAL
    with pytest.raises(InputError, match="both given"):
        Model(MOLECULE, conduction_band_offset=0.1, materials={"CdS": {"conduction_band": 0.1}})


def test_models_compare_by_value_and_do_not_share_the_input():
    overrides = {"CdS": {"gap": 2.6}}
    model = Model(MOLECULE, materials=overrides)
    overrides["CdS"]["gap"] = 9.0
    assert model.material("CdS").gap == model.materials["CdS"]["gap"] == 2.6
    assert pickle.loads(pickle.dumps(model)) == model
    for change in (
        {"self_energy": "density"},
        {"accuracy": "fine"},
        {"surface_charges": [SurfaceCharge(1, z=0)]},
        {"map": MapSpec(points=11)},
        {"molecule": Molecule.monomer(1.3, 2.1)},
        {"matrix": "ligand"},
    ):
        assert NOMINAL.replace(**change) != NOMINAL
    assert NOMINAL.replace(accuracy="fine").replace(accuracy="normal") == NOMINAL
    with pytest.raises(InputError, match=r'self_enrgy: unknown key \(nearest: "self_energy"\)'):
        NOMINAL.replace(self_enrgy="none")


def test_states():
    names = ["X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2"]
    assert [state.name for state in NOMINAL.states] == names
    given = NOMINAL.replace(map=MapSpec(states=["e1 e1 h1 e2", "X@2"]))
    assert [state.name for state in given.states] == ["segT@1", "X@2"]
    monomer = NOMINAL.replace(molecule=Molecule.monomer(1.3, 2.1))
    assert [state.name for state in monomer.states] == ["X@1", "X-@1", "X+@1", "XX@1"]
    with pytest.raises(InputError, match=r'map\.states\[2\]: state "X@3": .*no dot 3'):
        NOMINAL.replace(map=MapSpec(states=("X@1", "X@3")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"discretisation": "axisymmetric", "molecule": BENT},
            r'discretisation = "axisymmetric": needs dots on one line; use "solid"',
        ),
        ({"method": "ci", "self_energy": "density"}, r'self_energy = "density": .* use "image" or "none"'),
        ({"method": "ci", "final_state": "frozen"}, r'final_state = "frozen": .*use "relaxed"'),
        ({"method": "cl"}, r'must be one of "reduced", "direct", "ci" \(nearest: "ci"\)'),
        ({"ci": 30}, "must be a CISpec"),
        ({"electric_field": (0, 0)}, "must be 3 numbers"),
        ({"electric_field": (0, 0, math.nan)}, r"electric_field\[3\] = nan kV/cm: must be finite"),
        ({"electric_field": 3}, "must be 3 numbers"),
        ({"self_energy": "imagine"}, r'must be one of "none", "image", "density" \(nearest'),
        ({"self_energy": None}, r"self_energy = None: must be one of"),
        ({"accuracy": 1}, r"model\.accuracy = 1: must be one of"),
        ({"final_state": "Relaxed"}, r'nearest: "relaxed"'),
        ({"permittivity": "statc"}, r'materials\.permittivity = .* \(nearest: "static"\)'),
        ({"matrix": "PMA"}, r'materials\.matrix = "PMA": unknown material \(nearest: "PMMA"\)'),
        ({"matrix": 1}, r"materials\.matrix = 1: must be a name"),
        ({"conduction_band_offset": "a"}, r"conduction_band_offset = 'a': must be a number"),
        ({"conduction_band_offset": True}, r"conduction_band_offset = True: must be a number"),
        ({"materials": {"InP": {"gap": 1}}}, r"InP.*missing: electron_mass, hole_mass, con"),
        ({"materials": {"CdS": {"gap": 0}}}, r"materials\.CdS\.gap = 0 eV: must be > 0"),
        ({"materials": {"CdS": 2}}, r"materials\.CdS = 2"),
        ({"materials": "CdS"}, r"materials: must map"),
        ({"molecule": 1}, "molecule = 1: must be a Molecule"),
        ({"map": {}}, "must be a MapSpec"),
        ({"map": MapSpec(z=(0, 7))}, r"map\.z = 7 nm: lies beyond a pole"),
        ({"surface_charges": SurfaceCharge(1, z=0)}, "must be a list of SurfaceCharge"),
        ({"surface_charges": [1]}, r"surface_charges\[1\] = 1: must be a SurfaceCharge"),
        (
            {"surface_charges": [SurfaceCharge(1, z=0), SurfaceCharge(1, z=9)]},
            r"surface_charges\[2\]\.z = 9 nm: lies beyond a pole",
        ),
        (
            {"surface_charges": [SurfaceCharge(1, position=(0, 0, 3))]},
            r"surface_charges\[1\]\.position = \[0, 0, 3\] nm: lies 3\.25 nm inside",
        ),
    ],
)
def test_wrong_models(change, message):
    with pytest.raises(InputError, match=message) as caught:
        Model(**({"molecule": MOLECULE} | change))
    assert "\n" not in str(caught.value)


def test_unknown_materials_of_dots_are_named():
    with pytest.raises(InputError, match=r'dots\[2\]\.shell = "CdZ": unknown material.*"CdS'):
        Model(Molecule.dimer(1.3, 2.1, shell=("CdS", "CdZ")))
    with pytest.raises(InputError, match="unknown material"):
        NOMINAL.material("GaAs")
    with pytest.raises(InputError, match='nearest: "electron_mass"'):
        NOMINAL.region_values("electron_mas")
    with pytest.raises(InputError, match='kind = .p.: must be one of "e", "h"'):
        NOMINAL.masses("p")


def test_a_zero_field_and_all_built_options_are_accepted():
    Model(
        MOLECULE,
        electric_field=np.zeros(3),
        self_energy="density",
        method="direct",
        discretisation="solid",
        final_state="frozen",
    )


def test_the_discretisation_that_auto_means():
    row = Molecule([Dot(1.3, 2.1, position=(2 * k, k, 3 * k)) for k in (0, 2, 4)])
    for molecule in (MOLECULE, Molecule.monomer(1.3, 2.1), row):
        model = Model(molecule)
        assert model.discretisation == "auto" and model.chosen_discretisation == "axisymmetric"
        assert model.replace(discretisation="solid").chosen_discretisation == "solid"
        assert model.replace(discretisation="axisymmetric").chosen_discretisation == "axisymmetric"
    assert Model(BENT).chosen_discretisation == "solid"


def test_bent_molecules_have_no_map_line_but_are_models():
    assert [state.name for state in Model(BENT).states] == ["X@1", "X@2", "X@3"]
    with pytest.raises(InputError, match=r"map\.z: needs dots on one line"):
        Model(BENT, map=MapSpec(z=(0.0,)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": 1}, r"map\.points = 1: must be >= 2"),
        ({"points": 4.0}, "whole number"),
        ({"points": True}, "whole number"),
        ({"phi_points": 0}, "must be >= 1"),
        ({"surface": "lien"}, r'nearest: "line"'),
        ({"phi": "0"}, "must be a number in degrees"),
        ({"charges": ()}, "must be at least one number"),
        ({"charges": (1, -1, 1.0)}, r"map\.charges = .*: every charge can be given once"),
        ({"charges": 1.0}, r"map\.charges = 1: must be at least one number"),
        ({"charges": (1, math.inf)}, r"map\.charges\[2\] = inf e: must be finite"),
        ({"z": ()}, "must be at least one number"),
        ({"z": (math.nan,)}, "must be finite"),
        ({"states": ()}, "at least one state"),
        ({"states": "X@1"}, "must be a list of states"),
        ({"states": ["X@1", 2]}, r"map\.states\[2\] = 2"),
    ],
)
def test_wrong_maps(arguments, message):
    with pytest.raises(InputError, match=message):
        MapSpec(**arguments)


def test_map_numbers_are_plain():
    spec = MapSpec(charges=np.array([1, -1]), z=np.linspace(0, 1, 3), points=np.int64(5))
    assert spec == MapSpec(z=(0.0, 0.5, 1.0), points=5)
    assert {type(x) for x in (*spec.charges, *spec.z)} == {float} and type(spec.points) is int


@pytest.mark.parametrize("states", [("X@1", "X@1"), ("X@1", "e1 h1"), ("e1 e2 h1 @1", "segX-@1")])
def test_a_state_is_given_once(states):
    with pytest.raises(InputError, match=r"map\.states\[2\]: .* again"):
        Model(Molecule.dimer(1.3, 2.1), map=MapSpec(states=states))


def test_points_of_a_gapped_molecule_are_checked_with_the_model():
    """Each of two dots has two poles."""
    gapped = Molecule.dimer(1.3, 2.1, center_distance=7.5)
    with pytest.raises(InputError, match=r"map\.points = 3"):
        Model(gapped, map=MapSpec(points=3))
    assert Model(gapped, map=MapSpec(points=4)).map.points == 4
