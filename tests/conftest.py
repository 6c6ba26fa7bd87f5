"""Discretised problems shared by the tests; each is made once, when a test first asks for it.

They are on solid meshes unless their name says otherwise.
"""

import os

import pytest
from systems import discretised

from spq import gallery
from spq.prepare import prepare
from spq.reduction import reduction


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache folder of this run's own, unless one is given: the user's is never touched."""
    if os.environ.get("SPQ_CACHE"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPQ_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def sphere():
    """Monomer of uniform permittivity 9.5, conduction-band step 0.32 eV, coarse."""
    return discretised(gallery.uniform_monomer(0.32, accuracy="coarse", discretisation="solid"))


@pytest.fixture(scope="session")
def reduced_sphere(sphere):
    """`sphere` in its basis of single-particle states."""
    return reduction(sphere)


@pytest.fixture(scope="session")
def normal_sphere():
    """Monomer of uniform permittivity 9.5, conduction-band step 0.10 eV, normal."""
    return discretised(gallery.uniform_monomer(0.10, accuracy="normal", discretisation="solid"))


@pytest.fixture(scope="session")
def heterodimer():
    """Nominal heterodimer, coarse, in its basis."""
    return reduction(discretised(gallery.heterodimer(accuracy="coarse", discretisation="solid")))


@pytest.fixture(scope="session")
def homodimer():
    """Homodimer of core 1.3, coarse, in its basis."""
    return reduction(discretised(gallery.homodimer(accuracy="coarse", discretisation="solid")))


@pytest.fixture(scope="session")
def normal_heterodimer():
    """Nominal heterodimer, normal, in its basis; for slow tests."""
    return reduction(discretised(gallery.heterodimer(accuracy="normal", discretisation="solid")))


@pytest.fixture(scope="session")
def axisymmetric_sphere():
    """`reduced_sphere` on the half plane."""
    return reduction(discretised(gallery.uniform_monomer(0.32, accuracy="coarse")))


@pytest.fixture(scope="session")
def axisymmetric_heterodimer():
    """`heterodimer` on the half plane; the one that spq.emission and shift_map share."""
    model = gallery.heterodimer(accuracy="coarse")
    discretised(model)
    return prepare(model)
