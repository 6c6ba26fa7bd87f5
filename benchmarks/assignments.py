"""Scenarios A to F, simulated, analysed blind, assigned: how often is the assignment right, and is it
calibrated?

python benchmarks/assignments.py [SEEDS] [LETTERS] [--truth] [--nominal] [--null] [-v] prints for each
scenario the jumps found, the share that is decided, how many of these are right, whether the dot that carries
the charge is in its 90 % region, and the expected calibration error over all; two processes share the
particles. With --truth the tracks are those of the simulation with the errors of photons: the assignment
alone is seen. With --nominal it is the nominal heterodimer, whose neutral dot 2 and negative dot 1 emit
within 2 meV: the tracks cannot tell them apart. With --null the emitters know nothing of each other.
"""

import sys
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

import spq
from spq import gallery
from spq.assignment import SCENARIOS, charge_table, scenario
from spq.assignment.assigning import assign, assigned
from spq.assignment.moves import DRIFT, NONE, STILL
from spq.assignment.observations import stretched
from spq.spectroscopy import Simulation, analyse, energies_by_hand, simulate

NEAR = 2  # frames between a jump that was found and the event
BINS = 10


def model(nominal=False):
    if nominal:
        return gallery.heterodimer(self_energy="image", accuracy="coarse")
    return gallery.published_dimer(accuracy="coarse")


def with_true_tracks(measurement, truth, told, table, seed):
    """The assignment of the true energies, with the errors that photons leave."""
    generator = np.random.default_rng(seed)
    light = np.maximum(truth.rates * 0.5 * 0.5 * 0.25, 0.0)  # splitter, exposure, detection
    photons = generator.poisson(light).astype(float)
    errors = 2.6 / np.sqrt(np.maximum(photons, 1.0)) * 1e-3
    energies = truth.energies + errors * generator.standard_normal(errors.shape)
    energies[photons < 5] = np.nan
    order = np.argsort(-np.nanmean(energies, axis=0))
    borders = [int(np.searchsorted(truth.begins, each)) for each in told.times]
    nothing = np.full(len(energies), np.nan)
    starts = truth.begins
    seen = stretched(
        energies[:, order], errors[:, order], photons[:, order], starts, np.array(borders), nothing, nothing
    )
    return assigned(seen, table, explain=False)


def scored(found, told, begins):
    """For each jump that was found: chance of the first move, whether it is right, and the event (or
    none)."""
    frames = np.searchsorted(begins, told.times)
    rows, taken = [], set()
    for k in range(found.sizes["jump"]):
        near = np.abs(frames - int(found["jump_frame"][k]))
        place = int(near.argmin())
        event = told.events[place] if near[place] <= NEAR and place not in taken else None
        taken |= {place} if event else set()
        first = str(found["move"].values[k, 0])
        right = first == event if event else first in (STILL, DRIFT, NONE)
        rows.append((float(found["probability"][k, 0]), right, first, event))
    return rows, len(told.events) - len(taken)


def place(found, told, begins):
    """Is the dot that carries the scenario's charge, after its event, in the 90 % region of dot 1, dot 2,
    neck and no charge? NaN if the event was not seen."""
    return next((whole for event, whole, *_ in _placed(found, told, begins, 1) if event == 1), np.nan)


def places(found, told, begins):
    """For each stretch with one charge on the surface: is its dot in the 90 % region of dot 1, dot 2, neck
    and no charge? Then, NaN if no charge was seen, in that of the three places, and whether its band is in
    the region of all bands."""
    return [row[1:] for row in _placed(found, told, begins, None)]


def _placed(found, told, begins, only):
    """Of the last charge on the surface in each stretch that was found, `only` one or all with one charge."""
    frames = np.concatenate([[0], np.searchsorted(begins, told.times)])
    starts = np.concatenate([[0], found["jump_frame"].values])
    rows = []
    for event, (frame, situation) in enumerate(zip(frames, told.situations, strict=True)):
        near = np.abs(starts - frame)
        wanted = event == only if only is not None else len(situation.trapped) == 1
        if not wanted or near.min() > NEAR:
            continue
        trapped = situation.trapped[-1]
        sign = 0 if trapped.carrier == "hole" else 1
        chances = found["surface_probability"].values[int(near.argmin()), sign]
        z, regions = found["site_z"].values, found["site_region"].values
        band = int(np.abs(z - trapped.charge.z).argmin())
        dots = np.array([min(float(chances[regions == each].sum()), 1.0) for each in (0, 1, 2)])
        whole = np.append(dots, max(1.0 - dots.sum(), 0.0))
        parts = (np.nan, np.nan)
        if dots.sum() > 0.5:
            parts = (trapped.dot in region(dots / dots.sum()), band in region(chances / chances.sum()))
        rows.append((event, trapped.dot in region(whole / whole.sum()), *parts))
    return rows


def region(chances, share=0.9):
    """The likeliest entries that hold a share together."""
    order = np.argsort(-chances)
    return set(order[: int(np.searchsorted(np.cumsum(chances[order]), share)) + 1].tolist())


def couples(move):
    """Whether a move takes a charge from one dot to the other or its surface."""
    return "goes to dot" in move or ("dot 1" in move and "dot 2" in move)


def null(seeds, nominal):
    """Particles whose emitters know nothing of each other: which of their jumps are called a coupling?"""
    charges = charge_table(model(nominal))
    own = charges.own[:, 1].tolist()
    energies = energies_by_hand(charges.neutral_eV.tolist(), charged=own, other_charged=(0.0, 0.0))
    simulation = Simulation(energies, independent=True, duration=100.0)
    jumps = called = wrong = 0
    for seed in range(seeds):
        measurement, _ = simulate(simulation, 1000 + seed)
        found = assign(analyse(measurement, parts=("tracks",)), charges, explain=False)
        verdicts = [str(each) for each in found["verdict"].values]
        coupled = [each for each in verdicts if couples(each)]
        jumps, wrong = jumps + len(verdicts), wrong + len(coupled)
        called += sum(each != "undecided" for each in verdicts)
        print(f"null {seed}: {len(verdicts)} jumps, {coupled}", flush=True)
    share = wrong / max(jumps, 1)
    print(f"null particles: {jumps} jumps, {called} decided, {wrong} called a coupling: {share:.3f}")


def calibration_error(chances, right):
    """Expected calibration error: difference of mean chance and share right, over bins of the chance."""
    bins = np.clip((chances * BINS).astype(int), 0, BINS - 1)
    parts = [
        abs(chances[bins == i].mean() - right[bins == i].mean()) * (bins == i).mean()
        for i in range(BINS)
        if (bins == i).any()
    ]
    return float(sum(parts))


def particle(job):
    """Jumps, events missed, whether the scenario's charge is where it is said to be, places, and seconds."""
    letter, seed, true_tracks, nominal = job
    charges, table = charge_table(model(nominal)), spq.Table(model(nominal))
    begin = time.perf_counter()
    told = scenario(letter, table, 100 * SCENARIOS.index(letter) + seed)
    measurement, truth = simulate(told.simulation, seed)
    if true_tracks:
        found = with_true_tracks(measurement, truth, told, charges, seed)
    else:
        found = assign(analyse(measurement, parts=("tracks",)), charges, explain=False)
    rows, missed = scored(found, told, truth.begins)
    seated = places(found, told, truth.begins)
    return rows, missed, place(found, told, truth.begins), seated, time.perf_counter() - begin


def main(seeds, letters, true_tracks, nominal):
    charge_table(model(nominal))  # made once, before the processes share it
    everything, seated, carried = [], [], []
    print("scenario  jumps  missed  decided  right of decided  wrong of all  charge in region  s/particle")
    with ProcessPoolExecutor(2) as pool:
        for letter in letters:
            jobs = [(letter, seed, true_tracks, nominal) for seed in range(seeds)]
            rows, missed, where = [], 0, []
            for seed, (more, lost, carrier, sites, _) in enumerate(results := list(pool.map(particle, jobs))):
                rows += more
                missed += lost
                where.append(carrier)
                seated += sites
                if "-v" in sys.argv:
                    for chance, right, first, event in more:
                        print("   ", seed, "ok" if right else "--", f"{chance:.2f}", first, "|", event)
            report(letter, rows, missed, where, np.mean([each[-1] for each in results]))
            everything += rows
            carried += where
    report("all", everything, 0, carried, 0.0)
    moved = [
        row for row in everything if not any(word in (row[3] or "") for word in ("quenched", "lit again"))
    ]
    report("no dark", moved, 0, [np.nan], 0.0)
    for name, listed in (("all", everything), ("no dark", moved)):
        chances, right = (np.array([row[i] for row in listed], dtype=float) for i in (0, 1))
        print(f"expected calibration error, {name}: {calibration_error(chances, right):.3f}")
    whole, dots, bands = np.nanmean(np.array(seated, dtype=float), axis=0)
    print(f"in the 90 % region of {len(seated)}: dot {whole:.3f}; if seen {dots:.3f}, band {bands:.3f}")


def report(name, rows, missed, where, seconds):
    chances, right = (np.array([row[i] for row in rows], dtype=float) for i in (0, 1))
    decided = chances >= 0.8
    wrong = float((decided & (right == 0)).mean())
    share = right[decided].mean() if decided.any() else float("nan")
    head = f"{name:8} {len(rows):6} {missed:7} {decided.mean():8.2f}"
    known = [each for each in where if not np.isnan(each)]
    region = np.mean(known) if known else float("nan")
    print(f"{head} {share:17.3f} {wrong:13.3f} {region:17.3f} {seconds:11.1f}", flush=True)


if __name__ == "__main__":
    words = [each for each in sys.argv[1:] if not each.startswith("-")]
    number, letters = int(words[0]) if words else 20, words[1] if len(words) > 1 else SCENARIOS
    if "--null" in sys.argv:
        null(number, "--nominal" in sys.argv)
        sys.exit()
    main(number, letters, "--truth" in sys.argv, "--nominal" in sys.argv)
