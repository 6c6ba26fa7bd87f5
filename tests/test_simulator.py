"""The simulator: what it gives obeys the parameters, within four standard deviations, and loses nothing."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from spq.cli import main
from spq.errors import InputError
from spq.spectroscopy.cameramodel import in_photons, photons_on_chip, read_out, vertical
from spq.spectroscopy.countingmodel import alive
from spq.spectroscopy.diffusion import drift
from spq.spectroscopy.emissions import emit
from spq.spectroscopy.files import read
from spq.spectroscopy.instruments import Camera, Detector, Laser, WavePlate
from spq.spectroscopy.simulation import Decay, Diffusion, Emitter, Lines, Simulation, Step, Switching
from spq.spectroscopy.simulationfile import seed_of, simulation_of
from spq.spectroscopy.simulationwriters import FILES, TAG, measurement_writers
from spq.spectroscopy.simulator import as_counts, simulate
from spq.spectroscopy.statechain import chain_states, rate_matrix, run_chain
from spq.spectroscopy.stateenergies import StateEnergies, Trap, energies_by_hand, energies_of_map, state_name
from spq.store import write_files

STILL = Switching(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
PLAIN = Detector(efficiency=1.0, dead_time=0.0, afterpulsing=0.0, dark_rate=0.0)
QUIET = Camera(frames=40, background=0.0, clock_induced=0.0, read_noise=0.0, cosmic_rays=0.0, tag_jitter=0.0)
ONE = energies_by_hand((2.10,))


def monomer(duration=20.0, emitter=None, **changes):
    """A dot that never switches, before instruments without flaws."""
    given = {"energies": ONE, "switching": STILL, "detector": PLAIN, "camera": QUIET, "duration": duration}
    return Simulation(emitters=(emitter or Emitter(),), **(given | changes))


@pytest.fixture(scope="module")
def default():
    """A dimer with everything on; 60 s."""
    simulation = Simulation(duration=60.0, camera=Camera(frames=120), energies=TWO_SITES)
    return simulation, *simulate(simulation, 5)


TWO_SITES = energies_by_hand((2.10, 2.13), sites=((0.0, 0.0), (-6.0, 4.0)))


def within(value, expected, sigma):
    """Two-sided, four standard deviations of a guarded width."""
    assert sigma > 0
    assert abs(value - expected) < 4.0 * sigma, (value, expected, sigma)


def test_photons_are_conserved(default):
    _, measurement, truth = default
    splitter, counter, camera = (truth.tallies[name] for name in ("splitter", "counter", "camera"))
    assert splitter["emitted"] == splitter["to_camera"] + splitter["to_counter"] > 100_000
    assert counter["sent"] == splitter["to_counter"] and camera["sent"] == splitter["to_camera"]
    seen = counter["sent"] - counter["missed"] - counter["late"] - counter["dead"]
    assert counter["counted"] == seen + counter["dark"] + counter["afterpulses"]
    assert counter["counted"] == len(measurement.photons.timestamps)
    lost = camera["missed"] + camera["unexposed"] + camera["beside"]
    assert camera["imaged"] == camera["sent"] - lost > 0
    within(splitter["to_camera"], splitter["emitted"] / 2, np.sqrt(splitter["emitted"]) / 2)


def test_rates():
    simulation = monomer(emitter=Emitter(rate=8000.0), detector=Detector(dead_time=0.0, delay=50.0))
    _, truth = simulate(simulation, 3)
    emitted, counter = truth.tallies["splitter"]["emitted"], truth.tallies["counter"]
    within(emitted, 8000.0 * 20.0, np.sqrt(8000.0 * 20.0))
    share = simulation.detector.efficiency
    within(counter["sent"] - counter["missed"], 80_000 * share, np.sqrt(80_000 * share))
    within(counter["dark"], 50.0 * 20.0, np.sqrt(1000.0))
    within(counter["afterpulses"], 0.005 * counter["counted"], np.sqrt(0.005 * counter["counted"]))
    assert truth.rates == pytest.approx(8000.0)


def test_decay_and_response():
    """Mean delay Σ share τ with the wrap hardly felt, and the response's own width."""
    simulation = monomer(emitter=Emitter(rate=8000.0, neutral=Decay(1.0, (0.9, 0.1), (1.5, 40.0))))
    measurement, _ = simulate(simulation, 8)
    stream = measurement.photons
    arrival = (stream.nanotimes + 0.5) * stream.nanotime_unit - simulation.detector.delay
    shares, lifetimes = simulation.emitters[0].neutral.shares, (1.5, 40.0)
    assert sum(shares) == pytest.approx(1.0) and shares[1] == pytest.approx(4.0 / 5.35)
    mean = sum(s * t for s, t in zip(shares, lifetimes, strict=True)) + 0.1 * 0.25
    within(arrival.mean(), mean, arrival.std() / np.sqrt(len(arrival)))
    late = arrival[arrival > 30.0] - 30.0  # exp(-20) of the fast part, the slow one alone
    within(late.mean(), 40.0, 40.0 / np.sqrt(len(late)))
    bins = (np.arange(len(measurement.irf)) + 0.5) * stream.nanotime_unit
    centre = (bins * measurement.irf).sum() / measurement.irf.sum()
    # variance: Gaussian, tail 2 s τ² - (s τ)², bin
    width = np.sqrt((0.05 / 2.3548) ** 2 + 0.2 * 0.25**2 - 0.025**2 + 0.016**2 / 12)
    within(centre, 20.025, width / 1000.0)


def test_wrap_around_at_5_mhz():
    """Of 90 ns, exp(-T/τ) of the light comes after the next pulse: the mean becomes τ - T/(exp(T/τ) - 1)."""
    emitter = Emitter(neutral=Decay(1.0, (1.0,), (90.0,)))
    detector = dataclasses.replace(PLAIN, delay=0.0, tail_share=0.0, response=0.0)
    for rate, period in ((5e6, 200.0), (1e6, 1000.0)):
        measurement, _ = simulate(monomer(emitter=emitter, laser=Laser(rate), detector=detector), 2)
        stream = measurement.photons
        assert stream.laser_period == period and stream.nanotimes.max() < stream.nanotime_bins
        ratio = period / 90.0
        mean = 90.0 - period / np.expm1(ratio)
        arrival = (stream.nanotimes + 0.5) * stream.nanotime_unit
        within(arrival.mean(), mean, arrival.std() / np.sqrt(len(arrival)))
        ps = stream.timestamps % round(1e3 * period) // 16
        assert (ps == stream.nanotimes).all()


def test_dead_time(default):
    simulation, measurement, truth = default
    assert np.diff(measurement.photons.timestamps).min() >= 80_000
    assert truth.tallies["counter"]["dead"] > 0
    stamps = np.array([0, 5, 9, 12, 19, 22, 40])
    kept, _ = alive(stamps, np.zeros(7), 10)
    assert kept.tolist() == [0, 12, 22, 40]


def test_dwell_times():
    """Exponential with the sum of the rates, down to 20 ms, moves as their rates."""
    switching = Switching(charging=10.0, discharging=40.0, hopping=5.0, together=0.5, quenching=0.0)
    states = chain_states((0, -1), 1, 2, switching, (0,))
    rates = rate_matrix(states, 2, switching, (0,))
    assert len(states) == 4 and rates.sum(axis=1).tolist() == [15.0, 15.0, 45.0, 45.0]
    chain = run_chain(states, rates, (0,), 400.0, np.random.default_rng(4))
    for index in range(4):
        dwells = chain.dwells[:-1][chain.index[:-1] == index]
        mean = 1.0 / rates[index].sum()
        assert len(dwells) > 500
        within(dwells.mean(), mean, mean / np.sqrt(len(dwells)))
        within((dwells > mean).mean(), np.exp(-1.0), 0.5 / np.sqrt(len(dwells)))
    follow = chain.index[1:][chain.index[:-1] == 0]
    for target in range(4):
        share = rates[0, target] / 15.0
        within((follow == target).mean(), share, np.sqrt(share * (1 - share) / len(follow)) + 1e-12)


def test_diffusion():
    given = Diffusion(sigma=1.5, time=2.0, common=0.3)
    values = drift(given, 2, 20_000.0, np.random.default_rng(7)).values
    lag = 200  # 2 s in steps of 10 ms: one correlation time
    error = np.sqrt(2.0 * 2.0 / 20_000.0)  # of a correlation, from independent pieces of about the time
    for path in values.T:
        within(path.var() / 1.5**2, 1.0, np.sqrt(2.0) * error)
        within((path[lag:] * path[:-lag]).mean() / 1.5**2, np.exp(-1.0), np.sqrt(2.0) * error)
    within((values[:, 0] * values[:, 1]).mean() / 1.5**2, 0.3, np.sqrt(1.1) * error)


def test_excess_noise():
    """Variance over mean is 2 with multiplication, in photons; 1 on the chip."""
    camera = dataclasses.replace(QUIET, frames=200)
    image = np.random.default_rng(1).poisson(4.0, (200, 2, 512))
    counts, rays = read_out(camera, image, np.random.default_rng(2))
    photons = (counts - camera.offset) / camera.gain
    assert not rays
    within(photons.mean(), image.mean(), 2.0 / np.sqrt(photons.size))
    within(image.var() / image.mean(), 1.0, np.sqrt(2.5 / image.size))
    within(photons.var() / photons.mean(), 2.0, 2.0 * np.sqrt(5.0 / photons.size))


def test_camera_clips_and_adds():
    camera = Camera(gain=2000.0, cosmic_rays=1.0)
    counts, rays = read_out(camera, np.full((50, 2, 512), 40), np.random.default_rng(3))
    assert counts.max() == 65535 and counts.min() >= 0 and (counts == np.rint(counts)).all()
    within(len(rays), 25, 5.0)
    dark, _ = read_out(
        dataclasses.replace(QUIET, read_noise=8.0), np.zeros((50, 2, 512), int), np.random.default_rng(3)
    )
    within(dark.std(), np.hypot(8.0, np.sqrt(1 / 12)), 8.0 / np.sqrt(2 * dark.size))
    noisy, _ = read_out(
        dataclasses.replace(QUIET, clock_induced=0.05), np.zeros((50, 2, 512), int), np.random.default_rng(3)
    )
    within((noisy - 400.0).mean() / 60.0, 0.05, np.sqrt(2 * 0.05 / noisy.size))


@pytest.mark.parametrize("retardance", [0.0, 25.0])
def test_polarisation(retardance):
    """V and H follow p cos(4θ - 2φ), with the throughput of H; a retardance error by Mueller's matrices."""
    emitter = Emitter(rate=40_000.0, polarisation=0.7, angle=25.0)
    camera = dataclasses.replace(QUIET, efficiency=1.0, h_throughput=0.8, gain=4.0)  # not clipped
    plate = WavePlate(every=2.0, move=0.1, positions=10, retardance_error=retardance)
    simulation = monomer(emitter=emitter, camera=camera, plate=plate)
    measurement, _ = simulate(simulation, 6)
    frames = measurement.frames
    still = np.isfinite(frames.angles)
    assert 0 < (~still).sum() <= 18 and np.unique(frames.angles[still]).tolist() == list(range(0, 50, 5))
    v, h = frames.counts.sum(axis=2).T
    h = h / 0.8
    theta = np.radians(frames.angles[still])
    stokes = 0.7 * np.array([np.cos(np.radians(50.0)), np.sin(np.radians(50.0))])
    delta = np.pi + np.radians(retardance)
    c, s = np.cos(2 * theta), np.sin(2 * theta)
    expected = stokes[0] * (c * c + s * s * np.cos(delta)) + stokes[1] * c * s * (1 - np.cos(delta))
    if retardance == 0.0:
        assert expected == pytest.approx(0.7 * np.cos(4 * theta - np.radians(50.0)))
    found = ((v - h) / (v + h))[still]
    variance = 8.0 * (h**2 * v + v**2 * h / 0.8) / (v + h) ** 4  # excess 2
    chi2 = (found - expected) ** 2 / variance[still]
    within(chi2.sum(), len(chi2), np.sqrt(2.0 * len(chi2)))
    assert np.ptp(expected) > 1.0
    middle = vertical(simulation, 0, np.array([2.05]))  # halfway through the first move: 2.5 degrees
    at = 0.5 + 0.35 * np.cos(np.radians(10.0 - 50.0))
    assert (abs(middle[0] - at) < 1e-12) == (retardance == 0.0)


def grid_map(dots=2):
    """A shift map with known shifts: a Q + b Q², falling with z, of every state of two dots."""
    names = ["X@1", "X-@1", "segX-@1", "segT@1", "X@2", "X-@2", "segX-@2", "segT@2"]
    z, charge = np.linspace(-6.0, 6.0, 13), np.array([-1.0, 1.0])
    slope = np.arange(1.0, 9.0)
    shift = (
        slope[:, None, None] * charge[:, None] * (z / 6.0)
        - 0.5 * charge[:, None] ** 2
        + 0.0 * slope[:, None, None]
    )
    reference = 2.1 + 0.01 * np.arange(8)
    dims = ("state", "charge", "point")
    return xr.Dataset(
        {"shift_meV": (dims, shift), "reference_eV": ("state", reference)},
        {
            "state": names,
            "charge": charge,
            "z_nm": ("point", z),
            "phi_deg": ("point", np.zeros(13)),
            "dot": [1, 2],
        },
    )


def test_energies_are_those_of_the_map():
    shifts = grid_map()
    traps = (Trap(), Trap(z=3.0, charge=1.0), Trap(z=-2.5, charge=-0.5))
    energies = energies_of_map(shifts, traps)
    assert state_name((-1, -1), 0) == "segT@1" and state_name((-1, 0), 1) == "segX-@2"
    assert energies.table[(0, 0), 0] == pytest.approx((2.10, 2.14))
    assert energies.table[(-1, 0), 1] == pytest.approx(
        (2.11 + 1e-3 * (2 * 0.5 - 0.5), 2.16 + 1e-3 * (7 * 0.5 - 0.5))
    )
    screened = 1e-3 * (3 * -0.5 * -2.5 / 6 - 0.5 * 0.25)  # quadratic in the charge: no factor on the shift
    assert energies.table[(0, -1), 2][0] == pytest.approx(2.12 + screened)
    for trap, text in ((Trap(z=6.5, charge=1.0), "reaches from"), (Trap(z=6.5, charge=-1.0), "reaches from")):
        with pytest.raises(InputError, match=text):
            energies_of_map(shifts, (trap,))
    with pytest.raises(InputError, match="has no state X-@1"):
        energies_of_map(shifts.sel(state=["X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2"]))
    with pytest.raises(InputError, match="the map has 1"):
        energies_of_map(shifts.sel(charge=[1.0]), (Trap(z=0.0, charge=-0.5),))


def test_spectrum_is_where_the_state_is():
    """Zero-phonon line and replicas of a state of the map, within the errors of their means."""
    energies = energies_of_map(grid_map(), (Trap(z=3.0, charge=1.0),))
    lines = Lines(width=0.4, phonons=(27.0,), huang_rhys=(0.3,), phonon_width=1.0)
    given = {"energies": energies, "lines": lines, "diffusion": Diffusion(sigma=0.0), "switching": STILL}
    camera = dataclasses.replace(QUIET, efficiency=1.0, blur=0.0)
    bright = (Emitter(), Emitter(rate=0.0))
    simulation = Simulation(**given, emitters=bright, camera=camera, detector=PLAIN, duration=20.0)
    measurement, truth = simulate(simulation, 11)
    expected = energies.table[(0, 0), 0][0]
    assert np.unique(truth.energies[:, 0]) == pytest.approx([expected])
    spectrum, energy = measurement.frames.counts.sum(axis=(0, 1)), measurement.frames.energy
    for centre, half in ((expected, 0.003), (expected - 0.027, 0.006)):
        near = np.abs(energy - centre) < half
        mean = np.average(energy[near], weights=spectrum[near])
        width = 4e-4 if half < 0.005 else np.hypot(4e-4, 1e-3)
        within(mean, centre, 2 * width / np.sqrt(spectrum[near].sum()) + 2e-6)
    zero = spectrum[np.abs(energy - expected) < 0.003].sum() / spectrum.sum()
    within(zero, np.exp(-0.3), np.sqrt(2 * 0.74 * 0.26 / spectrum.sum()))
    steps = np.diff(energy)
    assert np.ptp(steps) > 0.01 * abs(steps.mean())  # nonlinear in eV


def test_photons_belong_to_frames(default):
    simulation, measurement, truth = default
    frames, photons = measurement.frames, measurement.photons
    assert frames.counts.shape == (120, 2, 512) and frames.excess == 2.0 and frames.unit == "photons"
    inside = measurement.frame_of_photon >= 0
    begins = frames.starts[measurement.frame_of_photon[inside]]
    since = photons.timestamps[inside] * 1e-3 - begins
    assert since.min() >= -1e-2 and since.max() < frames.exposure + 1e-2
    within((~inside).mean(), 0.01, np.sqrt(0.01 / len(inside)) + 1e-4)
    assert (photons.markers["frame"] * 1e-3 == pytest.approx(frames.starts)) and len(
        photons.markers["plate"]
    ) == 5
    jitter = frames.starts * 1e-9 - truth.begins
    within(jitter.std(), simulation.camera.tag_jitter, simulation.camera.tag_jitter / np.sqrt(240))
    raw = as_counts(frames)
    assert (raw.counts == np.rint(raw.counts)).all() and raw.counts.min() > 0
    assert in_photons(raw, 400.0, 60.0).counts == pytest.approx(frames.counts)


def test_truth_says_what_moved(default):
    simulation, _, truth = default
    document = json.loads(json.dumps(truth.document(), allow_nan=False))
    assert document["seed"] == 5 and document["parameters"]["duration"] == 60.0
    assert len(document["frames"]["energy_eV"]) == 120
    (chain,) = truth.chains
    assert len(truth.jumps) == len(chain.index) - 1 > 5
    for jump in truth.jumps:
        before, after = chain.states[jump["before"]], chain.states[jump["after"]]
        table = TWO_SITES.table
        change = np.subtract(table[after.charges, after.site], table[before.charges, before.site])
        assert jump["shift_meV"] == pytest.approx(1e3 * change)
        assert ("surface" in jump["moved"]) == (before.site != after.site)
        assert len(jump["moved"]) >= 1


def test_frames_average_energy_and_light():
    """Against the state and drift at 2000 times of each exposure; a dot that bleaches goes dark."""
    switching = Switching(charging=2.0, discharging=3.0, quenching=1.0, bleaching=0.2)
    simulation = Simulation(energies=TWO_SITES, switching=switching, duration=10.0, camera=Camera(frames=20))
    _, truth = simulate(simulation, 9)
    (chain,) = truth.chains
    assert (truth.bleached < 10.0).any()
    for frame, begin in enumerate(truth.begins):
        times = begin + simulation.camera.exposure * (np.arange(2000) + 0.5) / 2000
        states = [chain.states[i] for i in chain.at(times)]
        for dot, emitter in enumerate(simulation.emitters):
            level = np.mean([TWO_SITES.table[each.charges, each.site][dot] for each in states])
            shift = 1e-3 * truth.drift.at(times, dot).mean()
            assert truth.energies[frame, dot] == pytest.approx(level + shift, abs=5e-5)
            light = np.array([emitter.light(each.charges[dot], each.quenched[dot]) for each in states])
            rate = emitter.rate * (light * (times < truth.bleached[dot])).mean()
            assert truth.rates[frame, dot] == pytest.approx(rate, abs=20.0)
    assert {name for jump in truth.jumps for name in jump["moved"]} >= {"charge 1", "surface", "quenching 2"}


def test_seed_decides():
    simulation = monomer(duration=2.0)
    (one, truth), (again, same), (other, _) = (simulate(simulation, seed) for seed in (4, 4, 5))
    assert (one.photons.timestamps == again.photons.timestamps).all()
    assert (one.frames.counts == again.frames.counts).all() and truth.document() == same.document()
    assert len(one.photons.timestamps) != len(other.photons.timestamps)


def coincident(truth, window=0.02):
    """Numbers of jumps in energy of both dots, and of pairs within a window in s."""
    times = [
        np.array([jump["time_s"] for jump in truth.jumps if abs(jump["shift_meV"][dot]) > 0.1])
        for dot in (0, 1)
    ]
    return len(times[0]), len(times[1]), int((np.abs(times[0][:, None] - times[1]) < window).sum())


@pytest.mark.parametrize("independent", [True, False])
def test_null_particles_jump_by_chance_only(independent):
    switching = Switching(charging=2.0, discharging=2.0, hopping=2.0)
    simulation = Simulation(
        energies=TWO_SITES,
        switching=switching,
        emitters=(Emitter(rate=10.0),) * 2,
        independent=independent,
        camera=Camera(frames=10),
    )
    first, second, pairs = coincident(simulate(simulation, 3)[1])
    expected = first * second * 0.04 / 200.0
    assert expected > 20
    if independent:
        within(pairs, expected, np.sqrt(expected))
    else:
        assert pairs > expected + 20.0 * np.sqrt(expected)


def test_trimer_and_positive_charges():
    energies = energies_by_hand((2.08, 2.10, 2.12), charge=1)
    simulation = Simulation(energies, (Emitter(),) * 3, duration=2.0, camera=Camera(frames=4))
    _, truth = simulate(simulation, 1)
    assert truth.energies.shape == (4, 3)
    assert {charge for each in truth.chains[0].states for charge in each.charges} == {0, 1}
    assert len(truth.chains[0].states) == 64


def test_files(tmp_path, default):
    _, measurement, truth = default
    write_files(tmp_path, measurement_writers(measurement, truth))
    stream = measurement.photons
    tags = np.fromfile(tmp_path / "tags.bin", TAG)
    assert TAG.itemsize == 16 and (np.diff(tags["time"]) >= 0).all() and not tags["type"].any()
    assert (tags["time"][tags["channel"] == 1] == stream.timestamps).all()
    assert (tags["time"][tags["channel"] == 3] == stream.markers["frame"]).all()
    pulses = tags["time"][tags["channel"] == 2]
    last = pulses[np.searchsorted(pulses, stream.timestamps, side="right") - 1]
    assert ((stream.timestamps - last) // 16 == stream.nanotimes).all()
    again = read(tmp_path / "photons.h5")
    assert (again.timestamps == stream.timestamps).all() and (again.nanotimes == stream.nanotimes).all()
    assert again.timestamp_unit == pytest.approx(stream.timestamp_unit)
    assert again.laser_period == pytest.approx(stream.laser_period)
    assert (again.markers["plate"] == stream.markers["plate"]).all()
    frames = read(tmp_path / "frames.nc")
    assert (frames.counts == as_counts(measurement.frames).counts).all()
    assert frames.strips == ("V", "H") and frames.unit == "counts"
    names, period = {"frame": 3, "plate": 4}, stream.laser_period
    dumped = read(
        tmp_path / "tags.bin", kind="swabian", photons=[1], laser=2, markers=names, laser_period=period
    )
    assert (dumped.timestamps == stream.timestamps).all()
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8")) == truth.document()


TEXT = """
[simulation]
seed = 3
duration = 30.0
[simulation.energies]
neutral = [2.1, 2.2]
sites = [[0, 0], [-3, 2]]
[[simulation.emitters]]
rate = 3000
[[simulation.emitters]]
charged = { brightness = 0.5, lifetimes = [5.0], amplitudes = [1.0] }
[simulation.laser]
rate = 5e6
[[simulation.schedule]]
time = 0.0
charges = [0, 0]
[[simulation.schedule]]
time = 5.0
charges = [0, -1]
site = 1
quenched = [true, false]
"""


def test_input_file(tmp_path):
    path = tmp_path / "dimer.toml"
    path.write_text(TEXT, encoding="utf-8")
    simulation = simulation_of(path)
    assert seed_of(path) == 3 and simulation.laser.period == 200.0 and simulation.duration == 30.0
    assert simulation.emitters[1].charged.lifetimes == (5.0,) and simulation.emitters[0].rate == 3000.0
    assert simulation.energies.sites == ("+0 meV, +0 meV", "-3 meV, +2 meV")
    assert simulation.schedule == (Step(0.0, (0, 0)), Step(5.0, (0, -1), 1, (True, False)))
    for wrong, text in (
        (("duration", "durations"), "durations: unknown key.*nearest.*duration"),
        (("rate = 5e6", "rates = 5e6"), "simulation.laser.rates: unknown key.*rate"),
        (("neutral =", "map = 'a.nc'\nneutral ="), "goes with energies by hand only"),
        (("lifetimes = [5.0]", "lifetimes = [-5.0]"), r"lifetimes\[1\] = -5 ns: must be > 0"),
        (("[simulation]", "[simulations]"), "simulations: unknown key.*simulation"),
        (("[2.1, 2.2]", "[2.1, 2.2, 2.3]"), "must be 3 numbers|must be 3"),
        (
            ("charges = [0, -1]", "charges = 0"),
            r"schedule\[2\]: step.charges = 0: must be a charge of every dot",
        ),
        (("charges = [0, -1]", "charges = [0, -2]"), r"schedule\[2\]: charges \(0, -2\) at site 1 have no"),
        (("[true, false]", "[true]"), r"schedule\[2\]: step.quenched = \[True\]|quenched = \(True,\)"),
        (("time = 5.0", "time = 0.0"), "times must begin with 0 and ascend"),
    ):
        path.write_text(TEXT.replace(*wrong), encoding="utf-8")
        with pytest.raises(InputError, match=text):
            simulation_of(path)


def test_command(tmp_path, capsys):
    path = tmp_path / "dimer.toml"
    path.write_text(TEXT.replace("duration = 30.0", "duration = 8.0"), encoding="utf-8")
    assert main(["simulate", str(path), "--json", "-q"]) == 2
    assert "--out" in capsys.readouterr().err
    assert main(["simulate", str(path), "--out", str(tmp_path / "out"), "--json", "-q", "--seed", "8"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["seed"] == 8 and document["frames"] == 16 and document["counts"] > 1000
    assert {each.name for each in (tmp_path / "out").iterdir()} == set(FILES)
    assert json.loads((tmp_path / "out" / "truth.json").read_text(encoding="utf-8"))["seed"] == 8


@pytest.mark.parametrize(
    "make, text",
    [
        (lambda: Emitter(polarisation=1.2), "emitter.polarisation = 1.2: must be <= 1"),
        (lambda: Decay(amplitudes=(1.0,)), "one for each"),
        (lambda: Diffusion(time=0.0), "diffusion.time = 0 s: must be >= 0.001"),
        (lambda: Camera(gap=0.6), "camera.gap"),
        (lambda: Trap(charge=1.5), "between -1 and 1"),
        (lambda: Laser(3e6), "whole number of ps"),
        (lambda: Detector(bin=0.0165), "whole number of ps"),
        (lambda: monomer(detector=Detector(bin=0.017)), "must divide the laser's period"),
        (lambda: monomer(emitter=Emitter(rate=1e6)), "of the laser's rate"),
        (lambda: monomer(switching=Switching(charging=1e6)), "jumps could happen"),
        (lambda: Simulation(energies=ONE), "must be 1, as the energies have"),
        (lambda: StateEnergies((0, -1), ("",), {((0,), 0): (2.1,)}), "missing"),
        (lambda: energies_by_hand((2.1,), sites=5), "energies.sites = 5"),
        (lambda: energies_by_hand((2.1,), charged=-3.0), "energies.charged = -3"),
        (lambda: energies_by_hand((2.1, 2.1), sites=((0.0, 0.0), (1.0,))), r"sites\[2\]"),
        (lambda: Simulation(laser=1e6), "simulation.laser = 1000000: must be a Laser"),
        (lambda: Emitter(neutral=2.0), "emitter.neutral = 2: must be a Decay"),
        (lambda: monomer(emitter=Emitter(rate=1e5), duration=2e3), "photons in all"),
        (lambda: simulate(monomer(), -1), "seed = -1: must be >= 0"),
    ],
)
def test_bad_input(make, text):
    with pytest.raises(InputError, match=text):
        make()


def test_emissions_are_in_order_and_once_per_pulse():
    simulation = monomer(
        emitter=Emitter(rate=150_000.0), duration=2.0, camera=dataclasses.replace(QUIET, frames=4)
    )
    states = chain_states((0, -1), 1, 1, STILL, (0,))
    chain = run_chain(states, rate_matrix(states, 1, STILL, (0,)), (0,), 2.0, np.random.default_rng(1))
    drifted = drift(simulation.diffusion, 1, 2.0, np.random.default_rng(1))
    found = emit(simulation, (chain,), np.array([1.0]), drifted, np.random.default_rng(2))
    assert (np.diff(found.pulse) > 0).all() and found.pulse[-1] < 1_000_000  # dark after 1 s
    within(len(found.pulse), 150_000, np.sqrt(150_000 * 0.85))
    image, tally = photons_on_chip(simulation, found, np.array([0.0, 0.5]), np.random.default_rng(3))
    assert image.sum() == tally["imaged"] > 0
