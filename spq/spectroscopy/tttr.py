"""Records of 32 bits that a time tagger writes one after the other: photons, markers and overflows.

The time field of a record counts ticks and wraps; overflow records say how often, so that the tick of record
k is  t_k = wrap * (overflows up to k) + field_k.  Files are decoded piece by piece, in two passes (count,
then fill): a photon takes 11 bytes with its micro-time, whatever the length of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Array = np.ndarray

PIECE = 1 << 20


class Parts(NamedTuple):
    """Fields of records (n,): what each one is, and its numbers."""

    photon: Array
    """bool: a photon."""
    overflows: Array
    """How often the clock wrapped before this record, since the one before it."""
    time: Array
    """Field of the macro-time, ticks since the last wrap."""
    channel: Array
    """Detector, of photons."""
    nanotime: Array | None
    """Field of the micro-time, of photons."""
    marker: Array
    """Bits of markers 1, 2, 3, 4; 0: none."""
    sync: Array | None = None
    """bool: a pulse of the laser, where such records exist."""
    gap: Array | None = None
    """bool: tags were lost before this record."""


@dataclass(frozen=True)
class Layout:
    """How a kind of device fills its records.

    split: takes records apart. wrap: ticks of the clock's field. bins: micro-time bins, None without.
    """

    split: Callable[[Array], Parts]
    wrap: int
    bins: int | None = None


class Decoded(NamedTuple):
    """Photons and markers, in ticks, as PhotonStream takes them."""

    timestamps: Array
    detectors: Array
    nanotimes: Array | None
    markers: dict[int | str, Array]
    lost: Array


def decode(records: Array, layout: Layout) -> Decoded:
    """Decode uint32 records (n,), which may be a memory map, into int64 times and small whole numbers.

    Markers 1 to 4 and pulses ("sync") that occur are listed with their ticks.
    """
    pieces = [records[start : start + PIECE] for start in range(0, len(records), PIECE)]
    count = sum(int(np.count_nonzero(layout.split(np.asarray(piece)).photon)) for piece in pieces)
    timestamps = np.empty(count, dtype=np.int64)
    detectors = np.empty(count, dtype=np.uint8)
    nanotimes = np.empty(count, dtype=np.uint16) if layout.bins else None
    markers: dict[int | str, list[Array]] = {}
    lost: list[Array] = []
    filled = 0
    for piece in decode_pieces(records, layout):
        chosen = slice(filled, filled + len(piece.timestamps))
        timestamps[chosen], detectors[chosen] = piece.timestamps, piece.detectors
        if nanotimes is not None and piece.nanotimes is not None:
            nanotimes[chosen] = piece.nanotimes
        for name, ticks in piece.markers.items():
            markers.setdefault(name, []).append(ticks)
        lost.append(piece.lost)
        filled = chosen.stop
    gaps = np.concatenate(lost) if lost else np.empty((0, 2), dtype=np.int64)
    joined = {name: np.concatenate(each) for name, each in sorted(markers.items(), key=str)}
    return Decoded(timestamps, detectors, nanotimes, joined, gaps)


def decode_pieces(records: Array, layout: Layout) -> Iterator[Decoded]:
    """The same piece by piece; ticks go on from one to the next."""
    wraps, last = 0, 0
    for start in range(0, len(records), PIECE):
        parts = layout.split(np.asarray(records[start : start + PIECE]))
        overflows = np.cumsum(parts.overflows, dtype=np.int64) + wraps
        ticks = overflows * layout.wrap + parts.time
        wraps = int(overflows[-1])
        stamps = ticks[parts.photon]
        nanotimes = None if layout.bins is None or parts.nanotime is None else parts.nanotime[parts.photon]
        markers = {name: ticks[where] for name, where in _flags(parts)}
        gaps = np.empty((0, 2), dtype=np.int64)
        if parts.gap is not None and parts.gap.any():
            gaps = _gaps(ticks, parts, last)
        yield Decoded(stamps, parts.channel[parts.photon], nanotimes, markers, gaps)
        last = int(stamps[-1]) if len(stamps) else last


def _flags(parts: Parts) -> list[tuple[int | str, Array]]:
    """Markers and pulses that occur in a piece: their names, and which records they are."""
    found: list[tuple[int | str, Array]] = []
    if parts.marker.any():
        each = [(bit + 1, (parts.marker >> bit) & 1 == 1) for bit in range(4)]
        found += [(name, where) for name, where in each if where.any()]
    if parts.sync is not None and parts.sync.any():
        found.append(("sync", parts.sync))
    return found


def _gaps(ticks: Array, parts: Parts, last: int) -> Array:
    """Intervals (g, 2) from the photon before each flagged record to that record."""
    seen = np.maximum.accumulate(np.where(parts.photon, ticks, last))
    before = np.concatenate(([last], seen[:-1]))
    return np.column_stack((before, ticks))[parts.gap]


def hydraharp_t3(version: int) -> Layout:
    """HydraHarp in mode T3; version 2 also MultiHarp, TimeHarp 260: special, channel 6, bins 15, sync 10."""

    def split(records: Array) -> Parts:
        special, channel, counted = _hydraharp(records, version, 1023)
        nanotime = ((records >> 10) & 0x7FFF).astype(np.uint16)
        return Parts(~special, counted, records & 1023, channel, nanotime, _bits(special, channel))

    return Layout(split, 1024, 1 << 15)


def hydraharp_t2(version: int) -> Layout:
    """HydraHarp in mode T2; version 2 also MultiHarp, TimeHarp 260: special, channel 6, time 25."""
    mask = (1 << 25) - 1

    def split(records: Array) -> Parts:
        special, channel, counted = _hydraharp(records, version, mask)
        marker, sync = _bits(special, channel), special & (channel == 0)
        time = np.where(counted > 0, 0, records & mask)
        return Parts(~special, counted, time, channel, None, marker, sync)

    return Layout(split, 33552000 if version == 1 else 1 << 25)


def _hydraharp(records: Array, version: int, mask: int) -> tuple[Array, Array, Array]:
    """Special or not, channel, and number of overflows (0 in an old file means 1) of records."""
    special = records >> 31 == 1
    channel = ((records >> 25) & 63).astype(np.uint8)
    field = (records & mask).astype(np.int64)
    each = np.ones_like(field) if version == 1 else np.maximum(field, 1)
    return special, channel, np.where(special & (channel == 63), each, 0)


def _bits(special: Array, channel: Array) -> Array:
    """Marker bits of special records: their channel from 1 to 15."""
    return np.where(special & (channel >= 1) & (channel <= 15), channel, 0).astype(np.uint8)


def _picoharp_t3(records: Array) -> Parts:
    channel = (records >> 28).astype(np.uint8)
    field = ((records >> 16) & 0xFFF).astype(np.uint16)
    special = channel == 15
    marker = np.where(special, field & 15, 0).astype(np.uint8)
    return Parts(~special, special & (field == 0), records & 0xFFFF, channel, field, marker)


def _picoharp_t2(records: Array) -> Parts:
    channel = (records >> 28).astype(np.uint8)
    time = records & ((1 << 28) - 1)
    special = channel == 15
    marker = np.where(special, time & 15, 0).astype(np.uint8)
    overflow = special & (marker == 0)
    return Parts(~special, overflow, np.where(overflow, 0, time), channel, None, marker)


def _timeharp_t3r(records: Array) -> Parts:
    photon = (records >> 30) & 1 == 1
    field = ((records >> 16) & 0xFFF).astype(np.uint16)
    overflow = ~photon & (field & 0x800 != 0)
    marker = np.where(~photon & ~overflow, field & 7, 0).astype(np.uint8)
    channel = ((records >> 28) & 3).astype(np.uint8)
    return Parts(photon, overflow, records & 0xFFFF, channel, field, marker)


def _spc130(records: Array) -> Parts:
    invalid, wrapped, gap, mark = ((records >> bit) & 1 == 1 for bit in (31, 30, 29, 28))
    counter = invalid & wrapped & ~mark  # a record that only counts wraps
    counted = np.where(counter, records & 0x0FFFFFFF, wrapped)
    channel = ((records >> 12) & 15).astype(np.uint8)
    nanotime = (4095 - ((records >> 16) & 0xFFF)).astype(np.uint16)  # stop minus start, so reversed
    marker = np.where(invalid & mark, channel, 0).astype(np.uint8)
    time = np.where(counter, 0, records & 0xFFF)
    return Parts(~invalid, counted, time, channel, nanotime, marker, None, gap & ~counter)


PICOHARP_T3 = Layout(_picoharp_t3, 1 << 16, 1 << 12)
"""PicoHarp 300 in mode T3: channel 4 (15: special), bins 12, sync 16."""

PICOHARP_T2 = Layout(_picoharp_t2, 210698240)
"""PicoHarp 300 in mode T2: channel 4 (15: special), time 28."""

TIMEHARP_T3R = Layout(_timeharp_t3r, 1 << 16, 1 << 12)
"""TimeHarp 200: reserved, valid, route 2, bins 12, time 16."""

SPC130 = Layout(_spc130, 1 << 12, 1 << 12)
"""Becker & Hickl SPC-130, 140, 150, 830: invalid, wrap, gap, mark, bins 12, route 4, time 12."""
