"""The notebooks run from start to end, so every point that they assert holds."""

import json
import re
from pathlib import Path

import pytest
from systems import need_gmsh, need_mesh

from spq import gallery

FOLDER = Path(__file__).parents[1] / "notebooks"
FIGURES = {"correlated_emission": 3, "deduce_sizes": 2, "shift_map": 2, "sphere_checks": 2}
LIMIT = 300  # seconds of one cell, many times what it takes
PATHS = re.compile(r"/(?:home|root|tmp|work|Users)\b|[A-Z]:\\\\")


def book(name):
    """The notebook as it is stored."""
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))


def test_every_notebook_is_run():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_stored_clean(name):
    stored = book(name)
    assert stored["metadata"]["kernelspec"]["name"] == "python3"
    code = [cell for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert sum("assert " in "".join(cell["source"]) for cell in code) >= 4
    assert not PATHS.search("".join(line for cell in stored["cells"] for line in cell["source"]))


@pytest.mark.slow
def test_shift_map(tmp_path, monkeypatch):
    need_mesh(gallery.NOMINAL, "coarse")
    run("shift_map", tmp_path, monkeypatch)


@pytest.mark.slow
def test_correlated_emission(tmp_path, monkeypatch):
    need_gmsh()
    run("correlated_emission", tmp_path, monkeypatch)


@pytest.mark.slow
def test_deduce_sizes(tmp_path, monkeypatch):
    need_gmsh()
    run("deduce_sizes", tmp_path, monkeypatch)


def test_sphere_checks(tmp_path, monkeypatch):
    for accuracy in ("coarse", "normal"):
        need_mesh(gallery.uniform_monomer().molecule, accuracy)
    run("sphere_checks", tmp_path, monkeypatch)


def run(name, folder, monkeypatch):
    """Run a notebook in a folder, with the running interpreter and none of the user's settings."""
    import nbformat
    from ipykernel.kernelspec import write_kernel_spec
    from nbclient import NotebookClient

    write_kernel_spec(str(folder / "jupyter" / "kernels" / "python3"))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    for variable in ("JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(variable, str(folder / variable.lower()))
    notebook = nbformat.reads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"), as_version=4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == FIGURES[name]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
