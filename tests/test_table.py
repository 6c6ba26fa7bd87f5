"""The table of emission energies for charged dots and sets of surface charges."""

import numpy as np
import pytest

import spq
from spq import gallery
from spq.errors import InputError
from spq.table import charged_state

CHARGE = spq.SurfaceCharge


@pytest.fixture(scope="module")
def model():
    return gallery.heterodimer(accuracy="coarse")


@pytest.fixture(scope="module")
def table(model):
    return spq.Table(model)


@pytest.mark.parametrize(
    "charges, emitter, name",
    [
        ((0, 0), 1, "X@1"),
        ((0, -1), 1, "segX-@1"),
        ((0, -1), 2, "X-@2"),
        ((-1, -1), 2, "segT@2"),
        ((1, 0), 1, "X+@1"),
        ((-2, 0), 1, "X2-@1"),
        ((1, -1), 1, "e1 h1 h1 e2 @1"),
    ],
)
def test_the_state_of_charged_dots(charges, emitter, name):
    assert charged_state(charges, emitter).name == name


def test_entries_are_emissions(table, model):
    """Each emitter of an entry is the emission of its state with the same charges."""
    sets = [[], [CHARGE(1, z=-3.0)], [CHARGE(0.5, z=2.0, phi=70), CHARGE(-1, z=-5.0, phi=200)]]
    charges = [(0, 0), (-1, 0), (0, -1)]
    found = table.entries(charges, sets)
    assert found.converged.all()
    for entry, (charge, own) in enumerate(zip(charges, sets, strict=True)):
        for emitter in (1, 2):
            state = charged_state(charge, emitter)
            alone = spq.emission(model, state, own)
            row = found.isel(entry=entry).sel(emitter=emitter)
            assert float(row.energy_eV) == pytest.approx(alone.emission_eV, abs=1e-8)
            assert float(row.shift_meV) == pytest.approx(alone.shift_meV, abs=1e-5)
            assert float(row.reference_eV) == pytest.approx(alone.emission_eV - 1e-3 * alone.shift_meV)
            assert row.electrons.values == pytest.approx(alone.electrons, abs=1e-6)
            assert float(row.electrons.sum()) == pytest.approx(len(state.electrons), abs=1e-6)
            assert float(row.final_holes.sum()) == pytest.approx(len(state.holes) - 1, abs=1e-6)
            assert 0 < float(row.error_meV) < 1


def test_charges_do_not_add(table):
    """Charges of both signs across a dot shift by far more than the sum of what each does."""
    one, other = CHARGE(1, z=-3.2), CHARGE(-1, z=-3.2, phi=180)
    found = table.entries((0, 0), [[one], [other], [one, other], [one, CHARGE(1, z=-3.2, phi=180)]])
    plus, minus, both, twice = found.shift_meV.sel(emitter=1).values
    assert both < 1.3 * (plus + minus) < 0
    assert abs(twice) < 0.5 * abs(2 * plus)


def test_many_entries_agree_with_few(table):
    """Enough entries of one state are solved in a snapshot basis; few are solved in the whole."""
    generator = np.random.default_rng(5)
    sets = [
        [
            CHARGE(float(q), z=float(z), phi=float(phi))
            for q, z, phi in zip(
                generator.choice([-1, 0.5, 1], 2),
                generator.uniform(-6, 6, 2),
                generator.uniform(0, 360, 2),
                strict=True,
            )
        ]
        for _ in range(240)
    ]
    together = table.entries((0, 0), sets)
    some = [3, 77, 150, 239]
    alone = table.entries((0, 0), [sets[i] for i in some])
    assert together.converged.all()
    difference = 1e3 * (together.energy_eV.values[some] - alone.energy_eV.values)
    assert 0 < np.abs(difference).max() < 0.03


@pytest.mark.parametrize(
    "charges, sets, message",
    [
        ((0, 0, 0), [[]], "charges: must be 2 numbers"),
        ([(0, 0), (0, 0)], [[]], "charges: must be 2 numbers"),
        ((0, -3), [[]], r"charges\[2\] = -3"),
        ((0.5, 0), [[]], r"charges\[1\] = 0.5"),
        ((0, 0), [[CHARGE(1, z=30.0)]], "z = 30 nm"),
    ],
)
def test_bad_input(table, charges, sets, message):
    with pytest.raises(InputError, match=message):
        table.entries(charges, sets)
