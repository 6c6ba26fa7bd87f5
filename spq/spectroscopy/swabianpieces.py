"""A dump of Swabian tags piece by piece: photons wait until their laser pulse is known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spq import checks
from spq.checks import placed
from spq.errors import InputError
from spq.spectroscopy import swabian
from spq.spectroscopy.pulses import in_bins, period_of, since_pulse, timing_of
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.sources import existing

Array = np.ndarray
Part = tuple[Array, Array, Array | None]

FIRST = 1 << 16
"""Tags of the laser from which its period is found."""


def swabian_pieces(
    path: str | os.PathLike[str],
    *,
    photons: Sequence[int],
    laser: int | None = None,
    markers: Mapping[str | int, int] | None = None,
    laser_period: float | None = None,
    reverse: bool = False,
    nanotime_bin: float = swabian.PS,
    partial: bool = False,
) -> tuple[PhotonStream, Callable[[], Iterator[Part]]]:
    """Head of a dump of tags, a stream without photons, and what yields its photons; see `stream`.

    Arguments as in `read_swabian`; a .ttbin is not read in pieces. Raises InputError like it, and if tags of
    two channels are so far out of order that a piece does not hold both.
    """
    path = existing(path)
    if path.suffix.lower() == ".ttbin":
        raise InputError(f"{path}: .ttbin is not read in pieces; a dump of 16-byte tags is")
    names = dict(markers or {})
    swabian.check_channels(photons, laser, names)
    checks.number(nanotime_bin, "nanotime_bin", "ns", minimum=swabian.PS)
    period = None if laser_period is None else laser_period / swabian.PS
    if laser is not None and period is None:
        with placed(f"{path}: "):
            period = period_of(_first_tags(path, partial, laser))

    def pieces() -> Iterator[Part]:
        for stamps, detectors, micro in _parts(path, partial, photons, laser, period, reverse):
            yield stamps, detectors, None if micro is None else in_bins(micro, swabian.PS, nanotime_bin)

    _, _, times, lost = swabian.sorted_out(path, swabian.dump(path, partial), (), list(names.values()))
    seen, last, most = np.zeros(len(photons), dtype=np.int64), 0, -1
    for stamps, detectors, micro in pieces():
        seen += np.bincount(detectors, minlength=len(photons))
        last = int(stamps[-1]) if len(stamps) else last
        most = max(most, -1 if micro is None else int(micro.max(initial=0)))
    swabian.check_seen(path, photons, seen)
    fields: dict[str, Any] = {}
    if laser is not None and period is not None:
        fields = timing_of(period * swabian.PS, nanotime_bin, most + 1, np.empty(0, dtype=np.uint32))
    elif laser_period is not None:
        fields["laser_period"] = laser_period
    ticks = {name: times[channel] for name, channel in names.items()}
    ends = max([last, *(int(each[-1]) for each in ticks.values() if len(each))])
    with placed(f"{path}: "):
        head = PhotonStream(
            np.empty(0, dtype=np.int64),
            swabian.PS,
            np.empty(0, dtype=np.uint8),
            markers=ticks,
            lost=lost,
            duration=ends * swabian.PS,
            about={"format": "Swabian", "photon_channels": list(photons)},
            **fields,
        )
    return head, pieces


def _first_tags(path: Path, partial: bool, laser: int) -> Array:
    """The first tags of the laser, as many as its period is found from."""
    found: list[Array] = [np.empty(0, dtype=np.int64)]
    for piece in swabian.dump(path, partial):
        found.append(swabian.by_channel(piece, (), [laser])[2][laser])
        if sum(len(each) for each in found) > FIRST:
            break
    return np.concatenate(found)


def _parts(
    path: Path, partial: bool, photons: Sequence[int], laser: int | None, period: float | None, reverse: bool
) -> Iterator[Part]:
    """Photons in the order of their times, detectors, micro-times in ps; photons without one are left out.

    A photon is ready when a pulse after it is known, or the file is at its end.
    """
    others = [] if laser is None else [laser]
    stamps, detectors = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint8)
    pulses = np.empty(0, dtype=np.int64)
    given = -1
    for piece in swabian.dump(path, partial):
        more, places, times = swabian.by_channel(piece, photons, others)
        if len(more) and more.min() < given:
            raise InputError(f"{path}: tags are out of order by more than a piece: read the file whole")
        stamps, detectors = swabian.in_order(
            path, np.concatenate([stamps, more]), np.concatenate([detectors, places]), photons
        )
        if laser is None or period is None:
            ready = len(stamps)
        else:
            pulses = np.concatenate([pulses, times[laser]])
            swabian.check_ascending(path, laser, pulses)
            ready = int(np.searchsorted(stamps, pulses[-1])) if len(pulses) else 0
        if ready:
            yield _known(stamps[:ready], detectors[:ready], pulses, period, reverse)
            given = int(stamps[ready - 1])
        stamps, detectors, pulses = stamps[ready:], detectors[ready:], pulses[-2:]
    if len(stamps):
        yield _known(stamps, detectors, pulses, period, reverse)


def _known(stamps: Array, detectors: Array, pulses: Array, period: float | None, reverse: bool) -> Part:
    """Photons that have a micro-time, with it."""
    if period is None or not len(pulses):
        return stamps, detectors, None
    micro, known = since_pulse(stamps, pulses, period, reverse=reverse)
    return stamps[known], detectors[known], micro[known]
