"""What the tables [sweep] and [deduce] of an input file ask for, for `spq check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spq import checks
from spq.cli_deduce import read_deduce
from spq.inputfile import parsed, text_of
from spq.measured import measurements_of
from spq.model import Model
from spq.priors import priors_of
from spq.sweepfile import sweep_of


def asked(path: str | Path) -> tuple[dict[str, Any], list[str]]:
    """For each of the tables [sweep] and [deduce] that a file has, its entry in JSON and a line of text.

    Raises InputError if one of them is wrong.
    """
    given = parsed(text_of(path))
    document: dict[str, Any] = {}
    lines = []
    if "sweep" in given:
        plan = sweep_of(path)
        fields = [list(axis.names) for axis in plan.axes]
        none = sum(not isinstance(model, Model) for model in plan.models)
        document["sweep"] = {"points": len(plan.models), "no_molecule": none, "fields": fields}
        lines.append(f"sweep: {len(plan.models)} points, {' x '.join('+'.join(names) for names in fields)}")
        if none:
            lines[-1] += f"; at {none} of them there is no such molecule"
    if "deduce" in given:
        model, found = read_deduce(path)
        with checks.placed(f"{path}: "):
            measured = [each.name for each in measurements_of(found["measured"], len(model.molecule.dots))]
            free = list(priors_of(model, found["free"]))
        document["deduce"] = {"measured": measured, "free": free}
        lines.append(f"deduce: {', '.join(free)} from {', '.join(measured)}")
    return document, lines
