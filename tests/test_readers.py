"""Readers against real files, of which facts are known, and against other programs on the same files."""

import shutil

import numpy as np
import pytest
from spectro_files import real

from spq.errors import InputError
from spq.spectroscopy import read, spe_regions

PQ = "pq/hydraharp_"


def same(one, other):
    """Photon by photon the same; fails for empty streams."""
    assert len(one.timestamps) == len(other.timestamps) > 0
    assert np.array_equal(one.timestamps, other.timestamps)
    assert np.array_equal(one.detectors, other.detectors)
    assert (one.nanotimes is None) == (other.nanotimes is None)
    assert one.nanotimes is None or np.array_equal(one.nanotimes, other.nanotimes)


def test_ht3_version_2():
    photons = read(real(f"{PQ}v20.ht3"))
    assert len(photons.timestamps) == 44141
    assert photons.duration == 10e9
    assert photons.laser_period == photons.timestamp_unit == pytest.approx(1e9 / 998898, rel=1e-12)
    assert photons.nanotime_unit == pytest.approx(0.016, rel=1e-12)
    bins = np.histogram(photons.timestamps * photons.timestamp_unit, 1000, (0, 10e9))[0]
    assert bins.mean() == pytest.approx(44.1, abs=0.1)
    assert bins.var() == pytest.approx(2640, rel=0.02)  # in bins of 10 ms: the rate switches


def test_ht3_has_flat_micro_times():
    """Light that knows nothing of the laser: 64 equal parts of the bins differ as Poisson numbers do."""
    parts = np.histogram(read(real(f"{PQ}v20.ht3")).nanotimes, 64, (0, 32768))[0]
    assert parts.var() / parts.mean() == pytest.approx(1.0, abs=5 * np.sqrt(2 / 63))


def test_ht3_says_what_its_header_says():
    lines = [line.split(" = ") for line in real(f"{PQ}v20.ht3.header").read_text().splitlines()]
    header = {parts[0]: parts[1] for parts in lines if len(parts) == 2}
    photons = read(real(f"{PQ}v20.ht3"))
    assert photons.nanotime_unit == pytest.approx(1e-3 * float(header["Resolution"]), rel=1e-12)
    assert photons.duration == 1e6 * float(header["AcquisitionTime"])
    assert photons.about["MeasurementMode"] == int(header["MeasurementMode"]) == 3


def test_ht3_against_the_first_records_of_its_authors():
    photons = read(real(f"{PQ}v20.ht3"))
    table = np.loadtxt(real(f"{PQ}v20.ht3.data"), delimiter=",", dtype=np.int64)
    assert 90 <= len(table) <= 110
    assert np.array_equal(photons.detectors[: len(table)], table[:, 0])
    assert np.array_equal(photons.timestamps[: len(table)], table[:, 1])
    assert np.array_equal(photons.nanotimes[: len(table)].astype(int) * 16, table[:, 2])  # ps


def test_ht3_and_its_photon_hdf5_agree():
    tags, hdf5 = read(real(f"{PQ}v20.ht3")), read(real("photon_hdf5/hydraharp_v20.h5"))
    same(tags, hdf5)
    for name in ("timestamp_unit", "nanotime_unit", "laser_period", "duration"):
        assert getattr(hdf5, name) == pytest.approx(getattr(tags, name), rel=1e-9)
    assert hdf5.nanotime_bins == tags.nanotime_bins == 32768
    assert np.bincount(hdf5.detectors).tolist() == [7102, 26648, 3085, 7306]


def test_ht3_version_1_is_cut():
    """The file holds 1,050 of the 72,463,591 records that its header says."""
    path = real(f"{PQ}v10.ht3")
    with pytest.raises(InputError, match="ends at byte 5000 after 1,050 of 72,463,591 records"):
        read(path)
    photons = read(path, partial=True)
    assert len(photons.timestamps) == 32
    assert photons.about["records_whole"] is False
    assert photons.nanotime_unit == pytest.approx(0.004)


def test_ptu():
    photons = read(real(f"{PQ}v30_t2.ptu"))
    assert len(photons.timestamps) == 305565
    assert set(photons.detectors) == {0}
    assert photons.duration == 5e9 and photons.timestamp_unit == pytest.approx(1e-3, rel=1e-12)
    assert photons.nanotimes is None
    assert len(photons.timestamps) / (1e-9 * photons.duration) == pytest.approx(61.1e3, rel=1e-3)
    bins = np.histogram(photons.seconds, 500, (0, 5))[0]
    assert bins.var() / bins.mean() == pytest.approx(1.0, abs=5 * np.sqrt(2 / 500))  # Poissonian


def test_ptu_by_two_readers_photon_by_photon():
    path = real(f"{PQ}v30_t2.ptu")
    same(read(path), read(path, decoder="ptufile"))


@pytest.mark.parametrize(
    "name, kind, options",
    [
        (f"{PQ}v30_t2.ptu", "PTU", {}),
        (f"{PQ}v20.ht3", "HT3", {}),
        (f"{PQ}v10.ht3", "HT3", {"partial": True}),
        ("bh/m000.spc", "SPC-130", {"nanotime_unit": 13.5 / 4096}),
        ("bh/test_noise.spc", "SPC-130", {}),
    ],
)
def test_tttrlib_reads_the_same_photons(name, kind, options):
    tttrlib = pytest.importorskip("tttrlib")
    path = real(name)
    mine, theirs = read(path, **options), tttrlib.TTTR(str(path), kind)
    assert len(mine.timestamps) == len(theirs) > 0
    assert np.array_equal(mine.timestamps, theirs.macro_times)
    assert np.array_equal(mine.detectors, theirs.routing_channel)
    if mine.nanotimes is not None:
        assert np.array_equal(mine.nanotimes, theirs.micro_times)
    assert mine.timestamp_unit == pytest.approx(1e9 * theirs.header.macro_time_resolution, rel=1e-9)


def test_spc():
    photons = read(real("bh/m000.spc"), nanotime_unit=13.5 / 4096)
    assert len(photons.timestamps) == 174438
    assert np.unique(photons.detectors).tolist() == [0, 1, 8, 9]
    assert photons.timestamp_unit == pytest.approx(13.5)
    assert photons.duration == pytest.approx(69.24e9, rel=1e-3)
    decay = np.bincount(photons.nanotimes[photons.detectors == 8], minlength=4096)
    assert decay.max() > 20 * np.median(decay[decay > 0])  # a real decay, not noise
    for detector in (0, 1, 8, 9):  # all rise at the same time and fall by half and more within a fifth
        parts = np.histogram(photons.nanotimes[photons.detectors == detector], 32, (0, 4096))[0]
        assert 5 <= parts.argmax() <= 6 and parts[parts.argmax() + 6] < 0.5 * parts.max()


def test_spc_against_its_text_and_settings():
    photons = read(real("bh/test_noise.spc"))
    table = np.loadtxt(real("bh/test_noise.asc"), dtype=np.int64)
    assert len(photons.timestamps) == len(table) == 6114
    assert np.array_equal(photons.timestamps, table[:, 0])
    assert np.array_equal(photons.nanotimes, table[:, 1])
    assert photons.duration == pytest.approx(16.15e9, rel=1e-4)
    assert photons.nanotime_unit == pytest.approx(2.4430455e-3, rel=1e-6)  # SP_TAC_TC of the .set
    assert photons.about["module"] == "SPC-150"


def test_spc_needs_a_unit_and_checks_it(tmp_path):
    with pytest.raises(InputError, match="nanotime_unit"):
        read(real("bh/m000.spc"))
    with pytest.raises(InputError, match="0.00244.* ns by SP_TAC_R"):
        read(real("bh/test_noise.spc"), nanotime_unit=9.5 / 4096)  # what other programs take for it
    shutil.copyfile(real("bh/test_noise.spc"), tmp_path / "other.spc")
    settings = real("bh/test_noise.set").read_bytes().replace(b"SPC-150", b"SPC-630")
    (tmp_path / "other.set").write_bytes(settings)
    with pytest.raises(InputError, match="a SPC-630, whose records"):
        read(tmp_path / "other.spc")


def test_sif_series():
    frames = read(real("sif/measurement.sif"))
    assert frames.counts.shape == (20, 1, 1024)
    assert frames.unit == "counts" and frames.strips == ("all",)
    assert frames.wavelength[[0, -1]] == pytest.approx([530.00, 592.84], abs=0.005)
    assert frames.exposure == pytest.approx(3e9)
    assert frames.starts == pytest.approx(3.0221e9 * np.arange(20))  # not its stamps, which are all 0
    mean = frames.counts.mean(axis=(0, 1))
    for line in (543.01, 549.97, 556.92, 563.87):
        near = np.abs(frames.wavelength - line) < 1.0
        assert frames.wavelength[near][mean[near].argmax()] == pytest.approx(line, abs=0.062)  # one pixel
        assert mean[near].max() > 1.2 * np.median(mean)


@pytest.mark.parametrize("name, pixels, within", [("raman1", 1024, 2e-5), ("step_and_glue", 4711, 4e-5)])
def test_sif_and_its_text_agree(name, pixels, within):
    """Up to the single precision of the text, which has steps of 6e-5 nm above 512 nm."""
    binary, text = read(real(f"sif/{name}.sif")), read(real(f"sif/{name}.asc"))
    assert binary.counts.shape == text.counts.shape == (1, 1, pixels)
    assert np.abs(binary.wavelength - text.wavelength).max() < within
    assert binary.counts == pytest.approx(text.counts, rel=5e-6)  # six digits in the text
    assert text.about["Spurious Noise Filter Mode"] == "No Filter"
    assert text.exposure == pytest.approx(binary.exposure, rel=1e-3)


def test_sif_axes():
    assert read(real("sif/raman1.sif")).wavelength[[0, -1]] == pytest.approx([405.23, 454.55], abs=0.005)
    assert read(real("sif/step_and_glue.sif")).wavelength[[0, -1]] == pytest.approx([150, 850], abs=1e-4)


def test_air_wavelengths_become_those_in_vacuum():
    path = real("sif/measurement.sif")
    ratio = read(path, air=True).wavelength / read(path).wavelength
    assert np.all((ratio > 1.00027) & (ratio < 1.00028))


def test_cut_sif():
    with pytest.raises(InputError, match="c0rrupt.sif: is cut: ends at byte 2101140 after 2 of 4 frames"):
        read(real("sif/c0rrupt.sif"))


def test_spe_spectrum():
    frames = read(real("spe/one_dimensional_spectrum.spe"))
    assert frames.counts.shape == (1, 1, 1024)
    assert frames.wavelength[[0, -1]] == pytest.approx([567.93823813718757, 831.0860563173468], rel=1e-14)
    assert frames.exposure == pytest.approx(1e9) and frames.starts is None


def test_spe_regions_of_different_binning():
    path = real("spe/ten_frames_two_rois_different_binning.spe")
    first, second = spe_regions(path)
    assert first.images.shape == (10, 177, 626) and second.images.shape == (10, 46, 256)
    assert (first.x, first.x_binning, second.x, second.x_binning) == (206, 1, 256, 2)
    with pytest.raises(InputError, match="2 regions: name them"):
        read(path)
    with pytest.raises(InputError, match="-57.2198 to 74.908 nm: not positive"):
        read(path, strips=("V", "H"))  # the grating stood at zero order
    frames = read(path, strips=("V", "H"), wavelength=np.linspace(600, 660, 256))
    assert frames.counts.shape == (10, 2, 256) and frames.strips == ("V", "H")
    shared = first.images[:, :, 50 : 50 + 512]
    assert frames.counts[:, 0].sum() == shared.sum(dtype=np.int64) > 0
    assert np.array_equal(frames.counts[:, 1], second.images.sum(axis=1, dtype=float))


def test_spe_regions_fill_the_frames():
    """Region after region, every byte of the file between its header and its footer is in one of them."""
    path = real("spe/ten_frames_two_rois_different_binning.spe")
    raw = np.fromfile(path, dtype="<u2", offset=4100, count=10 * 245156 // 2).reshape(10, -1)
    first, second = spe_regions(path)
    assert np.array_equal(np.hstack([first.images.reshape(10, -1), second.images.reshape(10, -1)]), raw)


FRAMES_END = {"sif/measurement.sif": 85066, "sif/step_and_glue.sif": 21713}
"""Bytes up to the end of the last frame; what follows in these files is not read."""

REAL = [
    (f"{PQ}v20.ht3", {}),
    (f"{PQ}v30_t2.ptu", {}),
    ("photon_hdf5/hydraharp_v20.h5", {}),
    ("bh/test_noise.spc", {"nanotime_unit": 0.0024}),
    ("sif/measurement.sif", {}),
    ("sif/step_and_glue.sif", {}),
    ("spe/one_dimensional_spectrum.spe", {}),
    (
        "spe/ten_frames_two_rois_different_binning.spe",
        {"strips": ("V", "H"), "wavelength": np.arange(1, 257)},
    ),
]


@pytest.mark.parametrize("share", [1e-4, 0.003, 0.02, 0.3, 0.9, 0.99999])
@pytest.mark.parametrize("name, options", REAL)
def test_every_file_may_be_cut_anywhere(tmp_path, name, options, share):
    data = real(name).read_bytes()
    path = tmp_path / name.split("/")[1]
    length = int(share * FRAMES_END.get(name, len(data)))
    path.write_bytes(data[: length - (length % 4 == 0)])
    with pytest.raises(InputError) as caught:
        read(path, **options)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name, options", REAL)
def test_wrong_contents_under_every_name(tmp_path, name, options):
    path = tmp_path / name.split("/")[1]
    for content, message in ((b"", "the file is empty"), (b"No measurement at all. " * 400, str(path))):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            read(path, **options)
        assert message in str(caught.value) and "\n" not in str(caught.value)


def test_nothing_in_the_real_frames_is_taken_for_saturated():
    for name in ("sif/measurement.sif", "sif/raman1.sif", "spe/one_dimensional_spectrum.spe"):
        frames = read(real(name))
        assert frames.about["saturated_pixels"] == 0 and np.isfinite(frames.counts).all()


def test_real_photons_survive_being_saved(tmp_path):
    from spq.spectroscopy import load, save, write_photon_hdf5

    photons = read(real(f"{PQ}v20.ht3"))
    same(photons, load(save(photons, tmp_path / "photons.nc")))
    same(photons, read(write_photon_hdf5(photons, tmp_path / "photons.h5")))
