"""The command `spq analyse`: photons and frames of one particle become states, a table and a figure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from spq.cli_output import show, shown_progress, tell, tell_written
from spq.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import xarray as xr


def run(args: argparse.Namespace) -> None:
    """Run one command line. Raises InputError."""
    if not args.out:
        raise InputError("analyse: needs --out DIR, the folder for analysis.nc, states.csv and analysis.png")
    from spq import store
    from spq.spectroscopy.analysis import analyse
    from spq.spectroscopy.analysisfiles import FILES, analysis_writers, state_rows
    from spq.spectroscopy.measurementfiles import read_measurement

    store.check_writable(args.out, FILES)
    with shown_progress(args) as progress:
        progress("reading", 0, 1)
        measurement = read_measurement(
            args.files,
            offset=args.offset,
            gain=args.gain,
            wavelength=_wavelengths(args.wavelength),
            strips=_strips(args.strips),
            air=args.air,
            exposure=None if args.exposure is None else 1e9 * args.exposure,
        )
        ds = analyse(measurement, progress=progress)
        progress("writing", 0, 1)
        written = store.write_files(args.out, analysis_writers(ds))
    document = {"states": state_rows(ds), "warnings": ds.attrs["warnings"].splitlines()}
    show(args, document, _summary(ds, document))
    tell_written(args, written)
    for warning in document["warnings"]:
        tell(args, warning)


def _wavelengths(path: Path | None) -> np.ndarray | None:
    """Wavelengths (columns,) in nm of a text file, the first number of each line; raises InputError."""
    import numpy as np

    if path is None:
        return None
    try:
        lines = [line.replace(",", " ").split() for line in path.read_text(encoding="utf-8").splitlines()]
        return np.array([float(line[0]) for line in lines if line])
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be a text with a wavelength in nm on each line: {error}") from error


def _strips(text: str | None) -> dict[str, tuple[int, int]] | tuple[str, ...] | None:
    """Names of the strips, or their rows: "V,H" or "V=10:20,H=30:40"; raises InputError."""
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(","))
    if not any("=" in name for name in names):
        return names
    try:
        parts = [name.split("=") for name in names]
        rows = {name: rows.split(":") for name, rows in parts}
        return {name: (int(first), int(end)) for name, (first, end) in rows.items()}
    except ValueError as error:
        raise InputError(f"--strips {text}: must be like V=10:20,H=30:40") from error


def _summary(ds: xr.Dataset, document: dict[str, Any]) -> str:
    """A line on the measurement and one on each state."""
    lines = [f"{ds.sizes['frame']} frames, {ds.sizes['state_index']} states"]
    for row in document["states"]:
        rate = f"{row['state_rate_per_s']:.0f} ± {row['state_rate_error_per_s']:.0f} counts/s"
        lines.append(f"  state {row['state']}: {row['state_frames']} frames, {rate}{_lifetimes(row)}")
    return "\n".join(lines)


def _lifetimes(row: dict[str, Any]) -> str:
    """The lifetimes of a state that are determined, with their errors."""
    found = []
    for number in (1, 2, 3):
        value, error = (row.get(f"lifetime{each}_{number}_ns", float("nan")) for each in ("", "_error"))
        if value == value:
            found.append(f"{value:.3g} ± {error:.2g}")
    return f", {', '.join(found)} ns" if found else ""
