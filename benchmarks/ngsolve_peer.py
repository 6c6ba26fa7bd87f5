"""A peer for the single-carrier levels and one Coulomb integral: NGSolve on the nominal heterodimer.

Two CdSe/CdS dots, cores 1.3 and 1.35 nm, shells 2.1 nm, centres 6.4 nm apart, hard wall, CB step 0.10 eV,
in a matrix of permittivity 2.25 that ends at 30 nm with the Robin condition ∂V/∂n = −V/R: the problem that
spq solves. In the (r, z) half plane for one |m| at a time, and in 3D, whole or one quarter by mirror
symmetry. Curved elements of high order, refined geometrically towards the re-entrant edge.

Needs `pip install ngsolve`. Run as a program, with OMP_NUM_THREADS=1, it prints errors and seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from time import perf_counter

import netgen.occ as occ
import ngsolve as ng
import numpy as np
from netgen.meshing import MeshingParameters
from scipy import constants
from scipy.sparse.linalg import LinearOperator, eigsh

HBAR2_2M = constants.hbar**2 / (2 * constants.m_e) / constants.e * 1e18  # eV nm²
COULOMB = constants.e / (4 * np.pi * constants.epsilon_0) * 1e9  # eV nm
CENTERS, CORES, SHELL, OUTER = (-3.2, 3.2), (1.3, 1.35), 2.1, 30.0  # nm
MASSES = {"e": {"core": 0.13, "shell": 0.21}, "h": {"core": 0.45, "shell": 0.70}}
BANDS = {"e": {"core": 0.0, "shell": 0.10}, "h": {"core": 0.0, "shell": 0.64}}  # eV
PERMITTIVITIES = {"core": 9.5, "shell": 8.9, "matrix": 2.25}
FINER = 0.7  # element size in cores over that in shells
INVERSE = "sparsecholesky"  # NGSolve's own: faster here than PARDISO and UMFPACK through NGSolve
SHIFT = -0.05  # eV, below the spectrum
TOLERANCE = 1e-6  # relative, of the inverted problem's eigenvalues
FACTOR = 0.125  # of each geometric refinement towards the edge
# Lowest levels in meV of a carrier and |m|, converged to the digits given (orders 10 and 12, fine meshes)
REFERENCE = {
    ("e", 0): (221.829576, 228.045040, 411.987964, 433.194973, 588.945712, 640.897011),
    ("e", 1): (424.832038, 434.303119, 626.202357, 640.414065, 853.910114, 876.840329),
    ("e", 2): (627.147993, 641.185883, 858.350810, 879.178608, 1127.874626, 1157.135549),
    ("h", 0): (242.839081, 255.917203, 485.426246, 509.429311, 726.836113, 735.224557),
    ("h", 1): (485.432005, 509.438603, 728.323402, 748.408768, 790.835964, 795.595965),
    ("h", 2): (728.368933, 748.484116, 856.553051, 865.285055, 882.604988, 901.256964),
}
REFERENCE_COULOMB = 208.967846  # meV, of the lowest electron state of dot 1 with itself

ng.SetNumThreads(1)  # threads that wait for each other cost a small factorisation five times its time


@dataclass(frozen=True)
class Setting:
    """order: of fields and curved elements; size: of elements in shells, nm; edge: number of geometric
    refinements towards the re-entrant edge; rim: size along it in 3D, nm; matrix: size in it, nm."""

    order: int
    size: float
    edge: int
    rim: float = 0.6
    matrix: float = 10.0


@dataclass(frozen=True)
class Cost:
    """Seconds of the mesh, a Coulomb integral's orbitals, assembly with factors, and the solution."""

    mesh: float
    orbital: float
    assembly: float
    solve: float
    unknowns: int

    def __str__(self) -> str:
        parts = (self.mesh, self.orbital, self.assembly, self.solve)
        return " ".join(f"{seconds:7.3f}" for seconds in (*parts, sum(parts))) + f" {self.unknowns:7d}"


@dataclass(frozen=True)
class Domain:
    """A mesh; weight: of the volume element; copies: measure of the whole over the meshed part; along: the
    coordinate along the line of centres; seconds: of the meshing."""

    mesh: ng.Mesh
    weight: ng.CF
    copies: float
    along: ng.CF
    seconds: float


def half_plane(setting: Setting, matrix: bool) -> Domain:
    """Mesh the half plane r >= 0 with or without the matrix; NGSolve's x is r and its y is z."""
    start = perf_counter()
    half = occ.MoveTo(0, -2 * OUTER).Rectangle(2 * OUTER, 4 * OUTER).Face()
    half.edges.Min(occ.X).name = "axis"

    def disk(center: float, radius: float, name: str):
        face = occ.WorkPlane().MoveTo(0, center).Circle(radius).Face()
        face.edges.name = name
        return face * half

    shape = _glued(disk, setting, matrix)
    for corner in shape.vertices:
        corner.hpref = int(corner.p.x > 1e-6 and _at_edge(corner.p.y))
    mesh = _refined(occ.OCCGeometry(shape, dim=2), setting)
    return Domain(mesh, ng.x, 2 * np.pi, ng.y, perf_counter() - start)


def solid(setting: Setting, matrix: bool, quarter: bool) -> Domain:
    """Mesh in 3D with or without the matrix the whole or, with `quarter`, x >= 0 and y >= 0."""
    start = perf_counter()
    low = 0.0 if quarter else -2 * OUTER
    box = occ.Box(occ.Pnt(low, low, -2 * OUTER), occ.Pnt(2 * OUTER, 2 * OUTER, 2 * OUTER))
    box.faces.Min(occ.X).name = "mirror"

    def ball(center: float, radius: float, name: str):
        body = occ.Sphere(occ.Pnt(0, 0, center), radius)
        body.faces.name = name
        return body * box if quarter else body

    shape = _glued(ball, setting, matrix)
    for curve in shape.edges:
        if all(_at_edge(point.z) for point in curve.bounding_box):
            curve.hpref, curve.maxh = 1, setting.rim
    mesh = _refined(occ.OCCGeometry(shape), setting)
    return Domain(mesh, ng.CF(1), 4.0 if quarter else 1.0, ng.z, perf_counter() - start)


def _at_edge(height: float) -> bool:
    """Whether a height is that of the circle in which the two outer spheres meet."""
    distance, (first, second) = CENTERS[1] - CENTERS[0], (core + SHELL for core in CORES)
    plane = CENTERS[0] + (distance**2 + first**2 - second**2) / (2 * distance)
    return abs(height - plane) < 1e-3


def _glued(ball: Callable, setting: Setting, matrix: bool):
    """Cores, fused shells and matrix, named, with their element sizes; ball(center, radius, name)."""
    first, second = (ball(center, core + SHELL, "wall") for center, core in zip(CENTERS, CORES, strict=True))
    cores = [ball(center, core, "inner") for center, core in zip(CENTERS, CORES, strict=True)]
    united = first + second
    parts = [(united - cores[0] - cores[1], "shell", setting.size)]
    parts += [(core, "core", FINER * setting.size) for core in cores]
    if matrix:
        parts.append((ball(0, OUTER, "far") - united, "matrix", setting.matrix))
    for body, name, largest in parts:
        pieces = body.solids if len(body.solids) else body.faces
        pieces.name, pieces.maxh = name, largest
    return occ.Glue([body for body, _, _ in parts])


def _refined(geometry: occ.OCCGeometry, setting: Setting) -> ng.Mesh:
    # Netgen's parallel mesher takes several times as long on a shared machine, and its time varies
    mesh = ng.Mesh(geometry.GenerateMesh(MeshingParameters(grading=0.5, parallel_meshing=False)))
    if setting.edge:
        mesh.RefineHP(setting.edge, FACTOR)
    mesh.Curve(setting.order)
    return mesh


def meshed(way: str, setting: Setting, matrix: bool) -> Domain:
    """Mesh of the "half plane", the "quarter" or the "whole"."""
    return half_plane(setting, matrix) if way == "half plane" else solid(setting, matrix, way == "quarter")


def lowest(domain: Domain, order: int, carrier: str, count: int, wall: str = "wall", m: int = 0):
    """Lowest states of a carrier, zero on the boundaries `wall`; m is of the half plane alone.

    Returns energies (count,) in eV ascending, orbitals of norm one in the meshed part, and the cost.
    """
    start = perf_counter()
    mesh, weight = domain.mesh, domain.weight
    space = ng.H1(mesh, order=order, definedon="core|shell", dirichlet=wall)
    u, v = space.TnT()
    inertia = mesh.MaterialCF({name: HBAR2_2M / mass for name, mass in MASSES[carrier].items()})
    band = mesh.MaterialCF({name: step - SHIFT for name, step in BANDS[carrier].items()})
    shifted, mass = ng.BilinearForm(space, symmetric=True), ng.BilinearForm(space, symmetric=True)
    shifted += (inertia * weight * ng.grad(u) * ng.grad(v) + band * weight * u * v) * ng.dx
    if m:
        shifted += inertia * m**2 / ng.x * u * v * ng.dx
    mass += weight * u * v * ng.dx
    shifted.Assemble()
    mass.Assemble()
    inverse = shifted.mat.Inverse(space.FreeDofs(), inverse=INVERSE)
    assembled = perf_counter()
    free = np.flatnonzero(space.FreeDofs())
    energies, vectors = _shift_invert(mass.mat, inverse, free, count)
    states = [ng.GridFunction(space) for _ in energies]
    for state, vector in zip(states, vectors.T, strict=True):
        state.vec.FV().NumPy()[free] = vector
    solved = perf_counter() - assembled
    return energies, states, Cost(domain.seconds, 0.0, assembled - start, solved, len(free))


def _shift_invert(mass, inverse, free: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """ARPACK's shift-invert Lanczos iteration with NGSolve's matrix and factors."""
    source, image = mass.CreateColVector(), mass.CreateColVector()
    source[:] = 0.0

    def operator(matrix) -> LinearOperator:
        def apply(values: np.ndarray) -> np.ndarray:
            source.FV().NumPy()[free] = values.ravel()
            image.data = matrix * source
            return image.FV().NumPy()[free]

        return LinearOperator((len(free), len(free)), matvec=apply, dtype=float)

    metric, first = operator(mass), np.cos(np.arange(len(free), dtype=float))
    options = {"OPinv": operator(inverse), "v0": first, "ncv": min(len(free), count + 10), "tol": TOLERANCE}
    # the first operator stands for the Hamiltonian, of which this mode uses the shape alone
    energies, vectors = eigsh(metric, count, metric, SHIFT, **options)
    ascending = np.argsort(energies)
    return energies[ascending], vectors[:, ascending]


def levels(way: str, setting: Setting, carrier: str, m: int = 0, count: int = 6) -> tuple[np.ndarray, Cost]:
    """Lowest levels of a carrier, (count,) in eV, and the cost.

    In the half plane those of |m|; in the quarter for m = 0 those even in x and y (|m| = 0, 2, ...), for
    m = 1 those odd in x alone (|m| = 1, 3, ...); in the whole all.
    """
    domain = meshed(way, setting, matrix=False)
    nodal = {"half plane": "wall|axis", "quarter": "wall|mirror", "whole": "wall"}[way]
    wall, turns = nodal if m else "wall", m if way == "half plane" else 0
    energies, _, cost = lowest(domain, setting.order, carrier, count, wall, turns)
    return energies, cost


def coulomb(way: str, setting: Setting) -> tuple[float, Cost]:
    """Coulomb integral in eV of the lowest electron state of dot 1 with itself, and the cost."""
    domain, order = meshed(way, setting, matrix=True), setting.order
    start = perf_counter()
    mesh, weight = domain.mesh, domain.weight
    _, states, _ = lowest(domain, order, "e", 2)
    dots, lever = mesh.Materials("core|shell"), weight * domain.along
    own = next(state for state in states if ng.Integrate(lever * state**2, mesh, definedon=dots) < 0)
    prepared = perf_counter()
    space = ng.H1(mesh, order=order)
    u, v = space.TnT()
    matrix, source = ng.BilinearForm(space, symmetric=True), ng.LinearForm(space)
    matrix += mesh.MaterialCF(PERMITTIVITIES) * weight * ng.grad(u) * ng.grad(v) * ng.dx
    matrix += PERMITTIVITIES["matrix"] / OUTER * weight * u * v * ng.ds("far")
    source += weight * own**2 * v * ng.dx(definedon=dots, bonus_intorder=order)
    # for one potential of the whole, conjugate gradients are faster than factors
    approximate = ng.Preconditioner(matrix, "bddc") if way == "whole" else None
    matrix.Assemble()
    source.Assemble()
    if approximate is None:
        inverse = matrix.mat.Inverse(space.FreeDofs(), inverse=INVERSE)
    else:
        inverse = ng.CGSolver(matrix.mat, approximate.mat, tol=1e-6, maxiter=500)
    assembled = perf_counter()
    potential = (inverse * source.vec).Evaluate()
    integral = 4 * np.pi * COULOMB / domain.copies * ng.InnerProduct(potential, source.vec)
    spent = (prepared - start, assembled - prepared, perf_counter() - assembled)
    return integral, Cost(domain.seconds, *spent, space.ndof)


SETTINGS: dict[str, tuple[tuple, tuple]] = {  # Setting of each case: levels, Coulomb integral
    "half plane": (((3, 2, 1), (4, 1.2, 1), (4, 1.2, 2), (6, 2, 4)), ((3, 1.2, 2), (4, 2, 3), (6, 2, 4))),
    "quarter": (((3, 1.5, 1), (4, 1.5, 2), (5, 1.5, 3)), ((3, 1, 2), (4, 1.5, 2), (5, 2, 3, 0.4))),
    "whole": (((3, 2, 1), (4, 2, 2), (5, 1.5, 2)), ((4, 2, 2, 0.4, 20), (4, 2, 2, 0.3, 20))),
}


def main() -> None:
    """Print every case: error of the first value and worst of all in meV; seconds as in Cost; unknowns."""
    coulomb("half plane", Setting(3, 2, 1))  # what is loaded at first use is not timed
    for way, (for_levels, for_coulomb) in SETTINGS.items():
        for carrier, values in product("eh", for_levels):
            energies, cost = levels(way, Setting(*values), carrier)
            none, one, two = (REFERENCE[carrier, m] for m in range(3))
            exact = {"half plane": none, "quarter": none + two, "whole": none + 2 * (one + two)}[way]
            errors = 1e3 * energies - sorted(exact)[:6]
            print(f"{carrier} {way:10s} {values!s:20s} {errors[0]:9.5f} {abs(errors).max():9.5f} {cost}")
        for values in for_coulomb:
            integral, cost = coulomb(way, Setting(*values))
            print(f"J {way:10s} {values!s:20s} {1e3 * integral - REFERENCE_COULOMB:9.5f}           {cost}")


if __name__ == "__main__":
    main()
