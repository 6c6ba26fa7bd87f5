"""The usual track as Tracks, for comparison: the brightest pixel, with the error of a pixel's width.

It is also the way for light whose lines change their shape, such as a laser of many modes, for which a fixed
shape of a line is no model: which of them is highest is known even so. The error is w/√12, w the width of a
pixel; what else moves the brightest pixel, `find_jumps` takes from the track as its diffusion.
"""

from __future__ import annotations

import numpy as np

from spq.spectroscopy.brightest import brightest_pixel
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.tracks import Tracks


def brightest_track(frames: FrameSeries) -> Tracks:
    """The brightest pixel of each of the `frames` as the track of one emitter, in eV.

    Its error is that of a pixel's width; its photons are not determined. Raises nothing.
    """
    energies = brightest_pixel(frames)
    energy = frames.energy
    widths = np.abs(np.gradient(energy))[::-1] / np.sqrt(12.0)
    errors = np.where(np.isfinite(energies), np.interp(energies, energy[::-1], widths), np.nan)
    nan = np.full(len(energies), np.nan)
    lost = int(np.isnan(energies).sum())
    warnings = (f"brightest pixel: none in {lost} of {len(energies)} frames",) if lost else ()
    return Tracks(
        energies=energies[:, None],
        errors=errors[:, None],
        photons=nan[:, None],
        photon_errors=nan[:, None],
        background=nan,
        background_errors=nan,
        shape=None,
        noise_factor=frames.excess,
        warnings=warnings,
    )
