"""Two emitters apart: polarisation in windows, unmixed decays and energy transfer, on simulated dimers.

python benchmarks/unmixing.py [SEEDS] prints, over the seeds (20 by default): angles and degrees of both
emitters from windows about their lines, with how often the truth lies within one error; lifetimes of both
from unmixed decays, with mean bias and coverage, beside those with the noise of the light left out; the
transfer rate where there is none and where there is one; slopes of the intensity against the position.
Afterpulses of the detector, which lengthen any decay, unmixed or not, are off but in one case.
"""

import dataclasses
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from spq.spectroscopy import (
    Decay,
    Detector,
    Emitter,
    LineShape,
    Simulation,
    Switching,
    energy_transfer,
    intensity_against_position,
    mask_cosmic_rays,
    simulate,
    unmix_decays,
)
from spq.spectroscopy.emittervariables import emitter_variables
from spq.spectroscopy.linemodel import FWHM
from spq.spectroscopy.records import Measurement

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from twoemitters import blinking  # noqa: E402

SHARES, TIMES = (0.97, 0.03), ((1.5, 90.0), (3.0, 60.0))
BLINKING = Switching(charging=0.0, discharging=1.0, hopping=0.0, quenching=0.1, recovering=0.15)
CHARGING = Switching(charging=0.1, discharging=0.1, quenching=0.0)
RATE = 4000.0
SEEN = 0.495 * 0.5 * 0.1 * 0.925  # photons of the camera in a frame, of one per s towards the splitter


def dimer(switching, transfer=0.0, afterpulsing=0.0):
    """Two emitters of different decays; quenched they give no light. transfer: 1/ns, from the first."""
    first = tuple(1.0 / (1.0 / each + transfer) for each in TIMES[0])
    emitters = (
        Emitter(RATE, Decay(1.0, SHARES, first), quenched=1e-5, angle=20.0),
        Emitter(RATE, Decay(1.0, SHARES, TIMES[1]), quenched=1e-5, angle=75.0),
    )
    return Simulation(emitters=emitters, switching=switching, detector=Detector(afterpulsing=afterpulsing))


def tracked(truth, seed):
    """What a camera with excess noise 2 would give of the true light, and errors as known from the frame."""
    rng = np.random.default_rng(1000 + seed)
    mean = truth.rates * SEEN
    photons = rng.poisson(mean).astype(float)
    seen = np.where(photons > 0, rng.gamma(np.maximum(photons, 1.0)), 0.0)
    spread = np.sqrt(2.0 * mean + 1.0)
    seen += rng.standard_normal(seen.shape)
    errors = np.where(truth.rates > 0.3 * RATE, 2e-3 / np.sqrt(np.maximum(mean, 1.0)), np.nan)
    energies = truth.energies + np.where(np.isfinite(errors), errors, 0.0) * rng.standard_normal(seen.shape)
    energies[~np.isfinite(errors)] = np.nan
    shape = LineShape(width_meV=0.4 * FWHM, phonon_width_meV=1.5 * FWHM)
    return SimpleNamespace(energies=energies, errors=errors, photons=seen, photon_errors=spread, shape=shape)


def pure(truth):
    """State of each frame in which nothing changed, -1: of the others; and whether the second is bright."""
    part = truth.rates / RATE
    settled = ((np.abs(part - 1.0) < 1e-6) | (part < 0.01)).all(axis=1)
    return np.where(settled, truth.states[:, 0], -1), np.where(settled, (part[:, 1] > 0.5).astype(int), -1)


def joined(first, second, bright):
    """Photons of the first measurement where `bright` (frames,) is 1, else of the second: one particle."""
    parts = [
        (each, np.append(bright, -1)[each.frame_of_photon] == kind)
        for each, kind in ((first, 1), (second, 0))
    ]
    photons = first.photons
    stamps = np.concatenate([each.photons.timestamps[keep] for each, keep in parts])
    order = np.argsort(stamps, kind="stable")
    nano = np.concatenate([each.photons.nanotimes[keep] for each, keep in parts])[order]
    frame = np.concatenate([each.frame_of_photon[keep] for each, keep in parts])[order]
    stream = dataclasses.replace(photons, timestamps=stamps[order], nanotimes=nano, detectors=None)
    return Measurement(stream, first.frames, frame, first.irf)


def with_transfer(seed, rate, afterpulsing=0.0):
    """Measurement, truth and tracks of a blinking dimer whose first emitter hands energy to the second."""
    plain, truth = simulate(dimer(BLINKING, 0.0, afterpulsing), seed)
    states, bright = pure(truth)
    if rate:
        # the same seed gives the same states and frames: only the delays of the first emitter differ
        faster, _ = simulate(dimer(BLINKING, rate), seed)
        plain = joined(faster, plain, bright)
    return plain, truth, tracked(truth, seed), states, bright


def windows(seeds):
    """Pulls of angle and degree (seeds, emitters), and the angle between both with its error."""
    pulls, apart = [], []
    for seed in range(seeds):
        measurement, truth = simulate(dimer(CHARGING), seed)
        frames = mask_cosmic_rays(measurement.frames)[0]
        tracks = tracked(truth, seed)
        states = truth.states[:, 0]
        stripped = dataclasses.replace(
            measurement, photons=dataclasses.replace(measurement.photons, nanotimes=None)
        )
        found = emitter_variables(stripped, frames, states, int(states.max()) + 1, tracks, [])
        angle, error = (found[f"emitter_polarisation_angle{each}"][1] for each in ("", "_error"))
        degree, spread = (found[f"emitter_polarisation{each}"][1] for each in ("", "_error"))
        pulls.append([(angle - [20.0, 75.0]) / error, (degree - 0.6) / spread, angle, error, degree])
        apart.append([found[f"polarisation_difference{each}"][1] for each in ("", "_error")])
    return np.array(pulls), np.array(apart)


def lifetimes(seeds, exact=False, by_states=True, afterpulsing=0.0):
    """Relative deviation and pull (seeds, emitters, 2) of the lifetimes; exact: noise ignored."""
    deviations, pulls, seconds = [], [], []
    for seed in range(seeds):
        measurement, _, tracks, states, _ = with_transfer(seed, 0.0, afterpulsing)
        errors = tracks.photon_errors * (1e-3 if exact else 1.0)
        begin = time.perf_counter()
        found = unmix_decays(measurement, tracks.photons, errors, states if by_states else None, None, 2)
        seconds.append(time.perf_counter() - begin)
        apart = found.lifetimes[:, :2] - np.array(TIMES)
        deviations.append(apart / np.array(TIMES))
        pulls.append(apart / found.lifetime_errors[:, :2])
    return np.array(deviations), np.array(pulls), np.mean(seconds)


def transfers(seeds, rate):
    """Estimate, error and limit (seeds,)."""
    found = []
    for seed in range(seeds):
        measurement, _, tracks, states, bright = with_transfer(seed, rate)
        made = energy_transfer(
            measurement, tracks.photons, tracks.photon_errors, 0, bright, states, exponentials=2
        )
        found.append([made.rate, made.error, made.limit])
    return np.array(found).T


def slopes(seeds, slope):
    """Estimate, error, limit (seeds,) of a relative change per meV, with noise of the positions."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        place = rng.normal(0.0, 0.8, 150)
        errors = np.full(150, 3e-4)
        counts = rng.poisson(400.0 * np.exp(slope * place))
        made = intensity_against_position(counts, 2.1 + 1e-3 * place + errors * rng.normal(size=150), errors)
        found.append([made.slope, made.error, made.limit])
    return np.array(found).T


def noisy(seeds, factor):
    """Deviations and pulls of the lifetimes where the light in each state is known to 8 %."""
    deviations, pulls = [], []
    for seed in range(seeds):
        m, t, s, _ = blinking(seed, 90, excess=20.0, brightness=((1, 1), (1, 0.3), (0.3, 1)))
        found = unmix_decays(m, t.photons, factor * t.photon_errors, s, exponentials=2)
        apart = found.lifetimes[:, :2] - np.array(TIMES)
        deviations.append(apart / np.array(TIMES))
        pulls.append(apart / found.lifetime_errors[:, :2])
    return np.array(deviations), np.array(pulls)


def inside(pulls, size=1.0):
    return np.mean(np.abs(pulls) < size)


CASES = (
    ("states", {}),
    ("runs", {"by_states": False}),
    ("noise ignored", {"exact": True}),
    ("afterpulses 0.5 %", {"afterpulsing": 0.005}),
)


def main(seeds):
    pulls, apart = windows(seeds)
    for e in (0, 1):
        turned, degree, angle, error, found = pulls[:, :, e].T
        print(
            f"window, emitter {e + 1}: angle {angle.mean():.2f}, error {error.mean():.2f}, degree "
            f"{found.mean():.3f}; within one error {inside(turned):.2f}, {inside(degree):.2f}; "
            f"rms pull {np.sqrt(np.mean(turned**2)):.2f}, {np.sqrt(np.mean(degree**2)):.2f}",
            flush=True,
        )
    difference, error = apart.T
    print(
        f"difference {difference.mean():.2f} +- {difference.std():.2f}, error {error.mean():.2f}, "
        f"within one error {inside((difference - 55.0) / error):.2f}"
    )
    for name, options in CASES:
        deviations, pulls, seconds = lifetimes(seeds, **options)
        bias, scatter = (
            100 * each.ravel().round(4) for each in (deviations.mean(axis=0), deviations.std(axis=0))
        )
        print(
            f"lifetimes, {name}: bias {bias} %, scatter {scatter} %, within one error {inside(pulls):.2f}, "
            f"within two {inside(pulls, 2.0):.2f}, {seconds:.2f} s",
            flush=True,
        )
    for name, factor in (("fitted", 1.0), ("ignored", 1e-3)):
        deviations, pulls = noisy(seeds, factor)
        print(
            f"light known to 8 %, its noise {name}: bias {100 * deviations.mean(axis=0).ravel().round(4)} %, "
            f"scatter {100 * deviations.std(axis=0).ravel().round(4)} %, rms pull "
            f"{np.sqrt(np.mean(pulls**2)):.2f}, within one error {inside(pulls):.2f}"
        )
    for rate in (0.0, 0.03, 0.1):
        found, error, limit = transfers(seeds, rate)
        pulls = (found - rate) / error
        print(
            f"transfer {rate}: {found.mean():.4f} +- {found.std() / np.sqrt(seeds):.4f}, error "
            f"{error.mean():.4f}, rms pull {np.sqrt(np.mean(pulls**2)):.2f}, "
            f"within one error {inside(pulls):.2f}, limit above {np.mean(limit > rate):.2f}, "
            f"limit without a bound at zero above "
            f"{np.mean(pulls > -1.645):.2f}, mean limit {limit.mean():.4f}, "
            f"found at 3 errors {np.mean(found > 3 * error):.2f}",
            flush=True,
        )
    for slope in (0.0, 0.05):
        found, error, limit = slopes(10 * seeds, slope)
        print(
            f"slope {slope}: {found.mean():.4f}, error {error.mean():.4f}, within one error "
            f"{inside((found - slope) / error):.3f}, limit above {np.mean(limit > slope):.3f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
