"""Progress of a long calculation: one function that is called with the stage and how far it is.

Library functions take `progress=silent`; a terminal gives a `TerminalProgress` instead.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO

REFRESH = 0.1
"""Shortest time in seconds between two updates of a line on a terminal."""

AGAIN = 60.0
"""The same where lines are not rewritten."""

SOON = 5.0
"""Seconds of a stage after which it is said how long the rest will take."""


class Progress(Protocol):
    """What a library function calls while it works: stage, parts done, parts in all."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""


class TerminalProgress:
    """Show progress on a text stream (None: standard error).

    On a terminal one line is rewritten; elsewhere every stage gets one line when it begins, and one more
    after every minute that it lasts. A stage of many parts says how long the rest will take.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._rewrites = self._stream.isatty()
        self._stage = ""
        self._start = time.monotonic()
        self._shown = -REFRESH
        self._width = 0
        self._began = (0.0, 0)

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic() - self._start
        begins = stage != self._stage
        self._stage = stage
        if begins:
            self._began = (now, done)
        text = f"spq: {stage}" + (f" {done}/{total}" if total > 1 else "")
        if not self._rewrites:
            if begins or now - self._shown >= AGAIN:
                self._shown = now
                text = f"spq: {stage}" if begins else f"{text}{self._left(now, done, total)}"
                self._stream.write(f"{text}\n")
                self._stream.flush()
            return
        if begins or done >= total or now - self._shown >= REFRESH:
            self._shown = now
            self._rewrite(f"{text}  ({now:.0f} s{self._left(now, done, total)})")

    def _left(self, now: float, done: int, total: int) -> str:
        """How long the rest of a stage will take, at the pace since it began."""
        began, first = self._began
        if done <= first or done >= total or now - began < SOON:
            return ""
        seconds = (now - began) * (total - done) / (done - first)
        return f", about {duration(seconds)} left"

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


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
