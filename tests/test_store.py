"""Shift maps on disk: what is written is read back, whole or not at all."""

import csv
import json
import os

import numpy as np
import pytest
import xarray as xr
from synthetic import synthetic_map

from spq import inputfile, store
from spq.errors import InputError
from spq.gallery import heterodimer

NOMINAL = heterodimer()


@pytest.fixture(scope="module")
def shifts():
    return synthetic_map(NOMINAL)


def test_round_trip(shifts, tmp_path):
    folder = tmp_path / "new" / "results"
    paths = store.save_map(shifts, folder)
    assert [path.name for path in paths] == ["shift_map.nc", "shift_map.csv"]
    assert sorted(os.listdir(folder)) == ["shift_map.csv", "shift_map.nc"]
    read = store.load_map(folder / "shift_map.nc")
    xr.testing.assert_identical(read, shifts)
    for name in store.BOOLEAN:
        assert read[name].dtype == bool, name
    assert inputfile.loads(read.attrs["input"]) == NOMINAL
    assert read["energy_eV"].attrs["units"] == "eV"


def test_comparison_notices_a_change(shifts, tmp_path):
    """Negative control of the round trip: one flag turned."""
    store.save_map(shifts, tmp_path)
    read = store.load_map(tmp_path / "shift_map.nc")
    read["followed"][0, 0, 0] = ~read["followed"][0, 0, 0]
    assert not read.identical(shifts)


def test_reading_leaves_the_file_free(shifts, tmp_path):
    store.save_map(shifts, tmp_path)
    store.load_map(tmp_path / "shift_map.nc")
    store.save_map(shifts, tmp_path)
    (tmp_path / "shift_map.nc").unlink()


def test_csv_has_a_row_for_each_point(shifts, tmp_path):
    store.save_map(shifts, tmp_path)
    with (tmp_path / "shift_map.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == shifts["energy_eV"].size == 6 * 2 * 21
    point = shifts.isel(state=4, charge=1, point=7)
    row = rows[(4 * 2 + 1) * 21 + 7]
    assert (row["state"], row["self_energy"], row["point"]) == ("X-@2", "none", "7")
    expected = {
        "charge_e": -1.0,
        "z_nm": point["z_nm"],
        "position_x_nm": point["position_nm"][0],
        "energy_eV": point["energy_eV"],
        "shift_meV": point["shift_meV"],
        "reference_eV": point["reference_eV"],
        "electrons_dot1": point["electrons"][0],
        "final_holes_dot2": point["final_holes"][1],
    }
    for name, value in expected.items():
        # ten digits are written
        assert float(row[name]) == pytest.approx(float(value), rel=1e-9, abs=1e-12), name
    assert row["converged"] == "True"
    failed = rows[5]
    assert (failed["converged"], failed["energy_eV"], failed["shift_meV"]) == ("False", "", "")


def test_json_is_nested_and_without_nan(shifts):
    document = json.loads(json.dumps(store.map_json(shifts), allow_nan=False))
    assert set(document) == {
        "z_nm",
        "phi_deg",
        "charge",
        "state",
        "shift_meV",
        "energy_eV",
        "overlap",
        "converged",
        "followed",
        "hybridised",
        "reference_eV",
        "self_energy",
        "seconds",
    }
    assert document["state"] == ["X@1", "segX-@1", "segT@1", "X@2", "X-@2", "segT@2"]
    assert document["charge"] == [1.0, -1.0]
    assert np.shape(document["energy_eV"]) == (6, 2, 21)
    assert document["energy_eV"][0][0][5] is None and document["converged"][0][0][5] is False
    assert document["shift_meV"][3][1][20] == float(shifts["shift_meV"][3, 1, 20])
    assert document["seconds"]["total"] == 10.0
    assert document["self_energy"] == "none"


def test_json_keeps_the_order_of_dimensions(shifts):
    turned = shifts.transpose("point", "charge", "state", ...)
    assert store.map_json(turned) == store.map_json(shifts)


@pytest.mark.parametrize("content", [b"", b"not a map", b"\x89HDF\r\n\x1a\n"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "some.nc"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"some\.nc: cannot be read as NetCDF"):
        store.load_map(path)


def test_other_netcdf_is_refused(shifts, tmp_path):
    path = tmp_path / "some.nc"
    shifts.drop_vars("followed").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match=r"some\.nc: is no map of spq, it lacks followed$"):
        store.load_map(path)
    with pytest.raises(InputError, match="there is no such file"):
        store.load_map(tmp_path / "other.nc")
    with pytest.raises(InputError, match="there is no such file"):
        store.load_map(tmp_path)


def test_all_files_or_none(tmp_path):
    def fails(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_text("old")
    writers = {"a": lambda path: path.write_text("new"), "b": fails}
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        store.write_files(tmp_path, writers)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_unwritable_folders(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    for folder in (blocked, blocked / "below"):
        with pytest.raises(InputError, match=r"output folder .*file.* is not a folder"):
            store.check_writable(folder)
    (tmp_path / "shift_map.nc").mkdir()
    with pytest.raises(InputError, match=r"shift_map\.nc is a folder"):
        store.check_writable(tmp_path, ("shift_map.nc",))
    store.check_writable(tmp_path / "not" / "yet", ("shift_map.nc",))
    assert not (tmp_path / "not").exists()


def test_plain():
    given = {"a": np.array([1.0, np.nan]), "b": (np.bool_(True), np.int64(3), float("inf"), "x")}
    assert store.plain(given) == {"a": [1.0, None], "b": [True, 3, None, "x"]}
