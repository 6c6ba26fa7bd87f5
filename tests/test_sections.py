"""Fields in space: norms by another quadrature, potentials and self-energy against the exact sphere."""

import numpy as np
import pytest
from exact import mismatch_constant, potential_inside
from scipy.special import hyp2f1
from systems import need_mesh

import spq
from spq import gallery
from spq.errors import InputError
from spq.localfields import solved
from spq.places import places_of_nodes
from spq.units import COULOMB

INSIDE, OUTSIDE, RADIUS = 9.5, 2.25, 3.4


def sphere_model(**options):
    model = gallery.uniform_monomer(outside=OUTSIDE, accuracy="coarse", **options)
    need_mesh(model.molecule, "coarse", model.chosen_discretisation)
    return model


def ball(radii=24, heights=16, turns=16):
    """Points and weights that integrate over the sphere of the monomer, by pieces at the core."""
    nodes, weights = np.polynomial.legendre.leggauss(radii)
    ends = [(0.0, gallery.CORE), (gallery.CORE, RADIUS)]
    r = np.concatenate([low + 0.5 * (high - low) * (nodes + 1) for low, high in ends])
    w = np.concatenate([0.5 * (high - low) * weights for low, high in ends]) * r**2
    cosine, of_cosine = np.polynomial.legendre.leggauss(heights)
    phi = 2 * np.pi * (np.arange(turns) + 0.5) / turns
    r, c, p = (each.ravel() for each in np.meshgrid(r, cosine, phi, indexing="ij"))
    s = np.sqrt(1 - c**2)
    points = np.column_stack([r * s * np.cos(p), r * s * np.sin(p), r * c])
    return points, (
        np.einsum("i,j->ij", w, of_cosine)[:, :, None] * np.full(turns, 2 * np.pi / turns)
    ).ravel()


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
def test_densities_have_norm_one_and_lean_to_the_charge(discretisation):
    """Beside a charge off the axis and off azimuth 0: all harmonics, cosines and sines, take part."""
    if discretisation == "solid":
        points, weights = ball(8, 6, 8)
        tolerance = 8e-3  # of that quadrature on elements that it does not know
    else:
        points, weights = ball()
        tolerance = 1e-3
    charge = spq.SurfaceCharge(charge=1, z=1.0, phi=130)
    model = sphere_model(discretisation=discretisation)
    ds = spq.evaluate(model, points, "X-@1", [charge])
    assert ds["carrier"].values.tolist() == ["e1", "h1"] and ds["carrier_count"].values.tolist() == [2, 1]
    norms = ds["density"].values @ weights
    assert norms == pytest.approx(1.0, abs=tolerance)
    towards = charge.resolve(model.molecule) / RADIUS
    electron, hole = ds["density"].values @ (weights[:, None] * points)
    across = electron - (electron @ towards) * towards
    assert electron @ towards > 0.02 and hole @ towards < -1e-3  # nm
    assert np.linalg.norm(across) < 0.05 * (electron @ towards)


@pytest.mark.parametrize(("discretisation", "limit"), [("axisymmetric", 2e-3), ("solid", 8e-3)])
@pytest.mark.parametrize("angle", [0.0, 1.1])
def test_potential_of_a_charge_in_the_sphere(discretisation, limit, angle):
    """Measured 0.001 and 0.004 on the half plane and in a solid; near the charge 0.004 and 0.005."""
    model = sphere_model(discretisation=discretisation)
    direction = np.array([np.sin(angle) * np.cos(0.7), np.sin(angle) * np.sin(0.7), np.cos(angle)])
    scattered = np.random.default_rng(3).normal(size=(50, 3))
    scattered *= (3.39 * np.random.default_rng(4).random(50) ** (1 / 3) / np.linalg.norm(scattered, axis=1))[
        :, None
    ]
    near = direction * (RADIUS - np.array([0.02, 0.05, 0.1, 0.4])[:, None])
    at = tuple(RADIUS * direction)
    ds = spq.evaluate(
        model, np.vstack([scattered, near]), surface_charges=[spq.SurfaceCharge(-0.5, position=at)]
    )
    exact = -0.5 * potential_inside(np.vstack([scattered, near]), RADIUS * direction, RADIUS, INSIDE, OUTSIDE)
    off = np.abs(ds["potential_eV"].values / exact - 1)
    assert off[:50].max() < limit and off[50:].max() < 8e-3
    if angle == 0.0:
        pole = spq.evaluate(model, [at, [0, 0, 1]], surface_charges=[spq.SurfaceCharge(-1, position=at)])
        assert pole["potential_eV"].values[0] == -np.inf and np.isfinite(pole["potential_eV"].values[1])


def test_potential_of_a_density_is_that_of_its_interaction():
    """∫ρ_e V[ρ_h]: less the mismatch constant it is the integral at ε_in everywhere; symmetric."""
    points, weights = ball()
    values = {}
    for outside in (INSIDE, OUTSIDE):
        model = gallery.uniform_monomer(outside=outside, accuracy="coarse")
        ds = spq.evaluate(model, points, "X@1")
        density, potential = ds["density"].values, ds["carrier_potential_eV"].values
        both = (density[0] * weights) @ potential[1], (density[1] * weights) @ potential[0]
        assert both[0] == pytest.approx(both[1], rel=1e-3)
        values[outside] = both[0]
    constant = mismatch_constant(RADIUS, INSIDE, OUTSIDE)
    assert values[OUTSIDE] - values[INSIDE] == pytest.approx(constant, abs=5e-4) and constant > 0.14


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
def test_self_energy_of_the_sphere(discretisation):
    model = sphere_model(self_energy="image", discretisation=discretisation)
    z = np.array([-3.3, -2.0, 0.0, 1.0, 2.5, 3.39, 3.5])
    ds = spq.evaluate(model, np.outer(z, [0.6, 0.0, 0.8]))
    x, s = (z[:-1] / RADIUS) ** 2, OUTSIDE / (INSIDE + OUTSIDE)
    eta = (INSIDE - OUTSIDE) / (INSIDE + OUTSIDE)
    exact = COULOMB * eta / (2 * INSIDE * RADIUS) * (1 / (1 - x) + (1 - s) / s * hyp2f1(1, s, 1 + s, x))
    found = ds["self_energy_eV"].values
    assert found[:-1] == pytest.approx(exact, rel=1e-9) and np.isnan(found[-1])
    assert found[2] == pytest.approx(COULOMB / (2 * RADIUS) * (1 / OUTSIDE - 1 / INSIDE), rel=1e-9)


def test_self_energy_of_the_mean_field():
    """In the sphere `density` is the mismatch constant, for every carrier."""
    model = sphere_model(self_energy="density")
    ds = spq.evaluate(model, [[0, 0, 0], [0, 2.0, 1.0], [0, 0, 4.0]], "X@1")
    assert ds["self_energy_eV"].dims == ("carrier", "point")
    constant = mismatch_constant(RADIUS, INSIDE, OUTSIDE)
    assert ds["self_energy_eV"].values[:, :2] == pytest.approx(constant, abs=5e-4)
    assert np.isnan(ds["self_energy_eV"].values[:, 2]).all()


def test_levels_and_band_edges():
    model = sphere_model()
    ds = spq.line_cut(model, levels=2, points=101)
    edges = ds["confinement_eV"].sel(kind="e").values
    assert (
        np.nanmin(edges) == 0.0 and np.nanmax(edges) == pytest.approx(0.10) and np.isnan(edges[[0, -1]]).all()
    )
    assert ds["level"].values.tolist()[:2] == ["e level 1", "e level 2"]
    assert ds["level_energy_meV"].values[0] == pytest.approx(228.607, abs=0.05)
    s_like = ds["level_wave_function"].values[0]
    assert s_like == pytest.approx(s_like[::-1], abs=1e-3) and s_like[50] > 0.2


def test_a_section_knows_where_it_is():
    model = gallery.heterodimer(accuracy="coarse")
    need_mesh(model.molecule, "coarse", "axisymmetric")
    ds = spq.sections(model, "segX-@1", plane="yz", points=41)
    assert ds["density"].dims == ("carrier", "z", "y") and ds.attrs["state"] == "segX-@1"
    assert np.ptp(ds["x_nm"].values) == 0 and ds["z"].values[0] < -6.6 and ds["z"].values[-1] > 6.65
    second = ds["density"].sel(carrier="e2")
    assert float(second.sel(z=3.2, y=0, method="nearest")) > 10 * float(
        second.sel(z=-3.2, y=0, method="nearest")
    )
    step = np.diff(ds["z"].values).mean(), np.diff(ds["y"].values).mean()
    assert step[0] == pytest.approx(step[1])


def test_direct_and_reduced_agree():
    """The reduced basis is made for energies: 1e-5 /nm³ in the hole's tail, where it is 2e-4."""
    charge = [spq.SurfaceCharge(charge=-1, z=2.0, phi=40)]
    points = [[0.3, 0.2, -0.5], [1.0, -1.0, 1.5]]
    found = [
        spq.evaluate(sphere_model(method=method), points, "X@1", charge)["density"].values
        for method in ("reduced", "direct")
    ]
    assert found[0] == pytest.approx(found[1], rel=2e-2, abs=3e-5) and found[0].min() > 1e-6


def test_nodes_of_the_half_plane_are_those_of_a_whole_one():
    given = solved(sphere_model(), "X@1")
    places = places_of_nodes(given.discretisation.space)
    inside = np.linalg.norm(places.points, axis=1) < 3.0
    values = places.values(given.orbitals[0].blocks)[inside]
    again = spq.evaluate(sphere_model(), places.points[inside], "X@1")["wave_function"].values[0]
    assert values == pytest.approx(again, abs=1e-9) and places.points[:, 0].min() < -1


def test_as_many_levels_as_the_mesh_has():
    model = gallery.monomer(accuracy="coarse")
    with pytest.raises(InputError, match="levels = 5000: at most") as refused:
        spq.evaluate(model, [[0, 0, 0]], levels=5000)
    most = int(str(refused.value).split("at most ")[1].split()[0])
    with pytest.raises(InputError, match=f"at most {most} are"):
        spq.evaluate(model, [[0, 0, 0]], levels=most + 1)
    assert spq.evaluate(model, [[0, 0, 0]], levels=most).sizes["level"] == 2 * most


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: spq.evaluate(m, [[0, 0, 99]]), "lies outside the mesh"),
        (lambda m: spq.evaluate(m, [[0, 0]]), "must be"),
        (lambda m: spq.evaluate(m, [["a", 0, 0]]), "points = .* finite numbers"),
        (lambda m: spq.evaluate(m, [[1, 0], [0, 1, 2]]), "points = .* finite numbers"),
        (lambda m: spq.evaluate(m, [[1j, 0, 0]]), "points = .* finite numbers"),
        (lambda m: spq.evaluate(m, [[0, 0, 0]], levels=5000), "levels = 5000: at most"),
        (lambda m: spq.evaluate(m.replace(method="ci"), [[0, 0, 0]], "X@1"), '"reduced"'),
        (lambda m: spq.sections(m, plane="zx"), "plane"),
        (lambda m: spq.line_cut(m, extent=(2, 1)), "ascend"),
    ],
)
def test_errors(call, message):
    with pytest.raises(InputError, match=message):
        call(sphere_model())
