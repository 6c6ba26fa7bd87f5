"""Raw images of a camera made of spectra whose photons are known, for tests of what finds them again."""

import numpy as np


def image_of(
    photons,
    generator,
    *,
    rows=48,
    places=(14.3, 33.6),
    tilts=(0.004, -0.006),
    width=1.4,
    shift=0.0,
    gain=60.0,
    offset=400.0,
    read_noise=8.0,
    columns_offset=0.0,
    wander=0.0,
    multiply=True,
    with_light=False,
):
    """Images (frames, rows, columns) of whole photons (frames, 2, columns).

    Each photon falls on a row about its strip's middle, which is tilted (rows per column), and those of the
    second strip are moved by `shift` columns; electrons are multiplied, offset and noise added, and counts
    clipped at 16 bits. columns_offset, wander: standard deviations of the offset from column to column and
    from frame to frame. Photons that fall beside the image are lost. with_light: also what of the counts is
    light, (rows, columns), summed over the frames.
    """
    frames, _, columns = photons.shape
    electrons = np.zeros((frames, rows, columns))
    for strip, (place, tilt) in enumerate(zip(places, tilts, strict=True)):
        frame, column = np.nonzero(photons[:, strip])
        number = photons[frame, strip, column].astype(int)
        frame, column = np.repeat(frame, number), np.repeat(column, number)
        at = (
            column
            + (shift if strip else 0.0)
            + generator.random(len(column)) * (1.0 if strip and shift else 0.0)
        )
        column = np.floor(at).astype(int)
        middle = place + tilt * (column - 0.5 * (columns - 1))
        row = np.rint(middle + width * generator.standard_normal(len(column))).astype(int)
        inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        np.add.at(electrons, (frame[inside], row[inside], column[inside]), 1.0)
    counts = gain * electrons
    if multiply:
        lit = electrons > 0
        counts[lit] = generator.gamma(electrons[lit], gain)
    light = counts.sum(axis=0)
    counts += offset + read_noise * generator.standard_normal(counts.shape)
    counts += columns_offset * generator.standard_normal(columns)
    counts += wander * generator.standard_normal(frames)[:, None, None]
    images = np.clip(np.rint(counts), 0, 65535).astype(np.uint16)
    return (images, light) if with_light else images
