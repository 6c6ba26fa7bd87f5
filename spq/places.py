"""Where fields are evaluated: at given points, or at the nodes of the mesh; and the molecule's own axes.

A field is Σ_m χ_m(α) u_m (spq.harmonics); u_m at a place is a row of the shape functions times its nodal
values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from spq.geometry import Array, Molecule
from spq.meshing import frame
from spq.space import Space
from spq.surface import axis_frame

Blocks = dict[int, np.ndarray]  # nodal values (size,) of each label


@dataclass(frozen=True, eq=False)
class Places:
    """points: (n, 3) nm, laboratory frame; evaluate: (n, size) shape functions; azimuths: (n,) radians."""

    space: Space
    points: np.ndarray
    evaluate: sp.csr_matrix
    azimuths: np.ndarray

    def values(self, field: Blocks) -> np.ndarray:
        """Values (n,) of a field."""
        found = np.zeros(len(self.points))
        for label, nodal in field.items():
            (angular,) = self.space.harmonics.values((label,), self.azimuths)
            found += angular * (self.evaluate @ nodal)
        return found


def places_at(space: Space, points: np.ndarray) -> Places:
    """Given points (n, 3) in nm; raises InputError if one lies outside the mesh."""
    points = np.atleast_2d(np.asarray(points, dtype=float))
    return Places(space, points, space.point_values(points), space.local(points)[1])


def places_of_nodes(space: Space) -> Places:
    """The nodes of the mesh; those of a half plane twice, at azimuth 0 and then at 180 degrees."""
    here = sp.identity(space.size, format="csr")
    if not space.harmonics.turning:
        return Places(space, space.positions, here, np.zeros(space.size))
    across = axis_frame(space.molecule)[1]
    aside = space.mesh.doflocs[0]
    points = [space.positions, space.positions - 2 * np.outer(aside, across)]
    azimuths = np.repeat([0.0, np.pi], space.size)
    return Places(space, np.vstack(points), sp.vstack([here, here], format="csr"), azimuths)


def axes_of_molecule(molecule: Molecule) -> Array:
    """Unit vectors x, y, z (3, 3) of a molecule's own: z the long axis, x at phi = 0 or where dots spread."""
    if not molecule.is_linear:
        return frame(molecule)
    axis, across, third = axis_frame(molecule)
    return np.array([across, third, axis])


def in_laboratory(molecule: Molecule, points: Array) -> Array:
    """Points (n, 3) in nm of the laboratory frame from those of the molecule's own axes."""
    axes = axes_of_molecule(molecule)
    return _foot(molecule, axes) + points @ axes


def in_molecule(molecule: Molecule, points: Array) -> Array:
    """Points (n, 3) in nm of the molecule's own axes from those of the laboratory frame."""
    axes = axes_of_molecule(molecule)
    return (points - _foot(molecule, axes)) @ axes.T


def _foot(molecule: Molecule, axes: Array) -> Array:
    """Origin (3,) of a molecule's own axes: the place on the long axis at the height of the laboratory's."""
    return np.asarray(molecule.mean_center - (molecule.mean_center @ axes[2]) * axes[2])
