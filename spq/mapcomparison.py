"""Two shift maps beside each other: B is interpolated in z to the points of A, azimuth by azimuth.

Where nothing distinguishes an azimuth, on a line without other charges, all are one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from spq import inputfile
from spq.differences import Difference, alone, difference_row, state_rows
from spq.errors import InputError
from spq.observables import FLAGS
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr

PLACE = 1e-6  # nm and degrees; places that are nearer are one
FIELD = 1e-9  # kV/cm; a field across the long axis that is smaller is none


def compared_maps(a: xr.Dataset, b: xr.Dataset) -> tuple[list[Difference], dict[str, tuple[str, ...]]]:
    states = [[str(each) for each in ds["state"].values] for ds in (a, b)]
    charges = [[f"charge {each:+g} e" for each in ds["charge"].values] for ds in (a, b)]
    common = [each for each in a["charge"].values if each in b["charge"].values]
    if not common:
        raise InputError("compare: the two maps have no charge in common")
    only = alone([*states[0], *charges[0]], [*states[1], *charges[1]])
    rows = []
    at, near, between = _places(a, b)
    for state in (each for each in states[0] if each in states[1]):
        one, other = (ds.sel(state=state, charge=common).transpose("charge", ..., "point") for ds in (a, b))
        flags = {}
        for name in FLAGS:
            # a flag cannot be interpolated: that of the nearest point
            here, there = one[name].values, other[name].values[:, np.maximum(near, 0)]
            flags[name] = int(np.sum((here != there) & (near >= 0)))
        taken = partial(_interpolated, at)
        rows += state_rows(state, one, other, flags, taken, np.tile(between, (len(common), 1)))
        energies = [MEV_PER_EV * np.atleast_1d(ds["reference_eV"].values) for ds in (one, other)]
        each = [np.atleast_1d(ds["reference_error_meV"].values) for ds in (one, other)]
        rows.append(difference_row(state, "reference", energies[0], energies[1], (each[0], each[1])))
    return rows, only


def _places(a: xr.Dataset, b: xr.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What takes values at B's points to A's, (points of A, points of B), for each point of A the nearest one
    of B or −1, and whether it is between two of B.

    Rows of points of A that B does not reach are NaN.
    """
    count = (a.sizes["point"], b.sizes["point"])
    at, near, between = np.full(count, np.nan), np.full(count[0], -1), np.zeros(count[0], dtype=bool)
    here, there = (ds["position_nm"].transpose("point", ...).values for ds in (a, b))
    apart = np.linalg.norm(here[:, None] - there[None], axis=2)
    z, phi = ([np.asarray(ds[name].values, dtype=float) for ds in (a, b)] for name in ("z_nm", "phi_deg"))
    alike = turning_is_free(a) and turning_is_free(b)
    for i in range(count[0]):
        if apart[i].min() < PLACE:
            near[i] = int(np.argmin(apart[i]))
            at[i] = np.arange(count[1]) == near[i]
            continue
        turned = np.abs((phi[1] - phi[0][i] + 180.0) % 360.0 - 180.0)
        same = np.flatnonzero(np.isfinite(z[1]) if alike else turned < PLACE)
        same = same[np.argsort(z[1][same])]
        if not len(same) or not z[1][same[0]] - PLACE <= z[0][i] <= z[1][same[-1]] + PLACE:
            continue
        above = int(np.clip(np.searchsorted(z[1][same], z[0][i]), 1, len(same) - 1)) if len(same) > 1 else 0
        ends = same[[max(above - 1, 0), above]]
        share, between[i] = _share(z[0][i], z[1][ends])
        at[i] = 0.0
        at[i, ends[0]] += 1.0 - share
        at[i, ends[1]] += share
        near[i] = int(ends[int(share > 0.5)])
    return at, near, between


def _share(z: float, ends: np.ndarray) -> tuple[float, bool]:
    """The share of the upper of two ends in a value at z, and whether z is apart from both."""
    width = ends[1] - ends[0]
    share = float(np.clip((z - ends[0]) / width, 0.0, 1.0)) if width > PLACE else 0.0
    if np.abs(ends - z).min() < PLACE:
        return float(round(share)), False
    return share, True


def turning_is_free(ds: xr.Dataset) -> bool:
    """Whether a map's shifts are the same at every azimuth.

    So they are where dots and crystal axes lie on one line, and neither a charge nor a field beside it.
    """
    if "input" not in ds.attrs:
        return False
    model = inputfile.loads(ds.attrs["input"])
    across = np.cross(model.electric_field, model.molecule.axis)
    return model.is_axisymmetric and not model.surface_charges and not np.abs(across).max() > FIELD


def _interpolated(at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values (charges, points of A) from those at B's points; NaN where one that is needed is NaN."""
    lost = (at != 0).astype(float) @ np.isnan(values).astype(float).T > 0
    found = at @ np.nan_to_num(values.T)
    found[lost] = np.nan
    return np.asarray(found.T)
