"""From photons to the frames of an electron-multiplying camera behind wave plate and displacer.

A half-wave plate at θ with retardance δ = π + ε leaves of linear polarisation p at φ
V - H = p [cos 2φ (c² + s² cos δ) + sin 2φ c s (1 - cos δ)], c = cos 2θ, s = sin 2θ: p cos(4θ - 2φ) for ε = 0.
Electrons n (photons and clock-induced) become Gamma(n, gain) counts, whose variance over mean is twice gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spq.spectroscopy.emissions import Emissions
from spq.spectroscopy.instruments import Camera
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.simulation import Simulation
from spq.spectroscopy.wavelengths import HC

Array = np.ndarray

STRIPS = ("V", "H")
FULL = 65535
TRACK = 4  # most pixels that a cosmic ray crosses


@dataclass(frozen=True, eq=False)
class Exposures:
    """begins: true begin of each exposure in s, (frames,); tags: as the tagger stamped them, in s."""

    begins: Array
    tags: Array


def exposures(simulation: Simulation, generator: np.random.Generator) -> Exposures:
    """As many exposures as asked for and fit into the duration, each centred in its period."""
    camera = simulation.camera
    begins = camera.period * np.arange(camera.frames) + 0.5 * camera.gap
    begins = begins[begins + camera.exposure <= simulation.duration]
    jitter = np.clip(generator.standard_normal(len(begins)), -5.0, 5.0)
    tags = np.maximum(begins + camera.tag_jitter * jitter, 0.0)
    return Exposures(begins, np.rint(1e12 * tags) * 1e-12)


def vertical(simulation: Simulation, emitter: int, times: Array) -> Array:
    """Chance that an emitter's photon goes to V, at times in s of any shape."""
    source, plate = simulation.emitters[emitter], simulation.plate
    turned = 2.0 * np.radians(plate.angle(times))
    retardance = np.pi + np.radians(plate.retardance_error)
    cos, sin, axis = np.cos(turned), np.sin(turned), 2.0 * np.radians(source.angle)
    along = np.cos(axis) * (cos**2 + sin**2 * np.cos(retardance))
    return 0.5 + 0.5 * source.polarisation * (along + np.sin(axis) * cos * sin * (1.0 - np.cos(retardance)))


def axis_of(simulation: Simulation) -> Array:
    """Wavelengths (pixels,) in nm of the camera of a simulation."""
    camera = simulation.camera
    energies = [value for values in simulation.energies.table.values() for value in values]
    centre = camera.centre
    if centre is None:  # a little to the red, where the replicas are
        centre = 2.0 * HC / (min(energies) + max(energies)) + 0.1 * camera.pixels * camera.dispersion
    return camera.wavelength(centre)


def photons_on_chip(
    simulation: Simulation, emissions: Emissions, begins: Array, generator: np.random.Generator
) -> tuple[Array, dict[str, int]]:
    """Photons (frames, strips, pixels) that reach the chip, and what became of those sent to the camera.

    The numbers: sent, missed (efficiency), unexposed (between exposures), beside (off the chip), imaged.
    """
    camera = simulation.camera
    sent = np.flatnonzero(emissions.to_camera)
    times = emissions.pulse[sent] / simulation.laser.rate + 1e-9 * emissions.delay[sent]
    up = np.empty(len(sent))
    for emitter in range(len(simulation.emitters)):
        of = np.flatnonzero(emissions.emitter[sent] == emitter)
        up[of] = vertical(simulation, emitter, times[of])
    strip = (generator.random(len(sent)) >= up).astype(np.int64)
    passed = generator.random(len(sent)) < camera.efficiency * np.where(strip, camera.h_throughput, 1.0)
    times, strip, energy = times[passed], strip[passed], emissions.energy[sent[passed]]
    frame, exposed = frames_of(times, begins, camera.exposure)
    wavelength = axis_of(simulation)
    place = np.interp(HC / energy, wavelength, np.arange(camera.pixels), left=-1e9, right=1e9)
    pixel = np.rint(place + camera.blur * generator.standard_normal(len(place)))
    inside = (pixel >= 0) & (pixel < camera.pixels)
    kept = exposed & inside
    code = (frame[kept] * 2 + strip[kept]) * camera.pixels + pixel[kept].astype(np.int64)
    shape = (len(begins), 2, camera.pixels)
    image = np.bincount(code, minlength=shape[0] * shape[1] * shape[2]).reshape(shape)
    tally = {
        "sent": len(sent),
        "missed": len(sent) - len(times),
        "unexposed": int((~exposed).sum()),
        "beside": int((exposed & ~inside).sum()),
        "imaged": int(image.sum()),
    }
    return image, tally


def frames_of(times: Array, begins: Array, exposure: float) -> tuple[Array, Array]:
    """Frame of each time, (n,), and whether it is within the exposure; all in one unit."""
    frame = np.searchsorted(begins, times, side="right") - 1
    last = np.maximum(frame, 0)
    return frame, (frame >= 0) & (times < begins[last] + exposure)


def read_out(camera: Camera, image: Array, generator: np.random.Generator) -> tuple[Array, list[list[int]]]:
    """Counts of the camera, whole and up to 65535, and cosmic rays as [frame, strip, first pixel]."""
    electrons = image + generator.poisson(camera.background * camera.exposure, image.shape)
    electrons += generator.poisson(camera.clock_induced, image.shape)
    counts = np.zeros(image.shape)
    lit = electrons > 0
    counts[lit] = generator.gamma(electrons[lit], camera.gain)
    rays = []
    for _ in range(generator.poisson(camera.cosmic_rays * camera.period * len(image))):
        frame, strip = int(generator.integers(len(image))), int(generator.integers(2))
        pixel, length = int(generator.integers(camera.pixels)), int(generator.integers(1, TRACK + 1))
        track = counts[frame, strip, pixel : pixel + length]
        track += camera.gain * generator.exponential(200.0, len(track))
        rays.append([frame, strip, pixel])
    counts += camera.offset + camera.read_noise * generator.standard_normal(counts.shape)
    return np.clip(np.rint(counts), 0, FULL), sorted(rays)


def raw_frames(simulation: Simulation, counts: Array, exposed: Exposures) -> FrameSeries:
    """Frames as the camera gives them, in counts; starts in ns are the tags."""
    camera, plate = simulation.camera, simulation.plate
    ends = exposed.begins + camera.exposure
    moves = plate.moves(simulation.duration)[:, None]
    moving = ((moves < ends) & (moves + plate.move > exposed.begins)).any(axis=0)
    about: dict[str, Any] = {"format": "simulated", "offset": camera.offset, "gain": camera.gain}
    return FrameSeries(
        counts=counts,
        wavelength=axis_of(simulation),
        strips=STRIPS,
        unit="counts",
        starts=1e9 * exposed.tags,
        exposure=1e9 * camera.exposure,
        excess=2.0,
        angles=np.where(moving, np.nan, plate.angle(exposed.begins)),
        about=about,
    )


def in_photons(frames: FrameSeries, offset: float, gain: float) -> FrameSeries:
    """Frames in counts as photons: offset in counts and gain in counts per photon are taken out."""
    from dataclasses import replace

    return replace(frames, counts=(frames.counts - offset) / gain, unit="photons")
