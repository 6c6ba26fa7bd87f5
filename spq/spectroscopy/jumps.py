"""Jumps of the emitters: which are simultaneous, how sure that is, and limits where there is none.

At a frame where a track changes, or the state of the particle does, each emitter shifts by d with error σ
(diffusion within it). In two dimensions the likelihood ratio of both emitters jumping against one alone is

    ln L(both) - ln L(one) = min_e d_e²/2σ_e²,

whatever the noise they have in common: the free shift of the one takes up all but the other's own. A shift
that is not significant is no value but an upper limit, which holds with a confidence of 0.95.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc, ndtri

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.coincidence import NEAR, coincidence_of, false_discovery, limits_of
from spq.spectroscopy.levels import Levels, find_levels, shift_between
from spq.spectroscopy.tracks import Tracks

Array = np.ndarray

CONFIDENCE = 0.95
GAP = 3
"""Frames without an energy beyond which the time of a jump is not known."""
EQUAL = 2.0
"""Standard errors within which shifts are the same: a common drift."""


@dataclass(frozen=True, eq=False)
class Jumps:
    """Jumps of the emitters of a particle, in the order of time.

    Attributes
    ----------
    frame : int (jumps,)
        First frame of the new state.
    size_meV : float (jumps, emitters)
        Shift to the blue; NaN where it is not significant or not determined.
    error_meV : float (jumps, emitters)
        Standard error of the shift; NaN where not determined.
    limit_meV : float (jumps, emitters)
        Upper limit of |shift| with confidence 0.95 where it is not significant, else NaN; that it is not is
        taken into account, so that a shift that is nearly significant has a high limit, or an infinite one.
    p_values, q_values : float (jumps, emitters)
        Of no shift; the emitters whose own track was searched pay for all frames. q: share of false
        discoveries among all that are as significant.
    coincident : bool (jumps,)
        At least two emitters jump together, not as a common drift, in a run with more coincidences than
        chance makes.
    likelihood_ratio, coincidence_q : float (jumps,)
        ln of the ratio of at least two emitters jumping against one alone, and its share of false
        discoveries; NaN where fewer than two are determined.
    common_drift : bool (jumps,)
        All emitters that are determined shift by the same, in the same direction: no evidence of charges.
    run_p_value : float
        That as many jumps coincide by chance; NaN where two emitters do not jump.
    chance : float
        Coincidences that chance makes on average in such a run; NaN as before.
    diffusion_meV : float (emitters,)
        Step of each emitter from frame to frame without jumps, standard deviation.
    warnings : tuple of str
    """

    frame: Array
    size_meV: Array
    error_meV: Array
    limit_meV: Array
    p_values: Array
    q_values: Array
    coincident: Array
    likelihood_ratio: Array
    coincidence_q: Array
    common_drift: Array
    run_p_value: float
    chance: float
    diffusion_meV: Array
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Change:
    """A change of one emitter: first frame of the new stretch, places beside it, whether it is in time."""

    emitter: int
    frame: int
    before: int
    after: int


def find_jumps(tracks: Tracks, states: Array | None = None, *, level: float = 0.05) -> Jumps:
    """Find the jumps of tracks.

    Parameters
    ----------
    tracks : Tracks
    states : int (frames,) or None
        State of each frame; frames at which it changes are looked at as well.
    level : float
        Of false discoveries, and of the p-value of the run.

    Returns
    -------
    Jumps

    Raises
    ------
    InputError
        If these are no tracks, states are not of these frames, or level is not between 0 and 1.
    """
    if not isinstance(tracks, Tracks):
        raise InputError(f"tracks: a {type(tracks).__name__}: must be Tracks")
    level = checks.number(level, "level", above=0.0)
    if level >= 1.0:
        raise InputError(f"level = {level:.10g}: must be < 1")
    frames, emitters = tracks.energies.shape
    turns = _turns(states, frames)
    levels = [find_levels(1e3 * tracks.energies[:, e], 1e3 * tracks.errors[:, e]) for e in range(emitters)]
    changes, warnings = [], []
    for emitter, each in enumerate(levels):
        if len(each.frames) < 3:
            warnings.append(f"jumps of emitter {emitter + 1}: not determined, for fewer than 3 frames are")
        timed, untimed = _changes_of(emitter, each)
        changes += timed
        if untimed:
            warnings.append(
                f"jumps of emitter {emitter + 1}: {untimed} left out, within more than {GAP} dark frames"
            )
    groups = _grouped(changes, turns)
    shifts, errors, p = _measured(groups, levels, frames)
    return _described(groups, shifts, errors, p, levels, frames, level, warnings)


def _turns(states: Array | None, frames: int) -> Array:
    """Frames at which the state changes; raises InputError."""
    if states is None:
        return np.empty(0, dtype=np.int64)
    found = np.asarray(states)
    if found.shape != (frames,):
        raise InputError(f"states: shape {found.shape}: must be ({frames},), one per frame")
    return np.flatnonzero(found[1:] != found[:-1]) + 1


def _changes_of(emitter: int, levels: Levels) -> tuple[list[_Change], int]:
    """Changes of one emitter, and how many are not known in time.

    A single frame between two levels, in which the emitter jumped, belongs to neither.
    """
    found, untimed, skip = [], 0, False
    bounds = [0, *levels.changes.tolist(), len(levels.frames)]
    for number in range(1, len(bounds) - 1):
        if skip:
            skip = False
            continue
        place = bounds[number]
        before, after = place - 1, place
        if bounds[number + 1] == place + 1 < len(levels.frames):
            shift, error = shift_between(
                levels, bounds[number - 1], before, place + 1, bounds[number + 2] - 1
            )
            if abs(shift) > 4.0 * error:
                after, skip = place + 1, True
        if levels.frames[after] - levels.frames[before] > GAP + 1:
            untimed += 1
            continue
        found.append(_Change(emitter, int(levels.frames[after]), before, after))
    return found, untimed


def _grouped(changes: list[_Change], turns: Array) -> list[tuple[int, dict[int, _Change]]]:
    """Frame and changes of the emitters that are simultaneous; changes of state that have none."""
    found: list[tuple[int, dict[int, _Change]]] = []
    for change in sorted(changes, key=lambda each: each.frame):
        if found and change.frame - found[-1][0] <= NEAR and change.emitter not in found[-1][1]:
            found[-1][1][change.emitter] = change
        else:
            found.append((change.frame, {change.emitter: change}))
    known = np.array([frame for frame, _ in found], dtype=np.int64)
    for turn in turns:
        if not len(known) or np.abs(known - turn).min() > NEAR:
            found.append((int(turn), {}))
    return sorted(found, key=lambda each: each[0])


def _measured(
    groups: list[tuple[int, dict[int, _Change]]], levels: list[Levels], frames: int
) -> tuple[Array, Array, Array]:
    """Shifts and errors in meV and p-values (jumps, emitters); NaN where not determined."""
    shifts, errors, p = (np.full((len(groups), len(levels)), np.nan) for _ in range(3))
    for emitter, each in enumerate(levels):
        if len(each.frames) < 3:
            continue
        beside = [_beside(each, frame, of.get(emitter)) for frame, of in groups]
        own = np.append(each.changes, len(each.frames))
        for row, (before, after) in enumerate(beside):
            near = before >= 0 and after < len(each.frames)
            if not near or each.frames[after] - each.frames[before] > GAP + 1:
                continue
            first = max([0, *(a for _, a in beside[:row] if a <= before), *own[own <= before]])
            last = min(
                [len(each.frames), *(b + 1 for b, _ in beside[row + 1 :] if b >= after), *own[own > after]]
            )
            shifts[row, emitter], errors[row, emitter] = shift_between(each, first, before, after, last - 1)
            chance = float(erfc(abs(shifts[row, emitter] / errors[row, emitter]) / np.sqrt(2.0)))
            searched = emitter in groups[row][1]
            p[row, emitter] = (
                -np.expm1(len(each.frames) * np.log1p(-min(chance, 1.0 - 1e-16))) if searched else chance
            )
    return shifts, errors, p


def _beside(levels: Levels, frame: int, own: _Change | None) -> tuple[int, int]:
    """Places before and after a frame, or those of the emitter's own change."""
    if own is not None:
        return own.before, own.after
    after = int(np.searchsorted(levels.frames, frame))
    return after - 1, after


def _described(
    groups: list[tuple[int, dict[int, _Change]]],
    shifts: Array,
    errors: Array,
    p: Array,
    levels: list[Levels],
    frames: int,
    level: float,
    warnings: list[str],
) -> Jumps:
    q = false_discovery(p)
    significant = q <= level
    # the second smallest p: that not one emitter alone jumps
    ranked = np.sort(np.where(np.isfinite(p), p, np.inf), axis=1)
    second = ranked[:, 1] if p.shape[1] > 1 else np.full(len(p), np.inf)
    coincidence_q = false_discovery(np.where(np.isfinite(second), second, np.nan))
    z = np.sort(np.where(np.isfinite(shifts), np.abs(shifts / errors), -1.0), axis=1)
    ratio = 0.5 * z[:, -2] ** 2 if p.shape[1] > 1 else np.full(len(p), np.nan)
    ratio = np.where(np.isfinite(second), ratio, np.nan)
    limits = errors * limits_of(np.abs(shifts / errors), _least(groups, levels, p, q, level), CONFIDENCE)
    drift = _common(shifts, errors, significant)
    jumping = [
        np.array(sorted({frame for (frame, of), d in zip(groups, drift, strict=True) if e in of and not d}))
        for e in range(len(levels))
    ]
    run, chance, _ = coincidence_of(jumping, frames)
    both = (significant.sum(axis=1) >= 2) & (np.nan_to_num(coincidence_q, nan=1.0) <= level)
    if len(levels) > 1 and np.isnan(run):
        warnings.append("coincidence: not determined, for fewer than two emitters jump")
    return Jumps(
        frame=np.array([frame for frame, _ in groups], dtype=np.int64),
        size_meV=np.where(significant, shifts, np.nan),
        error_meV=errors,
        limit_meV=np.where(significant, np.nan, limits),
        p_values=p,
        q_values=q,
        coincident=both & ~drift & bool(run <= level),
        likelihood_ratio=ratio,
        coincidence_q=coincidence_q,
        common_drift=drift,
        run_p_value=run,
        chance=chance,
        diffusion_meV=np.array([np.sqrt(each.walk) if len(each.frames) > 2 else np.nan for each in levels]),
        warnings=tuple(warnings),
    )


def _least(
    groups: list[tuple[int, dict[int, _Change]]], levels: list[Levels], p: Array, q: Array, level: float
) -> Array:
    """Standard errors (jumps, emitters) from which on a shift would have been significant in this run."""
    largest = level * ((q <= level).sum() + 1.0) / max(int(np.isfinite(p).sum()), 1)
    places = np.array(
        [[len(each.frames) if e in of else 1 for e, each in enumerate(levels)] for _, of in groups]
    )
    chance = -np.expm1(np.log1p(-min(largest, level)) / np.maximum(places.reshape(p.shape), 1))
    return -ndtri(0.5 * chance)


def _common(shifts: Array, errors: Array, significant: Array) -> Array:
    """Jumps at which at least two emitters shift significantly and all that are determined by the same."""
    found = np.zeros(len(shifts), dtype=bool)
    for row in np.flatnonzero(significant.sum(axis=1) >= 2):
        known = np.flatnonzero(np.isfinite(shifts[row]))
        weights = 1.0 / errors[row, known] ** 2
        mean = float(weights @ shifts[row, known] / weights.sum())
        # noise in common does not part them: their own is at most what they have
        worst = np.abs(shifts[row, known] - mean) / errors[row, known]
        found[row] = bool((worst <= EQUAL).all())
    return found
