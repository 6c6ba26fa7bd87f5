"""Where a further line of a particle can come from, and how likely each origin makes what is measured.

Origins: another dot (second or, given three lines, third), and three of the dot of a brighter line, its
parent: the trion, a phonon replica, a shake-up line. Each piece of evidence has a density under each origin,
of which a share `outlier` is flat, so that no single piece decides alone:

    P(origin | evidence) ∝ P(origin) Π_i [(1 - outlier) p_i(x_i | origin) + outlier u_i].
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, norm

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.foldedangles import folded_density

Array = np.ndarray

ORIGINS = ("second dot", "trion", "phonon replica", "shake-up", "third dot")
SAME_DOT = ORIGINS[1:4]
WINDOW = 300.0
"""meV over which an outlier may lie."""
LEAST_RATIO = 1e-3


@dataclass(frozen=True)
class OriginModel:
    """Priors of the origin of a line; every number is a prior, given with where it comes from.

    Attributes
    ----------
    prior : tuple of float
        Of second dot, trion, phonon replica, shake-up, third dot, before anything is seen. Assumption.
    dot_spread_meV : float
        Standard deviation of the distance of two dots, either sign: √2 times the 18 meV that sizes spread
        the emission of single dots at 4 K by. Assumption.
    trion_meV, trion_spread_meV : float
        Shift of the trion: measured charged dots lie 10 to 18 meV to the red, the solver gives -18 to -19 for
        the nominal dots and less for larger ones.
    phonons_meV, phonon_spread_meV
        Replicas at 27 (CdSe) and 37 meV (CdS), and what fits scatter.
    phonon_ratios, phonon_ratio_spread
        Photons of a replica over those of its line, and the spread of their logarithm. Assumption, of
        Huang-Rhys factors of such dots.
    shake_up_meV : tuple of float
        Red by the distance of the lowest levels; any within, all alike. Assumption.
    shake_up_ratio, shake_up_ratio_spread
        Less than 1 % to a few %, and the spread of the logarithm. Assumption.
    long_share, long_spread : float
        Share of the photons of a neutral dot in its long component (1-2 ns and 70-113 ns measured; the
        amplitudes are an assumption).
    charged_share, charged_spread : float
        The same of a charged dot, which has no long component (6 ns; 1 and 9 ns measured).
    charged_dots : float
        Share of lines of another dot that are of that dot charged. Assumption.
    fast : float
        Share of trions that come and go faster than a frame, so that both lines are in one frame. Assumption.
    steady : float
        Share of particles whose dots do not switch, so that all lines are always there. Assumption.
    common, common_spread : float
        Correlation of the drift of two dots; of one dot it is 1. Assumption.
    angle, angle_spread, angle_share : float
        Degrees: differences of two dots cluster here, in this share of them; the others are uniform.
        Assumption of the test that is asked for; of one dot the difference is 0.
    outlier : float
        Share of every density that is flat. Assumption.
    sure : float
        Posterior below which a line is "undecided".

    Raises
    ------
    InputError
        If a number is out of its range.
    """

    prior: tuple[float, ...] = (0.35, 0.3, 0.15, 0.1, 0.1)
    dot_spread_meV: float = 25.0
    trion_meV: float = -14.0
    trion_spread_meV: float = 3.0
    phonons_meV: tuple[float, ...] = (27.0, 37.0)
    phonon_spread_meV: float = 2.0
    phonon_ratios: tuple[float, ...] = (0.25, 0.1)
    phonon_ratio_spread: float = 0.7
    shake_up_meV: tuple[float, ...] = (10.0, 120.0)
    shake_up_ratio: float = 0.015
    shake_up_ratio_spread: float = 1.0
    long_share: float = 0.65
    long_spread: float = 0.2
    charged_share: float = 0.0
    charged_spread: float = 0.1
    charged_dots: float = 0.3
    fast: float = 0.15
    steady: float = 0.5
    common: float = 0.3
    common_spread: float = 0.25
    angle: float = 20.0
    angle_spread: float = 10.0
    angle_share: float = 0.5
    outlier: float = 0.02
    sure: float = 0.8

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(value, tuple):
                object.__setattr__(self, each.name, checks.numbers_of(value, f"model.{each.name}"))
            else:
                checks.number(value, f"model.{each.name}")
            if each.name.endswith("spread") or each.name.endswith("spread_meV"):
                checks.number(value, f"model.{each.name}", above=0.0)
        if len(self.prior) != len(ORIGINS) or min(self.prior) < 0 or not sum(self.prior) > 0:
            raise InputError(f"model.prior = {self.prior}: must be {len(ORIGINS)} numbers >= 0, not all 0")
        for name in ("charged_dots", "fast", "steady", "angle_share", "outlier", "sure"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"model.{name} = {getattr(self, name):g}: must lie between 0 and 1")
        if len(self.shake_up_meV) != 2 or not 0.0 <= self.shake_up_meV[0] < self.shake_up_meV[1]:
            raise InputError(f"model.shake_up_meV = {self.shake_up_meV}: must be two that ascend, >= 0")
        if len(self.phonon_ratios) != len(self.phonons_meV) or min(self.phonon_ratios) <= 0:
            raise InputError("model.phonon_ratios: must be one > 0 for each of model.phonons_meV")

    def distances(self, origin: str, distance_meV: float, error_meV: float) -> float:
        """Density per meV of the distance from the parent (strongest line for another dot).

        origin: one of ORIGINS. distance_meV, error_meV: measured, with its standard error; negative: red.
        """
        if origin == "trion":
            found = norm.pdf(distance_meV, self.trion_meV, np.hypot(self.trion_spread_meV, error_meV))
        elif origin == "phonon replica":
            weights = np.array(self.phonon_ratios) / sum(self.phonon_ratios)
            wide = np.hypot(self.phonon_spread_meV, error_meV)
            found = float(weights @ norm.pdf(distance_meV, -np.array(self.phonons_meV), wide))
        elif origin == "shake-up":
            near, far = self.shake_up_meV
            error = max(error_meV, 0.1)
            inside = norm.cdf((-near - distance_meV) / error) - norm.cdf((-far - distance_meV) / error)
            found = inside / (far - near)
        else:
            found = norm.pdf(distance_meV, 0.0, np.hypot(self.dot_spread_meV, error_meV))
        return self._mixed(float(found), 1.0 / WINDOW)

    def ratios(self, origin: str, ratio: float, distance_meV: float) -> float:
        """Density of the logarithm of the `ratio` of photons to those of the parent, or strongest line.

        origin: one of ORIGINS. distance_meV: from the parent, for phonon replicas have a ratio each.
        """
        flat = -np.log(LEAST_RATIO)  # as broad as ratios that can be seen
        if origin == "phonon replica":
            mode = int(np.argmin(np.abs(np.array(self.phonons_meV) + distance_meV)))
            found = norm.pdf(np.log(ratio), np.log(self.phonon_ratios[mode]), self.phonon_ratio_spread)
        elif origin == "shake-up":
            found = norm.pdf(np.log(ratio), np.log(self.shake_up_ratio), self.shake_up_ratio_spread)
        else:
            found = norm.pdf(np.log(ratio), np.log(0.4), 0.8)  # what switches or shares the light evenly
        return self._mixed(float(found), 1.0 / flat)

    def places(self, origin: str, seconds: float) -> float:
        """Chance of an `origin` where a brighter line is of the second dot with a chance of `seconds`."""
        chances = {"third dot": seconds, "second dot": 1.0 - seconds}
        return self._mixed(chances.get(origin, 1.0), 0.5)

    def together(self, origin: str, forth: float, back: float) -> float:
        """Density, given an `origin`, of the share of the light that comes where the other is lit (forth).

        back: the same with the lines exchanged.
        Both 1 for what one dot always sends out together, both 0 for a trion and its exciton.
        """
        always = beta.pdf(forth, 12, 1) * beta.pdf(back, 12, 1)
        if origin == "trion":
            apart = beta.pdf(forth, 1, 8) * beta.pdf(back, 1, 8)
            found = (1.0 - self.fast) * apart + self.fast * always
        elif origin in SAME_DOT:
            found = always
        else:
            loose = beta.pdf(forth, 1.5, 1) * beta.pdf(back, 1.5, 1)
            found = (1.0 - self.steady) * loose + self.steady * always
        return self._mixed(float(found), 1.0)

    def beside(self, origin: str, seen: tuple[float, float], parent: tuple[float, float]) -> float:
        """Density, given an `origin`, of forth and back (`seen`) to a line that is not the parent.

        parent: those of the parent to it.
        A replica does what its parent does; of others the line may be of another dot, or of one dot charged.
        """
        if origin in SAME_DOT and origin != "trion":
            alike = [1.0 - abs(one - two) for one, two in zip(seen, parent, strict=True)]
            return self._mixed(0.25 * float(beta.pdf(alike[0], 12, 1) * beta.pdf(alike[1], 12, 1)), 1.0)
        other, apart = (self.together(kind, *seen) for kind in ORIGINS[:2])
        return (1.0 - self.charged_dots) * other + self.charged_dots * apart

    def correlations(self, origin: str, correlation: float, error: float) -> float:
        """Density, given an `origin`, of the `correlation` (its `error`) of two drifts, freed of noise."""
        centre, wide = (1.0, 0.05) if origin in SAME_DOT else (self.common, self.common_spread)
        found = norm.pdf(correlation, centre, np.hypot(wide, error))
        return self._mixed(float(found), 0.5)

    def angles(self, origin: str, difference: float, error: float) -> float:
        """Density per degree, given an `origin`, of the folded `difference` of angles, with its `error`."""
        error = max(error, 1.0)
        if origin in SAME_DOT:
            found = float(folded_density(np.array(difference), 0.0, np.array(error)))
        else:
            wide = np.hypot(error, self.angle_spread)
            near = float(folded_density(np.array(difference), self.angle, np.array(wide)))
            found = self.angle_share * near + (1.0 - self.angle_share) / 90.0
        return self._mixed(found, 1.0 / 90.0)

    def _mixed(self, density: float, flat: float) -> float:
        return (1.0 - self.outlier) * density + self.outlier * flat
