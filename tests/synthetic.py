"""A shift map made up from simple functions, for tests of files and figures alone."""

import json

import numpy as np
import xarray as xr

from spq import inputfile
from spq.model import Model
from spq.surface import line_positions, surface_points

STATE_VALUES = ("energy_eV", "shift_meV", "overlap", "error_meV", "shift_error_meV")
FLAGS = ("converged", "followed", "hybridised")
POPULATIONS = ("electrons", "holes", "final_electrons", "final_holes")


def synthetic_map(model: Model, points: int = 21) -> xr.Dataset:
    """Return a Dataset with the layout of a shift map; one point in each failing way."""
    molecule = model.molecule
    if molecule.is_linear:
        z = line_positions(molecule, points)
        phi = np.zeros(points)
        position = surface_points(molecule, z, phi)
    else:
        z = np.full(points, np.nan)
        phi = np.full(points, np.nan)
        position = np.linspace([0.0, 0.0, 0.0], [1.0, 2.0, 3.0], points)
    charges = np.array(model.map.charges)
    states = model.states
    dots = len(molecule.dots)
    shape = (len(states), len(charges), points)
    place = np.linspace(-1.0, 1.0, points)
    reference = np.array([2.10 - 0.016 * (len(s.electrons) - 1) + 0.01 * s.emitter for s in states])
    near = np.array([np.exp(-4 * (place - (2 * s.emitter - 1 - dots)) ** 2) for s in states])
    shift = -7.0 * near[:, None] * (1 + 0.1 * charges[None, :, None])
    values = {
        "shift_meV": shift,
        "energy_eV": reference[:, None, None] + 1e-3 * shift,
        "overlap": 0.9 + 1e-3 * shift,
        "error_meV": np.full(shape, np.nan),
        "shift_error_meV": np.full(shape, np.nan),
    }
    flags = {name: np.full(shape, name != "hybridised") for name in FLAGS}
    flags["hybridised"][-1, 0, points // 2 : points // 2 + 3] = True
    flags["followed"][-1, -1, 3] = False
    flags["converged"][0, 0, 5] = False
    for name in ("energy_eV", "shift_meV", "overlap"):
        values[name][0, 0, 5] = np.nan
    order = ("state", "charge", "point")
    seconds = {"mesh": 1.0, "states": 2.0, "integrals": 3.0, "map": 4.0, "total": 10.0}
    ds = xr.Dataset(
        {name: (order, values[name]) for name in STATE_VALUES}
        | {name: (order, flags[name]) for name in FLAGS}
        | {"iterations": (order, np.full(shape, 12))}
        | {
            name: ((*order, "dot"), np.random.default_rng(k).random((*shape, dots)))
            for k, name in enumerate(POPULATIONS)
        }
        | {
            "reference_eV": ("state", reference),
            "reference_overlap": ("state", np.full(len(states), 0.9)),
            "reference_hybridised": ("state", np.zeros(len(states), dtype=bool)),
            "emitter": ("state", np.array([s.emitter for s in states])),
        },
        coords={
            "state": [s.name for s in states],
            "charge": charges,
            "dot": np.arange(1, dots + 1),
            "z_nm": ("point", z),
            "phi_deg": ("point", phi),
            "position_nm": (("point", "xyz"), position),
        },
        attrs={
            "title": "made up for a test",
            "self_energy": model.self_energy,
            "input": inputfile.dumps(model),
            "spq_version": "0.0.0",
            "seconds": json.dumps(seconds),
        },
    )
    ds["energy_eV"].attrs["units"] = "eV"
    return ds
