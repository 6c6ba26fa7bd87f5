"""Published values beside computed ones: python benchmarks/literature.py [accuracy].

Prints a table and ends with status 1 if a firm value is missed. Firm are the converged levels of other
programs and what the source paper (Panfil et al., arXiv:2206.09626) says of signs and orders; its numbers
in meV are of dots of other sizes and are shown only. Further sources: Koley et al., Matter 5, 3997 (2022),
arXiv:2306.14614.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

import spq
from spq import SurfaceCharge, gallery
from spq.single_particle import levels

POLE = 6.6  # nm, of dot 1 of the nominal heterodimer
NECK_CLEARANCE = 1.5  # nm; nearer to the neck a charge is near both dots
NECKS = (1.5, 4.0, 6.0)  # nm
SPLITTINGS = {  # meV, converged levels of a radial and axisymmetric spectral program
    ("finite", 0.10): (2.54, 8.34, 19.04),
    ("finite", 0.32): (1.41, 3.98, 7.55),
    ("hard", 0.10): (0.40, 5.10, 19.13),
}


class Row(NamedTuple):
    """A published value: from `low` to `high`, in words, and the computed one; firm: whether it must hold."""

    what: str
    published: str
    computed: float
    low: float
    high: float
    firm: bool
    unit: str = "meV"

    @property
    def holds(self) -> bool:
        """Whether the computed value lies in the published range."""
        return self.low <= self.computed <= self.high


def splittings(accuracy: str) -> Iterator[Row]:
    """Hybridisation splitting of the homodimer for three necks."""
    for (wall, step), values in SPLITTINGS.items():
        for neck, value in zip(NECKS, values, strict=True):
            options = {"wall": wall, "conduction_band_offset": step, "accuracy": accuracy}
            found = levels(gallery.necked_homodimer(neck, **options)).splitting_meV["electron"]
            assert found is not None
            what = f"splitting, neck {neck} nm, {wall} wall, step {step} eV"
            yield Row(what, f"{value}", found, value - 0.2, value + 0.2, True)
    weak = levels(gallery.necked_homodimer(4.0, wall="finite", accuracy=accuracy)).splitting_meV["electron"]
    filled = levels(gallery.necked_homodimer(6.0, wall="finite", accuracy=accuracy)).splitting_meV["electron"]
    assert weak is not None and filled is not None
    yield Row("hybridisation energy, weak neck (4 nm)", "5 to 10 (Koley 2022)", weak, 5, 10, False)
    yield Row("hybridisation energy, filled neck (6 nm)", "20 to 30 (Koley 2022)", filled, 20, 30, False)


def charged_states(accuracy: str) -> Iterator[Row]:
    """Shifts of charged states of the nominal heterodimer, without surface charge."""
    model = gallery.heterodimer(self_energy="image", accuracy=accuracy)
    names = ("X@1", "X-@1", "X+@1", "segX-@1", "X-@2", "X@2", "segT@1")
    found = dict(zip(names, spq.emission(model, names), strict=True))
    energy = {name: 1e3 * each.emission_eV for name, each in found.items()}
    for dot in (1, 2):
        shift = energy[f"X-@{dot}"] - energy[f"X@{dot}"]
        yield Row(f"trion shift of dot {dot}", "-10 to -20 (Panfil)", shift, -20, -10, True)
    yield Row("shift of X+", "blue (Panfil)", energy["X+@1"] - energy["X@1"], 0, 60, True)
    for one, other in (("segX-@1", "X@1"), ("segT@1", "X-@1")):
        shift = abs(energy[one] - energy[other])
        yield Row(f"{one} against {other}, size", "< 1 (Panfil)", shift, 0, 1, True)
    yield Row("emission of X", "2.1 to 2.2 (Panfil)", found["X@1"].emission_eV, 2.1, 2.2, False, "eV")


def surface_charges(accuracy: str) -> Iterator[Row]:
    """What a unit charge does on the emitting dot and on the other one."""
    model = gallery.heterodimer(self_energy="image", accuracy=accuracy)
    shifts = spq.shift_map(model, states=["X@1", "X@2", "segX-@1"], points=41)
    good = (shifts["converged"] & shifts["followed"] & ~shifts["hybridised"]).values
    shift, height = shifts["shift_meV"].values, shifts["z_nm"].values
    for charge, values in zip(shifts["charge"].values, shift[0], strict=True):
        pole = values[np.argmin(height)]
        yield Row(f"{charge:+.0f} e on the emitting dot, X", "red (Panfil)", pole, -100, 0, True)
        yield Row("  its size", "> 5, up to 15 (Panfil; larger dots)", abs(pole), 5, 15, False)
    far = np.abs(shift[0][:, height > NECK_CLEARANCE][good[0][:, height > NECK_CLEARANCE]]).max()
    yield Row("charge on the other dot, X, largest", "about 1 (Panfil)", far, 0, 1.5, True)
    overlap = shifts["overlap"].values[0][good[0]]
    change = 100 * np.abs(overlap / spq.emission(model, "X@1").overlap - 1).max()
    yield Row("change of the overlap", "a few per cent (Panfil)", change, 0, 10, True, "%")
    outliers = int((shifts["hybridised"] & shifts["converged"]).sum())
    linked = gallery.linked_heterodimer(self_energy="image", accuracy=accuracy)
    beside = spq.shift_map(linked, states=["X@1", "X@2", "segX-@1"], points=41)
    yield Row("hybridised points, fused", "some (Panfil)", outliers, 0, 50, False, "of 246")
    none = int(beside["hybridised"].sum())
    yield Row("hybridised points, linked, 0.6 nm", "none (Panfil)", none, 0, 0, True, "of 246")
    for charge, values, own in zip(
        shifts["charge"].values, beside["shift_meV"].values[0], shift[0], strict=True
    ):
        ratio = float(values[0] / own[0])
        yield Row(f"{charge:+.0f} e on the emitting dot, linked over fused", "1", ratio, 0.8, 1.2, True, "1")


def graded_shell(accuracy: str) -> Iterator[Row]:
    """A shell graded into ZnS beside a sharp one of CdS, in the monomer."""
    charge = [SurfaceCharge(1, z=gallery.CORE + gallery.SHELL)]
    options = {"self_energy": "image", "accuracy": accuracy}
    sharp, wide, same = (
        spq.emission(model, "X@1", charge).shift_meV
        for model in (
            gallery.monomer(**options),
            gallery.graded_monomer(**options),
            gallery.graded_monomer("CdS", 1.0, **options),
        )
    )
    change = 100 * (wide / sharp - 1)
    yield Row("shift of X, CdSe graded into ZnS", "smaller (Panfil)", change, -100, 0, True, "%")
    change = 100 * (same / sharp - 1)
    yield Row("shift of X, CdSe graded into CdS over 1 nm", "smaller (Panfil)", change, -100, 0, False, "%")


def table(accuracy: str = "normal") -> list[Row]:
    """All rows."""
    parts = (splittings, charged_states, surface_charges, graded_shell)
    return [row for part in parts for row in part(accuracy)]


if __name__ == "__main__":
    rows = table(*sys.argv[1:2])
    print("| what | published | computed | firm | holds |\n|---|---|---|---|---|")
    for row in rows:
        holds = "yes" if row.holds else "**no**"
        value = f"{row.computed:.3g} {row.unit}"
        print(f"| {row.what} | {row.published} | {value} | {'yes' if row.firm else ''} | {holds} |")
    sys.exit(any(row.firm and not row.holds for row in rows))
