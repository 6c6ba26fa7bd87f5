"""An analysed measurement as one figure: spectra against time, intensity, and what each state is like."""

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

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Colours that stay apart in colour blindness: M. Okabe, K. Ito (2008)."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
SHOWN = 8
"""States that are drawn, those with the most frames."""
LIT = 0.002
"""Share of the light of the sum that may lie beyond each end of the energies that are drawn."""


def analysis(ds: xr.Dataset) -> Figure:
    """Return the figure of a measurement, as `analyse` returns it; raises InputError if it is none.

    At most eight states are drawn, those with the most frames; a state has one colour in all panels.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if ds.attrs.get("spq_kind") != "analysis":
        raise InputError("dataset: is no analysis of a measurement")
    figure = Figure(figsize=(11.0, 8.4), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, 2, width_ratios=(1.55, 1.0))
    left = grid[0].subgridspec(3, 1, height_ratios=(3.0, 0.16, 1.3), hspace=0.0)
    right = grid[1].subgridspec(4, 1)
    order = [int(each) for each in np.argsort(-ds["state_frames"].values, kind="stable")[:SHOWN]]
    colors = {state: COLORS[place] for place, state in enumerate(sorted(order))}
    series = figure.add_subplot(left[0])
    band = figure.add_subplot(left[1], sharex=series)
    rate = figure.add_subplot(left[2], sharex=series)
    _draw_series(series, ds)
    _draw_band(band, ds, colors)
    _draw_rate(rate, ds, colors)
    panels = [figure.add_subplot(right[place]) for place in range(4)]
    for axes, draw in zip(
        panels, (_draw_sums, _draw_decays, _draw_distribution, _draw_polarisation), strict=True
    ):
        draw(axes, ds, colors)
    _letters([series, rate, *panels])
    handles = _handles(ds, colors)
    columns = len(handles) if len(handles) <= 6 else (len(handles) + 1) // 2
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=8)
    return figure


def analysis_writer(ds: xr.Dataset) -> dict[str, Writer]:
    """Return the function that writes the figure of an analysis as PNG."""
    figure = analysis(ds)
    return {"analysis.png": lambda path: figure.savefig(path, dpi=200)}


def _letters(panels: list[Axes]) -> None:
    for letter, axes in zip("abcdef", panels, strict=False):
        axes.set_title(letter, loc="left", fontsize=10, fontweight="bold", pad=3)


def _lit(ds: xr.Dataset) -> tuple[int, int]:
    """First and last pixel + 1 of the energies that hold nearly all light."""
    total = np.nansum(ds["spectrum"].values, axis=0)
    total = np.maximum(total - np.median(total), 0.0)
    if not total.sum() > 0:
        return 0, len(total)
    share = np.cumsum(total) / total.sum()
    first, last = np.searchsorted(share, (LIT, 1.0 - LIT))
    margin = max(4, (last - first) // 15)
    return max(0, int(first) - margin), min(len(total), int(last) + margin)


def _draw_series(axes: Axes, ds: xr.Dataset) -> None:
    first, last = _lit(ds)
    start, energy = ds["start"].values, ds["energy"].values[first:last]
    image = ds["spectrum"].values[:, first:last]
    top = np.nanpercentile(image, 99.7) if np.isfinite(image).any() else 1.0
    ends = np.append(start, start[-1] + float(ds["exposure"]))
    step = np.gradient(energy)
    borders = np.append(energy - 0.5 * step, energy[-1] + 0.5 * step[-1])
    drawn = axes.pcolormesh(
        ends, borders, image.T, cmap="magma", vmin=0.0, vmax=max(top, 1e-9), rasterized=True
    )
    if "track" in ds:
        for emitter in range(ds.sizes["emitter"]):
            axes.plot(start + 0.5 * float(ds["exposure"]), ds["track"].values[:, emitter], "w.", ms=1.2)
    if "jump_coincident" in ds and ds["jump_coincident"].values.any():
        at = start[ds["jump_frame"].values[ds["jump_coincident"].values]]
        top = axes.get_xaxis_transform()
        axes.plot(at, np.full(len(at), 0.985), "v", color="w", mec="k", mew=0.4, ms=4, transform=top)
    axes.set_xlim(start[0], ends[-1])
    axes.set_ylabel("energy (eV)")
    axes.tick_params(labelbottom=False)
    axes.figure.colorbar(drawn, ax=axes, pad=0.01, fraction=0.04, label="photons per pixel and frame")


def _draw_band(axes: Axes, ds: xr.Dataset, colors: dict[int, str]) -> None:
    start, exposure, states = ds["start"].values, float(ds["exposure"]), ds["state"].values
    for state, color in colors.items():
        of = np.flatnonzero(states == state)
        axes.broken_barh([(start[each], exposure * 1.02) for each in of], (0.0, 1.0), color=color, lw=0)
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([])
    axes.set_ylabel("state", rotation=0, ha="right", va="center", fontsize=8)
    axes.tick_params(labelbottom=False, length=0)


def _draw_rate(axes: Axes, ds: xr.Dataset, colors: dict[int, str]) -> None:
    middle = ds["start"].values + 0.5 * float(ds["exposure"])
    rate = 1e-3 * ds["rate"].values
    axes.plot(middle, rate, color="0.7", lw=0.6, zorder=1)
    for state, color in colors.items():
        of = ds["state"].values == state
        axes.plot(middle[of], rate[of], ".", color=color, ms=2.5, zorder=2)
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("counts per ms")


def _draw_sums(axes: Axes, ds: xr.Dataset, colors: dict[int, str]) -> None:
    first, last = _lit(ds)
    energy = ds["energy"].values[first:last]
    for state, color in colors.items():
        of = int(ds["state_frames"][state])
        if of:
            axes.step(
                energy, ds["state_spectrum"].values[state, first:last] / of, where="mid", color=color, lw=0.8
            )
            if "state_fit" in ds:
                axes.plot(
                    energy, ds["state_fit"].values[state, first:last] / of, color=color, lw=0.8, ls="--"
                )
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("photons per frame")


def _draw_decays(axes: Axes, ds: xr.Dataset, colors: dict[int, str]) -> None:
    axes.set_xlabel("time after the pulse (ns)")
    axes.set_ylabel("photons per ns")
    if "decay" not in ds or not ds["decay"].values.any():
        _empty(axes)
        return
    begin, end = ds["bin_start"].values, ds["bin_end"].values
    width, middle = end - begin, 0.5 * (begin + end)
    pulse = middle[np.argmax(ds["decay"].values.sum(axis=0) / width)]
    for state, color in colors.items():
        axes.plot(middle - pulse, ds["decay"].values[state] / width, ".", ms=1.8, color=color)
        axes.plot(middle - pulse, ds["decay_fit"].values[state] / width, "-", lw=0.9, color=color)
    axes.set_yscale("log")
    axes.set_xscale("symlog", linthresh=10.0)
    axes.set_xlim(-1.0, end[-1] - pulse)
    peak = (ds["decay"].values / width).max(initial=1.0)
    axes.set_ylim(max(peak * 1e-5, 1e-2), 2.0 * peak)


def _draw_distribution(axes: Axes, ds: xr.Dataset, colors: dict[int, str]) -> None:
    axes.set_xlabel("effective lifetime (ns)")
    axes.set_ylabel("counts per ms")
    if "flid" not in ds:
        _empty(axes)
        return
    time = ds["flid"].values
    axes.pcolormesh(
        ds["flid_lifetime"].values,
        1e-3 * ds["flid_rate"].values,
        time,
        cmap="Greys",
        shading="nearest",
        rasterized=True,
    )
    for state, color in colors.items():
        of = (ds["state"].values == state) & np.isfinite(ds["frame_lifetime"].values)
        if of.any():
            mean = np.average(ds["frame_lifetime"].values[of])
            axes.plot(mean, 1e-3 * float(ds["state_rate"][state]), "o", mec=color, mfc="none", mew=1.4, ms=8)


def _draw_polarisation(axes: Axes, ds: xr.Dataset, colors: dict[int, str]) -> None:
    axes.set_xlabel("angle of the half-wave plate (degrees)")
    axes.set_ylabel(r"$(I_V - I_H)/(I_V + I_H)$")
    if "contrast" not in ds or not np.isfinite(ds["contrast"].values).any():
        _empty(axes)
        return
    angles = ds["plate_angle"].values
    fine = np.linspace(angles.min(), angles.max(), 200)
    for place, (state, color) in enumerate(colors.items()):
        axes.errorbar(
            angles,
            ds["contrast"].values[state],
            ds["contrast_error"].values[state],
            fmt=MARKERS[place],
            ms=3.0,
            lw=0.7,
            color=color,
        )
        p, phi = float(ds["polarisation"][state]), float(ds["polarisation_angle"][state])
        axes.plot(fine, p * np.cos(np.radians(4.0 * fine - 2.0 * phi)), color=color, lw=0.9)
    axes.set_ylim(-1.0, 1.0)


def _empty(axes: Axes) -> None:
    axes.text(0.5, 0.5, "not determined", transform=axes.transAxes, ha="center", va="center", color="0.4")


def _handles(ds: xr.Dataset, colors: dict[int, str]) -> list[Any]:
    from matplotlib.lines import Line2D

    found = []
    for place, (state, color) in enumerate(colors.items()):
        frames = int(ds["state_frames"][state])
        label = f"state {state + 1} ({frames} frames)"
        found.append(Line2D([], [], color=color, marker=MARKERS[place], ms=4, label=label))
    if "jump_coincident" in ds and ds["jump_coincident"].values.any():
        style: dict[str, Any] = {"color": "w", "marker": "v", "mec": "k", "mew": 0.6, "ms": 5, "ls": "none"}
        found.append(Line2D([], [], label="simultaneous jump (a)", **style))
    return found
