"""What a surface-charge shift map covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spq import checks
from spq.errors import InputError


@dataclass(frozen=True)
class MapSpec:
    """What a shift map covers.

    states: texts such as "segT@1" or "e1 e1 h1 e2"; None: the default states of the molecule.
    charges: of the surface charge, e. points: number of z from pole to pole, >= 2, unless
    `z` (nm, any number of them) is given. surface: "line" (at azimuth `phi`, degrees) or "full"
    (every z at `phi_points` azimuths). Raises InputError.
    """

    states: tuple[str, ...] | None = None
    charges: tuple[float, ...] = (1.0, -1.0)
    points: int = 41
    z: tuple[float, ...] | None = None
    surface: str = "line"
    phi: float = 0.0
    phi_points: int = 24

    def __post_init__(self) -> None:
        clean: dict[str, Any] = {
            "charges": checks.numbers_of(self.charges, "map.charges", "e"),
            "points": checks.integer(self.points, "map.points", minimum=2),
            "surface": checks.choice(self.surface, "map.surface", ("line", "full")),
            "phi": checks.number(self.phi, "map.phi", "degrees"),
            "phi_points": checks.integer(self.phi_points, "map.phi_points", minimum=1),
        }
        if len(set(clean["charges"])) < len(clean["charges"]):
            shown = checks.shown(list(clean["charges"]))
            raise InputError(f"map.charges = {shown} e: every charge can be given once")
        if self.z is not None:
            clean["z"] = checks.numbers_of(self.z, "map.z", "nm")
        if self.states is not None:
            states = checks.listed(self.states, "map.states", "a list of states")
            if not states:
                raise InputError("map.states = []: must hold at least one state")
            for i, state in enumerate(states, 1):
                checks.name(state, f"map.states[{i}]")
            clean["states"] = tuple(states)
        for key, value in clean.items():
            object.__setattr__(self, key, value)
