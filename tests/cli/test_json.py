"""Every command's JSON follows one convention, errors included."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest

from shim import __version__
from shim.arch import Arch
from shim.bench import record as bench_record
from shim.cli.main import COMMANDS, main
from shim.document import document, encode, json_name
from shim.package.entry import Entry
from shim.package.function import write_zip
from shim.package.launchers import Flavour, launcher
from shim.text import utf8
from tests.bench import fakes
from tests.check.builders import SCRIPT

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*")
OTHERS_NAMES = {"handlers", "environment", "errors", "answers", "programs", "parameters"}
"""Of what stands under these, the names are somebody else's: handlers, variables, error types, the
API's parameters."""

LAUNCHER = launcher(Arch.X86_64, Flavour.LEAN)


def check_convention(text: str) -> dict[str, Any]:
    """Assert that `text` is such a document, and return what is in it."""
    assert text.isascii()
    found: dict[str, Any] = json.loads(text)
    assert list(found)[:2] == ["format", "shim"]
    assert isinstance(found["format"], int)
    assert found["shim"] == __version__
    check_names(found)
    return found


def check_names(value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            check_names(one)
    if isinstance(value, dict):
        for name, one in value.items():
            assert NAME.fullmatch(name), name
            if name not in OTHERS_NAMES or not isinstance(one, dict):
                check_names(one)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a program, a package and a function on it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders").write_bytes(SCRIPT)
    files = {"bootstrap": LAUNCHER, "orders": SCRIPT, "bin": SCRIPT}
    write_zip(
        tmp_path / "package.zip",
        [Entry.file(name, content, mode=0o755) for name, content in files.items()],
    )
    function = {"Runtime": "provided.al2023", "Handler": "orders", "FunctionName": "f"}
    (tmp_path / "f.json").write_text(json.dumps(function))
    bench_record.save(
        fakes.record({"nothing": [1.0], "assembly": [2.0], "lean": [2.0]}, rounds=1),
        tmp_path / "bench.json",
    )
    return tmp_path


NOW = ["--from", "f.json", "--from-package", "package.zip"]
WORDS = {
    "pack": (0, ["orders", "-o", "out.zip"]),
    "layer": (0, ["-o", "out.zip", "--flavour", "lean", "orders"]),
    "extension": (0, ["audit", "--x86-64", "x86_64", "--arm64", "arm64"]),
    "launcher": (0, ["--dual"]),
    "check": (0, ["package.zip", "--arch", "x86_64"]),
    "plan": (0, [*NOW, "--handler", "bin"]),
    "simulate": (0, [*NOW, "--handler", "bin", "--by-verdict", "--invocations", "600"]),
    "bench": (0, ["--record", "bench.json"]),
    "plan without a way": (1, [*NOW, "--handler", "nowhere"]),
}
"""`shim run --json` starts a function: tests/emulate/test_cli_run.py."""


@pytest.mark.parametrize("case", WORDS)
def test_what_a_command_prints_as_json(
    case: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arch in Arch:
        (here / arch).write_bytes(launcher(arch, Flavour.LEAN))
    status, words = WORDS[case]
    assert main([case.split(maxsplit=1)[0], *words, "--json"]) == status
    check_convention(capsys.readouterr().out)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_error_as_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--json", "--nonsense"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {"error", "hint"} < check_convention(printed.err).keys()


@pytest.mark.usefixtures("here")
def test_the_files_that_are_written_follow_it_too(here: Path) -> None:
    assert main(["pack", "orders", "-o", "out.zip"]) == 0
    with ZipFile(here / "out.zip") as packed:
        check_convention(packed.read(".shim/manifest.json").decode())
    assert main(["plan", *NOW, "--handler", "bin", "--output", "plan.json"]) == 0
    check_convention((here / "plan.json").read_text())
    check_convention((here / "bench.json").read_text())


def test_names_are_in_camel_case() -> None:
    assert [json_name(name) for name in ("page_cache", "x", "read_ahead_kb", "arch")] == [
        *("pageCache", "x", "readAheadKb", "architecture"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [("a\udce9b", "a\ufffdb"), ("\ud83d", "\ufffd"), ("\U0001f600", None)]
)
def test_what_is_not_utf8_can_be_read_by_everybody(text: str, expected: str | None) -> None:
    assert utf8(text) == (expected or text)
    content = document(1, {"list": [{text: (text,)}]})
    assert json.loads(encode(content))["list"] == [{expected or text: [expected or text]}]
