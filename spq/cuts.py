"""Densities, wave functions, potentials, self-energy and band edges in space, as Datasets.

At any points, on a plane through the molecule, along its long axis: what spq.localfields knows of a state.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spq import checks
from spq.columns import PLANES
from spq.discretisation import KINDS
from spq.errors import InputError
from spq.geometry import Array, Molecule
from spq.inputfile import dumps
from spq.localfields import (
    Solved,
    band_edges,
    charged,
    density_self_energy,
    external_potential,
    image_self_energy,
    potential_of,
    solved,
)
from spq.model import Model
from spq.places import Places, in_laboratory, in_molecule, places_at
from spq.progress import Progress, silent
from spq.surface import SurfaceCharge

if TYPE_CHECKING:
    import xarray as xr

MARGIN = 0.5  # nm around the nanocrystal
AXES = "xyz"

# of every field: unit, and what it is
FIELDS = {
    "confinement_eV": ("eV", "band edge from that of CdSe, up for electrons, down for holes"),
    "potential_eV": ("eV", "energy of a charge +e in the field of surface charges and electric field"),
    "self_energy_eV": ("eV", "self-energy of a carrier"),
    "wave_function": ("nm^-3/2", "orbital of a carrier"),
    "density": ("1/nm^3", "density of one carrier, its integral is 1"),
    "carrier_potential_eV": ("eV", "energy of a charge +e in the field of one carrier, as if it had +e"),
    "level_wave_function": ("nm^-3/2", "orbital of a single-carrier level"),
}


def evaluate(
    model: Model,
    points: npt.ArrayLike,
    state: str | None = None,
    surface_charges: Sequence[SurfaceCharge] | None = None,
    levels: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """Fields of a model, and of a self-consistent state of it, at any points.

    Parameters
    ----------
    model : Model
    points : (n, 3) nm, laboratory frame, within the outer sphere (30 nm)
    state : such as "X-@1": its carriers before the emission; None: what needs no carriers
    surface_charges : instead of the model's own
    levels : wave functions of so many lowest single-carrier levels of each kind, without mean field; of a
        pair ±m that which goes as cos(mα)
    progress : called with what is being done

    Returns
    -------
    xarray.Dataset
        Dimension point with x_nm, y_nm, z_nm. confinement_eV (kind): band edges, NaN behind a hard wall;
        potential_eV: Φ_ext of charges and field on +e, infinite at a charge, within 0.5 % from 0.02 nm on;
        self_energy_eV: with self_energy "image" the same for all carriers, NaN where they cannot be, with
        "density" of each carrier, with "none" absent; of every orbital ("e1"; the p-like one of a third
        carrier is "e1p") wave_function in nm^-3/2, density in nm⁻³ whose integral is 1 however many share it
        (carrier_count), carrier_potential_eV V[ρ] of a positive unit charge; level_wave_function (level).

    Raises
    ------
    InputError
        If a point lies outside the mesh, the state or a charge does not fit, the mesh has not so many levels,
        or the method is "ci".
    ConvergenceError, MeshError
        As spq.emission does.
    """
    places = _given_points(points)
    found = _solved(model, state, surface_charges, levels, progress)
    return _dataset(found, places, ("point",), (len(places),), {}, progress)


def sections(
    model: Model,
    state: str | None = None,
    surface_charges: Sequence[SurfaceCharge] | None = None,
    plane: str = "xz",
    extent: Sequence[Sequence[float]] | None = None,
    points: int = 121,
    offset: float = 0.0,
    levels: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """The fields of `evaluate` on a regular grid in a plane.

    model, state, surface_charges, levels, progress: as of `evaluate`.
    plane: "xz", "yz" or "xy" in the molecule's own axes: z along the long axis from the laboratory origin, x
    at phi = 0 (of a bent molecule: where its dots spread), both from the long axis. extent: ((low, high),
    (low, high)) in nm along the first and the second letter; None: the nanocrystal and 0.5 nm around it.
    points: along the longer side, the step is the same on both; offset: of the plane along its normal in nm.
    Returns a Dataset with the two letters as dimensions, the second one first. Raises InputError and others
    as `evaluate` does.
    """
    checks.choice(plane, "plane", PLANES)
    checks.integer(points, "points", minimum=2)
    shift = checks.number(offset, "offset", "nm")
    along = [AXES.index(letter) for letter in plane]
    (normal,) = {0, 1, 2} - set(along)
    if extent is None:
        ranges = [_reach(model.molecule)[axis] for axis in along]
    else:
        ranges = [
            _range(each, f"extent[{i}]") for i, each in enumerate(checks.listed(extent, "extent", "two"), 1)
        ]
        if len(ranges) != 2:
            raise InputError(f"extent = {checks.shown(extent)}: must be two pairs of numbers in nm")
    step = max(high - low for low, high in ranges) / (points - 1)
    axes = [_spaced(low, high, step) for low, high in ranges]
    second, first = np.meshgrid(axes[1], axes[0], indexing="ij")
    own = np.zeros((first.size, 3))
    own[:, along[0]], own[:, along[1]], own[:, normal] = first.ravel(), second.ravel(), shift
    found = _solved(model, state, surface_charges, levels, progress)
    coordinates = {letter: axis for letter, axis in zip(plane, axes, strict=True)}
    dims = (plane[1], plane[0])
    ds = _dataset(found, in_laboratory(model.molecule, own), dims, first.shape, coordinates, progress)
    return ds.assign_attrs(plane=plane, offset_nm=shift)


def line_cut(
    model: Model,
    state: str | None = None,
    surface_charges: Sequence[SurfaceCharge] | None = None,
    x: float = 0.0,
    y: float = 0.0,
    extent: Sequence[float] | None = None,
    points: int = 401,
    levels: int = 0,
    progress: Progress = silent,
) -> xr.Dataset:
    """The fields of `evaluate` along the long axis, or beside it at x and y in nm (axes as in `sections`).

    model, state, surface_charges, levels, progress: as of `evaluate`. extent: (low, high) z in nm; None: the
    nanocrystal and 0.5 nm around it. points: how many. Returns a Dataset with the dimension z. Raises
    InputError and others as `evaluate` does.
    """
    checks.integer(points, "points", minimum=2)
    low, high = _reach(model.molecule)[2] if extent is None else _range(extent, "extent")
    z = np.linspace(low, high, points)
    aside = [checks.number(value, name, "nm") for value, name in ((x, "x"), (y, "y"))]
    own = np.column_stack([np.full(points, aside[0]), np.full(points, aside[1]), z])
    found = _solved(model, state, surface_charges, levels, progress)
    places = in_laboratory(model.molecule, own)
    ds = _dataset(found, places, ("z",), (points,), {"z": z}, progress)
    return ds.assign_attrs(plane="z")


def _reach(molecule: Molecule) -> list[tuple[float, float]]:
    """Range of the nanocrystal along its own axes, with a margin."""
    centers, radii = in_molecule(molecule, molecule.centers), molecule.outer_radii[:, None]
    low, high = (centers - radii).min(axis=0) - MARGIN, (centers + radii).max(axis=0) + MARGIN
    return [(float(a), float(b)) for a, b in zip(low, high, strict=True)]


def _given_points(points: npt.ArrayLike) -> Array:
    """Places (n, 3) in nm as floats."""
    try:
        places = np.atleast_2d(np.asarray(points, dtype=float))
    except (TypeError, ValueError):
        places = np.empty(0)
    if places.ndim != 2 or places.shape[1] != 3 or not np.isfinite(places).all():
        raise InputError(f"points = {checks.shown(points)}: must be (n, 3) finite numbers in nm")
    return places


def _range(given: Any, where: str) -> tuple[float, float]:
    low, high = checks.numbers_of(given, where, "nm", length=2)
    if not low < high:
        raise InputError(f"{where} = {checks.shown(given)}: must ascend")
    return low, high


def _spaced(low: float, high: float, step: float) -> Array:
    """Steps over at least a range, centred on it."""
    count = int(np.ceil((high - low) / step - 1e-9))
    middle = 0.5 * (low + high)
    return np.asarray(middle + step * (np.arange(count + 1) - 0.5 * count), dtype=np.float64)


def _solved(
    model: Model, state: str | None, charges: Sequence | None, levels: int, progress: Progress
) -> Solved:
    if not isinstance(model, Model):
        raise InputError(f"model = {checks.shown(model)}: must be a Model")
    count = checks.integer(levels, "levels", minimum=0)
    return solved(charged(model, charges), state, count, progress)


def field_values(
    given: Solved, places: Places, progress: Progress = silent
) -> dict[str, tuple[str, np.ndarray]]:
    """Every field: the name of the dimension before the places (or "") and its values (..., n)."""
    found: dict[str, tuple[str, np.ndarray]] = {}
    model, points = given.model, places.points
    progress("fields", 0, 1)
    edges = [band_edges(model, kind, points) for kind in KINDS]
    found["confinement_eV"] = ("kind", np.array(edges))
    if model.surface_charges or any(model.electric_field):
        found["potential_eV"] = ("", external_potential(given, places))
    if model.self_energy == "image":
        found["self_energy_eV"] = ("", image_self_energy(given, points))
    if given.orbitals:
        waves = np.array([places.values(orbital.blocks) for orbital in given.orbitals])
        found |= {"wave_function": ("carrier", waves), "density": ("carrier", waves**2)}
        poisson = given.discretisation.poisson[0]
        each = [places.values(potential_of(given, orbital, poisson)) for orbital in given.orbitals]
        found["carrier_potential_eV"] = ("carrier", np.array(each))
        if model.self_energy == "density":
            each = [density_self_energy(given, orbital, places) for orbital in given.orbitals]
            found["self_energy_eV"] = ("carrier", np.array(each))
    if given.levels:
        each = [places.values(orbital.blocks) for orbital in given.levels]
        found["level_wave_function"] = ("level", np.array(each))
    progress("fields", 1, 1)
    return found


def _dataset(
    given: Solved,
    points: np.ndarray,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    axes: dict[str, np.ndarray],
    progress: Progress,
) -> xr.Dataset:
    import xarray as xr

    import spq

    values = field_values(given, places_at(given.discretisation.space, points), progress)
    variables: dict[str, Any] = {}
    for name, (before, each) in values.items():
        unit, text = FIELDS[name]
        over = (before, *dims) if before else dims
        variables[name] = (over, each.reshape(*each.shape[:-1], *shape), {"units": unit, "long_name": text})
    coordinates: dict[str, Any] = {
        name: (name, axis, {"units": "nm", "long_name": f"{name} of the molecule's axes"})
        for name, axis in axes.items()
    }
    for number, letter in enumerate(AXES):
        about = {"units": "nm", "long_name": f"{letter} of the laboratory frame"}
        coordinates[f"{letter}_nm"] = (dims, points[:, number].reshape(shape), about)
    coordinates["kind"] = ("kind", list(KINDS))
    if given.orbitals:
        coordinates["carrier"] = ("carrier", [orbital.name for orbital in given.orbitals])
        about = {"units": "1", "long_name": "carriers that share the orbital"}
        coordinates["carrier_count"] = ("carrier", [orbital.count for orbital in given.orbitals], about)
        about = {"units": "meV", "long_name": "orbital energy in the mean field"}
        coordinates["carrier_energy_meV"] = ("carrier", [1e3 * o.energy for o in given.orbitals], about)
    if given.levels:
        coordinates["level"] = ("level", [orbital.name for orbital in given.levels])
        about = {"units": "meV", "long_name": "energy of the level from the CdSe edge"}
        coordinates["level_energy_meV"] = ("level", [1e3 * orbital.energy for orbital in given.levels], about)
    attributes = {
        "title": f"Fields of {given.state or 'the molecule'}, self-energy: {given.model.self_energy}",
        "state": given.state,
        "self_energy": given.model.self_energy,
        "input": dumps(given.model),
        "spq_version": spq.__version__,
    }
    return xr.Dataset(variables, coordinates, attributes)
