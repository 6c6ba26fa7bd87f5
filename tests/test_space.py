"""The finite-element space: integrals over curved elements and surfaces, fields at points."""

import numpy as np
import pytest
from systems import need_mesh

from spq import gallery
from spq.discretisation import build_space
from spq.errors import InputError
from spq.geometry import Molecule
from spq.surface import surface_points

RADIUS, CORE = 3.4, 1.3


@pytest.fixture(scope="module")
def space(sphere):
    return sphere.space


@pytest.fixture(scope="module")
def dimer():
    need_mesh(gallery.NOMINAL, "coarse")
    return build_space(gallery.NOMINAL, "coarse")


def nodal(space, function):
    """Nodal values of a function of positions (n, 3)."""
    return function(space.mesh.doflocs.T)


def test_moments_of_the_sphere(space):
    """∫1, ∫r², ∫z² over the sphere, by the quadrature in the nanocrystal."""
    volume = 4 / 3 * np.pi * RADIUS**3
    assert space.weights.min() > 0
    assert space.weights.sum() == pytest.approx(volume, rel=1e-3)
    assert space.weights.sum() != pytest.approx(volume, rel=1e-12)  # a mesh, not the closed form
    for direction in range(3):
        moment = space.weights @ space.points[:, direction] ** 2
        assert moment == pytest.approx(volume * RADIUS**2 / 5, rel=2e-3)
        assert space.weights @ space.points[:, direction] == pytest.approx(0.0, abs=1e-9)


def test_quadrature_points_lie_in_their_regions(dimer):
    molecule = dimer.molecule
    assert molecule.distance_outside(dimer.points).max() < 0.02  # a curved facet's own height
    assert set(dimer.dot_at_points) == {0, 1}
    volumes = molecule.volumes().reshape(-1, 2).sum(axis=1)
    found = np.bincount(dimer.dot_at_points, weights=dimer.weights)
    assert found == pytest.approx(volumes, rel=2e-3)


@pytest.mark.parametrize("radius, which", [(RADIUS, "nanocrystal"), (30.0, "outer"), (CORE, "core")])
def test_area_of_spheres(space, radius, which):
    """Curved triangles: the area of a sphere, outward unit normals, and ∮ r·n = 3 V."""
    surface = {
        "nanocrystal": lambda: space.nanocrystal_surface,
        "outer": lambda: space.outer_surface,
        "core": lambda: space.interface(space.regions == 0),
    }[which]()
    area = 4 * np.pi * radius**2
    # the outer elements are up to 9 nm wide; straight triangles of the same nodes miss 0.5 to 3.5 %
    assert surface.weights.sum() == pytest.approx(area, rel=2e-3)
    assert np.linalg.norm(surface.normals, axis=-1) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(surface.points, axis=-1) == pytest.approx(radius, rel=3e-3)
    outward = np.einsum("fqd,fqd->fq", surface.points, surface.normals) / radius
    assert outward.min() > 0.95
    flux = radius * (outward * surface.weights).sum()
    assert flux == pytest.approx(4 * np.pi * radius**3, rel=2e-3)
    assert space.outer_radius == 30.0


def test_straight_triangles_would_lose_area(space):
    """Negative control for the curved surface: the same vertices joined by planes."""
    surface = space.nanocrystal_surface
    corners = space.mesh.doflocs[:, surface.dofs[:3]]
    sides = corners[:, 1:] - corners[:, :1]
    planar = 0.5 * np.linalg.norm(np.cross(sides[:, 0], sides[:, 1], axis=0), axis=0).sum()
    exact = 4 * np.pi * RADIUS**2
    assert planar < 0.99 * exact
    assert abs(surface.weights.sum() - exact) < 0.1 * (exact - planar)


def test_surface_load_and_mass(space):
    """∮ f v and ∮ f u v against integrals of the quadrature itself."""
    surface = space.nanocrystal_surface
    values = 1.0 + 0.3 * surface.points[..., 2]
    load = surface.loads(values[None], space.size)[:, 0]
    assert load.sum() == pytest.approx((values * surface.weights).sum(), rel=1e-12)
    assert load.sum() > 100
    mass = surface.mass(values, space.size)
    height = nodal(space, lambda x: x[:, 2])
    exact = (values * surface.points[..., 2] * surface.weights).sum()
    assert abs(exact) > 10
    assert np.ones(space.size) @ (mass @ height) == pytest.approx(exact, rel=1e-10)
    assert abs(mass - mass.T).max() < 1e-12


def test_divergence_theorem_of_the_dimer(dimer):
    surface = dimer.nanocrystal_surface
    flux = np.einsum("fqd,fqd,fq->", surface.points, surface.normals, surface.weights)
    assert flux / 3 == pytest.approx(dimer.weights.sum(), rel=1e-4)
    assert flux / 3 == pytest.approx(gallery.NOMINAL.volumes().sum(), rel=2e-3)


def test_stiffness_of_linear_fields(space):
    """∫ c ∇u·∇v of coordinates is the weighted volume: isoparametric elements hold them exactly."""
    coefficients = np.array([2.0, 3.0, 5.0])
    matrix = space.stiffness(coefficients)
    volumes = [4 / 3 * np.pi * r**3 for r in (CORE, RADIUS, space.outer_radius)]
    parts = np.diff([0.0, *volumes])
    x, y = nodal(space, lambda p: p[:, 0]), nodal(space, lambda p: p[:, 1])
    assert x @ matrix @ x == pytest.approx(coefficients @ parts, rel=2e-3)
    assert x @ matrix @ y == pytest.approx(0.0, abs=1e-6 * (coefficients @ parts))
    assert np.abs(matrix @ np.ones(space.size)).max() < 1e-9
    assert abs(matrix - matrix.T).max() < 1e-10


def test_orbital_matrices(space):
    """Inner unknowns vanish on the surface; their matrices act as the quadrature does."""
    inside = np.linalg.norm(space.mesh.doflocs[:, space.inner], axis=0)
    assert inside.max() < RADIUS - 0.05
    bump = nodal(space, lambda p: RADIUS**2 - (p**2).sum(axis=1))[space.inner]
    mass = space.orbital_mass(np.ones(3))
    exact = 4 * np.pi * RADIUS**7 * (1 / 3 - 2 / 5 + 1 / 7)
    assert bump @ mass @ bump == pytest.approx(exact, rel=2e-3)
    values = space.orbital_interpolation @ bump
    # the quadrature is not exact for products on curved elements
    assert space.weights @ values**2 == pytest.approx(bump @ mass @ bump, rel=1e-4)
    core_only = space.orbital_mass(np.array([1.0, 0.0, 0.0]))
    assert 0.05 < (bump @ core_only @ bump) / exact < 0.5
    kinetic = space.orbital_stiffness(np.ones(3))
    assert bump @ kinetic @ bump == pytest.approx(16 * np.pi * RADIUS**5 / 5, rel=2e-3)


def test_source_is_the_transpose_of_interpolation(space):
    rng = np.random.default_rng(3)
    values = rng.standard_normal((len(space.weights), 2))
    field = rng.standard_normal(space.size)
    sources = space.source(values * space.weights[:, None])
    assert sources.shape == (len(space.covered), 2)
    direct = (space.interpolation @ field) @ (values * space.weights[:, None])
    assert np.abs(direct).min() > 1e-3
    assert field[space.covered] @ sources == pytest.approx(direct, rel=1e-10)


def quadratic(points):
    x, y, z = points.T
    return 1.0 + 0.5 * x - y + 2.0 * z + 0.3 * x * y - 0.2 * z**2 + 0.1 * y * z


def straight(space):
    """Elements whose edges are straight, so that second-order fields are quadratic in space."""
    dofs = space.mesh.dofs.element_dofs
    corners = space.mesh.doflocs[:, dofs[:4]]
    pairs = [(0, 1), (1, 2), (0, 2), (0, 3), (1, 3), (2, 3)]
    middles = np.stack([(corners[:, a] + corners[:, b]) / 2 for a, b in pairs], axis=1)
    away = np.linalg.norm(space.mesh.doflocs[:, dofs[4:]] - middles, axis=0).max(axis=0)
    return np.flatnonzero(away < 1e-10)


def test_point_values_of_a_quadratic_field_in_straight_elements(space):
    elements = straight(space)
    assert len(elements) > 100
    corners = space.mesh.doflocs[:, space.mesh.dofs.element_dofs[:4, elements[:: len(elements) // 60]]]
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    points = np.einsum("dvt,v->td", corners, weights)
    found = space.point_values(points) @ nodal(space, quadratic)
    assert np.abs(quadratic(points)).min() > 1e-3
    assert found == pytest.approx(quadratic(points), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("place", ["core", "surface", "matrix"])
def test_point_values_in_curved_elements(space, place):
    """Coordinates are exact anywhere; a quadratic field is of third order in a curved element."""
    rng = np.random.default_rng(11)
    directions = rng.standard_normal((40, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    radius = {"core": CORE - 0.02, "surface": RADIUS, "matrix": 3.7}[place]
    points = radius * directions
    matrix = space.point_values(points)
    assert matrix @ np.ones(space.size) == pytest.approx(1.0, abs=1e-10)
    # a point on the sphere may lie beside a facet by a fiftieth of an element
    for direction in range(3):
        found = matrix @ space.mesh.doflocs[direction]
        assert found == pytest.approx(points[:, direction], abs=1e-10)
    assert matrix @ nodal(space, quadratic) == pytest.approx(quadratic(points), abs=0.02)


def test_point_values_on_the_whole_surface_of_the_dimer(dimer):
    """Neck, poles and azimuths: every place that a map can ask for is found."""
    low, high = -6.6, 6.65
    heights = np.linspace(low, high, 14)
    points = np.vstack([surface_points(dimer.molecule, heights, phi) for phi in (0.0, 37.0, 180.0)])
    matrix = dimer.point_values(points)
    for direction in range(3):
        found = matrix @ dimer.mesh.doflocs[direction]
        assert found == pytest.approx(points[:, direction], abs=1e-9)


def test_a_point_outside_the_mesh_is_an_input_error(space):
    space.point_values(np.array([[0.0, 0.0, 29.5]]))
    with pytest.raises(InputError, match=r"\[0\.0, 0\.0, 31\.0\] nm lies outside the mesh"):
        space.point_values(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 31.0]]))
    with pytest.raises(InputError, match="outside the mesh"):
        space.point_values(np.array([[0.0, 0.0, 30.5]]))  # within the box of the last element


def test_outer_sphere_of_a_long_molecule():
    """30 nm, or four half-lengths."""
    need_mesh(Molecule.dimer(1.3, 2.1, 20.0), "coarse")
    far = build_space(Molecule.dimer(1.3, 2.1, 20.0), "coarse")
    assert far.outer_radius == pytest.approx(4 * 13.4)
    radii = np.linalg.norm(far.outer_surface.points, axis=-1)
    assert radii == pytest.approx(far.outer_radius, rel=3e-3)
