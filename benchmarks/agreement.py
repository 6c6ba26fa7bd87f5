"""The nominal map on the half plane and on the solid mesh: do they agree within their error bars?

Run as a program: python benchmarks/agreement.py [accuracy of the solid mesh] [places]. Prints, for each
state, the largest difference of shifts and of energies where a point is followed and not hybridised in
both, and how many lie within the sum of both error bars.
"""

from __future__ import annotations

import sys
from time import perf_counter

import numpy as np

from spq import gallery, shift_map

ALLOWED = 0.05  # meV, between shifts


def main(accuracy: str, places: int) -> None:
    """Print the comparison."""
    start = perf_counter()
    solid = shift_map(gallery.heterodimer(accuracy=accuracy, discretisation="solid"), points=places)
    between = perf_counter()
    plane = shift_map(gallery.heterodimer(accuracy="fine"), points=places)
    print(
        f"solid at {accuracy}: {between - start:.0f} s, half plane at fine: {perf_counter() - between:.0f} s"
    )
    good = np.ones(solid.converged.shape, dtype=bool)
    for each in (solid, plane):
        good &= (each.converged & each.followed & ~each.hybridised).values
    shift = np.abs(solid.shift_meV - plane.shift_meV).values
    energy = 1e3 * np.abs(solid.energy_eV - plane.energy_eV).values
    shift_bars = (solid.shift_error_meV + plane.shift_error_meV).values
    energy_bars = (solid.error_meV + plane.error_meV).values
    for i, state in enumerate(solid.state.values):
        here = good[i]
        if not here.any():
            print(f"{state:8s} no point")
            continue
        print(
            f"{state:8s} {here.sum():3d} points: shifts differ by {shift[i][here].max():.4f} meV at most, "
            f"{np.sqrt(np.mean(shift[i][here] ** 2)):.4f} rms; energies by {energy[i][here].max():.3f} meV"
        )
    print(f"shifts within {ALLOWED} meV: {np.mean(shift[good] <= ALLOWED):.1%} of {good.sum()}")
    print(f"shifts within both error bars: {np.mean((shift <= shift_bars)[good]):.1%}")
    print(f"energies within both error bars: {np.mean((energy <= energy_bars)[good]):.1%}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "normal", int(sys.argv[2]) if len(sys.argv) > 2 else 41)
