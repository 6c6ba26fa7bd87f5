"""Statistics of many particles: what analyses of single ones have in common, with errors by bootstrap.

Positions of zero-phonon lines weighted by intensity, spacings from the strongest line, numbers of lines, long
lifetimes and their amplitudes, differences of polarisation, phonon replicas; between groups (monomers against
dimers) the chances that they are alike. Errors are those of B. Efron, Ann. Stat. 7, 1 (1979): particles are
drawn again with replacement. Lines are those of the brightest state of a particle, or of all its
states: a dot that charges has a line for each charge, but never two at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.foldedangles import fold_angle
from spq.spectroscopy.groupstatistics import BINS, QUANTITIES, group_statistics
from spq.spectroscopy.particlelines import (
    brightest_state,
    checked_analysis,
    long_component,
    particle_lines,
)
from spq.spectroscopy.replicas import replica_distances

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

OF = ("brightest", "all")
DRAWS = 2000


def population(
    analyses: Sequence[xr.Dataset],
    groups: Sequence[str] | Mapping[str, Sequence[int]] | None = None,
    *,
    of: str = "brightest",
    angle: float = 20.0,
    draws: int = DRAWS,
    seed: int = 0,
) -> xr.Dataset:
    """Gather analyses of many particles.

    Parameters
    ----------
    analyses : sequence of Dataset
        As `analyse` returns them, one per particle.
    groups : sequence of str, mapping or None
        Group of each particle, or group -> its particles, counted from 0; None: one group, "all".
    of : "brightest" or "all"
        Lines of the brightest state of each particle, or of all its states joined.
    angle : float
        Degrees, 0 to 90, against which differences of polarisation are tested, beside uniform.
    draws : int
        Of the bootstrap and of permutations.
    seed : int

    Returns
    -------
    xarray.Dataset
        Rows of particles: group, zpl_energy, zpl_energy_error (eV), zpl_weight (share of the photons),
        spacing (meV, signed; NaN for the strongest) over (particle, line), the strongest line first; lines,
        long_lifetime, long_amplitude, polarisation_difference with names in _error; phonon, phonon_error
        (particle, replica) in meV. Groups: mean and median (group_name, quantity), each with _error, _low and
        _high (68 %), count; histograms NAME_share, NAME_share_error (group_name, NAME_bin) with edges in the
        attribute of the coordinate. mann_whitney_p and permutation_p (pair, quantity) between groups.
        uniform_p, angle_p, angle_log_ratio, angle_chance, angle_scatter (group_name): see `difference_tests`.
        Attribute warnings: what is not determined, and why, one line each.

    Raises
    ------
    InputError
        If there are no analyses, one is none, groups do not fit, or a number is wrong.
    """
    import xarray as xr

    given = checks.listed(analyses, "analyses", "a list of analyses")
    if not given:
        raise InputError("analyses: none is given: must be at least one")
    for i, each in enumerate(given, 1):
        checked_analysis(each, f"analyses[{i}]")
    checks.choice(of, "of", OF)
    draws = checks.integer(draws, "draws", minimum=100)
    seed = checks.integer(seed, "seed", minimum=0)
    names = _groups(groups, len(given))
    rows = [_row(each, of) for each in given]
    warnings: list[str] = []
    found = _particles(rows, names)
    found |= group_statistics(rows, names, angle, draws, seed, warnings)
    ds = xr.Dataset(found, attrs={"spq_kind": "population", "lines_of": of, "warnings": "\n".join(warnings)})
    ds.attrs["angle"] = float(angle)
    for name, unit in _units().items():
        if name in ds:
            ds[name].attrs["units"] = unit
    return ds


def _units() -> dict[str, str]:
    found = {"zpl_energy": "eV", "zpl_energy_error": "eV", "spacing": "meV", "angle_scatter": "degrees"}
    for name, unit in (("long_lifetime", "ns"), ("polarisation_difference", "degrees"), ("phonon", "meV")):
        found |= {name: unit, f"{name}_error": unit}
    return found | {f"{name}_bin": QUANTITIES[name][0] for name in BINS}


def _groups(groups: Any, number: int) -> list[str]:
    if groups is None:
        return ["all"] * number
    if not isinstance(groups, Mapping):
        names = checks.listed(groups, "groups", "one name for each analysis")
        if len(names) != number:
            raise InputError(f"groups: {len(names)} are given: must be {number}, one for each analysis")
        return [checks.name(each, f"groups[{i}]") for i, each in enumerate(names, 1)]
    found: list[str | None] = [None] * number
    for name, particles in groups.items():
        checks.name(name, "groups")
        for particle in checks.listed(particles, f"groups[{name!r}]", "a list of whole numbers"):
            place = checks.integer(particle, f"groups[{name!r}]", minimum=0)
            if place >= number or found[place] is not None:
                reason = f"there are {number} analyses" if place >= number else "is in two groups"
                raise InputError(f"groups[{name!r}]: particle {place}: {reason}")
            found[place] = name
    if None in found:
        raise InputError(f"groups: particle {found.index(None)} is in none")
    return [str(each) for each in found]


def _row(ds: xr.Dataset, of: str) -> dict[str, Any]:
    """What one particle adds."""
    state = brightest_state(ds)
    states = None if of == "all" else np.array([], dtype=int) if state is None else np.array([state])
    lines = particle_lines(ds, states=states)
    total = lines.photons.sum()
    long = None if state is None else long_component(ds, state)
    difference, error = _difference(ds)
    distances, errors, _ = replica_distances(ds)
    nan = float("nan")
    return {
        "zpl_energy": lines.energies,
        "zpl_energy_error": lines.errors,
        "zpl_weight": lines.photons / total if total > 0 else lines.photons,
        "spacing": 1e3
        * np.where(np.arange(len(lines.energies)), lines.energies - lines.energies[:1], np.nan),
        "lines": float(len(lines.energies)) if len(lines.energies) else nan,
        "long_lifetime": nan if long is None else long.lifetime,
        "long_lifetime_error": nan if long is None else long.lifetime_error,
        "long_amplitude": nan if long is None else long.amplitude,
        "long_amplitude_error": nan if long is None else long.amplitude_error,
        "polarisation_difference": difference,
        "polarisation_difference_error": error,
        "phonon": distances,
        "phonon_error": errors,
    }


def _difference(ds: xr.Dataset) -> tuple[float, float]:
    """Folded difference of polarisation of a particle; of several, that with the least error."""
    if "polarisation_difference" not in ds or "polarisation_difference_error" not in ds:
        return float("nan"), float("nan")
    values = np.ravel(ds["polarisation_difference"].values).astype(float)
    errors = np.ravel(ds["polarisation_difference_error"].values).astype(float)
    known = np.isfinite(values) & np.isfinite(errors)
    if values.shape != errors.shape or not known.any():
        return float("nan"), float("nan")
    best = int(np.flatnonzero(known)[errors[known].argmin()])
    return float(fold_angle(values[best])), float(errors[best])


def _particles(rows: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    """Rows as variables; those of several entries are filled with NaN."""
    found: dict[str, Any] = {"group": ("particle", np.array(names))}
    for name, first in rows[0].items():
        if not isinstance(first, np.ndarray):
            found[name] = ("particle", np.array([row[name] for row in rows]))
            continue
        width = max(1, *(len(row[name]) for row in rows)) if len(rows) > 1 else max(1, len(first))
        table = np.full((len(rows), width), np.nan)
        for place, row in enumerate(rows):
            table[place, : len(row[name])] = row[name]
        found[name] = (("particle", "replica" if name.startswith("phonon") else "line"), table)
    return found
