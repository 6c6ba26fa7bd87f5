"""What is known of the states of a particle as variables of a dataset, with their dimensions and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spq.spectroscopy.cosmicrays import read_noise
from spq.spectroscopy.decays import MOST, DecayFit, fit_decay
from spq.spectroscopy.effective import EffectiveLifetimes
from spq.spectroscopy.flid import lifetime_intensity
from spq.spectroscopy.histograms import MicroTimes
from spq.spectroscopy.lines import MOST as MOST_LINES
from spq.spectroscopy.lines import fit_lines
from spq.spectroscopy.records import FrameSeries, Measurement
from spq.spectroscopy.stateproperties import (
    FEWEST,
    Rates,
    decay_edges,
    frame_lifetimes,
    light_by_angle,
    response_of,
    state_decays,
    state_polarisation,
)
from spq.spectroscopy.tallies import Tally, has_micro_times, micro_times

Array = np.ndarray
Variables = dict[str, Any]
"""Name -> dimensions and values, as xarray takes them."""

POLARISATION = {
    "polarisation": "degree",
    "polarisation_error": "degree_error",
    "polarisation_debiased": "degree_debiased",
    "polarisation_limit": "upper_limit",
    "polarisation_angle": "angle",
    "polarisation_angle_error": "angle_error",
}
"""Variable -> field of a Polarisation."""


def spectra_variables(frames: FrameSeries, states: Array, number: int) -> Variables:
    """What the camera saw: of every frame, both strips together, and the sum of each state.

    A pixel that is masked in one strip is NaN in its frame; of a state it is the mean of the frames in which
    it is not, times their number.
    """
    light = frames.counts.sum(axis=1)
    sums = np.full((number, light.shape[1]), np.nan)
    for state in range(number):
        of = light[states == state]
        seen = np.isfinite(of).sum(axis=0)
        total = np.where(np.isfinite(of), of, 0.0).sum(axis=0)
        sums[state] = np.where(seen > 0, total / np.maximum(seen, 1) * len(of), np.nan)
    angles = frames.angles
    return {
        "wavelength": ("pixel", frames.wavelength),
        "energy": ("pixel", frames.energy),
        "start": ("frame", 1e-9 * np.asarray(frames.starts)),
        "exposure": ((), 1e-9 * float(frames.exposure or np.nan)),
        "excess": ((), frames.excess),
        "angle": ("frame", np.full(len(light), np.nan) if angles is None else angles),
        "spectrum": (("frame", "pixel"), light),
        "state": ("frame", states),
        "state_frames": ("state_index", np.array([(states == each).sum() for each in range(number)])),
        "state_spectrum": (("state_index", "pixel"), sums),
    }


def line_variables(frames: FrameSeries, sums: Array, numbers: Array, warnings: list[str]) -> Variables:
    """Zero-phonon lines of the summed spectrum of each state, and the fit."""
    noise = len(frames.strips) * read_noise(frames.counts) ** 2 if np.isfinite(frames.counts).any() else 0.0
    table, means = np.full((4, len(sums), MOST_LINES), np.nan), np.full(sums.shape, np.nan)
    shape = np.full((2, len(sums)), np.nan)
    for state, (spectrum, number) in enumerate(zip(sums, numbers, strict=True)):
        fit = fit_lines(spectrum, frames.wavelength, excess=frames.excess, read_variance=noise * number)
        warnings += [f"state {state + 1}: {text}" for text in fit.warnings]
        for row, name in enumerate(("positions", "errors", "photons", "photon_errors")):
            table[row, state, : len(fit.positions)] = getattr(fit, name)
        means[state] = fit.means
        if fit.shape is not None:
            shape[:, state] = fit.shape.width_meV, fit.reduced_deviance
    dims = ("state_index", "line")
    names = ("line_energy", "line_energy_error", "line_photons", "line_photons_error")
    found: Variables = {name: (dims, each) for name, each in zip(names, table, strict=True)}
    return found | {
        "state_fit": (("state_index", "pixel"), means),
        "line_width": ("state_index", shape[0]),
        "line_deviance": ("state_index", shape[1]),
    }


def rate_variables(rates: Rates) -> Variables:
    return {
        "rate": ("frame", rates.rates),
        "rate_error": ("frame", rates.errors),
        "state_rate": ("state_index", rates.state_rates),
        "state_rate_error": ("state_index", rates.state_errors),
        "state_rate_spread": ("state_index", rates.state_spread),
    }


def decay_variables(
    measurement: Measurement | Tally, states: Array, number: int, rates: Rates, warnings: list[str]
) -> Variables:
    """Decays of the states and of all, lifetimes of the frames, and their distribution with the rates."""
    photons = measurement.photons
    if photons.laser_period is None or not has_micro_times(measurement):
        warnings.append("decays: not determined, for there are no photons with micro-times of a known laser")
        return {}
    edges = decay_edges(measurement)
    times, fits = state_decays(measurement, states, number, edges)
    warnings += _told("decay", fits, f"it has fewer than {FEWEST} photons")
    whole = micro_times(measurement, edges)
    fit = None
    if whole.counts.sum() >= FEWEST:
        fit = fit_decay(whole.counts, whole.edges_ns, photons.laser_period, response_of(measurement))
    found = _fit_variables(times, fits)
    lifetimes = frame_lifetimes(measurement, edges, fit)
    return found | _distribution(measurement, rates, lifetimes, warnings)


def _fit_variables(times: MicroTimes, fits: Sequence[DecayFit | None]) -> Variables:
    names = ("lifetimes", "lifetime_errors", "amplitudes", "amplitude_errors", "fractions", "fraction_errors")
    table = np.full((len(names), len(fits), MOST), np.nan)
    means = np.full(times.counts.shape, np.nan)
    others = np.full((3, len(fits)), np.nan)
    for state, fit in enumerate(fits):
        if fit is None:
            continue
        for row, name in enumerate(names):
            table[row, state, : len(fit.lifetimes)] = getattr(fit, name)
        means[state] = fit.means
        others[:, state] = fit.background, fit.background_error, fit.reduced_deviance
    dims = ("state_index", "component")
    found: Variables = {
        name.replace("times", "time")
        .replace("tudes", "tude")
        .replace("tions", "tion")
        .replace("errors", "error"): (
            dims,
            each,
        )
        for name, each in zip(names, table, strict=True)
    }
    return found | {
        "bin_start": ("bin", times.edges_ns[:-1]),
        "bin_end": ("bin", times.edges_ns[1:]),
        "decay": (("state_index", "bin"), times.counts),
        "decay_fit": (("state_index", "bin"), means),
        "decay_background": ("state_index", others[0]),
        "decay_background_error": ("state_index", others[1]),
        "decay_deviance": ("state_index", others[2]),
    }


def _distribution(
    measurement: Measurement | Tally, rates: Rates, lifetimes: EffectiveLifetimes | None, warnings: list[str]
) -> Variables:
    if lifetimes is None or not np.isfinite(lifetimes.lifetimes).any():
        warnings.append("lifetime-intensity distribution: not determined, for no frame has a lifetime")
        return {}
    exposure = float(measurement.frames.exposure or np.nan)
    flid = lifetime_intensity(
        1e-9 * rates.rates,
        1e-9 * np.maximum(rates.errors, 1e9 / exposure),  # no photon is still an error of one
        lifetimes.lifetimes,
        lifetimes.errors,
        np.full(len(rates.rates), exposure),
    )
    middles = [0.5 * (each[1:] + each[:-1]) for each in (flid.rate_edges, flid.lifetime_edges)]
    return {
        "frame_lifetime": ("frame", lifetimes.lifetimes),
        "frame_lifetime_error": ("frame", lifetimes.errors),
        "flid": (("flid_rate", "flid_lifetime"), 1e-9 * flid.time),
        "flid_rate": ("flid_rate", 1e9 * middles[0]),
        "flid_lifetime": ("flid_lifetime", middles[1]),
        "flid_undetermined": ((), 1e-9 * flid.undetermined),
    }


def polarisation_variables(frames: FrameSeries, states: Array, number: int, warnings: list[str]) -> Variables:
    """(I_V - I_H)/(I_V + I_H) of each state at each angle, the throughput taken out, and its fit."""
    lit = light_by_angle(frames, states, number)
    if lit is None:
        warnings.append("polarisation: not determined, for it needs two strips and angles of the wave plate")
        return {}
    angles, light = lit
    fits = state_polarisation(angles, light, frames.excess)
    warnings += _told("polarisation", fits, "no light in both strips")
    throughput = np.array([np.nan if fit is None else fit.throughput for fit in fits])[:, None]
    vertical, horizontal = light[:, 0], light[:, 1] * throughput
    total = np.where((light > 0).all(axis=1), vertical + horizontal, np.nan)
    # of V and r H, both with excess noise: variance of the contrast 4 V H r (r V + H r) / total^4
    spread = 4.0 * frames.excess * light[:, 0] * horizontal * (horizontal + throughput * vertical) / total**4
    dims = ("state_index", "plate_angle")
    found: Variables = {
        "plate_angle": ("plate_angle", angles),
        "contrast": (dims, (vertical - horizontal) / total),
        "contrast_error": (dims, np.sqrt(np.maximum(spread, 0.0))),
    }
    for name, field in POLARISATION.items():
        values = np.array([np.nan if fit is None else getattr(fit, field) for fit in fits])
        found[name] = ("state_index", values)
    return found


def _told(what: str, fits: Sequence[Any], reason: str) -> list[str]:
    """Warnings of fits, one line each, and why there is none where it is None."""
    said = []
    for state, fit in enumerate(fits, 1):
        given = (f"not determined: {reason}",) if fit is None else fit.warnings
        said += [f"{what} of state {state}: {text}" for text in given]
    return said
