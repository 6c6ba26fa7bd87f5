"""Emission energy of a charging state: E_gap + E[initial] − E[final].

The final state is the initial one less the emitting dot's lowest electron and hole, re-converged from
the orbitals that survive (`relaxed`) or kept as they are (`frozen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spq import hartree
from spq.carriers import State
from spq.errors import ConvergenceError
from spq.hartree import Shell, Solution, System


@dataclass(frozen=True, eq=False)
class Transition:
    """Initial and final solution of an emission; energy: E[initial] − E[final] in eV."""

    state: State
    initial: Solution
    final: Solution
    energy: float

    @property
    def iterations(self) -> int:
        """Iterations of both solutions together."""
        return self.initial.iterations + self.final.iterations


def transitions(
    system: System,
    state: State,
    externals: np.ndarray,
    reference: Transition | None = None,
    final_state: str = "relaxed",
    first: Sequence[Solution] | None = None,
) -> list[Transition | Solution]:
    """Solve for the initial and the final states of an emission in b external fields.

    Parameters
    ----------
    system : System
    state : State
    externals : (b, ...) fields of the surface charges
    reference : the same transition without charges, whose orbitals are followed; None: this is it
    final_state : "relaxed" or "frozen"
    first : initial solutions of similar problems to start from

    Returns
    -------
    list of b: a Transition, or the Solution that did not converge
    """
    shells = hartree.configuration(state.electrons, state.holes)
    if reference is None:
        followed = [system.start(shell.kind, shell.dot, shell.level) for shell in shells]
    else:
        followed = list(reference.initial.orbitals)
    count = len(externals)
    followed = [np.tile(orbital, (count, 1)) for orbital in followed]
    densities = None if first is None else np.array([solution.densities for solution in first])
    initial = hartree.solve(system, shells, followed, externals, first=densities)
    found: list[Transition | Solution] = list(initial)
    done = [i for i, solution in enumerate(initial) if solution.converged]
    kept = [initial[i] for i in done]
    if not kept:
        return found
    if final_state == "frozen":
        final = [_frozen(system, state, each, externals[i]) for i, each in zip(done, kept, strict=True)]
    else:
        left = hartree.configuration(*state.final)
        survivors = [np.array([surviving_orbital(each, shell) for each in kept]) for shell in left]
        final = hartree.solve(system, left, survivors, externals[done], hartree.survivor)
    for i, before, after in zip(done, kept, final, strict=True):
        energy = before.energy - after.energy
        found[i] = Transition(state, before, after, energy) if after.converged else after
    return found


def continued(
    system: System,
    state: State,
    externals: np.ndarray,
    reference: Transition,
    final_state: str,
) -> list[Transition | Solution]:
    """Transitions in b fields; one that does not converge at once is reached in steps from no field."""
    found = transitions(system, state, externals, reference, final_state)
    for i, each in enumerate(found):
        if isinstance(each, Transition):
            continue
        first = reference.initial
        for part in (0.25, 0.5, 0.75, 1.0):
            field = part * externals[[i]]
            (reached,) = transitions(system, state, field, reference, final_state, [first])
            found[i] = reached
            if isinstance(reached, Solution):
                break
            first = reached.initial
    return found


def surviving_orbital(initial: Solution, shell: Shell) -> np.ndarray:
    """The initial orbital that a shell of the final state comes from."""
    wanted = (shell.kind, shell.dot, shell.level)
    keys = [(s.kind, s.dot, s.level) for s in initial.shells]
    return initial.orbitals[keys.index(wanted)]


def _frozen(system: System, state: State, initial: Solution, external: np.ndarray) -> Solution:
    """The initial orbitals less the emitting dot's lowest electron and hole, unchanged."""
    kept = []
    for i, shell in enumerate(initial.shells):
        emits = shell.dot == state.emitter - 1 and shell.level == 0
        if shell.count > emits:
            kept.append((i, replace(shell, count=shell.count - emits)))
    shells = tuple(shell for _, shell in kept)
    index = [i for i, _ in kept]
    densities = initial.densities[index]
    orbitals = tuple(initial.orbitals[i] for i in index)
    bare = initial.bare[index]
    energies = hartree.total_energies(system, shells, bare[None], densities[None], external[None])
    levels = initial.levels[index]
    return Solution(shells, orbitals, densities, levels, bare, float(energies[0]), 0, 0.0, True)


def uncharged(system: System, state: State, final_state: str) -> Transition:
    """The transition without surface charges; raises ConvergenceError with the last iterate."""
    (bare,) = transitions(system, state, system.no_field()[None], final_state=final_state)
    return converged(bare)


def converged(found: Transition | Solution) -> Transition:
    """The transition, or ConvergenceError with the Solution as its partial result."""
    if isinstance(found, Solution):
        raise ConvergenceError(
            f"not self-consistent after {found.iterations} iterations: the densities still change by "
            f"{found.change:.1e}, allowed is {hartree.DENSITY_TOLERANCE:.0e}",
            partial=found,
        )
    return found
