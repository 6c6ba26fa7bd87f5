"""The notebooks run from start to end, so every point that they assert holds; what is stored is current."""

import base64
import importlib.util
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from systems import need_gmsh

FOLDER = Path(__file__).parents[1] / "notebooks"
FIGURES = {  # of each notebook
    "01_one_dot": 2,
    "02_dimer_states": 5,
    "03_surface_charge_map": 5,
    "04_single_particle": 2,
    "05_population": 2,
    "06_simultaneous_jumps": 2,
    "07_assignment": 3,
    "08_deduce_sizes": 2,
    "09_sensing_and_gates": 4,
}
QUICK = {"01_one_dot"}  # the others are marked slow
LARGEST = 400_000  # bytes of a stored notebook
NUMBER = re.compile(r"[-+−]?\d[\d.,]*(?:e[-+]?\d+)?")
OTHER = 0.02  # share of a picture's pixels that another machine's last digits may change
SAMPLED = {"08_deduce_sizes": 0.1}  # more where a chain of samples goes another way from the last digit on
GREY = 48  # of 255, by which a pixel is another: more than what few colours cost
PATHS = re.compile(r"/(?:home|root|tmp|work|Users)\b|[A-Z]:\\\\")


def tool():
    """notebooks/render.py, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("render_notebooks", FOLDER / "render.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stored(name):
    """The notebook as it is stored."""
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))


def source(cell):
    """The text of a cell, stored as one string or as lines."""
    return "".join(cell["source"])


def code(book):
    """Its code cells."""
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def images(book):
    """The pictures in its outputs, as stored in base 64."""
    outputs = [output for cell in code(book) for output in cell["outputs"]]
    return [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def said(book):
    """What its cells print, numbers left out, for their last digits are those of a machine."""
    outputs = [output for cell in code(book) for output in cell["outputs"]]
    text = "".join("".join(output.get("text", "")) for output in outputs if output.get("name") == "stdout")
    return NUMBER.sub("#", text).split()


def changed(first, second):
    """Share of pixels that differ between two pictures in base 64; 1 if their sizes do."""
    grey = [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("L"), dtype=float)
        for each in (first, second)
    ]
    same = grey[0].shape == grey[1].shape
    return float((np.abs(grey[0] - grey[1]) > GREY).mean()) if same else 1.0


def test_every_notebook_is_run():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(FIGURES) == set(tool().names())


@pytest.mark.parametrize("name", FIGURES)
def test_stored_is_current(name):
    script, book = tool().script(name), stored(name)
    assert [(cell["cell_type"], source(cell)) for cell in book["cells"]] == [
        (cell["cell_type"], source(cell)) for cell in script["cells"]
    ]
    assert [cell["execution_count"] for cell in code(book)] == list(range(1, len(code(book)) + 1))


@pytest.mark.parametrize("name", FIGURES)
def test_stored_is_complete(name):
    path, book = FOLDER / f"{name}.ipynb", stored(name)
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    first = book["cells"][0]
    assert first["cell_type"] == "markdown" and source(first).startswith("# ")
    assert sum(source(cell).count("assert ") for cell in code(book)) >= 4
    pictures = images(book)
    assert len(pictures) == FIGURES[name]
    assert all(base64.b64decode(each).startswith(b"\x89PNG") for each in pictures)
    assert path.stat().st_size < LARGEST
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text(encoding="utf-8"))
    assert not PATHS.search(text)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in FIGURES]
)
def test_runs(name, tmp_path):
    import nbformat

    need_gmsh()
    book = tool().executed(name, tmp_path)
    nbformat.validate(book)
    assert len(images(book)) == FIGURES[name]
    outputs = [output for cell in code(book) for output in cell["outputs"]]
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]
    assert said(book) == said(stored(name))
    shares = [changed(*pair) for pair in zip(images(book), images(stored(name)), strict=True)]
    assert max(shares) < SAMPLED.get(name, OTHER), shares
