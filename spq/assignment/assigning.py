"""Assign the jumps of a dimer: which charge moved in each, and where charges sit.

analysis → stretches and jumps → microstates, by forward and backward → chances of every move, verdicts with
their reasons, and the places of charges (charge tomography).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.assignment.chargetable import CHARGES, ChargeTable
from spq.assignment.hypotheses import mixed, move_chances
from spq.assignment.inference import Problem
from spq.assignment.light import light_model
from spq.assignment.marginal import Posterior, integrated
from spq.assignment.moves import WHERE, MovePriors, moves_of
from spq.assignment.observations import Observations, observations_of
from spq.assignment.starts import first_states, searched
from spq.assignment.verdicts import EVIDENCE, called, charges_of, reasons
from spq.errors import InputError
from spq.model import Model
from spq.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

SHOWN = 8
"""Moves of each jump that are kept, the likeliest."""
HOPELESS = 10.0
"""Log evidence below the best from which on the other way to take emitters for dots is left."""


def assign(
    analysis: xr.Dataset,
    model: Model | ChargeTable,
    *,
    priors: MovePriors | None = None,
    explain: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Assign every jump of an analysed dimer.

    Parameters
    ----------
    analysis : xarray.Dataset
        As `spq.spectroscopy.analyse` returns it, with tracks of two emitters.
    model : Model or ChargeTable
        The dimer. Of a model the energies of all charges are computed first (`charge_table`). Which emitter
        is which dot is found as well: `emitter_of_dot`, with its probability.
    priors : MovePriors
        Relative rates of the moves.
    explain : bool
        Also say what decided each verdict, what would overturn it, and where signs come from.
    seed : int
        Of the draws over the particle's own energies and trion shifts.
    progress
        Called with what is being done.

    Returns
    -------
    xarray.Dataset
        Dimensions jump, rank (of moves), stretch, dot, charge, sign, site, evidence. `move` and `probability`
        (jump, rank), `verdict` (jump): a move from 0.8 on, else "undecided"; "none of these" is a move.
        `charge_probability`, `surface_probability` (stretch, sign, site): the mean number of charges there.
        `path`: the likeliest sequence of charges as a whole, with `path_probability`.

    Raises
    ------
    InputError
        If the analysis has no tracks of two emitters, or the molecule not two dots.
    """
    seen = observations_of(analysis)
    table = model if isinstance(model, ChargeTable) else table_for(model, progress)
    found = assigned(seen, table, priors=priors, explain=explain, seed=seed, progress=progress)
    tracks = analysis["track"].values[:, found["emitter_of_dot"].values - 1]
    found["track"] = (("frame", "dot"), tracks, {"units": "eV"})
    found["frame_start"] = ("frame", analysis["start"].values, {"units": "s"})
    return found


def table_for(model: Model, progress: Progress) -> ChargeTable:
    """The table of a model; raises InputError if it is none."""
    from spq.assignment.tablestore import charge_table

    if not isinstance(model, Model):
        raise InputError(f"model: a {type(model).__name__}: must be a Model or a ChargeTable")
    return charge_table(model, progress=progress)


def assigned(
    seen: Observations,
    table: ChargeTable,
    *,
    priors: MovePriors | None = None,
    explain: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """As `assign`, of stretches and jumps that are there already."""
    moves, first = moves_of(table.sites, priors), first_states(table)
    problems = [Problem(table, moves, each, first) for each in (seen, mirrored(seen))]
    starts = []
    for number, each in enumerate(problems):
        progress("starts", number, 2)
        starts.append(searched(each, light_model(each.seen)))
    best = max(found[0].evidence for found in starts)
    progress("microstates", 0, 1)
    tried = [
        (each, found, integrated(each, found, seed))
        for each, found in zip(problems, starts, strict=True)
        if found[0].evidence > best - HOPELESS
    ]
    logs = np.array([each[2].evidence for each in tried])
    shares = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
    problem, found, posterior = tried[int(logs.argmax())]
    swapped, seen = problem is problems[1], problem.seen
    chances = mixed([move_chances(each.moves, known) for each, _, known in tried], shares)
    calls, verdicts = called(chances)
    variables = _jump_variables(seen, chances, verdicts) | _state_variables(problem, posterior)
    variables["emitter_of_dot"] = ("dot", np.array([2, 1]) if swapped else np.array([1, 2]))
    variables["emitter_of_dot_probability"] = ((), float(shares.max()))
    if explain and calls:
        progress("reasons", 0, 1)
        costs, overturned, signs = reasons(problem, found, calls, chances, seed)
        decisive = [EVIDENCE[int(np.argmax(row))] if row.max() > 0 else "priors" for row in costs]
        variables |= {
            "evidence_log_odds": (("jump", "evidence"), costs),
            "decided_by": ("jump", np.array(decisive, dtype=object)),
            "sign_from": ("jump", np.array(signs, dtype=object)),
            "overturned_by": ("jump", np.array(overturned, dtype=object)),
        }
    return _dataset(problem, posterior, variables)


def mirrored(seen: Observations) -> Observations:
    """The observations with the emitters exchanged."""
    from dataclasses import replace

    names = ("levels", "level_errors", "jumps", "jump_errors", "photons", "photon_errors")
    changes: dict[str, Any] = {name: getattr(seen, name)[:, ::-1] for name in names}
    return replace(seen, diffusion=seen.diffusion[::-1], **changes)


def _jump_variables(
    seen: Observations, chances: Sequence[dict[str, float]], verdicts: Sequence[str]
) -> dict[str, Any]:
    moves = np.full((len(chances), SHOWN), "", dtype=object)
    probability = np.full((len(chances), SHOWN), np.nan)
    for k, each in enumerate(chances):
        for rank, (label, chance) in enumerate(list(each.items())[:SHOWN]):
            moves[k, rank], probability[k, rank] = label, chance
    return {
        "jump_time": ("jump", seen.times[1:]),
        "jump_frame": ("jump", seen.begins[1:]),
        "jump_size": (("jump", "dot"), seen.jumps),
        "jump_size_error": (("jump", "dot"), seen.jump_errors),
        "move": (("jump", "rank"), moves),
        "probability": (("jump", "rank"), probability),
        "verdict": ("jump", np.array(verdicts, dtype=object)),
    }


def _state_variables(problem: Problem, posterior: Posterior) -> dict[str, Any]:
    seen = problem.seen
    charge, surface = charges_of(problem, posterior)
    path, share = _path(problem, posterior)
    return {
        "stretch_begin": ("stretch", seen.times),
        "level": (("stretch", "dot"), 1e-3 * seen.levels + seen.origin_eV),
        "charge_probability": (("stretch", "dot", "charge"), charge),
        "quenched_probability": (("stretch", "dot"), posterior.dark),
        "surface_probability": (("stretch", "sign", "site"), surface),
        "path": ("stretch", np.array(path, dtype=object)),
        "path_probability": ((), share),
        "neutral_energy": ("dot", 1e-3 * posterior.theta[:2] + seen.origin_eV),
        "neutral_energy_error": ("dot", 1e-3 * posterior.theta_error[:2]),
        "trion_scale": ((), posterior.theta[2]),
        "trion_scale_error": ((), posterior.theta_error[2]),
        "trion_offset": ("kind", posterior.theta[3:]),
        "trion_offset_error": ("kind", posterior.theta_error[3:]),
    }


def _path(problem: Problem, posterior: Posterior) -> tuple[list[str], float]:
    """The sequence of charges that was drawn most often, and how often."""
    counted = Counter(tuple(words(problem.table, state) for state in path) for path in posterior.paths)
    best, number = counted.most_common(1)[0]
    return list(best), number / len(posterior.paths)


def words(table: ChargeTable, state: int) -> str:
    """A microstate in words: charges of the dots, and where on the surface charges are."""
    pair, configuration = divmod(int(state), table.configurations)
    one, two = (CHARGES[each] for each in divmod(pair, len(CHARGES)))
    placed = [
        f"{'+' if each.sign > 0 else '-'} on {WHERE[int(table.sites.regions[each.site])]}"
        for each in table.sites.configurations[configuration]
    ]
    return ", ".join([f"dot 1: {one:+d}, dot 2: {two:+d}", *sorted(placed)])


def _dataset(problem: Problem, posterior: Posterior, variables: dict[str, Any]) -> xr.Dataset:
    import xarray as xr

    sites = problem.table.sites
    coordinates: dict[str, Any] = {
        "dot": [1, 2],
        "charge": list(CHARGES),
        "sign": [1, -1],
        "site_z": ("site", sites.z),
        "site_region": ("site", sites.regions),
        "site_weight": ("site", sites.weights),
        "evidence": list(EVIDENCE),
        "kind": ["negative", "positive"],
    }
    ds = xr.Dataset(variables, coordinates)
    units = {"jump_time": "s", "stretch_begin": "s", "jump_size": "meV", "jump_size_error": "meV"}
    units |= {"level": "eV", "neutral_energy": "eV", "neutral_energy_error": "eV", "site_z": "nm"}
    units |= {"trion_offset": "meV", "trion_offset_error": "meV"}
    for name, unit in units.items():
        ds[name].attrs["units"] = unit
    warnings = (
        [] if posterior.draws > 5 else ["the particle's own energies are found from few effective draws"]
    )
    return ds.assign_attrs(
        spq_kind="assignment",
        input=problem.table.input,
        log_evidence=posterior.evidence,
        effective_draws=posterior.draws,
        warnings="\n".join(warnings),
    )
