"""What is made of a spectrum: files, JSON and tables of the command line, and the figure."""

import csv
import importlib
import json
import os

import numpy as np
import pytest
from matplotlib.colors import to_hex
from test_cli import only_json, refused, run

import spq
from spq import plot, sticks
from spq.errors import ConvergenceError, InputError
from spq.gallery import heterodimer, monomer
from spq.sketch import COLORS

MODULE = importlib.import_module("spq.spectra")
CI = spq.CISpec(orbitals=8, outside=16)
MONOMER = """
[[dots]]
core_radius = 1.3
shell_thickness = 2.1
[model]
accuracy = "coarse"
self_energy = "none"
[ci]
orbitals = 8
outside = 16
[spectrum]
carriers = ["X", "X-"]
states = 3
"""


@pytest.fixture(scope="module")
def single():
    """Spectrum of the monomer of the input file."""
    return spq.spectrum(monomer(accuracy="coarse", ci=CI), ["X", "X-"], states=3)


@pytest.fixture(scope="module")
def pair():
    """Spectrum of a dimer, with segregated trions; the exciton of dot 1 is populated at 150 K."""
    return spq.spectrum(heterodimer(accuracy="coarse", ci=CI), ["X", "X-"], temperature=150.0)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to run in with the input file one.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text(MONOMER)
    return tmp_path


def test_json_and_files(folder, capsys, single):
    status, out, err = run(capsys, "spectrum", "one.toml", "--json", "--out", "a/b")
    assert status == 0 and "wrote a/b/spectrum.nc" in err
    document = only_json(out)
    keys = "temperature_K self_energy initial lines dots energy_eV intensity sets"
    assert list(document) == keys.split()
    assert (document["temperature_K"], document["self_energy"]) == (4.0, "none")
    assert document["sets"] == ["X", "X-"] == list(document["intensity"])
    assert len(document["initial"]) == single.sizes["initial"]
    assert len(document["lines"]) == single.sizes["line"] > 4
    for name, values in document["intensity"].items():
        assert values == pytest.approx(single["intensity"].sel(set=name).values, abs=1e-9)
        assert max(values) == 1.0
    first, line = document["initial"][0], document["lines"][0]
    assert (first["set"], first["placement"], first["degeneracy"], first["m"]) == ("X", "e1 h1", 4, 0)
    assert first["electrons"] == pytest.approx([1.0])
    assert (line["initial"], line["final"], line["emitter"], line["dots"]) == (0, "-", 1, [1.0])
    assert line["energy_eV"] == pytest.approx(float(single["line_energy_eV"][0]), abs=1e-9)
    # a dark level has no lifetime: null, not infinite
    dark = [each["lifetime_ns"] for each in document["initial"] if each["strength"] == 0.0]
    assert dark and set(dark) == {None}
    (dot,) = document["dots"]
    assert (dot["dot"], dot["c_axis"], dot["polarisation_deg"]) == (1, [0.0, 0.0, 1.0], None)

    assert sorted(os.listdir("a/b")) == ["spectrum.csv", "spectrum.nc", "spectrum.png"]
    stored = spq.load_spectrum("a/b/spectrum.nc")
    assert stored.attrs["input"] == spq.inputfile.dumps(spq.load("one.toml").replace(method="ci"))
    picture = (folder / "a" / "b" / "spectrum.png").read_bytes()
    status, out, _ = run(capsys, "plot", "a/b/spectrum.nc", "--out", "c", "--json", "-q")
    assert status == 0 and only_json(out) == {"written": ["c/spectrum.png"]}
    assert (folder / "c" / "spectrum.png").read_bytes() == picture
    assert "which has no sides" in refused(capsys, "plot", "a/b/spectrum.nc", "--flip")


def test_table(folder, capsys, single):
    status, out, err = run(capsys, "spectrum", "one.toml", "-q")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == ["spectrum at 4 K, self-energy model: none", "surface charges: none"]
    assert [line for line in lines if line.endswith("initial levels")] == [
        "X: initial levels",
        "X-: initial levels",
    ]
    rows = lines[lines.index("X-: initial levels") + 1 :]
    assert rows[0].split() == (
        "level placement purity above (meV) spin e, h m states population lifetime (ns) shake-up".split()
    )
    level = single.isel(initial=int(np.argmax(single["initial_set"].values == "X-")))
    lifetime = float(level["initial_lifetime_ns"])
    expected = ["1", "e1", "e1", "h1", "1.000", "0.000", "0,", "0.5", "0", "2", "1", f"{lifetime:.3g}"]
    assert rows[1].split()[:-1] == expected
    rows = lines[next(i for i, line in enumerate(lines) if line.startswith("X: lines")) + 1 :]
    assert rows[0].split()[:3] == ["level", "initial", "final"]
    assert rows[1].split()[:5] == ["1", "e1", "h1", "-", f"{float(single['line_energy_eV'][0]):.6f}"]
    assert sorted(os.listdir()) == ["one.toml", "spectrum.csv", "spectrum.nc", "spectrum.png"]


def test_csv_has_a_row_for_every_line(tmp_path, pair):
    written = spq.save_spectrum(pair, tmp_path)
    assert [path.name for path in written] == ["spectrum.nc", "spectrum.csv"]
    with written[1].open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == pair.sizes["line"]
    for number in (0, len(rows) - 1):
        row, line = rows[number], pair.isel(line=number)
        level = pair.isel(initial=int(line["line_initial"]))
        assert (row["set"], row["self_energy"], row["temperature_K"]) == (line["line_set"], "none", "150")
        assert row["initial_placement"] == level["initial_placement"]
        for name in ("line_energy_eV", "line_weight"):
            assert float(row[name]) == pytest.approx(float(line[name]), rel=1e-9)
        assert float(row["initial_population"]) == pytest.approx(float(level["initial_population"]), rel=1e-9)
        assert float(row["initial_electrons_dot2"]) == pytest.approx(
            float(level["initial_electrons"].sel(dot=2)), rel=1e-9
        )
    # nothing of a line or level is left out
    single_values = [name for name in pair.data_vars if pair[name].dims in (("line",), ("initial",))]
    assert set(single_values) - set(rows[0]) == {"line_set", "initial_set"}


def test_round_trip(tmp_path, pair):
    spq.save_spectrum(pair, tmp_path)
    found = spq.load_spectrum(tmp_path / "spectrum.nc")
    assert found.identical(pair)
    for name, variable in pair.variables.items():
        assert found[name].dtype == variable.dtype
    assert not found.assign_attrs(temperature_K=5.0).identical(pair)


def test_other_files_are_refused(tmp_path, pair):
    pair.drop_vars("line_rate").to_netcdf(tmp_path / "part.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="is no spectrum of spq, it lacks line_rate"):
        spq.load_spectrum(tmp_path / "part.nc")
    with pytest.raises(InputError, match="there is no such file"):
        spq.load_spectrum(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no NetCDF")
    with pytest.raises(InputError, match="so it is no spectrum of spq"):
        spq.load_spectrum(tmp_path / "text.nc")


BAD = {
    "key": ("temperatur = 4", 'spectrum.temperatur: unknown key (nearest: "spectrum.temperature")'),
    "carriers": ('carriers = ["Y"]', 'spectrum.carriers[1]: "Y": must be one of'),
    "twice": ('carriers = ["X", "X"]', "every set can be given once"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(folder, capsys, name):
    text, expected = BAD[name]
    (folder / "bad.toml").write_text(f"{MONOMER.partition('[spectrum]')[0]}[spectrum]\n{text}\n")
    message = refused(capsys, "spectrum", "bad.toml", "--out", "results")
    assert message.startswith("spq: error: bad.toml: ") and expected in message
    assert sorted(os.listdir()) == ["bad.toml", "one.toml"]


def test_unwritable_folder_is_found_before_computing(folder, capsys, monkeypatch):
    monkeypatch.setattr(MODULE, "with_companion", None)
    (folder / "file").write_text("in the way")
    message = refused(capsys, "spectrum", "one.toml", "--out", "file/below")
    assert "output folder file/below: cannot be written" in message
    assert sorted(os.listdir()) == ["file", "one.toml"]


def test_no_line_at_all_is_an_error(folder, capsys, monkeypatch):
    monkeypatch.setattr(MODULE, "WEAKEST", 10.0)
    message = refused(capsys, "spectrum", "one.toml", "-q")
    assert "no line of the lowest states emits" in message
    assert os.listdir() == ["one.toml"]


def test_what_converged_is_written(folder, capsys, monkeypatch):
    """One set of carriers fails: the other is there, and the exit status is 1."""
    whole = MODULE._one_set

    def failing(model, problem, coarse, text):
        if text == "X":
            raise ConvergenceError("did not settle")
        return whole(model, problem, coarse, text)

    monkeypatch.setattr(MODULE, "_one_set", failing)
    status, out, err = run(capsys, "spectrum", "one.toml", "--json", "-q")
    assert (status, err) == (1, "spq: error: X: did not settle\n")
    assert only_json(out)["sets"] == ["X-"] == list(spq.load_spectrum("spectrum.nc")["set"].values)
    with pytest.raises(ConvergenceError) as caught:
        spq.spectrum(spq.load("one.toml"), "X")
    assert caught.value.partial is None


def test_a_spectrum_that_nothing_populates(single):
    """Populations below what a number holds leave lines without weight, and no error."""
    cold = spq.spectrum(monomer(accuracy="coarse", ci=CI), ["X"], states=3, temperature=1e-3)
    assert np.isfinite(cold["intensity"].values).all() and cold["intensity"].values.max() == 1.0
    assert json.dumps(cold["initial_population"].values.tolist()).startswith("[1.0, 0.0")
    assert len(panels(plot.spectrum(cold))) == 1


# ---- the figure


def panels(figure):
    """The panels, from above; the scale in meV is none."""
    return [axes for axes in figure.axes if axes.get_ylabel() == "intensity"]


def drawn(axes, style):
    """Energy, height and colour of the sticks of one line style."""
    lines = [
        line for line in axes.lines if line.get_marker() == "o" and (line.get_linestyle() == "-") == style
    ]
    return sorted((line.get_xdata()[1], line.get_ydata()[1], to_hex(line.get_color())) for line in lines)


def expected_sticks(ds, name, populated):
    """The same from the Dataset."""
    lines = ds.isel(line=np.flatnonzero(ds["line_set"].values == name))
    high = lines["line_weight" if populated else "line_rate"].values
    high = high / high.max()
    there = (ds["initial_population"].values[lines["line_initial"].values] >= 0.01) == populated
    chosen = np.flatnonzero(there & (high >= 0.01))
    return sorted(
        (float(lines["line_energy_eV"][i]), high[i], COLORS[int(lines["line_emitter"][i])]) for i in chosen
    )


@pytest.mark.parametrize("populated", [True, False])
def test_sticks(pair, populated):
    """Every line is as high as its weight, or dashed and as high as its rate, in the colour of its dot."""
    figure = plot.spectrum(pair)
    total = 0
    for axes, name in zip(panels(figure), pair["set"].values, strict=True):
        low, high = axes.get_xlim()
        found = drawn(axes, populated)
        expected = [each for each in expected_sticks(pair, name, populated) if low <= each[0] <= high]
        assert [each[2] for each in found] == [each[2] for each in expected]
        assert np.array([each[:2] for each in found]) == pytest.approx(np.array([e[:2] for e in expected]))
        assert {each[2] for each in found} <= {COLORS[1], COLORS[2]}
        total += len(found)
    assert total >= 4


def test_segregated_lines_have_their_names(pair):
    _, trions = panels(plot.spectrum(pair))
    names = [text.get_text() for text in trions.texts]
    assert {"e2 e2 h2 → e2", "e1 e1 h1 → e1", "e1 h1 e2 → e2", "e1 e2 h2 → e1"} <= set(names)
    # the name stands at the line of that placement, not at any other
    lines = pair.isel(line=np.flatnonzero(pair["line_set"].values == "X-"))
    own = lines.isel(line=int(lines["line_weight"].values.argmax()))
    at = next(text for text in trions.texts if text.get_text() == "e2 e2 h2 → e2").xy[0]
    assert own["line_final"] == "e2" and at == pytest.approx(float(own["line_energy_eV"]))


def test_scales_and_title(pair):
    figure = plot.spectrum(pair)
    assert figure.get_suptitle().startswith("Emission at 150 K, self-energy model: none")
    assert "core radii 1.3 / 1.35 nm" in figure.get_suptitle()
    (scale,) = [axes for axes in figure.axes if "meV" in axes.get_xlabel()]
    assert scale.get_xlabel() == "from the strongest line of X (meV)"
    excitons = np.flatnonzero(pair["line_set"].values == "X")
    reference = float(pair["line_energy_eV"][excitons[int(pair["line_weight"].values[excitons].argmax())]])
    for axes in panels(figure):
        expected = [1e3 * (limit - reference) for limit in axes.get_xlim()]
        assert scale.get_xlim() == pytest.approx(expected, abs=1e-6)
    for axes, name in zip(panels(figure), pair["set"].values, strict=True):
        curve = next(line for line in axes.lines if len(line.get_xdata()) == pair.sizes["energy"])
        assert np.array_equal(curve.get_ydata(), pair["intensity"].sel(set=name).values)
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend[:3] == ["emission from dot 1", "emission from dot 2", "spectrum: lines 1 meV wide"]
    assert "line of a level populated less than 1 %: rate" in legend


def test_hybridised_lines_are_black(pair):
    """A line that both dots share is of neither; its placement is named with its share."""
    shared = pair.copy(deep=True)
    strongest = int(shared["line_weight"].values.argmax())
    shared["line_dots"][strongest] = [0.4, 0.6]
    shared["initial_purity"][int(shared["line_initial"][strongest])] = 0.6
    axes = panels(plot.spectrum(shared))[int(shared["line_set"][strongest] == "X-")]
    energy = float(shared["line_energy_eV"][strongest])
    (found,) = [color for at, _, color in drawn(axes, True) if at == pytest.approx(energy, abs=1e-12)]
    assert found == COLORS[0]
    assert any("(60 %)" in text.get_text() for text in axes.texts)


def test_excited_lines_off_the_scale_are_counted(single):
    figure = plot.spectrum(single)
    low, high = panels(figure)[0].get_xlim()
    away = sum(
        not low <= each.energy <= high for name in ("X", "X-") for each in sticks.sticks_of(single, name)
    )
    said = [text.get_text() for text in figure.legends[0].texts if "beyond the scale" in text.get_text()]
    assert away > 0 and said == [f"beyond the scale: {away} line{'s' if away > 1 else ''} of excited levels"]


@pytest.mark.parametrize("which", ["single", "pair"])
def test_nothing_overlaps(which, request):
    """Labels, titles, scales and legend keep apart and on the page; no leader crosses a label."""
    figure = plot.spectrum(request.getfixturevalue(which))
    figure.canvas.draw()
    page = figure.bbox
    boxes = [text.get_window_extent() for axes in panels(figure) for text in axes.texts]
    boxes += [axes.yaxis.label.get_window_extent() for axes in panels(figure)]
    boxes += [axes.xaxis.label.get_window_extent() for axes in figure.axes if axes.get_xlabel()]
    boxes += [figure.legends[0].get_window_extent(), figure._suptitle.get_window_extent()]
    assert len(boxes) > 8
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for other in boxes[:i]:
            assert not box.overlaps(other)
    for axes in panels(figure):
        leaders = [line for line in axes.lines if line.get_linewidth() == 0.5]
        labels = [text.get_window_extent() for text in axes.texts[1:]]
        assert len(leaders) == len(labels)
        for line in leaders:
            (x, low), (_, high) = axes.transData.transform(np.column_stack(line.get_data()))
            assert not any(box.x0 < x < box.x1 and low < box.y1 and box.y0 < high for box in labels)
