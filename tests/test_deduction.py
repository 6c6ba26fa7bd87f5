"""Sizes deduced from measured energies: known posteriors, held-back sizes, and one line for each mistake."""

import numpy as np
import pytest
from analytic import CORE, SHELL, analytic, exact
from systems import need_gmsh

import spq
from spq import gallery
from spq.deduction import deduced
from spq.errors import InputError

MEASURED = {"X@1": (2.19, 0.002), "X-@1 - X@1": (-16.0, 1.0)}
FREE = {CORE: (0.5, 3.0), SHELL: (0.5, 4.0)}
SLOPES = np.array([[-0.02, -0.01], [3.0, 6.0]])  # eV/nm, meV/nm
OFFSETS = np.array([2.24, -31.0])


def linear(values):
    return OFFSETS + values @ SLOPES.T


@pytest.fixture(scope="module")
def gaussian():
    """The deduction from two quantities that are linear in two sizes."""
    source, priors = analytic(linear, MEASURED, FREE)
    return deduced(source, priors, *exact(source), seed=5)


def test_linear_quantities(gaussian):
    """Then the posterior is a normal: solution of the least squares and its covariance."""
    errors = np.array([0.002, 1.0])
    precision = (SLOPES / errors[:, None]).T @ (SLOPES / errors[:, None])
    covariance = np.linalg.inv(precision)
    sd = np.sqrt(np.diag(covariance))
    best = np.linalg.solve(SLOPES, np.array([2.19, -16.0]) - OFFSETS)
    assert 0.5 + 4 * sd[0] < best[0] < 3.0 - 4 * sd[0]  # the box hardly cuts it off
    assert gaussian["best"].values == pytest.approx(best, abs=1e-4)
    assert gaussian["median"].values == pytest.approx(best, abs=0.06 * sd.max())
    assert gaussian["sd"].values == pytest.approx(sd, rel=0.04)
    correlation = covariance[0, 1] / np.prod(sd)
    assert correlation < -0.5
    assert gaussian["correlation"].values[0, 1] == pytest.approx(correlation, abs=0.03)
    width = np.diff(gaussian["interval"].values, axis=0)[0]
    assert width == pytest.approx(2 * 0.9945 * sd, rel=0.06)
    assert gaussian.attrs["chi2"] == pytest.approx(0.0, abs=1e-4)
    norm = 1.0 / (2.5 * 3.5 * abs(np.linalg.det(SLOPES)))
    assert gaussian.attrs["log_evidence"] == pytest.approx(np.log(norm), abs=0.05)


def test_what_follows_from_the_samples(gaussian):
    """Directions, narrowing and predictions belong together."""
    widths = np.array([2.5, 3.5])
    directions = gaussian["direction"].values
    assert directions @ directions.T == pytest.approx(np.eye(2), abs=1e-9)
    along = (gaussian["samples"].values / widths) @ directions.T
    assert along.std(axis=0) == pytest.approx(gaussian["direction_sd"].values, rel=1e-3)
    assert gaussian["direction_sd"].values[0] > 2 * gaussian["direction_sd"].values[1]
    narrowing = widths / np.sqrt(12) / gaussian["sd"].values
    assert gaussian["narrowing"].values == pytest.approx(narrowing)
    assert gaussian["predicted_sd"].values == pytest.approx([0.002, 1.0], rel=0.05)
    assert gaussian["predicted_mean"].values == pytest.approx([2.19, -16.0], rel=1e-2)
    assert gaussian["best_predicted"].values == pytest.approx([2.19, -16.0], rel=1e-4)
    assert gaussian["parameter_unit"].values.tolist() == ["nm", "nm"]
    assert gaussian["quantity_unit"].values.tolist() == ["eV", "meV"]
    assert "core_radius = 1.3" in gaussian.attrs["input"]


def test_error_of_the_emulator():
    """It is added in quadrature to that of the measurement."""
    from dataclasses import replace

    source, priors = analytic(linear, MEASURED, FREE)
    learned, known = exact(source)
    wrong = [replace(each, rms=m.error) for each, m in zip(learned, source.measurements, strict=True)]
    ds = deduced(source, priors, wrong, known, seed=5)
    assert ds["predicted_sd"].values == pytest.approx(np.sqrt(2) * np.array([0.002, 1.0]), rel=0.06)


def test_misfit():
    """What no sizes explain: pulls, chi2 and a small evidence say so; the best fit is on the edge."""
    source, priors = analytic(linear, {**MEASURED, "X-@1 - X@1": (-35.0, 1.0)}, FREE)
    ds = deduced(source, priors, *exact(source), seed=5)
    assert ds.attrs["chi2"] == pytest.approx(float((ds["pull"] ** 2).sum()))
    assert ds.attrs["chi2"] > 20 and ds.attrs["log_evidence"] < -10
    assert ds["best"].values.min() == pytest.approx(0.5, abs=1e-3)


def test_seed(gaussian):
    source, priors = analytic(linear, MEASURED, FREE)
    again = deduced(source, priors, *exact(source), seed=5)
    assert again.identical(gaussian)


def test_monomer(tmp_path):
    """A radius from a computed energy, through the whole of it; the second deduction computes nothing."""
    need_gmsh()
    model = gallery.monomer(accuracy="coarse")
    truth = model.replace(molecule=spq.Molecule.monomer(1.37, 2.1))
    energy = spq.emission(truth, "X@1").emission_eV
    given = ({"X@1": (energy, 0.001)}, {CORE: (1.25, 1.5)}, model)
    stages = []
    first = spq.deduce(*given, store=tmp_path, points=8, progress=lambda *stage: stages.append(stage))
    assert {stage[0] for stage in stages} == {"sweep", "emulator", "posterior"}
    assert first["best"].values[0] == pytest.approx(1.37, abs=2e-4)
    assert first["sd"].values[0] < 0.004 and first["narrowing"].values[0] > 15
    assert first.attrs["points"] == 8 and first.attrs["points_without_model"] == 0
    computed = {path.stat().st_mtime_ns for path in (tmp_path / "points").glob("*/*.json")}
    second = spq.deduce(*given, store=tmp_path, points=8)
    assert {path.stat().st_mtime_ns for path in (tmp_path / "points").glob("*/*.json")} == computed
    assert second.identical(first)


@pytest.mark.parametrize(
    "measured, message",
    [
        ({}, 'measured: must map at least one quantity such as "X@1"'),
        ({"Y@1": (2.1, 0.1)}, "must be one of X, X-"),
        ({"X@3": (2.1, 0.1)}, "there is no dot 3"),
        ({"X@1": 2.1}, r'measured\["X@1"\] = 2.1: must be value and standard error in eV'),
        ({"X@1": (2.1, 0.1, 3)}, r"\(2.1, 0.1, 3\): must be value and standard error in eV"),
        ({"X@1": (2142, 1)}, "= 2142 eV: must be > 0 and < 10"),
        ({"X@1": (2.1, 0.0)}, r'standard error of measured\["X@1"\] = 0 eV: must be > 0'),
        ({"X@1 - X@1": (2.1, 0.1)}, "is the difference of a state from itself"),
        ({"X-@1 - X": (2.1, 0.1)}, "which dot emits"),
        ({"X@1": (2.1, 0.1), "e1 h1": (2.1, 0.1)}, '"e1 h1" is X@1 again'),
    ],
)
def test_wrong_measurements(measured, message):
    with pytest.raises(InputError, match=message) as caught:
        spq.deduce(measured, [CORE])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "free, message",
    [
        ([], "free: must name at least one field"),
        (CORE, "free = .*: must be fields such as"),
        ([CORE, CORE], "is given twice"),
        (
            ["geometry.center_distance"],
            "needs a range .*; only core_radius, shell",
        ),
        (["dots[3].core_radius"], "the input has 2 dots"),
        ({"dots[1].core_radiu": (1, 2)}, "unknown key"),
        ({"dots.core_radius": (1, 2), CORE: (1, 2)}, "contradicts"),
        ({"model.self_energy": (1, 2)}, "must be one of"),
        ({CORE: (2, 1)}, "low = 2, high = 1: low must be < high"),
        ({CORE: 1.5}, r"prior = 1.5: must be \(low, high\) or a Prior"),
        ({CORE: (1, 2, 3)}, r"prior = \(1, 2, 3\): must be"),
        ({CORE: {"low": 1, "hihg": 2}}, 'hihg: unknown key \\(nearest: "high"\\)'),
        ({CORE: {"low": 1}}, "a prior needs low and high; high is missing"),
        ({CORE: (-3, -1)}, "must be > 0"),
    ],
)
def test_wrong_priors(free, message):
    with pytest.raises(InputError, match=message) as caught:
        spq.deduce({"X@1": (2.1, 0.001)}, free)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "others, message",
    [
        ({"fixed": "dimer"}, "fixed = 'dimer': must be a Model"),
        ({"seed": -1}, "seed = -1: must be >= 0"),
        ({"points": 4}, "points = 4: must be >= 8"),
    ],
)
def test_wrong_others(others, message):
    with pytest.raises(InputError, match=message):
        spq.deduce({"X@1": (2.1, 0.001)}, [CORE], **others)
