"""Photons of a file piece by piece, for measurements that are too long to be held in memory.

A piece is a PhotonStream of some million photons; what holds for all of them, units, laser and every marker,
is in the head, so that photons and frames can be joined before the first photon is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from spq.errors import InputError
from spq.spectroscopy.files import check_options, recognise
from spq.spectroscopy.records import SHUFFLED, PhotonStream
from spq.spectroscopy.sources import existing

READERS = {
    "photon-hdf5": ("photon_hdf5", "photon_hdf5_pieces"),
    "ptu": ("picoquant", "ptu_pieces"),
    "swabian": ("swabianpieces", "swabian_pieces"),
}
"""Kind of file -> module and function that give its head and what yields its photons."""


@dataclass(frozen=True, eq=False)
class PhotonPieces:
    """Photons of a file, read anew whenever they are gone through.

    Attributes
    ----------
    head : PhotonStream
        Without photons: units, laser, markers, gaps and what the file says.
    pieces : callable
        Gives an iterator over (timestamps, detectors, nanotimes), as in PhotonStream.

    Raises
    ------
    InputError
        While going through it, if times run backwards or the file is damaged.
    """

    head: PhotonStream
    pieces: Callable[[], Iterator[tuple]]

    def __iter__(self) -> Iterator[PhotonStream]:
        bare = replace(self.head, markers={}, lost=self.head.lost[:0])
        last = 0
        for timestamps, detectors, nanotimes in self.pieces():
            if not len(timestamps):
                continue
            if timestamps[0] < last:
                raise InputError(f"timestamps: {int(timestamps[0])} after {last}: {SHUFFLED}")
            last = int(timestamps[-1])
            yield replace(bare, timestamps=timestamps, detectors=detectors, nanotimes=nanotimes)


def stream(path: str | os.PathLike[str], *, kind: str | None = None, **options: Any) -> PhotonPieces:
    """Open a file of photons to be read piece by piece: Photon-HDF5, .ptu, or a dump of Swabian tags.

    path: of the file. kind: one of READERS, None to recognise it. options: those of `read` for the same kind.
    The pieces together are the photons that `read` gives, in the same order; going through a file of 1e8
    photons takes some hundred MB. Markers that lie among the photons are collected first, in a pass of their
    own. Raises InputError like `read`, and for kinds of files that are not read in pieces.
    """
    found = existing(path)
    name = recognise(found) if kind is None else kind
    if name not in READERS:
        raise InputError(f"{found}: of kind {name} is not read in pieces; those are {', '.join(READERS)}")
    module, function = READERS[name]
    reader = getattr(import_module(f"spq.spectroscopy.{module}"), function)
    check_options(found, name, reader, options)
    head, pieces = reader(found, **options)
    return PhotonPieces(head, pieces)
