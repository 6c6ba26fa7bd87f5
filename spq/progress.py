"""Progress of a long calculation: one function that is called with the stage and how far it is.

Library functions take `progress=silent`; a terminal gives a `TerminalProgress` instead.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

REFRESH = 0.1
"""Shortest time in seconds between two updates of a line on a terminal."""


class Progress(Protocol):
    """What a library function calls while it works: stage, parts done, parts in all."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""


class TerminalProgress:
    """Show progress on a text stream (None: standard error).

    On a terminal one line is rewritten; elsewhere every stage gets one line when it begins.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._rewrites = self._stream.isatty()
        self._stage = ""
        self._start = time.monotonic()
        self._shown = -REFRESH
        self._width = 0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic() - self._start
        begins = stage != self._stage
        self._stage = stage
        if not self._rewrites:
            if begins:
                self._stream.write(f"spq: {stage}\n")
                self._stream.flush()
            return
        if begins or done >= total or now - self._shown >= REFRESH:
            self._shown = now
            share = f" {done}/{total}" if total > 1 else ""
            self._rewrite(f"spq: {stage}{share}  ({now:.0f} s)")

    def close(self) -> None:
        """Wipe the line, so that what follows starts on a clean one."""
        if self._rewrites and self._width:
            self._rewrite("")
            self._stream.write("\r")
            self._stream.flush()
            self._width = 0

    def _rewrite(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)
