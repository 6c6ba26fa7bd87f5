"""What a measurement is taken with: laser, photon counter, camera and wave plate.

Every default is an assumption of a common set-up, not a measured figure of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError


def set_numbers(made: Any, where: str, bounds: dict[str, tuple[str, float, bool]]) -> None:
    """Check numbers of a description: field -> unit, least value, whether that itself is allowed."""
    for name, (unit, least, allowed) in bounds.items():
        bound: dict[str, Any] = {"minimum": least} if allowed else {"above": least}
        value = checks.number(getattr(made, name), f"{where}.{name}", unit, **bound)
        object.__setattr__(made, name, value)


def of_kind(value: Any, where: str, kind: type) -> None:
    """Raise InputError unless a value is a description of a kind."""
    if not isinstance(value, kind):
        raise InputError(f"{where} = {checks.shown(value)}: must be a {kind.__name__}")


def at_most(made: Any, where: str, most: float, *names: str) -> None:
    """Check that numbers of a description are not larger than `most`; raises InputError."""
    for name in names:
        value = getattr(made, name)
        if value > most:
            raise InputError(f"{where}.{name} = {value:.10g}: must be <= {most:g}")


@dataclass(frozen=True)
class Laser:
    """Pulses that excite. rate: pulses per s (1e6 or 5e6). Raises InputError."""

    rate: float = 1e6

    def __post_init__(self) -> None:
        set_numbers(self, "laser", {"rate": ("1/s", 1e3, True)})
        at_most(self, "laser", 1e8, "rate")
        if abs(self.period_ps - round(self.period_ps)) > 1e-6:
            raise InputError(f"laser.rate = {self.rate:.10g} 1/s: its period must be a whole number of ps")

    @property
    def period_ps(self) -> float:
        """Time between two pulses in ps."""
        return 1e12 / self.rate

    @property
    def period(self) -> float:
        """Time between two pulses in ns."""
        return 1e9 / self.rate


@dataclass(frozen=True)
class Detector:
    """A single-photon avalanche diode and the electronics that stamp its photons (assumptions).

    efficiency: share of the photons of its arm that it sees. response: full width at half maximum of the
    instrument response in ns; tail_share of it is delayed further, exponentially with tail ns. delay: ns from
    a pulse to its prompt photons. dead_time: ns. afterpulsing: chance after each count, delayed by another
    afterpulse_time ns beyond the dead time. dark_rate: counts per s. bin: ns, of the micro-times.
    Raises InputError.
    """

    efficiency: float = 0.75
    response: float = 0.05
    tail_share: float = 0.1
    tail: float = 0.25
    delay: float = 20.0
    dead_time: float = 80.0
    afterpulsing: float = 0.005
    afterpulse_time: float = 50.0
    dark_rate: float = 50.0
    bin: float = 0.016

    def __post_init__(self) -> None:
        bounds = {name: ("ns", 0.0, True) for name in ("response", "tail", "delay", "dead_time")}
        bounds |= {name: ("", 0.0, True) for name in ("efficiency", "tail_share", "afterpulsing")}
        bounds |= {"afterpulse_time": ("ns", 0.0, False), "dark_rate": ("1/s", 0.0, True)}
        set_numbers(self, "detector", bounds | {"bin": ("ns", 1e-3, True)})
        at_most(self, "detector", 1.0, "efficiency", "tail_share", "afterpulsing")
        if abs(self.bin * 1e3 - round(self.bin * 1e3)) > 1e-6:
            raise InputError(f"detector.bin = {self.bin:.10g} ns: must be a whole number of ps")


@dataclass(frozen=True)
class Camera:
    """A spectrograph with an electron-multiplying camera, one strip each for V and H (assumptions).

    frames: number. period: s from one exposure to the next; gap: s between exposures. tag_jitter: s, standard
    deviation of the tags of exposures. efficiency: share of the photons of its arm that reach the chip as V;
    of H it is h_throughput times that. pixels: of each strip. centre: nm, in the middle; None: the middle of
    the emitters' energies. dispersion: nm per pixel, changed by dispersion_change (relative) from the middle
    to each end. blur: pixels, standard deviation of the image of a line. background: photons per pixel and
    s. clock_induced: electrons per pixel and frame. gain: electron multiplication times the counts per
    electron. read_noise, offset: counts. cosmic_rays: per s. Raises InputError.
    """

    frames: int = 400
    period: float = 0.5
    gap: float = 0.005
    tag_jitter: float = 2e-4
    efficiency: float = 0.1
    h_throughput: float = 0.85
    pixels: int = 512
    centre: float | None = None
    dispersion: float = 0.1
    dispersion_change: float = 0.02
    blur: float = 1.0
    background: float = 0.01
    clock_induced: float = 0.002
    gain: float = 60.0
    read_noise: float = 8.0
    offset: float = 400.0
    cosmic_rays: float = 0.02

    def __post_init__(self) -> None:
        for name, least in (("frames", 1), ("pixels", 8)):
            value = checks.integer(getattr(self, name), f"camera.{name}", minimum=least)
            object.__setattr__(self, name, value)
        positive = {"period": "s", "dispersion": "nm", "gain": "counts", "h_throughput": ""}
        bounds = {name: (unit, 0.0, False) for name, unit in positive.items()}
        units = {"gap": "s", "tag_jitter": "s", "efficiency": "", "dispersion_change": "", "blur": "pixels"}
        units |= {"background": "1/s", "clock_induced": "", "read_noise": "counts", "offset": "counts"}
        bounds |= {name: (unit, 0.0, True) for name, unit in (units | {"cosmic_rays": "1/s"}).items()}
        set_numbers(self, "camera", bounds)
        at_most(self, "camera", 1.0, "efficiency")
        at_most(self, "camera", 0.5, "dispersion_change")
        if self.efficiency * self.h_throughput > 1.0:
            raise InputError("camera.h_throughput: more than every photon would reach the strip of H")
        if not self.gap < self.period:
            raise InputError(f"camera.gap = {self.gap:.10g} s: must be < period, {self.period:.10g} s")
        if 20.0 * self.tag_jitter > self.period:
            raise InputError(f"camera.tag_jitter = {self.tag_jitter:.10g} s: must be <= a 20th of the period")
        if self.centre is not None:
            checks.number(self.centre, "camera.centre", "nm", above=0.6 * self.pixels * self.dispersion)

    @property
    def exposure(self) -> float:
        """Length of an exposure in s."""
        return self.period - self.gap

    def wavelength(self, centre: float) -> np.ndarray:
        """Wavelengths (pixels,) in nm, ascending: a parabola about the centre in nm."""
        half = 0.5 * (self.pixels - 1)
        place = (np.arange(self.pixels) - half) / half
        # dλ/dplace = dispersion half (1 + change place)
        return centre + self.dispersion * half * (place + 0.5 * self.dispersion_change * (place**2 - 1.0 / 3))


@dataclass(frozen=True)
class WavePlate:
    """A half-wave plate that turns by `step` degrees every `every` s, in `move` s, `positions` times in all.

    retardance_error: degrees by which its retardance differs from 180. Raises InputError.
    """

    step: float = 5.0
    every: float = 10.0
    move: float = 0.3
    positions: int = 20
    retardance_error: float = 2.0

    def __post_init__(self) -> None:
        bounds = {"every": ("s", 0.0, False), "move": ("s", 0.0, False)}
        set_numbers(self, "plate", bounds)
        for name in ("step", "retardance_error"):
            value = checks.number(getattr(self, name), f"plate.{name}", "degrees")
            object.__setattr__(self, name, value)
        positions = checks.integer(self.positions, "plate.positions", minimum=1)
        object.__setattr__(self, "positions", positions)
        if self.move > self.every:
            raise InputError(f"plate.move = {self.move:.10g} s: must be <= every, {self.every:.10g} s")

    def moves(self, duration: float) -> np.ndarray:
        """Times (m,) in s at which it begins to turn, within the duration in s."""
        begins = self.every * np.arange(1, self.positions)
        return begins[begins < duration]

    def angle(self, times: np.ndarray) -> np.ndarray:
        """Its angle in degrees at times in s, any shape and the same; it turns evenly while it moves."""
        times = np.asarray(times, dtype=float)
        whole = np.clip(np.floor(times / self.every), 0, self.positions - 1)
        part = np.clip((times - whole * self.every) / self.move, 0.0, 1.0)
        return self.step * np.where(whole > 0, whole - 1.0 + part, 0.0)
