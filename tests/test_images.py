"""Raw images: strips, tilt, offsets, gain and shift come back, and the photons with them."""

import dataclasses
import json

import numpy as np
import pytest
import tifffile
import xarray as xr
from camera_images import image_of
from spectro_files import real, write_spe

from spq.cli import main
from spq.errors import InputError
from spq.spectroscopy import (
    CameraImages,
    Emitter,
    Simulation,
    energies_by_hand,
    extract_spectra,
    read_images,
    read_measurement,
    simulate,
    spe_regions,
    write_photon_hdf5,
)
from spq.spectroscopy.camerasignal import noise_slope, offset_of
from spq.spectroscopy.stripshifts import moved, spectral_shift

PLACES, TILTS, SHIFT, OFFSET, GAIN = (14.3, 33.6), (0.004, -0.006), 0.37, 400.0, 60.0


@pytest.fixture(scope="module")
def simulated():
    """A bright monomer: 100 frames of 900 photons or so; and its photons, whole and without rays."""
    simulation = Simulation(energies_by_hand((2.10,)), emitters=(Emitter(rate=40000.0),), duration=50.0)
    measurement, _ = simulate(simulation, seed=3)
    photons = np.clip(np.rint(measurement.frames.counts), 0, 200)
    return measurement, photons


@pytest.fixture(scope="module")
def made(simulated):
    generator = np.random.default_rng(7)
    return image_of(simulated[1], generator, shift=SHIFT, columns_offset=2.0, wander=1.5, with_light=True)


@pytest.fixture(scope="module")
def images(made):
    return made[0]


@pytest.fixture(scope="module")
def light(made):
    """Counts of light (2, columns) of V and H in photons, H where it fell, moved by 0.37 pixels."""
    return np.stack([made[1][:24].sum(axis=0), made[1][24:].sum(axis=0)]) / GAIN


@pytest.fixture(scope="module")
def found(simulated, images):
    return extract_spectra(images, simulated[0].frames.wavelength)


def test_strips_and_tilt_are_found_within_their_errors(found):
    for name, place, tilt in zip(("V", "H"), PLACES, TILTS, strict=True):
        strip = found.about["strips"][name]
        assert abs(strip["row"] - place) < 4.0 * strip["row_error"] < 0.1
        assert abs(strip["tilt"] - tilt) < 4.0 * strip["tilt_error"] < 0.25 * abs(tilt)
        assert abs(strip["width"] - np.hypot(1.4, 12**-0.5)) < 0.1  # of the profile and of a row


def test_the_shift_is_found(found):
    """Within 0.05 pixels, and within four of its errors."""
    strip = found.about["strips"]["H"]
    assert abs(strip["shift"] - SHIFT) < 0.05
    assert abs(strip["shift"] - SHIFT) < 4.0 * strip["shift_error"] < 0.1


def test_offset_and_gain_are_found(found):
    about = found.about
    assert abs(about["offset"] - OFFSET) < 0.5 and abs(about["read_noise"] - 8.0) < 0.3
    assert abs(about["gain"] - GAIN) < 4.0 * about["gain_error"] < 0.1 * GAIN
    assert about["excess_assumed"] == found.excess == 2.0 and found.unit == "photons"


def test_photons_are_conserved(simulated, images, light):
    """V within 0.6 %, of which 0.2 % are read noise and the errors of the offset; H, four times weaker, 2 %.

    In bright columns V within the noise of reading nine rows in 100 frames.
    """
    frames = extract_spectra(images, simulated[0].frames.wavelength, gain=GAIN)
    off = np.nansum(frames.counts, axis=(0, 2)) / light.sum(axis=1) - 1.0
    assert abs(off[0]) < 0.006 and abs(off[1]) < 0.02
    bright = light[0] > 0.1 * light[0].max()
    error = np.sqrt(100 * 9.5 + (100 * 9.5) ** 2 / 1000) * 8.0 / 60.0 + 0.003 * light[0]
    assert bright.sum() > 10
    assert (np.abs(frames.counts[:, 0].sum(axis=0) - light[0]) / error)[bright].mean() < 1.5


def test_h_lies_on_v(simulated, found):
    """Its line, 0.37 pixels from its place before it is moved, is at that of V again."""
    photons = simulated[1]
    light = np.nan_to_num(found.counts).sum(axis=0)
    pixel = np.arange(light.shape[1])
    window = np.abs(pixel - photons.sum(axis=(0, 1)).argmax()) < 12
    middle = [(each * pixel)[window].sum() / each[window].sum() for each in (*light, *photons.sum(axis=0))]
    assert abs((middle[1] - middle[0]) - (middle[3] - middle[2])) < 0.1


def test_tilt_matters(simulated):
    """Tilted by 6 rows from end to end a straight box loses light that the tilted one keeps."""
    photons = np.full((40, 2, 300), 2.0)
    images = image_of(photons, np.random.default_rng(2), places=(13.0, 34.0), tilts=(0.02, 0.02), width=0.9)
    frames = extract_spectra(images, np.linspace(600, 630, 300), gain=GAIN)
    assert abs(frames.about["strips"]["V"]["tilt"] - 0.02) < 4e-4
    light = frames.counts[:, 0].mean(axis=0)
    assert abs(light[:60].mean() / 2.0 - 1.0) < 0.02 and abs(light[-60:].mean() / 2.0 - 1.0) < 0.02
    assert 2.0 * frames.about["strips"]["V"]["half"] < 8.0  # narrower than the tilt takes rows


def test_rows_that_the_user_names(simulated, images, light):
    wavelength = simulated[0].frames.wavelength
    frames = extract_spectra(images, wavelength, strips={"H": (28, 40), "V": (9, 20)}, gain=GAIN)
    assert frames.strips == ("H", "V")
    off = np.nansum(frames.counts, axis=(0, 2)) / light.sum(axis=1)[::-1] - 1.0
    assert abs(off[0]) < 0.02 and abs(off[1]) < 0.006
    one = extract_spectra(images, wavelength[::-1], strips={"all": (5, 45)}, gain=GAIN)
    assert one.strips == ("all",) and np.all(np.diff(one.wavelength) > 0)


def test_air_becomes_vacuum(simulated, images):
    wavelength = simulated[0].frames.wavelength
    ratio = extract_spectra(images[:50], wavelength, gain=GAIN, air=True).wavelength / wavelength
    assert np.all((ratio > 1.00027) & (ratio < 1.00028))


def test_a_camera_without_multiplication():
    """Photon transfer: variance over mean is the gain itself where there is no excess noise."""
    generator = np.random.default_rng(5)
    light = generator.uniform(0.2, 1.0, (120, 1, 1)) * np.full((1, 2, 200), 40.0)
    images = image_of(generator.poisson(light), generator, gain=5.0, multiply=False)
    frames = extract_spectra(images, np.linspace(600, 620, 200), excess=1.0)
    assert abs(frames.about["gain"] - 5.0) < 4.0 * frames.about["gain_error"] < 0.25
    assert "shift of strip H is not determined" in "\n".join(frames.about["warnings"])  # no line, no shift


def test_saturated_pixels_are_masked(simulated, images):
    clipped = images.copy()
    clipped[3, 14, 250] = clipped[5, 2, 7] = 65535  # one in a strip, one in the dark
    frames = extract_spectra(clipped, simulated[0].frames.wavelength, gain=GAIN)
    assert np.argwhere(np.isnan(frames.counts[:, 0])).tolist() == [[3, 250]]
    assert frames.about["saturated_pixels"] == 2
    assert "2 of" in frames.about["warnings"][0] and "saturated" in frames.about["warnings"][0]


def wrong():
    flat = np.random.default_rng(1).normal(400.0, 8.0, (20, 40, 60)).astype(np.float32)
    axis = np.linspace(600, 610, 60)
    yield np.zeros((3, 4)), axis, {}, "must be numbers .frames, rows, columns"
    yield np.zeros((0, 4, 60)), axis, {}, "must be numbers"
    yield flat, axis[:-1], {}, r"wavelength: shape \(59,\)"
    yield flat, None, {}, "no wavelengths"
    yield flat, axis, {}, "0 bright strips in 40 rows, not 2"
    yield flat, axis, {"strips": {"V": (3, 9)}, "gain": 60.0}, "no light in rows 3 to 8"
    yield flat, axis, {"strips": {"V": (3, 9), "H": (8, 12)}}, "row 8 belongs to two"
    yield flat, axis, {"strips": {"V": (3, 99)}}, "within rows 0 to 40"
    yield flat, axis, {"strips": {"V": (0, 40)}, "gain": 60.0}, "no row is dark"
    yield flat, axis, {"strips": ("V", "V")}, "different names"
    yield flat, axis, {"gain": -1.0}, "0 bright strips|gain = -1"
    yield np.full((3, 40, 60), np.nan), axis, {}, "bright strips|saturated|no pixel"
    yield np.full((3, 40, 60), 65535, dtype=np.uint16), axis, {}, "bright strips|no pixel"
    yield np.zeros((3, 40, 60), dtype=np.uint16), axis, {}, "bright strips"


@pytest.mark.parametrize("images, wavelength, options, message", list(wrong()))
def test_images_that_cannot_be_taken(images, wavelength, options, message):
    with pytest.raises(InputError, match=message):
        extract_spectra(images, wavelength, **options)


def test_one_frame_gives_no_gain(simulated, images):
    with pytest.raises(InputError, match="not give the gain"):
        extract_spectra(images[:1], simulated[0].frames.wavelength)


@pytest.mark.parametrize("shift", [-2.5, 0.0, 0.25, 3.0])
def test_moving_conserves_counts(shift):
    counts = np.zeros((2, 40))
    counts[:, 15:25] = np.random.default_rng(1).poisson(50, (2, 10))
    found = moved(counts, shift)
    assert np.nansum(found) == pytest.approx(counts.sum(), rel=1e-12)
    centre = np.nansum(found * np.arange(40)) / counts.sum() - (counts * np.arange(40)).sum() / counts.sum()
    assert centre == pytest.approx(-shift, abs=1e-9)


def spectra_of(generator, shift, frames=20):
    """Two lines in frames whose strengths in the two strips differ, seen by few photons, and their means."""
    pixel = np.arange(200)
    lines = []
    for moved_by in (0.0, shift):
        line = np.exp(-0.5 * ((pixel - 90 - moved_by) / 2.5) ** 2)
        lines.append(line + 0.3 * np.exp(-0.5 * ((pixel - 130 - moved_by) / 3.0) ** 2))
    strength = generator.uniform(0.2, 1.8, (2, frames, 1))
    means = [5.0 * strength[k] * lines[k] + 0.2 for k in (0, 1)]
    return [generator.poisson(each) for each in means], [each.mean(axis=0) for each in means]


def test_errors_of_the_shift_are_right():
    """200 measurements: pulls of standard deviation 1, and no bias."""
    generator = np.random.default_rng(12)
    pulls = []
    for _ in range(200):
        shift = generator.uniform(-4.0, 4.0)
        seen, variances = spectra_of(generator, shift)
        value, error = spectral_shift(*seen, tuple(variances))
        pulls.append((value - shift) / error)
    assert abs(np.mean(pulls)) < 4.0 / np.sqrt(200) and 0.85 < np.std(pulls) < 1.15


def test_a_shift_of_noise_is_not_determined():
    generator = np.random.default_rng(3)
    for _ in range(50):
        noise = generator.standard_normal((2, 20, 200))
        assert np.isnan(spectral_shift(*noise, (np.ones(200), np.ones(200)))[0])


def test_a_line_that_wanders_while_the_plate_turns():
    """V and H have other mean spectra then, by a pixel; frame by frame they are alike."""
    generator, pixel = np.random.default_rng(6), np.arange(200)
    place = 100.0 + np.repeat(np.linspace(-4.0, 4.0, 20), 4)[:, None]
    share = np.repeat(np.linspace(0.1, 0.9, 20), 4)[:, None]
    seen = [
        generator.poisson(30.0 * part * np.exp(-0.5 * ((pixel - place - moved_by) / 3.0) ** 2))
        for part, moved_by in ((share, 0.0), (1.0 - share, 0.6))
    ]
    value, error = spectral_shift(*seen, tuple(each.mean(axis=0) for each in seen))
    assert abs(value - 0.6) < 4.0 * error < 0.4
    whole = [(each.sum(axis=0) * pixel).sum() / each.sum() for each in seen]
    assert abs(whole[1] - whole[0] - 0.6) > 1.0


def test_offset_ignores_rays_and_gain_blinking():
    generator = np.random.default_rng(4)
    dark = 400.0 + 8.0 * generator.standard_normal((30, 10, 100))
    dark[4, 3, 50:54] += 30000.0
    level = offset_of(dark, np.ones(10, dtype=bool))
    assert abs(level.frames[4] - 400.0) < 1.5 and not level.columns.any()
    strength = generator.choice([2.0, 60.0], (200, 1, 1))  # the particle blinks
    shares = np.exp(-0.5 * ((np.arange(9)[:, None] - 4.2) / 1.4) ** 2) * np.ones(30)
    electrons = generator.poisson(strength * shares / shares.sum(axis=0))
    light = np.where(electrons > 0, generator.gamma(np.maximum(electrons, 1), 60.0), 0.0)
    light[7, 2, 11] += 50000.0  # a cosmic ray
    slope, error = noise_slope(light + generator.normal(0.0, 8.0, light.shape), 8.0)
    assert abs(slope - 120.0) < 4.0 * error < 8.0


def test_two_real_regions():
    """The regions of a real camera are strips of their own: their light is found, and its rows."""
    first, _ = spe_regions(real("spe/ten_frames_two_rois_different_binning.spe"))
    with pytest.raises(InputError, match="not give the gain|bright strips"):
        extract_spectra(first.images, np.linspace(600, 660, 626), strips=("V",))


@pytest.fixture(scope="module")
def files(simulated, images, tmp_path_factory):
    """Photons and raw images of the same run as files, and the wavelengths as a text."""
    folder = tmp_path_factory.mktemp("raw")
    measurement = simulated[0]
    write_photon_hdf5(measurement.photons, folder / "photons.h5")
    tifffile.imwrite(folder / "raw.tif", images, photometric="minisblack")
    np.savetxt(folder / "axis.txt", measurement.frames.wavelength)
    return folder


def test_a_stack_of_images_joins_photons(files, simulated, images):
    stack = read_images(files / "raw.tif")
    assert isinstance(stack, CameraImages) and np.array_equal(stack.images, images)
    axis = np.loadtxt(files / "axis.txt")
    found = read_measurement(
        [files / "raw.tif", files / "photons.h5"], wavelength=axis, exposure=simulated[0].frames.exposure
    )
    assert found.frames.strips == ("V", "H") and found.frames.unit == "photons"
    assert np.array_equal(found.frame_of_photon, simulated[0].frame_of_photon)


def test_the_command_takes_raw_images(files, tmp_path, capsys):
    given = [str(files / "photons.h5"), str(files / "raw.tif"), "--wavelength", str(files / "axis.txt")]
    given += ["--strips", "V=8:21,H=27:41", "--exposure", "0.495", "--out", str(tmp_path), "-q", "--json"]
    assert main(["analyse", *given]) == 0
    document = json.loads(capsys.readouterr().out)
    with xr.open_dataset(tmp_path / "analysis.nc", engine="h5netcdf", decode_times=False) as ds:
        assert ds.sizes["frame"] == 100 and len(document["states"]) == ds.sizes["state_index"]
        line = float(ds["line_energy"][0, 0])
    assert abs(line - 2.10) < 0.02


@pytest.mark.parametrize(
    "options, message",
    [
        ([], "no wavelengths"),
        (["--wavelength", "nothing.txt"], "nothing.txt"),
        (["--strips", "V=1,H"], "must be like V=10:20"),
        (["--strips", "V=1:2:3"], "must be like V=10:20"),
    ],
)
def test_the_command_says_what_images_lack(files, tmp_path, capsys, options, message):
    given = [str(files / "photons.h5"), str(files / "raw.tif"), "--out", str(tmp_path), "-q", *options]
    assert main(["analyse", *given]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_images_of_a_spe_and_its_wavelengths(tmp_path, simulated, images):
    axis = simulated[0].frames.wavelength[::-1]
    few = images[:60, :, ::-1]
    path = write_spe(tmp_path / "a.spe", 60, [(0, 0, 1, 1, few)], axis)
    frames = extract_spectra(read_images(path), gain=GAIN)
    again = extract_spectra(CameraImages(images[:60], axis[::-1]), gain=GAIN)
    assert np.allclose(frames.counts[:, 0], again.counts[:, 0]) and frames.exposure == 5e8
    assert np.allclose(frames.wavelength, again.wavelength)


def test_images_stay_what_they_are(images):
    with pytest.raises(dataclasses.FrozenInstanceError):
        CameraImages(images).images = None
