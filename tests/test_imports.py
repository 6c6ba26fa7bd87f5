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
ensembles sweepfile store sweepstore meshfile cost spectrumstore deductionstore
places ring_charges localfields columns cuts igor vtu exporting gridfile griddifference
differences mapcomparison comparison sketch sticks
paperreasons papernumbers
plotspectrum plotsweep plotsizes plotfields plotsurface plot cli_report cli_spectrum cli_output cli_sweep
cli_deduce cli_simulate cli_analyse cli_assign cli_export cli_plot cli_compare cli_paper cli_asked
cli_parser cli
""".split()

# The same for the companion in spq/spectroscopy, which of spq itself imports only what BELOW names.
SPECTROSCOPY = """
wavelengths records sources tttr picoquant picoquant_old becker_hickl photon_hdf5 pulses swabian swabianpieces
cameraframes sif spe tiff ascii_spectra matlab recordstore files photonpieces
striprows camerasignal stripshifts images
responses folding likelihood decaymodel decaychecks decaystarts decays histograms changestatistic changepoints
effective flid polarised
instruments stateenergies simulation statechain diffusion emissions countingmodel cameramodel truth simulator
plotsimulation simulationwriters simulationfile drawnparticles
markers joining tallies measurementfiles cosmicrays brightest timegates
linemodel lines linetable trackdata trackpeaks trackpaths trackfit tracks brighttrack levels coincidence jumps
trackvariables clusterstart clustermerge diffusingchain clustermodel clusterjumps clusters
stateproperties statevariables branchingratios windows stability
mixedgroups mixedmodel unmixing transfer identity emittervariables analysis plotanalysis analysisfiles
foldedangles bootstrap particlelines replicas groupstatistics manyparticles plotpopulation
originmodel lineevidence lineorigin
""".split()

# And for the assignment of jumps in spq/assignment: it takes results of both.
ASSIGNMENT = """ sites chargetable tablestore movepriors moves observations quenching light problem chain
inference starts marginal hypotheses verdicts explanations assigning discrimination scenarios plotassignment
assignmentfiles """.split()

UNDER_ASSIGNMENT = {
    *("errors", "checks", "geometry", "surface", "model", "inputfile", "cache", "progress", "table", "store"),
    "spectroscopy",
}

BELOW = {"errors", "units", "checks", "carriers", "inputfile", "progress", "store"}

ABOVE = {"__init__", "__main__"}

HEAVY = [
    "corner",
    "emcee",
    "gmsh",
    "h5py",
    "imageio",
    "matplotlib",
    "meshio",
    "pandas",
    "phconvert",
    "ptufile",
    "pypardiso",
    "sif_parser",
    "skfem",
    "sklearn",
    "tifffile",
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


def modules(folder=PACKAGE):
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in ABOVE)


def imported_by_companion(path):
    """Return the modules of spq, and those of spq.spectroscopy, that a file of the companion imports."""
    inner = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "spq.spectroscopy":
            inner |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spq.spectroscopy."):
            inner.add(node.module.split(".")[2])
        elif isinstance(node, ast.Import):
            inner |= {a.name.split(".")[2] for a in node.names if a.name.startswith("spq.spectroscopy.")}
    return imported(path) - {"spectroscopy"}, inner


def test_every_module_has_its_place():
    assert len(ORDER) == len(set(ORDER))
    assert modules() == sorted(ORDER)


@pytest.mark.parametrize("name", modules())
def test_imports_point_one_way(name):
    allowed = set(ORDER[: ORDER.index(name)])
    if name.startswith("cli"):
        allowed |= {"spectroscopy", "assignment"}  # which import results of the solver
    assert imported(PACKAGE / f"{name}.py") <= allowed


def test_imports_are_found():
    """The reader of imports sees those that are there, inside functions too."""
    assert {"errors", "cli_output", "plot", "store"} <= imported(PACKAGE / "cli.py")


def test_every_module_of_the_companion_has_its_place():
    assert len(SPECTROSCOPY) == len(set(SPECTROSCOPY))
    assert modules(PACKAGE / "spectroscopy") == sorted(SPECTROSCOPY)


@pytest.mark.parametrize("name", modules(PACKAGE / "spectroscopy"))
def test_imports_of_the_companion_point_one_way(name):
    outer, inner = imported_by_companion(PACKAGE / "spectroscopy" / f"{name}.py")
    assert outer <= BELOW
    assert inner <= set(SPECTROSCOPY[: SPECTROSCOPY.index(name)])


def test_the_solver_does_not_import_its_companion():
    for name in (name for name in modules() if not name.startswith("cli")):
        assert not {"spectroscopy", "assignment"} & imported(PACKAGE / f"{name}.py")


def test_every_module_of_the_assignment_has_its_place():
    assert modules(PACKAGE / "assignment") == sorted(ASSIGNMENT)


@pytest.mark.parametrize("name", modules(PACKAGE / "assignment"))
def test_imports_of_the_assignment_point_one_way(name):
    outer, inner = set(), set()
    for node in ast.walk(ast.parse((PACKAGE / "assignment" / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "spq.assignment":
            inner |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spq.assignment."):
            inner.add(node.module.split(".")[2])
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("spq."):
            outer.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "spq":
            outer |= {each.name for each in node.names}
    assert outer <= UNDER_ASSIGNMENT
    assert inner <= set(ASSIGNMENT[: ASSIGNMENT.index(name)])


def test_imports_of_the_companion_are_found():
    outer, inner = imported_by_companion(PACKAGE / "spectroscopy" / "swabian.py")
    assert {"checks", "errors"} <= outer and {"pulses", "records", "sources"} <= inner


@pytest.mark.parametrize(
    "name", ["spq", "spq.cli", "spq.assignment", "spq.spectroscopy", "spq.spectroscopy.files"]
)
def test_importing_is_cheap(name):
    code = f"import sys, {name}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_no_printing_in_the_library():
    for path in PACKAGE.rglob("*.py"):
        if path.stem == "cli_output":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", f"{path.name}:{node.lineno}"
