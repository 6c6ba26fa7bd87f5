"""Emission energy of a charging state: E_gap + E[initial] − E[final].

The final state is the initial one less the emitting dot's lowest electron and hole, re-converged from
the orbitals that survive (`relaxed`) or kept as they are (`frozen`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from spq import hartree
from spq.carriers import State
from spq.errors import ConvergenceError
from spq.following import survivor
from spq.hartree import Shell, Solution, System
from spq.parallel import in_parts

FOLLOWED = 0.5  # least population of every initial carrier on its dot
KEPT = 0.75  # least overlap² of a p-like orbital with the one that it follows: turned by less than 30 degrees


@dataclass(frozen=True, eq=False)
class Transition:
    """Initial and final solution of an emission; final is None where the initial did not converge.

    kept: least overlap² of an initial p-like orbital with the one that it follows, 1 without any.
    """

    state: State
    initial: Solution
    final: Solution | None
    kept: float = 1.0

    @property
    def converged(self) -> bool:
        """Whether both solutions are self-consistent."""
        return self.initial.converged and self.final is not None and self.final.converged

    @property
    def energy(self) -> float:
        """E[initial] − E[final] in eV; NaN without a final solution."""
        return self.initial.energy - self.final.energy if self.final else np.nan

    @property
    def initial_energy(self) -> float:
        """E[initial] in eV."""
        return self.initial.energy

    @property
    def iterations(self) -> int:
        """Iterations of both solutions together."""
        return self.initial.iterations + (self.final.iterations if self.final else 0)


_uncharged: WeakKeyDictionary[System, dict[tuple[State, str], Transition]] = WeakKeyDictionary()


def transitions(
    system: System,
    state: State,
    externals: np.ndarray,
    reference: Transition | None = None,
    final_state: str = "relaxed",
    first: Sequence[Transition] | None = None,
) -> list[Transition]:
    """Solve for the initial and the final states of an emission in b external fields.

    Parameters
    ----------
    system : System
    state : State
    externals : (b, ...) fields of the surface charges
    reference : the same transition without charges, whose orbitals are followed; None: this is it
    final_state : "relaxed" or "frozen"
    first : b transitions of similar problems to start from

    Returns
    -------
    list of b Transitions; see `converged` of each
    """
    shells = hartree.configuration(state.electrons, state.holes)
    if reference is None:
        followed = [system.start(shell.kind, shell.dot, shell.level) for shell in shells]
    else:
        followed = list(reference.initial.orbitals)
    followed = [np.tile(orbital, (len(externals), 1)) for orbital in followed]
    start = None if first is None else np.array([each.initial.densities for each in first])
    initial = hartree.solve(system, shells, followed, externals, first=start)
    done = [i for i, solution in enumerate(initial) if solution.converged]
    final: dict[int, Solution] = {}
    if final_state == "frozen":
        final = {i: frozen(system, state, initial[i]) for i in done}
    elif done:
        left = hartree.configuration(*state.final)
        survivors = [np.array([surviving_orbital(initial[i], shell) for i in done]) for shell in left]
        finals = [first[i].final for i in done] if first else []
        known = [solution.densities for solution in finals if solution is not None]
        start = np.array(known) if len(known) == len(done) else None
        solved = hartree.solve(system, left, survivors, externals[done], survivor, first=start)
        final = dict(zip(done, solved, strict=True))
    return [
        Transition(state, before, final.get(i), _kept(system, before, [each[i] for each in followed]))
        for i, before in enumerate(initial)
    ]


def _kept(system: System, solution: Solution, references: Sequence[np.ndarray]) -> float:
    each = zip(solution.shells, solution.orbitals, references, strict=True)
    found = [system.overlap(shell.kind, a, b) ** 2 for shell, a, b in each if shell.level]
    return min(found, default=1.0)


def continued(
    system: System,
    state: State,
    externals: np.ndarray,
    reference: Transition,
    final_state: str,
    first: Sequence[Transition] | None = None,
) -> list[Transition]:
    """Transitions in b fields; those that do not converge at once are reached in steps from no field.

    first: b transitions of similar problems to start from.
    """
    found = transitions(system, state, externals, reference, final_state, first)
    lost = np.array([i for i, each in enumerate(found) if not each.converged], dtype=int)
    reached = [reference] * len(lost)
    for part in (0.25, 0.5, 0.75, 1.0):
        if not len(lost):
            break
        fields = part * externals[lost]
        stepped = transitions(system, state, fields, reference, final_state, reached)
        going = np.array([each.initial.converged for each in stepped])
        lost, reached = lost[going], [each for each in stepped if each.initial.converged]
    for i, each in zip(lost, reached, strict=True):
        found[i] = each
    return found


def many(
    system: System,
    externals: np.ndarray,
    reference: Transition,
    final_state: str,
    first: Sequence[Transition] | None = None,
) -> list[Transition]:
    """Transitions in any number of fields (b, ...), as many at once as the system likes; see `continued`."""

    def solve(part: slice) -> list[Transition]:
        start = None if first is None else first[part]
        return continued(system, reference.state, externals[part], reference, final_state, start)

    if system.batch == 1:
        return [each for i in range(len(externals)) for each in solve(slice(i, i + 1))]
    return in_parts(solve, len(externals), system.batch)


def surviving_orbital(initial: Solution, shell: Shell) -> np.ndarray:
    """The initial orbital that a shell of the final state comes from."""
    wanted = (shell.kind, shell.dot, shell.level)
    keys = [(s.kind, s.dot, s.level) for s in initial.shells]
    return initial.orbitals[keys.index(wanted)]


def frozen(system: System, state: State, initial: Solution) -> Solution:
    """The final solution made of the initial orbitals less the recombining electron and hole, unchanged."""
    kept = []
    for i, shell in enumerate(initial.shells):
        emits = shell.dot == state.emitter - 1 and shell.level == 0
        if shell.count > emits:
            kept.append((i, replace(shell, count=shell.count - emits)))
    shells = tuple(shell for _, shell in kept)
    index = [i for i, _ in kept]
    densities = initial.densities[index]
    orbitals = tuple(initial.orbitals[i] for i in index)
    bare, outside = initial.bare[index], initial.outside[index]
    energies = hartree.total_energies(system, shells, bare[None], outside[None], densities[None])
    levels = initial.levels[index]
    return Solution(shells, orbitals, densities, levels, bare, outside, float(energies[0]), 0, 0.0, True)


def uncharged(system: System, state: State, final_state: str) -> Transition:
    """The transition without surface charges; raises ConvergenceError with the Transition so far.

    It is kept as long as the system.
    """
    known = _uncharged.setdefault(system, {})
    if (state, final_state) not in known:
        (bare,) = transitions(system, state, system.no_field()[None], final_state=final_state)
        known[state, final_state] = converged(bare)
    return known[state, final_state]


def followed(system: System, found: Transition) -> bool:
    """Whether every initial carrier is more than half on its dot, and a p-like one keeps its direction."""
    each = zip(found.initial.shells, found.initial.orbitals, strict=True)
    own = [system.dot_populations(shell.kind, orbital)[shell.dot] for shell, orbital in each]
    return bool(min(own) > FOLLOWED and found.kept > KEPT)


def converged(found: Transition) -> Transition:
    """The transition itself, or ConvergenceError with it as the partial result."""
    if not found.converged:
        which, last = ("final", found.final) if found.final else ("initial", found.initial)
        raise ConvergenceError(
            f"not self-consistent after {last.iterations} iterations of the {which} state: the densities "
            f"still change by {last.change:.1e}, allowed is {hartree.DENSITY_TOLERANCE:.0e}",
            partial=found,
        )
    return found
