"""Levels of correlated carriers: pure spins, degeneracies, and where second order ends."""

import functools

import numpy as np
import pytest

from spq import gallery
from spq.cispec import CISpec
from spq.eigenstates import Eigenstates, eigenstates
from spq.geometry import Molecule
from spq.model import Model
from spq.multiplets import _pure, _reach, levels_of
from spq.prepare import prepare

SMALL = CISpec(orbitals=8, outside=16)
FAR = Model(
    Molecule.dimer((1.3, 1.35), 2.1, center_distance=20.0),
    accuracy="coarse",
    method="ci",
    self_energy="none",
    ci=SMALL,
)


@functools.cache
def monomer():
    return prepare(gallery.monomer(accuracy="coarse", method="ci", ci=SMALL))


def test_degenerate_spins_of_far_dots():
    """An exciton on one dot and an electron on the other: singlet and triplet of the same energy."""
    levels = levels_of(prepare(FAR), 2, 1, None, 4)
    apart = [level for level in levels if level.placement == ((1, 2), (2,))][:2]
    assert {level.spins for level in apart} == {(0.0, 0.5), (1.0, 0.5)}
    assert sorted(level.degeneracy for level in apart) == [2, 6]
    assert abs(apart[0].energy.total - apart[1].energy.total) < 1e-6  # eV
    # two excitons, one on each dot: four spins of the electrons and four of the holes
    levels = levels_of(prepare(FAR), 2, 2, None, 6)
    apart = [level for level in levels if level.placement == ((1, 2), (1, 2))][:4]
    assert {level.spins for level in apart} == {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert sum(level.degeneracy for level in apart) == 16


def test_mixed_states_are_taken_apart():
    """A singlet and a triplet that are mixed on purpose come back; a pure set is left as it is."""
    states = eigenstates(monomer(), 2, 1, count=4)
    squares = states.space.squared_spin(states.vectors)
    assert _pure(states, 4) is states
    spins = np.diag(squares["e"]).round(6)
    first, other = 0, int(np.flatnonzero(spins != spins[0])[0])
    turn = np.eye(4)
    turn[np.ix_([first, other], [first, other])] = np.array([[0.6, 0.8], [-0.8, 0.6]])
    energies = np.full(4, states.variational[0])
    mixed = Eigenstates(states.space, states.matrices, energies, states.vectors @ turn, 0)
    assert abs(mixed.space.squared_spin(mixed.vectors)["e"][0, 0] - spins[first]) > 0.5
    found = _pure(mixed, 4)
    again = np.diag(found.space.squared_spin(found.vectors)["e"])
    assert np.sort(again) == pytest.approx(np.sort(spins), abs=1e-6)
    assert found.vectors.T @ found.vectors == pytest.approx(np.eye(4), abs=1e-9)


def test_levels_end_where_the_active_orbitals_do():
    """Nothing is given above the lowest configuration left out, where other levels would lie in between."""
    problem = monomer()
    states = eigenstates(problem, 1, 1, count=40, total=1)
    levels = levels_of(problem, 1, 1, None, 40)
    lowest = levels[0].energy
    excitations = [level.energy.variational - lowest.variational for level in levels]
    assert max(excitations) < _reach(states) < max(states.variational) - lowest.variational
    orbitals = problem.orbitals(2)
    gaps = [energies[orbitals.active[k]] - energies[0] for k, energies in orbitals.energies.items()]
    assert _reach(states) == pytest.approx(min(gaps), abs=1e-9)
    assert 8 < len(levels) < 80
    # a single carrier has all orbitals active: all of its levels are given
    assert _reach(eigenstates(problem, 1, 0, count=4)) == np.inf
    assert len(levels_of(problem, 1, 0, None, 3)) == 6


def test_as_many_levels_as_asked_for():
    """Eigenstates that are remembered from a larger calculation do not add levels."""
    problem = monomer()
    eigenstates(problem, 1, 1, count=40)
    assert len(levels_of(problem, 1, 1, None, 3)) == 6  # three of Σ m = 0, three of 1
