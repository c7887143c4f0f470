"""What `shim pack` says of where handlers start: never more than `shim check` of that very zip."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from shim.arch import Arch
from tests.check.builders import SCRIPT, program
from tests.command import run_shim
from tests.requirements import require

pytestmark = pytest.mark.usefixtures("lean_launchers", "workspace")


def for_system(number: int) -> bytes:
    return program()[:7] + bytes([number]) + program()[8:]


def upx() -> bytes:
    data, at = program(kind=3, mark=bytes(64)), 64 + 56 + 4
    return data[:at] + b"UPX!" + data[at + 4 :]


@pytest.mark.parametrize(
    ("data", "answer", "said"),
    [
        (program(), "starts", ""),
        (program(interpreter=b"/lib64/ld-linux-x86-64.so.2"), "starts", ""),
        (program(interpreter=b"/lib/ld-musl-x86_64.so.1"), "doesn't start", "against musl"),
        (program(interpreter=b"/system/bin/linker64"), "doesn't start", "it is for Android"),
        (program(interpreter=b"/usr/libexec/ld.so"), "doesn't start", "it is for OpenBSD"),
        (program(interpreter=b"/lib/amd64/ld.so.1"), "doesn't start", "it is for Solaris"),
        (for_system(9), "doesn't start", "is for FreeBSD"),
        (for_system(2), "doesn't start", "is for NetBSD"),
        (upx(), "unknown", "is packed by UPX"),
        (b"#!/usr/bin/node\n", "doesn't start", "is run by `/usr/bin/node`"),
        (SCRIPT, "starts", ""),
    ],
)
def test_pack_says_of_each_handler_what_check_says(data: bytes, answer: str, said: str) -> None:
    Path("new").write_bytes(data)
    done = run_shim("pack", "new", "--arch", "x86_64", "-o", "a.zip")
    assert done.returncode == 0
    line = done.stdout.splitlines()[0]
    assert line.startswith("a.zip: starts on x86_64; ") is (answer == "starts")
    assert ("warning: " in done.stderr) is (answer != "starts")
    assert said in done.stderr
    words = ["a.zip", "--arch", "x86_64", "--runtime", "provided.al2023", "--json"]
    (checked,) = json.loads(run_shim("check", *words).stdout)["packages"]
    assert checked["answer"] == answer
    packed = json.loads(run_shim("pack", "new", "--arch", "x86_64", "-o", "a.zip", "--json").stdout)
    (start,) = packed["starts"]
    assert (start["handler"], start["architecture"]) == ("new", "x86_64")
    assert start["answer"] == answer
    if answer == "starts":
        assert start["runtimes"][0] == "provided.al2023"
        assert start["reason"] is None
    else:
        assert start["runtimes"] == []
        assert start["reason"]["code"] in {one["code"] for one in checked["findings"]}


def test_only_the_architecture_on_which_all_start_is_said_to_start(
    programs: dict[Arch, Path],
) -> None:
    Path("arm").write_bytes(program(Arch.ARM64, interpreter=b"/lib/ld-musl-aarch64.so.1"))
    done = run_shim("pack", f"new={programs[Arch.X86_64]}", "new=arm", "-o", "a.zip")
    assert done.stdout.startswith("a.zip: starts on x86_64, not every handler starts on arm64; ")
    assert done.stderr.startswith("warning: `new` starts nowhere on arm64: a.zip!/new_arm64 wants")


def test_a_script_that_starts_nowhere_is_said_once_for_both_architectures() -> None:
    Path("new").write_text("#!/usr/bin/node\n")
    done = run_shim("pack", "new", "-o", "a.zip")
    assert done.stderr.count("warning: ") == 1
    assert "`new` starts nowhere on x86_64 and arm64: " in done.stderr


def test_of_many_handlers_that_start_nowhere_the_first_are_told() -> None:
    for number in range(15):
        Path(f"new{number:02}").write_text("#!/usr/bin/node\n")
    done = run_shim("pack", *(f"new{number:02}" for number in range(15)), "-o", "a b.zip")
    assert done.stderr.count("warning: ") == 10
    assert "note: 5 more of these: `shim check 'a b.zip'` tells all" in done.stderr


def test_a_layers_handlers_are_looked_at_too() -> None:
    Path("new").write_bytes(for_system(9))
    done = run_shim("layer", "new", "--arch", "x86_64", "-o", "a.zip", "--json")
    (start,) = json.loads(done.stdout)["starts"]
    assert (start["answer"], start["reason"]["location"]) == ("doesn't start", "a.zip!/new")
    assert "warning: `new` starts nowhere on x86_64: a.zip!/new is for FreeBSD" in done.stderr


def libraries() -> dict[str, Path]:
    """Shared libraries as wheels bring them along, among them some that could be started."""
    folder = Path("/lib/x86_64-linux-gnu")
    names = ("libc.so.6", "ld-linux-x86-64.so.2", "libm.so.6", "libz.so.1", "libgcc_s.so.1")
    return {name: folder / name for name in names if (folder / name).exists()}


def test_a_program_beside_libraries_and_modules_is_the_only_handler(
    programs: dict[Arch, Path],
) -> None:
    found = libraries()
    require(len(found) > 2, "Debian's libc6 for amd64 is not installed")
    Path("dist/lib").mkdir(parents=True)
    shutil.copyfile(programs[Arch.X86_64], "dist/orders")
    for name, path in found.items():
        shutil.copyfile(path, f"dist/lib/{name}")
    Path("dist/tool.py").write_text("#!/usr/bin/env python3\n")
    done = run_shim("pack", "dist", "-o", "a.zip")
    assert done.stdout.startswith("a.zip: starts on x86_64; ")
    checked = run_shim("check", "a.zip", "--json")
    assert checked.returncode == 0
    (package,) = json.loads(checked.stdout)["packages"]
    assert {state["handler"] for state in package["states"]} == {"orders"}
    # And without the manifest, as another tool would have zipped the folder.
    subprocess.run(["zip", "-q", "-d", "a.zip", ".shim/*"], check=True)
    (package,) = json.loads(run_shim("check", "a.zip", "--json").stdout)["packages"]
    assert {state["handler"] for state in package["states"]} == {"orders"}


MACHO = b"\xcf\xfa\xed\xfe" + struct.pack("<III", 0x0100000C, 0, 2)


def test_other_systems_programs_in_a_folder_get_a_note_each(programs: dict[Arch, Path]) -> None:
    Path("dist").mkdir()
    shutil.copyfile(programs[Arch.X86_64], "dist/orders")
    Path("dist/orders-darwin").write_bytes(MACHO)
    done = run_shim("pack", "dist", "-o", "a.zip")
    assert done.stderr.startswith(
        "note: goes in as data: a program for macOS, which Lambda doesn't run:"
        " `dist/orders-darwin`\n"
    )
    assert done.stdout.startswith("a.zip: starts on x86_64; ")


def test_another_systems_program_alone_is_refused_with_how_to_build_it() -> None:
    Path("orders").write_bytes(MACHO)
    done = run_shim("pack", "orders", "-o", "a.zip")
    assert done.returncode == 2
    assert done.stderr == (
        "error: a program for macOS, which Lambda doesn't run: `orders`\n"
        "hint: build it for Linux: Go `GOOS=linux GOARCH=arm64`, Rust `--target"
        " aarch64-unknown-linux-musl`\n"
    )
