"""The speeds that are promised: whole maps from a cold start and warm, full surfaces, single charges,
tables, and the import. All on the nominal heterodimer at `normal`, on the half plane."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from cases import forget, timed

from spq import MapSpec, Model, Molecule, SurfaceCharge, Table, emission, gallery, load_map, shift_map
from spq.inputfile import dumps
from spq.prepare import companion, external_field, prepare
from spq.shiftmap import map_fields, map_positions
from spq.surface import line_positions
from spq.transition import continued, many, uncharged

MOLECULES = {
    "stored": gallery.NOMINAL,
    "not stored": Molecule.dimer((1.31, gallery.LARGER_CORE), gallery.SHELL, gallery.CENTER_DISTANCE),
}
SELF_ENERGIES = ("none", "density")
FIXED = SurfaceCharge(charge=0.7, z=1.5, phi=50.0)
CHECKED = 10  # points of each state of a full surface that are also solved in the whole basis
POSITIONS = 50
ENTRIES = 10_000
CHECKED_ENTRIES = 100  # that are also computed at `fine`
STARTS = 5

# A process begins with its parent's peak memory: a small one starts it, and reports
LAUNCHER = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


@pytest.fixture(scope="module")
def loaded():
    """What is loaded at first use is loaded."""
    shift_map(gallery.heterodimer(accuracy="coarse"), points=5)


@pytest.mark.parametrize("self_energy", SELF_ENERGIES)
@pytest.mark.parametrize("molecule", MOLECULES)
def test_cold_map(benchmark, tmp_path, molecule, self_energy):
    """`spq shift-map` as a process of its own with an empty cache, files and picture included."""
    file = tmp_path / "dimer.toml"
    file.write_text(dumps(Model(MOLECULES[molecule], self_energy=self_energy)), encoding="utf-8")
    runs: list[tuple[float, float]] = []

    def run():
        out = tmp_path / f"out{len(runs)}"
        command = [sys.executable, "-m", "spq", "shift-map", "-q", str(file), "--out", str(out)]
        environment = {**os.environ, "SPQ_CACHE": str(tmp_path / f"cache{len(runs)}")}
        launched = [sys.executable, "-c", LAUNCHER, *command]
        done = subprocess.run(launched, check=True, env=environment, capture_output=True, text=True)
        runs.append(tuple(json.loads(done.stdout)))

    benchmark.pedantic(run, rounds=3)
    seconds, peak = np.median([run[0] for run in runs]), max(run[1] for run in runs) / 1e3
    found = load_map(tmp_path / "out0" / "shift_map.nc")
    benchmark.extra_info |= {"process_s": float(seconds), "peak_memory_MB": peak, **_quality(found)}
    parts = {name: round(value, 2) for name, value in json.loads(found.attrs["seconds"]).items()}
    benchmark.extra_info["parts_s"] = parts
    print(f"\ncold map, molecule {molecule}, {self_energy}: {seconds:.2f} s, peak {peak:.0f} MB")
    print(f"its parts in seconds: {parts}\nits quality: {_quality(found)}")


@pytest.mark.parametrize("self_energy", SELF_ENERGIES)
def test_warm_map(benchmark, loaded, self_energy):
    """The same map inside a Python in which everything is loaded and nothing prepared."""
    model, seconds, maps = gallery.heterodimer(self_energy=self_energy), [], []
    run = lambda: maps.append(timed(seconds, shift_map, model))  # noqa: E731
    benchmark.pedantic(run, setup=forget, rounds=3)
    benchmark.extra_info |= {"parts_s": json.loads(maps[-1].attrs["seconds"]), **_quality(maps[-1])}
    print(f"\nwarm map, {self_energy}: {np.median(seconds):.2f} s; {_quality(maps[-1])}")


def _quality(found) -> dict[str, object]:
    """Convergence and estimated errors in meV of a map."""
    converged = found["converged"].values
    return {
        "converged": f"{int(converged.sum())} of {converged.size}",
        "mean_error_meV": round(float(found["error_meV"].mean()), 4),
        "largest_shift_error_meV": round(float(found["shift_error_meV"].max()), 4),
    }


def test_full_surface(benchmark, loaded):
    """All of the surface, 41 × 24 places, both signs, six states, beside a charge off the axis."""
    forget()
    spec = MapSpec(surface="full", points=41, phi_points=24)
    model, seconds = gallery.heterodimer(map=spec, surface_charges=(FIXED,)), []
    found = benchmark.pedantic(timed, (seconds, shift_map, model), rounds=1)
    errors = np.abs(_against_whole_basis(model, found))
    benchmark.extra_info |= {
        "parts_s": json.loads(found.attrs["seconds"]),
        "basis_error_meV": errors.tolist(),
        **_quality(found),
    }
    count = found["converged"].size
    print(f"\nfull surface, {count} points: {seconds[0]:.2f} s, {1e3 * seconds[0] / count:.3f} ms a point")
    print(f"fraction converged {float(found['converged'].mean()):.5f}; {_quality(found)}")
    print(f"{len(errors)} points in the whole basis: largest difference {errors.max():.5f} meV")
    assert errors.max() < 0.1


def _against_whole_basis(model: Model, found) -> np.ndarray:
    """Energies in meV of random points of a map less those of the same points in the whole basis."""
    system, generator = prepare(model), np.random.default_rng(7043)
    fields, energies, errors = (
        map_fields(system, model, map_positions(model)[2]),
        found["energy_eV"].values,
        [],
    )
    for i, state in enumerate(model.states):
        bare = uncharged(system, state, model.final_state)
        charges = generator.integers(fields.shape[0], size=CHECKED)
        points = generator.integers(fields.shape[1], size=CHECKED)
        solved = many(system, fields[charges, points], bare, model.final_state)
        for each, charge, point in zip(solved, charges, points, strict=True):
            if each.converged and np.isfinite(energies[i, charge, point]):
                errors.append(1e3 * (energies[i, charge, point] - model.gap - each.energy))
    return np.array(errors)


def _random_charge(molecule: Molecule, generator: np.random.Generator, charge: float) -> SurfaceCharge:
    bottom, top = line_positions(molecule, 2)
    return SurfaceCharge(charge=charge, z=generator.uniform(bottom, top), phi=generator.uniform(0.0, 360.0))


def test_further_charge(benchmark, loaded):
    """One more place of a charge with everything prepared; error: against `fine`."""
    model, generator = gallery.heterodimer(), np.random.default_rng(7044)
    charges = [_random_charge(model.molecule, generator, (-1.0) ** i) for i in range(POSITIONS)]
    system, waiting, whole, alone = prepare(model), iter(charges), [], []
    companion(model)
    emission(model, "X-@1", [FIXED])
    run = lambda: timed(whole, emission, model, "X-@1", [next(waiting)])  # noqa: E731
    benchmark.pedantic(run, rounds=POSITIONS)
    bare = uncharged(system, model.replace(map=MapSpec(states=("X-@1",))).states[0], "relaxed")
    for charge in charges:
        field = external_field(system, model, [charge])[None]
        timed(alone, continued, system, bare.state, field, bare, "relaxed")
    fine = gallery.heterodimer(accuracy="fine")
    pairs = [(emission(model, "X-@1", [charge]), emission(fine, "X-@1", [charge])) for charge in charges]
    errors = np.array([each.shift_meV - better.shift_meV for each, better in pairs])
    estimated = np.mean([each.shift_error_meV for each, _ in pairs])
    benchmark.extra_info |= {
        "emission_ms": 1e3 * float(np.mean(whole)),
        "solution_ms": 1e3 * float(np.mean(alone)),
        "largest_shift_error_meV": float(np.abs(errors).max()),
        "mean_estimated_shift_error_meV": float(estimated),
    }
    print(f"\na further charge: {1e3 * np.mean(whole):.2f} ms")
    print(f"its solution alone: {1e3 * np.mean(alone):.2f} ms")
    print(f"shift against fine: largest difference {np.abs(errors).max():.4f} meV, estimated {estimated:.4f}")


def _random_entries(molecule: Molecule, generator: np.random.Generator) -> tuple[np.ndarray, list]:
    """Charges of the dots (entries, 2) from −1, 0, 1, and sets of none to three surface charges."""
    charges = generator.integers(-1, 2, size=(ENTRIES, 2))
    numbers = generator.integers(0, 4, size=ENTRIES)
    sets = [
        [_random_charge(molecule, generator, generator.uniform(-1.0, 1.0)) for _ in range(number)]
        for number in numbers
    ]
    return charges, sets


def test_table(benchmark, loaded):
    """Entries of a table, both emitters of each; error: estimated, and of a hundred against `fine`."""
    forget()
    model, setup, seconds = gallery.heterodimer(), [], []
    table = timed(setup, Table, model)
    charges, sets = _random_entries(model.molecule, np.random.default_rng(7045))
    found = benchmark.pedantic(timed, (seconds, table.entries, charges, sets), rounds=1)
    few = slice(CHECKED_ENTRIES)
    fine = Table(gallery.heterodimer(accuracy="fine")).entries(charges[few], sets[few])
    errors = 1e3 * np.abs(found["energy_eV"][few] - fine["energy_eV"]).values.ravel()
    solved = np.isfinite(errors)
    errors, estimates = errors[solved], found["error_meV"][few].values.ravel()[solved]
    benchmark.extra_info |= {
        "entry_ms": 1e3 * seconds[0] / ENTRIES,
        "setup_s": setup[0],
        "error_against_fine_meV": {"median": float(np.median(errors)), "largest": float(errors.max())},
        **_quality(found),
    }
    print(f"\ntable: {1e3 * seconds[0] / ENTRIES:.3f} ms an entry of {ENTRIES}, setup {setup[0]:.2f} s")
    print(f"fraction converged {float(found['converged'].mean()):.5f}; {_quality(found)}")
    print(f"{len(errors)} energies against fine: median {np.median(errors):.4f} meV")
    print(
        f"beyond 1 meV: {np.sum(errors > 1.0)}, largest {errors.max():.4f} meV (another solution, if large)"
    )
    print(f"fraction that error_meV covers: {np.mean(errors <= estimates):.3f}")


def test_import(benchmark):
    """`import spq` in a process of its own, less the start of Python; and with what a map needs."""
    least = {}
    for code in ("pass", "import spq", "from spq import shift_map"):
        seconds: list[float] = []
        for _ in range(STARTS):
            timed(seconds, lambda code=code: subprocess.run([sys.executable, "-c", code], check=True))
        least[code] = min(seconds)
    command = [sys.executable, "-c", "import spq"]
    benchmark.pedantic(subprocess.run, (command,), {"check": True}, rounds=STARTS)
    benchmark.extra_info["least_s"] = least
    print(f"\nstart of Python {least['pass']:.3f} s, with import spq {least['import spq']:.3f} s")
    print(f"import spq alone {least['import spq'] - least['pass']:.3f} s")
    print(f"from spq import shift_map alone {least['from spq import shift_map'] - least['pass']:.3f} s")
