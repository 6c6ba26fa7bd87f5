"""Run the scripts and store them as notebooks with outputs: python notebooks/render.py [NAME ...].

A notebook is `NN_name.py`, in the percent format of jupytext; beside it lies `NN_name.ipynb`, the same
with figures. Without names all are run. A notebook whose assertions fail is not stored.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
COLORS = 128  # of a stored picture, which halves its size
LIMIT = 1200  # seconds of one cell, many times what it takes


def names() -> list[str]:
    """The notebooks there are, by the names of their scripts."""
    return sorted(path.stem for path in FOLDER.glob("[0-9][0-9]_*.py"))


def script(name: str) -> Any:
    """The notebook of a script, not yet run."""
    import jupytext

    book = jupytext.read(FOLDER / f"{name}.py", fmt="py:percent")
    book.metadata = type(book.metadata)(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number:02d}"  # those given by chance would differ at every run
        cell.metadata = type(cell.metadata)()
    return book


def executed(name: str, folder: Path) -> Any:
    """Run a notebook with the running interpreter and this checkout's spq.

    folder: an empty one; the notebook runs in it, and what Jupyter keeps stays in it.
    Raises nbclient.exceptions.CellExecutionError if a cell fails.
    """
    from ipykernel.kernelspec import write_kernel_spec
    from nbclient import NotebookClient

    book = script(name)
    write_kernel_spec(str(folder / "jupyter" / "kernels" / "python3"))
    found = [str(FOLDER.parent.resolve()), os.environ.get("PYTHONPATH")]
    settings = {
        "JUPYTER_PATH": str(folder / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": os.pathsep.join(each for each in found if each),
    }
    with _environment(settings):
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(
            book, timeout=LIMIT, kernel_name="python3", resources=resources, record_timing=False
        )
        client.execute()
    book.metadata["language_info"] = {"name": "python"}  # without the version, which would go stale
    return book


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def render(name: str) -> float:
    """Run one notebook and store it; returns the seconds that it took."""
    import nbformat

    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        book = executed(name, Path(folder))
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output["data"]["image/png"] = _smaller(output["data"]["image/png"])
    text = nbformat.writes(book, version=4)
    (FOLDER / f"{name}.ipynb").write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    return time.perf_counter() - begin


def _smaller(picture: str) -> str:
    """A picture, in base 64, with few colours."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    file = io.BytesIO()
    image.quantize(COLORS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    for each in sys.argv[1:] or names():
        name, before = Path(each).stem, os.times().children_user
        seconds = render(name)
        busy = os.times().children_user - before  # what it takes where nothing else runs
        size = (FOLDER / f"{name}.ipynb").stat().st_size / 1e3
        print(f"{name}: {seconds:.0f} s, of which computing {busy:.0f} s; {size:.0f} kB")
