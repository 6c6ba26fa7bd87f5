"""spq beside NGSolve: an electron's lowest levels and one Coulomb integral of the nominal heterodimer.

Both mesh, assemble, factorise and solve from nothing, in one thread. Errors are against the reference of
ngsolve_peer.py; each ratio is of spq's seconds to those of NGSolve at the setting whose largest error is
nearest below spq's, with the meshing of both and without. Of the six levels, half planes give those of
one |m|, the quarter those that are even about both its planes, whole molecules the lowest of all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from cases import forget
from threadpoolctl import threadpool_limits

from spq import gallery, mesh
from spq.discretisation import discretise
from spq.factorisation import load_solver
from spq.model import Model
from spq.schrodinger import lowest_states

peer = pytest.importorskip("ngsolve_peer", reason="needs NGSolve")

WAYS = ("half plane", "quarter", "whole")
PEERS = {"axisymmetric": WAYS, "solid": WAYS[1:]}
ROUNDS = {"half plane": 9, "quarter": 3, "whole": 1, "axisymmetric": 9, "solid": 1}
# order, element size, refinements: the settings of the peer, and one more at the error of spq's `fine`
LEVELS = [(way, setting) for way in WAYS for setting in peer.SETTINGS[way][0]]
LEVELS.append(("half plane", (4, 1.2, 3)))
COULOMBS = [(way, setting) for way in WAYS for setting in peer.SETTINGS[way][1]]
IN_PLANE = [setting for way, setting in LEVELS if way == "half plane"]
MESHES = [("axisymmetric", "normal"), ("axisymmetric", "fine"), ("solid", "coarse"), ("solid", "normal")]
EVEN, ODD = "six electron levels, m = 0", "six electron levels, |m| = 1"
COULOMB = "Coulomb integral of an electron of dot 1"
ALLOWED = 10.0  # meV; a larger error would mean that another problem was solved


@dataclass(frozen=True)
class Row:
    """One solver at one setting; errors in meV of the first value and the worst; cost: medians."""

    problem: str
    solver: str
    way: str
    setting: str
    errors: tuple[float, float]
    cost: Any

    def total(self, meshing: bool = True) -> float:
        """Seconds of everything, or of all but the mesh."""
        return sum(astuple(self.cost)[0 if meshing else 1 : 4])

    def __str__(self) -> str:
        parts = (self.cost.mesh, self.cost.orbital, self.cost.assembly, self.cost.solve, self.total())
        seconds = " ".join(f"{part:8.3f}" for part in parts)
        errors = " ".join(f"{error:9.5f}" for error in self.errors)
        which = f"{self.solver:8s} {self.way:12s} {self.setting:18s}"
        return f"{which} {self.cost.unknowns:7d} {errors} {seconds}"


@pytest.fixture(scope="module")
def rows():
    """What has been measured so far; a table of it at the end."""
    load_solver()
    with threadpool_limits(1):
        peer.coulomb("half plane", peer.Setting(3, 2, 1))  # what is loaded at first use is not timed
        _coulomb(gallery.heterodimer(accuracy="coarse"))
        found: list[Row] = []
        yield found
    for problem in (EVEN, ODD, COULOMB):
        print(f"\n\n{problem}; errors in meV of the first and the worst value, seconds")
        columns = "solver   way          setting            unknowns     first     worst"
        print(f"{columns}     mesh  orbital assembly    solve    total")
        of_problem = [row for row in found if row.problem == problem]
        print(*of_problem, sep="\n")
        for row in of_problem:
            for ratio in _ratios(row, found):
                print(f"spq {row.way} {row.setting} / NGSolve {ratio}")


def _ratios(row: Row, rows: list[Row]) -> list[str]:
    """spq's seconds over those of NGSolve nearest below in error, for each comparable way."""
    ratios = []
    for way in PEERS[row.way] if row.solver == "spq" else ():
        like = [each for each in rows if each.problem == row.problem and each.way == way]
        no_worse = [each for each in like if each.errors[1] <= row.errors[1]]
        if no_worse:
            nearest = max(no_worse, key=lambda each: each.errors[1])
            with_mesh, without = (row.total(mesh) / nearest.total(mesh) for mesh in (True, False))
            ratios.append(f"{way} {nearest.setting}: {with_mesh:.2f}, without meshes {without:.2f}")
    return ratios


def _measure(benchmark, rows, problem, solver, way, setting, function: Callable, *args) -> None:
    """Time function(*args) -> (errors in meV, cost), and keep a row."""
    runs, rounds = [], ROUNDS[way]
    benchmark.pedantic(lambda: runs.append(function(*args)), rounds=rounds, warmup_rounds=int(rounds > 1))
    errors = runs[-1][0]
    *seconds, unknowns = np.median([astuple(cost) for _, cost in runs[-rounds:]], axis=0)
    cost = peer.Cost(*map(float, seconds), int(unknowns))
    row = Row(problem, solver, way, setting, (float(errors[0]), float(np.abs(errors).max())), cost)
    rows.append(row)
    benchmark.extra_info |= {"first_error_meV": row.errors[0], "worst_error_meV": row.errors[1]}
    benchmark.extra_info |= {"unknowns": cost.unknowns, "ratio_to_ngsolve": _ratios(row, rows)}
    parts = ("mesh", "orbital", "assembly", "solve")
    benchmark.extra_info["seconds"] = dict(zip(parts, seconds, strict=True))
    print(f"\n{row}")
    assert row.errors[1] < ALLOWED


def _exact(way: str, m: int) -> list[float]:
    """The six lowest levels in meV that a way of solving gives."""
    none, one, two = (peer.REFERENCE["e", each] for each in range(3))
    if way in ("half plane", "axisymmetric"):
        return list(peer.REFERENCE["e", m])
    return sorted(none + two if way == "quarter" else none + 2 * (one + two))[:6]


def _peer_levels(way: str, setting: tuple, m: int):
    energies, cost = peer.levels(way, peer.Setting(*setting), "e", m)
    return 1e3 * energies - _exact(way, m), cost


def _peer_coulomb(way: str, setting: tuple):
    energy, cost = peer.coulomb(way, peer.Setting(*setting))
    return [1e3 * energy - peer.REFERENCE_COULOMB], cost


def _levels(model: Model, m: int):
    """Errors in meV of spq's six lowest levels, and their cost."""
    start = perf_counter()
    found = discretise(model)
    meshed = perf_counter()
    problem = found.carrier("e", m)
    assembled = perf_counter()
    energies, _ = lowest_states(problem, 6)
    solved = perf_counter()
    cost = peer.Cost(meshed - start, 0.0, assembled - meshed, solved - assembled, len(problem.free))
    return 1e3 * energies - _exact(model.chosen_discretisation, m), cost


def _coulomb(model: Model):
    """Error in meV of spq's integral of the second electron state, that of dot 1, and its cost."""
    start = perf_counter()
    found = discretise(model)
    meshed = perf_counter()
    space, poisson = found.space, found.poisson[0]
    _, orbitals = lowest_states(found.carrier("e"), 2)
    prepared = perf_counter()
    # the density's coefficient of the angular function 0: u² times ∫ χ_0³ dα
    weight = dict(space.harmonics.products(0, 0))[0]
    source = poisson.density_source(weight * space.orbital_values(orbitals[:, [1]])[:, 0] ** 2)
    poisson.factors()
    assembled = perf_counter()
    energy = source @ poisson.solve(source)
    solved = perf_counter()
    seconds = (meshed - start, prepared - meshed, assembled - prepared, solved - assembled)
    return [1e3 * energy - peer.REFERENCE_COULOMB], peer.Cost(*seconds, space.size)


@pytest.fixture
def made(monkeypatch):
    """Meshes are made, as those of NGSolve are, not read from store."""
    forget()
    monkeypatch.setattr(mesh, "_stored", lambda name, make: make())


@pytest.mark.parametrize("way, setting", LEVELS, ids=str)
def test_ngsolve_levels(benchmark, rows, way, setting):
    """Levels by NGSolve, of |m| = 0 in the half plane."""
    _measure(benchmark, rows, EVEN, "NGSolve", way, str(setting), _peer_levels, way, setting, 0)


@pytest.mark.parametrize("setting", IN_PLANE, ids=str)
def test_ngsolve_odd_levels(benchmark, rows, setting):
    """Levels of |m| = 1 by NGSolve in the half plane."""
    way = "half plane"
    _measure(benchmark, rows, ODD, "NGSolve", way, str(setting), _peer_levels, way, setting, 1)


@pytest.mark.parametrize("way, setting", COULOMBS, ids=str)
def test_ngsolve_coulomb(benchmark, rows, way, setting):
    """The Coulomb integral by NGSolve."""
    _measure(benchmark, rows, COULOMB, "NGSolve", way, str(setting), _peer_coulomb, way, setting)


@pytest.mark.parametrize("way, accuracy", MESHES)
def test_levels(benchmark, rows, made, way, accuracy):
    """Levels by spq: of m = 0 on the half plane, all on a solid."""
    model = gallery.heterodimer(accuracy=accuracy, discretisation=way)
    _measure(benchmark, rows, EVEN, "spq", way, accuracy, _levels, model, 0)


@pytest.mark.parametrize("accuracy", ["normal", "fine"])
def test_odd_levels(benchmark, rows, made, accuracy):
    """Levels of |m| = 1 by spq on the half plane."""
    model = gallery.heterodimer(accuracy=accuracy, discretisation="axisymmetric")
    _measure(benchmark, rows, ODD, "spq", "axisymmetric", accuracy, _levels, model, 1)


@pytest.mark.parametrize("way, accuracy", MESHES)
def test_coulomb(benchmark, rows, made, way, accuracy):
    """The Coulomb integral by spq."""
    model = gallery.heterodimer(accuracy=accuracy, discretisation=way)
    _measure(benchmark, rows, COULOMB, "spq", way, accuracy, _coulomb, model)
