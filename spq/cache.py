"""Arrays kept on this machine between runs: meshes, and what takes long and depends on a mesh only."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

log = logging.getLogger(__name__)


def folder(kind: str) -> Path:
    """Folder of one kind of arrays: in $SPQ_CACHE, or in the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("SPQ_CACHE") or platformdirs.user_cache_dir("spq")) / kind


def read(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray] | None:
    """The named arrays of a file; None where there is none, or one that cannot be read, which is logged."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file) as stored:
            return {name: stored[name] for name in names}
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        log.warning("stored file %s cannot be read, it is made again: %s", path.name, error)
        return None


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays at once or not at all; a cache that cannot be written costs only time."""
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.tmp.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(temporary, allow_pickle=False, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        log.warning("%s is not kept: %s", path.name, error)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
