"""The command line: `spq COMMAND`, a thin layer over the functions of the library.

Results go to standard output (with --json one document and nothing else), all else to standard
error. Exit status: 0 done, 1 something did not converge, 2 bad input.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spq.cli_output import check_document, report, show, shown_progress, tell, tell_written
from spq.cli_parser import BAD_INPUT, parser
from spq.errors import ConvergenceError, InputError, MeshError, SpqError

if TYPE_CHECKING:
    from spq.model import Model
    from spq.observables import Emission

DONE, NOT_CONVERGED, INTERRUPTED = 0, 1, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status. argv: words after `spq`, by default sys.argv's."""
    args = parser().parse_args(argv)
    level = logging.ERROR if args.quiet else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="spq: %(message)s")
    try:
        status = COMMANDS[args.command](args)
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


def _shift_map(args: argparse.Namespace) -> int:
    from spq import cli_report, store

    model = _model(args.file)
    folder = args.out or Path()
    names = ("shift_map.nc", "shift_map.csv", "shift_map.png")
    store.check_writable(folder, names)
    # what is needed at the end is loaded while the solver computes
    threading.Thread(target=_load_output, daemon=True).start()
    with shown_progress(args) as progress:
        from spq.shiftmap import shift_map

        shifts = shift_map(model, progress=progress)
        progress("writing", 0, 1)
        from spq.plot import map_writer

        written = store.write_files(folder, store.map_writers(shifts) | map_writer(shifts))
    show(args, store.map_json(shifts), cli_report.map_table(shifts))
    tell_written(args, written)
    missing = int((~shifts["converged"]).sum())
    if missing:
        tell(args, f"{missing} of {shifts['converged'].size} points did not converge")
    return NOT_CONVERGED if missing else DONE


def _load_output() -> None:
    for name in ("xarray", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        importlib.import_module(name)


def _emission(args: argparse.Namespace) -> int:
    from spq import cli_report

    model = _model(args.file)
    check_document(args, "emission.json")
    if args.explain and model.method != "reduced":
        raise InputError(f'--explain: needs model.method = "reduced", it is "{model.method}"')
    failed: list[ConvergenceError] = []
    found: list[Emission] = []
    with shown_progress(args) as progress:
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
    report(args, "emission.json", document, cli_report.emission_table(model, found))
    for each in failed:
        _fail(each, NOT_CONVERGED)
    return NOT_CONVERGED if failed else DONE


def _spectrum(args: argparse.Namespace) -> int:
    from spq import cli_spectrum, spectrumstore, store

    model = _model(args.file)
    folder = args.out or Path()
    store.check_writable(folder, ("spectrum.nc", "spectrum.csv", "spectrum.png"))
    threading.Thread(target=_load_output, daemon=True).start()
    failed: ConvergenceError | None = None
    with shown_progress(args) as progress:
        from spq.spectra import spectrum

        try:
            found = spectrum(model, progress=progress)
        except ConvergenceError as error:
            if error.partial is None:
                raise
            found, failed = error.partial, error
        progress("writing", 0, 1)
        from spq.plot import spectrum_writer

        writers = spectrumstore.spectrum_writers(found) | spectrum_writer(found)
        written = store.write_files(folder, writers)
    show(args, spectrumstore.spectrum_json(found), cli_spectrum.spectrum_table(model, found))
    tell_written(args, written)
    return _fail(failed, NOT_CONVERGED) if failed else DONE


def _deduce(args: argparse.Namespace) -> int:
    from spq.cli_deduce import deduce_command

    threading.Thread(target=_load_output, daemon=True).start()
    failed = deduce_command(args)
    return _fail(failed, NOT_CONVERGED) if failed else DONE


def _levels(args: argparse.Namespace) -> int:
    from spq import cli_report

    model = _model(args.file)
    check_document(args, "levels.json")
    with shown_progress(args) as progress:
        from spq.single_particle import levels

        document = levels(model, progress=progress).as_dict()
    report(args, "levels.json", document, cli_report.levels_table(model, document))
    return DONE


def _mesh(args: argparse.Namespace) -> int:
    from spq import cli_report, store

    model = _model(args.file)
    path = Path(args.mesh_file or Path(args.file).with_suffix(".msh").name)
    path = (args.out or Path()) / path
    store.check_writable(path.parent, (path.name,))
    with shown_progress(args) as progress:
        from spq.mesh import molecule_mesh
        from spq.meshfile import mesh_quality, write_mesh

        progress("mesh", 0, 1)
        mesh = molecule_mesh(model.molecule, model.accuracy)
        quality = mesh_quality(mesh, model.molecule)
        writer = {path.name: lambda at: write_mesh(mesh, model.molecule, at)}
        written = store.write_files(path.parent, writer)
    show(args, quality.as_dict(), cli_report.mesh_table(model, quality))
    tell_written(args, written)
    return DONE


def _materials(args: argparse.Namespace) -> int:
    from spq import cli_report
    from spq.materials import MATERIALS

    check_document(args, "materials.json")
    document = cli_report.materials_json(MATERIALS.values())
    report(args, "materials.json", document, cli_report.materials_table(MATERIALS.values()))
    return DONE


def _init(args: argparse.Namespace) -> int:
    from spq import store
    from spq.template import TEMPLATE

    path = (args.out or Path()) / args.file
    if path.exists():
        raise InputError(f"{path}: is there already; give another name")
    writer = {path.name: lambda at: at.write_text(TEMPLATE, encoding="utf-8")}
    written = store.write_files(path.parent, writer)
    show(args, {"written": [str(path)]}, "")
    tell_written(args, written)
    return DONE


def _check(args: argparse.Namespace) -> int:
    from spq import cli_report
    from spq.cli_asked import asked
    from spq.cost import estimate

    model = _model(args.file)
    check_document(args, "check.json")
    more, text = asked(args.file)
    cost = estimate(model)
    document = cli_report.check_json(model, cost) | more
    report(args, "check.json", document, "\n".join([cli_report.check_text(model, cost), *text]))
    return DONE


def _of(module: str) -> Callable[[argparse.Namespace], int]:
    """A command whose module has a function `run`, which returns False if something did not converge."""

    def command(args: argparse.Namespace) -> int:
        return NOT_CONVERGED if importlib.import_module(f"spq.{module}").run(args) is False else DONE

    return command


COMMANDS = {
    "shift-map": _shift_map,
    "emission": _emission,
    "spectrum": _spectrum,
    "sweep": _of("cli_sweep"),
    "deduce": _deduce,
    "simulate": _of("cli_simulate"),
    "analyse": _of("cli_analyse"),
    "assign": _of("cli_assign"),
    "levels": _levels,
    "mesh": _mesh,
    "materials": _materials,
    "report": _of("cli_paper"),
    "init": _init,
    "check": _check,
    "plot": _of("cli_plot"),
    "export": _of("cli_export"),
    "compare": _of("cli_compare"),
}


def _model(file: str | None) -> Model:
    """Return the Model of an input file, or the nominal heterodimer."""
    from spq import inputfile
    from spq.template import TEMPLATE

    return inputfile.loads(TEMPLATE) if file is None else inputfile.load(file)
