"""Which line is which emitter: the likeliest path of all emitters through the frames.

In a frame each emitter has one of the peaks or is dark. With log L of that choice, the chance of a step Δ
from one frame to the next, (1 - ε) N(Δ; s) + ε/R (R: the range of energies: a jump goes anywhere), and how
often an emitter is near an energy, the likeliest path is found by dynamic programming: A. J. Viterbi,
IEEE Trans. Inf. Theory 13, 260 (1967). Only identities are taken from it, never an energy.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from spq.spectroscopy.trackpeaks import PER_LINE, Peaks

Array = np.ndarray

JUMP, DARKER, LIGHTER = 0.05, 0.03, 0.2
"""Chances per frame of a jump, of going dark, and of coming back."""
STEP, HOME = 0.6, 2.5
"""Usual step from frame to frame, and the width by which the energies of an emitter are blurred into what is
usual for it, in widths of a line."""
USUAL = 0.97
"""Chance that an emitter is where it is usual for it."""
SURE = 15.0
"""Most that one frame counts against a choice: an emitter that jumps within a frame has two lines in it."""


def follow(peaks: Peaks, emitters: int, width_meV: float) -> Array:
    """Energies (frames, emitters) in meV of the peaks that each emitter takes; NaN: dark.

    width: of a line.
    """
    states, of_set = _assignments(peaks, emitters)
    score = peaks.gains - PER_LINE * np.array([len(each) for each in peaks.sets])
    score = np.maximum(score, score.max(axis=1, keepdims=True) - SURE)
    emission = np.where(np.isfinite(peaks.gains), score, -np.inf)[:, of_set]
    span = float(np.nanmax(peaks.energies) - np.nanmin(peaks.energies)) + 8.0 * width_meV
    path = _ordered(peaks, emitters)
    steps = _steps(peaks, STEP * width_meV, span)
    for _ in range(2):
        usual = _usual(peaks, path, span, HOME * width_meV)
        path = _viterbi(emission + _home(states, usual), states, steps, peaks.energies)
    return path


def _assignments(peaks: Peaks, emitters: int) -> tuple[Array, Array]:
    """Peak of each emitter (states, emitters), -1: dark, and the set of peaks (states,) of each state."""
    found, of_set = [], []
    for place, chosen in enumerate(peaks.sets):
        padded = (*chosen, *(-1,) * (emitters - len(chosen)))
        for state in sorted(set(permutations(padded))):
            found.append(state)
            of_set.append(place)
    return np.array(found), np.array(of_set)


def _ordered(peaks: Peaks, emitters: int) -> Array:
    """A first path: where the best set has a line of every emitter, they go by their energy."""
    sizes = np.array([len(each) for each in peaks.sets])
    best = (peaks.gains - PER_LINE * sizes).argmax(axis=1)
    path = np.full((len(best), emitters), np.nan)
    for frame in np.flatnonzero(sizes[best] == emitters):
        path[frame] = np.sort(peaks.energies[frame, list(peaks.sets[best[frame]])])[::-1]
    return path


def _usual(peaks: Peaks, path: Array, span: float, blur: float) -> Array:
    """Log of how usual each peak (frames, emitters, peaks) is for each emitter, over that of anywhere."""
    found = np.zeros((len(path), path.shape[1], peaks.energies.shape[1]))
    low, cell = float(np.nanmin(peaks.energies)) - blur, 0.15 * blur
    grid = np.arange(low, low + span + blur, cell)
    for emitter in range(path.shape[1]):
        at = path[np.isfinite(path[:, emitter]), emitter]
        if not len(at):
            continue
        number = np.histogram(at, np.append(grid - 0.5 * cell, grid[-1] + 0.5 * cell))[0]
        kernel = np.exp(-0.5 * ((grid[:, None] - grid) / blur) ** 2) / (blur * np.sqrt(2.0 * np.pi))
        density = kernel @ number / len(at)
        logs = np.log(USUAL * density * span + 1.0 - USUAL)
        found[:, emitter] = np.interp(np.nan_to_num(peaks.energies, nan=low), grid, logs)
    return found


def _home(states: Array, usual: Array) -> Array:
    """The same of each state (frames, states), summed over its emitters that are lit."""
    padded = np.pad(usual, ((0, 0), (0, 0), (0, 1)))  # the last, of place -1, is dark
    each = [padded[:, emitter, states[:, emitter]] for emitter in range(states.shape[1])]
    return np.sum(each, axis=0)


def _steps(peaks: Peaks, step_meV: float, span: float) -> Array:
    """Log chances (frames - 1, peaks + 1, peaks + 1) of steps between frames, the last place: dark."""
    apart = peaks.energies[1:, None, :] - peaks.energies[:-1, :, None]
    near = np.exp(-0.5 * (apart / step_meV) ** 2) * span / (step_meV * np.sqrt(2.0 * np.pi))
    lit = np.log((1.0 - JUMP) * np.nan_to_num(near) + JUMP) + np.log(1.0 - DARKER)
    frames, before, after = lit.shape
    found = np.full((frames, before + 1, after + 1), np.log(1.0 - LIGHTER))
    found[:, :-1, :-1] = lit
    found[:, :-1, -1] = np.log(DARKER)
    found[:, -1, :-1] = np.log(LIGHTER)
    return found


def _viterbi(emission: Array, states: Array, steps: Array, energies: Array) -> Array:
    frames, number = emission.shape
    back = np.zeros((frames, number), dtype=np.int64)
    total = emission[0].copy()
    for frame in range(1, frames):
        trials = total[:, None] + sum(
            steps[frame - 1][np.ix_(states[:, each], states[:, each])] for each in range(states.shape[1])
        )
        back[frame] = trials.argmax(axis=0)
        total = trials.max(axis=0) + emission[frame]
    path = np.empty(frames, dtype=np.int64)
    path[-1] = total.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    padded = np.pad(energies, ((0, 0), (0, 1)), constant_values=np.nan)
    return padded[np.arange(frames)[:, None], states[path]]
