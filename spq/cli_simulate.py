"""The command `spq simulate`: a whole measurement of one particle, with its truth."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from spq.cli_output import show, shown_progress, tell_written
from spq.errors import InputError

if TYPE_CHECKING:
    from spq.spectroscopy.records import Measurement
    from spq.spectroscopy.truth import Truth


def run(args: argparse.Namespace) -> None:
    """Run one command line. Raises InputError."""
    if not args.out:
        raise InputError("simulate: needs --out DIR, the folder for tags, frames, truth and a figure")
    from spq import store
    from spq.spectroscopy.simulationfile import seed_of, simulation_of
    from spq.spectroscopy.simulationwriters import FILES, measurement_writers
    from spq.spectroscopy.simulator import simulate

    simulation = simulation_of(args.file)
    seed = seed_of(args.file) if args.seed is None else args.seed
    store.check_writable(args.out, FILES)
    with shown_progress(args) as progress:
        measurement, truth = simulate(simulation, seed, progress)
        progress("writing", 0, 1)
        written = store.write_files(args.out, measurement_writers(measurement, truth))
    document = _document(measurement, truth)
    show(args, document, _summary(document))
    tell_written(args, written)


def _document(measurement: Measurement, truth: Truth) -> dict[str, Any]:
    duration = float(truth.parameters["duration"])
    frames = measurement.frames.counts
    return {
        "seed": truth.seed,
        "duration_s": duration,
        "counts": len(measurement.photons.timestamps),
        "counts_per_s": len(measurement.photons.timestamps) / duration,
        "frames": len(frames),
        "photons_per_frame": float(truth.tallies["camera"]["imaged"] / max(len(frames), 1)),
        "jumps": len(truth.jumps),
        "tallies": {name: dict(tally) for name, tally in truth.tallies.items()},
    }


def _summary(document: dict[str, Any]) -> str:
    """Three lines on what was simulated."""
    return "\n".join(
        [
            f"simulated measurement of {document['duration_s']:g} s, seed {document['seed']}",
            f"  {document['counts']} counts, {document['counts_per_s']:.0f} per s",
            f"  {document['frames']} frames, {document['photons_per_frame']:.0f} photons in each",
            f"  {document['jumps']} jumps",
        ]
    )
