"""What the benchmarks share: points at which maps are compared with the direct method, clocks, sizes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from spq import prepare as preparing
from spq.carriers import parse_state
from spq.discretisation import Discretisation
from spq.factorisation import load_solver
from spq.hartree import System
from spq.model import Model
from spq.schrodinger import lowest_states
from spq.surface import surface_points
from spq.transition import continued, converged, uncharged

Points = tuple[tuple[str, float, float], ...]

LOWEST = 221.829576  # meV, lowest electron level of the nominal heterodimer (ngsolve_peer.REFERENCE)

# state, charge in e, z in nm: own dot and other dot, both signs, poles, sides and neck
POINTS = (
    ("X@1", 1.0, -6.6),
    ("X@2", -1.0, 3.0),
    ("X-@2", 1.0, 6.65),
    ("segX-@1", -1.0, -6.6),
    ("segX-@1", 1.0, 2.0),
    ("segT@1", 1.0, -4.0),
    ("segT@1", -1.0, -0.6),
)


@dataclass(frozen=True, eq=False)
class Solved:
    """Emission energies less the gap at some points in meV: without and with charge, (n,).

    references: seconds of a state without charge, on average; seconds: of each point with it, (n,).
    """

    bare: np.ndarray
    energy: np.ndarray
    references: float
    seconds: np.ndarray

    @property
    def shift(self) -> np.ndarray:
        """Shift in meV at each of the points."""
        return self.energy - self.bare


def solve_points(system: System, model: Model, points: Points) -> Solved:
    """Solve each point in turn, its state without charge once; raises ConvergenceError."""
    molecule, final = model.molecule, model.final_state
    start = perf_counter()
    bare = {}
    for name, _, _ in points:
        if name not in bare:
            bare[name] = uncharged(system, parse_state(name, len(molecule.dots)), final)
    references = (perf_counter() - start) / len(bare)
    energies, seconds = [], []
    for name, charge, z in points:
        start = perf_counter()
        field = charge * system.charge_fields(surface_points(molecule, [z]))
        found = converged(continued(system, bare[name].state, field, bare[name], final)[0])
        energies.append(1e3 * found.energy)
        seconds.append(perf_counter() - start)
    without = np.array([1e3 * bare[name].energy for name, _, _ in points])
    return Solved(without, np.array(energies), references, np.array(seconds))


def shifts(system: System, model: Model, points: Points = POINTS) -> np.ndarray:
    """Shift in meV at each of the points."""
    return solve_points(system, model, points).shift


def size(discretisation: Discretisation) -> dict[str, int]:
    """Elements and unknowns of a discretisation."""
    space = discretisation.space
    return {
        "elements": space.mesh.nelements,
        "unknowns_orbital": len(space.inner),
        "unknowns_potential": space.size,
    }


def level_error(discretisation: Discretisation) -> float:
    """Error in meV of the lowest electron level of the nominal heterodimer."""
    energies, _ = lowest_states(discretisation.carrier("e"), 1)
    return 1e3 * float(energies[0]) - LOWEST


def forget() -> None:
    """Drop every prepared problem, so that the next one starts from its mesh."""
    preparing._prepared.clear()


def timed(seconds: list[float], function: Callable, *args: Any) -> Any:
    """function(*args); the seconds that it took are appended."""
    start = perf_counter()
    found = function(*args)
    seconds.append(perf_counter() - start)
    return found


def fastest_threads(model: Model) -> AbstractContextManager:
    """Threads of the linear algebra: one, but all for the large matrices of a solid."""
    load_solver()  # what is loaded later would not be limited
    return nullcontext() if model.chosen_discretisation == "solid" else threadpool_limits(1)
