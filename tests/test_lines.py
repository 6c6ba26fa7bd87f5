"""Zero-phonon lines of summed spectra: how many, where, how sure; drawn without the model of the fit."""

import numpy as np
import pytest
from scipy.special import gammaln

from spq.errors import InputError
from spq.spectroscopy import LineShape, compare_shapes, energy_edges, fit_lines, profile
from spq.units import HC

WAVELENGTH = 568.0 + 0.1 * np.arange(512)


def drawn(positions, weights, photons, seed, drift=1.6, background=0.7):
    """Photons one by one: emitters that drift for 100 s, phonons of random number, blurred by the camera."""
    generator = np.random.default_rng(seed)
    number = generator.poisson(photons)
    which = generator.choice(len(positions), number, p=np.array(weights) / sum(weights))
    kept, path = np.exp(-0.5 / 20.0), np.zeros((200, len(positions)))
    path[0] = drift * generator.standard_normal(len(positions))
    for t in range(1, 200):
        path[t] = kept * path[t - 1] + drift * np.sqrt(1.0 - kept**2) * generator.standard_normal(
            len(positions)
        )
    energy = 1e3 * np.array(positions)[which] + path[generator.integers(0, 200, number), which]
    energy += 0.4 * generator.standard_normal(number)
    for phonon, factor in ((27.0, 0.25), (37.0, 0.1)):
        made = generator.poisson(factor, number)
        energy -= made * phonon + np.sqrt(made) * 1.5 * generator.standard_normal(number)
    pixel = np.rint((1e3 * HC / energy - 568.0) / 0.1 + generator.standard_normal(number)).astype(int)
    seen = pixel[(pixel >= 0) & (pixel < 512)]
    return np.bincount(seen, minlength=512) + generator.poisson(background, 512)


@pytest.mark.parametrize(("positions", "weights"), [((2.10,), (1.0,)), ((2.10, 2.12), (1.0, 0.5))])
def test_number_of_lines(positions, weights):
    """Of monomers and dimers that drift by 1.6 meV, at 1000 photons: right in at least 19 of 20."""
    right = [
        len(fit_lines(drawn(positions, weights, 1000, seed), WAVELENGTH).positions) == len(positions)
        for seed in range(20)
    ]
    assert sum(right) >= 19


def test_each_line_costs_its_parameters_and_the_places_it_could_be_at():
    """BIC from the means alone: 2 ln N and 2 ln(W/w) a line, whether or not a ratio rests at its bound."""
    counts = drawn((2.10,), (1.0,), 800, 3, background=0.3)
    energy = 1e3 * HC / (568.0 + np.array([-0.05, 51.15]))
    costs = {}
    for lines in (1, 2):
        fit = fit_lines(counts, WAVELENGTH, lines=lines)
        likelihood = np.sum(counts * np.log(fit.means) - fit.means - gammaln(counts + 1.0))
        places = lines * np.log((energy[0] - energy[1]) / fit.shape.width_meV)
        costs[lines] = fit.bic[lines] + 2.0 * likelihood - 2.0 * places
    photons = counts.sum() - 512 * np.median(counts)
    assert costs[2] - costs[1] == pytest.approx(2.0 * np.log(photons), abs=0.02)
    assert costs[1] == pytest.approx(7.0 * np.log(photons), abs=0.05)


def test_lorentzians_read_one_line_as_several():
    """The usual choice, on monomers, without a least distance of lines: it fits worse, and finds more."""
    numbers = {"gaussian": 0, "lorentzian": 0}
    for seed in range(6):
        fits = compare_shapes(drawn((2.10,), (1.0,), 1000, seed), WAVELENGTH, apart_meV=0.0)
        for kind, fit in fits.items():
            numbers[kind] += len(fit.positions)
    assert numbers["lorentzian"] > numbers["gaussian"] + 3


def test_errors_are_what_they_say():
    """Two lines at rest: positions and photons over their errors scatter by 1."""
    pulls = []
    for seed in range(40):
        fit = fit_lines(drawn((2.10, 2.13), (1.0, 0.6), 2000, seed, drift=0.0), WAVELENGTH, lines=2)
        blue_first = np.array([2.13, 2.10])
        pulls.append((fit.positions - blue_first) / fit.errors)
        assert 0.1 < fit.shape.ratios[0] < 0.4
    pulls = np.array(pulls)
    assert 0.8 < pulls.std() < 1.25
    assert abs(pulls.mean()) < 0.5


def test_excess_noise_widens_the_errors():
    counts = drawn((2.10,), (1.0,), 2000, 3)
    one, two = (fit_lines(counts, WAVELENGTH, excess=each, lines=1) for each in (1.0, 2.0))
    assert two.errors[0] / one.errors[0] == pytest.approx(np.sqrt(2.0), rel=0.02)
    assert two.positions[0] == pytest.approx(one.positions[0], abs=2e-5)
    assert two.photons[0] == pytest.approx(one.photons[0], rel=0.02)


def test_replicas_are_lines_of_their_own_without_phonons():
    """The stronger replica lies 27 meV below."""
    counts = drawn((2.10,), (1.0,), 10000, 4, drift=0.0)
    fit = fit_lines(counts, WAVELENGTH, phonons_meV=(), lines=2)
    assert 1e3 * (fit.positions[0] - fit.positions[1]) == pytest.approx(27.0, abs=3.0)


def test_masked_pixels_and_noise_below_zero():
    counts = drawn((2.10,), (1.0,), 3000, 5).astype(float)
    whole = fit_lines(counts, WAVELENGTH, lines=1)
    counts += np.random.default_rng(6).normal(0.0, 1.5, 512) - 0.7
    counts[::9] = np.nan
    fit = fit_lines(counts, WAVELENGTH, lines=1, read_variance=2.25)
    assert counts[np.isfinite(counts)].min() < 0
    assert fit.positions[0] == pytest.approx(whole.positions[0], abs=3e-4)
    assert fit.photons[0] == pytest.approx(whole.photons[0], rel=0.1)
    assert np.array_equal(np.isnan(fit.means), np.isnan(counts))


@pytest.mark.parametrize(
    "counts", [np.zeros(512), np.full(512, 3.0), np.full(512, np.nan), np.full(512, -1.0)]
)
def test_no_light_is_no_line(counts):
    fit = fit_lines(counts, WAVELENGTH)
    assert not len(fit.positions) and fit.shape is None
    assert "not determined" in fit.warnings[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": np.ones(5)}, "counts: shape"),
        ({"counts": np.full(512, np.inf)}, "finite or NaN"),
        ({"kind": "square"}, "kind"),
        ({"lines": 7}, "at most 4"),
        ({"excess": 0.5}, "excess"),
        ({"wavelength": WAVELENGTH[::-1]}, "ascend"),
    ],
)
def test_bad_input(change, message):
    given = {"counts": np.ones(512), "wavelength": WAVELENGTH} | change
    with pytest.raises(InputError, match=message):
        fit_lines(**given)


def test_no_background_does_not_stop_the_search():
    """Where nothing is expected far from the lines, photons there must still draw the fit."""
    wavelength = np.linspace(570.0, 610.0, 400)
    shape = LineShape(width_meV=1.0)
    for seed in (1, 3):
        generator = np.random.default_rng(seed)
        edges = energy_edges(wavelength)
        mean = 300.0 * profile(edges, 2.12, shape) + 200.0 * profile(edges, 2.08, shape)
        fit = fit_lines(generator.poisson(mean).astype(float), wavelength)
        assert fit.positions == pytest.approx([2.12, 2.08], abs=1.5e-4)
        assert fit.background < 1e-3
