"""A line with its replicas over the pixels of a spectrograph: exact sums, places and widths."""

import numpy as np
import pytest

from spq.errors import InputError
from spq.spectroscopy import LineShape, energy_edges, profile
from spq.spectroscopy.linemodel import profile_slopes

WAVELENGTH = np.linspace(520.0, 700.0, 18001)
EDGES = energy_edges(WAVELENGTH)
MIDDLE = 0.5 * (EDGES[1:] + EDGES[:-1])


@pytest.mark.parametrize(("kind", "least"), [("gaussian", 1.0 - 1e-9), ("lorentzian", 0.99)])
def test_all_photons_are_somewhere(kind, least):
    total = profile(EDGES, 2.1, LineShape(kind)).sum()
    assert least <= total <= 1.0 + 1e-9


@pytest.mark.parametrize("kind", ["gaussian", "lorentzian"])
def test_width_at_half_maximum(kind):
    shape = LineShape(kind, width_meV=2.0, phonons_meV=(), ratios=())
    density = profile(EDGES, 2.1, shape) / -np.diff(EDGES)
    assert abs(MIDDLE[density.argmax()] - 2.1) < 2e-5
    high = MIDDLE[density >= 0.5 * density.max()]
    assert 1e3 * (high.max() - high.min()) == pytest.approx(2.0, abs=0.08)


def test_replicas_lie_below_with_their_shares():
    """Photons of the first replicas over those of the line are the Huang-Rhys factors; of the second S²/2."""
    shares = profile(EDGES, 2.1, LineShape(width_meV=0.5, phonon_width_meV=1.0))

    def around(below):
        return shares[np.abs(1e3 * (MIDDLE - 2.1) + below) < 4.0].sum()

    line = around(0.0)
    for below, share in ((27.0, 0.25), (37.0, 0.1), (54.0, 0.25**2 / 2.0), (64.0, 0.025)):
        assert around(below) / line == pytest.approx(share, rel=1e-3)


def test_edges_are_half_way():
    edges = energy_edges(np.array([500.0, 502.0, 506.0]))
    assert np.all(np.diff(edges) < 0)
    assert edges == pytest.approx(1239.841984 / np.array([499.0, 501.0, 504.0, 508.0]), rel=1e-9)


@pytest.mark.parametrize(
    "given", [{"kind": "square"}, {"width_meV": 0.0}, {"ratios": (0.1,)}, {"ratios": (0.1, -0.2)}]
)
def test_bad_shapes(given):
    with pytest.raises(InputError, match="shape"):
        LineShape(**given)


@pytest.mark.parametrize("kind", ["gaussian", "lorentzian"])
@pytest.mark.parametrize("ratios", [(), (0.3,), (0.3, 0.1), (0.3, 0.0)])
def test_slopes_are_those_of_differences(kind, ratios):
    """Central differences of 1e-4 have an error of some 1e-9 of the largest slope, and rounding as much."""
    edges = EDGES[::60]
    places = np.array([2.1, 2.14])

    def shares(x):
        shape = LineShape(kind, x[1], (27.0, 37.0)[: len(ratios)], tuple(x[2:-1]), x[-1])
        return profile(edges, places + 1e-3 * x[0], shape)

    x = np.array([0.0, 1.7, *ratios, 3.1])
    found, slopes = profile_slopes(
        edges, places, LineShape(kind, 1.7, (27.0, 37.0)[: len(ratios)], ratios, 3.1)
    )
    assert found == pytest.approx(shares(x), abs=1e-15)
    assert slopes.shape == (2, len(x), len(edges) - 1)
    for place in range(len(x)):
        step = 1e-4 * (np.arange(len(x)) == place)
        if 1 < place < len(x) - 1 and x[place] == 0.0:  # no negative ratio: one-sided, of second order
            wanted = (4.0 * shares(x + step) - shares(x + 2.0 * step) - 3.0 * shares(x)) / 2e-4
        else:
            wanted = (shares(x + step) - shares(x - step)) / 2e-4
        largest = np.abs(wanted).max()
        assert largest > 1e-3 or (not ratios and place == len(x) - 1)
        assert slopes[:, place] == pytest.approx(wanted, abs=1e-7 * largest + 1e-14)
