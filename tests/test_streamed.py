"""Photons piece by piece: the same photons, and the same analysis, as with all of them in memory."""

import dataclasses

import numpy as np
import pytest
from spectro_files import write_dump, write_ptu

from spq.errors import InputError
from spq.spectroscopy import (
    Emitter,
    PhotonPieces,
    Simulation,
    analyse,
    energies_by_hand,
    join,
    photon_hdf5,
    read,
    simulate,
    stream,
    swabian,
    tally,
    tttr,
    write_photon_hdf5,
)
from spq.spectroscopy.tallies import grouped_micro_times, micro_times

RNG = np.random.default_rng(771)


@pytest.fixture
def small(monkeypatch):
    """Pieces of 700 photons or tags."""
    for module in (photon_hdf5, swabian, tttr):
        monkeypatch.setattr(module, "PIECE", 700)


def same(path, **options):
    """All photons of the pieces of a file are those that `read` gives, in more than two pieces."""
    whole, pieces = read(path, **options), stream(path, **options)
    parts = list(pieces)
    assert len(parts) > 2
    for name in ("timestamps", "detectors", "nanotimes"):
        wanted = getattr(whole, name)
        found = None if wanted is None else np.concatenate([getattr(each, name) for each in parts])
        assert np.array_equal(found, wanted) if wanted is not None else parts[0].nanotimes is None, name
    for name in ("timestamp_unit", "nanotime_unit", "nanotime_bins", "laser_period", "duration"):
        assert getattr(pieces.head, name) == getattr(whole, name), name
    assert sorted(map(str, pieces.head.markers)) == sorted(map(str, whole.markers))
    assert all(np.array_equal(pieces.head.markers[name], each) for name, each in whole.markers.items())
    assert np.array_equal(pieces.head.lost, whole.lost)
    assert len(pieces.head.timestamps) == 0
    return whole


def test_pieces_of_a_ptu(tmp_path, small):
    ticks = np.cumsum(RNG.integers(0, 600, 4000))
    marked = RNG.random(4000) < 0.05
    fields = np.where(marked, 1 << 25, RNG.integers(0, 4, 4000) << 25 | RNG.integers(0, 1 << 15, 4000) << 10)
    records = (marked.astype(np.int64) << 31) | fields | ticks % 1024
    wraps = np.diff(ticks // 1024, prepend=0)
    where = np.flatnonzero(wraps)
    records = np.insert(records, where, (1 << 31) | (63 << 25) | wraps[where])
    whole = same(write_ptu(tmp_path / "a.ptu", 0x01010304, records))
    assert np.array_equal(whole.timestamps, ticks[~marked]) and len(whole.markers[1]) == marked.sum()


@pytest.mark.parametrize(
    "every, reverse, laser", [(1, False, 1), (40, False, 1), (40, True, 1), (1, False, None)]
)
def test_pieces_of_a_dump(tmp_path, small, every, reverse, laser):
    """Every pulse or every 40th is tagged; photons of two channels; one marker; lost tags over two pieces."""
    period = 200_000
    pulses = np.arange(20, 6000, every) * period + RNG.integers(0, 30, len(range(20, 6000, every)))
    tags = [(0, 0, 1, t) for t in pulses] + [(0, 0, 5, t) for t in range(10**7, 10**9, 10**8)]
    at = RNG.integers(0, 12 * 10**8, 3000).tolist()
    tags += [(0, 0, channel, t) for channel, t in zip(RNG.choice([2, -3], 3000).tolist(), at, strict=True)]
    tags += [(2, 0, 0, 200_000_000), (3, 0, 0, 700_000_000), (1, 0, 0, 800_000_000)]
    path = write_dump(tmp_path / "a.dump", sorted(tags, key=lambda each: each[3]))
    options = {"photons": [2, -3], "markers": {"frame": 5}}
    if laser is not None:
        options |= {"laser": 1, "reverse": reverse, "laser_period": 200.0, "nanotime_bin": 0.1}
    whole = same(path, **options)
    assert len(whole.timestamps) > 2900 and len(whole.lost) == 2


@pytest.fixture(scope="module")
def simulated():
    dimer = Simulation(
        energies_by_hand((2.10, 2.13)), emitters=(Emitter(rate=2500.0), Emitter(angle=75.0)), duration=30.0
    )
    return simulate(dimer, 41)[0]


def test_an_analysis_of_pieces_is_that_of_the_whole(tmp_path, simulated, monkeypatch):
    """Every variable bit for bit, from a file that is read in ten pieces."""
    path = write_photon_hdf5(simulated.photons, tmp_path / "a.h5")
    count = len(simulated.photons.timestamps)
    monkeypatch.setattr(photon_hdf5, "PIECE", count // 10)
    whole = join(read(path), simulated.frames, irf=simulated.irf)
    counted = tally(stream(path), simulated.frames, irf=simulated.irf)
    assert counted.about == whole.about
    assert counted.table.sum() == count and counted.table[-1].sum() == (whole.frame_of_photon < 0).sum() > 0
    one, two = analyse(whole), analyse(counted)
    assert sorted(one) == sorted(two) and "flid" in one and one.attrs == two.attrs
    for name in one:
        assert np.array_equal(one[name].values, two[name].values, equal_nan=True), name
    same(path)


def test_photons_at_hand_are_counted_alike(simulated):
    """Of a stream instead of a file; bins joined by four are sums of four."""
    one = tally(simulated.photons, simulated.frames)
    four = tally(simulated.photons, simulated.frames, bins=4)
    counts, joined = micro_times(one).counts, micro_times(four).counts
    whole = len(counts) // 4
    assert np.array_equal(joined[:whole], counts[: 4 * whole].reshape(-1, 4).sum(axis=1))
    assert joined.sum() == counts.sum() > 0
    groups = np.arange(len(simulated.frames.counts)) % 3 - 1
    edges = np.array([1.0, 6.0, 20.0, 50.0])
    by_table = grouped_micro_times(one, groups, 2, edges)
    by_photon = grouped_micro_times(simulated, groups, 2, edges)
    assert np.array_equal(by_table.counts, by_photon.counts) and by_photon.counts.all()
    assert by_table.outside == by_photon.outside > 0
    assert np.array_equal(by_table.edges_ns, by_photon.edges_ns)


def test_without_micro_times(simulated):
    """Rates are known, gates and decays are not."""
    plain = dataclasses.replace(simulated.photons, nanotimes=None, nanotime_unit=None, nanotime_bins=None)
    found = analyse(tally(plain, simulated.frames))
    whole = analyse(join(plain, simulated.frames))
    assert np.array_equal(found["rate"], whole["rate"]) and found["rate"].sum() > 0
    assert "decay" not in found and "decays: not determined" in found.attrs["warnings"]


def test_what_cannot_be_counted(simulated, tmp_path):
    photons, frames = simulated.photons, simulated.frames
    with pytest.raises(InputError, match="no marker 'shutter'"):
        tally(photons, frames, frame_marker="shutter")
    with pytest.raises(InputError, match="must be 1 with a measured response"):
        tally(photons, frames, irf=np.ones(4), bins=2)
    fine = dataclasses.replace(photons, nanotime_bins=1 << 24)
    with pytest.raises(InputError, match="are too many"):
        tally(fine, frames)
    head = tally(photons, frames).photons
    with pytest.raises(InputError, match="there are none"):
        tally(PhotonPieces(head, lambda: iter(())), frames)
    parts = [(photons.timestamps[k : k + 9], None, photons.nanotimes[k : k + 9]) for k in (50, 10)]
    with pytest.raises(InputError, match="not in the order"):
        tally(PhotonPieces(head, lambda: iter(parts)), frames)
    (tmp_path / "a.spc").write_bytes(b"\0" * 64)
    with pytest.raises(InputError, match="of kind spc is not read in pieces"):
        stream(tmp_path / "a.spc")
    with pytest.raises(InputError, match="colour: no option"):
        stream(write_photon_hdf5(photons, tmp_path / "a.h5"), colour=3)


def test_tags_too_far_out_of_order(tmp_path, small):
    tags = [(0, 0, 2, 1000 * t) for t in range(1, 2000)] + [(0, 0, 3, 500)]
    path = write_dump(tmp_path / "a.dump", tags)
    assert read(path, photons=[2, 3]).timestamps[0] == 500
    with pytest.raises(InputError, match="out of order by more than a piece"):
        stream(path, photons=[2, 3])
