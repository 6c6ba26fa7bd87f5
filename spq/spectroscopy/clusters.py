"""States of a particle from its spectra and time gates: a hidden Markov model with spectral diffusion in it.

Frame t is in state k, its spectrum shifted by s. Counts y_ti of spectral bin i and n_tg of time gate g
are Poisson with means m_k(i - s) and g_kg,

    log L_t(k, s) = Σ_i (y_ti/F) log m_k(i - s) - m_k(i - s)/F + Σ_g n_tg log g_kg - g_kg,

F the excess noise of the camera. State and shift are one chain: states change with P_kl, the shift follows an
Ornstein-Uhlenbeck process, so that slow diffusion is no new state. P, m, g and the size of the diffusion are
those of greatest likelihood, by expectation and maximisation: L. E. Baum et al., Ann. Math. Stat. 41, 164
(1970). There are at first more states than needed; those with too few frames are dropped, and two that agree
in their gates and, but for a common shift, in their spectra are one. Where diffusion is so large that one
line could have drifted as far as a state moves it, what was merged is parted again at jumps of a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.spectroscopy.clusterjumps import followed, hidden_states
from spq.spectroscopy.clustermerge import most_alike, same_gates
from spq.spectroscopy.clustermodel import (
    FrameData,
    StateModel,
    first_model,
    frame_data,
    maximised,
    score,
    settled,
)
from spq.spectroscopy.clusterstart import grouped
from spq.spectroscopy.diffusingchain import Passed
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.tracks import Tracks

Array = np.ndarray

FEWEST = 3.0
"""Frames that a state must have."""
FAR_meV = 2.5
"""Diffusion from which on lines may drift apart as far as a state moves one, so that jumps are looked for."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """States of the frames.

    Attributes
    ----------
    states : int (frames,)
        Likeliest state of each frame, from 0; by falling number of frames.
    probabilities : float (frames, states)
    shifts_meV, shift_errors_meV : float (frames,)
        Common shift of the spectrum by diffusion, to the blue positive, with its standard deviation.
    transitions : float (states, states)
        Chance of each change from one frame to the next; rows sum to 1.
    diffusion_meV : float
        Standard deviation of the shifts.
    log_likelihood : float
    merges : tuple of str
        Which states were merged, dropped or parted, and why.
    warnings : tuple of str
    """

    states: Array
    probabilities: Array
    shifts_meV: Array
    shift_errors_meV: Array
    transitions: Array
    diffusion_meV: float
    log_likelihood: float
    merges: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def changes(self) -> Array:
        """Frames (c,) that begin with another state than the one before."""
        return np.flatnonzero(np.diff(self.states)) + 1


def find_clusters(
    frames: FrameSeries, gates: Array | None = None, *, most: int = 10, seed: int = 0, starts: int = 2
) -> Clusters:
    """Find the states of a particle.

    Parameters
    ----------
    frames : FrameSeries
        Of its strips the sum is taken; masked pixels are left out, a frame without any pixel is seen by its
        gates alone.
    gates : (frames, gates) or None
        Photons of the counter in each frame and time gate, as `time_gates` counts them.
    most : int
        States to begin with.
    seed, starts : int
        Of the random starts, and how many; the likeliest is kept.

    Returns
    -------
    Clusters

    Raises
    ------
    InputError
        If gates are not of these frames or a number is wrong.
    """
    most = checks.integer(most, "most", minimum=1)
    starts = checks.integer(starts, "starts", minimum=1)
    data = frame_data(frames, gates)
    count = len(data.light)
    if count < 2 or not (data.light.any() or data.gates.any()):
        why = "there is one frame alone" if count < 2 else "there is no light"
        return _undetermined(count, f"states: not determined, for {why}")
    best: tuple[StateModel, Passed, tuple[str, ...]] | None = None
    for number in range(starts):
        labels = grouped(data.light, data.gates, min(most, count), seed + number)
        tried = _reduced(data, first_model(data, labels))
        if best is None or score(data, tried) > score(data, best):
            best = tried
    assert best is not None
    if best[0].spread * data.bin_meV > FAR_meV and best[2]:
        best = _parted(data, followed(frames), *best)
    return _described(data, *best)


def _reduced(data: FrameData, model: StateModel) -> tuple[StateModel, Passed, tuple[str, ...]]:
    """The model without states that have too few frames, and with those alike made one."""
    merges: list[str] = []
    model, found = settled(data, model)
    while len(model.light) > 1:
        frames = found.chances.sum(axis=(0, 2))
        least = int(frames.argmin())
        pair = most_alike(model.light, model.gates, frames, model.spread, data.reach, data.bin_meV)
        if frames[least] < FEWEST:
            merges.append(f"a state of {frames[least]:.1f} frames was dropped")
            kept = np.delete(np.arange(len(frames)), least)
            chances = found.chances[:, kept] + 1e-6
            chances /= chances.sum(axis=(1, 2), keepdims=True)
            moves = found.moves[np.ix_(kept, kept)]
        elif pair is not None:
            first, second, text = pair
            merges.append(text)
            onto = np.arange(len(frames))
            onto[second] = first
            onto = np.unique(onto, return_inverse=True)[1]
            sums = np.eye(int(onto.max()) + 1)[onto]
            chances = np.einsum("tks,kl->tls", found.chances, sums)
            moves = sums.T @ found.moves @ sums
        else:
            break
        model = maximised(data, Passed(chances, moves, found.step, found.log_likelihood), model.spread)
        model, found = settled(data, model, 12)
    return model, found, tuple(merges)


def _parted(
    data: FrameData, tracks: Tracks, model: StateModel, found: Passed, merges: tuple[str, ...]
) -> tuple[StateModel, Passed, tuple[str, ...]]:
    """The model with every state parted that hides several, between which lines jump.

    Others with its gates are parted with it if that gives fewer: drift alone may have parted them.
    """
    states = found.chances.sum(axis=2).argmax(axis=1)
    number = len(model.light)
    same = same_gates(model.light, model.gates, found.chances.sum(axis=(0, 2)))
    parts = [hidden_states(tracks, states == state, FEWEST) for state in range(number)]
    columns: list[Array] = []
    allowed: list[Array] = []
    texts, left = [], set(range(number))
    for state in sorted(left, key=lambda each: parts[each] is None):
        if state not in left:
            continue
        group, hidden = [state], parts[state]
        if hidden is not None:
            wider = [each for each in sorted(left) if same[state, each]]
            together = hidden_states(tracks, np.isin(states, wider), FEWEST)
            if together is not None and together.max() < hidden.max() + len(wider) - 1:
                group, hidden = wider, together
            texts.append(f"a state was parted into {hidden.max() + 1}, for a line jumps between them")
        left -= set(group)
        labels = np.zeros(len(states), dtype=np.int64) if hidden is None else hidden
        for label in range(int(labels.max()) + 1):
            columns.append(found.chances[:, group].sum(axis=1) * (labels == label)[:, None])
            allowed.append(labels == label)
    if not texts:
        return model, found, merges
    chances = np.stack(columns, axis=1)
    of_state = chances.sum(axis=2)
    moves = of_state[:-1].T @ of_state[1:]
    model = maximised(data, Passed(chances, moves, found.step, found.log_likelihood), model.spread)
    model, found = settled(data, model, 12, np.stack(allowed, axis=1).astype(float))
    return model, found, (*merges, *texts)


def _described(data: FrameData, model: StateModel, found: Passed, merges: tuple[str, ...]) -> Clusters:
    chances = found.chances.sum(axis=2)
    order = np.argsort(-np.bincount(chances.argmax(axis=1), minlength=chances.shape[1]), kind="stable")
    shifts = data.bin_meV * np.arange(data.reach, -data.reach - 1, -1)  # to longer wavelengths is to the red
    of_shift = found.chances.sum(axis=1)
    mean = of_shift @ shifts
    spread = np.sqrt(np.maximum(of_shift @ shifts**2 - mean**2, 0.0))
    return Clusters(
        states=chances[:, order].argmax(axis=1),
        probabilities=chances[:, order],
        shifts_meV=mean,
        shift_errors_meV=np.sqrt(spread**2 + data.bin_meV**2 / 12.0),
        transitions=model.transitions[np.ix_(order, order)],
        diffusion_meV=model.spread * data.bin_meV,
        log_likelihood=found.log_likelihood,
        merges=merges,
        warnings=(),
    )


def _undetermined(frames: int, reason: str) -> Clusters:
    return Clusters(
        states=np.zeros(frames, dtype=np.int64),
        probabilities=np.ones((frames, 1)),
        shifts_meV=np.full(frames, np.nan),
        shift_errors_meV=np.full(frames, np.nan),
        transitions=np.ones((1, 1)),
        diffusion_meV=np.nan,
        log_likelihood=np.nan,
        merges=(),
        warnings=(reason,),
    )
