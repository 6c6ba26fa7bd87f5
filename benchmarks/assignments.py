"""Scenarios A to F, simulated, analysed blind, assigned: how often is the assignment right, and is it
calibrated?

python benchmarks/assignments.py [SEEDS] [LETTERS] [--truth] [--nominal] [--null] prints for each scenario the
jumps found, the share that is decided, how many of these are right, and the expected calibration error over
all. With --truth the tracks are those of the simulation with the errors of photons, so that the assignment
alone is seen. With --nominal it is the nominal heterodimer, whose neutral dot 2 and negative dot 1 emit
within 2 meV: the tracks cannot tell them apart.
"""

import sys
import time

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


def places(found, told, begins):
    """For each stretch with one charge on the surface: is its dot in the 90 % region?

    Of dot 1, dot 2, neck and no charge; then, NaN if no charge was seen, of the three places, and whether its
    band is in the region of all bands.
    """
    frames = np.concatenate([[0], np.searchsorted(begins, told.times)])
    starts = np.concatenate([[0], found["jump_frame"].values])
    order = found["emitter_of_dot"].values
    rows = []
    for frame, situation in zip(frames, told.situations, strict=True):
        near = np.abs(starts - frame)
        if len(situation.trapped) != 1 or near.min() > NEAR or sorted(order) != [1, 2]:
            continue
        trapped = situation.trapped[0]
        sign = 0 if trapped.carrier == "hole" else 1
        chances = found["surface_probability"].values[int(near.argmin()), sign]
        seen = float(chances.sum())
        z, regions = found["site_z"].values, found["site_region"].values
        band = int(np.abs(z - trapped.charge.z).argmin())
        dots = np.array([chances[regions == each].sum() for each in (0, 1, 2)])
        whole = np.append(dots, max(1.0 - seen, 0.0)) / max(seen, 1.0)
        parts = (np.nan, np.nan)
        if seen > 0.5:
            parts = (trapped.dot in region(dots / seen), band in region(chances / seen))
        rows.append((trapped.dot in region(whole), *parts))
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


def main(seeds, letters, true_tracks, nominal):
    charges, table = charge_table(model(nominal)), spq.Table(model(nominal))
    everything, seated = [], []
    print("scenario  jumps  missed  decided  right of decided  wrong of all  s/particle")
    for letter in letters:
        rows, missed, begin = [], 0, time.perf_counter()
        for seed in range(seeds):
            told = scenario(letter, table, 100 * SCENARIOS.index(letter) + seed)
            measurement, truth = simulate(told.simulation, seed)
            if true_tracks:
                found = with_true_tracks(measurement, truth, told, charges, seed)
            else:
                found = assign(analyse(measurement, parts=("tracks",)), charges, explain=False)
            more, lost = scored(found, told, truth.begins)
            rows += more
            seated += places(found, told, truth.begins)
            missed += lost
            if "-v" in sys.argv:
                for chance, right, first, event in more:
                    print(
                        "   ", seed, "ok" if right else "--", f"{chance:.2f}", first, "|", event, flush=True
                    )
        report(letter, rows, missed, (time.perf_counter() - begin) / seeds)
        everything += rows
    report("all", everything, 0, 0.0)
    chances, right = (np.array([row[i] for row in everything], dtype=float) for i in (0, 1))
    print(f"expected calibration error {calibration_error(chances, right):.3f}")
    whole, dots, bands = np.nanmean(np.array(seated, dtype=float), axis=0)
    print(f"in the 90 % region of {len(seated)}: dot {whole:.3f}; if seen {dots:.3f}, band {bands:.3f}")


def report(name, rows, missed, seconds):
    chances, right = (np.array([row[i] for row in rows], dtype=float) for i in (0, 1))
    decided = chances >= 0.8
    wrong = float((decided & (right == 0)).mean())
    share = right[decided].mean() if decided.any() else float("nan")
    head = f"{name:8} {len(rows):6} {missed:7} {decided.mean():8.2f}"
    print(f"{head} {share:17.3f} {wrong:13.3f} {seconds:11.1f}", flush=True)


if __name__ == "__main__":
    words = [each for each in sys.argv[1:] if not each.startswith("-")]
    number, letters = int(words[0]) if words else 20, words[1] if len(words) > 1 else SCENARIOS
    if "--null" in sys.argv:
        null(number, "--nominal" in sys.argv)
        sys.exit()
    main(number, letters, "--truth" in sys.argv, "--nominal" in sys.argv)
