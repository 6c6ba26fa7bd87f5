"""Factorisation of sparse symmetric positive-definite matrices: A = L Lᵀ, once for all right-hand sides.

MKL PARDISO where its library exists (x86-64), SuperLU in symmetric mode elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import logging
import os
import weakref
from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from spq.errors import SpqError

log = logging.getLogger(__name__)

RESIDUAL_LIMIT = 1e-9
ORDERINGS = 64  # of patterns of matrices, kept for the next matrix of the same pattern
BATCH = 32  # right-hand sides per call: beyond this PARDISO gains nothing and its work space grows


class Factorisation:
    """Factorised symmetric positive-definite matrix.

    Parameters
    ----------
    matrix : sparse matrix, shape (n, n)
        Symmetric and positive definite; both triangles stored.
    free : indices of the unknowns; the others are zero in every solution. None: all

    Raises
    ------
    SpqError
        If the factors do not solve a probe system to a relative residual of 1e-9.
    """

    def __init__(self, matrix: sp.csr_matrix, free: np.ndarray | None = None):
        self.shape = matrix.shape
        self._free = None if free is None or len(free) == matrix.shape[0] else free
        if self._free is not None:
            matrix = matrix[self._free][:, self._free].tocsr()
        self._alone = Lock()  # the solver's memory serves one solution at a time
        self._solve_block = _pardiso(matrix) or _superlu(matrix)
        probe = np.cos(np.arange(matrix.shape[0], dtype=float))
        solution = self._solve(probe)
        residual = np.linalg.norm(matrix @ solution - probe) / np.linalg.norm(probe)
        if not residual < RESIDUAL_LIMIT:
            raise SpqError(
                f"sparse factorisation of a {matrix.shape[0]} x {matrix.shape[0]} matrix has a relative "
                f"residual of {residual:.1e}, allowed is {RESIDUAL_LIMIT:.0e}: "
                "the matrix is not positive definite or badly scaled"
            )

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Solve A x = b for one b, shape (n,), or several, shape (n, k); returns the shape given."""
        right = np.asarray(right, dtype=float)
        if self._free is None:
            return self._solve(right)
        solution = np.zeros(right.shape)
        solution[self._free] = self._solve(right[self._free])
        return solution

    def _solve(self, right: np.ndarray) -> np.ndarray:
        if right.ndim == 1:
            return self._solve(right[:, None])[:, 0]
        solution = np.empty(right.shape)
        for start in range(0, right.shape[1], BATCH):
            block = slice(start, start + BATCH)
            with self._alone:
                solution[:, block] = self._solve_block(right[:, block])
        return solution


_orderings: dict[bytes, np.ndarray] = {}
_lock = Lock()

Solver = Callable[[np.ndarray], np.ndarray]  # right-hand sides (n, k) -> solutions (n, k)


@functools.cache
def load_solver() -> type | None:
    """PARDISO's interface, its library loaded; None where there is none."""
    os.environ.setdefault("MKL_CBWR", "AUTO")  # results do not depend on where arrays lie in memory
    installed = _installed_library()
    if installed:
        os.environ.setdefault("PYPARDISO_MKL_RT", installed)
    try:
        from pypardiso import PyPardisoSolver
    except (ImportError, OSError) as error:
        log.info("MKL PARDISO is not available (%s): using SuperLU", error)
        return None
    # otherwise every new solver searches the whole installation for the library
    os.environ.setdefault("PYPARDISO_MKL_RT", PyPardisoSolver(mtype=2).libmkl._name)
    return PyPardisoSolver


def _installed_library() -> str | None:
    """Path of MKL's library as its package says; PARDISO's interface would search every folder for it."""
    try:
        files = importlib.metadata.files("mkl") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [file for file in files if "mkl_rt" in file.name]
    path = os.path.realpath(str(found[0].locate())) if len(found) == 1 else ""
    return path if os.path.exists(path) else None


def _pardiso(matrix: sp.csr_matrix) -> Solver | None:
    """Factorise with MKL PARDISO; None where its library is missing."""
    interface = load_solver()
    if interface is None:
        return None
    from pypardiso.pardiso_wrapper import PyPardisoError

    upper = sp.triu(matrix, format="csr").astype(np.float64)
    upper.sort_indices()
    solver = _prepared(interface, upper)
    solver.iparm[4] = 1  # in the order that is given
    solver.perm = _ordering(interface, upper)
    solver.set_phase(12)
    try:
        solver._call_pardiso(upper, np.zeros((upper.shape[0], 1)))
    except PyPardisoError as error:
        raise SpqError(
            f"a {upper.shape[0]} x {upper.shape[0]} matrix cannot be factorised: {error}"
        ) from error
    solver.set_phase(33)

    def solve(right: np.ndarray) -> np.ndarray:
        # the public solve() compares the whole matrix at each call
        return solver._call_pardiso(upper, np.asfortranarray(right))

    # its memory is outside Python's; at the end of the process it goes anyway
    weakref.finalize(solve, solver.free_memory, everything=True).atexit = False
    return solve


def _prepared(interface: type, upper: sp.csr_matrix) -> Any:
    """PARDISO for a symmetric positive-definite matrix, given as its upper triangle."""
    solver = interface(mtype=2)
    solver.iparm[0] = 1  # take the values below instead of the defaults of an unsymmetric matrix
    solver.iparm[1] = 2  # nested dissection
    solver._check_A(upper)
    return solver


def _ordering(interface: type, upper: sp.csr_matrix) -> np.ndarray:
    """Order (n,) of the unknowns with little fill-in: two thirds of a factorisation, for every pattern once.

    The first matrix of a pattern takes the same way as the next, so that both have the same bits.
    """
    digest = hashlib.blake2b(upper.indptr.tobytes())
    digest.update(upper.indices.tobytes())
    key = digest.digest()
    found = _orderings.get(key)
    if found is None:
        solver = _prepared(interface, upper)
        solver.iparm[4] = 2  # say which
        solver.perm = np.zeros(upper.shape[0], dtype=np.int32)
        solver.set_phase(11)
        solver._call_pardiso(upper, np.zeros((upper.shape[0], 1)))
        found = solver.perm
        solver.free_memory(everything=True)
        with _lock:
            _orderings[key] = found
            if len(_orderings) > ORDERINGS:
                del _orderings[next(iter(_orderings))]
    return found


def _superlu(matrix: sp.csr_matrix) -> Solver:
    try:
        factors = splu(
            sp.csc_matrix(matrix),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError as error:
        shape = f"{matrix.shape[0]} x {matrix.shape[0]}"
        raise SpqError(f"a {shape} matrix cannot be factorised: {error}") from error
    if not np.all(factors.U.diagonal() > 0):
        raise SpqError(f"a {matrix.shape[0]} x {matrix.shape[0]} matrix is not positive definite")
    return lambda right: factors.solve(np.ascontiguousarray(right))
