"""Files as COMSOL exports them: read back exactly, and a known difference from our own solution is found."""

import json

import numpy as np
import pytest
from scipy import constants
from synthetic import synthetic_map

import spq
from spq import gallery
from spq.cli import main
from spq.errors import InputError
from spq.inputfile import dumps

MODEL = gallery.uniform_monomer(accuracy="coarse")
CHARGE = spq.SurfaceCharge(charge=1, z=3.4)
AXES = (np.linspace(-2, 2, 9), np.linspace(-2, 2, 7), np.linspace(-3, 3, 11))
NOISE = 1e-3


def grid_points(axes):
    return np.column_stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")])


def header(expressions, unit="nm", dimension=3):
    return [
        "% Model:              dot.mph",
        "% Version:            COMSOL 6.2.0.290",
        "% Date:               Nov 28 2026, 10:15",
        f"% Dimension:          {dimension}",
        f"% Expressions:        {expressions}",
        "% Description:        Electric potential",
        f"% Length unit:        {unit}",
    ]


def write_spreadsheet(path, points, columns, unit="nm", letters="xyz", shuffle=True):
    """columns: title -> values. Rows in any order, as an export of points may be."""
    head = "% " + "".join(f"{title:<25}" for title in (*letters, *columns))
    order = np.random.default_rng(1).permutation(len(points)) if shuffle else np.arange(len(points))
    rows = ["  ".join(f"{x:.16g}" for x in (*points[i], *(v[i] for v in columns.values()))) for i in order]
    text = [*header(len(columns), unit, len(letters)), head, *rows]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def write_grid(path, axes, blocks, unit="nm"):
    """blocks: header -> values (x, y, z)."""
    lines = [*header(len(blocks), unit), "% Grid", *(" ".join(f"{x:.16g}" for x in axis) for axis in axes)]
    for title, values in blocks.items():
        lines.append(f"% {title}")
        for k in range(values.shape[2]):
            lines += [" ".join(f"{x:.16g}" for x in values[:, j, k]) for j in range(values.shape[1])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1.0), ("m", 1e-9), ("µm", 1e-3)])
def test_spreadsheet(tmp_path, unit, factor):
    points = grid_points(AXES)
    potential, density = points @ [1.0, 2.0, 3.0] + 0.1, np.exp(-np.sum(points**2, axis=1))
    columns = {"V (mV)": 1e3 * potential, "abs(psi)^2 (1/m^3)": 1e27 * density, "es.epsilonr": density}
    write_spreadsheet(tmp_path / "grid.txt", factor * points, columns, unit)
    ds = spq.read_grid(tmp_path / "grid.txt")
    assert dict(ds.sizes) == {"x": 9, "y": 7, "z": 11} and len(ds.data_vars) == 3
    for letter, axis in zip("xyz", AXES, strict=True):
        assert ds[letter].values == pytest.approx(axis, abs=1e-9)
    first, second, third = ds.data_vars
    assert first == "V" and third == "es.epsilonr"
    assert ds["V"].attrs["units"] == "eV" and ds[second].attrs["units"] == "1/nm^3"
    assert ds["V"].values.ravel() == pytest.approx(potential)
    assert ds[second].values.ravel() == pytest.approx(density)
    assert ds.attrs["version"] == "COMSOL 6.2.0.290"


def test_grid_format(tmp_path):
    points = grid_points(AXES)
    values = (points @ [1.0, 2.0, 3.0]).reshape([len(axis) for axis in AXES])
    write_grid(tmp_path / "grid.txt", AXES, {"V (V)": values, "W (J)": constants.e * values})
    ds = spq.read_grid(tmp_path / "grid.txt")
    assert ds["V"].values == pytest.approx(values) and ds["W"].values == pytest.approx(values)
    write_grid(tmp_path / "one.txt", AXES, {"Data": values})
    (name,) = (one := spq.read_grid(tmp_path / "one.txt")).data_vars
    assert name == "Electric potential" and one[name].values == pytest.approx(values)


def test_difference_of_a_potential(tmp_path):
    """Ours with an offset of 20 meV, noise of 1 meV, and one point that is 50 meV off in the core."""
    points = grid_points(AXES)
    ours = spq.evaluate(MODEL, points, surface_charges=[CHARGE])["potential_eV"].values
    noise = NOISE * np.random.default_rng(2).normal(size=len(ours))
    center = np.argmin(np.linalg.norm(points - [0.0, 0.0, 0.6], axis=1))
    noise[center] = 0.05
    theirs = ours + 0.02 + noise
    theirs[0] = np.nan
    write_spreadsheet(tmp_path / "grid.txt", points, {"V (V)": theirs})
    found = spq.difference(tmp_path / "grid.txt", MODEL, "potential", surface_charges=[CHARGE])
    known = np.isfinite(theirs)
    assert float(found["maximum"]) == pytest.approx(0.07, abs=1e-9) == float(found["core_maximum"])
    assert float(found["mean"]) == pytest.approx(0.02 + noise[known].mean(), abs=1e-9)
    assert float(found["rms"]) == pytest.approx(np.sqrt(np.mean((0.02 + noise[known]) ** 2)), abs=1e-9)
    core = (np.linalg.norm(points, axis=1) < gallery.CORE) & known
    assert float(found["core_rms"]) == pytest.approx(np.sqrt(np.mean((0.02 + noise[core]) ** 2)), abs=1e-9)
    assert found.attrs["points_in_core"] == core.sum() > 10 and found.attrs["points"] == known.sum()
    assert np.isnan(found["difference"].values.ravel()[0])
    nothing = spq.difference(
        tmp_path / "grid.txt", MODEL, "potential", surface_charges=[spq.SurfaceCharge(-1, z=3.4)]
    )
    assert float(nothing["rms"]) > 0.3  # of another charge


def test_wave_functions_are_compared_as_states(tmp_path):
    """Of other sign, phase and norm; on (r, z) with the weight of a ring; complex numbers too."""
    r, z = np.linspace(0.0, 3.3, 34), np.linspace(-3.3, 3.3, 67)
    points = grid_points((r, z))
    places = np.column_stack([points[:, 0], 0 * points[:, 0], points[:, 1]])
    ours = spq.evaluate(MODEL, places, "X@1")["wave_function"].values
    path = tmp_path / "psi.txt"
    write_spreadsheet(path, points, {"psi (1)": -7.0 * ours[0]}, letters="rz")
    found = spq.difference(path, MODEL, "wave_function e1", "X@1")
    assert float(found["overlap"]) == pytest.approx(1.0, abs=1e-9) and abs(float(found["maximum"])) < 1e-9
    other = spq.difference(path, MODEL, "wave_function h1", "X@1")
    assert 0.3 < float(other["overlap"]) < 0.95 and float(other["rms"]) > 1e-3
    turned = ours[0] * np.exp(0.7j)
    rows = [
        f"{a:.16g} {b:.16g} {v.real:.16g}{v.imag:+.16g}i" for (a, b), v in zip(points, turned, strict=True)
    ]
    path.write_text("\n".join([*header(1, dimension=2), "% r  z  psi (1)", *rows]), encoding="utf-8")
    found = spq.difference(path, MODEL, "wave_function e1", "X@1")
    assert float(found["overlap"]) == pytest.approx(1.0, abs=1e-9) and abs(float(found["maximum"])) < 1e-9
    level = spq.difference(path, MODEL, "level e 1")
    assert 0.99 < float(level["overlap"]) < 1 - 1e-6  # the exciton's electron leans to its hole


def test_wave_functions_in_a_plane_keep_their_unit(tmp_path):
    """A grid of (x, y) has another norm than space: ours stays as it is, theirs is scaled to it."""
    points = grid_points(AXES[:2])
    ours = spq.evaluate(MODEL, np.column_stack([points, 0 * points[:, 0]]), "X@1")["wave_function"].values[0]
    write_spreadsheet(tmp_path / "psi.txt", points, {"psi (1)": -7.0 * ours}, letters="xy")
    found = spq.difference(tmp_path / "psi.txt", MODEL, "wave_function e1", "X@1")
    assert found["ours"].values.ravel() == pytest.approx(ours, rel=1e-9) and ours.max() > 0.2
    assert found["theirs"].values.ravel() == pytest.approx(ours, rel=1e-9)
    assert found["theirs"].attrs["units"] == "nm^-3/2"


def test_half_a_grid_is_half_of_the_whole(tmp_path):
    """A grid that ends in a plane of symmetry does not count it twice."""
    z = np.linspace(-3.0, 3.0, 13)
    overlaps = []
    for axis in (z, z[6:]):
        points = grid_points((AXES[0], AXES[1], axis))
        write_spreadsheet(tmp_path / "psi.txt", points, {"psi (1)": np.exp(-np.abs(points[:, 2]))})
        overlaps.append(float(spq.difference(tmp_path / "psi.txt", MODEL, "level e 1")["overlap"]))
    assert overlaps[1] == pytest.approx(overlaps[0], rel=1e-6) and 0.1 < overlaps[0] < 0.9


def test_the_axis_of_a_half_plane_is_compared_too(tmp_path):
    """A ring at r = 0 has no volume, but a value."""
    r, z = np.linspace(0.0, 3.0, 16), np.linspace(-3.0, 3.0, 31)
    points = grid_points((r, z))
    places = np.column_stack([points[:, 0], 0 * points[:, 0], points[:, 1]])
    ours = spq.evaluate(MODEL, places, levels=1)["level_wave_function"].values[0]
    write_spreadsheet(tmp_path / "psi.txt", points, {"psi (1)": ours}, letters="rz")
    found = spq.difference(tmp_path / "psi.txt", MODEL, "level e 1")
    assert found["ours"].sel(r=0.0, z=0.0, method="nearest") == pytest.approx(ours.max(), rel=1e-3)


def test_command_line(tmp_path, capsys):
    points = grid_points(AXES)
    model = MODEL.replace(surface_charges=(CHARGE,))
    (tmp_path / "dot.toml").write_text(dumps(model), encoding="utf-8")
    ours = spq.evaluate(model, points)["potential_eV"].values
    write_spreadsheet(tmp_path / "grid.txt", points, {"V (V)": ours + 0.01})
    files = [str(tmp_path / "grid.txt"), str(tmp_path / "dot.toml")]
    assert main(["compare", *files, "--quantity", "potential", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["rms"] == pytest.approx(0.01, abs=1e-9) and document["units"] == "eV"
    assert main(["compare", *files, "--quantity", "potential"]) == 0
    assert "in the cores: maximum +0.01 eV" in capsys.readouterr().out
    beyond = points[points[:, 2] == 3.0]
    write_spreadsheet(tmp_path / "beyond.txt", beyond, {"V (V)": np.zeros(len(beyond))})
    words = ["compare", str(tmp_path / "beyond.txt"), files[1], "--quantity", "potential"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "in the cores: no point of the grid" in printed and "nan" not in printed
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["core_rms"] is None
    spq.save_map(synthetic_map(MODEL), tmp_path)
    assert main(["compare", str(tmp_path / "shift_map.nc"), files[1], "--quantity", "potential"]) == 2
    assert "shift_map.nc: is a NetCDF file" in capsys.readouterr().err
    assert main(["compare", *files]) == 2
    assert "--quantity" in capsys.readouterr().err
    assert main(["compare", *files, "--quantity", "density e1"]) == 2


def test_errors(tmp_path):
    path = tmp_path / "grid.txt"
    points = grid_points(AXES)
    write_spreadsheet(path, points[:-1], {"V (V)": points[:-1, 0]})
    with pytest.raises(InputError, match="692 rows do not fill a regular grid, which would have 9 × 7 × 11"):
        spq.read_grid(path)
    path.write_text("% x  y  z  V (V)\n1 2 3 four\n", encoding="utf-8")
    with pytest.raises(InputError, match="no number: 'four'"):
        spq.read_grid(path)
    for given in ("three", "2.5", "4"):
        path.write_text(f"% Dimension: {given}\n1 2 3 4 5\n", encoding="utf-8")
        with pytest.raises(InputError, match=f"Dimension: {given}: must be 2 or 3"):
            spq.read_grid(path)
    spq.save_map(synthetic_map(MODEL), tmp_path)
    with pytest.raises(InputError, match="is a NetCDF file, not the text of a grid"):
        spq.read_grid(tmp_path / "shift_map.nc")
    write_spreadsheet(path, points, {"V (V)": points[:, 0]}, unit="inch")
    with pytest.raises(InputError, match="length unit inch"):
        spq.read_grid(path)
    with pytest.raises(InputError, match="cannot be read"):
        spq.read_grid(tmp_path / "none.txt")
    write_spreadsheet(
        path, points, {"V (V)": points[:, 0], "W (V)": points[:, 0], "U (1/nm^3)": points[:, 0]}
    )
    with pytest.raises(InputError, match="V, W, U; say which"):
        spq.difference(path, MODEL, "potential")
    with pytest.raises(InputError, match="V: is in eV, density in 1/nm"):
        spq.difference(path, MODEL, "density e1", "X@1", variable="V")
    with pytest.raises(InputError, match='nearest: "potential"'):
        spq.difference(path, MODEL, "potentil", variable="V")
    with pytest.raises(InputError, match="quantity = 'density': must be one of \"density e1\", "):
        spq.difference(path, MODEL, "density", "X@1", variable="U")
    with pytest.raises(InputError, match="at most .* are on this mesh"):
        spq.difference(path, MODEL, "level e 5000", variable="V")
    with pytest.raises(InputError, match="grid = 3: must be what spq.read_grid returns"):
        spq.difference(3, MODEL, "potential")
    with pytest.raises(InputError, match="model = 3: must be a Model"):
        spq.difference(path, 3, "potential", variable="V")
    with pytest.raises(InputError, match="path = 3: must be a file"):
        spq.read_grid(3)
    with pytest.raises(InputError, match="needs charges"):
        spq.difference(path, MODEL, "potential", variable="V")
