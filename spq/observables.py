"""What is observed of a state: emission energy and shift, overlap, populations, flags.

Emission energy = E_gap + E[initial] − E[final] (spq.transition); the shift is against the same state
without surface charges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from spq.accuracy import estimated
from spq.carriers import State, parse_state
from spq.correlated import Line
from spq.correlation import Correlation
from spq.errors import ConvergenceError, InputError
from spq.explanation import Explanation, explained
from spq.hartree import Shell, Solution, System
from spq.model import Model
from spq.prepare import external_field, threads, unit_fields, with_companion
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.sensitivity import derivatives
from spq.solution import Found, Problem, with_charges, without_charges
from spq.spread import model_spread
from spq.surface import SurfaceCharge
from spq.transition import FOLLOWED, Transition, followed, surviving_orbital

LOCALISED = 0.9  # a carrier with less than this on every dot is hybridised
FOLLOWED_RULE = (
    "every initial carrier has more than half its density on its dot, a p-like one keeps its direction"
)
HYBRIDISED_RULE = f"a carrier of the initial or final state has less than {LOCALISED} on any one dot"


# of every result: unit, and what it is
VARIABLES = {
    "energy_eV": ("eV", "emission energy"),
    "shift_meV": ("meV", "emission energy less reference_eV"),
    "error_meV": ("meV", "estimated numerical error of energy_eV"),
    "shift_error_meV": ("meV", "estimated numerical error of shift_meV"),
    "overlap": ("1", "squared overlap of the recombining electron and hole in the initial state"),
    "converged": ("1", "whether initial and final state are self-consistent"),
    "followed": ("1", FOLLOWED_RULE),
    "hybridised": ("1", HYBRIDISED_RULE),
    "iterations": ("1", "self-consistent iterations of initial and final state"),
}
POPULATIONS = {
    "electrons": "electrons on each dot in the initial state",
    "holes": "holes on each dot in the initial state",
    "final_electrons": "electrons on each dot in the final state",
    "final_holes": "holes on each dot in the final state",
}
CORRELATED = {
    "purity": ("1", "share of the initial eigenstate with its carriers where the state's name puts them"),
}
FLAGS = ("converged", "followed", "hybridised")


@dataclass(frozen=True)
class Emission:
    """Emission of one state; the fields are those of the JSON of `spq emission`.

    state, carriers: its name, and where each carrier is put. emission_eV: gap + E[before] - E[after].
    confinement_meV: that less the gap of the emitting dot's core. shift_meV: against the same state without
    surface charges and field, negative is red. error_meV, shift_error_meV: estimated numerical errors
    (spq.accuracy), None where there is no companion or it did not converge; that of the shift is 0 without
    charges. overlap: squared, of the recombining electron and hole. converged: of both solutions, in so many
    iterations. followed: every carrier has more than half of its density on its dot; hybridised: some carrier
    has less than 0.9 on any one dot. electrons, holes, and final_electrons, final_holes after the emission:
    population of each dot. purity, with method "ci" only: share of the initial
    eigenstate that has its carriers where the state's name puts them; derivatives: of the emission energy
    in meV by the field of the input file that changes, None with method "direct" or "ci" or a frozen final
    state (spq.sensitivity). Asked for by `explain`, else None: explanation, what the shift is made of
    (spq.explanation); model_spread_meV and shift_model_spread_meV, half of the range of energy and shift over
    models that the experiment does not tell apart (spq.spread).
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
    purity: float | None = None
    derivatives: dict[str, float] | None = None
    explanation: Explanation | None = None
    model_spread_meV: float | None = None
    shift_model_spread_meV: float | None = None

    def as_dict(self) -> dict:
        """The fields by name; what `explain` adds only where it was asked for."""
        found = asdict(self)
        if self.purity is None:
            del found["purity"]
        if self.explanation is None:
            for name in ("explanation", "model_spread_meV", "shift_model_spread_meV"):
                del found[name]
        return found


def populations(system: System, solution: Solution) -> dict[str, np.ndarray]:
    """Electrons ("e") and holes ("h") on each dot, (N,)."""
    found = {"e": np.zeros(system.dots), "h": np.zeros(system.dots)}
    for shell, orbital in zip(solution.shells, solution.orbitals, strict=True):
        found[shell.kind] += shell.count * system.dot_populations(shell.kind, orbital)
    return found


def describe(problem: Problem, found: Found) -> dict:
    """What a result says beside its energies: overlap, flags, populations, iterations."""
    if isinstance(found, Line):
        names = ("overlap", "converged", "iterations", "purity", *POPULATIONS)
        before, after = found.localised
        flags = {"followed": before > FOLLOWED, "hybridised": min(before, after) < LOCALISED}
        return {name: getattr(found, name) for name in names} | flags
    assert isinstance(found, Transition) and not isinstance(problem, Correlation)
    return _described(problem, found)


def _described(system: System, found: Transition) -> dict:
    initial, final = found.initial, found.final
    assert final is not None, "only a converged transition can be described"
    others = []
    for shell, orbital in zip(initial.shells, initial.orbitals, strict=True):
        others.append(system.dot_populations(shell.kind, orbital).max())
    for shell, orbital in zip(final.shells, final.orbitals, strict=True):
        others.append(system.dot_populations(shell.kind, orbital).max())
    emitter = found.state.emitter - 1
    electron = surviving_orbital(initial, Shell("e", emitter, 1))
    hole = surviving_orbital(initial, Shell("h", emitter, 1))
    before, after = populations(system, initial), populations(system, final)
    return {
        "overlap": system.electron_hole_overlap(electron, hole) ** 2,
        "converged": initial.converged and final.converged,
        "followed": followed(system, found),
        "hybridised": bool(min(others) < LOCALISED),
        "iterations": found.iterations,
        "electrons": tuple(float(value) for value in before["e"]),
        "holes": tuple(float(value) for value in before["h"]),
        "final_electrons": tuple(float(value) for value in after["e"]),
        "final_holes": tuple(float(value) for value in after["h"]),
    }


def emission(
    model: Model,
    state: str | State | Sequence[str | State],
    surface_charges: Sequence[SurfaceCharge] | None = None,
    progress: Progress = silent,
    explain: bool = False,
) -> Emission | list[Emission]:
    """Emission energy of a state, and its shift against the same state without surface charges.

    Parameters
    ----------
    model : Model
    state : a state such as "segT@1" or "e1 e1 h1 e2", or a list of states
    surface_charges : charges instead of the model's own
    progress : called with what is being done
    explain : take the shift apart, and compute it in other models too: takes some ten times as long

    Returns
    -------
    Emission, or a list of them for a list of states
        E_gap + E[initial] − E[final] in eV; shifts in meV (arXiv:2206.09626). Its derivatives with respect
        to band offsets (meV per eV), the permittivities (meV per relative change) and the charges (meV per e)
        by the Hellmann–Feynman theorem (spq.sensitivity).

    Raises
    ------
    InputError
        If a state or a charge does not fit the molecule, or the direct method is to explain.
    ConvergenceError
        If a self-consistent solution is not found. Its partial result: for a list of states the
        Emissions so far, for one state the spq.transition.Transition that did not converge.
    MeshError
        If the molecule cannot be meshed.
    """
    if surface_charges is not None:
        model = model.replace(surface_charges=tuple(surface_charges))
    single = isinstance(state, (str, State))
    asked = [state] if isinstance(state, (str, State)) else list(state)
    count = len(model.molecule.dots)
    states = [s if isinstance(s, State) else parse_state(s, count) for s in asked]
    if explain and model.method != "reduced":
        raise InputError(f'explain: needs model.method = "reduced", it is "{model.method}"')
    system, coarse = with_companion(model, progress)
    externals = tuple(
        external_field(each or system, model, model.surface_charges) for each in (system, coarse)
    )
    units = unit_fields(system, model, model.surface_charges)
    found: list[Emission] = []
    for done, each in enumerate(states):
        progress("emission", done, len(states))
        try:
            with threads(model):
                found.append(_emission(system, coarse, model, each, externals, units, explain))
        except ConvergenceError as error:
            partial = error.partial if single else found
            raise ConvergenceError(f"{each.name}: {error}", partial=partial) from error
    progress("emission", len(states), len(states))
    if explain:
        energies = [(each.emission_eV, 1e-3 * each.shift_meV) for each in found]
        spreads = model_spread(model, states, energies, progress)
        for i, (energy, shift) in enumerate(spreads):
            spread, of_shift = _number(energy), _number(shift)
            found[i] = replace(found[i], model_spread_meV=spread, shift_model_spread_meV=of_shift)
    return found[0] if single else found


def _emission(
    system: Problem,
    coarse: Reduced | Correlation | None,
    model: Model,
    state: State,
    externals: tuple,
    units: np.ndarray,
    explain: bool,
) -> Emission:
    """externals: the field of the charges on the system and its companion; units: of each if it were 1 e."""
    bare = without_charges(system, state, model.final_state)
    charged, acted_on = bare, bool(externals[0].any())
    if acted_on:
        charged = with_charges(system, bare, externals[0], model.final_state)
    errors = estimated(coarse, bare, [charged], externals[1][None], model.final_state)
    explanation = None
    if explain:
        assert isinstance(system, Reduced)
        assert isinstance(bare, Transition) and isinstance(charged, Transition)
        explanation = explained(system, bare, charged, externals[0], model.final_state)
    energy = model.gap + charged.energy
    core_gap = float(model.core_gaps[state.emitter - 1])
    return Emission(
        state=state.name,
        carriers=state.carriers,
        emission_eV=energy,
        confinement_meV=1e3 * (energy - core_gap),
        shift_meV=1e3 * (charged.energy - bare.energy),
        error_meV=_number(errors.energy[0] if acted_on else errors.reference),
        shift_error_meV=_number(errors.shift[0]) if acted_on else 0.0,
        **describe(system, charged),
        derivatives=derivatives(system, charged, model, units),
        explanation=explanation,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
