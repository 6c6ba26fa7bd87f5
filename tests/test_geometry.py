"""Shapes: where things are, which shapes cannot be, and volumes against counting cells."""

import math
import pickle

import numpy as np
import pytest

from spq.dots import NECK_HEIGHT
from spq.errors import InputError
from spq.geometry import Dot, Molecule

NOMINAL = Molecule.dimer((1.3, 1.35), 2.1)
GAPPED = Molecule.dimer((1.3, 1.35), 2.1, 7.5)
CASES = {
    "monomer": Molecule.monomer(1.3, 2.1),
    "lens": NOMINAL,
    "very different": Molecule.dimer((0.6, 2.0), (0.9, 2.5), 5.0),
    "neck": Molecule.dimer((1.3, 1.35), 2.1, 6.4, 4.0),
    "widest neck": Molecule.dimer((1.3, 1.5), 2.1, 6.4, 6.8),
    "gap": GAPPED,
    "gap and neck": Molecule.dimer((1.3, 1.5), 2.1, 8.0, 3.0),
    "no shell": Molecule.dimer((1.3, 1.5), 0.0, 4.0, 1.0),
}


def turn(x, y, z):
    """Rotation matrix from three angles about x, y, z."""
    out = np.eye(3)
    for axis, angle in enumerate((x, y, z)):
        c, s = math.cos(angle), math.sin(angle)
        one = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        one[i, i], one[i, j], one[j, i], one[j, j] = c, -s, s, c
        out = one @ out
    return out


def test_a_dimer_lies_along_z_about_the_middle_of_its_centres():
    np.testing.assert_array_equal(NOMINAL.centers, [[0, 0, -3.2], [0, 0, 3.2]])
    np.testing.assert_array_equal(NOMINAL.axis, [0, 0, 1])
    assert Molecule.dimer((1.3, 1.35), 2.1, center_distance=6.4) == NOMINAL
    assert hash(Molecule.dimer((1.3, 1.35), (2.1, 2.1), 6.4)) == hash(NOMINAL)
    assert Molecule.dimer((1.3, 1.35), 2.1, 6.39) != NOMINAL
    assert Molecule.dimer((1.35, 1.3), 2.1) != NOMINAL
    assert pickle.loads(pickle.dumps(NOMINAL)) == NOMINAL
    assert NOMINAL.half_length == pytest.approx(3.2 + 3.45, abs=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        NOMINAL.centers[0, 0] = 1.0


def test_the_dividing_plane_is_where_the_spheres_meet():
    (pair,) = NOMINAL.pairs
    assert (pair.first, pair.second, pair.gap, pair.neck_radius) == (0, 1, 0.0, 0.0)
    rim = [pair.lens_radius, 0.0, pair.plane - 3.2]
    reach = np.linalg.norm(rim - NOMINAL.centers, axis=1)
    np.testing.assert_allclose(reach, [3.4, 3.45], atol=1e-12)
    assert pair.lens_radius > 1.0


def test_a_neck_acts_only_where_it_is_wider_than_the_lens():
    lens = NOMINAL.pairs[0].lens_radius
    for extra, radius in ((-1e-3, 0.0), (1e-3, lens + 1e-3)):
        molecule = Molecule.dimer((1.3, 1.35), 2.1, neck_diameter=2 * (lens + extra))
        assert molecule.pairs[0].neck_radius == pytest.approx(radius, abs=1e-12)


def test_a_neck_that_hardly_leaves_the_lens_has_no_effect():
    """Of the two heights along the axis the smaller one counts; far thinner ones cannot be meshed well."""
    for center_distance, cores in ((6.6325, (1.3, 1.3)), (6.4, (1.3, 1.35)), (5.0, (0.6, 2.0))):
        bare = Molecule.dimer(cores, 2.1, center_distance)
        (pair,) = bare.pairs
        for height, acts in ((0.9, False), (1.1, True)):
            planes = np.array([pair.plane, pair.distance - pair.plane]) - height * NECK_HEIGHT
            radius = np.sqrt(bare.outer_radii**2 - planes**2).max()
            necked = Molecule.dimer(cores, 2.1, center_distance, 2 * radius)
            expected = radius if acts else 0.0
            assert necked.pairs[0].neck_radius == pytest.approx(expected, abs=1e-12)
            np.testing.assert_allclose(necked.volumes(), bare.volumes(), rtol=1e-6)
            assert np.array_equal(necked.volumes(), bare.volumes()) != acts


def test_the_dividing_plane_of_a_gap_is_its_middle():
    pair = GAPPED.pairs[0]
    assert pair.gap == pytest.approx(0.65, abs=1e-12)
    assert pair.plane == pytest.approx(3.4 + 0.325, abs=1e-12)
    z = pair.plane - 3.75
    np.testing.assert_array_equal(GAPPED.dot_of([[5, 0, z - 1e-6], [5, 0, z + 1e-6]]), [0, 1])


@pytest.mark.parametrize("name", CASES)
def test_volumes_against_counting_cells(name):
    molecule = CASES[name]
    steps = 600
    end = molecule.half_length
    rho = (np.arange(steps) + 0.5) * 6.0 / steps
    z = -end + (np.arange(2 * steps) + 0.5) * end / steps
    cells = 2 * math.pi * rho[:, None] * np.ones(len(z)) * (6.0 / steps) * (end / steps)
    r, h = np.meshgrid(rho, z, indexing="ij")
    points = np.stack([r, 0 * r, h], axis=-1)
    core = np.min(np.linalg.norm(points[..., None, :] - molecule.centers, axis=-1) - molecule.core_radii, -1)
    inside = molecule.distance_outside(points) <= 0.0
    dot = molecule.dot_of(points)
    counted = []
    for i in range(len(molecule.dots)):
        counted.append(cells[inside & (core <= 0.0) & (dot == i)].sum())
        counted.append(cells[inside & (core > 0.0) & (dot == i)].sum())
    # Cells of 0.01 nm: the error of a surface of S nm^2 is far below 0.01 S.
    np.testing.assert_allclose(molecule.volumes(), counted, rtol=2e-3, atol=0.02)
    assert molecule.volumes()[0] > 0.5


def test_a_neck_adds_volume_on_both_sides():
    bare = NOMINAL.volumes()
    necked = Molecule.dimer((1.3, 1.35), 2.1, neck_diameter=5.0).volumes()
    assert np.all(necked[[1, 3]] > bare[[1, 3]] + 1.0)
    np.testing.assert_array_equal(necked[[0, 2]], bare[[0, 2]])


def test_volume_is_continuous_where_lens_becomes_gap_and_neck_becomes_lens():
    lens = NOMINAL.pairs[0].lens_radius
    for wider in (1e-5, 1e-3):  # without effect, and with
        just = Molecule.dimer((1.3, 1.35), 2.1, neck_diameter=2 * lens + wider).volumes()
        np.testing.assert_allclose(just, NOMINAL.volumes(), rtol=1e-6)
    near, far = (Molecule.dimer(1.3, 2.1, 6.8 + d, 3.0).volumes() for d in (-1e-5, 1e-5))
    np.testing.assert_allclose(near, far, rtol=1e-5)


def test_distance_outside_is_exact_outside_and_negative_inside():
    molecule = CASES["gap and neck"]
    points = [[0, 0, 4 + 3.6 + 2], [1.5 + 0.25, 0, -0.1], [0, 3.4 + 1, -4], [0, 0, 4], [1, 0, -0.1]]
    expected = [2, 0.25, 1, -3.6, -0.5]
    np.testing.assert_allclose(molecule.distance_outside(points), expected, atol=1e-12)
    assert CASES["gap"].distance_outside([0, 0, 0]) > 0.2


def test_turning_and_moving_leaves_everything_but_the_place():
    matrix = turn(0.3, -0.7, 1.1)
    points = np.random.default_rng(3).uniform(-7, 7, (500, 3))
    for molecule in CASES.values():
        moved = molecule.rotated(matrix).translated([1, 2, -3])
        there = points @ matrix.T + [1, 2, -3]
        np.testing.assert_allclose(
            moved.distance_outside(there), molecule.distance_outside(points), atol=1e-12
        )
        np.testing.assert_array_equal(moved.dot_of(there), molecule.dot_of(points))
        np.testing.assert_allclose(moved.volumes(), molecule.volumes(), rtol=1e-12)
    assert np.ptp(NOMINAL.dot_of(points)) == 1
    for wrong in (np.eye(2), 2 * np.eye(3), np.diag([1, 1, -1])):
        with pytest.raises(InputError, match="must be a rotation"):
            NOMINAL.rotated(wrong)


def test_swapping_the_dots_mirrors_the_molecule():
    points = np.random.default_rng(4).uniform(-7, 7, (500, 3))
    mirrored = Molecule.dimer((1.35, 1.3), 2.1)
    at = points * [1, 1, -1]
    np.testing.assert_allclose(mirrored.distance_outside(at), NOMINAL.distance_outside(points), atol=1e-12)
    np.testing.assert_array_equal(1 - mirrored.dot_of(at), NOMINAL.dot_of(points))


def test_several_dots():
    places = [(0, 0, 0), (6, 0, 0), (0, 6, 0)]
    triangle = Molecule([Dot(1.3, 2.1, position=p) for p in places], neck_diameter=4.0)
    assert not triangle.is_linear
    assert [(p.first, p.second) for p in triangle.pairs] == [(0, 1), (0, 2)]
    assert all(p.neck_radius == 2.0 for p in triangle.pairs)
    assert triangle.volumes() is None
    np.testing.assert_array_equal(triangle.dot_of([[1, 0, 0], [4, 1, 0], [1, 4, 2]]), [0, 1, 2])
    np.testing.assert_allclose(triangle.mean_center, [2, 2, 0])
    unequal = Molecule([Dot(1.3, t, position=p) for t, p in zip((2.1, 3, 2.1), places, strict=True)])
    for pair in unequal.pairs:
        along = unequal.centers[pair.second] - unequal.centers[pair.first]
        plane = unequal.centers[pair.first] + along * pair.plane / pair.distance
        step = 1e-6 * along
        sides = unequal.dot_of([plane - step, plane + step])
        np.testing.assert_array_equal(sides, [pair.first, pair.second])
    line = Molecule([Dot(1.3, 2.1, position=(x, x, 0)) for x in (0, 4, 8)])
    assert line.is_linear and len(line.pairs) == 2
    np.testing.assert_allclose(line.axis, [math.sqrt(0.5), math.sqrt(0.5), 0])


def test_numpy_numbers_are_numbers():
    dot = Dot(np.float32(1.5), np.int64(2))
    assert (type(dot.core_radius), type(dot.shell_thickness)) == (float, float)
    assert dot == Dot(1.5, 2.0)
    assert Molecule.dimer(np.array([1.3, 1.35]), np.float64(2.1)) == NOMINAL
    assert Dot(np.array(1.5)).core_radius == 1.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"core_radius": -1}, r"dots\[1\]\.core_radius = -1 nm: must be > 0"),
        ({"core_radius": (1.3, 0)}, r"dots\[2\]\.core_radius = 0 nm: must be > 0"),
        ({"core_radius": math.nan}, r"core_radius = nan nm: must be finite"),
        ({"core_radius": math.inf}, r"core_radius = inf nm: must be finite"),
        ({"core_radius": True}, r"core_radius = True: must be a number"),
        ({"core_radius": np.True_}, r"core_radius = .*True.*: must be a number"),
        ({"core_radius": "1.3"}, r"core_radius = '1\.3': must be a number"),
        ({"core_radius": None}, r"core_radius = None: must be a number"),
        ({"core_radius": (1, 1, 1)}, r"core_radius = \(1, 1, 1\): must be one value or a pair"),
        ({"shell_thickness": -0.1}, r"shell_thickness = -0\.1 nm: must be >= 0"),
        ({"shell": ("CdS", 3)}, r"dots\[2\]\.shell = 3: must be a name"),
        ({"center_distance": 0}, r"center_distance = 0 nm: must be > 0"),
        ({"center_distance": "6"}, r"center_distance = '6': must be a number"),
        ({"neck_diameter": -1}, r"neck_diameter = -1 nm: must be >= 0"),
        ({"neck_diameter": math.nan}, r"neck_diameter = nan nm: must be finite"),
        ({"neck_diameter": 6.81}, r"neck_diameter = 6\.81 nm: must be <= 6\.8 nm, twice"),
        ({"center_distance": 9, "neck_diameter": 7}, r"neck_diameter = 7 nm: must be <= 6\.8"),
        ({"center_distance": 2.6}, r"center_distance = 2\.6 nm.*cores touch or overlap"),
        ({"center_distance": 6.8}, r"6\.8 nm \(sum of the outer radii\).*cannot be meshed"),
        ({"center_distance": 6.8 - 9e-7}, "cannot be meshed"),
        ({"center_distance": 6.8 + 9e-7}, "cannot be meshed"),
        ({"center_distance": 6.8, "neck_diameter": 0.05}, "cannot be meshed.*wider neck"),
        (
            {"core_radius": (0.5, 4), "shell_thickness": 1, "center_distance": 3.5},
            r"center_distance = 3\.5 nm: must be > 3\.5 nm .*inside the other",
        ),
        (
            {"core_radius": (1.3, 3), "shell_thickness": (2.1, 0.4), "center_distance": 4.7},
            r"dots\[2\]\.core_radius = 3 nm: must be < 2\.3.* nm.*spheres meet",
        ),
        (
            {"core_radius": (1.3, 1.3), "shell_thickness": (2.1, 0), "center_distance": 4.5},
            r"dots\[2\]\.core_radius = 1\.3 nm: must be < .* spheres meet",
        ),
        (
            {"core_radius": (0.6, 2), "shell_thickness": (0.6, 2.5), "center_distance": 4.2},
            r"center_distance = 4\.2 nm: must be larger: the centre of dots\[1\] lies 0\.1392",
        ),
    ],
)
def test_shapes_that_cannot_be(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        Molecule.dimer(**({"core_radius": 1.3, "shell_thickness": 2.1} | arguments))
    assert "\n" not in str(caught.value)


def test_shapes_just_inside_the_limits_are_allowed():
    Molecule.dimer(1.3, 2.1, 6.8, neck_diameter=2.0)
    Molecule.dimer(1.3, 2.1, 6.8, neck_diameter=0.06)
    Molecule.dimer(1.3, 2.1, 6.8 - 2e-6)
    Molecule.dimer(1.3, 2.1, 6.8 + 2e-6)
    Molecule.dimer(1.3, 2.1, 2.61)
    Molecule.dimer(1.3, 2.1, neck_diameter=6.8)
    Molecule.dimer((1.3, 1.3), (2.1, 0), 4.8)


@pytest.mark.parametrize(
    ("positions", "arguments", "message"),
    [
        ([None, (0, 0, 6)], {}, r"dots\[1\]\.position: missing"),
        ([None, None, None], {}, r"dots\[1\]\.position: missing; 3 dots need"),
        ([(0, 0, 0), (0, 0, 6)], {"center_distance": 6.0}, "positions are given"),
        ([None], {"center_distance": 6.0}, "there is 1 dot"),
        ([None], {"neck_diameter": 1.0}, "a single dot has no neck"),
        ([(0, 0)], {}, r"position = \(0, 0\): must be 3 numbers"),
        ([(0, 0, math.nan)], {}, r"position\[3\] = nan nm: must be finite"),
        (["abc"], {}, "position = 'abc': must be 3 numbers"),
        ([(0, 0, 0), (0, 0, 6), (0, 0, 6)], {}, r"distance of dots\[2\] and dots\[3\] = 0 nm"),
        ([], {}, "at least one dot"),
    ],
)
def test_wrong_positions(positions, arguments, message):
    with pytest.raises(InputError, match=message):
        Molecule([Dot(1.3, 2.1, position=p) for p in positions], **arguments)
    with pytest.raises(InputError, match=r"dots\[1\] = 3: must be a Dot"):
        Molecule([3])
