"""The companion of the solver: from photon tags and camera frames to clusters, lifetimes, lines and jumps.

A file becomes a PhotonStream, a FrameSeries or a Measurement (both); everything else takes one of these.
Times are in ns from the start of the measurement, wavelengths in nm in vacuum, energies in eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spq.spectroscopy.records import FrameSeries as FrameSeries
    from spq.spectroscopy.records import Measurement as Measurement
    from spq.spectroscopy.records import PhotonStream as PhotonStream

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "FrameSeries": "records",
    "Measurement": "records",
    "PhotonStream": "records",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
