"""Shape of a line: the zero-phonon line and its phonon replicas, integrated over the pixels.

With Huang-Rhys factors S_j of phonons E_j, n_j of which are made with chance ∝ S_j^n_j / n_j!, a line at E is

    Σ_n Π_j S_j^n_j / n_j!  g(E - Σ_j n_j E_j),   Σ_j n_j <= 2,

over the sum of all weights; g is a Gaussian or a Lorentzian, a replica wider than the zero-phonon line by the
width of its phonons: K. Huang, A. Rhys, Proc. R. Soc. A 204, 406 (1950).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import factorial

import numpy as np
from scipy.special import ndtr

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.wavelengths import energy_of

Array = np.ndarray

KINDS = ("gaussian", "lorentzian")
ORDERS = 2
FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))


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
    found, total = np.zeros((*apart.shape[:-1], apart.shape[-1] - 1)), 0.0
    for numbers in product(range(ORDERS + 1), repeat=len(shape.ratios)):
        phonons = sum(numbers)
        weight = float(np.prod([s**n / factorial(n) for s, n in zip(shape.ratios, numbers, strict=True)]))
        if phonons > ORDERS or not weight > 0:
            continue
        below = sum(n * e for n, e in zip(numbers, shape.phonons_meV, strict=True))
        found -= weight * np.diff(_below(apart + below, shape, phonons))
        total += weight
    return found / total


def _below(apart: Array, shape: LineShape, phonons: int) -> Array:
    """Share of a single peak with some phonons below energies in meV from its centre."""
    if shape.kind == "gaussian":
        width = np.sqrt(shape.width_meV**2 + phonons * shape.phonon_width_meV**2)
        return ndtr(apart * FWHM / width)
    width = shape.width_meV + phonons * shape.phonon_width_meV
    return 0.5 + np.arctan(2.0 * apart / width) / np.pi
