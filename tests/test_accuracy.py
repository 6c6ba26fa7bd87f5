"""The error estimate against exact values: it covers the error, and is not many times too large."""

import numpy as np
import pytest
from systems import entry, reference

import spq
from spq import gallery
from spq.accuracy import FLOOR, estimated
from spq.errors import SpqError
from spq.prepare import companion, external_field, prepare
from spq.transition import many, uncharged


@pytest.mark.parametrize("step", [0.10, 0.32])
@pytest.mark.parametrize("accuracy", ["coarse", "normal"])
def test_emission_of_the_monomer(step, accuracy):
    model = gallery.uniform_monomer(step, accuracy=accuracy)
    row = entry(reference("shifts")["monomer_none"], cb_step_eV=step)
    found = spq.emission(model, "X@1")
    error = abs(found.confinement_meV - row["X"])
    assert 0 < error < found.error_meV < 10 * error + FLOOR
    assert found.shift_error_meV == 0.0


def test_the_estimate_grows_with_the_error():
    """On the half plane: coarse, normal, fine; each estimate well below the one before."""
    estimates = [
        spq.emission(gallery.uniform_monomer(0.32, accuracy=each), "X@1").error_meV
        for each in ("coarse", "normal", "fine")
    ]
    assert estimates[0] > 1.5 * estimates[1] > 0
    assert estimates[1] > 1.5 * estimates[2] > 0


def test_every_point_has_an_estimate():
    model = gallery.heterodimer(accuracy="coarse")
    found = spq.shift_map(model, states=["X@1"], points=5)
    for name in ("error_meV", "shift_error_meV"):
        assert (found[name] > 0).all()
    assert (found.reference_error_meV > 0).all()


def test_an_equal_companion_leaves_the_floor():
    """Negative control: against itself a system has no error but that of the self-consistency."""
    model = gallery.uniform_monomer(0.32, accuracy="coarse")
    system = companion(model)
    bare = uncharged(system, model.states[0], "relaxed")
    field = external_field(system, model, [spq.SurfaceCharge(1, z=1.0)])[None]
    errors = estimated(system, bare, many(system, field, bare, "relaxed"), field, "relaxed")
    assert errors.reference == pytest.approx(FLOOR, abs=1e-6)
    assert errors.shift == pytest.approx([FLOOR], abs=1e-6)
    other = prepare(model)
    bare = uncharged(other, model.states[0], "relaxed")
    fields = external_field(other, model, [spq.SurfaceCharge(1, z=1.0)])[None]
    errors = estimated(system, bare, many(other, fields, bare, "relaxed"), field, "relaxed")
    assert errors.reference > 5 * FLOOR
    assert np.isfinite(errors.shift).all()


def test_without_a_companion_there_is_no_estimate(monkeypatch, caplog):
    """That the companion cannot be made stops nothing."""
    model = gallery.uniform_monomer(0.32, accuracy="coarse").replace(matrix="ligand")

    def failing(*args):
        raise SpqError("no such basis")

    prepare(model)
    monkeypatch.setattr(spq.prepare, "reduction", failing)
    found = spq.emission(model, "X@1", [spq.SurfaceCharge(1, z=1.0)])
    assert found.error_meV is None and found.shift_error_meV is None
    assert "no such basis" in caplog.text
    shifts = spq.shift_map(model, states=["X@1"], points=3)
    assert shifts.converged.all() and np.isnan(shifts.error_meV).all()
    entries = spq.Table(model).entries([(0,)], [[]])
    assert entries.converged.all() and np.isnan(entries.error_meV).all()
