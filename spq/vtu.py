"""Fields on the mesh, and maps on the surface, as VTK unstructured grids (.vtu) for ParaView.

Elements stay curved: 10-node tetrahedra, or 6-node triangles of the whole plane through the axis, the half
plane at azimuth 0 and the one at 180 degrees.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spq.columns import surface_shape
from spq.cuts import field_values
from spq.discretisation import KINDS
from spq.localfields import Solved, band_edges
from spq.places import places_of_nodes
from spq.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr


def write_fields(given: Solved, path: Path, progress: Progress = silent) -> None:
    """Write all fields of a solved state on its mesh, lengths in nm, laboratory frame.

    Point data: named as the variables of spq.evaluate, with the carrier ("density e1"); NaN where a field is
    not known or infinite. Cell data: region (2i core of dot i from 0, 2i + 1 its shell, ..., the matrix
    last), and the band edges at the middle of each element. Raises OSError if the file cannot be written.
    """
    import meshio

    space = given.discretisation.space
    places = places_of_nodes(space)
    elements = np.ascontiguousarray(space.mesh.dofs.element_dofs.T)
    copies = len(places.points) // space.size
    cells = np.vstack([elements + copy * space.size for copy in range(copies)])
    middles = places.points[cells].mean(axis=1)
    names = {"carrier": [o.name for o in given.orbitals], "level": [o.name for o in given.levels]}
    points: dict[str, np.ndarray] = {}
    for name, (before, values) in field_values(given, places, progress).items():
        if name == "confinement_eV":
            continue  # it jumps at nodes
        values = np.where(np.isfinite(values), values, np.nan)
        if before:
            points |= {f"{name} {label}": each for label, each in zip(names[before], values, strict=True)}
        else:
            points[name] = values
    data = {"region": [np.tile(space.regions, copies).astype(np.int32)]}
    data |= {f"confinement_eV {kind}": [band_edges(given.model, kind, middles)] for kind in KINDS}
    shape = "tetra10" if elements.shape[1] == 10 else "triangle6"
    content = meshio.Mesh(places.points, [(shape, cells)], point_data=points, cell_data=data)
    meshio.write(path, content, file_format="vtu", binary=True)


def write_map(ds: xr.Dataset, path: Path) -> None:
    """Write a shift map as points of the surface, joined along the line or over the full surface.

    Point data: "shift_meV X@1 +1 e" and so on, NaN where a point did not converge. Raises OSError if the
    file cannot be written.
    """
    import meshio

    positions = np.ascontiguousarray(ds["position_nm"].transpose("point", ...).values)
    count = len(positions)
    shape = surface_shape(ds)
    if shape is not None:
        number = np.arange(count).reshape(shape)
        beside = np.roll(number, -1, axis=1)
        corners = [number[:-1], beside[:-1], beside[1:], number[1:]]
        cells = [("quad", np.stack([each.ravel() for each in corners], axis=1))]
    elif count > 1 and np.isfinite(ds["z_nm"].values).all():
        cells = [("line", np.column_stack([np.arange(count - 1), np.arange(1, count)]))]
    else:
        cells = [("vertex", np.arange(count)[:, None])]
    points: dict[str, np.ndarray] = {}
    for state in ds["state"].values:
        for charge in ds["charge"].values:
            here = ds.sel(state=state, charge=charge)
            label = f"{state} {charge:+g} e"
            points[f"shift_meV {label}"] = here["shift_meV"].values
            points[f"shift_error_meV {label}"] = here["shift_error_meV"].values
            points[f"energy_eV {label}"] = here["energy_eV"].values
            points[f"hybridised {label}"] = here["hybridised"].values.astype(np.int32)
    content = meshio.Mesh(positions, cells, point_data=points)
    meshio.write(path, content, file_format="vtu", binary=True)
