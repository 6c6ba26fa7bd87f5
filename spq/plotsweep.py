"""Sweeps as figures: one panel for each state, energies against a field of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq.checks import holds
from spq.errors import InputError
from spq.store import Writer
from spq.sweepstore import swept

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

UNITS = {
    "core_radius": "nm",
    "shell_thickness": "nm",
    "gradation": "nm",
    "center_distance": "nm",
    "neck_diameter": "nm",
    "linker_diameter": "nm",
    "image_cut": "nm",
    "z": "nm",
    "offset": "nm",
    "conduction_band_offset": "eV",
    "conduction_band": "eV",
    "gap": "eV",
    "charge": "e",
    "phi": "degrees",
    "temperature": "K",
    "electron_mass": "m0",
    "hole_mass": "m0",
}
"""Units of fields, by the last part of their names."""

MARKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("hybridised", {"marker": "o", "mfc": "white"}),
    ("followed", {"marker": "x"}),
)
PANEL, LEGEND = (2.9, 2.3), 2.0  # inches
COLUMNS = 3
COLORS, STYLES = 8, ("-", "--", ":", "-.")  # steps that are drawn of a second and a third axis


def sweep(ds: xr.Dataset, variable: str = "energy_eV", x: str | None = None) -> Figure:
    """Return the figure of a sweep.

    ds: as spq.sweep or spq.load_sweep return it.
    variable: what is drawn, with dimensions of the sweep and `state` at most; x: a field of numbers, by
    default that with the most values. The first other axis has the colours (8 steps at most, evenly chosen),
    the second the line styles (4); the rest stay at their first value, which the title says. Open markers
    are hybridised, crosses not followed. Raises InputError if ds is no sweep, or for a variable or field
    that cannot be drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if not holds(ds, "error"):
        raise InputError("sweep: needs what spq.sweep or spq.load_sweep returns")
    across = _abscissa(ds, x)
    dims = ds["error"].dims
    own = ds[across].dims[0]
    others = [dim for dim in dims if dim != own and ds.sizes[dim] > 1]
    if (
        variable not in ds
        or ds[variable].dtype.kind not in "biuf"
        or not set(ds[variable].dims) <= {*dims, "state"}
    ):
        raise InputError(f"{variable}: is no variable of this sweep over its axes and states alone")
    states = [str(state) for state in ds["state"].values] if "state" in ds[variable].dims else [""]
    kept = ds.isel({dim: 0 for dim in others[2:]})
    columns = 2 if len(states) == 4 else min(COLUMNS, len(states))
    rows = -(-len(states) // columns)
    size = (columns * PANEL[0] + 0.6 + (LEGEND if others else 0.0), rows * PANEL[1] + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for panel, state in zip(panels.ravel(), states, strict=False):
        part = kept.sel(state=state) if state else kept
        _draw(panel, part, variable, across, others[:2])
        if state:
            panel.set_title(state.replace("-", "−"), fontsize=10)
        panel.ticklabel_format(axis="y", useOffset=False)
    for place, panel in enumerate(panels.ravel()):
        panel.tick_params(labelbottom=place + columns >= len(states))
        panel.set_visible(place < len(states))
    figure.supxlabel(labelled(across), fontsize=10)
    figure.supylabel(_name(ds, variable), fontsize=10)
    handles = _handles(ds, others[:2])
    if handles:
        figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8)
    fixed = [f"{dim} = {_value(ds, dim, 0)}" for dim in others[2:]]
    if fixed:
        figure.suptitle(", ".join(fixed), fontsize=9)
    return figure


def sweep_writer(ds: xr.Dataset) -> dict[str, Writer]:
    """Return the function that writes the figure of a sweep as PNG; none where nothing can be drawn."""
    try:
        figure = sweep(ds)
    except InputError:
        return {}
    return {"sweep.png": lambda path: figure.savefig(path, dpi=200)}


def labelled(field: str) -> str:
    """A field with its unit."""
    unit = UNITS.get(field.rsplit(".", 1)[-1])
    return f"{field} ({unit})" if unit else field


def _abscissa(ds: xr.Dataset, x: str | None) -> str:
    numbers = [name for axis in swept(ds) for name in axis if ds[name].dtype.kind in "iuf"]
    if x is not None:
        if x not in numbers:
            raise InputError(f"x = {x}: is no field of numbers of this sweep ({', '.join(numbers)})")
        return x
    if not numbers:
        raise InputError("a sweep over words alone cannot be drawn")
    return max(numbers, key=lambda name: ds[name].size)


def _steps(ds: xr.Dataset, dim: str, most: int) -> list[int]:
    """Steps of an axis that are drawn."""
    return sorted({round(i) for i in np.linspace(0, ds.sizes[dim] - 1, min(most, ds.sizes[dim]))})


def _curves(ds: xr.Dataset, others: list[Any]) -> list[tuple[dict[Any, int], Any, str]]:
    """Place, colour and line style of every curve."""
    from matplotlib import colormaps

    shades = _steps(ds, others[0], COLORS) if others else [0]
    styles = _steps(ds, others[1], len(STYLES)) if len(others) > 1 else [0]
    colors = colormaps["viridis"](np.linspace(0.0, 0.8, len(shades)))
    return [
        (dict(zip(others, (step, other), strict=False)), color, style)
        for step, color in zip(shades, colors, strict=True)
        for other, style in zip(styles, STYLES, strict=False)
    ]


def _draw(panel: Axes, ds: xr.Dataset, variable: str, across: str, others: list[Any]) -> None:
    order = np.argsort(ds[across].values)
    x = ds[across].values[order]
    for where, color, style in _curves(ds, others):
        one = ds.isel(where)
        y = one[variable].values[order]
        panel.plot(x, y, color=color, ls=style, lw=1.2)
        marked = "hybridised" in one and one["hybridised"].dims == one[variable].dims
        hybridised = one["hybridised"].values[order] if marked else np.zeros(len(x), dtype=bool)
        lost = ~one["followed"].values[order] if marked else np.zeros(len(x), dtype=bool)
        for chosen, look in (
            (~hybridised & ~lost, {"marker": "o", "mfc": color}),
            (hybridised & ~lost, {"marker": "o", "mfc": "white"}),
            (lost, {"marker": "x"}),
        ):
            panel.plot(x[chosen], y[chosen], ls="none", color=color, ms=3.5, **look)


def _value(ds: xr.Dataset, dim: Any, step: int) -> str:
    """Values of the fields of an axis at a step."""
    names = next(axis for axis in swept(ds) if ds[axis[0]].dims[0] == dim)
    values = [ds[name].values[step] for name in names]
    return ", ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)


def _handles(ds: xr.Dataset, others: list[Any]) -> list[Any]:
    """Lines of the legend: colours of the first axis, styles of the second, and marks."""
    from matplotlib.lines import Line2D

    found = []
    for axis, dim in enumerate(others):
        names = next(each for each in swept(ds) if ds[each[0]].dims[0] == dim)
        found.append(Line2D([], [], ls="none", label=",\n".join(labelled(name) for name in names)))
        for where, color, style in _curves(ds, others):
            if any(step for other, step in where.items() if other != dim):
                continue
            look: dict[str, Any] = {"color": color, "ls": "-"} if axis == 0 else {"color": "0.3", "ls": style}
            found.append(Line2D([], [], label=_value(ds, dim, where[dim]), **look))
    for flag, look in MARKS:
        if flag in ds and bool((ds[flag] == (flag == "hybridised")).any()):
            text = flag if flag == "hybridised" else "not followed"
            found.append(Line2D([], [], ls="none", color="0.3", ms=4.0, label=text, **look))
    return found


def _name(ds: xr.Dataset, variable: str) -> str:
    about = ds[variable].attrs
    text, unit = about.get("long_name", variable), about.get("units", "1")
    return f"{text} ({unit})" if unit not in ("", "1") else text
