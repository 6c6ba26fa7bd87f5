"""Points on the surface and charges there."""

import math

import numpy as np
import pytest

from spq.errors import InputError
from spq.geometry import Dot, Molecule
from spq.surface import SurfaceCharge, line_positions, surface_points

MONOMER = Molecule.monomer(1.3, 2.1)
NOMINAL = Molecule.dimer((1.3, 1.35), 2.1)
NECKED = Molecule.dimer((1.3, 1.35), 2.1, neck_diameter=4.0)
GAPPED = Molecule.dimer((1.3, 1.35), 2.1, 8.0)
BRIDGED = Molecule.dimer((1.3, 1.35), 2.1, 8.0, 3.0)
CHAIN = Molecule([Dot(1.3, 2.1, position=(0, 0, z)) for z in (-6, 0, 9)])
# a quarter turn that takes z to x and x to -z
Z_TO_X = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])


@pytest.mark.parametrize("molecule", [MONOMER, NOMINAL, NECKED, GAPPED, BRIDGED, CHAIN])
def test_points_are_on_the_surface_and_outermost(molecule):
    z = line_positions(molecule, 60)
    phi = np.linspace(0, 300, 60)
    points = surface_points(molecule, z, phi)
    np.testing.assert_allclose(molecule.distance_outside(points), 0.0, atol=1e-7)
    np.testing.assert_allclose(points[:, 2], z, atol=1e-12)
    np.testing.assert_allclose(points[5, 1], points[5, 0] * np.tan(np.deg2rad(phi[5])), rtol=1e-9)
    off_axis = np.hypot(points[:, 0], points[:, 1]) > 0.0
    assert 50 < np.sum(off_axis) < 60  # all but the poles
    beyond = molecule.distance_outside(points[off_axis] * [1.001, 1.001, 1.0])
    assert np.all(beyond > 0)


def test_the_neck_is_the_outermost_surface_where_it_acts():
    (x, _, z) = surface_points(NECKED, [0.0])[0]
    assert (x, z) == (pytest.approx(2.0, abs=1e-12), 0.0)
    assert surface_points(NOMINAL, [0.0])[0, 0] < 1.5
    assert surface_points(NECKED, [-3.2])[0, 0] == pytest.approx(3.4, abs=1e-12)


def test_phi_turns_right_handed_from_x():
    points = surface_points(MONOMER, [0, 0, 0], [0, 90, -180])
    np.testing.assert_allclose(points, 3.4 * np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0]]), atol=1e-12)
    # axis along +x: phi = 0 is +y and 90 degrees is axis x y = +z
    turned = NOMINAL.rotated(Z_TO_X)
    np.testing.assert_allclose(turned.axis, [1, 0, 0], atol=1e-15)
    points = surface_points(turned, [3.2, 3.2], [0, 90])
    np.testing.assert_allclose(points, [[3.2, 3.45, 0], [3.2, 0, 3.45]], atol=1e-12)
    # axis along -z: phi = 0 is still +x, 90 degrees is -z x x = -y
    over = Molecule([Dot(1.3, 2.1, position=(0, 0, z)) for z in (3, -3)])
    points = surface_points(over, [3.0, 3.0], [0, 90])
    np.testing.assert_allclose(points, [[3.4, 0, -3], [0, -3.4, -3]], atol=1e-12)


def test_z_counts_from_the_laboratory_origin():
    moved = NOMINAL.translated([1, 2, 10])
    points = surface_points(moved, [13.2, 10 + 3.2 + 3.45])
    np.testing.assert_allclose(points, [[1 + 3.45, 2, 13.2], [1, 2, 16.65]], atol=1e-12)
    with pytest.raises(InputError, match="beyond a pole"):
        surface_points(moved, [3.2])


def test_offset_goes_along_the_normal():
    point = surface_points(MONOMER, [1.7], 30, offset=0.6)[0]
    assert np.linalg.norm(point) == pytest.approx(4.0, abs=1e-12)
    np.testing.assert_allclose(point / 4.0, surface_points(MONOMER, [1.7], 30)[0] / 3.4, atol=1e-12)
    on_neck = surface_points(NECKED, [0.1], 0, offset=0.3)[0]
    np.testing.assert_allclose(on_neck, [2.3, 0, 0.1], atol=1e-12)
    pole = surface_points(NOMINAL, [-6.6], 77, offset=0.5)[0]
    np.testing.assert_allclose(pole, [0, 0, -7.1], atol=1e-12)


def test_offset_at_an_edge_is_perpendicular_to_the_axis():
    edge = -3.2 + math.sqrt(3.4**2 - 2.0**2)
    point = surface_points(NECKED, [edge], 0, offset=0.2)[0]
    np.testing.assert_allclose(point, [2.2, 0, edge], atol=1e-8)
    before = surface_points(NECKED, [edge - 1e-3], 0, offset=0.2)[0]
    assert before[2] - edge > 0.1  # just before the edge the normal is that of the sphere
    pair = NOMINAL.pairs[0]
    point = surface_points(NOMINAL, [pair.plane - 3.2], 0, offset=0.2)[0]
    np.testing.assert_allclose(point, [pair.lens_radius + 0.2, 0, pair.plane - 3.2], atol=1e-8)


def test_poles_snap_and_nothing_lies_beyond():
    for z in (6.65, 6.65 + 9e-7, 6.65 - 9e-7):
        np.testing.assert_allclose(surface_points(NOMINAL, [z], 40)[0], [0, 0, 6.65], atol=1e-12)
    near = surface_points(NOMINAL, [6.65 - 2e-6])[0]
    assert near[0] == pytest.approx(math.sqrt(2 * 3.45 * 2e-6), rel=1e-3)
    for z in (6.65 + 2e-6, -6.61, math.nan):
        with pytest.raises(InputError, match=r"beyond a pole; must be in -6\.6 to 6\.65 nm"):
            surface_points(NOMINAL, [z])


def test_a_gap_has_no_surface_unless_a_neck_bridges_it():
    with pytest.raises(InputError, match=r"in a gap.*-7\.4 to -0\.6 or 0\.55 to 7\.45 nm"):
        surface_points(GAPPED, [0.0])
    np.testing.assert_allclose(surface_points(GAPPED, [-0.6])[0], [0, 0, -0.6], atol=1e-12)
    assert surface_points(BRIDGED, [0.0])[0, 0] == pytest.approx(1.5, abs=1e-12)


def test_line_positions_run_from_pole_to_pole():
    np.testing.assert_allclose(line_positions(NOMINAL, 41), np.linspace(-6.6, 6.65, 41), atol=1e-12)
    np.testing.assert_allclose(line_positions(BRIDGED, 9), np.linspace(-7.4, 7.45, 9), atol=1e-12)
    np.testing.assert_allclose(line_positions(MONOMER, 2), [-3.4, 3.4], atol=1e-12)


@pytest.mark.parametrize("points", [4, 5, 20, 41])
def test_line_positions_of_a_gapped_molecule_are_shared_by_length(points):
    small = Molecule.dimer((0.5, 1.0), (0.5, 2.0), 5.0)
    z = line_positions(small, points)
    assert len(z) == points and np.all(np.diff(z) > 0)
    for pole in (-3.5, -1.5, -0.5, 5.5):
        assert np.min(abs(z - pole)) < 1e-12
    first = np.sum(z < -1.0)
    assert first == 2 + round((points - 4) * 2 / 8)


def test_line_positions_of_a_gapped_homodimer_are_mirror_images():
    z = line_positions(Molecule.dimer(1.3, 2.1, 8.0), 40)
    np.testing.assert_allclose(z, -z[::-1], atol=1e-12)
    np.testing.assert_allclose(line_positions(CHAIN, 40)[[0, -1]], [-9.4, 12.4], atol=1e-12)


@pytest.mark.parametrize(("points", "message"), [(3, ">= 4"), (40.0, "whole number"), (True, "whole")])
def test_too_few_points(points, message):
    with pytest.raises(InputError, match=message):
        line_positions(GAPPED, points)


def test_dots_off_one_line_refuse_z():
    bent = Molecule([Dot(1.3, 2.1, position=p) for p in ((0, 0, 0), (6, 0, 0), (6, 6, 0))])
    with pytest.raises(InputError, match='surface = "line": needs dots on one line'):
        line_positions(bent, 11)
    with pytest.raises(InputError, match="z: needs dots on one line"):
        SurfaceCharge(1.0, z=0.0).resolve(bent)
    np.testing.assert_allclose(
        SurfaceCharge(1.0, position=(0, 0, 3.4)).resolve(bent), [0, 0, 3.4], atol=1e-12
    )


def test_charges_are_placed():
    np.testing.assert_allclose(
        SurfaceCharge(-1, z=3.2, phi=90, offset=0.1).resolve(NOMINAL), [0, 3.55, 3.2], atol=1e-12
    )
    far = SurfaceCharge(0.5, position=[5, 0, 0])
    np.testing.assert_array_equal(far.resolve(NOMINAL), [5, 0, 0])
    assert far == SurfaceCharge(0.5, position=(5.0, 0.0, 0.0)) and hash(far)


def test_a_charge_just_inside_is_put_on_the_surface():
    put = SurfaceCharge(1, position=(0, 3.3995, -3.2)).resolve(NOMINAL)
    np.testing.assert_allclose(put, [0, 3.4, -3.2], atol=1e-9)
    put = SurfaceCharge(1, position=(2.0 - 9e-4, 0, 0)).resolve(NECKED)
    np.testing.assert_allclose(put, [2.0, 0, 0], atol=1e-9)
    pair = NOMINAL.pairs[0]
    at_edge = (pair.lens_radius - 9e-4, 0, pair.plane - 3.2 + 1e-4)
    put = SurfaceCharge(1, position=at_edge).resolve(NOMINAL)
    assert NOMINAL.distance_outside(put) == pytest.approx(0.0, abs=1e-9)
    assert np.linalg.norm(put - at_edge) < 3e-3
    with pytest.raises(InputError, match=r"position = \[0, 3\.398, -3\.2\] nm: lies 0\.002 nm"):
        SurfaceCharge(1, position=(0, 3.398, -3.2)).resolve(NOMINAL)


def test_an_offset_that_ends_inside_the_other_dot_is_refused():
    charge = SurfaceCharge(1, z=-0.1, offset=0.5)
    with pytest.raises(InputError, match=r"z = -0\.1 nm, offset = 0\.5 nm: lies .* nm inside"):
        charge.resolve(NOMINAL)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"charge": 1}, "neither is given"),
        ({"charge": 1, "z": 0, "position": (0, 0, 9)}, "both are given"),
        ({"charge": math.nan, "z": 0}, "charge = nan e: must be finite"),
        ({"charge": "1", "z": 0}, "charge = '1': must be a number"),
        ({"charge": 1, "z": True}, "z = True: must be a number"),
        ({"charge": 1, "z": 0, "phi": math.inf}, "phi = inf degrees: must be finite"),
        ({"charge": 1, "z": 0, "offset": -0.1}, "offset = -0.1 nm: must be >= 0"),
        ({"charge": 1, "position": (0, 0)}, "must be 3 numbers"),
        ({"charge": 1, "position": (0, 0, 9), "phi": 3}, "phi = 3 degrees: goes with z"),
        ({"charge": 1, "position": (0, 0, 9), "offset": 3}, "offset = 3 nm: goes with z"),
    ],
)
def test_wrong_charges(arguments, message):
    with pytest.raises(InputError, match=message):
        SurfaceCharge(**arguments)
