"""Files of PicoQuant: .ptu and .ht3, read by own readers, piece by piece.

Mode T3: timestamps count laser pulses, nanotimes the bins since the last. Mode T2: timestamps count the
device's base clock, pulses come as the marker "sync" where they were recorded.
Records: PicoQuant, "Unified TTTR file format" and demo code (spq.spectroscopy.tttr).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spq.checks import choice, placed
from spq.errors import InputError
from spq.spectroscopy import tttr
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.sources import existing, library

Array = np.ndarray

PTU_MAGIC = b"PQTTTR\0\0"
HT3_MAGIC = b"HydraHarp\0"

RECORD_TYPES = {
    0x00010303: tttr.PICOHARP_T3,
    0x00010203: tttr.PICOHARP_T2,
    0x00010304: tttr.hydraharp_t3(1),
    0x00010204: tttr.hydraharp_t2(1),
    0x01010304: tttr.hydraharp_t3(2),
    0x01010204: tttr.hydraharp_t2(2),
    0x00010305: tttr.hydraharp_t3(2),  # TimeHarp 260 N
    0x00010205: tttr.hydraharp_t2(2),
    0x00010306: tttr.hydraharp_t3(2),  # TimeHarp 260 P
    0x00010206: tttr.hydraharp_t2(2),
    0x00010307: tttr.hydraharp_t3(2),  # MultiHarp, PicoHarp 330
    0x00010207: tttr.hydraharp_t2(2),
}
"""TTResultFormat_TTTRRecType of a .ptu -> layout of its records."""

FORMATS = {0x00000008: "q", 0x10000008: "q", 0x11000008: "Q", 0x12000008: "Q", 0x20000008: "d"}
FORMATS[0x21000008] = "d"  # a date: days since 1899-12-30
TEXTS = {0x4001FFFF: "latin-1", 0x4002FFFF: "utf-16-le"}
BLOBS = {*TEXTS, 0x2001FFFF, 0xFFFFFFFF}

HT3_HEADER = 696
"""Bytes of a .ht3 before what depends on the number of inputs."""


def read_ptu(path: str | os.PathLike[str], *, partial: bool = False, decoder: str = "spq") -> PhotonStream:
    """Read a .ptu of PicoHarp, HydraHarp, MultiHarp or TimeHarp 260.

    partial: also read a file that ends before the number of records that its header says.
    decoder: "spq" (memory of the result only), or "ptufile", a second way through that library.
    Raises InputError if the file is cut, is no .ptu or has records of a kind that is not known.
    """
    choice(decoder, "decoder", ("spq", "ptufile"))
    path, records, layout, fields = _ptu(path, partial)
    return stream_of(
        path,
        tttr.decode(records, layout) if decoder == "spq" else _by_ptufile(path, records, layout),
        **fields,
    )


def ptu_pieces(
    path: str | os.PathLike[str], *, partial: bool = False
) -> tuple[PhotonStream, Callable[[], Iterator[tuple]]]:
    """Head of a .ptu, a stream without photons, and what yields its photons; see `stream`.

    Raises InputError like `read_ptu`.
    """
    path, records, layout, fields = _ptu(path, partial)
    markers: dict[int | str, list[Array]] = {}
    lost, last = [], -1
    for each in tttr.decode_pieces(records, layout):
        last = int(each.timestamps[-1]) if len(each.timestamps) else last
        lost.append(each.lost)
        for name, ticks in each.markers.items():
            markers.setdefault(name, []).append(ticks)
    joined = {name: np.concatenate(ticks) for name, ticks in sorted(markers.items(), key=str)}
    ends = np.array([last] if last >= 0 else [], dtype=np.int64)  # one photon, for the length
    micro = None if layout.bins is None else np.zeros(len(ends), dtype=np.uint16)
    found = tttr.Decoded(ends, np.zeros(len(ends), dtype=np.uint8), micro, joined, np.concatenate(lost))
    whole = stream_of(path, found, **fields)
    nothing = None if micro is None else micro[:0]
    head = replace(whole, timestamps=ends[:0], detectors=found.detectors[:0], nanotimes=nothing)

    def pieces() -> Iterator[tuple]:
        for each in tttr.decode_pieces(records, layout):
            yield each.timestamps, each.detectors, each.nanotimes

    return head, pieces


def _ptu(path: str | os.PathLike[str], partial: bool) -> tuple[Path, Array, tttr.Layout, dict[str, Any]]:
    """Path, records and their layout, and what else `_stream` needs."""
    path = existing(path, len(PTU_MAGIC) + 8)
    tags, offset = _tags(path)
    kind = _tag(tags, "TTResultFormat_TTTRRecType", path)
    layout = RECORD_TYPES.get(kind)
    if layout is None:
        raise InputError(f"{path}: records of type {kind:#010x} are not known")
    records, whole = _records(path, offset, tags.get("TTResult_NumberOfRecords", 0), partial)
    tick = 1e9 * _tag(tags, "MeasDesc_GlobalResolution", path)
    t3 = layout.bins is not None
    fields = {
        "tick": tick,
        "nanotime_unit": 1e9 * _tag(tags, "MeasDesc_Resolution", path) if t3 else None,
        "nanotime_bins": layout.bins,
        "laser_period": tick if t3 else None,
        "stopped": 1e6 * tags.get("TTResult_StopAfter", 0) if whole else 0.0,
        "about": {"format": "PTU", "records_whole": whole, **tags},
    }
    return path, records, layout, fields


def read_ht3(path: str | os.PathLike[str], *, partial: bool = False) -> PhotonStream:
    """Read a .ht3 of a HydraHarp, mode T3 or T2, version 1 or 2.

    partial: also read a file that ends before the number of records that its header says.
    Raises InputError if the file is cut or is no .ht3.
    """
    path = existing(path, HT3_HEADER)
    head, offset, count = _ht3_header(path)
    t3 = head["MeasurementMode"] == 3
    version = 1 if head["FormatVersion"].startswith("1") else 2
    layout = tttr.hydraharp_t3(version) if t3 else tttr.hydraharp_t2(version)
    if t3 and head["SyncRate"] <= 0:
        raise InputError(f"{path}: sync rate of {head['SyncRate']} Hz in mode T3")
    tick = 1e9 / head["SyncRate"] if t3 else 1e-3 * head["BaseResolution"]
    records, whole = _records(path, offset, count, partial)
    return stream_of(
        path,
        tttr.decode(records, layout),
        tick,
        nanotime_unit=1e-3 * head["Resolution"] if t3 else None,
        nanotime_bins=layout.bins,
        laser_period=tick if t3 else None,
        stopped=1e6 * head["StopAfter"] if whole else 0.0,
        about={"format": "HT3", "records_whole": whole, **head},
    )


def stream_of(
    path: Path,
    found: tttr.Decoded,
    tick: float,
    nanotime_unit: float | None,
    nanotime_bins: int | None,
    laser_period: float | None,
    stopped: float,
    about: Mapping[str, Any],
) -> PhotonStream:
    """The stream of decoded records; `stopped` (ns): when the device stopped, 0 if not known."""
    if not len(found.timestamps):
        raise InputError(f"{path}: holds no photon")
    last = max(int(each[-1]) for each in (found.timestamps, *found.markers.values()) if len(each))
    with placed(f"{path}: "):
        return PhotonStream(
            timestamps=found.timestamps,
            timestamp_unit=tick,
            detectors=found.detectors,
            nanotimes=found.nanotimes,
            nanotime_unit=nanotime_unit,
            nanotime_bins=nanotime_bins,
            laser_period=laser_period,
            markers=found.markers,
            lost=found.lost,
            duration=max(stopped, last * tick) if stopped > 0 else None,
            about=about,
        )


def _records(path: Path, offset: int, count: int, partial: bool) -> tuple[Array, bool]:
    """Records of 4 bytes from byte `offset` as a memory map, and whether all `count` are there.

    A count of 0 (a measurement that was not closed) means those that are there.
    """
    size = path.stat().st_size
    there = (size - offset) // 4
    if there <= 0:
        raise InputError(f"{path}: ends at byte {size}, it holds no records")
    if count > there and not partial:
        raise InputError(
            f"{path}: is cut: ends at byte {size} after {there:,} of {count:,} records "
            "(partial=True reads what is there)"
        )
    taken = min(count, there) if count > 0 else there
    return np.memmap(path, dtype="<u4", mode="r", offset=offset, shape=(taken,)), 0 < count <= there


def _tag(tags: Mapping[str, Any], name: str, path: Path) -> Any:
    """A number of the header; raises InputError."""
    value = tags.get(name)
    if not isinstance(value, (int, float)) or not value > 0:
        raise InputError(f"{path}: the header has no {name}, or {value}")
    return value


def _tags(path: Path) -> tuple[dict[str, Any], int]:
    """Tags of the header of a .ptu, `name` or `name[index]` -> value, and the byte where records begin."""
    tags: dict[str, Any] = {}
    with path.open("rb") as file:
        if file.read(len(PTU_MAGIC)) != PTU_MAGIC:
            raise InputError(f"{path}: is no .ptu: it does not begin with PQTTTR")
        file.seek(8, os.SEEK_CUR)  # the version
        while True:
            block = file.read(48)
            if len(block) < 48:
                raise InputError(f"{path}: ends at byte {file.tell()}, inside its header")
            name = block[:32].rstrip(b"\0").decode("latin-1")
            if name == "Header_End":
                return tags, file.tell()
            index, kind, size = struct.unpack("<iIq", block[32:])
            key = name if index < 0 else f"{name}[{index}]"
            if kind in BLOBS:
                text = file.read(size) if 0 <= size < path.stat().st_size else b""
                if len(text) != size:
                    raise InputError(f"{path}: ends at byte {file.tell()}, inside its header")
                if kind in TEXTS:
                    tags[key] = text.decode(TEXTS[kind], errors="replace").rstrip("\0")
            elif kind in FORMATS:
                tags[key] = struct.unpack("<" + FORMATS[kind], block[40:])[0]


def _ht3_header(path: Path) -> tuple[dict[str, Any], int, int]:
    """Header of a .ht3, the byte where records begin, and their number."""
    with path.open("rb") as file:
        data = file.read(HT3_HEADER)
        if not data.startswith(HT3_MAGIC):
            raise InputError(f"{path}: is no .ht3: it does not begin with HydraHarp")
        inputs = struct.unpack_from("<i", data, 664)[0]
        if not 0 <= inputs <= 64:
            raise InputError(f"{path}: {inputs} inputs at byte 664: the header is damaged")
        rest = file.read(20 * inputs + 24)
        if len(rest) < 20 * inputs + 24:
            raise InputError(f"{path}: ends at byte {file.tell()}, inside its header")
        rate, stop_after, stop_reason, images, count = struct.unpack_from("<4iq", rest, 20 * inputs)
        offset = file.tell() + 4 * max(images, 0)
    mode = struct.unpack_from("<i", data, 340)[0]
    bits = struct.unpack_from("<i", data, 332)[0]
    if bits != 32 or mode not in (2, 3):
        raise InputError(f"{path}: mode {mode} with {bits} bits at byte 332: the header is damaged")
    head: dict[str, Any] = {"MeasurementMode": mode, "Resolution": struct.unpack_from("<d", data, 352)[0]}
    texts = (("FormatVersion", 16, 6), ("CreatorName", 22, 18), ("FileTime", 52, 18), ("Comment", 72, 256))
    for name, start, length in texts:
        head[name] = data[start : start + length].split(b"\0")[0].decode("latin-1")
    head["BaseResolution"] = struct.unpack_from("<d", data, 648)[0]
    head["InputRate"] = list(struct.unpack_from(f"<{inputs}i", rest, 16 * inputs))
    return head | {"SyncRate": rate, "StopAfter": stop_after, "StopReason": stop_reason}, offset, count


def _by_ptufile(path: Path, records: Array, layout: tttr.Layout) -> tttr.Decoded:
    """The same as tttr.decode, through ptufile: another way to the same photons."""
    with library("ptufile", path).PtuFile(path) as file:
        found = file.decode_records(np.ascontiguousarray(records))
    photon = found["channel"] >= 0
    bits = [(bit + 1, (found["marker"] >> bit) & 1 == 1) for bit in range(4)]
    markers: dict[int | str, Array] = {
        name: found["time"][where].astype(np.int64) for name, where in bits if where.any()
    }
    chosen = found[photon]
    nanotimes = chosen["dtime"].astype(np.uint16) if layout.bins else None
    times, channels = chosen["time"].astype(np.int64), chosen["channel"].astype(np.uint8)
    if layout is tttr.PICOHARP_T3:  # numbered from 1 by the hardware, from 0 by ptufile
        channels += 1
    return tttr.Decoded(times, channels, nanotimes, markers, np.empty((0, 2), dtype=np.int64))
