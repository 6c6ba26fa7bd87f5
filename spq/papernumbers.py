"""Every number of the source paper beside the computed one: `spq report`.

The paper is Panfil, Cui, Koley and Banin, arXiv:2206.09626; its hybridisation energies are from Koley et al.,
Matter 5, 3997 (2022), arXiv:2306.14614. A computed number is of the nominal heterodimer (cores 1.3 and 1.35
nm, shells 2.1 nm) or of sizes deduced from the paper's lines (spq.gallery.published_dimer); both with the
self-energy `image`. Errors are the numerical ones (spq.accuracy), of a difference the root of their squares,
of a splitting the change to another accuracy, of a lifetime half of its range over Kane energies; the model's
own are larger.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spq import gallery
from spq import paperreasons as because
from spq.checks import choice
from spq.model import Model
from spq.observables import Emission, emission
from spq.progress import Progress, silent
from spq.recombination import KANE_ENERGY, KANE_RANGE
from spq.shiftmap import shift_map
from spq.single_particle import levels
from spq.spectra import spectrum
from spq.units import MEV_PER_EV

CLEAR = 1.5  # nm beyond the neck, where a charge is near one dot only
NECKS = {"weak neck (4 nm)": (4.0, 5.0, 10.0), "filled neck (6 nm)": (6.0, 20.0, 30.0)}  # nm, meV, meV
MEASURED = {1: -10.0, 2: -18.0}  # meV, trion shifts of the dots of one dimer
SHORT = 0.2  # of the strength is lacking at the default number of active orbitals (docs/numbers.md)
BESIDE = {"coarse": "normal", "normal": "fine", "fine": "normal"}  # accuracy that levels are compared with


@dataclass(frozen=True)
class PaperNumber:
    """A number of the paper and ours.

    what: in words; sample: of which dots ours is; paper: the paper's value in words; low, high: its range,
    None at an end that it leaves open, both where there is nothing to compare with; ours: None where it is
    not computed; error of ours, None where it is not estimated; unit of all numbers; firm: for dots of any
    size, so that ours must hold; fitted: the sizes were found from this number, so that agreement is no test;
    why: the reason for a difference, or what to know about an agreement; only: the verdict where the paper
    gives no range and ours holds, "sign only"; bias: by how much ours is known to be too large, taken off
    before it is compared.
    """

    what: str
    sample: str
    paper: str
    low: float | None
    high: float | None
    ours: float | None
    error: float | None
    unit: str = "meV"
    firm: bool = False
    fitted: bool = False
    why: str = ""
    only: str = ""
    bias: float = 0.0

    @property
    def holds(self) -> bool | None:
        """Whether ours lies in the paper's range, its error allowed for; a sign must exceed its error."""
        if self.ours is None or (self.low is None and self.high is None):
            return None
        margin = (self.error or 0.0) * (-1 if self.only else 1)
        value = self.ours - self.bias
        above = self.low is None or value >= self.low - margin
        return above and (self.high is None or value <= self.high + margin)

    @property
    def agrees(self) -> bool | None:
        """Whether ours agrees; None where that is no test, as of a fitted number or of a sign alone."""
        return {"yes": True, "no": False}.get(self.verdict)

    @property
    def verdict(self) -> str:
        """In words: "yes", "no", "fitted", what `only` says, or "-" where there is nothing to compare."""
        if self.fitted:
            return "fitted"
        if self.holds is None:
            return "-"
        return (self.only or "yes") if self.holds else "no"

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, `agrees` and `verdict`."""
        return asdict(self) | {"agrees": self.agrees, "verdict": self.verdict}


def report(accuracy: str = "coarse", progress: Progress = silent) -> list[PaperNumber]:
    """Every number of the source paper, and what spq computes for it now.

    accuracy: "coarse" (half a minute), "normal" or "fine". progress: called with what is being done.
    Returns one PaperNumber for each comparison; energies in meV, eV or as `unit` says.
    Raises InputError for another accuracy, and what solving raises.
    """
    choice(accuracy, "accuracy", tuple(BESIDE))
    nominal = gallery.heterodimer(self_energy="image", accuracy=accuracy)
    deduced = gallery.published_dimer(accuracy=accuracy)
    parts = (
        lambda: charged_states(nominal, "nominal"),
        lambda: charged_states(deduced, "deduced"),
        lambda: surface_charges(nominal, "nominal"),
        lambda: surface_charges(deduced, "deduced"),
        lambda: hybridisation(accuracy),
        lambda: geometry({"nominal": nominal, "deduced": deduced}),
        lambda: phonons(),
        lambda: lifetimes(accuracy),
    )
    rows: list[PaperNumber] = []
    for number, part in enumerate(parts):
        progress("numbers of the paper", number, len(parts))
        rows += part()
    return rows


def charged_states(model: Model, sample: str) -> Iterator[PaperNumber]:
    """Emission energies and shifts of charged states of a dimer, without surface charge."""
    names = ("X@1", "X-@1", "X+@1", "segX-@1", "segT@1", "X@2", "X-@2", "X+@2", "segX-@2", "segT@2")
    results = emission(model, names)
    assert isinstance(results, list)
    found = dict(zip(names, results, strict=True))
    fitted = sample == "deduced"
    for dot, trion in MEASURED.items():
        exciton = found[f"X@{dot}"]
        error = None if exciton.error_meV is None else exciton.error_meV / MEV_PER_EV
        why = because.FITTED if fitted else because.ENERGY
        what, value = f"emission of X, dot {dot}", exciton.emission_eV
        yield PaperNumber(what, sample, "2.1 to 2.2", 2.1, 2.2, value, error, "eV", fitted=fitted, why=why)
        shift, error = _between(found[f"X-@{dot}"], exciton)
        why = because.FITTED if fitted else because.TRION
        what = f"trion shift, dot {dot}"
        yield PaperNumber(
            what, sample, "-10 to -20", -20, -10, shift, error, firm=not fitted, fitted=fitted, why=why
        )
        said, middle = (f"{trion:.0f}", trion) if fitted else ("about -15", -15.0)
        what += ", of one dimer" if fitted else ", usual"
        yield PaperNumber(what, sample, said, middle - 1, middle + 1, shift, error, fitted=fitted, why=why)
    for dot in MEASURED:
        shift, error = _between(found[f"X+@{dot}"], found[f"X@{dot}"])
        what = f"shift of X+, dot {dot}"
        yield PaperNumber(
            what, sample, "blue", 0, None, shift, error, firm=True, why=because.POSITIVE, only="sign only"
        )
        for one, other in ((f"segX-@{dot}", f"X@{dot}"), (f"segT@{dot}", f"X-@{dot}")):
            shift, error = _between(found[one], found[other])
            what = f"electron on the other dot, {one} less {other}"
            yield PaperNumber(what, sample, "size < 1", -1, 1, shift, error, firm=True, why=because.OTHER_DOT)


def surface_charges(model: Model, sample: str) -> Iterator[PaperNumber]:
    """What a unit charge does to the emission of the dot it lies on, and to that of the other."""
    points = 41 if sample == "nominal" else 21
    ds = shift_map(model, states=["X@1", "X@2", "segX-@1", "segT@1"], charges=(1.0, -1.0), points=points)
    good = (ds["converged"] & ds["followed"] & ~ds["hybridised"]).values
    shift, errors, z = ds["shift_meV"].values, ds["shift_error_meV"].values, ds["z_nm"].values
    for dot, row, side in ((1, 0, z < -CLEAR), (2, 1, z > CLEAR)):
        for sign, charge in enumerate(ds["charge"].values):
            here = np.flatnonzero(side & good[row, sign])
            name = f"{charge:+.0f} e on the emitting dot {dot}, X"
            yield from _on_the_dot(name, sample, shift[row, sign, here], errors[row, sign, here])
        away = np.where(good[row] & (np.abs(z) > CLEAR) & ~side, np.abs(shift[row]), -1.0)
        at = np.unravel_index(np.argmax(away), away.shape)
        value, error = float(away[at]), _number(errors[row][at])
        what = f"charge on the other dot, X@{dot}, largest size"
        yield PaperNumber(what, sample, "about 1", 0, 1.5, value, error, firm=True)
    without = emission(model, "X@1")
    assert isinstance(without, Emission)
    overlap = ds["overlap"].values[0][good[0]]
    change = 100 * float(np.abs(overlap / without.overlap - 1).max())
    what = "change of the overlap by a charge, X@1, largest"
    yield PaperNumber(
        what, sample, "a few per cent", 0, 10, change, None, "%", firm=True, why=because.OVERLAP
    )
    marked = (ds["hybridised"] & ds["converged"]).values
    what, found = f"outliers: hybridised points of {marked.size}", float(marked.sum())
    yield PaperNumber(
        what, sample, "some", 1, None, found, None, "points", why=because.OUTLIERS, only="presence only"
    )


def _on_the_dot(name: str, sample: str, shift: np.ndarray, errors: np.ndarray) -> Iterator[PaperNumber]:
    """Shifts by a charge anywhere on the emitting dot: the least red one, and the largest in size."""
    least, most = int(np.argmax(shift)), int(np.argmin(shift))
    value, error = float(shift[least]), _number(errors[least])
    yield PaperNumber(
        f"{name}, least red",
        sample,
        "red",
        None,
        0,
        value,
        error,
        firm=True,
        why=because.RED,
        only="sign only",
    )
    value, error = abs(float(shift[most])), _number(errors[most])
    yield PaperNumber(f"{name}, largest size", sample, "> 5, up to 15", 5, 15, value, error, why=because.SIZE)


def hybridisation(accuracy: str) -> Iterator[PaperNumber]:
    """Splitting of the electron's lowest levels in a homodimer, by its neck."""
    for name, (neck, low, high) in NECKS.items():
        values = []
        for each in (accuracy, BESIDE[accuracy]):
            model = gallery.necked_homodimer(neck, wall="finite", accuracy=each)
            splitting = levels(model).splitting_meV["electron"]
            assert splitting is not None
            values.append(splitting)
        what = f"hybridisation energy, {name}"
        said = f"{low:.0f} to {high:.0f}"
        error = abs(values[0] - values[1])
        yield PaperNumber(what, "homodimer", said, low, high, values[0], error, why=because.NECK)


def geometry(models: dict[str, Model]) -> Iterator[PaperNumber]:
    """Length of the axis of surface charges."""
    for sample, model in models.items():
        molecule = model.molecule
        length = float(np.ptp(molecule.centers[:, 2]) + molecule.outer_radii.sum())
        what, said = "length of the dimer (axis of surface charges)", "14.8 (-6.4 to +8.4)"
        yield PaperNumber(what, sample, said, 14.7, 14.9, length, 0.0, "nm", why=because.LENGTH)


def phonons() -> Iterator[PaperNumber]:
    """Phonon replicas, which are an input."""
    for energy, material in ((27, "CdSe"), (37, "CdS")):
        what = f"phonon replica, {material} LO, below the line"
        yield PaperNumber(what, "any", f"{energy}", None, None, None, None, why=because.PHONONS)


def lifetimes(accuracy: str) -> Iterator[PaperNumber]:
    """Radiative lifetimes of exciton and trion of one dot, correlated."""
    ds = spectrum(gallery.monomer(self_energy="image", accuracy=accuracy), ["X", "X-"], temperature=4)
    sets, all_ = ds["initial_set"].values, ds["initial_lifetime_ns"].values
    averaged, trion = (float(all_[np.flatnonzero(sets == name)[0]]) for name in ("X", "X-"))
    # of the Kane energy, far more than the numerical error
    spread = 0.5 * KANE_ENERGY * (1 / KANE_RANGE[0] - 1 / KANE_RANGE[1])
    rows = (
        ("lifetime of X, fast part", "1 to 2", 1.0, 2.0, averaged / 2, because.FAST),
        ("lifetime of X, slow part", "70 to 113", 70.0, 113.0, None, because.SLOW),
        ("lifetime of X-", "6", 5.0, 7.0, trion, because.CHARGED),
    )
    for what, said, low, high, value, why in rows:
        error, bias = (None, 0.0) if value is None else (spread * value, SHORT * value)
        yield PaperNumber(what, "monomer", said, low, high, value, error, "ns", why=why, bias=bias)


def _between(one: Emission, other: Emission) -> tuple[float, float | None]:
    """Emission energy of one state less that of another in meV, and the root of both squared errors."""
    errors = (one.error_meV, other.error_meV)
    error = None if None in errors else math.hypot(*(each for each in errors if each is not None))
    return MEV_PER_EV * (one.emission_eV - other.emission_eV), error


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
