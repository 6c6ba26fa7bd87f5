"""Materials of core, shell and surroundings: masses, gaps, band steps and permittivities.

Band edges are measured from those of CdSe, electrons upwards and holes downwards:
V_e = conduction_band, V_h = (gap - gap of CdSe) - conduction_band.
Every value carries its source; any value can be overridden in the input.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from spq import checks
from spq.errors import InputError

VALUES: dict[str, str] = {
    "electron_mass": "m0",
    "hole_mass": "m0",
    "gap": "eV",
    "conduction_band": "eV",
    "permittivity_static": "",
    "permittivity_optical": "",
}
"""The values of a material that an input can give, each with its unit."""

OPTIONAL: dict[str, str] = {"hole_mass_parallel": "m0"}
"""Those that need not be given: the hole's mass along the crystal's axis, then `hole_mass` is across it."""

GIVEN = "given in the input"


@dataclass(frozen=True)
class Material:
    """One material.

    name: as in the input.
    electron_mass, hole_mass: effective masses in m0, > 0.
    gap: band gap at 4 K in eV, > 0.
    conduction_band: conduction band edge in eV above that of CdSe.
    permittivity_static, permittivity_optical: relative permittivities, >= 1.
    hole_mass_parallel: hole mass along the crystal's axis (c of wurtzite) in m0, > 0; hole_mass is that
    across it then. None: the hole's mass is isotropic.
    gap_300K: band gap at room temperature in eV where known; shown in the table, not used.
    sources: value name -> where the value comes from; takes no part in comparisons.

    Raises InputError for a value that is not a number in its range.
    """

    name: str
    electron_mass: float
    hole_mass: float
    gap: float
    conduction_band: float
    permittivity_static: float
    permittivity_optical: float
    hole_mass_parallel: float | None = None
    gap_300K: float | None = field(default=None, compare=False)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        where = f"materials.{checks.name(self.name, 'material name')}."
        for key, unit in VALUES.items():
            above = 0.0 if key in ("electron_mass", "hole_mass", "gap") else None
            minimum = 1.0 if key.startswith("permittivity") else None
            value = checks.number(getattr(self, key), where + key, unit, above=above, minimum=minimum)
            object.__setattr__(self, key, value)
        if self.hole_mass_parallel is not None:
            mass = checks.number(self.hole_mass_parallel, f"{where}hole_mass_parallel", "m0", above=0.0)
            object.__setattr__(self, "hole_mass_parallel", mass)
        if self.name == "CdSe" and self.conduction_band != 0.0:
            raise InputError(
                f"{where}conduction_band = {self.conduction_band:.10g} eV: must be 0, "
                "as all band steps are measured from CdSe"
            )

    @property
    def is_anisotropic(self) -> bool:
        """Whether the hole's mass depends on its direction."""
        return self.hole_mass_parallel is not None and self.hole_mass_parallel != self.hole_mass

    def overridden(self, values: Mapping[str, Any]) -> Material:
        """Return this material with some `values` (keys of VALUES and OPTIONAL) replaced.

        Raises InputError for an unknown key or a value out of range.
        """
        checks.known_keys(values, (*VALUES, *OPTIONAL), f"materials.{self.name}.")
        changed = dataclasses.replace(self, **values)
        sources = {
            key: self.sources.get(key, GIVEN) if getattr(changed, key) == getattr(self, key) else GIVEN
            for key in (*VALUES, *OPTIONAL)
            if getattr(changed, key) is not None
        }
        return dataclasses.replace(changed, sources=sources)


def new_material(name: str, values: Mapping[str, Any]) -> Material:
    """Return a material that is not in the table from its `values`: all of VALUES, any of OPTIONAL.

    Raises InputError for an unknown key, a missing value or a value out of range.
    """
    checks.known_keys(values, (*VALUES, *OPTIONAL), f"materials.{name}.")
    missing = [key for key in VALUES if key not in values]
    if missing:
        hint = checks.nearest(name, MATERIALS)
        raise InputError(
            f"materials.{name}: not in the table{hint}; a new material needs every value, "
            f"missing: {', '.join(missing)}"
        )
    return Material(name=name, sources=dict.fromkeys(values, GIVEN), **values)


def unknown_material(name: str, where: str, known: Mapping[str, Material]) -> InputError:
    """Return the error for a material `name` asked for at `where` that is none of the `known`."""
    hint = checks.nearest(name, known) or f" (known: {', '.join(known)})"
    return InputError(
        f'{where} = "{name}": unknown material{hint}; a new one can be added as [materials.{name}]'
    )


_CODES = "public simulation codes for CdSe/CdS/ZnSe/ZnS dots, which tabulate it"
_USUAL = "usual literature value, not checked again"
_KOLEY = "Koley et al., Acc. Chem. Res. 54, 1178 (2021)"
_KOLEY_CDS = f"{_KOLEY}, caption of figure 6, which gives 0.10 and 0.32"
_WALL_GAP = "makes both walls 3 eV above the CdSe edges (7.84 = 1.84 + 3 + 3)"
_WALL_STEP = "height of the wall for electrons in the published models of these dots"
_WALL_MASS = "free-electron mass"


def _semiconductor(name: str, values: tuple[float, ...], **sources: str) -> Material:
    """Return a row of the table; sources that are not given are `_CODES`."""
    named = dict(zip((*VALUES, "gap_300K"), values, strict=True))
    return Material(name=name, sources={key: sources.get(key, _CODES) for key in named}, **named)


def _surroundings(name: str) -> Material:
    """Return the organic surroundings of the dots: low permittivity, high walls."""
    return Material(
        name=name,
        electron_mass=1.0,
        hole_mass=1.0,
        gap=7.84,
        conduction_band=3.0,
        permittivity_static=2.25,
        permittivity_optical=2.2,
        sources={
            "electron_mass": _WALL_MASS,
            "hole_mass": _WALL_MASS,
            "gap": _WALL_GAP,
            "conduction_band": _WALL_STEP,
            "permittivity_static": _USUAL,
            "permittivity_optical": _USUAL,
        },
    )


# electron mass, hole mass, gap at 4 K, conduction band, permittivity static, optical, gap at 300 K
MATERIALS: dict[str, Material] = {
    material.name: material
    for material in (
        _semiconductor(
            "CdSe",
            (0.13, 0.45, 1.84, 0.0, 9.5, 6.2, 1.74),
            gap=_USUAL,
            conduction_band="zero of energy",
        ),
        _semiconductor(
            "CdS",
            (0.21, 0.70, 2.58, 0.10, 8.9, 5.4, 2.42),
            gap=_USUAL,
            conduction_band=_KOLEY_CDS,
        ),
        _semiconductor(
            "ZnSe",
            (0.16, 0.60, 2.82, 0.86, 8.6, 5.9, 2.70),
            electron_mass=_USUAL,
            gap=_USUAL,
        ),
        _semiconductor(
            "ZnS",
            (0.28, 0.55, 3.84, 1.00, 8.9, 5.1, 3.68),
            hole_mass=_USUAL,
            gap=_USUAL,
            gap_300K=f"{_CODES} (3.6 to 3.68)",
        ),
        _surroundings("PMMA"),
        _surroundings("ligand"),
    )
}
"""The materials table; do not change it, override values in a Model instead."""
