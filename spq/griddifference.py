"""A potential or a wave function of another program on a regular grid: difference = theirs − ours.

Wave functions are compared as states: ours is left as it is, ∫ |φ|² = 1 over the whole space; theirs is
scaled to the norm that ours has on the grid, and turned by the phase that makes ∫ φ_ours* φ_theirs positive.
A grid in a plane, or over half of a molecule, has a norm of its own: so both keep the unit of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks
from spq.cuts import FIELDS, evaluate
from spq.errors import InputError
from spq.gridfile import read_grid
from spq.model import Model
from spq.planar import in_space
from spq.progress import Progress, silent
from spq.surface import SurfaceCharge

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = {
    "potential": "potential_eV",
    "self_energy": "self_energy_eV",
    "confinement": "confinement_eV",
    "density": "density",
    "wave_function": "wave_function",
    "carrier_potential": "carrier_potential_eV",
    "level": "level_wave_function",
}
"""What can be compared, and the variable of spq.evaluate."""

WAVES = ("wave_function", "level")


def difference(
    grid: xr.Dataset | str | Path,
    model: Model,
    quantity: str,
    state: str | None = None,
    surface_charges: Sequence[SurfaceCharge] | None = None,
    variable: str | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    """Values on a grid less ours at the same points.

    Parameters
    ----------
    grid : as spq.read_grid returns it, or its file; x, y, z in nm of the laboratory frame (a coordinate that
        is missing is 0), or r, z about the long axis, z from the mean of the dots' centres
    model : Model
    quantity : "potential" (of the surface charges and field on +e), "self_energy", "confinement e", "density
        e1", "wave_function h1", "carrier_potential e1" (of the state), "level e 1" (single-carrier level,
        from 1)
    state : whose carriers they are
    surface_charges : instead of the model's own
    variable : of the grid; by default its only one
    progress : called with what is being done

    Returns
    -------
    xarray.Dataset
        On the grid: theirs, ours, difference, in_core (all in eV, 1/nm^3 or nm^-3/2; NaN where one of them
        is not known); theirs of a wave function is scaled and turned to ours. Single numbers: maximum (the
        difference of largest size, with its sign), rms and mean over the grid, core_maximum, core_rms and
        core_mean over the cores (a potential that is grounded on a finite box differs by a constant, which
        the mean shows); of wave functions also overlap, |⟨ours|theirs⟩|² of both as states on the grid.

    Raises
    ------
    InputError
        If there is no such quantity or variable, units do not agree, or no point is known in both.
    """
    import xarray as xr

    if isinstance(grid, (str, Path)):
        grid = read_grid(grid)
    if not isinstance(grid, xr.Dataset):
        raise InputError(f"grid = {checks.shown(grid)}: must be what spq.read_grid returns, or a file")
    if not isinstance(model, Model):
        raise InputError(f"model = {checks.shown(model)}: must be a Model")
    name, _, label = " ".join(str(quantity).split()).partition(" ")
    checks.choice(name, "quantity", tuple(QUANTITIES))
    theirs = _variable(grid, variable)
    unit = _unit(theirs, name)
    points = _points(model, theirs)
    ours = _ours(model, points, name, label, state, surface_charges, progress).reshape(theirs.shape)
    distance = np.linalg.norm(points[:, None] - model.molecule.centers, axis=2)
    core = (distance < model.molecule.core_radii).any(axis=1).reshape(theirs.shape)
    found = _compared(theirs, ours, core, unit, name in WAVES)
    return found.assign_attrs(quantity=f"{name} {label}".strip(), state=state or "")


def _compared(theirs: xr.DataArray, ours: np.ndarray, core: np.ndarray, unit: str, wave: bool) -> xr.Dataset:
    """Both on the grid, their difference, and its sizes everywhere and in the cores."""
    import xarray as xr

    values = np.asarray(theirs.values)
    known = np.isfinite(values) & np.isfinite(ours)
    if not known.any():
        raise InputError(f"{theirs.name}: at no point of the grid are both values known")
    scalars: dict[str, Any] = {}
    if wave:
        values, scalars["overlap"] = _as_state(values, ours, known, _volumes(theirs))
    apart = np.abs(values - ours) if np.iscomplexobj(values) else values - ours
    scalars |= _sizes(apart[known], "") | _sizes(apart[known & core], "core_")
    fields = {"theirs": np.real(values), "ours": ours, "difference": np.where(known, apart, np.nan)}
    data: dict[str, Any] = {key: (theirs.dims, each, {"units": unit}) for key, each in fields.items()}
    data["in_core"] = (theirs.dims, core)
    data |= {key: ((), each, {"units": "1" if key == "overlap" else unit}) for key, each in scalars.items()}
    counts = {"points": int(known.sum()), "points_in_core": int((known & core).sum())}
    return xr.Dataset(data, {dim: theirs[dim] for dim in theirs.dims}, {"units": unit} | counts)


def _unit(theirs: xr.DataArray, name: str) -> str:
    """The unit of a quantity, which values of a grid must have; a wave function may have any."""
    unit, given = FIELDS[QUANTITIES[name]][0], theirs.attrs.get("units")
    if name in WAVES:
        return unit
    if given not in (unit, "", None):
        raise InputError(f"{theirs.name}: is in {given}, {name} in {unit}; give its units as {unit}")
    if np.iscomplexobj(theirs.values):
        raise InputError(f"{theirs.name}: is complex, {name} is real")
    return unit


def _sizes(apart: np.ndarray, where: str) -> dict[str, float]:
    """Largest, rms and mean of differences, NaN of none."""
    if not len(apart):
        return {f"{where}{name}": np.nan for name in ("maximum", "rms", "mean")}
    largest = float(apart[np.argmax(np.abs(apart))])
    rms = float(np.sqrt(np.mean(apart**2)))
    return {f"{where}maximum": largest, f"{where}rms": rms, f"{where}mean": float(apart.mean())}


def _variable(grid: xr.Dataset, variable: str | None) -> xr.DataArray:
    names = [str(name) for name in grid.data_vars]
    if variable is None:
        if len(names) != 1:
            raise InputError(f"variable: the grid has {', '.join(names)}; say which")
        return grid[names[0]]
    return grid[checks.choice(variable, "variable", names)]


def _points(model: Model, theirs: xr.DataArray) -> np.ndarray:
    """Places (n, 3) of a grid in nm, laboratory frame."""
    mesh = np.meshgrid(*(theirs[dim].values for dim in theirs.dims), indexing="ij")
    flat = {str(dim): each.ravel() for dim, each in zip(theirs.dims, mesh, strict=True)}
    if "r" in flat:
        if not model.molecule.is_linear:
            raise InputError("a grid in r and z needs dots on one line")
        return in_space(model.molecule, np.column_stack([flat["r"], flat["z"]]))
    nothing = np.zeros(mesh[0].size)
    return np.column_stack([flat.get(letter, nothing) for letter in "xyz"])


def _ours(
    model: Model,
    points: np.ndarray,
    name: str,
    label: str,
    state: str | None,
    surface_charges: Sequence[SurfaceCharge] | None,
    progress: Progress,
) -> np.ndarray:
    levels = 0
    if name == "level":
        kind, _, number = label.partition(" ")
        levels = int(number) if number.isdigit() else 0
        if kind not in ("e", "h") or levels < 1:
            raise InputError(f'quantity = "level {label}": must be like "level e 1"')
        label = f"{kind} level {levels}"
    ds = evaluate(model, points, state, surface_charges, levels, progress)
    wanted = QUANTITIES[name]
    if wanted not in ds:
        lacking = (
            "a state"
            if name in ("density", "wave_function", "carrier_potential")
            else "charges or another model"
        )
        raise InputError(f'quantity = "{name}": there is none; it needs {lacking}')
    array = ds[wanted]
    dims = [str(dim) for dim in array.dims if dim != "point"]
    if not dims:
        return np.asarray(array.values)
    known = [str(each) for each in ds[dims[0]].values]
    if name != "level":
        checks.choice(f"{name} {label}".strip(), "quantity", [f"{name} {each}" for each in known])
    return np.asarray(array.sel({dims[0]: label}).values)


def _volumes(theirs: xr.DataArray) -> np.ndarray:
    """Volume that each point of a grid stands for; on (r, z) that of a ring."""
    found = np.ones(theirs.shape)
    for number, dim in enumerate(theirs.dims):
        axis = np.asarray(theirs[dim].values, dtype=float)
        steps = np.abs(np.diff(axis))
        # half a step on each side, so that an end, which may lie in a plane of symmetry, has one half alone
        width = 0.5 * (np.append(steps, 0.0) + np.append(0.0, steps)) if len(axis) > 1 else np.ones(1)
        if dim == "r":
            width = width * 2 * np.pi * np.abs(axis)
        shape = [1] * theirs.ndim
        shape[number] = len(axis)
        found = found * width.reshape(shape)
    return found


def _as_state(
    theirs: np.ndarray, ours: np.ndarray, known: np.ndarray, volumes: np.ndarray
) -> tuple[np.ndarray, float]:
    """Theirs with the norm of ours and turned to it, and the squared overlap of both on the grid."""
    weights = np.where(known, volumes, 0.0)
    one, other = np.where(known, theirs, 0.0), np.where(known, ours, 0.0)
    norms = [float(np.sqrt(np.sum(weights * np.abs(each) ** 2))) for each in (one, other)]
    if min(norms) == 0.0:
        raise InputError("a wave function that vanishes on the whole grid cannot be compared")
    overlap = np.sum(weights * other * one) / (norms[0] * norms[1])
    phase = np.conj(overlap) / np.abs(overlap) if overlap != 0 else 1.0
    return theirs * phase * (norms[1] / norms[0]), float(np.abs(overlap) ** 2)
