"""The chain of states in continuous time: exponential dwells, then a move drawn by its rate.

P(dwell > t) = exp(-k t) with k the sum of the rates of all moves out of the state (D. T. Gillespie,
J. Comput. Phys. 22, 403 (1976)).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from spq.spectroscopy.simulation import Step, Switching


@dataclass(frozen=True)
class ChainState:
    """Charges of the dots in e, site of the surface charge (from 0), and which dots are quenched."""

    charges: tuple[int, ...]
    site: int
    quenched: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Chain:
    """What one particle did.

    emitters: dots (from 0) that it governs; states: all that there are; begins: s, (n,), the first is 0;
    index: (n,) of the state from then on; end: s.
    """

    emitters: tuple[int, ...]
    states: tuple[ChainState, ...]
    begins: np.ndarray
    index: np.ndarray
    end: float

    @property
    def dwells(self) -> np.ndarray:
        """Time in s (n,) spent in each."""
        return np.diff(self.begins, append=self.end)

    def at(self, times: np.ndarray) -> np.ndarray:
        """Index of the state at times in s, of the same shape."""
        return self.index[np.searchsorted(self.begins, times, side="right") - 1]


def chain_states(
    charges: tuple[int, ...], dots: int, sites: int, switching: Switching, emitters: tuple[int, ...]
) -> tuple[ChainState, ...]:
    """All states of some emitters of a particle; the other dots stay neutral. It begins in the first."""
    own = [charges if dot in emitters else (0,) for dot in range(dots)]
    quenching = (False, True) if switching.quenching else (False,)
    quenched = [quenching if dot in emitters else (False,) for dot in range(dots)]
    return tuple(
        ChainState(state, site, dark)
        for state in itertools.product(*own)
        for site in range(sites)
        for dark in itertools.product(*quenched)
    )


def rate_matrix(
    states: tuple[ChainState, ...], sites: int, switching: Switching, emitters: tuple[int, ...]
) -> np.ndarray:
    """Rates (from, to) per s of all moves of some emitters between states; zero on the diagonal."""
    place = {state: i for i, state in enumerate(states)}
    charges = sorted({charge for state in states for charge in state.charges})
    rates = np.zeros((len(states), len(states)))

    def add(start: int, target: ChainState, rate: float) -> None:
        if target in place:
            rates[start, place[target]] += rate

    for i, state in enumerate(states):
        others = [site for site in range(sites) if site != state.site]
        for site in others:
            add(i, ChainState(state.charges, site, state.quenched), switching.hopping)
        for dot in emitters:
            charge = state.charges[dot]
            for target in [0] if charge else [each for each in charges if each]:
                rate = switching.discharging if charge else switching.charging
                alone = rate * (1.0 - switching.together) if others else rate
                changed = _with(state.charges, dot, target)
                add(i, ChainState(changed, state.site, state.quenched), alone)
                for site in others:
                    add(i, ChainState(changed, site, state.quenched), rate * switching.together / len(others))
            dark = state.quenched[dot]
            rate = switching.recovering if dark else switching.quenching
            add(i, ChainState(state.charges, state.site, _with(state.quenched, dot, not dark)), rate)
    return rates


def _with(values: tuple, place: int, value) -> tuple:
    return (*values[:place], value, *values[place + 1 :])


def run_chain(
    states: tuple[ChainState, ...],
    rates: np.ndarray,
    emitters: tuple[int, ...],
    end: float,
    generator: np.random.Generator,
) -> Chain:
    """Let a chain run from its first state to `end` in s; rates: of rate_matrix."""
    leave = rates.sum(axis=1)
    cumulated = np.cumsum(rates, axis=1)
    now, state = 0.0, 0
    begins, index = [0.0], [0]
    while leave[state] > 0.0:
        now += generator.exponential(1.0 / leave[state])
        if now >= end:
            break
        drawn = generator.random() * cumulated[state, -1]
        state = int(np.searchsorted(cumulated[state], drawn, side="right"))
        begins.append(now)
        index.append(state)
    return Chain(emitters, states, np.array(begins), np.array(index), end)


def scheduled(steps: tuple[Step, ...], emitters: tuple[int, ...], end: float) -> Chain:
    """The chain that a schedule says, up to `end` in s."""
    steps = tuple(step for step in steps if step.time < end)
    visited = [ChainState(step.charges, step.site, step.quenched) for step in steps]
    states = tuple(dict.fromkeys(visited))
    index = np.array([states.index(state) for state in visited])
    return Chain(emitters, states, np.array([step.time for step in steps]), index, end)


def moved(before: ChainState, after: ChainState) -> list[str]:
    """What moved between two states: "charge 1", "surface", "quenching 2"."""
    found = [
        f"charge {i}"
        for i, (old, new) in enumerate(zip(before.charges, after.charges, strict=True), 1)
        if old != new
    ]
    found += ["surface"] if before.site != after.site else []
    pairs = enumerate(zip(before.quenched, after.quenched, strict=True), 1)
    return found + [f"quenching {i}" for i, (old, new) in pairs if old != new]
