"""States of a particle from its spectra and time gates: a hidden Markov model with spectral diffusion in it.

Frame t is in state k, its spectrum shifted by s. Counts y_ti of spectral bin i and n_tg of time gate g
are Poisson with means m_k(i - s) and g_kg,

    log L_t(k, s) = Σ_i (y_ti/F) log m_k(i - s) - m_k(i - s)/F + Σ_g n_tg log g_kg - g_kg,

F the excess noise of the camera. State and shift are one chain: states change with P_kl, the shift follows an
Ornstein-Uhlenbeck process, so that slow diffusion is no new state. P, m, g and the size of the diffusion are
those of greatest likelihood, by expectation and maximisation: L. E. Baum et al., Ann. Math. Stat. 41, 164
(1970). There are at first more states than needed; those with too few frames are dropped, and two that agree
in their gates and, but for a common shift, in their spectra are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.clustermerge import most_alike
from spq.spectroscopy.clusterstart import grouped
from spq.spectroscopy.diffusingchain import Passed, drifting, forward_backward
from spq.spectroscopy.records import FrameSeries

Array = np.ndarray

BIN = 2
"""Pixels of a spectral bin."""
REACH_meV = 15.0
"""Largest shift in either direction that is looked at."""
ROUNDS, SETTLED = 40, 1e-5
FEWEST = 3.0
"""Frames that a state must have."""
SELDOM = 0.02
"""Chance of a change per frame before anything is known."""


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
        Which states were merged or dropped, and why.
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


@dataclass(frozen=True, eq=False)
class _Data:
    """Light (frames, bins) over F, gates (frames, gates), meV of a bin, most shift in bins."""

    light: Array
    gates: Array
    bin_meV: float
    reach: int


@dataclass(frozen=True, eq=False)
class _Model:
    """Means of light (states, bins) and gates (states, gates), chain, diffusion in bins (step, spread)."""

    light: Array
    gates: Array
    transitions: Array
    start: Array
    step: float
    spread: float


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
    data = _data(frames, gates)
    count = len(data.light)
    if count < 2 or not (data.light.any() or data.gates.any()):
        why = "there is one frame alone" if count < 2 else "there is no light"
        return _undetermined(count, f"states: not determined, for {why}")
    best: tuple[_Model, Passed, tuple[str, ...]] | None = None
    for number in range(starts):
        labels = grouped(data.light, data.gates, min(most, count), seed + number)
        tried = _reduced(data, _first(data, labels))
        if best is None or _score(data, tried) > _score(data, best):
            best = tried
    assert best is not None
    return _described(data, *best)


def _data(frames: FrameSeries, gates: Array | None) -> _Data:
    """Binned light and gates; raises InputError."""
    light = np.nansum(frames.counts, axis=1) / frames.excess
    light = light[:, : light.shape[1] - light.shape[1] % BIN].reshape(len(light), -1, BIN).sum(axis=2)
    if gates is None:
        gates = np.zeros((len(light), 0))
    gates = np.asarray(gates, dtype=float)
    if gates.ndim != 2 or len(gates) != len(light) or not np.all(np.isfinite(gates)) or np.any(gates < 0):
        raise InputError(f"gates: shape {gates.shape}: must be counts >= 0 of shape ({len(light)}, gates)")
    width = 1e3 * abs(float(frames.energy[0] - frames.energy[-1])) / max(len(frames.energy) - 1, 1) * BIN
    reach = int(min(max(np.ceil(REACH_meV / width), 1), light.shape[1] // 4))
    return _Data(light, gates, width, reach)


def _first(data: _Data, labels: Array) -> _Model:
    """A model of groups of frames."""
    chances = np.zeros((len(labels), int(labels.max()) + 1, 2 * data.reach + 1))
    chances[np.arange(len(labels)), labels, data.reach] = 1.0
    number = chances.shape[1]
    moves = np.full((number, number), 1e-3)
    np.add.at(moves, (labels[:-1], labels[1:]), 1.0)
    step = 0.3 / data.bin_meV
    return _maximised(data, Passed(chances, moves, step, -np.inf), 1.5 / data.bin_meV)


def _maximised(data: _Data, found: Passed, spread: float) -> _Model:
    """The model of greatest likelihood for given chances."""
    chances, reach = found.chances, data.reach
    weight = np.maximum(chances.sum(axis=(0, 2)), 1e-9)
    bins = data.light.shape[1]
    padded = np.pad(data.light, ((0, 0), (reach, reach)))
    light = np.zeros((len(weight), bins))
    for shift in range(2 * reach + 1):
        light += chances[:, :, shift].T @ padded[:, shift : shift + bins]
    # half a photon of the mean of all bins, so that no bin is impossible
    whole = max(float(data.light.mean()), 1e-6)
    light = np.maximum(light + 0.5, 1e-3) / (weight[:, None] + 0.5 / whole)
    gates = chances.sum(axis=2).T @ data.gates
    gates = (gates + 0.5) / (weight[:, None] + 0.5 / np.maximum(data.gates.mean(axis=0), 1e-6))
    moves = found.moves + SELDOM / len(weight) + np.eye(len(weight)) * (1.0 - SELDOM)
    step = min(max(found.step, 0.3), 2.0)
    start = chances[0].sum(axis=1) + 1e-3
    return _Model(
        light,
        gates,
        moves / moves.sum(axis=1, keepdims=True),
        start / start.sum(),
        step,
        max(spread, 1.01 * step),
    )


def _expected(data: _Data, model: _Model) -> Passed:
    """Chances of states and shifts under a model."""
    reach, number = data.reach, len(model.light)
    bins = model.light.shape[1]
    logs = np.log(np.pad(model.light, ((0, 0), (reach, reach)), mode="edge"))
    shifted = np.stack([logs[:, 2 * reach - s : 2 * reach - s + bins] for s in range(2 * reach + 1)], axis=1)
    table = (data.light @ shifted.reshape(-1, bins).T).reshape(len(data.light), number, -1)
    table -= model.light.sum(axis=1)[:, None]
    table += (data.gates @ np.log(model.gates).T - model.gates.sum(axis=1))[:, :, None]
    kernel, before = drifting(reach, model.step, model.spread)
    return forward_backward(table, model.transitions, model.start, kernel, before)


def _settled(data: _Data, model: _Model, rounds: int = ROUNDS) -> tuple[_Model, Passed]:
    """Expectation and maximisation until the likelihood stays."""
    shifts = np.arange(-data.reach, data.reach + 1)
    found = _expected(data, model)
    for _ in range(rounds):
        mean = found.chances.sum(axis=1) @ shifts**2
        model = _maximised(data, found, float(np.sqrt(mean.mean())))
        old, found = found.log_likelihood, _expected(data, model)
        if abs(found.log_likelihood - old) < SETTLED * abs(old):
            break
    return model, found


def _reduced(data: _Data, model: _Model) -> tuple[_Model, Passed, tuple[str, ...]]:
    """The model without states that have too few frames, and with those alike made one."""
    merges: list[str] = []
    model, found = _settled(data, model)
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
        model = _maximised(data, Passed(chances, moves, found.step, found.log_likelihood), model.spread)
        model, found = _settled(data, model, 12)
    return model, found, tuple(merges)


def _score(data: _Data, tried: tuple[_Model, Passed, tuple[str, ...]]) -> float:
    """Log-likelihood less half of BIC's penalty, a state counting its gates and the bins that are lit."""
    model, found, _ = tried
    lit = int((model.light > 2.0 * np.median(model.light)).any(axis=0).sum())
    free = len(model.light) * (lit + data.gates.shape[1] + len(model.light) - 1)
    return found.log_likelihood - 0.5 * free * np.log(len(data.light))


def _described(data: _Data, model: _Model, found: Passed, merges: tuple[str, ...]) -> Clusters:
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
