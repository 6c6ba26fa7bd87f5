"""How well `find_clusters` finds the states of simulated dimers: adjusted Rand index against the truth.

python benchmarks/clusters.py [SEEDS [FIRST [MOVE [APART [SIGMA]]]]] prints, for each size of spectral
diffusion (or SIGMA alone), mean, median and least index over the seeds (20 from 0 by default) and the share
of them above the bar (0.95 up to 1.6 meV, 0.85 above), at 100 photons per frame in the camera; beside them
the means of k-means on square roots of the same spectra and of groups by intensity alone, both told the true
number of states. MOVE: the particle has two states of equal intensity and decay, which differ by MOVE meV in
the position of one of its two lines; in the first they are APART meV from each other (30 by default).
"""

import sys
import time

import numpy as np

from spq.spectroscopy import (
    Diffusion,
    Emitter,
    Simulation,
    Switching,
    energies_by_hand,
    find_clusters,
    mask_cosmic_rays,
    simulate,
    time_gates,
)
from spq.spectroscopy.clusterstart import kmeans

RATE = 2500.0  # photons per s and emitter towards the splitter: about 100 in a frame


def rand_index(first, second):
    """Adjusted Rand index of two groupings: L. Hubert, P. Arabie, J. Classif. 2, 193 (1985)."""
    table = np.zeros((len(np.unique(first)), len(np.unique(second))))
    np.add.at(table, tuple(np.unique(each, return_inverse=True)[1] for each in (first, second)), 1.0)

    def pairs(counts):
        return float((counts * (counts - 1.0) / 2.0).sum())

    rows, columns = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = rows * columns / pairs(np.array([table.sum()]))
    most = 0.5 * (rows + columns)
    return 1.0 if most == expected else (pairs(table) - expected) / (most - expected)


def particle(sigma, move=None, apart=30.0):
    """A dimer whose states switch as by default, or with two states that differ in one line alone."""
    sites, switching = (), Switching()
    if move is not None:
        sites = ((0.0, 0.0), (0.0, -move))
        switching = Switching(0.0, 0.0, 0.05, 0.0, 0.0, 0.0, 0.0)
    return Simulation(
        energies_by_hand((2.10, round(2.10 + 1e-3 * apart, 6)), sites=sites),
        emitters=(Emitter(rate=RATE), Emitter(rate=RATE, angle=75.0)),
        diffusion=Diffusion(sigma=sigma),
        switching=switching,
    )


def case(sigma, seed, move=None, apart=30.0):
    """Indices of the three ways, seconds of the first, and photons per frame."""
    simulation = particle(sigma, move, apart)
    measurement, truth = simulate(simulation, seed)
    frames = mask_cosmic_rays(measurement.frames)[0]
    begin = time.perf_counter()
    found = find_clusters(frames, time_gates(measurement))
    taken = time.perf_counter() - begin
    states, number = truth.states[:, 0], len(np.unique(truth.states[:, 0]))
    spectra = np.sqrt(np.maximum(np.nansum(frames.counts, axis=1), 0.0) + 0.375)
    rates = np.bincount(measurement.frame_of_photon[measurement.frame_of_photon >= 0], minlength=len(states))
    others = [kmeans(each, number, 1) for each in (spectra, np.sqrt(rates)[:, None])]
    return (
        [rand_index(states, each) for each in (found.states, *others)],
        taken,
        truth.tallies["camera"]["imaged"],
    )


def main(seeds=20, first=0, move=None, apart=30.0, only=None):
    print("diffusion  mean  median  least  above bar   k-means  intensity   s/run  photons/frame")
    for sigma in (0.8, 1.6, 3.1, 5.0) if only is None else (only,):
        rows = [case(sigma, seed, move, apart) for seed in range(first, first + seeds)]
        index = np.array([row[0] for row in rows])
        found, mean = index[:, 0], index.mean(axis=0)
        above = (found >= (0.95 if sigma <= 1.6 else 0.85)).mean()
        print(
            f"{sigma:5.1f} meV {mean[0]:6.3f} {np.median(found):7.3f} {found.min():6.3f} {above:10.2f} "
            f"{mean[1]:9.3f} {mean[2]:10.3f} {np.mean([row[1] for row in rows]):7.2f} "
            f"{np.mean([row[2] for row in rows]) / 400:14.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:3]), *(float(each) for each in sys.argv[3:6]))
