"""Bad input, one by one: a clear error of one line, or an honest "not determined", never a made-up number."""

import dataclasses
import json
import struct

import numpy as np
import pytest
import tifffile
import xarray as xr
from spectro_files import real, write_dump, write_ptu, write_spe
from test_readers_synthetic import mat5, mat73, write_pt3, write_t3r

from spq.cli import main
from spq.errors import InputError
from spq.spectroscopy import (
    FrameSeries,
    Measurement,
    PhotonStream,
    Simulation,
    analyse,
    energies_by_hand,
    join,
    load,
    mask_saturated,
    read,
    read_measurement,
    save,
    simulate,
    write_photon_hdf5,
)
from spq.spectroscopy.instruments import Camera
from spq.spectroscopy.simulator import as_counts

AXIS = np.linspace(600.0, 610.0, 12)
IMAGES = np.random.default_rng(8).integers(300, 900, (4, 2, 12)).astype("<u2")
STREAM = PhotonStream(np.arange(1, 400) * 1000, 1.0, nanotimes=np.arange(399) % 90, nanotime_unit=0.1)
SERIES = FrameSeries(IMAGES, AXIS, strips=("V", "H"), unit="counts", starts=np.arange(4) * 1e5, exposure=9e4)
STRIPS = {"strips": ("V", "H"), "wavelength": AXIS}


def write_spe2(path):
    head = bytearray(4100)
    struct.pack_into("<f", head, 1992, 2.2)
    struct.pack_into("<H", head, 42, 12)
    struct.pack_into("<H", head, 656, 2)
    struct.pack_into("<h", head, 108, 3)
    struct.pack_into("<i", head, 1446, 4)
    path.write_bytes(bytes(head) + IMAGES.tobytes())


def write_spc(path):
    records = [1 << 31 | 3 << 27 | 135, *(k << 16 | 2 << 12 | 100 + k for k in range(1, 90))]
    path.write_bytes(np.array(records, dtype="<u4").tobytes())


def copied(name):
    return lambda path: path.write_bytes(real(name).read_bytes())


MATLAB = {
    "variables": {"counts": "c", "wavelength": "w"},
    "axes": ("frames", "strips", "pixels"),
    "strips": ("V", "H"),
}
VALUES = {"c": IMAGES.astype(float), "w": AXIS}
T3 = [1 << 25 | k << 10 | k for k in range(1, 200)]

# file, what writes it, options of its reader, shares at which it is cut: those of text and of tags may end
# anywhere, and are whole there
FORMATS = [
    ("a.ptu", lambda path: write_ptu(path, 0x01010304, T3), {}, (0.01, 0.5, 0.99)),
    ("a.ht3", copied("pq/hydraharp_v20.ht3"), {}, (0.001, 0.5, 0.99)),
    ("a.pt3", lambda path: write_pt3(path, [1 << 28 | 7 << 16 | k for k in range(99)]), {}, (0.1, 0.8, 0.99)),
    ("a.t3r", lambda path: write_t3r(path, [1 << 30 | 7 << 16 | k for k in range(99)]), {}, (0.1, 0.8, 0.99)),
    ("a.spc", write_spc, {"nanotime_unit": 0.003}, (0.005, 0.505)),
    ("a.h5", lambda path: write_photon_hdf5(STREAM, path), {}, (0.01, 0.5, 0.99)),
    (
        "a.dump",
        lambda path: write_dump(path, [(0, 0, 2, k) for k in range(99)]),
        {"photons": [2]},
        (0.003, 0.501),
    ),
    ("a.sif", copied("sif/raman1.sif"), {}, (0.01, 0.3, 0.49)),
    (
        "a.spe",
        lambda path: write_spe(path, 4, [(0, 0, 1, 1, IMAGES)], AXIS),
        {"strips": ("V", "H")},
        (0.1, 0.8, 0.99),
    ),
    ("b.spe", write_spe2, STRIPS, (0.1, 0.97, 0.999)),
    (
        "a.asc",
        lambda path: path.write_text("".join(f"{x:.3f}\t{x / 2:.3f}\n" for x in AXIS)),
        {},
        (0.05, 0.51),
    ),
    ("a.mat", lambda path: mat5(path, VALUES), MATLAB, (0.05, 0.5, 0.99)),
    (
        "b.mat",
        lambda path: mat73(path, {"c": VALUES["c"].transpose(2, 1, 0).T, "w": AXIS}),
        MATLAB,
        (0.05, 0.5, 0.99),
    ),
    (
        "a.tif",
        lambda path: tifffile.imwrite(path, IMAGES, photometric="minisblack"),
        STRIPS,
        (0.01, 0.4, 0.9),
    ),
    ("a.nc", lambda path: save(SERIES, path), {}, (0.01, 0.5, 0.99)),
]
SLOW = ("a.pt3", "a.t3r")
CASES = [
    pytest.param(*case, id=case[0], marks=pytest.mark.slow if case[0] in SLOW else ()) for case in FORMATS
]


def refused(path, options):
    """The message with which a file is refused: one line that names it."""
    with pytest.raises(InputError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message and len(message) < 400
    return message


@pytest.mark.parametrize("name, write, options, cuts", CASES)
def test_files_that_are_empty_cut_or_something_else(tmp_path, name, write, options, cuts):
    path = tmp_path / name
    write(path)
    read(path, **options)  # whole, it is read
    data = path.read_bytes()
    path.write_bytes(b"")
    assert "the file is empty" in refused(path, options)
    for share in cuts:
        path.write_bytes(data[: max(int(share * len(data)), 1)])
        refused(path, options)
    path.write_bytes(b"\x93 no measurement \n" * 400)
    refused(path, options)
    path.write_bytes(bytes(9000))
    refused(path, options)


def test_a_cut_tiff_names_its_byte(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((40, 40), np.uint16) + 5, photometric="minisblack")
    data = path.read_bytes()
    path.write_bytes(data[:-700])
    assert f"is cut: ends at byte {len(data) - 700}" in refused(path, {})
    path.write_bytes(data)
    assert "40 rows: name them" in refused(path, {})
    assert "holds no wavelengths" in refused(path, {"strips": {"V": (0, 9)}})
    with tifffile.TiffWriter(path) as file:  # page by page: others drop the last and say nothing
        for each in IMAGES:
            file.write(each, contiguous=False, metadata=None)
    data = path.read_bytes()
    assert np.array_equal(read(path, **STRIPS).counts, IMAGES)
    with tifffile.TiffFile(path) as file:
        last = file.pages[3].offset
    path.write_bytes(data[: last + 5])
    assert f"is cut: ends at byte {last + 5}, page 3 begins at byte {last}" in refused(path, STRIPS)
    tifffile.imwrite(path, np.zeros((9, 9, 3), np.uint8), photometric="rgb")
    assert "no stack of grey images" in refused(path, {})


@pytest.fixture(scope="module")
def measured():
    """10 s of a dimer, 20 frames of 64 pixels."""
    camera = Camera(cosmic_rays=0.0, pixels=64, dispersion=0.6)
    return simulate(Simulation(energies_by_hand((2.10, 2.13)), camera=camera, duration=10.0), seed=31)[0]


def with_counts(measurement, change):
    counts = change(measurement.frames.counts.copy())
    return dataclasses.replace(measurement, frames=dataclasses.replace(measurement.frames, counts=counts))


def some_nan(counts):
    counts[3] = np.nan
    counts[:, 1, 30] = np.nan
    counts[7, 0, 10:25] = np.nan
    return counts


def with_photons(measurement, kept):
    photons = measurement.photons
    fewer = dataclasses.replace(
        photons,
        timestamps=photons.timestamps[kept],
        detectors=photons.detectors[kept],
        nanotimes=photons.nanotimes[kept],
    )
    return dataclasses.replace(measurement, photons=fewer, frame_of_photon=measurement.frame_of_photon[kept])


def one_frame(measurement):
    frames = measurement.frames
    first = dataclasses.replace(
        frames, counts=frames.counts[:1], starts=frames.starts[:1], angles=frames.angles[:1]
    )
    return Measurement(measurement.photons, first, np.where(measurement.frame_of_photon == 0, 0, -1))


BAD = {
    "no photons": lambda m: with_photons(m, np.zeros(len(m.frame_of_photon), dtype=bool)),
    "no photons in some frames": lambda m: with_photons(m, ~np.isin(m.frame_of_photon, [2, 3, 9])),
    "no photons in exposures": lambda m: dataclasses.replace(
        m, frame_of_photon=np.full_like(m.frame_of_photon, -1)
    ),
    "dark": lambda m: with_counts(m, np.zeros_like),
    "all NaN": lambda m: with_counts(m, lambda counts: np.full_like(counts, np.nan)),
    "some NaN": lambda m: with_counts(m, some_nan),
    "one frame": one_frame,
    "less than nothing": lambda m: with_counts(m, lambda counts: -np.abs(counts) - 1.0),
    "nothing at all": lambda m: with_photons(
        with_counts(m, np.zeros_like), np.zeros(len(m.frame_of_photon), dtype=bool)
    ),
}


def finite(ds, name):
    return bool(np.isfinite(ds[name]).any()) if name in ds else False


@pytest.mark.parametrize("bad", BAD)
def test_analyse_says_what_is_not_determined(measured, bad, tmp_path, capsys):
    """The command, of a measurement in a file: its dataset, and its document, which knows no NaN."""
    measurement = BAD[bad](measured)
    path, out = save(measurement, tmp_path / "bad.nc"), tmp_path / "out"
    assert main(["analyse", str(path), "--out", str(out), "-q", "--json"]) == 0
    said = "\n".join(json.loads(capsys.readouterr().out)["warnings"])
    with xr.open_dataset(out / "analysis.nc", engine="h5netcdf", decode_times=False) as ds:
        found = ds.load()
    if bad not in ("some NaN", "no photons in some frames"):
        assert "not determined" in said
    assert found.sizes["frame"] == len(measurement.frames.counts)
    if bad in ("no photons", "no photons in exposures", "nothing at all"):
        assert not finite(found, "lifetime") and not found["rate"].any()
    if bad in ("dark", "all NaN", "less than nothing", "nothing at all"):
        for name in ("line_energy", "polarisation", "polarisation_angle"):
            assert not finite(found, name), name
    if bad == "no photons in some frames":
        assert found["rate"].values[[2, 3, 9]].tolist() == [0.0, 0.0, 0.0]
        assert np.isnan(found["frame_lifetime"].values[[2, 3, 9]]).all()
    if bad == "some NaN":
        assert np.isnan(found["spectrum"].values[3]).all() and finite(found, "line_energy")
    if bad in ("one frame", "nothing at all"):
        assert not finite(found, "diffusion")


def test_saturated_frames_are_masked_and_said(measured, tmp_path, capsys):
    """A line at 65535 in frames 4 to 6: these pixels are NaN in the analysis, which says so."""
    raw = as_counts(measured.frames)
    raw.counts[4:7, 0, 30:40] = 65535.0
    masked = mask_saturated(raw)
    assert np.isnan(masked.counts[4:7, 0, 30:40]).all() and np.isnan(masked.counts).sum() == 30
    path, out = save(dataclasses.replace(measured, frames=raw), tmp_path / "raw.nc"), tmp_path / "out"
    assert main(["analyse", str(path), "--out", str(out), "-q", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["warnings"]
    assert any("camera: 30 of 2560 pixels are saturated" in text for text in said)
    with xr.open_dataset(out / "analysis.nc", engine="h5netcdf", decode_times=False) as ds:
        assert np.isnan(ds["spectrum"].values[4:7, 30:40]).all()
        assert np.isfinite(ds["spectrum"].values[7]).all()


def test_all_saturated(measured, tmp_path):
    raw = dataclasses.replace(
        as_counts(measured.frames), counts=np.full(measured.frames.counts.shape, 65535.0)
    )
    found = analyse(read_measurement([save(dataclasses.replace(measured, frames=raw), tmp_path / "raw.nc")]))
    assert "2560 of 2560 pixels are saturated" in found.attrs["warnings"]
    assert not finite(found, "line_energy") and not finite(found, "polarisation")


def test_saturated_pixels_of_files_are_masked(tmp_path):
    images = IMAGES.copy()
    images[1, 0, 5] = 65535
    frames = read(write_spe(tmp_path / "a.spe", 4, [(0, 0, 1, 1, images)], AXIS), strips=("V", "H"))
    assert np.argwhere(np.isnan(frames.counts)).tolist() == [[1, 0, 5]]
    assert frames.about["saturated_pixels"] == 1
    assert "1 of 96 pixels are saturated" in frames.about["warnings"][0]
    summed = read(tmp_path / "a.spe", strips={"V": (0, 2)})
    assert np.argwhere(np.isnan(summed.counts)).tolist() == [[1, 0, 5]]  # not 65535 and something
    assert mask_saturated(summed) is summed


def test_a_measurement_of_shuffled_times_is_refused(measured):
    photons = measured.photons
    order = np.random.default_rng(1).permutation(len(photons.timestamps))
    with pytest.raises(InputError, match="not in the order of their times"):
        dataclasses.replace(photons, timestamps=photons.timestamps[order])
    with pytest.raises(InputError, match="one after the other"):
        dataclasses.replace(measured.frames, starts=measured.frames.starts[::-1])
    with pytest.raises(InputError, match="one after the other"):
        starts = measured.frames.starts.copy()
        starts[4] = np.nan
        dataclasses.replace(measured.frames, starts=starts)


@pytest.mark.parametrize("count", [0, 1])
def test_join_of_few_markers(measured, count):
    marks = measured.photons.markers["frame"][:count]
    photons = dataclasses.replace(measured.photons, markers={"frame": marks})
    with pytest.raises(InputError, match="no marker of an exposure|1 markers of 20 frames"):
        join(photons, measured.frames)


def test_the_command_without_markers(measured, tmp_path, capsys):
    bare = dataclasses.replace(measured.photons, markers={})
    save(bare, tmp_path / "photons.nc")
    save(measured.frames, tmp_path / "frames.nc")
    given = [str(tmp_path / name) for name in ("photons.nc", "frames.nc")]
    assert main(["analyse", *given, "--out", str(tmp_path / "out"), "-q"]) == 2
    said = capsys.readouterr().err
    assert "no marker 'frame'" in said and said.count("\n") == 1
    (tmp_path / "photons.nc").write_bytes(b"")
    assert main(["analyse", *given, "--out", str(tmp_path / "out"), "-q"]) == 2
    assert "the file is empty" in capsys.readouterr().err
    (tmp_path / "photons.nc").write_bytes((tmp_path / "frames.nc").read_bytes()[:5000])
    assert main(["analyse", *given, "--out", str(tmp_path / "out"), "-q"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert isinstance(load(tmp_path / "frames.nc"), FrameSeries)
