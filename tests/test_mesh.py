"""Meshes: volumes, curvature, mirror symmetry, determinism, the cache, and Gmsh's session."""

import builtins
import logging

import numpy as np
import pytest
from skfem import MappingIsoparametric
from systems import mesh_name, need_gmsh, need_mesh, turn

from spq import gallery, mesh, meshing, planar
from spq.errors import MeshError
from spq.geometry import Dot, Molecule
from spq.mesh import cache_name, molecule_mesh, region_names, region_volumes
from spq.prepare import COARSENING

MOLECULES = {
    "monomer": gallery.monomer().molecule,
    "well": gallery.infinite_well().molecule,
    "heterodimer": gallery.NOMINAL,
    "homodimer": gallery.homodimer().molecule,
    "neck": Molecule.dimer((1.3, 1.35), 2.1, neck_diameter=4.0),
    "gap": Molecule.dimer((1.3, 1.4), 2.1, center_distance=8.0),
    "trimer": gallery.trimer().molecule,
}


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A cache folder of its own, and no shipped meshes."""
    monkeypatch.setenv("SPQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(mesh, "shipped", lambda: tmp_path / "nothing")
    return tmp_path / "cache" / "meshes"


@pytest.mark.parametrize("name", MOLECULES)
@pytest.mark.parametrize("accuracy", ["coarse", pytest.param("normal", marks=pytest.mark.slow)])
def test_volumes_and_jacobians(name, accuracy):
    molecule = MOLECULES[name]
    need_mesh(molecule, accuracy)
    found = molecule_mesh(molecule, accuracy)
    names = region_names(molecule)
    volumes = region_volumes(found, molecule)
    assert set(found.subdomains) == set(names) and len(volumes) == len(names)
    counts = [len(found.subdomains[part]) for part in names]
    assert sum(counts) == found.nelements
    exact = molecule.volumes()
    if name == "well":
        assert counts[1] == 0
    else:
        assert min(counts) > 50
    if exact is None:
        assert name == "trimer"
    else:
        assert volumes[:-1] == pytest.approx(exact, rel=mesh.VOLUME_TOLERANCE[accuracy], abs=1e-9)
    whole = 4 / 3 * np.pi * meshing.outer_radius(molecule) ** 3
    assert volumes.sum() == pytest.approx(whole, rel=2e-3)
    # at every corner, edge and inner point: no element is inverted anywhere
    samples = np.array(
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
        + [[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5], [0.25, 0.25, 0.25]]
    ).T
    assert MappingIsoparametric(found, found.elem(), None).DF(samples).shape[0] == 3
    jacobian = MappingIsoparametric(found, found.elem(), None).detDF(samples)
    assert jacobian.min() > 0 or jacobian.max() < 0


def test_regions_are_where_they_belong():
    molecule = MOLECULES["heterodimer"]
    need_mesh(molecule, "coarse")
    found = molecule_mesh(molecule, "coarse")
    corners = found.doflocs[:, found.t]
    for dot, (centre, core, outer) in enumerate(
        zip(molecule.centers, molecule.core_radii, molecule.outer_radii, strict=True), 1
    ):
        distance = np.linalg.norm(corners - centre[:, None, None], axis=0)
        inner, shell = (found.subdomains[f"{part}{dot}"] for part in ("core", "shell"))
        assert distance[:, inner].max() < core + 1e-6
        assert distance[:, shell].min() > core - 1e-6
        assert distance[:, shell].max() < outer + 1e-6
        side = corners[2][:, shell] - molecule.pairs[0].plane - molecule.centers[0, 2]
        assert (side.max() < 1e-6) if dot == 1 else (side.min() > -1e-6)
    outside = molecule.distance_outside(corners[:, :, found.subdomains["matrix"]].reshape(3, -1).T)
    assert outside.min() > -1e-6


def test_nodes_lie_on_the_sphere():
    """Middles of the surface's edges too: the elements are curved."""
    need_mesh(MOLECULES["monomer"], "coarse")
    found = molecule_mesh(MOLECULES["monomer"], "coarse")
    radius = np.linalg.norm(found.doflocs, axis=0)
    vertices = np.abs(radius[: found.nvertices] - 3.4) < 1e-6
    middles = np.abs(radius[found.nvertices :] - 3.4) < 1e-3
    assert vertices.sum() > 50
    assert middles.sum() >= 3 * vertices.sum() - 6  # Euler: 3 edges per vertex of a triangulation


@pytest.mark.parametrize(
    "name, axes",
    [
        ("monomer", (0, 1, 2)),
        ("homodimer", (0, 1, 2)),
        ("heterodimer", (0, 1)),
        ("trimer", (1,)),
    ],
)
def test_mirror_planes_are_exact(name, axes):
    """Reflected nodes are nodes, bit for bit, and reflected elements are elements of their region."""
    molecule = MOLECULES[name]
    need_mesh(molecule, "coarse")
    assert meshing.mirror_axes(molecule) == axes
    found = molecule_mesh(molecule, "coarse")
    frame = meshing.frame(molecule)
    if not np.array_equal(np.abs(frame), np.eye(3)):  # turned out of the coordinate planes: no bits
        pytest.skip("the mirror plane is no coordinate plane") if name != "trimer" else None
    nodes = (found.doflocs.T - molecule.mean_center) @ frame.T
    nodes = np.round(nodes, 9) + 0.0
    order = {tuple(node): index for index, node in enumerate(nodes)}
    assert len(order) == len(nodes)
    for axis in axes:
        mirrored = nodes.copy()
        mirrored[:, axis] = -mirrored[:, axis] + 0.0
        image = np.array([order.get(tuple(node), -1) for node in mirrored])
        assert (image >= 0).all()
        assert np.count_nonzero(image != np.arange(len(nodes))) > len(nodes) // 2
        cells = {tuple(sorted(cell)) for cell in found.t.T}
        assert {tuple(sorted(image[cell])) for cell in found.t.T} == cells


def test_a_homodimers_coordinates_mirror_bit_for_bit():
    need_mesh(MOLECULES["homodimer"], "coarse")
    nodes = molecule_mesh(MOLECULES["homodimer"], "coarse").doflocs.T
    found = {node.tobytes() for node in nodes + 0.0}
    for axis in range(3):
        mirrored = nodes.copy()
        mirrored[:, axis] *= -1
        assert {node.tobytes() for node in mirrored + 0.0} == found


def test_twice_the_same_mesh():
    need_gmsh()
    first = meshing.mesh_wedge(gallery.NOMINAL, meshing.SIZES["coarse"])
    again = meshing.mesh_wedge(gallery.NOMINAL, meshing.SIZES["coarse"])
    assert len(first.elements) > 1000
    for part in ("nodes", "elements", "regions"):
        assert np.array_equal(getattr(first, part), getattr(again, part))
    assert first.mirrors == again.mirrors == (0, 1)


def test_the_cache_gives_the_same_mesh(empty_cache, monkeypatch):
    need_gmsh()
    molecule = MOLECULES["monomer"]
    made = molecule_mesh(molecule, "coarse")
    assert [path.name for path in empty_cache.iterdir()] == [mesh_name(molecule, "coarse")]

    def never(*_):
        raise AssertionError("meshed again")

    monkeypatch.setattr(meshing, "mesh_wedge", never)
    read = molecule_mesh(molecule, "coarse")
    assert np.array_equal(made.doflocs, read.doflocs) and np.array_equal(made.t, read.t)
    assert all(np.array_equal(made.subdomains[n], read.subdomains[n]) for n in made.subdomains)


@pytest.mark.parametrize("damage", ["empty", "cut", "other"])
def test_a_damaged_cache_is_made_again(empty_cache, damage):
    need_gmsh()
    molecule = MOLECULES["monomer"]
    made = molecule_mesh(molecule, "coarse")
    path = empty_cache / mesh_name(molecule, "coarse")
    content = path.read_bytes()
    if damage == "other":
        np.savez(path, something=np.zeros(3))
    else:
        path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    again = molecule_mesh(molecule, "coarse")
    assert np.array_equal(made.doflocs, again.doflocs)
    assert path.read_bytes() != b"" and len(path.read_bytes()) > 0.9 * len(content)


def test_an_unwritable_cache_costs_only_time(empty_cache, caplog):
    need_gmsh()
    empty_cache.parent.parent.mkdir(exist_ok=True)
    empty_cache.parent.write_text("a file where the folder should be")
    with caplog.at_level(logging.WARNING, logger="spq.cache"):
        found = molecule_mesh(MOLECULES["monomer"], "coarse")
    assert found.nelements > 1000
    assert "is not kept" in caplog.text


@pytest.mark.parametrize("discretisation", ["solid", "axisymmetric"])
def test_what_a_stored_mesh_depends_on(monkeypatch, discretisation):
    def name_of(molecule, accuracy="normal"):
        return mesh_name(molecule, accuracy, discretisation)

    molecule = gallery.NOMINAL
    name = name_of(molecule)
    assert name == name_of(Molecule.dimer((1.3, 1.35), 2.1, 6.4))
    # neither a neck without effect, nor materials and the place in space matter
    assert name == name_of(Molecule.dimer((1.3, 1.35), 2.1, 6.4, neck_diameter=1.0))
    assert name == name_of(Molecule.dimer((1.3, 1.35), 2.1, 6.4, core="ZnSe"))
    moved = molecule.rotated(turn([1, 1, 0], 40.0)).translated([1.0, 2.0, 3.0])
    assert name == name_of(moved)
    others = [
        name_of(molecule, "coarse"),
        name_of(Molecule.dimer((1.3, 1.36), 2.1, 6.4)),
        name_of(Molecule.dimer((1.3, 1.35), 2.2, 6.4)),
        name_of(Molecule.dimer((1.3, 1.35), 2.1, 6.5)),
        name_of(Molecule.dimer((1.3, 1.35), 2.1, 6.4, neck_diameter=4.0)),
        name_of(Molecule.dimer((1.35, 1.3), 2.1, 6.4)),
    ]
    if discretisation == "axisymmetric":
        sizes = planar.SIZES["normal"]
        others += [cache_name(molecule, sizes), cache_name(molecule, sizes, 2 * planar.EDGE_GROWTH)]
    monkeypatch.setattr(mesh, "FORMAT", mesh.FORMAT + 1)
    others.append(name_of(molecule))
    assert len({name, *others}) == 1 + len(others)


def test_moved_molecules_have_moved_meshes():
    rotation, step = turn([1.0, 2.0, -0.5], 37.0), np.array([3.0, -1.0, 12.0])
    molecule = gallery.NOMINAL.rotated(rotation).translated(step)
    need_mesh(molecule, "coarse")
    found = molecule_mesh(molecule, "coarse")
    assert found.doflocs.mean(axis=1) == pytest.approx(step, abs=0.5)
    assert region_volumes(found, molecule)[:-1] == pytest.approx(molecule.volumes(), rel=3e-3)


def test_a_wrong_volume_is_refused(monkeypatch):
    molecule = MOLECULES["monomer"]
    need_mesh(molecule, "coarse")
    monkeypatch.setitem(mesh.VOLUME_TOLERANCE, "coarse", 1e-9)
    with pytest.raises(MeshError, match=r"volume of (core|shell)1 is \d+\.\d+ nm\^3 in the mesh"):
        molecule_mesh(molecule, "coarse")


def test_gmsh_sessions():
    """A session that was open stays open with its model and options; one of our own is closed."""
    need_gmsh()
    import gmsh

    assert not gmsh.isInitialized()
    meshing.mesh_wedge(MOLECULES["monomer"], meshing.SIZES["coarse"])
    assert not gmsh.isInitialized()
    gmsh.initialize(interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.option.setNumber("General.NumThreads", 2)
        gmsh.option.setNumber("Mesh.ElementOrder", 1)
        gmsh.model.add("mine")
        gmsh.model.occ.addSphere(0, 0, 0, 1.0)
        gmsh.model.occ.synchronize()
        meshing.mesh_wedge(MOLECULES["monomer"], meshing.SIZES["coarse"])
        assert gmsh.isInitialized()
        assert gmsh.model.getCurrent() == "mine"
        assert "spq" not in gmsh.model.list()
        assert gmsh.model.getEntities(3) == [(3, 1)]
        assert gmsh.option.getNumber("Mesh.ElementOrder") == 1
        assert gmsh.option.getNumber("General.NumThreads") == 2
    finally:
        gmsh.finalize()


def without_gmsh(monkeypatch, error):
    real = builtins.__import__

    def import_without(name, *args, **kwargs):
        if name == "gmsh":
            raise error
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", import_without)


def test_the_message_where_gmshs_libraries_are_missing(empty_cache, monkeypatch):
    without_gmsh(monkeypatch, OSError("libGLU.so.1: cannot open shared object file"))
    with pytest.raises(MeshError, match=r"libGLU\.so\.1.*apt-get install .*libglu1-mesa") as caught:
        molecule_mesh(Molecule([Dot(1.31, 2.07)]), "coarse")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_stored_mesh_needs_no_gmsh(monkeypatch):
    need_mesh(gallery.NOMINAL, "coarse")
    molecule_mesh(gallery.NOMINAL, "coarse")
    without_gmsh(monkeypatch, OSError("libGLU.so.1: cannot open shared object file"))
    assert molecule_mesh(gallery.NOMINAL, "coarse").nelements > 1000


@pytest.mark.parametrize("discretisation", ["axisymmetric", "solid"])
@pytest.mark.parametrize("accuracy", ["coarse", "normal"])
def test_the_nominal_meshes_are_shipped(accuracy, discretisation):
    """The main job runs where Gmsh cannot be loaded."""
    for molecule in (gallery.NOMINAL, gallery.monomer().molecule):
        assert (mesh.shipped() / mesh_name(molecule, accuracy, discretisation)).is_file()


@pytest.mark.parametrize("accuracy", ["coarse", "normal"])
def test_the_companions_half_planes_are_shipped(accuracy):
    sizes = planar.SIZES[accuracy].scaled(COARSENING)
    for molecule in (gallery.NOMINAL, gallery.monomer().molecule):
        assert (mesh.shipped() / cache_name(molecule, sizes, planar.EDGE_GROWTH)).is_file()
