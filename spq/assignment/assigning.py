"""Assign the jumps of a dimer: which charge moved in each, and where charges sit.

analysis → stretches and jumps → microstates, by forward and backward → chances of every move, verdicts with
their reasons, and the places of charges (charge tomography).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logsumexp

from spq.assignment.chargetable import CHARGES, ChargeTable
from spq.assignment.explanations import (
    Explanation,
    chances_of_moves,
    charges_under,
    explained,
    likeliest_path,
)
from spq.assignment.movepriors import MovePriors
from spq.assignment.observations import Observations, exchanged_frames, observations_of, put_right
from spq.assignment.verdicts import EVIDENCE, called, reasons
from spq.errors import InputError
from spq.model import Model
from spq.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

SHOWN = 8
"""Moves of each jump that are kept, the likeliest."""
FEW = 5.0
"""Effective draws of the particle's own energies up to which a warning is given."""


def assign(
    analysis: xr.Dataset,
    model: Model | ChargeTable | Sequence[Model | ChargeTable],
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
    model : Model or ChargeTable, or several
        The dimer. Of a model the energies of all charges are computed first (`charge_table`). Several, for
        instance of sizes drawn from a posterior (`spq.deduce`), are all tried, each with its
        `model_probability`. Which emitter is which dot is found as well: `emitter_of_dot`, with its
        probability.
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
        `charge_probability`, `surface_probability` (stretch, sign, site): the mean number of charges there;
        of them `stays_probability` (sign, site): in a trap that cannot be reached, throughout.
        `environment_charge` (stretch): mean charge in e that the environment has taken since the first
        stretch. `quenched_probability`, `bleached_probability` (stretch, dot). `path`: the likeliest sequence
        of charges as a whole, with `path_probability`.

    Raises
    ------
    InputError
        If the analysis has no tracks of two emitters, or the molecule not two dots.
    """
    seen = observations_of(analysis)
    models = model if isinstance(model, Sequence) else [model]
    tables = [each if isinstance(each, ChargeTable) else table_for(each, progress) for each in models]
    found = assigned(seen, tables, priors=priors, explain=explain, seed=seed, progress=progress)
    energies = put_right(analysis)[0]
    found["track"] = (("frame", "dot"), energies[:, found["emitter_of_dot"].values - 1], {"units": "eV"})
    exchanged = int(exchanged_frames(analysis).sum())
    if exchanged:
        text = f"tracks exchanged in {exchanged} frames, by their polarisation: they are put right"
        found.attrs["warnings"] = "\n".join(filter(None, (found.attrs["warnings"], text)))
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
    tables: ChargeTable | Sequence[ChargeTable],
    *,
    priors: MovePriors | None = None,
    explain: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """As `assign`, of stretches and jumps that are there already; raises InputError without a table."""
    tables = [tables] if isinstance(tables, ChargeTable) else list(tables)
    if len({len(each.sites.z) for each in tables}) != 1:
        raise InputError(f"model: {len(tables)} of them: must be at least one, all with as many sites")
    if not np.isfinite(seen.levels).any(axis=0).all():
        raise InputError("observations.levels: an emitter was never seen: nothing can be assigned")
    explanations = explained(seen, tables, priors or MovePriors(), seed, progress)
    best = explanations[0]
    chances = chances_of_moves(explanations)
    calls, verdicts = called(chances)
    variables = _jump_variables(best.problem.seen, chances, verdicts)
    variables |= _state_variables(explanations) | _explanation_variables(explanations, len(tables))
    if explain and calls:
        progress("reasons", 0, 1)
        costs, overturned, signs = reasons(best.problem, best.found, calls, seed)
        decisive = [EVIDENCE[int(np.argmax(row))] if row.max() > 0 else "priors" for row in costs]
        variables |= {
            "evidence_log_odds": (("jump", "evidence"), costs),
            "decided_by": ("jump", np.array(decisive, dtype=object)),
            "sign_from": ("jump", np.array(signs, dtype=object)),
            "overturned_by": ("jump", np.array(overturned, dtype=object)),
        }
    return _dataset(explanations, variables)


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


def _state_variables(explanations: Sequence[Explanation]) -> dict[str, Any]:
    seen = explanations[0].problem.seen
    charge, surface, dark, stays = charges_under(explanations)
    path, share = likeliest_path(explanations)
    held = charge.sum(axis=1) @ np.array(CHARGES) + surface.sum(axis=2) @ np.array([1, -1])
    return {
        "stretch_begin": ("stretch", seen.times),
        "level": (("stretch", "dot"), 1e-3 * seen.levels + seen.origin_eV),
        "charge_probability": (("stretch", "dot", "charge"), charge),
        "quenched_probability": (("stretch", "dot"), dark[:, :, 1:].sum(axis=2)),
        "bleached_probability": (("stretch", "dot"), dark[:, :, 2]),
        "surface_probability": (("stretch", "sign", "site"), surface),
        "stays_probability": (("sign", "site"), stays),
        "environment_charge": ("stretch", held[0] - held),
        "path": ("stretch", np.array(path, dtype=object)),
        "path_probability": ((), share),
    }


def _explanation_variables(explanations: Sequence[Explanation], models: int) -> dict[str, Any]:
    """Which emitter is which dot, which model, and the particle's own energies."""
    best = explanations[0]
    shares = np.array([each.share for each in explanations])
    alike = [each.exchanged == best.exchanged for each in explanations]
    by_model = np.bincount([each.model for each in explanations], shares, models)
    thetas = np.array([each.posterior.theta for each in explanations])
    errors = np.array([each.posterior.theta_error for each in explanations])
    theta = shares @ thetas
    error = np.sqrt(shares @ (errors**2 + (thetas - theta) ** 2))
    return {
        "emitter_of_dot": ("dot", np.array([2, 1]) if best.exchanged else np.array([1, 2])),
        "emitter_of_dot_probability": ((), float(shares[alike].sum())),
        "model_probability": ("model", by_model),
        "neutral_energy": ("dot", 1e-3 * theta[:2] + best.problem.seen.origin_eV),
        "neutral_energy_error": ("dot", 1e-3 * error[:2]),
        "trion_scale": ((), theta[2]),
        "trion_scale_error": ((), error[2]),
        "trion_offset": ("kind", theta[3:]),
        "trion_offset_error": ("kind", error[3:]),
    }


def _dataset(explanations: Sequence[Explanation], variables: dict[str, Any]) -> xr.Dataset:
    import xarray as xr

    best = explanations[0]
    sites = best.problem.table.sites
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
    units |= {"trion_offset": "meV", "trion_offset_error": "meV", "environment_charge": "e"}
    for name, unit in units.items():
        ds[name].attrs["units"] = unit
    few = best.posterior.draws <= FEW
    return ds.assign_attrs(
        spq_kind="assignment",
        input=best.problem.table.input,
        log_evidence=float(logsumexp([each.log_weight for each in explanations])),
        effective_draws=best.posterior.draws,
        warnings="the particle's own energies are found from few effective draws" if few else "",
    )
