"""What every reader begins with: a file that is there and not empty, and a library that is installed.

The libraries of single formats are optional: `pip install "spq[spectroscopy]"`.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

from spq.errors import InputError

EXTRA = 'pip install "spq[spectroscopy]"'


def existing(path: str | os.PathLike[str], minimum: int = 1) -> Path:
    """Return the path of a file that is there and has at least `minimum` bytes; raises InputError."""
    found = Path(path)
    if not found.is_file():
        raise InputError(f"{found}: there is no such file")
    size = found.stat().st_size
    if not size:
        raise InputError(f"{found}: the file is empty")
    if size < minimum:
        raise InputError(f"{found}: ends at byte {size}, before the end of its header at byte {minimum}")
    return found


def library(name: str, path: Path, install: str = EXTRA) -> ModuleType:
    """Import the optional library that reads a file; an InputError says how to install a missing one."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{path}: reading it needs {name.split('.')[0]}: {install}") from error
