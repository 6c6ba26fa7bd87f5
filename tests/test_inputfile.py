"""The input file: reading, writing, and what it says about mistakes."""

import tomllib

import pytest

from spq.errors import InputError
from spq.geometry import Dot, Molecule
from spq.inputfile import MAP, MODEL, TABLES, dumps, load, loads
from spq.mapspec import MapSpec
from spq.model import Model
from spq.surface import SurfaceCharge
from spq.template import TEMPLATE

ONE = "[[dots]]\ncore_radius = 1.3\nshell_thickness = 2.1\n"
TWO = ONE + ONE
NOMINAL = Model(Molecule.dimer((1.3, 1.35), 2.1))
INP = {
    "electron_mass": 0.08,
    "hole_mass": 0.6,
    "gap": 1.42,
    "conduction_band": -0.3,
    "permittivity_static": 12.5,
    "permittivity_optical": 9.6,
}
LINE = Molecule([Dot(1.3, 2.1, position=(0.1, 0.2, z)) for z in (0, 6, 12.5)], neck_diameter=3)

EVERY_KEY = """
[[dots]]
core_radius = 1.3
shell_thickness = 2.1
core = "CdSe"
shell = "ZnS"
[[dots]]
core_radius = 1
core = "InP"

[geometry]
center_distance = 6
neck_diameter = 1.5

[materials]
matrix = "ligand"
conduction_band_offset = 0.32
permittivity = "optical"
[materials.CdSe]
electron_mass = 0.12
[materials.InP]
electron_mass = 0.08
hole_mass = 0.6
gap = 1.42
conduction_band = -0.3
permittivity_static = 12.5
permittivity_optical = 9.6

[model]
self_energy = "density"
image_cut = 0.2
image_prefactor = 0.9
wall = "hard"
final_state = "frozen"
electric_field = [10, 0, -5]
method = "direct"
discretisation = "solid"
accuracy = "fine"

[[surface_charges]]
charge = 1
z = 3.2
phi = 30
offset = 0.1
[[surface_charges]]
charge = -0.5
position = [9, 0, 0]

[map]
states = ["X@1", "e1 e1 h1 e2"]
charges = [1, -0.5]
points = 7
z = [-3.2, 2.5]
surface = "full"
phi = 45
phi_points = 12
"""


def test_the_template_is_the_nominal_heterodimer():
    assert loads(TEMPLATE) == NOMINAL
    for table, keys in TABLES.items():
        for key in keys:
            assert f"{key} = " in TEMPLATE or f"or {key}" in TEMPLATE, (table, key)


def test_every_key_arrives():
    model = loads(EVERY_KEY)
    assert model == Model(
        Molecule.dimer((1.3, 1.0), (2.1, 0.0), 6.0, 1.5, core=("CdSe", "InP"), shell=("ZnS", "CdS")),
        matrix="ligand",
        conduction_band_offset=0.32,
        permittivity="optical",
        materials={"CdSe": {"electron_mass": 0.12}, "InP": INP},
        self_energy="density",
        image_cut=0.2,
        image_prefactor=0.9,
        final_state="frozen",
        method="direct",
        discretisation="solid",
        accuracy="fine",
        electric_field=(10.0, 0.0, -5.0),
        surface_charges=(
            SurfaceCharge(1.0, z=3.2, phi=30.0, offset=0.1),
            SurfaceCharge(-0.5, position=(9.0, 0.0, 0.0)),
        ),
        map=MapSpec(("X@1", "e1 e1 h1 e2"), (1.0, -0.5), 7, (-3.2, 2.5), "full", 45.0, 12),
    )
    for keys, description in ((MODEL, model), (MAP, model.map)):
        plain = NOMINAL if description is model else MapSpec()
        same = {key for key in keys if getattr(description, key) == getattr(plain, key)}
        assert same <= {"wall"}  # "finite" is for other discretisations


@pytest.mark.parametrize(
    "model",
    [
        NOMINAL,
        loads(EVERY_KEY),
        Model(Molecule.monomer(1.5)),
        Model(Molecule((Dot(1.5, 1 / 3, position=(0.1, 0.2, 1e-17)),))),
        Model(LINE, map=MapSpec(states=("e1 h1 e3 @1", "X@2"), points=3)),
        Model(NOMINAL.molecule.translated([1, 2, 3.3])),
        Model(Molecule.dimer((1.1, 1.2 + 1e-13), 0.7), conduction_band_offset=1 / 3),
        Model(Molecule.dimer(1.3, 2.1, shell="ZnS"), conduction_band_offset=0.2),
        Model(Molecule.dimer(1.3, 2.1, core="InP"), materials={"InP": INP, "ZnSe": {"gap": 2.9}}),
        Model(Molecule.dimer(1.3, 2.1, core='a "b" \\ é'), materials={'a "b" \\ é': INP}),
    ],
)
def test_what_is_written_is_read_back(model):
    text = dumps(model)
    again = loads(text)
    assert again == model and hash(again) == hash(model)
    assert dumps(again) == text
    assert again.replace(accuracy="coarse") != model


def test_what_is_written_holds_the_whole_input():
    written = tomllib.loads(dumps(NOMINAL))
    assert written["geometry"] == {"center_distance": 6.4, "neck_diameter": 0.0, "linker_diameter": 0.0}
    assert written["materials"]["conduction_band_offset"] == 0.1
    assert written["materials"]["PMMA"]["permittivity_static"] == 2.25
    assert set(written["materials"]["CdSe"]) == set(INP)
    assert set(written["model"]) == set(MODEL)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"dots: missing; at least one \[\[dots\]\]"),
        ("dots = 3", r"dots: must be written as \[\[dots\]\]"),
        ("[dots]\ncore_radius = 1", r"dots: must be written as \[\[dots\]\]"),
        ("[[dots]]\nshell_thickness = 1", r"dots\[1\]\.core_radius: missing"),
        (TWO + "core_radus = 2", r'dots\[2\]\.core_radus: unknown key .*"dots\[2\]\.core_radius"'),
        (TWO + "[geomtry]", r'geomtry: unknown key \(nearest: "geometry"\)'),
        ("neck_diameter = 1\n" + TWO, r'neck_diameter: .*nearest: "geometry\.neck_diameter"'),
        (TWO + "[geometry]\nneck_diametre = 1", r'geometry\.neck_diametre.*"geometry\.neck_diam'),
        (TWO + "[model]\nneck_diameter = 1", r'model\.neck_diameter.*"geometry\.neck_diameter"'),
        (TWO + "[model]\nqqqqq = 1", r"model\.qqqqq: unknown key \(known: self_energy, wall"),
        (TWO + "[map]\nstate = ['X@1']", r'map\.state: unknown key \(nearest: "map\.states"\)'),
        (TWO + "[[surface_charges]]\ncharg = 1", r'charg: .*"surface_charges\[1\]\.charge"'),
        (TWO + "[[surface_charges]]\nz = 1", r"surface_charges\[1\]\.charge: missing"),
        (TWO + "[surface_charges]\ncharge = 1", r"must be written as \[\[surface_charges\]\]"),
        (TWO + "[materials]\nmatrx = 'a'", r'materials\.matrx: .*nearest: "materials\.matrix"'),
        (TWO + "[materials.CdS]\ngp = 2", r'materials\.CdS\.gp: .*"materials\.CdS\.gap"'),
        (TWO + "[materials.InP]\ngap = 2", r"materials\.InP: .*missing: electron_mass"),
        (TWO + "[materials.matrix]", r"materials\.matrix = \{\}: must be a name"),
        (TWO + "[[geometry]]", r"geometry = \[\{\}\]: must be a table, \[geometry\]"),
        (ONE.replace("1.3", "-1"), r"^dots\[1\]\.core_radius = -1 nm: must be > 0$"),
        (ONE + ONE.replace("2.1", "nan"), r"^dots\[2\]\.shell_thickness = nan nm: must be finite"),
        (ONE.replace("1.3", "true"), r"^dots\[1\]\.core_radius = True: must be a number"),
        (ONE.replace("1.3", "'1.3'"), r"^dots\[1\]\.core_radius = '1\.3': must be a number"),
        (ONE.replace("1.3", "1979-05-27"), r"^dots\[1\]\.core_radius = .*must be a number"),
        (ONE + "position = [0, 0, 1]\n" + ONE, r"^dots\[2\]\.position: missing"),
        (ONE + "[geometry]\ncenter_distance = 3", r"^geometry\.center_distance = 3 nm: allowed"),
        (ONE + "[geometry]\nneck_diameter = 3", r"^geometry\.neck_diameter = 3 nm: a single dot"),
        (TWO + "[geometry]\ncenter_distance = 2", r"^geometry\.center_distance = 2 nm: must be >"),
        (ONE + "[geometry]\nneck_diameter = -3", r"^geometry\.neck_diameter = -3 nm: must be >="),
        (TWO + "[[surface_charges]]\ncharge = 1\nz = 9", r"^surface_charges\[1\]\.z = 9 nm: lies"),
        (TWO + "[map]\nstates = ['X@3']", r'^map\.states\[1\]: state "X@3"'),
        (TWO + "[ci]\norbitals = 0", r"^ci\.orbitals = 0: must be >= 1"),
        (TWO + "[ci]\norbitls = 9", r'^ci\.orbitls: unknown key.*"ci\.orbitals"'),
        (
            TWO + "[materials]\nconduction_band_offset = 0.1\n[materials.CdS]\nconduction_band = 1",
            "both given",
        ),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(InputError, match=message) as caught:
        loads(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = = 1", 1), (TWO + "x = [1,\n", 7), (ONE + "core_radius = 1", 4), (ONE + "a b = 1\n", 4)],
)
def test_malformed_toml_names_the_line(text, line):
    with pytest.raises(InputError, match=f"^line {line}[,:]"):
        loads(text)


def test_files(tmp_path):
    path = tmp_path / "dimer.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEMPLATE.replace("\n", "\r\n").encode())
    assert load(path) == load(str(path)) == NOMINAL
    path.write_text(ONE.replace("1.3", "0"))
    with pytest.raises(InputError, match=r"dimer\.toml: dots\[1\]\.core_radius = 0 nm: must"):
        load(path)
    path.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(InputError, match="line 2: is not UTF-8"):
        load(path)
    with pytest.raises(InputError, match=r"none\.toml: there is no such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load(tmp_path)
