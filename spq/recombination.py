"""Recombination of one electron with one hole of a correlated state: strengths, rates, lifetimes.

The envelope operator is Σ ∫ ψ_e ψ_h with no change of spin. Averaged over the spins of a multiplet, of an
electron and a hole one pair in two is bright, so the strength of a line is
    S = ½ Σ_{s, s'} |⟨f| Σ_{ab} S_ab e_{a s} h_{b s'} |i⟩|²,  S_ab = ∫ φ_a φ_b,
and its rate Γ = n ω e² E_P F² S/(6π ε0 m0 c³ ħ) (Efros and Rosen, Annu. Rev. Mater. Sci. 30, 475, 2000, for
heavy holes; ½ in place of S would be the exciton of perfect overlap). F = 3 ε2/(ε1 + 2 ε2) is the local
field of a sphere, with optical permittivities. The dipole of a heavy hole lies across the crystal axis.

S counts electron and hole in one place, where correlated states have a cusp: with n active orbitals it falls
short by about 0.7 n^(-1/3) of itself. Second order is not counted here.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy import constants

from spq.eigenstates import Eigenstates
from spq.model import Model
from spq.units import NM

KANE_ENERGY = 17.5  # eV, of CdSe; 17 to 23 are found
KANE_RANGE = (17.0, 23.0)


def local_field(model: Model, dot: int) -> float:
    """F of one dot (from 0): of a sphere of its core material in the matrix, optical permittivities."""
    inside = model.region_materials[2 * dot].permittivity_optical
    outside = model.region_materials[-1].permittivity_optical
    return 3 * outside / (inside + 2 * outside)


def refractive_index(model: Model) -> float:
    """n of the matrix, √ε optical: 1.48 of PMMA."""
    return sqrt(model.region_materials[-1].permittivity_optical)


def radiative_rate(
    model: Model, dot: int, energy: float, strength: float, kane: float = KANE_ENERGY
) -> float:
    """Γ in 1/ns of a line of a dot (from 0) at `energy` (eV) with strength S."""
    omega = energy * constants.e / constants.hbar
    square = constants.e**2 * kane * constants.e * local_field(model, dot) ** 2 * strength
    scale = 6 * np.pi * constants.epsilon_0 * constants.m_e * constants.c**3 * constants.hbar
    return refractive_index(model) * omega * square / scale * constants.nano


def oscillator_strength(energy: float, strength: float, kane: float = KANE_ENERGY) -> float:
    """f = E_P S/ħω, of a line in a bulk of the same permittivity (no local field)."""
    return kane * strength / energy


def dipole(energy: float, strength: float, kane: float = KANE_ENERGY) -> float:
    """|∫ r| in nm of a line: e²|r|² = e² ħ² E_P S/(2 m0 (ħω)²)."""
    square = constants.hbar**2 * kane * strength / (2 * constants.m_e * constants.e * energy**2)
    return float(np.sqrt(square)) / NM


def amplitudes(initial: Eigenstates, final: Eigenstates, number: int, overlap: np.ndarray) -> np.ndarray:
    """√½ ⟨f| Σ S_ab e_a h_b |i⟩ of one initial state with each final one, for every pair of spins.

    Parameters
    ----------
    initial, final : states with one electron and one hole more, and without them
    number : of the initial state
    overlap : (holes, electrons) ∫ φ_h φ_e, of all of space or of the part on one dot

    Returns
    -------
    (channels, v) amplitudes
    """
    made = [weight * _projected(left, final) for weight, left in _channels(initial, number, overlap)]
    return np.array(made)


def total_strength(initial: Eigenstates, number: int, overlap: np.ndarray) -> float:
    """The strengths of all lines of one initial state together, whatever is left."""
    each = [weight**2 * np.vdot(left, left).real for weight, left in _channels(initial, number, overlap)]
    return float(sum(each))


def _channels(initial: Eigenstates, number: int, overlap: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """For every pair of spins its weight and Σ S_ab e_a h_b |i⟩, one axis for each carrier left."""
    space = initial.space
    tensor = space.tensor(initial.vectors[:, number])
    found = []
    for electron, count in _first(space, "e"):
        for hole, alike in _first(space, "h"):
            matrix = overlap[: space.shape[hole], : space.shape[electron]]
            left = np.tensordot(tensor, matrix, axes=((hole, electron), (0, 1)))
            found.append((sqrt(0.5 * count * alike), left))
    return found


def _first(space, kind: str) -> list[tuple[int, int]]:
    """The first carrier of each spin of a kind, and how many have that spin."""
    spins = [(i, each.spin) for i, each in enumerate(space.carriers) if each.kind == kind]
    found = []
    for spin in (1, -1):
        places = [i for i, each in spins if each == spin]
        if places:
            found.append((places[0], len(places)))
    return found


def _projected(left: np.ndarray, final: Eigenstates) -> np.ndarray:
    """⟨f|left⟩ of every final state, (v,); left may have fewer active orbitals, or more."""
    space = final.space
    if not space.carriers:
        return np.array([left])
    inside = np.all(space.table < np.array(left.shape), axis=1)
    values = left[tuple(space.table[inside].T)]
    return final.vectors[inside].conj().T @ values
