"""Ensembles: sizes are drawn as asked, molecules that there cannot be are drawn again."""

import importlib
import logging

import numpy as np
import pytest
from systems import need_gmsh

import spq
from spq import gallery
from spq.errors import ConvergenceError, InputError

MODULE = importlib.import_module("spq.ensembles")
CORES = {"dots.core_radius": (1.3, 0.05)}


def drawn(sizes, samples=400, model=None, seed=1):
    """The sizes that are drawn, by name, and how many draws were no molecules."""
    model = gallery.fused_heterodimer(accuracy="coarse") if model is None else model
    distributions = MODULE._distributions(model, sizes)
    values, again = MODULE._drawn(model, distributions, samples, np.random.default_rng(seed))
    return dict(zip(distributions, values.T, strict=True)), again


def test_every_dot_for_itself():
    """A name without number is drawn for every dot independently, one with number for that dot alone."""
    found, again = drawn(CORES)
    assert list(found) == ["dots[1].core_radius", "dots[2].core_radius"] and again == 0
    first, second = found.values()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15
    for values in (first, second):
        assert values.mean() == pytest.approx(1.3, abs=0.01)
        assert values.std() == pytest.approx(0.05, rel=0.12)
    found, _ = drawn({"dots[2].core_radius": (1.3, 0.05)})
    assert list(found) == ["dots[2].core_radius"]


def test_uniform_and_cut_off():
    sizes = {"core_radius": spq.Prior(1.2, 1.4), "shell_thickness": spq.Prior(1, 2, 1.5, 9)}
    found, _ = drawn({f"dots[1].{key}": prior for key, prior in sizes.items()})
    radius, shell = found.values()
    assert 1.2 <= radius.min() < 1.21 and 1.39 < radius.max() <= 1.4
    assert shell.min() >= 1.0 and shell.max() <= 2.0
    assert np.histogram(radius, 4, (1.2, 1.4))[0].min() > 70


def test_drawn_again():
    """A neck that would be negative is drawn again, never set to zero."""
    found, again = drawn({"geometry.neck_diameter": (0.5, 0.5)})
    neck = found["geometry.neck_diameter"]
    assert neck.min() > 0.0 and np.all(np.diff(np.sort(neck)) > 0)
    assert again == pytest.approx(400 * 0.159 / 0.841, rel=0.35)


def test_hardly_any_molecule():
    with pytest.raises(InputError, match=r"sizes: of \d+ draws \d+ are molecules: .*must be > 0"):
        drawn({"dots[1].core_radius": (-1.0, 0.3)}, samples=5)


def test_seed():
    assert np.array_equal(*(drawn(CORES)[0]["dots[1].core_radius"] for _ in range(2)))
    other, _ = drawn(CORES, seed=2)
    assert not np.array_equal(other["dots[1].core_radius"], drawn(CORES)[0]["dots[1].core_radius"])


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Four dimers, and the same again from the store."""
    need_gmsh()
    model = gallery.fused_heterodimer(accuracy="coarse")
    store = tmp_path_factory.mktemp("store")
    sizes = {"dots[1].core_radius": (1.3, 0.05), "dots[2].core_radius": spq.Prior(1.3, 1.4)}
    arguments = {"sizes": sizes, "samples": 4, "seed": 3, "store": store}
    first = spq.ensemble(model, **arguments)
    count = len(list((store / "points").glob("*/*.json")))
    assert count == 4
    second = spq.ensemble(model, **arguments)
    assert second.identical(first)
    assert len(list((store / "points").glob("*/*.json"))) == count
    return model, first


def test_results(few):
    """What is in it is what the solver gives for the drawn sizes."""
    model, ds = few
    assert ds["zpl_eV"].dims == ("sample", "dot") and ds["spacing_meV"].dims == ("sample", "later")
    assert (ds["error"] == "").all() and ds["converged"].all()
    one = ds.isel(sample=2)
    cores = [float(one[f"dots[{dot}].core_radius"]) for dot in (1, 2)]
    same = model.replace(molecule=spq.Molecule.dimer(cores, gallery.SHELL))
    exciton, other, trion = (spq.emission(same, state).emission_eV for state in ("X@1", "X@2", "X-@2"))
    assert one["zpl_eV"].values == pytest.approx([exciton, other], abs=1e-6)
    assert one["spacing_meV"].values == pytest.approx([1e3 * (other - exciton)], abs=2e-3)
    assert float(one["trion_shift_meV"][1]) == pytest.approx(1e3 * (trion - other), abs=2e-3)
    splitting = spq.levels(same).splitting_meV
    assert float(one["splitting_meV"].sel(kind="hole")) == pytest.approx(splitting["hole"], abs=1e-3)
    assert float(ds["zpl_eV"].std()) > 1e-3


def test_figure(few):
    figure = spq.plot.ensemble(few[1])
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels[0] == "zero-phonon line (eV)" and labels[-1] == "splitting of the lowest levels (meV)"
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    median = np.median(few[1]["zpl_eV"].sel(dot=1).values)
    assert texts[0].startswith(f"dot 1: {median:.3f} (")
    assert "Ensemble of 4 molecules" in figure._suptitle.get_text()


def test_figure_of_monomers(few):
    """No spacing and no splitting: those panels are not there."""
    ds = few[1].sel(dot=[1], later=[], state=["X@1", "X-@1"])
    ds["splitting_meV"] = ds["splitting_meV"] * np.nan
    figure = spq.plot.ensemble(ds)
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == ["zero-phonon line (eV)", "trion shift, X− less X (meV)"]


def test_nothing_computed(monkeypatch, caplog):
    """Draws that are no molecules are told; where none can be computed it is an error."""
    import xarray as xr

    failed = xr.Dataset({"error": ("zipped", np.array(["MeshError: no"] * 3, dtype=object))})
    monkeypatch.setattr(MODULE, "sweep", lambda *_, **__: failed)
    with caplog.at_level(logging.WARNING), pytest.raises(ConvergenceError, match="MeshError: no"):
        spq.ensemble(sizes={"geometry.neck_diameter": (0.1, 0.5)}, samples=20)
    assert "draws were no molecules and were drawn again" in caplog.text


@pytest.mark.parametrize(
    "others, message",
    [
        ({"sizes": None}, "sizes: must map at least one field"),
        ({"sizes": {"dots.core_radius": 1.3}}, r"must be \(mean, sigma\) or a Prior"),
        ({"sizes": {"dots.core_radius": (1, 2, 3)}}, r"must be \(mean, sigma\) or a Prior"),
        ({"sizes": {"dots.core_radius": (1.3, 0.0)}}, "sigma of dots.core_radius = 0: must be > 0"),
        ({"sizes": {"dots.core_radius": (1, 0.1), "dots[1].core_radius": (1, 0.1)}}, "contradicts"),
        ({"sizes": {"dots.core_raduis": (1, 0.1)}}, "unknown key"),
        ({"sizes": CORES, "samples": 0}, "samples = 0: must be >= 1"),
        ({"sizes": CORES, "seed": "a"}, "seed = 'a': must be a whole number"),
        ({"sizes": CORES, "model": 3}, "model = 3: must be a Model"),
    ],
)
def test_wrong_input(others, message):
    with pytest.raises(InputError, match=message) as caught:
        spq.ensemble(**others)
    assert "\n" not in str(caught.value)
