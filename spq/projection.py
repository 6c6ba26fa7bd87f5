"""A reduced problem on fewer orbitals and fewer fields.

Orbitals c = U c' with orthonormal U: the Coulomb factors become Uᵀ L_k U. Their k are compressed to
those that densities need: of the factors of every pair a b, weighted with the amplitudes with which a
and b occur, the singular vectors that carry more than a negligible Coulomb energy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spq.hartree import Shell
from spq.reduced import PerKind, Reduced, pairs_of, square

AT_ONCE = 32  # matrices that are unpacked together
# eV, weighted Coulomb energy left out when fields are compressed
NEGLIGIBLE = {"coarse": 1e-7, "normal": 3e-8, "fine": 5e-9}


def species(shell: Shell) -> str:
    """Name of the carriers of one kind on one dot, such as "e0"."""
    return f"{shell.kind}{shell.dot}"


@dataclass(frozen=True, eq=False)
class Projection:
    """A reduced problem projected on fewer orbitals for the carriers of each dot, and the way back.

    system: it has orbital spaces for species instead of kinds; vectors: orthonormal orbitals (n, s) of
    each species; fields: per surroundings (k, k'), orthonormal; elements: (k, pairs) of all species.
    """

    system: Reduced
    vectors: PerKind
    fields: list[np.ndarray]
    elements: np.ndarray

    def externals(self, fields: np.ndarray) -> np.ndarray:
        """External fields (b, surroundings, k) as matrix elements of this problem's orbitals, (b, pairs)."""
        return fields[:, 0] @ self.elements

    def narrowed(self, fields: np.ndarray) -> np.ndarray:
        """Fields (b, surroundings, k) of densities as fields (b, surroundings, k') of this problem."""
        found = np.zeros((len(fields), *self.system.no_field().shape))
        for section, basis in enumerate(self.fields):
            found[:, section, : basis.shape[1]] = fields[:, section] @ basis
        return found

    def widened(self, fields: np.ndarray) -> np.ndarray:
        """The way back."""
        each = [fields[:, s, : basis.shape[1]] @ basis.T for s, basis in enumerate(self.fields)]
        return np.stack(each, axis=1)


def projected(system: Reduced, vectors: PerKind, amplitudes: PerKind) -> Projection:
    """Project a reduced problem on orthonormal orbitals (n, s) of each species.

    amplitudes: (s,) with which they occur in a solution; the Coulomb factors are compressed to those
    that pairs so weighted need.
    """
    even = all(not each[system.even[name[0]] :].any() for name, each in vectors.items())
    negligible = NEGLIGIBLE[system.discretisation.model.accuracy]
    factors, bases, whole = [], [], []
    for number, section in enumerate(system.factors):
        narrow: PerKind = {}
        for name, each in vectors.items():
            size, used = system.sector(name[0], even)
            narrow[name] = transformed(used[number], each[:size])
        stacked = np.hstack(list(narrow.values()))
        whole.append(np.zeros((len(section["e"]), stacked.shape[1])))
        whole[-1][: len(stacked)] = stacked
        basis = _span(narrow, amplitudes, [slice(None)], negligible)
        factors.append({name: basis.T @ each for name, each in narrow.items()})
        bases.append(np.zeros((len(section["e"]), basis.shape[1])))
        bases[-1][: len(basis)] = basis
    widest = max(basis.shape[1] for basis in bases)
    for section in factors:
        for name, each in section.items():
            section[name] = np.vstack([each, np.zeros((widest - len(each), each.shape[1]))])
    sizes = {name: each.shape[1] for name, each in vectors.items()}

    def within(matrices: PerKind) -> PerKind:
        return {name: each.T @ matrices[name[0]] @ each for name, each in vectors.items()}

    ends = np.cumsum([0] + [size * (size + 1) // 2 for size in sizes.values()])
    small = replace(
        system,
        image={},
        orbitals={},
        hamiltonian=within(system.hamiltonian),
        factors=factors,
        populations=within(system.populations),
        axial=within(system.axial),
        central=sizes,
        even=sizes,
        columns={0: slice(0, widest)},
        potentials={},  # externals come as matrix elements
        exact={name: slice(*ends[i : i + 2]) for i, name in enumerate(sizes)},
        _sectors={},
    )
    return Projection(small, vectors, bases, whole[0])


def compressed(system: Reduced, amplitudes: PerKind) -> Reduced:
    """The same reduced problem with fewer fields: those that its densities need.

    amplitudes: (n,) with which the states of each kind occur in orbitals.
    """
    negligible = NEGLIGIBLE[system.discretisation.model.accuracy]
    harmonics = sorted({abs(label) for label in system.columns})
    # sines and cosines alike, so that the problem stays symmetric about the axis
    parts = {m: [part for label, part in system.columns.items() if abs(label) == m] for m in harmonics}
    turns = [{m: _span(f, amplitudes, parts[m], negligible) for m in harmonics} for f in system.factors]
    widths = {m: max(turn[m].shape[1] for turn in turns) for m in harmonics}
    starts = np.cumsum([0] + [widths[abs(label)] for label in system.columns])
    columns = {label: slice(*starts[i : i + 2]) for i, label in enumerate(system.columns)}

    def turned(each: np.ndarray, turn: dict[int, np.ndarray]) -> np.ndarray:
        """Vectors (k, ...) of all fields in the fewer ones, (k', ...)."""
        found = np.zeros((starts[-1], *each.shape[1:]))
        for label, part in system.columns.items():
            block = turn[abs(label)]
            start = columns[label].start
            found[start : start + block.shape[1]] = np.tensordot(block, each[part], axes=(0, 0))
        return found

    factors = [
        {kind: turned(each, turn) for kind, each in section.items()}
        for section, turn in zip(system.factors, turns, strict=True)
    ]
    potentials = {m: each @ turns[0][m] for m, each in system.potentials.items()}
    return replace(system, factors=factors, columns=columns, potentials=potentials, _sectors={})


def _span(factors: PerKind, amplitudes: PerKind, parts: list[slice], negligible: float) -> np.ndarray:
    """Orthonormal fields (k, k') that hold parts of the factors (k, pairs) weighted with amplitudes."""
    weights = {name: pairs_of(amplitudes[name][None]) for name in factors}
    together = np.hstack([each[part] * weights[name] for name, each in factors.items() for part in parts])
    size, basis = np.linalg.eigh(together @ together.T)
    return basis[:, np.cumsum(size) > negligible]


def transformed(factors: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Packed symmetric matrices (k, pairs) between other vectors (n, s), packed again."""
    size = len(vectors)
    places = square(size)
    lower, upper = np.tril_indices(vectors.shape[1])
    result = np.empty((len(factors), len(lower)))
    for start in range(0, len(factors), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        matrices = factors[part][:, places].reshape(-1, size, size)
        result[part] = (vectors.T @ (matrices @ vectors))[:, lower, upper]
    return result
