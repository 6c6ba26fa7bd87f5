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

HAPPENED = [  # as [[simulation.schedule]] has it
    "hole of dot 1 ejected to the surface of dot 2",
    "trapped hole returns from the surface of dot 2 to dot 1",
    "dot 2 quenched",
    "dot 2 lit again",
]


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
        assert found["verdict"].values.tolist() == HAPPENED
        assert np.allclose(found["jump_time"], [15.0, 32.0, 46.0, 60.0], atol=1.0)
