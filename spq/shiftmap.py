"""The surface-charge shift map: emission of every state against the place of a charge on the surface.

Shift = E_emission(Q at r_s) − E_emission(no charge), each emission energy that of spq.transition. One
discretisation and one set of integrals serve every state, sign and position; each point is then
a self-consistent problem of its own, followed from the same state without charge.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.accuracy import estimated
from spq.carriers import State
from spq.correlated import Line
from spq.correlation import Correlation
from spq.errors import ConvergenceError, InputError
from spq.hartree import System
from spq.inputfile import dumps
from spq.model import Model
from spq.observables import CORRELATED, FLAGS, HYBRIDISED_RULE, POPULATIONS, VARIABLES, describe
from spq.prepare import electric_field, is_prepared, threads, turned, with_companion
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.solution import Found, Problem, solver, without_charges
from spq.surface import line_positions, surface_points
from spq.transition import Transition, transitions

if TYPE_CHECKING:
    import xarray

log = logging.getLogger(__name__)


def shift_map(
    model: Model,
    states: Sequence[str] | None = None,
    charges: Sequence[float] | None = None,
    points: int | None = None,
    z: Sequence[float] | None = None,
    progress: Progress = silent,
) -> xarray.Dataset:
    """Emission of each state with a charge at each place of the surface.

    Parameters
    ----------
    model : Model
        Its own surface charges are present at every point and absent from the reference.
    states, charges, points, z
        Instead of those of `model.map`: state names, charges in e, number of positions from pole to
        pole, or positions along the long axis in nm.
    progress
        Called with what is being done.

    Returns
    -------
    xarray.Dataset
        Dimensions state, charge, point (and dot); variables named in VARIABLES and POPULATIONS with
        their units, and reference_eV per state. A point that fails is NaN with converged False; so
        is every point of a state that fails without charge.

    Raises
    ------
    InputError
        If a state, charge or position does not fit the molecule.
    MeshError
        If the molecule cannot be meshed.
    """
    given = {"states": states, "charges": charges, "points": points, "z": z}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if points is not None:
        if z is not None:
            raise InputError("shift_map: both points and z given; z says where the points are")
        changes["z"] = None
    model = model.replace(map=replace(model.map, **changes))
    start = time.perf_counter()
    heights, azimuths, places = map_positions(model)
    spent = dict.fromkeys(("mesh", "states", "integrals"), 0.0)
    kept = is_prepared(model)
    system, coarse = with_companion(model, progress)
    if not kept:
        spent = _prepared_seconds(system)
    mapping = time.perf_counter()
    fields = map_fields(system, model, places)
    coarse_fields = fields if coarse is None else map_fields(coarse, model, places)
    data = _empty(model, len(places))
    with threads(model):
        for i, state in enumerate(model.states):
            part = {name: each[i : i + 1] for name, each in data.items()}
            found = _map_state(system, model, state, fields, part, progress)
            if found is not None:
                _estimate(coarse, model, found, coarse_fields, part)
    progress("map", 1, 1)
    end = time.perf_counter()
    seconds = {**spent, "map": end - mapping, "total": end - start}
    return _dataset(model, data, (heights, azimuths, places), seconds)


def map_positions(model: Model) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """z in nm and phi in degrees, (points,), and positions in nm, (points, 3), of a model's map."""
    molecule, wanted = model.molecule, model.map
    if wanted.z is not None:
        heights = np.array(wanted.z)
    else:
        heights = line_positions(molecule, wanted.points)
    if wanted.surface == "line":
        azimuths = np.full(len(heights), wanted.phi)
    else:
        turns = wanted.phi + 360.0 * np.arange(wanted.phi_points) / wanted.phi_points
        azimuths = np.tile(turns, len(heights))
        heights = np.repeat(heights, wanted.phi_points)
    return heights, azimuths, surface_points(molecule, heights, azimuths)


def _prepared_seconds(system: Problem) -> dict[str, float]:
    """Seconds that preparing took: mesh, states (operators among them), integrals."""
    parts = {**system.discretisation.seconds, **system.seconds}
    return {name: parts.get(name, 0.0) for name in ("mesh", "states", "integrals")}


def map_fields(system: Problem, model: Model, places: np.ndarray) -> np.ndarray:
    """Fields (charges, points, ...) of the charge at every place, of the model's own charges and field."""
    own = model.surface_charges
    fixed = np.array([charge.resolve(model.molecule) for charge in own]).reshape(-1, 3)
    positions = np.concatenate([places, fixed])
    # beside own charges all places are turned together: neighbours stay neighbours
    owners = np.zeros(len(positions), dtype=int) if own else np.arange(len(positions))
    unit = system.charge_fields(turned(system, model, positions, owners))
    rest = electric_field(system, model)
    for charge, field in zip(own, unit[len(places) :], strict=True):
        rest = rest + charge.charge * field
    return np.multiply.outer(np.array(model.map.charges), unit[: len(places)]) + rest


def _empty(model: Model, points: int) -> dict[str, np.ndarray]:
    """Arrays of all variables, (state, charge, point[, dot]), as if nothing had converged."""
    shape = (len(model.states), len(model.map.charges), points)
    data = {name: np.full(shape, np.nan) for name in (*VARIABLES, *_additional(model))}
    data |= {name: np.zeros(shape, dtype=bool) for name in FLAGS}
    data["iterations"] = np.zeros(shape, dtype=int)
    dots = len(model.molecule.dots)
    data |= {name: np.full((*shape, dots), np.nan) for name in POPULATIONS}
    data["reference_eV"] = np.full(shape[:1], np.nan)
    data["reference_error_meV"] = np.full(shape[:1], np.nan)
    data["reference_overlap"] = np.full(shape[:1], np.nan)
    data["reference_hybridised"] = np.zeros(shape[:1], dtype=bool)
    return data


def _additional(model: Model) -> dict[str, tuple[str, str]]:
    """Variables that the model's method adds: unit, and what it is."""
    return CORRELATED if model.method == "ci" else {}


def _map_state(
    system: Problem, model: Model, state: State, fields: np.ndarray, data: dict, progress: Progress
) -> tuple[Transition | Line, dict[tuple[int, int], Found]] | None:
    """Fill in one state's part of the data, (1, charge, point, ...); what fails stays as it is.

    Returns the uncharged transition and those at every (charge, point) that converged.
    """
    try:
        bare = without_charges(system, state, model.final_state)
    except ConvergenceError as error:
        log.warning("%s without charge: %s", state.name, error)
        return None
    described = describe(system, bare)
    data["reference_eV"][0] = model.gap + bare.energy
    data["reference_overlap"][0] = described["overlap"]
    data["reference_hybridised"][0] = described["hybridised"]
    found = _charged(system, model, bare, fields, progress)
    for where, each in found.items():
        values = {
            "energy_eV": model.gap + each.energy,
            "shift_meV": 1e3 * (each.energy - bare.energy),
            **describe(system, each),
        }
        for name in data.keys() & values.keys():
            data[name][(0, *where)] = values[name]
    return bare, found


def _estimate(
    coarse: Reduced | Correlation | None, model: Model, found, fields: np.ndarray, data: dict
) -> None:
    """Fill in the errors of one state's energies and shifts; fields: those on the companion."""
    bare, solved = found
    places = sorted(solved)
    if not places:
        return
    each = [solved[place] for place in places]
    externals = np.array([fields[place] for place in places])
    line = model.map.surface == "line"
    errors = estimated(coarse, bare, each, externals, model.final_state, ordered=line)
    data["reference_error_meV"][0] = errors.reference
    for place, energy, shift in zip(places, errors.energy, errors.shift, strict=True):
        data["error_meV"][(0, *place)] = energy
        data["shift_error_meV"][(0, *place)] = shift


def _charged(
    system: Problem, model: Model, bare: Transition | Line, fields: np.ndarray, progress: Progress
) -> dict[tuple[int, int], Found]:
    """One state at every charge and point; a point that fails is tried again from its neighbours."""
    state, final = bare.state, model.final_state
    places = list(np.ndindex(fields.shape[:2]))
    progress(f"map {state.name}", 0, 1)
    solved = solver(system, bare, final).solve(fields.reshape(-1, *fields.shape[2:]))
    found = {place: each for place, each in zip(places, solved, strict=True) if each.converged}
    if isinstance(bare, Transition):  # eigenstates need no following
        assert not isinstance(system, Correlation)
        _retry(system, found, fields, bare, final)
    return found


def _retry(system: System, found: dict, fields: np.ndarray, bare: Transition, final: str) -> None:
    """Solve points that failed again, started from a neighbour, then following a neighbour's orbitals.

    Where two levels cross, the orbital closest to the uncharged one may be now one and now the other.
    """
    for followed in (False, True):
        changed = True
        while changed and len(found) < fields.shape[0] * fields.shape[1]:
            changed = False
            for charge, point in [place for place in np.ndindex(fields.shape[:2]) if place not in found]:
                for beside in (point - 1, point + 1):
                    if (charge, beside) in found and (charge, point) not in found:
                        near = found[charge, beside]
                        reference = near if followed else bare
                        (each,) = transitions(
                            system, bare.state, fields[charge, [point]], reference, final, [near]
                        )
                        if each.converged:
                            found[charge, point] = each
                            changed = True


def _dataset(model: Model, data: dict, places: tuple, seconds: dict) -> xarray.Dataset:
    import xarray

    import spq

    heights, azimuths, positions = places
    point = ("state", "charge", "point")
    variables: dict[str, Any] = {
        name: (point, data[name], {"units": unit, "long_name": text})
        for name, (unit, text) in (VARIABLES | _additional(model)).items()
    }
    for name, text in POPULATIONS.items():
        variables[name] = ((*point, "dot"), data[name], {"units": "1", "long_name": text})
    reference = "emission energy without the surface charge"
    variables["reference_eV"] = (
        "state",
        data["reference_eV"],
        {"units": "eV", "long_name": reference},
    )
    variables["reference_error_meV"] = (
        "state",
        data["reference_error_meV"],
        {"units": "meV", "long_name": "estimated numerical error of reference_eV"},
    )
    for name in ("reference_overlap", "reference_hybridised"):
        variables[name] = (
            "state",
            data[name],
            {"units": "1", "long_name": f"{name[10:]} without it"},
        )
    emitter = [state.emitter for state in model.states]
    variables["emitter"] = ("state", emitter, {"units": "1", "long_name": "the dot that emits"})
    coordinates: dict[str, Any] = {
        "state": ("state", [state.name for state in model.states]),
        "charge": (
            "charge",
            list(model.map.charges),
            {"units": "e", "long_name": "surface charge"},
        ),
        "dot": ("dot", np.arange(1, len(model.molecule.dots) + 1)),
        "z_nm": ("point", heights, {"units": "nm", "long_name": "position along the long axis"}),
        "phi_deg": (
            "point",
            azimuths,
            {"units": "degree", "long_name": "azimuth about the long axis"},
        ),
        "position_nm": (
            ("point", "xyz"),
            positions,
            {"units": "nm", "long_name": "place of the charge"},
        ),
    }
    attributes = {
        "title": f"Surface-charge shift map, self-energy: {model.self_energy}",
        "self_energy": model.self_energy,
        "hybridised_rule": HYBRIDISED_RULE,
        "convention": "shift = energy - reference; other charges of the input act at every point and "
        "are absent from the reference",
        "input": dumps(model),
        "spq_version": spq.__version__,
        "seconds": json.dumps(seconds),
    }
    return xarray.Dataset(variables, coordinates, attributes)
