"""Two shift maps beside each other: B is interpolated in z to the points of A, azimuth by azimuth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spq.differences import Difference, alone, difference_row
from spq.errors import InputError
from spq.observables import FLAGS
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr

PLACE = 1e-6  # nm and degrees; places that are nearer are one
QUANTITIES = (
    ("shift", "shift_meV", "shift_error_meV", 1.0),
    ("energy", "energy_eV", "error_meV", MEV_PER_EV),
)
"""Of maps and sweeps: name, variable, its error in meV, factor to meV."""


def compared_maps(a: xr.Dataset, b: xr.Dataset) -> tuple[list[Difference], dict[str, tuple[str, ...]]]:
    states = [[str(each) for each in ds["state"].values] for ds in (a, b)]
    charges = [[f"charge {each:+g} e" for each in ds["charge"].values] for ds in (a, b)]
    common = [each for each in a["charge"].values if each in b["charge"].values]
    if not common:
        raise InputError("compare: the two maps have no charge in common")
    only = alone([*states[0], *charges[0]], [*states[1], *charges[1]])
    rows = []
    for state in (each for each in states[0] if each in states[1]):
        one, other = (ds.sel(state=state, charge=common).transpose("charge", ..., "point") for ds in (a, b))
        at, near = _places(a, b)
        flags = {}
        for name in FLAGS:
            # a flag cannot be interpolated: that of the nearest point
            here, there = one[name].values, other[name].values[:, np.maximum(near, 0)]
            flags[name] = int(np.sum((here != there) & (near >= 0)))
        for quantity, name, error, factor in QUANTITIES:
            values = factor * one[name].values, factor * _interpolated(at, other[name].values)
            errors = one[error].values, _interpolated(at, other[error].values)
            rows.append(
                difference_row(state, quantity, *values, errors, flags if quantity == "shift" else None)
            )
        energies = [MEV_PER_EV * np.atleast_1d(ds["reference_eV"].values) for ds in (one, other)]
        each = [np.atleast_1d(ds["reference_error_meV"].values) for ds in (one, other)]
        rows.append(difference_row(state, "reference", energies[0], energies[1], (each[0], each[1])))
    return rows, only


def _places(a: xr.Dataset, b: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """What takes values at B's points to A's, (points of A, points of B), and the nearest point of B or −1.

    Rows of points of A that B does not reach are NaN.
    """
    count = (a.sizes["point"], b.sizes["point"])
    at, near = np.full(count, np.nan), np.full(count[0], -1)
    here, there = (ds["position_nm"].transpose("point", ...).values for ds in (a, b))
    apart = np.linalg.norm(here[:, None] - there[None], axis=2)
    z, phi = ([np.asarray(ds[name].values, dtype=float) for ds in (a, b)] for name in ("z_nm", "phi_deg"))
    for i in range(count[0]):
        if apart[i].min() < PLACE:
            near[i] = int(np.argmin(apart[i]))
            at[i] = np.arange(count[1]) == near[i]
            continue
        turned = np.abs((phi[1] - phi[0][i] + 180.0) % 360.0 - 180.0)
        same = np.flatnonzero(turned < PLACE)
        same = same[np.argsort(z[1][same])]
        if not len(same) or not z[1][same[0]] - PLACE <= z[0][i] <= z[1][same[-1]] + PLACE:
            continue
        above = int(np.clip(np.searchsorted(z[1][same], z[0][i]), 1, len(same) - 1)) if len(same) > 1 else 0
        ends = same[[max(above - 1, 0), above]]
        width = z[1][ends[1]] - z[1][ends[0]]
        share = np.clip((z[0][i] - z[1][ends[0]]) / width, 0.0, 1.0) if width > 0 else 0.0
        at[i] = 0.0
        at[i, ends[0]] += 1.0 - share
        at[i, ends[1]] += share
        near[i] = int(ends[int(share > 0.5)])
    return at, near


def _interpolated(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (charges, points of A) from those at B's points; NaN where one that is needed is NaN."""
    lost = (at != 0).astype(float) @ np.isnan(values).astype(float).T > 0
    found = at @ np.nan_to_num(values.T)
    found[lost] = np.nan
    return np.asarray(found.T)
