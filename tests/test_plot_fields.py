"""Figures of fields, levels and maps over the full surface: what is drawn, read from their artists."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import spq
from spq import gallery
from spq.errors import InputError
from spq.plot import map_writer
from spq.plotfields import DOTS, KINDS

MODEL = gallery.heterodimer(accuracy="coarse")
CHARGE = spq.SurfaceCharge(charge=-1, z=3.2)


def test_densities():
    ds = spq.sections(MODEL, "segX-@1", [CHARGE], points=41)
    figure = spq.plot.density(ds)
    panels = [ax for ax in figure.axes if ax.get_xlabel() == "x (nm)"]
    assert [ax.get_title() for ax in panels] == ["electron e1", "electron e2", "hole h1"]
    for panel, name in zip(panels, ["e1", "e2", "h1"], strict=True):
        (image,) = [each for each in panel.collections if isinstance(each, QuadMesh)]
        assert np.asarray(image.get_array()).max() == pytest.approx(
            float(ds["density"].sel(carrier=name).max())
        )
        (mark,) = panel.lines
        assert mark.get_xdata()[0] == pytest.approx(3.45) and mark.get_ydata()[0] == pytest.approx(3.2)
        # the surface and the cores; the widest outline is that of the larger dot
        outline = np.vstack([path.vertices for path in panel.collections[1].get_paths()])
        assert np.abs(outline[:, 0]).max() == pytest.approx(3.45, abs=0.05)
    limits = [panel.collections[0].get_clim() for panel in panels]
    assert limits[0] == limits[1] != limits[2]
    assert "image" not in figure.get_suptitle() and "segX-@1" in figure.get_suptitle()
    with pytest.raises(InputError, match="needs spq.sections"):
        spq.plot.density(spq.sections(MODEL, points=11))


def test_a_line():
    ds = spq.line_cut(MODEL, "X@1", [CHARGE], points=81)
    figure = spq.plot.line_cut(ds)
    edges, fields, densities = figure.axes
    assert [line.get_label() for line in edges.lines] == ["electron: band edge", "hole: band edge"]
    assert edges.lines[0].get_ydata()[40] == pytest.approx(100.0)  # meV, the shell between the cores
    expected = 1e3 * ds["potential_eV"].values
    assert fields.lines[0].get_ydata() == pytest.approx(expected) and expected.max() < 0
    assert {line.get_label() for line in densities.lines} == {"e1", "h1"}
    assert densities.get_xlabel() == "z along the long axis (nm)"
    assert len(spq.plot.line_cut(spq.line_cut(MODEL, points=21)).axes) == 1
    with pytest.raises(InputError, match="spq.line_cut"):
        spq.plot.line_cut(spq.sections(MODEL, points=11))


def test_self_energies_of_carriers_have_their_colours():
    model = gallery.monomer(accuracy="coarse", self_energy="density")
    ds = spq.line_cut(model, "X-@1", points=41)
    lines = spq.plot.line_cut(ds).axes[0].lines
    styles = {line.get_label(): (to_hex(line.get_color()), line._dash_pattern) for line in lines}
    assert styles["Σ of e1"][0] == KINDS["e"][1] != styles["Σ of h1"][0] == KINDS["h"][1]
    assert len({str(style) for style in styles.values()}) == len(lines) == 4  # all apart, band edges too


def test_levels():
    found = spq.levels(MODEL)
    figure = spq.plot.levels(found)
    above, below = figure.axes
    assert below.yaxis_inverted() and not above.yaxis_inverted()
    assert f"second − first level {found.splitting_meV['electron']:.2f} meV" in above.get_title(loc="left")
    lowest = [line for line in above.lines if line.get_ydata()[0] == found.electron[0].energy_meV]
    widths = {to_hex(line.get_color()): np.ptp(line.get_xdata()) / 0.8 for line in lowest}
    assert [widths[color] for color in DOTS[:2]] == pytest.approx(found.electron[0].dots, abs=1e-9)
    assert widths[DOTS[1]] > 0.9  # the larger dot
    assert len(above.lines) == 2 * len(found.electron)


@pytest.fixture(scope="module")
def surface():
    """A map over the full surface of a monomer."""
    spec = spq.MapSpec(states=("X@1", "X-@1"), points=5, surface="full", phi_points=6)
    model = gallery.uniform_monomer(accuracy="coarse", map=spec)
    return spq.shift_map(model, charges=(1.0, -1.0))


def test_full_surface(surface):
    ds = surface.copy(deep=True)
    ds["converged"][0, 0, 7] = False
    figure = spq.plot.surface_map(ds)
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in panels][:2] == ["X@1, charge +1 e", "X@1, charge −1 e"]
    image = panels[0].collections[0]
    low, high = image.get_clim()
    assert low == -high and high == pytest.approx(float(np.abs(ds["shift_meV"][0]).max()))
    drawn = np.ma.masked_invalid(np.asarray(image.get_array()).reshape(5, 7))
    assert np.ma.count_masked(drawn) == 1
    expected = ds["shift_meV"].values[0, 0].reshape(5, 6)
    assert drawn[2, 3] == pytest.approx(expected[2, 3]) and drawn[3, 6] == pytest.approx(expected[3, 0])
    assert image.cmap(0.0)[0] > image.cmap(0.0)[2]  # a red shift is red
    crosses = [line for line in panels[0].lines if line.get_marker() == "x"]
    assert len(crosses[0].get_xdata()) == 1
    assert set(map_writer(ds)) == {"shift_map.png", "surface_map.png"}
    with pytest.raises(InputError, match="full"):
        spq.plot.surface_map(ds.isel(point=slice(0, None, 6)))


def test_full_surface_is_flipped_with_its_line(surface, tmp_path, monkeypatch):
    """Both figures of a flipped map have dot 1 on the right: the same values at −z."""

    def drawn(figure):
        image = figure.axes[0].collections[0]
        return figure.axes[2].get_xlabel(), np.asarray(image.get_array()), np.asarray(image.get_coordinates())

    saved = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, dpi: saved.append(self))
    map_writer(surface, flip=True)["surface_map.png"](tmp_path)
    straight, turned = drawn(spq.plot.surface_map(surface)), drawn(saved[0])
    assert turned[0] == "−z along the long axis (nm)" and straight[0] == "z along the long axis (nm)"
    assert np.array_equal(turned[1], straight[1])
    assert turned[2][..., 0] == pytest.approx(-straight[2][..., 0])
    assert turned[2][..., 1] == pytest.approx(straight[2][..., 1])
    assert np.ptp(straight[2][..., 0]) > 5.0


@pytest.mark.parametrize("name", spq.plot.__all__)
def test_nothing_to_draw_is_one_line(name):
    for given in (3, None, xr.Dataset()):
        with pytest.raises(InputError, match=f"{name}: needs "):
            getattr(spq.plot, name)(given)
