"""Comparison of stored results: known differences are found, with the errors beside them."""

import json
from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from synthetic import synthetic_map

import spq
from spq import gallery
from spq.cli import main
from spq.errors import InputError
from spq.fields import changed
from spq.mapcomparison import turning_is_free

MODEL = gallery.heterodimer()


def maps(points=(21, 21), model=MODEL):
    a, b = synthetic_map(MODEL, points[0]), synthetic_map(model, points[1])
    for ds in (a, b):
        ds["shift_error_meV"][:] = 0.03
        ds["error_meV"][:] = 0.05
        if "reference_error_meV" not in ds:
            ds["reference_error_meV"] = ("state", np.full(ds.sizes["state"], 0.02))
    return a, b


def row(found, state, quantity):
    (one,) = [each for each in found.differences if (each.state, each.quantity) == (state, quantity)]
    return one


def test_shifts_errors_flags_and_inputs():
    a, b = maps(model=changed(MODEL, {"dots[2].core_radius": 1.4, "model.self_energy": "image"}))
    b["shift_meV"][1] += 0.04  # less than the errors together, 0.0424
    b["shift_meV"][1, 0, 7] += 0.5
    b["hybridised"][1, 1, 3] = ~b["hybridised"][1, 1, 3]
    # the molecule changed its length a little: put the points where those of A are
    for name in ("z_nm", "phi_deg", "position_nm"):
        b = b.assign_coords({name: a[name]})
    found = spq.compare(a, b)
    name = str(a["state"].values[1])
    shift = row(found, name, "shift")
    assert (shift.points, shift.missing, shift.beyond) == (42, 0, 1)
    assert shift.maximum_meV == pytest.approx(0.54) and shift.error_meV == pytest.approx(0.03 * np.sqrt(2))
    assert shift.rms_meV == pytest.approx(np.sqrt((41 * 0.04**2 + 0.54**2) / 42))
    assert shift.flags == {"converged": 0, "followed": 0, "hybridised": 1}
    assert row(found, name, "energy").maximum_meV == pytest.approx(0.0, abs=1e-9)
    first = row(found, str(a["state"].values[0]), "shift")
    assert (first.points, first.missing, first.maximum_meV) == (41, 1, 0.0)  # one did not converge
    assert found.inputs == {
        "dots[2].core_radius": (1.35, 1.4),
        "model.self_energy": ("none", "image"),
    }


def test_other_grids_are_interpolated():
    a, b = maps((21, 33))
    for ds in (a, b):
        ds["shift_meV"][:] = 2.0 * ds["z_nm"].values - 1.0  # linear: interpolation is exact
        ds["shift_meV"][0, 0, 5] = np.nan
    b["shift_meV"][:] += 0.25
    found = spq.compare(a, b)
    last = row(found, str(a["state"].values[-1]), "shift")
    assert (
        last.points == 42 and last.maximum_meV == pytest.approx(0.25) and last.mean_meV == pytest.approx(0.25)
    )
    first = row(found, str(a["state"].values[0]), "shift")
    assert 38 <= first.points < 41 and first.rms_meV == pytest.approx(0.25)
    shorter = b.isel(point=slice(4, None))
    assert row(spq.compare(a, shorter), str(a["state"].values[-1]), "shift").missing > 0


def test_only_points_at_one_place_are_beyond_the_error():
    """Interpolation is in no error: what it does is not counted as beyond it, but said."""
    a, b = maps((21, 11))
    for ds in (a, b):
        ds["shift_meV"][:] = ds["z_nm"].values ** 2
    found = spq.compare(a, b)
    last = row(found, str(a["state"].values[-1]), "shift")
    assert (last.points, last.interpolated, last.beyond) == (42, 20, 0)
    assert last.maximum_meV > 0.1 > 2 * last.error_meV
    b["shift_meV"][-1, 0, 3] += 1.0
    assert row(spq.compare(a, b), str(a["state"].values[-1]), "shift").beyond == 1
    assert row(spq.compare(b, a), str(a["state"].values[-1]), "shift").interpolated == 0
    # points that are all elsewhere
    b = b.assign_coords(z_nm=0.999 * b["z_nm"] + 1e-3, position_nm=0.999 * b["position_nm"])
    elsewhere = row(spq.compare(b, a), str(a["state"].values[-1]), "shift")
    assert elsewhere.interpolated == elsewhere.points > 0 and elsewhere.beyond is None


@pytest.mark.parametrize(
    "across", [{}, {"surface_charges": (spq.SurfaceCharge(1, z=3.0),)}, {"electric_field": (1.0, 0.0, 0.0)}]
)
def test_azimuths_are_one_where_nothing_tells_them_apart(across):
    spec = spq.MapSpec(states=("X@1",), points=5)
    models = [MODEL.replace(map=replace(spec, phi=phi), accuracy="coarse", **across) for phi in (0.0, 40.0)]
    a, b = (spq.shift_map(model) for model in models)
    found = row(spq.compare(a, b), "X@1", "shift")
    if across:
        assert found.points < 10  # the poles alone
    else:
        assert (found.points, found.missing, found.interpolated, found.beyond) == (10, 0, 0, 0)
        assert abs(found.maximum_meV) < 1e-6


def test_a_field_along_the_axis_tells_no_azimuths_apart():
    for field, free in (((0.0, 0.0, 5.0), True), ((0.0, 5.0, 5.0), False)):
        ds = synthetic_map(MODEL.replace(electric_field=field))
        assert turning_is_free(ds) is free


def test_a_real_map_on_two_grids():
    """A finer grid of the same map: nothing but interpolation is between them."""
    model = gallery.uniform_monomer(accuracy="coarse")
    a, b = (spq.shift_map(model, ["X@1"], points=points) for points in (9, 17))
    same = row(spq.compare(a, b), "X@1", "shift")
    assert same.points == 18 and abs(same.maximum_meV) < 1e-6  # 17 points hold the 9
    other = spq.compare(b, a)
    assert 1e-4 < row(other, "X@1", "shift").rms_meV < 0.5
    assert other.inputs["map.points"] == (17, 9)


def test_only_in_one():
    a, b = maps()
    found = spq.compare(a.isel(state=[0, 1]), b.isel(state=[1, 2], charge=[0]))
    assert found.only["A"] == (str(a["state"].values[0]), "charge -1 e")
    assert found.only["B"] == (str(a["state"].values[2]),)
    with pytest.raises(InputError, match="no state in common"):
        spq.compare(a.isel(state=[0]), b.isel(state=[1]))


class Here(Executor):
    """Runs what is submitted at once, in this process."""

    def submit(self, function, /, *args, **kwargs):
        done = Future()
        done.set_result(function(*args, **kwargs))
        return done


def test_sweeps():
    model = gallery.uniform_monomer(accuracy="coarse", map=spq.MapSpec(states=("X@1",)))
    axis = "materials.PMMA.permittivity_static"
    one = Here()
    a, b = (spq.sweep(model, {axis: v}, executor=one) for v in ([2.0, 2.25, 3.0], [2.25, 3.0]))
    other = spq.sweep(model, {"materials.PMMA.permittivity_optical": [2.2]}, executor=one)
    b["energy_eV"] = b["energy_eV"] + 2e-3
    found = spq.compare(a, b)
    energy = row(found, "X@1", "energy")
    assert energy.points == 2 and energy.maximum_meV == pytest.approx(2.0, abs=1e-6) and energy.beyond == 2
    with pytest.raises(InputError, match="swept over"):
        spq.compare(a, other)


def test_spectra():
    spec = spq.SpectrumSpec(carriers=("X",), states=2)
    model = gallery.uniform_monomer(accuracy="coarse", spectrum=spec)
    a = spq.spectrum(model)
    b = a.copy(deep=True)
    b["line_energy_eV"] = b["line_energy_eV"] + 1e-3
    found = spq.compare(a, b)
    (line,) = found.differences
    assert (line.state, line.quantity, line.missing) == ("X", "line", 0)
    assert line.points == a.sizes["line"] >= 1 and line.mean_meV == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(InputError, match="A is a spectrum and B a map"):
        spq.compare(a, maps()[0])


def test_what_cannot_be_compared_is_named(tmp_path):
    for kind in ("analysis", "assignment"):
        path = tmp_path / f"{kind}.nc"
        xr.Dataset({"track": ("frame", [1.0])}, attrs={"spq_kind": kind}).to_netcdf(path, engine="h5netcdf")
        with pytest.raises(InputError, match=f"both are an {kind}; maps, spectra and sweeps can be compared"):
            spq.compare(path, path)
    with pytest.raises(InputError, match="A is a map and B an assignment"):
        spq.compare(maps()[0], path)
    with pytest.raises(InputError, match="A = 3: must be a Dataset, or the file of one"):
        spq.compare(3, 4)
    with pytest.raises(InputError, match="B = 4: must be a Dataset"):
        spq.compare(maps()[0], 4)
    with pytest.raises(InputError, match="both are a result of another program"):
        spq.compare(xr.Dataset(), xr.Dataset())


def test_command_line(tmp_path, capsys):
    a, b = maps()
    for name, ds in (("a", a), ("b", b)):
        spq.save_map(ds, tmp_path / name)
    b["shift_meV"][:] += 1.0
    spq.save_map(b, tmp_path / "b")
    files = [str(tmp_path / name / "shift_map.nc") for name in "ab"]
    assert main(["compare", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "map" and document["inputs"] == {}
    assert document["differences"][0]["maximum_meV"] == pytest.approx(1.0)
    assert main(["compare", *files]) == 0
    text = capsys.readouterr().out
    assert "the inputs are the same" in text and "beyond error" in text
    assert "what interpolation does" not in text
    spq.save_map(maps((21, 11))[1], tmp_path / "c")
    assert main(["compare", files[0], str(tmp_path / "c" / "shift_map.nc")]) == 0
    assert "max and rms hold what interpolation does, the errors do not" in capsys.readouterr().out
    assert main(["compare", files[0], str(tmp_path / "none.nc")]) == 2
    assert main(["compare", *files, "--quantity", "potential"]) == 2
    assert "goes with a grid" in capsys.readouterr().err
