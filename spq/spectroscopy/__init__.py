"""The companion of the solver: from photon tags and camera frames to clusters, lifetimes, lines and jumps.

A file becomes a PhotonStream, a FrameSeries or a Measurement (both); everything else takes one of these.
Times are in ns from the start of the measurement, wavelengths in nm in vacuum, energies in eV.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spq.spectroscopy.analysis import analyse as analyse
    from spq.spectroscopy.branchingratios import Branching as Branching
    from spq.spectroscopy.branchingratios import branching as branching
    from spq.spectroscopy.brightest import brightest_pixel as brightest_pixel
    from spq.spectroscopy.brighttrack import brightest_track as brightest_track
    from spq.spectroscopy.cameraframes import CameraImages as CameraImages
    from spq.spectroscopy.cameraframes import mask_saturated as mask_saturated
    from spq.spectroscopy.changepoints import Segments as Segments
    from spq.spectroscopy.changepoints import find_segments as find_segments
    from spq.spectroscopy.clusters import Clusters as Clusters
    from spq.spectroscopy.clusters import find_clusters as find_clusters
    from spq.spectroscopy.cosmicrays import mask_cosmic_rays as mask_cosmic_rays
    from spq.spectroscopy.decays import DecayFit as DecayFit
    from spq.spectroscopy.decays import fit_decay as fit_decay
    from spq.spectroscopy.drawnparticles import draw_particle as draw_particle
    from spq.spectroscopy.effective import EffectiveLifetimes as EffectiveLifetimes
    from spq.spectroscopy.effective import effective_lifetimes as effective_lifetimes
    from spq.spectroscopy.files import read as read
    from spq.spectroscopy.files import read_images as read_images
    from spq.spectroscopy.flid import Flid as Flid
    from spq.spectroscopy.flid import lifetime_intensity as lifetime_intensity
    from spq.spectroscopy.foldedangles import AngleTests as AngleTests
    from spq.spectroscopy.foldedangles import difference_tests as difference_tests
    from spq.spectroscopy.foldedangles import fold_angle as fold_angle
    from spq.spectroscopy.histograms import MicroTimes as MicroTimes
    from spq.spectroscopy.histograms import histogram as histogram
    from spq.spectroscopy.images import extract_spectra as extract_spectra
    from spq.spectroscopy.instruments import Camera as Camera
    from spq.spectroscopy.instruments import Detector as Detector
    from spq.spectroscopy.instruments import Laser as Laser
    from spq.spectroscopy.instruments import WavePlate as WavePlate
    from spq.spectroscopy.joining import join as join
    from spq.spectroscopy.jumps import Jumps as Jumps
    from spq.spectroscopy.jumps import find_jumps as find_jumps
    from spq.spectroscopy.linemodel import LineShape as LineShape
    from spq.spectroscopy.linemodel import energy_edges as energy_edges
    from spq.spectroscopy.linemodel import profile as profile
    from spq.spectroscopy.lineorigin import OriginPosterior as OriginPosterior
    from spq.spectroscopy.lineorigin import origin as origin
    from spq.spectroscopy.lineorigin import origins as origins
    from spq.spectroscopy.lines import LineFit as LineFit
    from spq.spectroscopy.lines import compare_shapes as compare_shapes
    from spq.spectroscopy.lines import fit_lines as fit_lines
    from spq.spectroscopy.manyparticles import population as population
    from spq.spectroscopy.measurementfiles import read_measurement as read_measurement
    from spq.spectroscopy.originmodel import OriginModel as OriginModel
    from spq.spectroscopy.particlelines import ParticleLines as ParticleLines
    from spq.spectroscopy.particlelines import particle_lines as particle_lines
    from spq.spectroscopy.photon_hdf5 import write_photon_hdf5 as write_photon_hdf5
    from spq.spectroscopy.photonpieces import PhotonPieces as PhotonPieces
    from spq.spectroscopy.photonpieces import stream as stream
    from spq.spectroscopy.polarised import Polarisation as Polarisation
    from spq.spectroscopy.polarised import fit_polarisation as fit_polarisation
    from spq.spectroscopy.pulses import with_micro_times as with_micro_times
    from spq.spectroscopy.records import FrameSeries as FrameSeries
    from spq.spectroscopy.records import Measurement as Measurement
    from spq.spectroscopy.records import PhotonStream as PhotonStream
    from spq.spectroscopy.recordstore import load as load
    from spq.spectroscopy.recordstore import save as save
    from spq.spectroscopy.replicas import replica_distances as replica_distances
    from spq.spectroscopy.replicas import without_replicas as without_replicas
    from spq.spectroscopy.responses import Response as Response
    from spq.spectroscopy.simulation import Decay as Decay
    from spq.spectroscopy.simulation import Diffusion as Diffusion
    from spq.spectroscopy.simulation import Emitter as Emitter
    from spq.spectroscopy.simulation import Lines as Lines
    from spq.spectroscopy.simulation import Simulation as Simulation
    from spq.spectroscopy.simulation import Step as Step
    from spq.spectroscopy.simulation import Switching as Switching
    from spq.spectroscopy.simulationfile import simulation_of as simulation_of
    from spq.spectroscopy.simulator import as_counts as as_counts
    from spq.spectroscopy.simulator import simulate as simulate
    from spq.spectroscopy.spe import spe_regions as spe_regions
    from spq.spectroscopy.stability import Stability as Stability
    from spq.spectroscopy.stability import intensity_against_position as intensity_against_position
    from spq.spectroscopy.stateenergies import StateEnergies as StateEnergies
    from spq.spectroscopy.stateenergies import Trap as Trap
    from spq.spectroscopy.stateenergies import energies_by_hand as energies_by_hand
    from spq.spectroscopy.stateenergies import energies_of_map as energies_of_map
    from spq.spectroscopy.tallies import Tally as Tally
    from spq.spectroscopy.tallies import tally as tally
    from spq.spectroscopy.timegates import time_gates as time_gates
    from spq.spectroscopy.tracks import Tracks as Tracks
    from spq.spectroscopy.tracks import find_tracks as find_tracks
    from spq.spectroscopy.transfer import Transfer as Transfer
    from spq.spectroscopy.transfer import energy_transfer as energy_transfer
    from spq.spectroscopy.truth import Truth as Truth
    from spq.spectroscopy.unmixing import Unmixed as Unmixed
    from spq.spectroscopy.unmixing import unmix_decays as unmix_decays
    from spq.spectroscopy.windows import angle_difference as angle_difference
    from spq.spectroscopy.windows import window_polarisation as window_polarisation

# public name: module that defines it, imported when the name is first used
_PUBLIC = {
    "AngleTests": "foldedangles",
    "Branching": "branchingratios",
    "Camera": "instruments",
    "CameraImages": "cameraframes",
    "Clusters": "clusters",
    "Decay": "simulation",
    "DecayFit": "decays",
    "Detector": "instruments",
    "Diffusion": "simulation",
    "EffectiveLifetimes": "effective",
    "Emitter": "simulation",
    "Flid": "flid",
    "FrameSeries": "records",
    "Jumps": "jumps",
    "Laser": "instruments",
    "LineFit": "lines",
    "LineShape": "linemodel",
    "Lines": "simulation",
    "Measurement": "records",
    "MicroTimes": "histograms",
    "OriginModel": "originmodel",
    "OriginPosterior": "lineorigin",
    "ParticleLines": "particlelines",
    "PhotonPieces": "photonpieces",
    "PhotonStream": "records",
    "Polarisation": "polarised",
    "Response": "responses",
    "Segments": "changepoints",
    "Simulation": "simulation",
    "Stability": "stability",
    "StateEnergies": "stateenergies",
    "Step": "simulation",
    "Switching": "simulation",
    "Tally": "tallies",
    "Tracks": "tracks",
    "Transfer": "transfer",
    "Trap": "stateenergies",
    "Truth": "truth",
    "Unmixed": "unmixing",
    "WavePlate": "instruments",
    "analyse": "analysis",
    "angle_difference": "windows",
    "as_counts": "simulator",
    "branching": "branchingratios",
    "brightest_pixel": "brightest",
    "brightest_track": "brighttrack",
    "compare_shapes": "lines",
    "difference_tests": "foldedangles",
    "draw_particle": "drawnparticles",
    "effective_lifetimes": "effective",
    "energies_by_hand": "stateenergies",
    "energies_of_map": "stateenergies",
    "energy_edges": "linemodel",
    "energy_transfer": "transfer",
    "extract_spectra": "images",
    "find_clusters": "clusters",
    "find_jumps": "jumps",
    "find_segments": "changepoints",
    "find_tracks": "tracks",
    "fit_decay": "decays",
    "fit_lines": "lines",
    "fit_polarisation": "polarised",
    "fold_angle": "foldedangles",
    "histogram": "histograms",
    "intensity_against_position": "stability",
    "join": "joining",
    "lifetime_intensity": "flid",
    "load": "recordstore",
    "mask_cosmic_rays": "cosmicrays",
    "mask_saturated": "cameraframes",
    "origin": "lineorigin",
    "origins": "lineorigin",
    "particle_lines": "particlelines",
    "population": "manyparticles",
    "profile": "linemodel",
    "read": "files",
    "read_images": "files",
    "read_measurement": "measurementfiles",
    "replica_distances": "replicas",
    "save": "recordstore",
    "simulate": "simulator",
    "simulation_of": "simulationfile",
    "spe_regions": "spe",
    "stream": "photonpieces",
    "tally": "tallies",
    "time_gates": "timegates",
    "unmix_decays": "unmixing",
    "window_polarisation": "windows",
    "with_micro_times": "pulses",
    "without_replicas": "replicas",
    "write_photon_hdf5": "photon_hdf5",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
