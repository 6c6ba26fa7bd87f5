"""README and documents say what is so: examples run, commands are there, links lead somewhere."""

import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import spq
from spq.carriers import parse_state
from spq.cli import COMMANDS, main
from spq.cli_parser import TAUGHT, parser
from spq.meshing import DEBIAN_PACKAGES
from spq.spectroscopy.simulationwriters import FILES

PROJECT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/numbers.md", "docs/modelling.md", "docs/measurements.md", "docs/api.md")


def page(name):
    return (PROJECT / name).read_text(encoding="utf-8")


README = page("README.md")


def block(name, text=README):
    """Return the fenced block after `<!-- ci: name -->`."""
    found = re.search(rf"<!-- ci: {name} -->\n```\w*\n(.*?)```", text, re.DOTALL)
    assert found, name
    return found[1]


def run(name, file="README.md"):
    """What the names of an example are when it has run."""
    names: dict = {}
    exec(compile(block(name, page(file)), file, "exec"), names)
    return names


def picture_script():
    spec = importlib.util.spec_from_file_location("picture", PROJECT / "docs" / "picture.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_first_example(capsys, tmp_path, monkeypatch):
    """The first thing a newcomer sees: short, runs, and draws the picture beside it."""
    monkeypatch.chdir(tmp_path)
    assert len(re.findall(r"(?m)^[^#\n]", block("first"))) <= 15
    names = run("first")
    out = capsys.readouterr().out
    assert re.search(r"X@1: 2\.2\d{3} eV, -3\.\d\d ± 0\.\d\d meV\n", out) and "segT@1" in out
    assert -4.0 < names["result"].shift_meV < -3.3  # segX-@1, -3.67 meV
    with Image.open(tmp_path / "shift_map.png") as drawn, Image.open(PROJECT / "docs/shift_map.png") as kept:
        assert abs(drawn.width / drawn.height - kept.width / kept.height) < 0.02
        said = [float(each) for each in kept.info["Description"].split()]
    now = [float(each) for each in picture_script().lowest(names["shifts"]).split()]
    assert len(said) == 6 and min(said) < -5.0
    assert np.allclose(said, now, atol=0.15), "python docs/picture.py draws it again"


def test_picture_is_in_the_readme():
    before, _, after = README.partition("(docs/shift_map.png)")
    assert after and before.count("\n") < 15
    assert 10_000 < (PROJECT / "docs/shift_map.png").stat().st_size < 200_000


def test_example(capsys):
    names = run("python", "docs/modelling.md")
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
    names = run("measurements", "docs/measurements.md")
    fit, times = names["fit"], names["times"]
    assert times.counts.sum() + times.outside == len(names["photons"].timestamps) > 10_000
    assert 1.0 < fit.lifetimes[0] < 4.0 and len(names["segments"].rates) > 1
    assert capsys.readouterr().out.startswith("lifetimes [")


def test_table_of_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    known = {line.split()[0] for line in lines if re.match(r"    [a-z]", line)}
    assert set(re.findall(r"^\| `spq ([a-z-]+)", README, re.MULTILINE)) == known == set(COMMANDS)


def test_help_teaches(capsys):
    """The way from nothing to a figure, and of every command an example that is one, and what it writes."""
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    way = re.findall(r"^  (spq .*?)(?:   .*)?$", shown, re.MULTILINE)
    order = [line.split()[1] for line in way]
    assert order == ["init", "check", "shift-map", "plot", "simulate", "analyse", "assign"]
    for line in way:
        words = shlex.split(line.split("  ")[0])
        assert parser().parse_args(words[1:]).command == words[1]
    assert set(TAUGHT) == set(COMMANDS)
    for name, (example, writes) in TAUGHT.items():
        for each in example.split("; "):
            words = shlex.split(each)
            assert words[0] == "spq" and parser().parse_args(words[1:]).command == name
        with pytest.raises(SystemExit):
            main([name, "--help"])
        shown = capsys.readouterr().out
        assert f"  {example}\n" in shown and writes in shown
    assert all(file in TAUGHT["simulate"][1] for file in FILES)


def test_table_of_states():
    found = re.findall(r"`([A-Za-z0-9+-]+@1)` \| ((?:[eh]\d ?)+)", page("docs/numbers.md"))
    assert len(found) == 10
    for name, carriers in found:
        assert parse_state(name, 2).carriers == carriers.strip()


def test_commands_and_packages():
    assert block("main job").strip().endswith("spq shift-map --out results")
    assert "pytest" in block("tests")
    assert DEBIAN_PACKAGES in README


def anchors(text):
    """Where links into a page can lead: its headings as GitHub names them, and ids."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", re.sub(r"<.*?>|`", "", each)).strip().lower() for each in headings]
    return {each.replace(" ", "-") for each in plain} | set(re.findall(r'id="([^"]+)"', text))


def broken(name):
    """Relative links of a page that lead nowhere."""
    found = []
    outside = re.sub(r"```.*?```", "", page(name), flags=re.DOTALL)
    links = [each for each in re.findall(r"\]\(([^)\s]+)\)", outside) if "://" not in each]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (PROJECT / name).parent / path if path else PROJECT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            found.append(link)
    return links, found


@pytest.mark.parametrize("name", [*PAGES, "benchmarks/README.md"])
def test_links(name):
    links, found = broken(name)
    assert links and not found


def test_every_page_is_reached():
    """From the README, and every page of docs is among those that are checked."""
    assert {f"docs/{each.name}" for each in (PROJECT / "docs").glob("*.md")} == set(PAGES[1:])
    assert all(f"({name})" in README for name in PAGES[1:])


def test_files_named_in_pages_exist():
    for name in PAGES[:4]:
        for file in re.findall(r"`((?:benchmarks|notebooks|docs)/[\w./]+)`", page(name)):
            assert (PROJECT / file).exists(), (name, file)


def test_citation():
    """Citation File Format 1.2.0: its required keys, and the version that this is."""
    given = yaml.safe_load(page("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(given)
    assert given["cff-version"] == "1.2.0" and given["version"] == spq.__version__
    assert given["authors"] == [{"name": "The spq developers"}] and given["license"] == "BSD-3-Clause"
    assert len(given["references"]) == 3 and "2206.09626" in given["references"][0]["url"]
    for each in given["references"]:
        assert {"type", "title", "authors"} <= set(each) and ("doi" in each or "url" in each)
        assert all({"given-names", "family-names"} == set(author) for author in each["authors"])
