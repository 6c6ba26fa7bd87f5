"""The lowest eigenstates of a large symmetric operator, known by what it does to vectors.

The search space grows by the residuals divided by the diagonal (Davidson, J. Comput. Phys. 17, 87, 1975),
of all wanted states together; the scipy alternative, lobpcg, stops at states that enter late. Within |r| of a
Ritz value θ with residual r there is an eigenvalue (Weinstein, Proc. Natl. Acad. Sci. 20, 529, 1934): states
beyond those wanted are followed until θ - |r| is above these, or one that enters late would be missed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg

from spq.errors import ConvergenceError

ITERATIONS = 150
WIDEST = 8  # times as many vectors as states before the search space is cut back
NEAREST = 5e-3  # eV, least denominator of a correction
DEPENDENT = 1e-6  # norm of a new vector that the space already holds

Operator = Callable[[np.ndarray], np.ndarray]


def lowest(
    applied: Operator,
    diagonal: np.ndarray,
    start: np.ndarray,
    count: int,
    tolerance: float,
    projected: Operator = np.asarray,
) -> tuple[np.ndarray, np.ndarray, int]:
    """The `count` lowest eigenstates.

    Parameters
    ----------
    applied : what the operator makes of vectors (D, v), in eV
    diagonal : (D,) about its diagonal in eV
    start : (D, >= count) first vectors; those beyond count are a guard against states that enter late
    count : number of states
    tolerance : eV, largest norm of a residual
    projected : puts vectors back into the symmetry of the wanted states

    Returns
    -------
    energies (count,) in eV ascending, orthonormal vectors (D, count), number of iterations

    Raises
    ------
    ConvergenceError
        If a residual stays larger; its partial result: the energies.
    """
    space = _independent(start, start[:, :0])
    image = applied(space)
    kept = space.shape[1]
    for iteration in range(1, ITERATIONS + 1):
        energies, mixed = np.linalg.eigh(space.conj().T @ image)
        energies, mixed = energies[:kept], mixed[:, :kept]
        residual = image @ mixed - (space @ mixed) * energies
        norms = np.linalg.norm(residual, axis=0)
        going = norms >= tolerance
        going[count:] &= energies[count:] - norms[count:] < energies[count - 1]
        if not going.any():
            return energies[:count], space @ mixed[:, :count], iteration
        if space.shape[1] > WIDEST * kept:
            space, image = space @ mixed, image @ mixed
        gap = diagonal[:, None] - energies[going]
        gap = np.where(np.abs(gap) < NEAREST, NEAREST, gap)
        new = _independent(projected(residual[:, going] / gap), space)
        if not new.shape[1]:
            break
        space, image = np.hstack([space, new]), np.hstack([image, applied(new)])
    raise ConvergenceError(
        f"the lowest {count} eigenstates: a residual of {norms[going].max():.1e} eV is left after "
        f"{iteration} iterations, allowed is {tolerance:.0e} eV",
        partial=energies[:count],
    )


def _independent(vectors: np.ndarray, space: np.ndarray) -> np.ndarray:
    """Vectors made orthonormal and orthogonal to a space; those that it holds go."""
    vectors = vectors / np.linalg.norm(vectors, axis=0)
    for _ in range(2):  # once leaves a remainder of the size of the cancellation
        vectors = vectors - space @ (space.conj().T @ vectors)
        vectors, triangle, _ = scipy.linalg.qr(vectors, mode="economic", pivoting=True)
        vectors = vectors[:, np.abs(np.diag(triangle)) > DEPENDENT]
    return vectors
