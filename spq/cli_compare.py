"""The command `spq compare`: two stored results beside each other, or values on a grid beside ours."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from spq.cli_output import check_document, report, shown_progress
from spq.errors import InputError

if TYPE_CHECKING:
    from spq.comparison import Comparison

SHOWN = 40  # inputs that differ, of the printed text


def run(args: argparse.Namespace) -> None:
    """Run one command line. Raises InputError, and what solving raises."""
    check_document(args, "compare.json")
    if args.second.lower().endswith(".toml"):
        _grid(args)
        return
    for option in ("quantity", "state", "variable"):
        if getattr(args, option) is not None:
            raise InputError(f"--{option}: goes with a grid and an input file (.toml)")
    from spq.comparison import compare

    found = compare(args.first, args.second)
    report(args, "compare.json", found.as_dict(), _text(found))


def _text(found: Comparison) -> str:
    from spq.cli_report import columns

    heads = "|quantity|points|interpolated|missing|max (meV)|rms (meV)|error (meV)|beyond error|other flags"
    rows = [tuple(heads.split("|"))]
    for row in found.differences:
        flags = ", ".join(f"{count} {name}" for name, count in row.flags.items() if count)
        numbers = [_number(value) for value in (row.maximum_meV, row.rms_meV, row.error_meV)]
        beyond = "-" if row.beyond is None else str(row.beyond)
        counts = [str(each) for each in (row.points, row.interpolated, row.missing)]
        rows.append((row.state, row.quantity, *counts, *numbers, beyond, flags or "-"))
    lines = [f"two {'spectra' if found.kind == 'spectrum' else found.kind + 's'}, B less A", columns(rows)]
    if any(row.interpolated for row in found.differences):
        lines.append(
            "max and rms hold what interpolation does, the errors do not; beyond are points at one place"
        )
    for letter, names in found.only.items():
        if names:
            lines.append(f"only in {letter}: {', '.join(names)}")
    lines.append("inputs that differ (A, B):" if found.inputs else "the inputs are the same")
    pairs = list(found.inputs.items())
    lines += [f"  {name}: {_value(one)}, {_value(other)}" for name, (one, other) in pairs[:SHOWN]]
    if len(pairs) > SHOWN:
        lines.append(f"  and {len(pairs) - SHOWN} more")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:+.4g}"


def _value(value: Any) -> str:
    return "not there" if value is None else str(value)


def _grid(args: argparse.Namespace) -> None:
    from spq import inputfile
    from spq.griddifference import difference

    if args.quantity is None:
        raise InputError('--quantity: says what the grid holds, such as potential or "wave_function e1"')
    model = inputfile.load(args.second)
    with shown_progress(args) as progress:
        ds = difference(
            args.first, model, args.quantity, args.state, variable=args.variable, progress=progress
        )
    document: dict[str, Any] = {name: ds.attrs[name] for name in ("quantity", "state", "units")}
    document |= {name: int(ds.attrs[name]) for name in ("points", "points_in_core")}
    document |= {str(name): float(ds[name]) for name in ds.data_vars if not ds[name].dims}
    unit = "" if ds.attrs["units"] == "1" else f" {ds.attrs['units']}"
    lines = [f"{document['quantity']}: theirs less ours at {document['points']} points"]
    for where, prefix in (("everywhere", ""), ("in the cores", "core_")):
        each = [f"{name} {document[prefix + name]:+.4g}{unit}" for name in ("maximum", "rms", "mean")]
        some = prefix == "" or document["points_in_core"]
        lines.append(f"  {where}: {', '.join(each) if some else 'no point of the grid'}")
    if "overlap" in document:
        lines.append(f"  squared overlap {document['overlap']:.6f}")
    report(args, "compare.json", document, "\n".join(lines))
