"""spq: emission of charged, coupled colloidal quantum dots, and its shift with a surface charge.

A Molecule of core/shell dots and a Model of how to compute it go in; emission, levels and shift_map
give the results. Lengths in nm, energies in eV unless a name ends in _meV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from spq import plot as plot
    from spq.assignment.assigning import assign as assign
    from spq.assignment.discrimination import power as power
    from spq.carriers import State as State
    from spq.cispec import CISpec as CISpec
    from spq.comparison import Comparison as Comparison
    from spq.comparison import compare as compare
    from spq.cuts import evaluate as evaluate
    from spq.cuts import line_cut as line_cut
    from spq.cuts import sections as sections
    from spq.deduction import deduce as deduce
    from spq.deductionstore import load_deduction as load_deduction
    from spq.deductionstore import save_deduction as save_deduction
    from spq.dipole import Polarisation as Polarisation
    from spq.dipole import polarisation as polarisation
    from spq.ensembles import ensemble as ensemble
    from spq.errors import ConvergenceError as ConvergenceError
    from spq.errors import InputError as InputError
    from spq.errors import MeshError as MeshError
    from spq.errors import SpqError as SpqError
    from spq.exporting import export as export
    from spq.forster import transfer as transfer
    from spq.geometry import Dot as Dot
    from spq.geometry import Molecule as Molecule
    from spq.griddifference import difference as difference
    from spq.gridfile import read_grid as read_grid
    from spq.inputfile import load as load
    from spq.mapspec import MapSpec as MapSpec
    from spq.materials import MATERIALS as MATERIALS
    from spq.materials import Material as Material
    from spq.model import Model as Model
    from spq.observables import Emission as Emission
    from spq.observables import emission as emission
    from spq.papernumbers import PaperNumber as PaperNumber
    from spq.papernumbers import report as report
    from spq.priors import Prior as Prior
    from spq.shiftmap import shift_map as shift_map
    from spq.single_particle import Levels as Levels
    from spq.single_particle import levels as levels
    from spq.spectra import spectrum as spectrum
    from spq.spectrumspec import SpectrumSpec as SpectrumSpec
    from spq.spectrumstore import load_spectrum as load_spectrum
    from spq.spectrumstore import save_spectrum as save_spectrum
    from spq.store import load_map as load_map
    from spq.store import save_map as save_map
    from spq.surface import SurfaceCharge as SurfaceCharge
    from spq.sweeps import sweep as sweep
    from spq.sweepstore import load_sweep as load_sweep
    from spq.sweepstore import save_sweep as save_sweep
    from spq.table import Table as Table

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "CISpec": "cispec",
    "Comparison": "comparison",
    "ConvergenceError": "errors",
    "Dot": "geometry",
    "Emission": "observables",
    "InputError": "errors",
    "Levels": "single_particle",
    "MATERIALS": "materials",
    "MapSpec": "mapspec",
    "Material": "materials",
    "MeshError": "errors",
    "Model": "model",
    "Molecule": "geometry",
    "PaperNumber": "papernumbers",
    "Polarisation": "dipole",
    "Prior": "priors",
    "SpectrumSpec": "spectrumspec",
    "SpqError": "errors",
    "State": "carriers",
    "SurfaceCharge": "surface",
    "Table": "table",
    "assign": "assignment.assigning",
    "compare": "comparison",
    "deduce": "deduction",
    "difference": "griddifference",
    "emission": "observables",
    "ensemble": "ensembles",
    "evaluate": "cuts",
    "export": "exporting",
    "levels": "single_particle",
    "line_cut": "cuts",
    "load": "inputfile",
    "load_deduction": "deductionstore",
    "load_map": "store",
    "load_spectrum": "spectrumstore",
    "load_sweep": "sweepstore",
    "polarisation": "dipole",
    "power": "assignment.discrimination",
    "read_grid": "gridfile",
    "report": "papernumbers",
    "save_deduction": "deductionstore",
    "save_map": "store",
    "save_spectrum": "spectrumstore",
    "save_sweep": "sweepstore",
    "sections": "cuts",
    "shift_map": "shiftmap",
    "spectrum": "spectra",
    "sweep": "sweeps",
    "transfer": "forster",
}
__all__ = [*_PUBLIC, "plot"]


def __getattr__(name: str) -> Any:
    if name == "plot":
        return importlib.import_module("spq.plot")
    if name in _PUBLIC:
        value = getattr(importlib.import_module(f"spq.{_PUBLIC[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'spq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
