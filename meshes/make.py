"""Make the stored meshes again: python meshes/make.py (needs Gmsh; old files are removed)."""

from pathlib import Path

from spq import gallery, mesh, meshing

FOLDER = Path(__file__).parent
CASES = [
    (case, accuracy) for accuracy in ("coarse", "normal") for case in ("heterodimer", "homodimer", "monomer")
]
CASES += [("heterodimer", "fine"), ("monomer", "fine")]

if __name__ == "__main__":
    for old in FOLDER.glob("*.npz"):
        old.unlink()
    readme = FOLDER / "README.md"
    head = readme.read_text(encoding="utf-8").split("|---|---|---|\n")[0]
    rows = []
    for case, accuracy in CASES:
        molecule = getattr(gallery, case)().molecule
        name = mesh.cache_name(molecule, accuracy)
        mesh.write_wedge(meshing.mesh_wedge(molecule, accuracy), FOLDER / name)
        rows.append(f"| `{name}` | {case} | {accuracy} |\n")
    readme.write_text(head + "|---|---|---|\n" + "".join(rows), encoding="utf-8")
