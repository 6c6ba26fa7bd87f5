"""Ensembles: molecules whose sizes are drawn from distributions, and what their emission spreads over.

Sizes are drawn from p(x) (spq.priors), each molecule is solved (spq.transition); the spread is that of the
energies found, the inhomogeneous broadening σ_E² ≈ Σ_x (∂E/∂x)² σ_x² where sizes spread little.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks, gallery
from spq.errors import ConvergenceError, InputError
from spq.fields import changed, check_apart, places, shown
from spq.geometry import Array
from spq.inputfile import dumps
from spq.mapspec import MapSpec
from spq.model import Model
from spq.priors import Prior
from spq.progress import Progress, silent
from spq.sweeps import sweep
from spq.units import MEV_PER_EV

if TYPE_CHECKING:
    import xarray as xr

SEED = 1
SAMPLES = 200
TRIES = 20  # draws for every molecule, at most
FLAGS = ("hybridised", "followed", "converged")

log = logging.getLogger(__name__)


def ensemble(
    model: Model | None = None,
    sizes: Mapping[str, Any] | None = None,
    samples: int = SAMPLES,
    seed: int = SEED,
    executor: Executor | None = None,
    store: str | Path | None = None,
    progress: Progress = silent,
) -> xr.Dataset:
    """Draw molecules from distributions of sizes and compute what their emission spreads over.

    Parameters
    ----------
    model : Model
        With the values of all other fields; by default the nominal heterodimer with self-energy "image",
        whose centres follow its sizes.
    sizes : mapping
        Dotted field name -> (mean, sigma) of a normal, or a Prior: Prior(low, high) is uniform. "dots.x" is
        drawn for every dot independently, "dots[1].x" for dot 1 alone. Molecules that there cannot be (a
        negative radius, cores that touch) are drawn again.
    samples : number of molecules
    seed : the same seed draws the same molecules
    executor, store, progress : as of spq.sweep

    Returns
    -------
    xarray.Dataset
        Over `sample`, with every drawn size as coordinate: zpl_eV (sample, dot) of X; trion_shift_meV
        (sample, dot), X- less X; spacing_meV (sample, later), X of a later dot less X of dot 1; splitting_meV
        (sample, kind), second less first single-carrier level; flags (sample, state); `error`, why a molecule
        failed. What failed holds NaN. Attribute drawn_again: how many draws were no molecules.

    Raises
    ------
    InputError
        If a field is unknown or given twice, a distribution is wrong, or hardly any draw is a molecule.
    ConvergenceError
        If no molecule could be computed.
    """
    model = gallery.fused_heterodimer(self_energy="image") if model is None else model
    if not isinstance(model, Model):
        raise InputError(f"model = {checks.shown(model)}: must be a Model")
    samples = checks.integer(samples, "samples", minimum=1)
    seed = checks.integer(seed, "seed", minimum=0)
    distributions = _distributions(model, sizes)
    drawn, again = _drawn(model, distributions, samples, np.random.default_rng(seed))
    if again:
        log.warning("%d of %d draws were no molecules and were drawn again", again, again + samples)
    dots = range(1, len(model.molecule.dots) + 1)
    states = [f"{kind}@{dot}" for kind in ("X", "X-") for dot in dots]
    asked = model.replace(map=MapSpec(states=tuple(states)))
    axes: dict[str | tuple[str, ...], Any] = {tuple(distributions): list(drawn.T)}
    found = sweep(asked, axes, ("emission", "levels"), executor, store, progress=progress)
    if "energy_eV" not in found:
        raise ConvergenceError(f"no molecule could be computed: {found['error'].values[0]}")
    about = {"seed": seed, "drawn_again": again, "input": dumps(model), "self_energy": model.self_energy}
    about |= {"distributions": "; ".join(f"{name}: {each}" for name, each in distributions.items())}
    return _dataset(found.rename(zipped="sample"), list(dots)).assign_attrs(about)


def _distributions(model: Model, sizes: Mapping[str, Any] | None) -> dict[str, Prior | tuple[float, float]]:
    """The distribution of every single field; (mean, sigma) is a normal."""
    if not isinstance(sizes, Mapping) or not sizes:
        raise InputError('sizes: must map at least one field such as "dots.core_radius" to (mean, sigma)')
    found: dict[str, Prior | tuple[float, float]] = {}
    with checks.placed("sizes: "):
        check_apart(model, sizes)
        for name, given in sizes.items():
            each = given if isinstance(given, Prior) else _normal(given, name)
            found |= {shown(place): each for place in places(model, name)}
    return found


def _normal(given: Any, name: str) -> tuple[float, float]:
    pair = checks.listed(given, name, "(mean, sigma) or a Prior")
    if len(pair) != 2:
        raise InputError(f"{name} = {checks.shown(given)}: must be (mean, sigma) or a Prior")
    return checks.number(pair[0], f"mean of {name}"), checks.number(pair[1], f"sigma of {name}", above=0.0)


def _drawn(
    model: Model,
    distributions: Mapping[str, Prior | tuple[float, float]],
    samples: int,
    generator: np.random.Generator,
) -> tuple[Array, int]:
    """Sizes (samples, fields) of molecules that there can be, and the number of draws that are none."""
    kept: list[Array] = []
    again = 0
    while len(kept) < samples:
        row = np.array([_draw(each, generator) for each in distributions.values()])
        try:
            changed(model, dict(zip(distributions, row, strict=True)))
        except InputError as error:
            again += 1
            if again > TRIES * samples:
                raise InputError(
                    f"sizes: of {again + len(kept)} draws {len(kept)} are molecules: {error}"
                ) from None
            continue
        kept.append(row)
    return np.array(kept), again


def _draw(distribution: Prior | tuple[float, float], generator: np.random.Generator) -> float:
    if isinstance(distribution, Prior):
        return float(distribution.draws(np.array(generator.uniform())))
    return float(generator.normal(*distribution))


def _dataset(found: xr.Dataset, dots: list[int]) -> xr.Dataset:
    """What an ensemble is looked at for, from a sweep of emissions and levels."""
    import xarray as xr

    import spq

    energy = found["energy_eV"].where(found["converged"])
    of_kind = {
        kind: np.column_stack([energy.sel(state=f"{kind}@{dot}").values for dot in dots])
        for kind in ("X", "X-")
    }
    spacing = MEV_PER_EV * (of_kind["X"][:, 1:] - of_kind["X"][:, :1])
    variables: dict[str, Any] = {
        "zpl_eV": (("sample", "dot"), of_kind["X"], {"units": "eV", "long_name": "emission energy of X"}),
        "trion_shift_meV": (
            ("sample", "dot"),
            MEV_PER_EV * (of_kind["X-"] - of_kind["X"]),
            {"units": "meV", "long_name": "emission energy of X- less that of X of the same dot"},
        ),
        "spacing_meV": (
            ("sample", "later"),
            spacing,
            {"units": "meV", "long_name": "emission energy of X of a later dot less that of dot 1"},
        ),
        "splitting_meV": found["splitting_meV"],
        "error": found["error"],
    }
    variables |= {name: found[name] for name in FLAGS}
    ds = xr.Dataset(variables, {"dot": dots, "later": dots[1:]})
    ds.attrs = {"title": f"Ensemble of {ds.sizes['sample']} molecules", "spq_version": spq.__version__}
    return ds
