"""The companion of the solver: from photon tags and camera frames to clusters, lifetimes, lines and jumps.

A file becomes a PhotonStream, a FrameSeries or a Measurement (both); everything else takes one of these.
Times are in ns from the start of the measurement, wavelengths in nm in vacuum, energies in eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spq.spectroscopy.instruments import Camera as Camera
    from spq.spectroscopy.instruments import Detector as Detector
    from spq.spectroscopy.instruments import Laser as Laser
    from spq.spectroscopy.instruments import WavePlate as WavePlate
    from spq.spectroscopy.records import FrameSeries as FrameSeries
    from spq.spectroscopy.records import Measurement as Measurement
    from spq.spectroscopy.records import PhotonStream as PhotonStream
    from spq.spectroscopy.simulation import Decay as Decay
    from spq.spectroscopy.simulation import Diffusion as Diffusion
    from spq.spectroscopy.simulation import Emitter as Emitter
    from spq.spectroscopy.simulation import Lines as Lines
    from spq.spectroscopy.simulation import Simulation as Simulation
    from spq.spectroscopy.simulation import Switching as Switching
    from spq.spectroscopy.simulationfile import simulation_of as simulation_of
    from spq.spectroscopy.simulator import as_counts as as_counts
    from spq.spectroscopy.simulator import simulate as simulate
    from spq.spectroscopy.stateenergies import StateEnergies as StateEnergies
    from spq.spectroscopy.stateenergies import Trap as Trap
    from spq.spectroscopy.stateenergies import energies_by_hand as energies_by_hand
    from spq.spectroscopy.stateenergies import energies_of_map as energies_of_map
    from spq.spectroscopy.truth import Truth as Truth

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "FrameSeries": "records",
    "Measurement": "records",
    "PhotonStream": "records",
    "Laser": "instruments",
    "Detector": "instruments",
    "Camera": "instruments",
    "WavePlate": "instruments",
    "Simulation": "simulation",
    "Emitter": "simulation",
    "Decay": "simulation",
    "Diffusion": "simulation",
    "Switching": "simulation",
    "Lines": "simulation",
    "simulation_of": "simulationfile",
    "simulate": "simulator",
    "as_counts": "simulator",
    "StateEnergies": "stateenergies",
    "Trap": "stateenergies",
    "energies_by_hand": "stateenergies",
    "energies_of_map": "stateenergies",
    "Truth": "truth",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
