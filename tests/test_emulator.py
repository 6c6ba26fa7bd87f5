"""Emulators: smooth functions in the place of the solver, whose error is tested on points not seen."""

import logging

import numpy as np
import pytest
from analytic import CORE, SHELL, analytic
from systems import need_gmsh

from spq import gallery, learning
from spq.emulator import Box, fitted
from spq.errors import ConvergenceError, InputError
from spq.learning import Source, batch, coarse, learn, taught
from spq.measured import measurements_of, quantity
from spq.priors import priors_of

FREE = {CORE: (1.2, 1.6), SHELL: (1.5, 2.5)}
MEASURED = {"X@1": (2.2, 0.001), "X-@1 - X@1": (-17.0, 1.0)}
BOX = Box((CORE, SHELL, "model.image_prefactor"), np.array([1.0, 0.5, 0.0]), np.array([2.0, 2.0, 1.0]))


def smooth(values):
    """Something like an energy in eV and a shift in meV."""
    core, shell = values.T
    return np.column_stack([1.8 + 0.6 / core**2 + 0.2 / (core + shell), -30.0 / (core + 0.5 * shell)])


def test_coordinates_of_the_box():
    """Lengths go by their inverse, other numbers as they are; both from -1 at the low end to 1."""
    ends = BOX.scaled(np.array([BOX.low, BOX.high]))
    assert ends == pytest.approx(np.array([[-1.0] * 3, [1.0] * 3]))
    middle = BOX.scaled(np.array([[1 / 0.75, 0.8, 0.5]]))
    assert middle[0] == pytest.approx([0.0, 0.0, 0.0])


def test_shells_from_zero():
    """A length that may vanish has no inverse."""
    box = Box((SHELL,), np.array([0.0]), np.array([2.0]))
    assert box.scaled(np.array([[0.0], [1.0], [2.0]]))[:, 0] == pytest.approx([-1.0, 0.0, 1.0])


def test_fit_of_a_smooth_function():
    generator = np.random.default_rng(3)
    points = generator.uniform(-1, 1, (40, 2))
    unseen = generator.uniform(-0.9, 0.9, (200, 2))

    def wave(z):
        return 5.0 + np.sin(2 * z[:, 0]) * np.exp(0.5 * z[:, 1])

    emulator = fitted(points, wave(points), seed=0)
    error = np.abs(emulator(unseen) - wave(unseen)).max()
    assert error < 1e-3 * np.ptp(wave(unseen))
    assert np.array_equal(fitted(points, wave(points), seed=0)(unseen), emulator(unseen))
    noisy = wave(points) + 0.1 * generator.standard_normal(40)
    assert (
        0.01 < np.abs(fitted(points, noisy, seed=0)(unseen) - wave(unseen)).max() < 0.5
    )  # smooths the noise


def test_fit_of_a_constant():
    points = np.linspace(-1, 1, 8)[:, None]
    assert fitted(points, np.full(8, 3.5), seed=0)(points) == pytest.approx(np.full(8, 3.5))


def test_batches():
    assert batch(2, 256) == 16 and batch(4, 256) == 32 and batch(3, 256) == 16
    assert batch(4, 20) == 8  # of two batches there must be room


def test_learning_stops_when_good_enough():
    source, _ = analytic(smooth, MEASURED, FREE)
    learned, known = learn(source, 256, seed=1)
    assert len(known.values) == 32
    assert not coarse(source.measurements, learned)
    unseen = source.box.low + np.random.default_rng(5).random((300, 2)) * (source.box.high - source.box.low)
    for i, each in enumerate(learned):
        error = each.emulator(source.box.scaled(unseen)) - smooth(unseen)[:, i]
        assert np.sqrt(np.mean(error**2)) < 1.5 * each.rms <= 1.5 * each.largest
        assert each.used == 32 and each.left_out == 0


def test_tested_error_is_that_of_unseen_points():
    """The error comes from the emulator as it was before it learned the new points."""
    source, _ = analytic(smooth, MEASURED, FREE)
    values = source.box.low + np.random.default_rng(2).random((24, 2)) * (source.box.high - source.box.low)
    first, new = source.points(values[:12]), source.points(values[12:])
    before = taught(source.box, (), first, first, seed=0)
    assert all(np.isinf(each.rms) for each in before)
    after = taught(source.box, before, first + new, new, seed=0)
    off = before[0].emulator(source.box.scaled(new.values)) - new.found[:, 0]
    assert after[0].rms == pytest.approx(np.sqrt(np.mean(off**2)))
    assert after[0].largest == pytest.approx(np.abs(off).max())
    refitted = after[0].emulator(source.box.scaled(new.values)) - new.found[:, 0]
    assert np.abs(refitted).max() < 0.5 * after[0].largest  # the new points are learned


def test_points_of_no_use_are_left_out():
    """They hold nonsense here, and have no effect."""

    def function(values):
        return np.where(values[:, :1] < 1.25, 1e3, smooth(values))

    source, _ = analytic(function, MEASURED, FREE, good=lambda v: np.tile(v[:, :1] >= 1.25, 2))
    learned, known = learn(source, 64, seed=1)
    assert 0 < learned[0].left_out < len(known.values) / 2
    assert learned[0].used + learned[0].left_out == len(known.values)
    assert learned[0].largest < 1e-3


def test_too_many_points_of_no_use():
    source, _ = analytic(smooth, MEASURED, FREE, good=lambda v: np.tile(v[:, :1] >= 1.5, 2))
    with pytest.raises(InputError, match=r"X@1: of 16 points .* only [1-7] converged, are followed"):
        learn(source, 64, seed=1)


def test_coarse_emulators_are_said(caplog):
    """White noise cannot be learned: it is said where it is small, an error where it is not."""

    def noisy(size):
        def function(values):
            noise = np.random.default_rng(int(1e6 * values[0, 0])).standard_normal(len(values))
            return smooth(values) + np.column_stack([0.0 * noise, size * noise])

        return function

    source, _ = analytic(noisy(0.5), MEASURED, FREE)
    with caplog.at_level(logging.WARNING):
        learned, known = learn(source, 48, seed=1)
    assert "not small after 48 points: X-@1 - X@1" in caplog.text
    assert 0.3 < learned[1].rms < 1.0 and len(known.values) == 48
    source, _ = analytic(noisy(3.0), MEASURED, FREE)
    with pytest.raises(ConvergenceError, match=r"X-@1 - X@1: after 48 points .* allow more points"):
        learn(source, 48, seed=1)


def test_real_points(tmp_path):
    """The tested error holds for other points of the solver; two measurements share the points."""
    need_gmsh()
    model = gallery.monomer(accuracy="coarse")
    priors = priors_of(model, {CORE: (1.25, 1.5)})
    source = Source(model, Box.of(priors), measurements_of(MEASURED, 1), store=tmp_path)
    learned, known = learn(source, 16, seed=1)
    held_back = source.points(np.array([[1.27], [1.36], [1.45], [1.49]]))
    scaled = source.box.scaled(held_back.values)
    for i, each in enumerate(learned):
        error = np.abs(each.emulator(scaled) - held_back.found[:, i])
        assert error.max() < 3.0 * max(each.largest, 1e-6)
    assert learned[0].rms < 1e-4  # eV
    assert np.ptp(known.found[:, 0]) > 0.05
    done = len(list((tmp_path / "points").glob("*/*.json")))
    assert done == len(known.values) + 4
    learn(source, 16, seed=1)
    assert len(list((tmp_path / "points").glob("*/*.json"))) == done


def test_where_there_is_no_model():
    """A dimer whose cores would touch has no model; such points are not computed."""
    model = gallery.heterodimer(accuracy="coarse")
    priors = priors_of(model, {"geometry.center_distance": (2.0, 6.6)})
    source = Source(model, Box.of(priors), measurements_of({"X@1": (2.2, 0.001)}, 2))
    exists = source.exists(np.array([[2.1], [6.5]]))
    assert exists.tolist() == [False, True]
    nothing = source.points(np.array([[2.1], [2.2]]))
    assert not nothing.good.any() and not nothing.exists.any()


def test_hybridised_points_are_of_no_use():
    """Carriers that leave their dots by a twentieth count as gone, before and after the emission."""
    import xarray as xr

    (measurement,) = measurements_of({"X-@1 - X@1": (-17.0, 1.0)}, 2)
    states, points = ["X-@1", "X@1"], 4
    wanted = {"electrons": [[2, 0], [1, 0]], "holes": [[1, 0], [1, 0]]}
    wanted |= {"final_electrons": [[1, 0], [0, 0]], "final_holes": [[0, 0], [0, 0]]}
    values = {name: np.tile(np.array(value, float), (points, 1, 1)) for name, value in wanted.items()}
    values["electrons"][1, 0] = [1.92, 0.08]  # 4 % each
    values["electrons"][2, 0] = [1.88, 0.12]  # 6 % each
    values["final_electrons"][3, 0] = [0.94, 0.06]
    variables = {name: (("zipped", "state", "dot"), value) for name, value in values.items()}
    variables["energy_eV"] = (("zipped", "state"), np.tile([2.183, 2.2], (points, 1)))
    for name, flag in {"converged": True, "followed": True, "hybridised": False}.items():
        variables[name] = (("zipped", "state"), np.full((points, 2), flag))
    ds = xr.Dataset(variables, {"state": states, "dot": [1, 2]})
    found, good = measurement.computed(ds)
    assert found == pytest.approx(np.full(points, -17.0))
    assert good.tolist() == [True, True, False, False]
    ds["converged"][0, 1] = False
    assert not measurement.computed(ds)[1][0]


@pytest.mark.parametrize(
    "text", ["X-@1 - X@1", "X-@1-X@1", " X-@1 -X@1", "e1 e1 h1 @1 - e1 h1", "e1 e1 h1-X@1"]
)
def test_differences(text):
    assert [state.name for state in quantity(text, 2)] == ["X-@1", "X@1"]


def test_single_states():
    assert [state.name for state in quantity("X-@2", 2)] == ["X-@2"]
    assert [state.name for state in quantity("X-", 1)] == ["X-@1"]
    assert [state.name for state in quantity("X2--X", 1)] == ["X2-@1", "X@1"]


def test_least_number_of_points():
    assert learning.EACH * 1 == batch(1, 256)
