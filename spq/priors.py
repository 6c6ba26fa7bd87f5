"""What is known of a field of the input before anything is measured: a range, or a normal within it.

p(x) = 1/(high − low), or ∝ exp(−(x − mean)²/2σ²), for low <= x <= high, and 0 elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.fields import changed, check_apart, places
from spq.geometry import Array
from spq.model import Model

RANGES = {
    "core_radius": (1.0, 2.5),
    "shell_thickness": (0.5, 3.5),
    "conduction_band_offset": (0.05, 0.35),
}
"""Ranges by kind of field where none is given."""

LENGTHS = (
    *("core_radius", "shell_thickness", "gradation", "position", "center_distance"),
    *("neck_diameter", "linker_diameter", "image_cut", "z", "offset"),
)
ENERGIES = ("conduction_band_offset", "conduction_band", "gap")
FARTHEST = 20.0  # sigma, that the mean may lie outside the range
KEYS = ("low", "high", "mean", "sigma")


@dataclass(frozen=True)
class Prior:
    """Prior density of one number: uniform from low to high, or a normal that is cut off there.

    low, high: in the units of the input. mean, sigma: of the normal before it is cut off; both or neither.
    Raises InputError.
    """

    low: float
    high: float
    mean: float | None = None
    sigma: float | None = None

    def __post_init__(self) -> None:
        low, high = checks.number(self.low, "low"), checks.number(self.high, "high")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        if not low < high:
            raise InputError(f"low = {low:g}, high = {high:g}: low must be < high")
        if (self.mean is None) != (self.sigma is None):
            raise InputError("mean and sigma: give both, or neither for a uniform prior")
        if self.mean is None:
            return
        mean, sigma = checks.number(self.mean, "mean"), checks.number(self.sigma, "sigma", above=0.0)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "sigma", sigma)
        if max(low - mean, mean - high) > FARTHEST * sigma:
            raise InputError(f"mean = {mean:g}: is more than {FARTHEST:g} sigma outside low and high")

    @property
    def _density(self) -> Any:
        from scipy import stats

        if self.mean is None or self.sigma is None:
            return stats.uniform(self.low, self.high - self.low)
        ends = [(end - self.mean) / self.sigma for end in (self.low, self.high)]
        return stats.truncnorm(*ends, loc=self.mean, scale=self.sigma)

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(self._density.std())

    def draws(self, shares: Array) -> Array:
        """Values at which the cumulated density is `shares`, of any shape, from 0 to 1."""
        return self._density.ppf(shares)

    def log_density(self, values: Array) -> Array:
        """Logarithm of the density at values of any shape; -inf outside."""
        inside = (values >= self.low) & (values <= self.high)
        if self.mean is None or self.sigma is None:
            return np.where(inside, -np.log(self.high - self.low), -np.inf)
        density = self._density
        peak = float(np.clip(self.mean, self.low, self.high))
        top = float(density.logpdf(peak)) + 0.5 * ((peak - self.mean) / self.sigma) ** 2
        return np.where(inside, top - 0.5 * ((values - self.mean) / self.sigma) ** 2, -np.inf)


def priors_of(model: Model, free: Mapping[str, Any] | Iterable[str]) -> dict[str, Prior]:
    """Priors by field, in the order given.

    Parameters
    ----------
    model : Model
        Whose fields they are.
    free : field -> (low, high), a Prior, or a mapping of "low", "high", "mean" and "sigma"; or fields
        alone, which have the ranges in RANGES

    Returns
    -------
    dict of str to Prior

    Raises
    ------
    InputError
        If a field is unknown, no number, given twice or without a range, or a prior is wrong.
    """
    if not isinstance(free, Mapping):
        names = checks.listed(free, "free", "fields such as dots[1].core_radius, with or without ranges")
        if twice := [name for name in names if names.count(name) > 1]:
            raise InputError(f"free: {twice[0]} is given twice")
        free = {name: None for name in names}
    if not free:
        raise InputError("free: must name at least one field such as dots[1].core_radius")
    with checks.placed("free: "):
        check_apart(model, free)
        found = {name: _prior(name, given) for name, given in free.items()}
        for name, prior in found.items():
            _check_number(model, name, prior)
    return found


def _prior(name: str, given: Any) -> Prior:
    if isinstance(given, Prior):
        return given
    if given is None:
        if (kind := last(name)) not in RANGES:
            known = ", ".join(RANGES)
            raise InputError(f"{name}: needs a range (low, high); only {known} have one by default")
        return Prior(*RANGES[kind])
    with checks.placed(f"{name}: "):
        if isinstance(given, Mapping):
            checks.known_keys(given, KEYS, "")
            if missing := [key for key in KEYS[:2] if key not in given]:
                raise InputError(f"a prior needs low and high; {missing[0]} is missing")
            return Prior(**given)
        ends = checks.listed(given, "prior", "(low, high) or a Prior")
        if len(ends) != 2:
            raise InputError(f"prior = {checks.shown(given)}: must be (low, high) or a Prior")
        return Prior(*ends)


def _check_number(model: Model, name: str, prior: Prior) -> None:
    """Raise InputError for a field that is unknown or no number: not even one value of it has a model."""
    places(model, name)
    wrong: InputError | None = None
    for value in np.linspace(prior.low, prior.high, 9):
        try:
            changed(model, {name: float(value)})
            return
        except InputError as error:
            wrong = wrong or error
    raise InputError(f"{wrong}")


def last(name: str) -> str:
    """The key of a field, without its table and numbers."""
    return name.rsplit(".", 1)[-1].partition("[")[0]


def unit_of(name: str) -> str:
    """Unit of a field: nm, eV, or "" for all others."""
    key = last(name)
    return "nm" if key in LENGTHS else "eV" if key in ENERGIES else ""
