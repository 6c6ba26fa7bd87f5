"""Where lines come from: each origin by what tells it, what was not measured, and what is undecided."""

import numpy as np
import pytest
import xarray as xr
from made_analyses import drifts, made
from scipy.stats import norm

from spq.errors import InputError
from spq.spectroscopy import OriginModel, origin, origins, particle_lines
from spq.spectroscopy.lineevidence import LongShares, line_evidence
from spq.spectroscopy.lineorigin import PIECES, _long
from spq.spectroscopy.originmodel import ORIGINS


def monomer(shift=-14.0):
    return made([(130, {2100.0: 9000.0}), (70, {2100.0 + shift: 3000.0})], [0.65, 0.0])


def dimer(distance, shares=(0.65,), **more):
    return made([(200, {2100.0: 9000.0, 2100.0 + distance: 6000.0})], shares, **more)


def test_trion():
    """It is never there together with the neutral line, and has no long component."""
    found = origin(monomer())
    assert found.origin == "trion" and found.parent == 0
    assert found.probabilities["trion"] > 0.95
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert found.log_odds["together"]["trion"] > 2.0
    assert found.log_odds["long component"]["trion"] > 0.5
    assert found.decided_by in ("together", "distance", "long component")


def test_second_dot_to_the_blue():
    found = origin(dimer(30.0))
    assert found.origin == "second dot" and found.parent is None
    assert found.log_odds["distance"]["trion"] < -3.0


def test_two_neutral_dots_14_meV_apart_are_no_exciton_and_trion():
    """The argument against trions: the same distance, but lit together, with the whole long component."""
    plain, dark = (origin(dimer(-14.0, (share,))) for share in (0.65, 0.4))
    assert plain.probabilities["second dot"] > dark.probabilities["second dot"]
    assert plain.log_odds["long component"]["trion"] < dark.log_odds["long component"]["trion"]
    crossed = made(
        [(80, {2100.0: 5000.0, 2086.0: 4000.0}), (60, {2086.0: 3000.0}), (60, {2100.0: 4000.0})],
        [0.65, 0.65, 0.65],
    )
    assert origin(crossed).probabilities["trion"] < 0.2


def test_replica():
    """27 meV below, a quarter of the light, always with its line."""
    states = [(130, {2100.0: 9000.0, 2073.0: 2250.0}), (70, {2095.0 - 9.0: 3000.0, 2059.0: 750.0})]
    found = origins(made(states, [0.65, 0.0]))
    by_energy = {round(1e3 * each.energy): each for each in found}
    assert by_energy[2073].origin == "phonon replica" and by_energy[2073].parent == 0
    assert by_energy[2086].origin == "trion"
    trion_line = by_energy[2086].line
    assert by_energy[2059].origin == "phonon replica" and by_energy[2059].parent == trion_line


def test_replica_has_the_decay_of_its_line():
    """Its light counts as that of its line: the density is that of one line with all of it."""
    model = OriginModel(outlier=0.0)
    parted, whole = (
        LongShares(np.array([0.5]), np.array([0.05]), np.array([light])) for light in ([0.7, 0.3], [1.0, 0.0])
    )
    expected = norm.logpdf(0.5, model.long_share, np.hypot(model.long_spread, 0.05))
    assert _long(model, "phonon replica", 1, 0, parted) == pytest.approx(expected)
    assert _long(model, "phonon replica", 1, 0, whole) == pytest.approx(expected)
    wide = np.sqrt((0.7 * model.long_spread) ** 2 + (0.3 * model.charged_spread) ** 2 + 0.05**2)
    assert _long(model, "trion", 1, 0, parted) == pytest.approx(
        norm.logpdf(0.5, 0.7 * model.long_share, wide)
    )


def test_shake_up():
    """60 meV below, 1.5 % of the light, with the same drift."""
    states = [(200, {2100.0: 20000.0, 2040.0: 300.0})]
    ds = made(states, [0.65]).assign(line_photons_error=(("state_index", "line"), np.full((1, 4), 30.0)))
    assert origin(ds).origin == "shake-up"


def test_third_dot_needs_three_lines():
    ds = made([(200, {2100.0: 9000.0, 2130.0: 6000.0, 2160.0: 5000.0})], [0.65])
    second, third = origins(ds)
    assert second.origin == "second dot" and second.probabilities["third dot"] < 0.02
    assert third.origin == "third dot" and third.probabilities["second dot"] > 0.02


def test_common_drift_tells_replica_from_dot():
    """27 meV below with a third of the light: the drift decides, either way."""
    found = {}
    for name, common in (("one", 1.0), ("two", 0.3)):
        tracks = np.array([2100.0, 2073.0]) + drifts(200, common, 7)
        found[name] = origin(made([(200, {2100.0: 9000.0, 2073.0: 2600.0})], [0.65], tracks=tracks), 1)
        assert np.isfinite(found[name].evidence.correlation)
    assert found["one"].origin == "phonon replica"
    assert found["one"].evidence.correlation == pytest.approx(1.0, abs=0.1)
    assert found["two"].log_odds["drift"]["second dot"] > 2.0
    plain = origin(made([(200, {2100.0: 9000.0, 2073.0: 2600.0})], [0.65]))
    assert plain.probabilities["second dot"] < 0.1
    assert found["two"].probabilities["second dot"] > 5.0 * plain.probabilities["second dot"]


def test_correlation_is_free_of_the_noise_of_the_tracks():
    """Mean over 30 of what is 0.3 in common: within 0.1, though the raw one of these noisy tracks is less."""
    seen = []
    for seed in range(30):
        tracks = np.array([2100.0, 2130.0]) + drifts(400, 0.3, seed, sigma=0.5)
        ds = made([(400, {2100.0: 9000.0, 2130.0: 6000.0})], tracks=tracks)
        evidence = line_evidence(ds, particle_lines(ds), 1, 0)
        seen.append((evidence.correlation, evidence.correlation_error))
    seen = np.array(seen)
    assert seen[:, 0].mean() == pytest.approx(0.3, abs=0.1)
    assert 0.6 < ((seen[:, 0] - 0.3) / seen[:, 1]).std() < 1.6


def test_polarisation_tells_dots_apart():
    same, other = (dimer(-27.0, difference=(angle, 3.0)) for angle in (2.0, 21.0))
    assert origin(same).log_odds["polarisation"]["second dot"] < -1.0
    assert origin(other).log_odds["polarisation"]["second dot"] > 3.0
    assert origin(other).probabilities["second dot"] > origin(same).probabilities["second dot"]


def test_what_is_not_measured_says_nothing():
    found = origin(dimer(30.0, None))
    for piece in ("long component", "drift", "polarisation"):
        assert set(found.log_odds[piece].values()) == {0.0}
    assert set(found.log_odds) == set(PIECES) and set(found.probabilities) == set(ORIGINS)
    assert any("no tracks" in text for text in found.warnings)


def test_log_odds_are_the_posterior():
    """With one line there is one parent: prior and pieces make the odds of the two likeliest."""
    model = OriginModel()
    found = origin(dimer(-20.0))
    first, second = sorted(ORIGINS, key=lambda each: -found.probabilities[each])[:2]
    prior = dict(zip(ORIGINS, model.prior, strict=True))
    total = np.log(prior[first] / prior[second]) + sum(found.log_odds[piece][first] for piece in PIECES)
    assert total == pytest.approx(np.log(found.probabilities[first] / found.probabilities[second]))


def test_undecided():
    """All certainty asked for, or a trion that may come and go within a frame."""
    assert origin(dimer(-27.0), model=OriginModel(sure=1.0)).origin == "undecided"
    ds = made([(200, {2100.0: 9000.0, 2086.0: 6000.0})])
    assert origin(ds).origin == "undecided"


def test_states_are_joined():
    """Drift moves a line by less than 6 meV from state to state; two lines of one state stay two."""
    ds = made([(50, {2100.0: 4000.0, 2106.0: 900.0}), (50, {2103.0: 3000.0})])
    lines = particle_lines(ds)
    assert len(lines.energies) == 2
    assert lines.photons.tolist() == [7000.0, 900.0]
    assert lines.errors[0] > 1e-3  # the scatter over states is in it


def test_one_line_has_no_origin():
    assert origins(made([(50, {2100.0: 4000.0})])) == ()
    assert origins(made([(50, {})])) == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: origin(xr.Dataset()), "must be what spq.spectroscopy.analyse returns"),
        (lambda: origin(monomer(), 2), "line = 2: the analysis has 1 further"),
        (lambda: origin(monomer(), 0), "line = 0"),
        (lambda: origin(monomer(), 1, "prior"), "OriginModel"),
        (lambda: OriginModel(prior=(1.0, 2.0)), "model.prior"),
        (lambda: OriginModel(prior=(1.0, 1.0, 1.0, 1.0, -1.0)), "model.prior"),
        (lambda: OriginModel(fast=1.5), "model.fast"),
        (lambda: OriginModel(trion_spread_meV=0.0), "trion_spread_meV"),
        (lambda: OriginModel(shake_up_meV=(9.0, 3.0)), "ascend"),
        (lambda: OriginModel(phonon_ratios=(0.1,)), "phonon_ratios"),
        (lambda: particle_lines(monomer(), apart_meV=0.0), "apart_meV"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_decided_lines_are_right():
    """Of 90 particles drawn at random, in thirds: at least 0.95 of the decided, and 0.7 are decided."""
    generator, right, decided = np.random.default_rng(8), 0, 0
    for number in range(90):
        truth = ORIGINS[number % 3]
        light = 9000.0
        if truth == "trion":
            below, share = generator.uniform(10.0, 18.0), generator.uniform(0.2, 0.6)
            ds = made([(130, {2100.0: light}), (70, {2100.0 - below: share * light})], [0.65, 0.0])
        elif truth == "second dot":
            apart = generator.choice([-1.0, 1.0]) * generator.uniform(8.0, 50.0)
            first, second = {2100.0: 0.5 * light}, {2100.0 + apart: 0.2 * light}
            ds = made([(100, first | second), (50, first), (50, second)], [0.65, 0.6, 0.7])
        else:
            replica = 2100.0 - generator.normal(27.0, 0.5)
            light *= generator.uniform(0.5, 1.5)
            ds = made([(200, {2100.0: light, replica: generator.uniform(0.15, 0.35) * light})], [0.65])
        found = origin(ds).origin
        decided += found != "undecided"
        right += found == truth
    assert decided >= 63
    assert right >= 0.95 * decided
