"""A simulated measurement: the particle, how it switches and drifts, and what it is measured with.

Every default rate is an assumption chosen to resemble single nanocrystals at 4 K: 1 to 5 thousand counts a
second on the photon counter, 100 to 300 photons in a camera frame.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.instruments import Camera, Detector, Laser, WavePlate, at_most, of_kind, set_numbers
from spq.spectroscopy.stateenergies import StateEnergies, energies_by_hand

MOST_JUMPS = 1e6
MOST_PHOTONS = 1e8


@dataclass(frozen=True)
class Decay:
    """Light of a dot in one charge (assumptions).

    brightness: relative to the emitter's rate. amplitudes, lifetimes (ns): of I(t) = Σ A exp(-t/τ), as a fit
    gives them; a part's share of the photons goes with A τ. Raises InputError.
    """

    brightness: float = 1.0
    amplitudes: tuple[float, ...] = (0.97, 0.03)
    lifetimes: tuple[float, ...] = (1.5, 90.0)

    def __post_init__(self) -> None:
        set_numbers(self, "decay", {"brightness": ("", 0.0, True)})
        for name, unit in (("amplitudes", ""), ("lifetimes", "ns")):
            values = checks.numbers_of(getattr(self, name), f"decay.{name}", unit)
            for i, value in enumerate(values):
                checks.number(value, f"decay.{name}[{i + 1}]", unit, above=0.0)
            object.__setattr__(self, name, values)
        if len(self.amplitudes) != len(self.lifetimes):
            raise InputError("decay.amplitudes: must be one for each of decay.lifetimes")

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of the photons of each part."""
        areas = [a * t for a, t in zip(self.amplitudes, self.lifetimes, strict=True)]
        return tuple(area / sum(areas) for area in areas)


@dataclass(frozen=True)
class Emitter:
    """One dot (assumptions).

    rate: photons per s that reach the splitter when it is neutral. neutral, charged: its decays. quenched:
    brightness and lifetimes when quenched, relative to those when not. polarisation, angle: degree of linear
    polarisation and its axis in degrees. Raises InputError.
    """

    rate: float = 4000.0
    neutral: Decay = Decay()
    charged: Decay = Decay(0.6, (1.0,), (6.0,))
    quenched: float = 0.1
    polarisation: float = 0.6
    angle: float = 20.0

    def __post_init__(self) -> None:
        bounds = {"rate": ("1/s", 0.0, True), "quenched": ("", 0.0, False), "polarisation": ("", 0.0, True)}
        set_numbers(self, "emitter", bounds)
        at_most(self, "emitter", 1.0, "quenched", "polarisation")
        for name in ("neutral", "charged"):
            of_kind(getattr(self, name), f"emitter.{name}", Decay)
        object.__setattr__(self, "angle", checks.number(self.angle, "emitter.angle", "degrees"))

    def light(self, charge: int, quenched: bool) -> float:
        """Brightness relative to the rate at a charge in e, quenched or not."""
        decay = self.charged if charge else self.neutral
        return decay.brightness * (self.quenched if quenched else 1.0)


@dataclass(frozen=True)
class Diffusion:
    """Spectral diffusion of each emitter, an Ornstein-Uhlenbeck process (assumptions).

    sigma: meV, its standard deviation; time: s, its correlation time; common: share of its variance that all
    emitters have in common. Raises InputError.
    """

    sigma: float = 0.8
    time: float = 20.0
    common: float = 0.3

    def __post_init__(self) -> None:
        bounds = {"sigma": ("meV", 0.0, True), "time": ("s", 1e-3, True), "common": ("", 0.0, True)}
        set_numbers(self, "diffusion", bounds)
        at_most(self, "diffusion", 1.0, "common")


@dataclass(frozen=True)
class Lines:
    """Shape of a line (assumptions).

    width: meV, standard deviation of the zero-phonon line. phonons: meV below it of each mode; huang_rhys: as
    many Huang-Rhys factors; phonon_width: meV, standard deviation that each phonon adds. Raises InputError.
    """

    width: float = 0.4
    phonons: tuple[float, ...] = (27.0, 37.0)
    huang_rhys: tuple[float, ...] = (0.25, 0.1)
    phonon_width: float = 1.5

    def __post_init__(self) -> None:
        set_numbers(self, "lines", {"width": ("meV", 0.0, True), "phonon_width": ("meV", 0.0, True)})
        for name, unit in (("phonons", "meV"), ("huang_rhys", "")):
            values = checks.listed(getattr(self, name), f"lines.{name}", "a list of numbers")
            clean = tuple(
                checks.number(value, f"lines.{name}[{i}]", unit, minimum=0.0)
                for i, value in enumerate(values, 1)
            )
            object.__setattr__(self, name, clean)
        if len(self.phonons) != len(self.huang_rhys):
            raise InputError("lines.huang_rhys: must be one factor for each of lines.phonons")


@dataclass(frozen=True)
class Switching:
    """Rates per s at which the particle changes (assumptions); every dwell is exponential.

    charging: of each dot from neutral to each other charge; discharging: back. hopping: of the surface charge
    to each other site. together: share of charging and discharging that moves the surface charge as well.
    quenching, recovering: of each dot at unchanged charge. bleaching: of each dot, for ever.
    Raises InputError.
    """

    charging: float = 0.05
    discharging: float = 0.1
    hopping: float = 0.05
    together: float = 0.3
    quenching: float = 0.01
    recovering: float = 0.2
    bleaching: float = 0.0

    def __post_init__(self) -> None:
        set_numbers(self, "switching", {each.name: ("1/s", 0.0, True) for each in dataclasses.fields(self)})
        at_most(self, "switching", 1.0, "together")


@dataclass(frozen=True)
class Step:
    """What a particle is from a time on, where that is not left to chance.

    time: s, of the first step 0. charges: of every dot in e. site: of the surface charge, from 0. quenched:
    of every dot; empty: none. Raises InputError.
    """

    time: float
    charges: tuple[int, ...]
    site: int = 0
    quenched: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        set_numbers(self, "step", {"time": ("s", 0.0, True)})
        charges = checks.listed(self.charges, "step.charges", "a charge of every dot")
        charges = [
            checks.integer(each, f"step.charges[{i}]", minimum=-2) for i, each in enumerate(charges, 1)
        ]
        object.__setattr__(self, "charges", tuple(charges))
        object.__setattr__(self, "site", checks.integer(self.site, "step.site", minimum=0))
        dark = tuple(checks.listed(self.quenched, "step.quenched", "true or false for every dot"))
        dark = dark or (False,) * len(self.charges)
        if len(dark) != len(self.charges) or not all(isinstance(each, bool) for each in dark):
            raise InputError(
                f"step.quenched = {checks.shown(self.quenched)}: must be true or false for every dot"
            )
        object.__setattr__(self, "quenched", dark)


KINDS: dict[str, type] = {
    "energies": StateEnergies,
    "switching": Switching,
    "diffusion": Diffusion,
    "lines": Lines,
    "laser": Laser,
    "detector": Detector,
    "camera": Camera,
    "plate": WavePlate,
}


@dataclass(frozen=True)
class Simulation:
    """One particle and its measurement.

    energies: of every state in eV (energies_of_map, energies_by_hand); the number of its dots is that of the
    emitters (one to three). independent: a null particle, whose emitters switch each for itself, none feeling
    the other's charge, so that only `diffusion.common` joins them. schedule: what the particle is from when
    on; empty: chance decides, by `switching`. duration: s. emitters, diffusion, lines, laser, detector,
    camera, plate: descriptions of their own. Raises InputError.
    """

    energies: StateEnergies = field(default_factory=lambda: energies_by_hand((2.10, 2.13)))
    emitters: tuple[Emitter, ...] = (Emitter(), Emitter(angle=75.0))
    switching: Switching = Switching()
    diffusion: Diffusion = Diffusion()
    lines: Lines = Lines()
    laser: Laser = Laser()
    detector: Detector = Detector()
    camera: Camera = Camera()
    plate: WavePlate = WavePlate()
    independent: bool = False
    duration: float = 200.0
    schedule: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        self._check_schedule()
        emitters = tuple(checks.listed(self.emitters, "simulation.emitters", "a list of emitters"))
        object.__setattr__(self, "emitters", emitters)
        for name, kind in KINDS.items():
            of_kind(getattr(self, name), f"simulation.{name}", kind)
        for i, emitter in enumerate(emitters, 1):
            of_kind(emitter, f"simulation.emitters[{i}]", Emitter)
        if len(emitters) != self.energies.dots:
            raise InputError(
                f"simulation.emitters: {len(emitters)} are given: must be {self.energies.dots}, as the "
                "energies have"
            )
        set_numbers(self, "simulation", {"duration": ("s", 0.0, False)})
        if not isinstance(self.independent, bool):
            raise InputError(
                f"simulation.independent = {checks.shown(self.independent)}: must be true or false"
            )
        for i, emitter in enumerate(emitters, 1):
            brightest = max(emitter.neutral.brightness, emitter.charged.brightness) * emitter.rate
            if brightest > 0.2 * self.laser.rate:
                raise InputError(
                    f"emitters[{i}].rate: {brightest:.10g} photons per s: must be <= 0.2 of the laser's rate"
                )
        total = self.duration * sum(emitter.rate for emitter in emitters)
        if total > MOST_PHOTONS:
            raise InputError(f"emitters: {total:g} photons in all: must be <= {MOST_PHOTONS:g}")
        period = self.laser.period_ps
        bins = period / (1e3 * self.detector.bin)
        if bins < 2 or abs(bins - round(bins)) > 1e-6:
            raise InputError(
                f"detector.bin = {self.detector.bin:.10g} ns: must divide the laser's period, "
                f"{1e-3 * period:g} ns"
            )
        if self.camera.period > self.duration:
            raise InputError(
                f"simulation.duration = {self.duration:.10g} s: must hold one frame of the camera"
            )
        rates = self.switching
        fastest = sum(dataclasses.astuple(rates)) * len(emitters) * len(self.energies.sites)
        if fastest * self.duration > MOST_JUMPS:
            raise InputError(f"switching: more than {MOST_JUMPS:g} jumps could happen in {self.duration:g} s")

    def _check_schedule(self) -> None:
        steps = tuple(checks.listed(self.schedule, "simulation.schedule", "a list of steps"))
        object.__setattr__(self, "schedule", steps)
        for i, step in enumerate(steps, 1):
            of_kind(step, f"simulation.schedule[{i}]", Step)
            if (step.charges, step.site) not in self.energies.table:
                raise InputError(
                    f"simulation.schedule[{i}]: charges {step.charges} at site {step.site} have no energies"
                )
        times = [step.time for step in steps]
        if steps and (times[0] != 0.0 or sorted(set(times)) != times):
            raise InputError("simulation.schedule: times must begin with 0 and ascend")
        if steps and self.independent:
            raise InputError("simulation.schedule: a null particle is left to chance")

    def parameters(self) -> dict[str, Any]:
        """All parameters as plain mappings, lists, texts and numbers; units as in the descriptions."""
        found = {each.name: _plain(getattr(self, each.name)) for each in dataclasses.fields(self)}
        table = self.energies.table
        found["energies"]["table"] = [
            {"charges": list(state), "site": site, "energy_eV": list(values)}
            for (state, site), values in table.items()
        ]
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, StateEnergies):
        return {"charges": list(value.charges), "sites": list(value.sites)}
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
