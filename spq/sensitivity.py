"""How an emission energy changes with a parameter, from the converged solutions alone.

The energy E of a self-consistent solution is stationary in every orbital, so that only what depends on the
parameter λ itself counts (R. P. Feynman, Phys. Rev. 56, 340, 1939):
    dE/dλ = Σ_i ⟨∂h/∂λ + q_i ∂Φ/∂λ⟩_i + ½ Σ_i ⟨∂Σ_i/∂λ⟩ + Σ_{i<j} q_i q_j ∂J_ij/∂λ,
Σ_i the self-energy `density`, h with the self-energy `image`. The derivative of the emission energy is that
of E[initial] less that of E[final]. By parameter:
    conduction band of a material   ±⟨s⟩: s(r) its share there, + for electrons, − for holes (its gap stays);
    charge Q at the surface         q_i ⟨Φ_1⟩_i, Φ_1 the potential of a unit charge;
    all permittivities together     V[ρ; λε] = V[ρ; ε]/λ and so Σ and Φ of charges: −(Σ_{i<j} q_i q_j J_ij
                                    + Σ_i ⟨Σ_i⟩ + Σ_Q Q dE/dQ) for d ln λ, with ½ Σ_i for `density`.
The potential of a uniform electric field depends on ratios of permittivities only.

A `frozen` final state is not stationary, and nor is an extrapolated energy of configuration interaction: both
would need the response of the orbitals. The direct method keeps no matrices of materials.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from spq import hartree
from spq.discretisation import KINDS, SIGN
from spq.hartree import Solution
from spq.model import Model
from spq.reduced import PerKind, Reduced
from spq.solution import Found, Problem
from spq.transition import Transition

REFERENCE = "CdSe"  # its band edges are the zero of energy
NAMED = {"CdS": "materials.conduction_band_offset"}  # fields of the input file that have their own name

_shares: WeakKeyDictionary[Reduced, dict[str, PerKind]] = WeakKeyDictionary()


def derivatives(problem: Problem, found: Found, model: Model, units: np.ndarray) -> dict[str, float] | None:
    """Derivatives of an emission energy, by the field of the input file that changes.

    Parameters
    ----------
    problem : what the model was prepared as
    found : the transition
    model : with its surface charges and final state
    units : (s, ...) fields of its surface charges if each were 1 e (spq.prepare.unit_fields)

    Returns
    -------
    dict
        "materials.conduction_band_offset" (CdS) or "materials.NAME.conduction_band", of every material of
        the dots but CdSe: meV per eV; "permittivity": of all relative permittivities together, meV per
        relative change; "surface_charges[i].charge", i from 1: meV per e.
        None for the methods "direct" and "ci", a frozen final state, or a transition that did not converge.
    """
    if not isinstance(problem, Reduced) or model.final_state == "frozen" or not found.converged:
        return None
    assert isinstance(found, Transition) and found.final is not None
    values = np.array([charge.charge for charge in model.surface_charges])
    before, after = (_derivatives(problem, each, values, units) for each in (found.initial, found.final))
    return {name: 1e3 * (before[name] - after[name]) for name in before}


def _derivatives(system: Reduced, solution: Solution, values: np.ndarray, units: np.ndarray) -> dict:
    """Of a total energy in eV; values: (s,) charges in e."""
    found = {}
    for material, shares in material_shares(system).items():
        name = NAMED.get(material, f"materials.{material}.conduction_band")
        found[name] = -_sum(solution, shares, SIGN)
    charges = np.zeros(len(values))
    inside = float(hartree.pair_energies(system, solution.shells, solution.densities[None])[0])
    inside += _sum(solution, system.image) if system.image else 0.0
    for shell, density in zip(solution.shells, solution.densities, strict=True):
        fields = np.broadcast_to(density, units.shape)
        charges += shell.count * SIGN[shell.kind] * system.interaction(units, fields, 0)
        inside += 0.5 * shell.count * float(hartree.self_energies(system, shell, density[None])[0])
    found["permittivity"] = -(inside + float(values @ charges))
    return found | {f"surface_charges[{i}].charge": float(each) for i, each in enumerate(charges, 1)}


def _sum(solution: Solution, matrices: PerKind, factors: dict[str, float] | None = None) -> float:
    """Σ over carriers of the expectation of a matrix (n, n) of each kind, times a factor of each kind."""
    each = zip(solution.shells, solution.orbitals, strict=True)
    return sum(
        shell.count * (factors[shell.kind] if factors else 1.0) * float(c @ matrices[shell.kind] @ c)
        for shell, c in each
    )


def material_shares(system: Reduced) -> dict[str, PerKind]:
    """Share of each material of the dots but CdSe in the products of states, (n, n) of each kind.

    As its conduction band stands in the hamiltonian, in a graded shell too; made once for a system.
    """
    if system not in _shares:
        model = system.discretisation.model
        dots = model.molecule.dots
        inside = {dot.core for dot in dots} | {dot.shell for dot in dots if dot.shell_thickness > 0}
        regions = np.array([material.name for material in model.region_materials])
        _shares[system] = {name: _shares_of(system, regions == name) for name in sorted(inside - {REFERENCE})}
    return _shares[system]


def _shares_of(system: Reduced, within: np.ndarray) -> PerKind:
    """within: (2N + 1,) which regions are of the material."""
    operator = system.discretisation.space.orbital_mass(within.astype(float))
    found = {}
    for kind in KINDS:
        labels = system.labels[kind]
        found[kind] = np.zeros((len(labels), len(labels)))
        blocks = [orbitals.T @ (operator @ orbitals) for orbitals in system.orbitals[kind]]
        for label in np.unique(labels):
            here = np.flatnonzero(labels == label)
            found[kind][np.ix_(here, here)] = blocks[abs(label)]
    return found
