"""An assignment as one figure: tracks with lettered jumps, drawn dimers, places of charges, chances of
moves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from spq.errors import InputError
from spq.store import Writer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray

DOTS = ("#0072B2", "#D55E00")
"""Colours of dot 1 and dot 2 that stay apart in colour blindness: M. Okabe, K. Ito (2008)."""
POSITIVE, NEGATIVE = "#CC79A7", "#009E73"
SHOWN_JUMPS = 14
MOVES = 3
SHADES = ("0.25", "0.6", "0.85")
TITLES = (
    "tracks, mean energies, and jumps (grey letter: undecided)",
    "likeliest charges of the dots and on their surface (grey: dark)",
    "where charges sit",
    "what each jump was",
)
PLACES = {"dot 1": -1.0, "dot 2": 1.0, "neck": 0.0}


def letter(number: int) -> str:
    """The letter of a jump, from 0: a to z, then a1, b1, ..."""
    turn, place = divmod(number, 26)
    return chr(ord("a") + place) + (str(turn) if turn else "")


def assignment(ds: xr.Dataset) -> Figure:
    """Return the figure of an assignment, as `assign` returns it; raises InputError if it is none.

    Of more than 14 jumps the first 14 have bars.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if ds.attrs.get("spq_kind") != "assignment":
        raise InputError("dataset: is no assignment")
    bars = min(ds.sizes["jump"], SHOWN_JUMPS)
    figure = Figure(figsize=(11.0, 5.2 + 0.42 * max(bars, 2)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(4, 1, height_ratios=(2.2, 0.9, 1.4, 0.5 * max(bars, 2)))
    track = figure.add_subplot(grid[0])
    states = figure.add_subplot(grid[1], sharex=track)
    places = figure.add_subplot(grid[2], sharex=track)
    _draw_tracks(track, ds)
    _draw_states(states, ds)
    _draw_places(places, ds)
    chances = figure.add_subplot(grid[3])
    _draw_chances(chances, ds, bars)
    for name, axes in zip(TITLES, (track, states, places, chances), strict=True):
        axes.set_title(name, loc="left", fontsize=9, pad=12 if axes is track else 4)
    return figure


def assignment_writer(ds: xr.Dataset) -> dict[str, Writer]:
    """Return the function that writes the figure of an assignment as PNG."""
    figure = assignment(ds)
    return {"assignment.png": lambda path: figure.savefig(path, dpi=200)}


def _end(ds: xr.Dataset) -> float:
    if "frame_start" in ds and ds.sizes["frame"] > 1:
        start = ds["frame_start"].values
        return float(2.0 * start[-1] - start[-2])
    return float(ds["stretch_begin"].values[-1]) + 10.0


def _draw_tracks(axes: Axes, ds: xr.Dataset) -> None:
    begins = np.append(ds["stretch_begin"].values, _end(ds))
    for dot, color in enumerate(DOTS):
        if "track" in ds:
            axes.plot(
                ds["frame_start"].values,
                ds["track"].values[:, dot],
                ".",
                ms=2.5,
                color=color,
                label=f"dot {dot + 1}",
            )
        axes.hlines(ds["level"].values[:, dot], begins[:-1], begins[1:], color=color, lw=1.0)
    for k, time in enumerate(ds["jump_time"].values):
        axes.axvline(time, color="0.5", lw=0.6, ls=":")
        undecided = str(ds["verdict"].values[k]) == "undecided"
        axes.annotate(
            letter(k), (time, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=9,
            color="0.5" if undecided else "black",
        )  # fmt: skip
    axes.set_ylabel("energy (eV)")
    axes.tick_params(labelbottom=False)
    axes.set_xlim(begins[0], begins[-1])
    if "track" in ds:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8, markerscale=3)


def _draw_states(axes: Axes, ds: xr.Dataset) -> None:
    """Each stretch of the likeliest path as a dimer with its charges."""
    from matplotlib.patches import Ellipse

    begins = np.append(ds["stretch_begin"].values, _end(ds))
    width = begins[-1] - begins[0]
    axes.set_ylim(-1.5, 1.5)
    axes.set_xlim(begins[0], begins[-1])
    for k, text in enumerate(ds["path"].values):
        middle, room = 0.5 * (begins[k] + begins[k + 1]), begins[k + 1] - begins[k]
        charges = [int(each) for each in re.findall(r"dot \d: ([+-]\d)", str(text))]
        size = 0.013 * width
        if room < 1.5 * size:
            continue
        for i, charge in enumerate(charges):
            place = 0.62 * (2 * i - 1)
            dark = float(ds["quenched_probability"][k, i]) > 0.5
            axes.add_patch(
                Ellipse((middle, place), 1.6 * size, 1.35, fc="0.75" if dark else "white", ec=DOTS[i], lw=1.4)
            )
            axes.text(
                middle,
                place,
                f"{charge:+d}".replace("-", "−") if charge else "0",
                ha="center",
                va="center",
                fontsize=7,
            )
        taken: dict[str, int] = {}
        for sign, where in re.findall(r"([+-]) on the (?:surface of )?(dot \d|neck)", str(text)):
            beside = taken[where] = taken.get(where, 0) + 1
            color = POSITIVE if sign == "+" else NEGATIVE
            axes.text(
                middle + size * (1.2 if beside == 1 else -1.2), 0.62 * PLACES[where], sign.replace("-", "−"),
                color=color, fontsize=11, fontweight="bold", ha="center", va="center",
            )  # fmt: skip
    axes.set_yticks([-0.62, 0.62], ["dot 1", "dot 2"], fontsize=8)
    axes.tick_params(labelbottom=False, length=0)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.text(
        1.005, 0.5, f"path as a whole:\n{float(ds['path_probability']):.2f}", transform=axes.transAxes,
        fontsize=8, va="center",
    )  # fmt: skip


def _draw_places(axes: Axes, ds: xr.Dataset) -> None:
    """Mean charge at every site of the surface against time."""
    z = ds["site_z"].values
    middle = 0.5 * (z[1:] + z[:-1])
    borders = np.concatenate([[2 * z[0] - middle[0]], middle, [2 * z[-1] - middle[-1]]])
    begins = np.append(ds["stretch_begin"].values, _end(ds))
    charge = ds["surface_probability"].values[:, 0] - ds["surface_probability"].values[:, 1]
    top = max(float(np.abs(charge).max()), 0.05)
    drawn = axes.pcolormesh(begins, borders, charge.T, cmap="PuOr_r", vmin=-top, vmax=top, rasterized=True)
    axes.set_xlabel("time (s)")
    axes.set_ylabel("z on the surface (nm)")
    bar = axes.inset_axes((1.01, 0.0, 0.012, 1.0))
    axes.figure.colorbar(drawn, cax=bar, label="mean charge (e)")


def _draw_chances(axes: Axes, ds: xr.Dataset, bars: int) -> None:
    """The likeliest moves of every jump as bars, with their names."""
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(bars - 0.5, -0.6)
    for k in range(bars):
        left = 0.0
        for rank in range(min(MOVES, ds.sizes["rank"])):
            chance = float(ds["probability"][k, rank])
            if not chance > 0:
                continue
            axes.barh(k - 0.22, chance, 0.3, left=left, color=SHADES[rank], lw=0)
            left += chance
        axes.text(0.004, k + 0.26, _sentence(ds, k), fontsize=7.5, va="center")
    axes.axvline(0.8, color="0.5", lw=0.8, ls="--", zorder=0)
    axes.set_yticks(range(bars), [letter(k) for k in range(bars)])
    axes.set_xlabel("posterior of the three likeliest moves (dashed: 0.8, from which on a jump is called)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _sentence(ds: xr.Dataset, k: int) -> str:
    first = f"{ds['move'].values[k, 0]} ({float(ds['probability'][k, 0]):.2f})"
    second = str(ds["move"].values[k, 1])
    if second and float(ds["probability"][k, 1]) > 0.05:
        first += f"; {second} ({float(ds['probability'][k, 1]):.2f})"
    if "decided_by" in ds:
        first += f"  –  by {ds['decided_by'].values[k]}"
    return first
