"""A shift taken apart: the parts sum to it, and each says what it should."""

import numpy as np
import pytest
from systems import need_mesh

import spq
from spq import InputError, SurfaceCharge, gallery
from spq.spread import alternatives

STATES = (
    "X@1",
    "X-@1",
    "X+@1",
    "XX@1",
    "segX-@1",
    "segT@1",
    "X@2",
    "X-@2",
    "segX-@2",
    "segX+@2",
    "segXX@2",
    "X2-@1",
)
CASES = 100


def heterodimer(**options):
    model = gallery.heterodimer(accuracy="coarse", **options)
    need_mesh(model.molecule, "coarse", model.chosen_discretisation)
    return model


@pytest.fixture
def one_model(monkeypatch):
    """No other models: their spread is not looked at."""
    monkeypatch.setattr("spq.spread.alternatives", lambda model: {})


@pytest.mark.parametrize("self_energy", ["none", "image", "density"])
def test_the_parts_sum_to_the_shift(one_model, self_energy):
    """A hundred random cases: states, places, signs, fields, relaxed and frozen."""
    generator = np.random.default_rng(["none", "image", "density"].index(self_energy))
    largest = lost = 0
    for _ in range(CASES // 3 + 4):
        field = tuple(generator.uniform(-60, 60, 3)) if generator.random() < 0.3 else (0.0, 0.0, 0.0)
        final = str(generator.choice(["relaxed", "relaxed", "frozen"]))
        model = heterodimer(self_energy=self_energy, final_state=final, electric_field=field)
        count = generator.integers(1, 3)
        charges = [
            SurfaceCharge(float(q), z=float(z), phi=float(phi))
            for q, z, phi in zip(
                generator.choice([-1, -0.5, 0.5, 1], count),
                generator.uniform(-6.5, 6.5, count),
                generator.uniform(0, 360, count),
                strict=True,
            )
        ]
        try:
            found = spq.emission(model, str(generator.choice(STATES)), charges, explain=True)
        except spq.ConvergenceError:
            lost += 1
            continue
        assert found.explanation.total == pytest.approx(found.shift_meV, abs=1e-6)
        largest = max(largest, abs(found.shift_meV))
    assert largest > 5.0 and lost < 4


def test_what_the_parts_are(one_model):
    """A charge at the pole: its potential on electron and hole nearly cancels, the rest polarises."""
    found = spq.emission(heterodimer(), "X-@1", [SurfaceCharge(1, z=-6.6)], explain=True)
    parts = found.explanation
    assert parts.electron_stark < -100.0 < 100.0 < parts.hole_stark
    assert set(parts.coulomb) == {"e1 h1", "e1 e1"}
    assert parts.electron_confinement > 0.5  # what it costs the electron to move
    assert parts.hybridisation == pytest.approx(0.0, abs=0.3)
    segregated = spq.emission(heterodimer(), "segX-@1", [SurfaceCharge(1, z=-6.6)], explain=True).explanation
    assert set(segregated.coulomb) == {"e1 h1", "e1 e2", "e2 h1"}


def test_hybridisation_is_told_apart(one_model):
    """In a homodimer with a neck the electron left behind is shared until a charge holds it on a dot."""
    model = gallery.necked_homodimer(6.0, accuracy="coarse")
    need_mesh(model.molecule, "coarse", "axisymmetric")
    bare = spq.emission(model, "X-@1")
    assert bare.hybridised
    found = spq.emission(model, "X-@1", [SurfaceCharge(1, z=-6.7)], explain=True)
    assert not found.hybridised
    assert found.explanation.hybridisation < -3.0
    assert found.explanation.total == pytest.approx(found.shift_meV, abs=1e-6)


def test_no_charge_no_parts(one_model):
    found = spq.emission(heterodimer(), "X@1", explain=True)
    assert found.explanation.total == 0.0 and found.model_spread_meV is None
    assert spq.emission(heterodimer(), "X@1").explanation is None


def test_the_spread_over_models():
    model = heterodimer(self_energy="image")
    others = alternatives(model)
    assert set(others) == {
        "conduction_band 0.32 eV",
        "permittivity optical",
        "self_energy none",
        "self_energy density",
    }
    charge = [SurfaceCharge(1, z=-6.6)]
    found = spq.emission(model, "X@1", charge, explain=True)
    each = [spq.emission(other, "X@1", charge) for other in others.values()]
    for own, spread in (
        ("emission_eV", 1e-3 * found.model_spread_meV),
        ("shift_meV", found.shift_model_spread_meV),
    ):
        values = [getattr(one, own) for one in (found, *each)]
        assert spread == pytest.approx((max(values) - min(values)) / 2, rel=1e-9)
    assert found.model_spread_meV > 20 * found.error_meV
    zinc = spq.Molecule.monomer(1.3, 1.0, shell="ZnSe")
    assert not any("conduction" in name for name in alternatives(gallery.monomer().replace(molecule=zinc)))
    given = model.replace(conduction_band_offset=0.2)
    assert [o.material("CdS").conduction_band for o in alternatives(given).values()][:2] == [0.10, 0.32]


def test_the_direct_method_does_not_explain():
    with pytest.raises(InputError, match='explain: needs model.method = "reduced"'):
        spq.emission(heterodimer(method="direct"), "X@1", explain=True)
