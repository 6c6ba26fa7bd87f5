"""A shift taken apart into what changes it.

With the final state's orbitals kept as they are, the emission energy is what the recombining electron e and
hole h bring, and the relaxation of those that stay:
    E[initial] − E[final] = ⟨T+V⟩_e + ⟨T+V⟩_h + ⟨Σ⟩_e + ⟨Σ⟩_h − ⟨Φ⟩_e + ⟨Φ⟩_h + Σ_pairs q q′ J + relaxation,
over all pairs that e or h is part of, with ½⟨Σ⟩ for the self-energy `density`. Each part of the shift is the
difference of a term with and without charges and field. Of the relaxation, the hybridisation is told apart:
the energy that the carriers that stay gain in the final mean field over orbitals held on their own dot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from spq import hartree
from spq.discretisation import BARRIER, SIGN
from spq.hartree import Shell, Solution
from spq.reduced import Reduced
from spq.transition import Transition, frozen, surviving_orbital

NAMES = {"e": "electron", "h": "hole"}


@dataclass(frozen=True)
class Explanation:
    """Parts of a shift in meV; they sum to it.

    electron_stark, hole_stark: of the recombining carriers in the potential of charges and field;
    electron_confinement, hole_confinement: their kinetic energy and band edges; electron_self_energy,
    hole_self_energy: their Σ; coulomb: "e1 h1" -> of every kind of pair that one of the recombining carriers
    is part of, named by kind and dot; relaxation: of the carriers that stay, without hybridisation: theirs.
    """

    electron_stark: float
    hole_stark: float
    electron_confinement: float
    hole_confinement: float
    electron_self_energy: float
    hole_self_energy: float
    coulomb: dict[str, float]
    relaxation: float
    hybridisation: float

    @property
    def total(self) -> float:
        """The shift in meV."""
        return sum(self.coulomb.values()) + sum(
            value for value in asdict(self).values() if isinstance(value, float)
        )

    def as_dict(self) -> dict:
        """The parts by name."""
        return asdict(self)


def explained(
    system: Reduced, bare: Transition, charged: Transition, field: np.ndarray, final_state: str
) -> Explanation:
    """The parts of a shift.

    Parameters
    ----------
    system : Reduced
    bare, charged : converged transitions of the same state, without and with
    field : of charges and electric field, on a positive unit charge
    final_state : "relaxed" or "frozen"

    Returns
    -------
    Explanation
    """
    before = _terms(system, bare, system.no_field(), final_state)
    after = _terms(system, charged, field, final_state)
    change = {name: 1e3 * (after[name] - before[name]) for name in after}
    pairs = {name: change.pop(name) for name in list(change) if " " in name}
    return Explanation(**change, coulomb=pairs)


def _terms(system: Reduced, found: Transition, field: np.ndarray, final_state: str) -> dict[str, float]:
    """The parts of an emission energy in eV; those of pairs by names such as "e1 h1"."""
    initial, final = found.initial, found.final
    assert final is not None, "only a converged transition can be explained"
    emitting = [_emitting(initial, kind, found.state.emitter - 1) for kind in NAMES]
    terms: dict[str, float] = {}
    for index, (kind, name) in zip(emitting, NAMES.items(), strict=True):
        orbital, density = initial.orbitals[index], initial.densities[index]
        own = 0.5 * float(hartree.self_energies(system, initial.shells[index], density[None])[0])
        image = system.image.get(kind)
        within = 0.0 if image is None else float(orbital @ image @ orbital)
        terms[f"{name}_stark"] = float(initial.outside[index])
        terms[f"{name}_confinement"] = float(initial.bare[index]) - within
        terms[f"{name}_self_energy"] = within + own
    for pair, number, energy in _pairs(system, initial, emitting):
        terms[pair] = terms.get(pair, 0.0) + number * energy
    kept = frozen(system, found.state, initial)
    gained = 0.0
    if final_state == "relaxed":
        gained = sum(_hybridisation(system, initial, final, i, field) for i in range(len(final.shells)))
    terms["relaxation"] = kept.energy - final.energy + gained
    terms["hybridisation"] = -gained
    return terms


def _emitting(solution: Solution, kind: str, dot: int) -> int:
    return next(i for i, s in enumerate(solution.shells) if (s.kind, s.dot, s.level) == (kind, dot, 0))


def _pairs(system: Reduced, solution: Solution, emitting: list[int]) -> Iterator[tuple[str, int, float]]:
    """Name, number and q q′ J in eV of the pairs that the recombining carriers are part of."""
    shells, densities = solution.shells, solution.densities[:, None]
    for place, i in enumerate(emitting):
        for j, other in enumerate(shells):
            number = other.count - (j == i)  # none acts on itself
            if j in emitting[:place]:
                number -= 1  # counted with the first of them
            if number:
                sign = SIGN[shells[i].kind] * SIGN[other.kind]
                name = " ".join(sorted(f"{s.kind}{s.dot + 1}" for s in (shells[i], other)))
                yield name, number, sign * float(system.interaction(densities[i], densities[j], 0)[0])


def _hybridisation(
    system: Reduced, initial: Solution, final: Solution, index: int, field: np.ndarray
) -> float:
    """Energy in eV of an orbital of the final state over that of one held on its own dot; times its count."""
    shell, orbital = final.shells[index], final.orbitals[index]
    if system.dots == 1:
        return 0.0
    acting = hartree.orbital_fields(system, final.shells, final.densities[None], index)
    matrix = system.matrices(shell.kind, acting, SIGN[shell.kind] * field[None], orbital[None])[0]
    size = len(matrix)
    own = system.populations[shell.kind][:, :size, :size]
    _, held = np.linalg.eigh(matrix + BARRIER * (own.sum(axis=0) - own[shell.dot]))
    survivor = surviving_orbital(initial, Shell(shell.kind, shell.dot, 1, shell.level))[:size]
    local = held[:, np.argmax((held.T @ survivor) ** 2)]
    return shell.count * float(final.levels[index] - local @ matrix @ local)
