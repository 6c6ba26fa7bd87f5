"""The command `spq export`: a stored result, or the fields of an input's states, for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from spq.cli_output import show, shown_progress, tell_written


def run(args: argparse.Namespace) -> None:
    """Run one command line. Raises InputError, and what solving raises."""
    from spq.exporting import export

    with shown_progress(args) as progress:
        written = export(args.file, args.to, args.out or Path(), states=args.state, progress=progress)
    show(args, {"written": [str(path) for path in written]}, "")
    tell_written(args, written)
