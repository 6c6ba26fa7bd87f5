"""A model's discretisation: the space, both carriers' Hamiltonians, and Poisson's equation.

Made once per geometry, materials and accuracy; charges, states and the iteration do not enter.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from spq.model import Model
from spq.poisson import Poisson
from spq.progress import Progress, silent
from spq.schrodinger import Carrier, carrier
from spq.space import Space, build_space

KINDS = ("e", "h")
SIGN = {"e": -1.0, "h": 1.0}  # charge of each carrier in e
BARRIER = 0.5  # eV outside a carrier's dot, for its starting orbital


@dataclass(frozen=True, eq=False)
class Discretisation:
    """Everything that a self-consistent solution is computed with.

    carriers: the single-particle problem of each kind; poisson: the molecule in its surroundings,
    then, for the self-energy `density`, one for each shell permittivity continued outside;
    surroundings: (N,) which of `poisson` belongs to each dot's self-energy; seconds: time spent.
    """

    model: Model
    space: Space
    carriers: dict[str, Carrier]
    poisson: tuple[Poisson, ...]
    surroundings: tuple[int, ...]
    seconds: dict[str, float]


def discretise(model: Model, progress: Progress = silent) -> Discretisation:
    """Mesh a model's molecule, assemble its operators and factorise them.

    Parameters
    ----------
    model : Model
    progress : called with what is being done

    Returns
    -------
    Discretisation

    Raises
    ------
    MeshError, SpqError
        As building the mesh and factorising the matrices do.
    """
    start = time.perf_counter()
    progress("mesh", 0, 1)
    space = build_space(model.molecule, model.accuracy)
    meshed = time.perf_counter()
    progress("operators", 0, 1)
    carriers = {kind: carrier(space, model.masses(kind), model.band(kind)) for kind in KINDS}
    poisson, surroundings = [Poisson(space, model.permittivities())], []
    if model.self_energy == "density":
        shells = model.permittivities()[1:-1:2]
        distinct = sorted(set(shells))
        for shell in distinct:
            poisson.append(Poisson(space, np.append(model.permittivities()[:-1], shell)))
        surroundings = [1 + distinct.index(shell) for shell in shells]
    seconds = {"mesh": meshed - start, "operators": time.perf_counter() - meshed}
    return Discretisation(model, space, carriers, tuple(poisson), tuple(surroundings), seconds)
