"""States that hide in one because their lines also drift: told apart by what is passed within a frame.

Where the lines of two emitters drift apart by as much as another state moves one of them, the spectra of both
states are the same but for diffusion, and only the change tells them from one: at its frame the lines shift
by d_e at once, while diffusion needs many frames. With the line of every emitter e followed through the
frames of a state and cut where it jumps (`find_levels`), a stretch has the offset

    o_e = o_e(before) + d_e,

and stretches of the same offset, within half of the least jump, are one state. A state must be left and come
back to; what jumps once and stays is no state of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spq.spectroscopy.levels import find_levels, shift_between
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.tracks import Tracks, find_tracks

Array = np.ndarray

PIXEL_meV = 1.1
"""Width to which pixels are taken together: a jump is far wider, and lines are followed faster."""
JUMP_meV = 7.0
"""Least jump of a line that makes a state."""
STEPS = 4.0
"""The same in standard errors of the jump, diffusion within it included."""
NEAR = 1
"""Frames within which jumps of two emitters are one."""
RETURNS = 2
"""Stretches that a state must have, besides the frames."""


def followed(frames: FrameSeries) -> Tracks:
    """The line of every emitter in every frame, of coarser pixels."""
    energy = 1e3 * abs(float(frames.energy[0] - frames.energy[-1]))
    together = max(1, round(PIXEL_meV * (len(frames.wavelength) - 1) / energy))
    pixels = len(frames.wavelength) - len(frames.wavelength) % together
    counts = frames.counts[:, :, :pixels].reshape(*frames.counts.shape[:2], -1, together).sum(axis=3)
    wavelength = frames.wavelength[:pixels].reshape(-1, together).mean(axis=1)
    return find_tracks(replace(frames, counts=counts, wavelength=wavelength))


def hidden_states(tracks: Tracks, inside: Array, fewest: float) -> Array | None:
    """States (frames,) from 0 that a state hides, or None where it is one.

    inside: bool (frames,), frames of the state; fewest: frames that each must have. A frame that is not
    inside has the state of the last one that is.
    """
    jumps: dict[int, Array] = {}
    emitters = tracks.energies.shape[1]
    for emitter in range(emitters):
        for frame, shift in _jumps(tracks, emitter, inside):
            near = [each for each in jumps if abs(each - frame) <= NEAR]
            jumps.setdefault(near[0] if near else frame, np.zeros(emitters))[emitter] += shift
    if not jumps:
        return None
    begins = sorted(jumps)
    of_stretch = _offsets([jumps[each] for each in begins])
    stretch = np.searchsorted(begins, np.arange(len(inside)), side="right")
    states = _common(of_stretch, stretch[inside], fewest)
    return None if states.max() == 0 else states[stretch]


def _jumps(tracks: Tracks, emitter: int, inside: Array) -> list[tuple[int, float]]:
    """Frames and shifts in meV of the jumps of one emitter, all large enough."""
    values = np.where(inside, 1e3 * tracks.energies[:, emitter], np.nan)
    levels = find_levels(values, 1e3 * tracks.errors[:, emitter])
    bounds = [0, *levels.changes.tolist(), len(levels.frames)]
    found = []
    for first, place, end in zip(bounds[:-2], bounds[1:-1], bounds[2:], strict=True):
        shift, error = shift_between(levels, first, place - 1, place, end - 1)
        if abs(shift) > max(JUMP_meV, STEPS * error):
            found.append((int(levels.frames[place]), shift))
    return found


def _offsets(jumps: list[Array]) -> Array:
    """Number (stretches,) of the offset of each stretch, the first being 0."""
    known, counts, here, numbers = [np.zeros(len(jumps[0]))], [1], 0, [0]
    for jump in jumps:
        offset = known[here] + jump
        apart = [float(np.abs(offset - each).max()) for each in known]
        here = int(np.argmin(apart))
        if apart[here] > 0.5 * JUMP_meV:
            here = len(known)
            known.append(offset)
            counts.append(0)
        counts[here] += 1
        known[here] = known[here] + (offset - known[here]) / counts[here]
        numbers.append(here)
    return np.array(numbers)


def _common(numbers: Array, stretches: Array, fewest: float) -> Array:
    """State (stretches,) of each stretch: those too seldom belong to the one before; stretches: of frames."""
    frames = np.bincount(stretches, minlength=len(numbers))
    kept = [
        each
        for each in np.unique(numbers)
        if frames[numbers == each].sum() >= fewest and (frames[numbers == each] > 0).sum() >= RETURNS
    ]
    if len(kept) < 2:
        return np.zeros(len(numbers), dtype=np.int64)
    states = np.where(np.isin(numbers, kept), numbers, -1)
    for place in range(len(states)):
        if states[place] < 0:
            known = states[:place][states[:place] >= 0]
            states[place] = known[-1] if len(known) else kept[0]
    return np.unique(states, return_inverse=True)[1]
