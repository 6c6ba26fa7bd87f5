"""The README says what is so: its example runs, its commands are there."""

import re
from pathlib import Path

import numpy as np
import pytest

from spq.carriers import parse_state
from spq.cli import main
from spq.meshing import DEBIAN_PACKAGES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def block(name):
    """Return the fenced block after `<!-- ci: name -->`."""
    found = re.search(rf"<!-- ci: {name} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


def test_example(capsys):
    names: dict = {}
    exec(compile(block("python"), "README.md", "exec"), names)
    result, shifts = names["result"], names["shifts"]
    assert result.state == "segT@1" and abs(result.shift_meV) > 0.01
    assert f"{result.emission_eV:.4f} eV" in capsys.readouterr().out
    assert dict(shifts["shift_meV"].sizes) == {"state": 2, "charge": 2, "point": 11}
    assert np.all(shifts["converged"]) and float(shifts["shift_meV"].min()) < -1.0
    assert "self-energy model: image" in names["figure"].get_suptitle()
    lines = names["lines"]
    assert (
        lines["initial_placement"].values[0] == "e2 h2"
        and 5.0 < lines["initial_lifetime_ns"].values[0] < 12.0
    )
    assert dict(names["swept"].sizes)["state"] == 6 and (names["swept"]["error"] == "").all()
    assert names["figure_of_lines"].get_suptitle().startswith("Emission at 20 K")


def test_measurements(capsys):
    names: dict = {}
    exec(compile(block("measurements"), "README.md", "exec"), names)
    fit, times = names["fit"], names["times"]
    assert times.counts.sum() + times.outside == len(names["photons"].timestamps) > 10_000
    assert 1.0 < fit.lifetimes[0] < 4.0 and len(names["segments"].rates) > 1
    assert capsys.readouterr().out.startswith("lifetimes [")


def test_table_of_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    known = {line.split()[0] for line in lines if re.match(r"    [a-z]", line)}
    assert set(re.findall(r"^\| `spq ([a-z-]+)", README, re.MULTILINE)) == known


def test_table_of_states():
    found = re.findall(r"`([A-Za-z0-9+-]+@1)` \| ((?:[eh]\d ?)+)", README)
    assert len(found) == 10
    for name, carriers in found:
        assert parse_state(name, 2).carriers == carriers.strip()


def test_commands_and_packages():
    assert block("main job").strip().endswith("spq shift-map --out results")
    assert "pytest" in block("tests")
    assert DEBIAN_PACKAGES in README
