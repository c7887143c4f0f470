"""What files and folders become: handlers, other files, or a refusal."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.errors import InputError
from shim.package.inputs import Found, Input, check_apart, find_files
from tests.requirements import require

if TYPE_CHECKING:
    from shim.package.entry import InputFile
    from tests.conftest import Compiler

X86, ARM = Arch.X86_64, Arch.ARM64
SCRIPT = b"#!/bin/sh\necho hello\n"


def find(*words: str | Path) -> Found:
    return find_files([Input.parse(str(word)) for word in words])


def by_name(found: Found) -> dict[str, list[Arch]]:
    return {file.name: sorted(file.architectures) for file in found.files}


def only(found: Found) -> InputFile:
    (file,) = found.files
    return file


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put(program: Path, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(program, path))


def test_a_program_is_the_handler_of_its_files_name(
    programs: dict[Arch, Path], tmp_path: Path
) -> None:
    put(programs[ARM], tmp_path / "out/orders-linux-arm64")
    file = only(find(tmp_path / "out/orders-linux-arm64"))
    assert (file.name, [*file.architectures], file.mode) == ("orders", [ARM], 0o755)


def test_a_given_name_is_taken_as_it_is(programs: dict[Arch, Path]) -> None:
    assert only(find(f"bin/orders_v2={programs[X86]}")).name == "bin/orders_v2"


def test_a_path_that_exists_is_a_path_also_with_an_equals_sign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a=b", SCRIPT)
    assert only(find("a=b")).name == "a=b"
    assert only(find("name=a=b")).name == "name"


def test_a_script_is_a_handler_on_both_architectures(tmp_path: Path) -> None:
    file = only(find(write(tmp_path / "hook_arm64", SCRIPT)))
    assert file.name == "hook_arm64"
    assert file.architectures == {X86, ARM}


def test_a_folder_goes_in_whole(
    programs: dict[Arch, Path], tmp_path: Path, compiler: Compiler
) -> None:
    put(programs[X86], tmp_path / "x86_64/bin/orders")
    put(programs[ARM], tmp_path / "arm64/bin/orders")
    put(compiler.program("x86_64-linux-gnu", "-shared", "-fPIC"), tmp_path / "lib/liborders.so")
    put(compiler.program("x86_64-linux-musl", "-c"), tmp_path / "lib/orders.o")
    write(tmp_path / "hello", SCRIPT)
    write(tmp_path / "lib/module.py", b"#!/usr/bin/env python3\r\n")
    write(tmp_path / "données/.empty file", b"")
    found = find(tmp_path)
    assert sorted((file.name, sorted(file.architectures), file.mode) for file in found.files) == [
        ("bin/orders", [ARM], 0o755),
        ("bin/orders", [X86], 0o755),
        ("données/.empty file", [], 0o644),
        ("hello", [ARM, X86], 0o755),
        ("lib/liborders.so", [], 0o755),
        ("lib/module.py", [], 0o755),
        ("lib/orders.o", [], 0o755),
    ]
    assert found.notes == ()


def test_what_desktops_leave_in_a_folder_stays_out(tmp_path: Path) -> None:
    names = ("data.txt", "._alone", "bin/orders.ini")
    for name in (*names, ".DS_Store", "._data.txt", "bin/Thumbs.db", "bin/desktop.ini"):
        write(tmp_path / name, b"text")
    assert sorted(by_name(find(tmp_path))) == sorted(names)


def test_modes_on_disk_count_for_nothing(programs: dict[Arch, Path], tmp_path: Path) -> None:
    put(programs[X86], tmp_path / "orders").chmod(0o600)
    write(tmp_path / "data", b"data").chmod(0o777)
    assert [file.mode for file in find(tmp_path).files] == [0o644, 0o755]


def test_a_program_for_another_machine_in_a_folder_is_data_and_said(
    compiler: Compiler, tmp_path: Path
) -> None:
    put(compiler.program("x86-linux-musl", "-static"), tmp_path / "linux_386/orders")
    found = find(tmp_path)
    assert by_name(found) == {"linux_386/orders": []}
    assert "".join(found.notes) == (
        "goes in as data: a 32-bit ELF file, which Lambda doesn't run:"
        f" `{tmp_path}/linux_386/orders`"
    )


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "bin/orders", SCRIPT)
    (tmp_path / "orders").symlink_to("bin/orders")
    (tmp_path / "also").symlink_to("bin")
    assert set(by_name(find(tmp_path))) == {"bin/orders", "orders", "also/orders"}


def test_a_folder_that_is_itself_a_link_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "real/orders", SCRIPT)
    (tmp_path / "link").symlink_to("real")
    assert set(by_name(find(tmp_path / "link"))) == {"orders"}


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("/bin/sh", "leads out of the folder"),
        ("../outside", "leads out of the folder"),
        ("../folder2", "leads out of the folder"),
        ("nothing", "can't read it, No such file or directory"),
        ("link", "can't read it, Too many levels of symbolic links"),
        (".", "leads round in a circle"),
        ("deep/..", "leads round in a circle"),
    ],
)
def test_other_links_are_refused(target: str, sentence: str, tmp_path: Path) -> None:
    write(tmp_path / "outside", SCRIPT)
    write(tmp_path / "folder2/x", SCRIPT)
    write(tmp_path / "folder/deep/x", SCRIPT)
    (tmp_path / "folder/link").symlink_to(target)
    with pytest.raises(InputError, match=sentence):
        find(tmp_path / "folder")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "neither an ELF program nor a `#!` script"),
        (b"text", "neither an ELF program nor a `#!` script"),
        (b"MZ\x90\0", "neither an ELF program nor a `#!` script"),
        (b"#!/bin/sh\r\necho\r\n", "a script with CRLF line ends"),
        (b"#!/usr/bin/env python3\r\n", "a script with CRLF line ends"),
        (b"#!\n", "names no interpreter"),
        (b"#! \r\n", "names no interpreter"),
        (b"\x7fELF\x02\x01\x01", "an ELF file that is cut off"),
    ],
)
def test_a_file_that_is_no_program_is_refused(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "orders", content)
    for word in (path, f"orders={path}"):
        with pytest.raises(InputError, match=sentence) as caught:
            find(word)
        assert caught.value.message.endswith(f": `{path}`")
        assert caught.value.hint


@pytest.mark.parametrize("content", [b"#!/bin/sh\r\necho\r\n", b"\x7fELF\x02\x01\x01"])
def test_a_broken_program_in_a_folder_is_refused(content: bytes, tmp_path: Path) -> None:
    write(tmp_path / "bin/orders", content)
    with pytest.raises(InputError):
        find(tmp_path)


@pytest.mark.parametrize(
    ("target", "options", "sentence"),
    [
        ("x86-linux-musl", ["-static"], "a 32-bit ELF file, which Lambda doesn't run"),
        ("riscv64-linux-musl", ["-static"], "another machine"),
        ("x86_64-linux-gnu", ["-shared", "-fPIC"], "a shared library, not a program"),
        ("x86_64-linux-musl", ["-c"], "an ELF file that is not an executable, not a program"),
    ],
)
def test_an_elf_file_that_no_function_starts_is_refused_by_name(
    target: str, options: list[str], sentence: str, compiler: Compiler
) -> None:
    path = compiler.program(target, *options)
    with pytest.raises(InputError, match=sentence) as caught:
        find(f"orders={path}")
    assert caught.value.hint


@pytest.mark.parametrize("path", ["arm64/bootstrap", ".shim/manifest.json"])
def test_the_launchers_places_in_a_folder_are_refused(
    path: str, programs: dict[Arch, Path], tmp_path: Path
) -> None:
    put(programs[ARM], tmp_path / path)
    with pytest.raises(InputError, match=r"launcher's own path|shim's own folder"):
        find(tmp_path)


def test_a_long_name_is_refused_for_a_program_and_fine_for_data(tmp_path: Path) -> None:
    write(tmp_path / ("d" * 100) / ("x" * 100), b"data")
    find(tmp_path)
    write(tmp_path / ("d" * 100) / ("y" * 100), SCRIPT)
    with pytest.raises(InputError, match="has 201 characters and Lambda takes 128"):
        find(tmp_path)


def test_a_name_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff")).write_bytes(b"data")
    with pytest.raises(InputError, match="not UTF-8"):
        find(tmp_path)


@pytest.mark.parametrize(
    "word", ["no/such/file", "orders=no/such/file", "x" * 300, f"{'x' * 300}=y"]
)
def test_a_file_that_is_not_there_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="can't read it"):
        find(word)


def test_an_empty_input_is_refused_and_is_not_the_current_folder() -> None:
    with pytest.raises(InputError, match="an empty INPUT"):
        Input.parse("")


def test_a_folder_without_a_program_is_no_handler(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no program to be the handler `orders`"):
        find(f"orders={tmp_path}")


def test_pipes_and_sockets_are_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no regular file"):
        find(tmp_path / "pipe")
    with pytest.raises(InputError, match="no regular file"):
        find(tmp_path)
    monkeypatch.chdir(tmp_path)  # a socket's path is limited to 108 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(InputError, match="no regular file"):
            find("socket")


def test_what_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require(os.geteuid() == 0, "only root can become somebody who may read nothing")
    write(tmp_path / "folder/orders", SCRIPT).chmod(0)
    write(tmp_path / "closed/orders", SCRIPT)
    (tmp_path / "closed").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    os.seteuid(65534)
    try:
        for word in ("folder", "folder/orders", "closed", "x=closed/orders"):
            with pytest.raises(InputError, match="can't read it, Permission denied"):
                find(word)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("output", "inputs"),
    [
        ("folder/a.zip", ["folder"]),
        ("folder/deep/a.zip", ["folder"]),
        ("link/a.zip", ["folder"]),
        ("folder/a.zip", ["link"]),
        ("orders", ["orders"]),
        ("orders", ["x=orders"]),
    ],
)
def test_an_output_among_the_inputs_is_refused(
    output: str, inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "folder/deep/x", SCRIPT)
    write(tmp_path / "orders", SCRIPT)
    (tmp_path / "link").symlink_to("folder")
    with pytest.raises(InputError, match="the output would be part of the input"):
        check_apart(Path(output).resolve(), inputs=map(Input.parse, inputs))


def test_an_output_beside_the_inputs_is_fine(tmp_path: Path) -> None:
    write(tmp_path / "folder/x", SCRIPT)
    check_apart(tmp_path / "folder.zip", inputs=[Input(path=tmp_path / "folder")])
