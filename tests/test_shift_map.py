"""The shift map: layout of the Dataset, failing points, given charges, and its physics."""

import json
from dataclasses import replace

import numpy as np
import pytest
from systems import charged, discretised, need_mesh

import spq
import spq.prepare
from spq import direct, gallery, hartree, shiftmap, transition
from spq.errors import ConvergenceError
from spq.inputfile import loads
from spq.observables import FLAGS, HYBRIDISED_RULE, POPULATIONS, VARIABLES
from spq.shiftmap import shift_map
from spq.surface import SurfaceCharge

STATES = ("X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2")
NECK_CLEARANCE = 1.5  # nm


@pytest.fixture(scope="module")
def whole_map(axisymmetric_heterodimer):
    """The main job's map at coarse: 6 states, 2 signs, 41 positions."""
    return shift_map(gallery.heterodimer(accuracy="coarse"))


@pytest.fixture(scope="module")
def normal_map():
    model = gallery.heterodimer(accuracy="normal")
    discretised(model)
    return shift_map(model)


@pytest.fixture(params=["coarse", pytest.param("normal", marks=pytest.mark.slow)])
def nominal_map(request):
    name = {"coarse": "whole_map", "normal": "normal_map"}[request.param]
    return request.getfixturevalue(name)


@pytest.fixture
def small(axisymmetric_sphere, monkeypatch):
    """A model and its prepared system, used by shift_map without preparing it again."""
    model = gallery.uniform_monomer(0.32, accuracy="coarse")
    coarse = spq.prepare.companion(model)
    monkeypatch.setattr(shiftmap, "with_companion", lambda model, progress: (axisymmetric_sphere, coarse))
    return model


def test_layout(whole_map):
    assert dict(whole_map.sizes) == {"state": 6, "charge": 2, "point": 41, "dot": 2, "xyz": 3}
    assert tuple(whole_map.state.values) == STATES
    assert whole_map.charge.values.tolist() == [1.0, -1.0]
    assert whole_map.dot.values.tolist() == [1, 2]
    for name in VARIABLES:
        assert whole_map[name].dims == ("state", "charge", "point")
        assert whole_map[name].attrs["units"] and whole_map[name].attrs["long_name"]
    for name in POPULATIONS:
        assert whole_map[name].dims == ("state", "charge", "point", "dot")
    for name in FLAGS:
        assert whole_map[name].dtype == bool
    assert whole_map.iterations.dtype.kind == "i" and (whole_map.iterations > 2).all()
    assert whole_map.reference_eV.dims == ("state",)
    assert whole_map.emitter.values.tolist() == [1, 1, 1, 2, 2, 2]
    assert whole_map.hybridised.attrs["long_name"] == HYBRIDISED_RULE
    for name in ("error_meV", "shift_error_meV"):
        assert (whole_map[name] > 0.0).all()
    assert whole_map.reference_error_meV.dims == ("state",) and (whole_map.reference_error_meV > 0.0).all()


def test_positions_from_pole_to_pole(whole_map):
    model = gallery.heterodimer()
    z = whole_map.z_nm.values
    assert z == pytest.approx(np.linspace(-6.6, 6.65, 41), abs=1e-12)
    assert (whole_map.phi_deg.values == 0).all()
    position = whole_map.position_nm.values
    assert position.shape == (41, 3)
    assert position[:, 2] == pytest.approx(z, abs=1e-12)
    assert model.molecule.distance_outside(position) == pytest.approx(np.zeros(41), abs=1e-9)
    assert position[[0, -1], :2] == pytest.approx(np.zeros((2, 2)), abs=1e-9)


def test_attributes(whole_map):
    attributes = whole_map.attrs
    assert attributes["self_energy"] == "none" and "none" in attributes["title"]
    assert attributes["spq_version"] == spq.__version__
    assert loads(attributes["input"]) == gallery.heterodimer(accuracy="coarse")
    seconds = json.loads(attributes["seconds"])
    assert set(seconds) == {"mesh", "states", "integrals", "map", "total"}
    assert 0 < seconds["map"] <= seconds["total"]
    assert "absent from the reference" in attributes["convention"]


def test_shift_is_energy_less_reference(whole_map):
    shift = 1e3 * (whole_map.energy_eV - whole_map.reference_eV)
    assert np.abs(whole_map.shift_meV).max() > 3.0
    assert whole_map.shift_meV.values == pytest.approx(shift.values, abs=1e-9)
    assert whole_map.reference_eV.values == pytest.approx(2.08, abs=0.03)


def test_populations_sum_to_the_carriers(whole_map):
    carriers = {"X": (1, 1), "X-": (2, 1), "segX-": (2, 1), "segT": (3, 1)}
    for state in STATES:
        electrons, holes = carriers[state.split("@")[0]]
        one = whole_map.sel(state=state)
        # second-order products on curved elements
        assert one.electrons.sum("dot").values == pytest.approx(electrons, abs=2e-3)
        assert one.holes.sum("dot").values == pytest.approx(holes, abs=2e-3)
        assert one.final_electrons.sum("dot").values == pytest.approx(electrons - 1, abs=2e-3)
        assert one.final_holes.values == pytest.approx(0.0, abs=1e-12)
        emitter = one.holes.sel(dot=int(one.emitter))
        assert (emitter > 0.9).all()


def test_a_point_of_the_map_is_an_emission(whole_map, axisymmetric_heterodimer):
    """One point by the same functions as spq.emission, and spq.emission itself."""
    model = gallery.heterodimer(accuracy="coarse")
    for state, charge, point in (("X-@2", -1.0, 30), ("segT@1", 1.0, 3)):
        z = float(whole_map.z_nm[point])
        alone = charged(axisymmetric_heterodimer, state, [SurfaceCharge(charge, z=z)])
        stored = whole_map.sel(state=state, charge=charge).isel(point=point)
        assert float(stored.energy_eV) == pytest.approx(model.gap + alone.energy, abs=2e-6)
        assert abs(float(stored.shift_meV)) > 0.5
    result = spq.emission(model, "X-@2", [SurfaceCharge(-1, z=float(whole_map.z_nm[30]))])
    stored = whole_map.sel(state="X-@2", charge=-1.0).isel(point=30)
    assert result.shift_meV == pytest.approx(float(stored.shift_meV), abs=2e-3)
    assert result.overlap == pytest.approx(float(stored.overlap), abs=1e-4)


def test_every_point_converges_and_is_followed(nominal_map):
    """492 of 492."""
    assert nominal_map.converged.size == 492
    assert nominal_map.converged.all() and nominal_map.followed.all()
    assert np.isfinite(nominal_map.energy_eV).all()


def test_red_for_both_signs_on_the_emitting_dot(nominal_map):
    """A charge at the pole of the emitting dot: several meV; on the other dot at most 0.6 meV."""
    for state in ("X@1", "X@2", "X-@2"):
        one = nominal_map.sel(state=state)
        side = -1 if state.endswith("1") else 1
        own = one.where(side * one.z_nm > NECK_CLEARANCE, drop=True).shift_meV
        other = one.where(side * one.z_nm < -NECK_CLEARANCE, drop=True).shift_meV
        assert own.sizes["point"] > 10 and other.sizes["point"] > 10
        assert (own < -1.5).all(), state
        assert own.min() > -15.0
        assert (np.abs(other) <= 0.6).all(), state
        assert (np.abs(other) > 0.01).any()
        if state.startswith("X@"):
            poles = own.isel(point=0 if side < 0 else -1)
            assert (poles < -3.0).all()


def test_shifts_are_smooth(nominal_map):
    """No jump between neighbours where neither is hybridised: a lost state is off by many meV."""
    for state in STATES:
        one = nominal_map.sel(state=state)
        plain = ~one.hybridised.values
        both = plain[:, 1:] & plain[:, :-1]
        steps = np.abs(np.diff(one.shift_meV.values, axis=1))
        assert both.sum() > 50
        z = one.z_nm.values
        across = (z[:-1] < 0.5) & (z[1:] > -0.7)  # the neck, where everything happens
        assert steps[both & ~across].max() < 0.7, state
        assert steps[both].max() < 3.0, state


def test_states_without_charge(nominal_map):
    """Trion shift −10 to −20 meV; X and segX-, X- and segT within 1 meV of each other."""
    reference = 1e3 * nominal_map.reference_eV
    value = {state: float(reference.sel(state=state)) for state in STATES}
    assert -20.0 < value["X-@2"] - value["X@2"] < -10.0
    assert 1e-3 < abs(value["segX-@1"] - value["X@1"]) < 1.0
    assert 1e-3 < abs(value["segT@2"] - value["X-@2"]) < 1.0
    assert -20.0 < value["segT@1"] - value["X@1"] < -10.0
    assert 10.0 < value["X@1"] - value["X@2"] < 25.0


def test_overlap_changes_by_a_few_percent(nominal_map):
    exciton = nominal_map.sel(state=["X@1", "X@2"])
    change = exciton.overlap / exciton.reference_overlap - 1
    assert (nominal_map.reference_overlap > 0.5).all() and (nominal_map.reference_overlap < 1).all()
    assert 1e-3 < np.abs(change).max() < 0.15


def test_a_failing_point_is_nan_and_the_map_goes_on(small, monkeypatch):
    """Charged points get one iteration only; the reference, without a charge, all of them."""
    full = hartree.MAX_ITERATIONS
    real = hartree.solve

    def hindered(system, shells, references, externals, *args, **kwargs):
        bad = np.array([np.abs(field).max() > 0.4 * scale for field in externals]).any()
        monkeypatch.setattr(hartree, "MAX_ITERATIONS", 1 if bad else full)
        return real(system, shells, references, externals, *args, **kwargs)

    unit = shiftmap.with_companion(small, None)[0].charge_fields(np.array([[0.0, 0.0, 3.4]]))
    scale = np.abs(unit).max()
    monkeypatch.setattr(hartree, "solve", hindered)
    found = shift_map(small, states=["X@1", "X-@1"], charges=[1.0], points=4)
    assert not found.converged.any()
    assert np.isnan(found.energy_eV).all() and np.isnan(found.shift_meV).all()
    assert np.isnan(found.electrons).all()
    assert not found.followed.any()
    assert np.isfinite(found.reference_eV).all()


def test_some_points_fail_and_others_do_not(small, monkeypatch):
    """Points of the larger charge fail, those of the smaller stay as they are without the failure."""
    whole = shift_map(small, states=["X-@1"], charges=[0.1, 1.0], points=3)
    assert whole.converged.all()
    monkeypatch.setattr(transition, "continued", _failing_above(0.5, transition.continued))
    monkeypatch.setattr(
        shiftmap, "transitions", lambda system, state, fields, bare, *rest: [replace(bare, final=None)]
    )
    found = shift_map(small, states=["X-@1"], charges=[0.1, 1.0], points=3)
    assert found.converged.sel(charge=0.1).all() and not found.converged.sel(charge=1.0).any()
    kept, before = found.sel(charge=0.1).shift_meV, whole.sel(charge=0.1).shift_meV
    assert kept.values == pytest.approx(before.values, abs=1e-9)
    assert np.isnan(found.sel(charge=1.0).shift_meV).all()


def _failing_above(limit, real):
    """Call the real function; the results of fields of large charges become unconverged."""

    def continued(system, state, externals, *rest):
        found = real(system, state, externals, *rest)
        unit = np.abs(system.charge_fields(np.array([[0.0, 0.0, 3.4]]))).max()
        large = [np.abs(field).max() > limit * unit for field in externals]
        return [replace(one, final=None) if bad else one for one, bad in zip(found, large, strict=True)]

    return continued


def test_given_charges_are_in_every_point_but_not_in_the_reference(small):
    given = SurfaceCharge(-1, z=-3.4)
    alone = shift_map(small, states=["X@1"], charges=[1.0], points=3)
    both = shift_map(small.replace(surface_charges=(given,)), states=["X@1"], charges=[1.0], points=3)
    assert both.reference_eV.values == pytest.approx(alone.reference_eV.values, abs=1e-12)
    difference = (both.shift_meV - alone.shift_meV).values.ravel()
    assert np.abs(difference).min() > 0.5
    # the opposite charge at the same pole cancels it
    assert both.shift_meV.values.ravel()[0] == pytest.approx(0.0, abs=1e-3)
    # opposite signs at opposite poles pull together: far more than the sum of the two (image: -10.5)
    assert both.shift_meV.values.ravel()[2] < -8.0


def test_full_surface(small):
    """Every z at every azimuth; inside a sphere the shift depends on neither."""
    spec = replace(small.map, surface="full", phi_points=5, points=4, phi=10.0)
    found = shift_map(small.replace(map=spec), states=["X@1"], charges=[1.0])
    assert found.sizes["point"] == 20
    assert found.z_nm.values == pytest.approx(np.repeat(np.linspace(-3.4, 3.4, 4), 5), abs=1e-12)
    assert found.phi_deg.values == pytest.approx(np.tile(10.0 + 72.0 * np.arange(5), 4))
    assert np.linalg.norm(found.position_nm, axis=1) == pytest.approx(3.4, abs=1e-9)
    shifts = found.shift_meV.values
    assert shifts.max() < -2.5
    # coarse: the elements at the charge are 0.9 nm wide
    assert np.ptp(shifts) < 0.4


def test_given_positions_and_states(small):
    found = shift_map(small, states=["X+@1", "e1 e1 h1"], charges=[0.3], z=[1.0, -2.0])
    assert found.z_nm.values.tolist() == [1.0, -2.0]
    assert found.state.values.tolist() == ["X+@1", "X-@1"]
    assert found.charge.values.tolist() == [0.3]
    again = shift_map(small, states=["X+@1"], charges=[0.3], z=[-2.0])
    assert abs(float(again.shift_meV[0, 0, 0])) > 0.01
    assert float(again.shift_meV[0, 0, 0]) == pytest.approx(float(found.shift_meV[0, 0, 1]), abs=1e-5)


def test_bad_arguments(small):
    for wrong in ({"states": ["X@2"]}, {"charges": [np.nan]}, {"points": 1}, {"z": [3.5]}):
        with pytest.raises(spq.InputError):
            shift_map(small, **wrong)


def test_swapping_the_dots_mirrors_the_map(whole_map):
    swapped = gallery.swapped_heterodimer(accuracy="coarse")
    discretised(swapped)
    heights = whole_map.z_nm.values[::8]
    found = shift_map(swapped, states=["X@2", "segX-@2"], z=-heights)
    for state, mirrored in (("X@1", "X@2"), ("segX-@1", "segX-@2")):
        one = whole_map.sel(state=state).isel(point=slice(None, None, 8))
        other = found.sel(state=mirrored)
        assert np.abs(one.shift_meV).max() > 3.0
        plain = ~(one.hybridised.values | other.hybridised.values)
        assert plain.sum() >= 9
        difference = np.abs(one.shift_meV.values - other.shift_meV.values)
        assert difference[plain].max() < 0.1


def test_points_given_as_an_argument_override_the_heights_of_the_model(small):
    model = small.replace(map=replace(small.map, z=(3.4,)))
    assert shift_map(model, states=["X@1"], charges=[1.0]).sizes["point"] == 1
    assert shift_map(model, states=["X@1"], charges=[1.0], points=3).sizes["point"] == 3
    with pytest.raises(spq.InputError, match="both points and z"):
        shift_map(model, points=3, z=[3.4])


def test_a_direct_orbital_that_fails_does_not_stop_the_map(monkeypatch):
    """One orbital is not found at the larger charge; the other point is there."""
    real = direct.Direct.follow

    def follow(self, kind, fields, externals, *rest):
        if np.abs(externals).max() > limit:
            raise ConvergenceError("orbital not converged")
        return real(self, kind, fields, externals, *rest)

    model = gallery.monomer(accuracy="coarse", method="direct")
    system = spq.prepare.prepare(model)
    limit = 0.5 * np.abs(system.charge_fields(np.array([[0.0, 0.0, 3.4]]))).max()
    monkeypatch.setattr(direct.Direct, "follow", follow)
    found = shift_map(model, states=["X@1"], charges=[0.01, 1.0], z=[3.4])
    assert found.converged.values.ravel().tolist() == [True, False]
    assert np.isnan(found.shift_meV.values.ravel()[1]) and np.isfinite(found.shift_meV.values.ravel()[0])


@pytest.mark.parametrize("method", ["reduced", "direct"])
def test_a_p_like_orbital_that_turns_away_is_not_followed(method):
    """The third electron's lies along the axis; near 45 degrees it turns from along to across the charge."""
    model = gallery.monomer(accuracy="coarse", self_energy="density", method=method)
    need_mesh(model.molecule, "coarse", "axisymmetric")
    heights = 3.4 * np.cos(np.radians([15.0, 25.0, 40.0, 50.0, 75.0]))
    found = spq.shift_map(model, states=["X2-@1"], charges=(0.5,), z=heights.tolist()).isel(state=0, charge=0)
    assert found["converged"].values.all()
    assert found["followed"].values.tolist() == [True, True, False, False, True]
    steps = np.abs(np.diff(found["shift_meV"].values))
    assert steps[2] > 5.0 > max(steps[0], steps[1], steps[3])  # between points that are marked
