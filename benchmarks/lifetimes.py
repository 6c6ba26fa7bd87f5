"""Lifetimes from few photons: bias and scatter of `fit_decay`, with and without the earlier pulses.

python benchmarks/lifetimes.py [SEEDS] prints mean and scatter of a lifetime of 113 ns from 300 photons (100
seeds by default): at 1 MHz without background and with a tenth of them background, this known and fitted,
with twice the seeds; at 5 MHz with a tenth background known, fitted, and fitted with the earlier pulses
left out, which is the mistake to be shown. Then the measured decay of Atto 550 with its response, and as
many thinnings of it to 300 photons as seeds, if SPQ_TEST_DATA names the folder that has them.
"""

import os
import sys
from pathlib import Path

import numpy as np

from spq.spectroscopy import Response, fit_decay

TRUE, PHOTONS, BIN, PULSE = 113.0, 300, 1.0, 20.0
DARK = 0.1
TCSPC_BIN, FILLED = 2.743484e-2, slice(205, 3880)
"""Of the measured decay: bin in ns, and the bins of 4096 that the instrument filled."""


def drawn(period, seed, dark):
    """Photons of one exponential behind a pulse, after all earlier ones, and a share of flat background."""
    generator = np.random.default_rng(seed)
    number = generator.poisson(PHOTONS)
    times = PULSE + generator.exponential(TRUE, number)
    flat = generator.random(number) < dark
    times = np.where(flat, generator.uniform(0.0, period, number), times % period)
    edges = np.arange(0.0, period + 0.5 * BIN, BIN)
    return np.histogram(times, edges)[0], edges


def lifetimes(period, seeds, dark, **options):
    irf = Response(sigma_ns=0.05, centre_ns=PULSE)
    found = []
    for seed in range(seeds):
        counts, edges = drawn(period, seed, dark)
        fit = fit_decay(counts, edges, period, irf, **options)
        found.append(fit.lifetimes[0] if len(fit.lifetimes) else np.nan)
    return np.array(found)


def atto550():
    """Counts, edges in ns and response of the measured decay; None where it is not."""
    folder = Path(os.environ.get("SPQ_TEST_DATA", "../shared/data")) / "tcspc"
    if not (folder / "irf.txt").exists():
        return None
    found = []
    for name in ("Atto550_DNA.txt", "irf.txt"):
        lines = (folder / name).read_text(encoding="latin-1").splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("Chan")) + 1
        found.append(np.array([int(line.split()[1]) for line in lines[first:] if line.strip()])[FILLED])
    return found[0], np.arange(FILLED.start, FILLED.stop + 1) * TCSPC_BIN, found[1]


def told(name, found, true):
    good = found[np.isfinite(found)]
    bias, error = good.mean() / true - 1.0, good.std() / true / len(good) ** 0.5
    print(
        f"{name}: bias {bias:+.1%} ± {error:.1%}, median {np.median(good) / true - 1.0:+.1%}, "
        f"scatter {good.std() / true:.1%}, {len(good)} of {len(found)} determined",
        flush=True,
    )


def main(seeds):
    cases = (
        ("1 MHz, no background, 0 known", 1000.0, 0.0, 2, {"background": 0.0}),
        ("1 MHz, no background, fitted", 1000.0, 0.0, 2, {}),
        ("1 MHz, background known", 1000.0, DARK, 2, {"background": DARK * PHOTONS / 1000.0}),
        ("1 MHz, background fitted", 1000.0, DARK, 2, {}),
        ("5 MHz, background known", 200.0, DARK, 1, {"background": DARK * PHOTONS / 200.0}),
        ("5 MHz, background fitted", 200.0, DARK, 1, {}),
        ("5 MHz, no earlier pulses", 200.0, DARK, 1, {"wrap": False}),
    )
    for name, period, dark, times, options in cases:
        told(name, lifetimes(period, times * seeds, dark, exponentials=1, shift=0.0, **options), TRUE)
    measured = atto550()
    if measured is None:
        print("Atto 550: no files; SPQ_TEST_DATA names the folder of the data")
        return
    counts, edges, irf = measured
    whole = fit_decay(counts, edges, 4096 * TCSPC_BIN, irf, 1)
    true = whole.lifetimes[0]
    print(f"Atto 550, {counts.sum()} counts: {true:.3f} ± {whole.lifetime_errors[0]:.3f} ns")
    generator = np.random.default_rng(8)
    thin = [generator.binomial(counts, PHOTONS / counts.sum()) for _ in range(seeds)]
    found = [fit_decay(each, edges, 4096 * TCSPC_BIN, irf, 1).lifetimes[0] for each in thin]
    told("Atto 550, thinned to 300", np.array(found), true)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
