"""What `spq spectrum` prints: initial levels and strongest lines of every set of carriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from spq.cli_report import charges_text, columns

if TYPE_CHECKING:
    import xarray as xr

    from spq.model import Model

STRONGEST = 8  # lines of a set of carriers that are printed


def spectrum_table(model: Model, ds: xr.Dataset) -> str:
    """Return for each set of carriers of a spectrum its initial levels and its strongest lines."""
    temperature = f"{ds.attrs['temperature_K']:g} K"
    lines = [f"spectrum at {temperature}, self-energy model: {model.self_energy}"]
    lines.append(f"surface charges: {charges_text(model)}")
    for name in ds["set"].values:
        levels = np.flatnonzero(ds["initial_set"].values == name)
        own = np.flatnonzero(ds["line_set"].values == name)
        order = np.lexsort((-ds["line_rate"].values[own], -ds["line_weight"].values[own]))
        chosen = own[order][:STRONGEST]
        more = f", the strongest {STRONGEST} of {len(own)}" if len(own) > STRONGEST else ""
        lines += ["", f"{name}: initial levels", columns(_level_rows(ds, levels))]
        lines += [f"{name}: lines{more}", columns(_line_rows(ds, chosen, levels[0]))]
    return "\n".join(lines)


def _level_rows(ds: xr.Dataset, levels: np.ndarray) -> list[tuple[str, ...]]:
    heads = "level|placement|purity|above (meV)|spin e, h|m|states|population|lifetime (ns)|shake-up"
    rows = [tuple(heads.split("|"))]
    for number, level in enumerate(levels, 1):
        one = ds.isel(initial=level)
        rows.append(
            (
                str(number),
                str(one["initial_placement"].values),
                f"{float(one['initial_purity']):.3f}",
                f"{float(one['initial_excitation_meV']):.3f}",
                f"{float(one['initial_electron_spin']):g}, {float(one['initial_hole_spin']):g}",
                _known(one["initial_m"], ".0f"),
                f"{int(one['initial_degeneracy'])}",
                f"{float(one['initial_population']):.3g}",
                _known(one["initial_lifetime_ns"], ".3g"),
                _known(one["initial_shake_up"], ".4f"),
            )
        )
    return rows


def _line_rows(ds: xr.Dataset, lines: np.ndarray, first: int) -> list[tuple[str, ...]]:
    heads = "level|initial|final|energy (eV)|error (meV)|dot|strength|rate (1/ns)|weight (1/ns)"
    rows = [tuple(heads.split("|"))]
    for line in lines:
        one = ds.isel(line=line)
        level = int(one["line_initial"])
        rows.append(
            (
                str(level - first + 1),
                str(ds["initial_placement"].values[level]),
                str(one["line_final"].values),
                f"{float(one['line_energy_eV']):.6f}",
                _known(one["line_error_meV"], ".3f"),
                f"{int(one['line_emitter'])}",
                f"{float(one['line_strength']):.4f}",
                f"{float(one['line_rate']):.4g}",
                f"{float(one['line_weight']):.3g}",
            )
        )
    return rows


def _known(value: Any, form: str) -> str:
    return f"{float(value):{form}}" if np.isfinite(float(value)) else "-"
