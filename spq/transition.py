"""Emission energy of a charging state: E_gap + E[initial] − E[final].

The final state is the initial one less the emitting dot's lowest electron and hole, re-converged from
the orbitals that survive (`relaxed`) or kept as they are (`frozen`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from spq import hartree
from spq.carriers import State, parse_state
from spq.direct import Direct
from spq.discretisation import discretise
from spq.errors import ConvergenceError
from spq.hartree import Shell, Solution, System
from spq.model import MapSpec, Model
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.surface import SurfaceCharge

FOLLOWED = 0.5  # least population of every initial carrier on its dot
LOCALISED = 0.9  # a carrier with less than this on every dot is hybridised
HYBRIDISED_RULE = f"a carrier of the initial or final state has less than {LOCALISED} on any one dot"


@dataclass(frozen=True)
class Emission:
    """Emission of one state; the fields are those of the JSON of `spq emission`.

    Energies in eV and meV as their names say; error estimates are None until they exist; electrons,
    holes and final_*: population of each dot.
    """

    state: str
    carriers: str
    emission_eV: float
    confinement_meV: float
    shift_meV: float
    error_meV: float | None
    shift_error_meV: float | None
    overlap: float
    converged: bool
    followed: bool
    hybridised: bool
    iterations: int
    electrons: tuple[float, ...]
    holes: tuple[float, ...]
    final_electrons: tuple[float, ...]
    final_holes: tuple[float, ...]

    def as_dict(self) -> dict:
        """The fields by name."""
        return asdict(self)


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


PREPARED = 2  # problems kept in memory
_prepared: OrderedDict[Model, System] = OrderedDict()


def prepare(model: Model, progress: Progress = silent) -> System:
    """The discretised problem of a model; models that differ in charges or map share it.

    The last two are kept in memory. Raises what building the mesh and the operators raises.
    """
    key = model.replace(surface_charges=(), map=MapSpec(), final_state="relaxed")
    if key not in _prepared:
        while len(_prepared) >= PREPARED:  # before the new one needs its memory
            _prepared.popitem(last=False)
        discretisation = discretise(key, progress)
        direct = model.method == "direct"
        _prepared[key] = Direct(discretisation) if direct else Reduced(discretisation, progress)
    _prepared.move_to_end(key)
    return _prepared[key]


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
        survivors = [np.array([_survivor(each, shell) for each in kept]) for shell in left]
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


def _survivor(initial: Solution, shell: Shell) -> np.ndarray:
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


def populations(system: System, solution: Solution) -> dict[str, np.ndarray]:
    """Electrons ("e") and holes ("h") on each dot, (N,)."""
    found = {"e": np.zeros(system.dots), "h": np.zeros(system.dots)}
    for shell, orbital in zip(solution.shells, solution.orbitals, strict=True):
        found[shell.kind] += shell.count * system.dot_populations(shell.kind, orbital)
    return found


def describe(system: System, found: Transition) -> dict:
    """What a result says beside its energies: overlap, flags, populations, iterations."""
    initial, final = found.initial, found.final
    own, others = [], []
    for shell, orbital in zip(initial.shells, initial.orbitals, strict=True):
        share = system.dot_populations(shell.kind, orbital)
        own.append(share[shell.dot])
        others.append(share.max())
    for shell, orbital in zip(final.shells, final.orbitals, strict=True):
        others.append(system.dot_populations(shell.kind, orbital).max())
    emitter = found.state.emitter - 1
    electron = _survivor(initial, Shell("e", emitter, 1))
    hole = _survivor(initial, Shell("h", emitter, 1))
    before, after = populations(system, initial), populations(system, final)
    return {
        "overlap": system.electron_hole_overlap(electron, hole) ** 2,
        "converged": initial.converged and final.converged,
        "followed": bool(min(own) > FOLLOWED),
        "hybridised": bool(min(others) < LOCALISED),
        "iterations": found.iterations,
        "electrons": tuple(float(value) for value in before["e"]),
        "holes": tuple(float(value) for value in before["h"]),
        "final_electrons": tuple(float(value) for value in after["e"]),
        "final_holes": tuple(float(value) for value in after["h"]),
    }


def charge_field(system: System, model: Model, charges: Sequence[SurfaceCharge]) -> np.ndarray:
    """Field of several surface charges on a positive unit charge."""
    if not charges:
        return system.no_field()
    positions = np.array([charge.resolve(model.molecule) for charge in charges])
    values = np.array([charge.charge for charge in charges])
    return np.tensordot(values, system.charge_fields(positions), axes=1)


def emission(
    model: Model,
    state: str | State | Sequence[str | State],
    surface_charges: Sequence[SurfaceCharge] | None = None,
    progress: Progress = silent,
) -> Emission | list[Emission]:
    """Emission energy of a state, and its shift against the same state without surface charges.

    Parameters
    ----------
    model : Model
    state : a state such as "segT@1" or "e1 e1 h1 e2", or a list of states
    surface_charges : charges instead of the model's own

    Returns
    -------
    Emission, or a list of them for a list of states
        E_gap + E[initial] − E[final] in eV; shifts in meV (arXiv:2206.09626).

    Raises
    ------
    InputError
        If a state or a charge does not fit the molecule.
    ConvergenceError
        If a self-consistent solution is not found; the partial result holds the Emissions so far.
    """
    if surface_charges is not None:
        model = model.replace(surface_charges=tuple(surface_charges))
    asked = [state] if isinstance(state, (str, State)) else list(state)
    count = len(model.molecule.dots)
    states = [s if isinstance(s, State) else parse_state(s, count) for s in asked]
    system = prepare(model, progress)
    external = charge_field(system, model, model.surface_charges)
    found: list[Emission] = []
    for done, each in enumerate(states):
        progress("emission", done, len(states))
        try:
            found.append(_emission(system, model, each, external))
        except ConvergenceError as error:
            raise ConvergenceError(f"{each.name}: {error}", partial=found) from error
    progress("emission", len(states), len(states))
    return found[0] if isinstance(state, (str, State)) else found


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


def _emission(system: System, model: Model, state: State, external: np.ndarray) -> Emission:
    bare = uncharged(system, state, model.final_state)
    charged = bare
    if model.surface_charges:
        (found,) = continued(system, state, external[None], bare, model.final_state)
        charged = converged(found)
    energy = model.gap + charged.energy
    core_gap = float(model.core_gaps[state.emitter - 1])
    return Emission(
        state=state.name,
        carriers=state.carriers,
        emission_eV=energy,
        confinement_meV=1e3 * (energy - core_gap),
        shift_meV=1e3 * (charged.energy - bare.energy),
        error_meV=None,
        shift_error_meV=None,
        **describe(system, charged),
    )
