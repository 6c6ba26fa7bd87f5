"""Exported files open again with readers that know nothing of spq, and hold the same values."""

import csv
import json
import re

import meshio
import numpy as np
import pytest
import xarray as xr
from scipy.io import loadmat
from synthetic import synthetic_map
from systems import need_mesh

import spq
from spq import gallery
from spq.cli import main
from spq.columns import unique, word
from spq.errors import InputError

MODEL = gallery.heterodimer(map=spq.MapSpec(states=("X@1", "X-@1", "X+@1", "segX-@1")))


@pytest.fixture(scope="module")
def shifts():
    ds = synthetic_map(MODEL, points=9)
    ds["shift_meV"].attrs["units"] = "meV"
    return ds


@pytest.fixture(scope="module")
def full():
    """A small map of the full surface, solved."""
    spec = spq.MapSpec(states=("X@1",), points=5, surface="full", phi_points=4)
    return spq.shift_map(gallery.uniform_monomer(accuracy="coarse", map=spec))


def read_itx(path):
    """Waves of an Igor text file: name -> (values, scales {"x": (start, step, unit)}, note)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "IGOR"
    waves, i = {}, 1
    while i < len(lines):
        head = re.fullmatch(r"WAVES/([DT])/N=\(([\d,]+)\)\t([A-Za-z][A-Za-z0-9_]{0,30})", lines[i])
        if head:
            assert lines[i + 1] == "BEGIN"
            end = lines.index("END", i)
            rows = [line.strip() for line in lines[i + 2 : end]]
            shape = tuple(int(n) for n in head[2].split(","))
            assert len(rows) == shape[0]
            if head[1] == "T":
                values = np.array([row.strip('"') for row in rows])
            else:
                values = np.array([row.split() for row in rows], dtype=float).reshape(shape)
            assert values.shape == shape and head[3] not in waves
            waves[head[3]] = (values, {}, [])
            i = end + 1
            continue
        assert lines[i].startswith("X ") and len(lines[i]) < 400, lines[i]
        scale = re.fullmatch(r'X SetScale/P ([xy]) ([^,]+),([^,]+),"(.*)", (\w+)', lines[i])
        note = re.fullmatch(r'X Note (\w+), "([^"]*)"', lines[i])
        if scale:
            waves[scale[5]][1][scale[1]] = (float(scale[2]), float(scale[3]), scale[4])
        elif note:
            waves[note[1]][2].append(note[2])
        else:
            assert re.match(r'X (//|SetScale d 0,0,"[^"]*", \w+)', lines[i]), lines[i]
        i += 1
    return waves


def test_csv_for_origin(shifts, tmp_path):
    written = spq.export(shifts, "csv", tmp_path, "map")
    assert [path.name for path in written] == ["map_point.csv", "map_state.csv"]
    with written[0].open(newline="", encoding="utf-8") as stream:
        names, units, comments, *rows = csv.reader(stream)
    assert len(rows) == 9 and {len(row) for row in rows} == {len(names)} == {len(units)}
    column = names.index("shift_meV X-@1, charge -1 e")
    assert units[column] == "meV" and len(comments) == len(names) == len(set(names))
    expected = shifts["shift_meV"].sel(state="X-@1", charge=-1).values
    assert [float(row[column]) for row in rows] == pytest.approx(expected, rel=1e-13) and expected[0] != 0
    lost = names.index("shift_meV X@1, charge +1 e")
    assert [row[lost] == "" for row in rows] == np.isnan(shifts["shift_meV"].values[0, 0]).tolist()
    assert sum(row[lost] == "" for row in rows) == 1
    flags = names.index("converged X@1, charge +1 e")
    assert [row[flags] for row in rows].count("0") == 1
    with written[1].open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["state"] for row in table[2:]] == ["X@1", "X-@1", "X+@1", "segX-@1"]


def test_matlab(shifts, tmp_path):
    (path,) = spq.export(shifts, "mat", tmp_path, "map")
    found = loadmat(path, simplify_cells=True)
    assert found["shift_meV"] == pytest.approx(shifts["shift_meV"].values, nan_ok=True)
    assert found["shift_meV"].shape == (4, 2, 9) and found["dims"]["shift_meV"] == "state charge point"
    assert found["state"].tolist() == shifts["state"].values.tolist()
    assert found["units"]["shift_meV"] == "meV" and "[[dots]]" in found["attributes"]["input"]
    assert (found["converged"] == shifts["converged"].values).all()


def test_igor(shifts, full, tmp_path):
    (path,) = spq.export(shifts, "itx", tmp_path, "map")
    waves = read_itx(path)
    expected = shifts["shift_meV"].sel(state="X+@1", charge=1).values
    assert waves["shift_meV_Xp_1_p1"][0] == pytest.approx(expected, nan_ok=True, rel=1e-15)
    assert waves["z_nm"][0] == pytest.approx(shifts["z_nm"].values) and "nm" in waves["z_nm"][2][0]
    assert waves["state"][0].tolist() == ["X@1", "X-@1", "X+@1", "segX-@1"]
    (path,) = spq.export(full, "itx", tmp_path, "full")
    values, scales, _ = read_itx(path)["map_shift_meV_X_1_m1"]
    z, phi = full["z_nm"].values.reshape(5, 4)[:, 0], full["phi_deg"].values[:4]
    assert values == pytest.approx(full["shift_meV"].sel(state="X@1", charge=-1).values.reshape(5, 4))
    assert scales["x"][0] + scales["x"][1] * np.arange(5) == pytest.approx(z) and scales["x"][2] == "nm"
    assert scales["y"][0] + scales["y"][1] * np.arange(4) == pytest.approx(phi)


# of the function list in Igor's manual: dimensions, numbers, statistics, mathematics
IGOR_FUNCTIONS = """
p q r s t x y z i j k e pi inf nan abs acos area asin atan beta ceil cos date erf exp floor gamma gauss imag
interp limit ln log max mean median min mod norm real round sign sin sinc sqrt sum tan ticks time trunc
variance
""".split()


def test_igor_takes_every_name(shifts, tmp_path):
    """No wave is named after a built-in function, in whatever case, and none is lost by that."""
    line = spq.line_cut(spq.gallery.monomer(accuracy="coarse"), points=5)
    (path,) = spq.export(line, "itx", tmp_path, "line")
    assert read_itx(path)["z_axis"][0] == pytest.approx(line["z"].values)
    names = [each.capitalize() if number % 2 else each for number, each in enumerate(IGOR_FUNCTIONS)]
    made = xr.Dataset({name: ("row", [1.0, 2.0]) for name in names} | {"r_axis": ("row", [3.0, 4.0])})
    (path,) = spq.export(made, "itx", tmp_path, "made")
    for waves in (read_itx(path), read_itx(tmp_path / "line.itx")):
        assert not {name.lower() for name in waves} & set(IGOR_FUNCTIONS)
        assert len({name.lower() for name in waves}) == len(waves)
    waves = read_itx(path)
    assert len(waves) == len(made.data_vars)
    assert {tuple(waves[name][0]) for name in ("r_axis", "r_axis_2")} == {(1.0, 2.0), (3.0, 4.0)}


def test_paraview_map(shifts, full, tmp_path):
    (path,) = spq.export(full, "vtu", tmp_path, "full")
    mesh = meshio.read(path)
    assert mesh.cells_dict["quad"].shape == (16, 4)
    assert mesh.points == pytest.approx(full["position_nm"].values)
    expected = full["shift_meV"].sel(state="X@1", charge=1).values
    assert mesh.point_data["shift_meV X@1 +1 e"] == pytest.approx(expected) and expected.min() < -0.1
    (path,) = spq.export(shifts, "vtu", tmp_path, "line")
    assert meshio.read(path).cells_dict["line"].shape == (8, 2)


@pytest.mark.parametrize(("discretisation", "shape"), [("axisymmetric", "triangle6"), ("solid", "tetra10")])
def test_paraview_fields(discretisation, shape, tmp_path):
    """On the mesh itself: values at its nodes, and nodes in VTK's order (middles lie near their edges)."""
    model = gallery.uniform_monomer(
        accuracy="coarse",
        discretisation=discretisation,
        self_energy="image",
        surface_charges=(spq.SurfaceCharge(charge=-1, z=3.4),),
    )
    need_mesh(model.molecule, "coarse", discretisation)
    (path,) = spq.export(model, "vtu", tmp_path, states=["X@1"])
    mesh = meshio.read(path)
    assert path.name == "fields_X@1.vtu" and list(mesh.cells_dict) == [shape]
    cells = mesh.cells_dict[shape]
    assert len(np.unique(cells)) == len(mesh.points)
    pairs = [(0, 1), (1, 2), (0, 2)] + ([(0, 3), (1, 3), (2, 3)] if shape == "tetra10" else [])
    corners = 3 if shape == "triangle6" else 4
    for number, (i, j) in enumerate(pairs):
        a, b, middle = (mesh.points[cells[:, k]] for k in (i, j, corners + number))
        off = np.linalg.norm(middle - 0.5 * (a + b), axis=1) / np.linalg.norm(b - a, axis=1)
        assert off.max() < 0.3
    inside = np.linalg.norm(mesh.points, axis=1) < 3.0
    some = np.flatnonzero(inside)[::37]
    again = spq.evaluate(model, mesh.points[some], "X@1")
    for name in ("density", "carrier_potential_eV"):
        expected = again[name].sel(carrier="e1").values
        assert mesh.point_data[f"{name} e1"][some] == pytest.approx(expected, abs=1e-8), name
    for name in ("self_energy_eV", "potential_eV"):
        assert mesh.point_data[name][some] == pytest.approx(again[name].values, rel=1e-6), name
    regions = mesh.cell_data_dict["region"][shape]
    assert set(regions.tolist()) == {0, 1, 2}
    edges = mesh.cell_data_dict["confinement_eV e"][shape]
    assert (edges[regions == 0] == 0).all() and edges[regions == 1] == pytest.approx(0.10)


def test_fields_in_a_plane(tmp_path):
    model = gallery.uniform_monomer(accuracy="coarse")
    names = sorted(path.name for path in spq.export(model, "itx", tmp_path, states=["X@1"]))
    assert names == ["fields_X@1_axis.itx", "fields_X@1_plane.itx"]
    waves = read_itx(tmp_path / "fields_X@1_plane.itx")
    ds = spq.sections(model, "X@1")
    values, scales, _ = waves["map_density_e1"]
    assert values == pytest.approx(ds["density"].sel(carrier="e1").values)
    assert scales["x"][:2] == pytest.approx((ds["z"].values[0], np.diff(ds["z"].values).mean()))
    table = spq.export(ds, "csv", tmp_path, "plane")[0].read_text(encoding="utf-8").splitlines()
    assert len(table) == 3 + ds.sizes["x"] * ds.sizes["z"]


def test_command_line(shifts, tmp_path, capsys):
    spq.save_map(shifts, tmp_path)
    assert (
        main(["export", str(tmp_path / "shift_map.nc"), "--to", "mat", "--out", str(tmp_path), "--json"]) == 0
    )
    (path,) = json.loads(capsys.readouterr().out)["written"]
    assert loadmat(path)["shift_meV"].shape == (4, 2, 9) and path.endswith("shift_map.mat")
    assert main(["export", str(tmp_path / "shift_map.nc"), "--to", "xls"]) == 2
    assert '"csv", "mat", "itx", "vtu"' in capsys.readouterr().err
    assert main(["export", str(tmp_path / "none.nc"), "--to", "csv"]) == 2


def test_names():
    assert [word(each) for each in ("X-@1", "+0.5", "-1", "1/m", "dots[1].core")] == [
        "Xm_1",
        "p0_5",
        "m1",
        "v1_m",
        "dots_1_core",
    ]
    taken = set()
    assert [unique("abcdef", taken, 5), unique("ABCDEx", taken, 5), unique("abcdef", taken, 5)] == [
        "abcde",
        "ABC_2",
        "abc_3",
    ]


def test_errors(shifts, tmp_path):
    with pytest.raises(InputError, match="vtu: holds maps"):
        spq.export(xr.Dataset({"a": ("x", [1.0, 2.0])}), "vtu", tmp_path)
    with pytest.raises(InputError, match="states: go with a model"):
        spq.export(shifts, "csv", tmp_path, states=["X@1"])
    with pytest.raises(InputError, match="must be a Dataset"):
        spq.export(3, "csv", tmp_path)
