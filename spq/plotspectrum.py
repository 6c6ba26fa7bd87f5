"""Emission spectra as figures: one panel for each set of carriers over one scale of photon energy.

Lines are sticks: as high as rate times population of the initial level where that is populated, else dashed
and as high as the rate, so that levels show that are empty at the temperature of the spectrum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq import inputfile
from spq.checks import holds
from spq.errors import InputError
from spq.model import Model
from spq.sketch import COLORS, sizes
from spq.sticks import EXCITED, POPULATED, SHOWN, Stick, labelled, sticks_of
from spq.store import Writer
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAINT = 0.4
FILL, OUTLINE, GREY = "#e2e2e2", "#9a9a9a", "#555555"

# Lengths of the layout in inches.
WIDE, DATA, HEAD = 6.4, 1.45, 0.12
ROW = 0.165  # of a row of labels
LEFT, RIGHT, BETWEEN = 0.75, 0.45, 0.14
TOP, BOTTOM, LEGEND_ROW = 1.08, 0.65, 0.185
FONT = 8.0
MARGIN = 0.05  # of the scale, on both sides
APART = 0.1  # between labels
LEAST_RANGE = 2.0  # meV; what is closer is no structure to look at
LEGEND: dict[str, Any] = {"ncols": 2, "frameon": False, "fontsize": 8.5, "handlelength": 2.2}


def spectrum(ds: xr.Dataset) -> Figure:
    """Return the figure of an emission spectrum.

    ds: as spq.spectrum or spq.load_spectrum return it. Raises InputError if it is something else.
    One panel for each set of carriers: the broadened spectrum and a stick for each line, in the colour of
    the dot that emits, black if several do. Lines of less than a hundredth of the largest are left out; the
    scale covers those of populated levels and of the lowest levels of every placement, and the legend counts
    the others.
    """
    if not holds(ds, "intensity"):
        raise InputError("spectrum: needs what spq.spectrum or spq.load_spectrum returns")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    model = inputfile.loads(ds.attrs["input"])
    sets = [str(name) for name in ds["set"].values]
    sticks = {name: sticks_of(ds, name) for name in sets}
    across = LEFT + WIDE + RIGHT
    figure = Figure(figsize=(across, 1.0))
    canvas = FigureCanvasAgg(figure)
    limits = _limits(ds, [each for name in sets for each in sticks[name]])
    labels = {name: labelled(_within(sticks[name], limits)) for name in sets}
    widths = {each.text: _width(canvas, each.text) for name in sets for each in labels[name]}
    limits = _widened(limits, [each for name in sets for each in labels[name]], widths)
    inside = {name: _within(sticks[name], limits) for name in sets}
    rows = {name: _rows(labels[name], widths, limits) for name in sets}
    heights = [DATA + HEAD + ROW * (max(rows[name], default=-1) + 1) for name in sets]
    beyond = sum(len(sticks[name]) - len(inside[name]) for name in sets)
    handles = _handles(model, [each for name in sets for each in inside[name]], beyond)
    bottom = BOTTOM + LEGEND_ROW * ((len(handles) + 1) // 2)
    whole = TOP + sum(heights) + BETWEEN * (len(sets) - 1) + bottom
    figure.set_size_inches(across, whole)
    panels: list[Axes] = []
    top = whole - TOP
    for name, height in zip(sets, heights, strict=True):
        box = (LEFT / across, (top - height) / whole, WIDE / across, height / whole)
        panel = figure.add_axes(box, sharex=panels[0] if panels else None)
        panel.set_ylim(0.0, height / DATA)
        _draw(panel, ds.sel(set=name), inside[name])
        _annotate(panel, labels[name], rows[name])
        panels.append(panel)
        top -= height + BETWEEN
    _scales(panels, limits, *_reference(ds))
    middle = (LEFT + WIDE / 2) / across
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(middle, 0.08 / whole), **LEGEND)
    figure.suptitle(_title(model), fontsize=11, x=middle, y=1.0 - 0.12 / whole, va="top")
    return figure


def spectrum_writer(ds: xr.Dataset) -> dict[str, Writer]:
    """Return the function that writes the figure of a spectrum as PNG, for spq.store.write_files."""
    return {"spectrum.png": lambda path: spectrum(ds).savefig(path, dpi=200)}


def _limits(ds: xr.Dataset, sticks: list[Stick]) -> tuple[float, float]:
    """Photon energies in eV that the scale covers."""
    seen = [each.energy for each in sticks if each.populated or not each.excited]
    bright = (ds["intensity"].transpose("set", "energy").values > SHOWN).any(axis=0)
    seen += ds["energy"].values[bright].tolist()
    seen = seen or [each.energy for each in sticks]
    low, high = min(seen), max(seen)
    margin = MARGIN * (high - low) + max(0.0, LEAST_RANGE / MEV_PER_EV - (high - low)) / 2
    return low - margin, high + margin


def _widened(
    limits: tuple[float, float], labels: list[Stick], widths: dict[str, float]
) -> tuple[float, float]:
    """Limits with room for the labels, which extend to the right of their lines."""
    low, high = limits
    ends = [low + (each.energy - low) * WIDE / (WIDE - widths[each.text] - APART) for each in labels]
    return low, max([high, *ends])


def _within(sticks: list[Stick], limits: tuple[float, float]) -> list[Stick]:
    return [each for each in sticks if limits[0] <= each.energy <= limits[1]]


def _rows(labels: list[Stick], widths: dict[str, float], limits: tuple[float, float]) -> list[int]:
    """The row of every label, from 0: above all that begin within its length, so that none is crossed."""
    scale = WIDE / (limits[1] - limits[0])
    rows: list[int] = []
    for i, each in reversed(list(enumerate(labels))):
        end = each.energy + (widths[each.text] + APART) / scale
        below = [row for row, other in zip(rows, labels[i + 1 :], strict=True) if other.energy < end]
        rows.insert(0, max(below, default=-1) + 1)
    return rows


def _width(canvas: Any, text: str) -> float:
    """Length of a label in inches."""
    from matplotlib.font_manager import FontProperties

    renderer = canvas.get_renderer()
    wide, _, _ = renderer.get_text_width_height_descent(text, FontProperties(size=FONT), ismath=False)
    return wide / renderer.dpi


def _draw(axes: Axes, ds: xr.Dataset, sticks: list[Stick]) -> None:
    """Draw the spectrum of a set of carriers and its lines."""
    energies, intensity = ds["energy"].values, ds["intensity"].values
    axes.fill_between(energies, intensity, color=FILL, lw=0.0, zorder=1)
    axes.plot(energies, intensity, color=OUTLINE, lw=0.9, zorder=2)
    for each in sorted(sticks, key=lambda each: each.populated):
        style = _style(each.emitter, each.populated, each.excited)
        axes.plot([each.energy] * 2, [0.0, each.height], **style)
    axes.text(
        1.0 + 0.09 / WIDE,
        0.5,
        str(ds["set"].values).replace("-", "−"),
        rotation=0 if len(str(ds["set"].values)) < 4 else 270,
        va="center",
        fontsize=11,
        weight="bold",
        transform=axes.transAxes,
    )


def _style(emitter: int, populated: bool, excited: bool = False) -> dict[str, Any]:
    """How the lines of a dot, or of several, are drawn; the mark is on their upper ends."""
    color = COLORS[1 + (emitter - 1) % (len(COLORS) - 1) if emitter else 0]
    style = {"color": color, "marker": "o", "markevery": [-1], "clip_on": False}
    if populated:
        return style | {"lw": 1.8, "ls": "-", "ms": 4.0, "zorder": 4}
    style |= {"lw": 0.9, "ls": (0, (3, 1.5)), "ms": 3.5, "mfc": "white", "mew": 0.9, "zorder": 3}
    return style | ({"alpha": FAINT, "zorder": 2.8} if excited else {})


def _annotate(axes: Axes, labels: list[Stick], rows: list[int]) -> None:
    """Write the labels above the lines, each at the end of a thin line from its stick."""
    for each, row in zip(labels, rows, strict=True):
        height = 1.0 + (HEAD + ROW * (row + 0.5)) / DATA
        axes.plot([each.energy] * 2, [each.height, height], color=OUTLINE, lw=0.5, zorder=2.5)
        axes.annotate(
            each.text,
            (each.energy, height),
            (2.5, 0.0),
            textcoords="offset points",
            va="center",
            fontsize=FONT,
            color="black" if each.populated else GREY,
        )


def _reference(ds: xr.Dataset) -> tuple[str, float]:
    """The set and the energy in eV of the line that the upper scale starts at: the strongest of X."""
    owners = ds["line_set"].values
    name = next(name for name in ("X", *ds["set"].values) if name in owners)
    own = ds.isel(line=np.flatnonzero(owners == name))
    strongest = np.lexsort((own["line_rate"].values, own["line_weight"].values))[-1]
    return str(name), float(own["line_energy_eV"][strongest])


def _scales(panels: list[Axes], limits: tuple[float, float], name: str, reference: float) -> None:
    """Label the scales; the upper one is in meV from a reference."""
    panels[0].set_xlim(*limits)
    for panel in panels:
        panel.plot([reference] * 2, [0.0, 1.0], color=GREY, lw=0.8, ls=":", zorder=1.5)
        panel.set_yticks([0.0, 0.5, 1.0])
        panel.set_ylabel("intensity")
        panel.ticklabel_format(axis="x", useOffset=False)
        panel.tick_params(labelbottom=panel is panels[-1], labelsize=9)
    panels[-1].set_xlabel("photon energy (eV)")
    scale = panels[0].twiny()
    scale.set_xlim(*((each - reference) * MEV_PER_EV for each in limits))
    scale.tick_params(labelsize=9)
    scale.set_xlabel(f"from the strongest line of {name} (meV)".replace("-", "−"), labelpad=5.0)


def _handles(model: Model, sticks: list[Stick], beyond: int) -> list[Any]:
    """The legend: what colours and kinds of lines mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    given = model.spectrum
    handles: list[Any] = []
    for dot in sorted({each.emitter for each in sticks}):
        color, named = _style(dot, True)["color"], f"dot {dot}" if dot else "several dots"
        handles.append(Line2D([], [], color=color, lw=4.0, label=f"emission from {named}"))
    label = f"spectrum: lines {given.width:g} meV wide{', with phonons' if given.phonons else ''}"
    handles.append(Patch(facecolor=FILL, edgecolor=OUTLINE, label=label))
    kinds = {
        (True,): "line: rate × population of its level",
        (False, False): f"line of a level populated less than {100 * POPULATED:g} %: rate",
        (False, True): f"faint: level excited by {EXCITED:g} meV or more",
    }
    there = {(True,) if each.populated else (False, each.excited) for each in sticks}
    if (False, True) in there:
        there.add((False, False))
    for kind, text in kinds.items():
        if kind in there:
            style = _style(1, *kind) | {"color": GREY, "markevery": None}
            handles.append(Line2D([], [], label=text, **style))
    if beyond:
        text = f"beyond the scale: {beyond} line{'s' if beyond > 1 else ''} of excited levels"
        handles.append(Line2D([], [], ls="", label=text))
    return handles


def _title(model: Model) -> str:
    lines = [
        f"Emission at {model.spectrum.temperature:g} K, self-energy model: {model.self_energy}",
        sizes(model.molecule),
    ]
    if model.surface_charges:
        every = sum(charge.charge for charge in model.surface_charges)
        lines[1] += f", surface charges: {every:+g} e in all".replace("-", "−")
    return "\n".join(lines)
