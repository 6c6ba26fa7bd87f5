"""What really happened in a simulated measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spq.spectroscopy.diffusion import Drift
from spq.spectroscopy.simulation import Simulation
from spq.spectroscopy.statechain import Chain, moved

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Truth:
    """Everything that a measurement was drawn from.

    Attributes
    ----------
    parameters : mapping
        All of the simulation, plain.
    seed : int
    chains : tuple of Chain
        One for the particle; one per emitter of a null particle.
    bleached : float (emitters,)
        Time in s from which each emitter is dark; infinite: never.
    drift : Drift
        Spectral diffusion of each emitter.
    energies : float (frames, emitters)
        Energy of the zero-phonon line in eV, averaged over the time of each exposure, diffusion included.
    rates : float (frames, emitters)
        Photons per s towards the splitter, averaged likewise.
    states : int (frames, chains)
        State of each chain in which most of the exposure was spent.
    begins : float (frames,)
        True begin of each exposure in s.
    jumps : tuple of mappings
        Each change: time_s, chain, before and after (index of the states), moved ("charge 1", "surface",
        "quenching 2"; "bleaching 1" without states) and shift_meV of every emitter.
    tallies : mapping
        What became of the photons: of splitter, counter and camera.
    cosmic_rays : tuple of [frame, strip, pixel]
        First pixel of each.
    """

    parameters: Mapping[str, Any]
    seed: int
    chains: tuple[Chain, ...]
    bleached: Array
    drift: Drift
    energies: Array
    rates: Array
    states: Array
    begins: Array
    jumps: tuple[Mapping[str, Any], ...]
    tallies: Mapping[str, Mapping[str, int]]
    cosmic_rays: tuple[tuple[int, int, int], ...]

    def document(self) -> dict[str, Any]:
        """All of it as plain mappings, lists, texts and numbers (None for never), for JSON."""
        chains = [
            {
                "emitters": [emitter + 1 for emitter in chain.emitters],
                "states": [
                    {"charges": list(each.charges), "site": each.site, "quenched": list(each.quenched)}
                    for each in chain.states
                ],
                "begins_s": chain.begins.tolist(),
                "index": chain.index.tolist(),
                "end_s": chain.end,
            }
            for chain in self.chains
        ]
        return {
            "parameters": dict(self.parameters),
            "seed": self.seed,
            "chains": chains,
            "bleached_s": [float(each) if np.isfinite(each) else None for each in self.bleached],
            "diffusion": {"step_s": self.drift.step, "shift_meV": self.drift.values.tolist()},
            "frames": {
                "begins_s": self.begins.tolist(),
                "energy_eV": self.energies.tolist(),
                "rate_per_s": self.rates.tolist(),
                "state": self.states.tolist(),
            },
            "jumps": [dict(jump) for jump in self.jumps],
            "tallies": {name: dict(tally) for name, tally in self.tallies.items()},
            "cosmic_rays": [list(ray) for ray in self.cosmic_rays],
        }


def jumps_of(
    simulation: Simulation, chains: tuple[Chain, ...], bleached: Array
) -> tuple[dict[str, Any], ...]:
    """Every jump of every chain and every bleaching, in the order of time."""
    table = simulation.energies.table
    found: list[dict[str, Any]] = []
    for number, chain in enumerate(chains):
        levels = [np.array(table[each.charges, each.site]) for each in chain.states]
        governed = np.isin(np.arange(len(simulation.emitters)), chain.emitters)
        for time, old, new in zip(chain.begins[1:], chain.index[:-1], chain.index[1:], strict=True):
            shift = np.where(governed, 1e3 * (levels[new] - levels[old]), 0.0)
            found.append(
                {
                    "time_s": float(time),
                    "chain": number,
                    "before": int(old),
                    "after": int(new),
                    "moved": moved(chain.states[old], chain.states[new]),
                    "shift_meV": shift.tolist(),
                }
            )
    for i, time in enumerate(bleached, 1):
        if time < simulation.duration:
            none = [0.0] * len(bleached)
            moves = [f"bleaching {i}"]
            found.append({"time_s": float(time), "chain": None, "moved": moves, "shift_meV": none})
    return tuple(sorted(found, key=lambda jump: jump["time_s"]))


def in_frames(
    simulation: Simulation, chains: tuple[Chain, ...], bleached: Array, drift: Drift, begins: Array
) -> tuple[Array, Array, Array]:
    """Energies and rates (frames, emitters) and states (frames, chains) of each exposure."""
    ends = begins + simulation.camera.exposure
    emitters = len(simulation.emitters)
    energies, rates = np.empty((len(begins), emitters)), np.empty((len(begins), emitters))
    states = np.empty((len(begins), len(chains)), dtype=int)
    grid = drift.step * np.arange(len(drift.values))
    for number, chain in enumerate(chains):
        occupied = np.zeros((len(begins), len(chain.states)))
        for state in np.unique(chain.index):
            occupied[:, state] = _mean(chain.begins, 1.0 * (chain.index == state), begins, ends)
        states[:, number] = occupied.argmax(axis=1)
        for emitter in chain.emitters:
            table, source = simulation.energies.table, simulation.emitters[emitter]
            levels = np.array([table[each.charges, each.site][emitter] for each in chain.states])
            shift = _mean(grid, drift.values[:, emitter], begins, ends)
            energies[:, emitter] = occupied @ levels + 1e-3 * shift
            light = np.array(
                [source.light(each.charges[emitter], each.quenched[emitter]) for each in chain.states]
            )
            dark = float(bleached[emitter])
            lit = light[chain.index] * (chain.begins < dark)
            times = chain.begins
            if dark < chain.end:
                place = int(np.searchsorted(times, dark))
                times, lit = np.insert(times, place, dark), np.insert(lit, place, 0.0)
            rates[:, emitter] = source.rate * _mean(times, lit, begins, ends)
    return energies, rates, states


def _mean(times: Array, values: Array, begins: Array, ends: Array) -> Array:
    """Mean of a function that holds values (n,) from times (n,) on, over intervals (m,)."""
    last = max(float(ends.max()), float(times[-1])) + 1.0
    edges = np.append(times, last)
    total = np.append(0.0, np.cumsum(values * np.diff(edges)))
    return (np.interp(ends, edges, total) - np.interp(begins, edges, total)) / (ends - begins)
