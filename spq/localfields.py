"""What a model and a self-consistent state look like in space, as values at places.

φ_i(r) = Σ_m χ_m(α) u_m(r, z) of an orbital, ρ_i = φ_i², V[ρ_i] from Poisson's equation, Σ (spq.self_energy,
or V[ρ_i; ε] − V[ρ_i; shell's ε outside] of the model `density`), Φ_ext of charges and field, the band edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spq.carriers import parse_state
from spq.correlation import Correlation
from spq.direct import Direct
from spq.discretisation import KINDS, Discretisation, discretise
from spq.errors import InputError
from spq.hartree import Shell, System
from spq.meshing import region_of
from spq.model import Model
from spq.places import Blocks, Places
from spq.poisson import Poisson
from spq.prepare import electric_field, prepare, threads
from spq.progress import Progress, silent
from spq.reduced import Reduced
from spq.ring_charges import charges_potential
from spq.schrodinger import lowest_states
from spq.self_energy import self_energy_at
from spq.solution import with_charges, without_charges
from spq.transition import Transition
from spq.units import KV_PER_CM


@dataclass(frozen=True, eq=False)
class Orbital:
    """name: "e1", p-like "e1p", of levels "e level 1"; count: of carriers; energy in eV; dot from 0."""

    name: str
    kind: str
    count: int
    energy: float
    dot: int
    blocks: Blocks


@dataclass(frozen=True, eq=False)
class Solved:
    """A discretised model with its charges, the orbitals of a state of it, and single-carrier levels."""

    model: Model
    discretisation: Discretisation
    orbitals: tuple[Orbital, ...] = ()
    levels: tuple[Orbital, ...] = ()
    state: str = ""


def solved(model: Model, state: str | None = None, levels: int = 0, progress: Progress = silent) -> Solved:
    """Discretise a model and, if a state is asked for, solve for the carriers before the emission.

    levels: number of lowest levels of each kind.

    Raises InputError with method "ci", whose states have no single orbitals; ConvergenceError and MeshError
    as spq.emission does.
    """
    if state is None:
        discretisation = discretise(model, progress)
        return Solved(model, discretisation, levels=lowest_levels(discretisation, levels))
    if model.method == "ci":
        raise InputError('fields of a state: need model.method = "reduced" or "direct", it is "ci"')
    asked = parse_state(state, len(model.molecule.dots))
    system = prepare(model, progress)
    assert not isinstance(system, Correlation)
    with threads(model):
        found = without_charges(system, asked, model.final_state)
        external = _external(system, model)
        if external.any():
            found = with_charges(system, found, external, model.final_state)
    assert isinstance(found, Transition)
    each = zip(found.initial.shells, found.initial.orbitals, found.initial.levels, strict=True)
    orbitals = tuple(
        Orbital(
            _name(shell), shell.kind, shell.count, float(level), shell.dot, _blocks(system, shell.kind, o)
        )
        for shell, o, level in each
    )
    lowest = lowest_levels(system.discretisation, levels)
    return Solved(model, system.discretisation, orbitals, lowest, asked.name)


def _external(system: System, model: Model) -> np.ndarray:
    """The field of charges and electric field, not turned about the axis as energies allow."""
    found = electric_field(system, model)
    if model.surface_charges:
        places = np.array([charge.resolve(model.molecule) for charge in model.surface_charges])
        values = np.array([charge.charge for charge in model.surface_charges])
        found = found + np.tensordot(values, system.charge_fields(places), axes=1)
    return found


def _name(shell: Shell) -> str:
    return f"{shell.kind}{shell.dot + 1}{'p' if shell.level else ''}"


def _blocks(system: System, kind: str, orbital: np.ndarray) -> Blocks:
    """Nodal values of an orbital on all degrees of freedom, by label."""
    space = system.discretisation.space
    found: Blocks = {}
    if isinstance(system, Direct):
        parts = dict(zip(space.harmonics.orbital, orbital.reshape(-1, len(space.inner)), strict=True))
    else:
        assert isinstance(system, Reduced)
        labels, states = system.labels[kind], system.orbitals[kind]
        parts = {int(m): states[abs(m)] @ orbital[labels == m] for m in np.unique(labels)}
    for label, part in parts.items():
        if part.any():
            found[label] = np.zeros(space.size)
            found[label][space.inner] = part
    return found


def lowest_levels(discretisation: Discretisation, count: int) -> tuple[Orbital, ...]:
    """The lowest `count` levels of each kind without mean field or charge; of a pair ±m the cosine.

    Raises InputError if the mesh has not so many.
    """
    if not count:
        return ()
    space = discretisation.space
    found: list[Orbital] = []
    labels = range(max(space.harmonics.orbital) + 1)
    carriers = {kind: [discretisation.carrier(kind, m) for m in labels] for kind in KINDS}
    most = min(len(each.free) for blocks in carriers.values() for each in blocks) - 2  # that Lanczos finds
    if count > most:
        raise InputError(f"levels = {count}: at most {most} are on this mesh; ask for a finer accuracy")
    for kind, blocks in carriers.items():
        each: list[tuple[float, int, np.ndarray]] = []
        for m, carrier in enumerate(blocks):
            energies, vectors = lowest_states(carrier, count)
            each += [(float(e), m, v) for e, v in zip(energies, vectors.T, strict=True)]
        each.sort(key=lambda level: level[0])
        for number, (energy, m, vector) in enumerate(each[:count], 1):
            nodal = np.zeros(space.size)
            nodal[space.inner] = vector
            found.append(Orbital(f"{kind} level {number}", kind, 1, energy, -1, {m: nodal}))
    return tuple(found)


def band_edges(model: Model, kind: str, points: np.ndarray) -> np.ndarray:
    """V_band (n,) of a carrier in eV at points (n, 3), up for electrons, down for holes.

    NaN behind a hard wall.
    """
    molecule, band = model.molecule, model.band(kind)
    regions = region_of(molecule, points)
    found = band[regions].astype(float)
    dots = np.minimum(regions // 2, len(molecule.dots) - 1)
    widths = np.array([dot.gradation for dot in molecule.dots])[dots]
    varied = (regions < 2 * len(molecule.dots)) & (regions % 2 == 1) & (widths > 0)
    if varied.any():
        here = dots[varied]
        radius = np.linalg.norm(points[varied] - molecule.centers[here], axis=1)
        share = np.clip((radius - molecule.core_radii[here]) / widths[varied], 0.0, 1.0)
        found[varied] = band[2 * here] + share * (band[2 * here + 1] - band[2 * here])
    return np.where(carriers_live(model, points), found, np.nan)


def carriers_live(model: Model, points: np.ndarray) -> np.ndarray:
    """Where orbitals can be, (n,): in the nanocrystal, a linker, and everywhere behind a finite wall."""
    within = model.molecule.distance_outside(points) <= 0
    return within | model.molecule.in_linker(points) | (model.wall == "finite")


def external_potential(given: Solved, places: Places) -> np.ndarray:
    """Φ_ext (n,) in eV: of the surface charges and the electric field, on a positive unit charge."""
    model, poisson = given.model, given.discretisation.poisson[0]
    found = np.zeros(len(places.points))
    charges = model.surface_charges
    if charges:
        positions = np.array([charge.resolve(model.molecule) for charge in charges])
        values = np.array([charge.charge for charge in charges])
        found += charges_potential(poisson, positions, values, places.points)
    if any(model.electric_field):
        sources = poisson.far_source(KV_PER_CM * np.array(model.electric_field))
        found += places.values({m: poisson.factors(m).solve(source) for m, source in sources.items()})
    return found


def potential_of(given: Solved, orbital: Orbital, poisson: Poisson) -> Blocks:
    """V[ρ] of one carrier in an orbital, as if its charge were +1 e: nodal values by label."""
    space = given.discretisation.space
    values = {m: space.values(nodal[:, None])[:, 0] for m, nodal in orbital.blocks.items()}
    densities: dict[int, np.ndarray] = {}
    for a in values:
        for b in values:
            for c, weight in space.harmonics.products(a, b):
                densities[c] = densities.get(c, 0.0) + weight * values[a] * values[b]
    return {c: poisson.solve(poisson.density_source(each), c) for c, each in densities.items()}


def image_self_energy(given: Solved, points: np.ndarray) -> np.ndarray:
    """Σ (n,) in eV of the model `image`; NaN where carriers cannot be, and on a hard wall."""
    model, discretisation = given.model, given.discretisation
    poisson = discretisation.poisson[0]
    if model.is_graded:
        poisson = Poisson(discretisation.space, model.permittivities(), graded=False)
    inside = carriers_live(model, points)
    if model.wall == "hard":
        inside &= (model.molecule.distance_outside(points) < 0) | model.molecule.in_linker(points)
    found = np.full(len(points), np.nan)
    values = self_energy_at(discretisation.space, poisson, points[inside], model.image_cut)
    found[inside] = model.image_prefactor * values
    return found


def density_self_energy(given: Solved, orbital: Orbital, places: Places) -> np.ndarray:
    """Σ_i (n,) in eV of the model `density` for the carriers of one orbital; NaN where they cannot be."""
    discretisation = given.discretisation
    beyond = discretisation.poisson[discretisation.surroundings[orbital.dot]]
    whole = potential_of(given, orbital, discretisation.poisson[0])
    bulk = potential_of(given, orbital, beyond)
    found = places.values({c: whole[c] - bulk[c] for c in whole})
    return np.where(carriers_live(given.model, places.points), found, np.nan)


def charged(model: Model, surface_charges: Sequence | None) -> Model:
    """A model with other surface charges, if they are given."""
    if surface_charges is None:
        return model
    return model.replace(surface_charges=tuple(surface_charges))
