"""Finished points of sweeps on disk, each under the hash of what it was computed from.

    FOLDER/store.json             format of the store and the program that its results are of
    FOLDER/sweeps/DIGEST.json     what a sweep covers, and the keys of its points
    FOLDER/points/KE/KEY.json     one finished point, its result or its error, with a checksum
    FOLDER/claims/KEY.lock        locked while a process computes the point

A file is written under another name, forced to the disk and renamed: it is there whole or not at all,
whatever is killed or fails. Locks end with the process that holds them, so several may share a store.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spq.errors import InputError

FORMAT = 1
ABOUT = "store.json"
LEFT = 86400.0  # s, after which a file that was never renamed is one that somebody could not finish
OUTPUT = ("cli", "plot")  # beginnings of names of modules that compute nothing


@functools.cache
def program() -> str:
    """Version of spq and a digest of the source of what computes: results of two programs are not mixed."""
    import spq

    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.name.startswith(OUTPUT):
            digest.update(path.read_bytes())
    return f"{spq.__version__}+{digest.hexdigest()[:12]}"


def digest_of(content: Mapping[str, Any]) -> str:
    """Hash of plain content; the order of its keys does not count."""
    return hashlib.sha256(_text(content).encode()).hexdigest()


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class PointStore:
    """A folder of finished points. Its functions raise InputError where a file is damaged or not written.

    superseded: key -> which file is there of a point whose result does not count any more; others read it
    until the new one is in its place.
    """

    folder: Path
    superseded: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: str | Path, make: bool = True) -> PointStore:
        """The store in a folder, made where there is none if `make`.

        Raises InputError if it cannot be made, there is none, or another program made it.
        """
        store = cls(Path(folder).resolve())
        about = store.folder / ABOUT
        if not about.is_file():
            if not make:
                raise InputError(f"{store.folder}: holds no sweep of spq ({ABOUT} is missing)")
            with store._writing():
                store.folder.mkdir(parents=True, exist_ok=True)
            store._put(about, {"format": FORMAT, "program": program()})
        store.check(same_program=make)
        if make:
            store._tidy()
        return store

    def check(self, same_program: bool = True) -> None:
        """Raise InputError unless this spq reads the store and, if asked, its results are of this program."""
        about = self.folder / ABOUT
        found = self._get(about)
        if found.get("format") != FORMAT:
            raise InputError(f"{about}: format {found.get('format')!r}, this version of spq reads {FORMAT}")
        if same_program and found.get("program") != program():
            raise InputError(
                f"{about}: holds results of spq {found.get('program')}, this is {program()}; "
                "give another folder"
            )

    def _tidy(self) -> None:
        """Remove files that somebody could not finish; what cannot be removed stays."""
        for path in self.folder.glob("**/*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > LEFT:
                    path.unlink()

    def has(self, key: str) -> bool:
        """Whether a point is finished."""
        found = self._identity(key)
        return found is not None and found != self.superseded.get(key)

    def read(self, key: str) -> dict[str, Any]:
        """A finished point."""
        return self._get(self._path(key))

    def write(self, key: str, record: Mapping[str, Any]) -> None:
        """Keep a finished point; when this returns, it outlasts a power cut."""
        self._put(self._path(key), record)

    def without(self, keys: Iterable[str]) -> PointStore:
        """The same store, in which some finished points count as not finished until they are written anew."""
        found = {key: self._identity(key) for key in keys}
        return replace(self, superseded={key: each for key, each in found.items() if each is not None})

    @contextlib.contextmanager
    def claimed(self, key: str, wait: bool) -> Iterator[bool]:
        """Whether a point is this process's own to compute, for as long as the block lasts.

        wait: until whoever has it lets go.
        """
        from filelock import FileLock, Timeout

        path = self.folder / "claims" / f"{key}.lock"
        with self._writing():
            path.parent.mkdir(exist_ok=True)
            lock = FileLock(path, timeout=-1 if wait else 0, thread_local=False)
            try:
                lock.acquire()
            except Timeout:
                yield False
                return
        try:
            yield True
            with self._writing():
                if self.has(key):  # whoever claims it now finds it finished
                    path.unlink(missing_ok=True)
        finally:
            lock.release()

    def begun(self) -> list[str]:
        """Keys of points that somebody began and did not finish; some may be computed at this moment."""
        claims = [path.stem for path in (self.folder / "claims").glob("*.lock")]
        return sorted(key for key in claims if not self.has(key))

    def describe(self, sweep: Mapping[str, Any]) -> None:
        """Keep what a sweep covers."""
        path = self.folder / "sweeps" / f"{digest_of(sweep)}.json"
        if not path.is_file():
            self._put(path, sweep)

    def sweeps(self) -> list[dict[str, Any]]:
        """What the sweeps of this store cover."""
        return [self._get(path) for path in sorted((self.folder / "sweeps").glob("*.json"))]

    def _identity(self, key: str) -> tuple[int, int] | None:
        """Which file there is of a finished point; None if there is none."""
        try:
            found = self._path(key).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _path(self, key: str) -> Path:
        return self.folder / "points" / key[:2] / f"{key}.json"

    def _put(self, path: Path, content: Mapping[str, Any]) -> None:
        """Write a file at once or not at all, and force it to the disk."""
        text = json.dumps({"content": content, "checksum": digest_of(content)})
        temporary = path.with_name(f"{path.stem}.{uuid.uuid4().hex}.tmp")
        with self._writing():
            new = [path.parent, *path.parent.parents]
            new = [folder.parent for folder in new if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
            except OSError:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
            for folder in (path.parent, *new):
                _force(folder)

    def _get(self, path: Path) -> dict[str, Any]:
        """The content of a file, as it was written."""
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
            if digest_of(whole["content"]) == whole["checksum"] and isinstance(whole["content"], dict):
                return whole["content"]
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError):
            pass
        raise InputError(f"{path}: is damaged; nothing was changed, without this file it is made again")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"store {self.folder}: cannot be written: {error.strerror}; what is finished is kept"
            ) from error


def _force(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system and the disk can."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)
