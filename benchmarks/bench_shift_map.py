"""The main job: the nominal shift map at `normal`, as a whole process, with its basis error."""

import json
import resource
import subprocess
import sys

import numpy as np
import pytest
from cases import POINTS, shifts, size

from spq import gallery, load_map
from spq.direct import Direct
from spq.prepare import prepare


def test_nominal_map(benchmark, tmp_path):
    """492 solutions: mesh (stored), states, integrals, map, files and picture, from a cold start."""
    command = [sys.executable, "-m", "spq", "shift-map", "-q", "--out", str(tmp_path)]
    benchmark.pedantic(subprocess.run, [command], {"check": True}, rounds=1)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    found = load_map(tmp_path / "shift_map.nc")
    benchmark.extra_info["peak_memory_GB"] = round(memory, 2)
    benchmark.extra_info["converged"] = f"{int(found.converged.sum())} of {found.converged.size}"
    benchmark.extra_info["seconds"] = json.loads(found.attrs["seconds"])
    print(f"\npeak memory {memory:.2f} GB; {benchmark.extra_info['converged']} points converged")


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
def test_basis_error(benchmark, discretisation):
    """The direct method at seven points of the map on the same mesh: what the reduced basis leaves out."""
    model = gallery.heterodimer(discretisation=discretisation)
    reduced = prepare(model)
    direct = Direct(reduced.discretisation)
    exact = benchmark.pedantic(shifts, (direct, model), rounds=1)
    error = shifts(reduced, model) - exact
    benchmark.extra_info["basis_error_meV"] = round(float(np.abs(error).max()), 4)
    benchmark.extra_info["states"] = {k: len(h) for k, h in reduced.hamiltonian.items()}
    benchmark.extra_info |= size(reduced.discretisation)
    print("\nstate      charge  z (nm)   shift (meV)  reduced - direct (meV)")
    for (state, charge, z), value, off in zip(POINTS, exact, error, strict=True):
        print(f"{state:10s} {charge:+6.0f} {z:7.2f} {value:12.3f} {off:+12.4f}")
    print(f"largest basis error {np.abs(error).max():.4f} meV")
