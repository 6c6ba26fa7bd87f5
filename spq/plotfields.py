"""Figures of fields: densities in a plane, lines through a molecule, and single-carrier levels.

What is drawn comes from spq.sections (densities), spq.line_cut (lines) and spq.levels (levels).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq import inputfile
from spq.checks import holds
from spq.columns import PLANES
from spq.errors import InputError
from spq.places import in_molecule
from spq.single_particle import Levels
from spq.sketch import COLORS
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from spq.geometry import Molecule

KINDS = {"e": ("electron", "#0072b2", "Blues"), "h": ("hole", "#d55e00", "Oranges")}
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)))
DOTTED = ((0, (1, 1)), (0, (1, 2.5)), (0, (4, 1.5, 1, 1.5)))
DOTS = (*COLORS[1:], COLORS[0])
TALL = 4.6  # inches, the longest side of a density


def density(ds: xr.Dataset) -> Figure:
    """Return the figure of the densities of a section: a panel for each orbital, on one scale for each kind.

    ds: of spq.sections with a state. Solid circles are cores, the line around is the nanocrystal's surface,
    dots mark surface charges in the plane (red +, blue −). Raises InputError if ds holds no densities in a
    plane.
    """
    if not holds(ds, "density") or ds.attrs.get("plane") not in PLANES:
        raise InputError("density: needs spq.sections(model, state), a plane with the densities of a state")
    model = inputfile.loads(ds.attrs["input"])
    first, second = ds.attrs["plane"]
    x, z = ds[first].values, ds[second].values
    names = [str(name) for name in ds["carrier"].values]
    wide, high = float(np.ptp(x)), float(np.ptp(z))
    scale = TALL / max(wide, high)
    size = (len(names) * (wide * scale + 1.15) + 0.4, high * scale + 1.25)
    drawn = _figure(size)
    panels = drawn.subplots(1, len(names), squeeze=False, sharey=True)[0]
    for panel, name in zip(panels, names, strict=True):
        values = ds["density"].sel(carrier=name).transpose(second, first).values
        text, _, colors = KINDS[name[0]]
        alike = [each for each in names if each[0] == name[0]]
        most = float(ds["density"].sel(carrier=alike).max())
        image = panel.pcolormesh(x, z, values, cmap=colors, vmin=0.0, vmax=most or 1.0, shading="gouraud")
        _outline(panel, model.molecule, ds, first, second)
        _charges(panel, model, ds, first, second)
        count = int(ds["carrier_count"].sel(carrier=name))
        number = f" (2 {text}s)" if count == 2 else ""
        panel.set_title(f"{text} {name}{number}", fontsize=10)
        panel.set_xlabel(f"{first} (nm)")
        panel.set_aspect("equal")
        drawn.colorbar(image, ax=panel, label="density (1/nm³)" if name == names[-1] else None, shrink=0.8)
    panels[0].set_ylabel(f"{second} (nm)")
    drawn.suptitle(_title(ds, "Densities"), fontsize=11)
    return drawn


def line_cut(ds: xr.Dataset) -> Figure:
    """Return the figure of a line through a molecule: band edges, Σ and potentials above, densities below.

    ds: of spq.line_cut. Energies are those of an electron up and of a hole up, from the CdSe edges, in meV;
    grey bands are cores and shells. Raises InputError if ds holds no line.
    """
    if not holds(ds, "z") or ds.attrs.get("plane") != "z":
        raise InputError("line_cut: needs what spq.line_cut(model, state) returns")
    molecule = inputfile.loads(ds.attrs["input"]).molecule
    rows = 3 if "density" in ds else 1 + ("potential_eV" in ds)
    drawn = _figure((7.6, 2.3 * rows + 0.7))
    panels = drawn.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for panel in panels:
        _bands(panel, molecule, ds)
        panel.grid(True, color="#e6e6e6", lw=0.6)
        panel.set_axisbelow(True)
    _draw_edges(panels[0], ds)
    if "self_energy_eV" in ds:
        _draw_self_energy(panels[0], ds)
    if rows > 1:
        _draw_potentials(panels[1], ds)
    if rows == 3:
        for name, style in _carrier_styles(ds):
            panels[2].plot(ds["z"].values, ds["density"].sel(carrier=name).values, label=name, **style)
        panels[2].set_ylabel("density (1/nm³)")
        panels[2].set_ylim(bottom=0.0)
    for panel in panels:
        if panel.get_legend_handles_labels()[0]:
            panel.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)
    panels[-1].set_xlabel("z along the long axis (nm)")
    panels[-1].set_xlim(float(ds["z"][0]), float(ds["z"][-1]))
    drawn.suptitle(_title(ds, "Along the axis, fields"), fontsize=11)
    return drawn


def _draw_edges(panel: Axes, ds: xr.Dataset) -> None:
    """Band edges, electrons and holes up."""
    for kind in ds["kind"].values:
        text, color, _ = KINDS[str(kind)]
        values = MEV_PER_EV * ds["confinement_eV"].sel(kind=kind).values
        dashes = DASHES[0] if kind == "e" else DASHES[1]
        panel.plot(ds["z"].values, values, color=color, lw=1.6, ls=dashes, label=f"{text}: band edge")
    panel.set_ylabel("energy (meV)")


def _draw_self_energy(panel: Axes, ds: xr.Dataset) -> None:
    """Σ, of the model `density` in each carrier's colour; the scale leaves out where it diverges."""
    each = ds["self_energy_eV"]
    lines: list[tuple[str, Any, dict[str, Any]]] = [("Σ (image)", each, {"color": COLORS[3], "ls": "-"})]
    if "carrier" in each.dims:
        # dotted, for the band edges have the same colours
        lines = [
            (f"Σ of {name}", each.sel(carrier=name), {"color": style["color"], "ls": DOTTED[number % 3]})
            for number, (name, style) in enumerate(_carrier_styles(ds))
        ]
    for label, part, style in lines:
        panel.plot(ds["z"].values, MEV_PER_EV * part.values, lw=1.4, label=label, **style)
    inside = MEV_PER_EV * each.values
    finite = inside[np.isfinite(inside)]
    if finite.size:  # the image diverges at the wall
        highest = MEV_PER_EV * float(np.nanmax(ds["confinement_eV"]))
        panel.set_ylim(min(-20.0, float(finite.min())), 1.15 * max(highest, 2 * float(np.median(finite))))


def _draw_potentials(panel: Axes, ds: xr.Dataset) -> None:
    """Potentials of charges and field, and of each carrier, on a charge +e."""
    z = ds["z"].values
    if "potential_eV" in ds:
        values = ds["potential_eV"].values
        finite = np.where(np.isfinite(values), MEV_PER_EV * values, np.nan)
        panel.plot(z, finite, color="#000000", lw=1.4, label="Φ of charges, on +e")
    for name, style in _carrier_styles(ds):
        values = MEV_PER_EV * ds["carrier_potential_eV"].sel(carrier=name).values
        panel.plot(z, values, label=f"V[ρ] of {name}, on +e", **style)
    panel.set_ylabel("potential (meV)")


def _carrier_styles(ds: xr.Dataset) -> list[tuple[str, dict[str, Any]]]:
    """Each carrier and its line: the colour of its kind, the dashes of its number."""
    names = [str(name) for name in ds["carrier"].values] if "carrier" in ds.coords else []
    styles = [{"color": KINDS[name[0]][1], "ls": DASHES[i % 4], "lw": 1.4} for i, name in enumerate(names)]
    return list(zip(names, styles, strict=True))


def levels(found: Levels, title: str = "") -> Figure:
    """Return the diagram of single-carrier levels, electrons above and holes below, a column for each |m|.

    found: of spq.levels, energies in meV. title: of the figure, none unless given. The length of a line is
    divided among the dots by their population, in the dots' colours. Raises InputError if found is something
    else.
    """
    if not isinstance(found, Levels):
        raise InputError("levels: needs what spq.levels returns")
    everything = [*found.electron, *found.hole]
    dots = len(everything[0].dots)
    columns = sorted({-1 if level.m is None else level.m for level in everything})
    drawn = _figure((1.7 + 1.25 * len(columns) + 1.6, 6.2))
    above, below = drawn.subplots(2, 1, sharex=True)
    for panel, kind, part, sign in ((above, "e", found.electron, 1.0), (below, "h", found.hole, -1.0)):
        for level in part:
            middle = columns.index(-1 if level.m is None else level.m)
            ends = middle - 0.4 + 0.8 * np.concatenate([[0.0], np.cumsum(level.dots) / sum(level.dots)])
            for dot in range(dots):
                panel.plot(
                    ends[dot : dot + 2],
                    [level.energy_meV] * 2,
                    color=DOTS[dot % len(DOTS)],
                    lw=2.2,
                    solid_capstyle="butt",
                )
        panel.set_ylabel(f"{KINDS[kind][0]} energy (meV)")
        panel.grid(True, axis="y", color="#e6e6e6", lw=0.6)
        panel.set_axisbelow(True)
        if sign < 0:
            panel.invert_yaxis()
        splitting = found.splitting_meV[KINDS[kind][0]]
        if splitting is not None:
            panel.set_title(
                f"{KINDS[kind][0]}: second − first level {splitting:.2f} meV", fontsize=9, loc="left"
            )
    below.set_xticks(range(len(columns)), ["all" if m < 0 else f"|m| = {m}" for m in columns])
    below.set_xlim(-0.6, len(columns) - 0.4)
    handles = [_line(DOTS[dot % len(DOTS)], f"share of dot {dot + 1}") for dot in range(dots)]
    above.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=9)
    drawn.suptitle(title or "Single-carrier levels, from the CdSe band edges", fontsize=11)
    return drawn


def _line(color: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=color, lw=2.2, label=label)


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _title(ds: xr.Dataset, what: str) -> str:
    state = ds.attrs["state"]
    return f"{what} of {state or 'the molecule'}, self-energy model: {ds.attrs['self_energy']}"


def _outline(panel: Axes, molecule: Molecule, ds: xr.Dataset, first: str, second: str) -> None:
    """Lines where the plane cuts cores and the nanocrystal's surface."""
    places = np.stack([ds[f"{letter}_nm"].transpose(second, first).values for letter in "xyz"], axis=-1)
    x, z = ds[first].values, ds[second].values
    outside = molecule.distance_outside(places)
    panel.contour(x, z, outside, levels=[0.0], colors="#444444", linewidths=1.0)
    core = (np.linalg.norm(places[..., None, :] - molecule.centers, axis=-1) - molecule.core_radii).min(
        axis=-1
    )
    if (core < 0).any():
        panel.contour(x, z, core, levels=[0.0], colors="#444444", linewidths=0.8, linestyles="--")


def _charges(panel: Axes, model: Any, ds: xr.Dataset, first: str, second: str) -> None:
    """Surface charges within 0.1 nm of the plane."""
    letters = "xyz"
    normal = ({0, 1, 2} - {letters.index(first), letters.index(second)}).pop()
    for charge in model.surface_charges:
        (place,) = in_molecule(model.molecule, charge.resolve(model.molecule)[None])
        if abs(place[normal] - float(ds.attrs["offset_nm"])) < 0.1:
            color = "#cc0000" if charge.charge > 0 else "#0000cc"
            at = (place[letters.index(first)], place[letters.index(second)])
            panel.plot(*at, "o", ms=9, color=color, clip_on=False, zorder=5)
            sign = "+" if charge.charge > 0 else "−"
            panel.text(*at, sign, color="white", ha="center", va="center", fontsize=9, zorder=6)


def _bands(panel: Axes, molecule: Molecule, ds: xr.Dataset) -> None:
    """Grey bands where the line runs through shells and, darker, through cores."""
    z = ds["z"].values
    places = np.column_stack([ds[f"{letter}_nm"].values for letter in "xyz"])
    core = (np.linalg.norm(places[:, None] - molecule.centers, axis=2) < molecule.core_radii).any(axis=1)
    for inside, color in ((molecule.distance_outside(places) <= 0, "#f2f2f2"), (core, "#dcdcdc")):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            panel.axvspan(z[start], z[end - 1], color=color, lw=0.0, zorder=0)
