"""Photons of a measurement: joined and counted, a whole analysis, and a file larger than memory should hold.

Each case stores what is wrong beside its time: photons lost, or values that differ from the other way.
"""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from spq.spectroscopy import (
    Emitter,
    FrameSeries,
    PhotonStream,
    Response,
    Simulation,
    analyse,
    effective_lifetimes,
    energies_by_hand,
    histogram,
    join,
    lifetime_intensity,
    simulate,
    stream,
    tally,
)

FRAMES, EXPOSURE, PERIOD = 400, 5e8, 1e3  # 200 s, ns, and 1 MHz
UNIT, BIN = 1.0, 0.064  # ns of a tick and of a bin of micro-time
BINS = int(PERIOD / BIN)
PIXELS = 300


def photons_of(count, seed):
    """Times (n,) in ticks, ascending over 200 s, and micro-times of 2 and 80 ns, rate and share by frame."""
    generator = np.random.default_rng(seed)
    times = np.sort(generator.integers(0, int(FRAMES * EXPOSURE), count))
    short = generator.random(count) < 0.4
    delay = 20.0 + generator.exponential(np.where(short, 2.0, 80.0))
    return times, (delay / BIN).astype(np.uint16) % np.uint16(BINS)


def frames_of():
    """Frames with two lines; the photons' markers say when they are."""
    pixel = np.arange(PIXELS)
    shape = sum(np.exp(-0.5 * ((pixel - at) / 2.0) ** 2) for at in (100, 200))
    counts = np.random.default_rng(5).poisson(10.0 * shape, (FRAMES, 1, PIXELS)).astype(float)
    return FrameSeries(counts, np.linspace(570.0, 600.0, PIXELS), exposure=0.98 * EXPOSURE)


MARKERS = {"frame": (EXPOSURE * np.arange(FRAMES)).astype(np.int64)}
FIELDS = {"timestamp_unit": UNIT, "nanotime_unit": BIN, "nanotime_bins": BINS, "laser_period": PERIOD}


def distribution(photons, frames):
    """Photons to a lifetime-intensity distribution of the frames; returns it and the measurement."""
    measurement = join(photons, frames)
    edges = BIN * np.unique(np.rint(np.geomspace(1, BINS, 200)).astype(int))
    times = histogram(photons, bins=edges, group=measurement.frame_of_photon)
    length = float(measurement.frames.exposure)
    fits = effective_lifetimes(times.counts, times.edges_ns, PERIOD, Response(sigma_ns=0.05, centre_ns=20.0))
    number = times.counts.sum(axis=1)
    spent = np.full(FRAMES, length)
    found = lifetime_intensity(number / length, np.sqrt(number) / length, fits.lifetimes, fits.errors, spent)
    return measurement, times, found


def test_distribution_of_1e7_photons(benchmark):
    """Join, count by frame, effective lifetimes, FLID; error: photons and time that are not accounted for."""
    times, micro = photons_of(10**7, 1)
    photons = PhotonStream(times, nanotimes=micro, markers=MARKERS, **FIELDS)
    frames = frames_of()
    measurement, counted, flid = benchmark.pedantic(distribution, (photons, frames), rounds=1)
    tracemalloc.start()
    distribution(photons, frames)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    inside = int((measurement.frame_of_photon >= 0).sum())
    about = measurement.about
    told = sum(about[f"photons_{name}"] for name in ("in_exposures", "between", "before", "after"))
    benchmark.extra_info["photons_lost"] = inside - int(counted.counts.sum()) - counted.outside + 10**7 - told
    benchmark.extra_info["time_lost_ns"] = float(flid.total - flid.time.sum() - flid.undetermined)
    benchmark.extra_info["peak_MB_beyond_the_photons"] = round(peak / 1e6)


@pytest.mark.parametrize("part", ["simulate", "analyse"])
def test_whole_measurement(benchmark, part):
    """200 s of a dimer; error: photons of the frames' rates that the analysis does not give back."""
    dimer = Simulation(
        energies_by_hand((2.10, 2.13)), emitters=(Emitter(rate=2500.0), Emitter(rate=2500.0, angle=75.0))
    )
    if part == "simulate":
        measurement, truth = benchmark.pedantic(simulate, (dimer, 1), rounds=1)
        benchmark.extra_info["photons"] = len(measurement.photons.timestamps)
        return
    measurement, _ = simulate(dimer, 1)
    found = benchmark.pedantic(analyse, (measurement,), rounds=1)
    inside = int((measurement.frame_of_photon >= 0).sum())
    seconds = 1e-9 * float(measurement.frames.exposure)
    benchmark.extra_info["photons_lost"] = inside - round(float(found["rate"].sum()) * seconds)
    benchmark.extra_info["states"] = found.sizes["state_index"]


STREAMED = """
import json, sys, time
import numpy as np
import xarray as xr
sys.path.insert(0, sys.argv[2])
import bench_spectroscopy as bench
from spq.spectroscopy import analyse, stream, tally
def most():  # of this process alone: ru_maxrss begins with that of the parent
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
base = most()
begin = time.perf_counter()
counted = tally(stream(sys.argv[1]), bench.frames_of())
middle = time.perf_counter()
found = analyse(counted)
print(json.dumps({
    "count_s": middle - begin, "analyse_s": time.perf_counter() - middle, "base_MB": base,
    "peak_MB": most(),
    "photons": int(counted.table.sum(dtype=np.int64)), "flid_s": float(found["flid"].sum()),
}))
"""


def write_pieces(path, count, piece=10**7):
    """A Photon-HDF5 file of many photons, written piece by piece; each piece is a later stretch of time."""
    import h5py

    with h5py.File(path, "w") as file:
        data = file.create_group("photon_data")
        file.attrs["format_name"] = "Photon-HDF5"
        sizes = {"timestamps": np.int64, "nanotimes": np.uint16, "detectors": np.uint8}
        for name, kind in sizes.items():
            data.create_dataset(name, (count,), kind)
        for first in range(0, count, piece):
            times, micro = photons_of(piece, first)
            data["timestamps"][first : first + piece] = (times * piece + first * (FRAMES * EXPOSURE)) // count
            data["nanotimes"][first : first + piece] = micro
        data["timestamps_specs/timestamps_unit"] = 1e-9 * UNIT
        data["nanotimes_specs/tcspc_unit"] = 1e-9 * BIN
        data["nanotimes_specs/tcspc_num_bins"] = BINS
        data["measurement_specs/laser_repetition_rate"] = 1e9 / PERIOD
        file["user/markers/frame"] = MARKERS["frame"]
    return path


def test_streamed_1e8_photons(benchmark, tmp_path):
    """A file of 1.1 GB counted and analysed in a process of its own; error: photons that were not counted."""
    path = write_pieces(tmp_path / "photons.h5", 10**8)
    folder = str(Path(__file__).parent)

    def run():
        command = [sys.executable, "-c", STREAMED, str(path), folder]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    try:
        found = benchmark.pedantic(run, rounds=1)
    finally:
        path.unlink()
    benchmark.extra_info |= {name: round(value, 2) for name, value in found.items()}
    benchmark.extra_info["photons_lost"] = 10**8 - found["photons"]


def test_streamed_equals_whole(benchmark, tmp_path):
    """1e7 photons both ways; error: variables of the analysis that differ in any bit."""
    from spq.spectroscopy import read

    path, frames = write_pieces(tmp_path / "photons.h5", 10**7, 10**6), frames_of()
    two = benchmark.pedantic(lambda: analyse(tally(stream(path), frames)), rounds=1)
    one = analyse(join(read(path), frames))
    differ = [name for name in one if not np.array_equal(one[name].values, two[name].values, equal_nan=True)]
    benchmark.extra_info["variables"] = len(one)
    benchmark.extra_info["variables_that_differ"] = len(differ) + len(set(one) ^ set(two))
