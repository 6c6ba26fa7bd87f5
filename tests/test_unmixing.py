"""Decays of two emitters unmixed, and the transfer of energy between them."""

import dataclasses

import numpy as np
import pytest
from twoemitters import LIFETIMES, blinking

from spq.errors import InputError
from spq.spectroscopy import energy_transfer, unmix_decays
from spq.spectroscopy.transfer import upper_limit_above_zero

SEEDS = 6


@pytest.fixture(scope="module")
def made():
    return [blinking(seed) for seed in range(SEEDS)]


def test_lifetimes(made):
    """Six runs: means within 2 % (their standard error is 0.5 %), pulls of 24 lifetimes about 1."""
    found = [unmix_decays(m, t.photons, t.photon_errors, s, exponentials=2) for m, t, s, _ in made]
    lifetimes = np.array([each.lifetimes[:, :2] for each in found])
    assert lifetimes.mean(axis=0) == pytest.approx(np.array(LIFETIMES), rel=0.02)
    pulls = (lifetimes - LIFETIMES) / np.array([each.lifetime_errors[:, :2] for each in found])
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.35)
    one = found[0]
    assert one.fractions[0, :2] == pytest.approx([0.35, 0.65], abs=0.03)
    assert one.decays.sum() + one.background * 1000.0 == pytest.approx(one.decays.sum(), rel=0.05)
    assert one.means.sum(axis=1) == pytest.approx(one.photons)
    assert 0.8 < one.reduced_deviance < 1.2 and not one.warnings


def test_number_of_exponentials(made):
    m, t, s, _ = made[0]
    found = unmix_decays(m, t.photons, t.photon_errors, s)
    assert np.isfinite(found.lifetimes).sum(axis=1).tolist() == [2, 2]


def test_runs_without_states(made):
    """Without states runs of consecutive frames do: here six frames, some across two states."""
    found = [unmix_decays(m, t.photons, t.photon_errors, exponentials=2) for m, t, _, _ in made[:3]]
    assert np.mean([each.lifetimes[:, 0] for each in found], axis=0) == pytest.approx([1.5, 3.0], rel=0.04)
    assert found[0].labels.max() == 19


def test_noise_of_the_light_matters():
    """Light known to 13 % in each state: pulls of 20 lifetimes about 1 if its noise is fitted, else > 1.8."""
    pulls = {1.0: [], 1e-3: []}
    for seed in range(5):
        m, t, s, _ = blinking(seed, frames=90, excess=50.0, brightness=((1, 1), (1, 0.3), (0.3, 1)))
        for factor, found in pulls.items():
            u = unmix_decays(m, t.photons, factor * t.photon_errors, s, exponentials=2)
            found.append((u.lifetimes[:, :2] - LIFETIMES) / u.lifetime_errors[:, :2])
    fitted, ignored = (np.sqrt(np.mean(np.square(each))) for each in pulls.values())
    assert fitted == pytest.approx(1.0, abs=0.45)
    assert ignored > 1.8


def test_no_transfer(made):
    """Centred on zero within 3.5 standard errors, and the limit above zero and small."""
    found = [
        energy_transfer(m, t.photons, t.photon_errors, 0, (mean[:, 1] > 0).astype(int), s, exponentials=2)
        for m, t, s, mean in made
    ]
    rates, errors = (np.array([getattr(each, name) for each in found]) for name in ("rate", "error"))
    assert abs(rates.mean()) < 3.5 * errors.mean() / np.sqrt(SEEDS)
    assert np.all(np.abs(rates) < 4.0 * errors)
    assert all(0.0 < each.limit < each.rate_dim for each in found)
    assert all(0.0 < each.efficiency_limit < 0.3 for each in found)


def test_transfer_is_found():
    """0.3 per ns, 31 % of the donor's short excitons, is seen beyond 3 errors and below its limit."""
    m, t, s, mean = blinking(7, transfer=0.3)
    bright = (mean[:, 1] > 0).astype(int)
    found = energy_transfer(m, t.photons, t.photon_errors, 0, bright, s, exponentials=2)
    assert found.rate > 3.0 * found.error
    assert found.rate == pytest.approx(0.3, abs=3.5 * found.error)
    assert found.efficiency == pytest.approx(0.31, abs=3.5 * found.efficiency_error)
    assert found.limit > found.rate


def test_limit():
    assert upper_limit_above_zero(0.0, 1.0) == pytest.approx(1.960, abs=1e-3)
    assert upper_limit_above_zero(10.0, 1.0) == pytest.approx(11.645, abs=1e-3)
    assert 0.0 < upper_limit_above_zero(-3.0, 1.0) < 1.0
    assert np.isnan(upper_limit_above_zero(np.nan, 1.0)) and np.isnan(upper_limit_above_zero(0.0, 0.0))


def test_not_told_apart():
    """Both always bright: no number, and the reason."""
    m, t, s, _ = blinking(3, brightness=((1, 1),))
    for states in (s, None):
        found = unmix_decays(m, t.photons, t.photon_errors, states)
        assert np.isnan(found.lifetimes).all() and np.isnan(found.decays).all()
        assert "does not change enough" in found.warnings[0]
    moved = energy_transfer(m, t.photons, t.photon_errors, 0, np.ones(len(s), int), s)
    assert np.isnan([moved.rate, moved.limit, moved.efficiency_limit]).all() and moved.warnings


def test_nothing_to_unmix(made):
    m, t, s, _ = made[0]
    none = unmix_decays(m, np.full(t.photons.shape, np.nan), t.photon_errors, s)
    assert np.isnan(none.lifetimes).all() and "0 photons" in none.warnings[0]
    dark = unmix_decays(m, np.zeros(t.photons.shape), t.photon_errors, s)
    assert np.isnan(dark.lifetimes).all() and "no light" in dark.warnings[0]
    one = unmix_decays(m, t.photons[:, :1], t.photon_errors[:, :1], np.where(s == 1, 0, -1), exponentials=2)
    assert one.lifetimes[0, 0] == pytest.approx(1.5, rel=0.06)


def test_bad_input(made):
    m, t, s, mean = made[0]
    bright = (mean[:, 1] > 0).astype(int)
    w, e = t.photons, t.photon_errors
    for given, message in (
        ((m, w[:5], e[:5], s), "one row per frame"),
        ((m, w, e[:, :1], s), "photon_errors: shape"),
        ((m, w, e, s[:4]), "states"),
        ((m, w, e, s, None, 4), "exponentials"),
    ):
        with pytest.raises(InputError, match=message):
            unmix_decays(*given)
    silent = dataclasses.replace(m, photons=dataclasses.replace(m.photons, nanotimes=None))
    with pytest.raises(InputError, match="nanotimes"):
        unmix_decays(silent, w, e, s)
    for given, message in (
        ((m, w[:, :1], e[:, :1], 0, bright), "needs two"),
        ((m, w, e, 2, bright), "donor"),
        ((m, w, e, 0, bright + 5), "bright"),
        ((m, w, e, 0, bright, s, None, None, 0.2), "confidence"),
    ):
        with pytest.raises(InputError, match=message):
            energy_transfer(*given)
