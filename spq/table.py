"""Emission of both emitters for any charge of each dot and any set of surface charges.

Charges do not add: a set of them is a mean-field problem of its own. Entries of one state that are asked
for together share the work; many of them (spq.snapshots.WORTHWHILE) are solved in a snapshot basis, which
the Table keeps for the next time as many are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.accuracy import estimated
from spq.carriers import State
from spq.errors import ConvergenceError, InputError
from spq.model import Model
from spq.observables import CORRELATED, FLAGS, POPULATIONS, VARIABLES, describe
from spq.prepare import set_fields, threads, with_companion
from spq.progress import Progress, silent
from spq.solution import Lines, Snapshots, solver, without_charges
from spq.surface import SurfaceCharge

if TYPE_CHECKING:
    import xarray


TOTAL = {"initial_energy_eV": ("eV", "energy of the initial state less the gaps of its pairs")}


def charged_state(charges: Sequence[int], emitter: int) -> State:
    """The state in which a dot emits: an exciton on it, and the charge of every dot in e.

    charges: of each dot before the photon was absorbed, -2 to 2: (0, -1) and emitter 1 is segX-@1.
    Raises InputError for charges that a dot cannot hold.
    """
    electrons, holes = [emitter], [emitter]
    for dot, charge in enumerate(charges, 1):
        if charge != int(charge) or abs(charge) > 2:
            raise InputError(f"charges[{dot}] = {charge}: must be -2, -1, 0, 1 or 2")
        electrons += [dot] * max(0, -int(charge))
        holes += [dot] * max(0, int(charge))
    return State(tuple(electrons), tuple(holes), emitter, len(charges))


class Table:
    """Emission energies of a model's molecule, computed when they are asked for.

    Parameters
    ----------
    model : Model
        Its own surface charges act in every entry, and are absent from the reference.
    progress : called with what is being done

    Raises
    ------
    MeshError
        If the molecule cannot be meshed.

    Examples
    --------
    >>> table = spq.Table(model)
    >>> table.entries([(0, 0), (-1, 0)], [[], [spq.SurfaceCharge(charge=1, z=3.2)]])
    """

    def __init__(self, model: Model, progress: Progress = silent):
        self.model = model
        self.system, self.companion = with_companion(model, progress)
        self._snapshots: dict[State, Snapshots | Lines] = {}

    def entries(
        self, charges: Sequence[Sequence[int]], surface_charges: Sequence[Sequence[SurfaceCharge]]
    ) -> xarray.Dataset:
        """Emission of every emitter for charges of the dots and for sets of surface charges.

        Parameters
        ----------
        charges : (entries, N) charge of each dot in e before the photon is absorbed, -2 to 2; or one of
            them, (N,), for all entries
        surface_charges : a set of charges for each entry; they may be fractional and lie anywhere on
            or outside the nanocrystal

        Returns
        -------
        xarray.Dataset
            Dimensions entry, emitter (and dot); variables named in VARIABLES, initial and final
            populations, reference_eV, and initial_energy_eV: the energy of the initial state. What does not
            converge is NaN with converged False.

        Raises
        ------
        InputError
            If a charge cannot be, or the two lists differ in length.
        """
        dots = len(self.model.molecule.dots)
        states = np.array(charges)
        if states.ndim == 1:
            states = np.tile(states, (len(surface_charges), 1))
        if states.shape != (len(surface_charges), dots):
            raise InputError(
                f"charges: must be {dots} numbers for all, or for each of {len(surface_charges)} sets of "
                f"surface charges; the shape given is {states.shape}"
            )
        fields = self._fields(self.system, surface_charges)
        coarse = self._fields(self.companion, surface_charges) if self.companion else fields
        data = self._empty(len(surface_charges))
        for charge in sorted({tuple(row) for row in states.tolist()}):
            rows = np.flatnonzero((states == charge).all(axis=1))
            for emitter in range(1, dots + 1):
                state = charged_state(charge, emitter)
                with threads(self.model):
                    self._fill(data, rows, emitter - 1, state, fields[rows], coarse[rows])
        return self._dataset(data, states)

    def _fields(self, system, sets: Sequence[Sequence[SurfaceCharge]]) -> np.ndarray:
        """Field of each set and of the model's own charges, (entries, ...)."""
        own = self.model.surface_charges
        together = [(charge, i) for i, charges in enumerate(sets) for charge in (*charges, *own)]
        positions = np.array([charge.resolve(self.model.molecule) for charge, _ in together])
        values = np.array([charge.charge for charge, _ in together])
        owners = np.array([i for _, i in together], dtype=int)
        return set_fields(system, self.model, positions.reshape(-1, 3), values, owners, len(sets))

    @property
    def _variables(self) -> dict[str, tuple[str, str]]:
        return VARIABLES | TOTAL | (CORRELATED if self.model.method == "ci" else {})

    def _empty(self, entries: int) -> dict[str, np.ndarray]:
        dots = len(self.model.molecule.dots)
        data = {name: np.full((entries, dots), np.nan) for name in self._variables}
        data |= {name: np.zeros((entries, dots), dtype=bool) for name in FLAGS}
        data |= {name: np.full((entries, dots, dots), np.nan) for name in POPULATIONS}
        data["iterations"] = np.zeros((entries, dots), dtype=int)
        data["reference_eV"] = np.full((entries, dots), np.nan)
        return data

    def _fill(self, data: dict, rows, column: int, state: State, fields, coarse_fields) -> None:
        """Solve one state in the fields of its rows."""
        final = self.model.final_state
        if state not in self._snapshots:
            try:
                bare = without_charges(self.system, state, final)
            except ConvergenceError:
                return
            self._snapshots[state] = solver(self.system, bare, final)
        bare = self._snapshots[state].bare
        solved = self._snapshots[state].solve(fields)
        errors = estimated(self.companion, bare, solved, coarse_fields, final, ordered=False)
        data["error_meV"][rows, column] = errors.energy
        data["shift_error_meV"][rows, column] = errors.shift
        data["reference_eV"][rows, column] = self.model.gap + bare.energy
        for row, each in zip(rows, solved, strict=True):
            if each.converged:
                described: dict[str, Any] = describe(self.system, each)
                described["energy_eV"] = self.model.gap + each.energy
                described["shift_meV"] = 1e3 * (each.energy - bare.energy)
                described["initial_energy_eV"] = each.initial_energy
                for name in data.keys() & described.keys():
                    data[name][row, column] = described[name]

    def _dataset(self, data: dict, states: np.ndarray) -> xarray.Dataset:
        import xarray

        from spq.inputfile import dumps

        both = ("entry", "emitter")
        variables: dict[str, Any] = {
            name: (both, data[name], {"units": unit, "long_name": text})
            for name, (unit, text) in self._variables.items()
        }
        text = "emission energy of the same state without surface charges"
        variables["reference_eV"] = (both, data["reference_eV"], {"units": "eV", "long_name": text})
        for name, text in POPULATIONS.items():
            variables[name] = ((*both, "dot"), data[name], {"units": "1", "long_name": text})
        variables["charges"] = (("entry", "dot"), states, {"units": "e", "long_name": "charge of each dot"})
        dots = np.arange(1, len(self.model.molecule.dots) + 1)
        coordinates = {"emitter": ("emitter", dots), "dot": ("dot", dots)}
        return xarray.Dataset(variables, coordinates, {"input": dumps(self.model)})
