"""The structure of the package: imports point one way, and importing it is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "spq"

# Every module may import those before it, never one after it.
ORDER = """
errors units checks materials volumes dots geometry surface carriers mapspec cispec spectrumspec model
dipole gallery template inputfile fields progress cache factorisation parallel meshing planar mesh facets
harmonics location space solid axisymmetric schrodinger poisson point_charges image born induced
self_energy discretisation integrals iteration following hartree basis reduced transition projection
enrichment reduction direct snapshots orbitals selection configurations perturbation davidson correlation
eigenstates labelling recombination correlated solution prepare accuracy explanation sensitivity spread
observables shiftmap table single_particle multiplets lineshape spectraldata spectra forster axes
computing pointstore pointwork pool sweeps priors measured emulator learning posterior deduction
ensembles sweepfile store sweepstore meshfile cost spectrumstore deductionstore sketch sticks
plotspectrum plotsweep plotsizes plot cli_report cli_spectrum cli_output cli_sweep cli_deduce
cli_simulate cli_asked cli_parser cli
""".split()

ABOVE = {"__init__", "__main__"}

HEAVY = [
    "corner",
    "emcee",
    "gmsh",
    "matplotlib",
    "meshio",
    "pandas",
    "pypardiso",
    "skfem",
    "sklearn",
    "xarray",
]


def imported(path):
    """Return the modules of spq that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            if node.module == "spq":
                found |= {name.name for name in node.names}
            elif (node.module or "").startswith("spq."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("spq.")}
    return found


def modules():
    return sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in ABOVE)


def test_every_module_has_its_place():
    assert len(ORDER) == len(set(ORDER))
    assert modules() == sorted(ORDER)


@pytest.mark.parametrize("name", modules())
def test_imports_point_one_way(name):
    allowed = set(ORDER[: ORDER.index(name)])
    if name.startswith("cli"):
        allowed.add("spectroscopy")  # which imports results of the solver
    assert imported(PACKAGE / f"{name}.py") <= allowed


def test_imports_are_found():
    """The reader of imports sees those that are there, inside functions too."""
    assert {"errors", "cli_output", "plot", "store"} <= imported(PACKAGE / "cli.py")


@pytest.mark.parametrize("name", ["spq", "spq.cli"])
def test_importing_is_cheap(name):
    code = f"import sys, {name}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_no_printing_in_the_library():
    for path in PACKAGE.glob("*.py"):
        if path.stem == "cli_output":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", f"{path.name}:{node.lineno}"
