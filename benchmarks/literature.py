"""Published values beside computed ones: python benchmarks/literature.py [accuracy].

Prints a table and ends with status 1 if a firm value is missed. Firm are the converged levels of other
programs and what the source paper (Panfil et al., arXiv:2206.09626) says of signs and orders, as `spq report`
computes it; its numbers in meV are of dots of other sizes and are shown only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import spq
from spq import PaperNumber, SurfaceCharge, gallery
from spq.single_particle import levels

NECKS = (1.5, 4.0, 6.0)  # nm
SPLITTINGS = {  # meV, converged levels of a radial and axisymmetric spectral program
    ("finite", 0.10): (2.54, 8.34, 19.04),
    ("finite", 0.32): (1.41, 3.98, 7.55),
    ("hard", 0.10): (0.40, 5.10, 19.13),
}


def splittings(accuracy: str) -> Iterator[PaperNumber]:
    """Hybridisation splitting of the homodimer for three necks."""
    for (wall, step), values in SPLITTINGS.items():
        for neck, value in zip(NECKS, values, strict=True):
            options = {"wall": wall, "conduction_band_offset": step, "accuracy": accuracy}
            found = levels(gallery.necked_homodimer(neck, **options)).splitting_meV["electron"]
            assert found is not None
            what = f"splitting, neck {neck} nm, {wall} wall, step {step} eV"
            yield PaperNumber(what, "homodimer", f"{value}", value - 0.2, value + 0.2, found, None, firm=True)


def linked(accuracy: str) -> Iterator[PaperNumber]:
    """Dots that are linked, not fused: nothing hybridises, and a charge shifts as far."""
    states = ["X@1", "X@2", "segX-@1"]
    fused, beside = (
        spq.shift_map(make(self_energy="image", accuracy=accuracy), states=states, points=41)
        for make in (gallery.heterodimer, gallery.linked_heterodimer)
    )
    none, what = float(beside["hybridised"].sum()), "hybridised points of 246, linked, 0.6 nm"
    yield PaperNumber(what, "linked", "none", 0, 0, none, None, "points", firm=True)
    for sign, charge in enumerate(fused["charge"].values):
        ratio = float(beside["shift_meV"][0, sign, 0] / fused["shift_meV"][0, sign, 0])
        what = f"{charge:+.0f} e on the emitting dot, linked over fused"
        yield PaperNumber(what, "linked", "1", 0.8, 1.2, ratio, None, "", firm=True)


def graded_shell(accuracy: str) -> Iterator[PaperNumber]:
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
    what = "shift of X, CdSe graded into ZnS"
    yield PaperNumber(what, "monomer", "smaller", None, 0, change, None, "%", firm=True, only="sign only")
    change = 100 * (same / sharp - 1)
    what = "shift of X, CdSe graded into CdS over 1 nm"
    yield PaperNumber(what, "monomer", "smaller", None, 0, change, None, "%", only="sign only")


def table(accuracy: str = "normal") -> list[PaperNumber]:
    """All rows."""
    rows = [row for part in (splittings, linked, graded_shell) for row in part(accuracy)]
    return rows + spq.report(accuracy)


if __name__ == "__main__":
    rows = table(*sys.argv[1:2])
    firm = [row for row in rows if row.firm]
    print("| what | of | published | computed | firm | holds |\n|---|---|---|---|---|---|")
    for row in rows:
        holds = {True: "yes", False: "**no**", None: ""}[row.holds]
        value = "" if row.ours is None else f"{row.ours:.4g} {row.unit}"
        print(
            f"| {row.what} | {row.sample} | {row.paper} | {value} | {'yes' if row.firm else ''} | {holds} |"
        )
    print(f"\n{sum(row.holds is True for row in firm)} of {len(firm)} firm values hold")
    sys.exit(not all(row.holds for row in firm))
