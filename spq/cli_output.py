"""Where the command line puts its results: standard output, files; progress and messages elsewhere."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spq.progress import Progress, TerminalProgress, silent


@contextmanager
def shown_progress(args: argparse.Namespace) -> Iterator[Progress]:
    """Show progress during the block unless it is not wanted."""
    if args.quiet:
        yield silent
        return
    shown = TerminalProgress()
    try:
        yield shown
    finally:
        shown.close()


def check_document(args: argparse.Namespace, name: str) -> None:
    """Raise InputError if the document of a command shall be written and cannot be."""
    from spq import store

    if args.out is not None:
        store.check_writable(args.out, (name,))


def report(args: argparse.Namespace, name: str, document: Mapping[str, Any], text: str) -> None:
    """Write the document into the output folder, if one was asked for, and print the result."""
    from spq import store

    if args.out is not None:
        content = json.dumps(store.plain(document), indent=2, allow_nan=False) + "\n"
        writer = {name: lambda path: path.write_text(content, encoding="utf-8")}
        written = store.write_files(args.out, writer)
    show(args, document, text)
    if args.out is not None:
        tell_written(args, written)


def show(args: argparse.Namespace, document: Mapping[str, Any], text: str) -> None:
    """Print the result: the JSON document if asked for, else the text."""
    from spq import store

    if args.json:
        print(json.dumps(store.plain(document), allow_nan=False))
    elif text:
        print(text)


def tell(args: argparse.Namespace, text: str) -> None:
    """Write a message unless it is not wanted."""
    if not args.quiet:
        sys.stderr.write(f"spq: {text}\n")


def tell_written(args: argparse.Namespace, paths: Sequence[Path]) -> None:
    """Say which files were written."""
    tell(args, "wrote " + ", ".join(str(path) for path in paths))
