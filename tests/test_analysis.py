"""A whole measurement analysed: the states get the truth back, and what is not there is said."""

import csv
import dataclasses
import json

import matplotlib.image
import numpy as np
import pytest
import xarray as xr

from spq.cli import main
from spq.errors import InputError
from spq.spectroscopy import (
    Emitter,
    Simulation,
    Switching,
    WavePlate,
    analyse,
    as_counts,
    energies_by_hand,
    read_measurement,
    save,
    simulate,
)
from spq.spectroscopy.analysisfiles import FILES, analysis_writers
from spq.spectroscopy.plotanalysis import analysis
from spq.spectroscopy.records import Measurement
from spq.spectroscopy.stateproperties import decay_edges, light_by_angle, rates_of
from spq.store import write_files

CALM = Switching(charging=0.2, discharging=0.2, quenching=0.0)


@pytest.fixture(scope="module")
def simulated():
    """A monomer that charges and discharges, its wave plate turning once in 60 s; 60 s."""
    simulation = Simulation(
        energies=energies_by_hand((2.10,)),
        emitters=(Emitter(rate=8000.0, angle=20.0),),
        switching=CALM,
        plate=WavePlate(step=5.0, every=3.0, move=0.1),
        duration=60.0,
    )
    return simulate(simulation, seed=11)


@pytest.fixture(scope="module")
def states(simulated):
    """0: neutral, 1: charged, -1: a frame in which it changed."""
    _, truth = simulated
    charged = np.array([state.charges != (0,) for state in truth.chains[0].states])[truth.states[:, 0]]
    full = truth.parameters["emitters"][0]["rate"] * np.where(charged, 0.6, 1.0)
    pure = np.abs(truth.rates[:, 0] / full - 1.0) < 1e-9
    return np.where(pure, charged.astype(int), -1)


@pytest.fixture(scope="module")
def found(simulated, states):
    return analyse(simulated[0], states)


def test_states_get_their_lifetimes(found, states):
    """Neutral 1.5 and 90 ns, charged 6 ns, each within four of its errors, and the errors are small."""
    assert (states == 0).sum() > 20 and (states == 1).sum() > 20
    for state, truth in ((0, (1.5, 90.0)), (1, (6.0,))):
        lifetimes = found["lifetime"].values[state]
        errors = found["lifetime_error"].values[state]
        for value in truth:
            nearest = np.nanargmin(np.abs(lifetimes - value))
            assert abs(lifetimes[nearest] - value) < 4.0 * errors[nearest]
            assert errors[nearest] < 0.03 * value


def test_states_get_their_rates(simulated, found, states):
    """Half of 8000 per s goes to the counter, 75 % of it is seen; dead time takes less than 1e-3."""
    for state, share in ((0, 1.0), (1, 0.6)):
        true = 0.5 * 0.75 * 8000.0 * share * 1.005 + 50.0  # afterpulses and dark counts
        assert (
            abs(float(found["state_rate"][state]) - true)
            < 4.0 * float(found["state_rate_error"][state]) + 4.0
        )
    measurement, _ = simulated
    counted = (measurement.frame_of_photon >= 0).sum()
    exposure = 1e-9 * measurement.frames.exposure
    assert round(float(found["rate"].sum()) * exposure) == counted
    rates = rates_of(measurement, np.full(len(states), -1), 1)
    assert np.isnan(rates.state_rates).all() and rates.counts.sum() == counted


def test_decays_hold_every_photon_of_their_frames(simulated, found, states):
    measurement, _ = simulated
    for state in (0, 1):
        chosen = np.isin(measurement.frame_of_photon, np.flatnonzero(states == state))
        assert int(found["decay"][state].sum()) == chosen.sum() > 1000


def test_distribution_is_the_time_of_all_frames(found):
    total = found.sizes["frame"] * float(found["exposure"])
    assert float(found["flid"].sum() + found["flid_undetermined"]) == pytest.approx(total, rel=1e-9)
    assert float(found["flid"].sum()) > 0.9 * total


def test_states_get_their_polarisation(found):
    """0.6 at 20 degrees, the background of the camera and the error of the retardance in it."""
    assert abs(float(found["polarisation"][0]) - 0.6) < 0.06
    assert abs(float(found["polarisation_angle"][0]) - 20.0) < 4.0
    contrast = found["contrast"].values[0]
    angles = np.radians(found["plate_angle"].values)
    model = 0.6 * np.cos(4.0 * angles - 2.0 * np.radians(20.0))
    assert np.nanmedian(np.abs(contrast - model)) < 0.15
    assert np.isfinite(contrast).sum() >= 10


def test_states_get_their_lines(found):
    """Neutral at 2.100 eV, charged at 2.086 (-14 meV); one line each, drift in it."""
    shift = 1e3 * (float(found["line_energy"][1, 0]) - float(found["line_energy"][0, 0]))
    assert abs(float(found["line_energy"][0, 0]) - 2.10) < 2e-3
    assert abs(shift + 14.0) < 2.5
    for state in (0, 1):
        assert np.isfinite(found["line_energy"].values[state]).sum() == 1
        assert 0.0 < float(found["line_energy_error"][state, 0]) < 2e-4
        light = np.nansum(found["state_spectrum"].values[state])
        assert 0.8 < float(found["line_photons"][state, 0]) / light < 1.0


def test_sums_of_states_are_those_of_their_frames(simulated, found, states):
    """But for cosmic rays, which are masked."""
    counts = simulated[0].frames.counts.sum(axis=1)[states == 0].sum(axis=0)
    same = np.isclose(found["state_spectrum"].values[0], counts)
    assert same.sum() >= 512 - 4 * int(found["cosmic_rays"].sum()) - 4 > 400


def test_masked_pixels_are_means_of_the_other_frames(simulated, states):
    measurement, _ = simulated
    counts = measurement.frames.counts.copy()
    frame = int(np.flatnonzero(states == 0)[0])
    counts[frame, 0, 100] = np.nan
    masked = dataclasses.replace(measurement, frames=dataclasses.replace(measurement.frames, counts=counts))
    found = analyse(masked, states)
    others = np.flatnonzero(states == 0)[1:]
    light = measurement.frames.counts[others, :, 100].sum(axis=1)
    assert float(found["state_spectrum"][0, 100]) == pytest.approx(light.mean() * (len(others) + 1))
    angles, sums = light_by_angle(masked.frames, states, 2)
    lost = measurement.frames.counts[frame, :, 100]
    before = light_by_angle(measurement.frames, states, 2)[1]
    place = np.searchsorted(angles, masked.frames.angles[frame])
    assert np.allclose(before[0, :, place] - sums[0, :, place], lost)  # of both strips


def test_states_are_found_where_none_are_given(simulated, states):
    """Neutral and charged differ in rate, lifetime and energy: nine of ten frames are told apart."""
    found = analyse(simulated[0])
    assert int(found["state_frames"].sum()) == found.sizes["frame"]
    pure = states >= 0
    first = found["state"].values[pure]
    for state in (0, 1):
        usual = np.bincount(first[states[pure] == state]).argmax()
        assert (first[states[pure] == state] == usual).mean() > 0.9
        assert (first[states[pure] != state] == usual).mean() < 0.1
    assert np.allclose(found["state_probability"].sum(axis=1), 1.0)


def test_bins_are_whole_bins_of_the_hardware(simulated):
    photons = simulated[0].photons
    edges = decay_edges(simulated[0])
    steps = edges / photons.nanotime_unit
    assert np.allclose(steps, np.rint(steps)) and np.all(np.diff(edges) > 0)
    assert edges[0] == 0.0 and edges[-1] == pytest.approx(photons.laser_period)
    assert len(edges) < 600


def without_photons(measurement):
    photons = dataclasses.replace(
        measurement.photons,
        timestamps=np.empty(0, dtype=np.int64),
        detectors=None,
        nanotimes=np.empty(0, dtype=np.uint16),
    )
    return dataclasses.replace(measurement, photons=photons, frame_of_photon=np.empty(0, dtype=np.int32))


@pytest.mark.parametrize("change", ["no photons", "dark", "no angles", "masked", "one frame", "one strip"])
def test_what_is_not_there_is_said(simulated, states, change, tmp_path):
    """Nothing crashes, nothing is invented, and files and figure come out."""
    measurement, _ = simulated
    frames = measurement.frames
    if change == "no photons":
        measurement = without_photons(measurement)
    elif change == "dark":
        measurement = dataclasses.replace(
            measurement, frames=dataclasses.replace(frames, counts=np.zeros_like(frames.counts))
        )
    elif change == "no angles":
        measurement = dataclasses.replace(measurement, frames=dataclasses.replace(frames, angles=None))
    elif change == "masked":
        nothing = np.full_like(frames.counts, np.nan)
        measurement = dataclasses.replace(measurement, frames=dataclasses.replace(frames, counts=nothing))
    elif change == "one strip":
        one = dataclasses.replace(frames, counts=frames.counts.sum(axis=1, keepdims=True), strips=("all",))
        measurement = dataclasses.replace(measurement, frames=one)
    else:
        first = dataclasses.replace(
            frames, counts=frames.counts[:1], starts=frames.starts[:1], angles=frames.angles[:1]
        )
        of = np.where(measurement.frame_of_photon == 0, 0, -1)
        measurement = Measurement(measurement.photons, first, of)
        states = states[:1] * 0
    found = analyse(measurement, states)
    assert "not determined" in found.attrs["warnings"]
    if change == "no photons":
        assert "decay" not in found and "flid" not in found and not found["rate"].any()
    elif change != "one frame":
        assert "polarisation" not in found or found["polarisation"].isnull().all()
        assert found["lifetime"].notnull().any()
    write_files(tmp_path, analysis_writers(found))
    assert all((tmp_path / name).stat().st_size > 0 for name in FILES)


def test_files_hold_what_was_found(found, tmp_path):
    write_files(tmp_path, analysis_writers(found))
    with xr.open_dataset(tmp_path / "analysis.nc", engine="h5netcdf", decode_times=False) as back:
        xr.testing.assert_equal(back.load(), found)
    with (tmp_path / "states.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert float(rows[1]["lifetime_1_ns"]) == pytest.approx(float(found["lifetime"][1, 0]), rel=1e-9)
    assert float(rows[0]["state_rate_per_s"]) == pytest.approx(float(found["state_rate"][0]), rel=1e-9)
    image = matplotlib.image.imread(tmp_path / "analysis.png")
    assert min(image.shape[:2]) > 1000 and np.ptp(image) > 0.5


@pytest.mark.parametrize(
    ("states", "message"),
    [
        (np.zeros(3, dtype=int), "one per frame"),
        (np.zeros(120), "whole numbers"),
        (np.full(120, -2), "must be >= -1"),
    ],
)
def test_wrong_states(simulated, states, message):
    with pytest.raises(InputError, match=message):
        analyse(simulated[0], states)


def test_wrong_things():
    with pytest.raises(InputError, match="must be a Measurement"):
        analyse("run.ptu")
    with pytest.raises(InputError, match="no analysis"):
        analysis(xr.Dataset())


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What `spq simulate` writes; 20 s."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.toml").write_text("[simulation]\nduration = 20.0\n")
    assert main(["simulate", str(folder / "run.toml"), "--out", str(folder), "-q"]) == 0
    return folder


def test_the_command_analyses_files(files, tmp_path, capsys):
    """Photons and frames in any order; every photon of every exposure is in the table."""
    given = [str(files / "frames.nc"), str(files / "photons.h5")]
    capsys.readouterr()
    assert main(["analyse", *given, "--out", str(tmp_path), "-q", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    with xr.open_dataset(tmp_path / "analysis.nc", engine="h5netcdf", decode_times=False) as ds:
        assert len(document["states"]) == ds.sizes["state_index"]
        assert sum(row["state_frames"] for row in document["states"]) == ds.sizes["frame"] == 40
        photons = round(float(ds["rate"].sum() * ds["exposure"]))
    truth = json.loads((files / "truth.json").read_text())
    assert 0.98 * 0.99 < photons / truth["tallies"]["counter"]["counted"] < 1.0  # 1 % is between exposures
    assert all((tmp_path / name).stat().st_size > 0 for name in FILES)
    drawn = ["plot", str(tmp_path / "analysis.nc"), "--out", str(tmp_path / "again")]
    assert main([*drawn, "-q"]) == 0
    first, again = (
        matplotlib.image.imread(folder / "analysis.png") for folder in (tmp_path, tmp_path / "again")
    )
    assert np.array_equal(first, again) and np.ptp(first) > 0.5
    assert main([*drawn, "--flip"]) == 2
    assert "holds an analysis, which has no sides" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["photons.h5"], "photons alone"),
        (["frames.nc"], "frames alone"),
        (["frames.nc", "frames.nc"], "one file of photons and one of frames"),
        (["nothing.h5", "frames.nc"], "no such file"),
        (["frames.nc", "photons.h5", "tags.bin"], "3 files"),
        (["truth.json", "frames.nc"], "of no kind that is known"),
    ],
)
def test_the_command_refuses_other_files(files, names, message, tmp_path, capsys):
    folder = tmp_path / "out"
    assert main(["analyse", *(str(files / name) for name in names), "--out", str(folder), "-q"]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not list(folder.glob("*")) if folder.exists() else True


def test_the_command_needs_a_folder(files, capsys):
    assert main(["analyse", str(files / "photons.h5"), "-q"]) == 2
    assert "--out" in capsys.readouterr().err


def test_counts_need_offset_and_gain(files):
    """Frames whose file says neither: what is missing is named, and can be given."""
    measurement = read_measurement([files / "photons.h5", files / "frames.nc"])
    raw = dataclasses.replace(as_counts(measurement.frames), about={})
    save(raw, files / "bare.nc")
    with pytest.raises(InputError, match="no offset"):
        read_measurement([files / "photons.h5", files / "bare.nc"])
    given = read_measurement([files / "photons.h5", files / "bare.nc"], offset=400.0, gain=60.0)
    assert np.allclose(given.frames.counts, measurement.frames.counts)


def test_tracks_of_the_analysis(simulated, found):
    """One emitter, in frames without a jump known to 0.3 meV, whose jumps are of 14 meV."""
    _, truth = simulated
    assert found.sizes["emitter"] == 1 and found["track"].attrs["units"] == "eV"
    times = np.array([jump["time_s"] for jump in truth.jumps])
    calm = np.ones(len(truth.begins), dtype=bool)
    calm[np.maximum(np.searchsorted(truth.begins, times, side="right") - 1, 0)] = False
    off = 1e3 * (found["track"].values - truth.energies)[calm]
    assert np.isfinite(off).mean() > 0.95
    assert 0.02 < np.sqrt(np.nanmean(off**2)) < 0.3
    sizes = np.abs(found["jump_size"].values[:, 0])
    assert len(sizes) > 3 and np.nanmedian(sizes) == pytest.approx(14.0, abs=0.7)
    assert not found["jump_coincident"].any()


def test_parts_of_an_analysis(simulated, found):
    """Tracks alone are those of the whole analysis, and nothing else is there but states and intensities."""
    measurement, _ = simulated
    tracks = analyse(measurement, found["state"].values, parts=("tracks",))
    assert np.array_equal(tracks["track"], found["track"], equal_nan=True)
    assert "decay" not in tracks and "state_fit" not in tracks and "rate" in tracks
    with pytest.raises(InputError, match="parts"):
        analyse(measurement, parts=("track",))
