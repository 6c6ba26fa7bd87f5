"""Shift maps over the full surface: the shift against z and azimuth, on a diverging scale centred at zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq.checks import holds
from spq.columns import surface_shape
from spq.errors import InputError
from spq.store import Writer

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

COLORS = "RdBu"  # negative shifts are red ones
PANEL = (3.1, 2.3)  # inches
LEAST = 0.05  # meV, of a scale


def surface_map(ds: xr.Dataset, flip: bool = False) -> Figure:
    """Return the figure of a shift map over the full surface: a row for each state, a column for each charge.

    ds: of spq.shift_map with map.surface = "full". flip: draws −z along x, so that dot 1 is on the side of
    positive coordinates. Red is a red shift, blue a blue one, each row on its own scale; crosses are points
    that did not converge, open circles hybridised ones. Raises InputError for a map on a line, or if ds is no
    map.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shape = surface_shape(ds) if holds(ds, "shift_meV") else None
    if shape is None:
        raise InputError('surface_map: needs a map over the full surface (map.surface = "full")')
    states, charges = ds["state"].values, ds["charge"].values
    z, phi = (ds[name].values.reshape(shape) for name in ("z_nm", "phi_deg"))
    z = -z if flip else z
    size = (len(charges) * PANEL[0] + 1.6, len(states) * PANEL[1] + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(states), len(charges), squeeze=False, sharex=True, sharey=True)
    for row, state in zip(panels, states, strict=True):
        values = ds["shift_meV"].sel(state=state).values
        most = max(LEAST, float(np.nanmax(np.abs(values)))) if np.isfinite(values).any() else LEAST
        for panel, charge in zip(row, charges, strict=True):
            here = ds.sel(state=state, charge=charge)
            image = _draw(panel, here, z, phi, most)
            sign = f"{charge:+g}".replace("-", "−")
            panel.set_title(f"{state}, charge {sign} e", fontsize=10)
        row[0].set_ylabel("azimuth φ (°)")
        figure.colorbar(image, ax=list(row), label="shift (meV)", shrink=0.9)
    for panel in panels[-1]:
        panel.set_xlabel(f"{'−z' if flip else 'z'} along the long axis (nm)")
    figure.suptitle(
        f"Shift against the place of a surface charge, self-energy model: {ds.attrs['self_energy']}"
    )
    return figure


def _draw(panel: Any, ds: xr.Dataset, z: np.ndarray, phi: np.ndarray, most: float) -> Any:
    values = np.where(ds["converged"].values, ds["shift_meV"].values, np.nan).reshape(z.shape)
    # the turn is closed: the first azimuth again at its end
    closed = [
        np.concatenate([each, each[:, :1] + turn], axis=1)
        for each, turn in ((z, 0.0), (phi, 360.0), (values, 0.0))
    ]
    image = panel.pcolormesh(*closed, cmap=COLORS, vmin=-most, vmax=most, shading="nearest", rasterized=True)
    panel.set_facecolor("#bbbbbb")
    flat_z, flat_phi = z.ravel(), phi.ravel()
    for chosen, style in (
        (ds["hybridised"].values & ds["converged"].values, {"marker": "o", "mfc": "none"}),
        (~ds["converged"].values, {"marker": "x"}),
    ):
        panel.plot(flat_z[chosen], flat_phi[chosen], ls="", color="#333333", ms=3.5, mew=0.7, **style)
    low = float(phi.min())
    panel.set_yticks(low + np.arange(0.0, 361.0, 90.0))
    return image


def surface_writer(ds: xr.Dataset, flip: bool = False) -> dict[str, Writer]:
    """Return the function that writes the figure as PNG; none of a map on a line."""
    if surface_shape(ds) is None:
        return {}
    return {"surface_map.png": lambda path: surface_map(ds, flip).savefig(path, dpi=200)}
