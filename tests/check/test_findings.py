"""Each finding, and states so near to it that it must be absent."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from struct import pack_into
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.findings import CODES, Severity
from shim.check.state import VARIABLES, State
from shim.check.verdict import verdict
from shim.package.limits import read_limits
from shim.templates.findings import OWN_CODES
from tests.check.builders import (
    DUAL,
    SCRIPT,
    codes,
    entry,
    launcher,
    link,
    package,
    program,
    sound,
    state,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shim.package.read import Entry
    from tests.check.oracle.programs import Programs


ARM = Arch.ARM64
BOOT = entry("bootstrap", launcher())
ORDERS = entry("orders", program())
OLD_SCRIPT = b'#!/bin/sh\n[ "$(uname -m)" = aarch64 ] && s=_arm64\nexec "./$_HANDLER$s"\n'
LIMIT = read_limits().unzipped
ASSUMED = state(runtime="provided").runtime
"""Whose image can't be read any more."""


def changed(data: bytes, at: int, form: str, value: int) -> bytes:
    copy = bytearray(data)
    pack_into(form, copy, at, value)
    return bytes(copy)


def packed(data: bytes) -> bytes:
    """With UPX's mark behind the headers, where `program` has 16 bytes of nothing."""
    at = 64 + 56 + 4
    return data[:at] + b"UPX!" + data[at + 4 :]


def manifest(*, size: int) -> Entry:
    orders = {"x86_64": {"file": "orders", "size": size}}
    content = {"format": 1, "handlers": {"orders": orders}}
    return entry(".shim/manifest.json", json.dumps(content).encode(), mode=0o644)


def handled(data: bytes, mode: int = 0o755) -> State:
    return state(BOOT, entry("orders", data, mode))


def of_size(size: int) -> State:
    return sound(replace(entry("data", mode=0o644), size=size))


def of_zip(**says: str | None) -> State:
    checked = sound()
    return replace(checked, package=replace(checked.package, **says))  # type: ignore[arg-type] # two fields alone


def extensions(count: int, data: bytes = program(), mode: int = 0o755) -> State:
    entries = [entry(f"extensions/e{number}", data, mode) for number in range(count)]
    return sound(layers=(package(*entries, path="layer.zip"),))


LAYER = package(BOOT, path="layer.zip")
WRAPPED = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}


def wrapped(data: bytes, mode: int = 0o755) -> State:
    layer = package(entry("wrapper", data, mode), path="layer.zip")
    return sound(layers=(layer,), environment=WRAPPED)


def led(interpreter: bytes, mode: int = 0o755) -> State:
    """A program whose ELF interpreter is in the package."""
    return sound(
        entry("mine", program(interpreter=b"/var/task/lib/ld.so")),
        entry("lib/ld.so", interpreter, mode),
        handler="mine",
    )


LINKER = program(kind=3, soname=b"ld-linux-x86-64.so.2")


def running(*entries: Entry) -> State:
    """A script that starts `app`."""
    return state(entry("bootstrap", b"#!/bin/sh\nexec ./app\n"), *entries)


CASES: dict[str, tuple[State, State]] = {
    "bootstrap-missing": (state(ORDERS), state(ORDERS, layers=(LAYER,))),
    "bootstrap-not-executable": (
        state(entry("bootstrap", launcher(), 0o754), ORDERS),
        state(entry("bootstrap", launcher(), 0o755), ORDERS),
    ),
    "bootstrap-wrong-architecture": (sound(arch=ARM), sound(arch=Arch.X86_64)),
    "bootstrap-link-dangling": (
        state(link("bootstrap", "nowhere"), ORDERS),
        state(link("bootstrap", "real"), entry("real", launcher()), ORDERS),
    ),
    "bootstrap-link-outside": (
        state(link("bootstrap", "/bin/sh"), ORDERS),
        state(link("bootstrap", "/opt/bootstrap"), ORDERS, layers=(LAYER,)),
    ),
    "bootstrap-hides-layer": (sound(layers=(LAYER,)), state(ORDERS, layers=(LAYER,))),
    "bootstrap-shell": (
        state(entry("bootstrap", OLD_SCRIPT), ORDERS),
        state(entry("bootstrap", SCRIPT), ORDERS),
    ),
    "launcher-missing": (
        state(entry("bootstrap", DUAL), entry(".shim/aarch64", launcher(ARM)), ORDERS),
        state(entry("bootstrap", DUAL), entry(".shim/x86_64", launcher()), ORDERS),
    ),
    "handler-unset": (sound(handler=""), sound()),
    "handler-invalid": (sound(handler="../orders"), sound(handler="./orders")),
    "handler-is-launcher": (sound(handler="bootstrap"), sound(handler="orders")),
    "handler-missing": (sound(handler="ordes"), sound(handler="orders")),
    "handler-wrong-architecture": (
        state(BOOT, entry("orders_arm64", program(ARM))),
        state(entry("bootstrap", launcher(ARM)), entry("orders_arm64", program(ARM)), arch=ARM),
    ),
    "handler-not-executable": (handled(program(), 0o644), handled(program(), 0o755)),
    "handler-directory": (
        state(BOOT, entry("orders/real", program())),
        state(BOOT, entry("orders/real", program()), handler="orders/real"),
    ),
    "wrapper-ignored": (
        state(entry("bootstrap", program()), environment=WRAPPED),
        state(entry("bootstrap", program(mark=b"AWS_LAMBDA_EXEC_WRAPPER")), environment=WRAPPED),
    ),
    "wrapper-missing": (sound(environment=WRAPPED), wrapped(SCRIPT)),
    "wrapper-not-executable": (wrapped(SCRIPT, 0o644), wrapped(SCRIPT)),
    "wrapper-wrong-architecture": (wrapped(program(ARM)), wrapped(program())),
    "elf-truncated": (handled(program()[:-1]), handled(program())),
    "elf-not-64-bit": (handled(changed(program(), 4, "B", 1)), handled(program())),
    "program-not-linux": (
        handled(changed(program(), 7, "B", 9)),
        handled(changed(program(), 7, "B", 3)),
    ),
    "elf-not-executable": (handled(program(kind=1)), handled(program(kind=3))),
    "program-packed": (handled(packed(program())), handled(program())),
    "elf-invalid": (handled(changed(program(), 56, "<H", 0)), handled(program())),
    "interpreter-missing": (
        handled(program(interpreter=b"/lib/ld-musl-x86_64.so.1")),
        handled(program(interpreter=b"/lib64/ld-linux-x86-64.so.2")),
    ),
    "interpreter-broken": (led(program(kind=3), 0o644), led(LINKER)),
    "interpreter-unknown": (led(program(kind=3)), led(LINKER)),
    "script-interpreter-missing": (
        handled(b"#!/usr/bin/python3\n"),
        handled(b"#!/usr/bin/env bash\n"),
    ),
    "script-crlf": (handled(b"#!/bin/sh\r\n"), handled(b"#!/bin/sh\n\r\n")),
    "script-line-long": (
        handled(b"#!/" + b"x" * 300 + b"\n"),
        handled(b"#!/bin/sh" + b" " * 300 + b"\n"),
    ),
    "script-nested": (
        sound(
            *(entry(f"run{n}", f"#!/var/task/run{n + 1}\n".encode()) for n in range(7)),
            entry("run7", SCRIPT),
            handler="run0",
        ),
        sound(
            *(entry(f"run{n}", f"#!/var/task/run{n + 1}\n".encode()) for n in range(4)),
            entry("run4", SCRIPT),
            handler="run0",
        ),
    ),
    "script-unreadable": (handled(SCRIPT, 0o711), handled(program(), 0o711)),
    "script-not-followed": (
        state(entry("bootstrap", b"#!/bin/sh\nexec ./$APP\n"), ORDERS),
        state(entry("bootstrap", b"#!/bin/sh\nexec ./$_HANDLER\n"), ORDERS),
    ),
    "script-ends": (
        state(entry("bootstrap", b"#!/bin/sh\n[ -x ./app ] && exec ./app\n"), ORDERS),
        state(entry("bootstrap", b"#!/bin/sh\n[ -x ./orders ] && exec ./orders\n"), ORDERS),
    ),
    "script-loops": (
        state(entry("bootstrap", b"#!/bin/sh\nexec ./bootstrap\n"), ORDERS),
        state(entry("bootstrap", b"#!/bin/sh\nexec ./orders\n"), ORDERS),
    ),
    "program-missing": (running(entry("ap", program())), running(entry("app", program()))),
    "program-not-executable": (
        running(entry("app", program(), 0o644)),
        running(entry("app", program(), 0o755)),
    ),
    "program-wrong-architecture": (
        running(entry("app", program(ARM))),
        running(entry("app", program())),
    ),
    "layers-absent": (
        replace(sound(), absent_layers=("arn:aws:lambda:eu-west-1:1:layer:launcher:3",)),
        sound(layers=(package(path="layer.zip"),)),
    ),
    "no-program": (handled(b"orders\n"), handled(SCRIPT)),
    "extension-not-executable": (extensions(1, mode=0o644), extensions(1)),
    "extension-wrong-architecture": (extensions(1, program(ARM)), extensions(1)),
    "extensions-many": (extensions(11), extensions(10)),
    "layers-many": (
        sound(layers=tuple(package(path=f"{n}.zip") for n in range(6))),
        sound(layers=tuple(package(path=f"{n}.zip") for n in range(5))),
    ),
    "unzipped-large": (of_size(LIMIT), of_size(LIMIT - 10_000)),
    "unzipped-near": (of_size(LIMIT - 10_000), of_size(LIMIT // 2)),
    "zip-large": (sound(zipped=52_428_801), sound(zipped=52_428_800)),
    "runtime-architecture": (sound(runtime="go1.x", arch=ARM), sound(runtime="go1.x")),
    "manifest-invalid": (sound(manifest(size=1)), sound(manifest(size=len(program())))),
    "name-absolute": (sound(entry("/etc/passwd")), sound(entry("etc/passwd"))),
    "name-parent": (sound(entry("a/../b")), sound(entry("a/..b"))),
    "name-twice": (sound(entry("a"), entry("./a")), sound(entry("a/"), entry("a/"))),
    "name-conflict": (sound(entry("a"), entry("a/b")), sound(entry("a/"), entry("a/b"))),
    "name-case": (sound(entry("Read"), entry("read")), sound(entry("Read"), entry("red"))),
    "name-backslash": (sound(entry("a\\b")), sound(entry("a/b"))),
    "name-long": (sound(entry("x" * 256)), sound(entry("x" * 255))),
    "link-outside": (sound(link("a/b", "../../x")), sound(link("a/b", "../x"))),
    "entry-special": (sound(replace(entry("pipe"), kind=0o010000)), sound(entry("pipe"))),
    "entry-unreadable": (sound(entry("a", problem="it is encrypted")), sound(entry("a"))),
    "entry-doubtful": (
        sound(replace(entry("a"), doubt="it needs version 6.3 of the format")),
        sound(entry("a")),
    ),
    "folder-closed": (sound(entry("a/", mode=0o750)), sound(entry("a/", mode=0o711))),
    "zip-contradictory": (
        of_zip(problem="it has 2 entries, and says 3"),
        of_zip(problem=None),
    ),
    "zip-doubtful": (of_zip(doubt="10 bytes stand before it"), of_zip(doubt=None)),
}


def needing(programs: Programs, library: bytes, path: str = "lib/libshimprivate.so.1") -> State:
    handler = entry("orders", programs.needing("SHIM_1"))
    return state(BOOT, handler, entry(path, library, 0o644))


OLDER: dict[str, Callable[[Programs], tuple[State, State]]] = {
    "runtime-older": lambda p: (handled(p.cpp("3.4.33")), handled(p.cpp("3.4.29"))),
}
"""As `COMPILED`, of findings that don't keep it from starting."""


DATES = {
    "runtime-blocked": (date(2027, 2, 1), date(2027, 1, 31)),
    "runtime-ended": (date(2026, 8, 1), date(2026, 7, 31)),
    "runtime-ending": (date(2026, 7, 31), date(2026, 1, 1)),
}
"""Days on which a state of provided.al2 shows the finding, and doesn't."""


COMPILED: dict[str, Callable[[Programs], tuple[State, State]]] = {
    "glibc-too-new": lambda p: (handled(p.glibc("2.38")), handled(p.glibc("2.34"))),
    "libstdcxx-too-new": lambda p: (handled(p.cpp("3.4.34")), handled(p.cpp("3.4.28"))),
    "library-version-unknown": lambda p: (
        replace(handled(p.asking("libz.so.1", "ZLIB_1.2.0")), runtime=ASSUMED),
        handled(p.asking("libz.so.1", "ZLIB_1.2.9")),
    ),
    "library-version": lambda p: (needing(p, p.library("SHIM_2")), needing(p, p.library("SHIM_1"))),
    "library-missing": lambda p: (
        needing(p, p.library("SHIM_1"), "elsewhere/libshimprivate.so.1"),
        needing(p, p.library("SHIM_1"), "libshimprivate.so.1"),
    ),
    "library-broken": lambda p: (
        needing(p, p.library("SHIM_1")[:300]),
        needing(p, p.library("SHIM_1")),
    ),
    "library-unknown": lambda p: (
        needing(p, p.library("SHIM_1"), "lib/glibc-hwcaps/x86-64-v4/libshimprivate.so.1"),
        needing(p, p.library("SHIM_1"), "lib/glibc-hwcaps/x86-64-v3/libshimprivate.so.1"),
    ),
}
"""As `CASES`, with real programs that the dynamic linker has something to do with."""


NOTED = ("go-symbols", "go-rpc", "go-cgo")
"""What no verdict has, but the report on a package: tests/check/test_go.py."""


def test_every_code_has_its_states() -> None:
    assert sorted([*CASES, *DATES, *COMPILED, *OLDER, *NOTED]) == sorted(CODES)


@pytest.mark.parametrize("code", DATES)
def test_a_runtime_is_held_against_the_day(code: str) -> None:
    shows, absent = DATES[code]
    checked = sound(runtime="provided.al2")
    assert code in codes(checked, day=shows)
    assert code not in codes(checked, day=absent)
    assert verdict(checked, day=shows).starts


@pytest.mark.parametrize("code", COMPILED)
def test_it_is_found_in_real_programs_and_absent(compiled: Programs, code: str) -> None:
    shows, sound_one = COMPILED[code](compiled)
    assert code in codes(shows)
    assert not verdict(shows).starts
    assert codes(sound_one) == set()


@pytest.mark.parametrize("code", OLDER)
def test_it_is_found_in_real_programs_that_start(compiled: Programs, code: str) -> None:
    shows, sound_one = OLDER[code](compiled)
    assert codes(shows) == {code}
    assert verdict(shows).starts
    assert codes(sound_one) == set()


@pytest.mark.parametrize("code", CASES)
def test_it_is_found(code: str) -> None:
    found = {finding.code: finding for finding in verdict(CASES[code][0]).findings}
    assert code in found
    assert found[code].location
    assert found[code].sentence
    assert found[code].hint


@pytest.mark.parametrize("code", CASES)
def test_it_is_absent(code: str) -> None:
    assert code not in codes(CASES[code][1])


@pytest.mark.parametrize("code", [code for code in CASES if CODES[code][0] is Severity.ERROR])
def test_an_error_means_that_it_does_not_start(code: str) -> None:
    assert not verdict(CASES[code][0]).starts


def test_a_sound_state_starts_and_nothing_is_found() -> None:
    assert verdict(sound()).findings == ()


def test_no_handler_is_missing_for_being_there_for_the_other_architecture() -> None:
    for runtime in ("provided.al2023", "go1.x"):
        checked = state(BOOT, entry("orders_arm64", program(ARM)), runtime=runtime)
        assert "handler-wrong-architecture" in codes(checked)
        assert "handler-missing" not in codes(checked)


@pytest.mark.parametrize(
    ("version", "runtime", "is_found"),
    [
        ("2.17", "provided.al2", False),
        ("2.34", "provided.al2", True),
        ("2.34", "provided.al2023", False),
        ("2.38", "provided.al2023", True),
    ],
)
def test_glibc_is_compared(
    compiled: Programs, version: str, runtime: str, *, is_found: bool
) -> None:
    data = compiled.glibc(version)
    checked = replace(handled(data), runtime=state(runtime=runtime).runtime)
    assert ("glibc-too-new" in codes(checked)) == is_found


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("lib/libshimprivate.so.1", None),
        ("libshimprivate.so.1", None),
        ("elsewhere/libshimprivate.so.1", "library-missing"),
    ],
)
def test_libraries_are_looked_for_where_the_linker_looks(
    compiled: Programs, path: str, code: str | None
) -> None:
    found = codes(
        state(BOOT, entry("orders", compiled.needing()), entry(path, compiled.library(), 0o644))
    )
    assert found == ({code} if code else set())


def test_a_run_path_leads_to_a_library(compiled: Programs) -> None:
    handler = compiled.needing(run_path="$ORIGIN/libs")
    library = entry("bin/libs/libshimprivate.so.1", compiled.library())
    checked = state(BOOT, entry("bin/orders", handler), library, handler="bin/orders")
    assert codes(checked) == set()


def test_a_library_in_a_layer_is_found(compiled: Programs) -> None:
    layer = package(entry("lib/libshimprivate.so.1", compiled.library()), path="layer.zip")
    assert codes(state(BOOT, entry("orders", compiled.needing()), layers=(layer,))) == set()


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched(State):
    """A state that knows which variables were looked up."""

    asked: set[str]

    def variable(self, name: str, default: str = "") -> str:
        """See `State`."""
        self.asked.add(name)
        return State.variable(self, name, default)


def test_a_verdict_looks_at_no_other_variables_than_it_says(compiled: Programs) -> None:
    script = entry("bootstrap", b"#!/usr/bin/env python2\nprint()\n")
    checked = [one for pair in CASES.values() for one in pair]
    checked += [handled(compiled.needing()), state(script)]
    asked: set[str] = set()
    for one in checked:
        watched = {field.name: getattr(one, field.name) for field in fields(one)}
        verdict(Watched(**watched, asked=asked))
    assert asked == VARIABLES


@pytest.mark.parametrize(
    ("runtime", "library", "version", "found"),
    [
        ("provided.al2", "libz.so.1", "ZLIB_1.2.9", {"library-version"}),
        ("provided.al2", "libz.so.1", "ZLIB_1.2.5.2", set()),
        ("provided.al2023", "libz.so.1", "ZLIB_1.2.9", set()),
        ("provided.al2023", "libz.so.1", "ZLIB_1.2.12", {"library-version"}),
        ("provided.al2023", "libcurl.so.4", "CURL_OPENSSL_4", set()),
        ("provided", "libz.so.1", "ZLIB_1.2.0", {"library-version-unknown"}),
        ("provided.al2023", "libcrypto.so.3", "OPENSSL_3.3.0", {"library-version"}),
        ("provided.al2023", "libgcc_s.so.1", "GCC_13.0.0", {"runtime-older"}),
        ("provided.al2023", "libgobject-2.0.so.0", "", {"runtime-older"}),
        ("provided.al2", "libgobject-2.0.so.0", "", {"runtime-older"}),
        ("provided.al2023", "libexpat.so.1", "", {"library-missing"}),
        ("provided.al2", "libexpat.so.1", "", set()),
        ("provided.al2", "libssl.so.3", "", {"library-missing"}),
    ],
)
def test_the_runtimes_libraries_are_compared(
    compiled: Programs, runtime: str, library: str, version: str, found: set[str]
) -> None:
    checked = handled(compiled.asking(library, version))
    assert codes(replace(checked, runtime=state(runtime=runtime).runtime)) == found


@pytest.mark.parametrize(
    ("interpreter", "mode", "found"),
    [
        (b"#!/bin/sh\n" + bytes(64), 0o755, "interpreter-broken"),
        (b"\x7fELF", 0o755, "interpreter-broken"),
        (b"", 0o755, "interpreter-broken"),
        (LINKER, 0o754, "interpreter-broken"),
        (LINKER, 0o711, None),
        (program(ARM, kind=3), 0o755, "interpreter-broken"),
        (program(kind=1), 0o755, "interpreter-broken"),
        (program(kind=3)[:-1], 0o755, "interpreter-broken"),
        (changed(LINKER, 56, "<H", 0), 0o755, "interpreter-broken"),
        (program(kind=3, soname=b"libc.musl-x86_64.so.1"), 0o755, None),
        (program(kind=3, soname=b"libfoo.so"), 0o755, "interpreter-unknown"),
        (program(kind=2), 0o755, "interpreter-unknown"),
    ],
)
def test_an_interpreter_of_ones_own_is_looked_at(
    interpreter: bytes, mode: int, found: str | None
) -> None:
    assert codes(led(interpreter, mode)) == ({found} if found else set())


def test_an_interpreter_that_is_a_folder_or_a_link_is_followed() -> None:
    mine = entry("mine", program(interpreter=b"/var/task/lib/ld.so"))
    folder = sound(mine, entry("lib/ld.so/file"), handler="mine")
    assert codes(folder) == {"interpreter-broken"}
    system = sound(mine, link("lib/ld.so", "/lib64/ld-linux-x86-64.so.2"), handler="mine")
    assert not codes(system) & {"interpreter-broken", "interpreter-unknown"}
    nowhere = sound(mine, link("lib/ld.so", "nowhere"), handler="mine")
    assert codes(nowhere) == {"interpreter-missing"}
    shell = sound(mine, link("lib/ld.so", "/bin/sh"), handler="mine")
    assert "interpreter-unknown" in codes(shell)


def test_a_warning_about_an_older_production_has_both_dates(compiled: Programs) -> None:
    (found,) = verdict(handled(compiled.asking("libgobject-2.0.so.0", ""))).findings
    assert "2025-08-15" in found.sentence
    assert "2025-08-24" in found.sentence


def test_every_code_has_its_section_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/findings.md").read_text()
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert sections == [*CODES, *OWN_CODES]
