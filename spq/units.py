"""The one system of units of spq: nm, eV, e, m0 (electron mass), K, V, ns.

HBAR2_2M = ħ²/(2 m0), COULOMB = e²/(4π ε0) and HC = hc, from the CODATA values of `scipy.constants`.
"""

from __future__ import annotations

from scipy import constants

NM = constants.nano
"""One nm in m."""

HBAR2_2M: float = constants.hbar**2 / (2.0 * constants.m_e) / constants.e / NM**2
"""ħ²/(2 m0) in eV nm² (0.0380998)."""

COULOMB: float = constants.e / (4.0 * constants.pi * constants.epsilon_0) / NM
"""e²/(4π ε0) in eV nm (1.4399645)."""

MEV_PER_EV: float = 1.0 / constants.milli
"""meV in one eV, for files, tables and labels."""

KV_PER_CM: float = 1e-4
"""One kV/cm in V/nm."""

BOLTZMANN: float = constants.k / constants.e
"""Boltzmann's constant in eV/K (8.617e-5)."""

HC: float = constants.h * constants.c / constants.e / NM
"""hc in eV nm (1239.84198)."""
