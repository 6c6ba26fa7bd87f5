"""Positions and photons of all lines in each frame, of greatest likelihood; all frames at once.

For every frame Σ_i y_i ln μ_i - μ_i, μ_i = Σ_l N_l s_i(E_l) + b, is made largest by damped Fisher scoring in
(E_l, N_l, b). A line that is dark keeps its place. The errors are those of the inverse of the Fisher
information; the shape of the lines is that of greatest likelihood over all frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.linemodel import LineShape, profile
from spq.spectroscopy.linetable import LineTable, looked_up
from spq.spectroscopy.trackdata import TrackData

Array = np.ndarray

STEPS, SHAPE_STEPS = 25, 8
SETTLED = 1e-4
LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class FrameFits:
    """Energies in meV and photons over the noise factor (frames, lines) with errors; background (frames,)."""

    energies: Array
    photons: Array
    background: Array
    energy_errors: Array
    photon_errors: Array
    background_errors: Array


def fit_frames(data: TrackData, table: LineTable, energies: Array, lit: Array, photons: Array) -> FrameFits:
    """Fit every frame from energies in meV and photons (frames, lines) on; dark lines (not lit) stay."""
    lines = energies.shape[1]
    background = np.maximum(
        (data.counts.sum(axis=1) - photons.sum(axis=1)) / np.maximum(data.seen.sum(axis=1), 1.0), 1e-3
    )
    x = np.concatenate([energies, photons, background[:, None]], axis=1)
    free: Array = np.concatenate([lit, np.ones((len(x), lines + 1), dtype=bool)], axis=1)
    width = 10.0 * table.step
    means, slopes = _model(data, table, x, lines)
    value = _value(data, means)
    damping, active = np.full(len(x), 1e-3), np.asarray(data.seen.any(axis=1))
    for _ in range(STEPS):
        at = np.flatnonzero(active)
        if not len(at):
            break
        part = data.part(at)
        gradient = np.einsum("tkp,tp->tk", slopes[at], part.counts / means[at] - part.seen)
        information = _information(slopes[at], means[at])
        held = ~free[at] | ((x[at] <= LEAST) & (gradient <= 0) & (np.arange(2 * lines + 1) >= lines))
        step = _solved(information, gradient, held, damping[at])
        step[:, :lines] = np.clip(step[:, :lines], -width, width)
        tried = x[at] + step
        tried[:, lines:] = np.maximum(tried[:, lines:], 0.0)
        tried[:, -1] = np.maximum(tried[:, -1], LEAST)
        tried[:, :lines] = np.clip(tried[:, :lines], table.first, table.last)
        new_means, new_slopes = _model(part, table, tried, lines)
        new = _value(part, new_means)
        better = new > value[at]
        growth = np.where(better, new - value[at], np.inf)
        won = at[better]
        x[won], means[won], slopes[won], value[won] = (
            tried[better],
            new_means[better],
            new_slopes[better],
            new[better],
        )
        damping[at] = np.where(better, np.maximum(damping[at] / 10.0, 1e-6), damping[at] * 8.0)
        active[at] = (growth > SETTLED) & (damping[at] < 1e8)
    return _described(x, lines, free, _information(slopes, means), data)


def _described(x: Array, lines: int, free: Array, information: Array, data: TrackData) -> FrameFits:
    held: Array = ~free | (np.einsum("tkk->tk", information) <= 0)
    scale = np.where(held, 1.0, np.sqrt(np.maximum(np.einsum("tkk->tk", information), 1e-300)))
    matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, information)
    matrix /= scale[:, :, None] * scale[:, None, :]
    matrix += np.eye(x.shape[1]) * (held[:, :, None] + 1e-12)
    errors = np.sqrt(np.maximum(np.einsum("tkk->tk", np.linalg.inv(matrix)), 0.0)) / scale
    errors[held | (data.seen.sum(axis=1) == 0)[:, None]] = np.nan
    split = (lines, 2 * lines)
    energies, photons, background = np.split(x, split, axis=1)
    of_energies, of_photons, of_background = np.split(errors, split, axis=1)
    return FrameFits(energies, photons, background[:, 0], of_energies, of_photons, of_background[:, 0])


def _model(data: TrackData, table: LineTable, x: Array, lines: int) -> tuple[Array, Array]:
    """Means (frames, pixels), 1 where masked, and slopes (frames, parameters, pixels), 0 there."""
    shares, slopes = looked_up(table, x[:, :lines])
    amounts = x[:, lines : 2 * lines, None]
    means = (amounts * shares).sum(axis=1) + x[:, -1:] + data.added
    means = np.where(data.seen > 0, np.maximum(means, LEAST), 1.0)
    every = np.concatenate([amounts * slopes, shares, np.ones((len(x), 1, shares.shape[2]))], axis=1)
    return means, every * data.seen[:, None, :]


def _value(data: TrackData, means: Array) -> Array:
    return (data.counts * np.log(means) - data.seen * means).sum(axis=1)


def _information(slopes: Array, means: Array) -> Array:
    return np.matmul(slopes / means[:, None, :], slopes.transpose(0, 2, 1))


def _solved(information: Array, gradient: Array, held: Array, damping: Array) -> Array:
    scale = np.sqrt(np.maximum(np.einsum("tkk->tk", information), 1e-300))
    scale = np.where(held | (scale < 1e-100), 1.0, scale)
    matrix = information / (scale[:, :, None] * scale[:, None, :])
    matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, matrix)
    matrix += np.eye(matrix.shape[1]) * (held[:, :, None] + damping[:, None, None])
    pull = np.where(held, 0.0, gradient / scale)
    return np.linalg.solve(matrix, pull[..., None])[..., 0] / scale


def fit_shape(data: TrackData, fits: FrameFits, shape: LineShape) -> LineShape:
    """The shape of greatest likelihood over all frames: width, ratios and width of the phonons."""
    count = len(shape.ratios)
    x = np.array([shape.width_meV, *shape.ratios, shape.phonon_width_meV])
    pixel = float(np.abs(np.gradient(data.centres)).mean())
    low = np.array([0.3 * pixel, *(0.0,) * count, 0.5])
    high = np.array([40.0 * pixel, *(1.0,) * count, 8.0])
    free = np.flatnonzero([True, *(True,) * count, count > 0])

    def shaped(at: Array) -> LineShape:
        return LineShape(
            shape.kind, float(at[0]), shape.phonons_meV, tuple(map(float, at[1:-1])), float(at[-1])
        )

    def means_of(at: Array) -> Array:
        shares = profile(data.edges, 1e-3 * fits.energies, shaped(at))
        means = np.einsum("tl,tlp->tp", fits.photons, shares) + fits.background[:, None] + data.added
        return np.where(data.seen > 0, np.maximum(means, LEAST), 1.0)

    means = means_of(x)
    value = _value(data, means).sum()
    for _ in range(SHAPE_STEPS):
        steps = np.maximum(1e-3 * x, 1e-3)
        slopes = np.stack(
            [(means_of(x + steps * (np.arange(len(x)) == each)) - means) / steps[each] for each in free]
        )
        slopes = (slopes * data.seen).reshape(len(free), -1)
        gradient = slopes @ (data.counts / means - data.seen).ravel()
        information = (slopes / means.ravel()) @ slopes.T
        step = np.linalg.solve(information + 1e-9 * np.diag(np.diag(information) + 1e-12), gradient)
        for _ in range(6):
            tried = x.copy()
            tried[free] = np.clip(x[free] + step, low[free], high[free])
            new_means = means_of(tried)
            new = _value(data, new_means).sum()
            if new > value:
                break
            step = 0.3 * step
        if not new > value + 0.01:
            break
        x, means, value = tried, new_means, new
    return shaped(x)
