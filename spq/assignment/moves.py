"""What can happen between two frames: moves of single charges, with their ledger, as rates between
microstates.

A microstate is (q_1, q_2, surface configuration). Every move keeps the charge of dots, surface and
environment together; a move is the Kronecker product of what it does to the dots and to the surface,

    T_move = D (16, 16) ⊗ C (configurations, configurations).

Rates are relative priors, not results: how often each happens once something has happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from scipy import sparse

from spq.assignment.chargetable import CHARGES
from spq.assignment.movepriors import MovePriors
from spq.assignment.sites import NECK, Placed, Sites

Array = np.ndarray
Matrix: TypeAlias = Any
"""A sparse matrix of SciPy, compressed by rows."""

REGIONS = (1, 2, NECK)
WHERE = {1: "the surface of dot 1", 2: "the surface of dot 2", NECK: "the neck"}
STILL, DRIFT, TWO, COMBINED, NONE = (
    "nothing moved",
    "drift of the instrument",
    "two independent moves",
    "ejection and release together, perhaps with a hop",
    "none of these",
)

ANNIHILATED = "trapped hole and electron annihilate"
COMING = ("eject", "arrival")
"""Kinds of moves that bring a charge to the surface."""
QUENCHED, LIT, BLEACHED = "dot {} quenched", "dot {} lit again", "dot {} bleached"


@dataclass(frozen=True, eq=False)
class Moves:
    """Chances of every change of microstate, given that something happened.

    Attributes
    ----------
    labels : tuple of str
        Single moves, in words.
    single : tuple of sparse (states, states)
        Their chances.
    combined, two : sparse (states, states)
        Chances of ejection and release together, and of two independent moves.
    total : float32 (states, states)
        Of all together.
    priors : MovePriors
    """

    labels: tuple[str, ...]
    single: tuple[Matrix, ...]
    combined: Matrix
    two: Matrix
    total: Array
    priors: MovePriors


@lru_cache(maxsize=3)
def moves_of(sites: Sites, priors: MovePriors | None = None) -> Moves:
    """All moves of a dimer's charges on these sites."""
    priors = priors or MovePriors()
    found: dict[str, Matrix] = {}
    kinds: dict[str, list[str]] = {"eject": [], "hop": [], "release": []}
    rows = np.zeros(len(CHARGES) ** 2 * len(sites.configurations))
    for kind, label, dots, surface, rate in _listed(_Surface(sites), priors):
        if rate > 0 and dots.nnz:
            # a charge may come to a full surface too: then it is lost, and what is left no likelier
            held = np.ones(surface.shape[0]) if kind in COMING else np.asarray(surface.sum(axis=1)).ravel()
            rows += rate * np.kron(np.asarray(dots.sum(axis=1)).ravel(), held)
        if rate > 0 and dots.nnz and surface.nnz:
            found[label] = (rate * sparse.kron(dots, surface, format="csr")).astype(np.float32)
            if kind in kinds:
                kinds[kind].append(label)
    rows = np.maximum(rows, 1e-12)
    scale = sparse.diags(((1.0 - priors.none) / rows).astype(np.float32))
    single = {label: (scale @ each).tocsr() for label, each in found.items()}
    nothing = sparse.csr_matrix((len(rows), len(rows)), dtype=np.float32)
    step: Matrix = sum(single.values(), nothing)
    sums = [sum((single[label] for label in kinds[kind]), nothing) for kind in ("eject", "hop", "release")]
    eject, hop, release = sums
    both = eject @ release + release @ eject
    combined = priors.combined * (both + eject @ hop @ release + hop @ both + both @ hop)
    two = priors.two * (step @ step - both)
    two.data = np.maximum(two.data, 0.0)  # rounding leaves what is below
    total = (step + combined + two).toarray()
    return Moves(tuple(single), tuple(single.values()), combined, two, total, priors)


def _shifted(changes: dict[int, int]) -> Matrix:
    """Dots' charges changed by so many e, (16, 16); charges that cannot be are left out."""
    pairs = list(product(CHARGES, repeat=2))
    found = sparse.lil_matrix((len(pairs), len(pairs)))
    for start, (one, two) in enumerate(pairs):
        target = (one + changes.get(1, 0), two + changes.get(2, 0))
        if target in pairs:
            found[start, pairs.index(target)] = 1.0
    return found.tocsr()


def _negative(dot: int, unexcited: float) -> Matrix:
    """Factor (16, 16) of an Auger ejection from a dot: 1 where it holds an electron too many."""
    pairs = list(product(CHARGES, repeat=2))
    return sparse.diags([1.0 if pair[dot - 1] < 0 else unexcited for pair in pairs], format="csr")


class _Surface:
    """Moves of charges on the surface as matrices (configurations, configurations)."""

    def __init__(self, sites: Sites):
        self.sites = sites
        self.size = len(sites.configurations)
        share = {region: sites.weights[sites.regions == region].sum() for region in REGIONS}
        self.chances = {
            region: [
                (site, strength, sites.weights[site] / share[region] * weight)
                for site in np.flatnonzero(sites.regions == region)
                for strength, weight in enumerate(sites.strength_weights)
            ]
            for region in REGIONS
        }
        self.still = sparse.identity(self.size, format="csr")

    def _filled(self, entries: Iterator[tuple[int, tuple[Placed, ...], float]]) -> Matrix:
        """Matrix of (from, charges afterwards, chance); a charge beside another has full strength."""
        rows, columns, values = [], [], []
        for start, charges, chance in entries:
            for target, share in self._targets(charges):
                rows.append(start)
                columns.append(target)
                values.append(chance * share)
        return sparse.csr_matrix((values, (rows, columns)), shape=(self.size, self.size))

    def _targets(self, charges: tuple[Placed, ...]) -> Iterator[tuple[int, float]]:
        place = self.sites.place
        if len(charges) == 2:
            one, two = (Placed(each.sign, each.site, 0) for each in charges)
            charges = (one, two) if (one, two) in place else (two, one)
        if charges in place:
            yield place[charges], 1.0

    def _left(self, charges: tuple[Placed, ...], gone: int) -> Iterator[tuple[tuple[Placed, ...], float]]:
        """What is left without one charge: the strength of a single one is open again."""
        rest = charges[:gone] + charges[gone + 1 :]
        if not rest:
            yield (), 1.0
            return
        for strength, weight in enumerate(self.sites.strength_weights):
            yield (Placed(rest[0].sign, rest[0].site, strength),), weight

    def added(self, sign: int, region: int) -> Matrix:
        """A charge comes to a region."""

        def entries():
            for start, charges in enumerate(self.sites.configurations):
                for site, strength, chance in self.chances[region]:
                    yield start, (*charges, Placed(sign, int(site), strength)), chance

        return self._filled(entries())

    def removed(self, sign: int, region: int) -> Matrix:
        """A charge of a region goes."""

        def entries():
            for start, charges in enumerate(self.sites.configurations):
                for gone, each in enumerate(charges):
                    if each.sign == sign and self.sites.regions[each.site] == region:
                        for rest, chance in self._left(charges, gone):
                            yield start, rest, chance

        return self._filled(entries())

    def hopped(self, sign: int, region: int, target: int) -> Matrix:
        """A charge of one region goes to another site, in another region or the same."""

        def entries():
            for start, charges in enumerate(self.sites.configurations):
                for gone, each in enumerate(charges):
                    if each.sign == sign and self.sites.regions[each.site] == region:
                        rest = charges[:gone] + charges[gone + 1 :]
                        for site, strength, chance in self.chances[target]:
                            if site != each.site:
                                yield start, (*rest, Placed(sign, int(site), strength)), chance

        return self._filled(entries())

    def annihilated(self) -> Matrix:
        """Two charges of opposite sign go together."""

        def entries():
            for start, charges in enumerate(self.sites.configurations):
                if len(charges) == 2 and charges[0].sign != charges[1].sign:
                    yield start, (), 1.0

        return self._filled(entries())


Listed = tuple[str, str, Matrix, Matrix, float]


def _listed(surface: _Surface, priors: MovePriors) -> Iterator[Listed]:
    """Kind, label, what it does to dots and surface, and rate of every single move."""
    for dot in (1, 2):
        away = {region: priors.other for region in (1, 2)} | {dot: 1.0, NECK: priors.neck}
        for name, sign, rate in (("hole", 1, priors.hole), ("electron", -1, priors.auger)):
            changed = _shifted({dot: -sign})
            out = changed if sign > 0 else _negative(dot, priors.unexcited) @ changed
            back = _shifted({dot: sign})
            for region in REGIONS:
                yield (
                    "eject",
                    f"{name} of dot {dot} ejected to {WHERE[region]}",
                    out,
                    surface.added(sign, region),
                    rate * away[region],
                )
                yield (
                    "release",
                    f"trapped {name} returns from {WHERE[region]} to dot {dot}",
                    back,
                    surface.removed(sign, region),
                    priors.release * away[region],
                )
            text = f"{name} of dot {dot} ejected to the environment"
            yield "eject", text, out, surface.still, rate * priors.environment
            text = f"{name} of the environment captured by dot {dot}"
            yield "capture", text, back, surface.still, priors.capture
        text = f"electron of dot {dot} goes to dot {3 - dot}"
        yield "transfer", text, _shifted({dot: 1, 3 - dot: -1}), surface.still, priors.transfer
    yield from _surface_moves(surface, priors)


def _surface_moves(surface: _Surface, priors: MovePriors) -> Iterator[Listed]:
    still = _shifted({})
    for name, sign in (("hole", 1), ("electron", -1)):
        for region, target in product(REGIONS, repeat=2):
            text = f"trapped {name} hops from {WHERE[region]} to {WHERE[target]}"
            text = f"trapped {name} hops on {WHERE[region]}" if region == target else text
            rate = priors.hop * (1.0 if region == target else priors.between)
            yield "hop", text, still, surface.hopped(sign, region, target), rate
        for region in REGIONS:
            text = f"trapped {name} comes from the environment to {WHERE[region]}"
            yield "arrival", text, still, surface.added(sign, region), priors.exchange / len(REGIONS)
            text = f"trapped {name} goes from {WHERE[region]} to the environment"
            yield "exchange", text, still, surface.removed(sign, region), priors.exchange
    yield (
        "annihilation",
        ANNIHILATED,
        still,
        surface.annihilated(),
        priors.annihilation,
    )
