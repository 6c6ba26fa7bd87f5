"""The command `spq assign`: jumps of an analysed dimer explained by its charges."""

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
        raise InputError(
            "assign: needs --out DIR, the folder for assignment.nc, jumps.csv and assignment.png"
        )
    from spq import inputfile, store
    from spq.assignment.assigning import assign
    from spq.assignment.assignmentfiles import FILES, assignment_json, assignment_writers
    from spq.template import TEMPLATE

    models = [inputfile.load(each) for each in args.model or ()] or [inputfile.loads(TEMPLATE)]
    analysis = store.read(args.file, "analysis", ("track", "track_error"))
    store.check_writable(args.out, FILES)
    with shown_progress(args) as progress:
        found = assign(analysis, models, seed=args.seed, progress=progress)
        progress("writing", 0, 1)
        written = store.write_files(args.out, assignment_writers(found))
    document = assignment_json(found)
    show(args, document, _summary(found, document))
    tell_written(args, written)
    for warning in document["warnings"]:
        tell(args, warning)


def _summary(found: xr.Dataset, document: dict[str, Any]) -> str:
    """A line on each jump, and the likeliest path."""
    lines = [f"{found.sizes['jump']} jumps"]
    if found.sizes["model"] > 1:
        shares = ", ".join(f"{share:.2f}" for share in document["model_probability"])
        lines.append(f"probability of the models, as they were given: {shares}")
    for row in document["jumps"]:
        sizes = ", ".join(
            "not seen" if row[f"shift_{dot}_meV"] is None else f"{row[f'shift_{dot}_meV']:+.1f}"
            for dot in (1, 2)
        )
        lines.append(f"  {row['jump']:>3} {row['time_s']:7.1f} s  {sizes} meV: {row['verdict']}")
        if row["verdict"] != row["move_1"]:
            lines[-1] += f" ({row['move_1']} {row['probability_1']:.2f})"
    lines.append(f"likeliest sequence of charges, {document['path_probability']:.2f} as a whole:")
    lines += [f"  {each['begin_s']:7.1f} s  {each['state']}" for each in document["path"]]
    return "\n".join(lines)
