"""Is the targeted branch followed? Random molecules, states and charges with the self-energy `density`.

Run as a program: python benchmarks/branches.py [molecules [seed]]. Each case is a line of five neighbouring
places 0.1 to 0.3 nm apart: every point must converge or say that it did not, and where the shift jumps
between two neighbours by more than 5 meV one of them must be marked (hybridised, or not followed). Prints
every case that is worth a look, and the counts.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import spq
from spq.errors import SpqError
from spq.surface import line_positions

STATES = "X@{0} X-@{0} X+@{0} XX@{0} X2-@{0} X2+@{0}".split()
SEGREGATED = "segX-@{0} segT@{0} segX+@{0} segXX@{0}".split()
PLACES = 60  # from pole to pole, of which five neighbours are taken
JUMP = 5.0  # meV


def molecule(generator: np.random.Generator) -> spq.Molecule:
    """A fifth monomers, a fifth homodimers, a tenth with a gap, a third with a neck."""
    cores, shells = generator.uniform(1.1, 1.7, 2), generator.uniform(1.4, 2.5, 2)
    if generator.random() < 0.2:
        return spq.Molecule.monomer(cores[0], shells[0])
    if generator.random() < 0.25:
        cores[1], shells[1] = cores[0], shells[0]
    reach = float((cores + shells).sum())
    apart = generator.random() < 0.1
    distance = reach + generator.uniform(0.3, 1.0) if apart else reach - generator.uniform(0.2, 0.8)
    neck = 0.0 if apart else float(generator.choice([0.0, 0.0, generator.uniform(2.0, 5.0)]))
    return spq.Molecule.dimer(tuple(cores), tuple(shells), distance, neck)


def case(generator: np.random.Generator) -> tuple[spq.Model, str, float, np.ndarray]:
    """Model, state, charge and five neighbouring places."""
    shape = molecule(generator)
    step = float(generator.choice([0.10, 0.32]))
    model = spq.Model(shape, self_energy="density", accuracy="coarse", conduction_band_offset=step)
    names = STATES + (SEGREGATED if len(shape.dots) == 2 else [])
    state = str(generator.choice(names)).format(generator.integers(1, len(shape.dots) + 1))
    start = generator.integers(0, PLACES - 5)
    places = line_positions(shape, PLACES)[start : start + 5]
    return model, state, float(generator.choice([1.0, -1.0, 0.5, -0.5])), places


def main(count: int = 200, seed: int = 1) -> None:
    """Solve the cases and print what was found."""
    generator = np.random.default_rng(seed)
    counts = dict.fromkeys(("points", "not converged", "raised", "marked jumps", "unmarked jumps"), 0)
    start = time.perf_counter()
    for number in range(count):
        model, state, charge, places = case(generator)
        try:
            found = spq.shift_map(model, states=[state], charges=(charge,), z=places.tolist())
        except SpqError as error:
            counts["raised"] += 1
            print(f"{number} {state}: {error}")
            continue
        found = found.isel(state=0, charge=0)
        good, shift = found["converged"].values, found["shift_meV"].values
        marked = found["hybridised"].values | ~found["followed"].values
        counts["points"] += len(good)
        counts["not converged"] += int((~good).sum())
        for i in np.flatnonzero(good[1:] & good[:-1] & (np.abs(np.diff(shift)) > JUMP)):
            kind = "marked jumps" if marked[i] or marked[i + 1] else "unmarked jumps"
            counts[kind] += 1
            print(f"{number} {state} {charge:+g} e at {places[i]:.2f} nm: {shift[i : i + 2]} meV, {kind}")
    print(counts, f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
