"""Many fields of one transition: the basis of snapshots against the whole basis, and dense algebra."""

import numpy as np
import pytest
from systems import bare

from spq import gallery, projection, snapshots, transition
from spq.direct import Direct
from spq.following import certain, closest, lingering, survivor
from spq.hartree import configuration, solve
from spq.projection import projected, species
from spq.reduced import rayleigh
from spq.reduction import reduction
from spq.snapshots import Snapshots
from spq.surface import surface_points
from spq.transition import continued, many

ROWS, AZIMUTHS = 20, 12
# eV; what is taken off of the energy left out makes up for the fields at which nobody looked
ALLOWED = 2e-5  # 0.02 meV


@pytest.fixture(scope="module")
def system(axisymmetric_heterodimer):
    return axisymmetric_heterodimer


def places():
    heights = np.repeat(np.linspace(-6.6, 6.65, ROWS), AZIMUTHS)
    return surface_points(gallery.NOMINAL, heights, np.tile(360.0 / AZIMUTHS * np.arange(AZIMUTHS), ROWS))


@pytest.fixture(scope="module")
def fields(system):
    """Of charges on the whole surface: of both signs, and of one beside half a charge off the axis."""
    alone = system.charge_fields(places())
    fixed = 0.5 * system.charge_fields(surface_points(gallery.NOMINAL, [-4.0], [50.0]))
    return {"both signs": np.concatenate([alone, -alone]), "beside a charge": alone + fixed}


class Counted:
    """Counts the fields that are solved in the whole basis."""

    def __init__(self, system, monkeypatch):
        self.count, real = 0, transition.continued

        def counting(given, state, externals, *rest):
            self.count += len(externals) if given is system else 0
            return real(given, state, externals, *rest)

        monkeypatch.setattr(transition, "continued", counting)


def errors(found, whole):
    """Largest differences in eV of the energies of the initial state and of the emission."""
    assert all(each.converged for each in (*found, *whole))
    initial = [abs(f.initial.energy - w.initial.energy) for f, w in zip(found, whole, strict=True)]
    emission = [abs(f.energy - w.energy) for f, w in zip(found, whole, strict=True)]
    return max(initial), max(emission)


@pytest.mark.parametrize(
    "state, case, final_state",
    [
        ("X@1", "both signs", "relaxed"),
        ("X+@1", "both signs", "relaxed"),
        ("X-@1", "beside a charge", "relaxed"),
    ],
)
def test_snapshots_are_within_their_tolerance(system, fields, monkeypatch, state, case, final_state):
    """At every field, whether its error was estimated or not."""
    without = bare(system, state, final_state)
    given = fields[case]
    assert len(given) > snapshots.WORTHWHILE
    whole = continued(system, without.state, given, without, final_state)
    assert np.ptp([each.energy for each in whole]) > 2e-3  # eV
    counted = Counted(system, monkeypatch)
    found = Snapshots(system, without, final_state).solve(given)
    assert 0 < counted.count < 0.4 * len(given)
    for error in errors(found, whole):
        assert error < ALLOWED


def test_frozen_final_states_are_solved_in_the_whole_basis(system, fields, monkeypatch):
    """They are not stationary: a snapshot basis is off by 0.05 meV in them."""
    without = bare(system, "X-@1", "frozen")
    counted = Counted(system, monkeypatch)
    found = Snapshots(system, without, "frozen").solve(fields["both signs"])
    assert counted.count == len(found) == len(fields["both signs"]) > snapshots.WORTHWHILE


def test_solutions_are_in_the_whole_basis(system, fields):
    """Orbitals and densities as they would be without snapshots, to first order in what is left out."""
    without = bare(system, "X-@2")
    found = Snapshots(system, without, "relaxed").solve(fields["beside a charge"])[17]
    (whole,) = continued(system, without.state, fields["beside a charge"][[17]], without, "relaxed")
    for one, other in ((found.initial, whole.initial), (found.final, whole.final)):
        assert one.shells == other.shells
        for i, shell in enumerate(one.shells):
            assert len(one.orbitals[i]) == len(system.hamiltonian[shell.kind])
            assert one.orbitals[i] @ one.orbitals[i] == pytest.approx(1.0, abs=1e-9)
            assert abs(one.orbitals[i] @ other.orbitals[i]) == pytest.approx(1.0, abs=1e-4)
            density = system.densities(shell.kind, one.orbitals[i][None])[0]
            size = np.linalg.norm(density)
            assert size > 0.3  # eV^½
            assert np.linalg.norm(density - one.densities[i]) < 1e-4 * size
            assert np.linalg.norm(density - other.densities[i]) < 1e-3 * size


def test_without_snapshots_the_tolerance_is_missed(system, fields, monkeypatch):
    """Negative control: the uncharged orbitals and one solution more are not enough."""
    monkeypatch.setattr(snapshots, "TOLERANCE", np.inf)
    monkeypatch.setattr(snapshots, "LARGEST", np.inf)
    monkeypatch.setattr(snapshots, "SEEDS", 1)
    without = bare(system, "X@1")
    whole = continued(system, without.state, fields["both signs"], without, "relaxed")
    found = Snapshots(system, without, "relaxed").solve(fields["both signs"])
    assert min(errors(found, whole)) > 20 * ALLOWED


def test_a_second_batch_finds_the_space(system, fields, monkeypatch):
    without = bare(system, "X@1")
    counted = Counted(system, monkeypatch)
    solver = Snapshots(system, without, "relaxed")
    solver.solve(fields["both signs"])
    first = counted.count
    found = solver.solve(fields["both signs"])
    assert counted.count - first < 0.5 * first
    whole = continued(system, without.state, fields["both signs"], without, "relaxed")
    assert max(errors(found, whole)) < ALLOWED


def test_few_fields_are_solved_as_they_are(system, fields, monkeypatch):
    counted = Counted(system, monkeypatch)
    without = bare(system, "X-@2")
    few = fields["both signs"][::60]
    found = Snapshots(system, without, "relaxed").solve(few)
    assert counted.count == len(few) == 8
    # rounding: the one is solved with one linear-algebra thread, the other with all
    assert max(errors(found, continued(system, without.state, few, without, "relaxed"))) < 1e-12


def test_the_direct_method_has_no_snapshots(axisymmetric_sphere, monkeypatch):
    direct = Direct(axisymmetric_sphere.discretisation)
    monkeypatch.setattr(snapshots, "WORTHWHILE", 1)
    counted = Counted(direct, monkeypatch)
    without = bare(direct, "X@1")
    found = Snapshots(direct, without, "relaxed").solve(direct.charge_fields(np.array([[0.0, 0.0, 3.4]])))
    assert counted.count == 1 and found[0].converged
    assert 1e3 * (found[0].energy - without.energy) == pytest.approx(-3.08, abs=0.05)


def test_projection_on_everything_changes_nothing(system, fields):
    """Rotated orbitals, those of each dot otherwise, and rotated fields: the same energies."""
    rng = np.random.default_rng(20)
    shells = configuration((1, 1, 2), (1,))
    vectors, amplitudes = {}, {}
    for shell in shells:
        size = len(system.hamiltonian[shell.kind])
        vectors[species(shell)] = np.linalg.qr(rng.standard_normal((size, size)))[0]
        amplitudes[species(shell)] = np.ones(size)
    assert len(vectors) == 3
    projection = projected(system, vectors, amplitudes)
    starts = [system.start(shell.kind, shell.dot, shell.level)[None] for shell in shells]
    field = fields["beside a charge"][[30]]
    (whole,) = solve(system, shells, starts, field)
    narrow = [start @ vectors[species(shell)] for shell, start in zip(shells, starts, strict=True)]
    (found,) = solve(projection.system, shells, narrow, projection.externals(field))
    assert whole.converged and found.converged
    assert found.energy == pytest.approx(whole.energy, abs=1e-7)
    assert found.levels == pytest.approx(whole.levels, abs=1e-6)
    assert np.abs(whole.densities).max() > 0.1
    assert projection.widened(found.densities) == pytest.approx(whole.densities, abs=1e-4)
    for i, shell in enumerate(shells):
        share = projection.system.dot_populations(species(shell), found.orbitals[i])
        assert share == pytest.approx(system.dot_populations(shell.kind, whole.orbitals[i]), abs=1e-5)


def test_rayleigh_quotient_iteration():
    """From guesses near eigenvectors to all digits; one between two of them is something or not found."""
    rng = np.random.default_rng(21)
    levels = np.array([0.1, 0.25, 0.4, 0.7, 1.1, 1.6])
    rotations = np.array([np.linalg.qr(rng.standard_normal((6, 6)))[0] for _ in range(8)])
    matrices = rotations @ (levels[:, None] * rotations.transpose(0, 2, 1))
    wanted = np.arange(8) % 6
    exact = rotations[np.arange(8), :, wanted]
    before = matrices.copy()
    values, vectors, found = rayleigh(matrices, exact + 0.1 * rng.standard_normal((8, 6)) / np.sqrt(6))
    assert found.all() and np.array_equal(matrices, before)
    assert values == pytest.approx(levels[wanted], abs=1e-12)
    assert np.abs(np.einsum("bi,bi->b", vectors, exact)) == pytest.approx(1.0, abs=1e-11)
    values, vectors, found = rayleigh(matrices, rng.standard_normal((8, 6)))
    residual = np.linalg.norm(np.einsum("bij,bj->bi", matrices, vectors) - values[:, None] * vectors, axis=1)
    assert (residual[found] < 1e-5).all() and found.any()


def test_what_is_certain_is_what_would_be_chosen():
    """Random states: where one state's overlaps alone decide, all of them decide alike."""
    generator = np.random.default_rng(5)
    decided = 0
    for _ in range(300):
        energies = generator.normal(size=4)
        overlaps, latest = (each / each.sum() for each in generator.exponential(size=(2, 4)) ** 2)
        for choose in (closest, survivor, lingering):
            chosen = choose(energies, overlaps, latest)
            for state in np.flatnonzero(certain(choose, overlaps, latest)):
                assert state == chosen
                decided += 1
    assert decided > 300


def test_fewer_fields_change_energies_within_their_tolerance(system, fields, monkeypatch):
    """The same system with nearly all of its fields."""
    monkeypatch.setitem(projection.NEGLIGIBLE, "coarse", 1e-13)
    whole = reduction(system.discretisation)
    assert whole.even_fields > 1.3 * system.even_fields
    few = slice(None, None, 12)
    here, there = (
        many(each, each.charge_fields(places()[few]), bare(each, "segT@1"), "relaxed")
        for each in (system, whole)
    )
    apart = [abs(one.energy - other.energy) for one, other in zip(here, there, strict=True)]
    assert 1e-9 < max(apart) < 2e-5


def test_points_beside_a_charge_that_brings_levels_together_converge(system, fields):
    """Two electrons of a dot whose level meets one of the other dot; one point of 96 may be left over."""
    fixed = 0.7 * system.charge_fields(surface_points(gallery.NOMINAL, [1.5], [50.0]))
    alone = system.charge_fields(places()[::5])
    without = bare(system, "segT@1")
    found = transition.transitions(system, without.state, np.concatenate([alone, -alone]) + fixed, without)
    assert sum(not each.converged for each in found) <= 1
    assert max(each.iterations for each in found) > 15


def test_the_uncharged_transition_is_solved_once(system, monkeypatch):
    without = bare(system, "X@1")
    monkeypatch.setattr(transition, "transitions", None)
    assert transition.uncharged(system, without.state, "relaxed") is without
