"""A discretised problem made ready for configuration interaction: the lowest orbitals, their integrals."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spq.cispec import CISpec
from spq.discretisation import Discretisation
from spq.errors import InputError
from spq.orbitals import Orbitals, lowest_orbitals, orbitals
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.reduction import integrated

# orbitals of each kind and dot: active, and in second order on the half plane and in a solid
ACTIVE = {"coarse": 12, "normal": 20, "fine": 30}
OUTSIDE = {True: {"coarse": 60, "normal": 100, "fine": 150}, False: {"coarse": 36, "normal": 50, "fine": 60}}
PAIRS = {"coarse": 1e-6, "normal": 3e-7, "fine": 1e-7}  # eV, see spq.integrals
LARGEST = 1e6  # configurations of active orbitals, selected or not, unless asked for more


@dataclass(frozen=True, eq=False)
class Correlation:
    """A discretised problem ready for configuration interaction.

    system: the lowest eigenstates of h and their integrals, a reduced problem; spec: how far to go; asked:
    whether the user gave the number of active orbitals; bare, remembered: eigenstates without a field, and
    the last ones in fields (spq.eigenstates).
    """

    system: Reduced
    spec: CISpec
    asked: bool = False
    _orbitals: dict[int, Orbitals] = field(default_factory=dict)
    bare: dict[tuple[int, int, int], Any] = field(default_factory=dict)
    remembered: dict[tuple[int, int, bytes], Any] = field(default_factory=dict)

    @property
    def discretisation(self) -> Discretisation:
        """What it was made of."""
        return self.system.discretisation

    @property
    def dots(self) -> int:
        """Number of dots."""
        return self.system.dots

    @property
    def seconds(self) -> dict[str, float]:
        """Time spent."""
        return self.system.seconds

    def no_field(self) -> np.ndarray:
        """As that of the reduced problem."""
        return self.system.no_field()

    def charge_fields(self, positions: np.ndarray) -> np.ndarray:
        """As those of the reduced problem."""
        return self.system.charge_fields(positions)

    def far_field(self, field: np.ndarray) -> np.ndarray:
        """As that of the reduced problem."""
        return self.system.far_field(field)

    def orbitals(self, carriers: int) -> Orbitals:
        """The orbitals for so many carriers; a single one has all of them active."""
        every = min(len(each) for each in self.system.hamiltonian.values())
        active = every
        if carriers > 1:
            active = min(every, self.spec.orbitals or every)
        if not self.asked:
            active = min(active, int(LARGEST ** (1 / max(carriers, 1))))
        if active not in self._orbitals:
            self._orbitals[active] = orbitals(self.system, active)
        return self._orbitals[active]


def truncated(discretisation: Discretisation, looseness: float = 1.0) -> CISpec:
    """How far to go with a discretised problem: a model's CISpec with every number of orbitals given."""
    model, turning = discretisation.model, discretisation.space.harmonics.turning
    spec, dots = model.ci, len(model.molecule.dots)
    few = (spec.orbitals or ACTIVE[model.accuracy] * dots) / looseness
    many = (spec.outside or OUTSIDE[turning][model.accuracy] * dots) / looseness
    few = max(1, round(few))
    return replace(spec, orbitals=few, outside=max(few, round(many)))


def correlate(
    discretisation: Discretisation, progress: Progress = silent, looseness: float = 1.0
) -> Correlation:
    """Orbitals and integrals of a discretised problem for configuration interaction.

    Parameters
    ----------
    discretisation : Discretisation
    progress : called with what is being done
    looseness : factor by which the numbers of orbitals are smaller, 1 or more

    Returns
    -------
    Correlation

    Raises
    ------
    InputError
        If the integrals need more memory than allowed.
    ConvergenceError
        If the eigensolver fails.
    """
    start = time.perf_counter()
    spec = truncated(discretisation, looseness)
    many = spec.outside or 1
    _check_memory(discretisation, many)
    progress("states", 0, 1)
    basis = lowest_orbitals(discretisation, many)
    found = time.perf_counter()
    progress("integrals", 0, 1)
    system, _ = integrated(discretisation, basis, PAIRS[discretisation.model.accuracy])
    system.seconds.update(states=found - start, integrals=time.perf_counter() - found)
    return Correlation(system, spec, discretisation.model.ci.orbitals is not None)


def _check_memory(discretisation: Discretisation, count: int) -> None:
    """Raise InputError where the pair densities of so many orbitals do not fit."""
    space, allowed = discretisation.space, 1e9 * discretisation.model.ci.memory
    share = 0.25 if space.harmonics.turning else 1.0  # of one harmonic
    needed = 8.0 * len(space.covered) * share * count * (count + 1)
    if needed > allowed:
        fitting = int(count * np.sqrt(allowed / needed))
        raise InputError(
            f"ci.outside: the pairs of {count} orbitals need {needed / 1e9:.1f} GB, allowed are "
            f"{allowed / 1e9:.1f} (ci.memory); {fitting} orbitals would fit"
        )
