"""Igor text files (.itx): waves with their names, units and scaling, as Igor Pro loads them.

WAVES/D/N=(rows, columns) name, BEGIN, one line for each row, END; then commands: SetScale/P x start, step,
"unit" where an axis is equally spaced, SetScale d for the unit of the data, and the long name as the wave's
Note. Igor takes no wave whose name is that of a built-in function or operation (CheckName answers 28 or 26):
such names, z or mean, get a suffix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spq.columns import Column, Grid, Table, spaced, unique

LONGEST = 31  # characters of a name before Igor 8

# plain words that are functions or operations of Igor, as all single letters may be: no wave has their names
RESERVED = frozenset(
    """abs acos area asin atan beta ceil conj cos cosh date datetime differentiate display edit erf erfc exp
    factorial faverage fft floor gamma gauss grep histogram ifft imag inf integrate interp interpolate label
    legend limit ln log loess magsqr make max mean median min mod modify nan norm note num2str numpnts open pi
    poly preferences print project real redimension rename resample reverse rotate round save sawtooth sign
    silent sin sinc sinh sleep slow smooth sort speak sqrt stack str2num strlen sum tag tan tanh ticks tile
    time trunc unwrap variance voigt wavemax wavemin wavestats""".split()
)


def write_itx(tables: Sequence[Table], grids: Sequence[Grid], about: str, path: Path) -> None:
    """Write tables as waves, one for each column, and grids as two-dimensional waves.

    about: one line on what it is. Raises OSError if the file cannot be written.
    """
    taken: set[str] = set()
    lines = ["IGOR", f"X // {_text(about)}"]
    for grid in grids:
        name = _free(f"map_{grid.column.name}", taken)
        lines += _wave(name, grid.column, "".join(f" along {axis}" for axis, _, _ in grid.axes))
        for letter, (axis, unit, values) in zip("xy", grid.axes, strict=True):
            step = spaced(values)
            if step is None:
                other = _free(f"{axis}_of_{name}", taken)
                lines += _wave(other, Column(other, axis, unit, "", values), "")
            else:
                scale = f'{values[0]:.15g},{step:.15g},"{_text(unit)}"'
                lines.append(f"X SetScale/P {letter} {scale}, {name}")
    for table in tables:
        for column in table.columns:
            lines += _wave(_free(column.name, taken), column, "")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _free(name: str, taken: set[str]) -> str:
    """A name that neither another wave nor a function or operation of Igor has, whatever the case."""
    if len(name) == 1:
        name = f"{name}_axis"
    elif name.lower() in RESERVED:
        name = f"{name}_values"
    return unique(name, taken, LONGEST)


def _wave(name: str, column: Column, more: str) -> list[str]:
    values = column.values
    if values.dtype.kind in "biuf":
        shape = ",".join(str(size) for size in values.shape)
        rows = np.atleast_2d(values.T).T.astype(float)
        lines = [f"WAVES/D/N=({shape})\t{name}", "BEGIN"]
        lines += ["\t" + "\t".join(_number(value) for value in row) for row in rows]
        unit = _text(column.unit)
        scale = [f'X SetScale d 0,0,"{unit}", {name}'] if unit else []
    else:
        lines = [f"WAVES/T/N=({len(values)})\t{name}", "BEGIN"]
        lines += [f'\t"{_text(str(value))}"' for value in values]
        scale = []
    note = ", ".join(part for part in (column.long_name, column.unit, column.comment) if part) + more
    return [*lines, "END", *scale, f'X Note {name}, "{_text(note)}"']


def _number(value: float) -> str:
    if np.isnan(value):
        return "NaN"
    return f"{value:.17g}" if np.isfinite(value) else ("INF" if value > 0 else "-INF")


def _text(text: str) -> str:
    """Text within quotes and on one line."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
