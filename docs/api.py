"""The reference of spq, docs/api.md, from the docstrings of all public names.

python docs/api.py writes it; a test sees that it is current.
"""

import dataclasses
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("api.md")
sys.path.insert(0, str(PAGE.parents[1].resolve()))  # this checkout's spq, whatever is installed
MODULES = ("spq", "spq.plot", "spq.spectroscopy", "spq.assignment")
HEAD = """# Reference

Every public name, from its docstring: `python docs/api.py` writes this page. Units are nm, eV, e, K and
ns unless a name ends otherwise (`_meV`, `_nm`). [What the numbers mean](numbers.md) is said elsewhere.
"""


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """Names of a module's `__all__` with what they are, but modules."""
    for name in sorted(module.__all__, key=lambda name: (not name[0].isupper(), name.lower())):
        value = getattr(module, name)
        if not inspect.ismodule(value):
            yield name, value


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that a class has itself, as functions."""
    for name, value in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(value, (classmethod, staticmethod)):
            yield name, value.__func__
        elif isinstance(value, property):
            yield name, value.fget
        elif isinstance(value, cached_property):
            yield name, value.func
        elif inspect.isfunction(value):
            yield name, value


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    modules = [importlib.import_module(name) for name in MODULES]
    for module in modules:
        names = [f"[{name}](#{anchor(module, name)})" for name, _ in public(module)]
        parts.append(f"**{module.__name__}**: {', '.join(names)}\n")
    for module in modules:
        parts.append(f"## {module.__name__}\n\n{fenced(module)}")
        parts += [entry(module, name, value) for name, value in public(module)]
    parts.append("## Equations and sources\n\nModules in which the above is defined, as they begin.\n")
    for name in sources(modules):
        parts.append(f'### <a id="module-{name}"></a>`{name}`\n\n{fenced(importlib.import_module(name))}')
    return "\n".join(parts)


def sources(modules: list[Any]) -> list[str]:
    """Names of the modules in which public functions and classes are defined."""
    values = [value for module in modules for _, value in public(module)]
    return sorted(
        {value.__module__ for value in values if inspect.isclass(value) or inspect.isfunction(value)}
    )


def anchor(module: Any, name: str) -> str:
    """The link to the entry of a name; a class and a function may differ in their first letter alone."""
    return f"{module.__name__}.{name}"


def entry(module: Any, name: str, value: Any) -> str:
    """Heading, signature, docstring and members of one name."""
    lines = [f'### <a id="{anchor(module, name)}"></a>`{module.__name__}.{name}`\n']
    if not inspect.isclass(value) and not inspect.isfunction(value):
        return "\n".join([*lines, constant(module, name, value)])
    lines.append(f"```text\n{name}{signature(value)}\n```\n")
    lines.append(fenced(value))
    if inspect.isclass(value):
        lines += [member(value, each, function) for each, function in members(value)]
        lines.append("")
    lines.append(f"Equation and source: [{value.__module__}](#module-{value.__module__})\n")
    return "\n".join(lines)


def member(kind: type, name: str, function: Any) -> str:
    """A method or property of a class: a line, or its docstring as it is where that has several parts."""
    call = "" if isinstance(vars(kind)[name], (property, cached_property)) else short(function)
    text = inspect.getdoc(function)
    if "\n\n" not in text:
        return f"- `.{name}{call}`: {' '.join(text.split())}"
    return f"- `.{name}{call}`:\n\n{textwrap.indent(fenced(function), '  ')}"


def constant(module: Any, name: str, value: Any) -> str:
    """What a name that is neither function nor class holds: its keys, and its type."""
    return f"A `{type(value).__name__}` of {', '.join(f'`{key}`' for key in value)}.\n"


def fenced(value: Any) -> str:
    """A docstring as it is written: its tables and formulas keep their columns."""
    return f"```text\n{inspect.getdoc(value)}\n```\n"


def signature(value: Any) -> str:
    """Names of arguments with their defaults, a line each where there are many."""
    if inspect.isclass(value) and not dataclasses.is_dataclass(value):
        if "__init__" not in vars(value):
            return ""
        return short(vars(value)["__init__"])
    return short(value)


def short(function: Any) -> str:
    """Arguments and defaults without types, for these are in the docstring."""
    found = inspect.signature(function)
    plain = []
    for parameter in found.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        default = parameter.default
        if inspect.isfunction(default):
            parameter = parameter.replace(default=Named(default.__name__))
        elif dataclasses.is_dataclass(default) or type(default).__name__ == "_HAS_DEFAULT_FACTORY_CLASS":
            parameter = parameter.replace(default=Named("..."))
        elif isinstance(default, tuple) and any(dataclasses.is_dataclass(each) for each in default):
            parameter = parameter.replace(default=Named("..."))
        plain.append(parameter.replace(annotation=inspect.Parameter.empty))
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


class Named:
    """A default that is shown by a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
