"""Many simulated particles, monomers and dimers, analysed and compared as in figure 3 of the source paper.

python benchmarks/population.py [MONOMERS] [DIMERS] [FILE.png] (12 and 30 by default) simulates 100 s of each,
dots spread in energy, dimers with axes 20 degrees apart within 8, charging as the simulator does by default,
and prints means with errors beside what was drawn, and the tests. Where `analyse` gives no difference of
polarisation it is fitted here, to the light within 5 meV of the two lines of the brightest state.
"""

import sys
import time

import numpy as np

from spq.spectroscopy import (
    analyse,
    draw_particle,
    fit_polarisation,
    mask_cosmic_rays,
    particle_lines,
    population,
    simulate,
)
from spq.spectroscopy.particlelines import brightest_state
from spq.spectroscopy.plotpopulation import population_writer

WINDOW = 5e-3  # eV


def with_difference(ds, measurement):
    """The analysis with the difference of polarisation of the two lines of its brightest state."""
    state = brightest_state(ds)
    if "polarisation_difference" in ds or state is None:
        return ds
    lines = particle_lines(ds, states=np.array([state]))
    frames = mask_cosmic_rays(measurement.frames)[0]
    of = (ds["state"].values == state) & np.isfinite(frames.angles)
    if len(lines.energies) != 2 or abs(np.diff(lines.energies)[0]) < 2.0 * WINDOW or not of.any():
        return ds
    angles, place = np.unique(frames.angles[of], return_inverse=True)
    fits = []
    for energy in lines.energies:
        near = np.abs(frames.energy - energy) < WINDOW
        light = np.nansum(frames.counts[of][:, :, near], axis=2)
        sums = np.array([np.bincount(place, row, len(angles)) for row in light.T])
        good = (sums > 0).all(axis=0)
        if good.sum() < 4:
            return ds
        fits.append(fit_polarisation(*sums[:, good], angles[good], frames.excess))
    difference = fits[1].angle - fits[0].angle
    error = np.hypot(fits[0].angle_error, fits[1].angle_error)
    return ds.assign(polarisation_difference=difference, polarisation_difference_error=error)


def main(monomers, dimers, path=None):
    analyses, differences = [], []
    begin = time.perf_counter()
    for seed, number in enumerate([1] * monomers + [2] * dimers):
        simulation, difference = draw_particle(number, seed)
        measurement, _ = simulate(simulation, seed)
        analyses.append(with_difference(analyse(measurement), measurement))
        differences.append(difference)
    print(f"{len(analyses)} particles simulated and analysed in {time.perf_counter() - begin:.0f} s")
    begin = time.perf_counter()
    ds = population(analyses, ["monomers"] * monomers + ["dimers"] * dimers)
    print(f"population in {time.perf_counter() - begin:.1f} s")
    print("quantity                  " + "".join(f"{name:>34s}" for name in ds["group_name"].values) + "   p")
    for j, quantity in enumerate(ds["quantity"].values):
        row = ""
        for i in range(2):
            value, error, count = (ds[name].values[i, j] for name in ("mean", "mean_error", "count"))
            row += f"{value:13.4g} +- {error:8.2g} of {count:5d}"
        print(f"{quantity:25s} {row}   {ds['mann_whitney_p'].values[0, j]:.2g}")
    measured = ds["polarisation_difference"].values
    pulls = (measured - np.array(differences)) / ds["polarisation_difference_error"].values
    known = np.isfinite(pulls)
    print(f"differences of polarisation less those drawn, over their errors: {np.std(pulls[known]):.2f}")
    for name in ("uniform_p", "angle_p", "angle_log_ratio", "angle_chance", "angle_scatter"):
        print(f"{name:16s} {ds[name].values[1]:.3g}")
    lines = ds["lines"].values
    for name, of in (("monomers", slice(0, monomers)), ("dimers", slice(monomers, None))):
        numbers = np.bincount(lines[of][np.isfinite(lines[of])].astype(int), minlength=5)
        print(f"lines of {name}: {numbers.tolist()}")
    if path is not None:
        population_writer(ds)["population.png"](path)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:3]]
    main(*(given + [12, 30][len(given) :]), sys.argv[3] if len(sys.argv) > 3 else None)
