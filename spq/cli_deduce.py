"""`spq deduce`: the table [deduce] of an input file, and what the command prints.

[deduce]                    seed, points: as of spq.deduce, both optional
[deduce.measured]           quantity = [value, standard error]
[deduce.free]               field = [low, high] or { low, high, mean, sigma }; or free = [fields]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spq import checks
from spq.cli_output import show, shown_progress, tell_written
from spq.cli_report import columns
from spq.errors import ConvergenceError, InputError, SpqError

if TYPE_CHECKING:
    import xarray as xr

    from spq.model import Model

KEYS = ("measured", "free", "seed", "points")
FILES = ("deduction.nc", "deduction.csv", "deduction.png")
STORE = "deduce_points"


def deduce_command(args: argparse.Namespace) -> SpqError | None:
    """Run `spq deduce`; return what did not converge, if anything. What did is written all the same."""
    from spq import deductionstore, store

    model, given = read_deduce(args.file)
    folder = args.out or Path()
    store.check_writable(folder, FILES)
    failed: ConvergenceError | None = None
    with shown_progress(args) as progress:
        from spq.deduction import deduce

        with checks.placed(f"{args.file}: "):
            try:
                found = deduce(fixed=model, store=folder / STORE, progress=progress, **given)
            except ConvergenceError as error:
                if error.partial is None:
                    raise
                found, failed = error.partial, error
        progress("writing", 0, 1)
        from spq.plot import corner_writer

        written = store.write_files(folder, deductionstore.deduction_writers(found) | corner_writer(found))
    show(args, deductionstore.deduction_json(found), deduction_table(found))
    tell_written(args, written)
    return failed


def read_deduce(path: str | Path) -> tuple[Model, dict[str, Any]]:
    """The Model of an input file, and the arguments of spq.deduce in its table [deduce].

    Raises InputError, with the file's name in front.
    """
    from spq import inputfile

    model = inputfile.load(path)
    given = inputfile.parsed(Path(path).read_bytes().decode("utf-8-sig")).get("deduce")
    with checks.placed(f"{path}: "):
        if not isinstance(given, dict):
            raise InputError("deduce: missing; tables [deduce.measured] and [deduce.free] are needed")
        checks.known_keys(given, KEYS, "deduce.")
        for key in KEYS[:2]:
            if key not in given:
                raise InputError(f"deduce.{key}: missing; a table [deduce.{key}] is needed")
    return model, dict(given)


def deduction_table(ds: xr.Dataset) -> str:
    """Return the parameters of a deduction, the quantities it is from, and how good it is."""
    low, high = ds["interval"].transpose("bound", "parameter").values
    rows = [tuple("parameter|best|median|68 % interval|prior|narrower".split("|"))]
    for i, name in enumerate(ds["parameter"].values):
        one = ds.isel(parameter=i)
        unit = str(one["parameter_unit"].values)
        prior = f"{float(one['prior_low']):g} .. {float(one['prior_high']):g}"
        if float(one["prior_sigma"]) > 0:
            prior += f", {float(one['prior_mean']):g} ± {float(one['prior_sigma']):g}"
        rows.append(
            (
                f"{name} ({unit})" if unit else str(name),
                f"{float(one['best']):.4g}",
                f"{float(one['median']):.4g}",
                f"{low[i]:.4g} .. {high[i]:.4g}",
                prior,
                f"{float(one['narrowing']):.1f} times",
            )
        )
    quantities = [tuple("quantity|measured|error|best fit|pull|emulator error|points|left out".split("|"))]
    for name in ds["quantity"].values:
        one = ds.sel(quantity=name)
        unit = str(one["quantity_unit"].values)
        form = ".5f" if unit == "eV" else ".2f"
        numbers = [f"{float(one[key]):{form}}" for key in ("measured", "error", "best_predicted")]
        counts = [str(int(one[key])) for key in ("points_used", "points_left_out")]
        pull, error = f"{float(one['pull']):+.2f}", f"{float(one['emulator_rms']):.1g}"
        quantities.append((f"{name} ({unit})", *numbers, pull, error, *counts))
    evidence = f"{ds.attrs['log_evidence']:.2f} ± {ds.attrs['log_evidence_error']:.2f}"
    lines = [
        f"deduced from {ds.attrs['points']} solved points, self-energy model: {ds.attrs['self_energy']}",
        columns(rows),
        "",
        columns(quantities),
        "",
        f"chi2 {ds.attrs['chi2']:.3g}, log evidence {evidence}",
    ]
    if ds.attrs["emulator_note"]:
        lines.append(f"emulators that are coarse beside the measurement: {ds.attrs['emulator_note']}")
    return "\n".join(lines)
