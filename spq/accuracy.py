"""Numerical error of energies and shifts: mesh, basis and self-consistency together.

Every energy is also computed with the model's companion, on a mesh coarser by a half, in a looser basis
and with fewer harmonics. A share of the difference is the estimate. A difference can be small by
chance: each is joined with the mean square over the other charges of the same state. The shares cover
98 % of the true errors of random dimers (benchmarks/errors.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spq import hartree
from spq.correlated import Line
from spq.correlation import Correlation
from spq.errors import ConvergenceError
from spq.reduced import Reduced
from spq.solution import Found, in_fields, without_charges

SHARE = {
    True: 1.0,
    False: 2.5,
}  # on the half plane, and in a solid, whose coarse meshes are far from their order
WIDER = 2.5  # factor on the share for a correlated energy, not for its shift: extrapolations differ less
FLOOR = 2e3 * hartree.ENERGY_TOLERANCE  # meV, of the self-consistency of both
COVERED = 0.95  # of the charges looked at, by the error given to all of an unordered set
LOOKED_AT = 24  # charges of one state that the companion solves; between them errors are interpolated


@dataclass(frozen=True, eq=False)
class Errors:
    """Estimated errors in meV: of each energy and each shift (b,), and of the energy without charges."""

    energy: np.ndarray
    shift: np.ndarray
    reference: float


def estimated(
    coarse: Reduced | Correlation | None,
    bare: Found,
    solved: Sequence[Found],
    externals: np.ndarray,
    final_state: str,
    ordered: bool = True,
) -> Errors:
    """Errors of the energies of a transition in b fields, and of their shifts.

    Parameters
    ----------
    coarse : the companion, if there is one
    bare : the transition without charges
    solved : b transitions in fields; those that did not converge get no estimate
    externals : (b, ...) the fields on the companion
    final_state : "relaxed" or "frozen"
    ordered : whether neighbours in b are neighbours on the surface, with errors alike

    Returns
    -------
    Errors
        NaN where a transition did not converge, or the companion is missing or converged in none.
    """
    energy = np.full(len(solved), np.nan)
    if coarse is None:
        return Errors(energy, energy.copy(), np.nan)
    try:
        start = without_charges(coarse, bare.state, final_state)
    except ConvergenceError:
        return Errors(energy, energy.copy(), np.nan)
    offset = 1e3 * (bare.energy - start.energy)
    share = SHARE[coarse.discretisation.space.harmonics.turning]
    wider = WIDER if isinstance(coarse, Correlation) else 1.0
    reference = np.hypot(wider * share * abs(offset), _extrapolated(bare)) + FLOOR
    done = np.array([i for i, each in enumerate(solved) if each.converged], dtype=int)
    if not len(done):
        return Errors(energy, energy.copy(), reference)
    looked = done[np.unique(np.linspace(0, len(done) - 1, min(LOOKED_AT, len(done))).astype(int))]
    found = in_fields(coarse, start, externals[looked], final_state)
    kept = np.array([each.converged for each in found], dtype=bool)
    if not kept.any():
        return Errors(energy, energy.copy(), reference)
    looked = looked[kept]
    energies = np.array([solved[i].energy for i in looked])
    shift = 1e3 * (energies - np.array([each.energy for each in found if each.converged])) - offset
    both = np.column_stack([shift, shift + offset])
    size = share * np.array([1.0, wider]) * np.sqrt(both**2 + np.mean(both**2, axis=0)) + FLOOR
    size[:, 1] = np.hypot(size[:, 1], [_extrapolated(solved[i]) for i in looked])
    if not ordered and len(looked) < len(done):
        size[:] = np.quantile(size, COVERED, axis=0)
    every = np.arange(len(solved))
    shift_error, error = (np.interp(every, looked, column) for column in size.T)
    lost = np.setdiff1d(every, done)
    shift_error[lost] = error[lost] = np.nan
    return Errors(error, shift_error, reference)


def _extrapolated(found: Found) -> float:
    """Part of a correlated energy that is extrapolated, meV: how far off it may be; else 0."""
    return 1e3 * abs(found.extrapolation) if isinstance(found, Line) else 0.0
