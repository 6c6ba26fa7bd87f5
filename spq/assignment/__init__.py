"""Jumps of a measured dimer explained by its charges: which moved in each, and where they sit.

An analysis of `spq.spectroscopy` and a model of the solver go in; verdicts with their reasons come out.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spq.assignment.assigning import assign as assign
    from spq.assignment.assignmentfiles import load_assignment as load_assignment
    from spq.assignment.assignmentfiles import save_assignment as save_assignment
    from spq.assignment.chargetable import ChargeTable as ChargeTable
    from spq.assignment.discrimination import Power as Power
    from spq.assignment.discrimination import power as power
    from spq.assignment.movepriors import MovePriors as MovePriors
    from spq.assignment.observations import Observations as Observations
    from spq.assignment.observations import observations_of as observations_of
    from spq.assignment.scenarios import SCENARIOS as SCENARIOS
    from spq.assignment.scenarios import Scenario as Scenario
    from spq.assignment.scenarios import scenario as scenario
    from spq.assignment.tablestore import charge_table as charge_table

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "ChargeTable": "chargetable",
    "MovePriors": "movepriors",
    "Observations": "observations",
    "Power": "discrimination",
    "SCENARIOS": "scenarios",
    "Scenario": "scenarios",
    "assign": "assigning",
    "charge_table": "tablestore",
    "load_assignment": "assignmentfiles",
    "observations_of": "observations",
    "power": "discrimination",
    "save_assignment": "assignmentfiles",
    "scenario": "scenarios",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
