"""Before the experiment: can two explanations of a jump be told apart, and with what energy resolution?

From a microstate, each of two moves leads to many, for places are not known: the jump Δ of both emitters is
drawn from p_A or p_B, mixtures of Gaussians as wide as the resolution σ and what a site's band and a step of
the strength leave open, σ_s,

    p(Δ) = Σ_s P(s) N(Δ; E(s) - E(s_0), σ² + σ_s²).

 Of jumps drawn from each, the share is
counted whose posterior odds p_A/p_B (priors alike) are above 0.8 for the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from spq import checks
from spq.assignment.assigning import table_for
from spq.assignment.chargetable import CHARGES, ChargeTable
from spq.assignment.moves import Moves, moves_of
from spq.assignment.verdicts import DECIDED
from spq.errors import InputError
from spq.model import Model
from spq.progress import silent

Array = np.ndarray

RESOLUTIONS = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
SHOT = 2.6
"""meV times the root of the photons: the error of a peak position is 0.26 meV at 100 photons."""
DRAWS = 2000
WANTED = 0.9


@dataclass(frozen=True, eq=False)
class Power:
    """How well two moves are told apart.

    Attributes
    ----------
    hypotheses : tuple of str
    resolution_meV : float (n,)
        Standard error of a jump of one emitter.
    right, wrong : float (n, 2)
        Share of jumps by each move that are called by it, and by the other; the rest is undecided.
    needed_meV : float
        Largest resolution at which both are called right in 90 %; NaN: none of them.
    needed_photons : float
        Photons of each emitter on each side of the jump for that, without diffusion.
    """

    hypotheses: tuple[str, str]
    resolution_meV: Array
    right: Array
    wrong: Array
    needed_meV: float
    needed_photons: float


def power(
    model: Model | ChargeTable,
    first: str,
    second: str,
    *,
    charges: tuple[int, int] = (0, 0),
    resolution_meV: tuple[float, ...] = RESOLUTIONS,
    trion_error_meV: float = 2.0,
    seed: int = 0,
) -> Power:
    """Tell how well two moves can be told apart by the jump of both emitters' energies.

    Parameters
    ----------
    model : Model or ChargeTable
    first, second : str
        Moves in words, as `assign` names them; the beginning is enough where it is clear.
    charges : (int, int)
        Of the dots before; with no charge on the surface where the move needs none, else anywhere.
    resolution_meV : tuple of float
    trion_error_meV : float
        How well shifts by a dot's own charge are known.
    seed : int

    Returns
    -------
    Power

    Raises
    ------
    InputError
        If a move is not known or cannot happen from these charges.
    """
    table = model if isinstance(model, ChargeTable) else table_for(model, silent)
    moves = moves_of(table.sites)
    names = tuple(_known(moves, each) for each in (first, second))
    parts = [_jumps(table, moves, name, charges) for name in names]
    generator = np.random.default_rng(seed)
    rows = []
    for sigma in resolution_meV:
        sigma = checks.number(sigma, "resolution_meV", "meV", above=0.0)
        rows.append([_called(parts, truth, sigma, trion_error_meV, generator) for truth in (0, 1)])
    shares = np.array(rows)
    good = [s for s, row in zip(resolution_meV, shares, strict=True) if (row[:, 0] >= WANTED).all()]
    needed = max(good, default=float("nan"))
    photons = 2.0 * (SHOT / needed) ** 2
    return Power(
        (names[0], names[1]), np.array(resolution_meV), shares[..., 0], shares[..., 1], needed, photons
    )


def _known(moves: Moves, text: str) -> str:
    found = [label for label in moves.labels if label.startswith(text)]
    if text in moves.labels:
        return text
    if len(found) != 1:
        near = checks.nearest(text, moves.labels)
        raise InputError(f"move {text!r}: {'is not clear' if found else 'is not known'}{near}")
    return found[0]


def _jumps(
    table: ChargeTable, moves: Moves, name: str, charges: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Jumps (n, 2) in meV that a move may make, their chances, which emitter's own charge it changes, and the
    variance (n, 2) that places and strengths leave open."""
    for each in charges:
        if each not in CHARGES:
            raise InputError(f"charges = {charges}: must be of {CHARGES}")
    pair = CHARGES.index(charges[0]) * len(CHARGES) + CHARGES.index(charges[1])
    begin = pair * table.configurations
    matrix = moves.single[moves.labels.index(name)][begin : begin + table.configurations].tocoo()
    numbers = np.array([len(each) for each in table.sites.configurations])
    if not matrix.nnz:
        raise InputError(f"move {name!r}: cannot happen from charges {charges}")
    fewest = numbers[matrix.row].min()
    kept = numbers[matrix.row] == fewest
    old, new = matrix.row[kept] + begin, matrix.col[kept]
    rest = table.rest.reshape(-1, 2)
    own = np.empty((len(rest), 2))
    grid = np.arange(len(CHARGES))
    first = np.repeat(grid, len(CHARGES) * table.configurations)
    second = np.tile(np.repeat(grid, table.configurations), len(CHARGES))
    own[:, 0], own[:, 1] = table.own[0][first], table.own[1][second]
    sizes = (rest + own)[new] - (rest + own)[old]
    changed = np.stack([first[new] != first[old], second[new] != second[old]], axis=1)
    good = np.isfinite(sizes).all(axis=1)
    chances = matrix.data[kept][good].astype(float)
    variance = table.spread.reshape(-1, 2) ** 2
    open_still = variance[old] + variance[new]
    return sizes[good], chances / chances.sum(), changed[good].astype(float), open_still[good]


def _called(
    parts: list[tuple[Array, Array, Array, Array]],
    truth: int,
    sigma: float,
    own: float,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Share of drawn jumps that are called by the truth, and by the other."""
    sizes, chances, changed, spread = parts[truth]
    which = generator.choice(len(sizes), DRAWS, p=chances)
    width = np.sqrt(sigma**2 + own**2 * changed[which] + spread[which])
    drawn = sizes[which] + width * generator.standard_normal((DRAWS, 2))
    logs = []
    for sizes, chances, changed, spread in parts:
        variance = sigma**2 + own**2 * changed + spread
        square = ((drawn[:, None] - sizes) ** 2 / variance + np.log(variance)).sum(axis=2)
        logs.append(logsumexp(np.log(chances) - 0.5 * square, axis=1))
    chance = 1.0 / (1.0 + np.exp(logs[1 - truth] - logs[truth]))
    return float((chance >= DECIDED).mean()), float((chance <= 1.0 - DECIDED).mean())
