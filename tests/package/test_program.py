"""What is a program and what is a handler: the same to `pack`, to `check`, and to both hints."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.errors import InputError
from shim.package.executables import handlers_of, is_program
from shim.package.foreign import foreign_program
from shim.package.manifest import manifest_problem
from shim.package.program import NoProgram, runs_on
from tests.check.builders import SCRIPT, entry, link, package, program
from tests.requirements import require

if TYPE_CHECKING:
    from tests.conftest import Compiler

X86, ARM = Arch.X86_64, Arch.ARM64


def is_taken(data: bytes) -> bool:
    """Whether pack and check take it for a program; they have to agree."""
    try:
        by_pack = bool(runs_on(io.BytesIO(data), Path("orders")))
    except NoProgram:
        by_pack = False
    assert is_program(entry("orders", data)) is by_pack
    return by_pack


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-static"], True),
        (["-static", "-pie", "-fPIE"], True),
        (["-pie", "-fPIE", "-Wl,--dynamic-linker=/lib64/ld-linux-x86-64.so.2"], True),
        (["-pie", "-fPIE", "-Wl,-soname,orders", "-rdynamic"], True),
        (["-shared", "-fPIC"], False),
        (["-shared", "-fPIC", "-Wl,-soname,liborders.so.1"], False),
        (["-shared", "-fPIC", "-Wl,-e,_start", "-Wl,--dynamic-linker=/lib64/ld.so"], False),
        (["-c"], False),
    ],
)
@pytest.mark.parametrize("arch", Arch)
def test_programs_are_told_from_libraries_by_what_linkers_mark(
    compiler: Compiler, arch: Arch, options: list[str], *, expected: bool
) -> None:
    built = compiler.program(f"{arch.machine}-linux-gnu", *options)
    assert is_taken(built.read_bytes()) is expected


@pytest.mark.parametrize("name", ["libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0"])
def test_libraries_that_could_be_started_are_still_libraries(name: str) -> None:
    path = Path("/lib/x86_64-linux-gnu", name)
    require(path.exists(), f"Debian's libc6 for amd64 is not installed: no {path}")
    assert not is_taken(path.read_bytes())


def test_all_that_is_installed_is_taken_by_its_path() -> None:
    programs = [path for path in Path("/usr/bin").iterdir() if not path.is_symlink()]
    libraries = list(Path("/usr/lib/x86_64-linux-gnu").glob("*.so*"))
    require(len(programs) + len(libraries) > 100, "this is no Debian with programs for amd64")
    for path in programs:
        data = path.read_bytes()
        assert not data.startswith(b"\x7fELF\2\1") or is_taken(data), path
    for path in libraries:
        data = path.read_bytes()
        assert not data.startswith(b"\x7fELF\2\1") or not is_taken(data), path


def test_what_upx_makes_of_a_position_independent_program_is_one() -> None:
    data = program(kind=3, mark=bytes(64))
    at = 64 + 56 + 4
    assert is_taken(data[:at] + b"UPX!" + data[at + 4 :])


@pytest.mark.parametrize("target", ["x86-linux-musl", "riscv64-linux-musl", "powerpc-linux-musl"])
def test_other_machines_libraries_are_no_programs_either(target: str, compiler: Compiler) -> None:
    library = entry("lib", compiler.program(target, "-shared", "-fPIC").read_bytes())
    assert not is_program(library)
    assert is_program(entry("orders", compiler.program(target, "-static").read_bytes()))


def test_a_program_cut_off_anywhere_is_refused(programs: dict[Arch, Path]) -> None:
    content = programs[ARM].read_bytes()
    loads = [fields for fields in headers(content) if fields[0] == 1]
    end = max(offset + size for _, _, offset, _, _, size, _, _ in loads)
    for length in range(4, end):
        with pytest.raises(InputError, match="cut off") as caught:
            runs_on(io.BytesIO(content[:length]), Path("orders"))
        assert not isinstance(caught.value, NoProgram)
    assert runs_on(io.BytesIO(content[:end]), Path("orders")) == {ARM}


def headers(content: bytes) -> list[tuple[int, ...]]:
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    return list(struct.iter_unpack("<IIQQQQQQ", content[offset : offset + size * count]))


def windows(flags: int) -> bytes:
    start = b"MZ" + bytes(58) + struct.pack("<I", 128)
    return (
        start.ljust(128, b"\0") + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 3, 0, 0, 0, 0, flags)
    )


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\xcf\xfa\xed\xfe" + struct.pack("<III", 0x0100000C, 0, 2), "a program for macOS"),
        (b"\xcf\xfa\xed\xfe" + struct.pack("<III", 0x0100000C, 0, 6), None),
        (b"\xca\xfe\xba\xbe" + struct.pack(">I", 2), "a program for macOS"),
        (b"\xca\xfe\xba\xbe" + struct.pack(">HH", 0, 65), "a Java class"),
        (b"\xca\xfe\xba\xbe" + struct.pack(">HH", 3, 45), "a Java class"),
        (windows(0x22), "a program for Windows"),
        (windows(0x2022), None),
        (b"MZ is how this text begins", None),
        (b"MZ", None),
        (b"\0asm\1\0\0\0", "a WebAssembly module"),
        (b"", None),
    ],
)
def test_other_systems_programs_are_known_by_their_beginning(
    start: bytes, expected: str | None
) -> None:
    assert foreign_program(start) == expected


def manifest_of(handlers: object, **changes: object) -> bytes:
    return json.dumps({"format": 1, "handlers": handlers, **changes}).encode()


ORDERS = {"x86_64": {"file": "orders", "size": len(program())}}


def with_manifest(data: bytes) -> tuple[set[str], str | None]:
    made = package(
        entry("bootstrap", program()),
        entry("orders", program()),
        entry("tool", SCRIPT),
        entry(".shim/manifest.json", data, mode=0o644),
    )
    return set(handlers_of(made)), manifest_problem(made)


def test_the_manifest_says_which_programs_are_handlers() -> None:
    assert with_manifest(manifest_of({"orders": ORDERS})) == ({"orders"}, None)
    assert with_manifest(manifest_of({})) == (set(), None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"format": 1}',
        manifest_of({"orders": ORDERS}, format=2),
        manifest_of({"orders": {}}),
        manifest_of({"orders": {"x86_64": {"file": "orders", "size": 1}}}),
        manifest_of({"orders": {"x86_64": {"file": "../orders", "size": 1}}}),
        manifest_of({"orders": {"x86_64": {"file": "nothing", "size": 1}}}),
        manifest_of({"/orders": ORDERS}),
        manifest_of({"\ud800": ORDERS}),
        manifest_of({"bootstrap": ORDERS}),
        manifest_of(["orders"]),
    ],
)
def test_a_manifest_that_is_not_true_is_passed_over(data: bytes) -> None:
    found, problem = with_manifest(data)
    assert found == {"orders", "tool"}
    assert problem


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"orders_arm64": program(ARM)}, {"orders"}),
        ({"orders_arm64": program(ARM), "orders": program()}, {"orders"}),
        ({"orders_arm64": SCRIPT, "orders": SCRIPT}, {"orders"}),
        ({"orders_arm64": program(ARM), "orders/data": b""}, {"orders"}),
        ({"orders_arm64": SCRIPT}, {"orders_arm64"}),
        ({"orders_arm64": program()}, {"orders_arm64"}),
        ({"_arm64": program(ARM)}, {"_arm64"}),
        ({"orders_arm64": b"\x7fELF"}, {"orders_arm64"}),
        ({"orders_x86_64": program()}, {"orders_x86_64"}),
        ({"bin_arm64/orders": program(ARM)}, {"bin_arm64/orders"}),
    ],
)
def test_the_suffix_of_a_variant_belongs_to_no_handlers_name(
    entries: dict[str, bytes], expected: set[str]
) -> None:
    found = package(*(entry(name, data) for name, data in entries.items()))
    assert handlers_of(found) == expected


def test_without_a_manifest_every_program_is_a_handler_where_one_may_be() -> None:
    found = package(
        entry("bootstrap", program()),
        entry("orders_arm64", program(ARM)),
        entry("bin/invoices", SCRIPT, 0o644),
        entry("myfn/bootstrap", program()),
        entry("tool.py", SCRIPT),
        entry("scipy/extending.pyx", SCRIPT),
        entry("data.txt", b"text"),
        entry("extensions/agent", program()),
        entry(".extensions/x86_64/agent", program()),
        entry(".shim/x86_64", program()),
        entry("../out", program()),
        entry("with space", program()),
        entry("d" * 129, program()),
        entry("folder/"),
        link("link", "bin/invoices"),
    )
    assert handlers_of(found) == {"orders", "bin/invoices", "myfn/bootstrap"}
