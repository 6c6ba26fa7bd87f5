"""Tags of a Swabian Time Tagger: the documented dump of 16 bytes a tag, and .ttbin by the vendor's library.

A tag, little-endian: u8 type (0 tag, 1 error, 2 and 3 begin and end of an overflow, 4 missed tags), u8
unused, u16 number of missed tags, i32 channel (negative: falling edge), i64 time in ps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spq import checks
from spq.checks import placed
from spq.errors import InputError
from spq.spectroscopy.pulses import micro_times
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.sources import existing, library

Array = np.ndarray

TAG = np.dtype([("type", "u1"), ("unused", "u1"), ("missed", "<u2"), ("channel", "<i4"), ("time", "<i8")])
PS = 1e-3
"""One tick in ns."""

PIECE = 1 << 20
VENDOR = "pip install Swabian-TimeTagger (the vendor's; spq has not been tried with it)"


def read_swabian(
    path: str | os.PathLike[str],
    *,
    photons: Sequence[int],
    laser: int | None = None,
    markers: Mapping[str | int, int] | None = None,
    laser_period: float | None = None,
    reverse: bool = False,
    nanotime_bin: float = PS,
    partial: bool = False,
) -> PhotonStream:
    """Read a dump of tags (16 bytes each), or a .ttbin with the vendor's library.

    photons: channels of the detectors; a photon's detector is its place among them. laser: channel of the
    laser's tags, from which micro-times are made; photons before its first tag (after its last, if reversed)
    have none and are left out, their number is in `about`. markers: name -> channel. laser_period: in ns,
    needed where not every pulse is tagged. reverse: the laser's tag follows the photon (reversed start-stop).
    nanotime_bin: bin of the micro-times in ns. partial: also read a file cut within a tag.
    Raises InputError if the file is no dump or is cut, if a channel is not in it or named twice, or if times
    run backwards.
    """
    path = existing(path)
    names = dict(markers or {})
    others = check_channels(photons, laser, names)
    checks.number(nanotime_bin, "nanotime_bin", "ns", minimum=PS)
    pieces = _ttbin(path) if path.suffix.lower() == ".ttbin" else dump(path, partial)
    stamps, detectors, times, lost = sorted_out(path, pieces, photons, others)
    check_seen(path, photons, np.bincount(detectors, minlength=len(photons)))
    stamps, detectors = in_order(path, stamps, detectors, photons)
    timing: dict[str, Any] = {}
    about: dict[str, Any] = {"format": "Swabian", "photon_channels": list(photons)}
    with placed(f"{path}: "):
        if laser is not None:
            timing, known = micro_times(
                stamps, times[laser], PS, laser_period=laser_period, reverse=reverse, width=nanotime_bin
            )
            about["photons_without_pulse"] = int(len(known) - np.count_nonzero(known))
            if about["photons_without_pulse"]:
                stamps, detectors = stamps[known], detectors[known]
                timing["nanotimes"] = timing["nanotimes"][known]
        elif laser_period is not None:
            timing["laser_period"] = laser_period
        ticks = {name: times[channel] for name, channel in names.items()}
        return PhotonStream(stamps, PS, detectors, markers=ticks, lost=lost, about=about, **timing)


def check_channels(photons: Sequence[int], laser: int | None, markers: Mapping[str | int, int]) -> list[int]:
    """Channels that are wanted beside those of the photons; raises InputError."""
    others = [*([] if laser is None else [laser]), *markers.values()]
    if not len(photons):
        raise InputError("photons: name at least one channel of a detector")
    if len({*photons, *others}) != len(photons) + len(others):
        raise InputError(f"photons, laser, markers: a channel is named twice among {[*photons, *others]}")
    return others


def check_seen(path: Path, photons: Sequence[int], counts: Array) -> None:
    """Raise an InputError if a channel has no photon; counts: of each of them."""
    for channel, count in zip(photons, counts, strict=True):
        if not count:
            raise InputError(f"{path}: holds no photon in channel {channel}")


def dump(path: Path, partial: bool) -> Any:
    """Pieces of a dump; raises InputError where it cannot be one."""
    size = path.stat().st_size
    if size < TAG.itemsize or (size % TAG.itemsize and not partial):
        raise InputError(f"{path}: is cut: ends at byte {size}, inside a tag of {TAG.itemsize} bytes")
    whole = size // TAG.itemsize
    with path.open("rb") as file:  # no memory map, whose pages would count as memory of the process
        for start in range(0, whole, PIECE):
            piece = np.fromfile(file, dtype=TAG, count=min(PIECE, whole - start))
            wrong = np.flatnonzero(piece["type"] > 4)
            if len(wrong):
                byte = (start + int(wrong[0])) * TAG.itemsize
                kind = piece["type"][wrong[0]]
                raise InputError(f"{path}: type {kind} at byte {byte}: is no dump of 16-byte tags")
            yield piece


def sorted_out(
    path: Path, pieces: Any, photons: Sequence[int], others: Sequence[int]
) -> tuple[Array, Array, dict[int, Array], Array]:
    """Photons' times and detectors (n,), times of other channels, intervals (g, 2) of lost tags; in ps."""
    stamps: list[Array] = [np.empty(0, dtype=np.int64)]
    detectors: list[Array] = [np.empty(0, dtype=np.uint8)]
    times: dict[int, list[Array]] = {channel: [np.empty(0, dtype=np.int64)] for channel in others}
    lost: list[tuple[int, int]] = []
    begun: int | None = None
    before = 0
    for piece in pieces:
        found = by_channel(piece, photons, others)
        stamps.append(found[0])
        detectors.append(found[1])
        for channel, each in found[2].items():
            times[channel].append(each)
        begun = _losses(piece, before, begun, lost)
        before = int(piece["time"][-1])
    if begun is not None:
        lost.append((begun, before))
    joined = {channel: np.concatenate(each) for channel, each in times.items()}
    for channel, each in joined.items():
        check_ascending(path, channel, each)
    gaps = np.array(lost, dtype=np.int64).reshape(-1, 2)
    return np.concatenate(stamps), np.concatenate(detectors), joined, gaps


def by_channel(
    piece: Array, photons: Sequence[int], others: Sequence[int]
) -> tuple[Array, Array, dict[int, Array]]:
    """Photons' times and detectors, and times of other channels, of a piece of tags."""
    order = np.argsort(photons)
    ordered = np.asarray(photons)[order]
    tag = piece["type"] == 0
    chosen = tag & np.isin(piece["channel"], ordered)
    places = order[np.searchsorted(ordered, piece["channel"][chosen])]
    times = {channel: piece["time"][tag & (piece["channel"] == channel)] for channel in others}
    return piece["time"][chosen], places.astype(np.uint8), times


def _losses(piece: Array, before: int, begun: int | None, lost: list[tuple[int, int]]) -> int | None:
    """Add the intervals in which tags were lost; return when an overflow began that has not ended."""
    for k in np.flatnonzero(piece["type"] != 0):
        kind, now = int(piece["type"][k]), int(piece["time"][k])
        if kind == 2:
            begun = now if begun is None else begun
        elif kind in (1, 3):
            lost.append((now if begun is None else begun, now))
            begun = None
        elif begun is None:  # missed tags outside an overflow: since the tag before
            lost.append((int(piece["time"][k - 1]) if k else before, now))
    return begun


def in_order(path: Path, stamps: Array, detectors: Array, photons: Sequence[int]) -> tuple[Array, Array]:
    """Photons of several channels in the order of their times; raises InputError if one runs backwards."""
    if not (stamps[1:] < stamps[:-1]).any():
        return stamps, detectors
    for place, channel in enumerate(photons):
        check_ascending(path, channel, stamps[detectors == place])
    order = np.argsort(stamps, kind="stable")
    return stamps[order], detectors[order]


def check_ascending(path: Path, channel: int, times: Array) -> None:
    back = np.flatnonzero(times[1:] < times[:-1])
    if len(back):
        raise InputError(f"{path}: channel {channel}: tag {back[0] + 1} is before the one before it")


def _ttbin(path: Path) -> Any:
    """Pieces of a .ttbin, by the vendor's library."""
    vendor = library("TimeTagger", path, VENDOR)
    reader = vendor.FileReader(str(path))
    while reader.hasData():
        found = reader.getData(PIECE)
        piece = np.zeros(len(found.getTimestamps()), dtype=TAG)
        piece["time"], piece["channel"] = found.getTimestamps(), found.getChannels()
        piece["type"], piece["missed"] = found.getEventTypes(), found.getMissedEvents()
        if len(piece):
            yield piece
