"""Stand-ins for the solver in tests of deductions: quantities that are known functions of the sizes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spq import gallery
from spq.emulator import Box
from spq.learning import Learned, Points, Source
from spq.measured import measurements_of
from spq.priors import priors_of

CORE, SHELL = "dots[1].core_radius", "dots[1].shell_thickness"


@dataclass(frozen=True)
class Analytic(Source):
    """A source whose quantities are `function` (n, p) -> (n, k); `good` says which points are of use."""

    function: Any = None
    good: Any = None

    def points(self, values):
        found = self.function(values)
        good = np.ones(found.shape, dtype=bool) if self.good is None else self.good(values)
        exists = self.exists(values)
        return Points(values, found, good & exists[:, None], exists)


def analytic(function, measured, free, good=None, model=None):
    """The source and the priors of a monomer with some quantities and free sizes."""
    model = gallery.monomer(accuracy="coarse") if model is None else model
    priors = priors_of(model, free)
    measurements = measurements_of(measured, len(model.molecule.dots))
    return Analytic(model, Box.of(priors), measurements, function=function, good=good), priors


@dataclass(frozen=True)
class Exact:
    """An emulator without error: a function of the sizes themselves, given coordinates of the box."""

    box: Box
    function: Any

    def __call__(self, scaled):
        low, high = 1.0 / self.box.low, 1.0 / self.box.high
        return self.function(1.0 / (low + (scaled + 1.0) / 2.0 * (high - low)))


def exact(source):
    """Emulators without error of every quantity of an analytic source of lengths, and their points."""
    values = np.linspace(source.box.low, source.box.high, 9)
    known = source.points(values)
    learned = [
        Learned(Exact(source.box, lambda sizes, i=i: source.function(sizes)[:, i]), 0.0, 0.0, 9, 0)
        for i in range(len(source.measurements))
    ]
    return learned, known
