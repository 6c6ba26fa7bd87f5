"""Single-carrier levels: energies from the CdSe band edges, the dots' shares, and the splitting.

Where the dots lie on one line, |m| is read off ⟨L_z²⟩ of each state, and a pair ±m is one level.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from spq.discretisation import KINDS, Discretisation, discretise
from spq.model import MapSpec, Model
from spq.progress import Progress, silent
from spq.schrodinger import lowest_states

LEVELS_PER_DOT = 8
DEGENERATE = 2e-3  # eV; mesh splitting of a degenerate level stays below this
WHOLE = 0.2  # how near to a square number ⟨L_z²⟩ must be


@dataclass(frozen=True)
class Level:
    """energy_meV from the CdSe edge; dots: population of each; m: |m| or None; degeneracy."""

    energy_meV: float
    dots: tuple[float, ...]
    m: int | None
    degeneracy: int


@dataclass(frozen=True)
class Levels:
    """Levels of both carriers, ascending, and the splitting (second − first level, None for one dot)."""

    electron: tuple[Level, ...]
    hole: tuple[Level, ...]
    splitting_meV: dict[str, float | None]

    def as_dict(self) -> dict:
        """The JSON of `spq levels`."""
        return asdict(self)


def levels(model: Model, progress: Progress = silent) -> Levels:
    """Lowest single-carrier levels of a model's molecule, without any mean field or charge.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Levels
        Energies in meV, holes counted positive (BenDaniel–Duke, hard wall).

    Raises
    ------
    MeshError, ConvergenceError
        As meshing and the eigensolver do.
    """
    plain = model.replace(surface_charges=(), map=MapSpec(), self_energy="none")
    discretisation = discretise(plain, progress)
    found = {}
    for done, kind in enumerate(KINDS):
        progress("levels", done, len(KINDS))
        found[kind] = _levels_of(discretisation, kind)
    progress("levels", len(KINDS), len(KINDS))
    splitting: dict[str, float | None] = {"electron": None, "hole": None}
    if len(model.molecule.dots) > 1:
        for kind, name in zip(KINDS, splitting, strict=True):
            splitting[name] = found[kind][1].energy_meV - found[kind][0].energy_meV
    return Levels(found["e"], found["h"], splitting)


def _levels_of(discretisation: Discretisation, kind: str) -> tuple[Level, ...]:
    space = discretisation.space
    dots = len(space.molecule.dots)
    count = LEVELS_PER_DOT * dots
    # a few more, so that no degenerate level is cut at the end
    energies, orbitals = lowest_states(discretisation.carriers[kind], count + 4)
    numbers: list[int | None] = [None] * len(energies)
    if space.molecule.is_linear:
        orbitals, numbers = _angular(discretisation, kind, energies, orbitals)
    values = space.orbital_interpolation @ orbitals
    density = space.weights[:, None] * values**2
    shares = np.array([density[space.dot_at_points == dot].sum(axis=0) for dot in range(dots)]).T
    found = []
    index = 0
    while index < count:
        m = numbers[index]
        pair = m not in (None, 0) and numbers[index + 1] == m
        members = slice(index, index + 1 + pair)
        share = tuple(float(part) for part in shares[members].mean(axis=0))
        found.append(Level(1e3 * float(energies[members].mean()), share, m, 1 + pair))
        index = members.stop
    return tuple(found)


def _angular(discretisation: Discretisation, kind: str, energies, orbitals):
    """Orbitals turned to definite L_z² within near-degenerate groups, and their |m| (None: none)."""
    squared = _angular_matrix(discretisation, orbitals)
    turned = orbitals.copy()
    numbers: list[int | None] = []
    edges = np.flatnonzero(np.diff(energies) > DEGENERATE) + 1
    for group in np.split(np.arange(len(energies)), edges):
        values, mixed = np.linalg.eigh(squared[np.ix_(group, group)])
        turned[:, group] = orbitals[:, group] @ mixed
        whole = np.round(np.sqrt(np.clip(values, 0.0, None)))
        definite = np.abs(values - whole**2) < WHOLE
        numbers += [int(m) if known else None for m, known in zip(whole, definite, strict=True)]
    return turned, numbers


def _angular_matrix(discretisation: Discretisation, orbitals: np.ndarray) -> np.ndarray:
    """⟨a|L_z²|b⟩ = ∫ (∂φ_a/∂α)(∂φ_b/∂α) with α the angle about the long axis."""
    space = discretisation.space
    basis = space.nanocrystal
    axis = space.molecule.axis
    around = np.cross(axis, space.points - space.molecule.mean_center).T.reshape(3, *basis.dx.shape)
    slopes = []
    for orbital in orbitals.T:
        nodal = np.zeros(space.size)
        nodal[space.inner] = orbital
        gradient = basis.interpolate(nodal).grad
        slopes.append(np.einsum("deq,deq->eq", around, gradient).ravel())
    turned = np.array(slopes)
    return (turned * space.weights) @ turned.T
