"""The Dataset of a spectrum: its variables with their units, lines joined over sets of carriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import spq
from spq.dipole import polarisation
from spq.errors import InputError
from spq.inputfile import dumps
from spq.lineshape import broadened, replicated, scale
from spq.model import Model
from spq.recombination import KANE_RANGE, local_field, refractive_index

if TYPE_CHECKING:
    import xarray

# of every initial level: unit, and what it is
INITIAL = {
    "set": ("", "carriers as asked for"),
    "placement": ("", "where most of the carriers are: the placement of largest share"),
    "purity": ("1", "share of that placement"),
    "energy_eV": ("eV", "energy without the gaps"),
    "excitation_meV": ("meV", "energy above the lowest level of the set"),
    "electron_spin": ("1", "S of the electrons"),
    "hole_spin": ("1", "S of the holes"),
    "m": ("1", "|Σ m| about the long axis; NaN where that is not conserved"),
    "degeneracy": ("1", "number of states of the level"),
    "population": ("1", "thermal population of the level within its set"),
    "lifetime_ns": ("ns", "radiative lifetime, averaged over the level's states"),
    "strength": ("1", "strengths of all lines together, whatever is left"),
    "shake_up": ("1", "share of the strength outside the strongest line"),
}
# of every line
LINE = {
    "set": ("", "carriers as asked for"),
    "initial": ("", "number of the initial level"),
    "final": ("", "where the carriers that are left are"),
    "final_purity": ("1", "share of that placement in the final level"),
    "final_excitation_meV": ("meV", "energy of the final level above the lowest one"),
    "energy_eV": ("eV", "energy of the line"),
    "error_meV": ("meV", "estimated numerical error of energy_eV"),
    "strength": ("1", "S, averaged over spins: 1/2 is an exciton of perfect overlap"),
    "oscillator_strength": ("1", "E_P S / energy"),
    "rate": ("1/ns", "radiative rate, averaged over the initial level's states"),
    "weight": ("1/ns", "rate times population of the initial level"),
    "emitter": ("1", "dot with the largest share of the line's amplitude"),
}


def dataset(model: Model, found: dict[str, dict[str, np.ndarray]]) -> xarray.Dataset:
    """One Dataset of several sets of carriers; each holds `initial_…` and `line_…` by name.

    Raises InputError if there is no line at all.
    """
    import xarray

    sets = list(found.values())
    if not any(len(each["line_set"]) for each in sets):
        raise InputError(
            f"spectrum.carriers = {list(found)}: no line of the lowest states emits; "
            f"ask for more than spectrum.states = {model.spectrum.states}"
        )
    starts = np.cumsum([0] + [len(each["initial_set"]) for each in sets])
    for start, each in zip(starts, sets, strict=False):
        each["line_initial"] = each["line_initial"] + start
    variables: dict[str, Any] = {}
    for dimension, names in (("initial", INITIAL), ("line", LINE)):
        for name, (unit, text) in names.items():
            values = np.concatenate([each[f"{dimension}_{name}"] for each in sets])
            if values.dtype == object:
                values = values.astype(str)
            said = {"long_name": text} | ({"units": unit} if unit else {})
            variables[f"{dimension}_{name}"] = (dimension, values, said)
    for name, text in (
        ("initial_electrons", "electrons on each dot"),
        ("initial_holes", "holes on each dot"),
        ("line_dots", "share of each dot in the strength of a line; interference included"),
    ):
        values = np.concatenate([each[name] for each in sets])
        variables[name] = ((name.partition("_")[0], "dot"), values, {"units": "1", "long_name": text})
    variables |= _of_dots(model)
    energies, intensity = _intensity(model, sets)
    text = "spectrum of each set of carriers, largest value 1"
    variables["intensity"] = (("set", "energy"), intensity, {"units": "1", "long_name": text})
    coordinates = {
        "dot": ("dot", np.arange(1, len(model.molecule.dots) + 1)),
        "set": ("set", list(found)),
        "energy": ("energy", energies, {"units": "eV", "long_name": "photon energy"}),
    }
    given = model.spectrum
    attributes: dict[str, Any] = {
        "title": f"Emission spectrum at {given.temperature:g} K, self-energy: {model.self_energy}",
        "self_energy": model.self_energy,
        "temperature_K": given.temperature,
        "rates": (
            f"n ω e² E_P F² S/(6π ε0 m0 c³ ħ) with E_P = {given.kane_energy:g} eV "
            f"({KANE_RANGE[0]:g} to {KANE_RANGE[1]:g} are found: rates are uncertain by "
            f"{100 * (KANE_RANGE[1] / given.kane_energy - 1):.0f} %, and too small by some 20 % at 20 active "
            f"orbitals for each dot), n = {refractive_index(model):.3f}"
        ),
        "input": dumps(model),
        "spq_version": spq.__version__,
    }
    return xarray.Dataset(variables, coordinates, attributes)


def _of_dots(model: Model) -> dict[str, Any]:
    """Local field, crystal axis and linear polarisation of each dot, seen along +x."""
    dots = range(len(model.molecule.dots))
    fields = [local_field(model, dot) for dot in dots]
    seen = [polarisation(model, dot + 1) for dot in dots]
    angles = [np.nan if each.angle_deg is None else each.angle_deg for each in seen]
    axis = "crystal axis; heavy holes recombine with dipoles across it"
    angle = "brightest linear polarisation seen along +x, from +z; NaN: none"
    return {
        "local_field": ("dot", fields, {"units": "1", "long_name": "F of the optical field within the core"}),
        "c_axis": (("dot", "xyz"), model.c_axes, {"units": "1", "long_name": axis}),
        "polarisation_deg": ("dot", angles, {"units": "degree", "long_name": angle}),
        "polarisation_degree": (
            "dot",
            [each.degree for each in seen],
            {"units": "1", "long_name": "degree of that polarisation"},
        ),
    }


def _intensity(model: Model, sets: list[dict[str, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Photon energies (n,) in eV and the spectrum of each set (s, n)."""
    given = model.spectrum
    lines = [
        replicated(each["line_energy_eV"], each["line_weight"], given.phonons, given.huang_rhys)
        for each in sets
    ]
    seen = [e[w >= 1e-6 * w.max(initial=0.0)] for e, w in lines]
    energies = scale(np.concatenate(seen), given.width)
    found = np.array([broadened(e, w, given.width, energies) for e, w in lines])
    return energies, found / np.maximum(found.max(axis=1, keepdims=True), 1e-300)
