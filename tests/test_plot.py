"""The figure of a shift map: what it shows, read from the drawn artists."""

import re

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import Circle
from synthetic import synthetic_map

from spq import plot
from spq.gallery import heterodimer
from spq.geometry import Dot, Molecule
from spq.mapspec import MapSpec
from spq.model import Model
from spq.sketch import BRIGHT_CORE

NOMINAL = heterodimer()
TRIANGLE = Molecule([Dot(1.3, 2.1, position=p) for p in ((0, 0, 0), (0, 0, 6.4), (0, 5.5, 3.2))])


def panels(figure):
    """Return the panels with energies, the sketches and the second scales."""
    axes = figure.axes
    scales = [ax for ax in axes if ax.get_ylabel().startswith("shift")]
    energies = [ax for ax in axes if ax.get_xlabel() and ax not in scales]
    sketches = [ax for ax in axes if any(isinstance(p, Circle) for p in ax.patches)]
    return energies, sketches, scales


@pytest.fixture(scope="module")
def shifts():
    return synthetic_map(NOMINAL)


def markers(axes, marker, fill=None):
    """Return the x of all points drawn with a marker (and a fill)."""
    found = [
        line.get_xdata()
        for line in axes.lines
        if line.get_marker() == marker
        and line.get_linestyle() == "None"
        and (fill is None or line.get_markerfacecolor() == fill)
    ]
    return np.concatenate(found) if found else np.array([])


def test_four_panels_with_two_scales(shifts):
    figure = plot.shift_map(shifts)
    energies, sketches, scales = panels(figure)
    assert (len(energies), len(sketches), len(scales)) == (4, 4, 2)
    assert [ax.get_title() for ax in energies[:2]] == ["surface charge +1 e", "surface charge −1 e"]
    title = figure.get_suptitle()
    assert "self-energy model: none" in title and "1.3 / 1.35" in title
    for row, scale in enumerate(scales):
        low, high = energies[2 * row].get_ylim()
        reference = float(shifts["reference_eV"].sel(state=f"X@{row + 1}"))
        expected = (1e3 * (low - reference), 1e3 * (high - reference))
        assert scale.get_ylim() == pytest.approx(expected, abs=1e-6)
        assert scale.get_ylabel() == f"shift from X@{row + 1} without charge (meV)"
        assert energies[2 * row].get_ylim() == energies[2 * row + 1].get_ylim()


def test_energies_and_references_are_drawn(shifts):
    energies, _, _ = panels(plot.shift_map(shifts))
    expected = shifts["energy_eV"].sel(state="X-@2", charge=-1.0).values
    lines = [line for line in energies[3].lines if len(line.get_ydata()) == len(expected)]
    assert any(np.array_equal(line.get_ydata(), expected) for line in lines)
    assert not any(np.array_equal(line.get_ydata(), expected + 1e-6) for line in lines)
    dashed = {float(line.get_ydata()[0]) for line in energies[3].lines if line.get_ls() == "--"}
    assert {float(shifts["reference_eV"].sel(state=s)) for s in ("X@2", "X-@2", "segT@2")} <= dashed


def test_marks_of_points(shifts):
    energies, _, _ = panels(plot.shift_map(shifts))
    z = shifts["z_nm"].values
    assert markers(energies[2], "D", "white") == pytest.approx(z[10:13])
    assert len(markers(energies[3], "D", "white")) == 0
    assert markers(energies[3], "x") == pytest.approx(z[3:4])
    x_of_dot_1 = markers(energies[0], "o")
    assert len(x_of_dot_1) == 20 and z[5] not in x_of_dot_1
    legends = [" ".join(t.get_text() for t in ax.get_legend().texts) for ax in energies[1::2]]
    assert "left out: 1 point" in legends[0] and "hybridised" not in legends[0]
    assert "open: hybridised" in legends[1] and "crossed: not followed" in legends[1]


def test_sketch_has_the_scale_of_the_axis(shifts):
    figure = plot.shift_map(shifts)
    figure.canvas.draw()
    energies, sketches, _ = panels(figure)
    for panel, sketch in zip(energies, sketches, strict=True):
        assert sketch.get_xlim() == panel.get_xlim()
        box, panel_box = sketch.get_window_extent(), panel.get_window_extent()
        assert (box.x0, box.x1) == pytest.approx((panel_box.x0, panel_box.x1))
        across, up = np.ptp(sketch.get_xlim()), np.ptp(sketch.get_ylim())
        assert box.width / across == pytest.approx(box.height / up, rel=1e-6)
    bright = [
        [p.get_facecolor() == to_rgba(BRIGHT_CORE) for p in ax.patches if isinstance(p, Circle)]
        for ax in sketches
    ]
    assert bright == [[True, False], [True, False], [False, True], [False, True]]


def test_flip_puts_dot_1_at_positive_coordinates(shifts):
    for flip, sign in ((False, -1.0), (True, 1.0)):
        energies, sketches, _ = panels(plot.shift_map(shifts, flip=flip))
        first = next(p for p in sketches[0].patches if isinstance(p, Circle))
        assert np.sign(first.center[0]) == sign
        left_out = -sign * shifts["z_nm"].values[5]
        drawn = markers(energies[0], "o")
        assert np.min(np.abs(drawn - left_out)) > 0.1
        assert ("−z" in energies[0].get_xlabel()) == flip


def test_nothing_overlaps(shifts):
    figure = plot.shift_map(shifts)
    figure.canvas.draw()
    energies, sketches, scales = panels(figure)
    page = figure.bbox
    texts = [ax.get_legend().get_window_extent() for ax in energies if ax.get_legend()]
    texts += [label.get_window_extent() for ax in energies for label in (ax.xaxis.label, ax.title)]
    texts += [ax.yaxis.label.get_window_extent() for ax in (*scales, energies[0], energies[2])]
    texts += [ax.get_window_extent() for ax in sketches]
    texts = [box for box in texts if box.width > 0]
    for i, box in enumerate(texts):
        assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for other in texts[:i]:
            assert not box.overlaps(other)


MANY = tuple(f"{name}@1" for name in ("X-", "X+", "XX", "X2-", "X2+", "segT", "segX+", "segXX"))
MODELS = {
    "monomer": Model(Molecule.monomer(1.3, 2.1)),
    "gap": Model(Molecule.dimer(1.3, 2.1, center_distance=8.0)),
    "neck": Model(Molecule.dimer(1.3, 2.1, neck_diameter=4.0), map=MapSpec(charges=(0.5,))),
    "triangle": Model(TRIANGLE),
    "many states": Model(Molecule.dimer(1.3, 2.1), map=MapSpec(states=MANY)),
}


@pytest.mark.parametrize("name", MODELS)
def test_other_molecules(name):
    model = MODELS[name]
    shifts = synthetic_map(model)
    figure = plot.shift_map(shifts, flip=True)
    figure.canvas.draw()
    energies, _, _ = panels(figure)
    emitters = {state.emitter for state in model.states}
    assert len(energies) == len(emitters) * len(model.map.charges)
    styles = plot._styles(shifts, 1)
    assert len({(style["color"], style["marker"]) for style in styles.values()}) == len(styles)
    if name == "gap":  # lines end at the gap
        line = next(line for line in energies[0].lines if np.isnan(line.get_xdata()).any())
        at = int(np.flatnonzero(np.isnan(line.get_xdata()))[0])
        sides = line.get_xdata()[[at - 1, at + 1]]
        assert sides == pytest.approx([0.6, -0.6])


def test_small_changes_are_not_blown_up():
    shifts = synthetic_map(MODELS["monomer"]).isel(state=[0])
    shifts["energy_eV"][:] = shifts["reference_eV"] + 1e-9
    energies, _, scales = panels(plot.shift_map(shifts))
    assert np.ptp(scales[0].get_ylim()) == pytest.approx(plot.LEAST_RANGE)


def test_all_points_failed():
    shifts = synthetic_map(MODELS["monomer"])
    shifts["converged"][:] = False
    shifts["energy_eV"][:] = np.nan
    energies, _, _ = panels(plot.shift_map(shifts))
    legend = " ".join(text.get_text() for text in energies[-1].get_legend().texts)
    assert re.search(r"left out: 168 points", legend)


@pytest.mark.parametrize("lost", [["X@1"], ["X@1", "X-@1", "X+@1", "XX@1"]])
def test_states_that_fail_without_charge(lost):
    """The scale starts at the first state that has an energy; with none there is no scale."""
    shifts = synthetic_map(MODELS["monomer"])
    for name in lost:
        shifts["reference_eV"].loc[{"state": name}] = np.nan
        shifts["energy_eV"].loc[{"state": name}] = np.nan
        shifts["converged"].loc[{"state": name}] = False
    figure = plot.shift_map(shifts)
    labels = [axes.get_ylabel() for axes in figure.axes if "shift from" in axes.get_ylabel()]
    assert labels == (["shift from X-@1 without charge (meV)"] if len(lost) == 1 else [])
