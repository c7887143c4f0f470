"""Go programs: how they were built, and what is said of it."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.arch import Arch
from shim.check.go import check_go, go_programs
from shim.check.runtimes import read_runtimes
from shim.check.state import State
from shim.elf import GoBuild, read_go_build, read_start
from shim.package.ahead import reading_ahead
from shim.package.read import read_package
from tests.check.builders import entry, launcher, package
from tests.check.go.campaign import said_by_go, said_by_shim
from tests.command import TREE, run_shim

if TYPE_CHECKING:
    from pathlib import Path

BASE = 0x400000
GUARD = bytes(range(16))
GOARCH = {Arch.X86_64: "amd64", Arch.ARM64: "arm64"}
LAMBDA = "dep\tgithub.com/aws/aws-lambda-go\tv1.47.0\th1:x\n"
SETTINGS = "build\tCGO_ENABLED=0\n"
SOURCE = """\
package main

func main() { println("started") }
"""


def go_program(
    text: str = "",
    *,
    toolchain: str = "go1.22.3",
    has_pointers: bool = False,
    symbols: int = 0,
    padding: int = 0,
    needed: tuple[str, ...] = (),
) -> bytes:
    """What Go's linker writes, as far as it is read: a note, code, build information, sections."""
    modules = GUARD + text.encode() + GUARD if text else b""
    words = toolchain.encode(), modules
    headers = 64 + 4 * 56 + (3 * 64 if symbols else 0)
    note_at, data_at = headers, -(-(headers + 16 + padding) // 16) * 16
    if has_pointers:
        texts_at = data_at + 64
        header = b"\xff Go buildinf:" + bytes([8, 0])
        header += struct.pack("<2Q", BASE + data_at + 32, BASE + data_at + 48)
        header += struct.pack("<2Q", BASE + texts_at, len(words[0]))
        header += struct.pack("<2Q", BASE + texts_at + len(words[0]), len(words[1]))
        data = header + b"".join(words)
    else:
        data = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
        data += b"".join(_varint(len(word)) + word for word in words)
    dynamic = _dynamic(needed, at=data_at + len(data)) if needed else b""
    segments = _segment(1, 5, 0, data_at) + _segment(1, 6, data_at, len(data + dynamic))
    segments += _segment(4, 4, note_at, 16)
    segments += _segment(2 if needed else 0, 6, data_at + len(data), len(dynamic))
    data += dynamic
    end = data_at + len(data)
    sections = b""
    if symbols:
        sections = bytes(64) + _section(2, end, symbols - 8, link=2) + _section(3, end, 8)
    shape = struct.pack("<6H", 64, 56, 4, 64 if symbols else 0, 3 if symbols else 0, 0)
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<2HI", 2, 62, 1)
    header += struct.pack("<3QI", BASE + headers, 64, 64 + 4 * 56 if symbols else 0, 0) + shape
    note = struct.pack("<3I4s", 4, 0, 4, b"Go")
    content = header + segments + sections + note
    return content + bytes(data_at - len(content)) + data + bytes(symbols)


def _segment(kind: int, flags: int, at: int, size: int) -> bytes:
    return struct.pack("<2I6Q", kind, flags, at, BASE + at, 0, size, size, 4096)


def _section(kind: int, at: int, size: int, *, link: int = 0) -> bytes:
    return struct.pack("<2I4Q2I2Q", 0, kind, 0, 0, at, size, link, 0, 1, 0)


def _dynamic(needed: tuple[str, ...], *, at: int) -> bytes:
    strings, tags = b"\0", []
    for name in needed:
        tags.append((1, len(strings)))
        strings += name.encode() + b"\0"
    tags += [(5, BASE + at + 16 * (len(needed) + 4)), (10, len(strings)), (21, 0), (0, 0)]
    return b"".join(struct.pack("<qQ", *tag) for tag in tags) + strings


def _varint(number: int) -> bytes:
    low = number & 0x7F
    return bytes([low]) if number < 0x80 else bytes([low | 0x80]) + _varint(number >> 7)


def read(data: bytes) -> GoBuild | None:
    def at(offset: int, size: int) -> bytes:
        return data[offset : offset + size]

    return read_go_build(read_start(at), at)


def state_of(data: bytes, *, runtime: str = "provided.al2023") -> State:
    return State(
        package=package(entry("bootstrap", data)),
        arch=Arch.X86_64,
        runtime=read_runtimes()[runtime],
        handler="orders",
    )


def codes_of(state: State) -> list[str]:
    return [one.code for one in check_go(state)]


@pytest.fixture(scope="module")
def built(go: str, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Arch, str], Path]:
    """A program for each architecture, as it is built by default and with less in it."""
    folder = tmp_path_factory.mktemp("go")
    folder.joinpath("main.go").write_text(SOURCE)
    folder.joinpath("go.mod").write_text("module shim.example/started\n\ngo 1.22\n")
    variables = {"CGO_ENABLED": "0", "GOOS": "linux", "GOTOOLCHAIN": "local", "GOPROXY": "off"}
    programs = {}
    for arch in Arch:
        for name, flags in (("plain", []), ("small", ["-ldflags=-s -w", "-tags=one,two"])):
            programs[arch, name] = folder / f"{name}-{arch}"
            subprocess.run(
                [go, "build", *flags, "-o", programs[arch, name], "."],
                cwd=folder,
                env={**os.environ, **variables, "GOARCH": GOARCH[arch]},
                check=True,
            )
    return programs


@pytest.mark.parametrize("arch", Arch)
def test_what_is_read_is_what_go_itself_says(
    arch: Arch, go: str, built: dict[tuple[Arch, str], Path]
) -> None:
    for name in ("plain", "small"):
        said = said_by_go(built[arch, name], go=go)
        assert said is not None
        assert said_by_shim(built[arch, name]) == said
    build = read(built[arch, "small"].read_bytes())
    assert build is not None
    assert build.path == "shim.example/started"
    assert build.tags == {"one", "two"}
    assert build.settings["-ldflags"] == "-s -w"
    assert build.settings["GOARCH"] == GOARCH[arch]


@pytest.mark.parametrize("arch", Arch)
def test_the_note_says_how_much_smaller_the_program_gets(
    arch: Arch, built: dict[tuple[Arch, str], Path]
) -> None:
    sizes = [built[arch, name].stat().st_size for name in ("plain", "small")]
    for name, expected in (("plain", sizes[0] - sizes[1]), ("small", 0)):
        program = entry("bootstrap", built[arch, name].read_bytes())
        state = replace(state_of(b""), package=package(program), arch=arch)
        (found,) = go_programs([state]).values()
        # What remains of the difference is section headers, and where pages begin.
        assert abs(found.strippable - expected) < 1 << 14
        assert ("go-symbols" in codes_of(state)) == (name == "plain")


@pytest.mark.parametrize("has_pointers", [True, False])
def test_both_forms_of_build_information_are_read(*, has_pointers: bool) -> None:
    text = "path\texample.com/orders\n" + LAMBDA + "=>\t../fork\t(devel)\t\n" + SETTINGS
    build = read(go_program(text, has_pointers=has_pointers))
    assert build is not None
    assert (build.toolchain, build.text) == ("go1.22.3", text)
    assert build.path == "example.com/orders"
    assert build.versions == {"github.com/aws/aws-lambda-go": "v1.47.0"}
    assert build.settings == {"CGO_ENABLED": "0"}


def test_settings_are_read_as_they_were_given() -> None:
    lines = ["-ldflags=\"-X 'a=\\u00fc' -s\"", "-tags=a,b", '"odd=name"=1', '-x="\\a"']
    build = read(go_program("".join(f"build\t{line}\n" for line in lines)))
    assert build is not None
    assert build.settings["-ldflags"] == "-X 'a=\u00fc' -s"
    assert build.tags == {"a", "b"}
    assert build.settings["-x"] == '"\\a"', "an escape of Go's that JSON has not"


def test_nonsense_is_no_build_information() -> None:
    whole = go_program(LAMBDA, has_pointers=True)
    at = whole.index(b"\xff Go buildinf:")
    for damaged in (
        whole.replace(b"\xff Go buildinf:", b"\xff no buildinf:"),
        whole[: at + 20],
        whole[: at + 64],
        whole[: at + 16] + b"\xff" * 32 + whole[at + 48 :],
        go_program()[:-2],
        go_program(toolchain=""),
    ):
        assert read(damaged) is None
    endless = go_program().replace(bytes([8]) + b"go1.22.3", b"\xff" * 9)
    assert read(endless) is None


@given(
    changes=st.dictionaries(st.integers(0, 1023), st.integers(0, 255), min_size=1, max_size=8),
    has_pointers=st.booleans(),
    needed=st.sampled_from([(), ("libc.so.6",)]),
)
def test_whatever_stands_there_ends_in_notes_or_in_none(
    *, changes: dict[int, int], has_pointers: bool, needed: tuple[str, ...]
) -> None:
    options: dict[str, Any] = {"has_pointers": has_pointers, "needed": needed, "symbols": 64}
    data = bytearray(go_program(LAMBDA + SETTINGS, **options))
    for at, value in changes.items():
        data[at % len(data)] = value
    state = state_of(bytes(data))
    assert {*codes_of(state)} <= {"go-symbols", "go-rpc", "go-cgo"}
    for note in check_go(state):
        assert "%" not in note.sentence or re.search(r" \d\d?%", note.sentence)


@pytest.mark.parametrize(
    ("text", "runtime", "expected"),
    [
        (LAMBDA + SETTINGS, "provided.al2023", ["go-rpc"]),
        (LAMBDA + SETTINGS, "go1.x", []),
        (LAMBDA + SETTINGS + "build\t-tags=a,lambda.norpc\n", "provided.al2023", []),
        (LAMBDA + SETTINGS + "build\t-tags=lambda.norpcs\n", "provided.al2023", ["go-rpc"]),
        (LAMBDA, "provided.al2023", []),  # before Go 1.18, which tags is not known
        (LAMBDA.replace("47", "17") + SETTINGS, "provided.al2023", []),
        (LAMBDA.replace("v1.47.0", "(devel)") + SETTINGS, "provided.al2023", []),
        (SETTINGS, "provided.al2023", []),
    ],
)
def test_what_go1x_alone_needs_is_told_where_it_is_not_needed(
    text: str, runtime: str, expected: list[str]
) -> None:
    state = state_of(go_program(text), runtime=runtime)
    handler = entry("orders", go_program(text))
    assert codes_of(replace(state, package=package(handler))) == expected


@pytest.mark.parametrize(
    ("needed", "settings", "expected"),
    [
        (("libc.so.6",), "build\tCGO_ENABLED=1\n", ["go-cgo"]),
        (("libresolv.so.2", "libc.so.6"), "build\tCGO_ENABLED=1\n", ["go-cgo"]),
        (("libsqlite3.so.0", "libc.so.6"), "build\tCGO_ENABLED=1\n", []),
        (("libc.so.6",), SETTINGS, []),
        ((), "build\tCGO_ENABLED=1\n", []),
    ],
)
def test_a_program_that_takes_the_c_library_alone_may_need_none(
    needed: tuple[str, ...], settings: str, expected: list[str]
) -> None:
    assert codes_of(state_of(go_program(settings, needed=needed))) == expected


def test_notes_are_on_what_is_started_and_nothing_else() -> None:
    program = go_program(LAMBDA + SETTINGS, symbols=4096)
    state = state_of(launcher())
    bootstrap = entry("bootstrap", launcher())
    for name, count in (("orders", 2), ("other", 0), ("orders_arm64", 0)):
        there = replace(state, package=package(bootstrap, entry(name, program)))
        assert len(codes_of(there)) == count, name
    layer = replace(state, layers=(package(entry("orders", program)),))
    assert codes_of(layer) == ["go-symbols", "go-rpc"]
    assert codes_of(replace(layer, arch=Arch.ARM64)) == []


@pytest.mark.parametrize(
    ("method", "may_inflate", "is_read"),
    [
        (zipfile.ZIP_DEFLATED, True, True),
        (zipfile.ZIP_DEFLATED, False, False),
        (zipfile.ZIP_STORED, False, True),
    ],
)
def test_a_zips_static_program_is_inflated_where_that_was_asked_for(
    tmp_path: Path, *, method: int, may_inflate: bool, is_read: bool
) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("bootstrap", go_program(LAMBDA + SETTINGS, symbols=1 << 20))
    state = replace(state_of(b""), package=read_package(path))
    with reading_ahead([state.package], None):
        pass
    (found,) = go_programs([state], may_inflate=may_inflate).values()
    assert found.strippable == 1 << 20
    assert (found.build is not None) == is_read
    codes = [one.code for one in check_go(state, may_inflate=may_inflate)]
    assert codes == ["go-symbols", *(["go-rpc"] if is_read else [])]


@pytest.mark.usefixtures("lean_launchers")
def test_pack_says_it_of_the_file_and_check_explains_it_of_the_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", TREE)
    (tmp_path / "orders").write_bytes(go_program(LAMBDA + SETTINGS))
    done = run_shim("pack", "orders", "-o", "a.zip")
    assert (done.returncode, done.stderr.count("note: a.zip!/orders is built with")) == (0, 1)
    done = run_shim("pack", "a.zip", "-o", "b.zip")
    assert (done.returncode, "is built with" in done.stderr) == (0, False)
    plain, explained = (run_shim("check", "a.zip", *words) for words in ((), ("--explain",)))
    assert (plain.returncode, explained.returncode) == (0, 0)
    assert "go-rpc" not in plain.stdout
    assert "go-rpc" in explained.stdout
    assert "a.zip!/orders was built by go1.22.3" in explained.stdout
    assert "with github.com/aws/aws-lambda-go v1.47.0\n  CGO_ENABLED=0" in explained.stdout
    (checked,) = json.loads(run_shim("check", "a.zip", "--explain", "--json").stdout)["packages"]
    assert [one["settings"] for one in checked["goPrograms"]] == [{"CGO_ENABLED": "0"}]
