"""The rooms of `shim/` import one way: read from the code, what only type checkers see included."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import shim

TREE = Path(shim.__path__[0])

GROUND = {"arch", "document", "elf", "errors", "fields", "files", "text"}
ALLOWED: dict[str, set[str]] = {
    "launcher": set(),
    "package": {"launcher"},
    "check": {"package"},
    "aws": {"check", "package"},
    "plan": {"aws", "check", "package"},
    "deploy": {"plan", "aws", "check", "package"},
    "scan": {"deploy", "plan", "aws", "check", "package"},
    "emulate": {"package"},
    "simulate": {"deploy", "plan", "aws", "check", "package", "emulate"},
    "bench": {"package", "launcher"},
    "templates": {"plan", "aws", "check", "package"},
    "cli": {
        *("scan", "templates", "simulate", "deploy", "plan", "aws", "check", "package", "emulate"),
        "bench",
    },
}
"""What each room may import besides the ground floor (docs/why/architecture.md)."""

OUTSIDE: dict[str, set[str]] = {
    "boto3": {"aws"},
    "botocore": {"aws"},
    "docker": {"emulate"},
    "rich": {"cli"},
    "samtranslator": {"templates"},
    "yaml": {"templates"},
}
"""Which room alone knows a library."""


def modules() -> dict[str, ast.Module]:
    """By dotted name: what each module of `shim` says."""
    found = {}
    for path in sorted(TREE.rglob("*.py")):
        parts = path.relative_to(TREE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


MODULES = modules()


def imported(tree: ast.Module) -> set[str]:
    """Every module that is named in an import, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in MODULES else node.module)
    return names


IMPORTS = {name: imported(tree) for name, tree in MODULES.items()}


def room(module: str) -> str:
    """`check` of `shim.check.verdict`; empty for `shim` itself."""
    return module.split(".")[1] if "." in module else ""


def allowed(module: str) -> set[str]:
    """The rooms that a module may import."""
    if module == "shim.__main__":
        return {"cli"}
    return GROUND if room(module) in GROUND else GROUND | ALLOWED[room(module)]


def test_no_room_imports_one_above_it() -> None:
    arrows = [
        f"{module} → {other}"
        for module, others in IMPORTS.items()
        for other in others & MODULES.keys()
        if room(other) not in {"", room(module), *allowed(module)}
    ]
    assert not arrows


def test_every_room_has_its_place_in_the_order() -> None:
    assert {room(module) for module in MODULES} == {*GROUND, *ALLOWED, "", "__main__"}


def test_no_two_modules_need_each_other() -> None:
    graph = {name: others & MODULES.keys() - {name} for name, others in IMPORTS.items()}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("library", OUTSIDE)
def test_a_library_is_known_to_one_room(library: str) -> None:
    knowing = {
        room(module)
        for module, others in IMPORTS.items()
        if library in {other.split(".")[0] for other in others}
    }
    assert knowing <= OUTSIDE[library]


@pytest.mark.parametrize("name", sorted(name for name in ALLOWED if name != "launcher"))
def test_a_room_says_what_it_is_for(name: str) -> None:
    docstring = ast.get_docstring(MODULES[f"shim.{name}"])
    assert docstring
