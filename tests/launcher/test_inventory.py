"""What the full launcher calls a handler is what `pack` and `check` call one: real files tell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.launcher.inventory import take_inventory
from shim.launcher.program import read_program
from shim.package.executables import handlers_of, is_program
from tests.check.builders import entry, package
from tests.debian import installed_files
from tests.launcher.programs import elf
from tests.requirements import require

if TYPE_CHECKING:
    from tests.conftest import Compiler

LIBRARIES = Path("/lib/x86_64-linux-gnu")
SYSTEM = ("libc.so.6", "ld-linux-x86-64.so.2", "libm.so.6", "libpthread.so.0")
"""Of Debian's glibc: two can be started, and one has a loader and a SONAME."""

BUILT = {
    "static": ["-static"],
    "static-pie": ["-static", "-pie", "-fPIE"],
    "pie": ["-pie", "-fPIE", "-Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2"],
    "exports": ["-pie", "-fPIE", "-Wl,-soname,orders", "-rdynamic"],
    "library": ["-shared", "-fPIC"],
    "lib/libnamed.so.1": ["-shared", "-fPIC", "-Wl,-soname,libnamed.so.1"],
    "program.so": ["-static"],
    "like-libc": ["-shared", "-fPIC", "-Wl,-e,_start", "-Wl,--dynamic-linker=/lib64/ld.so"],
    "object.o": ["-c"],
}
WRITTEN = {
    "script": b"#!/bin/sh\n",
    "script.js": b"#!/usr/bin/env node\n",
    "tool.py": b"#!/usr/bin/python3\n",
    "node_modules/.bin/tool": b"#!/usr/bin/env node\n",
    "lib/extensions/tool": b"#!/bin/sh\n",
    "extensions/agent": b"#!/bin/sh\n",
    ".extensions/x86_64/agent": b"#!/bin/sh\n",
    ".shim/x86_64": b"#!/bin/sh\n",
    "bootstrap": b"#!/bin/sh\n",
    "a name": b"#!/bin/sh\n",
    "x" * 128: b"#!/bin/sh\n",
    "x" * 129: b"#!/bin/sh\n",
    "ü" * 100: b"#!/bin/sh\n",
    "text": b"echo hello\n",
    "empty": b"",
    "upx": elf(62, kind=3),
    "windows.exe": b"MZ\x90\0",
}


@pytest.fixture
def files(compiler: Compiler) -> dict[str, bytes]:
    """One of everything that lies in packages."""
    targets = {"": "x86_64-linux-gnu", "_arm64": "aarch64-linux-gnu"}
    built = {
        name + suffix: compiler.program(target, *options).read_bytes()
        for name, options in BUILT.items()
        for suffix, target in targets.items()
    }
    require(all((LIBRARIES / name).exists() for name in SYSTEM), "this is no Debian for amd64")
    return {**built, **WRITTEN, **{f"l/{name}": (LIBRARIES / name).read_bytes() for name in SYSTEM}}


def test_the_launcher_lists_what_check_takes_for_handlers(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    made = package(*(entry(name, content) for name, content in files.items()))
    listed = take_inventory((bytes(tmp_path),), lambda: 0).handlers
    assert {os.fsdecode(name) for name in listed} == handlers_of(made)
    assert listed[b"static"] == set(Arch)
    assert "program.so" in handlers_of(made)
    assert "like-libc" not in handlers_of(made)


def test_of_all_that_is_installed_it_says_what_check_says() -> None:
    paths = [*installed_files(Path("/usr/bin"), LIBRARIES, Path("/usr/lib/python3"))]
    require(len(paths) > 100, "this is no Debian with programs for amd64")
    # What has a problem, as 32-bit programs have, the launcher doesn't offer, whatever it is.
    for path in paths:
        found = read_program(bytes(path))
        if not path.exists():
            continue
        data = path.read_bytes()
        assert found is not None
        is_ours = bool(found.kind and not found.problem and not found.is_library)
        assert is_ours == is_program(entry("orders", data)) or found.problem, path
