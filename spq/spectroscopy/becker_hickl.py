"""Files of Becker & Hickl: .spc of the SPC-130, 140, 150 and 830 (32-bit records) with their .set.

timestamps count the module's clock (13.5 ns, say), which the first record of the file gives in 0.1 ns;
one bin of the micro-time is  (TAC range / TAC gain) / 4096,  which only the .set gives. The type of the
module is not in the .spc: whatever can be checked is.
Records: Becker & Hickl, "The TCSPC Handbook", FIFO data files (spq.spectroscopy.tttr).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from spq import checks
from spq.checks import placed
from spq.errors import InputError
from spq.spectroscopy import tttr
from spq.spectroscopy.records import PhotonStream
from spq.spectroscopy.sources import existing

MODULES = ("SPC-130", "SPC-131", "SPC-132", "SPC-134", "SPC-140", "SPC-150", "SPC-830")
"""Modules whose records these are; also with letters behind, such as SPC-130EM."""

PARAMETER = re.compile(rb"#SP \[(SP_\w+),\w,([^\]]*)\]")
SLOWEST = 1000.0
"""Longest clock in ns that is taken for one; a file of another type gives any number."""


def read_spc(
    path: str | os.PathLike[str],
    *,
    setup: str | os.PathLike[str] | None = None,
    nanotime_unit: float | None = None,
    laser_period: float | None = None,
    partial: bool = False,
) -> PhotonStream:
    """Read a .spc of the SPC-130 family.

    setup: its .set; None: the file of the same name beside it, if there is one. nanotime_unit: one bin of
    the micro-time in ns, needed where there is no .set, and checked against it where there is.
    laser_period: in ns; the file does not hold it. partial: also read a file cut within a record.
    Raises InputError if the file is cut, is of another type of module, disagrees with its .set, or has no
    unit of the micro-times.
    """
    path = existing(path, 8)
    size = path.stat().st_size
    if size % 4 and not partial:
        raise InputError(f"{path}: is cut: ends at byte {size}, inside a record of 4 bytes")
    records = np.memmap(path, dtype="<u4", mode="r", shape=(size // 4,))
    tick = _clock(path, int(records[0]))
    beside = path.with_suffix(".set")
    if setup is None and beside.is_file():
        setup = beside
    about: dict[str, Any] = {"format": "SPC-130", "routing_bits": int(records[0]) >> 27 & 15}
    if setup is not None:
        settings = read_set(setup)
        about |= settings
        nanotime_unit = _unit(path, settings, nanotime_unit)
    if nanotime_unit is None:
        raise InputError(
            f"{path}: does not say how long a bin of the micro-time is, and has no .set beside it: "
            "give setup=... or nanotime_unit=... in ns"
        )
    found = tttr.decode(records[1:], tttr.SPC130)
    if not len(found.timestamps):
        raise InputError(f"{path}: holds no photon")
    _plausible(path, records, found, about)
    with placed(f"{path}: "):
        return PhotonStream(
            timestamps=found.timestamps,
            timestamp_unit=tick,
            detectors=found.detectors,
            nanotimes=found.nanotimes,
            nanotime_unit=checks.number(nanotime_unit, "nanotime_unit", "ns", above=0.0),
            nanotime_bins=tttr.SPC130.bins,
            laser_period=laser_period,
            markers=found.markers,
            lost=found.lost,
            about=about,
        )


def read_set(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the settings of a .set: "module" and the parameters SP_... as numbers or text.

    Raises InputError if it is no .set, or its module writes records of another kind.
    """
    path = existing(path)
    data = path.read_bytes()
    found = {name.decode(): _value(text.decode("latin-1")) for name, text in PARAMETER.findall(data)}
    if not found:
        raise InputError(f"{path}: is no .set of Becker & Hickl: it has no parameter SP_...")
    module = re.search(rb"module (SPC-\w+)", data)
    if module:
        name = module.group(1).decode("latin-1")
        if not name.startswith(MODULES):
            raise InputError(f"{path}: a {name}, whose records are not those of the {', '.join(MODULES)}")
        return {"module": name, **found}
    return found


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _clock(path: Path, first: int) -> float:
    """Clock in ns that the first record gives; raises InputError where it can be none."""
    tick = 0.1 * (first & 0xFFFFFF)
    if not first >> 31 or not 0.0 < tick <= SLOWEST:
        raise InputError(
            f"{path}: the first record {first:#010x} gives no clock: is it of an SPC-130, 140, 150 or 830?"
        )
    return tick


def _unit(path: Path, settings: dict[str, Any], given: float | None) -> float:
    """One bin in ns by the settings; raises InputError where these or `given` contradict it."""
    try:
        unit = 1e9 * settings["SP_TAC_R"] / settings["SP_TAC_G"] / 4096
        also = 1e9 * settings["SP_TAC_TC"] * settings.get("SP_ADC_RE", 4096.0) / 4096
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise InputError(f"{path}: its .set lacks SP_TAC_R, SP_TAC_G or SP_TAC_TC") from error
    for other, name in ((also, "SP_TAC_TC"), (given, "nanotime_unit")):
        if other is not None and not abs(other - unit) <= 1e-3 * unit:
            raise InputError(
                f"{path}: one bin is {unit:.6g} ns by SP_TAC_R / SP_TAC_G, {other:.6g} by {name}"
            )
    return unit


def _plausible(path: Path, records: np.ndarray, found: tttr.Decoded, about: dict[str, Any]) -> None:
    """Raise InputError where the photons cannot be those of this type of module."""
    limit = about.get("SP_COL_T")
    seconds = 1e-9 * found.timestamps[-1] * _clock(path, int(records[0]))
    if about.get("SP_STOPT") and isinstance(limit, float) and seconds > 1.01 * limit:
        raise InputError(
            f"{path}: lasts {seconds:.4g} s, its .set stops at {limit:.4g} s: another type of module?"
        )
