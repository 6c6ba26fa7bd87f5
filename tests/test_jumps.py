"""Jumps of the emitters: found, sized, simultaneous or not; limits hold; a real laser's switches."""

import numpy as np
import pytest
from spectro_files import real

from spq.errors import InputError
from spq.spectroscopy import FrameSeries, Tracks, brightest_track, find_jumps
from spq.spectroscopy.coincidence import coincidence_of, false_discovery, limits_of
from spq.spectroscopy.levels import find_levels

WALK, ERROR = 0.35, 0.13  # meV a frame; meV


def tracks_of(values_meV, errors_meV=ERROR):
    """Tracks at values (frames, emitters) in meV."""
    energies = 2.1 + 1e-3 * np.asarray(values_meV)
    errors = np.where(np.isfinite(energies), 1e-3 * errors_meV, np.nan)
    rest, line = np.full(energies.shape, 100.0), np.zeros(len(energies))
    return Tracks(energies, errors, rest, rest, line, line, None, 1.0, ())


def drawn(seed, steps, frames=400, common=0.0):
    """Two walks in meV with steps: frame -> shift of each; and what is seen of them."""
    generator = np.random.default_rng(seed)
    own, shared = generator.standard_normal((frames, 2)), generator.standard_normal((frames, 1))
    walk = WALK * np.cumsum(np.sqrt(1.0 - common) * own + np.sqrt(common) * shared, axis=0)
    for frame, shift in steps.items():
        walk[frame:] += shift
    return tracks_of(walk + ERROR * generator.standard_normal((frames, 2)))


def alternating(size, every=25, frames=400):
    """Both emitters shift, against each other, to and fro."""
    return {
        frame: (sign * size, -sign * size)
        for frame, sign in zip(range(every, frames, every), [1.0, -1.0] * 20, strict=False)
    }


def test_simultaneous_jumps_are_found_and_sized():
    """5 meV is 12 standard errors: all of them; sizes scatter as their errors say (30: within 3 of 0.13)."""
    steps = alternating(5.0)
    pulls = []
    for seed in range(3):
        jumps = find_jumps(drawn(seed, steps))
        assert jumps.run_p_value < 0.01
        found = set(jumps.frame[jumps.coincident].tolist())
        assert found == set(steps)
        rows = [jumps.frame.tolist().index(frame) for frame in steps]
        pulls.append((jumps.size_meV[rows] - np.array(list(steps.values()))) / jumps.error_meV[rows])
        assert jumps.diffusion_meV == pytest.approx([WALK, WALK], rel=0.2)
    assert np.sqrt(np.mean(np.array(pulls) ** 2)) == pytest.approx(1.0, abs=0.22)


def test_small_jumps_are_no_values():
    """1 meV is 2.5 standard errors: searched for in 400 frames it is nothing."""
    for seed in range(4):
        jumps = find_jumps(drawn(seed, alternating(1.0)))
        assert not jumps.coincident.any()
        shown = np.isfinite(jumps.size_meV)
        assert (
            shown != np.isfinite(jumps.limit_meV) | np.isnan(jumps.error_meV) | np.isinf(jumps.limit_meV)
        ).all()


@pytest.mark.parametrize("common", [0.0, 1.0])
def test_independent_jumps_are_not_simultaneous(common):
    """Jumps of 10 meV at random, of each emitter for itself; 3 of 20 at most, where 1 is expected."""
    claims = 0
    for seed in range(20):
        generator = np.random.default_rng(100 + seed)
        steps = {}
        for emitter in range(2):
            for place, frame in enumerate(np.sort(generator.choice(np.arange(5, 395), 15, replace=False))):
                shift = np.zeros(2)
                shift[emitter] = 10.0 * (-1) ** place
                steps[int(frame)] = steps.get(int(frame), np.zeros(2)) + shift
        claims += bool(find_jumps(drawn(seed, steps, common=common)).coincident.any())
    assert claims <= 3


def test_common_drift_is_vetoed():
    """Both lines by the same, as a spectrograph that moves: significant, but no coincidence."""
    steps = {frame: (5.0, 5.0) for frame in range(40, 400, 60)}
    jumps = find_jumps(drawn(3, steps))
    at = np.isin(jumps.frame, list(steps))
    assert np.isfinite(jumps.size_meV[at]).all() and at.sum() == len(steps)
    assert jumps.common_drift[at].mean() > 0.6  # 2 standard errors of each: 0.9 of them
    assert not jumps.coincident.any()
    # beside true ones, which make the run significant, they are told apart
    both = alternating(5.0, 50) | {frame: (5.0, 5.0) for frame in range(30, 400, 100)}
    jumps = find_jumps(drawn(4, both))
    assert jumps.run_p_value < 0.05
    assert jumps.common_drift.sum() >= 3
    assert jumps.coincident.sum() == 7
    assert not jumps.coincident[jumps.common_drift].any()


@pytest.mark.parametrize("size", [0.0, 0.5, 1.0])
def test_limits_hold(size):
    """The first emitter jumps by 6 meV, the second by less than can be seen: 0.95 of its limits hold.

    Some 300 of them, at 1 meV 130, for others are significant: 0.92 at least. Those of no shift always do."""
    steps = {frame: (6.0 * (-1) ** place, size) for place, frame in enumerate(range(20, 400, 19))}
    limits = []
    for seed in range(15):
        jumps = find_jumps(drawn(seed, steps))
        rows = [place for place, frame in enumerate(jumps.frame) if int(frame) in steps]
        limits += jumps.limit_meV[rows, 1].tolist()
    limits = np.array(limits)
    limits = limits[~np.isnan(limits)]
    assert len(limits) > 100
    assert (limits >= size).mean() >= 0.92
    assert np.median(limits) < 3.5


def test_limits_know_that_they_are_limits():
    """Of shifts that are seen below 3 standard errors, 0.95 of the limits hold for whatever shift."""
    generator = np.random.default_rng(7)
    for shift in (0.5, 2.0, 4.0):
        z = np.abs(shift + generator.standard_normal(60000))
        z = z[z < 3.0]
        share = (limits_of(z, np.full(len(z), 3.0), 0.95) >= shift).mean()
        # of a shift below 1.6 no limit is less than that
        assert share == pytest.approx(0.95 if shift > 1.0 else 1.0, abs=0.02)
    assert limits_of(np.array([2.9999]), np.array([3.0]), 0.95) == [np.inf]


def test_a_jump_within_a_frame_is_one_jump():
    """The frame of the jump lies between both levels; the jump is found once, with its whole size."""
    values = np.zeros((60, 1))
    values[30], values[31:] = 4.0, 8.0
    values += ERROR * np.random.default_rng(8).standard_normal(values.shape)
    jumps = find_jumps(tracks_of(values))
    assert jumps.frame.tolist() == [31]
    assert jumps.size_meV[0, 0] == pytest.approx(8.0, abs=3.0 * jumps.error_meV[0, 0])


def test_changes_of_state_are_looked_at():
    states = np.repeat([0, 1], 50)
    jumps = find_jumps(drawn(9, {}, frames=100), states)
    assert 50 in jumps.frame
    assert np.isfinite(jumps.limit_meV[jumps.frame == 50]).all()


def test_dark_frames_around_a_jump():
    """Where an emitter is dark its jump has no time; the other's is there, and nothing is said of it."""
    tracks = drawn(10, {50: (8.0, -16.0)}, frames=100)
    tracks.energies[40:60, 1] = np.nan
    tracks.errors[40:60, 1] = np.nan
    jumps = find_jumps(tracks)
    assert jumps.frame.tolist() == [50]
    assert np.isnan([each[0, 1] for each in (jumps.size_meV, jumps.error_meV, jumps.limit_meV)]).all()
    assert any("dark frames" in text for text in jumps.warnings)


def test_the_unstable_laser():
    """84 real spectra: the dominant line switches at frames 20, 22, 36, 42 and 66; at most two more."""
    _, place, light = np.loadtxt(real("spectra_series/laser.txt.gz"), unpack=True)
    light = light.reshape(84, 1, 140)[..., ::-1]
    frames = FrameSeries(light, 405.0 + 1e-3 * place[139::-1], unit="counts")
    jumps = find_jumps(brightest_track(frames))
    found = jumps.frame[np.isfinite(jumps.size_meV[:, 0])]
    assert len(found) <= 7
    for frame in (20, 22, 36, 42, 66):
        assert np.abs(found - frame).min() <= 1


def test_levels_of_a_known_track():
    """Without noise of the walk a step of 10 errors is the only change, and the walk is small."""
    generator = np.random.default_rng(11)
    values = np.where(np.arange(80) < 30, 0.0, 1.0) + 0.1 * generator.standard_normal(80)
    levels = find_levels(values, np.full(80, 0.1))
    assert levels.changes.tolist() == [30]
    assert np.sqrt(levels.walk) < 0.03


def test_coincidence_by_turning():
    """All together, none together, and as many as chance makes."""
    together = np.array([20, 61, 99, 150, 213, 288])
    p, chance, number = coincidence_of([together, together], 300)
    assert p < 0.01 and number == 6 and chance < 0.6
    p, _, number = coincidence_of([together, together + 7], 300)
    assert p == 1.0 and number == 0
    assert np.isnan(coincidence_of([together, np.empty(0)], 300)[0])
    # three emitters, of which two jump together
    p, _, number = coincidence_of([together, together + 11, together], 300)
    assert p < 0.03 and number == 6


def test_p_of_the_run_is_even():
    """Random jumps: p <= 0.2 in 0.2 of the runs or fewer, within 3 standard errors of 400."""
    generator = np.random.default_rng(12)
    low = 0
    for _ in range(400):
        jumps = [generator.choice(300, 20, replace=False) for _ in range(2)]
        low += coincidence_of(jumps, 300)[0] <= 0.2
    assert 0.08 < low / 400 < 0.26


def test_false_discoveries():
    """The example of the rule: 0.01, 0.02, 0.03, 0.5 of four."""
    q = false_discovery(np.array([0.5, 0.01, np.nan, 0.03, 0.02]))
    assert q == pytest.approx([0.5, 0.04, np.nan, 0.04, 0.04], nan_ok=True)


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (50, 1), (50, 0)])
def test_little_to_go_by(shape):
    """One frame, one emitter, none: no coincidence, and no crash."""
    jumps = find_jumps(tracks_of(np.zeros(shape)), np.zeros(shape[0], dtype=int))
    assert jumps.size_meV.shape == (0, shape[1]) and np.isnan(jumps.run_p_value)
    dark = find_jumps(tracks_of(np.full(shape, np.nan)))
    assert not len(dark.frame)


def test_bad_input():
    tracks = tracks_of(np.zeros((10, 2)))
    with pytest.raises(InputError, match="tracks: a ndarray"):
        find_jumps(np.zeros((10, 2)))
    with pytest.raises(InputError, match=r"states: shape \(9,\): must be \(10,\)"):
        find_jumps(tracks, np.zeros(9))
    for level in (0.0, 1.0):
        with pytest.raises(InputError, match="level"):
            find_jumps(tracks, level=level)
