"""The command `spq sweep`: run, go on, or say how far a sweep is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from spq.cli_output import show, shown_progress, tell, tell_written
from spq.errors import InputError
from spq.progress import duration

if TYPE_CHECKING:
    import xarray as xr

FILES = ("sweep.nc", "sweep.csv", "sweep.png")
MOST_ERRORS = 10  # that are printed


def run(args: argparse.Namespace) -> bool:
    """Run one command line; return whether everything converged. Raises InputError."""
    if args.status is not None:
        if args.file or args.out or args.resume or args.retry:
            raise InputError("--status: only says how far a sweep is; give it alone")
        _tell_status(args)
        return True
    if not args.file or not args.out:
        raise InputError("sweep: needs FILE and --out DIR, the folder of its points and results")
    from spq import store, sweeps, sweepstore
    from spq.pointstore import PointStore
    from spq.sweepfile import sweep_of

    plan = sweep_of(args.file)
    store.check_writable(args.out, FILES)
    kept = PointStore.opened(args.out)
    if kept.sweeps() and not args.resume:
        finished = sum(kept.has(point.key) for point in plan.distinct)
        raise InputError(
            f"{args.out}: holds a sweep already, with {finished} of these {len(plan.distinct)} points "
            "finished; --resume goes on, or give another folder"
        )
    try:
        with shown_progress(args) as progress:
            sweeps.run(plan, kept, retry=args.retry, progress=progress)
            progress("writing", 0, 1)
            found = sweeps.gathered(plan, kept)
            from spq.plot import sweep_writer

            written = store.write_files(args.out, sweepstore.sweep_writers(found) | sweep_writer(found))
    except KeyboardInterrupt:
        done = sum(kept.has(point.key) for point in plan.distinct)
        tell(args, f"{done} of {len(plan.distinct)} points are finished; --resume goes on")
        raise
    show(args, _document(found), _summary(found))
    tell_written(args, written)
    return not _lacking(found)


def _document(ds: xr.Dataset) -> dict[str, Any]:
    """The JSON of a sweep: coordinates and variables with their dimensions."""
    from spq.store import plain

    parts = {"coordinates": ds.coords, "variables": ds.data_vars}
    return {
        part: {
            str(name): {"dims": list(each.dims), "values": plain(each.values)}
            for name, each in members.items()
        }
        for part, members in parts.items()
    }


def _lacking(ds: xr.Dataset) -> list[str]:
    """What of a sweep is not there, a line each."""
    failed = [str(error) for error in ds["error"].values.ravel() if error]
    lines = [f"{len(failed)} of {ds['error'].size} points failed"] if failed else []
    lines += [f"  {error}" for error in dict.fromkeys(failed)][:MOST_ERRORS]
    if "converged" in ds:
        missing = int((~ds["converged"] & (ds["error"] == "")).sum())
        lines += [f"{missing} states of points did not converge"] if missing else []
    return lines


def _summary(ds: xr.Dataset) -> str:
    """The axes of a sweep, and the range of every state's energy."""
    from spq.sweepstore import swept

    lines = [f"sweep of {ds.attrs['compute']}, {ds['error'].size} points"]
    for axis, dim in zip(swept(ds), ds["error"].dims, strict=True):
        for name in axis:
            values = ds[name].values
            lines.append(f"  {name}: {values[0]} to {values[-1]}, {ds.sizes[dim]} values")
    if "energy_eV" in ds and "state" in ds.coords:
        lines += ["", "emission energy (eV), least and greatest"]
        for state in ds["state"].values:
            energies = ds["energy_eV"].sel(state=state)
            lines.append(f"  {str(state):8s} {float(energies.min()):.6f}  {float(energies.max()):.6f}")
    return "\n".join([*lines, *_lacking(ds)])


def _tell_status(args: argparse.Namespace) -> None:
    from spq.sweepstore import status

    found = status(args.status)
    lines = []
    for sweep in found:
        fields = " x ".join("+".join(axis) for axis in sweep["fields"])
        lines.append(f"{sweep['compute']} over {fields}")
        text = f"  {sweep['finished']} of {sweep['points']} points finished, {sweep['failed']} of them failed"
        if sweep["begun"]:
            text += f", {sweep['begun']} begun"
        each = sweep["seconds_per_point"]
        left = sweep["points"] - sweep["finished"]
        if each is not None:
            text += f"; {each:.2g} s a point"
        if each is not None and left:
            text += f", about {duration(left * each)} left for one process"
        lines.append(text)
    show(args, {"sweeps": found}, "\n".join(lines) or "no sweep was begun")
