"""Fields of an input by dotted name."""

import numpy as np
import pytest

from spq.axes import axes_of, points
from spq.errors import InputError
from spq.fields import changed
from spq.geometry import Molecule
from spq.model import Model
from spq.surface import SurfaceCharge

MODEL = Model(
    Molecule.dimer((1.3, 1.35), 2.1),
    surface_charges=(SurfaceCharge(charge=1.0, z=2.0), SurfaceCharge(charge=-1.0, z=-2.0)),
)


def test_fields_change_what_they_name():
    model = changed(
        MODEL,
        {
            "dots[2].core_radius": 1.4,
            "geometry.neck_diameter": np.float64(4.0),
            "materials.matrix": "ligand",
            "materials.CdSe.gap": 1.9,
            "materials.conduction_band_offset": 0.2,
            "model.self_energy": "none",
            "model.electric_field[3]": 10,
            "surface_charges[2].charge": -0.5,
            "map.states": ("X@1",),
            "ci.rank": 2,
            "spectrum.temperature": 300.0,
        },
    )
    assert [dot.core_radius for dot in model.molecule.dots] == [1.3, 1.4]
    assert model.molecule.neck_diameter == 4.0 and model.matrix == "ligand" and model.gap == 1.9
    assert model.band("e")[1] == 0.2 and model.self_energy == "none"
    assert model.electric_field == (0.0, 0.0, 10.0)
    assert [charge.charge for charge in model.surface_charges] == [1.0, -0.5]
    assert (model.map.states, model.ci.rank, model.spectrum.temperature) == (("X@1",), 2, 300.0)
    assert changed(MODEL, {}) == MODEL


def test_a_list_as_a_whole_means_all_of_it():
    assert changed(MODEL, {"dots.core_radius": 1.5}).molecule.core_radii.tolist() == [1.5, 1.5]
    model = changed(MODEL, {"surface_charges.charge": 0.25})
    assert [charge.charge for charge in model.surface_charges] == [0.25, 0.25]


def test_defaults_that_depend_on_the_rest_follow():
    """Fused dots stay 0.45 nm within each other, unless their distance was given."""
    follows = changed(MODEL, {"dots[1].core_radius": 1.5}).molecule
    assert np.isclose(np.ptp(follows.centers[:, 2]), 3.6 + 3.45 - 0.45)
    given = changed(Model(Molecule.dimer(1.3, 2.1, 6.4)), {"dots[1].core_radius": 1.5}).molecule
    assert np.isclose(np.ptp(given.centers[:, 2]), 6.4)


@pytest.mark.parametrize("base", [MODEL, MODEL.replace(materials={"CdS": {"conduction_band": 0.3}})])
@pytest.mark.parametrize("name", ["materials.conduction_band_offset", "materials.CdS.conduction_band"])
def test_the_step_has_two_names(base, name):
    assert changed(base, {name: 0.15}).band("e")[1] == 0.15
    assert changed(changed(base, {name: 0.15}), {name: 0.25}).band("e")[1] == 0.25


@pytest.mark.parametrize(
    "name, expected",
    [
        ("dots[1].core_radus", 'dots[1].core_radus: unknown key (nearest: "dots[1].core_radius")'),
        ("dot[1].core_radius", 'dot[1].core_radius: unknown field (nearest: "dots")'),
        ("dots[3].core_radius", "dots[3].core_radius: the input has 2 dots, counted from 1"),
        ("dots[0].core_radius", "counted from 1"),
        ("core_radius", '"core_radius": is no dotted field name'),
        ("dots[1]..core_radius", "is no dotted field name"),
        ("geometry[1].neck_diameter", "geometry is no list"),
        ("materials.CdSe.gapp", "materials.CdSe.gapp: unknown key"),
        ("materials.CdSe.gap.x", "unknown field"),
        ("model.electric_field[4]", "the list has 3 entries"),
        ("model.accuracy[1]", "is no list in the input"),
        (3, "3: a field must be a dotted name"),
    ],
)
def test_unknown_fields_are_named(name, expected):
    with pytest.raises(InputError) as error:
        changed(MODEL, {name: 1.0})
    assert expected in str(error.value)


def test_charges_that_are_not_there():
    with pytest.raises(InputError, match="the input has no surface charges"):
        changed(Model(Molecule.monomer(1.3)), {"surface_charges.charge": 1.0})


@pytest.mark.parametrize(
    "one, other",
    [
        ("dots.core_radius", "dots[2].core_radius"),
        ("materials.conduction_band_offset", "materials.CdS.conduction_band"),
        ("model.electric_field", "model.electric_field[1]"),
    ],
)
def test_two_names_for_one_field_are_refused(one, other):
    for axes in ({one: [1.0], other: [1.0]}, {other: [1.0], one: [1.0]}, {(one, other): [[1.0], [1.0]]}):
        with pytest.raises(InputError, match="contradicts"):
            axes_of(MODEL, axes)


def test_axes_are_grids_lists_and_lists_side_by_side():
    axes = axes_of(
        MODEL,
        {
            "dots[1].core_radius": {"start": 1.2, "stop": 1.4, "points": 3},
            ("dots[2].core_radius", "materials.matrix"): ([1.3, 1.4], ["PMMA", "ligand"]),
            "model.self_energy": ["none", "image"],
        },
    )
    assert [axis.dimension for axis in axes] == ["dots[1].core_radius", "zipped", "model.self_energy"]
    found = list(points(MODEL, axes))
    assert len(found) == 3 * 2 * 2
    assert [model.molecule.dots[0].core_radius for model in found[::4]] == pytest.approx([1.2, 1.3, 1.4])
    zipped = [(model.molecule.dots[1].core_radius, model.matrix) for model in found[:4]]
    assert zipped == [(1.3, "PMMA")] * 2 + [(1.4, "ligand")] * 2
    assert [model.self_energy for model in found[:2]] == ["none", "image"]


def test_values_may_be_lists():
    (axis,) = axes_of(MODEL, {"model.electric_field": np.array([[0, 0, 0.0], [0, 0, 5.0]])})
    assert [model.electric_field[2] for model in points(MODEL, [axis])] == [0.0, 5.0]
    assert axis.coordinate("model.electric_field")[1] == "[0.0, 0.0, 5.0]"


@pytest.mark.parametrize(
    "axes, expected",
    [
        ({}, "must map at least one field"),
        ({"dots.core_radius": []}, "dots.core_radius = []: must hold at least one value"),
        ({"dots.core_radius": 1.3}, "dots.core_radius = 1.3: must be a list of values"),
        ({"dots.core_radius": [1.3, 1.3]}, "dots.core_radius = 1.3 is given twice"),
        ({"dots.core_radius": [1, 1.0]}, "dots.core_radius = 1.0 is given twice"),
        ({"model.electric_field": [[0, 0, 1], [0.0, 0.0, 1]]}, "is given twice"),
        ({"dots.core_radius": [10**400]}, "is too large"),
        ({"dots.core_radius": [1.3, "x"]}, "must be all numbers or all words"),
        ({"dots.core_radius": {"start": 1.0, "stop": 2.0}}, "points is missing"),
        ({"dots.core_radius": {"start": 1.0, "end": 2.0}}, "end: unknown key"),
        ({("dots[1].core_radius", "dots[2].core_radius"): [[1.3]]}, "1 lists for 2 fields"),
        ({("dots[1].core_radius", "dots[2].core_radius"): [[1.3], [1.3, 1.4]]}, "have [1, 2] values"),
        ({1: [1.0]}, "must be a field's dotted name"),
    ],
)
def test_wrong_axes_are_refused(axes, expected):
    with pytest.raises(InputError) as error:
        axes_of(MODEL, axes)
    assert expected in str(error.value)
