"""How many zero-phonon lines a fit finds in simulated particles, with Gaussians and with Lorentzians.

python benchmarks/line_shapes.py [SEEDS] [FILE.png] simulates neutral monomers, and dimers whose lines are 8
to 50 meV apart, all drifting by 1.6 meV, with the camera of the simulator (excess noise, read-out, cosmic
rays, background), sums their frames to 1,000 and to 10,000 photons, and prints in how many of the seeds (40
by default) each kind of line finds how many lines. "steady": all 400 frames; "gathered": as many frames of
100 photons as make the sum, drawn from all, as of a state that comes and goes. "as in the paper":
Lorentzians that may lie at any distance from each other. With FILE.png it draws the figure.
"""

import sys

import numpy as np

from spq.spectroscopy import (
    Diffusion,
    Emitter,
    Simulation,
    Switching,
    energies_by_hand,
    fit_lines,
    mask_cosmic_rays,
    simulate,
)
from spq.spectroscopy.cosmicrays import read_noise

STILL = Switching(charging=0.0, discharging=0.0, hopping=0.0, quenching=0.0)
PER_PHOTON = 200.0 * 0.99 * 0.5 * 0.1 * 0.925  # imaged of one photon per s at the splitter, both strips
WAYS = {
    "Gaussian": {"kind": "gaussian"},
    "Lorentzian": {"kind": "lorentzian"},
    "Gaussian, any distance": {"kind": "gaussian", "apart_meV": 0.0},
    "Lorentzian, any distance (as in the paper)": {"kind": "lorentzian", "apart_meV": 0.0},
}
CASES = [
    (dots, photons, how) for photons in (1000, 10000) for how in ("steady", "gathered") for dots in (1, 2)
]


def energies(dots, seed):
    """Lines in eV; of a dimer 8 to 50 meV apart."""
    if dots == 1:
        return (2.10,)
    return (2.10, 2.10 + 1e-3 * np.random.default_rng(7000 + seed).uniform(8.0, 50.0))


def spectrum(dots, photons, how, seed):
    """Sum of the frames, wavelengths, and variance of the read-out of a pixel."""
    imaged = photons if how == "steady" else 40000
    share = np.array([1.0]) if dots == 1 else np.array([0.6, 0.4])
    emitters = tuple(
        Emitter(rate=each * imaged / PER_PHOTON, angle=angle)
        for each, angle in zip(share, (20.0, 75.0), strict=False)
    )
    simulation = Simulation(
        energies=energies_by_hand(energies(dots, seed)),
        emitters=emitters,
        switching=STILL,
        diffusion=Diffusion(sigma=1.6),
    )
    frames = mask_cosmic_rays(simulate(simulation, seed)[0].frames)[0]
    light = frames.counts.sum(axis=1)
    if how == "gathered":
        chosen = np.random.default_rng(9000 + seed).choice(len(light), photons // 100, replace=False)
        light = light[chosen]
    seen = np.isfinite(light).sum(axis=0)
    total = np.where(seen > 0, np.nansum(light, axis=0) / np.maximum(seen, 1) * len(light), np.nan)
    return total, frames.wavelength, 2.0 * read_noise(frames.counts) ** 2 * len(light)


def numbers(dots, photons, how, seeds):
    """Way -> number of lines (seeds,)."""
    found = {way: [] for way in WAYS}
    for seed in range(seeds):
        counts, wavelength, variance = spectrum(dots, photons, how, seed)
        for way, options in WAYS.items():
            fit = fit_lines(counts, wavelength, excess=2.0, read_variance=variance, **options)
            found[way].append(len(fit.positions))
    return {way: np.array(each) for way, each in found.items()}


def figure(monomers, path):
    """Number of lines found in monomers, by photons and kind of line; truth is one."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7.2, 5.4), layout="constrained")
    FigureCanvasAgg(drawn)
    panels = drawn.subplots(2, 2, sharex=True, sharey=True)
    colors, hatches = ("#0072B2", "#D55E00", "#56B4E9", "#E69F00"), ("", "", "//", "//")
    for axes, ((photons, how), found) in zip(panels.flat, monomers.items(), strict=True):
        for place, (way, each) in enumerate(found.items()):
            shares = np.bincount(each, minlength=5)[:5] / len(each)
            left = np.arange(5) + 0.2 * (place - 1.5)
            axes.bar(left, shares, 0.18, color=colors[place], hatch=hatches[place], ec="white", label=way)
        axes.set_title(f"{photons:,} photons, {how}", fontsize=9)
        axes.set_xticks(range(5))
        axes.set_ylim(0.0, 1.05)
    for axes in panels[1]:
        axes.set_xlabel("zero-phonon lines found (one is there)")
    for axes in panels[:, 0]:
        axes.set_ylabel("share of monomers")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    drawn.savefig(path, dpi=150)


def main(seeds, path=None):
    monomers = {}
    print("dots photons  frames    " + "right: " + "; ".join(WAYS))
    for dots, photons, how in CASES:
        found = numbers(dots, photons, how, seeds)
        if dots == 1:
            monomers[photons, how] = found
        right = "  ".join(f"{(each == dots).mean():6.3f}" for each in found.values())
        table = "; ".join(str(np.bincount(each, minlength=5).tolist()) for each in found.values())
        print(f"{dots:4d} {photons:7d}  {how:9s} {right}   {table}", flush=True)
    if path is not None:
        figure(monomers, path)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40, sys.argv[2] if len(sys.argv) > 2 else None)
