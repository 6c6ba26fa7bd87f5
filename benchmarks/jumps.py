"""How well `find_tracks` and `find_jumps` do on simulated dimers, and how often they err on null particles.

python benchmarks/jumps.py [SEEDS] prints, over the seeds (20 by default), 400 frames each:

peaks: rms of the energies against the truth in frames without a jump, their pulls, the rms of the brightest
pixel against the line nearest to it; photons are those of both emitters in a frame.
recall: share of the simultaneous shifts of both emitters (and of nothing else) that are called coincident
within one frame; limits: share of the true shifts that lie below their limit, of those with a finite one.
At 100 photons and diffusion of 0.35 meV a frame.
null: share of null particles for which coincidence is claimed (a run with p <= 0.05 and a coincident jump),
share of those with p <= 0.05, and share of the jumps that are called coincident.
"""

import functools
import sys
import time

import numpy as np

from spq.spectroscopy import (
    Camera,
    Diffusion,
    Emitter,
    Simulation,
    Switching,
    brightest_pixel,
    energies_by_hand,
    find_jumps,
    find_tracks,
    mask_cosmic_rays,
    simulate,
)

RATE = 250.0  # photons per s and emitter towards the splitter: about 100 in a frame of both, since the
CAMERA = Camera(efficiency=1.0)  # sees them all; fewer photons to draw for the counter, which is not used
WALK = Diffusion(sigma=1.6)  # 0.35 meV a frame
CALM = Switching(charging=0.02, discharging=0.1, hopping=0.15, quenching=0.005)


@functools.cache
def particle(seed, shift, rate=RATE, **more):
    """Frames, truth, tracks of a dimer whose surface charge shifts both lines, and seconds of the tracks."""
    simulation = Simulation(
        energies_by_hand((2.13, 2.10), other_charged=(0.0, 0.0), sites=[(0.0, 0.0), shift]),
        emitters=(Emitter(rate=rate), Emitter(rate=rate, angle=75.0)),
        **{"diffusion": WALK, "switching": CALM, "camera": CAMERA, **more},
    )
    measurement, truth = simulate(simulation, seed)
    frames = mask_cosmic_rays(measurement.frames)[0]
    begin = time.perf_counter()
    tracks = find_tracks(frames, emitters=2)
    return frames, truth, tracks, time.perf_counter() - begin


def without_jump(truth):
    """Frames (frames,) in which nothing changed."""
    times = np.array([jump["time_s"] for jump in truth.jumps])
    calm = np.ones(len(truth.begins), dtype=bool)
    inside = np.searchsorted(truth.begins, times, side="right") - 1
    calm[inside[inside >= 0]] = False
    return calm


def peaks(seeds, rate):
    offs, pulls, bright, undetermined, seconds, photons = [], [], [], 0, [], []
    for seed in range(seeds):
        frames, truth, tracks, taken = particle(seed, (5.0, -5.0), rate)
        lit = (truth.rates > 0.5 * rate) & without_jump(truth)[:, None]
        off = 1e3 * (tracks.energies - truth.energies)
        known = lit & np.isfinite(off)
        undetermined += int((lit & ~known).sum())
        offs.append(off[known])
        pulls.append((off / (1e3 * tracks.errors))[known])
        both = lit.all(axis=1)
        nearest = np.abs(1e3 * (brightest_pixel(frames)[:, None] - truth.energies)).min(axis=1)
        bright.append(nearest[both & np.isfinite(nearest)])
        seconds.append(taken)
        photons.append(truth.tallies["camera"]["imaged"] / 400)
    off, pull, nearest = (np.concatenate(each) for each in (offs, pulls, bright))
    rms = [np.sqrt(np.mean(each**2)) for each in (off, pull, nearest)]
    print(
        f"{np.mean(photons):8.0f} {rms[0]:9.3f} meV {rms[1]:7.2f} "
        f"{(np.abs(off) > 1.5).sum():8d} of {len(off)} "
        f"{undetermined:8d} {rms[2]:11.3f} meV {np.mean(seconds):7.1f}",
        flush=True,
    )


def recall(seeds, shift):
    hit, total, below, limits, called, true = 0, 0, 0, 0, 0, 0
    for seed in range(seeds):
        _, truth, tracks, _ = particle(seed, shift)
        found = find_jumps(tracks)
        frames = np.array([np.searchsorted(truth.begins, j["time_s"], side="right") - 1 for j in truth.jumps])
        shifts = np.array([j["shift_meV"] for j in truth.jumps]).reshape(-1, 2)
        alone = [j["moved"] == ["surface"] for j in truth.jumps]
        claimed = found.frame[found.coincident]
        # one event within three frames and both emitters lit around it, or no method could know
        for row, frame in enumerate(frames):
            near = np.abs(frames - frame) <= 3
            around = truth.rates[max(frame - 2, 0) : frame + 3]
            if not alone[row] or near.sum() > 1 or not 3 <= frame < 396 or around.min() < 0.5 * RATE:
                continue
            total += 1
            hit += bool(len(claimed) and np.abs(claimed - frame).min() <= 1)
        for frame in claimed:
            near = np.abs(frames - frame) <= 1
            true += bool(
                (np.abs(shifts[near].sum(axis=0)) > 0).all() or (np.abs(shifts[near]) > 0).all(axis=1).any()
            )
            called += 1
        calm = np.array([truth.energies[max(f - 3, 0) : f + 3].shape[0] == 6 for f in found.frame])
        for row, frame in enumerate(found.frame):
            # what the emitters did within a frame of it, if nothing else did so within four
            if not calm[row] or (np.abs(frames - frame) <= 4).sum() > 1:
                continue
            near = np.abs(frames - frame) <= 1
            for limit, size in zip(found.limit_meV[row], np.abs(shifts[near].sum(axis=0)), strict=True):
                limits += bool(np.isfinite(limit))
                below += bool(np.isfinite(limit) and size <= limit)
    print(
        f"{shift!s:>14} {hit:5d} of {total:4d} = {hit / max(total, 1):5.2f}"
        f"   {called - true:4d} of {called:4d}"
        f"   {below:4d} of {limits:4d} = {below / max(limits, 1):6.3f}",
        flush=True,
    )


def null(seeds, name, **more):
    claims, low, called, number = 0, 0, 0, 0
    for seed in range(seeds):
        _, _, tracks, _ = particle(seed, (5.0, -5.0), **more)
        found = find_jumps(tracks)
        claims += bool(found.coincident.any())
        low += bool(found.run_p_value <= 0.05)
        called += int(found.coincident.sum())
        number += len(found.frame)
    print(f"{name:28} {claims:3d} of {seeds}  {low:3d} of {seeds}  {called:4d} of {number}", flush=True)


def main(seeds):
    head = " photons         rms    pull  > 1.5 meV           missing  brightest pixel   s/run"
    print("shift of both   called coincident    false calls    true shift below limit")
    recall(seeds, (5.0, -5.0))
    print(head)
    peaks(seeds, RATE)
    particle.cache_clear()
    print("shift of both   called coincident    false calls    true shift below limit")
    for shift in ((3.0, -3.0), (2.0, -2.0), (1.0, -1.0), (8.0, -8.0), (5.0, 1.0), (5.0, 8.0)):
        recall(seeds, shift)
        particle.cache_clear()
    print(head)
    for factor in (0.3, 3.0):
        peaks(seeds, factor * RATE)
        particle.cache_clear()
    print("null particle                claimed    p <= 0.05  coincident jumps")
    null(seeds, "independent", independent=True)
    together = Diffusion(1.6, 20.0, 1.0)
    null(seeds, "independent, drift together", independent=True, diffusion=together)
    still = Switching(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    null(seeds, "common drift only", switching=still, diffusion=together)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
