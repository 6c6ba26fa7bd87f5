"""What an emission spectrum of correlated states covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spq import checks
from spq.carriers import parse_charge
from spq.errors import InputError

MOST_PHONONS = 20.0


@dataclass(frozen=True)
class SpectrumSpec:
    """What a spectrum covers.

    carriers: texts such as "X-" or "e e h", each a set of carriers wherever they are. temperature: K, of
    the populations. states: eigenstates of each set, of each |Σ m|. width: meV, full width at half maximum
    of a line. phonons: energies in meV of phonons below each line; huang_rhys: as many Huang-Rhys factors.
    kane_energy: E_P of the cores in eV. Raises InputError.
    """

    carriers: tuple[str, ...] = ("X", "X-")
    temperature: float = 4.0
    states: int = 8
    width: float = 1.0
    phonons: tuple[float, ...] = ()
    huang_rhys: tuple[float, ...] = ()
    kane_energy: float = 17.5

    def __post_init__(self) -> None:
        carriers = checks.listed(self.carriers, "spectrum.carriers", "a list of carriers such as X-")
        if not carriers:
            raise InputError("spectrum.carriers = []: must hold at least one set of carriers")
        for i, text in enumerate(carriers, 1):
            with checks.placed(f"spectrum.carriers[{i}]: "):
                parse_charge(text)
        if len(set(carriers)) < len(carriers):
            shown = checks.shown(list(carriers))
            raise InputError(f"spectrum.carriers = {shown}: every set can be given once")
        clean: dict[str, Any] = {
            "carriers": tuple(carriers),
            "temperature": checks.number(self.temperature, "spectrum.temperature", "K", above=0.0),
            "states": checks.integer(self.states, "spectrum.states", minimum=1),
            "width": checks.number(self.width, "spectrum.width", "meV", minimum=1e-2),
            "kane_energy": checks.number(self.kane_energy, "spectrum.kane_energy", "eV", above=0.0),
        }
        for name, unit in (("phonons", "meV"), ("huang_rhys", "")):
            values = checks.listed(getattr(self, name), f"spectrum.{name}", "a list of numbers")
            clean[name] = tuple(
                checks.number(value, f"spectrum.{name}[{i}]", unit, above=0.0)
                for i, value in enumerate(values, 1)
            )
        if len(clean["phonons"]) != len(clean["huang_rhys"]):
            raise InputError("spectrum.huang_rhys: must be one factor for each of spectrum.phonons")
        if sum(clean["huang_rhys"]) > MOST_PHONONS:
            raise InputError(f"spectrum.huang_rhys: must add up to {MOST_PHONONS:g} at most")
        for key, value in clean.items():
            object.__setattr__(self, key, value)
