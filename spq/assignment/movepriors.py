"""What is assumed of moves before anything is measured: labelled priors, no results of the solver."""

from __future__ import annotations

from dataclasses import dataclass, fields

from spq.errors import InputError
from spq.spectroscopy.instruments import set_numbers

POSITIVE = ("none", "quenched_time")
"""What cannot be 0: some jump is always unexplained, and darkness lasts."""


@dataclass(frozen=True)
class MovePriors:
    """Relative rates of moves, and chances; all are assumptions.

    Attributes
    ----------
    hole, auger : float
        A hole, or an electron of a dot that holds one too many, ejected to its own dot's surface.
    unexcited : float
        Factor on the electron where the dot is not negative: it must then be doubly excited.
    other, neck, environment : float
        Factors on these places instead of the own surface.
    release : float
        A trapped carrier returns to its own dot.
    annihilation : float
        Of + and - on the surface.
    hop, between : float
        A charge hops within a dot; factor between dots.
    transfer : float
        An electron of the core goes to the other dot.
    capture : float
        A dot takes a carrier of the environment.
    exchange : float
        A charge of the surface comes from or goes to the environment.
    combined, two : float
        Factors on ejection and release at once, with or without a hop, and on pairs of other moves.
    quenching, relighting, bleaching : float
        An emitter goes dark, comes back, goes dark for good, all charges staying.
    quenched_time : float
        How long an emitter is quenched, s.
    still, drift : float
        Nothing moved although a jump was seen; the instrument did.
    none : float
        Share of jumps that nothing explains.
    falling : float
        Chance that an electron falls to the emitting dot before the photon where it lies higher on the other
        dot: that state is then not seen.
    inaccessible : float
        Chance that a charge of the surface sits in a trap that cannot be reached: it stays throughout.

    Raises
    ------
    InputError
        If a rate is negative, none or quenched_time is 0, or falling or inaccessible is 1 or more.
    """

    hole: float = 1.0
    auger: float = 1.0
    unexcited: float = 0.1
    other: float = 0.3
    neck: float = 0.2
    environment: float = 0.2
    release: float = 1.0
    annihilation: float = 0.5
    hop: float = 0.7
    between: float = 0.3
    transfer: float = 0.2
    capture: float = 0.1
    exchange: float = 0.2
    combined: float = 0.1
    two: float = 0.03
    quenching: float = 0.3
    relighting: float = 1.0
    bleaching: float = 0.03
    quenched_time: float = 20.0
    still: float = 0.05
    drift: float = 0.05
    none: float = 0.02
    falling: float = 0.3
    inaccessible: float = 0.3

    def __post_init__(self) -> None:
        bounds = {each.name: ("", 0.0, each.name not in POSITIVE) for each in fields(self)}
        set_numbers(self, "priors", bounds | {"quenched_time": ("s", 0.0, False)})
        for name in ("falling", "inaccessible"):
            if not getattr(self, name) < 1.0:
                raise InputError(f"priors.{name} = {getattr(self, name):g}: must be < 1")
