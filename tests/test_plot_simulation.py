"""The figure of a simulated measurement shows the truth that it was drawn from."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import spq
from spq.errors import InputError
from spq.spectroscopy import Emitter, Simulation, Switching, as_counts, energies_by_hand, simulate
from spq.spectroscopy.plotsimulation import simulation, simulation_writer


def drawn(duration=20.0, **more):
    given = Simulation(energies_by_hand((2.10, 2.15)), duration=duration, **more)
    measurement, truth = simulate(given, seed=3)
    return measurement, truth, simulation(measurement, truth)


def test_true_lines_and_charges(tmp_path):
    measurement, truth, figure = drawn(switching=Switching(charging=0.5))
    spectra, light, chains = figure.axes[:3]
    for emitter in (0, 1):
        lit = truth.rates[:, emitter] > 0.0
        assert np.array_equal(spectra.lines[emitter].get_ydata(), truth.energies[lit, emitter])
        charges = np.round(chains.lines[emitter].get_ydata() - 0.04 * emitter)
        chain = truth.chains[0]
        assert np.array_equal(charges[:-1], [chain.states[i].charges[emitter] for i in chain.index])
        assert charges.min() == -1.0  # one that charges: else the check says nothing
    image = spectra.collections[0].get_array()
    energy = measurement.frames.energy
    low, high = spectra.get_ylim()
    shown = (energy >= low) & (energy <= high)
    counts = np.nansum(measurement.frames.counts, axis=1)[:, shown]
    assert np.allclose(image, counts.T) and shown.sum() > 100
    assert light.get_ylabel() == "photons per frame" and chains.get_xlim()[1] == 20.0
    simulation_writer(measurement, truth)["simulation.png"](tmp_path / "simulation.png")
    assert (tmp_path / "simulation.png").stat().st_size > 10_000


def test_null_particle_and_bleached_monomer():
    _, truth, figure = drawn(independent=True)
    assert len(truth.chains) == 2 and len(figure.axes[2].lines) == 2
    given = Simulation(energies_by_hand((2.1,)), (Emitter(),), Switching(bleaching=0.5), duration=20.0)
    measurement, truth = simulate(given, seed=1)
    line = simulation(measurement, truth).axes[0].lines[0]
    assert 0 < len(line.get_ydata()) < len(truth.begins)  # dark from then on


def test_figures_refuse_other_datasets():
    other = xr.Dataset({"something": ("x", [1.0])})
    for draw in (
        "shift_map",
        "spectrum",
        "corner",
        "ensemble",
        "density",
        "line_cut",
        "surface_map",
        "levels",
    ):
        with pytest.raises(InputError, match=f"{draw}: needs"):
            getattr(spq.plot, draw)(other)


def test_counts_need_offset_and_gain():
    frames = drawn(2.0)[0].frames
    assert as_counts(frames).unit == "counts"
    with pytest.raises(InputError, match="known offset and gain"):
        as_counts(replace(frames, about={}))
