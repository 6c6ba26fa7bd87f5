"""What configurations left out add to an energy, in second order.

    E₂ = Σ_P |⟨P|H|Ψ⟩|² / (⟨Σh⟩ − (Σh)_P)
over configurations P with one or two carriers outside the active orbitals, and over those of the active
orbitals that were not selected. The interaction is taken to be as large in P as in Ψ: the denominators
are differences of one-particle energies, the same for all orbitals of a degenerate level. 1/Δ is taken as
Δ/(Δ² + δ²), so that a configuration that happens to lie beside an excited state does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from spq.configurations import Configurations
from spq.discretisation import SIGN

LEAST = 0.01  # eV; what lies nearer to the state than this does not belong to second order


@dataclass(frozen=True, eq=False)
class SecondOrder:
    """inside: eV, of configurations of active orbitals; outside: (N,) of those whose highest orbital has
    this number, summed over kinds.
    """

    inside: float
    outside: np.ndarray

    def total(self, count: int | None = None) -> float:
        """E₂ in eV with the lowest `count` orbitals of each kind only."""
        return self.inside + float(self.outside[:count].sum())


def second_order(
    space: Configurations, amplitudes: np.ndarray, matrices: dict[str, np.ndarray]
) -> SecondOrder:
    """E₂ of one state.

    Parameters
    ----------
    space : its configurations
    amplitudes : (D,) normalised
    matrices : (N, N) in eV of each kind, h and the fields on one carrier

    Returns
    -------
    SecondOrder
    """
    orbitals, carriers, shape = space.orbitals, space.carriers, space.shape
    full = space.tensor(amplitudes)
    levels = [np.diag(matrices[each.kind]).real for each in carriers]
    found = np.zeros(max(len(each) for each in levels))
    energy = _mean(full, levels)
    inside = np.zeros(full.size, dtype=full.dtype)
    outer = [np.zeros((len(levels[i]) - n) * (full.size // n), dtype=full.dtype) for i, n in enumerate(shape)]
    strides = [full.size // int(np.prod(shape[: i + 1])) for i in range(len(shape))]
    for i, carrier in enumerate(carriers):
        matrix = matrices[carrier.kind][:, : shape[i]].copy()
        matrix[np.arange(shape[i]), np.arange(shape[i])] = 0.0
        made = matrix @ np.moveaxis(full, i, 0).reshape(shape[i], -1)
        outer[i] += made[shape[i] :].ravel()
        inside += np.moveaxis(made[: shape[i]].reshape(shape[i], *_without(shape, i)), 0, i).ravel()
    for i, j in combinations(range(len(carriers)), 2):
        one, other = carriers[i].kind, carriers[j].kind
        rest = _without(shape, i, j)
        moved = np.moveaxis(full, (i, j), (0, 1)).reshape(shape[i] * shape[j], -1)
        spectators = _spectators(rest, [s for k, s in enumerate(strides) if k not in (i, j)])
        left = _sums(rest, [each for k, each in enumerate(levels) if k not in (i, j)])
        for block in orbitals.blocks(one, other).values():
            pairs, active = block.pairs, block.pairs[block.active]
            acting = moved[active[:, 0] * shape[j] + active[:, 1]]
            present = np.flatnonzero(acting.any(axis=0))
            if not len(present):
                continue
            made = SIGN[one] * SIGN[other] * (block.matrix @ acting[:, present])
            out = pairs >= (shape[i], shape[j])
            both = out.all(axis=1)
            above = levels[i][pairs[both, 0]] + levels[j][pairs[both, 1]] - energy
            each = _terms(made[both], np.add.outer(above, left[present])).sum(axis=1)
            np.add.at(found, pairs[both].max(axis=1), each)
            within = ~out.any(axis=1)
            base = pairs * (strides[i], strides[j])
            inside[np.add.outer(base[within].sum(axis=1), spectators[present])] += made[within]
            for k, here, beside in ((i, 0, 1), (j, 1, 0)):
                rows = np.flatnonzero(out[:, here] & ~out[:, beside])
                compact = _compact(shape, k)
                place = (pairs[rows, here] - shape[k]) * (full.size // shape[k])
                place = place + pairs[rows, beside] * compact[(i, j)[beside]]
                rest_place = _spectators(rest, [s for n, s in compact.items() if n not in (i, j)])
                outer[k][np.add.outer(place, rest_place[present])] += made[rows]
    for i, each in enumerate(outer):
        beyond = levels[i][shape[i] :]
        if not len(beyond):
            continue
        gap = np.add.outer(beyond - energy, _sums(_without(shape, i), levels[:i] + levels[i + 1 :]))
        found[shape[i] : len(levels[i])] += _terms(each.reshape(gap.shape), gap).sum(axis=1)
    inside[space.flat] = 0.0
    gap = _sums(shape, levels) - energy
    return SecondOrder(float(_terms(inside, gap).sum()), found)


def _terms(amplitudes: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """−|amplitude|² gap/(gap² + LEAST²); overwrites the gap."""
    size = amplitudes**2 if np.isrealobj(amplitudes) else amplitudes.real**2 + amplitudes.imag**2
    size *= gap
    np.multiply(gap, gap, out=gap)
    gap += LEAST**2
    np.divide(size, gap, out=size)
    return np.negative(size, out=size)


def _mean(full: np.ndarray, levels: list[np.ndarray]) -> float:
    """⟨Σ h⟩ in eV, of the diagonal."""
    density = np.abs(full.ravel()) ** 2
    return float(density @ _sums(full.shape, levels))


def _without(shape: tuple[int, ...], *places: int) -> tuple[int, ...]:
    return tuple(size for i, size in enumerate(shape) if i not in places)


def _sums(shape: tuple[int, ...], levels: list[np.ndarray]) -> np.ndarray:
    """Σ of levels for every element of an array of this shape, flat."""
    found = np.zeros(1)
    for size, each in zip(shape, levels, strict=True):
        found = np.add.outer(found, each[:size]).ravel()
    return found


def _spectators(shape: tuple[int, ...], strides: list[int]) -> np.ndarray:
    """Place of every element of an array of this shape in one with these strides, flat."""
    found = np.zeros(1, dtype=np.int64)
    for size, stride in zip(shape, strides, strict=True):
        found = np.add.outer(found, stride * np.arange(size)).ravel()
    return found


def _compact(shape: tuple[int, ...], without: int) -> dict[int, int]:
    """Stride of every place in an array that has no axis for one of them."""
    found, stride = {}, 1
    for place in reversed(range(len(shape))):
        if place != without:
            found[place] = stride
            stride *= shape[place]
    return dict(sorted(found.items()))
