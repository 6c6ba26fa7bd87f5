"""The reference is current, and every public name says its arguments, units, errors and source."""

import dataclasses
import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def script():
    spec = importlib.util.spec_from_file_location("api", DOCS / "api.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


API = script()
NAMES = [
    (f"{module}.{name}", value)
    for module in API.MODULES
    for name, value in API.public(importlib.import_module(module))
]
CALLED = [(name, value) for name, value in NAMES if inspect.isfunction(value)]
CLASSES = [(name, value) for name, value in NAMES if inspect.isclass(value)]
METHODS = [(f"{name}.{each}", of) for name, kind in CLASSES for each, of in API.members(kind)]

UNITS = {
    r"radius|thickness|diameter|distance|z|x|y|extent|wavelength|gradation|wavelengths?": r"nm",
    r"edges": r"ns|m?eV",
    r"energy|energies|kane_energy|gap|conduction_band|position": r"m?eV|nm",
    r"temperature": r"K",
    r"lifetimes?|period_ns|laser_period|edges_ns|gates_ns|interval": r"ns",
    r"duration|exposure|dead_time|dwell|time|times|starts?": r"n?s|seconds|ticks",
    r"angles?|phi|degrees": r"[Dd]egrees",
    r"rates?|dark_rate": r"1/n?s|per n?s|Hz",
    r"sigma|width": r"meV|eV|ns|s|units",
    r"electric_field": r"kV/cm",
    r"memory": r"GB",
    r"charges?": r"\be\b|charges?",
}
"""Names of quantities, and the units of which one must be said."""
NO_QUANTITY = {
    ("spq.plot.sweep", "x"): "a field's name",
    ("spq.spectroscopy.find_clusters", "starts"): "a number of them",
}


def named(name, text):
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)


def unit_of(name):
    return next((unit for names, unit in UNITS.items() if re.fullmatch(names, name)), None)


def without_unit(names, text):
    """Those of the names that are quantities, of which no unit is said."""
    return [
        name
        for name in names
        if unit_of(name) and not re.search(rf"(?<![A-Za-z])(?:{unit_of(name)})(?![A-Za-z])", text)
    ]


def arrays(function):
    """Arguments and what is returned, where these are arrays."""
    found = {name: str(each.annotation) for name, each in inspect.signature(function).parameters.items()}
    found["return"] = str(inspect.signature(function).return_annotation)
    return [name for name, kind in found.items() if re.search(r"\bArray|ndarray", kind)]


def shaped(text):
    """Whether a shape is said: (n,), (frames, 2), (..., pixels), "any shape", or whose shape it is."""
    return re.search(
        r"\((?:\w[\w +*-]*|\.\.\.)(?:, ?[\w .+*-]*)+\)|any shape|[Aa]s of `|[Aa]rguments of|shapes? ", text
    )


def arguments(function):
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def fields(kind):
    return [each.name for each in dataclasses.fields(kind) if not each.name.startswith("_")]


def test_reference_is_current():
    assert API.page() == API.PAGE.read_text(encoding="utf-8"), "python docs/api.py writes it again"


def test_there_are_names():
    assert len(CALLED) > 70 and len(CLASSES) > 60 and len(METHODS) > 60
    assert {name.rpartition(".")[0] for name, _ in NAMES} == set(API.MODULES)
    text = API.PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`\n" in text for name, _ in NAMES)


@pytest.mark.parametrize("name, value", CALLED + METHODS, ids=[name for name, _ in CALLED + METHODS])
def test_arguments(name, value):
    """Each is in the docstring, by its name, and with a unit if it is a quantity."""
    text = inspect.getdoc(value)
    assert text, name
    assert not [each for each in arguments(value) if not named(each, text)]
    assert not [each for each in without_unit(arguments(value), text) if (name, each) not in NO_QUANTITY]


@pytest.mark.parametrize("name, value", CALLED + METHODS, ids=[name for name, _ in CALLED + METHODS])
def test_shapes(name, value):
    """Of arrays that go in or come out."""
    assert not arrays(value) or shaped(inspect.getdoc(value))


@pytest.mark.parametrize("name, value", CALLED, ids=[name for name, _ in CALLED])
def test_errors(name, value):
    """What is raised, or that nothing is; and the errors that a function raises itself are among them."""
    text = inspect.getdoc(value)
    assert re.search(r"[Rr]aises", text), name
    for error in set(re.findall(r"raise (\w+Error)\(", inspect.getsource(value))):
        assert error in text, error


@pytest.mark.parametrize("name, value", CLASSES, ids=[name for name, _ in CLASSES])
def test_classes(name, value):
    """Every public field is said, with a unit if it is a quantity; and what a wrong one raises."""
    text = vars(value).get("__doc__")
    assert text and not text.startswith(f"{value.__name__}("), name  # not what a dataclass writes itself
    if dataclasses.is_dataclass(value):
        assert not [each for each in fields(value) if not named(each, text)]
        assert not without_unit(fields(value), text)
    checked = inspect.getsource(vars(value)["__post_init__"]) if "__post_init__" in vars(value) else ""
    if re.search(r"raise |checks\.|of_kind|set_numbers", checked):
        assert re.search(r"[Rr]aises", text)


SOURCE = re.compile(r"[=≈∝→√Σ⟨∫−]|\bspq\.\w+|arXiv|doi|\d{4}\)")
WITHOUT_EQUATION = {  # descriptions, files and figures: nothing is computed in them
    *(
        f"spq.{name}"
        for name in "cispec errors exporting gridfile mapspec model spectrumspec sweepstore".split()
    ),
    *(f"spq.{name}" for name in "plotsizes plotspectrum plotsurface plotsweep".split()),
    *(f"spq.assignment.{name}" for name in "assignmentfiles movepriors tablestore".split()),
    *(f"spq.spectroscopy.{name}" for name in "cameraframes files histograms instruments".split()),
    *(f"spq.spectroscopy.{name}" for name in "measurementfiles photon_hdf5 photonpieces records".split()),
    *(f"spq.spectroscopy.{name}" for name in "recordstore simulation spe truth".split()),
}


def test_sources():
    """Every module in which something public is defined and computed begins with the equation that it solves,
    where that stands or where it is from."""
    names = API.sources([importlib.import_module(name) for name in API.MODULES])
    bare = {name for name in names if not SOURCE.search(inspect.getdoc(importlib.import_module(name)) or "")}
    assert bare <= WITHOUT_EQUATION, bare - WITHOUT_EQUATION
    assert all(len(inspect.getdoc(importlib.import_module(name)) or "") > 30 for name in names)
    assert WITHOUT_EQUATION <= set(names)  # none is named that is gone


def test_the_checks_can_fail():
    assert without_unit(["core_radius", "radius"], "radius: of the core.") == ["radius"]
    assert without_unit(["radius"], "radius: nm") == [] and unit_of("state") is None
    assert shaped("of photons (n,)") and shaped("(..., pixels)") and not shaped("of a dot (see Dot)")
    assert sum(bool(arrays(value)) for _, value in CALLED + METHODS) > 30
    assert not named("z", "zero") and named("z", "at z, phi")
