"""Wavelength and photon energy: E = hc/λ in vacuum; air to vacuum; spectra per nm to spectra per eV.

A spectrum per wavelength becomes one per energy with the Jacobian |dλ/dE| = hc/E².
Refractive index of dry air at 15 °C, 101325 Pa, 450 ppm CO2: P. E. Ciddor, Appl. Opt. 35, 1566 (1996),
equation 1.
"""

from __future__ import annotations

import numpy as np

from spq.units import HC


def energy_of(wavelength: np.ndarray) -> np.ndarray:
    """Photon energies in eV of wavelengths in nm in vacuum, of any shape; the same back."""
    return HC / np.asarray(wavelength, dtype=float)


def per_energy(spectrum: np.ndarray, wavelength: np.ndarray) -> np.ndarray:
    """A spectrum per nm, last axis along the wavelengths (nm, vacuum), as one per eV, same order."""
    wavelength = np.asarray(wavelength, dtype=float)
    return np.asarray(spectrum, dtype=float) * wavelength**2 / HC


def air_index(vacuum: np.ndarray) -> np.ndarray:
    """Refractive index of standard air at wavelengths in nm in vacuum (300 to 1690 nm)."""
    wavenumber2 = (1e3 / np.asarray(vacuum, dtype=float)) ** 2  # 1/µm²
    return 1.0 + 1e-8 * (5792105.0 / (238.0185 - wavenumber2) + 167917.0 / (57.362 - wavenumber2))


def vacuum_of(air: np.ndarray) -> np.ndarray:
    """Wavelengths in nm in vacuum of those in air."""
    air = np.asarray(air, dtype=float)
    vacuum = air * air_index(air)
    for _ in range(3):  # the index changes by 1e-9 with the last step
        vacuum = air * air_index(vacuum)
    return vacuum
