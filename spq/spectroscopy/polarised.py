"""Degree and angle of linear polarisation from the counts behind a rotating half-wave plate.

With the plate at θ the photons of one frame part into V and H as

    (I_V - I_H)/(I_V + I_H) = m(θ) = p cos(4θ - 2φ) = a cos 4θ + b sin 4θ,

a = p cos 2φ, b = p sin 2φ; of the photons that are counted the share q = r(1 + m)/(r(1 + m) + 1 - m) is in V,
r the throughput of V over that of H. The number in V is binomial, so brightness that changes from frame to
frame does no harm. An excess noise F (2 with electron multiplication) makes N counts worth N/F photons. For
small p the Fisher information gives σ_p = √(2F/N), σ_φ = √(2F/N)/(2p).

p is the length of a vector with noise, so it is too large: its distribution is that of S. O. Rice; without
polarisation its mean is √(π/2) σ_p. Debiased is the p that makes the p found likeliest, which is 0 below
√2 σ_p: J. F. L. Simmons, B. G. Stewart, Astron. Astrophys. 142, 100 (1985). The upper limit is that
of the posterior with all p alike before: it never falls below what noise allows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import ive

from spq import checks
from spq.errors import InputError

Array = np.ndarray

STEPS = 100
SETTLED = 1e-9
SURE = 3.0
"""p over its error from which on an angle is given."""
REACH = 8.0
"""Errors beyond the p found up to which an upper limit is looked for."""
LEAST_TURN = 1e-6
"""Smallest eigenvalue, per photon, with which the angles of the plate still suffice."""


@dataclass(frozen=True, eq=False)
class Polarisation:
    """Linear polarisation of the light of one state; what the photons do not determine is NaN.

    Attributes
    ----------
    degree, degree_error : float
        p as found, biased upward, and its standard error.
    degree_debiased : float
        p without the bias, 0 where none is seen.
    degree_squared : float
        a² + b² less its noise: without bias in the mean, for averages; may be below 0.
    upper_limit : float
        p is smaller with the confidence asked for.
    angle, angle_error : float
        φ in degrees, 0 to 180, with its standard error; NaN unless p/σ > 3.
    throughput, throughput_error : float
        V over H; the error is NaN where it was given.
    components : float (2,)
        a and b.
    covariance : float (2, 2)
        Of a and b.
    photons : float
        Counts in V and H over the excess noise.
    reduced_deviance : float
        Deviance over the degrees of freedom, with the excess noise; about 1 if the model is right.
    warnings : tuple of str
    """

    degree: float
    degree_error: float
    degree_debiased: float
    degree_squared: float
    upper_limit: float
    angle: float
    angle_error: float
    throughput: float
    throughput_error: float
    components: Array
    covariance: Array
    photons: float
    reduced_deviance: float
    warnings: tuple[str, ...]


def fit_polarisation(
    vertical: Array,
    horizontal: Array,
    angles_deg: Array,
    excess: float = 1.0,
    throughput: float | None = None,
    confidence: float = 0.95,
) -> Polarisation:
    """Fit p cos(4θ - 2φ) to the counts of V and H.

    Parameters
    ----------
    vertical, horizontal : float (n,)
        Counts of photons (gain taken out) of V and H, of each frame or angle; >= 0.
    angles_deg : float (n,)
        Angle θ of the half-wave plate in degrees; frames where it is NaN are left out.
    excess : float
        Variance over mean of the counts: 1, or 2 with electron multiplication.
    throughput : float or None
        V over H if it is known; None: fitted, which needs several angles.
    confidence : float
        Of the upper limit.

    Returns
    -------
    Polarisation

    Raises
    ------
    InputError
        If shapes differ, counts are negative or not finite, all are zero, or a number is wrong.
    """
    v, h, theta = _checked(vertical, horizontal, angles_deg)
    excess = checks.number(excess, "excess", minimum=1.0)
    if not 0.5 < checks.number(confidence, "confidence") < 1.0:
        raise InputError(f"confidence = {confidence:g}: must lie between 0.5 and 1")
    ratio = None if throughput is None else checks.number(throughput, "throughput", above=0.0)
    n = (v + h) / excess
    seen = v / (v + h)
    waves = np.stack([np.cos(4 * theta), np.sin(4 * theta)], axis=1)
    start = np.array([0.0, 0.0, np.log(ratio) if ratio else np.log(max(v.sum(), 0.5) / max(h.sum(), 0.5))])
    free = np.array([True, True, ratio is None])
    x = _maximum(n, seen, waves, start, free)
    q, information = _information(n, waves, x)
    nothing = _nothing(n, ratio)
    covariance = _inverse(information, free) if _told_apart(n, waves, free) else None
    if covariance is None:
        reason = f"not determined: {len(n)} angles with light do not tell p, φ and what else is fitted apart"
        return replace(nothing, warnings=(reason,))
    warnings = []
    dof = len(n) - int(free.sum())
    reduced = float(_deviance(n, seen, q) / dof) if dof > 0 else np.nan
    if dof > 0 and reduced > 1.0 + 5.0 * np.sqrt(2.0 / dof):
        warnings.append(f"reduced deviance {reduced:.3g}: the model does not describe the counts")
    block = covariance[:2, :2]
    degree = float(np.hypot(x[0], x[1]))
    if degree >= _edge(n) * (1 - 1e-9):
        warnings.append(
            "the degree of polarisation lies at its bound (1 less one photon): its error is a guess"
        )
    along = x[:2] / degree if degree > 0 else np.array([1.0, 0.0])
    across = np.array([-along[1], along[0]])
    error = float(np.sqrt(along @ block @ along))
    sideways = float(np.sqrt(across @ block @ across))
    sure = degree / max(error, sideways)
    angle, angle_error = np.nan, np.nan
    if sure > SURE:
        angle = float(np.degrees(0.5 * np.arctan2(x[1], x[0])) % 180.0)
        angle_error = float(np.degrees(0.5 * sideways / degree))
    else:
        warnings.append(f"angle not determined: p/σ = {sure:.3g} is not above {SURE:g}")
    noise = float(np.sqrt(0.5 * np.trace(block)))
    return replace(
        nothing,
        degree=degree,
        degree_error=error,
        degree_debiased=debiased(degree, noise),
        degree_squared=degree**2 - 2.0 * noise**2,
        upper_limit=upper_limit(degree, noise, confidence),
        angle=angle,
        angle_error=angle_error,
        throughput=float(np.exp(x[2])),
        throughput_error=float(np.exp(x[2]) * np.sqrt(covariance[2, 2])),
        components=x[:2],
        covariance=block,
        reduced_deviance=reduced,
        warnings=tuple(warnings),
    )


def debiased(degree: float, noise: float) -> float:
    """The p that makes the p found likeliest, `noise` the standard error of either component."""
    s = degree / noise
    if s <= np.sqrt(2.0):
        return 0.0

    # Derivative by the true value t of the logarithm of Rice's density, -(s² + t²)/2 + ln I0(st)
    def slope(t: float) -> float:
        return s * ive(1, s * t) / ive(0, s * t) - t

    return float(min(noise * brentq(slope, 1e-6 * s, s), 1.0)) if slope(1e-6 * s) > 0 else 0.0


def upper_limit(degree: float, noise: float, confidence: float = 0.95) -> float:
    """The p below which the true one lies with the confidence, all p being alike before."""
    s = degree / noise
    t = np.linspace(0.0, min(s + REACH, max(1.0 / noise, 1e-6)), 4001)
    below = np.cumsum(np.exp(-0.5 * (s - t) ** 2) * ive(0, s * t))
    return float(min(noise * np.interp(confidence, below / below[-1], t), 1.0))


def _checked(vertical: Any, horizontal: Any, angles: Any) -> tuple[Array, Array, Array]:
    """Counts and angles in radians (n,) of the frames with light and a known angle; raises InputError."""
    arrays = {"vertical": vertical, "horizontal": horizontal, "angles_deg": angles}
    found = {name: np.asarray(each, dtype=float) for name, each in arrays.items()}
    shape = found["vertical"].shape
    for name, each in found.items():
        if each.ndim != 1 or each.shape != shape or not each.size:
            raise InputError(f"{name}: shape {each.shape}: all must be (n,), at least one frame")
    for name in ("vertical", "horizontal"):
        bad = np.flatnonzero(~(np.isfinite(found[name]) & (found[name] >= 0)))
        if len(bad):
            raise InputError(f"{name}[{bad[0]}] = {found[name][bad[0]]:g}: must be finite and >= 0")
    v, h, theta = found.values()
    if np.any(np.isinf(theta)):
        raise InputError("angles_deg: must not be infinite")
    keep = np.isfinite(theta) & (v + h > 0)
    if not keep.any():
        raise InputError("vertical, horizontal: no count in a frame with a known angle")
    return v[keep], h[keep], np.radians(theta[keep])


def _edge(n: Array) -> float:
    """Largest degree of polarisation that is tried: nearer to 1 than one photon of all cannot be told."""
    return float(1.0 - 1.0 / (1.0 + n.sum()))


def _share(waves: Array, x: Array) -> tuple[Array, Array]:
    """Share q (n,) of V and the derivatives (n, 3) of its logit by a, b and ln r."""
    m = waves @ x[:2]
    q = 1.0 / (1.0 + np.exp(-x[2]) * (1.0 - m) / (1.0 + m))
    slope = np.concatenate([waves * (2.0 / (1.0 - m**2))[:, None], np.ones((len(m), 1))], axis=1)
    return q, slope


def _value(n: Array, seen: Array, q: Array) -> float:
    return float(n @ (seen * np.log(np.maximum(q, 1e-300)) + (1 - seen) * np.log(np.maximum(1 - q, 1e-300))))


def _deviance(n: Array, seen: Array, q: Array) -> float:
    return 2.0 * (_value(n, seen, np.clip(seen, 1e-300, 1.0)) - _value(n, seen, q))


def _information(n: Array, waves: Array, x: Array) -> tuple[Array, Array]:
    q, slope = _share(waves, x)
    return q, (slope * (n * q * (1 - q))[:, None]).T @ slope


def _told_apart(n: Array, waves: Array, free: Array) -> bool:
    """Whether the angles at which there was light tell a, b and the throughput apart."""
    columns = np.concatenate([waves, np.ones((len(n), 1))], axis=1)[:, free]
    part = (columns * (n / n.sum())[:, None]).T @ columns
    return bool(np.linalg.eigvalsh(part)[0] > LEAST_TURN)


def _inverse(information: Array, free: Array) -> Array | None:
    """Covariance (3, 3), NaN for what is not free; None if the information is singular."""
    part = information[np.ix_(free, free)]
    scale = np.sqrt(np.diag(part))
    if np.any(scale <= 0) or np.linalg.cond(part / np.outer(scale, scale)) > 1e12:
        return None
    covariance = np.full((3, 3), np.nan)
    covariance[np.ix_(free, free)] = np.linalg.inv(part)
    return covariance


def _maximum(n: Array, seen: Array, waves: Array, start: Array, free: Array) -> Array:
    """a, b and ln r of the largest likelihood, a² + b² <= 1: damped Fisher scoring."""
    x, damping, edge = start.copy(), 1e-6, _edge(n)
    best = _value(n, seen, _share(waves, x)[0])
    for _ in range(STEPS):
        q, slope = _share(waves, x)
        gradient = slope.T @ (n * (seen - q))
        _, information = _information(n, waves, x)
        improved = False
        while damping < 1e8:
            matrix = information + damping * np.diag(np.diag(information) + 1e-12)
            step = np.zeros(3)
            step[free] = np.linalg.solve(matrix[np.ix_(free, free)], gradient[free])
            tried = x + step
            length = np.hypot(tried[0], tried[1])
            if length > edge:
                tried[:2] *= edge / length
            found = _value(n, seen, _share(waves, tried)[0])
            if found > best:
                improved, gain = True, found - best
                x, best, damping = tried, found, max(damping / 10, 1e-9)
                break
            damping *= 5
        if not improved or gain < SETTLED:
            break
    return x


def _nothing(n: Array, ratio: float | None) -> Polarisation:
    """A result in which nothing is determined."""
    nan = float("nan")
    numbers = (nan,) * 7
    throughput = nan if ratio is None else ratio
    empty = np.full(2, nan), np.full((2, 2), nan)
    return Polarisation(*numbers, throughput, nan, *empty, float(n.sum()), nan, ())
