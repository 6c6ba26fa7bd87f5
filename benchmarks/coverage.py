"""Do deduced sizes hold? 400 held-back dimers, and how long a sweep of 500 dimers takes.

    python benchmarks/coverage.py STORE [--points 500] [--train 100] [--accuracy normal]

Random dimers with self-energy `image` go through one sweep, seven states each (the six default ones and
X-@1), without charge; the store keeps them, so that a second run only deduces. The first ones train
emulators, which are tested on the last third of them before; the others are truths: their emission of X and
the shift of X- of both dots, with errors of 1 meV, are measured again by spq.deduction. Prints dimers a
minute, the emulators' errors, coverage of the 68 % interval and its median width for each size, and seconds
per posterior. Truths that are hybridised or not followed are left out; of the others, those with a carrier
of less than 0.95 on its dot are given apart: they are not what emulators are made of.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import xarray as xr
from loky import ProcessPoolExecutor
from scipy.stats import qmc

import spq
from spq.deduction import deduced
from spq.emulator import Box
from spq.learning import Learned, Points, Source, taught
from spq.measured import measurements_of
from spq.parallel import workers
from spq.pool import ENVIRONMENT
from spq.priors import priors_of

SEED = 17
FREE = {
    "dots[1].core_radius": (1.6, 2.0),
    "dots[1].shell_thickness": (1.0, 1.8),
    "dots[2].core_radius": (1.2, 1.5),
    "dots[2].shell_thickness": (2.2, 3.2),
}
MEASURED = {
    "X@1": (2.14, 1e-3),
    "X@2": (2.20, 1e-3),
    "X-@1 - X@1": (-12.0, 1.0),
    "X-@2 - X@2": (-18.0, 1.0),
}
"""Errors; the values are replaced by those of every truth."""
STATES = ("X@1", "X-@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2")


def main() -> None:
    args = arguments()
    model = spq.Model(spq.Molecule.dimer((1.8, 1.35), (1.4, 2.7)), accuracy=args.accuracy)
    priors = priors_of(model, FREE)
    source = Source(model, Box.of(priors), measurements_of(MEASURED, 2))
    values, found = swept(model, source.box, args.points, args.store)
    points, clean = of_sweep(source, values, found)
    train = slice(0, args.train)
    learned = trained(source.box, part(points, train))
    for measurement, each in zip(source.measurements, learned, strict=True):
        unit, errors = measurement.unit, f"rms {each.rms:.2g}, largest {each.largest:.2g}"
        counts = f"{each.used} points, {each.left_out} left out"
        print(f"emulator of {measurement.name}: {errors} {unit}; {counts}")
    truths = np.arange(args.train, args.points)
    kept = truths[clean[truths]]
    print(f"{len(truths)} truths, {len(truths) - len(kept)} of them hybridised or not followed: left out")
    report(source, priors, learned, points, kept)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("store", help="folder of finished points")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--train", type=int, help="points for the emulators; by default a fifth")
    parser.add_argument("--accuracy", default="normal")
    args = parser.parse_args()
    args.train = args.train or args.points // 5
    return args


def swept(model: spq.Model, box: Box, count: int, store: str) -> tuple[np.ndarray, xr.Dataset]:
    """Sizes (n, 4) and the emissions there, with the time that the sweep takes."""
    unit = qmc.Sobol(4, scramble=True, rng=np.random.default_rng(SEED)).random(
        2 ** int(np.ceil(np.log2(count)))
    )
    values = box.low + unit[:count] * (box.high - box.low)
    axes = {box.names: list(values.T)}
    start = time.perf_counter()
    found = spq.sweep(model.replace(map=spq.MapSpec(states=STATES)), axes, store=store)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # what others on the machine do leaves it alone
    pace = 60 * count / seconds
    print(
        f"{count} dimers, {len(STATES)} states each: {seconds:.0f} s, {pace:.0f} dimers a minute; "
        f"{used.ru_utime + used.ru_stime:.0f} s of processors",
        flush=True,
    )
    missing, error = int((~found["converged"]).sum()), float(found["error_meV"].mean())
    print(
        f"mean error_meV {error:.3f}; {int((found['error'] != '').sum())} failed, {missing} states not found"
    )
    return values, found


def of_sweep(source: Source, values: np.ndarray, found: xr.Dataset) -> tuple[Points, np.ndarray]:
    """All quantities, and whether nothing is hybridised or not followed in any (n,)."""
    pairs = [measurement.computed(found) for measurement in source.measurements]
    quantities, good = (np.column_stack(each) for each in zip(*pairs, strict=True))
    names = sorted({state.name for each in source.measurements for state in each.states})
    ours = found.sel(state=names)
    clean = (ours["converged"] & ours["followed"] & ~ours["hybridised"]).all("state").values
    return Points(values, quantities, good, np.ones(len(values), dtype=bool)), clean


def part(points: Points, chosen: slice) -> Points:
    return Points(*(getattr(points, name)[chosen] for name in ("values", "found", "good", "exists")))


def trained(box: Box, points: Points) -> tuple[Learned, ...]:
    """Emulators of all points, tested on the last third before."""
    first = len(points.values) * 2 // 3
    known, new = part(points, slice(0, first)), part(points, slice(first, None))
    return taught(box, taught(box, (), known, known, SEED), points, new, SEED)


def report(
    source: Source, priors: dict, learned: tuple[Learned, ...], points: Points, truths: np.ndarray
) -> None:
    """Deduce the sizes of every truth, and print how often they are within the interval."""
    generator = np.random.default_rng(SEED)
    errors = np.array([measurement.error for measurement in source.measurements])
    noisy = points.found + errors * generator.standard_normal(points.found.shape)
    start = time.perf_counter()
    with ProcessPoolExecutor(workers(), env=ENVIRONMENT) as executor:
        jobs = [
            executor.submit(deduced, source, priors, learned, points, SEED, values=noisy[truth])
            for truth in truths
        ]
        results = [job.result() for job in jobs]
    each = workers() * (time.perf_counter() - start) / len(truths)
    print(f"{each:.2f} s a posterior")
    ends = np.array([ds["interval"].values for ds in results])
    true = points.values[truths]
    inside, widths = (ends[:, 0] < true) & (true < ends[:, 1]), ends[:, 1] - ends[:, 0]
    narrowing = np.array([ds["narrowing"].values for ds in results])
    localised = points.good[truths].all(axis=1)
    for what, chosen in (("all", np.full(len(truths), True)), ("localised", localised)):
        if not chosen.any():
            continue
        print(f"{what}: {chosen.sum()} truths")
        for i, name in enumerate(source.box.names):
            share = 100 * np.mean(inside[chosen, i])
            width = np.median(widths[chosen, i])
            narrow = np.median(narrowing[chosen, i])
            print(f"  {name}: {share:.1f} % inside; width {width:.3f} nm, {narrow:.1f} times narrower")


if __name__ == "__main__":
    main()
