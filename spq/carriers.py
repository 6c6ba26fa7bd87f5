"""Charging states: which carrier lives on which dot, and which dot emits.

A state is a set of electrons e and holes h, each with the number of its dot (from 1); the emitting
dot loses one electron and one hole: final = initial - e_i - h_i.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from spq import checks
from spq.errors import InputError

MOST_ALIKE = 3
"""Largest number of like carriers on one dot: two in the lowest orbital, one in the next."""

# electrons and holes of the emitting dot, electrons and holes of the other dot
NAMES: dict[str, tuple[int, int, int, int]] = {
    "X": (1, 1, 0, 0),
    "X-": (2, 1, 0, 0),
    "X+": (1, 2, 0, 0),
    "XX": (2, 2, 0, 0),
    "X2-": (3, 1, 0, 0),
    "X2+": (1, 3, 0, 0),
    "segX-": (1, 1, 1, 0),
    "segT": (2, 1, 1, 0),
    "segX+": (1, 1, 0, 1),
    "segXX": (1, 1, 1, 1),
}
"""The named states."""


@dataclass(frozen=True)
class State:
    """A charging state.

    electrons, holes: the dot of each, numbered from 1; kept sorted. emitter: the dot that emits.
    n_dots: number of dots of the molecule; it decides whether `seg...` names can be used and takes
    no part in comparisons.
    Raises InputError if a dot is not there, holds a fourth like carrier, or cannot emit.
    """

    electrons: tuple[int, ...]
    holes: tuple[int, ...]
    emitter: int
    n_dots: int = field(default=2, compare=False, repr=False)

    def __post_init__(self) -> None:
        total = checks.integer(self.n_dots, "n_dots", minimum=1)
        clean = {}
        for kind, where in (("electrons", "e"), ("holes", "h")):
            dots = checks.listed(getattr(self, kind), kind, "a list of dot numbers")
            found = sorted(checks.integer(dot, f"dot of {where}", minimum=1) for dot in dots)
            clean[kind] = tuple(found)
            for dot in found:
                if dot > total:
                    raise InputError(f"{where}{dot}: there is no dot {dot}, only 1 to {total}")
                if found.count(dot) > MOST_ALIKE:
                    raise InputError(
                        f"{found.count(dot)} carriers {where}{dot}: "
                        f"at most {MOST_ALIKE} like carriers fit on one dot"
                    )
        emitter = checks.integer(self.emitter, "emitter", minimum=1)
        if emitter > total:
            raise InputError(f"@{emitter}: there is no dot {emitter}, only 1 to {total}")
        for kind, word in (("electrons", "electron"), ("holes", "hole")):
            if emitter not in clean[kind]:
                raise InputError(f"@{emitter}: dot {emitter} holds no {word}, so it cannot emit")
        for kind, sorted_dots in clean.items():
            object.__setattr__(self, kind, sorted_dots)

    @property
    def name(self) -> str:
        """The named state where there is one (`segT@1`), else the carriers and ` @` the emitter."""
        own = (self.electrons.count(self.emitter), self.holes.count(self.emitter))
        pattern = (*own, len(self.electrons) - own[0], len(self.holes) - own[1])
        for name, carriers in NAMES.items():
            if carriers == pattern and (self.n_dots == 2 or not name.startswith("seg")):
                return f"{name}@{self.emitter}"
        return f"{self.carriers} @{self.emitter}"

    @property
    def carriers(self) -> str:
        """The carriers, those of the emitter first, electrons before holes: `e1 e1 h1 e2`."""
        dots = sorted({*self.electrons, *self.holes}, key=lambda dot: (dot != self.emitter, dot))
        found: list[str] = []
        for dot in dots:
            found += [f"e{dot}"] * self.electrons.count(dot) + [f"h{dot}"] * self.holes.count(dot)
        return " ".join(found)

    @property
    def final(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Electrons and holes that are left after the emission."""
        left = []
        for carriers in (self.electrons, self.holes):
            at = carriers.index(self.emitter)
            left.append(carriers[:at] + carriers[at + 1 :])
        return left[0], left[1]

    def __str__(self) -> str:
        return self.name


def parse_state(text: str, n_dots: int) -> State:
    """Return the state that `text` writes, by name (`segT@1`) or by carriers (`e1 h1 e3 @1`).

    n_dots: number of dots of the molecule. `@` may be left out only where exactly one dot holds
    both an electron and a hole. Raises InputError.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"state = {checks.shown(text)}: must be text such as X-@1 or e1 e1 h1")
    with checks.placed(f'state "{text}": '):
        words, at, emitter = text.partition("@")
        words = words.strip()
        dot = None
        if at:
            if not re.fullmatch(r"\s*[0-9]+\s*", emitter):
                raise InputError(f'"@{emitter}" must be @ and the number of the emitting dot')
            dot = int(emitter)
        if words in NAMES:
            return _named(words, dot, n_dots)
        if not all(re.fullmatch(r"[eh][0-9]+", word) for word in words.split()) or not words:
            hint = checks.nearest(words, NAMES)
            raise InputError(
                f"must be one of {', '.join(NAMES)} with @ and a dot, or carriers e1 h1 ...{hint}"
            )
        electrons = tuple(int(word[1:]) for word in words.split() if word[0] == "e")
        holes = tuple(int(word[1:]) for word in words.split() if word[0] == "h")
        if dot is None:
            dot = _only_emitter(electrons, holes)
        return State(electrons, holes, dot, n_dots)


def parse_charge(text: str) -> tuple[int, int]:
    """Return how many electrons and holes `text` writes: a name (`X-`), a state, or carriers (`e e h`).

    Which dots they are on does not matter. Raises InputError, also where there is nothing to recombine.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{checks.shown(text)}: must be text such as X- or e e h")
    words = text.partition("@")[0].strip()
    if words in NAMES:
        own_e, own_h, other_e, other_h = NAMES[words]
        return own_e + other_e, own_h + other_h
    if not all(re.fullmatch(r"[eh][0-9]*", word) for word in words.split()):
        hint = checks.nearest(words, NAMES)
        raise InputError(f'"{text}": must be one of {", ".join(NAMES)}, or carriers e e h{hint}')
    electrons = sum(word[0] == "e" for word in words.split())
    holes = len(words.split()) - electrons
    if not electrons or not holes:
        raise InputError(f'"{text}": needs an electron and a hole to recombine')
    if max(electrons, holes) > MOST_ALIKE:
        raise InputError(f'"{text}": at most {MOST_ALIKE} like carriers')
    return electrons, holes


def default_states(n_dots: int) -> tuple[State, ...]:
    """Return the states of a map that names none, for a molecule of `n_dots` dots."""
    if n_dots == 1:
        names: Iterable[str] = ("X@1", "X-@1", "X+@1", "XX@1")
    elif n_dots == 2:
        names = ("X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2")
    else:
        names = (f"X@{dot}" for dot in range(1, n_dots + 1))
    return tuple(parse_state(name, n_dots) for name in names)


def _named(name: str, dot: int | None, n_dots: int) -> State:
    """Return a named state emitting from `dot` (None: the only dot of a monomer)."""
    if name.startswith("seg") and n_dots != 2:
        advice = "write the carriers, such as e1 h1 e3 @1" if n_dots > 2 else "there is one"
        raise InputError(f"{name} needs exactly two dots; {advice}")
    if dot is None:
        if n_dots > 1:
            raise InputError(f"which dot emits? write {name}@1 for dot 1")
        dot = 1
    if not 1 <= dot <= n_dots:
        raise InputError(f"@{dot}: there is no dot {dot}, only 1 to {n_dots}")
    own_e, own_h, other_e, other_h = NAMES[name]
    other = 3 - dot
    electrons = (dot,) * own_e + (other,) * other_e
    return State(electrons, (dot,) * own_h + (other,) * other_h, dot, n_dots)


def _only_emitter(electrons: tuple[int, ...], holes: tuple[int, ...]) -> int:
    """Return the only dot that holds both an electron and a hole; raises InputError."""
    both = sorted(set(electrons) & set(holes))
    if not both:
        raise InputError("no dot holds both an electron and a hole, so none can emit")
    if len(both) > 1:
        which = ", ".join(f"@{dot}" for dot in both)
        raise InputError(f"several dots can emit; add one of {which}")
    return both[0]
