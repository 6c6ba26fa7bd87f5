"""Is `origin` right about where lines come from, and as sure as it should be?

python benchmarks/origins.py [SEEDS] simulates and analyses SEEDS (20 by default) particles of each kind:
dimers whose dots charge, monomers that charge, monomers whose replicas are fitted as lines of their own,
monomers with a weak line 40 to 100 meV below (a shake-up line), trimers. Prints, by true origin, how often
each is found, the share right among the decided, and the expected calibration error of the largest posterior
in bins of 0.1. A line at no energy of the simulation counts as wrong ("none").
"""

import sys

import numpy as np

from spq.spectroscopy import (
    Diffusion,
    Emitter,
    Lines,
    Simulation,
    Switching,
    analyse,
    energies_by_hand,
    origins,
    particle_lines,
    simulate,
    without_replicas,
)
from spq.spectroscopy.originmodel import ORIGINS

CALM = Switching(charging=0.0, discharging=0.0, hopping=0.0, quenching=0.0)
NEAR = 4e-3  # eV within which a line is one of the simulation; drift, and shifts by the other dot's charge


def dots(number, generator):
    """Energies of dots at least 8 meV apart, as sizes spread them, and shifts of their trions."""
    while True:
        found = 2.10 + 0.018 * generator.standard_normal(number)
        if number == 1 or np.diff(np.sort(found)).min() > 8e-3:
            return found, generator.uniform(-18.0, -10.0, number)


def particle(kind, seed):
    """Simulation, and its lines: (energy in eV, "dot" or origin, dot)."""
    generator = np.random.default_rng(100000 + seed)
    number = {"dimer": 2, "trimer": 3}.get(kind, 1)
    neutral, trions = dots(number, generator)
    emitters = tuple(
        Emitter(rate=rate, angle=angle)
        for rate, angle in zip(generator.uniform(1500.0, 4000.0, number), (20.0, 75.0, 140.0), strict=False)
    )
    known = [(energy, "dot", dot) for dot, energy in enumerate(neutral)]
    charging = kind in ("dimer", "monomer", "trimer")
    lines = Lines()
    if charging:
        known += [(neutral[dot] + 1e-3 * shift, "trion", dot) for dot, shift in enumerate(trions)]
    if kind == "replicas":
        known += [(neutral[0] - 1e-3 * each, "phonon replica", 0) for each in (27.0, 37.0, 54.0, 64.0, 74.0)]
    if kind == "shake-up":
        below, share = (
            generator.uniform(40.0, 100.0),
            np.exp(np.log(0.02) + 0.7 * generator.standard_normal()),
        )
        lines = Lines(phonons=(27.0, 37.0, below), huang_rhys=(0.25, 0.1, share))
        known.append((neutral[0] - 1e-3 * below, "shake-up", 0))
    simulation = Simulation(
        energies_by_hand(tuple(neutral), charged=tuple(trions)),
        emitters=emitters,
        switching=Switching() if charging else CALM,
        diffusion=Diffusion(sigma=float(generator.uniform(0.3, 1.6))),
        lines=lines,
        duration=100.0,
    )
    return simulation, known


def analysed(kind, seed):
    """Analysis of a particle, and its lines."""
    simulation, known = particle(kind, seed)
    ds = analyse(simulate(simulation, seed)[0])
    return (without_replicas(ds) if kind == "replicas" else ds), known


def truths(energies, known):
    """True origin of every further line; dots in the order of their brightness."""
    nearest = [min(known, key=lambda each, e=energy: abs(each[0] - e)) for energy in energies]
    order = [nearest[0][2]]
    found = []
    for energy, (at, what, dot) in zip(energies[1:], nearest[1:], strict=True):
        if abs(energy - at) > NEAR or (what == "dot" and dot in order):
            found.append("none")
        elif what == "dot":
            order.append(dot)
            found.append(("second dot", "third dot")[len(order) - 2])
        else:
            found.append(what)
    return found


def calibration(surest, right):
    """Expected calibration error of posteriors (n,) and whether they are right (n,), in bins of 0.1."""
    place = np.minimum((10.0 * surest).astype(int), 9)
    return sum(abs(surest[place == b].sum() - right[place == b].sum()) for b in range(10)) / len(surest)


def main(seeds):
    rows = []
    for kind in ("dimer", "monomer", "replicas", "shake-up", "trimer"):
        for seed in range(seeds):
            ds, known = analysed(kind, seed)
            energies = particle_lines(ds).energies
            if not len(energies):
                continue
            for truth, found in zip(truths(energies, known), origins(ds), strict=True):
                best = max(found.probabilities, key=found.probabilities.get)
                rows.append(
                    (kind, truth, found.origin, best, max(found.probabilities.values()), found.decided_by)
                )
        print(kind, "done", flush=True)
    print("true origin".ljust(16), *(each.rjust(15) for each in (*ORIGINS, "undecided")))
    for truth in (*ORIGINS, "none"):
        of = [row for row in rows if row[1] == truth]
        print(truth.ljust(16), *(f"{sum(r[2] == each for r in of):15d}" for each in (*ORIGINS, "undecided")))
    for name in ("dimer", "monomer", "replicas", "shake-up", "trimer", "all"):
        of = [row for row in rows if name in (row[0], "all")]
        if not of:
            continue
        decided = [row for row in of if row[2] != "undecided"]
        right = np.array([row[1] == row[3] for row in of])
        share = np.mean([row[1] == row[2] for row in decided]) if decided else np.nan
        error = calibration(np.array([row[4] for row in of]), right)
        print(
            f"{name:10s} lines {len(of):4d} decided {len(decided):4d} right {share:.3f} "
            f"calibration {error:.3f}"
        )
    by = {piece: sum(row[5] == piece for row in rows) for piece in sorted({row[5] for row in rows})}
    print("decided by", by)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
