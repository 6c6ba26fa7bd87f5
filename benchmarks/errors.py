"""Does error_meV cover the true error? Random dimers against a much finer solution.

Run as a program: python benchmarks/errors.py [molecules [self-energy [method]]]; without self-energy
`none`, every fourth molecule with `density`. Every molecule is solved at `normal` and at `fine`, the
latter with more harmonics and a tighter basis, with the method "ci" more orbitals and configurations; cases
are its states, signs and places that are followed and not hybridised in both. Prints coverage and the ratio
of estimate to true error.
"""

from __future__ import annotations

import sys

import numpy as np

import spq
from spq import basis, discretisation, eigenstates, prepare, reduction
from spq.surface import line_positions

SEED = 11
PLACES = 9  # from pole to pole, of which every second is taken
REFERENCE = (9, 10)  # |m| of orbitals and potentials
CORRELATED = (9, 18)
MANY = spq.CISpec(orbitals=60, outside=300, memory=20.0)
CONFIGURATIONS = 100_000
CORRELATED_STATES = ("X@1", "X-@1", "segX-@1", "X@2", "X-@2")


def molecule(generator: np.random.Generator, number: int) -> spq.Model:
    """A random dimer: radii, shells, overlap, every second one with a neck; three conduction band steps."""
    cores = np.round(generator.uniform(1.0, 1.9, 2), 3)
    shells = np.round(generator.uniform(0.9, 2.4, 2), 3)
    outer = cores + shells
    distance = round(outer.sum() - generator.uniform(0.15, 0.7), 3)
    neck = round(generator.uniform(0.5, 0.95) * 2 * outer.min(), 3) if number % 2 else 0.0
    shape = spq.Molecule.dimer(tuple(cores), tuple(shells), distance, neck)
    step = (0.10, 0.32, 0.20)[number % 3]
    self_energy = "density" if number % 4 == 3 else "none"
    return spq.Model(shape, conduction_band_offset=step, self_energy=self_energy)


def finer(model: spq.Model, places: np.ndarray):
    """The map on a fine mesh with more harmonics and a tight basis."""
    if model.method == "ci":
        known = discretisation.HIGHEST_CORRELATED, eigenstates.MOST
        discretisation.HIGHEST_CORRELATED, eigenstates.MOST = CORRELATED, CONFIGURATIONS
        try:
            return spq.shift_map(model.replace(accuracy="fine", ci=MANY), z=places)
        finally:
            discretisation.HIGHEST_CORRELATED, eigenstates.MOST = known
            prepare._prepared.clear()
    kept = discretisation.HIGHEST, basis.DISCARDED[True]["fine"], reduction.TOLERANCE["fine"]
    discretisation.HIGHEST = REFERENCE
    basis.DISCARDED[True]["fine"], reduction.TOLERANCE["fine"] = 1e-5, 1.0
    try:
        return spq.shift_map(model.replace(accuracy="fine"), z=places)
    finally:
        discretisation.HIGHEST, basis.DISCARDED[True]["fine"], reduction.TOLERANCE["fine"] = kept


def cases(model: spq.Model) -> np.ndarray:
    """True and estimated errors (cases, 4) in meV: of the shift, then of the energy."""
    prepare._prepared.clear()
    places = line_positions(model.molecule, PLACES)[::2]
    found, reference = spq.shift_map(model, z=places), finer(model, places)
    good = np.isfinite(found.shift_error_meV.values)
    for each in (found, reference):
        good &= (each.converged & each.followed & ~each.hybridised).values
    columns = [
        abs(found.shift_meV - reference.shift_meV),
        found.shift_error_meV,
        1e3 * abs(found.energy_eV - reference.energy_eV),
        found.error_meV,
    ]
    return np.column_stack([column.values[good] for column in columns])


def summary(name: str, true: np.ndarray, estimate: np.ndarray) -> str:
    """One line: coverage, median ratio, sizes."""
    return (
        f"{name}: {len(true)} cases, covered {np.mean(true <= estimate):.1%}, median estimate/true "
        f"{np.median(estimate / true):.1f}, true error median {np.median(true):.4f} "
        f"95 % {np.quantile(true, 0.95):.4f} max {true.max():.4f} meV"
    )


def main(count: int, self_energy: str | None = None, method: str = "reduced") -> None:
    """Print the state of things after each molecule."""
    generator = np.random.default_rng(SEED)
    found = []
    for number in range(count):
        model = molecule(generator, number)
        if self_energy:
            model = model.replace(self_energy=self_energy)
        if method == "ci":
            states = spq.MapSpec(states=CORRELATED_STATES)
            model = model.replace(method=method, map=states)
        found.append(cases(model))
        total = np.vstack(found)
        print(number, summary("shift", total[:, 0], total[:, 1]), flush=True)
        print(number, summary("energy", total[:, 2], total[:, 3]), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16, *sys.argv[2:4])
