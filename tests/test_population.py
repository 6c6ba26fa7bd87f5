"""Many particles: statistics with their errors, folded angles, replicas on their own, the figure."""

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from made_analyses import made

from spq.errors import InputError
from spq.spectroscopy import (
    difference_tests,
    energy_edges,
    fold_angle,
    particle_lines,
    population,
    profile,
    replica_distances,
    without_replicas,
)
from spq.spectroscopy.bootstrap import histogram_of, mean_of, median_of, multiplicities
from spq.spectroscopy.foldedangles import folded_density
from spq.spectroscopy.linemodel import LineShape
from spq.spectroscopy.plotpopulation import plot_population, population_writer
from spq.store import write_files


def particles(monomers, dimers, seed=1):
    """Monomers with a state of the trion, dimers of two lines; amplitudes alike, differences about 20°."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(monomers):
        energy = 2100.0 + 10.0 * generator.standard_normal()
        found.append(made([(100, {energy: 8000.0}), (50, {energy - 14.0: 2000.0})], [0.65, 0.0]))
    for _ in range(dimers):
        energy, apart = 2100.0 + 10.0 * generator.standard_normal(), generator.uniform(10.0, 40.0)
        angle = 20.0 + 5.0 * generator.standard_normal()
        found.append(made([(100, {energy: 8000.0, energy + apart: 4000.0})], [0.65], (180.0 - angle, 4.0)))
    return found, ["monomers"] * monomers + ["dimers"] * dimers


@pytest.fixture(scope="module")
def many():
    return population(*particles(12, 30))


def test_rows_are_the_lines_of_the_brightest_state(many):
    assert many["lines"].values.tolist() == [1.0] * 12 + [2.0] * 30
    assert many["zpl_weight"].values[-1] == pytest.approx([2.0 / 3.0, 1.0 / 3.0])
    spacing = many["spacing"].values
    assert np.isnan(spacing[:, 0]).all() and np.isnan(spacing[:12]).all()
    assert ((spacing[12:, 1] > 9.9) & (spacing[12:, 1] < 40.1)).all()
    assert many["long_amplitude"].values[0] == pytest.approx(0.65 / 90 / (0.65 / 90 + 0.35 / 1.5))
    assert many["long_lifetime"].values[0] == pytest.approx(90.0)


def test_lines_of_all_states_hold_the_trion():
    given, names = particles(2, 0)
    ds = population(given, names, of="all")
    assert ds["lines"].values.tolist() == [2.0, 2.0]
    assert ds["spacing"].values[:, 1] == pytest.approx([-14.0, -14.0])


def test_groups_are_told_apart_where_they_differ(many):
    """Numbers of lines differ in all of 42; amplitudes are the same number in both groups."""
    p = many.sel(pair="monomers - dimers")
    assert float(p["mann_whitney_p"].sel(quantity="lines")) < 1e-6
    assert float(p["permutation_p"].sel(quantity="lines")) < 2e-3
    assert float(p["permutation_p"].sel(quantity="long_amplitude")) > 0.5
    assert float(p["permutation_p"].sel(quantity="energy")) > 1e-3


def test_errors_are_those_of_the_mean(many):
    """The bootstrap error of a mean of 30 is its σ/√n, within 15 %: 2000 draws, and n - 1 for n."""
    of = np.abs(many["spacing"].values[12:, 1])
    error = float(many["mean_error"].sel(group_name="dimers", quantity="spacing"))
    assert error == pytest.approx(of.std(ddof=1) / np.sqrt(30), rel=0.15)
    low, high = (
        float(many[f"mean_{e}"].sel(group_name="dimers", quantity="spacing")) for e in ("low", "high")
    )
    assert high - low == pytest.approx(2.0 * error, rel=0.15)


def test_histograms_hold_all_light(many):
    for name in ("energy", "spacing", "lines", "long_lifetime", "polarisation_difference"):
        shares = many[f"{name}_share"].sel(group_name="dimers").values
        assert shares.sum() == pytest.approx(1.0), name
        assert (many[f"{name}_share_error"].sel(group_name="dimers").values[shares > 0] >= 0).all()
    assert np.isnan(many["spacing_share"].sel(group_name="monomers").values).all()


def test_lines_of_one_particle_stay_together():
    """Each particle's two values agree, so the error is that of 20 particles, not of 40 values."""
    values = [np.full(2, each) for each in np.random.default_rng(2).standard_normal(20)]
    weights = multiplicities(20, 4000, 3)
    single = np.array([each[0] for each in values]).std() / np.sqrt(20)
    assert mean_of(values, weights).error == pytest.approx(single, rel=0.1)
    median = median_of(values, weights)
    assert median.error == pytest.approx(1.25 * single, rel=0.4)  # of 20 of a Gaussian; the scatter is large
    assert median.low < median.value < median.high
    shares, errors = histogram_of(values, np.array([-9.0, 0.0, 9.0]), weights)
    assert errors[0] == pytest.approx(np.sqrt(shares[0] * shares[1] / 20), rel=0.1)


@pytest.mark.parametrize(("given", "folded"), [(0, 0), (90, 90), (100, 80), (180, 0), (-20, 20), (350, 10)])
def test_fold(given, folded):
    assert fold_angle(given) == pytest.approx(folded)


def test_folded_density_is_one_in_all():
    grid = np.linspace(0.0, 90.0, 9001)
    for angle, error in ((0.0, 3.0), (20.0, 15.0), (89.0, 30.0)):
        assert np.trapezoid(folded_density(grid, angle, error), grid) == pytest.approx(1.0, abs=1e-4)


def test_angles_are_tested(many):
    """About 20°: far from uniform. Uniform ones: the evidence for 20° is chance, in about 5 % below 0.05."""
    dimers = many.sel(group_name="dimers")
    assert float(dimers["uniform_p"]) < 1e-6 and float(dimers["angle_chance"]) < 1e-3
    assert float(dimers["angle_log_ratio"]) > 10.0 and float(dimers["angle_scatter"]) < 8.0
    assert np.isnan(float(many.sel(group_name="monomers")["uniform_p"]))
    generator = np.random.default_rng(5)
    tests = [difference_tests(90.0 * generator.random(20), np.full(20, 4.0), seed=i) for i in range(40)]
    assert sum(test.chance < 0.05 for test in tests) <= 6  # binomial, 40 of 0.05: above 6 in 0.3 %
    assert sum(test.uniform_p < 0.05 for test in tests) <= 6
    assert np.median([test.log_ratio for test in tests]) < -2.0


def with_spectrum(ratios, photons=40000.0, seed=3):
    """An analysis of one state, one line at 2.1 eV with replicas in its spectrum."""
    generator = np.random.default_rng(seed)
    wavelength = 568.0 + 0.1 * np.arange(512)
    shape = LineShape(width_meV=2.0, ratios=ratios, phonon_width_meV=3.5)
    mean = photons * profile(energy_edges(wavelength), 2.10, shape) + 5.0
    frames = generator.poisson(mean / 20.0, (20, 512)).astype(float)
    ds = made([(20, {2100.0: photons})], [0.65])
    return ds.assign(
        spectrum=(("frame", "pixel"), frames),
        state_spectrum=(("state_index", "pixel"), frames.sum(axis=0, keepdims=True)),
        wavelength=("pixel", wavelength),
        excess=((), 1.0),
    )


def test_replicas_on_their_own():
    """At 27 and 37 meV, within four errors, the errors small; as lines of their own in the analysis."""
    ds = with_spectrum((0.25, 0.1))
    distances, errors, ratios = replica_distances(ds)
    assert (np.abs(distances - [27.0, 37.0]) < 4.0 * errors).all() and (errors < 0.5).all()
    assert ratios[0] == pytest.approx(0.25, rel=0.15)
    lines = particle_lines(without_replicas(ds))
    assert 1e3 * lines.energies[:2] == pytest.approx([2100.0, 2073.0], abs=0.8)
    gathered = population([ds, with_spectrum((0.25, 0.1), seed=4)])
    mean = gathered["mean"].sel(group_name="all")
    assert float(mean.sel(quantity="phonon_1")) == pytest.approx(27.0, abs=0.5)
    assert float(mean.sel(quantity="phonon_2")) == pytest.approx(37.0, abs=0.8)


def test_no_replicas_of_two_lines():
    distances, _, _ = replica_distances(particles(0, 1)[0][0])
    assert not len(distances)


def test_one_particle_has_no_errors():
    ds = population(particles(1, 0)[0])
    assert ds["mean"].sel(quantity="lines").values.tolist() == [1.0]
    assert np.isnan(ds["mean_error"].values).all() and np.isnan(ds["lines_share_error"].values).all()
    assert "all: lines: errors are not determined, for one particle has it" in ds.attrs["warnings"]
    assert "all: polarisation_difference: not determined" in ds.attrs["warnings"]
    plot_population(ds)


def test_particle_without_lines():
    ds = population([made([(5, {})]), *particles(2, 0)[0]])
    assert np.isnan(ds["lines"].values[0]) and np.isnan(ds["zpl_energy"].values[0]).all()
    assert int(ds["count"].sel(quantity="lines")[0]) == 2


def test_figure(many, tmp_path):
    write_files(tmp_path, population_writer(many))
    image = matplotlib.image.imread(tmp_path / "population.png")
    assert image.shape[0] > 1000
    figure = plot_population(many)
    assert [axes.get_title(loc="left") for axes in figure.axes] == list("abcdef")
    bars = figure.axes[2].patches
    assert sorted(bar.get_height() for bar in bars) == [0.0, 0.0, 1.0, 1.0]


def test_groups_by_mapping():
    given, _ = particles(2, 1)
    ds = population(given, {"two": [2], "one": [0, 1]})
    assert ds["group"].values.tolist() == ["one", "one", "two"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"analyses": []}, "none is given"),
        ({"analyses": 3}, "list of analyses"),
        ({"analyses": [xr.Dataset()]}, r"analyses\[1\]: .* must be what"),
        ({"groups": ["a"]}, "1 are given: must be 2"),
        ({"groups": ["a", 3]}, r"groups\[2\]"),
        ({"groups": {"a": [0]}}, "particle 1 is in none"),
        ({"groups": {"a": [0, 1], "b": [1]}}, "in two groups"),
        ({"groups": {"a": [0, 7]}}, "there are 2 analyses"),
        ({"of": "some"}, "of"),
        ({"angle": 120.0}, "angle"),
        ({"draws": 3}, "draws"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InputError, match=message):
        population(**({"analyses": particles(2, 0)[0]} | change))


def test_bad_angles_and_figures():
    with pytest.raises(InputError, match="errors: shape"):
        difference_tests(np.zeros(3), np.zeros(2))
    with pytest.raises(InputError, match="finite or NaN"):
        fold_angle(np.inf)
    with pytest.raises(InputError, match="no population"):
        plot_population(xr.Dataset())
