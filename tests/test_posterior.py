"""The sampled posterior against densities that are known: normals, cut-off ones, two modes."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, truncnorm

import spq
from spq import posterior
from spq.errors import ConvergenceError, InputError
from spq.posterior import Density, correlation_time, sampled

MEAN = np.array([0.3, -0.2, 0.1])
COVARIANCE = np.array([[0.04, 0.035, 0.0], [0.035, 0.04, 0.01], [0.0, 0.01, 0.09]])


def log_normal(values):
    return np.atleast_1d(multivariate_normal(MEAN, COVARIANCE).logpdf(values))


@pytest.fixture(scope="module")
def wide():
    """Posterior of a normal in a box that hardly cuts it off."""
    return sampled(Density([spq.Prior(-4, 4)] * 3, log_normal), seed=2)


def test_normal(wide):
    """Mean, covariance, quantiles, best fit and evidence of a correlated normal."""
    assert wide.samples.shape == (posterior.KEPT, 3)
    sd = np.sqrt(np.diag(COVARIANCE))
    assert wide.samples.mean(axis=0) == pytest.approx(MEAN, abs=0.07 * sd.min())
    assert np.cov(wide.samples.T) == pytest.approx(COVARIANCE, abs=0.06 * 0.09)
    assert np.corrcoef(wide.samples.T)[0, 1] == pytest.approx(0.875, abs=0.02)
    assert np.quantile(wide.samples[:, 2], 0.16) == pytest.approx(norm(0.1, 0.3).ppf(0.16), abs=0.02)
    assert wide.best == pytest.approx(MEAN, abs=1e-4)
    assert wide.log_evidence == pytest.approx(-3 * np.log(8.0), abs=4 * wide.log_evidence_error)
    assert 0.0 < wide.log_evidence_error < 0.02
    assert wide.lengths > posterior.LENGTH


def test_correlation_time():
    """That of a first-order autoregression is known; walkers that stay apart make it long."""
    generator = np.random.default_rng(0)
    chain = np.zeros((2000, 64, 2))
    for step in range(1, len(chain)):
        chain[step] = 0.8 * chain[step - 1] + generator.standard_normal((64, 2))
    assert correlation_time(chain[100:]) == pytest.approx(9.0, rel=0.1)
    chain[:, :32, 1] += 20.0
    assert correlation_time(chain[100:]) > 300


def test_log_density(wide):
    expected = log_normal(wide.samples) - 3 * np.log(8.0)
    assert wide.log_density == pytest.approx(expected)
    assert wide.best_log >= wide.log_density.max()


def test_seed(wide):
    """The same seed gives the same bits, another seed other samples of the same density."""
    density = Density([spq.Prior(-4, 4)] * 3, log_normal)
    again, other = sampled(density, seed=2), sampled(density, seed=3)
    for name in ("samples", "log_density", "best", "log_evidence", "log_evidence_error"):
        assert np.array_equal(getattr(again, name), getattr(wide, name))
    assert not np.array_equal(other.samples, wide.samples)


def test_edges_of_the_prior():
    """A normal about an edge: nothing beyond, the rest as it is; the best fit is on the edge."""
    density = Density([spq.Prior(0.0, 2.0)], lambda v: norm(-0.1, 0.5).logpdf(v[:, 0]))
    found = sampled(density, seed=1)
    assert found.samples.min() >= 0.0
    expected = truncnorm(0.2, 4.2, loc=-0.1, scale=0.5)
    assert np.median(found.samples) == pytest.approx(expected.median(), abs=0.03)
    assert np.quantile(found.samples, 0.84) == pytest.approx(expected.ppf(0.84), abs=0.04)
    assert found.best[0] == pytest.approx(0.0, abs=1e-4)
    assert found.log_evidence == pytest.approx(np.log(norm(-0.1, 0.5).sf(0.0) / 2.0), abs=0.04)


def test_normal_prior():
    """Without information the posterior is the prior; with it both are weighted by their precision."""
    prior = spq.Prior(0.0, 4.0, mean=1.0, sigma=0.2)
    nothing = sampled(Density([prior], lambda v: np.zeros(len(v))), seed=1)
    assert nothing.samples.std() == pytest.approx(0.2, rel=0.05)
    assert nothing.log_evidence == pytest.approx(0.0, abs=0.02)
    both = sampled(Density([prior], lambda v: norm(1.4, 0.2).logpdf(v[:, 0])), seed=1)
    assert both.samples.mean() == pytest.approx(1.2, abs=0.015)
    assert both.samples.std() == pytest.approx(0.2 / np.sqrt(2), rel=0.06)


def test_prior_density():
    """Integral one, zero outside, standard deviation and quantiles of the same density."""
    for prior in (spq.Prior(1.0, 3.0), spq.Prior(1.0, 3.0, 1.2, 0.5), spq.Prior(1.0, 3.0, 4.0, 1.0)):
        x = np.linspace(1.0, 3.0, 20001)
        density = np.exp(prior.log_density(x))
        assert np.trapezoid(density, x) == pytest.approx(1.0, abs=1e-6)
        mean = np.trapezoid(x * density, x)
        assert prior.sd == pytest.approx(np.sqrt(np.trapezoid((x - mean) ** 2 * density, x)), rel=1e-5)
        below = np.trapezoid(density[:5001], x[:5001])
        assert prior.draws(np.array([below]))[0] == pytest.approx(x[5000], abs=1e-5)
        assert prior.log_density(np.array([0.9, 3.1])).tolist() == [-np.inf, -np.inf]


def test_two_modes():
    """Both are found, with their shares."""

    def log_likelihood(values):
        parts = [np.log(w) + norm(m, 0.1).logpdf(values[:, 0]) for w, m in ((0.7, 0.0), (0.3, 2.0))]
        return np.logaddexp(*parts)

    found = sampled(Density([spq.Prior(-1, 3), spq.Prior(0, 1)], log_likelihood), seed=4)
    assert np.mean(found.samples[:, 0] > 1.0) == pytest.approx(0.3, abs=0.1)
    assert found.log_evidence == pytest.approx(-np.log(4.0), abs=0.05)


def test_where_nothing_exists():
    """Samples, best fit and evidence are those of the rest of the box."""
    density = Density([spq.Prior(-4, 4)] * 3, log_normal)
    found = sampled(density, seed=2, exists=lambda v: v[:, 0] > MEAN[0] + 0.1)
    assert found.samples[:, 0].min() > MEAN[0] + 0.1
    assert found.best[0] == pytest.approx(MEAN[0] + 0.1, abs=1e-3)
    share = norm.sf(0.5)
    assert found.log_evidence == pytest.approx(np.log(share) - 3 * np.log(8.0), abs=0.1)
    assert np.median(found.samples[:, 0]) == pytest.approx(MEAN[0] + 0.2 * norm.isf(share / 2), abs=0.02)
    with pytest.raises(ConvergenceError, match="has no model"):
        sampled(density, seed=2, exists=lambda v: np.zeros(len(v), dtype=bool))


def test_short_chain():
    """A chain that is too short is an error, with the result as it is."""
    with pytest.raises(ConvergenceError, match=r"times long after 100 steps, not 50") as caught:
        sampled(Density([spq.Prior(-4, 4)] * 3, log_normal), seed=2, most=100)
    assert caught.value.partial.samples.shape[1] == 3


@pytest.mark.parametrize(
    "given, message",
    [
        ((2.0, 1.0), "low = 2, high = 1: low must be < high"),
        ((1.0, 2.0, 1.5), "mean and sigma: give both, or neither"),
        ((1.0, 2.0, 1.5, -1.0), "sigma = -1: must be > 0"),
        (("a", 2.0), "low = 'a': must be a number"),
        ((1.0, 2.0, 1e9, 1e-9), "mean = 1e.09: is more than 20 sigma outside"),
    ],
)
def test_wrong_priors(given, message):
    with pytest.raises(InputError, match=message):
        spq.Prior(*given)
