"""Readers against files that the tests write, whose content is known; and files that are wrong."""

import struct
import sys
import tracemalloc

import h5py
import numpy as np
import pytest
from scipy import io
from spectro_files import write_dump, write_ptu, write_spe

from spq.errors import InputError
from spq.spectroscopy import (
    FrameSeries,
    Measurement,
    PhotonStream,
    load,
    read,
    read_images,
    save,
    write_photon_hdf5,
)
from spq.spectroscopy.pulses import since_pulse

RNG = np.random.default_rng(20240611)
HYDRAHARP_T3 = 0x01010304


def t3_records(count, rng=RNG):
    """Records of a HydraHarp with photons, overflows and markers, and what they mean."""
    steps = rng.integers(0, 600, count)
    ticks = np.cumsum(steps)
    marked = rng.random(count) < 0.05
    channel = np.where(marked, rng.integers(1, 16, count), rng.integers(0, 4, count))
    nano = np.where(marked, 0, rng.integers(0, 1 << 15, count))
    records = (marked.astype(np.int64) << 31) | (channel << 25) | (nano << 10) | (ticks % 1024)
    wraps = np.diff(ticks // 1024, prepend=0)
    where = np.flatnonzero(wraps)
    records = np.insert(records, where, (1 << 31) | (63 << 25) | wraps[where])
    return records, ticks, marked, channel, nano


def test_ptu_records_mean_what_was_written(tmp_path):
    records, ticks, marked, channel, nano = t3_records(5000)
    photons = read(write_ptu(tmp_path / "a.ptu", HYDRAHARP_T3, records))
    assert np.array_equal(photons.timestamps, ticks[~marked])
    assert np.array_equal(photons.detectors, channel[~marked])
    assert np.array_equal(photons.nanotimes, nano[~marked])
    assert sorted(photons.markers) == [1, 2, 3, 4]
    for name, at in photons.markers.items():
        assert len(at) and np.array_equal(at, ticks[marked & (channel >> (name - 1) & 1 == 1)])
    assert photons.about["File_Comment"] == "A comment" and photons.laser_period == pytest.approx(1000.0)


TYPES = [0x00010303, 0x00010203, 0x00010304, 0x00010204, 0x01010304, 0x01010204]
TYPES += [0x00010305, 0x00010205, 0x00010306, 0x00010206, 0x00010307, 0x00010207]


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_record_by_two_readers(tmp_path, kind):
    """Random bits: every combination of flags, decoded by ptufile too."""
    pytest.importorskip("ptufile")
    rng = np.random.default_rng(kind)
    t2 = kind >> 8 & 0xFF == 2
    records = rng.integers(0, 1 << 32, 4000, dtype=np.uint64)
    if t2:  # times within one wrap must ascend: an overflow before every photon
        overflow = 0xF0000000 if kind == 0x00010203 else (1 << 31) | (63 << 25) | 1
        records = np.insert(records % (1 << 31), np.arange(4000), overflow)
        if kind == 0x00010203:
            records[1::2] = (records[1::2] % 4 << 28) | (records[1::2] & 0x0BFFFFFF)
    else:
        special = 0xF0000000 if kind == 0x00010303 else (1 << 31) | (63 << 25) | 1
        records = np.insert(records, np.arange(4000), special)
        if kind != 0x00010303:
            channel = records >> 25 & 63
            flagged = (records >> 31 == 1) & ((channel == 0) | ((channel > 15) & (channel < 63)))
            records = records[~flagged]  # such records do not exist
        else:
            records = records[((records >> 28 >= 1) & (records >> 28 <= 4)) | (records == special)]
    path = write_ptu(tmp_path / "a.ptu", kind, records)
    mine, theirs = read(path), read(path, decoder="ptufile")
    assert len(mine.timestamps) > 500
    assert np.array_equal(mine.timestamps, theirs.timestamps)
    assert np.array_equal(mine.detectors, theirs.detectors)
    assert t2 or np.array_equal(mine.nanotimes, theirs.nanotimes)
    assert mine.markers.keys() == theirs.markers.keys()
    assert all(np.array_equal(mine.markers[name], theirs.markers[name]) for name in mine.markers)


def test_memory_of_a_long_file(tmp_path):
    """A photon may take 20 bytes, so that 1e8 of them fit in 2 GB; the result alone takes 11."""
    count = 3_000_000
    ticks = np.arange(count) // 3000
    records = (ticks % 1024).astype(np.int64)
    where = np.flatnonzero(np.diff(ticks // 1024, prepend=0))
    path = write_ptu(tmp_path / "a.ptu", HYDRAHARP_T3, np.insert(records, where, (1 << 31) | (63 << 25) | 1))
    tracemalloc.start()
    photons = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(photons.timestamps) == count
    fixed = 100 * (1 << 20)  # one piece of the file, whatever its length
    assert 11 * count < peak < 11 * count + count + fixed


@pytest.mark.parametrize(
    "records, message", [([], "holds no records"), ([1 << 31 | 63 << 25 | 1], "no photon")]
)
def test_ptu_without_photons(tmp_path, records, message):
    with pytest.raises(InputError, match=message):
        read(write_ptu(tmp_path / "a.ptu", HYDRAHARP_T3, records))


def test_ptu_of_an_unknown_type(tmp_path):
    with pytest.raises(InputError, match="type 0x00010999 are not known"):
        read(write_ptu(tmp_path / "a.ptu", 0x00010999, [1, 2]))


def test_spc_markers_gaps_and_wraps(tmp_path):
    records = [
        1 << 31 | 3 << 27 | 135,
        1 << 16 | 2 << 12 | 100,
        1 << 31 | 1 << 30 | 5,  # five wraps
        1 << 31 | 1 << 28 | 1 << 12 | 7,  # marker 1
        1 << 30 | 1 << 29 | 9,  # one more wrap, tags lost before
    ]
    path = tmp_path / "a.spc"
    path.write_bytes(np.array(records, dtype="<u4").tobytes())
    photons = read(path, nanotime_unit=0.003)
    assert photons.timestamps.tolist() == [100, 6 * 4096 + 9]
    assert photons.nanotimes.tolist() == [4094, 4095] and photons.detectors.tolist() == [2, 0]
    assert photons.markers[1].tolist() == [5 * 4096 + 7]
    assert photons.lost.tolist() == [[100, 6 * 4096 + 9]]


def test_dump(tmp_path):
    """Micro-times, markers and lost tags of a dump; photons before the first pulse have none."""
    period, pulses = 1_000_000, np.arange(1, 200) * 1_000_000
    photons = np.sort(RNG.integers(500_000, 199_500_000, 400))
    tags = [(0, 0, 1, t) for t in pulses] + [(0, 0, 2, t) for t in photons] + [(0, 0, 5, 7_300_000)]
    tags += [(2, 0, 0, 20_000_000), (4, 9, 2, 21_000_000), (3, 0, 0, 22_000_000)]
    path = write_dump(tmp_path / "a.dump", sorted(tags, key=lambda each: each[3]))
    stream = read(path, photons=[2], laser=1, markers={"plate": 5})
    early = int((photons < period).sum())
    assert stream.about["photons_without_pulse"] == early
    assert np.array_equal(stream.timestamps, photons[early:])
    assert np.array_equal(stream.nanotimes, photons[early:] % period)
    assert stream.laser_period == pytest.approx(1000.0) and stream.timestamp_unit == 1e-3
    assert stream.markers["plate"].tolist() == [7_300_000]
    assert stream.lost.tolist() == [[20_000_000, 22_000_000]]
    coarse = read(path, photons=[2], laser=1, nanotime_bin=0.1)
    assert np.array_equal(coarse.nanotimes, photons[early:] % period // 100)
    assert coarse.nanotime_bins == 10_000 and coarse.nanotimes.dtype == np.uint16


def test_detectors_are_counted_in_the_order_they_are_named(tmp_path):
    tags = [(0, 0, 7, 10), (0, 0, -3, 20), (0, 0, 7, 40), (0, 0, -3, 30)]  # the two channels are interleaved
    stream = read(write_dump(tmp_path / "a.dump", tags), photons=[7, -3])
    assert stream.timestamps.tolist() == [10, 20, 30, 40] and stream.detectors.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("reverse, every", [(False, 1), (False, 50), (True, 1), (True, 50)])
def test_micro_times_of_a_laser_that_drifts(reverse, every):
    """Only some pulses are stamped, at a period that drifts by 1e-5: within 2 ps of the true time."""
    period = 200_000.0
    pulses = np.cumsum(period * (1.0 + 1e-5 * np.linspace(0, 1, 20_001)))
    index = np.sort(RNG.integers(0, 20_000, 3000))
    delay = RNG.integers(100, 190_000, 3000)
    times = np.rint(pulses[index]).astype(np.int64) + delay
    stamps = np.rint(pulses[::every]).astype(np.int64)
    tolerance = 2  # ps: rounding of stamps and micro-time
    micro, known = since_pulse(times, stamps, period, reverse=reverse)
    assert known.mean() > 0.99
    error = micro[known].astype(int) - delay[known]
    error = np.where(np.abs(error) > 100_000, error - 200_000 * np.sign(error), error)
    assert np.abs(error).max() <= tolerance


def wrong_dumps():
    good = [(0, 0, 1, 10), (0, 0, 2, 20), (0, 0, 2, 30)]
    yield {"photons": [3]}, good, "no photon in channel 3$"
    yield {"photons": [2], "laser": 2}, good, "named twice"
    yield {"photons": []}, good, "at least one channel"
    yield {"photons": [2], "laser": 1}, good, "a period needs two"
    late = [*good, (0, 0, 1, 50), (0, 0, 3, 5)]
    yield {"photons": [3], "laser": 1}, late, "laser: no photon came after a pulse"
    yield {"photons": [2]}, [*good, (0, 0, 2, 15)], "channel 2: tag 2 is before"
    yield {"photons": [2]}, [*good, (7, 0, 2, 40)], "type 7 at byte 48"
    yield {}, good, "needs photons="
    yield {"photons": [2], "colour": 3}, good, "colour: no option"


@pytest.mark.parametrize("options, tags, message", list(wrong_dumps()))
def test_wrong_dumps(tmp_path, options, tags, message):
    with pytest.raises(InputError, match=message):
        read(write_dump(tmp_path / "a.dump", tags), **options)


def test_dump_cut_within_a_tag(tmp_path):
    path = write_dump(tmp_path / "a.dump", [(0, 0, 2, 10), (0, 0, 2, 20)])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="ends at byte 29"):
        read(path, photons=[2])
    assert len(read(path, photons=[2], partial=True).timestamps) == 1


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.ttbin"
    path.write_bytes(b"something")
    with pytest.raises(InputError, match="needs TimeTagger: pip install Swabian-TimeTagger"):
        read(path, photons=[1])
    monkeypatch.setitem(sys.modules, "sif_parser", None)
    (tmp_path / "a.sif").write_bytes(b"Andor Technology Multi-Channel File\n")
    with pytest.raises(InputError, match=r'needs sif_parser: pip install "spq\[spectroscopy\]"'):
        read(tmp_path / "a.sif")


def test_spe_regions_and_time_stamps(tmp_path):
    """Regions of binning 1 and 2 whose left edges differ: sums over what both see, axis from the footer."""
    fine, coarse = RNG.integers(0, 999, (3, 4, 20)), RNG.integers(0, 999, (3, 2, 8))
    axis = np.linspace(600, 640, 40)
    regions = [(7, 0, 1, 1, fine), (10, 9, 2, 3, coarse)]
    path = write_spe(tmp_path / "a.spe", 3, regions, axis, stamps=[0, 520_000_000, 1_030_000_000])
    frames = read(path, strips=("V", "H"))
    # shared columns 10 to 26
    assert np.array_equal(frames.counts[:, 1], coarse.sum(axis=1))
    assert np.array_equal(frames.counts[:, 0], fine.sum(axis=1)[:, 3:19].reshape(3, 8, 2).sum(axis=2))
    assert frames.wavelength == pytest.approx(axis[10:26].reshape(8, 2).mean(axis=1), rel=1e-14)
    assert frames.starts == pytest.approx([0, 5.2e8, 1.03e9]) and frames.exposure == 5e8


def test_rows_become_strips_and_a_falling_axis_is_turned(tmp_path):
    images = RNG.integers(0, 999, (2, 6, 10))
    path = write_spe(tmp_path / "a.spe", 2, [(0, 0, 1, 1, images)], np.linspace(640, 600, 10))
    frames = read(path, strips={"V": (0, 2), "H": (3, 6)})
    assert np.all(np.diff(frames.wavelength) > 0)
    assert np.array_equal(frames.counts[:, 1], images[:, 3:6].sum(axis=1)[:, ::-1])
    for strips, message in ((None, "6 rows"), (("V", "H"), "6 rows"), ({"V": (4, 9)}, "within rows")):
        with pytest.raises(InputError, match=message):
            read(path, strips=strips)


def test_spe_version_2_by_imageio(tmp_path):
    pytest.importorskip("imageio")
    images = RNG.integers(0, 60000, (3, 2, 12)).astype("<u2")
    head = bytearray(4100)
    struct.pack_into("<f", head, 1992, 2.2)
    struct.pack_into("<H", head, 42, 12)
    struct.pack_into("<H", head, 656, 2)
    struct.pack_into("<h", head, 108, 3)
    struct.pack_into("<i", head, 1446, 3)
    path = tmp_path / "a.spe"
    path.write_bytes(bytes(head) + images.tobytes())
    frames = read(path, strips=("V", "H"), wavelength=np.linspace(600, 611, 12))
    assert np.array_equal(frames.counts, images)
    with pytest.raises(InputError, match="give wavelength"):
        read(path, strips=("V", "H"))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="is cut"):
        read(path, strips=("V", "H"), wavelength=np.linspace(600, 611, 12))


def test_wavelengths_of_spe_version_2(tmp_path):
    """Its calibration polynomial, pixels counted from 1; one that gives no wavelengths is none."""
    pytest.importorskip("imageio")
    images = RNG.integers(0, 60000, (2, 1, 12)).astype("<u2")
    head = bytearray(4100)
    struct.pack_into("<f", head, 1992, 2.5)
    struct.pack_into("<H", head, 42, 12)
    struct.pack_into("<H", head, 656, 1)
    struct.pack_into("<h", head, 108, 3)
    struct.pack_into("<i", head, 1446, 2)
    head[3098], head[3101] = 1, 2
    struct.pack_into("<6d", head, 3263, 620.0, -0.5, 1e-3, 9.0, 9.0, 9.0)
    path = tmp_path / "a.spe"
    path.write_bytes(bytes(head) + images.tobytes())
    frames = read(path)
    pixel = np.arange(1.0, 13.0)
    assert frames.wavelength == pytest.approx((620.0 - 0.5 * pixel + 1e-3 * pixel**2)[::-1], rel=1e-12)
    assert np.array_equal(frames.counts[:, 0], images[:, 0, ::-1])
    for change in ((3098, b"\0"), (3263, struct.pack("<d", 0.0))):  # not valid; pixels, not nm
        other = bytearray(head)
        other[change[0] : change[0] + len(change[1])] = change[1]
        path.write_bytes(bytes(other) + images.tobytes())
        with pytest.raises(InputError, match="holds no wavelengths"):
            read(path)


def mat5(path, values):
    io.savemat(path, values)


def mat73(path, values):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in values.items():
            file[name] = np.atleast_2d(value).T  # as MATLAB stores it
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM")


@pytest.mark.parametrize("write", [mat5, mat73])
def test_mat(tmp_path, write):
    path = tmp_path / "a.mat"
    counts = RNG.poisson(20, (6, 15)).astype(float)
    times = np.cumsum(RNG.integers(1, 1000, 50)).astype(float)
    values = {
        "spectra": counts.T,
        "lambda": np.linspace(640, 600, 15),
        "t": np.arange(6) * 0.5,
        "photons": times,
    }
    write(path, values)
    names = {"counts": "spectra", "wavelength": "lambda", "starts": "t"}
    frames = read(path, variables=names, scale={"starts": 1e9}, exposure=4.9e8)
    assert np.array_equal(frames.counts[:, 0], counts[:, ::-1]) and frames.unit == "counts"
    assert frames.wavelength[[0, -1]].tolist() == [600, 640]
    assert frames.starts == pytest.approx(np.arange(6) * 5e8)
    photons = read(path, variables={"timestamps": "photons"}, timestamp_unit=1e-3)
    assert np.array_equal(photons.timestamps, times) and photons.timestamps.dtype == np.int64
    with pytest.raises(InputError, match="no variable 'spektra' .nearest: \"spectra\".; it holds .*photons"):
        read(path, variables={"counts": "spektra", "wavelength": "lambda"})
    with pytest.raises(InputError, match="t: holds numbers that are not whole"):
        read(path, variables={"timestamps": "t"}, timestamp_unit=1.0)
    data = path.read_bytes()
    for length in (130, len(data) // 2, len(data) - 3):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match="a.mat"):
            read(path, variables={**names, "exposure": "photons"})


@pytest.mark.parametrize("write", [mat5, mat73])
def test_a_measurement_and_images_of_a_mat(tmp_path, write):
    """Photons and frames in one file, joined by the starts of the frames; and raw images."""
    path = tmp_path / "a.mat"
    counts, raw = RNG.poisson(20, (6, 2, 15)).astype(float), RNG.poisson(20, (6, 9, 15)).astype(float)
    times = np.array([5.0, 150.0, 195.0, 510.0, 599.0])
    values = {"tags": times, "pol": counts, "lambda": np.linspace(600, 610, 15), "t": np.arange(6.0)}
    stack = raw.transpose(1, 2, 0)
    write(path, values if write is mat5 else {**values, "pol": counts.transpose(2, 1, 0).T})
    names = {"timestamps": "tags", "counts": "pol", "wavelength": "lambda", "starts": "t"}
    found = read(
        path,
        variables=names,
        axes=("frames", "strips", "pixels"),
        scale={"starts": 100.0},
        timestamp_unit=1.0,
        exposure=90.0,
        strips=("V", "H"),
        unit="photons",
    )
    assert isinstance(found, Measurement) and found.frames.unit == "photons"
    assert np.array_equal(found.frames.counts, counts)
    assert found.frame_of_photon.tolist() == [0, 1, -1, 5, -1]
    write(path, {"stack": stack, "lambda": values["lambda"]})
    images = read_images(path, variable="stack", axes=("rows", "columns", "frames"), wavelength="lambda")
    assert np.array_equal(images.images, raw) and images.wavelength[0] == 600
    with pytest.raises(InputError, match="must name rows, columns and frames of stack"):
        read_images(path, variable="stack", axes=("rows", "columns"))
    with pytest.raises(InputError, match="no variable 'stock'"):
        read_images(path, variable="stock", axes=("rows", "columns", "frames"))


def stream(count=300, rng=RNG):
    return PhotonStream(
        timestamps=np.cumsum(rng.integers(0, 10**9, count)),
        timestamp_unit=1.0011032157437495e3,
        detectors=rng.integers(0, 3, count).astype(np.uint8),
        nanotimes=rng.integers(0, 4096, count).astype(np.uint16),
        nanotime_unit=0.1 + 0.2,
        nanotime_bins=4096,
        laser_period=1e3 / 3,
        markers={1: np.array([3, 7]), "frame": np.array([1, 2, 9]), "none": np.array([], dtype=np.int64)},
        lost=[[5, 8]],
        duration=1e15 / 3,
        about={"comment": "λ = 640 nm", "rate": 1 / 3, "list": [1, 2], "none": None},
    )


def series(rng=RNG):
    counts = rng.normal(10, 3, (4, 2, 9))
    counts[1, 0, 3] = np.nan
    angles = np.array([0.0, 5.0, np.nan, 10.0])
    starts = np.arange(4) * 1e14 / 3
    wavelength = 600 + np.arange(9) / 3
    return FrameSeries(counts, wavelength, ("V", "H"), "photons", starts, 3e13, 2.0, angles, {"gain": 300})


def equal(one, other):
    """Bit for bit the same record: types, dtypes, NaN and all."""
    assert type(one) is type(other)
    for name in one.__dataclass_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, (PhotonStream, FrameSeries)):
            equal(mine, theirs)
        elif isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype and mine.shape == theirs.shape, name
            assert mine.tobytes() == theirs.tobytes(), name
        elif name == "markers":
            assert list(mine) == list(theirs)
            assert all(np.array_equal(mine[key], theirs[key]) for key in mine)
        else:
            assert mine == theirs, name


def measurement():
    photons, frames = stream(), series()
    frame = RNG.integers(-1, 4, len(photons.timestamps)).astype(np.int32)
    return Measurement(photons, frames, frame, np.array([0.0, 1 / 3, 0.5]), {"drift": 1e-7 / 3})


@pytest.mark.parametrize("make", [stream, series, measurement])
def test_saved_and_loaded_bit_for_bit(tmp_path, make):
    record = make()
    path = save(record, tmp_path / "folder" / "a.nc")
    equal(record, load(path))
    equal(record, read(path))
    assert [each.name for each in path.parent.iterdir()] == ["a.nc"]


def test_saved_records_that_are_damaged(tmp_path):
    data = save(measurement(), tmp_path / "a.nc").read_bytes()
    for length in (3, 200, len(data) // 2, len(data) - 50):
        (tmp_path / "b.nc").write_bytes(data[:length])
        with pytest.raises(InputError, match="b.nc"):
            load(tmp_path / "b.nc")
    with h5py.File(tmp_path / "c.nc", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="no record of spq"):
        load(tmp_path / "c.nc")
    with pytest.raises(InputError, match="about: cannot be kept"):
        save(PhotonStream(np.array([1]), 1.0, about={"x": object()}), tmp_path / "d.nc")
    assert not (tmp_path / "d.nc").exists()


def test_photon_hdf5_with_markers(tmp_path):
    photons = stream()
    again = read(write_photon_hdf5(photons, tmp_path / "a.h5", "a test"))
    for name in ("timestamps", "detectors", "nanotimes", "lost"):
        assert np.array_equal(getattr(photons, name), getattr(again, name))
        assert getattr(photons, name).dtype == getattr(again, name).dtype
    assert {1, "frame"} <= set(again.markers)
    assert again.markers["frame"].tolist() == [1, 2, 9]
    for name in ("timestamp_unit", "nanotime_unit", "laser_period", "duration"):
        assert getattr(again, name) == pytest.approx(getattr(photons, name), rel=1e-14)
    assert again.about["description"] == "a test"


@pytest.mark.parametrize(
    "gone", ["timestamps", "timestamps_specs/timestamps_unit", "nanotimes_specs/tcspc_unit"]
)
def test_photon_hdf5_that_lacks_something(tmp_path, gone):
    path = write_photon_hdf5(stream(), tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file[f"photon_data/{gone}"]
    with pytest.raises(InputError, match=f"a.h5: lacks /photon_data/{gone}"):
        read(path)


def test_several_spots(tmp_path):
    path = write_photon_hdf5(stream(), tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.move("photon_data", "photon_data0")
    with pytest.raises(InputError, match="there: photon_data0"):
        read(path)
    assert len(read(path, spot=0).timestamps) == 300


def test_text_spectra(tmp_path):
    path = tmp_path / "a.asc"
    rows = "".join(f"{600 + i},{i},{2 * i}\n" for i in range(5))
    path.write_text(f"Exposure Time (secs): 0.5\nKinetic Cycle Time (secs): 0.6\n\n{rows}")
    frames = read(path)
    assert np.array_equal(frames.counts[:, 0], [[0, 1, 2, 3, 4], [0, 2, 4, 6, 8]])
    assert frames.starts == pytest.approx([0, 6e8]) and frames.exposure == pytest.approx(5e8)
    path.write_text(rows + "605,1\n")
    with pytest.raises(InputError, match="line 6 has 2 columns, not 3"):
        read(path)
    path.write_text("44054 2856\n72904 1659\n")
    with pytest.raises(InputError, match="no wavelengths in nm"):
        read(path)


def test_measurement_from_arrays():
    made = Measurement.from_arrays(
        timestamps=np.array([0, 5, 12, 25]),
        timestamp_unit=1.0,
        counts=np.ones((2, 1, 3)),
        wavelength=[600, 601, 602],
        starts=[0, 10],
        exposure=8.0,
        detectors=np.array([0, 1, 0, 1]),
        unit="counts",
    )
    assert made.frame_of_photon.tolist() == [0, 0, 1, -1]
    assert made.frames.unit == "counts" and made.photons.detectors.tolist() == [0, 1, 0, 1]
    with pytest.raises(InputError, match='detector: unknown key .nearest: "detectors".'):
        Measurement.from_arrays(
            timestamps=[0], timestamp_unit=1.0, counts=[], wavelength=[], starts=[], exposure=1.0, detector=1
        )


def test_what_read_refuses(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path / "none.ptu")
    (tmp_path / "a.xyz").write_bytes(b"xyz")
    with pytest.raises(InputError, match="of no kind that is known"):
        read(tmp_path / "a.xyz")
    with pytest.raises(InputError, match="kind = 'xyz'"):
        read(tmp_path / "a.xyz", kind="xyz")


def write_pt3(path, records):
    """A .pt3 of a PicoHarp: 5 MHz, bins of 32 ps, one second."""
    head = bytearray(728)
    head[:12], head[16:19], head[22:30], head[52:69] = (
        b"PicoHarp 300",
        b"2.0",
        b"PicoHarp",
        b"01/02/24 10:11:12",
    )
    struct.pack_into("<i", head, 332, 32)
    struct.pack_into("<f", head, 584, 0.032)
    struct.pack_into("<9i", head, 692, 0, 0, 0, 5_000_000, 0, 1000, 0, len(records), 0)
    path.write_bytes(bytes(head) + np.asarray(records, dtype="<u4").tobytes())
    return path


@pytest.mark.slow
def test_pt3(tmp_path):
    """Two photons, a wrap and marker 2; phconvert takes seconds to import."""
    pytest.importorskip("phconvert")
    records = [1 << 28 | 700 << 16 | 50, 0xF0000000, 15 << 28 | 2 << 16 | 9, 3 << 28 | 12 << 16 | 10]
    path = write_pt3(tmp_path / "a.pt3", records)
    photons = read(path)
    assert photons.timestamps.tolist() == [50, 65536 + 10] and photons.nanotimes.tolist() == [700, 12]
    assert photons.detectors.tolist() == [1, 3] and photons.markers[2].tolist() == [65536 + 9]
    assert photons.laser_period == photons.timestamp_unit == 200.0 and photons.duration == 1e9
    assert photons.nanotime_unit == pytest.approx(0.032)
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(InputError, match="holds 2 of 4 records"):
        read(path)
    path.write_bytes(b"PicoHarp 300".ljust(900, b"\0"))
    with pytest.raises(InputError, match="header cannot be read"):
        read(path)


def write_t3r(path, records):
    """A .t3r of a TimeHarp 200: 1 MHz, bins of 37 ps, one second."""
    from phconvert import pqreader

    head = bytearray(624)
    head[:12], head[16:19] = b"TimeHarp 200", b"5.0"
    struct.pack_into("<f", head, 304 + 76 + 64 + 36 + 36 + 20, 0.037)
    struct.pack_into("<13i", head, 540, 100, 0, 0, 0, 0, 0, 0, 1_000_000, 0, 1000, 0, len(records), 0)
    path.write_bytes(bytes(head[:592]) + np.asarray(records, dtype="<u4").tobytes())
    assert len(pqreader.t3r_reader(str(path))[0]) == len(records)
    return path


@pytest.mark.slow
def test_t3r(tmp_path):
    """Two photons, a wrap and marker 3, as PicoQuant documents them: time 16, bins 12, route 2, valid."""
    pytest.importorskip("phconvert")
    records = [1 << 30 | 2 << 28 | 700 << 16 | 50, 0x800 << 16, 4 << 16 | 9, 1 << 30 | 12 << 16 | 10]
    photons = read(write_t3r(tmp_path / "a.t3r", records))
    assert photons.timestamps.tolist() == [50, 65536 + 10] and photons.nanotimes.tolist() == [700, 12]
    assert photons.detectors.tolist() == [2, 0] and photons.markers[3].tolist() == [65536 + 9]
    assert photons.timestamp_unit == 100.0 and photons.laser_period == 1000.0
    assert photons.nanotime_unit == pytest.approx(0.037)


def test_pulses_of_mode_t2_are_a_marker(tmp_path):
    special = 1 << 31
    records = [special | 100, 1 << 25 | 350, special | 63 << 25 | 2, special | 600]
    photons = read(write_ptu(tmp_path / "a.ptu", 0x01010204, records, tick=1e-12))
    assert photons.timestamps.tolist() == [350] and photons.detectors.tolist() == [1]
    assert photons.markers["sync"].tolist() == [100, 2 * (1 << 25) + 600]
    assert photons.laser_period is None and photons.timestamp_unit == pytest.approx(1e-3)
