"""Spread of a result over models that the experiment does not tell apart.

One choice at a time is changed: the conduction-band step of CdS (0.10 or 0.32 eV), static or optical
permittivities, and the self-energy model.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from spq.carriers import State
from spq.correlation import Correlation
from spq.errors import SpqError
from spq.model import OPTIONS, Model
from spq.prepare import external_field, prepare, threads
from spq.progress import Progress, silent
from spq.transition import continued, converged, followed, uncharged

log = logging.getLogger(__name__)

STEPS = (0.10, 0.32)  # eV, of CdS above CdSe
PERMITTIVITIES = ("static", "optical")


def alternatives(model: Model) -> dict[str, Model]:
    """Models that differ from one in a single choice, by its name and value."""
    found: dict[str, Model] = {}
    if "CdS" in {material.name for material in model.region_materials}:
        for step in STEPS:
            if model.material("CdS").conduction_band != step:
                values = {name: dict(each) for name, each in model.materials.items()}
                values["CdS"] = {**values.get("CdS", {}), "conduction_band": step}
                other = model.replace(materials=values, conduction_band_offset=None)
                found[f"conduction_band {step} eV"] = other
    for word in PERMITTIVITIES:
        if word != model.permittivity:
            found[f"permittivity {word}"] = model.replace(permittivity=word)
    for word in OPTIONS["self_energy"]:
        if word != model.self_energy:
            found[f"self_energy {word}"] = model.replace(self_energy=word)
    return found


def model_spread(
    model: Model,
    states: Sequence[State],
    energies: Sequence[tuple[float, float]],
    progress: Progress = silent,
) -> np.ndarray:
    """Half of the range of emission energies and shifts over the alternatives and the model itself.

    Parameters
    ----------
    model : Model, with its charges
    states : s states
    energies : (s, 2) emission energy and shift of each in the model, eV
    progress : called with what is being done

    Returns
    -------
    (s, 2) in meV; what does not converge takes no part, NaN where nothing is left to compare with
    """
    others = alternatives(model)
    found = np.full((1 + len(others), len(states), 2), np.nan)
    found[0] = energies
    for done, (name, other) in enumerate(others.items()):
        progress(f"model spread, {name}", done, len(others))
        try:
            found[done + 1] = _energies(other, states)
        except SpqError as error:
            log.warning("%s takes no part in the model spread: %s", name, error)
    progress("model spread", len(others), len(others))
    known = np.isfinite(found).sum(axis=0)
    found = np.where(np.isfinite(found), found, found[0])
    half = 0.5e3 * (found.max(axis=0) - found.min(axis=0))
    return np.where(known > 1, half, np.nan)


def _energies(model: Model, states: Sequence[State]) -> np.ndarray:
    """Emission energy and shift of states in eV, (s, 2); NaN where one does not converge."""
    system = prepare(model)
    assert not isinstance(system, Correlation)  # only reduced models are explained
    field = external_field(system, model, model.surface_charges)
    found = np.full((len(states), 2), np.nan)
    with threads(model):
        for row, state in zip(found, states, strict=True):
            try:
                bare = uncharged(system, state, model.final_state)
                (charged,) = continued(system, state, field[None], bare, model.final_state)
                if not followed(system, converged(charged)):
                    log.warning("%s is not followed and takes no part in the model spread", state.name)
                    continue
                row[:] = model.gap + converged(charged).energy, charged.energy - bare.energy
            except SpqError as error:
                log.warning("%s takes no part in the model spread: %s", state.name, error)
    return found
