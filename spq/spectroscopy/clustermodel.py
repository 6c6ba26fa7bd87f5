"""The model of a particle's states: its likeliest means, changes and diffusion.

With p_t(k, s) the chances of state and shift of each frame, which the chain gives, the likeliest means are

    m_k(i) = Σ_ts p_t(k, s) y_t,i+s / Σ_ts p_t(k, s),

and so on in turn until the likelihood stays: L. E. Baum et al., Ann. Math. Stat. 41, 164 (1970).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spq.errors import InputError
from spq.spectroscopy.diffusingchain import Passed, drifting, forward_backward
from spq.spectroscopy.records import FrameSeries

Array = np.ndarray

BIN = 2
"""Pixels of a spectral bin."""
REACH_meV = 15.0
"""Largest shift in either direction that is looked at."""
ROUNDS, SETTLED = 40, 1e-5
SELDOM = 0.02
"""Chance of a change per frame before anything is known."""
FORBIDDEN = 200.0
"""Log-likelihood that a state costs where it cannot be."""


@dataclass(frozen=True, eq=False)
class FrameData:
    """Light (frames, bins) over F, gates (frames, gates), meV of a bin, most shift in bins."""

    light: Array
    gates: Array
    bin_meV: float
    reach: int


@dataclass(frozen=True, eq=False)
class StateModel:
    """Means of light (states, bins) and gates (states, gates), chain, diffusion in bins (step, spread)."""

    light: Array
    gates: Array
    transitions: Array
    start: Array
    step: float
    spread: float


def frame_data(frames: FrameSeries, gates: Array | None) -> FrameData:
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
    return FrameData(light, gates, width, reach)


def first_model(data: FrameData, labels: Array) -> StateModel:
    """A model of groups of frames."""
    chances = np.zeros((len(labels), int(labels.max()) + 1, 2 * data.reach + 1))
    chances[np.arange(len(labels)), labels, data.reach] = 1.0
    number = chances.shape[1]
    moves = np.full((number, number), 1e-3)
    np.add.at(moves, (labels[:-1], labels[1:]), 1.0)
    step = 0.3 / data.bin_meV
    return maximised(data, Passed(chances, moves, step, -np.inf), 1.5 / data.bin_meV)


def maximised(data: FrameData, found: Passed, spread: float) -> StateModel:
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
    return StateModel(
        light,
        gates,
        moves / moves.sum(axis=1, keepdims=True),
        start / start.sum(),
        step,
        max(spread, 1.01 * step),
    )


def expected(data: FrameData, model: StateModel, allowed: Array | None = None) -> Passed:
    """Chances of states and shifts under a model; allowed (frames, states): 0 where a state cannot be."""
    reach, number = data.reach, len(model.light)
    bins = model.light.shape[1]
    logs = np.log(np.pad(model.light, ((0, 0), (reach, reach)), mode="edge"))
    shifted = np.stack([logs[:, 2 * reach - s : 2 * reach - s + bins] for s in range(2 * reach + 1)], axis=1)
    table = (data.light @ shifted.reshape(-1, bins).T).reshape(len(data.light), number, -1)
    table -= model.light.sum(axis=1)[:, None]
    table += (data.gates @ np.log(model.gates).T - model.gates.sum(axis=1))[:, :, None]
    if allowed is not None:
        table -= FORBIDDEN * (1.0 - allowed)[:, :, None]
    kernel, before = drifting(reach, model.step, model.spread)
    return forward_backward(table, model.transitions, model.start, kernel, before)


def settled(
    data: FrameData, model: StateModel, rounds: int = ROUNDS, allowed: Array | None = None
) -> tuple[StateModel, Passed]:
    """Expectation and maximisation until the likelihood stays; allowed (frames, states): 0 where not."""
    shifts = np.arange(-data.reach, data.reach + 1)
    found = expected(data, model, allowed)
    for _ in range(rounds):
        mean = found.chances.sum(axis=1) @ shifts**2
        model = maximised(data, found, float(np.sqrt(mean.mean())))
        old, found = found.log_likelihood, expected(data, model, allowed)
        if abs(found.log_likelihood - old) < SETTLED * abs(old):
            break
    return model, found


def score(data: FrameData, tried: tuple[StateModel, Passed, tuple[str, ...]]) -> float:
    """Log-likelihood less half of BIC's penalty, a state counting its gates and the bins that are lit."""
    model, found, _ = tried
    lit = int((model.light > 2.0 * np.median(model.light)).any(axis=0).sum())
    free = len(model.light) * (lit + data.gates.shape[1] + len(model.light) - 1)
    return found.log_likelihood - 0.5 * free * np.log(len(data.light))
