"""What is made of a deduction and of an ensemble: files, the command line, figures."""

import csv
import json

import numpy as np
import pytest
from analytic import CORE, SHELL, analytic, exact
from systems import need_gmsh
from test_cli import only_json, refused, run

import spq
from spq import cli_deduce, deduction
from spq.deduction import deduced
from spq.errors import ConvergenceError, InputError

FILE = """
[[dots]]
core_radius = 1.3
shell_thickness = 2.1
[model]
accuracy = "coarse"
self_energy = "none"
[deduce]
points = 8
seed = 3
[deduce.measured]
"X@1" = [2.07, 0.001]
[deduce.free]
"dots[1].core_radius" = { low = 1.2, high = 1.5, mean = 1.3, sigma = 0.1 }
"""


def curved(values):
    core, shell = values.T
    return np.column_stack([1.8 + 0.6 / core**2 + 0.2 / shell, -30.0 / (core + shell)])


@pytest.fixture(scope="module")
def pair():
    """A deduction of two sizes, one of them with a normal prior."""
    measured = {"X@1": (2.25, 0.001), "X-@1 - X@1": (-9.0, 1.0)}
    free = {CORE: (1.0, 2.0), SHELL: spq.Prior(1.0, 3.0, 2.0, 0.5)}
    source, priors = analytic(curved, measured, free)
    return deduced(source, priors, *exact(source), seed=1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to run in with the input file one.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text(FILE)
    return tmp_path


def test_files(pair, tmp_path):
    written = spq.save_deduction(pair, tmp_path / "a")
    assert [path.name for path in written] == ["deduction.nc", "deduction.csv"]
    again = spq.load_deduction(written[0])
    assert again.equals(pair) and again.attrs["input"] == pair.attrs["input"]
    assert again["samples"].attrs == pair["samples"].attrs
    with written[1].open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["parameter"] for row in rows] == [CORE, SHELL]
    assert float(rows[1]["low_16"]) == pytest.approx(float(pair["interval"].values[0, 1]))
    assert rows[0]["prior_mean"] == "" and float(rows[1]["prior_sigma"]) == 0.5
    with pytest.raises(InputError, match="is no deduction of spq, it lacks best"):
        pair.drop_vars("best").to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
        spq.load_deduction(tmp_path / "b.nc")


def test_table(pair):
    lines = cli_deduce.deduction_table(pair).splitlines()
    assert lines[0].startswith("deduced from 9 solved points, self-energy model: none")
    assert any("1 .. 3, 2 ± 0.5" in line for line in lines)
    assert any(line.startswith("X-@1 - X@1 (meV)") and "-9.00" in line for line in lines)
    assert lines[-1].startswith("chi2")


def test_command(folder, capsys):
    """The whole of it; run again it computes nothing and says the same."""
    need_gmsh()
    status, out, err = run(capsys, "deduce", "one.toml", "--out", "results")
    assert status == 0 and "wrote results/deduction.nc" in err
    assert "dots[1].core_radius (nm)" in out and "X@1 (eV)" in out
    assert sorted(path.name for path in (folder / "results").iterdir()) == [
        "deduce_points",
        "deduction.csv",
        "deduction.nc",
        "deduction.png",
    ]
    found = spq.load_deduction("results/deduction.nc")
    assert found.attrs["seed"] == 3 and found.attrs["points"] == 8
    before = len(list((folder / "results" / "deduce_points").rglob("*.json")))
    status, out, _ = run(capsys, "deduce", "one.toml", "--out", "results", "--json", "-q")
    document = only_json(out)
    assert status == 0
    assert len(list((folder / "results" / "deduce_points").rglob("*.json"))) == before
    (parameter,) = document["parameters"]
    assert parameter["best"] == float(found["best"][0])
    assert parameter["prior_sigma"] == 0.1
    assert json.dumps(document, allow_nan=False)
    assert document["chi2"] < 0.5 and document["quantities"][0]["points_used"] == 8


def test_chain_too_short(folder, capsys, monkeypatch, pair):
    """What there is is written, and the exit status says that it did not converge."""

    def short(**_):
        raise ConvergenceError("the chain is 3.0 autocorrelation times long", pair)

    monkeypatch.setattr(deduction, "deduce", short)
    status, out, err = run(capsys, "deduce", "one.toml")
    assert status == 1 and "3.0 autocorrelation times" in err and "dots[1].core_radius" in out
    assert (folder / "deduction.csv").is_file()


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("[deduce.measured]", "[deduce.mesured]", 'deduce.mesured: unknown key (nearest: "measured")'),
        ("points = 8", "point = 8", 'deduce.point: unknown key (nearest: "points")'),
        ("seed = 3", "seed = 0.5", "seed = 0.5: must be a whole number"),
        ("sigma = 0.1", "sgma = 0.1", 'sgma: unknown key (nearest: "sigma")'),
        ("[2.07, 0.001]", "2.07", "must be value and standard error in eV"),
        ("[deduce.free]", "[deduce.other]", "deduce.other: unknown key"),
        ('"X@1" = [', '"Z@1" = [', "must be one of X, X-"),
    ],
)
def test_wrong_files(folder, capsys, old, new, message):
    assert old in FILE
    (folder / "one.toml").write_text(FILE.replace(old, new))
    assert message in refused(capsys, "deduce", "one.toml")


def test_missing_tables(folder, capsys):
    (folder / "one.toml").write_text(FILE[: FILE.index("[deduce]")])
    assert "one.toml: deduce: missing" in refused(capsys, "deduce", "one.toml")
    (folder / "one.toml").write_text(FILE[: FILE.index("[deduce.free]")])
    assert "deduce.free: missing" in refused(capsys, "deduce", "one.toml")


def test_corner(pair, tmp_path):
    """Labels with units, the best fit, the prior and its ends, nothing beyond the edge of the figure."""
    figure = spq.plot.corner(pair)
    panels = np.array(figure.axes).reshape(2, 2)
    assert panels[1, 0].get_xlabel() == "core radius,\ndot 1 (nm)"
    assert panels[1, 0].get_ylabel() == "shell thickness,\ndot 1 (nm)"
    best = pair["best"].values
    points = [line.get_xydata()[0] for line in panels[1, 0].lines if line.get_marker() == "s"]
    assert points == [pytest.approx(best)]
    assert "none" in figure._suptitle.get_text()
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    whole = figure.bbox
    for axis in (panels[1, 0].xaxis, panels[1, 1].xaxis, panels[1, 0].yaxis):
        box = axis.label.get_window_extent(renderer)
        assert box.x0 > whole.x0 and box.y0 > whole.y0
        for tick in axis.get_ticklabels():
            other = tick.get_window_extent(renderer)
            assert other.width == 0 or not box.overlaps(other)


@pytest.mark.parametrize("count", [1, 3])
def test_corner_of_other_sizes(pair, count):
    """One parameter, and three, with the measured values beside."""
    import xarray as xr

    one = pair.isel(parameter=[0], other=[0])
    names = ["geometry.neck_diameter", "dots.shell_thickness", "materials.CdSe.gap"][:count]
    units = ["nm", "nm", "eV"][:count]
    parts = [
        one.assign_coords(parameter=[name], parameter_unit=("parameter", [unit]))
        for name, unit in zip(names, units, strict=True)
    ]
    several = xr.concat(parts, "parameter", data_vars="minimal", coords="minimal", compat="override")
    figure = spq.plot.corner(several.assign_attrs(pair.attrs))
    labels = [figure.axes[count * (count - 1) + i].get_xlabel() for i in range(count)]
    assert labels == ["neck diameter (nm)", "shell thickness,\nall dots (nm)", "gap,\nCdSe (eV)"][:count]
    assert bool(figure.texts[1:]) == (count == 3)
