"""Emission of a charging state on whatever its model was prepared as: in the mean field, or correlated."""

from __future__ import annotations

import numpy as np

from spq.carriers import State
from spq.correlated import Line, Lines, Lost, line
from spq.correlation import Correlation
from spq.hartree import System
from spq.snapshots import Snapshots
from spq.transition import Transition, continued, converged, many, uncharged

Problem = System | Correlation
Found = Transition | Line | Lost


def without_charges(problem: Problem, state: State, final_state: str) -> Transition | Line:
    """The emission without surface charges and field; raises ConvergenceError."""
    if isinstance(problem, Correlation):
        return line(problem, state)
    return uncharged(problem, state, final_state)


def with_charges(
    problem: Problem, bare: Transition | Line, external: np.ndarray, final_state: str
) -> Transition | Line:
    """The emission in one field; raises ConvergenceError."""
    if isinstance(problem, Correlation):
        return line(problem, bare.state, external)
    assert isinstance(bare, Transition)
    return converged(continued(problem, bare.state, external[None], bare, final_state)[0])


def in_fields(
    problem: Problem, bare: Transition | Line, externals: np.ndarray, final_state: str
) -> list[Transition] | list[Line | Lost]:
    """The emission in each of b fields (b, ...); what does not converge says so."""
    if isinstance(problem, Correlation):
        assert isinstance(bare, Line)
        return Lines(problem, bare).solve(externals)
    assert isinstance(bare, Transition)
    return many(problem, externals, bare, final_state)


def solver(problem: Problem, bare: Transition | Line, final_state: str) -> Snapshots | Lines:
    """What solves for a state in many fields."""
    if isinstance(problem, Correlation):
        assert isinstance(bare, Line)
        return Lines(problem, bare)
    assert isinstance(bare, Transition)
    return Snapshots(problem, bare, final_state)
