"""Exceptions of spq: every error a user can cause or meet is an `SpqError`."""

from __future__ import annotations

from typing import Any


class SpqError(Exception):
    """Base class of all errors that spq raises on purpose."""


class InputError(SpqError):
    """An input is wrong; the one-line message says what was given, what is allowed and where."""


class MeshError(SpqError):
    """A mesh could not be made, or does not fit the geometry it was made from."""


class ConvergenceError(SpqError):
    """An iteration did not converge.

    `partial` holds what was reached until then (a result of the kind that was asked for, or None).
    """

    def __init__(self, message: str, partial: Any = None) -> None:
        super().__init__(message)
        self.partial = partial
