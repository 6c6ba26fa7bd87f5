"""A model's discretisation: the space, both carriers' Hamiltonians, and Poisson's equation.

Made once per geometry, materials and accuracy; charges, states and the iteration do not enter.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

import numpy as np

from spq.axisymmetric import HIGHEST, HIGHEST_COARSE, HIGHEST_CORRELATED, AxisymmetricSpace
from spq.born import layers
from spq.geometry import Molecule
from spq.mesh import half_plane_mesh, molecule_mesh
from spq.model import Model
from spq.poisson import Poisson
from spq.progress import Progress, silent
from spq.schrodinger import Carrier, carrier
from spq.self_energy import molecule_self_energy
from spq.solid import SolidSpace
from spq.space import Space

log = logging.getLogger(__name__)

KINDS = ("e", "h")
SIGN = {"e": -1.0, "h": 1.0}  # charge of each carrier in e
REACH = 1.0  # nm beyond a finite wall, where orbitals vanish
LAST, VANISHING = 0.2, 1e-4  # nm before the end of that, and share of a state allowed there
LEAK = 0.05  # share of a state outside a finite wall that is warned of
BARRIER = 0.5  # eV outside a carrier's dot, for its starting orbital


@dataclass(frozen=True, eq=False)
class Discretisation:
    """Everything that a self-consistent solution is computed with.

    poisson: the molecule in its surroundings, then, for the self-energy `density`, one for each shell
    permittivity continued outside; surroundings: (N,) which of `poisson` belongs to each dot's
    self-energy; image: (q,) in eV, the self-energy `image` at the quadrature points, if it acts; seconds:
    time spent.
    """

    model: Model
    space: Space
    poisson: tuple[Poisson, ...]
    surroundings: tuple[int, ...]
    seconds: dict[str, float]
    image: np.ndarray | None = None
    _carriers: dict[tuple[str, int], Carrier] = field(default_factory=dict, repr=False)

    def carrier(self, kind: str, harmonic: int = 0) -> Carrier:
        """The single-particle problem of a kind, "e" or "h", for one harmonic; made when first asked for."""
        key = (kind, abs(harmonic))
        if key not in self._carriers:
            masses, band = self.model.mass_tensors(kind), self.model.band(kind)
            self._carriers[key] = carrier(self.space, masses, band, abs(harmonic), self.image)
        return self._carriers[key]


def warn_of_leaks(discretisation: Discretisation, kind: str, values: np.ndarray) -> None:
    """Log a warning where a state, (q,) at the quadrature points, leaks more than its self-energy allows."""
    space = discretisation.space
    if not space.reach:
        return
    outside = space.molecule.distance_outside(space.points) > 0
    share = float((space.weights * values**2)[outside].sum())
    if share > LEAK:
        log.warning(
            "%.0f %% of the lowest state of %s lies outside the nanocrystal: its energy depends on the "
            "unknown structure of the surface, with the self-energy `image` on image_cut",
            100 * share,
            {"e": "an electron", "h": "a hole"}[kind],
        )
    last = space.molecule.distance_outside(space.points) > space.reach - LAST
    if float((space.weights * values**2)[last].sum()) > VANISHING:
        log.warning("a lowest state does not vanish %.1f nm beyond the wall: its energy is too high", REACH)


def build_space(
    molecule: Molecule,
    accuracy: str,
    discretisation: str = "solid",
    coarsening: float = 1.0,
    leaking: bool = False,
    correlated: bool = False,
) -> Space:
    """Mesh a molecule (or read its stored mesh) and make the space on it.

    discretisation: "solid" or "axisymmetric"; coarsening: factor on the element sizes; leaking: whether
    orbitals leak through the nanocrystal's surface; correlated: whether orbitals of high energy count.
    Raises MeshError as molecule_mesh does, or if an element belongs to no region.
    """
    if discretisation == "axisymmetric":
        highest = HIGHEST_COARSE if coarsening > 1 else HIGHEST
        if correlated:
            highest = HIGHEST_CORRELATED
        mesh = half_plane_mesh(molecule, accuracy, coarsening, leaking)
        return AxisymmetricSpace(mesh, molecule, highest, REACH if leaking else 0.0)
    return SolidSpace(molecule_mesh(molecule, accuracy, coarsening), molecule)


def discretise(model: Model, progress: Progress = silent, coarsening: float = 1.0) -> Discretisation:
    """Mesh a model's molecule and set up its equations.

    Parameters
    ----------
    model : Model
    progress : called with what is being done
    coarsening : factor on the element sizes in the nanocrystal

    Returns
    -------
    Discretisation

    Raises
    ------
    MeshError
        As building the mesh does.
    """
    start = time.perf_counter()
    progress("mesh", 0, 1)
    leaking = model.wall == "finite"
    flat, correlated = model.chosen_discretisation, model.method == "ci"
    space = build_space(model.molecule, model.accuracy, flat, coarsening, leaking, correlated)
    seconds = {"mesh": time.perf_counter() - start}
    poisson, surroundings = [Poisson(space, model.permittivities())], []
    if model.self_energy == "density":
        inside = 2 * len(model.molecule.dots)
        dots = range(len(model.molecule.dots))
        shells = [layers(model.molecule, model.permittivities(), dot)[1] for dot in dots]
        distinct = sorted(set(shells))
        for shell in distinct:
            outside = np.full(len(model.permittivities()) - inside, shell)
            poisson.append(Poisson(space, np.append(model.permittivities()[:inside], outside)))
        surroundings = [1 + distinct.index(shell) for shell in shells]
    image = None
    if model.self_energy == "image":
        # of a graded shell the sharp one's: the image needs interfaces
        sharp = Poisson(space, model.permittivities(), graded=False) if model.is_graded else poisson[0]
        image = model.image_prefactor * molecule_self_energy(space, sharp, model.image_cut, coarsening)
    return Discretisation(model, space, tuple(poisson), tuple(surroundings), seconds, image)
