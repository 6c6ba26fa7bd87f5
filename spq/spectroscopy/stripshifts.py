"""The offset along the wavelengths between two strips, and its correction.

The shift d of H against V is where their correlation C(d) = Σ_tc V_t(c) H_t(c + d) is largest, over groups of
frames t, both seen through a Gaussian of one pixel that keeps noise out. In a group the two are alike even
where a line wanders while the wave plate turns. With v, h the spectra through the Gaussian once more and
k its kernel, the variance of C' is  Σ var H v'² + var V h'² - var V (k'² * var H), its error that over C''.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

SMOOTH = 1.0
"""Standard deviation in pixels of the Gaussian."""
GROUP = 4
"""Frames that are taken together."""
FARTHEST = 30
TAPER = 0.05
STEPS = 20
SURE = 5.0
"""Standard deviations by which the correlation must be above none."""


def spectral_shift(first: Array, other: Array, variances: tuple[Array, Array]) -> tuple[float, float]:
    """Pixels by which `other` (frames, columns) lies to higher columns than `first`, and the standard error.

    variances: of both, (columns,), mean over the frames. NaN and NaN where the correlation has no significant
    maximum within 30 pixels. In each group of four frames the spectra are taken to be alike but for a factor:
    emitters of other polarisation nearby move the shift, which is not in the error.
    """
    frames, count = first.shape
    at = np.arange(0, frames, GROUP)
    edge = np.minimum(np.arange(count), np.arange(count)[::-1]) / max(TAPER * count, 1.0)
    window = 0.5 - 0.5 * np.cos(np.pi * np.clip(edge, 0.0, 1.0))
    padded = 2 * count
    wave = 2.0 * np.pi * np.fft.rfftfreq(padded)
    filtered = np.exp(-((SMOOTH * wave) ** 2))
    groups = []
    for each in (first, other):
        light = np.add.reduceat(np.nan_to_num(each), at, axis=0)
        groups.append(np.fft.rfft(window * (light - np.median(light, axis=1, keepdims=True)), padded))
    noise = [frames * window**2 * each for each in variances]
    product = filtered * (np.conj(groups[0]) * groups[1]).sum(axis=0)
    rough = np.fft.irfft(product, padded)
    reach = min(FARTHEST, count // 2)
    lags = np.arange(-reach, reach + 1)
    shift = float(lags[int(np.argmax(rough[lags]))])
    for _ in range(STEPS):
        _, slope, bend = _correlation(product, wave, shift, padded)
        step = -slope / bend if bend < 0.0 else 0.0
        shift += float(np.clip(step, -0.5, 0.5))
        if abs(step) < 1e-6:
            break
    height, _, bend = _correlation(product, wave, shift, padded)
    level = np.sqrt(_variance(filtered, groups, noise, len(at), padded))
    error = np.sqrt(_variance(1j * wave * filtered, groups, noise, len(at), padded))
    if not bend < 0.0 or not height > SURE * level or not 0.0 < error < -0.5 * bend or abs(shift) > reach:
        return np.nan, np.nan
    return shift, float(error / -bend)


def _correlation(product: Array, wave: Array, shift: float, padded: int) -> tuple[float, float, float]:
    """The correlation at a shift with its first and second derivative."""
    turned = product * np.exp(1j * wave * shift) * (2.0 / padded)
    return float(turned.real.sum()), -float((wave * turned.imag).sum()), -float((wave**2 * turned.real).sum())


def _variance(through: Array, groups: list[Array], noise: list[Array], number: int, padded: int) -> float:
    """Variance of the correlation seen through a filter, of noise (columns,) in all groups together."""
    count = len(noise[0])
    seen = [(np.fft.irfft(through * each, padded)[:, :count] ** 2).sum(axis=0) / number for each in groups]
    kernel = np.fft.rfft(np.fft.irfft(through, padded) ** 2)
    both = np.fft.irfft(kernel * np.fft.rfft(noise[1], padded), padded)[:count] / number
    # noise with noise is in both of the first two, for they are of noisy spectra
    found = float((noise[1] * seen[0] + noise[0] * seen[1] - noise[0] * both).sum())
    return max(found, 0.0)


def moved(counts: Array, shift: float) -> Array:
    """Counts (..., columns) at columns that are `shift` to the right: each pixel the sum of its parts.

    Pixels are taken as evenly filled, so that counts are conserved; those beyond the ends are NaN. A pixel
    becomes (1 - f) of one and f of the next, f the fraction of the shift: neighbours share their noise.
    """
    whole = int(np.floor(shift))
    part = shift - whole
    columns = np.arange(counts.shape[-1]) + whole
    found = (1.0 - part) * _taken(counts, columns)
    return found + part * _taken(counts, columns + 1) if part else found


def _taken(counts: Array, columns: Array) -> Array:
    inside = (columns >= 0) & (columns < counts.shape[-1])
    return np.where(inside, counts[..., np.clip(columns, 0, counts.shape[-1] - 1)], np.nan)
