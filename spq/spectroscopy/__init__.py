"""The companion of the solver: from photon tags and camera frames to clusters, lifetimes, lines and jumps.

A file becomes a PhotonStream, a FrameSeries or a Measurement (both); everything else takes one of these.
Times are in ns from the start of the measurement, wavelengths in nm in vacuum, energies in eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spq.spectroscopy.changepoints import Segments as Segments
    from spq.spectroscopy.changepoints import find_segments as find_segments
    from spq.spectroscopy.decays import DecayFit as DecayFit
    from spq.spectroscopy.decays import fit_decay as fit_decay
    from spq.spectroscopy.effective import EffectiveLifetimes as EffectiveLifetimes
    from spq.spectroscopy.effective import effective_lifetimes as effective_lifetimes
    from spq.spectroscopy.files import read as read
    from spq.spectroscopy.flid import Flid as Flid
    from spq.spectroscopy.flid import lifetime_intensity as lifetime_intensity
    from spq.spectroscopy.histograms import MicroTimes as MicroTimes
    from spq.spectroscopy.histograms import histogram as histogram
    from spq.spectroscopy.photon_hdf5 import write_photon_hdf5 as write_photon_hdf5
    from spq.spectroscopy.polarised import Polarisation as Polarisation
    from spq.spectroscopy.polarised import fit_polarisation as fit_polarisation
    from spq.spectroscopy.records import FrameSeries as FrameSeries
    from spq.spectroscopy.records import Measurement as Measurement
    from spq.spectroscopy.records import PhotonStream as PhotonStream
    from spq.spectroscopy.recordstore import load as load
    from spq.spectroscopy.recordstore import save as save
    from spq.spectroscopy.responses import Response as Response
    from spq.spectroscopy.spe import spe_regions as spe_regions

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "DecayFit": "decays",
    "EffectiveLifetimes": "effective",
    "Flid": "flid",
    "FrameSeries": "records",
    "Measurement": "records",
    "MicroTimes": "histograms",
    "PhotonStream": "records",
    "Polarisation": "polarised",
    "Response": "responses",
    "Segments": "changepoints",
    "effective_lifetimes": "effective",
    "find_segments": "changepoints",
    "fit_decay": "decays",
    "fit_polarisation": "polarised",
    "histogram": "histograms",
    "lifetime_intensity": "flid",
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
