"""What is computed at a point of a sweep, as a Dataset: emissions, levels, a shift map, or one's own."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spq import checks
from spq.errors import ConvergenceError, InputError
from spq.model import Model
from spq.observables import FLAGS, POPULATIONS, VARIABLES, Emission, emission
from spq.shiftmap import shift_map
from spq.single_particle import levels

if TYPE_CHECKING:
    import xarray as xr

LEVELS = 8  # of each kind of carrier, at most

Computation = Callable[[Model], Any]


@dataclass(frozen=True)
class Compute:
    """What is computed: functions of a Model that return an xarray.Dataset, or numbers by name.

    name: says which, and for one's own functions changes with their source.
    """

    name: str
    functions: tuple[Computation, ...]

    def __call__(self, model: Model) -> xr.Dataset:
        """All results of one model; raises what the functions raise."""
        import xarray as xr

        found = [function(model) for function in self.functions]
        sets = [each if isinstance(each, xr.Dataset) else xr.Dataset(_numbers(each)) for each in found]
        return xr.merge(sets, compat="no_conflicts", join="exact", combine_attrs="drop_conflicts")


def compute_of(given: str | Computation | Sequence[str | Computation]) -> Compute:
    """The Compute of names in COMPUTED, of functions, or of several of either; raises InputError."""
    several = [given] if isinstance(given, str) or callable(given) else given
    parts = checks.listed(several, "compute", "a name, a function of a Model, or a list of them")
    if not parts:
        raise InputError("compute = []: must hold at least one name or function")
    if {"emission", "shift_map"} <= {part for part in parts if isinstance(part, str)}:
        raise InputError('compute: "emission" and "shift_map" give variables of the same names; sweep apart')
    functions = [part if callable(part) else COMPUTED[_known(part)] for part in parts]
    names = [_identity(part) if callable(part) else part for part in parts]
    return Compute(", ".join(names), tuple(functions))


def _known(name: Any) -> str:
    return checks.choice(name, "compute", tuple(COMPUTED))


def _identity(function: Computation) -> str:
    """Name and digest of the source of a function: another source gives other points."""
    held = ("__closure__", "__defaults__", "__kwdefaults__", "__self__")
    if any(getattr(function, name, None) for name in held if not inspect.isbuiltin(function)):
        raise InputError(
            "compute: a function must not depend on variables of the function it is made in, on defaults or "
            "on an object; its source says what it computes"
        )
    if getattr(function, "__name__", "") == "<lambda>":
        raise InputError("compute: a lambda has no source of its own; give a named function")
    name = f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        raise InputError(f"compute: the source of {name} is not known; give a function of a module") from None
    return f"{name}+{hashlib.sha256(source.encode()).hexdigest()[:12]}"


def _numbers(found: Any) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        kind = type(found).__name__
        raise InputError(f"compute: must return an xarray.Dataset or numbers by name, it returned {kind}")
    return {name: ((), value) for name, value in found.items()}


def emissions(model: Model) -> xr.Dataset:
    """Emission of every state of a model with its own surface charges; NaN where one does not converge."""
    import xarray as xr

    states = [state.name for state in model.states]
    found: list[Emission | None] = []
    for state in states:
        try:
            result = emission(model, state)
            assert isinstance(result, Emission)
            found.append(result)
        except ConvergenceError:
            found.append(None)
    dots = len(model.molecule.dots)
    variables: dict[str, Any] = {}
    for name, (unit, text) in VARIABLES.items():
        field = "emission_eV" if name == "energy_eV" else name
        values = [_value(each, field) for each in found]
        kind = bool if name in FLAGS else float
        text = text.replace(" less reference_eV", " less that without charges and field")
        variables[name] = ("state", np.array(values, dtype=kind), {"units": unit, "long_name": text})
    for name, text in POPULATIONS.items():
        shares = [[np.nan] * dots if each is None else getattr(each, name) for each in found]
        variables[name] = (("state", "dot"), np.array(shares), {"units": "1", "long_name": text})
    slopes = [each.derivatives or {} if each is not None else {} for each in found]
    for field in dict.fromkeys(name for each in slopes for name in each):
        about = {"units": _per(field), "long_name": f"derivative of energy_eV with respect to {field}"}
        slope = np.array([each.get(field, np.nan) for each in slopes])
        variables[f"derivative {field}"] = ("state", slope, about)
    coordinates = {"state": states, "dot": np.arange(1, dots + 1)}
    return xr.Dataset(variables, coordinates)


def _per(field: str) -> str:
    """Unit of a derivative of an energy; that by the permittivity is for its relative change."""
    if field.startswith("surface_charges"):
        return "meV/e"
    return "meV" if field == "permittivity" else "meV/eV"


def _value(found: Emission | None, field: str) -> float:
    """A number or flag of an emission; NaN, or False, where there is none."""
    value = None if found is None else getattr(found, field)
    if value is None:
        return 0.0 if field in FLAGS else np.nan
    return value


def lowest_levels(model: Model) -> xr.Dataset:
    """Lowest single-carrier levels of a model and their splitting."""
    import xarray as xr

    found = levels(model)
    kinds = ("electron", "hole")
    energies = [[level.energy_meV for level in getattr(found, kind)][:LEVELS] for kind in kinds]
    splitting = [found.splitting_meV[kind] for kind in kinds]
    text = "second less first single-carrier level"
    return xr.Dataset(
        {
            "level_meV": (
                ("kind", "level"),
                np.array([row + [np.nan] * (LEVELS - len(row)) for row in energies]),
                {"units": "meV", "long_name": "single-carrier levels from the CdSe edges"},
            ),
            "splitting_meV": ("kind", np.array(splitting, dtype=float), {"units": "meV", "long_name": text}),
        },
        {"kind": list(kinds), "level": np.arange(1, LEVELS + 1)},
    )


def whole_map(model: Model) -> xr.Dataset:
    """The shift map of a model; positions are results, since they differ between molecules."""
    return shift_map(model).reset_coords(["z_nm", "phi_deg", "position_nm"])


COMPUTED: dict[str, Computation] = {
    "emission": emissions,
    "levels": lowest_levels,
    "shift_map": whole_map,
}
"""What can be computed by name."""
