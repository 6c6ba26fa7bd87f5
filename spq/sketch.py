"""A molecule drawn to scale: cores, shells and necks in the plane of its long axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spq.geometry import Array, Molecule, Pair

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLORS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
SHELL = "#dcdcdc"
LINE = "#8a8a8a"
CORE = "#9a9a9a"
BRIGHT_SHELL = "#ffe3b0"
BRIGHT_CORE = "#e69f00"


def sizes(molecule: Molecule) -> str:
    """Return the dots' radii as text for a title."""
    dots = molecule.dots
    cores = " / ".join(f"{dot.core_radius:g}" for dot in dots)
    outers = " / ".join(f"{dot.outer_radius:g}" for dot in dots)
    kind = {1: "monomer", 2: "dimer"}.get(len(dots), f"{len(dots)} dots")
    return f"{kind}, core radii {cores} nm, outer radii {outers} nm"


def draw_molecule(axes: Axes, molecule: Molecule, emitter: int, sign: float = 1.0) -> None:
    """Draw a molecule with its long axis along x, in nm, one unit of x as long as one of y.

    emitter: dot (from 1) that is highlighted. sign: -1 draws -z along x instead of z.
    """
    from matplotlib.patches import Circle, Polygon

    places = plane_places(molecule) * np.array([sign, 1.0])
    for i in range(len(places)):
        fill = BRIGHT_SHELL if i + 1 == emitter else SHELL
        for corners in _outlines(molecule, places, i):
            # What lies inside the outline of all dots together covers the inner half of the lines.
            axes.add_patch(Polygon(corners, facecolor="none", edgecolor=LINE, lw=1.6, zorder=1))
            axes.add_patch(Polygon(corners, facecolor=fill, lw=0.0, zorder=2))
    for pair in molecule.pairs:
        half = max(pair.lens_radius, pair.neck_radius)
        start, along, distance = _between(places, pair)
        if half > 0.0 and distance > 0.0:
            middle = start + pair.plane / pair.distance * distance * along
            across = half * np.array([-along[1], along[0]])
            ends = np.array([middle - across, middle + across])
            axes.plot(*ends.T, color=LINE, lw=0.9, ls=":", zorder=3)
    if molecule.linker_diameter > 0.0:
        start, along, distance = _between(places, molecule.pairs[0])
        across = molecule.linker_diameter / 2 * np.array([-along[1], along[0]])
        ends = np.array([start, start + distance * along])
        corners = np.vstack([ends - across, ends[::-1] + across])
        axes.add_patch(Polygon(corners, facecolor="white", edgecolor=LINE, hatch="///", lw=0.8, zorder=0))
    for i, (place, radius) in enumerate(zip(places, molecule.core_radii, strict=True), 1):
        fill = BRIGHT_CORE if i == emitter else CORE
        axes.add_patch(Circle(tuple(place), radius, facecolor=fill, edgecolor="#333333", lw=0.8, zorder=4))
        axes.text(place[0], place[1], str(i), ha="center", va="center", fontsize=9, zorder=5)
    axes.set_ylim(-reach(molecule), reach(molecule))


def reach(molecule: Molecule) -> float:
    """Return how far a sketch goes up and down from the long axis, nm."""
    return 1.04 * float(np.max(np.abs(plane_places(molecule)[:, 1]) + molecule.outer_radii))


def plane_places(molecule: Molecule) -> Array:
    """Return the centres (N, 2) in nm: z along the long axis, and the distance across it.

    The signed distance is along the direction in which the dots spread most; 0 on one line.
    """
    along = molecule.centers @ molecule.axis
    aside = molecule.centers - np.outer(along, molecule.axis)
    aside = aside - aside.mean(axis=0)
    if molecule.is_linear:
        return np.column_stack([along, np.zeros(len(along))])
    direction = np.linalg.svd(aside, full_matrices=False)[2][0]
    return np.column_stack([along, aside @ direction])


def _between(places: Array, pair: Pair) -> tuple[Array, Array, float]:
    """Return first centre (2,), direction (2,) and distance of a pair as they are drawn."""
    start, end = places[pair.first], places[pair.second]
    distance = float(np.linalg.norm(end - start))
    return start, (end - start) / max(distance, 1e-12), distance


def _outlines(molecule: Molecule, places: Array, dot: int) -> list[Array]:
    """Return the polygons (n, 2) of a dot: its sphere and its parts of the necks.

    They end in the dividing planes wherever the line of centres lies in the plane of drawing.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, 361)
    circle = molecule.outer_radii[dot] * np.column_stack([np.cos(angles), np.sin(angles)])
    sphere = places[dot] + circle
    outlines = []
    for pair in molecule.pairs:
        if dot not in (pair.first, pair.second):
            continue
        _, along, distance = _between(places, pair)
        length = pair.plane / pair.distance * distance
        if dot == pair.second:
            along, length = -along, distance - length
        if distance > 0.999 * pair.distance and pair.gap == 0.0:
            beyond = np.maximum((sphere - places[dot]) @ along - length, 0.0)
            sphere = sphere - np.outer(beyond, along)
        if pair.neck_radius > 0.0:
            across = pair.neck_radius * np.array([-along[1], along[0]])
            end = places[dot] + length * along
            outlines.append(
                np.array([places[dot] + across, end + across, end - across, places[dot] - across])
            )
    return [sphere, *outlines]
