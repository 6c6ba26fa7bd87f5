"""Tracks and jumps of the emitters as variables of a dataset, with their dimensions and errors."""

from __future__ import annotations

from typing import Any

from spq.spectroscopy.brightest import brightest_pixel
from spq.spectroscopy.jumps import Jumps
from spq.spectroscopy.records import FrameSeries
from spq.spectroscopy.tracks import Tracks

Variables = dict[str, Any]
"""Name -> dimensions and values, as xarray takes them."""

JUMPS = {
    "jump_size": "size_meV",
    "jump_size_error": "error_meV",
    "jump_limit": "limit_meV",
    "jump_p": "p_values",
    "jump_q": "q_values",
}
"""Variable -> field of Jumps, for each jump and emitter."""


def track_variables(frames: FrameSeries, tracks: Tracks, warnings: list[str]) -> Variables:
    """Energies in eV and photons of every emitter in every frame, and the brightest pixel for comparison."""
    warnings += tracks.warnings
    dims = ("frame", "emitter")
    found: Variables = {
        "track": (dims, tracks.energies),
        "track_error": (dims, tracks.errors),
        "track_photons": (dims, tracks.photons),
        "track_photons_error": (dims, tracks.photon_errors),
        "brightest": ("frame", brightest_pixel(frames)),
    }
    if tracks.shape is not None:
        found["track_width"] = ((), tracks.shape.width_meV)
    return found


def jump_variables(jumps: Jumps, warnings: list[str]) -> Variables:
    """Jumps of the emitters in meV, which are simultaneous, and how sure that is."""
    warnings += jumps.warnings
    found: Variables = {name: (("jump", "emitter"), getattr(jumps, field)) for name, field in JUMPS.items()}
    return found | {
        "jump_frame": ("jump", jumps.frame),
        "jump_coincident": ("jump", jumps.coincident),
        "jump_coincidence_q": ("jump", jumps.coincidence_q),
        "jump_likelihood_ratio": ("jump", jumps.likelihood_ratio),
        "jump_common_drift": ("jump", jumps.common_drift),
        "track_diffusion": ("emitter", jumps.diffusion_meV),
        "coincidence_p": ((), jumps.run_p_value),
        "coincidence_chance": ((), jumps.chance),
    }
