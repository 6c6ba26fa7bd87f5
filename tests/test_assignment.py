"""Jumps explained by charges: moves keep their ledger, chances are those of all ways, and known jumps are
found."""

import dataclasses
import itertools

import numpy as np
import pytest

import spq
from spq import gallery
from spq.assignment import MovePriors, Observations, charge_table, observations_of, power, scenario
from spq.assignment.assigning import assign, assigned
from spq.assignment.assignmentfiles import assignment_json, load_assignment, save_assignment
from spq.assignment.chain import passed
from spq.assignment.chargetable import CHARGES, beside, table_of
from spq.assignment.explanations import mirrored, words
from spq.assignment.light import light_evidence, light_model
from spq.assignment.moves import COMBINED, NONE, STILL, TWO, moves_of
from spq.assignment.observations import stretched
from spq.assignment.problem import PRIOR, Problem, energies_of
from spq.assignment.quenching import first_pairs
from spq.assignment.sites import Placed, beside_another, sites_of
from spq.assignment.starts import first_states
from spq.assignment.verdicts import sign_of, signs_alike
from spq.errors import InputError

MODEL = gallery.heterodimer(self_energy="none", accuracy="coarse")


@pytest.fixture(scope="module")
def table():
    """Two sites on each dot: seconds instead of half a minute."""
    return charge_table(MODEL, per_dot=2)


def additive(per_dot=1, own=(-19.0, -18.0), site=4.0):
    """A table without a solver: shifts add, a surface charge shifts its dot by `site`, + by more than -."""
    sites = sites_of(MODEL.molecule, per_dot)
    energies = np.zeros((3, 3, len(sites.configurations), 2))
    for (a, b), (c, placed) in itertools.product(
        itertools.product(range(3), repeat=2), enumerate(sites.configurations)
    ):
        for dot, charge in ((0, a - 1), (1, b - 1)):
            shift = (own[dot] if charge < 0 else 40.0 if charge > 0 else 0.0) + 0.3 * dot
            for each in placed:
                near = float(sites.regions[each.site] == dot + 1) + 0.3
                shift -= site * near * (1.2 if each.sign > 0 else 0.8) * (1.0 - 0.2 * each.strength)
            energies[a, b, c, dot] = 2.2 - 0.017 * dot + 1e-3 * shift
    return table_of(sites, energies)


def observed(table, states, seed, jump_error=0.3, diffusion=0.6, frames=20):
    """What would be seen of a sequence of microstates."""
    generator = np.random.default_rng(seed)
    charge = np.array(divmod(np.array(states) // table.configurations, len(CHARGES))).T
    rest = table.rest.reshape(-1, 2)[states]
    true = rest + np.stack([table.own[i][charge[:, i]] for i in (0, 1)], axis=1) + np.array([9.0, -8.0])
    count = len(states)
    ratio = np.array([0.4, 0.6, 1.0, 0.5])[charge]
    begins = frames * np.arange(count)
    return Observations(
        begins=begins,
        ends=begins + frames,
        times=0.5 * begins,
        origin_eV=2.2,
        levels=true + diffusion * generator.standard_normal((count, 2)),
        level_errors=np.full((count, 2), 0.1),
        jumps=np.diff(true, axis=0) + jump_error * generator.standard_normal((count - 1, 2)),
        jump_errors=np.full((count - 1, 2), jump_error),
        photons=60.0 * ratio,
        photon_errors=np.full((count, 2), 2.0),
        late=np.full(count, np.nan),
        late_errors=np.full(count, np.nan),
        diffusion=np.full(2, diffusion),
        independent=max(1.0, count / 2),
    )


def quadratic(per_dot=2, field=2.5):
    """A table without a solver in which charges do not add: each dot shifts by the square of the field in
    it."""
    sites = sites_of(MODEL.molecule, per_dot)
    energies = np.zeros((3, 3, len(sites.configurations), 2))
    for (a, b), (c, placed) in itertools.product(
        itertools.product(range(3), repeat=2), enumerate(sites.configurations)
    ):
        for dot, charge in ((0, a - 1), (1, b - 1)):
            acting = sum(
                field
                * each.sign
                * (1.0 - each.strength / 3.0)
                * (0.2 + (sites.regions[each.site] == dot + 1))
                for each in placed
            )
            own = -19.0 if charge < 0 else 40.0 if charge > 0 else 0.0
            energies[a, b, c, dot] = 2.2 - 0.017 * dot + 1e-3 * (own - acting**2)
    return table_of(sites, energies)


def state_of(table, charges, *placed):
    """The microstate of charges of the dots and (sign, site) on the surface, of full strength."""
    one, two = (CHARGES.index(each) for each in charges)
    charges = tuple(Placed(sign, site, 0) for sign, site in placed)
    configuration = table.sites.place.get(charges, table.sites.place.get(charges[::-1]))
    return (one * len(CHARGES) + two) * table.configurations + configuration


def ledger(sites):
    """Charge of dots and surface of every microstate."""
    dots = np.add.outer(CHARGES, CHARGES).ravel()
    return np.add.outer(dots, sites.charge).ravel()


def test_every_move_keeps_its_ledger():
    """Charge of dots and surface stays, but for one e with the environment."""
    sites = sites_of(MODEL.molecule, 2)
    moves, total = moves_of(sites), ledger(sites)
    assert len(moves.labels) == len(set(moves.labels)) > 50
    for label, matrix in zip(moves.labels, moves.single, strict=True):
        pairs = matrix.tocoo()
        assert pairs.nnz and (pairs.data > 0).all()
        change = total[pairs.col] - total[pairs.row]
        assert set(np.abs(change)) == ({1} if "environment" in label else {0}), label


def test_chances_of_moves():
    """Single moves of a state share all but the outliers; nothing is ejected by Auger from a neutral dot
    often."""
    sites = sites_of(MODEL.molecule, 2)
    moves = moves_of(sites, MovePriors(none=0.1))
    rows = np.asarray(sum(matrix.sum(axis=1) for matrix in moves.single)).ravel()
    full = np.tile([len(each) == 2 for each in sites.configurations], len(CHARGES) ** 2)
    assert np.allclose(rows[~full], 0.9, atol=1e-5) and (rows[full] < 0.85).all()
    table = additive(2)
    neutral, negative = state_of(table, (0, 0)), state_of(table, (-1, 0))
    auger = moves.single[moves.labels.index("electron of dot 1 ejected to the surface of dot 1")]
    assert auger[negative].sum() > 3.0 * auger[neutral].sum() > 0.0


def test_what_a_cut_leaves_out_makes_nothing_likelier():
    """A trapped hole returns as often where another charge stays, beside which no third can come."""
    sites = sites_of(MODEL.molecule, 2)
    cut = beside_another(sites)
    label = "trapped hole returns from the surface of dot 1 to dot 1"
    chances = []
    for each in (sites, cut):
        moves, place = moves_of(each), each.place[(Placed(1, 0, 0),)]
        pair = CHARGES.index(-1) * len(CHARGES) + CHARGES.index(0)
        chances.append(moves.single[moves.labels.index(label)][pair * len(each.configurations) + place].sum())
    assert chances[0] == pytest.approx(chances[1], rel=1e-4) and chances[0] > 0.05


@pytest.mark.parametrize(
    "given", [{"hop": 0.0}, {"release": 0.0}, {"hole": 0.0, "auger": 0.0}, {"combined": 0.0}]
)
def test_moves_that_never_happen(given):
    moves = moves_of(sites_of(MODEL.molecule, 1), MovePriors(**given))
    assert np.isfinite(moves.total).all() and moves.total.min() >= 0.0
    word = {"hop": "hops", "release": "returns", "hole": "ejected"}.get(next(iter(given)))
    assert word is None or not any(word in label for label in moves.labels)


def test_first_states_know_places_and_strengths():
    """Of one charge half has full strength, a quarter each of the others; pairs count by their places."""
    table = additive(2)
    chances = first_states(table).reshape(16, -1).sum(axis=0)
    single = [
        sum(chances[table.sites.place[(Placed(q, s, k),)]] for q in (1, -1) for s in range(5))
        for k in range(3)
    ]
    assert np.array(single) / sum(single) == pytest.approx([0.5, 0.25, 0.25])
    same, apart = (chances[table.sites.place[(Placed(1, 0, 0), Placed(1, site, 0))]] for site in (0, 1))
    weights = table.sites.weights
    assert apart / same == pytest.approx(2.0 * weights[1] / weights[0])


def test_energies_are_those_of_the_solver(table):
    """One entry of the table, with two charges on the surface, against `spq.emission`."""
    for states in ((-1, 0), (0, 0)):
        place = len(table.sites.configurations) - 5
        charges = table.sites.surface_charges(place)
        name = {(-1, 0): "X-@1", (0, 0): "X@1"}[states]
        result = spq.emission(MODEL, name, charges)
        index = tuple(CHARGES.index(each) for each in states)
        energy = table.neutral_eV[0] + 1e-3 * (table.own[0][index[0]] + table.rest[(*index, place, 0)])
        assert energy == pytest.approx(result.emission_eV, abs=1e-5)
    assert abs(table.own[0][1]) > 10.0


def test_places_within_a_band_scatter_as_the_table_says(table):
    """Shifts of X@1 at places drawn within two bands, against the spread: a standard deviation of the
    band's."""
    generator = np.random.default_rng(4)
    for site in (0, 3):
        low, width = table.sites.z[site] - table.sites.half_width[site], 2.0 * table.sites.half_width[site]
        sets = [[spq.SurfaceCharge(charge=1.0, z=float(z))] for z in low + width * generator.random(12)]
        shifts = spq.Table(MODEL).entries([(0, 0)] * 12, sets)["shift_meV"].values[:, 0]
        place = table.sites.place[
            (dataclasses.replace(table.sites.configurations[1][0], site=site, strength=0),)
        ]
        middle, spread = table.rest[2, 2, place, 0], table.spread[2, 2, place, 0]
        assert np.abs(shifts - middle).max() < 3.0 * spread
        assert 0.0 < spread < 1.5


def test_strengths_between_steps_scatter_as_the_table_says(table):
    """Shifts of X@1 by screened charges of 1/2 to 5/6 e, against the middle and the spread of 2/3 e."""
    site = 1
    strengths = np.linspace(0.5, 5.0 / 6.0, 9)
    sets = [[spq.SurfaceCharge(charge=float(each), z=float(table.sites.z[site]))] for each in strengths]
    shifts = spq.Table(MODEL).entries([(0, 0)] * len(sets), sets)["shift_meV"].values[:, 0]
    place = table.sites.place[(Placed(1, site, 1),)]
    slope = np.gradient(table.rest[2, 2, [table.sites.place[(Placed(1, s, 1),)] for s in range(5)], 0],
                        table.sites.z)[site]  # fmt: skip
    within = abs(slope) * table.sites.half_width[site] / np.sqrt(3.0)
    strength = np.sqrt(table.spread[2, 2, place, 0] ** 2 - within**2)
    # shifts go as the square of the charge, so that a straight line through the steps is off by some
    assert shifts.std() == pytest.approx(strength, rel=0.35)
    assert abs(shifts.mean() - table.rest[2, 2, place, 0]) < strength


def test_forward_and_backward_are_the_sum_over_all_ways(monkeypatch):
    """Three stretches, no state left out, against the dense sum written for this test."""
    monkeypatch.setattr("spq.assignment.chain.CUT", 1e9)
    table = additive()
    moves = moves_of(table.sites)
    held = state_of(table, (-1, 0), (1, 0))
    states = [state_of(table, (0, 0)), held, held]  # at the second jump nothing moves
    seen = observed(table, states, 2)
    problem = Problem(table, moves, seen, first_states(table), use_light=False)
    theta = PRIOR.copy()
    theta[:2] = 9.0, -8.0
    found = passed(problem, theta, light_model(seen), 10**6)
    energies, spread = energies_of(problem, theta), table.spread.reshape(-1, 2) ** 2
    often = max(1.0, 3 / seen.independent)
    unary = []
    for k in range(3):
        variance = (seen.diffusion**2 + seen.level_errors[k] ** 2 + spread) * often
        density = np.exp(-0.5 * (seen.levels[k] - energies) ** 2 / variance) / np.sqrt(variance)
        unary.append(((1.0 - 0.02) * density + 0.02 * np.sqrt(2.0 * np.pi) / 40.0).prod(axis=1))
    links, priors = [], moves.priors
    for k in range(2):
        link, still = moves.total.astype(float), np.eye(len(energies)) * priors.still
        drift = np.eye(len(energies)) * priors.drift
        for i in (0, 1):
            apart, error = energies[:, i][None, :] - energies[:, i][:, None], seen.jump_errors[k, i] ** 2
            variance = error + spread[:, i][:, None] + spread[:, i][None, :]
            link = link * np.exp(-0.5 * (seen.jumps[k, i] - apart) ** 2 / variance) / np.sqrt(variance)
            still *= np.exp(-0.5 * seen.jumps[k, i] ** 2 / error) / np.sqrt(error)
        cover = np.diag(seen.jump_errors[k] ** 2) + 9.0
        drift *= np.exp(-0.5 * seen.jumps[k] @ np.linalg.inv(cover) @ seen.jumps[k])
        drift /= np.sqrt(np.linalg.det(cover))
        outside = priors.none * 2.0 * np.pi / 40.0**2 * problem.start[None, :] * first_pairs()[0]
        links.append(link + still + drift + outside)
    joint = np.einsum(
        "a,ab,b,bc,c->abc", problem.start * unary[0], links[0], unary[1], links[1], unary[2], optimize=True
    )
    joint /= joint.sum()
    for k, axes in enumerate(((1, 2), (0, 2), (0, 1))):
        chances = np.zeros(len(energies))
        chances[found.states[k]] = found.chances[k]
        assert np.allclose(chances, joint.sum(axis=axes), atol=2e-6)
    assert found.chances[1].max() > 0.05


def test_known_jumps_are_found():
    """A hole ejected and returned, and a hop, clearly seen: every verdict is right and the path as well."""
    table = additive(3)
    first, second = 1, 5
    states = [
        state_of(table, (0, 0)),
        state_of(table, (-1, 0), (1, first)),
        state_of(table, (-1, 0), (1, second)),
        state_of(table, (0, 0)),
        state_of(table, (0, -1), (1, second)),
    ]
    found = assigned(observed(table, states, 3, 0.1, 0.3), table)
    assert found["verdict"].values.tolist() == [
        "hole of dot 1 ejected to the surface of dot 1",
        "trapped hole hops from the surface of dot 1 to the surface of dot 2",
        "trapped hole returns from the surface of dot 2 to dot 1",
        "hole of dot 2 ejected to the surface of dot 2",
    ]
    assert found["path"].values.tolist() == [words(table, each) for each in states]
    assert float(found["path_probability"]) > 0.5
    assert np.allclose(found["charge_probability"].sum("charge"), 1.0, atol=1e-6)
    place = found["surface_probability"].sel(sign=1).values
    assert table.sites.regions[place[1].argmax()] == 1 and table.sites.regions[place[2].argmax()] == 2
    # the dot that jumps by its own charge and that of its surface says most
    assert found["decided_by"].values[[0, 2, 3]].tolist() == [f"energy of dot {dot}" for dot in (1, 2, 2)]
    costs = found["evidence_log_odds"].values
    assert costs[0, 0] > 1.0 > abs(costs[0, 1]) and np.abs(costs[:, 2]).max() < 0.5
    assert not any(found["overturned_by"].values)
    assert set(found["sign_from"].values) == {"conservation"}


def test_exchanged_emitters_are_told():
    """The emitters in the other order: the same verdicts, and that the emitters are exchanged."""
    table = additive(2)
    states = [state_of(table, (0, 0)), state_of(table, (-1, 0), (1, 0)), state_of(table, (0, 0))]
    seen = observed(table, states, 5, 0.1, 0.3)
    one, two = (assigned(each, table, explain=False) for each in (seen, mirrored(seen)))
    assert one["verdict"].values.tolist() == two["verdict"].values.tolist()
    assert one["emitter_of_dot"].values.tolist() == [1, 2] == two["emitter_of_dot"].values.tolist()[::-1]


def test_a_jump_that_no_move_explains():
    """One emitter jumps by 150 meV to the blue and back: none of these."""
    table = additive(2)
    seen = observed(table, [state_of(table, (0, 0))] * 3, 6, 0.1, 0.3)
    jumps, levels = seen.jumps.copy(), seen.levels.copy()
    jumps[0, 0], jumps[1, 0] = 150.0, -150.0
    levels[1, 0] += 150.0
    found = assigned(dataclasses.replace(seen, jumps=jumps, levels=levels), table, explain=False)
    assert NONE in found["verdict"].values


def test_no_jump_and_nothing_moved():
    table = additive(2)
    still = observed(table, [state_of(table, (0, 0))], 7)
    found = assigned(still, table)
    assert found.sizes["jump"] == 0 and found["charge_probability"].shape == (1, 2, 4)
    assert found["charge_probability"].sel(charge=0).values.min() > 0.5
    none = observed(table, [state_of(table, (0, 0))] * 2, 8)
    assert assigned(none, table, explain=False)["move"].values[0, 0] == STILL


def test_a_dark_emitter_is_quenched():
    """Its light goes and comes back, its energy is not seen, the other's stays."""
    table = additive(2)
    seen = observed(table, [state_of(table, (0, 0))] * 3, 9, 0.1, 0.3)
    jumps, levels, photons = seen.jumps.copy(), seen.levels.copy(), seen.photons.copy()
    jumps[:, 0] = levels[1, 0] = np.nan
    photons[1, 0] = 4.0
    found = assigned(
        dataclasses.replace(seen, jumps=jumps, levels=levels, photons=photons), table, explain=False
    )
    assert found["verdict"].values.tolist() == ["dot 1 quenched", "dot 1 lit again"]
    assert found["quenched_probability"].values[1, 0] > 0.8


def dark_for(table, lengths, seed):
    """What is seen of neutral dots whose second emitter is dark in the last stretch."""
    seen = observed(table, [state_of(table, (0, 0))] * len(lengths), seed, 0.1, 0.3)
    ends = np.cumsum(lengths)
    jumps, levels, photons = seen.jumps.copy(), seen.levels.copy(), seen.photons.copy()
    jumps[-1, 1] = levels[-1, 1] = np.nan
    photons[-1, 1] = 3.0
    begins = ends - lengths
    return dataclasses.replace(
        seen, begins=begins, ends=ends, times=0.5 * begins, jumps=jumps, levels=levels, photons=photons
    )


def test_what_stays_dark_is_bleached():
    """Dark for 5 s at the end: quenched; for 300 s: bleached, for what is quenched comes back."""
    table = additive(2)
    soon, long = (
        assigned(dark_for(table, np.array([40, last]), 9), table, explain=False) for last in (10, 600)
    )
    assert soon["move"].values[0, 0] == "dot 2 quenched"
    assert long["verdict"].values.tolist() == ["dot 2 bleached"]
    assert (
        0.02
        < float(soon["bleached_probability"][1, 1])
        < 0.3
        < 0.8
        < float(long["bleached_probability"][1, 1])
    )
    dark = long["quenched_probability"].values  # a tenth of it of dot 1: which emitter is which is not sure
    assert dark[1, 1] > 0.8 and dark[1].sum() > 0.95 and dark[0].max() < 0.05


def test_energies_of_a_dark_emitter_count_little():
    """While dot 1 is dark something is seen 9 meV off: it was quenched nevertheless, and is lit again."""
    table = additive(2)
    seen = observed(table, [state_of(table, (0, 0))] * 3, 9, 0.1, 0.3)
    jumps, levels, photons = seen.jumps.copy(), seen.levels.copy(), seen.photons.copy()
    jumps[:, 0] = 9.0, -9.0
    levels[1, 0] += 9.0
    photons[1, 0] = 4.0
    found = assigned(
        dataclasses.replace(seen, jumps=jumps, levels=levels, photons=photons), table, explain=False
    )
    assert found["move"].values[:, 0].tolist() == ["dot 1 quenched", "dot 1 lit again"]
    # which emitter is which dot these three stretches do not say well
    assert found["quenched_probability"].values[1].sum() > 0.9


def test_states_whose_electron_falls_are_penalised():
    """With dot 1 negative its electron can fall to dot 2: the odds of that state are lower by what falls."""
    table = additive(2, own=(-18.0, -18.0))
    falls = table.falls.copy()
    negative, neutral = CHARGES.index(-1), CHARGES.index(0)
    falls[negative, neutral, :, 1] = True
    table = dataclasses.replace(table, falls=falls)
    seen = observed(table, [state_of(table, (0, 0))] * 2, 5, 0.1, 0.3)
    shares = []
    for falling in (0.0, 0.9):
        problem = Problem(
            table, moves_of(table.sites, MovePriors(falling=falling)), seen, first_states(table)
        )
        state = state_of(table, (-1, 0), (1, 0))
        shares.append((problem.entering[state], problem.entering[state_of(table, (0, -1), (1, 0))]))
    assert shares == [(1.0, 1.0), (pytest.approx(0.1), 1.0)]
    states = [state_of(table, (0, 0)), state_of(table, (-1, 0), (1, 0))]
    seen = observed(table, states, 5, 6.0, 6.0)  # badly seen, so that priors decide
    chances = [
        assigned(seen, table, priors=MovePriors(falling=falling), explain=False)["charge_probability"]
        .sel(dot=1, charge=-1)
        .values[1]
        for falling in (0.0, 0.9)
    ]
    odds = [each / (1.0 - each) for each in chances]
    # by 1 - 0.9, but for the other ways to that charge, which share in it
    assert odds[1] / odds[0] == pytest.approx(0.1, rel=0.5)


def test_light_is_that_of_photons():
    """The same photons of neutral dots of brightness B and of negative ones of B/0.6: these are spread over
    more photons, so that the density is lower by 0.6 for each dot."""
    table = additive()
    seen = observed(table, [state_of(table, (0, 0))] * 2, 3)
    seen = dataclasses.replace(seen, photon_errors=np.full((2, 2), 1e-6))
    neutral, negative = CHARGES.index(0), CHARGES.index(-1)
    model = light_model(seen)
    bright, dim = (
        light_evidence(dataclasses.replace(model, brightness=seen.photons[0] / share), seen)
        for share in (1.0, 0.6)
    )
    apart = bright[:, neutral, neutral, 0] - dim[:, negative, negative, 0]
    assert apart == pytest.approx(-2.0 * np.log(0.6), abs=1e-6)


def test_darkness_lasts():
    """Over two stretches dark: quenched in the first, and what jumps at the other dot in between is told."""
    table = additive(2)
    states = [state_of(table, (0, 0)), state_of(table, (0, 0)), state_of(table, (-1, 0), (1, 0))]
    seen = observed(table, states, 4, 0.1, 0.3)
    jumps, levels, photons = seen.jumps.copy(), seen.levels.copy(), seen.photons.copy()
    jumps[:, 1] = levels[1:, 1] = np.nan
    photons[1:, 1] = 3.0
    found = assigned(
        dataclasses.replace(seen, jumps=jumps, levels=levels, photons=photons), table, explain=False
    )
    assert found["move"].values[0, :2].tolist() == ["dot 2 quenched", "dot 2 bleached"]
    assert found["move"].values[1, 0].startswith("hole of dot 1 ejected to the")
    assert (found["quenched_probability"].values[:, 1].round() == [0, 1, 1]).all()


@pytest.mark.parametrize("first", [True, False])
def test_forward_and_backward_with_dark_emitters(monkeypatch, first):
    """Two stretches, dot 1 dark in the first or in the second, light in, no state left out, against sums over
    all states and darknesses."""
    monkeypatch.setattr("spq.assignment.chain.CUT", 1e9)
    table, none = additive(), 1e-9
    moves = moves_of(table.sites, MovePriors(drift=0.0, none=none))
    seen = observed(table, [state_of(table, (0, 0))] * 2, 2)
    photons, jumps, levels = seen.photons.copy(), seen.jumps.copy(), seen.levels.copy()
    place = 0 if first else 1
    photons[place, 0] = 5.0
    # of the dark emitter: perhaps not its own
    levels[place, 0] += 4.0
    jumps[0, 0] += -4.0 if first else 4.0
    seen = dataclasses.replace(seen, photons=photons, jumps=jumps, levels=levels)
    problem = Problem(table, moves, seen, first_states(table))
    theta = PRIOR.copy()
    theta[:2] = 9.0, -8.0
    light = light_model(seen)
    found = passed(problem, theta, light, 10**6)
    weights = [dense_unary(problem, theta, light, k, none) for k in range(2)]
    weights[0] *= problem.start[:, None] * np.outer([0.94, 0.05, 0.01], [0.94, 0.05, 0.01]).ravel()
    joint = dense_joint(problem, theta, weights)
    total = sum(joint.values())
    assert joint["dot 1 lit again" if first else "dot 1 quenched"] / total > 0.5
    for label, weight in joint.items():
        got = found.moved[0].sum() if label == "moved" else found.unmoved[0].get(label, 0.0)
        assert got == pytest.approx(weight / total, rel=1e-4, abs=1e-7), label


DARK_PAIRS = np.array(list(itertools.product(range(3), repeat=2)))


def dense_unary(problem, theta, light, k, none):
    """Weight (states, 9) of a stretch: levels and light, and what is quenched staying so."""
    seen, energies = problem.seen, energies_of(problem, theta)
    spread, often = problem.table.spread.reshape(-1, 2) ** 2, max(1.0, 2 / problem.seen.independent)
    weight = np.ones((len(energies), 9))
    for i, charge in enumerate(problem.charges):
        dark = DARK_PAIRS[:, i] > 0
        variance = (seen.diffusion[i] ** 2 + seen.level_errors[k, i] ** 2 + spread[:, i]) * often
        density = np.exp(-0.5 * (seen.levels[k, i] - energies[:, i]) ** 2 / variance) / np.sqrt(variance)
        wrong = np.where(dark, 0.5, none)
        weight *= (1.0 - wrong) * density[:, None] + wrong * np.sqrt(2.0 * np.pi) / 40.0
        ratio, error = (
            seen.photons[k, i] / light.brightness[i],
            seen.photon_errors[k, i] / light.brightness[i],
        )
        own = light.ratios[charge][:, None]
        width = np.hypot(np.where(dark, 0.08 * own, light.widths[charge][:, None]), error)
        weight *= np.exp(-0.5 * ((ratio - own * np.where(dark, 0.1, 1.0)) / width) ** 2) / width
        weight *= np.where(DARK_PAIRS[:, i] == 1, np.exp(-10.0 / 20.0), 1.0)  # 20 frames of 0.5 s
    return weight


def dense_joint(problem, theta, weights):
    """Weight of everything that may have happened at the only jump."""
    seen, energies, priors = problem.seen, energies_of(problem, theta), problem.moves.priors
    spread = problem.table.spread.reshape(-1, 2) ** 2
    step = np.zeros((3, 3))
    step[0, 1], step[0, 2], step[1, 0] = priors.quenching, priors.bleaching, priors.relighting
    turned = [np.kron(step, np.eye(3)), np.kron(np.eye(3), step)]
    shifts, same = np.zeros((2, len(energies), len(energies))), np.zeros(2)
    for i in (0, 1):
        apart = energies[:, i][None, :] - energies[:, i][:, None]
        variance = seen.jump_errors[0, i] ** 2 + spread[:, i][:, None] + spread[:, i][None, :]
        shifts[i] = np.exp(-0.5 * (seen.jumps[0, i] - apart) ** 2 / variance) / np.sqrt(variance)
        same[i] = np.exp(-0.5 * (seen.jumps[0, i] / seen.jump_errors[0, i]) ** 2) / seen.jump_errors[0, i]
    lost = 0.5 * np.sqrt(2.0 * np.pi) / 40.0
    joint = dict.fromkeys(["moved", TWO, "nothing moved"], 0.0)
    joint |= {f"dot {i} {what}": 0.0 for i in (1, 2) for what in ("quenched", "bleached", "lit again")}
    for p, q in itertools.product(range(9), repeat=2):
        dark = (DARK_PAIRS[p] > 0) | (DARK_PAIRS[q] > 0)
        factors = [0.5 * shifts[i] + lost if dark[i] else shifts[i] for i in (0, 1)]
        still = np.prod([0.5 * same[i] + lost if dark[i] else same[i] for i in (0, 1)])
        amount = turned[0][p, q] + turned[1][p, q]
        if p == q or amount:
            moved = float(
                weights[0][:, p] @ (problem.moves.total * factors[0] * factors[1]) @ weights[1][:, q]
            )
            joint["moved"] += moved if p == q else 0.0
            joint[TWO] += priors.two * amount * moved
        stays = still * float(weights[0][:, p] @ weights[1][:, q])
        joint["nothing moved"] += priors.still * stays if p == q else 0.0
        for i in (0, 1):
            if turned[i][p, q]:
                what = {1: "quenched", 2: "bleached", 0: "lit again"}[DARK_PAIRS[q, i]]
                joint[f"dot {i + 1} {what}"] += turned[i][p, q] * stays
    return joint


def test_a_charge_that_stays_is_seen_by_what_others_shift():
    """Charges do not add: a hole that stays on dot 1 shows in what another does there; if nothing stays it
    does not."""
    table = quadratic()
    held, other = (1, 1), (1, 0)
    stays = [state_of(table, (0, 0), held), state_of(table, (-1, 0), held, other)] * 2
    bare = [state_of(table, (0, 0)), state_of(table, (-1, 0), other)] * 2
    here, none = (
        assigned(observed(table, each, 3, 0.1, 0.3), table, explain=False) for each in (stays, bare)
    )
    assert float(here["stays_probability"].sum()) > 0.5 > 0.1 > float(none["stays_probability"].sum())
    dot = table.sites.regions == 1
    surface = here["surface_probability"].values[0, 0]
    assert surface[dot].sum() > 0.5 > none["surface_probability"].values[0, 0].sum()


def test_energies_beside_a_charge_that_stays(table):
    """One entry of the table beside a charge, against `spq.emission` with both."""
    stays, other = Placed(1, 3, 0), Placed(-1, 1, 0)
    there = beside(table, stays)
    place = there.sites.place[(other,)]
    whole = table.sites.place.get((stays, other), table.sites.place.get((other, stays)))
    result = spq.emission(MODEL, "X-@2", table.sites.surface_charges(whole))
    energy = there.neutral_eV[1] + 1e-3 * (there.own[1][1] + there.rest[2, 1, place, 1])
    assert energy == pytest.approx(result.emission_eV, abs=1e-5)


def test_electrons_fall_where_that_lowers_the_energy(table):
    """To the dot on which its energy is lower, and not back, as energies of the initial states say."""
    one, two = (dot.core_radius for dot in MODEL.molecule.dots)
    assert one < two
    lower = spq.Table(MODEL).entries([(0, -1), (-1, 0)], [[], []])["initial_energy_eV"].values
    for emitter, pair in ((0, (2, 1)), (1, (1, 2))):  # indices of charges 0 and -1
        falls = table.falls[(*pair, 0, emitter)]
        own = 0 if emitter else 1  # the state in which the emitting dot itself is negative
        assert falls == (lower[own, emitter] < lower[1 - own, emitter])
    assert table.falls.any() and not table.falls[2, 2].any() and not table.falls[:, 3, :, 0].any()


def test_models_are_weighed():
    """Of two models the one whose surface charges shift as it is seen is the likelier, and both are asked."""
    right, wrong = additive(2), additive(2, site=5.0)
    states = [state_of(right, (0, 0)), state_of(right, (-1, 0), (1, 0)), state_of(right, (0, 0))] * 2
    found = assigned(observed(right, states, 5, 0.1, 0.3), [wrong, right], explain=False)
    shares = found["model_probability"].values
    assert shares[1] > 0.6 > 0.4 > shares[0] > 0.0 and shares.sum() == pytest.approx(1.0)
    with pytest.raises(InputError, match="0 of them"):
        assigned(observed(right, states, 5), [])
    with pytest.raises(InputError, match="as many sites"):
        assigned(observed(right, states, 5), [right, additive(1)])


def test_the_environment_has_a_ledger():
    """A hole goes to the environment, and comes back: its charge is +1 in between."""
    table = additive(2)
    states = [state_of(table, (0, 0)), state_of(table, (-1, 0)), state_of(table, (0, 0))]
    priors = MovePriors(hole=0.02, environment=50.0)
    found = assigned(observed(table, states, 5, 0.1, 0.3), table, priors=priors, explain=False)
    assert found["verdict"].values[0] == "hole of dot 1 ejected to the environment"
    assert np.allclose(found["environment_charge"], [0.0, 1.0, 0.0], atol=0.3)


def test_stretches_of_single_frames():
    """A jump in the second frame and in the last but one: jumps and errors are those of the frames."""
    generator = np.random.default_rng(3)
    energies = 2.2 + 1e-4 * generator.standard_normal((60, 2))
    energies[0], energies[-1, 0] = 2.21, 2.19
    errors, photons = np.full((60, 2), 1e-4), np.full((60, 2), 80.0)
    nothing = np.full(60, np.nan)
    seen = stretched(energies, errors, photons, 0.5 * np.arange(60), np.array([1, 59]), nothing, nothing)
    assert seen.begins.tolist() == [0, 1, 59] and seen.ends.tolist() == [1, 59, 60]
    assert np.allclose(seen.jumps[0], -10.0, atol=0.5) and seen.jumps[1, 0] == pytest.approx(-10.0, abs=0.5)
    assert (seen.jump_errors < 1.0).all() and seen.diffusion.max() < 1.0


def test_signs_made_alike(table):
    alike = signs_alike(table)
    place, other = (
        table.sites.place[(dataclasses.replace(table.sites.configurations[1][0], sign=s),)] for s in (1, -1)
    )
    assert np.allclose(alike.rest[:, :, place], alike.rest[:, :, other])
    assert not np.allclose(table.rest[:, :, place], table.rest[:, :, other])


@pytest.mark.parametrize(
    ("label", "sign"),
    [
        ("hole of dot 1 ejected to the neck", "hole"),
        ("trapped electron hops on the neck", "electron"),
        ("hole of dot 1 ejected to the environment", None),
        ("electron of dot 1 goes to dot 2", None),
        (TWO, None),
    ],
)
def test_signs_of_moves(label, sign):
    assert sign_of(label) == sign


def test_power_grows_with_resolution():
    """To own or other dot: told apart when well resolved, not when badly; a move from itself never."""
    table = additive(3)
    names = ("hole of dot 1 ejected to the surface of dot 1", "hole of dot 1 ejected to the surface of dot 2")
    found = power(table, *names, resolution_meV=(0.2, 1.0, 20.0), trion_error_meV=0.5)
    assert (found.right[0] > 0.95).all() and (found.right[-1] < 0.5).all()
    assert found.needed_meV >= 0.2 and found.needed_photons == pytest.approx(
        2.0 * (2.6 / found.needed_meV) ** 2
    )
    same = power(table, names[0], names[0], resolution_meV=(0.2,))
    assert not same.right.any() and np.isnan(same.needed_meV)
    with pytest.raises(InputError, match="not known"):
        power(table, "hole of dot 3", names[0])
    with pytest.raises(InputError, match="cannot happen"):
        power(table, "electron of dot 1 goes to dot 2", names[0], charges=(1, -2))


def test_ledgers_of_scenarios():
    """Charge of dots and surface stays but where the event says otherwise; energies follow the situations."""
    solved = spq.Table(MODEL)
    for letter in "ABCDEF":
        told = scenario(letter, solved, 3)
        totals = [
            sum(each.charges) + sum(1 if trap.carrier == "hole" else -1 for trap in each.trapped)
            for each in told.situations
        ]
        assert len(set(totals)) == 1
        assert len(told.events) == len(told.times) == len(told.situations) - 1
        assert letter != "A" or told.events[0] == COMBINED
        steps = told.simulation.schedule
        assert [step.charges for step in steps] == [each.charges for each in told.situations]


def test_files(tmp_path):
    table = additive(2)
    states = [state_of(table, (0, 0)), state_of(table, (-1, 0), (1, 0)), state_of(table, (0, 0))]
    found = assigned(observed(table, states, 5, 0.1, 0.3), table)
    written = save_assignment(found, tmp_path)
    assert [path.name for path in written] == ["assignment.nc", "jumps.csv", "assignment.png"]
    again = load_assignment(tmp_path / "assignment.nc")
    assert again["verdict"].values.tolist() == found["verdict"].values.tolist()
    assert np.array_equal(again["probability"], found["probability"], equal_nan=True)
    document = assignment_json(again)
    assert len(document["jumps"]) == 2 and document["path_probability"] > 0.3
    (tmp_path / "assignment.nc").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read"):
        load_assignment(tmp_path / "assignment.nc")


def test_bad_input():
    import xarray as xr

    with pytest.raises(InputError, match="no analysis"):
        observations_of(xr.Dataset())
    with pytest.raises(InputError, match="0 emitters"):
        observations_of(xr.Dataset(attrs={"spq_kind": "analysis"}))
    with pytest.raises(InputError, match="needs two"):
        charge_table(gallery.monomer())
    for given in ({"hop": -1.0}, {"falling": 1.0}, {"quenched_time": 0.0}, {"none": 0.0}):
        with pytest.raises(InputError, match=f"priors.{next(iter(given))}"):
            MovePriors(**given)
    one = xr.Dataset({"track": (("frame", "emitter"), np.ones((3, 1)))}, attrs={"spq_kind": "analysis"})
    with pytest.raises(InputError, match="1 emitters"):
        assign(one, additive())
