"""Where lines may be in each frame, and how likely every choice of them is.

Peaks of the smoothed spectrum are the places a line may have. For each set of up to n of them the amounts N_l
of greatest likelihood are found by expectation and maximisation, N_l ← N_l Σ_i s_li y_i/μ_i / Σ_i s_li:
W. H. Richardson, J. Opt. Soc. Am. 62, 55 (1972); a replica is no line, since sets are compared with replicas.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spq.spectroscopy.linemodel import FWHM, LineShape, profile
from spq.spectroscopy.trackdata import TrackData

Array = np.ndarray

PEAKS = 6
ROUNDS = 12
PER_LINE = 6.0
"""Gain of the log-likelihood that a line must bring: logarithm of the places it could have."""
SHARE = 0.15
"""Of the light of the brightest line that another must have to be counted as an emitter."""
OFTEN = 0.25
"""Share of the lit frames in which a number of lines must be seen."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """Places of lines and sets of them.

    energies: (frames, peaks) in meV, NaN where there is none. sets: tuples of peaks, the first empty. gains:
    (frames, sets) log-likelihood over that of no line. photons: (frames, sets, most) over the noise factor.
    """

    energies: Array
    sets: tuple[tuple[int, ...], ...]
    gains: Array
    photons: Array


def find_peaks(data: TrackData, shape: LineShape, most: int) -> Peaks:
    """Peaks of all frames and the likelihood of each set of at most `most` of them."""
    energies = _places(data, shape)
    shares = profile(data.edges, 1e-3 * np.nan_to_num(energies, nan=data.centres.mean()), shape)
    shares *= np.isfinite(energies)[:, :, None]
    background = rough_background(data)[:, None] * data.seen
    sets: list[tuple[int, ...]] = [()]
    gains = [np.zeros((len(shares), 1))]
    photons = [np.zeros((len(shares), 1, most))]
    for number in range(1, most + 1):
        chosen = list(combinations(range(energies.shape[1]), number))
        gain, amount = _gains(data, background, shares, np.array(chosen))
        there = np.isfinite(energies)[:, np.array(chosen)].all(axis=2)
        sets += chosen
        gains.append(np.where(there, gain, -np.inf))
        photons.append(np.pad(amount, ((0, 0), (0, 0), (0, most - number))))
    return Peaks(energies, tuple(sets), np.concatenate(gains, axis=1), np.concatenate(photons, axis=1))


def rough_background(data: TrackData) -> Array:
    """Mean (frames,) of the darker half of the pixels, where they are dark on average; with `added`."""
    seen = np.maximum(data.seen.sum(axis=0), 1.0)
    mean = data.counts.sum(axis=0) / seen
    dark = mean <= np.median(mean)
    pixels = np.maximum(data.seen[:, dark].sum(axis=1), 1.0)
    each = data.counts[:, dark].sum(axis=1) / pixels
    return np.maximum(each, max(0.2 * float(mean[dark].mean()), 1e-4))


def score(peaks: Peaks) -> float:
    """How well the best sets of all frames explain them, each line paid for."""
    return float((peaks.gains - PER_LINE * _sizes(peaks)).max(axis=1).sum())


def number_of_emitters(peaks: Peaks) -> int:
    """The largest number of lines that is seen often enough; 0 if there is no light."""
    best = (peaks.gains - PER_LINE * _sizes(peaks)).argmax(axis=1)
    amounts = peaks.photons[np.arange(len(best)), best]
    strong = (amounts > SHARE * amounts.max(axis=1, keepdims=True)).sum(axis=1)
    lit = int((strong > 0).sum())
    if not lit:
        return 0
    often = [(strong >= number).sum() >= OFTEN * lit for number in range(1, amounts.shape[1] + 1)]
    return int(np.flatnonzero(often).max()) + 1


def _sizes(peaks: Peaks) -> Array:
    return np.array([len(each) for each in peaks.sets])


def _places(data: TrackData, shape: LineShape) -> Array:
    """The highest peaks (frames, PEAKS) of spectra smoothed by the width of a line, in meV."""
    pixel = np.abs(np.gradient(data.centres)).mean()
    smooth = gaussian_filter1d(data.counts, max(shape.width_meV / FWHM / pixel, 0.7), axis=1)
    middle = smooth[:, 1:-1]
    top = (middle >= smooth[:, :-2]) & (middle > smooth[:, 2:])
    height = np.where(top, middle, -np.inf)
    order = np.argsort(-height, axis=1)[:, :PEAKS]
    rows = np.arange(len(order))[:, None]
    bend = smooth[rows, order] - 2.0 * smooth[rows, order + 1] + smooth[rows, order + 2]
    lean = 0.5 * (smooth[rows, order] - smooth[rows, order + 2]) / np.minimum(bend, -1e-12)
    place = order + 1 + np.clip(lean, -0.5, 0.5)
    energies = np.interp(place, np.arange(len(data.centres)), data.centres)
    return np.where(np.isfinite(height[rows, order]), energies, np.nan)


def _gains(data: TrackData, background: Array, shares: Array, chosen: Array) -> tuple[Array, Array]:
    """Gains (frames, sets) and amounts (frames, sets, lines) of sets (sets, lines) of equal size."""
    # half the memory: these gains choose between sets, they are not what is reported
    columns = shares.astype(np.float32)[:, chosen]
    background = background.astype(np.float32)
    seen = np.maximum(np.matmul(columns, data.seen.astype(np.float32)[:, None, :, None])[..., 0], 1e-9)
    counts, base = data.counts[:, None].astype(np.float32), background[:, None]
    light = np.maximum((data.counts - background).sum(axis=1), 1.0)
    amounts = np.broadcast_to(light[:, None, None] / chosen.shape[1], seen.shape).astype(np.float32)
    dark = np.where(data.seen > 0, np.maximum(background, 1e-12), 1.0)
    for _ in range(ROUNDS):
        means = np.maximum(base + np.matmul(amounts[:, :, None], columns)[:, :, 0], 1e-12)
        pull = np.matmul(columns, (counts / means)[..., None])[..., 0]
        amounts = np.maximum(amounts * pull / seen, 0.0)
    added = np.matmul(amounts[:, :, None], columns)[:, :, 0]
    ratio = np.log1p(added / dark[:, None])
    return np.einsum("tsp,tp->ts", ratio, data.counts) - (amounts * seen).sum(axis=2), amounts
