"""Whether the intensity of an emitter changes while its line moves within one cluster ("stable intensity").

    μ_f = exp(a + s (x_f - x̄)),   Var n_f = φ μ_f:

s is the relative change of the intensity per meV of the position x, φ the dispersion as found
(quasi-Poisson: P. McCullagh, J. A. Nelder, Generalized Linear Models (1989)). Positions have errors ε, which
make s too small by λ = 1 - <ε²>/Var(x); s is divided by λ (R. J. Carroll et al., Measurement Error in
Nonlinear Models (2006)), or not given where the positions move hardly more than their errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import t as student

from spq import checks
from spq.errors import InputError

Array = np.ndarray

FEWEST = 8
"""Frames that are needed."""
LEAST = 0.25
"""Share of true motion in the scatter of the positions from which on a slope is given."""
STILL = 1e-9
"""Dispersion below which counts are no measured ones."""
STEPS = 50
STEEPEST = 30.0
"""Largest change of ln μ over one standard deviation of the positions that is tried."""


@dataclass(frozen=True, eq=False)
class Stability:
    """Intensity against position; what is not determined is NaN.

    Attributes
    ----------
    slope, error : float
        Relative change of the intensity per meV, without the bias by the errors of the positions.
    limit : float
        |slope| is smaller with the confidence asked for.
    correlation, p_value : float
        Of intensities and positions, and the chance of such a slope without any dependence.
    spread_meV, reliability : float
        Standard deviation of the positions less their errors, and λ.
    dispersion : float
        Variance over mean of the intensities about the fit.
    frames : int
    warnings : tuple of str
    """

    slope: float
    error: float
    limit: float
    correlation: float
    p_value: float
    spread_meV: float
    reliability: float
    dispersion: float
    frames: int
    warnings: tuple[str, ...]


def intensity_against_position(
    counts: Array,
    positions_eV: Array,
    position_errors_eV: Array | None = None,
    confidence: float = 0.95,
) -> Stability:
    """Dependence of the intensity on the position of a line, in the frames of one cluster.

    Parameters
    ----------
    counts : float (frames,)
        Photons of each frame: of the photon counter, or of the line in the camera; NaN: left out. Those of
        the counter hold the light of all emitters and dark counts: the slope is that of their sum.
    positions_eV, position_errors_eV : float (frames,)
        Of the line in eV, NaN: left out. Errors None: taken as exact, and said so.
    confidence : float
        Of the limit.

    Returns
    -------
    Stability
        Frames are taken as independent; if neighbours are alike (slow drift of the intensity) a warning says
        that the error is too small.

    Raises
    ------
    InputError
        If shapes differ, a value is infinite, an error is negative or the confidence is wrong.
    """
    n, x, errors = _checked(counts, positions_eV, position_errors_eV)
    if not 0.5 < checks.number(confidence, "confidence") < 1.0:
        raise InputError(f"confidence = {confidence:g}: must lie between 0.5 and 1")
    exact = position_errors_eV is None
    if len(n) < FEWEST:
        return _nothing(len(n), f"not determined: {len(n)} frames with a position, at least {FEWEST}")
    if not n.sum() > 0:
        return _nothing(len(n), "not determined: no light")
    total = float(np.var(x, ddof=1))
    noise = float(np.mean(errors**2))
    if not total > 0:
        return _nothing(len(n), "not determined: the line does not move")
    reliability = 1.0 - noise / total
    if reliability < LEAST:
        return _nothing(
            len(n),
            f"not determined: positions scatter by {np.sqrt(total):.2g} meV, their errors are "
            f"{np.sqrt(noise):.2g} meV",
        )
    warnings = ["errors of the positions are not known: the slope may be too small"] if exact else []
    found = _fitted(n, x - x.mean())
    if found is None:
        return _nothing(len(n), "not determined: the intensities do not allow a fit")
    slope, error, dispersion, rest = found
    if not dispersion > STILL:
        return _nothing(len(n), "not determined: the intensities do not scatter")
    p_value = 2.0 * float(student.sf(abs(slope) / error, len(n) - 2))
    alike = float(np.corrcoef(rest[1:], rest[:-1])[0, 1])
    if alike > 3.0 / np.sqrt(len(n)):
        warnings.append(f"neighbouring frames are alike (correlation {alike:.2g}): the error is too small")
    # reliability is itself known to about its scatter, (1 - λ) √(2/n)
    unsure = (1.0 - reliability) / reliability * np.sqrt(2.0 / len(n))
    true, spread = slope / reliability, np.hypot(error, slope * unsure) / reliability
    return Stability(
        slope=true,
        error=float(spread),
        limit=limit_of_size(true, float(spread), confidence),
        correlation=float(np.corrcoef(n, x)[0, 1]),
        p_value=p_value,
        spread_meV=float(np.sqrt(total - noise)),
        reliability=reliability,
        dispersion=dispersion,
        frames=len(n),
        warnings=tuple(f"stability: {text}" for text in warnings),
    )


def limit_of_size(value: float, error: float, confidence: float = 0.95) -> float:
    """The size |v| below which a quantity lies, all values being alike before."""
    size = abs(value)
    return float(
        brentq(
            lambda most: ndtr((most - size) / error) - ndtr((-most - size) / error) - confidence,
            0.0,
            size + 10.0 * error,
        )
    )


def _checked(counts: Any, positions: Any, errors: Any) -> tuple[Array, Array, Array]:
    """Counts, positions and their errors in meV of the frames that have them; raises InputError."""
    n, x = np.asarray(counts, dtype=float), 1e3 * np.asarray(positions, dtype=float)
    spread = np.zeros(x.shape) if errors is None else 1e3 * np.asarray(errors, dtype=float)
    if n.ndim != 1 or x.shape != n.shape or spread.shape != n.shape:
        raise InputError(f"positions_eV: shape {x.shape}: must be that of counts and errors, (frames,)")
    if np.isinf(n).any() or np.isinf(x).any() or np.isinf(spread).any():
        raise InputError("counts, positions_eV: must be finite or NaN")
    if np.any(spread < 0):
        raise InputError("position_errors_eV: must be >= 0")
    known = np.isfinite(n) & np.isfinite(x) & np.isfinite(spread)
    return n[known], x[known], spread[known]


def _fitted(n: Array, x: Array) -> tuple[float, float, float, Array] | None:
    """Slope, its error, dispersion and the rest in standard deviations (frames,), by Fisher scoring."""
    mean, slope = float(np.log(n.mean())), 0.0
    columns = np.stack([np.ones(len(x)), x], axis=1)
    for _ in range(STEPS):
        if abs(slope) * x.std() > STEEPEST:
            return None
        mu = np.exp(np.clip(mean + slope * x, -50.0, 50.0))
        information = (columns * mu[:, None]).T @ columns
        step = np.linalg.solve(information, columns.T @ (n - mu))
        mean, slope = mean + step[0], slope + step[1]
        if np.abs(step * np.array([1.0, x.std()])).max() < 1e-10:
            break
    else:
        return None
    mu = np.exp(mean + slope * x)
    rest = (n - mu) / np.sqrt(mu)
    dispersion = float((rest**2).sum() / (len(n) - 2))
    error = float(np.sqrt(dispersion * np.linalg.inv((columns * mu[:, None]).T @ columns)[1, 1]))
    return float(slope), error, dispersion, rest


def _nothing(frames: int, reason: str) -> Stability:
    return Stability(*(float("nan"),) * 8, frames, (f"stability: {reason}",))
