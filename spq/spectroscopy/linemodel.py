"""Shape of a line: the zero-phonon line and its phonon replicas, integrated over the pixels.

With Huang-Rhys factors S_j of phonons E_j, n_j of which are made with chance ∝ S_j^n_j / n_j!, a line at E is

    Σ_n Π_j S_j^n_j / n_j!  g(E - Σ_j n_j E_j),   Σ_j n_j <= 2,

over the sum of all weights; g is a Gaussian or a Lorentzian, a replica wider than the zero-phonon line by the
width of its phonons: K. Huang, A. Rhys, Proc. R. Soc. A 204, 406 (1950).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from scipy.special import factorial, ndtr

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.wavelengths import energy_of

Array = np.ndarray

KINDS = ("gaussian", "lorentzian")
ORDERS = 2
FARTHEST = 9.0
"""Standard deviations beyond which a Gaussian has 1e-19 of its photons, less than 1 is rounded by."""
FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))


@dataclass(frozen=True)
class LineShape:
    """Shape of all lines of one spectrum.

    kind: "gaussian" or "lorentzian". width_meV: full width at half maximum of the zero-phonon line.
    phonons_meV: how far below it the replicas lie. ratios: Huang-Rhys factor of each, the photons of the
    first replica over those of the zero-phonon line. phonon_width_meV: full width that each phonon adds, in
    quadrature to a Gaussian, to a Lorentzian in sum. Raises InputError.
    """

    kind: str = "gaussian"
    width_meV: float = 1.0
    phonons_meV: tuple[float, ...] = (27.0, 37.0)
    ratios: tuple[float, ...] = (0.25, 0.1)
    phonon_width_meV: float = 3.5

    def __post_init__(self) -> None:
        checks.choice(self.kind, "shape.kind", KINDS)
        checks.number(self.width_meV, "shape.width_meV", "meV", above=0.0)
        checks.number(self.phonon_width_meV, "shape.phonon_width_meV", "meV", minimum=0.0)
        if len(self.phonons_meV) != len(self.ratios):
            raise InputError("shape.ratios: must be one for each of shape.phonons_meV")
        for i, ratio in enumerate(self.ratios, 1):
            checks.number(ratio, f"shape.ratios[{i}]", minimum=0.0)


def energy_edges(wavelength: Array) -> Array:
    """Borders (pixels + 1,) of pixels in eV, descending, half way between pixels.

    wavelength: (pixels,) in nm. Raises InputError unless there are two or more that ascend.
    """
    wavelength = np.asarray(wavelength, dtype=float)
    if wavelength.ndim != 1 or len(wavelength) < 2 or not np.all(np.diff(wavelength) > 0):
        raise InputError("wavelength: must be at least two that ascend, in nm")
    middle = 0.5 * (wavelength[1:] + wavelength[:-1])
    first, last = 2.0 * wavelength[0] - middle[0], 2.0 * wavelength[-1] - middle[-1]
    return energy_of(np.concatenate([[first], middle, [last]]))


def profile(edges: Array, position: float | Array, shape: LineShape) -> Array:
    """Share (..., pixels) of a line's photons in each pixel.

    edges: (pixels + 1,) and position: (...), both in eV. shape: of the line and its replicas. Raises nothing.
    """
    apart = 1e3 * (np.asarray(edges) - np.asarray(position)[..., None])
    found = np.zeros((*apart.shape[:-1], apart.shape[-1] - 1))
    _, weights, below, widths = _peaks(shape)
    for weight, down, width in zip(weights, below, widths, strict=True):  # in turn, for positions may be many
        if weight > 0:
            found -= weight * np.diff(_below(shape, (apart + down) * (_scale(shape) / width)))
    return found


def profile_slopes(edges: Array, position: Array, shape: LineShape) -> tuple[Array, Array]:
    """Shares of lines as of profile, and their derivatives.

    edges: (pixels + 1,) and position: (lines,) in eV. Returns shares (lines, pixels) and their derivatives
    (lines, parameters, pixels) by position, width, each of the ratios and the width of the phonons; by
    position and widths per meV.
    """
    numbers, weights, below, widths = _peaks(shape)
    steep = _scale(shape) / widths[:, None]
    apart = 1e3 * (np.asarray(edges) - np.asarray(position)[:, None])
    far = (apart[:, None, :] + below[:, None]) * steep  # (lines, peaks, edges)
    shares = -np.diff(_below(shape, far))
    density = _density(shape, far)
    moved = steep * np.diff(density)
    widened = np.diff(density * far) / widths[:, None]
    phonons = numbers.sum(axis=1)
    if shape.kind == "gaussian":
        by_width, by_phonon_width = shape.width_meV / widths, phonons * shape.phonon_width_meV / widths
    else:
        by_width, by_phonon_width = np.ones(len(widths)), phonons.astype(float)
    slopes = [weights @ moved, (weights * by_width) @ widened]
    slopes += [change @ shares for change in _weight_slopes(numbers, weights, shape.ratios)]
    slopes.append((weights * by_phonon_width) @ widened)
    return weights @ shares, np.stack(slopes, axis=1)


@lru_cache
def _phonon_numbers(kinds: int) -> tuple[Array, Array]:
    """How many phonons of each kind (peaks, kinds) a peak of the line has made, and their factorials."""
    every = [each for each in product(range(ORDERS + 1), repeat=kinds) if sum(each) <= ORDERS]
    numbers = np.array(every, dtype=int).reshape(len(every), kinds)
    return numbers, factorial(numbers)


def _peaks(shape: LineShape) -> tuple[Array, Array, Array, Array]:
    """Phonons (peaks, kinds), shares, distances below the line in meV, and widths in meV (peaks,)."""
    numbers, orders = _phonon_numbers(len(shape.ratios))
    weights = np.prod(np.power(shape.ratios, numbers) / orders, axis=1)
    phonons = numbers.sum(axis=1)
    if shape.kind == "gaussian":
        widths = np.sqrt(shape.width_meV**2 + phonons * shape.phonon_width_meV**2)
    else:
        widths = shape.width_meV + phonons * shape.phonon_width_meV
    return numbers, weights / weights.sum(), numbers @ np.array(shape.phonons_meV, dtype=float), widths


def _weight_slopes(numbers: Array, weights: Array, ratios: tuple[float, ...]) -> list[Array]:
    """Derivatives of the shares (peaks,) by each ratio: a peak gains from that with one phonon fewer."""
    places = {tuple(each): place for place, each in enumerate(numbers.tolist())}
    found = []
    for kind in range(len(ratios)):
        gain = np.zeros(len(weights))
        for place, each in enumerate(numbers.tolist()):
            if each[kind]:
                each[kind] -= 1  # d/dS of S^n/n! is S^(n-1)/(n-1)!
                gain[place] = weights[places[tuple(each)]]
        found.append(gain - weights * gain.sum())
    return found


def _scale(shape: LineShape) -> float:
    return FWHM if shape.kind == "gaussian" else 2.0


def _below(shape: LineShape, far: Array) -> Array:
    """Share of a single peak below places, these in standard deviations or half widths from its centre."""
    if shape.kind != "gaussian":
        return 0.5 + np.arctan(far) / np.pi
    found = (far > 0.0).astype(float)
    near = np.abs(far) < FARTHEST
    found[near] = ndtr(far[near])
    return found


def _density(shape: LineShape, far: Array) -> Array:
    """Derivative of _below."""
    if shape.kind == "gaussian":
        return np.exp(-0.5 * far**2) / np.sqrt(2.0 * np.pi)
    return 1.0 / (np.pi * (1.0 + far**2))
