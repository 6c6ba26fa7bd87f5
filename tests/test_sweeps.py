"""Sweeps: what they compute, what they keep, and what survives."""

import importlib.util
import json
import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import xarray as xr

import spq
from spq import pointstore, pointwork, pool
from spq.computing import compute_of
from spq.errors import InputError, SpqError
from spq.fields import changed
from spq.geometry import Molecule
from spq.model import Model
from spq.sweeps import planned, sweep

MONOMER = Model(Molecule.monomer(1.5, 1.0), accuracy="coarse")
RADII = [1.3, 1.4, 1.5, 1.6]
FIELD = "dots.core_radius"


def volume(model):
    """A computation that costs nothing: of the core, in nm^3."""
    return {"volume": 4.0 / 3.0 * np.pi * model.molecule.core_radii[0] ** 3, "name": model.matrix}


def logged(model):
    """The same, slowly, with a line for every time that it is done."""
    time.sleep(0.05)
    with open(os.environ["SPQ_TEST_LOG"], "a") as file:
        file.write(f"{model.molecule.core_radii[0]}\n")
    return volume(model)


def slow(model):
    """The same, slower yet."""
    time.sleep(0.5)
    return volume(model)


def deadly(model):
    """Takes its process with it at one of the points."""
    if model.molecule.core_radii[0] == RADII[1]:
        os._exit(1)
    return volume(model)


def failing(model):
    """Fails at one of the points, with an error that nobody expects."""
    return {"inverse": 1 / int(model.molecule.core_radii[0] != RADII[2])}


def vast(model):
    """A large result."""
    return xr.Dataset({"ones": ("place", np.ones(100_000))})


def files(folder):
    """Every file of a store, with its content."""
    return {path: path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def test_a_sweep_is_what_emission_gives():
    """Every value of the Dataset at a point is that of spq.emission for its model; a guard: points differ."""
    axes = {FIELD: [1.3, 1.5], "model.self_energy": ["none", "image"]}
    model = MONOMER.replace(surface_charges=(spq.SurfaceCharge(charge=1.0, z=2.2),))
    ds = sweep(model, axes)
    assert ds.sizes == {FIELD: 2, "model.self_energy": 2, "state": 4, "dot": 1}
    single = changed(model, {FIELD: 1.3, "model.self_energy": "image"})
    point = ds.sel({FIELD: 1.3, "model.self_energy": "image"})
    for name in ds["state"].values:
        expected = spq.emission(single, str(name))
        found = point.sel(state=name)
        assert float(found["energy_eV"]) == pytest.approx(expected.emission_eV, abs=1e-9)
        for field in ("shift_meV", "error_meV", "shift_error_meV", "overlap"):
            assert float(found[field]) == pytest.approx(getattr(expected, field), abs=1e-6)
        for field, slope in expected.derivatives.items():
            assert float(found[f"derivative {field}"]) == pytest.approx(slope, abs=1e-6)
        assert bool(found["converged"]) and float(found["electrons"][0]) == pytest.approx(
            expected.electrons[0]
        )
    assert ds["energy_eV"].attrs["units"] == "eV"
    assert (ds["energy_eV"].std([FIELD, "model.self_energy"]) > 1e-3).all()
    assert (ds["error"] == "").all()


def test_levels_and_maps_can_be_swept():
    model = Model(Molecule.dimer(1.3, 2.1), accuracy="coarse", self_energy="none")
    ds = sweep(
        model.replace(map=spq.MapSpec(states=("X@1",), points=3)), {FIELD: [1.3]}, ["levels", "shift_map"]
    )
    levels = spq.levels(model)
    assert ds["splitting_meV"].sel(kind="electron").item() == pytest.approx(levels.splitting_meV["electron"])
    assert ds["level_meV"].dims == (FIELD, "kind", "level")
    assert ds["shift_meV"].dims == (FIELD, "state", "charge", "point")
    assert ds["z_nm"].dims == (FIELD, "point") and ds["z_nm"].values[0, 0] == pytest.approx(
        -6.4 / 2 - 3.4, abs=0.1
    )


@pytest.mark.parametrize("executor", [None, ProcessPoolExecutor])
def test_one_s_own_computation(executor):
    if executor is None:
        ds = sweep(MONOMER, {FIELD: RADII}, volume)
    else:
        with executor(2) as given:
            ds = sweep(MONOMER, {FIELD: RADII}, volume, executor=given)
    assert ds["volume"].values == pytest.approx(4.0 / 3.0 * np.pi * np.array(RADII) ** 3)
    assert ds["name"].values.tolist() == ["PMMA"] * 4


def test_the_order_is_that_of_the_axes():
    axes = {FIELD: RADII, ("dots.shell_thickness", "materials.matrix"): ([1.0, 2.0], ["PMMA", "ligand"])}
    ds = sweep(MONOMER, axes, volume)
    assert ds["volume"].dims == (FIELD, "zipped")
    assert ds["name"].values.tolist() == [["PMMA", "ligand"]] * 4
    assert ds["materials.matrix"].dims == ("zipped",)
    assert (np.diff(ds["volume"].values, axis=0) > 0).all()


def test_points_that_fail_do_not_stop_the_rest(tmp_path):
    """One has no model, one fails in a way that nobody foresaw."""
    ds = sweep(MONOMER, {FIELD: [*RADII, -1.0]}, failing, store=tmp_path)
    assert ds["error"].values[:2].tolist() == ["", ""]
    assert ds["error"].values[2] == "unexpected ZeroDivisionError: division by zero"
    assert "dots[1].core_radius = -1 nm: must be > 0" in ds["error"].values[4]
    assert ds["inverse"].values == pytest.approx([1.0, 1.0, np.nan, 1.0, np.nan], nan_ok=True)
    before = files(tmp_path)
    assert sweep(MONOMER, {FIELD: [*RADII, -1.0]}, failing, store=tmp_path).identical(ds)
    assert files(tmp_path) == before
    sweep(MONOMER, {FIELD: RADII}, failing, store=tmp_path, retry=True)
    changed_files = [path for path, content in files(tmp_path).items() if before.get(path) != content]
    assert [path.parent.parent.name for path in changed_files if path.name != "store.json"].count(
        "points"
    ) == 1


def test_no_point_at_all_is_an_error(tmp_path):
    with pytest.raises(InputError, match="must be > 0"):
        sweep(MONOMER, {FIELD: [-1.0, -2.0]}, volume, store=tmp_path / "store")
    with pytest.raises(InputError, match="unknown key"):
        sweep(MONOMER, {"dots.core_radus": RADII}, volume, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_process_that_dies_is_one_failed_point(tmp_path):
    ds = sweep(MONOMER, {FIELD: RADII}, deadly, store=tmp_path)
    assert (
        ds["error"].values[1] == "its process died 3 times (out of memory, killed, or a crash in a library)"
    )
    assert np.isfinite(ds["volume"].values).tolist() == [True, False, True, True]


def test_finished_points_are_not_computed_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SPQ_TEST_LOG", str(tmp_path / "log"))
    store = tmp_path / "store"
    sweep(MONOMER, {FIELD: RADII[:2]}, logged, store=store)
    longer = sweep(MONOMER, {FIELD: RADII, "materials.matrix": ["PMMA"]}, logged, store=store)
    assert sorted(float(line) for line in (tmp_path / "log").read_text().split()) == RADII
    elsewhere = sweep(MONOMER, {FIELD: RADII, "materials.matrix": ["PMMA"]}, volume)
    assert longer["volume"].values.tobytes() == elsewhere["volume"].values.tobytes()


def test_another_model_or_computation_is_another_point(tmp_path, monkeypatch):
    keys = {planned(model, {FIELD: [1.3]}, compute).keys[0] for model, compute in OTHERS}
    monkeypatch.setattr(pointstore, "program", lambda: "another")
    monkeypatch.setattr("spq.sweeps.program", lambda: "another")
    keys.add(planned(MONOMER, {FIELD: [1.3]}, volume).keys[0])
    assert len(keys) == len(OTHERS) + 1


OTHERS = [
    (MONOMER, volume),
    (MONOMER, failing),
    (MONOMER, "emission"),
    (MONOMER, "levels"),
    (MONOMER, ["emission", "levels"]),
    (MONOMER.replace(accuracy="normal"), volume),
    (MONOMER.replace(materials={"CdSe": {"gap": 1.85}}), volume),
    (MONOMER.replace(electric_field=(0.0, 0.0, 1.0)), volume),
]


SCRIPT = """
import resource, sys
import spq, test_sweeps
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
what = getattr(test_sweeps, sys.argv[3] if len(sys.argv) > 3 else "logged")
radii = [round(1.2 + 0.02 * i, 9) for i in range(20)]
try:
    print(spq.sweep(test_sweeps.MONOMER, {"dots.core_radius": radii}, what, store=sys.argv[1]).error.size)
except spq.InputError as error:
    print(error)
"""


def script(*words, **more):
    """Start a program of its own that sweeps 20 points."""
    around = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])} | more
    program = [sys.executable, "-c", SCRIPT, *map(str, words)]
    return subprocess.Popen(program, env=around, stdout=subprocess.PIPE, text=True)


def test_two_processes_share_a_store(tmp_path):
    """Each point is computed by one of the two, and both have all of them."""
    both = [script(tmp_path / "store", SPQ_TEST_LOG=str(tmp_path / "log")) for _ in range(2)]
    assert [process.communicate()[0] for process in both] == ["20\n", "20\n"]
    lines = (tmp_path / "log").read_text().split()
    assert len(lines) == len(set(lines)) == 20
    assert len(list((tmp_path / "store" / "points").glob("*/*.json"))) == 20


def test_processes_end_with_their_parent(tmp_path):
    """A parent that is killed leaves nobody behind, and what is finished is there."""
    process = script(tmp_path, resource.RLIM_INFINITY, "slow")
    while len(list(tmp_path.glob("points/*/*.json"))) < 2:
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert len(children) >= 2 and alive == []
    finished = files(tmp_path / "points")
    assert 2 <= len(finished) < 20
    assert script(tmp_path, resource.RLIM_INFINITY, "slow").communicate()[0] == "20\n"
    again = files(tmp_path / "points")
    assert {path: again[path] for path in finished} == finished


def test_points_that_others_compute_are_waited_for(tmp_path):
    """Somebody has claimed a point and gives it up unfinished: then it is computed here, once."""
    point = planned(MONOMER, {FIELD: RADII}, volume).distinct[1]
    store = pointstore.PointStore.opened(tmp_path)
    claimed, waiting = threading.Event(), threading.Event()
    stages = []

    def hold():
        with store.claimed(point.key, wait=True) as ours:
            assert ours
            claimed.set()
            assert waiting.wait(120.0)  # given up only once the sweep has said what it waits for
            assert all(store.has(other.key) for other in rest) and not store.has(point.key)

    def tell(stage, done, total):
        stages.append((stage, done, total))
        if stage.startswith("waiting"):
            waiting.set()

    rest = [other for other in planned(MONOMER, {FIELD: RADII}, volume).distinct if other != point]
    holder = threading.Thread(target=hold)
    holder.start()
    claimed.wait()
    ds = sweep(MONOMER, {FIELD: RADII}, volume, store=tmp_path, progress=tell)
    holder.join()
    assert ("waiting for points that another process computes", 3, 4) in stages
    assert np.isfinite(ds["volume"].values).all() and store.begun() == []


def test_a_value_that_is_the_default_is_no_other_point():
    given = MONOMER.replace(conduction_band_offset=0.10, materials={"CdSe": {"gap": 1.84}})
    other = MONOMER.replace(conduction_band_offset=0.11)
    keys = [planned(model, {FIELD: [1.3]}, volume).keys[0] for model in (MONOMER, given, other)]
    assert keys[0] == keys[1] != keys[2]


def test_a_full_disk_loses_nothing_that_is_finished(tmp_path):
    """No file may become longer than the limit: large points cannot be written, small ones are kept."""
    store = tmp_path / "store"
    assert script(store, 100_000, "volume").communicate()[0] == "20\n"
    small = files(store)
    said = script(store, 100_000, "vast").communicate()[0]
    assert said.startswith(f"store {store}: cannot be written") and "what is finished is kept" in said
    kept = files(store)
    assert {path: kept[path] for path in small} == small
    assert not [path for path in kept if path.suffix == ".tmp"]
    assert script(store, resource.RLIM_INFINITY, "vast").communicate()[0] == "20\n"


def test_a_damaged_point_is_found_before_anything_is_computed(tmp_path):
    sweep(MONOMER, {FIELD: RADII}, volume, store=tmp_path)
    next(tmp_path.glob("points/*/*.json")).write_text("{")
    before = files(tmp_path / "points")
    with pytest.raises(InputError, match="is damaged"):
        sweep(MONOMER, {FIELD: [*RADII, 1.7]}, volume, store=tmp_path)
    assert files(tmp_path / "points") == before


def test_what_is_computed_again_can_be_read_meanwhile(tmp_path):
    """A failed point that one sweep tries again is there for another until the new result is."""
    sweep(MONOMER, {FIELD: RADII}, failing, store=tmp_path)
    plan = planned(MONOMER, {FIELD: RADII}, failing)
    store = pointstore.PointStore.opened(tmp_path)
    (key,) = [point.key for point in plan.distinct if store.read(point.key)["error"]]
    again = store.without([key])
    assert store.has(key) and not again.has(key) and store.read(key)["error"]
    again.write(key, {"error": None, "result": {}, "seconds": 0.0})
    assert again.has(key) and store.has(key)


def test_files_that_nobody_finished_are_removed(tmp_path):
    sweep(MONOMER, {FIELD: RADII[:1]}, volume, store=tmp_path)
    folder = next(tmp_path.glob("points/*"))
    old, new = folder / "a.tmp", folder / "b.tmp"
    for path in (old, new):
        path.write_text("{")
    os.utime(old, (0, 0))
    pointstore.PointStore.opened(tmp_path, make=False)
    assert old.exists() and new.exists()
    pointstore.PointStore.opened(tmp_path)
    assert not old.exists() and new.exists()


def test_a_worker_with_another_program_is_refused(tmp_path, monkeypatch):
    plan = planned(MONOMER, {FIELD: RADII}, volume)
    store = pointstore.PointStore.opened(tmp_path)
    monkeypatch.setattr(pointstore, "program", lambda: "0.0.9+abc")
    with pytest.raises(InputError, match="a worker: .*store.json: holds results of spq"):
        pointwork.work(store, plan.distinct, pointwork.packed(plan.compute))
    assert not list(tmp_path.glob("points"))
    with pytest.raises(InputError, match="a worker: .*cannot be read"):
        pointwork.work(pointstore.PointStore(tmp_path / "unseen"), plan.distinct, b"")


@pytest.mark.parametrize("damage", ["truncated", "another number", "no JSON", "empty"])
def test_a_damaged_store_is_named_and_left_alone(tmp_path, damage):
    sweep(MONOMER, {FIELD: RADII}, volume, store=tmp_path)
    path = sorted(tmp_path.glob("points/*/*.json"))[2]
    text = path.read_text()
    changes = {
        "truncated": text[:-20],
        "no JSON": "{",
        "empty": "",
        "another number": text.replace("PMMA", "PMMB"),
    }
    assert changes[damage] != text
    path.write_text(changes[damage])
    before = files(tmp_path)
    with pytest.raises(InputError) as error:
        sweep(MONOMER, {FIELD: RADII}, volume, store=tmp_path)
    assert str(error.value).startswith(f"{path}: is damaged") and "\n" not in str(error.value)
    assert files(tmp_path) == before
    path.unlink()
    assert (sweep(MONOMER, {FIELD: RADII}, volume, store=tmp_path)["error"] == "").all()


@pytest.mark.parametrize(
    "about, expected",
    [
        ({"format": 1, "program": "0.0.9+abc"}, "holds results of spq 0.0.9+abc, this is"),
        ({"format": 99, "program": "2.0"}, "format 99, this version of spq reads 1"),
        (None, "is damaged"),
    ],
)
def test_a_store_of_another_version_is_left_alone(tmp_path, about, expected):
    sweep(MONOMER, {FIELD: RADII[:1]}, volume, store=tmp_path)
    whole = {"content": about, "checksum": pointstore.digest_of(about or {})}
    (tmp_path / "store.json").write_text(json.dumps(whole))
    before = files(tmp_path)
    with pytest.raises(InputError) as error:
        sweep(MONOMER, {FIELD: RADII}, volume, store=tmp_path)
    assert expected in str(error.value)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "compute, expected",
    [
        ("emissions", 'must be one of "emission", "levels", "shift_map" (nearest: "emission")'),
        ([], "must hold at least one name or function"),
        (3, "compute = 3: must be a name, a function of a Model"),
        (print, "the source of builtins.print is not known"),
        ((lambda held: lambda model: {"x": held})(3), "must not depend on variables"),
        (lambda model: {"x": 1}, "a lambda has no source of its own"),
        (MONOMER.replace, "or on an object"),
        (["emission", "shift_map"], "sweep apart"),
    ],
)
def test_wrong_computations_are_refused(compute, expected):
    with pytest.raises(InputError) as error:
        compute_of(compute)
    assert expected in str(error.value)


@pytest.mark.parametrize("executor", [3, "two"])
def test_other_executors_are_refused(executor):
    with pytest.raises(InputError, match="must be one of concurrent.futures' kind"):
        sweep(MONOMER, {FIELD: RADII}, volume, executor=executor)


def test_threads_are_refused():
    with ThreadPoolExecutor(1) as executor, pytest.raises(InputError, match="processes"):
        sweep(MONOMER, {FIELD: RADII}, volume, executor=executor)


def rounded(model):
    """A whole number at the first point."""
    return {"n": 1 if model.molecule.core_radii[0] == RADII[0] else 1.5}


def worded(model):
    """A word at the first point, a number elsewhere."""
    return {"n": "one" if model.molecule.core_radii[0] == RADII[0] else 1.5}


def named(model):
    """A name that the sweep has itself."""
    return {"error": 1.0}


def unkept(model):
    """What cannot be kept."""
    return {"n": 1j}


def nothing(model):
    """What is neither number nor word."""
    return {"n": None}


def placed(model):
    """A coordinate that is another one at every point."""
    return xr.Dataset({"n": ("place", [1.0])}, {"place": [float(model.molecule.core_radii[0])]})


def test_kinds_are_those_of_all_points():
    assert sweep(MONOMER, {FIELD: RADII}, rounded)["n"].values.tolist() == [1.0, 1.5, 1.5, 1.5]


@pytest.mark.parametrize(
    "compute, expected",
    [
        (worded, "n is a number at one point of the sweep and a word at another"),
        (named, "error has the name of something of the sweep itself"),
        (placed, "coordinate place differs between points of the sweep"),
    ],
)
def test_results_that_do_not_fit_together_are_refused(compute, expected):
    with pytest.raises(InputError, match=expected):
        sweep(MONOMER, {FIELD: RADII}, compute)


@pytest.mark.parametrize("compute, kind", [(unkept, "complex128"), (nothing, "object")])
def test_what_cannot_be_kept_is_an_error_of_its_point(compute, kind):
    said = str(sweep(MONOMER, {FIELD: RADII[:1]}, compute)["error"].values[0])
    assert said == f"InputError: compute: n holds {kind}, neither real numbers nor words"


class Locked:
    """A computation that cannot leave its process."""

    def __reduce__(self):
        raise TypeError("locked")


HELD = Locked()


def holding(model):
    return {"n": id(HELD)}


def test_what_cannot_be_sent_is_refused(monkeypatch):
    monkeypatch.setattr(holding, "__module__", "__main__")  # then it goes with what it names
    with pytest.raises(InputError, match=r"compute: cannot be sent to other processes \(.*locked"):
        sweep(MONOMER, {FIELD: RADII}, holding)


def test_states_do_not_change_along_an_axis():
    with pytest.raises(InputError, match="coordinate state differs"):
        sweep(MONOMER.replace(self_energy="none"), {"map.states": [["X@1"], ["XX@1"]]})


@pytest.fixture
def unseen(tmp_path):
    """A function of a module that no other process can load."""
    path = tmp_path / "lost.py"
    path.write_text("def lost(model):\n    return {'n': 1.0}\n")
    spec = importlib.util.spec_from_file_location("lost", path)
    sys.modules["lost"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.lost
    del sys.modules["lost"]


def test_a_function_that_workers_cannot_load_is_told(unseen):
    with pytest.raises(InputError, match="a worker: cannot load .* No module named 'lost'"):
        sweep(MONOMER, {FIELD: RADII}, unseen)


def unbegun(parent):
    """A process that ends before it has begun; SPQ_TEST_LOG counts how often."""
    with open(os.environ["SPQ_TEST_LOG"], "a") as file:
        file.write("x")
    os._exit(1)


def begun_late(parent):
    """The same, the first two times."""
    path = Path(os.environ["SPQ_TEST_LOG"])
    if not path.exists() or len(path.read_text()) < 2:
        unbegun(parent)


def test_processes_that_cannot_begin_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("SPQ_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(pool, "_begin", unbegun)
    with pytest.raises(SpqError, match="no process could begin"):
        sweep(MONOMER, {FIELD: RADII}, volume)


def test_a_process_killed_before_it_begins_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SPQ_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setattr(pool, "_begin", begun_late)
    assert (sweep(MONOMER, {FIELD: RADII}, volume)["error"] == "").all()
    assert (tmp_path / "log").read_text()


def test_an_executor_that_is_broken_is_told():
    with ProcessPoolExecutor(1) as executor:
        with pytest.raises(SpqError, match="the executor failed .*what is finished is kept"):
            sweep(MONOMER, {FIELD: RADII}, deadly, executor=executor)


def growing(model):
    """Another shape at every point."""
    return xr.Dataset({"ones": ("place", np.ones(round(10 * model.molecule.core_radii[0])))})


def test_results_must_be_alike():
    with pytest.raises(InputError, match="ones has another shape at another point"):
        sweep(MONOMER, {FIELD: RADII}, growing)


def test_a_sweep_is_read_back(tmp_path):
    ds = sweep(MONOMER, {FIELD: [1.3, -1.0], "model.self_energy": ["none", "image"]})
    spq.save_sweep(ds, tmp_path)
    again = spq.load_sweep(tmp_path / "sweep.nc")
    xr.testing.assert_identical(again, ds)
    rows = (tmp_path / "sweep.csv").read_text().splitlines()
    assert len(rows) == 5
    assert rows[0].startswith("dots.core_radius,model.self_energy,error,energy_eV X@1,energy_eV X-@1")
    cells = rows[1].split(",")
    assert cells[:3] == ["1.3", "none", ""] and float(cells[3]) == pytest.approx(
        ds["energy_eV"].values[0, 0, 0]
    )
    with pytest.raises(InputError, match="is no sweep of spq"):
        xr.Dataset({"x": 1}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
        spq.load_sweep(tmp_path / "other.nc")


def test_a_cluster_gives_the_same(tmp_path, unseen):
    """Dask's local cluster with two workers; the interruptions benchmark has the full size."""
    from distributed import Client, LocalCluster

    axes = {FIELD: [1.3, 1.5], "materials.conduction_band_offset": [0.1, 0.2]}
    here = sweep(MONOMER, axes)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        there = sweep(MONOMER, axes, executor=client.get_executor(), store=tmp_path)
        with pytest.raises(InputError, match="a worker: cannot load .* No module named 'lost'"):
            sweep(MONOMER, {FIELD: RADII}, unseen, executor=client.get_executor(), store=tmp_path)
        # last, for dask may take long to have its workers again
        dead = sweep(MONOMER, {FIELD: RADII}, deadly, executor=client.get_executor(), store=tmp_path)
    assert dead["volume"].notnull().values.tolist() == [True, False, True, True]
    assert "its worker was lost again (KilledWorker" in str(dead["error"].values[1])
    xr.testing.assert_identical(here, there)
    for name in here.data_vars:
        if here[name].dtype.kind == "f":
            assert here[name].values.tobytes() == there[name].values.tobytes()


def test_what_was_computed_before_does_not_matter():
    """Points that share a prepared problem have the same bits in another order, and alone."""
    model = MONOMER.replace(surface_charges=(spq.SurfaceCharge(charge=1.0, z=2.2),))
    name = "surface_charges[1].z"
    forward = sweep(model, {name: [0.5, 1.0, 2.0, 2.4]})
    backward = sweep(model, {name: [2.4, 2.0, 1.0, 0.5]})
    alone = sweep(model, {name: [1.0]})
    for variable in ("energy_eV", "shift_meV", "error_meV", "overlap"):
        values = forward[variable].values
        assert values.tobytes() == np.ascontiguousarray(backward[variable].values[::-1]).tobytes()
        assert values[[1]].tobytes() == alone[variable].values.tobytes()
    assert (np.abs(forward["shift_meV"].values) > 1e-3).all()
