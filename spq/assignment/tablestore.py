"""Energies of all charges, kept on this machine: they take half a minute and depend on the model alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import spq
from spq import cache
from spq.assignment import sites
from spq.assignment.chargetable import ChargeTable, energies_of_model, table_of
from spq.inputfile import dumps
from spq.model import Model
from spq.progress import Progress, silent

KEPT = ("energies", "initial")
"""Arrays of a file."""


def charge_table(model: Model, per_dot: int = 5, progress: Progress = silent) -> ChargeTable:
    """The energies of a model's dimer with up to two surface charges, computed or kept from before.

    Parameters
    ----------
    model : Model
        Two dots on a line; its own surface charges act in every entry.
    per_dot : int
        Sites on each dot, and one more at the neck.
    progress : callable

    Returns
    -------
    ChargeTable

    Raises
    ------
    InputError
        If the molecule has not two dots.
    ConvergenceError
        If a neutral or singly charged dimer without surface charges is not found.
    """
    places = sites.sites_of(model.molecule, per_dot)
    text = dumps(model)
    stored = cache.read(_file(text, per_dot), KEPT)
    if stored is None:
        stored = dict(zip(KEPT, energies_of_model(model, places, progress), strict=True))
        cache.write(_file(text, per_dot), stored)
    return table_of(places, stored["energies"], stored["initial"], text)


def _file(text: str, per_dot: int) -> Path:
    """Where it is kept: by all that it depends on."""
    given = repr((spq.__version__, KEPT, text, per_dot, sites.APART, sites.NECK_HEIGHT, sites.STRENGTHS))
    return cache.folder("charges") / f"{hashlib.sha256(given.encode()).hexdigest()[:32]}.npz"
