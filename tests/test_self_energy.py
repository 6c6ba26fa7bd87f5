"""Self-energy of a point charge by finite elements, beside exact spheres and on other meshes."""

import numpy as np
import pytest
from systems import discretised, need_mesh, reference

from spq import Dot, InputError, Model, Molecule, gallery
from spq.born import beyond_sphere, beyond_surface, singular
from spq.discretisation import build_space, discretise
from spq.image import sphere_self_energy
from spq.poisson import Poisson
from spq.self_energy import molecule_self_energy, smooth_part
from spq.surface import axis_frame
from spq.units import COULOMB

CORE, OUTER = 1.3, 3.4
DEEP = 0.2  # nm, the tables are compared so far from every interface


def by_elements(molecule, layers, points, discretisation="axisymmetric", accuracy="coarse"):
    """Σ in meV at points, without the closed form of the sphere and without its cut."""
    need_mesh(molecule, accuracy, discretisation)
    space = build_space(molecule, accuracy, discretisation)
    poisson = Poisson(space, np.asarray(layers, dtype=float))
    rest = smooth_part(space, poisson)(points)
    return 1e3 * (rest + singular(molecule, poisson.permittivities, points, 0.0))


def tilted(radius):
    """Points at distances from the origin, none of them on a symmetry axis."""
    return np.outer(radius, [0.48, 0.6, 0.64])


@pytest.mark.parametrize("discretisation, accuracy", [("axisymmetric", "coarse"), ("solid", "normal")])
@pytest.mark.parametrize("name", ["image_self_energy", "layered_image_self_energy"])
def test_the_reference_tables_by_finite_elements(name, discretisation, accuracy):
    table = reference("sphere")[name]
    layers = table.get("eps") or [table["eps_in"], table["eps_in"], table["eps_out"]]
    radius, expected = np.array(table["r_nm"], dtype=float), np.array(table["sigma_meV"])
    deep = radius <= OUTER - DEEP + 1e-9
    molecule = Molecule.monomer(CORE, OUTER - CORE)
    found = by_elements(molecule, layers, tilted(radius[deep]), discretisation, accuracy)
    assert deep.sum() >= 4 and expected[deep].min() > 70.0
    assert found == pytest.approx(expected[deep], rel=0.01)
    assert found[:3] == pytest.approx(expected[:3], rel=0.002)
    exact = COULOMB / (2 * OUTER) * (1 / layers[2] - 1 / layers[1]) * 1e3
    if layers[0] == layers[1]:
        assert found[0] == pytest.approx(exact, rel=0.002)


def test_interpolated_over_the_sphere():
    """Between the samples, on the way to the surface, and at the core's surface with its straight line."""
    molecule = Molecule.dimer(CORE, OUTER - CORE, 40.0)
    need_mesh(molecule, "coarse", "axisymmetric")
    space = build_space(molecule, "coarse", "axisymmetric")
    layers = np.array([9.5, 8.9, 9.5, 8.9, 2.25])
    found = molecule_self_energy(space, Poisson(space, layers))
    here = space.dot_at_points == 0
    radius = np.linalg.norm(space.points[here] - molecule.centers[0], axis=1)
    within = radius < OUTER - DEEP
    exact = sphere_self_energy(radius[within], CORE, OUTER, layers[2:])
    assert found[here][within] == pytest.approx(exact, rel=0.01)
    assert np.mean(found[here][within] - exact) == pytest.approx(0.0, abs=2e-4)
    near = (radius > OUTER - DEEP) & (radius < OUTER - 1e-3)
    exact = sphere_self_energy(radius[near], CORE, OUTER, layers[2:])
    assert found[here][near] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("neck", [0.0, 4.0])
def test_half_plane_and_solid_agree_in_a_dimer(neck):
    molecule = Molecule.dimer((1.3, 1.35), 2.1, 6.4, neck)
    places = np.array([(0, -3.2), (1, -3.2), (2.9, -3.2), (0, 0), (0.8, -0.3), (1.2, 0.5), (0, 1.5), (2, -2)])
    axis, across, third = axis_frame(molecule)
    sideways = 0.6 * across + 0.8 * third
    points = np.outer(places[:, 0], sideways) + np.outer(places[:, 1], axis)
    layers = gallery.heterodimer().permittivities()
    both = [by_elements(molecule, layers, points, kind) for kind in ("axisymmetric", "solid")]
    assert both[0] == pytest.approx(both[1], rel=0.008)  # 0.5 nm from the surface of a coarse solid
    # the neighbour takes low permittivity away: less than in the sphere alone
    (sphere,) = by_elements(Molecule.monomer(1.3, 2.1), layers[[0, 1, 4]], np.zeros((1, 3)))
    assert sphere - both[0][0] > 4.0


@pytest.mark.slow
def test_a_bent_chain_that_is_nearly_straight():
    """Samples in space and first orders put together from pairs give what the half plane gives."""
    straight = [(0.0, 0.0, -6.4), (0.0, 0.0, 0.0), (0.0, 0.0, 6.4)]
    bent = [straight[0], straight[1], (0.0, 1e-4, 6.4)]
    molecules = [
        Molecule(tuple(Dot(CORE, 2.1, position=place) for place in each)) for each in (straight, bent)
    ]
    assert molecules[0].is_linear and not molecules[1].is_linear
    points = np.array([(0, 0, 0), (0, 1.5, -1), (0.5, 0, 3.0), (0, 0.3, 3.2), (2, 1, 6)], dtype=float)
    layers = [9.5, 8.9] * 3 + [2.25]
    kinds = ("axisymmetric", "solid")
    both = [by_elements(m, layers, points, kind) for m, kind in zip(molecules, kinds, strict=True)]
    assert both[0] == pytest.approx(both[1], abs=0.6)


@pytest.mark.slow
def test_levels_of_a_bent_chain_have_the_self_energy():
    model = gallery.trimer(accuracy="coarse", self_energy="image")
    problem = discretised(model)
    within = problem.space.molecule.distance_outside(problem.space.points) < -DEEP
    assert 0.05 < problem.image[within].min() and problem.image[within].max() < 0.25


def test_it_is_kept_between_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("SPQ_CACHE", str(tmp_path))
    model = gallery.heterodimer(accuracy="coarse", self_energy="image")
    need_mesh(model.molecule, "coarse", "axisymmetric")
    first = discretise(model).image
    (stored,) = (tmp_path / "self_energy").glob("*.npz")
    monkeypatch.setattr("spq.self_energy.remainder", None)  # not called again
    assert np.array_equal(discretise(model).image, first)
    masses = model.replace(materials={"CdSe": {"electron_mass": 0.2}})
    assert np.array_equal(discretise(masses).image, first)
    monkeypatch.undo()
    monkeypatch.setenv("SPQ_CACHE", str(tmp_path))
    other = discretise(model.replace(materials={"PMMA": {"permittivity_static": 4.0}})).image
    assert np.abs(other).mean() < 0.6 * np.abs(first).mean()
    assert len(list(stored.parent.glob("*.npz"))) == 2


@pytest.mark.parametrize("distance", [0.0, 1.0, 3.0, 3.39, 3.5, 6.0])
def test_first_order_of_a_sphere(distance):
    """Along the profile as in closed form."""
    points = tilted(np.full(1, distance)) / np.linalg.norm([0.48, 0.6, 0.64])
    found = beyond_surface(Molecule.monomer(CORE, OUTER - CORE), points)
    assert found == pytest.approx(beyond_sphere(np.full(1, distance), OUTER), rel=1e-9)


def along_rays(molecule, height):
    """∫ |x − s|⁻⁴ dx outside, s on the axis and everything seen from there: ∮ dΩ / ρ(Ω)."""
    count = 200_000
    cosine = (np.arange(count) + 0.5) * 2 / count - 1
    apart = (molecule.centers - molecule.mean_center) @ molecule.axis - height
    along = np.outer(cosine, apart)
    inside = molecule.outer_radii**2 - apart**2 + along**2
    away = np.where(inside > 0, along + np.sqrt(np.maximum(inside, 0.0)), 0.0).max(axis=1)
    radius = molecule.neck_diameter / 2
    if radius:
        sine = np.sqrt(1 - cosine**2)
        ends = np.where(cosine > 0, apart.max(), -apart.min()) / np.abs(cosine)
        away = np.maximum(away, np.minimum(radius / sine, ends))
    return 4 * np.pi * np.mean(1 / away)


@pytest.mark.parametrize("neck, distance", [(0.0, 6.4), (4.0, 6.4), (4.0, 7.4)])
def test_first_order_of_a_dimer(neck, distance):
    """From the neck's middle the whole nanocrystal is seen."""
    molecule = Molecule.dimer((1.3, 1.35), 2.1, distance, neck)
    height = molecule.pairs[0].plane - distance / 2
    points = molecule.mean_center + np.array([[0.0, 0.0, height]])
    assert beyond_surface(molecule, points)[0] == pytest.approx(along_rays(molecule, height), rel=1e-4)


def test_without_a_mismatch_there_is_none():
    model = Model(
        gallery.NOMINAL,
        accuracy="coarse",
        materials={n: {"permittivity_static": 8.0} for n in ("CdSe", "CdS", "PMMA")},
    )
    assert discretised(model).image == pytest.approx(0.0, abs=1e-15)


def test_three_dots_that_meet_in_one_place_are_refused():
    places = [(0.0, 0.0, 0.0), (0.0, 0.0, 5.6), (0.0, 4.85, 2.8)]
    molecule = Molecule([Dot(CORE, 2.1, position=place) for place in places])
    with pytest.raises(InputError, match="three dots meet in one place"):
        Model(molecule)
    assert Model(molecule, self_energy="none").self_energy == "none"
    wider = Molecule([Dot(CORE, 2.1, position=place) for place in [*places[:1], (0, 0, 6.4), (0, 5.5, 3.2)]])
    assert Model(wider).self_energy == "image"


def test_gaps_and_necks_in_bent_chains():
    """What the first order leaves out there is in the rest."""
    places = [(0.0, 0.0, -6.4), (0.0, 0.0, 0.0), (0.0, 0.0, 7.1)]
    bent = [*places[:2], (0.0, 1e-4, 7.1)]
    molecules = [Molecule([Dot(CORE, 2.1, position=at) for at in each], None, 4.0) for each in (places, bent)]
    points = np.array([(0, 0, 0), (0, 0, 2.4), (1.2, 0, -3.2), (0, 0.5, 4.7)], dtype=float)
    layers = [9.5, 8.9] * 3 + [2.25]
    kinds = ("axisymmetric", "solid")
    both = [by_elements(m, layers, points, kind) for m, kind in zip(molecules, kinds, strict=True)]
    assert both[0] == pytest.approx(both[1], rel=0.04)  # beside a gap of half an element


def test_a_thin_shell_narrows_the_cut():
    radius = np.linspace(0.0, 1.39, 50)
    found = sphere_self_energy(radius, CORE, 1.4, (9.5, 8.9, 2.25))
    sharp = sphere_self_energy(radius, 1.4, 1.4, (9.5, 8.9, 2.25))
    assert np.isfinite(found).all() and found == pytest.approx(sharp, rel=0.2)


def test_shells_of_different_permittivity():
    """Between the mean of the dots' own values, without a wild plane between them."""
    molecule = Molecule.dimer(CORE, 2.1, 6.4, 4.0)
    need_mesh(molecule, "coarse", "axisymmetric")
    space = build_space(molecule, "coarse", "axisymmetric")
    found = molecule_self_energy(space, Poisson(space, np.array([9.5, 8.9, 9.5, 8.0, 2.25])))
    axis = np.linalg.norm(space.points[:, :2], axis=1) < 1.0
    assert 0.04 < found[axis & (np.abs(space.points[:, 2]) < 1.0)].min()
    assert found[axis & (np.abs(space.points[:, 2]) < 1.0)].max() < 0.09
