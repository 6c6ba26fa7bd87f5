"""What the command line prints: results as plain tables, each headed by the self-energy model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spq.materials import VALUES, Material

if TYPE_CHECKING:
    import xarray as xr

    from spq.cost import Cost
    from spq.explanation import Explanation
    from spq.meshfile import MeshQuality
    from spq.model import Model
    from spq.observables import Emission


def map_table(ds: xr.Dataset) -> str:
    """Return for each state and charge of a map the range of its shifts and its flags."""
    rows = [("state", "charge", "without (eV)", "shift (meV)", "converged", "followed", "hybrid")]
    for state in ds["state"].values:
        for charge in ds["charge"].values:
            points = ds.sel(state=state, charge=charge)
            good = points["converged"].values
            shifts = points["shift_meV"].values[good]
            ends = f"{shifts.min():+.2f} .. {shifts.max():+.2f}" if len(shifts) else "-"
            rows.append(
                (
                    str(state),
                    f"{charge:+g}",
                    f"{float(points['reference_eV']):.5f}",
                    ends,
                    f"{good.sum()}/{len(good)}",
                    str((points["followed"].values & good).sum()),
                    str((points["hybridised"].values & good).sum()),
                )
            )
    return f"shift map, self-energy model: {ds.attrs['self_energy']}\n{columns(rows)}"


def emission_table(model: Model, found: Sequence[Emission]) -> str:
    """Return the emissions of several states, one line each."""
    lines = [f"emission, self-energy model: {model.self_energy}"]
    lines.append(f"surface charges: {charges_text(model)}")
    heads = (
        "state|carriers|emission (eV)|error (meV)|shift (meV)|error (meV)|from the gap (meV)|overlap|notes"
    )
    rows = [tuple(heads.split("|"))]
    for result in found:
        notes = [] if result.followed else ["not followed"]
        notes += ["hybridised"] if result.hybridised else []
        notes += [] if result.purity is None else [f"{result.purity:.1%} pure"]
        rows.append(
            (
                result.state,
                result.carriers,
                f"{result.emission_eV:.6f}",
                _number(result.error_meV),
                f"{result.shift_meV:+.3f}",
                _number(result.shift_error_meV),
                f"{result.confinement_meV:.3f}",
                f"{result.overlap:.4f}",
                ", ".join(notes) or "-",
            )
        )
    lines.append(columns(rows))
    for result in found:
        if result.explanation is not None:
            lines += ["", *_explanation_lines(result, result.explanation)]
    return "\n".join(lines)


def _number(value: float | None, form: str = ".3f") -> str:
    return "-" if value is None else f"{value:{form}}"


def _explanation_lines(result: Emission, parts: Explanation) -> list[str]:
    rows = [(f"shift of {result.state} (meV)", "")]
    for name, value in parts.as_dict().items():
        each = value if isinstance(value, dict) else {"": value}
        words = name.replace("_", " ")
        rows += [(f"{words} {pair}".strip(), f"{part:+.3f}") for pair, part in each.items()]
    rows.append(("sum", f"{parts.total:+.3f}"))
    spread = _number(result.shift_model_spread_meV), _number(result.model_spread_meV)
    rows.append(("model spread of the shift, of the emission", " / ".join(spread)))
    return [columns(rows)]


def levels_table(model: Model, document: Mapping[str, Any]) -> str:
    """Return the levels of electron and hole; document: the JSON of `spq levels`."""
    lines = [f"levels from the CdSe edges, self-energy model: {model.self_energy}"]
    if model.self_energy == "density":
        lines[0] += " (levels are bare)"
    for kind in ("electron", "hole"):
        rows = [(kind, "energy (meV)", "m", "degeneracy", "on dot 1, 2, ...")]
        for number, level in enumerate(document[kind], 1):
            rows.append(
                (
                    str(number),
                    f"{level['energy_meV']:.3f}",
                    "-" if level["m"] is None else str(level["m"]),
                    str(level["degeneracy"]),
                    " ".join(f"{share:.3f}" for share in level["dots"]),
                )
            )
        lines.append(columns(rows))
    splittings = document["splitting_meV"]
    if splittings["electron"] is not None:
        lines.append(
            "splitting of the lowest two levels: "
            f"electron {splittings['electron']:.3f} meV, hole {splittings['hole']:.3f} meV"
        )
    return "\n".join(lines)


def mesh_table(model: Model, quality: MeshQuality) -> str:
    """Return the quality figures of a mesh."""
    lines = [
        f"mesh at accuracy {model.accuracy}: {quality.elements} curved tetrahedra, {quality.nodes} nodes",
        f"least Jacobian ratio: {quality.least_jacobian_ratio:.4f} (1 is a straight tetrahedron)",
    ]
    rows = [("region", "tetrahedra", "volume (nm^3)", "closed form", "off by")]
    figures = (quality.regions, quality.region_elements, quality.volumes, quality.exact)
    for name, count, volume, exact in zip(*figures, strict=True):
        closed, off = "-", "-"
        if exact is not None:
            closed = f"{exact:.5f}"
            off = f"{volume / exact - 1.0:+.1e}" if exact > 0.0 else "-"
        rows.append((name, str(count), f"{volume:.5f}", closed, off))
    return "\n".join([*lines, columns(rows)])


def materials_json(materials: Iterable[Material]) -> dict[str, Any]:
    """Return the materials table as the JSON of `spq materials`."""
    keys = (*VALUES, "gap_300K")
    return {
        "materials": [
            {
                "name": material.name,
                **{key: getattr(material, key) for key in keys},
                "sources": dict(material.sources),
            }
            for material in materials
        ]
    }


def materials_table(materials: Iterable[Material]) -> str:
    """Return the materials table; every value carries the number of its source."""
    keys = (*VALUES, "gap_300K")
    units = VALUES | {"gap_300K": "eV"}
    sources: list[str] = []
    rows = [("material", *(f"{key} ({units[key]})" if units[key] else key for key in keys))]
    for material in materials:
        cells = []
        for key in keys:
            value = getattr(material, key)
            if value is None:
                cells.append("-")
                continue
            source = material.sources[key]
            if source not in sources:
                sources.append(source)
            cells.append(f"{value:g} [{sources.index(source) + 1}]")
        rows.append((material.name, *cells))
    notes = [f"[{number}] {source}" for number, source in enumerate(sources, 1)]
    notes.append("gap: at 4 K; gap_300K is shown only. Conduction bands are above that of CdSe.")
    return "\n".join([columns(rows), *notes])


def check_json(model: Model, cost: Cost) -> dict[str, Any]:
    """Return the JSON of `spq check`."""
    return {
        "dots": [
            {
                "core": dot.core,
                "core_radius_nm": dot.core_radius,
                "shell": dot.shell,
                "outer_radius_nm": dot.outer_radius,
                "center_nm": center.tolist(),
            }
            for dot, center in zip(model.molecule.dots, model.molecule.centers, strict=True)
        ],
        "matrix": model.matrix,
        "self_energy": model.self_energy,
        "method": model.method,
        "accuracy": model.accuracy,
        "states": [state.name for state in model.states],
        **cost.as_dict(),
    }


def check_text(model: Model, cost: Cost) -> str:
    """Return what would be computed, its size and its cost."""
    molecule = model.molecule
    lines = [f"self-energy model: {model.self_energy}"]
    for number, (dot, center) in enumerate(zip(molecule.dots, molecule.centers, strict=True), 1):
        place = ", ".join(f"{x:g}" for x in np.round(center, 6) + 0.0)
        lines.append(
            f"dot {number}: {dot.core} core of {dot.core_radius:g} nm, {dot.shell} shell to "
            f"{dot.outer_radius:g} nm, at ({place}) nm"
        )
        if dot.gradation:
            lines[-1] += f", graded over {dot.gradation:g} nm"
    for pair in molecule.pairs:
        joint = f"lens radius {pair.lens_radius:.3f} nm"
        if pair.gap:
            joint = f"apart by {pair.gap:g} nm"
        elif pair.neck_radius:
            joint = f"neck of {2 * pair.neck_radius:g} nm"
        lines.append(f"dots {pair.first + 1} and {pair.second + 1}: {joint}")
        if molecule.linker_diameter:
            lines[-1] += f", a linker of {model.linker}, {molecule.linker_diameter:g} nm wide, between them"
    lines.append(f"matrix: {model.matrix}; {model.permittivity} permittivities; {model.wall} wall")
    lines.append(f"method: {model.method}, {model.final_state} final state")
    lines.append(f"accuracy: {model.accuracy}")
    lines.append(f"surface charges always there: {charges_text(model)}")
    lines.append(f"states: {', '.join(state.name for state in model.states)}")
    charges = ", ".join(f"{charge:+g}" for charge in model.map.charges)
    if cost.points is None:
        lines.append("map: none, the dots are not on one line")
    else:
        lines.append(f"map: {cost.points} positions x charges {charges} e")
    lines.append(f"self-consistent solutions: {cost.solutions}")
    origin = "" if cost.stored_mesh else ", estimated"
    flat = model.chosen_discretisation == "axisymmetric"
    elements = "triangles of the half plane" if flat else "tetrahedra"
    lines.append(f"mesh: {cost.elements} {elements}, {cost.unknowns} unknowns{origin}")
    lines.append(f"estimated: {cost.seconds:.0f} s on two cores, {cost.memory_GB:.1f} GB")
    return "\n".join(lines)


def charges_text(model: Model) -> str:
    """Return the surface charges of a model as text."""
    texts = []
    for charge in model.surface_charges:
        x, y, z = np.round(charge.resolve(model.molecule), 4) + 0.0
        texts.append(f"{charge.charge:+g} e at ({x:g}, {y:g}, {z:g}) nm")
    return "; ".join(texts) or "none"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines with aligned columns, the first flush left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
