"""The command `spq report`: every number of the source paper beside the computed one."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spq.cli_output import show, shown_progress, tell_written

if TYPE_CHECKING:
    from spq.papernumbers import PaperNumber

FILES = ("report.csv", "report.md")
HEADS = ("number", "of", "paper", "ours", "agrees", "why different")


def run(args: argparse.Namespace) -> None:
    """Run one command line. Raises InputError, and what solving raises."""
    from spq import store

    if args.out is not None:
        store.check_writable(args.out, FILES)
    with shown_progress(args) as progress:
        from spq.papernumbers import report

        rows = report(args.accuracy, progress)
    show(args, {"accuracy": args.accuracy, "numbers": [row.as_dict() for row in rows]}, text(rows))
    if args.out is not None:
        tell_written(args, store.write_files(args.out, writers(rows)))


def writers(rows: Sequence[PaperNumber]) -> dict[str, Any]:
    """The files of a report: report.csv with all fields, report.md as it is printed."""
    return {FILES[0]: lambda path: _csv(rows, path), FILES[1]: lambda path: _markdown(rows, path)}


def text(rows: Sequence[PaperNumber]) -> str:
    """The report as lines with aligned columns, and how many of its numbers agree."""
    cells = [HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join([line.rstrip() for line in lines] + [summary(rows)])


def summary(rows: Sequence[PaperNumber]) -> str:
    """How many numbers agree, of those that have a range and were not used to find the sizes."""
    told = [row.agrees for row in rows if row.agrees is not None]
    loose = [row.verdict for row in rows if row.only]
    counts = (
        *(
            f"{loose.count(only)} more: {only}"
            for only in dict.fromkeys(row.only for row in rows if row.only)
        ),
        f"{sum(row.fitted for row in rows)} more gave the deduced sizes",
        f"{sum(row.verdict == '-' for row in rows)} are not computed",
    )
    return f"{sum(told)} of {len(told)} numbers agree within their errors; {', '.join(counts)}"


def _cells(row: PaperNumber) -> tuple[str, ...]:
    """What is shown of a row; the reason where it differs, tells little, or is judged less a bias."""
    unit = "" if row.unit == "points" else f" {row.unit}"
    paper = row.paper + (unit if any(letter.isdigit() for letter in row.paper) else "")
    digits = {"points": 0, "eV": 4}.get(row.unit, 2)
    ours = "-"
    if row.ours is not None:
        error = "" if row.error is None else f" ± {row.error:.{digits}f}"
        ours = f"{row.ours:.{digits}f}{error}{unit}"
    why = "" if row.agrees and not row.bias else row.why
    return row.what, row.sample, paper, ours, row.verdict, why


def _csv(rows: Sequence[PaperNumber], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        documents = [row.as_dict() for row in rows]
        writer = csv.DictWriter(file, list(documents[0]))
        writer.writeheader()
        writer.writerows(documents)


def _markdown(rows: Sequence[PaperNumber], path: Path) -> None:
    lines = ["# Numbers of arXiv:2206.09626 and of spq", "", "| " + " | ".join(HEADS) + " |"]
    lines.append("|" + "---|" * len(HEADS))
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    path.write_text("\n".join([*lines, "", summary(rows), ""]), encoding="utf-8")
