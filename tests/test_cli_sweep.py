"""`spq sweep`: its files, going on after an interrupt, how far it is, and what it refuses."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import spq
from spq.cli import main
from spq.progress import TerminalProgress, duration

DOT = "[[dots]]\ncore_radius = 1.3\nshell_thickness = 1.2\n"
SWEEP = """
[model]
accuracy = "coarse"
[map]
states = ["X@1", "X-@1"]
[sweep.axes]
"dots[1].core_radius" = { start = 1.3, stop = 1.4, points = 3 }
model.self_energy = ["none", "image"]
[[sweep.zipped]]
"materials.conduction_band_offset" = [0.1, 0.2]
"materials.CdS.electron_mass" = [0.2, 0.21]
"""
PROJECT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an input file, entered."""
    monkeypatch.chdir(tmp_path)
    Path("sweep.toml").write_text(DOT + SWEEP)
    return tmp_path


def run(capsys, *words):
    """Exit status, standard output and standard error of a command."""
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, out, err


def test_a_sweep_by_command(folder, capsys):
    status, out, _ = run(capsys, "sweep", "sweep.toml", "--out", "results", "-q")
    assert status == 0 and "sweep of emission, 12 points" in out
    ds = spq.load_sweep("results/sweep.nc")
    assert ds.sizes == {"dots[1].core_radius": 3, "model.self_energy": 2, "zipped": 2, "state": 2, "dot": 1}
    assert run(capsys, "plot", "results/sweep.nc", "--out", "again", "-q")[0] == 0
    assert Path("again/sweep.png").read_bytes() == Path("results/sweep.png").read_bytes()
    assert "which has no sides" in run(capsys, "plot", "results/sweep.nc", "--flip")[2]
    assert len(Path("results/sweep.csv").read_text().splitlines()) == 13
    status, out, _ = run(capsys, "sweep", "--status", "results", "--json")
    (told,) = json.loads(out)["sweeps"]
    assert status == 0 and (told["points"], told["finished"], told["failed"], told["begun"]) == (12, 12, 0, 0)
    assert told["seconds_per_point"] > 0
    status, out, err = run(capsys, "sweep", "sweep.toml", "--out", "results")
    assert status == 2 and "12 of these 12 points finished; --resume goes on" in err
    status, out, _ = run(capsys, "sweep", "sweep.toml", "--out", "results", "--resume", "--json", "-q")
    document = json.loads(out)
    assert status == 0
    assert document["variables"]["energy_eV"]["values"] == ds["energy_eV"].values.tolist()
    assert document["coordinates"]["model.self_energy"]["values"] == ["none", "image"]


DEDUCE = """
[deduce.measured]
"X@1" = [2.23, 0.001]
[deduce.free]
"dots[1].core_radius" = [1.2, 1.6]
"""


def test_check_says_what_is_asked_for(folder, capsys):
    text = Path("sweep.toml").read_text().replace("start = 1.3", "start = -1.3")
    Path("sweep.toml").write_text(text + DEDUCE)
    status, out, _ = run(capsys, "check", "sweep.toml")
    assert status == 0
    fields = "materials.conduction_band_offset+materials.CdS.electron_mass"
    assert f"sweep: 12 points, dots[1].core_radius x model.self_energy x {fields}; at 4 of them" in out
    assert "deduce: dots[1].core_radius from X@1" in out
    document = json.loads(run(capsys, "check", "sweep.toml", "--json")[1])
    assert document["sweep"]["no_molecule"] == 4 and document["deduce"]["measured"] == ["X@1"]
    Path("sweep.toml").write_text(text + DEDUCE.replace("X@1", "X@3"))
    status, _, err = run(capsys, "check", "sweep.toml")
    assert status == 2 and err.startswith("spq: error: sweep.toml: ") and "X@3" in err


def test_points_that_fail_are_told(folder, capsys):
    text = Path("sweep.toml").read_text().replace("start = 1.3", "start = -0.1")
    Path("sweep.toml").write_text(text)
    status, out, _ = run(capsys, "sweep", "sweep.toml", "--out", "results", "-q")
    assert status == 1
    assert "4 of 12 points failed" in out and "dots[1].core_radius = -0.1 nm: must be > 0" in out
    assert Path("results/sweep.nc").is_file()


def start(*words):
    """`spq sweep` as a process of its own, which takes interrupts."""
    around = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        [sys.executable, "-m", "spq", "sweep", *words],
        env=around,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )


def test_an_interrupted_sweep_goes_on(folder, capsys):
    process = start("sweep.toml", "--out", "results")
    while process.poll() is None and len(list(Path("results").glob("points/*/*.json"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    finished = {path: path.stat().st_mtime_ns for path in Path("results").glob("points/*/*.json")}
    assert process.returncode == 130 and 3 <= len(finished) < 12
    assert re.search(r"\d+ of 12 points are finished; --resume goes on", err) and "Traceback" not in err
    assert "Error" not in err
    status, out, _ = run(capsys, "sweep", "--status", "results")
    assert status == 0 and f"{len(finished)} of 12 points finished" in out
    assert run(capsys, "sweep", "sweep.toml", "--out", "results", "--resume", "-q")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert run(capsys, "sweep", "sweep.toml", "--out", "undisturbed", "-q")[0] == 0
    one, other = spq.load_sweep("results/sweep.nc"), spq.load_sweep("undisturbed/sweep.nc")
    for name, each in one.variables.items():
        same = each.values.tolist() if each.dtype.kind == "O" else each.values.tobytes()
        again = other[name].values
        assert same == (again.tolist() if again.dtype.kind == "O" else again.tobytes()), name


BAD = {
    "no table": (DOT, "sweep: missing; a table [sweep.axes] says which fields change"),
    "no axes": (DOT + "[sweep]\n", "axes: must map at least one field"),
    "key": (DOT + "[sweep.axis]\n", 'sweep.axis: unknown key (nearest: "axes")'),
    "field": (DOT + '[sweep.axes]\n"dots[1].core_radus" = [1.0]\n', '(nearest: "dots[1].core_radius")'),
    "dot": (DOT + '[sweep.axes]\n"dots[2].core_radius" = [1.0]\n', "the input has 1 dots"),
    "twice": (
        DOT + '[sweep.axes]\n"dots[1].core_radius" = [1.0]\n"dots.core_radius" = [2.0]\n',
        "dots.core_radius: contradicts dots[1].core_radius",
    ),
    "zipped": (
        DOT + "[[sweep.zipped]]\n" + '"dots.core_radius" = [1]\nmodel.wall = []\n',
        "at least one value",
    ),
    "two spellings": (
        DOT + '[sweep.axes]\n"model.wall" = ["hard"]\nmodel.wall = ["finite"]\n',
        "model.wall is given twice",
    ),
    "nothing": (DOT + '[sweep.axes]\n"dots.core_radius" = {}\n', "dots.core_radius: has no values"),
    "date": (DOT + '[sweep.axes]\n"dots.core_radius" = [2026-01-01]\n', "must be a number, a word"),
    "compute": (DOT + '[sweep]\ncompute = "x"\naxes = { model.wall = ["hard"] }\n', 'compute = "x"'),
    "syntax": ("[[dots]\n", "line 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(folder, capsys, name):
    text, expected = BAD[name]
    Path("sweep.toml").write_text(text)
    status, out, err = run(capsys, "sweep", "sweep.toml", "--out", "results")
    assert (status, out) == (2, "") and expected.replace('"x"', "'x'") in err
    assert err.startswith("spq: error: sweep.toml: ") and len(err.splitlines()) == 1
    assert not Path("results").exists()


@pytest.mark.parametrize(
    "words, expected",
    [
        (("sweep.toml",), "needs FILE and --out DIR"),
        (("--out", "results"), "needs FILE and --out DIR"),
        (("--status", "none"), "holds no sweep of spq"),
        (("sweep.toml", "--status", "none"), "give it alone"),
        (("none.toml", "--out", "results"), "none.toml: there is no such file"),
    ],
)
def test_bad_words_are_one_line(folder, capsys, words, expected):
    status, out, err = run(capsys, "sweep", *words)
    assert (status, out) == (2, "") and expected in err and len(err.splitlines()) == 1
    assert os.listdir() == ["sweep.toml"]


def test_other_commands_pass_over_the_table(folder, capsys):
    assert run(capsys, "check", "sweep.toml", "-q")[0] == 0


class Terminal:
    """What is written to a terminal."""

    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_progress_says_how_long_the_rest_takes(monkeypatch):
    """Half of what is left at the beginning took 100 s; what was there before does not count."""
    clock = iter([0.0, 0.0, 1.0, 100.0])
    monkeypatch.setattr("spq.progress.time.monotonic", lambda: next(clock))
    terminal = Terminal()
    progress = TerminalProgress(terminal)
    for done in (100, 101, 200):
        progress("sweep", done, 300)
    shown = terminal.text.split("\r")
    assert shown[1] == "spq: sweep 100/300  (0 s)" and "left" not in shown[2]
    assert shown[3].rstrip() == "spq: sweep 200/300  (100 s, about 100 s left)"


@pytest.mark.parametrize(
    "seconds, text", [(3.4, "3 s"), (119, "119 s"), (121, "2 min"), (7300, "2 h"), (2e5, "2 d")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.slow
def test_a_sweep_survives_being_killed(tmp_path):
    """Workers and parents killed at random moments, and a cluster: the same bits, nothing computed twice."""
    script = PROJECT / "benchmarks" / "interruptions.py"
    words = [
        tmp_path,
        "--kills",
        "5",
        "--between",
        "10",
        "--accuracy",
        "coarse",
        "--cores",
        "3",
        "--shells",
        "3",
    ]
    done = subprocess.run(
        [sys.executable, script, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("the same bit for bit") == 2 and "DIFFERS" not in done.stdout
    assert "computed again: 0" in done.stdout and "27 points, 0 failed, 0 states not found" in done.stdout
    assert np.isfinite(spq.load_sweep(tmp_path / "killed" / "sweep.nc")["energy_eV"]).all()
