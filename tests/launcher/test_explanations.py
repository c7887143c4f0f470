"""The explanations that docs/why/full-launcher.md shows, each by a real package that fails so."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from tests.launcher.programs import elf, elf_with_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.launcher.package import Package

DOCUMENT = Path(__file__).parents[2] / "docs/why/full-launcher.md"
OURS, THEIRS = Arch.X86_64.elf_machine, Arch.ARM64.elf_machine
MODE = 0o755
GOOD = (elf(OURS), MODE)

Files = dict[str, tuple[bytes, int]]

PACKAGES: list[tuple[str, str | None, Files, dict[str, str]]] = [
    ("Runtime.HandlerUnset", None, {"bin/orders": GOOD, "bin/bills": GOOD}, {}),
    ("Runtime.HandlerInvalid", "/var/task/bin/orders", {"bin/orders": GOOD}, {}),
    ("Runtime.HandlerInvalid", "../orders", {"bin/orders": GOOD}, {}),
    ("Runtime.HandlerIsLauncher", "bootstrap", {"bin/orders": GOOD}, {}),
    ("Runtime.HandlerNotFound", "orders.handler", {"bin/orders": GOOD, "bin/bills": GOOD}, {}),
    ("Runtime.HandlerNotFound", "bin/orders", {"bin/orders_arm64": (elf(THEIRS), MODE)}, {}),
    ("Runtime.HandlerNotFound", "orders", {}, {}),
    ("Runtime.HandlerNotExecutable", "bin/orders", {"bin/orders": (elf(OURS), 0o644)}, {}),
    ("Runtime.HandlerNotExecutable", "bin", {"bin/orders": GOOD}, {}),
    ("Runtime.WrongArchitecture", "bin/orders", {"bin/orders": (elf(THEIRS), MODE)}, {}),
    ("Runtime.InterpreterMissing", "orders", {"orders": (b"#!/bin/sh\r\n", MODE)}, {}),
    ("Runtime.InterpreterMissing", "orders", {"orders": (b"#!/opt/bin/python3.13\n", MODE)}, {}),
    (
        "Runtime.InterpreterMissing",
        "bin/orders",
        {"bin/orders": (elf_with_interpreter(OURS, b"/lib/ld-musl-x86_64.so.1"), MODE)},
        {},
    ),
    ("Runtime.LaunchFailed", "bin/orders", {"bin/orders": (b"MZ\x90\0", MODE)}, {}),
    ("Runtime.LaunchFailed", "orders", {"orders": (b"echo hello\n", MODE)}, {}),
    (
        "Runtime.LaunchFailed",
        "bin/orders",
        {"bin/orders": GOOD},
        {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"},
    ),
]


@pytest.mark.parametrize(("kind", "handler", "files", "variables"), PACKAGES)
def test_what_the_document_shows_is_what_a_reader_sees(
    make_package: Callable[[str, Arch], Package],
    in_folders: Callable[..., list[str]],
    tmp_path: Path,
    kind: str,
    handler: str | None,
    files: Files,
    variables: dict[str, str],
) -> None:
    package = make_package("full", Arch.X86_64)
    for name, (content, mode) in files.items():
        package.add(name, content, mode)
    opt = tmp_path / "opt"
    opt.mkdir()
    environment = {"PATH": "/usr/bin:/bin", **variables}
    if handler is not None:
        environment["_HANDLER"] = handler
    command = [*in_folders(task=package.root, opt=opt), "/var/task/bootstrap"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    report = json.loads(done.stderr)
    assert report["errorType"] == kind
    shown = f"> **{kind}**: {report['errorMessage']}\n"
    assert shown in DOCUMENT.read_text(), shown


def test_the_document_shows_every_error_type() -> None:
    assert len({kind for kind, *_ in PACKAGES}) == 8
