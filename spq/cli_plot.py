"""The command `spq plot`: every stored result drawn again."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from typing import Any

from spq.cli_output import show, tell_written
from spq.errors import InputError

# of each kind of result: how it is read and drawn, and the file
DRAWN = {
    "spectrum": ("spectrumstore.load_spectrum", "plot.spectrum_writer", "spectrum.png"),
    "deduction": ("deductionstore.load_deduction", "plot.corner_writer", "deduction.png"),
    "sweep": ("sweepstore.load_sweep", "plot.sweep_writer", "sweep.png"),
    "map": ("store.load_map", "plot.map_writer", "shift_map.png"),
    "analysis": ("", "spectroscopy.plotanalysis.analysis_writer", "analysis.png"),
    "assignment": (
        "assignment.assignmentfiles.load_assignment",
        "assignment.plotassignment.assignment_writer",
        "assignment.png",
    ),
}


def run(args: argparse.Namespace) -> None:
    """Run one command line. Raises InputError."""
    from spq import store

    folder = args.out or Path()
    ds = store.read(args.file, "result")
    kind = store.kind_of(ds)
    if kind not in DRAWN:
        raise InputError(f"{args.file}: is no result that can be drawn, which are {', '.join(DRAWN)}")
    load, writer, file = DRAWN[kind]
    store.check_writable(folder, (file,))
    if args.flip and kind != "map":
        raise InputError(f"--flip: {args.file} holds {store.described(kind)}, which has no sides")
    found = _named(load)(args.file) if load else ds
    writers = _named(writer)(found, **({"flip": True} if args.flip else {}))
    if not writers:
        raise InputError(f"{args.file}: {store.described(kind)} over words alone cannot be drawn")
    written = store.write_files(folder, writers)
    show(args, {"written": [str(path) for path in written]}, "")
    tell_written(args, written)


def _named(place: str) -> Any:
    """A function by its module and name; nothing else is loaded."""
    module, _, name = place.rpartition(".")
    return getattr(importlib.import_module(f"spq.{module}"), name)
