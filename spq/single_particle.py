"""Single-carrier levels: energies from the CdSe band edges, the dots' shares, and the splitting.

Where the dots lie on one line a pair ±m is one level: on the half plane the harmonics are solved for
apart, on a solid mesh |m| is read off ⟨L_z²⟩ of each state.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from spq.discretisation import KINDS, Discretisation, discretise, warn_of_leaks
from spq.mapspec import MapSpec
from spq.model import Model
from spq.progress import Progress, silent
from spq.schrodinger import lowest_states
from spq.space import Space

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
    """Levels of both carriers, as spq.levels finds them.

    electron, hole: ascending; each has energy_meV from the CdSe edge, the population of all `dots`, m (|m|,
    or None) and its degeneracy. splitting_meV: second less first level, of "electron" and "hole"; None for
    one dot.
    """

    electron: tuple[Level, ...]
    hole: tuple[Level, ...]
    splitting_meV: dict[str, float | None]

    def as_dict(self) -> dict:
        """The JSON of `spq levels`."""
        return asdict(self)


def levels(model: Model, progress: Progress = silent) -> Levels:
    """Lowest single-carrier levels of a model's molecule, without any mean field or charge.

    The self-energy `image` acts in them; `density` needs a mean field and does not.

    Parameters
    ----------
    model : Model
    progress : called with what is being done

    Returns
    -------
    Levels
        Energies in meV, holes counted positive (BenDaniel–Duke).

    Raises
    ------
    MeshError, ConvergenceError
        As meshing and the eigensolver do.
    """
    kept = "image" if model.self_energy == "image" else "none"  # the other needs a density
    plain = model.replace(surface_charges=(), map=MapSpec(), self_energy=kept)
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
    count = LEVELS_PER_DOT * len(discretisation.space.molecule.dots)
    turning = discretisation.space.harmonics.turning
    found = (_levels_by_harmonic if turning else _levels_of_solid)(discretisation, kind, count)
    found.sort(key=lambda level: level.energy_meV)
    below = np.cumsum([0] + [level.degeneracy for level in found[:-1]])
    kept = [level for level, states in zip(found, below, strict=True) if states < count]
    if turning:  # harmonics of a degenerate level are split by the mesh; none of it is cut
        highest = kept[-1].energy_meV + 1e3 * DEGENERATE
        kept = [level for level in found if level.energy_meV <= highest]
    return tuple(kept)


def _levels_by_harmonic(discretisation: Discretisation, kind: str, count: int) -> list[Level]:
    """Levels of the half plane: m = 0, 1, ... until the lowest of a harmonic lies above `count` states."""
    space = discretisation.space
    dots = len(space.molecule.dots)
    found: list[Level] = []
    m = 0
    while True:
        energies, orbitals = lowest_states(discretisation.carrier(kind, m), count if m == 0 else count // 2)
        if m == 0:
            warn_of_leaks(discretisation, kind, space.orbital_values(orbitals[:, :1])[:, 0])
        shares = [_shares(space.orbital_values(o[:, None]), space, dots) for o in orbitals.T]
        each = zip(energies, shares, strict=True)
        found += [Level(1e3 * float(energy), share, m, 2 if m else 1) for energy, share in each]
        found.sort(key=lambda level: level.energy_meV)
        states = np.cumsum([level.degeneracy for level in found])
        if 1e3 * energies[0] > found[int(np.searchsorted(states, count))].energy_meV:
            return found
        m += 1


def _shares(values: np.ndarray, space: Space, dots: int) -> tuple[float, ...]:
    """Population of each dot of the mean density of orbitals, values (q, k)."""
    density = space.weights * np.mean(values**2, axis=1)
    return tuple(np.bincount(space.dot_at_points, weights=density, minlength=dots).tolist())


def _levels_of_solid(discretisation: Discretisation, kind: str, count: int) -> list[Level]:
    space = discretisation.space
    dots = len(space.molecule.dots)
    # a few more, so that no degenerate level is cut at the end
    energies, orbitals = lowest_states(discretisation.carrier(kind), count + 4)
    groups = np.split(np.arange(len(energies)), np.flatnonzero(np.diff(energies) > DEGENERATE) + 1)
    found = []
    for group in groups:
        part: list[tuple[float, np.ndarray, int | None]]
        if discretisation.model.is_axisymmetric:
            part = _angular_levels(discretisation, energies[group], orbitals[:, group])
        else:
            part = [(energies[i], orbitals[:, [i]], None) for i in group]
        for energy, members, m in part:
            share = _shares(space.orbital_values(members), space, dots)
            found.append(Level(1e3 * float(energy), share, m, members.shape[1]))
    return found


def _angular_levels(discretisation: Discretisation, energies: np.ndarray, orbitals: np.ndarray):
    """Levels (energy, orbitals (dofs, 1 or 2), |m| or None) of one near-degenerate group.

    L_z² is diagonalised first, then h among the states of equal |m|; the two states of a pair ±m are
    those that a turn about the axis mixes.
    """
    turned = _turned(discretisation, orbitals)
    weights = discretisation.space.weights[:, None]
    squares, mixed = np.linalg.eigh(turned.T @ (weights * turned))
    whole = np.round(np.sqrt(np.clip(squares, 0.0, None))).astype(int)
    definite = np.abs(squares - whole**2) < WHOLE
    found: list[tuple[float, np.ndarray, int | None]] = []
    for m in sorted({*whole[definite].tolist()}):
        same = mixed[:, definite & (whole == m)]
        levels, within = np.linalg.eigh(same.T @ (energies[:, None] * same))
        states = orbitals @ same @ within
        if m == 0:
            found += [(level, states[:, [i]], 0) for i, level in enumerate(levels)]
            continue
        values = discretisation.space.orbital_values(states)
        partner = np.abs((weights * values).T @ _turned(discretisation, states))
        left = list(range(len(levels)))
        while left:
            first = left.pop(0)
            pair = [first] + ([left.pop(int(np.argmax(partner[first, left])))] if left else [])
            found.append((float(levels[pair].mean()), states[:, pair], m))
    for i in np.flatnonzero(~definite):
        state = mixed[:, i]
        found.append((float(state**2 @ energies), orbitals @ state[:, None], None))
    return found


def _turned(discretisation: Discretisation, orbitals: np.ndarray) -> np.ndarray:
    """∂φ/∂α at the quadrature points, (q, k), with α the angle about the long axis."""
    space = discretisation.space
    basis = space.orbital_elements
    axis = space.molecule.axis
    around = np.cross(axis, space.points - space.molecule.mean_center).T.reshape(3, *basis.dx.shape)
    slopes = []
    for orbital in orbitals.T:
        nodal = np.zeros(space.size)
        nodal[space.inner] = orbital
        gradient = basis.interpolate(nodal).grad
        slopes.append(np.einsum("deq,deq->eq", around, gradient).ravel())
    return np.array(slopes).T
