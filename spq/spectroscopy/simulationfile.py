"""The table [simulation] of a TOML file, read into a Simulation.

[simulation]
seed = 1
duration = 200.0                              # s
independent = false                           # true: a null particle
[simulation.energies]                         # by hand:
neutral = [2.10, 2.13]                        # eV, one per dot
charged = [-14.0, -12.0]                      # meV, by the dot's own charge
other_charged = [-0.5, -0.5]                  # meV, by the charge of another dot
sites = [[0.0, 0.0], [-6.0, 3.0]]             # meV, a row for each place of the surface charge
# or from a stored shift map:
# map = "shift_map.nc"
# charges = [0, -1]
# traps = [{ charge = 0.0 }, { z = 3.2, charge = -0.5 }]
[[simulation.emitters]]                       # one table for each dot
rate = 4000.0
neutral = { brightness = 1.0, amplitudes = [0.97, 0.03], lifetimes = [1.5, 90.0] }
[[simulation.schedule]]                       # what happens when; without, chance decides, by switching:
time = 0.0                                    # s
charges = [0, -1]                             # e, of every dot
site = 0                                      # row of sites, or of traps, from 0
quenched = [false, true]
[simulation.switching]                        # likewise diffusion, lines, laser, detector, camera, plate
charging = 0.05
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spq import checks
from spq.errors import InputError
from spq.inputfile import parsed, text_of
from spq.spectroscopy.instruments import Camera, Detector, Laser, WavePlate
from spq.spectroscopy.simulation import Decay, Diffusion, Emitter, Lines, Simulation, Step, Switching
from spq.spectroscopy.stateenergies import StateEnergies, Trap, energies_by_hand, energies_of_map

PARTS: dict[str, type] = {
    "switching": Switching,
    "diffusion": Diffusion,
    "lines": Lines,
    "laser": Laser,
    "detector": Detector,
    "camera": Camera,
    "plate": WavePlate,
}
SINGLE = ("independent", "duration")
BY_HAND = ("neutral", "charged", "other_charged", "sites", "charge")
OF_MAP = ("map", "traps", "charges")


def simulation_of(path: str | Path) -> Simulation:
    """The Simulation of the TOML file at `path` with a table [simulation]; its seed is read by `seed_of`.

    Units as of the fields of Simulation. A map is looked for beside the file. Raises InputError with the
    file's name in front.
    """
    with checks.placed(f"{path}: "):
        table = _document(path)
        checks.known_keys(table, ("seed", *SINGLE, "energies", "emitters", "schedule", *PARTS), "simulation.")
        given: dict[str, Any] = {name: table[name] for name in SINGLE if name in table}
        for name, kind in PARTS.items():
            if name in table:
                given[name] = _made(kind, table[name], f"simulation.{name}")
        steps = checks.listed(table.get("schedule", []), "simulation.schedule", "[[simulation.schedule]]")
        given["schedule"] = [
            _made(Step, step, f"simulation.schedule[{i}]") for i, step in enumerate(steps, 1)
        ]
        energies = _energies(table.get("energies"), Path(path).parent)
        return Simulation(energies, _emitters(table.get("emitters"), energies.dots), **given)


def seed_of(path: str | Path) -> int:
    """The seed of a TOML file with a table [simulation], 0 if it names none. Raises InputError."""
    with checks.placed(f"{path}: "):
        return checks.integer(_document(path).get("seed", 0), "simulation.seed", minimum=0)


def _document(path: str | Path) -> Mapping[str, Any]:
    given = parsed(text_of(path))
    checks.known_keys(given, ("simulation",), "")
    if "simulation" not in given:
        raise InputError("simulation: missing; a table [simulation] says what is simulated")
    return _table(given["simulation"], "simulation")


def _table(given: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InputError(f"{where} = {checks.shown(given)}: must be a table, [{where}]")
    return given


def _made(kind: type, given: Any, where: str) -> Any:
    """A description of a table of its fields."""
    table = _table(given, where)
    checks.known_keys(table, [each.name for each in dataclasses.fields(kind)], f"{where}.")
    for each in dataclasses.fields(kind):
        bare = each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
        if bare and each.name not in table:
            raise InputError(f"{where}: needs {each.name}")
    with checks.placed(f"{where}: "):
        return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in table.items()})


def _emitters(given: Any, dots: int) -> tuple[Emitter, ...]:
    """Those of the file, or as many default ones as there are dots, turned against each other."""
    if given is None:
        return tuple(Emitter(angle=20.0 + 55.0 * dot) for dot in range(dots))
    found = []
    for i, each in enumerate(checks.listed(given, "simulation.emitters", "[[simulation.emitters]]"), 1):
        where = f"simulation.emitters[{i}]"
        table = dict(_table(each, where))
        for name in ("neutral", "charged"):
            if name in table:
                table[name] = _made(Decay, table[name], f"{where}.{name}")
        found.append(_made(Emitter, table, where))
    return tuple(found)


def _energies(given: Any, folder: Path) -> StateEnergies:
    """Energies by hand, or of a stored map in or below a folder."""
    if given is None:
        return energies_by_hand((2.10, 2.13))
    where = "simulation.energies"
    table = _table(given, where)
    checks.known_keys(table, (*BY_HAND, *OF_MAP), f"{where}.")
    others = BY_HAND if "map" in table else OF_MAP
    for name in table:
        if name in others:
            raise InputError(
                f"{where}.{name}: goes {'with energies by hand' if 'map' in table else 'with a map'} only"
            )
    if "map" not in table:
        if "neutral" not in table:
            raise InputError(f"{where}: needs neutral, energies in eV, or map, a stored shift map")
        return energies_by_hand(**table)
    from spq.store import load_map

    shifts = load_map(folder / checks.name(table["map"], f"{where}.map"))
    traps = checks.listed(table.get("traps", [{}]), f"{where}.traps", "a list of { z, charge, phi }")
    places = tuple(_made(Trap, trap, f"{where}.traps[{i}]") for i, trap in enumerate(traps, 1))
    charges = checks.listed(table.get("charges", [0, -1]), f"{where}.charges", "a list of charges")
    return energies_of_map(shifts, places, tuple(charges))
