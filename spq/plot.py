"""Shift maps as figures, laid out like figure 5 of Panfil et al. (arXiv:2206.09626).

Emission energy against the position of the surface charge along the long axis; the second scale is
the shift (E - E_ref) in meV, E_ref that of the exciton of the same dot without surface charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spq import inputfile
from spq.checks import holds
from spq.errors import InputError
from spq.geometry import Array, Molecule
from spq.model import Model
from spq.plotfields import density as density
from spq.plotfields import levels as levels
from spq.plotfields import line_cut as line_cut
from spq.plotsizes import corner as corner
from spq.plotsizes import corner_writer as corner_writer
from spq.plotsizes import ensemble as ensemble
from spq.plotspectrum import spectrum as spectrum
from spq.plotspectrum import spectrum_writer as spectrum_writer
from spq.plotsurface import surface_map as surface_map
from spq.plotsurface import surface_writer as surface_writer
from spq.plotsweep import sweep as sweep
from spq.plotsweep import sweep_writer as sweep_writer
from spq.sketch import COLORS, draw_molecule, reach, sizes
from spq.store import Writer
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "corner",
    "density",
    "ensemble",
    "levels",
    "line_cut",
    "shift_map",
    "spectrum",
    "surface_map",
    "sweep",
]

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", (0, (6, 1.5)), (0, (4, 1.5, 1, 1.5)), (0, (1, 1)))
PREFERRED = ("X", "X-", "segX-", "segT", "X+", "XX", "segX+")
"""Kinds of states that always have the same colour and marker."""

# Lengths of the layout in inches.
PANEL, TALL = 4.1, 2.7
LEFT, BETWEEN, RIGHT = 0.85, 0.25, 2.8
TOP, ROW_GAP, TICKS, BOTTOM = 0.95, 0.45, 0.55, 0.2
SKETCH = 2.6  # the tallest sketch; a rounder molecule gets a longer axis
LEAST_RANGE = 2.0  # meV; what varies less is no feature to look at


def shift_map(ds: xr.Dataset, flip: bool = False) -> Figure:
    """Return the figure of a shift map: rows are emitting dots, columns surface charges.

    ds: as spq.shift_map or spq.store.load_map return it. flip: draws -z along x, so that dot 1 is
    on the side of positive coordinates.
    Points that did not converge are left out; open markers are hybridised points, crosses points
    whose carriers left their dots. The sketch below each panel is to the scale of its axis. Raises InputError
    if ds is no map.
    """
    if not holds(ds, "reference_eV"):
        raise InputError("shift_map: needs what spq.shift_map or spq.load_map returns")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    model = inputfile.loads(ds.attrs["input"])
    molecule = model.molecule
    emitters = sorted({int(dot) for dot in ds["emitter"].values})
    charges = ds["charge"].values
    x, limits = _abscissa(ds, molecule, flip)
    linear = molecule.is_linear
    sketch = PANEL * 2.0 * reach(molecule) / (limits[1] - limits[0]) if linear else 1.5
    row = TALL + TICKS + sketch + ROW_GAP
    width = LEFT + len(charges) * PANEL + (len(charges) - 1) * BETWEEN + RIGHT
    height = TOP + len(emitters) * row - ROW_GAP + BOTTOM
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    for i, emitter in enumerate(emitters):
        top = height - TOP - i * row
        styles = _styles(ds, emitter)
        panels: list[Axes] = []
        for j, charge in enumerate(charges):
            left = LEFT + j * (PANEL + BETWEEN)
            box = _box(left, top - TALL, PANEL, TALL, figure)
            panel = figure.add_axes(box, sharey=panels[0] if panels else None)
            panel.set_xlim(*limits)
            _draw_states(panel, ds.sel(charge=charge), x, styles)
            panels.append(panel)
            below = figure.add_axes(_box(left, top - TALL - TICKS - sketch, PANEL, sketch, figure))
            _draw_below(below, molecule, emitter, limits if linear else None, flip)
            panel.set_xlabel(_x_label(linear, flip))
            if i == 0:
                sign = f"{charge:+g}".replace("-", "−")
                panel.set_title(f"surface charge {sign} e", fontsize=11)
        _finish_row(figure, panels, ds, emitter, styles)
    figure.suptitle(_title(model), fontsize=12, x=0.5, y=1.0 - 0.22 / height, va="top")
    return figure


def map_writer(ds: xr.Dataset, flip: bool = False) -> dict[str, Writer]:
    """Return the functions that write the figures of a map as PNG, for spq.store.write_files.

    Of a map over the full surface that of `surface_map` too.
    """
    line = {"shift_map.png": lambda path: shift_map(ds, flip).savefig(path, dpi=200)}
    return line | surface_writer(ds, flip)


def _box(left: float, bottom: float, width: float, height: float, figure: Figure) -> Any:
    """Return inches as the fractions of a figure that axes are placed by."""
    wide, high = figure.get_size_inches()
    return (left / wide, bottom / high, width / wide, height / high)


def _abscissa(ds: xr.Dataset, molecule: Molecule, flip: bool) -> tuple[Array, tuple[float, float]]:
    """Return where the points stand along x, and the limits of the axis."""
    z = np.asarray(ds["z_nm"].values, dtype=float)
    if not molecule.is_linear or np.isnan(z).any():
        count = len(z)
        return np.arange(1.0, count + 1.0), (0.5, count + 0.5)
    sign = -1.0 if flip else 1.0
    along = sign * (molecule.centers @ molecule.axis)
    low = float(np.min(along - molecule.outer_radii))
    high = float(np.max(along + molecule.outer_radii))
    length = max(1.06 * (high - low), PANEL * 2.0 * reach(molecule) / SKETCH)
    middle = 0.5 * (low + high)
    return sign * z, (middle - 0.5 * length, middle + 0.5 * length)


def _x_label(linear: bool, flip: bool) -> str:
    if not linear:
        return "number of the point"
    return f"position along the long axis, {'−z' if flip else 'z'} (nm)"


def _styles(ds: xr.Dataset, emitter: int) -> dict[str, dict[str, Any]]:
    """Return colour, marker and line of each state that emits from a dot."""
    states = [
        str(name)
        for name, dot in zip(ds["state"].values, ds["emitter"].values, strict=True)
        if int(dot) == emitter
    ]
    kinds = {name: name.split("@")[0].strip() for name in states}
    taken = {PREFERRED.index(kind) for kind in kinds.values() if kind in PREFERRED}
    rest = iter([k for k in range(len(PREFERRED)) if k not in taken])
    styles = {}
    for extra, (name, kind) in enumerate(kinds.items(), len(PREFERRED)):
        k = PREFERRED.index(kind) if kind in PREFERRED else next(rest, extra)
        line = LINES[(k + k // len(COLORS)) % len(LINES)]
        styles[name] = {
            "color": COLORS[k % len(COLORS)],
            "marker": MARKERS[(k + 3 * (k // len(COLORS))) % len(MARKERS)],
            "linestyle": line,
        }
    return styles


def _draw_states(axes: Axes, ds: xr.Dataset, x: Array, styles: dict[str, dict[str, Any]]) -> None:
    """Draw every state of one panel: lines, markers by kind, and the energy without charge."""
    molecule = inputfile.loads(ds.attrs["input"]).molecule
    breaks = _line_breaks(ds, molecule)
    for name, style in styles.items():
        values = ds.sel(state=name)
        good = values["converged"].values & np.isfinite(values["energy_eV"].values)
        energy = np.where(good, values["energy_eV"].values, np.nan)
        hybridised = values["hybridised"].values & good
        color, marker = style["color"], style["marker"]
        reference = float(values["reference_eV"])
        if np.isfinite(reference):
            axes.axhline(reference, color=color, lw=0.9, ls="--", alpha=0.7)
        if breaks is not None:
            axes.plot(
                np.insert(x, breaks, np.nan),
                np.insert(energy, breaks, np.nan),
                color=color,
                ls=style["linestyle"],
                lw=1.1,
            )
        solid = good & ~hybridised
        for chosen, fill in ((solid, color), (hybridised, "white")):
            axes.plot(x[chosen], energy[chosen], marker, color=color, mfc=fill, ms=4.0, mew=0.9, zorder=3)
        lost = good & ~values["followed"].values
        axes.plot(x[lost], energy[lost], "x", color="#444444", ms=7.5, mew=1.0, zorder=4)


def _line_breaks(ds: xr.Dataset, molecule: Molecule) -> npt.NDArray[np.intp] | None:
    """Return where a line through the points is interrupted (a gap); None: there is no line."""
    z = np.asarray(ds["z_nm"].values, dtype=float)
    if not molecule.is_linear or np.isnan(z).any() or np.any(np.diff(z) <= 0.0):
        return None
    axis = molecule.axis
    foot = molecule.centers[0] - (molecule.centers[0] @ axis) * axis
    middles = 0.5 * (z[1:] + z[:-1])
    across_gap = molecule.distance_outside(foot + np.outer(middles, axis)) > 0.0
    return np.flatnonzero(across_gap) + 1


def _draw_below(
    axes: Axes, molecule: Molecule, emitter: int, limits: tuple[float, float] | None, flip: bool
) -> None:
    """Draw the molecule under a panel; limits of its axis in nm, None: an axis of its own."""
    draw_molecule(axes, molecule, emitter, sign=-1.0 if flip else 1.0)
    if limits is None:
        axes.set_aspect("equal", adjustable="datalim")
    else:
        axes.set_xlim(*limits)
    axes.set_axis_off()


def _finish_row(
    figure: Figure,
    panels: list[Axes],
    ds: xr.Dataset,
    emitter: int,
    styles: dict[str, dict[str, Any]],
) -> None:
    """Label the scales of the panels of one dot and put the legend beside them."""
    panels[0].set_ylabel(f"emission energy of dot {emitter} (eV)")
    low, high = panels[0].get_ylim()
    lacking = max(0.0, LEAST_RANGE / MEV_PER_EV - (high - low))
    low, high = low - 0.5 * lacking, high + 0.5 * lacking
    for panel in panels:
        panel.grid(True, color="#e6e6e6", lw=0.6)
        panel.set_axisbelow(True)
        panel.ticklabel_format(axis="y", useOffset=False)
    for panel in panels[1:]:
        panel.tick_params(labelleft=False)
    panels[0].set_ylim(low, high)
    known = ds["reference_eV"].sel(state=sorted(styles, key=lambda name: name != f"X@{emitter}"))
    known = known[np.isfinite(known.values)]
    if known.size:  # the scale starts at X of this dot, or at the first state that has an energy
        name, reference = str(known["state"].values[0]), float(known[0])
        scale = panels[-1].twinx()
        scale.set_ylim((low - reference) * MEV_PER_EV, (high - reference) * MEV_PER_EV)
        scale.set_ylabel(f"shift from {name} without charge (meV)", labelpad=6.0)
    handles = _legend(ds.sel(state=list(styles)), styles)
    panels[-1].legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0 + 0.72 / PANEL, 1.0),
        borderaxespad=0.0,
        frameon=False,
        fontsize=9,
        handlelength=3.0,
        title=f"emission from dot {emitter}",
        title_fontsize=9,
        alignment="left",
    )


def _legend(ds: xr.Dataset, styles: dict[str, dict[str, Any]]) -> list[Any]:
    """Return the legend of a row: its states, and what the marks in it mean."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], ms=4.0, lw=1.1, label=name, **style) for name, style in styles.items()]
    handles.append(Line2D([], [], color="#555555", lw=0.9, ls="--", label="without charge"))
    good = ds["converged"]
    if bool((ds["hybridised"] & good).any()):
        label = "open: hybridised"
        handles.append(Line2D([], [], ls="", marker="o", mfc="white", ms=4.0, color="#555555", label=label))
    if bool((~ds["followed"] & good).any()):
        label = "crossed: not followed"
        handles.append(Line2D([], [], ls="", marker="x", ms=7.5, color="#444444", label=label))
    left_out = int((~good).sum())
    if left_out:
        points = "point" if left_out == 1 else "points"
        label = f"left out: {left_out} {points}\nnot converged"
        handles.append(Line2D([], [], ls="", label=label))
    return handles


def _title(model: Model) -> str:
    lines = [
        f"Emission with a surface charge, self-energy model: {model.self_energy}",
        sizes(model.molecule),
    ]
    if model.surface_charges:
        others = sum(charge.charge for charge in model.surface_charges)
        lines[1] += f", other surface charges: {others:+g} e in all".replace("-", "−")
    return "\n".join(lines)
