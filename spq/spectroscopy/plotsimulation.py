"""A simulated measurement as one figure: spectra with the true energies in them, light, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from spq.spectroscopy.records import Measurement
from spq.spectroscopy.truth import Truth
from spq.store import Writer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHARGES = ("#0072B2", "#D55E00", "#009E73")
LINES = ("#56B4E9", "#E69F00", "#FFFFFF")
"""Of the emitters, on white and on black; they stay apart in colour blindness: M. Okabe, K. Ito (2008)."""
AROUND = 0.06
"""eV below the reddest and above the bluest true line that are drawn: the replicas lie below."""


def simulation(measurement: Measurement, truth: Truth) -> Figure:
    """Return the figure of a simulated measurement, as `simulate` returns it; raises nothing.

    Dots in the spectra are the true energies, each emitter in its colour, not drawn while it is dark. Below:
    photons of a frame, true charge of each dot in e, and number of the place of the surface charge.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(3.0, 1.2, 1.2))
    _draw_spectra(panels[0], measurement, truth)
    frames = measurement.frames
    light = np.nansum(frames.counts, axis=(1, 2))
    panels[1].plot(truth.begins, light, color="0.3", lw=0.8)
    panels[1].set_ylabel("photons per frame")
    panels[1].set_ylim(0.0, max(1.3 * float(np.percentile(light, 98.0)), 1.0))  # cosmic rays go beyond
    panels[1].set_xlim(0.0, max(chain.end for chain in truth.chains))
    _draw_chains(panels[2], truth)
    handles = [each for axes in panels for each in axes.get_legend_handles_labels()[0]]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
        fontsize=8,
        markerscale=4.0,
    )
    for letter, axes in zip("abc", panels, strict=True):
        axes.set_title(letter, loc="left", fontsize=10, fontweight="bold", pad=3)
    return figure


def simulation_writer(measurement: Measurement, truth: Truth) -> dict[str, Writer]:
    """Return the function that writes the figure of a simulated measurement as PNG."""
    return {"simulation.png": lambda path: simulation(measurement, truth).savefig(path, dpi=150)}


def _draw_spectra(axes: Axes, measurement: Measurement, truth: Truth) -> None:
    frames = measurement.frames
    low, high = np.nanmin(truth.energies) - AROUND, np.nanmax(truth.energies) + 0.5 * AROUND
    shown = (frames.energy >= low) & (frames.energy <= high)
    image = np.nansum(frames.counts, axis=1)[:, shown]
    energy = frames.energy[shown]
    drawn = axes.pcolormesh(
        truth.begins,
        energy,
        image.T,
        shading="nearest",
        cmap="magma",
        vmin=0.0,
        vmax=max(float(np.percentile(image, 99.7)), 1e-9),
        rasterized=True,
    )
    for emitter in range(truth.energies.shape[1]):
        lit = truth.rates[:, emitter] > 0.0
        color = LINES[emitter]
        axes.plot(
            truth.begins[lit],
            truth.energies[lit, emitter],
            ".",
            ms=2.0,
            color=color,
            label=f"true line, dot {emitter + 1}",
        )
    axes.set_ylim(low, high)
    axes.set_ylabel("energy (eV)")
    axes.figure.colorbar(drawn, ax=axes, pad=0.01, fraction=0.04, label="photons per pixel and frame")


def _draw_chains(axes: Axes, truth: Truth) -> None:
    """Charges of the dots that each chain governs, moved apart a little, and the surface charge's place."""
    from matplotlib.ticker import MaxNLocator

    for chain in truth.chains:
        begins = np.append(chain.begins, chain.end)
        index = np.append(chain.index, chain.index[-1])
        for emitter in chain.emitters:
            charges = np.array([each.charges[emitter] for each in chain.states])[index]
            axes.step(
                begins,
                charges + 0.04 * emitter,
                where="post",
                lw=1.2,
                color=CHARGES[emitter],
                label=f"charge of dot {emitter + 1} (e)",
            )
        if max(each.site for each in chain.states):
            sites = np.array([each.site for each in chain.states])[index]
            axes.step(
                begins, sites + 1, where="post", lw=1.0, ls=":", color="0.3", label="place of surface charge"
            )
    axes.set_xlabel("time (s)")
    axes.set_ylabel("charge (e), place")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
