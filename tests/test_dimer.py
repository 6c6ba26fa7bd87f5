"""Dimers: two independent routes, symmetries, segregated states, the limit of far dots."""

import numpy as np
import pytest
from systems import bare, charged, discretised, emission_meV, need_gmsh, reduced, shift_meV, turn

from spq import gallery, meshing
from spq.direct import Direct
from spq.model import Model
from spq.surface import SurfaceCharge
from spq.transition import describe

AGREE = 0.05  # meV, direct against reduced
SAME = 0.1  # meV, the same molecule elsewhere or on another part of the mesh
POLE = 6.65  # nm, of dot 2
NEAR = -6.6  # nm, of dot 1


# meV, what the coarse mesh leaves of the shift of a charged state against X (see test_hartree)
COARSE_SHIFT = {"X-": 0.1, "X+": 0.3, "XX": 0.2}


def both_ways(system, states, charges):
    """Compare shifts of direct and reduced on one discretisation; returns the shifts."""
    direct = Direct(system.discretisation)
    found = []
    for state in states:
        ways = [shift_meV(way, state, charges) for way in (system, direct)]
        for way in (system, direct):
            described = describe(way, charged(way, state, charges))
            assert described["followed"] and not described["hybridised"]
        assert ways[0] == pytest.approx(ways[1], abs=AGREE), state
        found.append(ways[0])
    return found


def trion_shifts(system, states):
    """Emission of each state against X@1, which no basis error common to both enters."""
    exciton = emission_meV(system, "X@1")
    return [emission_meV(system, state) - exciton for state in states]


def test_direct_and_reduced_agree(heterodimer):
    """Shift of the trion and of a segregated trion by a charge at the pole of the emitting dot."""
    shifts = both_ways(heterodimer, ["X-@1"], [SurfaceCharge(-1, z=NEAR)])
    assert shifts[0] < -1.0


@pytest.mark.slow
@pytest.mark.parametrize("state", ["X@1", "X-@1", "segX-@1", "segT@1"])
def test_direct_and_reduced_agree_at_normal(normal_heterodimer, state):
    system, direct = normal_heterodimer
    for way in (system, direct):
        described = describe(way, bare(way, state))
        assert described["followed"] and not described["hybridised"]
    (shift,) = both_ways_with(system, direct, state, [SurfaceCharge(1, z=NEAR)])
    assert shift < -1.0
    if state != "X@1":
        ways = [trion_shifts(way, [state])[0] for way in (system, direct)]
        assert abs(ways[0]) > 0.01
        assert ways[0] == pytest.approx(ways[1], abs=AGREE)


def both_ways_with(system, direct, state, charges):
    ways = [shift_meV(way, state, charges) for way in (system, direct)]
    for way in (system, direct):
        described = describe(way, charged(way, state, charges))
        assert described["followed"] and not described["hybridised"]
    assert ways[0] == pytest.approx(ways[1], abs=AGREE)
    return [ways[0]]


@pytest.fixture(scope="module")
def normal_heterodimer():
    discretisation = discretised(gallery.heterodimer(accuracy="normal"))
    return reduced(discretisation), Direct(discretisation)


@pytest.mark.parametrize("state", ["X", "X-", "X+", "segX-", "segT", "XX"])
def test_dots_of_a_homodimer_are_equal(homodimer, state):
    one, other = (emission_meV(homodimer, f"{state}@{dot}") for dot in (1, 2))
    assert one > 200.0
    assert one == pytest.approx(other, abs=0.01)


def test_dots_of_a_heterodimer_differ(heterodimer):
    """Negative control: 0.05 nm of the core's radius are worth some 16 meV."""
    one, other = (emission_meV(heterodimer, f"X@{dot}") for dot in (1, 2))
    assert 10.0 < one - other < 25.0


def test_a_charge_on_a_homodimer_is_mirrored(homodimer):
    for state in ("X", "X-"):
        for height in (6.6, 3.0):
            one = shift_meV(homodimer, f"{state}@1", [SurfaceCharge(-1, z=-height)])
            other = shift_meV(homodimer, f"{state}@2", [SurfaceCharge(-1, z=height)])
            assert one < -1.0
            assert one == pytest.approx(other, abs=0.01)


def test_swapping_the_dots_mirrors(heterodimer):
    swapped = reduced(discretised(gallery.swapped_heterodimer(accuracy="coarse")))
    for state in ("X", "X-", "segX-"):
        one, other = emission_meV(heterodimer, f"{state}@1"), emission_meV(swapped, f"{state}@2")
        assert one == pytest.approx(other, abs=0.1)  # meshes of different molecules to Gmsh
        for height in (NEAR, -3.0, 3.0):
            one = shift_meV(heterodimer, f"{state}@1", [SurfaceCharge(1, z=height)])
            other = shift_meV(swapped, f"{state}@2", [SurfaceCharge(1, z=-height)])
            assert abs(one) > 0.01
            assert one == pytest.approx(other, abs=SAME), (state, height)


@pytest.mark.parametrize("state", ["X@1", "X-@1", "segX-@1"])
def test_the_azimuth_of_a_charge_does_not_matter(heterodimer, state):
    """A charge at another azimuth meets other elements of the mesh."""
    for height in (-5.0, -1.5, 2.0):
        shifts = [
            shift_meV(heterodimer, state, [SurfaceCharge(1, z=height, phi=phi)])
            for phi in (0.0, 37.0, 90.0, 201.0)
        ]
        assert len(set(shifts)) == 4
        assert np.ptp(shifts) < SAME


def test_moving_the_molecule_changes_nothing(heterodimer):
    """Turned by 37 degrees about an oblique axis and shifted; the charge goes with it."""
    rotation, step = turn([1.0, 2.0, -0.5], 37.0), np.array([3.0, -1.0, 12.0])
    molecule = gallery.NOMINAL.rotated(rotation).translated(step)
    assert molecule.axis == pytest.approx(rotation @ [0, 0, 1], abs=1e-12)
    moved = reduced(discretised(Model(molecule, self_energy="none", accuracy="coarse")))
    for state in ("X@1", "X-@2"):
        assert emission_meV(moved, state) == pytest.approx(emission_meV(heterodimer, state), abs=0.01)
        for height, phi in ((NEAR, 0.0), (-3.0, 37.0), (4.0, 100.0)):
            charge = SurfaceCharge(-1, z=height, phi=phi)
            place = rotation @ charge.resolve(gallery.NOMINAL) + step
            here = shift_meV(heterodimer, state, [charge])
            there = shift_meV(moved, state, [SurfaceCharge(-1, position=tuple(place))])
            assert abs(here) > 0.05
            assert there == pytest.approx(here, abs=SAME)


def test_another_mesh_gives_the_same_shifts(heterodimer, monkeypatch):
    """Remeshing with sizes 10 % smaller changes a shift by less than 0.1 meV."""
    need_gmsh()
    charge = [SurfaceCharge(1, z=NEAR)]
    states = ("X@1", "X-@1")
    before = [shift_meV(heterodimer, state, charge) for state in states]
    monkeypatch.setitem(meshing.SIZES, "coarse", meshing.SIZES["coarse"].scaled(0.9))
    other = reduced(discretised(gallery.heterodimer(accuracy="coarse")))
    assert other.discretisation.space.size != heterodimer.discretisation.space.size
    after = [shift_meV(other, state, charge) for state in states]
    assert before == pytest.approx(after, abs=SAME)


def test_far_dots_are_monomers():
    """At 20 nm the other dot only polarises, k α/(2 d⁴) ~ 0.1 meV, and not in a shift."""
    alone = reduced(discretised(gallery.monomer(accuracy="coarse")))
    far = reduced(discretised(gallery.far_dimer(20.0, accuracy="coarse")))
    exciton = emission_meV(alone, "X")
    for dot in (1, 2):
        # the meshes differ: coarse levels are good to about 1 meV
        assert emission_meV(far, f"X@{dot}") == pytest.approx(exciton, abs=1.5)
        for state in ("X-", "X+", "XX"):
            one = emission_meV(alone, state) - exciton
            other = emission_meV(far, f"{state}@{dot}") - emission_meV(far, f"X@{dot}")
            assert abs(one) > 5.0
            assert other == pytest.approx(one, abs=COARSE_SHIFT[state])
        shift = shift_meV(alone, "X", [SurfaceCharge(1, z=-3.4)])
        charge = SurfaceCharge(1, z=(-13.4, 13.4)[dot - 1])
        assert shift_meV(far, f"X@{dot}", [charge]) == pytest.approx(shift, abs=SAME)
        other = SurfaceCharge(1, z=(13.4, -13.4)[dot - 1])
        assert abs(shift_meV(far, f"X@{dot}", [other])) < 0.01
    # an electron 20 nm away does nothing to a neutral exciton
    assert emission_meV(far, "segX-@1") == pytest.approx(emission_meV(far, "X@1"), abs=0.05)


@pytest.mark.parametrize(
    "state, electrons, holes, least",
    [
        ("segX-@1", (1, 1), (1, 0), 0.9),
        ("segX-@2", (1, 1), (0, 1), 0.9),
        ("segT@1", (2, 1), (1, 0), 0.9),
        ("segT@2", (1, 2), (0, 1), 0.9),
        ("segXX@1", (1, 1), (1, 1), 0.9),
        # the hole on the other dot pulls at the electron
        ("segX+@1", (1, 0), (1, 1), 0.8),
    ],
)
def test_segregated_states_are_followed(heterodimer, state, electrons, holes, least):
    """Every carrier is on its dot, though the trion on one dot lies lower."""
    found = bare(heterodimer, state)
    described = describe(heterodimer, found)
    assert described["followed"] and described["converged"]
    assert described["electrons"] == pytest.approx(electrons, abs=2 * (1 - least))
    assert described["holes"] == pytest.approx(holes, abs=0.01)
    for shell, orbital in zip(found.initial.shells, found.initial.orbitals, strict=True):
        assert heterodimer.dot_populations(shell.kind, orbital)[shell.dot] > least
    assert sum(described["electrons"]) == pytest.approx(sum(electrons), abs=2e-3)


def test_segregated_is_not_the_ground_state(homodimer):
    """The localised trion lies some 17 meV below the segregated one."""
    segregated = bare(homodimer, "segX-@1").initial.energy
    localised = bare(homodimer, "X-@1").initial.energy
    assert 10.0 < 1e3 * (segregated - localised) < 25.0


def test_the_other_dots_electron_hardly_matters(heterodimer):
    """X and segX-, X- and segT without charge within 1 meV of each other."""
    for local, segregated in (("X@1", "segX-@1"), ("X-@1", "segT@1"), ("X@2", "segX-@2"), ("X-@2", "segT@2")):
        change = emission_meV(heterodimer, segregated) - emission_meV(heterodimer, local)
        assert 1e-3 < abs(change) < 1.0
    for dot in (1, 2):
        trion = emission_meV(heterodimer, f"X-@{dot}") - emission_meV(heterodimer, f"X@{dot}")
        assert -20.0 < trion < -10.0
