"""A uniform electric field: the local field, reference shifts, symmetry, and the two methods."""

import numpy as np
import pytest
from systems import discretised, entry, reference

import spq
from spq import gallery
from spq.direct import Direct
from spq.errors import InputError
from spq.prepare import external_field, prepare
from spq.transition import continued, uncharged
from spq.units import KV_PER_CM

OBLIQUE = (240.0, -120.0, 320.0)  # kV/cm


def monomer(discretisation, accuracy="coarse", **others):
    model = gallery.uniform_monomer(0.32, accuracy=accuracy, discretisation=discretisation)
    return model.replace(**others)


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 0, 0), (0.6, 0.0, 0.8)])
def test_the_field_in_a_sphere_is_uniform(discretisation, direction):
    """E_in = 3 ε_out / (ε_in + 2 ε_out) E (Jackson, Classical Electrodynamics, section 4.4)."""
    model = monomer(discretisation)
    direct = Direct(discretised(model))
    space, field = direct.space, 0.01 * np.array(direction)
    labels = space.harmonics.potential
    nodal = dict(zip(labels, direct.far_field(field)[0].reshape(len(labels), -1), strict=True))
    points = np.array([[0.3, 0.2, 1.0], [-1.5, 0.4, -0.7], [0.0, 1.0, 2.0]])
    evaluate, angular = space.point_values(points), space.azimuthal(labels, points)
    found = sum(chi * (evaluate @ nodal[label]) for label, chi in zip(labels, angular, strict=True))
    eps_in, eps_out = model.permittivities()[[0, -1]]
    expected = -3 * eps_out / (eps_in + 2 * eps_out) * points @ field
    assert found == pytest.approx(expected, rel=4e-3, abs=2e-5)


@pytest.mark.parametrize(
    "discretisation, direction", [("axisymmetric", 0), ("axisymmetric", 2), ("solid", 1)]
)
def test_reference_shift(discretisation, direction):
    row = entry([reference("shifts")["uniform_field_X"]], cb_step_eV=0.32)
    shifts = []
    for strength, expected in zip(row["kV_per_cm"], row["none"], strict=True):
        field = tuple(strength * np.eye(3)[direction])
        found = spq.emission(monomer(discretisation, electric_field=field), "X@1")
        assert found.shift_meV == pytest.approx(expected, rel=0.02)
        assert found.shift_error_meV is not None and found.shift_error_meV > 0
        shifts.append(found.shift_meV)
    assert shifts[1] / shifts[0] == pytest.approx(4.0, abs=0.02)


def test_direct_and_reduced_agree():
    """Both dots of the heterodimer in an oblique field, beside a charge."""
    model = gallery.heterodimer(accuracy="coarse", electric_field=OBLIQUE)
    system = prepare(model)
    direct = Direct(system.discretisation)
    charge = [spq.SurfaceCharge(0.5, z=4.0, phi=75.0)]
    for state in [s for s in model.states if s.name in ("X@1", "X-@2")]:
        energies = []
        for way in (system, direct):
            bare = uncharged(way, state, "relaxed")
            (found,) = continued(way, state, external_field(way, model, charge)[None], bare, "relaxed")
            assert found.converged
            energies.append(1e3 * (found.energy - bare.energy))
        assert abs(energies[0]) > 0.3
        assert energies[0] == pytest.approx(energies[1], abs=0.05)


def test_turning_field_and_charge_about_the_axis_changes_nothing():
    found = []
    for angle in (0.0, 50.0, 180.0):
        cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        across = np.array([[cosine, -sine], [sine, cosine]]) @ OBLIQUE[:2]
        model = gallery.heterodimer(accuracy="coarse", electric_field=(*across, OBLIQUE[2]))
        charge = spq.SurfaceCharge(1.0, z=-3.0, phi=20.0 + angle)
        found.append(spq.emission(model, "X@1", [charge]).shift_meV)
    assert found == pytest.approx([found[0]] * 3, abs=1e-6)
    other = spq.emission(model, "X@1", [spq.SurfaceCharge(1.0, z=-3.0, phi=20.0)]).shift_meV
    assert abs(other - found[0]) > 0.05


def test_the_field_is_in_every_point_but_not_in_the_reference():
    """Maps and tables as single emissions; the transverse part keeps charges where they are."""
    model = gallery.heterodimer(accuracy="coarse", electric_field=OBLIQUE)
    charge = spq.SurfaceCharge(-1.0, z=2.5, phi=30.0)
    alone = spq.emission(model, "X@2", [charge])
    without = spq.emission(model.replace(electric_field=(0, 0, 0)), "X@2", [])
    assert alone.emission_eV - 1e-3 * alone.shift_meV == pytest.approx(without.emission_eV, abs=1e-9)
    spec = spq.MapSpec(states=("X@2",), charges=(-1.0,), z=(2.5,), phi=30.0)
    mapped = spq.shift_map(model.replace(map=spec))
    assert float(mapped.shift_meV[0, 0, 0]) == pytest.approx(alone.shift_meV, abs=1e-4)
    entries = spq.Table(model).entries([(0, 0)], [[charge]])
    assert float(entries.shift_meV.sel(emitter=2)[0]) == pytest.approx(alone.shift_meV, abs=1e-4)


def test_unit():
    """1 kV/cm over 1 nm."""
    assert KV_PER_CM == pytest.approx(1e3 / 1e7)
    with pytest.raises(InputError, match="electric_field"):
        gallery.heterodimer(electric_field=(0, 0, float("inf")))
