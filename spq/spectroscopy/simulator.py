"""The simulator of a whole measurement: one particle, one list of photons, two detectors.

State chain and diffusion → photons → splitter → photon counter | wave plate, displacer, camera.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.progress import Progress, silent
from spq.spectroscopy.cameramodel import (
    Exposures,
    exposures,
    frames_of,
    in_photons,
    photons_on_chip,
    raw_frames,
    read_out,
)
from spq.spectroscopy.countingmodel import count_photons, response
from spq.spectroscopy.diffusion import drift
from spq.spectroscopy.emissions import Emissions, emit
from spq.spectroscopy.records import FrameSeries, Measurement, PhotonStream
from spq.spectroscopy.simulation import Simulation
from spq.spectroscopy.statechain import Chain, chain_states, rate_matrix, run_chain, scheduled
from spq.spectroscopy.truth import Truth, in_frames, jumps_of

FRAME, PLATE = "frame", "plate"
"""Names of the markers: begin of an exposure, begin of a move of the wave plate."""


def simulate(simulation: Simulation, seed: int, progress: Progress = silent) -> tuple[Measurement, Truth]:
    """Simulate a measurement; the same simulation and seed give the same, to the bit.

    Frames of the measurement are in photons (offset and gain taken out, excess 2); `as_counts` gives the
    camera's own numbers. Markers of the photons are "frame" and "plate". Truth holds everything that was
    drawn. progress: called with what is being done. Raises InputError if the seed is no whole number >= 0.
    """
    seed = checks.integer(seed, "seed", minimum=0)
    # each part draws from a stream of its own, so that another detector leaves the particle as it was
    streams = [np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(6)]
    progress("states", 0, 1)
    chains = _chains(simulation, streams[0])
    bleached = _bleached(simulation, streams[0])
    drifted = drift(simulation.diffusion, len(simulation.emitters), simulation.duration, streams[1])
    progress("photons", 0, 1)
    emissions = emit(simulation, chains, bleached, drifted, streams[2])
    progress("counter", 0, 1)
    stream, counted = count_photons(simulation, emissions, streams[3])
    irf = response(simulation, streams[4])
    progress("camera", 0, 1)
    exposed = exposures(simulation, streams[5])
    image, imaged = photons_on_chip(simulation, emissions, exposed.begins, streams[5])
    counts, rays = read_out(simulation.camera, image, streams[5])
    raw = raw_frames(simulation, counts, exposed)
    frames = in_photons(raw, simulation.camera.offset, simulation.camera.gain)
    energies, rates, states = in_frames(simulation, chains, bleached, drifted, exposed.begins)
    truth = Truth(
        parameters=simulation.parameters(),
        seed=seed,
        chains=chains,
        bleached=bleached,
        drift=drifted,
        energies=energies,
        rates=rates,
        states=states,
        begins=exposed.begins,
        jumps=jumps_of(simulation, chains, bleached),
        tallies={"splitter": _split(emissions), "counter": counted, "camera": imaged},
        cosmic_rays=tuple((frame, strip, pixel) for frame, strip, pixel in rays),
    )
    return _joined(simulation, stream, frames, exposed, irf), truth


def as_counts(frames: FrameSeries) -> FrameSeries:
    """Simulated frames (counts in photons) as the camera gave them: whole counts with offset and gain.

    Frames in counts stay as they are. Raises InputError for photons whose `about` says no offset and gain.
    """
    if frames.unit == "counts":
        return frames
    if not {"offset", "gain"} <= set(frames.about):
        raise InputError("frames: their photons were not counted with a known offset and gain")
    offset, gain = frames.about["offset"], frames.about["gain"]
    return replace(frames, counts=np.rint(frames.counts * gain + offset), unit="counts")


def _chains(simulation: Simulation, generator: np.random.Generator) -> tuple[Chain, ...]:
    """One chain for the particle, or one for each emitter of a null particle."""
    dots = tuple(range(len(simulation.emitters)))
    if simulation.schedule:
        return (scheduled(simulation.schedule, dots, simulation.duration),)
    table, switching = simulation.energies, simulation.switching
    found = []
    for governed in [(dot,) for dot in dots] if simulation.independent else [dots]:
        states = chain_states(table.charges, len(dots), len(table.sites), switching, governed)
        rates = rate_matrix(states, len(table.sites), switching, governed)
        found.append(run_chain(states, rates, governed, simulation.duration, generator))
    return tuple(found)


def _bleached(simulation: Simulation, generator: np.random.Generator) -> np.ndarray:
    """Time in s at which each emitter goes dark; infinite without bleaching."""
    drawn = generator.standard_exponential(len(simulation.emitters))
    rate = simulation.switching.bleaching
    return drawn / rate if rate else np.full(len(drawn), np.inf)


def _split(emissions: Emissions) -> dict[str, int]:
    to_camera = int(emissions.to_camera.sum())
    total = len(emissions.pulse)
    return {"emitted": total, "to_camera": to_camera, "to_counter": total - to_camera}


def _joined(
    simulation: Simulation, stream: PhotonStream, frames: FrameSeries, exposed: Exposures, irf: np.ndarray
) -> Measurement:
    """Photons with their markers and the frames they came in, as the tags say."""
    tags = np.rint(1e12 * exposed.tags).astype(np.int64)
    moves = np.rint(1e12 * simulation.plate.moves(simulation.duration)).astype(np.int64)
    photons = replace(stream, markers={FRAME: tags, PLATE: moves})
    length = round(1e12 * simulation.camera.exposure)
    frame, exposing = frames_of(stream.timestamps, tags, length)
    return Measurement(
        photons, frames, np.where(exposing, frame, -1).astype(np.int32), irf, {"format": "simulated"}
    )
