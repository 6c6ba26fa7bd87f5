"""How well `extract_spectra` finds what raw camera images were made with, over seeds.

python benchmarks/raw_images.py [SEEDS] prints for a dimer and a monomer mean and standard deviation over
the seeds (24 by default) of the relative error of the gain and of the photons, and of the errors of tilt,
row and shift over what is said of them (pulls: 1 if errors are right). Images are 200 frames of 48 x 512
pixels with the frames of a simulated particle as their photons (about 180 per frame in a dimer), strips
tilted by 0.004 and -0.006 rows per column, H moved by up to 3 pixels, offsets that differ from column to
column (every second seed) and from frame to frame. The photons are drawn from frames that were multiplied
once already, so that V and H differ by the noise of two multiplications: a pull of the shift of √1.5 is
what is expected.
"""

import sys
from pathlib import Path

import numpy as np

from spq.spectroscopy import Emitter, Simulation, energies_by_hand, extract_spectra, simulate

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from camera_images import image_of  # noqa: E402

GAIN, PLACES, TILTS = 60.0, (14.3, 33.6), (0.004, -0.006)
COLUMNS = ("gain", "gain pull", "V", "H", "row pull", "tilt pull V", "tilt pull H", "shift px", "shift pull")


PARTICLES = {
    "dimer": Simulation(energies_by_hand((2.10, 2.13)), duration=100.0),
    "monomer": Simulation(energies_by_hand((2.10,)), emitters=(Emitter(rate=10000.0),), duration=100.0),
}


def one(simulation, seed):
    """Errors of one set of images, as COLUMNS names them."""
    measurement, _ = simulate(simulation, seed=seed)
    generator = np.random.default_rng(seed)
    photons = np.clip(np.rint(measurement.frames.counts), 0, 200)
    shift = generator.uniform(-3.0, 3.0)
    images, light = image_of(
        photons,
        generator,
        shift=shift,
        columns_offset=2.0 * (seed % 2),
        wander=1.5,
        with_light=True,
    )
    found = extract_spectra(images, measurement.frames.wavelength)
    about, strips = found.about, found.about["strips"]
    true = np.array([light[:24].sum(), light[24:].sum()]) / GAIN
    counted = np.nansum(found.counts, axis=(0, 2)) * about["gain"] / GAIN
    pulls = [
        (strips[name]["tilt"] - tilt) / strips[name]["tilt_error"]
        for name, tilt in zip(("V", "H"), TILTS, strict=True)
    ]
    off = strips["H"]["shift"] - shift if strips["H"]["shift"] is not None else np.nan
    return [
        about["gain"] / GAIN - 1.0,
        (about["gain"] - GAIN) / about["gain_error"],
        *(counted / true - 1.0),
        (strips["V"]["row"] - PLACES[0]) / strips["V"]["row_error"],
        *pulls,
        off,
        off / (strips["H"]["shift_error"] or np.nan),
    ]


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    for particle, simulation in PARTICLES.items():
        table = np.array([one(simulation, seed) for seed in range(100, 100 + seeds)])
        print(particle)
        for name, values in zip(COLUMNS, table.T, strict=True):
            print(f"{name:12s} mean {np.nanmean(values):8.4f}  sd {np.nanstd(values, ddof=1):7.4f}")
        print(f"shift not determined in {int(np.isnan(table[:, 7]).sum())} of {seeds}", flush=True)


if __name__ == "__main__":
    main()
