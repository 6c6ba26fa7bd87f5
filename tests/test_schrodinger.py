"""Single-carrier states: exact levels of the sphere, convergence, identities, Stark shift."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from systems import discretised, entry, need_gmsh, need_mesh, reference

from spq import gallery, meshing
from spq.discretisation import build_space
from spq.errors import ConvergenceError
from spq.factorisation import Factorisation
from spq.schrodinger import carrier, check_residuals, lowest_states
from spq.units import HBAR2_2M

SHELLS = {"1s": 1, "1p": 3, "1d": 5, "2s": 1}
# carrier, step over the core's band edge, step of the conduction band
CASES = [("e", 0.10, 0.10), ("e", 0.32, 0.32), ("h", 0.64, 0.10), ("h", 0.42, 0.32)]
# largest error in meV at each accuracy: 1s of the electron, 1s of the hole, all other levels
ALLOWED = {"normal": (0.3, 1.0, 2.0), "fine": (0.05, 0.15, 0.4)}


def sphere_space(accuracy):
    need_mesh(gallery.monomer().molecule, accuracy)
    return build_space(gallery.monomer().molecule, accuracy)


def levels(space, model, kind):
    """Levels of the sphere by name, every member of each, in meV."""
    problem = carrier(space, model.masses(kind), model.band(kind))
    energies, orbitals = lowest_states(problem, sum(SHELLS.values()))
    # only s states have a mean; 1d and 2s come in either order
    mean = np.abs(space.weights @ (space.orbital_interpolation @ orbitals))
    upper = 4 + int(np.argmax(mean[4:]))
    assert mean[upper] > 3.0
    assert np.delete(mean, [0, upper]).max() < 0.5
    energies = 1e3 * energies
    rest = np.delete(energies, [0, 1, 2, 3, upper])
    return {"1s": energies[:1], "1p": energies[1:4], "1d": rest, "2s": energies[[upper]]}


@pytest.mark.parametrize("accuracy", ["normal", pytest.param("fine", marks=pytest.mark.slow)])
def test_levels_of_the_sphere(accuracy):
    space = sphere_space(accuracy)
    electron, hole, others = ALLOWED[accuracy]
    for kind, step, conduction_band in CASES:
        model = gallery.monomer(conduction_band_offset=conduction_band)
        exact = entry(reference("sphere")["core_shell_levels"], carrier=kind, step_eV=step, wall="hard")
        found = levels(space, model, kind)
        for name, members in found.items():
            allowed = (electron if kind == "e" else hole) if name == "1s" else others
            assert len(members) == SHELLS[name]
            assert members == pytest.approx(exact[name], abs=allowed), (kind, step, name)


def test_the_wrong_step_is_seen():
    """Negative control: the tolerance tells the two band steps and the two carriers apart."""
    space = sphere_space("normal")
    found = levels(space, gallery.monomer(conduction_band_offset=0.11), "e")["1s"][0]
    exact = entry(reference("sphere")["core_shell_levels"], carrier="e", step_eV=0.1, wall="hard")
    assert found - exact["1s"] > 3.0  # 10 meV times the population of the shell


def test_convergence_order(monkeypatch):
    """The energy converges with order >= 3 (4 on an exact domain) in the element size."""
    need_gmsh()
    coarse = meshing.SIZES["coarse"]
    exact = entry(reference("sphere")["core_shell_levels"], carrier="e", step_eV=0.1, wall="hard")
    model = gallery.monomer(conduction_band_offset=0.10)
    errors, sizes = [], []
    for factor in (1.0, 0.75, 0.55):
        finer = replace(coarse.scaled(factor), growth=factor * coarse.growth)
        monkeypatch.setitem(meshing.SIZES, "coarse", finer)
        space = build_space(model.molecule, "coarse")
        found = levels(space, model, "e")
        errors.append([found[name].mean() - exact[name] for name in ("1s", "1p", "1d")])
        sizes.append(np.count_nonzero(space.has_orbitals) ** (-1 / 3))
    assert sizes[0] / sizes[2] > 1.6
    errors = np.abs(errors)
    assert (errors[0] > 0.05).all()  # meV: far above what the eigensolver leaves
    for column in errors.T:
        order = np.polyfit(np.log(sizes), np.log(column), 1)[0]
        assert 3.0 <= order < 6.0


@pytest.mark.parametrize("kind", ["e", "h"])
def test_hellmann_feynman(sphere, kind):
    """dE/dV = population of the shell, dE/d(1/m) = its kinetic energy times m, on one mesh."""
    space, model = sphere.space, sphere.model
    masses, band = model.masses(kind), model.band(kind)
    _, orbitals = lowest_states(sphere.carrier(kind), 1)
    ground = orbitals[:, 0]
    shell = np.array([0.0, 1.0, 0.0])
    step = 1e-4

    def energy(masses, band):
        return lowest_states(carrier(space, masses, band), 1)[0][0]

    slope = (energy(masses, band + step * shell) - energy(masses, band - step * shell)) / (2 * step)
    population = ground @ space.orbital_mass(shell) @ ground
    assert 0.05 < population < 0.95
    # central differences leave step² times the third derivative, some 1e-8 / (0.1 eV)²
    assert slope == pytest.approx(population, rel=1e-5)

    inverse = 1 / masses
    step = 1e-4 * inverse[1]
    higher, lower = (energy(1 / (inverse + sign * step * shell), band) for sign in (1, -1))
    kinetic = ground @ space.orbital_stiffness(HBAR2_2M * shell) @ ground
    assert kinetic > 0.001
    assert (higher - lower) / (2 * step) == pytest.approx(kinetic, rel=1e-5)


def test_kinetic_and_potential_energy_make_the_level(sphere):
    """E = ⟨T⟩ + ⟨V⟩ with each part assembled separately."""
    model, space = sphere.model, sphere.space
    for kind in ("e", "h"):
        energies, orbitals = lowest_states(sphere.carrier(kind), 3)
        kinetic = space.orbital_stiffness(HBAR2_2M / model.masses(kind))
        potential = space.orbital_mass(model.band(kind))
        parts = [np.einsum("ia,ia->a", orbitals, m @ orbitals) for m in (kinetic, potential)]
        assert (parts[0] > 0.05).all() and (parts[1] > 0.005).all()
        assert parts[0] + parts[1] == pytest.approx(energies, rel=1e-9)


def test_orbitals_are_orthonormal_and_real_states(sphere):
    problem = sphere.carrier("e")
    energies, orbitals = lowest_states(problem, 6)
    gram = orbitals.T @ problem.mass @ orbitals
    assert gram == pytest.approx(np.eye(6), abs=1e-9)
    space = sphere.space
    values = space.orbital_interpolation @ orbitals
    # the quadrature integrates products of second-order functions on curved elements only nearly
    assert space.weights @ values**2 == pytest.approx(np.ones(6), abs=2e-4)
    assert (np.diff(energies) >= 0).all() and energies[0] > 0.1


def test_twice_the_same(sphere):
    first = lowest_states(sphere.carrier("h"), 4)
    again = lowest_states(sphere.carrier("h"), 4)
    # several threads add up in varying order: rounding, and for orbitals rounding over a level spacing
    assert first[0] == pytest.approx(again[0], abs=1e-12)
    assert first[1][:, 0] == pytest.approx(again[1][:, 0], abs=1e-9 * np.abs(first[1][:, 0]).max())


def test_one_thread_gives_the_same_bits():
    code = (
        "import hashlib; from spq import gallery; from spq.discretisation import discretise;"
        "from spq.schrodinger import lowest_states;"
        "model = gallery.monomer(accuracy='coarse', discretisation='solid');"
        "energies, orbitals = lowest_states(discretise(model).carrier('h'), 4);"
        "print(energies[0], hashlib.sha256(energies.tobytes() + orbitals.tobytes()).hexdigest())"
    )
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    command = [sys.executable, "-c", code]
    runs = [
        subprocess.run(command, env={**os.environ, **one}, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert float(runs[0].split()[0]) == pytest.approx(0.2583, abs=1e-3)  # the hole's 1s at `coarse`


def test_a_wrong_state_is_refused(sphere):
    problem = sphere.carrier("e")
    energies, orbitals = lowest_states(problem, 2)
    applied = problem.hamiltonian @ orbitals
    check_residuals(applied, problem.mass, energies, orbitals)
    with pytest.raises(ConvergenceError, match="state 2 of 2") as caught:
        check_residuals(applied, problem.mass, energies + [0.0, 1e-5], orbitals)
    assert len(caught.value.partial) == 2


def test_stark_shift_of_the_infinite_sphere():
    """dE = −0.0181701 m F² R⁴/ħ² for a weak field F (eV/nm)."""
    assert reference("sphere")["stark_1s_infinite_sphere"].startswith("dE = -0.0181701 m F^2 R^4")
    sphere = discretised(gallery.infinite_well(accuracy="coarse", discretisation="solid"))
    space, problem = sphere.space, sphere.carrier("e")
    mass = sphere.model.masses("e")[0]
    radius = sphere.model.molecule.outer_radii[0]
    values = space.orbital_interpolation
    height = values.T @ (values.multiply((space.weights * space.points[:, 2])[:, None])).tocsr()
    force = 2e-3  # next order is (F R / level spacing)² ~ 1e-3 of this one
    lowest = lowest_states(problem, 1)[0][0]
    tilted = (problem.hamiltonian + force * height).tocsr()
    factors = Factorisation((tilted - problem.shift * problem.mass).tocsr())
    shifted = lowest_states(replace(problem, hamiltonian=tilted, factors=factors), 1)[0][0]
    exact = -0.0181701 * mass * force**2 * radius**4 / (2 * HBAR2_2M)
    assert exact < -1e-5
    # the mesh and the missing fourth order in F leave a few parts in a thousand
    assert shifted - lowest == pytest.approx(exact, rel=5e-3)
