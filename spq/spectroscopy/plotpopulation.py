"""Many particles as one figure, laid out as figure 3 of the source paper: groups side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq.errors import InputError
from spq.store import Writer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
"""Colours that stay apart in colour blindness: M. Okabe, K. Ito (2008)."""
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx")
PANELS = {
    "energy": ("zero-phonon line (eV)", "share of light"),
    "spacing": ("distance from the strongest line (meV)", "share of lines"),
    "lines": ("zero-phonon lines of a particle", "share of particles"),
    "long_lifetime": ("long lifetime (ns)", "share of particles"),
    "long_amplitude": ("amplitude of the long component", "share of particles"),
    "polarisation_difference": ("difference of polarisation (degrees)", "share of particles"),
}
"""Panel -> its labels."""


def plot_population(ds: xr.Dataset) -> Figure:
    """Return the figure of many particles, as `population` returns them.

    Bars are shares of a group with the standard errors of drawing particles; diamonds above them its median
    with its 68 % interval. In the panel of polarisation the dotted line is uniform. Raises InputError if it
    is no population, or has more than five groups.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if getattr(ds, "attrs", {}).get("spq_kind") != "population":
        raise InputError("dataset: is no population of particles")
    if ds.sizes["group_name"] > len(COLORS):
        raise InputError(f"dataset: {ds.sizes['group_name']} groups: at most {len(COLORS)} are drawn")
    figure = Figure(figsize=(10.0, 6.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, 3)
    for letter, (name, labels), axes in zip("abcdef", PANELS.items(), panels.flat, strict=True):
        _draw(axes, ds, name)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.set_title(letter, loc="left", fontsize=10, fontweight="bold", pad=3)
    handles = _handles(ds)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    return figure


def population_writer(ds: xr.Dataset) -> dict[str, Writer]:
    """Return the function that writes the figure of a population as PNG."""
    figure = plot_population(ds)
    return {"population.png": lambda path: figure.savefig(path, dpi=200)}


def _draw(axes: Axes, ds: xr.Dataset, name: str) -> None:
    shares, errors = ds[f"{name}_share"].values, ds[f"{name}_share_error"].values
    if not np.isfinite(shares).any():
        axes.text(0.5, 0.5, "not determined", transform=axes.transAxes, ha="center", va="center", color="0.4")
        axes.set_xticks([])
        axes.set_yticks([])
        return
    middle = ds[f"{name}_bin"].values
    step = float(middle[1] - middle[0]) if len(middle) > 1 else 1.0
    groups = len(shares)
    width = 0.86 * step / groups
    for group, (share, error) in enumerate(zip(shares, errors, strict=True)):
        if not np.isfinite(share).any():
            continue
        left = middle + (group - 0.5 * (groups - 1)) * width
        axes.bar(left, share, width, color=COLORS[group], hatch=HATCHES[group], ec="white", lw=0.0)
        seen = (share > 0) & np.isfinite(error)
        axes.errorbar(left[seen], share[seen], error[seen], fmt="none", ecolor="0.25", elinewidth=0.8)
    _draw_medians(axes, ds, name, float(np.nanmax(shares + np.nan_to_num(errors))))
    if name == "polarisation_difference":
        axes.axhline(1.0 / len(middle), color="0.3", lw=0.9, ls=":")
        axes.set_xticks([0, 30, 60, 90])
    if name == "lines":
        axes.set_xticks(middle)


def _draw_medians(axes: Axes, ds: xr.Dataset, name: str, top: float) -> None:
    """Median of every group with its interval, above the bars, and the chance of no difference."""
    table = ds.sel(quantity=name)
    for group in range(ds.sizes["group_name"]):
        value = float(table["median"][group])
        low, high = (float(table[f"median_{end}"][group]) for end in ("low", "high"))
        height = top * (1.08 + 0.08 * group)
        if np.isfinite(value):
            axes.plot(value, height, "D", ms=4, color=COLORS[group])
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [height, height], "-", lw=1.2, color=COLORS[group])
    axes.set_ylim(0.0, top * (1.15 + 0.1 * ds.sizes["group_name"]))
    chances = table["mann_whitney_p"].values
    if len(chances) == 1 and np.isfinite(chances[0]):
        axes.set_title(f"p = {chances[0]:.2g}", loc="right", fontsize=8, pad=3)


def _handles(ds: xr.Dataset) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    names, groups = ds["group_name"].values, ds["group"].values
    found: list[Any] = [
        Patch(fc=COLORS[place], hatch=HATCHES[place], ec="white", label=f"{name} ({(groups == name).sum()})")
        for place, name in enumerate(names)
    ]
    label = "median, 68 % interval"
    return [*found, Line2D([], [], color="0.3", marker="D", ms=4, lw=1.2, label=label)]
