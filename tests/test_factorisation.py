"""Sparse factorisation: PARDISO and the fallback agree, wrong matrices are refused."""

import builtins

import numpy as np
import pytest
import scipy.sparse as sp

from spq import factorisation
from spq.errors import SpqError
from spq.factorisation import BATCH, Factorisation


def laplacian(side=12):
    """Seven-point Laplacian of a cube with zero boundary values: positive definite."""
    line = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(side, side))
    one = sp.identity(side)
    whole = sp.kron(sp.kron(line, one), one) + sp.kron(sp.kron(one, line), one)
    return sp.csr_matrix(whole + sp.kron(sp.kron(one, one), line))


def fallback(monkeypatch):
    """Make `import pypardiso` fail, as it does where MKL does not exist."""
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pypardiso"):
            raise ImportError("no MKL here")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    # what was loaded before is kept
    monkeypatch.setattr(factorisation, "load_solver", factorisation.load_solver.__wrapped__)


def indefinite():
    return (laplacian() - 1.0 * sp.identity(12**3)).tocsr()


def singular():
    line = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(50, 50)).tolil()
    line[0, 0] = line[-1, -1] = 1.0  # no boundary condition: constants are in the kernel
    return line.tocsr()


@pytest.mark.parametrize("columns", [None, 1, 3, 2 * BATCH + 5])
@pytest.mark.parametrize("route", ["default", "fallback"])
def test_solutions(monkeypatch, caplog, route, columns):
    caplog.set_level("INFO", logger="spq.factorisation")
    if route == "fallback":
        fallback(monkeypatch)
    matrix = laplacian()
    size = matrix.shape[0]
    rng = np.random.default_rng(7)
    exact = rng.standard_normal(size if columns is None else (size, columns))
    factors = Factorisation(matrix)
    if route == "fallback":
        assert "using SuperLU" in caplog.text
    found = factors.solve(matrix @ exact)
    assert found.shape == exact.shape
    assert found == pytest.approx(exact, abs=1e-11)


def test_both_routes_agree_on_a_finite_element_matrix(monkeypatch, caplog, sphere):
    pytest.importorskip("pypardiso", reason="MKL PARDISO exists for x86-64 only")
    matrix = sphere.poisson[0].matrix()
    right = sphere.poisson[0].density_source(np.exp(-np.linalg.norm(sphere.space.points, axis=1)))
    caplog.set_level("INFO", logger="spq.factorisation")
    first = Factorisation(matrix)
    assert "using SuperLU" not in caplog.text
    fallback(monkeypatch)
    second = Factorisation(matrix)
    assert "using SuperLU" in caplog.text
    one, other = first.solve(right), second.solve(right)
    assert np.abs(one).max() > 1e-3
    assert one == pytest.approx(other, rel=1e-9, abs=1e-12 * np.abs(one).max())


@pytest.mark.parametrize("route", ["default", "fallback"])
def test_unknowns_that_vanish(monkeypatch, route):
    """Rows and columns of the others do not matter, and solutions are zero there."""
    if route == "fallback":
        fallback(monkeypatch)
    matrix = laplacian(5).tolil()
    free = np.setdiff1d(np.arange(125), [0, 7, 62, 124])
    matrix[7, 7] = -3.0  # not positive definite as a whole
    factors = Factorisation(matrix.tocsr(), free)
    assert factors.shape == (125, 125)
    right = np.random.default_rng(8).standard_normal((125, 3))
    found = factors.solve(right)
    dense = matrix.toarray()[np.ix_(free, free)]
    assert found[free] == pytest.approx(np.linalg.solve(dense, right[free]), rel=1e-9, abs=1e-12)
    assert not np.delete(found, free, axis=0).any()
    assert factors.solve(right[:, 0]) == pytest.approx(found[:, 0], abs=1e-13)


@pytest.mark.parametrize("route", ["default", "fallback"])
def test_a_singular_matrix_is_refused(monkeypatch, route):
    if route == "fallback":
        fallback(monkeypatch)
    with pytest.raises(SpqError, match="positive definite|cannot be factorised"):
        Factorisation(singular())


@pytest.mark.parametrize("route", ["default", "fallback"])
def test_an_indefinite_matrix_is_refused(monkeypatch, route):
    assert np.linalg.eigvalsh(indefinite().toarray()).min() < -0.5
    if route == "fallback":
        fallback(monkeypatch)
    with pytest.raises(SpqError, match="positive definite|cannot be factorised"):
        Factorisation(indefinite())


def test_solving_leaves_the_right_hand_side_alone():
    matrix = laplacian()
    factors = Factorisation(matrix)
    right = np.ones((matrix.shape[0], 2))
    before = right.copy()
    factors.solve(right)
    assert np.array_equal(right, before)


def test_two_factorisations_live_side_by_side():
    """PARDISO keeps its memory per object: solving with one must not disturb the other."""
    matrix = laplacian()
    double = (2.0 * matrix).tocsr()
    first, second = Factorisation(matrix), Factorisation(double)
    right = np.ones(matrix.shape[0])
    assert first.solve(right) == pytest.approx(2.0 * second.solve(right), rel=1e-10)
    del second
    assert matrix @ first.solve(right) == pytest.approx(right, abs=1e-10)
    assert factorisation.RESIDUAL_LIMIT <= 1e-8
