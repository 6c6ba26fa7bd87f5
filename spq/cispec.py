"""How far a configuration interaction goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spq import checks
from spq.errors import InputError


@dataclass(frozen=True)
class CISpec:
    """Truncation of a configuration interaction; None: what the model's accuracy asks for.

    orbitals: active orbitals of each kind of carrier in the whole molecule, ± partners counted; levels
    are not cut. outside: orbitals of each kind that second order counts, >= orbitals. rank: most carriers
    in active orbitals beyond the lowest ones, as many as there are dots. energy: eV, most that a
    configuration lies above the lowest in Σ h. memory: GB that a solution may take. Raises InputError.
    """

    orbitals: int | None = None
    outside: int | None = None
    rank: int | None = None
    energy: float | None = None
    memory: float = 6.0

    def __post_init__(self) -> None:
        clean: dict[str, Any] = {"memory": checks.number(self.memory, "ci.memory", "GB", above=0.0)}
        for name, least in (("orbitals", 1), ("outside", 1), ("rank", 0)):
            value = getattr(self, name)
            if value is not None:
                clean[name] = checks.integer(value, f"ci.{name}", minimum=least)
        if self.energy is not None:
            clean["energy"] = checks.number(self.energy, "ci.energy", "eV", above=0.0)
        few, many = clean.get("orbitals"), clean.get("outside")
        if few and many and many < few:
            raise InputError(f"ci.outside = {many}: must be >= ci.orbitals = {few}")
        for key, value in clean.items():
            object.__setattr__(self, key, value)
