"""The track that is usually taken: in every frame the energy E = E(p) of its brightest pixel p.

It is here for comparison and for what is bright. At 100 photons in a frame a line is found to 0.6 meV only,
and of two emitters it follows whichever is brighter.
"""

from __future__ import annotations

import numpy as np

from spq.spectroscopy.records import FrameSeries

Array = np.ndarray


def brightest_pixel(frames: FrameSeries) -> Array:
    """Energy (frames,) in eV of the brightest pixel of each frame, all strips together.

    Masked pixels of the `frames` are left out; NaN in a frame in which no pixel is brighter than all others.
    Raises nothing.
    """
    light = np.nansum(frames.counts, axis=1)
    light = np.where(np.isfinite(frames.counts).any(axis=1), light, -np.inf)
    alone = (light == light.max(axis=1, keepdims=True)).sum(axis=1) == 1
    return np.where(alone, frames.energy[light.argmax(axis=1)], np.nan)
