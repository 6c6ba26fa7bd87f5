"""Particles of a population, drawn by chance: monomers and dimers whose energies, axes and light scatter.

E_i = 2.10 eV + N(0, 18 meV), two dots some meV apart at least; their axes differ by φ = 20° + N(0, 8°);
diffusion of 0.3 to 1.6 meV. It serves tests of what a population shows, for what was drawn is known.
"""

from __future__ import annotations

import numpy as np

from spq import checks
from spq.errors import InputError
from spq.spectroscopy.instruments import WavePlate
from spq.spectroscopy.simulation import Diffusion, Emitter, Simulation
from spq.spectroscopy.stateenergies import energies_by_hand

MEAN_eV, SPREAD_eV = 2.10, 0.018
SIGMA_meV = (0.3, 1.6)
FIRST = 200000
"""Added to the seed, so that other uses of small seeds draw other numbers."""


def draw_particle(
    dots: int,
    seed: int,
    *,
    apart_meV: float = 8.0,
    turn_deg: tuple[float, float] = (20.0, 8.0),
    rates: tuple[float, float] = (2000.0, 4000.0),
    plate_every: float = 5.0,
    duration: float = 100.0,
) -> tuple[Simulation, float]:
    """Draw one particle of a population.

    Parameters
    ----------
    dots : int
        1 or 2.
    seed : int
        Of what the particle is like; its measurement has a seed of its own.
    apart_meV : float
        Least difference of the energies of two dots.
    turn_deg : (mean, standard deviation)
        Of the angle between the axes of two dots, in degrees.
    rates : (least, largest)
        Photons per s of each emitter.
    plate_every, duration : float
        s between turns of the wave plate, and of the measurement.

    Returns
    -------
    Simulation, float
        The particle; the angle between the axes of its dots in degrees, NaN of a monomer.

    Raises
    ------
    InputError
        If there are other than one or two dots, or the two are to differ by more than energies scatter.
    """
    if dots not in (1, 2):
        raise InputError(f"dots = {checks.shown(dots)}: must be 1 or 2")
    least = 1e-3 * checks.number(apart_meV, "apart_meV", "meV", minimum=0.0)
    if least > 3.0 * SPREAD_eV:
        raise InputError(
            f"apart_meV = {apart_meV:g}: must be <= {3e3 * SPREAD_eV:g}, for energies scatter less"
        )
    generator = np.random.default_rng(FIRST + seed)
    neutral = MEAN_eV + SPREAD_eV * generator.standard_normal(dots)
    while dots > 1 and abs(neutral[1] - neutral[0]) < least:
        neutral = MEAN_eV + SPREAD_eV * generator.standard_normal(dots)
    turn = turn_deg[0] + turn_deg[1] * generator.standard_normal()
    angles = 180.0 * generator.random() + np.array([0.0, turn])
    light = generator.uniform(*rates, dots)
    simulation = Simulation(
        energies_by_hand(tuple(neutral)),
        emitters=tuple(Emitter(rate=r, angle=a % 180.0) for r, a in zip(light, angles, strict=False)),
        diffusion=Diffusion(sigma=float(generator.uniform(*SIGMA_meV))),
        plate=WavePlate(every=plate_every),
        duration=duration,
    )
    return simulation, abs(turn) if dots > 1 else float("nan")
