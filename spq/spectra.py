"""Emission spectra of correlated carriers: every initial eigenstate, every final one, a line for each pair.

Line energies are E_gap + E[initial] − E[final]; strengths and rates as in spq.recombination; initial
states are populated thermally, exp(−E/kT) times their degeneracy. Where nothing breaks the symmetry
about the long axis, states are found for every Σ m apart; those of ±m are one level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.accuracy import FLOOR, SHARE, WIDER
from spq.carriers import parse_charge
from spq.correlation import Correlation
from spq.errors import ConvergenceError, SpqError
from spq.labelling import written
from spq.model import Model
from spq.multiplets import Level, levels_of
from spq.prepare import external_field, threads, with_companion
from spq.progress import Progress, silent
from spq.recombination import (
    amplitudes,
    oscillator_strength,
    radiative_rate,
    total_strength,
)
from spq.spectraldata import dataset
from spq.surface import SurfaceCharge
from spq.units import BOLTZMANN

if TYPE_CHECKING:
    import xarray

FINAL = 2  # times as many final states as initial ones are looked for
WEAKEST = 1e-4  # strength of a line that is given


@dataclass(frozen=True, eq=False)
class Emitted:
    """One line: numbers of its initial and final level, strength S, and the dots' shares of it."""

    initial: int
    final: int
    strength: float
    dots: np.ndarray


def spectrum(
    model: Model,
    carriers: str | Sequence[str] | None = None,
    surface_charges: Sequence[SurfaceCharge] | None = None,
    progress: Progress = silent,
    **options: Any,
) -> xarray.Dataset:
    """Emission spectrum of sets of carriers, each spread over the whole molecule as its eigenstates are.

    Parameters
    ----------
    model : Model
        Its method is taken to be "ci".
    carriers : such as "X-" or ["X", "e e h"], instead of those of `model.spectrum`
    surface_charges : instead of the model's own
    progress : called with what is being done
    options : temperature (K), states, width (meV), phonons (meV), huang_rhys, kane_energy (eV), instead of
        those of `model.spectrum`

    Returns
    -------
    xarray.Dataset
        Dimensions initial (eigenstates of every set of carriers), line, dot, energy and set; units and
        meaning with every variable. `intensity` is normalised to the largest of its set.

    Raises
    ------
    InputError
        If carriers or an option are wrong, nothing emits, or more memory is needed than allowed.
    ConvergenceError
        If an eigensolver does not converge; its partial result: the Dataset of the other sets, or None.
    MeshError
        If the molecule cannot be meshed.
    """
    if carriers is not None:
        options["carriers"] = (carriers,) if isinstance(carriers, str) else tuple(carriers)
    given = model.spectrum if not options else replace(model.spectrum, **options)
    changes: dict[str, Any] = {"spectrum": given, "method": "ci", "final_state": "relaxed"}
    if surface_charges is not None:
        changes["surface_charges"] = tuple(surface_charges)
    model = model.replace(**changes)
    problem, coarse = with_companion(model, progress)
    assert isinstance(problem, Correlation) and (coarse is None or isinstance(coarse, Correlation))
    found: dict[str, dict[str, np.ndarray]] = {}
    failed: list[str] = []
    with threads(model):
        for done, text in enumerate(given.carriers):
            progress(f"spectrum {text}", done, len(given.carriers))
            try:
                found[text] = _one_set(model, problem, coarse, text)
            except ConvergenceError as error:
                failed.append(f"{text}: {error}")
    progress("spectrum", 1, 1)
    if failed:
        emits = any(len(each["line_set"]) for each in found.values())
        raise ConvergenceError("; ".join(failed), dataset(model, found) if emits else None)
    return dataset(model, found)


def emitted(problem: Correlation, initial: list[Level], final: list[Level]) -> list[Emitted]:
    """The lines between levels that are stronger than WEAKEST."""
    overlaps = problem.orbitals(2).dot_overlaps
    groups = {id(level.states): level.states for level in final}
    found = []
    for i, level in enumerate(initial):
        for key, states in groups.items():
            if level.states.space.total != states.space.total:
                continue
            parts = np.array([amplitudes(level.states, states, level.number, part) for part in overlaps])
            whole = parts.sum(axis=0)
            each = (parts * whole.conj()).real.sum(axis=1)  # (dots, final states)
            strengths = each.sum(axis=0)
            for f, last in enumerate(final):
                strength = float(strengths[last.number]) if id(last.states) == key else 0.0
                if strength > WEAKEST:
                    found.append(Emitted(i, f, strength, each[:, last.number] / strength))
    return found


def _one_set(
    model: Model, problem: Correlation, coarse: Correlation | None, text: str
) -> dict[str, np.ndarray]:
    """Everything of one set of carriers, variables by name with the dimension first."""
    electrons, holes = parse_charge(text)
    given = model.spectrum
    external = external_field(problem, model, model.surface_charges)
    initial = levels_of(problem, electrons, holes, external, given.states)
    final = levels_of(problem, electrons - 1, holes - 1, external, FINAL * given.states)
    lines = emitted(problem, initial, final)
    errors = _errors(model, coarse, electrons, holes, initial, final)
    energies = np.array([level.energy.total for level in initial])
    weights = np.array([level.degeneracy for level in initial])
    weights = weights * np.exp(-(energies - energies[0]) / (BOLTZMANN * given.temperature))
    populations = weights / weights.sum()
    data = _of_initial(model, initial, populations, lines, final)
    count = len(lines)
    emitter = np.array([int(np.argmax(each.dots)) for each in lines], dtype=int)
    energy = np.array([model.gap + energies[each.initial] - final[each.final].energy.total for each in lines])
    strength = np.array([each.strength for each in lines])
    rates = np.array(
        [
            radiative_rate(model, dot, e, s, given.kane_energy)
            for dot, e, s in zip(emitter, energy, strength, strict=True)
        ]
    )
    data |= {
        "line_initial": np.array([each.initial for each in lines], dtype=int),
        "line_final": np.array([written(final[each.final].placement) for each in lines], dtype=object),
        "line_final_purity": np.array([final[each.final].purity for each in lines]),
        "line_final_excitation_meV": np.array(
            [1e3 * (final[each.final].energy.total - final[0].energy.total) for each in lines]
        ),
        "line_energy_eV": energy,
        "line_error_meV": np.array([errors.get((each.initial, each.final), np.nan) for each in lines]),
        "line_strength": strength,
        "line_oscillator_strength": np.array(
            [oscillator_strength(e, s, given.kane_energy) for e, s in zip(energy, strength, strict=True)]
        ),
        "line_rate": rates,
        "line_weight": populations[[each.initial for each in lines]] * rates if count else np.zeros(0),
        "line_emitter": emitter + 1,
        "line_dots": np.array([each.dots for each in lines]).reshape(count, len(model.molecule.dots)),
    }
    data["initial_set"] = np.full(len(initial), text, dtype=object)
    data["line_set"] = np.full(count, text, dtype=object)
    return data


def _of_initial(
    model: Model, initial: list[Level], populations: np.ndarray, lines: list[Emitted], final: list[Level]
) -> dict[str, np.ndarray]:
    """Variables of the initial levels."""
    energies = np.array([level.energy.total for level in initial])
    total, main, lifetime = np.zeros((3, len(initial)))
    for i, level in enumerate(initial):
        overlap = level.states.space.orbitals.overlap
        total[i] = total_strength(level.states, level.number, overlap)
        own = [each for each in lines if each.initial == i]
        rate = 0.0
        for each in own:
            energy = model.gap + energies[i] - final[each.final].energy.total
            dot = int(np.argmax(each.dots))
            rate += radiative_rate(model, dot, energy, each.strength, model.spectrum.kane_energy)
        given = sum(each.strength for each in own)
        main[i] = max((each.strength for each in own), default=0.0)
        # what lies beyond the final states that were looked for emits at about the same rate
        lifetime[i] = given / (rate * total[i]) if rate else np.inf
    return {
        "initial_placement": np.array([written(level.placement) for level in initial], dtype=object),
        "initial_purity": np.array([level.purity for level in initial]),
        "initial_energy_eV": energies,
        "initial_excitation_meV": 1e3 * (energies - energies[0]),
        "initial_electron_spin": np.array([level.spins[0] for level in initial]),
        "initial_hole_spin": np.array([level.spins[1] for level in initial]),
        "initial_m": np.array([np.nan if level.total is None else level.total for level in initial]),
        "initial_degeneracy": np.array([level.degeneracy for level in initial]),
        "initial_population": populations,
        "initial_lifetime_ns": lifetime,
        "initial_strength": total,
        "initial_shake_up": np.where(total > WEAKEST, np.maximum(1 - main / total.clip(WEAKEST), 0), np.nan),
        "initial_electrons": np.array([level.populations[0] for level in initial]),
        "initial_holes": np.array([level.populations[1] for level in initial]),
    }


def _errors(
    model: Model,
    coarse: Correlation | None,
    electrons: int,
    holes: int,
    initial: list[Level],
    final: list[Level],
) -> dict[tuple[int, int], float]:
    """Estimated error in meV of every pair of levels, from the companion's levels of the same kind."""
    if coarse is None:
        return {}
    external = external_field(coarse, model, model.surface_charges)
    try:
        count = model.spectrum.states
        firsts = _offsets(initial, levels_of(coarse, electrons, holes, external, count))
        lasts = _offsets(final, levels_of(coarse, electrons - 1, holes - 1, external, FINAL * count))
    except SpqError:
        return {}
    share = WIDER * SHARE[coarse.discretisation.space.harmonics.turning]
    pairs = [(i, f) for i in firsts for f in lasts]
    found = {}
    for i, f in pairs:
        extrapolated = initial[i].energy.extrapolation - final[f].energy.extrapolation
        found[i, f] = 1e3 * float(np.hypot(share * (firsts[i] - lasts[f]), extrapolated)) + FLOOR
    return found


def _offsets(levels: list[Level], others: list[Level]) -> dict[int, float]:
    """Energy less that of the level of the same kind and order in another list, eV, by number."""
    found, taken = {}, dict.fromkeys({level.kind for level in levels}, 0)
    for number, level in enumerate(levels):
        alike = [other for other in others if other.kind == level.kind]
        order = taken[level.kind]
        taken[level.kind] += 1
        if order < len(alike):
            found[number] = level.energy.total - alike[order].energy.total
    return found
