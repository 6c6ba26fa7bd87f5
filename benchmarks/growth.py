"""How the cost grows with the number of states and of places in a map, and with the mesh.

Run as a program: prints a table and draws growth.png beside itself. Times are seconds of one run; the
error beside each is the mean estimated error of the shifts, or that of the lowest electron level.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from cases import fastest_threads, level_error
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from spq import MapSpec, Model, SurfaceCharge, gallery, meshing, planar, shift_map
from spq.carriers import NAMES
from spq.discretisation import discretise
from spq.prepare import companion, prepare
from spq.reduction import reduction

PICTURE = Path(__file__).with_name("growth.png")
# accuracy, numbers of states, azimuths of 41 places each, factors on the element sizes
ACCURACY = {"axisymmetric": "normal", "solid": "coarse"}
STATES = {"axisymmetric": (1, 2, 4, 8, 16), "solid": (1, 4, 16)}
AZIMUTHS = {"axisymmetric": (1, 2, 4, 8, 16, 24, 48), "solid": (1, 4, 16)}
COARSENINGS = {"axisymmetric": (2.0, 1.5, 1.2, 1.0, 0.8, 0.6), "solid": (1.5, 1.25, 1.0)}
POINTS = 41
# off the axis, so that no symmetry makes a place easy
FIXED = SurfaceCharge(charge=0.7, z=1.5, phi=50.0)
# Okabe and Ito's colours, which colour-blind readers can tell apart
STYLES = {"axisymmetric": ("#0072b2", "o", "-"), "solid": ("#d55e00", "s", "--")}
TITLES = ("number of states", "number of places", "unknowns of a potential")
LABELS = ("time of the map (s)", "time of the map (s)", "time of mesh, states, integrals (s)")


@dataclass(frozen=True)
class Series:
    """How the time in seconds grows with one number; error in meV beside each."""

    what: str
    discretisation: str
    sizes: list[int]
    seconds: list[float]
    errors: list[float]

    @property
    def slope(self) -> float:
        """Exponent of a power law through all."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.seconds), 1)[0])

    def __str__(self) -> str:
        rows = zip(self.sizes, self.seconds, self.errors, strict=True)
        lines = [f"{size:9d} {seconds:9.3f} {error:12.4f}" for size, seconds, error in rows]
        head = f"\n{self.discretisation}, {ACCURACY[self.discretisation]}: {self.what}"
        return "\n".join([head, "   number  time (s)  error (meV)", *lines, f"slope {self.slope:.2f}"])


def main() -> None:
    """Measure, print and draw."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPQ_CACHE"] = folder
        for discretisation in STYLES:
            model = gallery.heterodimer(
                accuracy=ACCURACY[discretisation], discretisation=discretisation, surface_charges=(FIXED,)
            )
            prepare(model)
            companion(model)
            shift_map(model, points=5)  # what is loaded at first use is not timed
            for measure in (by_states, by_places, by_mesh):
                found.append(measure(model))
                print(found[-1], flush=True)
    draw(found)


def by_states(model: Model) -> Series:
    """Maps along the line of more and more states, everything prepared."""
    names = [f"{name}@{dot}" for name in NAMES for dot in (1, 2)]
    kind = model.chosen_discretisation
    specs = [MapSpec(states=tuple(names[:count]), points=POINTS) for count in STATES[kind]]
    runs = [_map(model.replace(map=spec)) for spec in specs]
    return Series(TITLES[0], kind, list(STATES[kind]), *_columns(runs))


def by_places(model: Model) -> Series:
    """Maps of the six default states at more and more azimuths, everything prepared."""
    kind = model.chosen_discretisation
    specs = [MapSpec(surface="full", points=POINTS, phi_points=count) for count in AZIMUTHS[kind]]
    runs = [_map(model.replace(map=spec)) for spec in specs]
    return Series(TITLES[1], kind, [POINTS * count for count in AZIMUTHS[kind]], *_columns(runs))


def by_mesh(model: Model) -> Series:
    """Mesh, basis and integrals on finer and finer meshes."""
    kind, accuracy, sizes, runs = model.chosen_discretisation, model.accuracy, [], []
    for factor in COARSENINGS[kind]:
        start = perf_counter()
        if kind == "solid":
            meshing.mesh_wedge(model.molecule, meshing.SIZES[accuracy].scaled(factor))
        else:
            planar.mesh_half_plane(model.molecule, planar.SIZES[accuracy].scaled(factor))
        meshed = perf_counter() - start
        discretise(model, coarsening=factor)  # so that the mesh is stored
        start = perf_counter()
        with fastest_threads(model):
            discretisation = discretise(model, coarsening=factor)
            reduction(discretisation)
        runs.append((meshed + perf_counter() - start, abs(level_error(discretisation))))
        sizes.append(discretisation.space.size)
    return Series(TITLES[2], kind, sizes, *_columns(runs))


def _map(model: Model) -> tuple[float, float]:
    """Seconds of a map without its preparation, and the mean estimated error of its shifts in meV."""
    found = shift_map(model)
    return json.loads(found.attrs["seconds"])["map"], float(found["shift_error_meV"].mean())


def _columns(runs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [seconds for seconds, _ in runs], [error for _, error in runs]


def draw(found: list[Series]) -> None:
    """One panel for each number, time against it on logarithmic scales, exponents beside the lines."""
    figure = Figure(figsize=(11.0, 3.8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, title, label in zip(figure.subplots(1, 3), TITLES, LABELS, strict=True):
        for series in (each for each in found if each.what == title):
            color, marker, line = STYLES[series.discretisation]
            law = f"{series.discretisation}, {ACCURACY[series.discretisation]}: exponent {series.slope:.2f}"
            axes.loglog(series.sizes, series.seconds, color=color, marker=marker, linestyle=line, label=law)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(title)
        axes.set_ylabel(label)
        axes.grid(True, which="both", linewidth=0.3)
        axes.legend(frameon=False, fontsize="small")
    figure.savefig(PICTURE, dpi=150)


if __name__ == "__main__":
    main()
