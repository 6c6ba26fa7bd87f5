"""Where a line comes from: second dot, trion, phonon replica, shake-up or third dot, by Bayes' rule.

P(origin | evidence) ∝ P(origin) Σ_parent w_parent Π_pieces p(piece | origin, parent). A trion, a replica and
a shake-up line belong to a brighter line, which may be any; pieces are the distance, the ratio of photons,
the place among the lines, the share of the long component, whether the lines are lit together, the
correlation of their drifts and the difference of their polarisation. The shares of the long component of the
states are linear in those of the lines, y = W f + noise, so with Gaussian priors of f their density is
Gaussian, W S Wᵀ + σ².
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.lineevidence import LineEvidence, LongShares, line_evidence, long_shares
from spq.spectroscopy.originmodel import ORIGINS, SAME_DOT, OriginModel
from spq.spectroscopy.particlelines import ParticleLines, checked_analysis, particle_lines

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray

PIECES = ("distance", "ratio", "place", "long component", "together", "drift", "polarisation")
OTHERS = (0.4, 0.4)
"""Share of the long component of further lines of unknown origin, and its spread."""


@dataclass(frozen=True, eq=False)
class OriginPosterior:
    """Where one further line comes from.

    Attributes
    ----------
    line : int
        As `particle_lines` numbers them, from 0 (the strongest).
    energy : float
        In eV.
    origin : str
        The likeliest, or "undecided".
    probabilities : mapping
        Origin -> posterior.
    log_odds : mapping
        Piece of evidence -> origin -> its natural log-likelihood less that of the likeliest other origin as a
        whole: what it adds for or against; 0 where it was not measured.
    parent : int or None
        Line that a trion, replica or shake-up belongs to, the likeliest; None for another dot.
    decided_by : str
        The piece that speaks most for the likeliest origin against the next.
    evidence : LineEvidence
        Against the parent, or the strongest line.
    warnings : tuple of str
    """

    line: int
    energy: float
    origin: str
    probabilities: Mapping[str, float]
    log_odds: Mapping[str, Mapping[str, float]]
    parent: int | None
    decided_by: str
    evidence: LineEvidence
    warnings: tuple[str, ...]


def origin(
    analysis: xr.Dataset, line: int = 1, model: OriginModel | None = None, lines: ParticleLines | None = None
) -> OriginPosterior:
    """Posterior of where a further line of a particle comes from.

    Parameters
    ----------
    analysis : Dataset
        As `analyse` returns it; tracks and differences of polarisation are used where it has them.
    line : int
        From 1, the strongest after the strongest line, as `particle_lines` orders them.
    model : OriginModel or None
        Priors; None: the default ones.
    lines : ParticleLines or None
        None: `particle_lines(analysis)`.

    Returns
    -------
    OriginPosterior

    Raises
    ------
    InputError
        If it is no analysis, or has no such line.
    """
    checked_analysis(analysis)
    model = OriginModel() if model is None else model
    if not isinstance(model, OriginModel):
        raise InputError(f"model = {checks.shown(model)}: must be an OriginModel")
    lines = particle_lines(analysis) if lines is None else lines
    line = checks.integer(line, "line", minimum=1)
    if line >= len(lines.energies):
        raise InputError(f"line = {line}: the analysis has {max(len(lines.energies) - 1, 0)} further lines")
    return _posteriors(analysis, model, lines, line)[-1]


def origins(analysis: xr.Dataset, model: OriginModel | None = None) -> tuple[OriginPosterior, ...]:
    """`origin` of every further line of a particle, the strongest first; empty if there is none.

    analysis: as `analyse` returns it. model: priors, None: the default ones. Raises InputError as `origin`
    does.
    """
    lines = particle_lines(analysis)
    if len(lines.energies) < 2:
        return ()
    origin(analysis, 1, model, lines)  # which checks them
    return tuple(_posteriors(analysis, model or OriginModel(), lines, len(lines.energies) - 1))


def _posteriors(
    analysis: xr.Dataset, model: OriginModel, lines: ParticleLines, last: int
) -> list[OriginPosterior]:
    """Posteriors of all further lines up to the last, the brighter ones first, for they can be parents."""
    shares = long_shares(analysis, lines)
    found: list[OriginPosterior] = []
    pairs: list[list[LineEvidence]] = [[]]
    for line in range(1, last + 1):
        evidence = [line_evidence(analysis, lines, line, other) for other in range(line)]
        pairs.append(evidence)
        seconds = 1.0 - float(np.prod([1.0 - each.probabilities["second dot"] for each in found]))
        table = np.full((len(ORIGINS), line, len(PIECES)), -np.inf)
        for i, name in enumerate(ORIGINS):
            for parent in range(line) if name in SAME_DOT else (0,):
                table[i, parent] = _pieces(model, name, line, parent, pairs, shares)
            table[i, :, 2] += np.log(model.places(name, seconds))
        found.append(_judged(model, lines, line, table, evidence, _weights(found)))
    return found


def _weights(found: list[OriginPosterior]) -> Array:
    """Logarithm of how well each brighter line can be the parent in each origin (origins, parents).

    Replicas and shake-up lines have no lines of their own, and a trion has no trion.
    """
    weights = np.ones((len(ORIGINS), len(found) + 1))
    for parent, each in enumerate(found, 1):
        chances = each.probabilities
        own = 1.0 - chances["phonon replica"] - chances["shake-up"]
        for i, name in enumerate(ORIGINS):
            weights[i, parent] = own - (chances["trion"] if name == "trion" else 0.0)
    weights = np.maximum(weights, 1e-3)  # what was taken for a trion may be none
    for i, name in enumerate(ORIGINS):
        if name not in SAME_DOT:
            weights[i] = len(found) + 1.0  # has no parent
    return np.log(weights / (len(found) + 1.0))


def _pieces(
    model: OriginModel,
    name: str,
    line: int,
    parent: int,
    pairs: list[list[LineEvidence]],
    shares: LongShares,
) -> Array:
    """Log-likelihood (pieces,) of an origin with a parent; 0 for what was not measured."""
    evidence = pairs[line]
    against = evidence[parent]
    found = np.zeros(len(PIECES))
    found[0] = np.log(model.distances(name, against.distance_meV, against.distance_error_meV))
    found[1] = np.log(model.ratios(name, against.ratio, against.distance_meV))
    found[3] = _long(model, name, line, parent, shares)
    for other, each in enumerate(evidence):
        # to lines that are not its parent it is as to another dot's, whatever it is
        kind = name if other == parent else ORIGINS[0]
        seen = each.forth, each.back
        if other == parent:
            found[4] += np.log(model.together(kind, *seen))
        else:
            found[4] += np.log(model.beside(name, seen, _between(pairs, parent, other)))
        if np.isfinite(each.correlation):
            found[5] += np.log(model.correlations(kind, each.correlation, each.correlation_error))
        if np.isfinite(each.difference):
            found[6] += np.log(model.angles(kind, each.difference, each.difference_error))
    return found


def _between(pairs: list[list[LineEvidence]], one: int, two: int) -> tuple[float, float]:
    """How much of the light of one line comes where another is lit, and reversed."""
    each = pairs[max(one, two)][min(one, two)]
    return (each.forth, each.back) if one > two else (each.back, each.forth)


def _long(model: OriginModel, name: str, line: int, parent: int, shares: LongShares) -> float:
    """Log-density of the shares of the long component of all states."""
    if not len(shares.shares):
        return 0.0
    neutral, charged = (model.long_share, model.long_spread), (model.charged_share, model.charged_spread)
    light = shares.light.copy()
    if name in SAME_DOT and name != "trion":  # it has the decay of its parent
        light[:, parent] += light[:, line]
        light[:, line] = 0.0
    cases = [(1.0, charged)] if name == "trion" else [(1.0, neutral)]
    if name not in SAME_DOT:
        cases = [(1.0 - model.charged_dots, neutral), (model.charged_dots, charged)]
    density = 0.0
    for weight, prior in cases:
        priors = np.array([neutral] + [OTHERS] * (light.shape[1] - 1))
        priors[line] = prior
        if name == "trion":
            priors[parent] = neutral
        covariance = (light * priors[:, 1] ** 2) @ light.T + np.diag(shares.errors**2)
        apart = shares.shares - light @ priors[:, 0]
        _, logdet = np.linalg.slogdet(2.0 * np.pi * covariance)
        density += weight * np.exp(-0.5 * (apart @ np.linalg.solve(covariance, apart) + logdet))
    return float(np.log((1.0 - model.outlier) * density + model.outlier))


def _judged(
    model: OriginModel,
    lines: ParticleLines,
    line: int,
    table: Array,
    evidence: list[LineEvidence],
    weights: Array,
) -> OriginPosterior:
    """The posterior of log-likelihoods (origins, parents, pieces) and log-weights (origins, parents)."""
    whole = table.sum(axis=2) + weights
    with np.errstate(divide="ignore"):
        prior = np.log(np.array(model.prior) / sum(model.prior))
    joint = prior + logsumexp(whole, axis=1)
    posterior = np.exp(joint - logsumexp(joint))
    best = whole.argmax(axis=1)
    pieces = table[np.arange(len(ORIGINS)), best]
    ranked = np.argsort(-posterior, kind="stable")
    first, second = int(ranked[0]), int(ranked[1])
    odds = {
        piece: {
            name: float(pieces[i, j] - pieces[second if i == first else first, j])
            for i, name in enumerate(ORIGINS)
        }
        for j, piece in enumerate(PIECES)
    }
    name = ORIGINS[first] if posterior[first] >= model.sure else "undecided"
    parent = int(best[first]) if ORIGINS[first] in SAME_DOT else None
    decisive = int((pieces[first] - pieces[second]).argmax())
    missing = [
        what
        for what, values in (
            ("drift: not measured, for there are no tracks of both lines", [e.correlation for e in evidence]),
            ("polarisation: not measured for both lines", [e.difference for e in evidence]),
        )
        if not np.isfinite(values).any()
    ]
    return OriginPosterior(
        line=line,
        energy=float(lines.energies[line]),
        origin=name,
        probabilities=dict(zip(ORIGINS, map(float, posterior), strict=True)),
        log_odds=odds,
        parent=parent,
        decided_by=PIECES[decisive],
        evidence=evidence[parent or 0],
        warnings=tuple(f"line {line + 1}: {text}" for text in missing),
    )
