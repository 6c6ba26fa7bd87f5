"""The complete description of a calculation: molecule, materials, model options, charges, map.

A Model is checked when it is made, never changes, and holds everything the result depends on.
V_band is measured from the CdSe edges: electrons conduction_band,
holes (gap - gap of CdSe) - conduction_band.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from spq import checks
from spq.carriers import State, default_states, parse_state
from spq.cispec import CISpec
from spq.errors import InputError
from spq.geometry import Array, Molecule
from spq.mapspec import MapSpec
from spq.materials import MATERIALS, VALUES, Material, new_material, unknown_material
from spq.spectrumspec import SpectrumSpec
from spq.surface import SurfaceCharge, line_positions, surface_points

OPTIONS: dict[str, tuple[str, ...]] = {
    "self_energy": ("none", "image", "density"),
    "wall": ("hard", "finite"),
    "final_state": ("relaxed", "frozen"),
    "method": ("reduced", "direct", "ci"),
    "discretisation": ("auto", "solid", "axisymmetric"),
    "accuracy": ("coarse", "normal", "fine"),
}
"""The options of the model and what each can be."""

PARALLEL = 1e-6  # sine of the angle between a crystal axis and the long axis that are the same

Overrides = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Model:
    """Everything a calculation depends on; compares and hashes by value.

    molecule: the dots. matrix: name of the material around them; linker: of that between linked dots.
    conduction_band_offset: eV, shorthand for the conduction_band of CdS.
    permittivity: "static" or "optical". materials: name -> {value name: value} overrides and new
    materials (keys of spq.materials.VALUES and OPTIONAL).
    self_energy, wall, final_state, method, discretisation, accuracy: see OPTIONS; "auto" means
    "axisymmetric" where dots and crystal axes lie on one line, else "solid".
    image_cut: nm, > 0; across a core's surface and a finite wall the self-energy `image` is a straight
    line over this distance on both sides. image_prefactor: factor on it.
    electric_field: far field (3,) in kV/cm, laboratory axes.
    surface_charges: present in every calculation. map: what a shift map covers. ci: how far a
    configuration interaction (method "ci") goes; its states are eigenstates, so a frozen final state and
    the mean-field self-energy `density` have no meaning with it. spectrum: what a spectrum covers.
    Raises InputError for a wrong value.
    """

    molecule: Molecule
    matrix: str = "PMMA"
    linker: str = "ligand"
    conduction_band_offset: float | None = field(default=None, compare=False)
    permittivity: str = "static"
    materials: Overrides = field(default_factory=dict, compare=False)
    self_energy: str = "image"
    image_cut: float = 0.1
    image_prefactor: float = 1.0
    wall: str = "hard"
    final_state: str = "relaxed"
    electric_field: tuple[float, float, float] = (0.0, 0.0, 0.0)
    method: str = "reduced"
    discretisation: str = "auto"
    accuracy: str = "normal"
    surface_charges: tuple[SurfaceCharge, ...] = ()
    map: MapSpec = MapSpec()
    ci: CISpec = CISpec()
    spectrum: SpectrumSpec = SpectrumSpec()
    _used: tuple[Material, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.molecule, Molecule):
            raise InputError(f"molecule = {checks.shown(self.molecule)}: must be a Molecule")
        if not isinstance(self.map, MapSpec):
            raise InputError(f"map = {checks.shown(self.map)}: must be a MapSpec")
        if not isinstance(self.ci, CISpec):
            raise InputError(f"ci = {checks.shown(self.ci)}: must be a CISpec")
        if not isinstance(self.spectrum, SpectrumSpec):
            raise InputError(f"spectrum = {checks.shown(self.spectrum)}: must be a SpectrumSpec")
        checks.name(self.matrix, "materials.matrix")
        checks.name(self.linker, "materials.linker")
        checks.choice(self.permittivity, "materials.permittivity", ("static", "optical"))
        for option, allowed in OPTIONS.items():
            checks.choice(getattr(self, option), f"model.{option}", allowed)
        if self.method == "ci" and self.self_energy == "density":
            raise InputError(
                'model.self_energy = "density": depends on the orbital it acts on, so configuration '
                'interaction (method = "ci") has no operator for it; use "image" or "none"'
            )
        if self.method == "ci" and self.final_state == "frozen":
            raise InputError(
                'model.final_state = "frozen": method = "ci" has eigenstates only; use "relaxed"'
            )
        cut = checks.number(self.image_cut, "model.image_cut", "nm", above=0.0)
        prefactor = checks.number(self.image_prefactor, "model.image_prefactor", "")
        object.__setattr__(self, "image_cut", cut)
        object.__setattr__(self, "image_prefactor", prefactor)
        where = "model.electric_field"
        electric_field = checks.numbers_of(self.electric_field, where, "kV/cm", length=3)
        object.__setattr__(self, "electric_field", electric_field)
        self._take_materials()
        if self.discretisation == "axisymmetric" and not self.is_axisymmetric:
            lacking = "crystal axes along that line" if self.molecule.is_linear else "dots on one line"
            raise InputError(f'model.discretisation = "axisymmetric": needs {lacking}; use "solid"')
        if self.molecule.linker_diameter > 0 and self.chosen_discretisation == "solid":
            raise InputError("geometry.linker_diameter: linked dots need an axisymmetric discretisation")
        if self.self_energy == "image" and self.molecule.is_clustered:
            raise InputError(
                'model.self_energy = "image": not built where three dots meet in one place; '
                'use "none" or "density"'
            )
        if self.wall == "finite" and self.chosen_discretisation == "solid":
            raise InputError('model.wall = "finite": this part needs an axisymmetric molecule; use "hard"')
        self._check_charges()
        self._check_map()

    def _take_materials(self) -> None:
        """Check the materials and keep those that matter: used, overridden or added."""
        if not isinstance(self.materials, Mapping):
            raise InputError("materials: must map names to the values that are overridden")
        overrides: dict[str, dict[str, float]] = {}
        for name, values in self.materials.items():
            checks.name(name, "materials")
            if not isinstance(values, Mapping):
                raise InputError(f"materials.{name} = {checks.shown(values)}: must map value names")
            overrides[name] = dict(values)
        object.__setattr__(self, "materials", {name: dict(v) for name, v in overrides.items()})
        if self.conduction_band_offset is not None:
            where = "materials.conduction_band_offset"
            step = checks.number(self.conduction_band_offset, where, "eV")
            object.__setattr__(self, "conduction_band_offset", step)
            if "conduction_band" in overrides.get("CdS", {}):
                raise InputError(
                    f"{where} and materials.CdS.conduction_band: both given; "
                    "they are the same value, give one of them"
                )
            overrides.setdefault("CdS", {})["conduction_band"] = step
        known = dict(MATERIALS)
        for name, values in overrides.items():
            if name in MATERIALS:
                known[name] = MATERIALS[name].overridden(values)
            else:
                known[name] = new_material(name, values)
        asked = {"materials.matrix": self.matrix}
        if self.molecule.linker_diameter > 0:
            asked["materials.linker"] = self.linker
        for i, dot in enumerate(self.molecule.dots, 1):
            asked |= {f"dots[{i}].core": dot.core, f"dots[{i}].shell": dot.shell}
        for where, name in asked.items():
            if name not in known:
                raise unknown_material(name, where, known)
        if self.linker not in known:
            raise unknown_material(self.linker, "materials.linker", known)
        kept = {"CdSe", *asked.values(), *overrides}
        used = tuple(material for name, material in sorted(known.items()) if name in kept)
        object.__setattr__(self, "_used", used)

    def _check_charges(self) -> None:
        charges = checks.listed(self.surface_charges, "surface_charges", "a list of SurfaceCharge")
        for i, charge in enumerate(charges, 1):
            if not isinstance(charge, SurfaceCharge):
                shown = checks.shown(charge)
                raise InputError(f"surface_charges[{i}] = {shown}: must be a SurfaceCharge")
            with checks.placed(f"surface_charges[{i}]."):
                charge.resolve(self.molecule)
        object.__setattr__(self, "surface_charges", tuple(charges))

    def _check_map(self) -> None:
        """Read the states and find the given z; raises InputError where either fails."""
        seen: list[State] = []
        for i, text in enumerate(self.map.states or (), 1):
            with checks.placed(f"map.states[{i}]: "):
                state = parse_state(text, len(self.molecule.dots))
                if state in seen:
                    raise InputError(f'"{text}" is {state.name} again; every state can be given once')
                seen.append(state)
        with checks.placed("map."):
            if self.map.z is not None:
                surface_points(self.molecule, self.map.z)
            elif self.molecule.is_linear:
                line_positions(self.molecule, self.map.points)

    def replace(self, **changes: Any) -> Model:
        """Return a Model with some arguments changed: `changes` by name. Raises InputError as Model does."""
        names = [entry.name for entry in dataclasses.fields(self) if entry.init]
        checks.known_keys(changes, names, "Model.replace: ")
        return dataclasses.replace(self, **changes)

    def material(self, name: str) -> Material:
        """Return the material `name`, with the overrides of this model; raises InputError if unknown."""
        known = MATERIALS | {material.name: material for material in self._used}
        if name not in known:
            raise unknown_material(name, "material", known)
        return known[name]

    @property
    def used_materials(self) -> tuple[Material, ...]:
        """CdSe and the materials that are used, overridden or added, by name."""
        return self._used

    @cached_property
    def states(self) -> tuple[State, ...]:
        """The states of the map, or the default states of the molecule."""
        count = len(self.molecule.dots)
        if self.map.states is None:
            return default_states(count)
        return tuple(parse_state(text, count) for text in self.map.states)

    @cached_property
    def region_materials(self) -> list[Material]:
        """Materials of the 2 N + 1 regions: core 1, shell 1, core 2, ..., matrix; before it a linker's."""
        names = [name for dot in self.molecule.dots for name in (dot.core, dot.shell)]
        linker = [self.linker] if self.molecule.linker_diameter > 0 else []
        return [self.material(name) for name in (*names, *linker, self.matrix)]

    def region_values(self, value: str) -> Array:
        """Return one value (a key of spq.materials.VALUES) of every region, (2 N + 1,)."""
        if value not in VALUES:
            raise InputError(f'"{value}": unknown value of a material{checks.nearest(value, VALUES)}')
        return np.array([getattr(material, value) for material in self.region_materials])

    def masses(self, kind: str) -> Array:
        """Return the effective masses (2 N + 1,) of the regions in m0; kind: "e" or "h"."""
        names = {"e": "electron_mass", "h": "hole_mass"}
        return self.region_values(names[checks.choice(kind, "kind", ("e", "h"))])

    def mass_tensors(self, kind: str) -> Array:
        """Return `masses` (m0) of a kind; if one is anisotropic, tensors (2 N + 1, 3, 3), laboratory."""
        masses = self.masses(kind)
        if kind == "e" or not self.is_anisotropic:
            return masses
        found = masses[:, None, None] * np.eye(3)
        for i, material in enumerate(self.region_materials[: 2 * len(self.molecule.dots)]):
            if material.hole_mass_parallel is not None and material.is_anisotropic:
                axis = self.c_axes[i // 2]
                found[i] += (material.hole_mass_parallel - material.hole_mass) * np.outer(axis, axis)
        return found

    @cached_property
    def c_axes(self) -> Array:
        """Unit vectors (N, 3) along the dots' crystal axes, laboratory frame."""
        given = [self.molecule.axis if dot.c_axis is None else dot.c_axis for dot in self.molecule.dots]
        return np.array([np.divide(axis, np.linalg.norm(axis)) for axis in given])

    @cached_property
    def is_anisotropic(self) -> bool:
        """Whether the hole's mass depends on its direction in some dot."""
        return bool(self._anisotropic_dots.any())

    @cached_property
    def _anisotropic_dots(self) -> npt.NDArray[np.bool_]:
        inside = self.region_materials[: 2 * len(self.molecule.dots)]
        pairs = zip(inside[::2], inside[1::2], strict=True)
        return np.array([core.is_anisotropic or shell.is_anisotropic for core, shell in pairs])

    @cached_property
    def is_graded(self) -> bool:
        """Whether the composition of some shell varies."""
        return any(dot.gradation > 0 for dot in self.molecule.dots)

    @cached_property
    def is_axisymmetric(self) -> bool:
        """Whether nothing but charges and fields breaks the symmetry about the long axis."""
        if not self.molecule.is_linear:
            return False
        aside = np.linalg.norm(np.cross(self.c_axes, self.molecule.axis), axis=1)
        return bool(np.all((aside < PARALLEL) | ~self._anisotropic_dots))

    def band(self, kind: str) -> Array:
        """Return the band edges (2 N + 1,) in eV from the CdSe edges; kind: "e" up, "h" down."""
        conduction = self.region_values("conduction_band")
        if checks.choice(kind, "kind", ("e", "h")) == "e":
            return conduction
        return (self.region_values("gap") - self.gap) - conduction

    def permittivities(self) -> Array:
        """Return the relative permittivities (2 N + 1,) of the regions, static or optical."""
        return self.region_values(f"permittivity_{self.permittivity}")

    @property
    def chosen_discretisation(self) -> str:
        """ "solid" or "axisymmetric": what "auto" means for this molecule."""
        if self.discretisation != "auto":
            return self.discretisation
        return "axisymmetric" if self.is_axisymmetric else "solid"

    @property
    def gap(self) -> float:
        """Band gap of CdSe in eV."""
        return self.material("CdSe").gap

    @property
    def core_gaps(self) -> npt.NDArray[np.float64]:
        """Band gap (N,) of the core of each dot in eV."""
        return np.array([self.material(dot.core).gap for dot in self.molecule.dots])
