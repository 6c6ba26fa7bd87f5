"""Förster transfer of an exciton from dot to dot of a molecule.

Rate of a bright exciton of the donor D, from its two linear dipoles a to those of the acceptor A, b:
    k = (2π/ħ) ½ Σ_ab J_ab² Θ,  J_ab = |r_D| |r_A| ∫_D ∫_A (a·∇)(b·∇') W(r, r')/(V_D V_A),
with W the interaction of unit charges by Poisson's equation in the molecule's own optical permittivities.
A transition dipole is spread evenly over its core, of volume V: interfaces and local fields are those of
the molecule. In a uniform medium J_ab = |r_D| |r_A| e² (a·b − 3 (a·n)(b·n))/(4πε0 ε D³), n along D.

The circular bright states of a heavy-hole exciton have the dipoles |r| (x ± iy)/√2 across the crystal axis,
|r|² = |x|² + |y|² as in spq.recombination.dipole. Their sum and their difference, over √2, have the real
dipoles |r| x and i|r| y: two linear states, each of the full length |r|. Σ_ab is the same for any such pair.

Θ is the overlap of the donor's emission with the acceptor's absorption, both Gaussians of one width at the
exciton's energy (no Stokes shift); a transfer uphill is slower than downhill by exp(−Δ/kT), so that rates
obey detailed balance. A detuning far beyond the width is bridged by phonons only, which are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import constants
from skfem import Basis, LinearForm

from spq import checks
from spq.carriers import State
from spq.correlated import COUNT, line, solved
from spq.correlation import Correlation
from spq.eigenstates import Eigenstates
from spq.errors import InputError
from spq.inputfile import dumps
from spq.labelling import shares
from spq.lineshape import PER_WIDTH
from spq.model import Model
from spq.poisson import Poisson
from spq.prepare import external_field, prepare, threads
from spq.progress import Progress, silent
from spq.recombination import amplitudes, dipole, radiative_rate
from spq.space import Space
from spq.surface import axis_frame
from spq.units import BOLTZMANN

if TYPE_CHECKING:
    import xarray

WIDTH = 1e-3  # eV, full width at half maximum of a line without phonons
ACOUSTIC = 6e-5  # eV/K
OPTICAL, OPTICAL_PHONON = 80e-3, 27e-3  # eV
SAME = 1e-6  # eV, between solutions of one eigenstate
HBAR_NS = constants.hbar / constants.e / constants.nano  # eV ns
WIDTH_NOTE = (
    f"width of a line {1e3 * WIDTH:g} meV + {1e3 * ACOUSTIC:g} meV/K T + {1e3 * OPTICAL:g} meV/(exp("
    f"{1e3 * OPTICAL_PHONON:g} meV/kT) - 1), typical of single CdSe/CdS dots"
)
GIVEN_NOTE = "width of a line given by the user"

# dimensions, unit, and what it is
PAIR = ("donor", "acceptor")
VARIABLES = {
    "coupling_meV": (PAIR, "meV", "root of half the sum of squared couplings of the bright dipoles"),
    "detuning_meV": (PAIR, "meV", "energy of the donor's exciton less that of the acceptor's"),
    "dipole_nm": (PAIR[:1], "nm", "length of a linear transition dipole of the bright exciton"),
    "energy_eV": (PAIR[:1], "eV", "emission energy of the exciton"),
    "radiative_rate": (PAIR[:1], "1/ns", "radiative rate of the exciton, averaged over its spins"),
    "rate": ((*PAIR, "temperature"), "1/ns", "transfer rate of the bright exciton"),
    "efficiency": (
        (*PAIR[:1], "temperature"),
        "1",
        "share of excitons that are transferred to any dot and not radiated",
    ),
    "width_meV": (("temperature",), "meV", "full width at half maximum of a line"),
}


@dataclass(frozen=True)
class Exciton:
    """The exciton of one dot: emission energy in eV, strength averaged over spins, dipole |r| in nm."""

    energy: float
    strength: float
    dipole: float


def transfer(
    model: Model,
    temperatures: Sequence[float] = (4.0, 300.0),
    width_meV: Sequence[float] | None = None,
    progress: Progress = silent,
) -> xarray.Dataset:
    """Förster transfer rates of an exciton between all dots of a molecule.

    Parameters
    ----------
    model : Model
        Of two dots or more, with its surface charges and field; dipoles with the Kane energy of its
        spectrum. Its method is taken to be "ci".
    temperatures : (n,) in K
    width_meV : (n,) full width at half maximum of emission and absorption at each temperature; None: those
        of `line_width`, which are typical values
    progress : called with what is being done

    Returns
    -------
    xarray.Dataset
        Dimensions donor, acceptor (dots from 1), temperature; VARIABLES with their units. What has donor and
        acceptor is NaN where they are one dot. The equations are those of this module (Förster, Ann. Phys.
        437, 55, 1948). Energies do not depend on temperature. An exciton that cannot radiate (half of its
        spin states) is not transferred either, so that rate/2 is to be compared with `radiative_rate`, which
        is averaged over spins; `efficiency` does.

    Raises
    ------
    InputError
        If there is one dot, a temperature or a width is not > 0, or the self-energy is `density`.
    ConvergenceError
        If an eigensolver does not converge or no eigenstate resembles a dot's exciton.
    MeshError
        If the molecule cannot be meshed.
    """
    if len(model.molecule.dots) < 2:
        raise InputError("transfer: there is 1 dot, at least two are needed")
    kelvin = _positive(temperatures, "temperatures", "K")
    widths = np.array([1e3 * line_width(each) for each in kelvin])
    if width_meV is not None:
        widths = _positive(width_meV, "width_meV", "meV", len(kelvin))
    with checks.placed("transfer: "):
        model = model.replace(method="ci", final_state="relaxed")
    problem = prepare(model, progress)
    assert isinstance(problem, Correlation)
    count = len(model.molecule.dots)
    progress("transfer", 0, count + 1)
    with threads(model):
        external = external_field(problem, model, model.surface_charges)
        excitons = []
        for dot in range(count):
            excitons.append(exciton(problem, model, dot, external))
            progress("transfer", dot + 1, count + 1)
        tensors = couplings(problem.discretisation.space, model.region_values("permittivity_optical"))
    progress("transfer", count + 1, count + 1)
    note = WIDTH_NOTE if width_meV is None else GIVEN_NOTE
    return _dataset(model, _rates(model, excitons, tensors, kelvin, widths), kelvin, note)


def line_width(temperature: float) -> float:
    """Full width at half maximum in eV of a dot's line at a temperature in K: 1.2 meV at 4 K, 62 at 300 K.

    w0 + a T + b/(exp(E/kT) − 1): typical of single CdSe/CdS dots, not measured ones of any.
    """
    factor = np.exp(-OPTICAL_PHONON / (BOLTZMANN * temperature))  # no overflow near 0 K
    return float(WIDTH + ACOUSTIC * temperature + OPTICAL * factor / (1 - factor))


def spectral_overlap(detuning: np.ndarray, width: float, temperature: float) -> np.ndarray:
    """Θ in 1/eV of two lines of one width (eV) whose energies differ by `detuning` (eV; > 0: downhill)."""
    sigma = np.sqrt(2) * width / PER_WIDTH
    gaussian = np.exp(-0.5 * (detuning / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return gaussian * np.exp(np.minimum(detuning, 0.0) / (BOLTZMANN * temperature))


def couplings(space: Space, permittivities: np.ndarray) -> np.ndarray:
    """Coulomb energies in eV of unit dipoles (1 e nm), each spread evenly over a dot's core.

    Parameters
    ----------
    space : Space
    permittivities : relative permittivity of each region

    Returns
    -------
    (N, N, 3, 3) of the dots and of the directions of both dipoles, laboratory frame; of a dot with itself
    they contain the dipole's own energy
    """
    poisson = Poisson(space, permittivities)
    count = len(space.molecule.dots)
    bases = [space.basis(np.flatnonzero(space.regions == 2 * dot)) for dot in range(count)]
    if space.harmonics.turning:
        along = _interaction(poisson, np.column_stack([_along(basis) for basis in bases]), 0)
        across = _interaction(poisson, np.column_stack([_across(basis) for basis in bases]), 1)
        axis = axis_frame(space.molecule)[0]
        axial = np.outer(axis, axis)
        return np.multiply.outer(along, axial) + np.multiply.outer(across, np.eye(3) - axial)
    loads = [_slope(basis, direction) / basis.dx.sum() for basis in bases for direction in range(3)]
    # harmonic 1: on the outer sphere the condition of a dipole
    found = _interaction(poisson, np.column_stack(loads), 1)
    return found.reshape(count, 3, count, 3).transpose(0, 2, 1, 3)


def exciton(problem: Correlation, model: Model, dot: int, external: np.ndarray | None = None) -> Exciton:
    """The exciton of one dot (from 0) in a field: its line, with the strength of that dot alone.

    Where dots are alike the eigenstate is spread over several of them, and its strength is anything from
    nothing to that of all dots together. Its part on one dot, normalised, is the exciton that is transferred.
    """
    number = dot + 1
    found = line(problem, State((number,), (number,), number, problem.dots), external)
    initial, final = (solved(problem, each, each, external, COUNT) for each in (1, 0))
    near = np.flatnonzero(np.abs(initial.variational - found.initial.variational) < SAME)
    alone = np.array([_excitons(initial, int(each)) for each in near])  # (near, dots)
    place = int(np.argmax(alone[:, dot]))
    made = amplitudes(initial, final, int(near[place]), problem.orbitals(2).dot_overlaps[dot])
    strength = float((np.abs(made) ** 2).sum() * alone[place].sum() / alone[place, dot])
    energy = model.gap + found.energy
    # half of the spin states are bright: their strength is twice the average
    return Exciton(energy, strength, dipole(energy, 2 * strength, model.spectrum.kane_energy))


def _excitons(states: Eigenstates, number: int) -> list[float]:
    """Share of an eigenstate that has electron and hole on one dot, for each dot."""
    placed = shares(states, number)
    dots = range(1, len(states.space.orbitals.populations["e"]) + 1)
    return [placed.get(((dot,), (dot,)), 0.0) for dot in dots]


def _interaction(poisson: Poisson, loads: np.ndarray, harmonic: int) -> np.ndarray:
    """Energies (k, k) in eV of dipole densities with each other; loads: ∫ P·∇v, (size, k)."""
    return loads.T @ poisson.solve(loads, harmonic)


def _slope(basis: Basis, direction: int) -> np.ndarray:
    """∫ ∂v of every degree of freedom in a direction of the mesh, (size,)."""
    return LinearForm(lambda v, w: v.grad[direction]).assemble(basis)


def _along(basis: Basis) -> np.ndarray:
    """∫ ∂_z v/V over a body on the half plane: v = u/√2π, d³r = 2π r dr dz."""
    return np.sqrt(2 * np.pi) * LinearForm(lambda v, w: w.x[0] * v.grad[1]).assemble(basis) / _turned(basis)


def _across(basis: Basis) -> np.ndarray:
    """∫ ∂_x v/V over a body on the half plane: v = u cos α/√π, whose slope is u' cos²α + (u/r) sin²α."""
    return np.sqrt(np.pi) * LinearForm(lambda v, w: w.x[0] * v.grad[0] + v).assemble(basis) / _turned(basis)


def _turned(basis: Basis) -> float:
    """Volume in nm³ of a body of revolution."""
    return float(2 * np.pi * (np.asarray(basis.global_coordinates())[0] * basis.dx).sum())


def _positive(values: Sequence[float], where: str, unit: str, length: int | None = None) -> np.ndarray:
    found = checks.numbers_of(values, where, unit, length=length)
    return np.array(
        [checks.number(each, f"{where}[{i}]", unit, above=0.0) for i, each in enumerate(found, 1)]
    )


def _rates(
    model: Model, excitons: list[Exciton], tensors: np.ndarray, kelvin: np.ndarray, widths: np.ndarray
) -> dict[str, np.ndarray]:
    """The variables by name."""
    energy, lengths = (np.array([getattr(each, name) for each in excitons]) for name in ("energy", "dipole"))
    # Σ_ab (a·J·b)² over directions across both crystal axes
    across = np.eye(3) - np.einsum("ni,nj->nij", model.c_axes, model.c_axes)
    squares = np.einsum("dij,daik,akl,dajl->da", across, tensors, across, tensors)
    squares = 0.5 * squares * np.outer(lengths, lengths) ** 2
    detuning = np.subtract.outer(energy, energy)
    for each in (squares, detuning):
        np.fill_diagonal(each, np.nan)
    overlaps = [spectral_overlap(detuning, 1e-3 * width, t) for width, t in zip(widths, kelvin, strict=True)]
    rate = 2 * np.pi / HBAR_NS * squares[..., None] * np.stack(overlaps, axis=-1)
    kane = model.spectrum.kane_energy
    radiative = np.array(
        [radiative_rate(model, i, each.energy, each.strength, kane) for i, each in enumerate(excitons)]
    )
    away = 0.5 * np.nansum(rate, axis=1)  # averaged over spins, as the radiative rate is
    return {
        "coupling_meV": 1e3 * np.sqrt(squares),
        "detuning_meV": 1e3 * detuning,
        "dipole_nm": lengths,
        "energy_eV": energy,
        "radiative_rate": radiative,
        "rate": rate,
        "efficiency": away / (away + radiative[:, None]),
        "width_meV": widths,
    }


def _dataset(model: Model, data: dict[str, np.ndarray], kelvin: np.ndarray, note: str) -> xarray.Dataset:
    import xarray

    import spq

    variables = {
        name: (dims, data[name], {"units": unit, "long_name": text})
        for name, (dims, unit, text) in VARIABLES.items()
    }
    dots = np.arange(1, len(model.molecule.dots) + 1)
    coordinates = {
        "donor": ("donor", dots, {"units": "1", "long_name": "dot that the exciton leaves"}),
        "acceptor": ("acceptor", dots, {"units": "1", "long_name": "dot that it is transferred to"}),
        "temperature": ("temperature", kelvin, {"units": "K", "long_name": "temperature"}),
    }
    attributes = {
        "title": "Förster transfer of an exciton between dots",
        "width_model": note,
        "input": dumps(model),
        "spq_version": spq.__version__,
    }
    return xarray.Dataset(variables, coordinates, attributes)
