"""Sizes and other fields of the input deduced from measured emission energies, with their uncertainty.

The solver is replaced by emulators whose error is tested on points that they have not seen (spq.learning) and
added in quadrature to the errors of the measurements; the posterior density is sampled (spq.posterior).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks, gallery
from spq.emulator import Box
from spq.errors import ConvergenceError, InputError
from spq.geometry import Array
from spq.inputfile import dumps
from spq.learning import Learned, Points, Source, coarse, learn
from spq.measured import Measurement, measurements_of
from spq.model import Model
from spq.posterior import Density, Exists, Posterior, sampled
from spq.priors import Prior, priors_of, unit_of
from spq.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr

SEED = 1
POINTS = 256
LEAST_POINTS = 8
CENTRAL = (0.16, 0.84)
"""Shares of the posterior below the two ends of the 68 % interval."""


def deduce(
    measured: Mapping[str, Any],
    free: Mapping[str, Any] | Iterable[str],
    fixed: Model | None = None,
    executor: Executor | None = None,
    store: str | Path | None = None,
    seed: int = SEED,
    points: int = POINTS,
    progress: Progress = silent,
) -> xr.Dataset:
    """Deduce fields of the input, such as sizes, from measured emission energies.

    Parameters
    ----------
    measured : mapping
        Quantity -> (value, standard error): a state, "X@1", in eV, or the difference of two states' emission
        energies, "X-@1 - X@1", in meV.
    free : mapping or list
        Dotted field name -> (low, high), uniform between, or a Prior, in the units of the input; or names
        alone: core radii from 1.0 to 2.5 nm, shells from 0.5 to 3.5 nm, the conduction-band step from 0.05
        to 0.35 eV. "dots.core_radius" is one radius for all dots.
    fixed : Model
        With the values of all other fields; by default the nominal heterodimer with self-energy "image",
        whose centres follow its sizes.
    executor, store, progress : as of spq.sweep. With a store an interrupted deduction goes on where it
        was, and those from the same states with the same box, fixed model and seed share their points.
    seed : of the design of points, the fits and the samples; the same seed gives the same result
    points : that are computed at most. Fewer are if the emulators' errors are small beside the measured
        ones before.

    Returns
    -------
    xarray.Dataset
        `samples` (sample, parameter) of the posterior, and what follows from them.

    Raises
    ------
    InputError
        If a quantity, field or prior is wrong, or more than half of the points are of no use.
    ConvergenceError
        If an emulator's error stays above that of the measurement, or the chain is too short; then with
        the result as it is.
    """
    model = gallery.fused_heterodimer(self_energy="image") if fixed is None else fixed
    if not isinstance(model, Model):
        raise InputError(f"fixed = {checks.shown(model)}: must be a Model")
    measurements = measurements_of(measured, len(model.molecule.dots))
    priors = priors_of(model, free)
    seed = checks.integer(seed, "seed", minimum=0)
    most = checks.integer(points, "points", minimum=LEAST_POINTS)
    source = Source(model, Box.of(priors), measurements, executor, store, progress)
    learned, known = learn(source, most, seed)
    progress("posterior", 0, 1)
    return deduced(source, priors, learned, known, seed)


def deduced(
    source: Source,
    priors: Mapping[str, Prior],
    learned: Sequence[Learned],
    known: Points,
    seed: int,
    values: Sequence[float] | None = None,
) -> xr.Dataset:
    """The result of `deduce` with emulators that are there; raises ConvergenceError as it does.

    values: measured values to be taken instead of those of the source.
    """
    measurements = source.measurements
    wanted = np.array([m.value for m in measurements] if values is None else values)
    errors = total_errors(measurements, learned)
    density = Density(list(priors.values()), _log_likelihood(source.box, learned, wanted, errors))
    exists: Exists | None = None if known.exists.all() else source.exists
    try:
        found, failed = sampled(density, seed, exists), None
    except ConvergenceError as error:
        if error.partial is None:
            raise
        found, failed = error.partial, str(error)
    ds = _dataset(source, priors, learned, known, found, wanted)
    ds.attrs["seed"] = seed
    if failed is not None:
        raise ConvergenceError(failed, ds)
    return ds


def total_errors(measurements: Sequence[Measurement], learned: Sequence[Learned]) -> Array:
    """Standard errors (k,) of measurements and emulators together."""
    return np.array([np.hypot(m.error, each.rms) for m, each in zip(measurements, learned, strict=True)])


def predicted(box: Box, learned: Sequence[Learned], values: Array) -> Array:
    """All quantities (m, k) at parameters (m, p)."""
    scaled = box.scaled(values)
    return np.column_stack([each.emulator(scaled) for each in learned])


def _log_likelihood(box: Box, learned: Sequence[Learned], wanted: Array, errors: Array) -> Any:
    norm = -np.sum(np.log(errors * np.sqrt(2.0 * np.pi)))

    def log_likelihood(values: Array) -> Array:
        return norm - 0.5 * (((predicted(box, learned, values) - wanted) / errors) ** 2).sum(axis=1)

    return log_likelihood


def _dataset(
    source: Source,
    priors: Mapping[str, Prior],
    learned: Sequence[Learned],
    known: Points,
    found: Posterior,
    wanted: Array,
) -> xr.Dataset:
    import xarray as xr

    import spq

    measurements = source.measurements
    variables = _of_parameters(list(priors.values()), found)
    variables |= _of_quantities(source, learned, found, wanted)
    coordinates: dict[str, Any] = {
        "parameter": list(priors),
        "other": list(priors),
        "quantity": [m.name for m in measurements],
        "bound": ["low", "high"],
        "parameter_unit": ("parameter", [unit_of(name) for name in priors]),
        "quantity_unit": ("quantity", [m.unit for m in measurements]),
    }
    attributes = {
        "title": f"Deduced from {', '.join(m.name for m in measurements)}",
        "chi2": float((variables["pull"][1] ** 2).sum()),
        "best_log_density": found.best_log,
        "log_evidence": found.log_evidence,
        "log_evidence_error": found.log_evidence_error,
        "points": len(known.values),
        "points_without_model": int((~known.exists).sum()),
        "chain_length": found.lengths,
        "acceptance": found.acceptance,
        "emulator_note": ", ".join(coarse(measurements, learned)),
        "self_energy": source.model.self_energy,
        "input": dumps(source.model),
        "spq_version": spq.__version__,
    }
    return xr.Dataset(variables, coordinates, attributes)


def _of_parameters(priors: Sequence[Prior], found: Posterior) -> dict[str, Any]:
    """Variables of the samples and the parameters."""
    samples = found.samples
    sd = samples.std(axis=0)
    widths = np.array([prior.high - prior.low for prior in priors])
    covariance = np.atleast_2d(np.cov((samples / widths).T))
    scale = np.sqrt(np.diag(covariance))
    variances, directions = np.linalg.eigh(covariance)
    order = np.argsort(variances)[::-1]
    directions = directions[:, order].T
    largest = np.argmax(np.abs(directions), axis=1)
    directions = directions * np.sign(directions[np.arange(len(order)), largest])[:, None]
    return {
        "samples": (("sample", "parameter"), samples, _about("samples of the posterior")),
        "log_density": ("sample", found.log_density, _about("log of prior times likelihood")),
        "best": ("parameter", found.best, _about("where the posterior density is largest")),
        "median": ("parameter", np.median(samples, axis=0), _about("median of the posterior")),
        "interval": (("bound", "parameter"), np.quantile(samples, CENTRAL, axis=0), _about("central 68 %")),
        "mean": ("parameter", samples.mean(axis=0), _about("mean of the posterior")),
        "sd": ("parameter", sd, _about("standard deviation of the posterior")),
        "prior_low": ("parameter", [p.low for p in priors], _about("lower end of the prior")),
        "prior_high": ("parameter", [p.high for p in priors], _about("upper end of the prior")),
        "prior_mean": ("parameter", _numbers([p.mean for p in priors]), _about("of a normal prior")),
        "prior_sigma": ("parameter", _numbers([p.sigma for p in priors]), _about("of a normal prior")),
        "narrowing": (
            "parameter",
            [p.sd for p in priors] / np.maximum(sd, np.finfo(float).tiny),
            _about("standard deviation of the prior over that of the posterior"),
        ),
        "correlation": (
            ("parameter", "other"),
            covariance / np.maximum(np.outer(scale, scale), np.finfo(float).tiny),
            _about("of the posterior"),
        ),
        "direction": (
            ("direction_number", "parameter"),
            directions,
            _about("principal direction of the posterior, parameters in units of high - low; widest first"),
        ),
        "direction_sd": (
            "direction_number",
            np.sqrt(np.maximum(variances[order], 0.0)),
            _about("standard deviation along the direction, in units of high - low"),
        ),
    }


def _of_quantities(
    source: Source, learned: Sequence[Learned], found: Posterior, wanted: Array
) -> dict[str, Any]:
    """Variables of the measured quantities, in their units."""
    best = predicted(source.box, learned, found.best[None])[0]
    every = predicted(source.box, learned, found.samples)
    total = total_errors(source.measurements, learned)
    return {
        "measured": ("quantity", wanted, _about("measured value")),
        "error": ("quantity", [m.error for m in source.measurements], _about("its standard error")),
        "best_predicted": ("quantity", best, _about("at the best fit")),
        "predicted_mean": ("quantity", every.mean(axis=0), _about("mean over the posterior")),
        "predicted_sd": ("quantity", every.std(axis=0), _about("standard deviation over the posterior")),
        "pull": ("quantity", (wanted - best) / total, _about("(measured - best_predicted) / total error")),
        "emulator_rms": ("quantity", [each.rms for each in learned], _about("tested error, rms")),
        "emulator_largest": ("quantity", [each.largest for each in learned], _about("tested error, largest")),
        "points_used": ("quantity", [each.used for each in learned], _about("points of the emulator")),
        "points_left_out": (
            "quantity",
            [each.left_out for each in learned],
            _about("points that failed, did not converge, are not followed or hybridised"),
        ),
    }


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]


def _about(text: str) -> dict[str, str]:
    return {"long_name": text}
