"""The command line: `spq COMMAND`, a thin layer over the functions of the library.

Results go to standard output (with --json one document and nothing else), all else to standard
error. Exit status: 0 done, 1 something did not converge, 2 bad input.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from spq.errors import ConvergenceError, InputError, MeshError, SpqError
from spq.progress import Progress, TerminalProgress, silent

if TYPE_CHECKING:
    from spq.model import Model
    from spq.observables import Emission

DONE, NOT_CONVERGED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status. argv: words after `spq`, by default sys.argv's."""
    args = _parser().parse_args(argv)
    level = logging.ERROR if args.quiet else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="spq: %(message)s")
    try:
        status = args.run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read the output has had enough; what is left must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        sys.stderr.write("spq: interrupted\n")
        return INTERRUPTED
    except (InputError, MeshError) as error:
        return _fail(error, BAD_INPUT)
    except SpqError as error:
        return _fail(error, NOT_CONVERGED)


def _fail(error: SpqError, status: int) -> int:
    sys.stderr.write(f"spq: error: {' '.join(str(error).split())}\n")
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others of spq."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"spq: error: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False, allow_abbrev=False)
    common.add_argument("--json", action="store_true", help="print one JSON document")
    common.add_argument("--out", metavar="DIR", type=Path, help="folder for what is written")
    common.add_argument("-q", "--quiet", action="store_true", help="no progress, no messages")
    parser = _Parser(
        prog="spq",
        description="Emission shifts of charged, coupled colloidal quantum dots.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[common], allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    added = command("shift-map", _shift_map, "shifts for every place of a surface charge")
    added.add_argument("file", metavar="FILE", nargs="?", help="input; the nominal dimer without")
    added = command("emission", _emission, "emission energy and shift of each state")
    added.add_argument("file", metavar="FILE")
    added.add_argument("--explain", action="store_true", help="what each shift is made of; model spread")
    added = command("levels", _levels, "single-carrier levels")
    added.add_argument("file", metavar="FILE")
    added = command("mesh", _mesh, "the mesh alone, as a Gmsh file, and its quality")
    added.add_argument("file", metavar="FILE")
    added.add_argument("-o", dest="mesh_file", metavar="M.msh", help="by default FILE's name, .msh")
    command("materials", _materials, "the materials table with the source of every value")
    added = command("init", _init, "write a commented input file")
    added.add_argument("file", metavar="FILE", nargs="?", default="dimer.toml")
    added = command("check", _check, "what would be computed, its size and its cost")
    added.add_argument("file", metavar="FILE")
    added = command("plot", _plot, "draw a stored map again")
    added.add_argument("file", metavar="FILE.nc")
    added.add_argument("--flip", action="store_true", help="dot 1 at positive coordinates")
    return parser


def _shift_map(args: argparse.Namespace) -> int:
    from spq import cli_report, store

    model = _model(args.file)
    folder = args.out or Path()
    names = ("shift_map.nc", "shift_map.csv", "shift_map.png")
    store.check_writable(folder, names)
    # what is needed at the end is loaded while the solver computes
    threading.Thread(target=_load_output, daemon=True).start()
    with _progress(args) as progress:
        from spq.shiftmap import shift_map

        shifts = shift_map(model, progress=progress)
        progress("writing", 0, 1)
        from spq.plot import map_writer

        written = store.write_files(folder, store.map_writers(shifts) | map_writer(shifts))
    _print(args, store.map_json(shifts), cli_report.map_table(shifts))
    _tell_written(args, written)
    missing = int((~shifts["converged"]).sum())
    if missing:
        _tell(args, f"{missing} of {shifts['converged'].size} points did not converge")
    return NOT_CONVERGED if missing else DONE


def _load_output() -> None:
    for name in ("xarray", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        importlib.import_module(name)


def _emission(args: argparse.Namespace) -> int:
    from spq import cli_report

    model = _model(args.file)
    _check_document(args, "emission.json")
    if args.explain and model.method != "reduced":
        raise InputError(f'--explain: needs model.method = "reduced", it is "{model.method}"')
    failed: list[ConvergenceError] = []
    found: list[Emission] = []
    with _progress(args) as progress:
        from spq.observables import emission

        for state in model.states:
            try:
                result = emission(model, state, progress=progress)
            except ConvergenceError as error:
                failed.append(error)
                continue
            assert not isinstance(result, list)
            found.append(result)
        if args.explain and found:
            explained = emission(model, [each.state for each in found], progress=progress, explain=True)
            assert isinstance(explained, list)
            found = explained
    document = {
        "gap_eV": model.core_gaps.tolist(),
        "self_energy": model.self_energy,
        "states": [result.as_dict() for result in found],
    }
    _report(args, "emission.json", document, cli_report.emission_table(model, found))
    for each in failed:
        _fail(each, NOT_CONVERGED)
    return NOT_CONVERGED if failed else DONE


def _levels(args: argparse.Namespace) -> int:
    from spq import cli_report

    model = _model(args.file)
    _check_document(args, "levels.json")
    with _progress(args) as progress:
        from spq.single_particle import levels

        document = levels(model, progress=progress).as_dict()
    _report(args, "levels.json", document, cli_report.levels_table(model, document))
    return DONE


def _mesh(args: argparse.Namespace) -> int:
    from spq import cli_report, store

    model = _model(args.file)
    path = Path(args.mesh_file or Path(args.file).with_suffix(".msh").name)
    path = (args.out or Path()) / path
    store.check_writable(path.parent, (path.name,))
    with _progress(args) as progress:
        from spq.mesh import molecule_mesh
        from spq.meshfile import mesh_quality, write_mesh

        progress("mesh", 0, 1)
        mesh = molecule_mesh(model.molecule, model.accuracy)
        quality = mesh_quality(mesh, model.molecule)
        writer = {path.name: lambda at: write_mesh(mesh, model.molecule, at)}
        written = store.write_files(path.parent, writer)
    _print(args, quality.as_dict(), cli_report.mesh_table(model, quality))
    _tell_written(args, written)
    return DONE


def _materials(args: argparse.Namespace) -> int:
    from spq import cli_report
    from spq.materials import MATERIALS

    _check_document(args, "materials.json")
    document = cli_report.materials_json(MATERIALS.values())
    _report(args, "materials.json", document, cli_report.materials_table(MATERIALS.values()))
    return DONE


def _init(args: argparse.Namespace) -> int:
    from spq import store
    from spq.inputfile import TEMPLATE

    path = (args.out or Path()) / args.file
    if path.exists():
        raise InputError(f"{path}: is there already; give another name")
    writer = {path.name: lambda at: at.write_text(TEMPLATE, encoding="utf-8")}
    written = store.write_files(path.parent, writer)
    _print(args, {"written": [str(path)]}, "")
    _tell_written(args, written)
    return DONE


def _check(args: argparse.Namespace) -> int:
    from spq import cli_report
    from spq.cost import estimate

    model = _model(args.file)
    _check_document(args, "check.json")
    cost = estimate(model)
    document = cli_report.check_json(model, cost)
    _report(args, "check.json", document, cli_report.check_text(model, cost))
    return DONE


def _plot(args: argparse.Namespace) -> int:
    from spq import store

    folder = args.out or Path()
    store.check_writable(folder, ("shift_map.png",))
    shifts = store.load_map(args.file)
    from spq.plot import map_writer

    written = store.write_files(folder, map_writer(shifts, flip=args.flip))
    _print(args, {"written": [str(path) for path in written]}, "")
    _tell_written(args, written)
    return DONE


def _model(file: str | None) -> Model:
    """Return the Model of an input file, or the nominal heterodimer."""
    from spq import inputfile

    return inputfile.loads(inputfile.TEMPLATE) if file is None else inputfile.load(file)


@contextmanager
def _progress(args: argparse.Namespace) -> Iterator[Progress]:
    """Show progress during the block unless it is not wanted."""
    if args.quiet:
        yield silent
        return
    shown = TerminalProgress()
    try:
        yield shown
    finally:
        shown.close()


def _check_document(args: argparse.Namespace, name: str) -> None:
    """Raise InputError if the document of a command shall be written and cannot be."""
    from spq import store

    if args.out is not None:
        store.check_writable(args.out, (name,))


def _report(args: argparse.Namespace, name: str, document: Mapping[str, Any], text: str) -> None:
    """Write the document into the output folder, if one was asked for, and print the result."""
    from spq import store

    if args.out is not None:
        content = json.dumps(store.plain(document), indent=2, allow_nan=False) + "\n"
        writer = {name: lambda path: path.write_text(content, encoding="utf-8")}
        written = store.write_files(args.out, writer)
    _print(args, document, text)
    if args.out is not None:
        _tell_written(args, written)


def _print(args: argparse.Namespace, document: Mapping[str, Any], text: str) -> None:
    """Print the result: the JSON document if asked for, else the text."""
    from spq import store

    if args.json:
        print(json.dumps(store.plain(document), allow_nan=False))
    elif text:
        print(text)


def _tell(args: argparse.Namespace, text: str) -> None:
    if not args.quiet:
        sys.stderr.write(f"spq: {text}\n")


def _tell_written(args: argparse.Namespace, paths: Sequence[Path]) -> None:
    _tell(args, "wrote " + ", ".join(str(path) for path in paths))
