"""The words of the command line: commands, their files and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

BAD_INPUT = 2  # exit status

Command = Callable[[str, str], argparse.ArgumentParser]  # adds one of this name, with its text


WAY = """\
from nothing to a figure:
  spq init                                   dimer.toml: every option, with its unit
  spq check dimer.toml                       what will be computed, and what it costs
  spq shift-map dimer.toml --out results     shift_map.nc, .csv and .png
  spq plot results/shift_map.nc --flip       the figure again, dot 1 on the right

from photons to the charges that moved:
  spq simulate particle.toml --out measured  or files of your own
  spq analyse measured/photons.h5 measured/frames.nc --out found
  spq assign found/analysis.nc --model dimer.toml --out assigned

spq COMMAND --help has an example of each. Exit status: 0 done, 1 something did not converge (what did is
written), 2 bad input.
"""

TAUGHT = {
    "shift-map": (
        "spq shift-map dimer.toml --out results",
        "shift_map.nc (everything), shift_map.csv (a row for each state, charge and place), shift_map.png",
    ),
    "emission": (
        "spq emission dimer.toml --explain",
        "a table of energies (eV) and shifts (meV) with their numerical errors; with --out emission.json",
    ),
    "spectrum": ("spq spectrum dimer.toml --out lines", "spectrum.nc, spectrum.csv, spectrum.png"),
    "sweep": (
        "spq sweep dimer.toml --out sizes; spq sweep --status sizes",
        "sweep.nc, sweep.csv, sweep.png, and every finished point at once",
    ),
    "deduce": (
        "spq deduce dimer.toml --out sizes",
        "deduction.nc (samples of the posterior), deduction.csv, deduction.png (corner plot)",
    ),
    "simulate": (
        "spq simulate particle.toml --out measured --seed 1",
        "tags.bin (16-byte tags), photons.h5 (Photon-HDF5), frames.nc, truth.json, simulation.png",
    ),
    "analyse": (
        "spq analyse run.ptu frames.sif --offset 500 --gain 60 --out found",
        "analysis.nc (everything, with errors and warnings), states.csv, analysis.png",
    ),
    "assign": (
        "spq assign found/analysis.nc --model dimer.toml --out assigned",
        "assignment.nc, jumps.csv (verdict of each jump, and why), assignment.png",
    ),
    "report": (
        "spq report --accuracy coarse --out paper",
        "a table: paper, ours, why different; with --out report.csv and report.md",
    ),
    "levels": ("spq levels dimer.toml", "a table of levels (meV); with --out levels.json"),
    "mesh": ("spq mesh dimer.toml -o dimer.msh", "a Gmsh file"),
    "materials": ("spq materials", "a table; with --out materials.json"),
    "init": ("spq init dimer.toml", "the input file; a file that is there is left alone"),
    "check": ("spq check dimer.toml", "a table; with --out check.json. Nothing is computed"),
    "plot": ("spq plot results/shift_map.nc --flip --out figures", "a PNG of the same name"),
    "export": (
        "spq export results/shift_map.nc --to csv --out origin",
        "files of the format, with names, units and comments in them",
    ),
    "compare": (
        "spq compare a/shift_map.nc b/shift_map.nc",
        "a table of differences beside errors; with --out compare.json",
    ),
}
"""Of each command: an example, and what it writes."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others of spq."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"spq: error: {message} (see {self.prog} --help)\n")


def parser() -> Parser:
    """Return the parser of `spq COMMAND`; the name of the command is put into `command`."""
    common = Parser(add_help=False, allow_abbrev=False)
    common.add_argument("--json", action="store_true", help="print one JSON document")
    common.add_argument("--out", metavar="DIR", type=Path, help="folder for what is written")
    common.add_argument("-q", "--quiet", action="store_true", help="no progress, no messages")
    whole = Parser(
        prog="spq",
        description="Emission shifts of charged, coupled colloidal quantum dots.",
        epilog=WAY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = whole.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=_taught(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
            allow_abbrev=False,
        )
        added.set_defaults(command=name)
        return added

    for add in (_add_solved, _add_measured, _add_input, _add_stored):
        add(command)
    return whole


def _add_solved(command: Command) -> None:
    """Commands: what is solved for a molecule."""
    added = command("shift-map", "shifts for every place of a surface charge")
    added.add_argument("file", metavar="FILE", nargs="?", help="input; the nominal dimer without")
    added = command("emission", "emission energy and shift of each state")
    added.add_argument("file", metavar="FILE")
    added.add_argument("--explain", action="store_true", help="what each shift is made of; model spread")
    added = command("spectrum", "emission spectrum of correlated carriers, every level and line")
    added.add_argument("file", metavar="FILE")
    added = command("sweep", "the same for many molecules: what [sweep] of FILE says")
    added.add_argument("file", metavar="FILE", nargs="?")
    added.add_argument("--resume", action="store_true", help="go on with the sweep that is in DIR")
    added.add_argument("--retry", action="store_true", help="compute points again that failed")
    added.add_argument("--status", metavar="DIR", type=Path, help="say how far the sweep in DIR is")
    added = command("deduce", "sizes that explain the measured energies of [deduce]")
    added.add_argument("file", metavar="FILE")


def _add_measured(command: Command) -> None:
    """Commands: measurements of a particle."""
    added = command("simulate", "a measurement of one particle: what [simulation] of FILE says")
    added.add_argument("file", metavar="FILE")
    added.add_argument("--seed", type=int, metavar="N", help="instead of that of FILE")
    added = command("analyse", "states, lifetimes, lines and jumps of a measured particle")
    added.add_argument(
        "files", metavar="FILE", nargs="+", type=Path, help="photons and frames, or both in one"
    )
    added.add_argument("--offset", type=float, metavar="COUNTS", help="of the camera, if its file lacks it")
    added.add_argument("--gain", type=float, metavar="COUNTS", help="per photon, if its file lacks it")
    added.add_argument("--wavelength", metavar="FILE", type=Path, help="text: nm of each column, of images")
    added.add_argument("--air", action="store_true", help="wavelengths of images are those in air")
    added.add_argument("--strips", metavar="ROWS", help="V=10:20,H=30:40 in images; found without")
    added.add_argument("--exposure", type=float, metavar="S", help="of a frame, if its file lacks it")
    added = command("assign", "which charge moved in each jump of an analysed dimer, and where charges sit")
    added.add_argument("file", metavar="DATA", type=Path, help="analysis.nc of `spq analyse`")
    added.add_argument(
        "--model", metavar="FILE", action="append",
        help="input file of the dimer, more than once to weigh several; the nominal dimer without",
    )  # fmt: skip
    added.add_argument("--seed", type=int, default=0, metavar="N", help="of the draws over what is not known")


def _add_input(command: Command) -> None:
    """Commands: input, its parts, and what it costs."""
    added = command("levels", "single-carrier levels")
    added.add_argument("file", metavar="FILE")
    added = command("mesh", "the mesh alone, as a Gmsh file, and its quality")
    added.add_argument("file", metavar="FILE")
    added.add_argument("-o", dest="mesh_file", metavar="M.msh", help="by default FILE's name, .msh")
    command("materials", "the materials table with the source of every value")
    added = command("report", "every number of the source paper beside ours, and why they differ")
    added.add_argument("--accuracy", default="coarse", choices=("coarse", "normal", "fine"))
    added = command("init", "write a commented input file")
    added.add_argument("file", metavar="FILE", nargs="?", default="dimer.toml")
    added = command("check", "what would be computed, its size and its cost")
    added.add_argument("file", metavar="FILE")


def _add_stored(command: Command) -> None:
    """Commands: what is done with stored results."""
    added = command("plot", "draw a stored result again")
    added.add_argument("file", metavar="FILE.nc")
    added.add_argument("--flip", action="store_true", help="dot 1 at positive coordinates, of a map")
    added = command("export", "a result for Origin, MATLAB, Igor or ParaView")
    added.add_argument("file", metavar="FILE", help="a stored result (.nc), or input: fields of its states")
    added.add_argument("--to", required=True, metavar="FORMAT", help="csv, mat, itx or vtu")
    added.add_argument(
        "--state", action="append", metavar="S", help="of an input; by default those of its map"
    )
    added = command("compare", "two stored results, or values on a grid against ours")
    added.add_argument("first", metavar="A", help="a stored result (.nc), or a grid as COMSOL exports it")
    added.add_argument("second", metavar="B", help="a stored result of the same kind, or an input file")
    added.add_argument("--quantity", metavar="Q", help='of a grid: potential, "density e1", "level h 1", ...')
    added.add_argument("--state", metavar="S", help="of a grid: whose carriers they are")
    added.add_argument("--variable", metavar="V", help="of a grid with several")


def _taught(name: str) -> str | None:
    """The end of a command's help: an example, and what it writes."""
    if name not in TAUGHT:
        return None
    example, writes = TAUGHT[name]
    return f"example:\n  {example}\nwrites:\n  {writes}"
