"""runtimes.toml: validated, and every line says where it was read and when."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import shim.check
from shim.arch import Arch
from shim.check.runtimes import DataInvalid, _runtime, read_runtimes, read_service

TEXT = (Path(shim.check.__file__).parent / "runtimes.toml").read_text()
DATA = TEXT.partition("[sources]")[0]
SOURCES = tomllib.loads(TEXT)["sources"]


def test_every_line_has_its_source_and_date() -> None:
    for line in DATA.splitlines():
        if not line or line.startswith(("#", "[", "]")) or line.endswith("= [") or "format" in line:
            continue
        comment = line.rpartition(" # ")[2]
        pairs = re.findall(r"([\w-]+) (\d{4}-\d{2})", comment)
        assert pairs, line
        assert {name for name, _ in pairs} <= SOURCES.keys(), line


def test_every_source_is_used() -> None:
    assert all(f" {name} " in DATA for name in SOURCES)


@pytest.mark.parametrize(
    ("name", "glibc", "architectures"),
    [
        ("provided.al2023", "2.34", {Arch.X86_64, Arch.ARM64}),
        ("provided.al2", "2.26", {Arch.X86_64, Arch.ARM64}),
        ("provided", "2.17", {Arch.X86_64}),
        ("go1.x", "2.17", {Arch.X86_64}),
    ],
)
def test_the_runtimes_are_what_lambda_has(name: str, glibc: str, architectures: set[Arch]) -> None:
    runtime = read_runtimes()[name]
    assert runtime.version("GLIBC") == glibc
    assert runtime.architectures == architectures
    assert runtime.runs_handler == (name == "go1.x")
    assert "/bin/sh" in runtime.programs or "/usr/bin/sh" in runtime.programs


def test_lambda_itself_is_described() -> None:
    assert read_service().extensions == 10
    assert read_service().library_path[0] == "/lib64"


@pytest.mark.parametrize(
    "change",
    [
        {"glibc": 3},
        {"programs": ["relative"], "merged_usr": False},
        {"merged_usr": "yes"},
        {"versions": {"GLIBC": "2.34"}},
        {"architectures": None},
    ],
)
def test_a_mistake_in_the_data_is_refused(change: dict[str, object]) -> None:
    table = {**tomllib.loads(TEXT)["runtime"]["provided.al2023"], **change}
    with pytest.raises(DataInvalid):
        _runtime("provided.al2023", table)
