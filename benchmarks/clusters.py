"""How well `find_clusters` finds the states of simulated dimers: adjusted Rand index against the truth.

python benchmarks/clusters.py [SEEDS] prints, for each size of spectral diffusion, mean and least index over
the seeds (20 by default) at 100 photons per frame in the camera, and those of k-means on square roots of the
same spectra and of groups by intensity alone, both told the true number of states.
"""

import sys
import time

import numpy as np

from spq.spectroscopy import (
    Diffusion,
    Emitter,
    Simulation,
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


def case(sigma, seed):
    """Indices of the three ways, seconds of the first, and photons per frame."""
    simulation = Simulation(
        energies_by_hand((2.10, 2.13)),
        emitters=(Emitter(rate=RATE), Emitter(rate=RATE, angle=75.0)),
        diffusion=Diffusion(sigma=sigma),
    )
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


def main(seeds):
    print("diffusion  model mean  least   k-means  intensity   s/run  photons/frame")
    for sigma in (0.8, 1.6, 3.1, 5.0):
        rows = [case(sigma, seed) for seed in range(seeds)]
        index = np.array([row[0] for row in rows])
        mean = index.mean(axis=0)
        print(
            f"{sigma:5.1f} meV {mean[0]:10.3f} {index[:, 0].min():7.3f} {mean[1]:9.3f} {mean[2]:9.3f} "
            f"{np.mean([row[1] for row in rows]):8.2f} {np.mean([row[2] for row in rows]) / 400:10.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
