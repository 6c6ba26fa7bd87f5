"""Older files of PicoQuant: .pt3 and .t3r, their headers read by phconvert."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from spq.errors import InputError
from spq.spectroscopy import tttr
from spq.spectroscopy.picoquant import stream_of
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.sources import existing, library

Array = np.ndarray


def read_pt3(path: str | os.PathLike[str], *, partial: bool = False) -> PhotonStream:
    """Read a .pt3 of a PicoHarp 300 (mode T3), with phconvert; raises InputError."""
    path = existing(path, 728)
    records, meta = _by_phconvert(path, "pt3_reader", partial)
    rate = int(meta["ttmode"]["InpRate0"][0])
    if rate <= 0:
        raise InputError(f"{path}: sync rate of {rate} Hz in mode T3")
    unit = 1e9 * float(np.ravel(meta["nanotimes_unit"])[0])
    found = tttr.decode(records, tttr.PICOHARP_T3)
    stopped = 1e6 * float(meta["ttmode"]["StopAfter"][0])
    about = {"format": "PT3", "sync_rate_Hz": rate}
    return stream_of(path, found, 1e9 / rate, unit, 1 << 12, 1e9 / rate, stopped, about)


def read_t3r(path: str | os.PathLike[str], *, partial: bool = False) -> PhotonStream:
    """Read a .t3r of a TimeHarp 200 (ticks of 100 ns), with phconvert; raises InputError."""
    path = existing(path, 600)
    records, meta = _by_phconvert(path, "t3r_reader", partial)
    rate = int(meta["ttmode"]["SyncRate"][0])
    unit = 1e9 * float(np.ravel(meta["nanotimes_unit"])[0])
    found = tttr.decode(records, tttr.TIMEHARP_T3R)
    stopped = 1e6 * float(meta["ttmode"]["StopAfter"][0])
    period = 1e9 / rate if rate > 0 else None
    return stream_of(
        path, found, 100.0, unit, 1 << 12, period, stopped, {"format": "T3R", "sync_rate_Hz": rate}
    )


def _by_phconvert(path: Path, reader: str, partial: bool) -> tuple[Array, dict[str, Any]]:
    """Records and header of an older file, read by phconvert (seconds to import)."""
    pqreader = library("phconvert.pqreader", path)
    try:
        records, _, unit, meta = getattr(pqreader, reader)(str(path))
        count = int(meta["ttmode"]["nRecords"][0])
    except (ValueError, IndexError, OSError, KeyError, AssertionError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: the header cannot be read: {error}") from error
    if len(records) < count and not partial:
        raise InputError(f"{path}: is cut: it holds {len(records):,} of {count:,} records")
    if not len(records):
        raise InputError(f"{path}: it holds no records")
    return records, {**meta, "nanotimes_unit": unit}
