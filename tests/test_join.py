"""Photons and frames joined by markers: the truth comes back, whatever tags are missing or too many."""

import dataclasses

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import FrameSeries, PhotonStream, Simulation, energies_by_hand, join, simulate
from spq.spectroscopy.cameramodel import frames_of
from spq.spectroscopy.instruments import Camera
from spq.spectroscopy.markers import match_markers

FRAMES, PERIOD, LENGTH = 60, 5e8, 4.95e8


def camera_times(generator, uneven=2e6):
    """Begins of exposures in the camera's clock, ns, not quite periodic."""
    return PERIOD * np.arange(FRAMES) + uneven * generator.standard_normal(FRAMES)


@pytest.fixture(scope="module")
def measured():
    return simulate(
        Simulation(energies_by_hand((2.10, 2.13)), camera=Camera(gap=0.02), duration=40.0), seed=8
    )


def test_simulated_photons_find_their_frames(measured):
    """As the exposures really were: only photons within the jitter of the tags may differ."""
    measurement, truth = measured
    bare = dataclasses.replace(measurement.frames, starts=None, angles=None)
    found = join(measurement.photons, bare)
    times = 1e-12 * measurement.photons.timestamps
    frame, inside = frames_of(times, truth.begins, 0.48)
    true = np.where(inside, frame, -1)
    wrong = (found.frame_of_photon != true).mean()
    assert wrong < 4 * 2e-4 * 0.8 / 0.5  # two edges, each off by 0.8 of the jitter, 4 times that
    assert np.array_equal(found.frame_of_photon, measurement.frame_of_photon)
    assert np.array_equal(found.frames.angles, measurement.frames.angles, equal_nan=True)
    about = found.about
    parts = [about[f"photons_{name}"] for name in ("in_exposures", "between", "before", "after")]
    assert sum(parts) == len(times) and min(parts[:2]) > 100
    assert about["markers_missing"] == about["markers_extra"] == []


@pytest.mark.parametrize("seed", range(20))
def test_missing_and_extra_markers_and_drift(seed):
    """Nine tags lost, six too many, clocks apart by 5 s and 40 ppm: every frame has its place."""
    generator = np.random.default_rng(seed)
    camera = camera_times(generator)
    true = 5e9 + (1.0 + 40e-6) * camera
    tags = true + 1e5 * generator.standard_normal(FRAMES)
    missing = np.sort(generator.choice(FRAMES, 9, replace=False))
    extra = generator.uniform(true[0], true[-1], 6)
    extra = extra[np.abs(extra[:, None] - true).min(axis=1) > 0.25 * PERIOD]
    together = np.sort(np.concatenate([np.delete(tags, missing), extra]))
    found = match_markers(together, camera, FRAMES)
    assert np.array_equal(found.missing, missing)
    assert np.allclose(np.sort(together[found.extra]), np.sort(extra))
    assert np.abs(found.starts - true).max() < 5e5  # five times the jitter
    assert abs(found.rate - 1.00004) < 4.0 * found.rate_error < 1e-4
    assert found.jitter == pytest.approx(1e5, rel=0.4)


def test_periodic_frames_without_times():
    tags = 7e8 + PERIOD * np.arange(FRAMES)
    some = np.delete(tags, [5, 6, 30])
    found = match_markers(some, None, FRAMES)
    assert found.missing.tolist() == [5, 6, 30]
    assert np.allclose(found.starts, tags) and found.rate == 1.0


def test_the_first_tag_missing_is_found_by_times_alone():
    """Periodic frames do not tell whether the first or the last tag is missing; uneven ones do."""
    tags = 7e8 + PERIOD * np.arange(FRAMES)
    with pytest.raises(InputError, match="more than one way"):
        match_markers(tags[1:], None, FRAMES)
    camera = camera_times(np.random.default_rng(3), uneven=4e7)
    found = match_markers(9e8 + camera[1:], camera, FRAMES)
    assert found.missing.tolist() == [0] and np.allclose(found.starts, 9e8 + camera)


def test_tags_of_something_else_are_refused():
    generator = np.random.default_rng(1)
    camera = camera_times(generator)
    with pytest.raises(InputError, match="not of these frames|more than one way"):
        match_markers(np.sort(generator.uniform(0.0, camera[-1], FRAMES)), camera, FRAMES)
    with pytest.raises(InputError, match="not of these frames|more than one way"):
        match_markers(1.05 * camera, camera, FRAMES)


def stream(times=(), **markers):
    ticks = np.asarray(times, dtype=np.int64)
    return PhotonStream(ticks, 1.0, markers={name: np.asarray(each) for name, each in markers.items()})


def series(number=4, **more):
    return FrameSeries(np.ones((number, 1, 8)), np.linspace(580.0, 590.0, 8), exposure=80.0, **more)


def test_every_photon_has_its_place():
    """By hand: before, first to last tick of an exposure, dead time, after."""
    photons = stream([0, 99, 100, 179, 180, 199, 200, 279, 300, 400, 479, 480], frame=[100, 200, 300, 400])
    found = join(photons, series())
    assert found.frame_of_photon.tolist() == [-1, -1, 0, 0, -1, -1, 1, 1, 2, 3, 3, -1]
    tally = {name: each for name, each in found.about.items() if name.startswith("photons")}
    assert list(tally.values()) == [7, 2, 2, 1]


def test_angles_count_the_moves():
    photons = stream([150], frame=[100, 200, 300, 400], plate=[185, 250, 310])
    found = join(photons, series(), start_angle=10.0, step=5.0, move=10.0)
    assert np.array_equal(found.frames.angles, [10.0, np.nan, np.nan, 25.0], equal_nan=True)


@pytest.mark.parametrize(
    ("photons", "frames", "options", "message"),
    [
        (stream([1, 2]), series(), {}, "no marker 'frame'.*none"),
        (stream([1], gate=[1]), series(), {}, "there are: 'gate'"),
        (stream([1], frame=[]), series(), {}, "no marker of an exposure"),
        (stream([1], frame=[5]), series(), {}, "1 markers of 4 frames"),
        (stream([1], frame=[0, 50, 100, 150]), series(), {}, "longer than the time between"),
        (stream([1], frame=[0, 100, 200, 300]), series(), {"exposure": -1.0}, "exposure"),
    ],
)
def test_bad_input(photons, frames, options, message):
    with pytest.raises(InputError, match=message):
        join(photons, frames, **options)


def test_a_single_frame():
    found = join(stream([5, 15, 150], frame=[10]), series(1))
    assert found.frame_of_photon.tolist() == [-1, 0, -1]


@pytest.fixture(scope="module", params=[1e-4, -1e-4], ids=["laser slow", "laser fast"])
def tagged(request):
    """A simulated run as a tagger sees it: clocks that drift, markers missing and too many, gaps of 20 ms.

    The laser's period changes by 1e-4 over the run, and every 100th pulse is stamped.
    """
    measurement, truth = simulate(
        Simulation(energies_by_hand((2.10, 2.13)), camera=Camera(gap=0.02), duration=30.0), seed=21
    )
    generator = np.random.default_rng(22)
    photons, period = measurement.photons, round(1e3 * measurement.photons.laser_period)
    number, delay = photons.timestamps // period, photons.timestamps % period
    last = int(number[-1]) + 2

    def pulse(k):
        k = np.asarray(k, dtype=float)
        return np.rint(k * period * (1.0 + 0.5 * request.param * k / last)).astype(np.int64)

    tags = pulse(photons.markers["frame"] // period)
    missing = np.array([7, 8, 31])
    extra = np.sort(tags[[12, 40]] + np.rint(1.7e11 * generator.random(2) + 1e11).astype(np.int64))
    markers = {
        "frame": np.sort(np.concatenate([np.delete(tags, missing), extra])),
        "laser": pulse(np.arange(0, last, 100)),
    }
    times = pulse(number) + delay
    order = np.argsort(times, kind="stable")
    stream = PhotonStream(times[order], 1e-3, markers=markers)
    camera = (1e-3 * tags - 5e9) / (1.0 + 40e-6)  # the camera's clock began later, and is slow
    frames = dataclasses.replace(measurement.frames, starts=camera, angles=None)
    return stream, frames, delay[order], tags, missing, extra, period


@pytest.mark.parametrize("reverse", [False, True])
def test_everything_at_once(tagged, reverse):
    """Every photon gets its frame and its micro-time; each is counted once."""
    stream, frames, delay, tags, missing, extra, period = tagged
    found = join(
        stream, frames, plate_marker=None, laser_marker="laser", laser_period=1e-3 * period, reverse=reverse
    )
    about = found.about
    assert about["markers_missing"] == missing.tolist()
    assert stream.markers["frame"][about["markers_extra"]].tolist() == extra.tolist()
    assert abs(about["drift_ppm"] - 40.0) < 4.0 * about["drift_error_ppm"] + 0.1
    parts = [f"photons_{name}" for name in ("in_exposures", "between", "before", "after", "without_pulse")]
    assert sum(about.get(name, 0) for name in parts) == len(stream.timestamps)
    assert about["photons_between"] > 0.5 * 0.02 / 0.5 * len(stream.timestamps)  # the gaps
    length = round(1e3 * frames.exposure * (1.0 + 40e-6))
    true, inside = frames_of(stream.timestamps, tags, length)
    true = np.where(inside, true, -1)
    lost = about.get("photons_without_pulse", 0)
    assert lost <= 20
    kept = slice(None, len(true) - lost) if reverse else slice(lost, None)
    assert (found.frame_of_photon != true[kept]).sum() <= 2e-5 * len(true) + 3  # at edges of lost markers
    wrong = found.photons.nanotimes.astype(np.int64) - delay[kept]
    assert np.abs(wrong).max() <= 3  # ps: stamps, photons and micro-times are whole ones
    assert found.photons.laser_period == pytest.approx(1e-3 * period)


def test_micro_times_need_their_marker():
    photons = stream([150, 250], frame=[100, 200, 300, 400])
    with pytest.raises(InputError, match="no marker 'laser' of the laser .there are: 'frame'"):
        join(photons, series(), laser_marker="laser")
    photons = stream([150, 250], frame=[100, 200, 300, 400], laser=[300])
    with pytest.raises(InputError, match="a period needs two, or laser_period"):
        join(photons, series(), laser_marker="laser")
    with pytest.raises(InputError, match="no photon came after a pulse"):
        join(photons, series(), laser_marker="laser", laser_period=10.0)


def test_photons_before_the_first_pulse_are_counted():
    photons = stream([120, 150, 250], frame=[100, 200, 300, 400], laser=[130, 140, 150, 160, 170, 180])
    found = join(photons, series(), laser_marker="laser")
    assert found.photons.timestamps.tolist() == [150, 250] and found.photons.nanotimes.tolist() == [0, 0]
    assert found.about["photons_without_pulse"] == 1 and found.frame_of_photon.tolist() == [0, 1]


@pytest.mark.parametrize("what", ["starts", "photons", "markers"])
def test_shuffled_times(what):
    with pytest.raises(InputError, match="order|one after the other"):
        if what == "starts":
            series(starts=np.array([0.0, 200.0, 100.0, 300.0]))
        elif what == "photons":
            stream([5, 3, 9])
        else:
            stream([5, 6, 9], frame=[100, 50, 200])


def test_no_photons_at_all():
    found = join(stream([], frame=[100, 200, 300, 400]), series())
    assert not len(found.frame_of_photon) and found.about["photons_in_exposures"] == 0
