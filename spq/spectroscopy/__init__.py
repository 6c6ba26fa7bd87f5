"""The companion of the solver: from photon tags and camera frames to clusters, lifetimes, lines and jumps.

A file becomes a PhotonStream, a FrameSeries or a Measurement (both); everything else takes one of these.
Times are in ns from the start of the measurement, wavelengths in nm in vacuum, energies in eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spq.spectroscopy.files import read as read
    from spq.spectroscopy.photon_hdf5 import write_photon_hdf5 as write_photon_hdf5
    from spq.spectroscopy.records import FrameSeries as FrameSeries
    from spq.spectroscopy.records import Measurement as Measurement
    from spq.spectroscopy.records import PhotonStream as PhotonStream
    from spq.spectroscopy.recordstore import load as load
    from spq.spectroscopy.recordstore import save as save
    from spq.spectroscopy.spe import spe_regions as spe_regions

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "FrameSeries": "records",
    "Measurement": "records",
    "PhotonStream": "records",
    "load": "recordstore",
    "read": "files",
    "save": "recordstore",
    "spe_regions": "spe",
    "write_photon_hdf5": "photon_hdf5",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
