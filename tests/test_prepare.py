"""Prepared problems: what is kept in memory, what is forgotten, and sets of charges in pieces."""

from collections import OrderedDict

import numpy as np
import pytest

from spq import gallery, prepare
from spq.enrichment import corrections
from spq.prepare import companion, set_fields, with_companion
from spq.reduced import Reduced

OFFSETS = (0.10, 0.15, 0.20, 0.25)


def model(offset, **others):
    return gallery.uniform_monomer(offset, accuracy="coarse", **others)


@pytest.fixture
def made(monkeypatch):
    """Problems are made at once and are nothing; which were made."""
    found = []
    monkeypatch.setattr(prepare, "_prepared", OrderedDict())
    monkeypatch.setattr(prepare, "discretise", lambda model, progress, coarsening=1.0: model)

    def reduction(given, progress, looseness=1.0):
        found.append((given.conduction_band_offset, looseness > 1))
        return object.__new__(Reduced)

    monkeypatch.setattr(
        prepare, "_system", lambda given, coarse, progress: reduction(given, progress, 1 + coarse)
    )
    return found


def test_what_is_asked_for_is_not_forgotten_for_the_rest(made):
    """The oldest is asked for with its companion while memory is full."""
    first, second, third, _ = (model(offset) for offset in OFFSETS)
    prepare.prepare(first)
    with_companion(second)
    prepare.prepare(third)
    assert len(prepare._prepared) == prepare.PREPARED
    with_companion(first)
    assert made == [(0.10, False), (0.15, False), (0.15, True), (0.20, False), (0.10, True)]
    assert len(prepare._prepared) == prepare.PREPARED
    assert prepare.is_prepared(first) and not prepare.is_prepared(second)


def test_models_that_differ_outside_share_a_problem(made):
    with_companion(model(0.10))
    with_companion(model(0.10, electric_field=(0, 0, 5), final_state="frozen"))
    assert made == [(0.10, False), (0.10, True)]
    prepare.prepare(model(0.10, method="direct"))
    companion(model(0.10, method="direct"))
    assert made[2:] == [(0.10, False)]


def test_sets_of_charges_may_be_divided(axisymmetric_heterodimer, monkeypatch):
    """More charges than are taken at once; a set lies in two pieces."""
    description = axisymmetric_heterodimer.discretisation.model
    positions = np.array(
        [[0.3, 0.1, 7.5], [4.0, 1.0, 3.0], [-4.0, 2.0, -3.0], [0.0, 5.0, 0.0], [3.9, 0.0, -2.0]]
    )
    values, owners = np.array([1.0, -0.5, 0.7, 2.0, -1.0]), np.array([0, 0, 1, 1, 1])
    given = (axisymmetric_heterodimer, description, positions, values, owners, 3)
    whole = set_fields(*given)
    monkeypatch.setattr(prepare, "AT_ONCE", 2)
    assert set_fields(*given) == pytest.approx(whole, abs=1e-14)
    assert np.abs(whole[1]).max() > 1e-2 and not whole[2].any()


def test_without_solved_training_problems_nothing_is_added(axisymmetric_sphere):
    added, worst = corrections(axisymmetric_sphere, {}, [], [], 1e-6)
    assert worst == np.inf
    assert all(vectors.shape[1] == 0 for parts in added.values() for vectors in parts)
