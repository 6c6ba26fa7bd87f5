"""The photons that a particle sends to the splitter: one list from which both detectors draw.

A pulse excites an emitter at most once: with chance p = rate/pulse rate it gives a photon. Numbers are drawn
for whole dwells as Poisson of -n ln(1 - p) over n pulses, pulses drawn twice counting once: the same. The
photon comes with its decay after the pulse, however many pulses later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.diffusion import Drift
from spq.spectroscopy.simulation import Emitter, Simulation
from spq.spectroscopy.statechain import Chain

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Emissions:
    """Photons, in the order of their pulses.

    pulse: number of the laser pulse, int64 (n,); delay: ns after it; emitter: from 0; energy: eV;
    to_camera: whether the splitter sent it there.
    """

    pulse: Array
    delay: Array
    emitter: Array
    energy: Array
    to_camera: Array


def emit(
    simulation: Simulation,
    chains: tuple[Chain, ...],
    bleached: Array,
    drift: Drift,
    generator: np.random.Generator,
) -> Emissions:
    """Draw all photons; bleached: times (emitters,) in s from which emitters are dark."""
    parts = []
    for chain in chains:
        for emitter in chain.emitters:
            parts.append(_of_emitter(simulation, chain, emitter, float(bleached[emitter]), drift, generator))
    pulse, delay, energy = (np.concatenate([part[i] for part in parts]) for i in range(3))
    numbers = [emitter for chain in chains for emitter in chain.emitters]
    source = np.repeat(np.array(numbers, dtype=np.int8), [len(part[0]) for part in parts])
    order = np.argsort(pulse, kind="stable")
    to_camera = generator.random(len(pulse)) < 0.5
    return Emissions(pulse[order], delay[order], source[order], energy[order], to_camera)


def _of_emitter(
    simulation: Simulation, chain: Chain, emitter: int, dark: float, drift: Drift, generator
) -> tuple[Array, Array, Array]:
    """Pulses, delays and energies of one emitter's photons."""
    source, rate = simulation.emitters[emitter], simulation.laser.rate
    kinds = [(state.charges[emitter] != 0, state.quenched[emitter]) for state in chain.states]
    brightness = np.array([source.light(*kind) for kind in kinds])
    ends = np.minimum(chain.begins + chain.dwells, dark)
    dwells = np.maximum(ends - chain.begins, 0.0)
    chance = brightness[chain.index] * source.rate / rate
    number = generator.poisson(-np.log1p(-chance) * dwells * rate)
    which = np.repeat(np.arange(len(number)), number)
    times = chain.begins[which] + generator.random(len(which)) * dwells[which]
    pulse = np.unique((times * rate).astype(np.int64))
    times = pulse / rate
    state = chain.at(times)
    delay = np.zeros(len(pulse))
    code = np.array([2 * charged + dark_ for charged, dark_ in kinds])[state]
    for kind in sorted(set(kinds)):
        chosen = np.flatnonzero(code == 2 * kind[0] + kind[1])
        delay[chosen] = _delays(source, *kind, len(chosen), generator)
    dots = simulation.energies.table
    levels = np.array([dots[each.charges, each.site][emitter] for each in chain.states])
    energy = levels[state] + 1e-3 * (drift.at(times, emitter) + _line(simulation, len(pulse), generator))
    return pulse, delay, energy


def _delays(source: Emitter, charged: bool, quenched: bool, count: int, generator) -> Array:
    """Delays (count,) in ns after the pulse."""
    decay = source.charged if charged else source.neutral
    part = generator.choice(len(decay.lifetimes), size=count, p=decay.shares)
    lifetimes = np.array(decay.lifetimes) * (source.quenched if quenched else 1.0)
    return generator.standard_exponential(count) * lifetimes[part]


def _line(simulation: Simulation, count: int, generator) -> Array:
    """Distances (count,) in meV from the energy of the line: phonons and widths."""
    lines = simulation.lines
    shift, spread2 = np.zeros(count), np.full(count, lines.width**2)
    for phonon, factor in zip(lines.phonons, lines.huang_rhys, strict=True):
        emitted = generator.poisson(factor, count)
        shift -= phonon * emitted
        spread2 += lines.phonon_width**2 * emitted
    return shift + np.sqrt(spread2) * generator.standard_normal(count)
