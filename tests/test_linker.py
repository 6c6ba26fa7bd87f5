"""Dots that are not fused but joined by a linker: geometry, barrier, and what the paper says of them."""

import numpy as np
import pytest
from systems import discretised, need_gmsh

import spq
from spq import InputError, MeshError, Molecule, SurfaceCharge, gallery
from spq.mesh import molecule_mesh, region_names, region_volumes
from spq.single_particle import levels

GAP = 0.6  # nm
DISTANCE = 2 * 3.4 + GAP


def homodimer(linker_diameter=2.0, barrier=3.0, distance=DISTANCE, **options):
    need_gmsh()
    molecule = Molecule.dimer(1.3, 2.1, distance, linker_diameter=linker_diameter)
    materials = {"ligand": {"conduction_band": barrier, "gap": 7.84}}
    return gallery.homodimer(accuracy="coarse", materials=materials, **options).replace(molecule=molecule)


def linked(**options):
    """The nominal heterodimer, its dots 0.6 nm apart."""
    need_gmsh()
    return gallery.linked_heterodimer(accuracy="coarse", self_energy="image", **options)


def test_the_region_of_the_linker():
    space = discretised(homodimer()).space
    names = region_names(space.molecule)
    assert names[-2:] == ["linker", "matrix"]
    volume = region_volumes(space.mesh, space.molecule)[-2]
    exact = space.molecule.linker_volume()
    radius = np.linspace(0, 1, 2001)
    thickness = DISTANCE - 2 * np.sqrt(3.4**2 - radius**2)
    assert exact == pytest.approx(np.trapezoid(2 * np.pi * radius * thickness, radius), rel=1e-5)
    assert volume == pytest.approx(exact, rel=3e-3)
    assert space.molecule.in_linker(
        [[0, 0, 0], [0, 0, 0.29], [0, 0, 0.31], [1.1, 0, 0], [9, 0, 0]]
    ).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_linker_of_the_matrix_is_none():
    """Behind a finite wall, where orbitals are in both."""
    found = []
    for diameter in (0.0, 2.0):
        found.append(levels(homodimer(diameter, wall="finite", distance=6.9)).splitting_meV["electron"])
    assert found[0] > 0.1
    assert found[1] == pytest.approx(found[0], abs=0.02)


def test_the_lower_the_barrier_the_more_is_shared():
    splitting = [levels(homodimer(barrier=barrier)).splitting_meV["electron"] for barrier in (3.0, 1.0, 0.3)]
    assert 0.0 < splitting[0] < 0.5 * splitting[1] < 0.25 * splitting[2]
    heavy = homodimer(barrier=1.0)
    materials = {"ligand": {**heavy.materials["ligand"], "electron_mass": 3.0}}
    assert levels(heavy.replace(materials=materials)).splitting_meV["electron"] < 0.8 * splitting[1]


def test_a_linked_dimer_beside_the_fused_one():
    """Charges on the emitting dot do the same; nothing hybridises."""
    fused = gallery.heterodimer(accuracy="coarse", self_energy="image")
    for state in ("X@1", "segX-@1"):
        for charge in (1, -1):
            shifts = [
                spq.emission(model, state, [SurfaceCharge(charge, z=pole)]).shift_meV
                for model, pole in ((fused, -6.6), (linked(), -7.125))
            ]
            print(f"{state} {charge:+d} e: fused {shifts[0]:.3f}, linked {shifts[1]:.3f} meV")
            assert shifts[1] == pytest.approx(shifts[0], rel=0.2)
    whole = [spq.shift_map(model, points=31) for model in (fused, linked())]
    assert all(each["converged"].values.all() for each in whole)
    hybridised = [int(each["hybridised"].values.sum()) for each in whole]
    print("hybridised points, fused and linked:", hybridised)
    assert hybridised[0] > 0 == hybridised[1]


def test_its_self_energy():
    """Close to that of dots with nothing between them; finite in the linker."""
    model = linked()
    problem = discretised(model)
    apart = discretised(model.replace(molecule=Molecule.dimer((1.3, 1.35), 2.1, 6.85 + GAP)))
    means = []
    for each in (problem, apart):
        space = each.space
        inside = space.molecule.distance_outside(space.points) < -0.3
        means.append(np.average(each.image[inside], weights=space.weights[inside]))
    assert means[0] == pytest.approx(means[1], rel=5e-3)
    between = problem.space.molecule.in_linker(problem.space.points)
    assert between.sum() > 100 and np.abs(problem.image[between]).max() < 2.0


@pytest.mark.parametrize("gap, permittivity", [(0.3, 2.25), (0.4, 2.25), (0.6, 4.0)])
def test_the_self_energy_beside_small_and_polarisable_linkers(gap, permittivity):
    """Away from the linker as on dots with nothing between them, and a line through its surface only."""
    need_gmsh()
    materials = {"ligand": {"permittivity_static": permittivity}}
    options = {"accuracy": "coarse", "self_energy": "image", "materials": materials}
    shapes = [Molecule.dimer(1.3, 2.1, 6.8 + gap, linker_diameter=width) for width in (1.0, 0.0)]
    with_linker, without = (discretised(gallery.homodimer(**options).replace(molecule=s)) for s in shapes)
    means = []
    for each in (with_linker, without):
        space = each.space
        far = np.abs((space.points - space.molecule.mean_center) @ space.molecule.axis) > 3.4 + gap / 2
        depth = -space.molecule.distance_outside(space.points)
        assert np.all(each.image[far & (depth > 1e-6)] > 0.03)
        for deep in (depth > 0.3, (depth > 0.02) & (depth < 0.1)):
            here = far & deep  # times the depth: close to the wall the self-energy goes as 1/depth
            means.append(np.average((each.image * depth)[here], weights=space.weights[here]))
    assert means[:2] == pytest.approx(means[2:], rel=0.03)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"center_distance": 6.4}, "a linker joins two dots with a gap between them"),
        ({"neck_diameter": 1.0}, "the dots have a neck already"),
        ({"linker_diameter": 7.0}, "must be <= 6.8 nm, twice the smaller outer radius"),
        ({"linker_diameter": -1.0}, "linker_diameter = -1 nm: must be >= 0"),
    ],
)
def test_linkers_that_cannot_be(change, message):
    given = {"center_distance": DISTANCE, "linker_diameter": 1.0} | change
    with pytest.raises(InputError, match=message):
        Molecule.dimer(1.3, 2.1, **given)


def test_linkers_need_the_half_plane():
    with pytest.raises(InputError, match="linked dots need an axisymmetric discretisation"):
        homodimer(discretisation="solid")
    with pytest.raises(MeshError, match="linked dots"):
        molecule_mesh(homodimer().molecule, "coarse")
    with pytest.raises(InputError, match='materials.linker = "glue"'):
        homodimer(linker="glue")
