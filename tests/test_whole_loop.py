"""From an empty folder to the charges that explain the jumps, by commands of docs/measurements.md alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from test_readme import block, page

PROJECT = Path(__file__).parents[1]
PICTURES = {
    "simulate": "measured/simulation.png",
    "analyse": "found/analysis.png",
    "shift-map": "map/shift_map.png",
    "assign": "assigned/assignment.png",
}


@pytest.mark.slow
def test_whole_loop(tmp_path):
    program = tmp_path / "bin" / "spq"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m spq "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"}
    text = block("whole loop", page("docs/measurements.md"))
    commands = [line.split()[1] for line in text.splitlines() if line.startswith("spq ")]
    assert sorted(commands) == sorted(PICTURES)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for picture in PICTURES.values():
        with Image.open(folder / picture) as drawn:
            assert drawn.width > 600 and np.asarray(drawn.convert("L")).std() > 5.0  # not empty
        assert f"{picture}" in done.stderr  # said as the last thing of its command
    with xr.open_dataset(folder / "assigned" / "assignment.nc", engine="h5netcdf") as found:
        assert found.sizes["jump"] >= 3  # of the 14 that were simulated, some within a frame of another
        decided = [str(each) for each in found["verdict"].values if each != "undecided"]
        assert decided and np.all(found["probability"].values[:, 0] > 0.2)
