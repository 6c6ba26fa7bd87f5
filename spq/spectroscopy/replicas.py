"""Phonon replicas as lines of their own: how far below the zero-phonon line they lie, without being told.

The summed spectrum of a state is fitted with lines that have no replicas; the strongest is the zero-phonon
line, what lies 15 to 50 meV below it and is weaker a replica. Its distance ħω = E_ZPL - E_replica is the
energy of the phonon: 27 meV of CdSe, 37 meV of CdS (longitudinal optical).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.cosmicrays import read_noise
from spq.spectroscopy.lines import MOST, LineFit, fit_lines
from spq.spectroscopy.particlelines import brightest_state, checked_analysis

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

REACH = (15.0, 50.0)
"""meV below the zero-phonon line."""


def refit_state(ds: xr.Dataset, state: int, phonons_meV: tuple[float, ...] = ()) -> LineFit:
    """Fit the lines of a state of an analysis, from 0, again with other phonons; () fits no replicas.

    Raises InputError if it is no analysis, or has no such state.
    """
    checked_analysis(ds)
    state = checks.integer(state, "state", minimum=0)
    if state >= ds.sizes["state_index"]:
        raise InputError(f"state = {state}: the analysis has {ds.sizes['state_index']}")
    light = ds["spectrum"].values
    noise = read_noise(light) ** 2 if np.isfinite(light).any() else 0.0
    return fit_lines(
        ds["state_spectrum"].values[state],
        ds["wavelength"].values,
        excess=float(ds["excess"]),
        phonons_meV=phonons_meV,
        read_variance=noise * int(ds["state_frames"][state]),
    )


def replica_distances(ds: xr.Dataset) -> tuple[Array, Array, Array]:
    """Replicas of the brightest state fitted on their own, if it has one zero-phonon line.

    Parameters
    ----------
    ds : xarray.Dataset
        An analysis, as `analyse` returns it.

    Returns
    -------
    distances, errors, ratios : float (replicas,)
        In meV below the zero-phonon line, ascending, with standard errors, and photons over its photons;
        empty where the state has several zero-phonon lines or none, for then a line may be another dot's.

    Raises
    ------
    InputError
        If it is no analysis.
    """
    checked_analysis(ds)
    none = np.empty(0)
    state = brightest_state(ds)
    if "spectrum" not in ds or state is None or np.isfinite(ds["line_energy"].values[state]).sum() != 1:
        return none, none, none
    fit = refit_state(ds, state)
    if not 2 <= len(fit.positions) <= MOST:
        return none, none, none
    first = int(fit.photons.argmax())
    distances = 1e3 * (fit.positions[first] - fit.positions)
    ratios = fit.photons / fit.photons[first]
    errors = 1e3 * np.hypot(fit.errors, fit.errors[first])
    kept = (distances > REACH[0]) & (distances < REACH[1])
    order = np.argsort(distances[kept])
    return distances[kept][order], errors[kept][order], ratios[kept][order]


def without_replicas(ds: xr.Dataset) -> xr.Dataset:
    """The same analysis with the lines of every state fitted without replicas, so that these are lines too.

    ds: as `analyse` returns it. Raises InputError if it is no analysis.
    """
    checked_analysis(ds)
    names = {"line_energy": "positions", "line_energy_error": "errors"}
    names |= {"line_photons": "photons", "line_photons_error": "photon_errors"}
    table = {name: np.full(ds[name].shape, np.nan) for name in names}
    for state in range(ds.sizes["state_index"]):
        fit = refit_state(ds, state)
        for name, field in names.items():
            table[name][state, : len(fit.positions)] = getattr(fit, field)
    return ds.assign({name: ds[name].copy(data=values) for name, values in table.items()})
