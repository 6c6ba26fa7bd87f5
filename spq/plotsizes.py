"""Figures of many molecules: the posterior of a deduction, and the spread of an ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq import inputfile
from spq.checks import holds
from spq.errors import InputError
from spq.geometry import Array
from spq.priors import Prior
from spq.sketch import COLORS, sizes
from spq.store import Writer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = 1.9  # inches, of one panel of a corner plot
LEFT, TOP, RIGHT = 1.3, 0.95, 0.2  # inches around the panels
INSIDE = (0.5, 99.5)  # per cent of the samples within the scale, with a margin
MARGIN = 0.15
WHOLE = 0.4  # share of the prior's range, from which on all of it is shown
SHARES = (0.393, 0.865)  # of the samples within the contours: 1 and 2 sigma of a normal in two dimensions
GREY = "#777777"
BLUE, ORANGE = COLORS[1], COLORS[2]


def corner(ds: xr.Dataset) -> Figure:
    """Return the corner plot of a deduction.

    ds: as spq.deduce or spq.load_deduction return it. Raises InputError if it is something else.
    Histograms of every parameter and contours of every pair (39 and 87 % of the samples, 1 and 2 sigma of a
    normal). Dashed grey: the prior and, where they are within the scale, its ends; orange: the best fit.
    Above each column: median and central 68 % interval.
    """
    if not holds(ds, "samples"):
        raise InputError("corner: needs what spq.deduce or spq.load_deduction returns")
    import corner as library
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    samples = ds["samples"].transpose("sample", "parameter").values
    count = samples.shape[1]
    side = PANEL * max(count, 2) + LEFT + RIGHT
    wide, high = (side - LEFT - RIGHT) / count, (side - LEFT - TOP) / count
    figure = Figure(figsize=(side, side))
    FigureCanvasAgg(figure)
    limits = [_limits(ds.isel(parameter=i), samples[:, i]) for i in range(count)]
    names = [
        label(str(name), str(ds["parameter_unit"].values[i])) for i, name in enumerate(ds["parameter"].values)
    ]
    library.corner(
        samples,
        bins=30,
        range=limits,
        labels=names,
        label_kwargs={"fontsize": 10},
        color=BLUE,
        levels=SHARES,
        smooth=1.0,
        plot_datapoints=len(samples) < 1000,
        fill_contours=True,
        max_n_ticks=4,
        hist_kwargs={"density": True, "lw": 1.3},
        fig=figure,
    )
    panels = np.array(figure.axes).reshape(count, count)
    for i in range(count):
        _draw_prior(panels[i, i], ds.isel(parameter=i), limits[i])
        panels[i, i].set_title(_interval(ds.isel(parameter=i)), fontsize=10)
        for j in range(i + 1):
            _mark(panels[i, j], ds, j, i)
    for axis in (*(row[0].yaxis for row in panels[1:]), *(panel.xaxis for panel in panels[-1])):
        axis.set_label_coords(*((-0.8 / wide, 0.5) if axis.axis_name == "y" else (0.5, -0.65 / high)))
    edges = {"left": LEFT, "bottom": LEFT, "right": side - RIGHT, "top": side - TOP}
    figure.subplots_adjust(**{name: edge / side for name, edge in edges.items()})
    _head(figure, ds, side)
    return figure


def corner_writer(ds: xr.Dataset) -> dict[str, Writer]:
    """Return the function that writes the corner plot of a deduction as PNG, for spq.store.write_files."""
    return {"deduction.png": lambda path: corner(ds).savefig(path, dpi=200)}


def label(name: str, unit: str) -> str:
    """A field as the label of a scale: what it is, in two lines where it is of a dot."""
    table, _, key = name.partition(".")
    what = key.rsplit(".", 1)[-1].replace("_", " ")
    inside = key.rpartition(".")[0]
    dot = table.removeprefix("dots").strip("[]")
    if table.startswith("dots"):
        what += f",\ndot {dot}" if dot else ",\nall dots"
    elif inside:
        what += f",\n{inside}"
    return f"{what} ({unit})" if unit else what


def _limits(one: xr.Dataset, samples: Array) -> tuple[float, float]:
    """Ends of the scale of a parameter: all of the prior's range where the samples fill much of it."""
    low, high = np.percentile(samples, INSIDE)
    prior = float(one["prior_low"]), float(one["prior_high"])
    if high - low > WHOLE * (prior[1] - prior[0]):
        margin = 0.04 * (prior[1] - prior[0])
        return prior[0] - margin, prior[1] + margin
    best = float(one["best"])
    low, high = min(low, best), max(high, best)
    margin = MARGIN * (high - low)
    return low - margin, high + margin


def _draw_prior(axes: Axes, one: xr.Dataset, limits: tuple[float, float]) -> None:
    normal = [float(one[name]) for name in ("prior_mean", "prior_sigma")]
    mean, sigma = (None if np.isnan(value) else value for value in normal)
    prior = Prior(float(one["prior_low"]), float(one["prior_high"]), mean, sigma)
    x = np.linspace(*limits, 400)
    axes.plot(x, np.exp(prior.log_density(x)), color=GREY, lw=1.0, ls="--")


def _mark(axes: Axes, ds: xr.Dataset, across: int, up: int) -> None:
    """Lines through the best fit and at the ends of the priors in the panel of two parameters, or of one."""
    prior: dict[str, Any] = {"color": GREY, "lw": 0.9, "ls": "--"}
    styles = {"prior_low": prior, "prior_high": prior, "best": {"color": ORANGE, "lw": 1.4}}
    for name, style in styles.items():
        values = ds[name].values
        if across != up:
            axes.axhline(values[up], **style)
        if across != up or name == "best":
            axes.axvline(values[across], **style)
    if across != up:
        axes.plot(*ds["best"].values[[across, up]], "s", color=ORANGE, ms=4.5)


def _interval(one: xr.Dataset) -> str:
    """Median and distances to the ends of the interval, to two digits of the smaller one."""
    median, (low, high) = float(one["median"]), one["interval"].values
    up, down = float(high) - median, median - float(low)
    digits = int(np.clip(1 - np.floor(np.log10(max(min(up, down), 1e-9))), 0, 6))
    return f"${median:.{digits}f}^{{+{up:.{digits}f}}}_{{-{down:.{digits}f}}}$"


def _head(figure: Figure, ds: xr.Dataset, side: float) -> None:
    """Title, and what was measured and is predicted at the best fit in the empty corner."""
    title = f"Posterior, self-energy model: {ds.attrs['self_energy']}\nbest fit: χ² = {ds.attrs['chi2']:.2f}"
    figure.suptitle(title, fontsize=11, x=0.5, y=1.0 - 0.12 / side, va="top")
    if ds.sizes["parameter"] < 3:
        return
    lines = []
    for name in ds["quantity"].values:
        one = ds.sel(quantity=name)
        unit = str(one["quantity_unit"].values)
        form = ".4f" if unit == "eV" else ".2f"
        numbers = f"{float(one['measured']):{form}} ± {float(one['error']):{form}} {unit}"
        best = f"best fit {float(one['best_predicted']):{form}}"
        lines.append(f"{name}:  {numbers}, {best}".replace("-", "−"))
    lines += ["", "orange: best fit; dashed: prior"]
    at = (1.0 - RIGHT / side, 1.0 - TOP / side)
    figure.text(*at, "\n".join(lines), fontsize=9, linespacing=1.5, ha="right", va="top")


def ensemble(ds: xr.Dataset) -> Figure:
    """Return the histograms of an ensemble.

    ds: as spq.ensemble returns it. Raises InputError if it is something else.
    Emission energies, spacings, trion shifts and splittings, with median and 16 to 84 % in the legends.
    Left out are values that failed or are not followed.
    """
    if not holds(ds, "trion_shift_meV"):
        raise InputError("ensemble: needs what spq.ensemble returns")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    followed = ds["followed"]
    by_dot = {f"dot {dot}": (f"X@{dot}", f"X-@{dot}", dot) for dot in ds["dot"].values}
    zpl, trion, spacing = {}, {}, {}
    for name, (exciton, charged, dot) in by_dot.items():
        good = followed.sel(state=exciton)
        zpl[name] = ds["zpl_eV"].sel(dot=dot).where(good)
        trion[name] = ds["trion_shift_meV"].sel(dot=dot).where(good & followed.sel(state=charged))
        if dot > 1:
            both = good & followed.sel(state="X@1")
            spacing[f"dot {dot} − dot 1"] = ds["spacing_meV"].sel(later=dot).where(both)
    splitting = {str(kind) + "s": ds["splitting_meV"].sel(kind=kind) for kind in ds["kind"].values}
    panels = [
        ("zero-phonon line (eV)", zpl, ".3f"),
        ("spacing of the lines (meV)", spacing, ".1f"),
        ("trion shift, X− less X (meV)", trion, ".1f"),
        ("splitting of the lowest levels (meV)", splitting, ".1f"),
    ]
    shown = [panel for panel in panels if any(np.isfinite(each).any() for each in panel[1].values())]
    figure = Figure(figsize=(9.0, 1.0 + 3.1 * ((len(shown) + 1) // 2)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots((len(shown) + 1) // 2, 2, squeeze=False).ravel()
    for axes, (what, groups, form) in zip(grid, shown, strict=False):
        finite = {name: each.values[np.isfinite(each.values)] for name, each in groups.items()}
        _histograms(axes, finite, form)
        axes.set_xlabel(what)
        axes.set_ylabel("molecules")
    for axes in grid[len(shown) :]:
        axes.set_axis_off()
    hybrid = int(ds["hybridised"].any("state").sum())
    model = inputfile.loads(ds.attrs["input"])
    figure.suptitle(
        f"Ensemble of {ds.sizes['sample']} molecules, {hybrid} of them with a hybridised state\n"
        f"about a {sizes(model.molecule)}; self-energy model: {model.self_energy}",
        fontsize=11,
    )
    return figure


def _histograms(axes: Axes, groups: dict[str, Array], form: str) -> None:
    """Histograms over one scale, each outlined in its colour, with median and 16 to 84 % in the legend."""
    every = np.concatenate(list(groups.values()))
    edges = np.histogram_bin_edges(every, bins=min(30, max(8, int(np.sqrt(len(every)))))).tolist()
    styles = [("-", 0.25), ("--", 0.2), ((0, (1, 1)), 0.15)]
    for number, (name, values) in enumerate(groups.items()):
        if not len(values):
            continue
        color = COLORS[1 + number % (len(COLORS) - 1)]
        low, middle, high = np.percentile(values, [16, 50, 84])
        text = f"{name}: {middle:{form}} ({low:{form}} to {high:{form}})".replace("-", "−")
        line, alpha = styles[number % len(styles)]
        axes.hist(values, edges, histtype="stepfilled", color=color, alpha=alpha)
        axes.hist(values, edges, histtype="step", color=color, lw=1.4, ls=line, label=text)
    axes.set_ylim(0.0, axes.get_ylim()[1] * (1.1 + 0.11 * len(groups)))
    axes.legend(
        fontsize=8.5, frameon=False, loc="upper left", title="median (16 to 84 %)", title_fontsize=8.5
    )
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.locator_params(axis="y", integer=True)
