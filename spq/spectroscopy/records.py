"""What was measured: photons with their arrival times, camera frames, and both with what joins them.

Macro-times are whole ticks of a clock since the start of the acquisition, micro-times whole bins since the
laser pulse before the photon: as the hardware counts them, so that nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from spq import checks
from spq.errors import InputError

Array = np.ndarray

SHUFFLED = "photons are not in the order of their times"
UNITS = ("photons", "counts")


@dataclass(frozen=True, eq=False)
class PhotonStream:
    """Photons of one or more detectors, in the order of their arrival.

    Attributes
    ----------
    timestamps : int64 (n,)
        Macro-times, ticks since the start of the acquisition; ascending.
    timestamp_unit : float
        One tick in ns.
    detectors : integer (n,) or None
        Detector of each photon, as the hardware numbers them; None: a single one, 0.
    nanotimes : unsigned integer (n,) or None
        Micro-times, bins since the laser pulse; None where they were not measured.
    nanotime_unit : float or None
        One bin in ns.
    nanotime_bins : int or None
        Number of bins that the hardware has, also those in which no photon came.
    laser_period : float or None
        Time between two laser pulses in ns.
    markers : mapping
        Number or name of a marker -> int64 (m,) ticks at which it was set; ascending.
    lost : int64 (g, 2)
        First and last tick of intervals in which the hardware lost tags.
    duration : float or None
        Length of the acquisition in ns; None: to the last photon or marker.
    about : mapping
        What else the file says: instrument, comments, format. Plain text and numbers.

    Raises
    ------
    InputError
        If lengths differ, times run backwards or are negative, or a unit is not positive.
    """

    timestamps: Array
    timestamp_unit: float
    detectors: Array | None = None
    nanotimes: Array | None = None
    nanotime_unit: float | None = None
    nanotime_bins: int | None = None
    laser_period: float | None = None
    markers: Mapping[int | str, Array] = field(default_factory=dict)
    lost: Array = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    duration: float | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ticks = _ticks(self.timestamps, "timestamps")
        object.__setattr__(self, "timestamps", ticks)
        detectors = np.zeros(len(ticks), dtype=np.uint8) if self.detectors is None else self.detectors
        object.__setattr__(self, "detectors", _whole(detectors, "detectors", len(ticks)))
        checks.number(self.timestamp_unit, "timestamp_unit", "ns", above=0.0)
        if self.nanotimes is not None:
            object.__setattr__(self, "nanotimes", _whole(self.nanotimes, "nanotimes", len(ticks)))
            checks.number(self.nanotime_unit, "nanotime_unit", "ns", above=0.0)
        if self.laser_period is not None:
            checks.number(self.laser_period, "laser_period", "ns", above=0.0)
        markers = {name: _ticks(each, f"markers[{name!r}]") for name, each in self.markers.items()}
        object.__setattr__(self, "markers", markers)
        object.__setattr__(self, "lost", np.asarray(self.lost, dtype=np.int64).reshape(-1, 2))
        last = max((int(each[-1]) for each in (ticks, *markers.values()) if len(each)), default=0)
        if self.duration is None:
            object.__setattr__(self, "duration", last * self.timestamp_unit)
        checks.number(self.duration, "duration", "ns", minimum=0.0)

    @property
    def seconds(self) -> Array:
        """Macro-times (n,) in s, for people; ticks are exact."""
        return self.timestamps * (self.timestamp_unit * 1e-9)


@dataclass(frozen=True, eq=False)
class FrameSeries:
    """Spectra of a camera, one or two strips (polarisations) in every frame.

    Attributes
    ----------
    counts : float (frames, strips, pixels)
        What `unit` says; NaN where a pixel is masked.
    wavelength : float (pixels,)
        In nm in vacuum, ascending, of all strips.
    strips : tuple of str
        ("V", "H"), or ("all",) where light was not split.
    unit : "photons" or "counts"
        Counts of a camera are photons only after its offset and gain are taken out.
    starts : float (frames,) or None
        Begin of each exposure, ns since the start of the measurement.
    exposure : float or None
        Length of each exposure in ns.
    excess : float
        Variance over mean of light of constant intensity: 1 (Poisson), 2 with electron multiplication.
    angles : float (frames,) or None
        Angle of the half-wave plate in degrees; NaN where it moved or is not known.
    about : mapping
        What else the file says. Plain text and numbers.

    Raises
    ------
    InputError
        If shapes do not fit together, wavelengths do not ascend, or a number is wrong.
    """

    counts: Array
    wavelength: Array
    strips: tuple[str, ...] = ("all",)
    unit: str = "photons"
    starts: Array | None = None
    exposure: float | None = None
    excess: float = 1.0
    angles: Array | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = np.asarray(self.counts, dtype=float)
        wavelength = np.asarray(self.wavelength, dtype=float)
        strips = tuple(self.strips)
        wanted = (len(strips), wavelength.size)
        if counts.ndim != 3 or counts.shape[1:] != wanted or not counts.size:
            raise InputError(f"counts: shape {counts.shape}: must be (frames, {wanted[0]}, {wanted[1]})")
        if wavelength.ndim != 1 or not np.all(np.diff(wavelength) > 0) or not np.all(wavelength > 0):
            raise InputError("wavelength: must be positive and ascend, in nm")
        checks.choice(self.unit, "unit", UNITS)
        checks.number(self.excess, "excess", minimum=1.0)
        if self.exposure is not None:
            checks.number(self.exposure, "exposure", "ns", above=0.0)
        for name in ("starts", "angles"):
            given = getattr(self, name)
            if given is not None:
                given = np.asarray(given, dtype=float)
                if given.shape != (len(counts),):
                    raise InputError(f"{name}: shape {given.shape}: must be ({len(counts)},), one per frame")
                object.__setattr__(self, name, given)
        if self.starts is not None and not np.all(np.diff(self.starts) > 0):
            raise InputError("starts: exposures must begin one after the other")
        for name, value in (("counts", counts), ("wavelength", wavelength), ("strips", strips)):
            object.__setattr__(self, name, value)

    @property
    def energy(self) -> Array:
        """Photon energies (pixels,) in eV, descending: hc/λ."""
        from spq.spectroscopy.wavelengths import energy_of

        return energy_of(self.wavelength)


@dataclass(frozen=True, eq=False)
class Measurement:
    """Photons and frames of one particle, with what joins them.

    Attributes
    ----------
    photons : PhotonStream
    frames : FrameSeries
        With `starts` and `exposure` in the clock of the photons.
    frame_of_photon : int32 (n,)
        Frame in whose exposure each photon came, -1 between exposures.
    irf : float (bins,) or None
        Measured response of detector and laser, in bins of the photons' micro-times.
    about : mapping
        What was found when they were joined: drift of the clocks, missing and extra markers.

    Raises
    ------
    InputError
        If frames have no times, or a photon's frame does not exist.
    """

    photons: PhotonStream
    frames: FrameSeries
    frame_of_photon: Array
    irf: Array | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.photons.timestamps)
        frame = _whole(self.frame_of_photon, "frame_of_photon", count).astype(np.int32)
        if self.frames.starts is None or self.frames.exposure is None:
            raise InputError("frames: need starts and exposure, in the clock of the photons")
        if count and not (-1 <= frame.min() and frame.max() < len(self.frames.counts)):
            raise InputError(f"frame_of_photon: must lie between -1 and {len(self.frames.counts) - 1}")
        object.__setattr__(self, "frame_of_photon", frame)

    @classmethod
    def from_arrays(
        cls,
        *,
        timestamps: Array,
        timestamp_unit: float,
        counts: Array,
        wavelength: Array,
        starts: Array,
        exposure: float,
        frame_of_photon: Array | None = None,
        irf: Array | None = None,
        **more: Any,
    ) -> Measurement:
        """Make a measurement of arrays, in the shapes and units of PhotonStream and FrameSeries.

        timestamps, timestamp_unit, irf: see PhotonStream; counts, and wavelength in nm: see FrameSeries.
        starts, exposure: in ns, in the clock of the photons. frame_of_photon: None takes the exposure in
        which each photon came. more: any other field of the two, but `about`. Raises InputError.
        """
        tags = {each.name for each in fields(PhotonStream)} - {"about"}
        spectra = {each.name for each in fields(FrameSeries)} - {"about"}
        checks.known_keys(more, sorted(tags | spectra), "")
        timing = {name: each for name, each in more.items() if name in tags}
        light = {name: each for name, each in more.items() if name in spectra}
        photons = PhotonStream(timestamps, timestamp_unit, **timing)
        frames = FrameSeries(counts, wavelength, starts=starts, exposure=exposure, **light)
        if frame_of_photon is None:
            frame_of_photon = _frames_at(photons, frames)
        return cls(photons, frames, frame_of_photon, irf)


def _frames_at(photons: PhotonStream, frames: FrameSeries) -> Array:
    """Frame (n,) in whose exposure each photon came, -1 between exposures."""
    if frames.starts is None or frames.exposure is None:
        raise InputError("frames: need starts and exposure, in the clock of the photons")
    times = photons.timestamps * photons.timestamp_unit
    frame = np.searchsorted(frames.starts, times, side="right") - 1
    inside = (frame >= 0) & (times < frames.starts[np.maximum(frame, 0)] + frames.exposure)
    return np.where(inside, frame, -1).astype(np.int32)


def _whole(given: Any, where: str, length: int) -> Array:
    """An array of whole numbers of a length; raises InputError."""
    found = np.asarray(given)
    if found.shape != (length,):
        raise InputError(f"{where}: shape {found.shape}: must be ({length},), one per photon")
    if found.dtype.kind not in "iu":
        raise InputError(f"{where}: must be whole numbers, not {found.dtype}")
    return found


def _ticks(given: Any, where: str) -> Array:
    """Times (n,) in ascending ticks; raises InputError."""
    found = np.asarray(given)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise InputError(f"{where}: must be a list of whole ticks, not {found.dtype} of shape {found.shape}")
    found = found.astype(np.int64, copy=False)
    if len(found) and found[0] < 0:
        raise InputError(f"{where}[0] = {found[0]} ticks: must be >= 0")
    back = np.flatnonzero(found[1:] < found[:-1])  # differences would take 8 bytes a photon
    if len(back):
        raise InputError(f"{where}[{back[0] + 1}]: is before the one before it: {SHUFFLED}")
    return found
