"""Spectra of all frames as the likelihood of tracks takes them.

With excess noise F and read-out noise of variance s² a pixel's light y enters as y/F + s²/F with mean
μ/F + s²/F: D. L. Snyder et al., J. Opt. Soc. Am. A 12, 272 (1995). F is that of the camera; of counts that
are no photons it is estimated from the scatter of frame against frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.cosmicrays import read_noise
from spq.spectroscopy.linemodel import energy_edges
from spq.spectroscopy.records import FrameSeries

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class TrackData:
    """What is fitted.

    counts: (frames, pixels), light over the noise factor plus `added`, 0 where masked. seen: (frames, pixels)
    1 where not masked. edges: (pixels + 1,) in eV, descending. centres: (pixels,) in meV. factor: what counts
    were divided by. added: of the read-out.
    """

    counts: Array
    seen: Array
    edges: Array
    centres: Array
    factor: float
    added: float

    def part(self, frames: Array) -> TrackData:
        """Some of the frames."""
        return TrackData(
            self.counts[frames], self.seen[frames], self.edges, self.centres, self.factor, self.added
        )


def track_data(frames: FrameSeries) -> TrackData:
    """Spectra of both strips together; a pixel that is masked in one strip is masked."""
    light = frames.counts.sum(axis=1)
    seen = np.isfinite(light)
    edges = energy_edges(frames.wavelength)
    factor, read = noise_of(frames, light)
    counts = np.where(seen, light / factor + read / factor, 0.0)
    centres = 500.0 * (edges[1:] + edges[:-1])
    return TrackData(counts, seen.astype(float), edges, centres, factor, read / factor)


def noise_of(frames: FrameSeries, light: Array) -> tuple[float, float]:
    """Factor of the noise and variance of the read-out of one pixel of light (frames, pixels).

    Photons have the excess noise of the camera and what pixels without light show. Counts that are no photons
    have a factor of their own, so that their noise is that of frame against frame: half the median of
    (y_t - y_{t-1})² over the mean, of each pixel.
    """
    if not np.isfinite(light).any():
        return frames.excess, 0.0
    if frames.unit == "photons":
        return frames.excess, len(frames.strips) * read_noise(frames.counts) ** 2
    steps = np.diff(light, axis=0)
    if not np.isfinite(steps).any():
        return frames.excess, 0.0
    squares = np.nanmedian(np.where(np.isfinite(steps), steps, np.nan) ** 2, axis=0) / (2.0 * 0.455)
    mean = np.maximum(np.nanmedian(light, axis=0), 1e-9)
    return max(frames.excess, float(np.nanmedian(squares / mean))), 0.0
