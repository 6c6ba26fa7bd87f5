"""Make the stored meshes that are missing: python meshes/make.py (needs Gmsh).

A mesh is made again once its file is deleted; files that are not listed here are removed.
"""

from pathlib import Path

from spq import gallery, mesh, meshing, planar
from spq.prepare import COARSENING

FOLDER = Path(__file__).parent
MOLECULES = ("heterodimer", "homodimer", "monomer")
SOLIDS = [(case, accuracy) for accuracy in ("coarse", "normal") for case in MOLECULES]
SOLIDS += [("heterodimer", "fine"), ("monomer", "fine")]
# half planes are small: beside each the coarser one that its error is estimated with
HALF_PLANES = [(case, accuracy) for accuracy in planar.SIZES for case in MOLECULES]


def stored(case: str, accuracy: str, name: str, make, sizes, remark: str = "") -> str:
    """Make a mesh unless it is there; its row of the table."""
    path = FOLDER / name
    if not path.is_file():
        mesh.write_wedge(make(getattr(gallery, case)().molecule, sizes), path)
    return f"| `{name}` | {case} | {accuracy}{remark} |\n"


def rows() -> list[str]:
    """Make what is missing; the table of all meshes."""
    found = []
    for case, accuracy in SOLIDS:
        molecule, sizes = getattr(gallery, case)().molecule, meshing.SIZES[accuracy]
        name = mesh.cache_name(molecule, sizes)
        found.append(stored(case, accuracy, name, meshing.mesh_wedge, sizes))
    for case, accuracy in HALF_PLANES:
        molecule = getattr(gallery, case)().molecule
        for factor, remark in ((1.0, ", half plane"), (COARSENING, ", half plane, companion")):
            sizes = planar.SIZES[accuracy].scaled(factor)
            name = mesh.cache_name(molecule, sizes, planar.EDGE_GROWTH)
            found.append(stored(case, accuracy, name, planar.mesh_half_plane, sizes, remark))
    return found


if __name__ == "__main__":
    table = "".join(rows())
    for old in FOLDER.glob("*.npz"):
        if f"`{old.name}`" not in table:
            old.unlink()
    readme = FOLDER / "README.md"
    head = readme.read_text(encoding="utf-8").split("|---|---|---|\n")[0]
    readme.write_text(f"{head}|---|---|---|\n{table}", encoding="utf-8")
