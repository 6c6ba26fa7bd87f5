"""The command `spq analyse`: photons and frames of one particle become states, a table and a figure."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from spq.cli_output import show, shown_progress, tell, tell_written
from spq.errors import InputError

if TYPE_CHECKING:
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
        measurement = read_measurement(args.files, offset=args.offset, gain=args.gain)
        ds = analyse(measurement, progress=progress)
        progress("writing", 0, 1)
        written = store.write_files(args.out, analysis_writers(ds))
    document = {"states": state_rows(ds), "warnings": ds.attrs["warnings"].splitlines()}
    show(args, document, _summary(ds, document))
    tell_written(args, written)
    for warning in document["warnings"]:
        tell(args, warning)


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
