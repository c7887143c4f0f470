"""Folders as other tools leave them: which handlers `shim pack` finds there, and what it says."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shim.arch import Arch
from shim.errors import InputError
from shim.package.inputs import Found, Input, find_files

if TYPE_CHECKING:
    from collections.abc import Mapping

X86, ARM = Arch.X86_64, Arch.ARM64
SCRIPT = b'#!/bin/sh\nexec ./"$_HANDLER"\n'
CARGO, SAM, GORELEASER = (
    "cargo-lambda's target/lambda",
    "SAM's .aws-sam/build",
    "GoReleaser's dist",
)


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def find(word: str) -> Found:
    return find_files([Input.parse(word)])


def handlers(found: Found) -> dict[str, list[Arch]]:
    names: dict[str, list[Arch]] = {}
    for file in found.files:
        if file.architectures:
            names.setdefault(file.name, []).extend(file.architectures)
    return {name: sorted(arches) for name, arches in names.items()}


def others(found: Found) -> list[str]:
    return sorted(file.name for file in found.files if not file.architectures)


def write(path: str, content: bytes | str) -> Path:
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return target


def put(programs: Mapping[Arch, Path], path: str, arch: Arch = X86) -> Path:
    return Path(shutil.copyfile(programs[arch], write(path, b"")))


def put_zip(program: Path, path: str) -> None:
    with zipfile.ZipFile(write(path, b""), "w") as archive:
        archive.write(program, "bootstrap")


def artifact(path: str, goos: str, goarch: str, **more: Any) -> dict[str, Any]:
    """As GoReleaser 2 writes one into `artifacts.json` (internal/artifact, `Artifact`)."""
    name = Path(path).name
    extra = {"Binary": name, "Ext": "", "ID": "api"}
    facts = {"name": name, "path": path, "goos": goos, "goarch": goarch, "type": "Binary"}
    return facts | {"internal_type": 4, "extra": extra} | more


def put_goreleaser(folder: str, *artifacts: dict[str, Any]) -> None:
    archive = {"name": "api.tar.gz", "path": "dist/api.tar.gz", "type": "Archive", "extra": {}}
    metadata = {"name": "metadata.json", "path": "dist/metadata.json", "type": "Metadata"}
    write(f"{folder}/artifacts.json", json.dumps([metadata, *artifacts, archive]))
    runtime = {"goos": "linux", "goarch": "amd64"}
    write(f"{folder}/metadata.json", json.dumps({"project_name": "api", "runtime": runtime}))
    write(f"{folder}/config.yaml", "project_name: api\n")
    write(f"{folder}/api.tar.gz", b"\x1f\x8b")


@pytest.fixture
def cargo(programs: dict[Arch, Path]) -> None:
    """What `cargo lambda build` leaves of two functions, and `cargo lambda deploy` after it."""
    program = put(programs, "target/lambda/orders/bootstrap")
    put_zip(program, "target/lambda/orders/bootstrap.zip")
    put(programs, "target/lambda/invoices/bootstrap", ARM)


@pytest.fixture
def sam(programs: dict[Arch, Path]) -> None:
    """What `sam build` leaves: a program, a package with a script, a Python function, a layer."""
    put(programs, ".aws-sam/build/Orders/bootstrap")
    write(".aws-sam/build/Orders/templates/a.txt", "a")
    write(".aws-sam/build/Scripted/bootstrap", SCRIPT)
    put(programs, ".aws-sam/build/Scripted/invoices")
    write(".aws-sam/build/Python/app.py", "def handler(event, context): ...\n")
    put(programs, ".aws-sam/build/Runtime/bootstrap")
    write(".aws-sam/build/template.yaml", "Resources: {}\n")
    layer = '[layer_build_definitions.0a1b]\nlayer_name = "Runtime"\n'
    functions = '[function_build_definitions.2c3d]\nfunctions = ["Orders"]\n'
    write(".aws-sam/build.toml", functions + layer)


@pytest.mark.usefixtures("cargo")
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("target/lambda", {"orders": [X86], "invoices": [ARM]}),
        ("target/lambda/", {"orders": [X86], "invoices": [ARM]}),
        ("target/lambda/orders", {"orders": [X86]}),
        ("target/lambda/invoices", {"invoices": [ARM]}),
        ("bin/pay=target/lambda/orders", {"bin/pay": [X86]}),
    ],
)
def test_what_cargo_lambda_leaves_is_a_handler_for_each_function(
    word: str, expected: dict[str, list[Arch]]
) -> None:
    found = find(word)
    assert (handlers(found), others(found)) == (expected, [])
    assert found.notes == (f"read as {CARGO}: `{Input.parse(word).path}`",)


@pytest.mark.usefixtures("cargo")
def test_two_folders_of_cargo_lambda_are_one_function_for_two_architectures(
    programs: dict[Arch, Path],
) -> None:
    put(programs, "target/arm64/orders/bootstrap", ARM)
    words = ("target/lambda/orders", "target/arm64")
    assert handlers(find_files(map(Input.parse, words))) == {"orders": [ARM, X86]}


@pytest.mark.usefixtures("cargo")
def test_a_zip_of_cargo_lambda_stands_for_a_program_that_is_gone() -> None:
    Path("target/lambda/orders/bootstrap").unlink()
    expected = {"orders": [X86], "invoices": [ARM]}
    assert handlers(find("target/lambda")) == expected
    assert handlers(find("target/lambda/orders")) == {"orders": [X86]}


@pytest.mark.usefixtures("cargo")
def test_extensions_are_left_out_and_named() -> None:
    write("target/lambda/extensions/audit", b"")
    found = find("target/lambda")
    assert sorted(handlers(found)) == ["invoices", "orders"]
    assert "left out, it has no `bootstrap`: `target/lambda/extensions`" in found.notes


@pytest.mark.usefixtures("cargo")
def test_a_folder_with_anything_else_is_not_taken_for_cargo_lambdas() -> None:
    write("target/lambda/orders/notes.txt", "mine")
    with pytest.raises(InputError) as caught:
        find("target/lambda")
    assert "would become the handler `orders/bootstrap`" in caught.value.message
    assert caught.value.hint == "give each function by its name: `NAME=target/lambda/orders`"


@pytest.mark.usefixtures("sam")
def test_what_sam_builds_is_a_handler_for_each_program() -> None:
    found = find(".aws-sam/build")
    assert handlers(found) == {"Orders": [X86], "invoices": [X86]}
    assert others(found) == ["templates/a.txt"]
    assert found.notes == (
        "left out, it has no `bootstrap`: `.aws-sam/build/Python`",
        f"read as {SAM}: `.aws-sam/build`",
    )


@pytest.mark.usefixtures("sam")
def test_one_function_of_sams_build_has_its_folders_name() -> None:
    found = find(".aws-sam/build/Orders")
    assert (handlers(found), others(found)) == ({"Orders": [X86]}, ["templates/a.txt"])
    assert handlers(find("pay=.aws-sam/build/Orders")) == {"pay": [X86]}
    assert handlers(find(".aws-sam/build/Scripted")) == {"invoices": [X86]}


@pytest.mark.usefixtures("sam")
def test_notes_of_sams_that_are_damaged_are_named() -> None:
    write(".aws-sam/build.toml", "[")
    with pytest.raises(InputError, match=r"\.aws-sam/build\.toml: not TOML"):
        find(".aws-sam/build")


@pytest.mark.parametrize("folder", ["dist", "downloaded"])
def test_what_goreleaser_says_it_built_are_the_handlers(
    folder: str, programs: dict[Arch, Path]
) -> None:
    put(programs, f"{folder}/api_linux_amd64_v1/orders")
    put(programs, f"{folder}/api_linux_arm64_v8.0/orders", ARM)
    put(programs, f"{folder}/pay_linux_amd64_v1/bootstrap")
    write(f"{folder}/api_darwin_arm64/orders", b"\xcf\xfa\xed\xfe")
    put_goreleaser(
        folder,
        artifact("dist/api_linux_amd64_v1/orders", "linux", "amd64", goamd64="v1"),
        artifact("/home/ci/dist/api_linux_arm64_v8.0/orders", "linux", "arm64"),
        artifact(
            "dist/pay_linux_amd64_v1/bootstrap",
            *("linux", "amd64"),
            extra={"Binary": "bootstrap", "ID": "pay"},
        ),
        artifact("dist/api_darwin_arm64/orders", "darwin", "arm64"),
        artifact("dist/api_linux_386/orders", "linux", "386"),
    )
    found = find(folder)
    assert handlers(found) == {"orders": [ARM, X86], "pay": [X86]}
    assert others(found) == []
    assert found.notes == (f"read as {GORELEASER}: `{folder}`",)


def test_a_program_that_goreleaser_names_and_nobody_has_is_refused(
    programs: dict[Arch, Path],
) -> None:
    put(programs, "outside/orders")
    for path in ("dist/api_linux_amd64_v1/orders", "dist/../outside/orders", "", "orders"):
        put_goreleaser("dist", artifact(path, "linux", "amd64"))
        with pytest.raises(InputError) as caught:
            find("dist")
        expected = f"dist/artifacts.json: `{path}` is not there: `[1].path`"
        assert caught.value.message == expected


def test_goreleaser_without_a_program_for_lambda_is_refused() -> None:
    put_goreleaser("dist", artifact("dist/api_darwin_arm64/orders", "darwin", "arm64"))
    with pytest.raises(InputError, match="built no program for Linux"):
        find("dist")


def test_other_json_of_these_names_is_data(programs: dict[Arch, Path]) -> None:
    put(programs, "dist/orders")
    write("dist/artifacts.json", "{}")
    write("dist/metadata.json", "{}")
    found = find("dist")
    assert handlers(found) == {"orders": [X86]}
    assert (others(found), found.notes) == (["artifacts.json", "metadata.json"], ())


@pytest.mark.usefixtures("sam")
def test_what_could_be_of_two_tools_is_refused(programs: dict[Arch, Path]) -> None:
    put(programs, ".aws-sam/build/api_linux_amd64_v1/api")
    path = "dist/api_linux_amd64_v1/api"
    put_goreleaser(".aws-sam/build", artifact(path, "linux", "amd64"))
    with pytest.raises(InputError) as caught:
        find(".aws-sam/build")
    assert caught.value.message == f"it could be {SAM} or {GORELEASER}: `.aws-sam/build`"


def test_a_folders_only_program_gets_the_name_that_the_folder_was_given(
    programs: dict[Arch, Path],
) -> None:
    put(programs, "out/amd64/main")
    put(programs, "out/arm64/main", ARM)
    write("out/templates/a.txt", "a")
    found = find("bin/orders=out")
    assert handlers(found) == {"bin/orders": [ARM, X86]}
    assert others(found) == ["templates/a.txt"]


@pytest.mark.usefixtures("cargo")
def test_several_programs_are_not_the_handler_of_one_name(programs: dict[Arch, Path]) -> None:
    put(programs, "out/a")
    put(programs, "out/b")
    for word, names in (("pay=out", "`a`, `b`"), ("pay=target/lambda", "`invoices`, `orders`")):
        with pytest.raises(InputError) as caught:
            find(word)
        expected = f"several programs can't be the one handler `pay`, {names}: "
        assert caught.value.message.startswith(expected)
