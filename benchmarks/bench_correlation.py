"""Configuration interaction: single states, a map, and how far they are from larger calculations."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from cases import forget

from spq import CISpec, eigenstates, emission, gallery, shift_map
from spq.carriers import parse_state
from spq.correlated import line
from spq.correlation import correlate
from spq.discretisation import discretise

THIRTY = CISpec(orbitals=30)
LARGER = CISpec(orbitals=60, outside=240, memory=20.0)
STATES = ("X@1", "X-@1", "X@2", "X-@2")


@pytest.fixture(scope="module")
def larger():
    """The nominal heterodimer at `fine` with more orbitals than `fine` asks for."""
    return correlate(discretise(gallery.heterodimer(accuracy="fine", method="ci", ci=LARGER)))


@pytest.fixture(scope="module")
def thirty():
    """The nominal heterodimer with 30 active orbitals of each kind."""
    return correlate(discretise(gallery.heterodimer(method="ci", ci=THIRTY)))


@pytest.mark.parametrize("name", ["segT@1", "X-@1"])
def test_state(benchmark, request, thirty, name):
    """One line at 30 orbitals, selected configurations; error: against the larger calculation, meV."""
    state = parse_state(name, 2)

    def solve():
        thirty.bare.clear()
        thirty.remembered.clear()
        thirty._orbitals.clear()
        return line(thirty, state)

    found = benchmark.pedantic(solve, rounds=3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # GB, of all before the larger one
    reference = line(request.getfixturevalue("larger"), state)
    space = eigenstates.eigenstates(thirty, len(state.electrons), len(state.holes)).space
    benchmark.extra_info |= {
        "configurations": space.size,
        "energy_meV": 1e3 * found.energy,
        "error_meV": 1e3 * (found.energy - reference.energy),
        "truncated_meV": 1e3 * (found.initial.variational - found.final.variational - found.energy),
        "peak_GB": peak,
    }


def test_preparing(benchmark):
    """Orbitals, their integrals and operators of the nominal heterodimer, mesh read from store."""
    model = gallery.heterodimer(method="ci")
    found = benchmark.pedantic(lambda: correlate(discretise(model)), rounds=3)
    benchmark.extra_info["orbitals"] = len(found.system.hamiltonian["e"])


def test_map(benchmark, larger):
    """X and X- on both dots, 2 signs and 41 places, with error estimates; error: of shifts at six places."""
    model = gallery.heterodimer(method="ci")

    def run():
        forget()
        return shift_map(model, states=STATES, points=41)

    found = benchmark.pedantic(run, rounds=1)
    from spq.shiftmap import map_fields, map_positions

    model = larger.discretisation.model
    places = map_positions(model)[2]
    errors = []
    for point in (0, 10, 19, 21, 30, 40):
        fields = map_fields(larger, model, places[[point]])
        for charge, field in enumerate(fields[:, 0]):
            for name in STATES:
                state = parse_state(name, 2)
                shift = 1e3 * (line(larger, state, field).energy - line(larger, state).energy)
                errors.append(abs(shift - float(found["shift_meV"].sel(state=name)[charge, point])))
    benchmark.extra_info |= {
        "converged": int(found["converged"].sum()),
        "points": int(found["converged"].size),
        "shift_error_meV": float(np.max(errors)),
        "estimated_meV": float(found["shift_error_meV"].max()),
    }


def test_against_the_mean_field(benchmark):
    """Four emissions of the nominal monomer; extra: what correlation does to them, meV."""

    def solve(method):
        forget()
        return emission(gallery.monomer(method=method), ["X@1", "X-@1", "X+@1", "XX@1"])

    found = benchmark.pedantic(lambda: solve("ci"), rounds=2)
    for one, other in zip(found, solve("reduced"), strict=True):
        benchmark.extra_info[one.state] = 1e3 * (one.emission_eV - other.emission_eV)
