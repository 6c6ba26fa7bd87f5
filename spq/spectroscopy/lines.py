"""Zero-phonon lines of a spectrum, with their replicas: how many there are and where, by likelihood.

Counts y_i of pixel i are compared with μ_i = Σ_l N_l share_i(E_l) + b, all lines of one shape. With an
excess noise F, y/F counts as Poisson with mean μ/F. Noise of the read-out with variance s² goes in as
y + s² with mean μ + s²: D. L. Snyder et al., J. Opt. Soc. Am. A 12, 272 (1995). The number of lines is that
with the smallest BIC = k ln N - 2 ln L, k parameters, N photons: G. Schwarz, Ann. Stat. 6, 461 (1978). That
takes a line as looked for within about its own width w; it may be anywhere in the spectrum, of width W, and
noise has W/w places to look like one, so each line costs 2 ln(W/w) more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.likelihood import Maximum, covariance_of, deviances, expected_deviance, maximise
from spq.spectroscopy.linemodel import KINDS, LineShape, energy_edges, profile, profile_slopes

Array = np.ndarray

MOST = 4
WIDTHS, RATIOS, PHONON_WIDTHS = (0.2, 12.0), (0.0, 1.5), (0.5, 8.0)
"""Bounds in meV, of the ratios, and in meV."""
DARKEST = 0.01
"""Least background, photons of all pixels: without, means far from lines are 0 and no step is right."""
FEWEST = 20
"""Photons, over the excess noise, that a spectrum must have."""


@dataclass(frozen=True, eq=False)
class LineFit:
    """Lines of a spectrum; what the photons do not determine is NaN.

    Attributes
    ----------
    positions, errors : float (lines,)
        Zero-phonon lines in eV, descending, with standard errors from the Fisher information.
    photons, photon_errors : float (lines,)
        Of each line with its replicas.
    background, background_error : float
        Counts per pixel.
    shape : LineShape or None
        Common to all lines; its errors: width_error_meV, ratio_errors.
    width_error_meV : float
    ratio_errors : float (phonons,)
    bic : mapping
        Number of lines -> BIC, of all that were tried.
    means : float (pixels,)
        Expected counts.
    reduced_deviance : float
        Deviance over its expectation.
    warnings : tuple of str
    """

    positions: Array
    errors: Array
    photons: Array
    photon_errors: Array
    background: float
    background_error: float
    shape: LineShape | None
    width_error_meV: float
    ratio_errors: Array
    bic: Mapping[int, float]
    means: Array
    reduced_deviance: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Problem:
    """Counts over the excess noise (those of the read-out added), pixels' edges in eV, and what was asked."""

    counts: Array
    edges: Array
    seen: Array
    excess: float
    added: float
    kind: str
    phonons: tuple[float, ...]


def fit_lines(
    counts: Array,
    wavelength: Array,
    *,
    excess: float = 1.0,
    kind: str = "gaussian",
    lines: int | None = None,
    phonons_meV: tuple[float, ...] = (27.0, 37.0),
    read_variance: float = 0.0,
    apart_meV: float = 6.0,
) -> LineFit:
    """Fit zero-phonon lines with replicas to a spectrum.

    Parameters
    ----------
    counts : float (pixels,)
        Photons; NaN where masked; may be negative where a camera's offset was taken out.
    wavelength : float (pixels,)
        In nm, ascending.
    excess : float
        Variance over mean of the counts.
    kind : "gaussian" or "lorentzian"
        Lines that drift while they are summed are Gaussian; a Lorentzian reads them as several.
    lines : 1 to 4 or None
        None: the number with the smallest BIC.
    phonons_meV : tuple of float
        How far below each line its replicas lie; () fits none, so that replicas are lines of their own.
    read_variance : float
        Variance of the read-out noise of one pixel of the spectrum, in photons squared.
    apart_meV : float
        Lines closer than this are one line that drifted: a number of lines with such a pair is not taken.

    Returns
    -------
    LineFit

    Raises
    ------
    InputError
        If shapes do not fit together, counts are infinite, or a number is wrong.
    """
    checks.choice(kind, "kind", KINDS)
    if lines is not None and checks.integer(lines, "lines", minimum=1) > MOST:
        raise InputError(f"lines = {lines}: must be at most {MOST}")
    excess = checks.number(excess, "excess", minimum=1.0)
    added = checks.number(read_variance, "read_variance", minimum=0.0) / excess
    edges = energy_edges(wavelength)
    given = np.asarray(counts, dtype=float)
    if given.shape != (len(edges) - 1,) or np.isinf(given).any():
        raise InputError(f"counts: shape {given.shape}: must be finite or NaN, ({len(edges) - 1},)")
    seen = np.isfinite(given)
    scaled = np.maximum(np.where(seen, given, 0.0) / excess + added, 0.0)
    problem = _Problem(scaled[seen], edges, seen, excess, added, kind, tuple(phonons_meV))
    net = float((np.where(seen, given, 0.0) - np.median(given[seen]) if seen.any() else np.zeros(1)).sum())
    if seen.sum() < 8 or net / excess < FEWEST:
        return _nothing(
            len(given), f"lines: not determined, for fewer than {FEWEST} photons are above the rest"
        )
    apart = checks.number(apart_meV, "apart_meV", "meV", minimum=0.0)
    photons, best = net / excess, None
    found: dict[int, Maximum] = {}
    bic: dict[int, float] = {}
    for number in range(1, (MOST if lines is None else lines) + 1):
        best = found[number] = _best(problem, number, best)
        near = number > 1 and float(np.diff(np.sort(best.at[:number])).min()) < apart
        if lines is None and near:
            break
        bic[number] = _criterion(problem, best, number, photons)
        if lines is None and bic[number] > min(bic.values()):
            break  # one more line than is worth its parameters
    if lines is not None:
        bic = {lines: bic[lines]}
    number = min(bic, key=lambda each: bic[each])
    return _described(problem, number, found[number], bic)


def compare_shapes(counts: Array, wavelength: Array, **options: object) -> dict[str, LineFit]:
    """The fits of both kinds of line side by side, by kind.

    counts, wavelength (nm) and options: arguments of fit_lines, but `kind`. Raises InputError as that does.
    """
    return {kind: fit_lines(counts, wavelength, kind=kind, **options) for kind in KINDS}  # type: ignore[arg-type]


def _criterion(problem: _Problem, found: Maximum, lines: int, photons: float) -> float:
    """BIC of a fit; a parameter at its bound counts, or a line could pay for itself by ending a replica."""
    parameters = 2 * lines + 2 + len(problem.phonons) + bool(problem.phonons)
    window = 1e3 * (problem.edges[0] - problem.edges[-1])
    places = max(window / _shape(problem, found.at, lines).width_meV, 1.0)
    cost = parameters * np.log(photons) + 2.0 * lines * np.log(places)
    return float(cost - 2.0 * found.log_likelihood)


def _shape(problem: _Problem, x: Array, lines: int) -> LineShape:
    """Parameters: positions in meV, photons, width, ratios, phonon width, background."""
    shared = x[2 * lines :]
    count = len(problem.phonons)
    width = float(shared[1 + count])
    return LineShape(
        problem.kind, float(shared[0]), problem.phonons, tuple(map(float, shared[1 : 1 + count])), width
    )


def _means(problem: _Problem, x: Array, lines: int) -> Array:
    shares = profile(problem.edges, 1e-3 * x[:lines], _shape(problem, x, lines))
    return (x[lines : 2 * lines] @ shares + x[-1] + problem.added)[problem.seen]


def _with_slopes(problem: _Problem, x: Array, lines: int) -> tuple[Array, Array]:
    """Means and their derivatives (pixels, parameters)."""
    photons = x[lines : 2 * lines]
    shares, slopes = profile_slopes(problem.edges, 1e-3 * x[:lines], _shape(problem, x, lines))
    mean = photons @ shares + x[-1] + problem.added
    moved = photons[:, None] * slopes[:, 0]
    shared = np.tensordot(photons, slopes[:, 1:], axes=1)
    every = np.concatenate([moved, shares, shared, np.ones((1, len(mean)))])
    return mean[problem.seen], every.T[problem.seen]


def _best(problem: _Problem, lines: int, fewer: Maximum | None) -> Maximum:
    """The best maximum with a line more than before, put where the rest is largest."""
    energies = 1e3 * problem.edges
    centres = 0.5 * (energies[1:] + energies[:-1])[problem.seen]
    photons = float(problem.counts.sum())
    count = len(problem.phonons)
    low = np.concatenate(
        [
            np.full(lines, energies[-1]),
            np.zeros(lines),
            [WIDTHS[0]],
            np.full(count, RATIOS[0]),
            [PHONON_WIDTHS[0], DARKEST / len(centres)],
        ]
    )
    shared_high = [WIDTHS[1], *(RATIOS[1],) * count, PHONON_WIDTHS[1], photons]
    high = np.concatenate([np.full(lines, energies[0]), np.full(lines, 10.0 * photons), shared_high])
    fixed = np.zeros(len(low), dtype=bool)
    fixed[-2] = not count
    if fewer is None:
        rest, old = problem.counts - np.median(problem.counts), None
        shared = np.concatenate(
            [[1.5], np.full(count, 0.15), [3.0, max(float(np.median(problem.counts)), 0.01)]]
        )
    else:
        old = fewer.at
        rest = problem.counts - _means(problem, old, lines - 1)
        shared = old[2 * (lines - 1) :]
    smooth = np.convolve(rest, np.hanning(9) / np.hanning(9).sum(), mode="same")
    noise = np.sqrt(np.maximum(np.convolve(problem.counts, np.ones(9) / 9.0, mode="same"), 0.1))
    best: Maximum | None = None
    for place in _peaks(smooth / noise, 2):
        near = np.abs(centres - centres[place]) < 3.0
        amount = max(float(rest[near].sum()), 0.02 * photons)
        before = (
            (np.empty(0), np.empty(0))
            if old is None
            else (old[: lines - 1], old[lines - 1 : 2 * (lines - 1)])
        )
        start = np.concatenate([before[0], [centres[place]], before[1], [amount], shared])
        tried = maximise(problem.counts, lambda x: _with_slopes(problem, x, lines), start, low, high, fixed)
        if best is None or tried.log_likelihood > best.log_likelihood:
            best = tried
    assert best is not None
    return best


def _peaks(values: Array, number: int) -> list[int]:
    """Places of the largest values, at least 9 pixels apart."""
    left = values.copy()
    found = []
    for _ in range(number):
        place = int(left.argmax())
        found.append(place)
        left[max(place - 9, 0) : place + 10] = -np.inf
    return found


def _described(problem: _Problem, lines: int, found: Maximum, bic: Mapping[int, float]) -> LineFit:
    x, excess = found.at, problem.excess
    covariance = covariance_of(found.information, found.held)
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    order = np.argsort(-x[:lines])
    means = np.full(len(problem.seen), np.nan)
    fitted = _means(problem, x, lines)
    means[problem.seen] = (fitted - problem.added) * excess
    count = len(problem.phonons)
    deviance = deviances(problem.counts, fitted).sum() / max(expected_deviance(fitted)[0], 1e-12)
    warnings = () if found.settled else ("lines: the search for the best fit did not end",)
    return LineFit(
        positions=1e-3 * x[:lines][order],
        errors=1e-3 * errors[:lines][order],
        photons=excess * x[lines : 2 * lines][order],
        photon_errors=excess * errors[lines : 2 * lines][order],
        background=excess * float(x[-1]),
        background_error=excess * float(errors[-1]),
        shape=_shape(problem, x, lines),
        width_error_meV=float(errors[2 * lines]),
        ratio_errors=errors[2 * lines + 1 : 2 * lines + 1 + count],
        bic=dict(bic),
        means=means,
        reduced_deviance=float(deviance),
        warnings=warnings,
    )


def _nothing(pixels: int, reason: str) -> LineFit:
    none, nan = np.empty(0), float("nan")
    means = np.full(pixels, np.nan)
    return LineFit(none, none, none, none, nan, nan, None, nan, none, {}, means, nan, (reason,))
