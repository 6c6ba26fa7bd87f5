"""The command line: what it prints and writes, its exit status, and one line for each mistake."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import meshio
import numpy as np
import pytest
import xarray as xr

import spq.hartree
import spq.transition
from spq import inputfile, store
from spq.assignment import assignmentfiles, plotassignment
from spq.cli import main
from spq.cost import estimate
from spq.gallery import NOMINAL, heterodimer
from spq.mesh import half_plane_mesh, molecule_mesh
from spq.meshfile import jacobian_ratios, mesh_quality, write_mesh
from spq.model import Model
from spq.progress import TerminalProgress
from spq.template import TEMPLATE

COARSE = """
[[dots]]
core_radius = 1.3
shell_thickness = 2.1
[[dots]]
core_radius = 1.35
shell_thickness = 2.1
[model]
accuracy = "coarse"
"""
SMALL = f"""{COARSE}
[[surface_charges]]
charge = -0.5
z = 3.2
[map]
states = ["segX-@1", "X@2"]
charges = [1]
points = 3
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder to run in with the input file small.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def run(capsys, *words):
    """Return exit status, standard output and standard error of a command."""
    status = main(words)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def only_json(text):
    """Return the one JSON document that a text is; NaN is refused."""

    def refuse(name):
        raise AssertionError(f"{name} in JSON")

    assert text.startswith("{") and text.endswith("}\n") and text.count("\n") == 1
    return json.loads(text, parse_constant=refuse)


def refused(capsys, *words):
    """Return the one line of an error with exit status 2."""
    try:
        status = main(words)
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert printed.err.startswith("spq: error: ") and printed.err.count("\n") == 1
    return printed.err


def test_shift_map(small, capsys):
    status, out, err = run(capsys, "shift-map", "small.toml", "--json", "--out", "a/b")
    assert status == 0
    assert "wrote" in err
    document = only_json(out)
    assert document["state"] == ["segX-@1", "X@2"] and document["charge"] == [1.0]
    assert np.shape(document["energy_eV"]) == (2, 1, 3)
    assert np.all(document["converged"])
    assert set(document["seconds"]) == {"mesh", "states", "integrals", "map", "total"}
    # The half charge of the file is present at every point and absent from the reference, the
    # charge of the map stands at the poles and in the middle.
    reference = np.array(document["reference_eV"])[:, None, None]
    shift = np.array(document["shift_meV"])
    assert 1e3 * (np.array(document["energy_eV"]) - reference) == pytest.approx(shift, abs=1e-6)
    assert np.min(np.abs(shift)) > 0.01
    assert document["z_nm"] == pytest.approx([-6.6, 0.025, 6.65])

    assert sorted(os.listdir("a/b")) == ["shift_map.csv", "shift_map.nc", "shift_map.png"]
    stored = store.load_map("a/b/shift_map.nc")
    assert store.map_json(stored) == document
    assert inputfile.loads(stored.attrs["input"]) == inputfile.load("small.toml")
    electrons = stored["electrons"].sum("dot").values
    assert electrons[:, 0] == pytest.approx(np.array([[2.0] * 3, [1.0] * 3]), abs=1e-6)

    status, out, _ = run(capsys, "plot", "a/b/shift_map.nc", "--flip", "--out", "c", "-q")
    assert (status, out) == (0, "")
    picture = (small / "c" / "shift_map.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture != (small / "a" / "b" / "shift_map.png").read_bytes()


def test_plot_says_what_it_cannot_draw(small, capsys, monkeypatch):
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf("other.nc", engine="h5netcdf")
    expected = "other.nc: is no result that can be drawn, which are spectrum, deduction, sweep, map, analysis"
    assert expected in refused(capsys, "plot", "other.nc")
    # an assignment is read and drawn by its own functions
    names = {name: ((), 1.0) for name in assignmentfiles.NEEDED}
    ds = xr.Dataset(names, attrs={"spq_kind": "assignment", "input": ""})
    ds.to_netcdf("assignment.nc", engine="h5netcdf")
    drawn = {"assignment.png": lambda path: path.write_text("drawn")}
    monkeypatch.setattr(plotassignment, "assignment_writer", lambda found: drawn if found.equals(ds) else {})
    assert run(capsys, "plot", "assignment.nc", "-q") == (0, "", "")
    assert Path("assignment.png").read_text() == "drawn"
    ds.drop_vars("verdict").to_netcdf("assignment.nc", engine="h5netcdf")
    assert "is no assignment of spq, it lacks verdict" in refused(capsys, "plot", "assignment.nc")


def test_map_table_names_the_self_energy(small, capsys):
    status, out, err = run(capsys, "shift-map", "small.toml", "-q")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "shift map, self-energy model: image"
    assert [line.split()[0] for line in lines[1:]] == ["state", "segX-@1", "X@2"]
    assert lines[2].split()[-3:] == ["3/3", "3", "0"]
    assert (small / "shift_map.nc").is_file()


def test_emission(small, capsys):
    status, out, _ = run(capsys, "emission", "small.toml", "--json", "--out", "results")
    assert status == 0
    document = only_json(out)
    assert set(document) == {"gap_eV", "self_energy", "states"}
    assert document["gap_eV"] == [1.84, 1.84] and document["self_energy"] == "image"
    fields = [
        "state carriers emission_eV confinement_meV shift_meV error_meV shift_error_meV overlap",
        "converged followed hybridised iterations electrons holes final_electrons final_holes derivatives",
    ]
    for found in document["states"]:
        assert list(found) == " ".join(fields).split()
        assert found["confinement_meV"] == pytest.approx(1e3 * (found["emission_eV"] - 1.84))
    seg, exciton = document["states"]
    assert (seg["state"], seg["carriers"]) == ("segX-@1", "e1 h1 e2")
    assert seg["electrons"] == pytest.approx([1.0, 1.0], abs=0.2)
    assert exciton["final_electrons"] == [0.0, 0.0]
    assert exciton["shift_meV"] < -0.1
    assert json.loads((small / "results" / "emission.json").read_text()) == document

    status, out, _ = run(capsys, "emission", "small.toml")
    assert status == 0
    assert "self-energy model: image" in out.splitlines()[0]
    assert "-0.5 e at (3.45, 0, 3.2) nm" in out.splitlines()[1]
    assert f"{seg['emission_eV']:.6f}" in out


def test_emission_explained(small, capsys, monkeypatch):
    monkeypatch.setattr("spq.spread.alternatives", lambda model: {"none": model.replace(self_energy="none")})
    status, out, _ = run(capsys, "emission", "small.toml", "--json", "--explain")
    assert status == 0
    for found in only_json(out)["states"]:
        parts = found["explanation"]
        total = sum(parts.pop("coulomb").values()) + sum(parts.values())
        assert total == pytest.approx(found["shift_meV"], abs=1e-6)
        assert found["model_spread_meV"] > 10.0 > found["shift_model_spread_meV"] > 0.0
    status, out, _ = run(capsys, "emission", "small.toml", "--explain")
    assert status == 0
    assert "shift of segX-@1 (meV)" in out and "coulomb e1 h1" in out and "model spread" in out


def test_emission_that_does_not_converge(small, capsys, monkeypatch):
    monkeypatch.setattr(spq.hartree, "MAX_ITERATIONS", 1)
    status, out, err = run(capsys, "emission", "small.toml", "--json", "--out", "results", "-q")
    assert status == 1
    assert only_json(out)["states"] == []
    assert json.loads((small / "results" / "emission.json").read_text())["states"] == []
    assert [line.split()[:3] for line in err.splitlines()] == [
        ["spq:", "error:", "segX-@1:"],
        ["spq:", "error:", "X@2:"],
    ]


def test_map_that_does_not_converge_everywhere(small, capsys, monkeypatch):
    """One state fails with a charge: its points are null, all others are there."""
    whole = spq.transition.continued

    def hurried(system, state, *rest):
        with monkeypatch.context() as patch:
            if state.name == "X@2":
                patch.setattr(spq.hartree, "MAX_ITERATIONS", 1)
            return whole(system, state, *rest)

    monkeypatch.setattr(spq.transition, "continued", hurried)
    status, out, err = run(capsys, "shift-map", "small.toml", "--json")
    assert status == 1
    document = only_json(out)
    assert document["converged"] == [[[True] * 3], [[False] * 3]]
    assert document["energy_eV"][1] == document["shift_meV"][1] == [[None] * 3]
    assert None not in document["energy_eV"][0][0] and None not in document["reference_eV"]
    assert "3 of 6 points did not converge" in err
    names = ["shift_map.csv", "shift_map.nc", "shift_map.png", "small.toml"]
    assert sorted(os.listdir()) == names


def test_levels(small, capsys):
    status, out, _ = run(capsys, "levels", "small.toml", "--json", "--out", "results")
    assert status == 0
    document = only_json(out)
    assert set(document) == {"electron", "hole", "splitting_meV"}
    for kind in ("electron", "hole"):
        found = document[kind]
        assert set(found[0]) == {"energy_meV", "dots", "m", "degeneracy"}
        energies = [level["energy_meV"] for level in found]
        assert energies == sorted(energies) and len(energies) > 3
        splitting = document["splitting_meV"][kind]
        assert splitting == pytest.approx(energies[1] - energies[0]) and splitting > 1.0
        assert sum(found[0]["dots"]) == pytest.approx(1.0, abs=1e-6)
        # The larger dot has the lower level.
        assert found[0]["dots"][1] > 0.9
    assert json.loads((small / "results" / "levels.json").read_text()) == document
    status, out, _ = run(capsys, "levels", "small.toml", "-q")
    assert "self-energy model: image" in out.splitlines()[0]
    assert f"{document['electron'][0]['energy_meV']:.3f}" in out


def test_mesh(small, capsys):
    status, out, _ = run(capsys, "mesh", "small.toml", "-o", "m.msh", "--json", "--out", "meshes")
    assert status == 0
    document = only_json(out)
    # Relative errors of curved elements at "coarse" are below those that make a mesh unusable.
    for region in document["regions"][:4]:
        assert region["volume_nm3"] == pytest.approx(region["exact_volume_nm3"], rel=3e-3)
    assert document["regions"][4]["exact_volume_nm3"] is None
    assert 0.0 < document["least_jacobian_ratio"] < 1.0
    assert sum(region["elements"] for region in document["regions"]) == document["elements"]
    found = meshio.read(small / "meshes" / "m.msh")
    capsys.readouterr()  # meshio prints an empty line
    assert len(found.points) == document["nodes"]
    assert list(found.field_data) == ["core1", "shell1", "core2", "shell2", "matrix"]
    status, out, err = run(capsys, "mesh", "small.toml")
    assert (status, (small / "small.msh").is_file()) == (0, True)
    assert "least Jacobian ratio" in out and "wrote small.msh" in err


def test_written_mesh_keeps_nodes_and_regions(tmp_path):
    """Read back: the middle nodes lie on their edges in the order of the file format."""
    mesh = molecule_mesh(NOMINAL, "coarse")
    write_mesh(mesh, NOMINAL, tmp_path / "m.msh")
    found = meshio.read(tmp_path / "m.msh")
    (block,) = found.cells
    assert block.type == "tetra10"
    order = np.lexsort(block.data.T)
    assert np.array_equal(found.points[block.data[order]], found.points[block.data][order])
    nodes = found.points[block.data]
    edges = np.array([[0, 1], [1, 2], [0, 2], [0, 3], [1, 3], [2, 3]])
    away = np.linalg.norm(nodes[:, 4:] - nodes[:, edges].mean(axis=2), axis=2)
    lengths = np.linalg.norm(nodes[:, edges[:, 0]] - nodes[:, edges[:, 1]], axis=2)
    assert np.max(away / lengths) < 0.3
    swapped = nodes[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]]
    apart = np.linalg.norm(swapped[:, 4:] - nodes[:, edges].mean(axis=2), axis=2)
    assert np.max(apart / lengths) > 0.4
    quality = mesh_quality(mesh, NOMINAL)
    numbers = np.bincount(found.cell_data["gmsh:physical"][0])[1:]
    assert tuple(numbers) == quality.region_elements


def test_jacobian_ratio_notices_an_inverted_element():
    mesh = molecule_mesh(NOMINAL, "coarse")
    assert jacobian_ratios(mesh).min() > 0.0
    places = mesh.doflocs.copy()
    element = mesh.dofs.element_dofs[:, 0]
    corners, middle = element[:4], element[4]
    places[:, middle] = places[:, corners[2:]].mean(axis=1)
    bent = type(mesh)(places, mesh.t)
    assert jacobian_ratios(bent)[0] < 0.0


@pytest.mark.parametrize("discretisation", ["auto", "solid"])
def test_check_computes_nothing(small, capsys, discretisation):
    """Elements and unknowns are those of the mesh that the calculation will be made on."""
    mesh = (molecule_mesh if discretisation == "solid" else half_plane_mesh)(NOMINAL, "coarse")
    text = SMALL.replace("[model]\n", f'[model]\ndiscretisation = "{discretisation}"\n')
    (small / "small.toml").write_text(text)
    start = time.monotonic()
    status, out, err = run(capsys, "check", "small.toml", "--json")
    assert (status, err) == (0, "")
    assert time.monotonic() - start < 5.0  # far below the time of the calculation
    document = only_json(out)
    assert document["states"] == ["segX-@1", "X@2"] and document["points"] == 3
    # initial and final states: segX- leaves an electron, X leaves nothing; 3 points and none
    assert document["solutions"] == (2 + 1) * (3 + 1)
    assert (document["elements"], document["unknowns"]) == (mesh.t.shape[1], mesh.doflocs.shape[1])
    assert document["stored_mesh"] is True
    assert document["seconds"] > 0.0 and document["memory_GB"] > 0.0
    status, out, _ = run(capsys, "check", "small.toml")
    assert out.startswith("self-energy model: image\n")
    assert "3 positions x charges +1 e" in out and "CdSe core of 1.35 nm" in out


def test_check_without_a_map(small, capsys):
    dots = "".join(
        f"[[dots]]\ncore_radius = 1.3\nshell_thickness = 2.1\nposition = {place}\n"
        for place in ([0, 0, 0], [0, 0, 6.4], [0, 5.5, 3.2])
    )
    (small / "three.toml").write_text(dots)
    status, out, _ = run(capsys, "check", "three.toml")
    assert status == 0 and "map: none, the dots are not on one line" in out


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
@pytest.mark.parametrize("accuracy", ["coarse", "normal"])
def test_estimated_size_is_near_that_of_the_mesh(accuracy, discretisation, monkeypatch):
    model = heterodimer(accuracy=accuracy, discretisation=discretisation)
    (molecule_mesh if discretisation == "solid" else half_plane_mesh)(NOMINAL, accuracy)
    known = estimate(model)
    assert known.stored_mesh
    monkeypatch.setattr("spq.cost.has_mesh", lambda model: False)
    guessed = estimate(model)
    assert not guessed.stored_mesh
    assert guessed.unknowns == pytest.approx(known.unknowns, rel=0.4)
    assert guessed.unknowns != known.unknowns


def test_materials(capsys, small):
    status, out, err = run(capsys, "materials", "--json", "--out", "tables")
    assert status == 0
    found = {row["name"]: row for row in only_json(out)["materials"]}
    assert (found["CdSe"]["electron_mass"], found["PMMA"]["permittivity_static"]) == (0.13, 2.25)
    for row in found.values():
        for key, value in row.items():
            if key not in ("name", "sources") and value is not None:
                assert row["sources"][key], (row["name"], key)
    assert (small / "tables" / "materials.json").is_file()
    status, out, err = run(capsys, "materials")
    assert (status, err) == (0, "")
    assert "[1] " in out and "54, 1178" in out
    assert [line.split()[0] for line in out.splitlines()[1:5]] == ["CdSe", "CdS", "ZnSe", "ZnS"]


def test_init_writes_the_nominal_input_once(small, capsys):
    status, out, _ = run(capsys, "init", "--json")
    assert status == 0 and only_json(out) == {"written": ["dimer.toml"]}
    assert inputfile.load("dimer.toml") == Model(NOMINAL)
    assert "dimer.toml: is there already" in refused(capsys, "init")
    assert run(capsys, "init", "other.toml", "--out", "new", "-q") == (0, "", "")
    assert (small / "new" / "other.toml").read_text() == TEMPLATE


DOT = "[[dots]]\ncore_radius = 1.3\nshell_thickness = 2.1\n"
BAD = {
    "overlapping cores": (2 * DOT + "[geometry]\ncenter_distance = 2.5", "core"),
    "core cut by the plane": (
        "[[dots]]\ncore_radius = 3.3\nshell_thickness = 0.1\n"
        + "[[dots]]\ncore_radius = 1\nshell_thickness = 1.4\n[geometry]\ncenter_distance = 4.5",
        "core",
    ),
    "negative": (DOT.replace("1.3", "-1"), "dots[1].core_radius = -1 nm: must be > 0"),
    "nan": (DOT.replace("2.1", "nan"), "dots[1].shell_thickness"),
    "material": (DOT + 'shell = "CdSs"', '"CdS"'),
    "key": (DOT + "core_radus = 1", "core_radius"),
    "wide neck": (2 * DOT + "[geometry]\nneck_diameter = 7", "neck_diameter"),
    "charge inside": (DOT + "[[surface_charges]]\ncharge = 1\nposition = [0, 0, 1]", "inside"),
    "charge beyond": (DOT + "[[surface_charges]]\ncharge = 1\nz = 4", "beyond a pole"),
    "dot not there": (DOT + '[map]\nstates = ["X@3"]', "there is no dot 3"),
    "no operator": (DOT + '[model]\nmethod = "ci"\nself_energy = "density"', "has no operator for it"),
    "syntax": ("[[dots]\n", "line 1"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["shift-map", "emission", "levels", "check", "mesh"])
def test_bad_input_is_one_line(small, capsys, name, command):
    text, expected = BAD[name]
    (small / "bad.toml").write_text(text)
    message = refused(capsys, command, "bad.toml", "--out", "results")
    assert expected in message and message.startswith("spq: error: bad.toml: ")
    assert sorted(os.listdir()) == ["bad.toml", "small.toml"]


@pytest.mark.parametrize(
    "words, expected",
    [
        ((), "COMMAND"),
        (("shift_map",), "invalid choice"),
        (("emission",), "FILE"),
        (("emission", "none.toml"), "none.toml: there is no such file"),
        (("plot", "small.toml"), "small.toml: cannot be read as NetCDF"),
        (("plot", "none.nc"), "there is no such file"),
        (("levels", "small.toml", "--js"), "--js"),
    ],
)
def test_bad_words_are_one_line(small, capsys, words, expected):
    assert expected in refused(capsys, *words)


@pytest.mark.parametrize(
    "words",
    [
        ("shift-map", "small.toml"),
        ("emission", "small.toml"),
        ("levels", "small.toml"),
        ("mesh", "small.toml"),
        ("check", "small.toml"),
        ("materials",),
        ("init",),
    ],
)
def test_unwritable_output_is_found_before_computing(small, capsys, words, monkeypatch):
    monkeypatch.setattr("spq.mesh.molecule_mesh", None)
    (small / "file").write_text("in the way")
    message = refused(capsys, *words, "--out", "file/below")
    assert "cannot be written" in message and "file/below" in message
    assert sorted(os.listdir()) == ["file", "small.toml"]


def default_interrupt():
    """What a terminal has; a run of the tests in the background would pass on that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(*words):
    """Start spq as a process of its own."""
    package = str(Path(spq.hartree.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-m", "spq", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": package},
        preexec_fn=default_interrupt,
    )


def test_as_a_module():
    with command("materials", "--json") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert only_json(out)["materials"][0]["name"] == "CdSe"


def test_a_reader_that_goes_away():
    with command("materials") as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0


def test_interrupted(small):
    with command("levels", "small.toml") as process:
        process.stderr.readline()  # the first stage has begun
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "spq: interrupted" and "Traceback" not in err


class Terminal:
    """A text stream that says whether it is a terminal and keeps what was written."""

    def __init__(self, is_terminal):
        self.is_terminal, self.text = is_terminal, ""

    def isatty(self):
        return self.is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_progress():
    for is_terminal in (True, False):
        stream = Terminal(is_terminal)
        shown = TerminalProgress(stream)
        for done in range(4):
            shown("map of many states", done, 3)
        shown("end", 0, 1)
        shown.close()
        if is_terminal:
            assert "\n" not in stream.text and "map of many states 3/3" in stream.text
            assert stream.text.endswith("\r") and stream.text.split("\r")[-2].strip() == ""
        else:
            assert stream.text == "spq: map of many states\nspq: end\n"
