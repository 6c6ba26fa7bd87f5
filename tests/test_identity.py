"""Whose line a track is, by its polarisation: exchanged tracks are seen, and put right before they are
assigned."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from test_windows import DARK, DEGREE, ENERGIES, apart, dimer

from spq.assignment import observations_of
from spq.assignment.observations import EXCHANGED, exchanged_frames
from spq.spectroscopy.identity import track_identity


def evidence(frames, exchanged, half=4.0):
    """Log-likelihood of tracks whose emitters are exchanged in some frames."""
    energies = np.tile(ENERGIES, (len(frames.counts), 1))
    energies[exchanged] = energies[exchanged, ::-1]
    return track_identity(frames, energies, half, DARK, apart(frames))


def test_exchanged_tracks_are_seen():
    """60 frames of 200 exchanged: every stretch of 20 frames is told, 80 photons of each emitter a frame."""
    exchanged = np.zeros(200, dtype=bool)
    exchanged[80:140] = True
    for seed in range(3):
        found = evidence(dimer(seed), exchanged)
        sums = found.reshape(10, 20).sum(axis=1)
        assert (np.sign(sums) == np.where(exchanged[::20], -1.0, 1.0)).all()
        assert (np.abs(sums) > 6.0).all()
        assert (found[exchanged].sum() < EXCHANGED) and (found[~exchanged].sum() > -EXCHANGED)


def test_evidence_is_what_photons_give():
    """Without noise: the mean log-likelihood ratio of binomial V and H, over the excess noise."""
    frames = dimer(0, noisy=False, background=1e-9, photons=50.0)
    found = evidence(frames, np.zeros(200, dtype=bool), half=1.5)
    angle = np.radians(4.0 * frames.angles)
    shares, lights = [], []
    for axis in np.radians((20.0, 75.0)):
        m = DEGREE * np.cos(angle - 2.0 * axis)
        shares.append(1.2 * (1 + m) / (1.2 * (1 + m) + 1 - m))
        lights.append(25.0 * (1.2 * (1 + m) + 1 - m))
    wanted = np.zeros(200)
    for own, other, light in ((*shares, lights[0]), (*shares[::-1], lights[1])):
        wanted += light * (own * np.log(own / other) + (1 - own) * np.log((1 - own) / (1 - other))) / 2.0
    inside = found.sum() / wanted.sum()  # the window holds part of the line, and some of the replicas
    assert 0.4 < inside < 1.0
    assert np.corrcoef(found, wanted)[0, 1] > 0.98


def test_alike_polarised_emitters_say_nothing():
    frames = dimer(1)
    first = apart(frames)[0]
    energies = np.tile(ENERGIES, (200, 1))
    alike = dataclasses.replace(first, components=first.components.copy())
    found = track_identity(frames, energies, 4.0, DARK, [first, alike])
    assert np.abs(found).max() < 1e-9
    unknown = dataclasses.replace(first, angle=float("nan"))
    assert np.isnan(track_identity(frames, energies, 4.0, DARK, [first, unknown])).all()
    assert np.isnan(track_identity(frames, energies[:, :1], 4.0, DARK, [first])).all()


def test_exchanged_stretches_are_put_right():
    """Tracks exchanged in a stretch: levels and light as without, if the polarisation says so."""
    frames, (begin, end) = 90, (30, 60)
    generator = np.random.default_rng(2)
    energies = np.array(ENERGIES) + 2e-4 * generator.standard_normal((frames, 2))
    photons = np.tile([80.0, 50.0], (frames, 1))
    swapped = slice(begin, end)
    energies[swapped], photons[swapped] = energies[swapped, ::-1], photons[swapped, ::-1]
    identity = np.full(frames, 0.8)
    identity[swapped] *= -1.0

    def analysis(**more):
        return xr.Dataset(
            {
                "track": (("frame", "emitter"), energies),
                "track_error": (("frame", "emitter"), np.full((frames, 2), 2e-4)),
                "track_photons": (("frame", "emitter"), photons),
                "jump_frame": ("jump", [begin, end]),
                "jump_q": (("jump", "emitter"), np.zeros((2, 2))),
                "state": ("frame", np.zeros(frames, dtype=int)),
                "start": ("frame", 0.5 * np.arange(frames)),
                **more,
            },
            attrs={"spq_kind": "analysis"},
        )

    bare, told = observations_of(analysis()), observations_of(analysis(track_identity=("frame", identity)))
    assert np.flatnonzero(exchanged_frames(analysis(track_identity=("frame", identity)))).tolist() == list(
        range(begin, end)
    )
    assert np.abs(bare.jumps).min() > 25.0
    assert np.abs(told.jumps).max() < 1.0
    assert told.photons == pytest.approx(np.tile([80.0, 50.0], (3, 1)))
