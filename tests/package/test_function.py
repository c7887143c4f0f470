"""Where everything goes in a function's package, and what is refused."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim import __version__
from shim.arch import Arch
from shim.errors import InputError
from shim.package.entry import InputFile, PackedSource, is_same
from shim.package.function import FunctionPackage, manifest, plan_package, write_zip, zip_entries
from shim.package.inputs import Input, find_files
from shim.package.launchers import Flavour
from tests.check.builders import entry

X86, ARM = Arch.X86_64, Arch.ARM64
BOTH = frozenset(Arch)
LAUNCHER = {"bootstrap": b"#!/bin/sh\n", ".shim/x86_64": b"X86", ".shim/aarch64": b"ARM"}


def file(name: str, *architectures: Arch, content: str = "", path: str = "") -> InputFile:
    """A file as `find_files` gives it; its content is its architectures' if nothing else."""
    data = (content or f"{name}{architectures}").encode()
    source = PackedSource(
        path=Path(path or f"{name}-{content}"),
        size=len(data),
        crc32=zlib.crc32(data),
        entry=entry(name, data),
    )
    return InputFile(name=name, architectures=frozenset(architectures), mode=0o755, source=source)


def layout(package: FunctionPackage) -> dict[str, str]:
    return {
        f"{name} {arch}": path for name, v in package.handlers.items() for arch, path in v.items()
    }


def test_one_architecture_keeps_plain_names() -> None:
    for arch in Arch:
        package = plan_package([file("bin/orders", arch)])
        assert package.architectures == (arch,)
        assert layout(package) == {f"bin/orders {arch}": "bin/orders"}


def test_two_architectures_tell_the_variants_apart() -> None:
    package = plan_package([file("orders", ARM), file("orders", X86)])
    assert package.architectures == (X86, ARM)
    assert layout(package) == {"orders x86_64": "orders", "orders arm64": "orders_arm64"}


def test_a_script_is_there_once_for_both() -> None:
    package = plan_package([file("orders", ARM), file("orders", X86), file("hook", *BOTH)])
    assert package.handlers["hook"] == {X86: "hook", ARM: "hook"}
    assert sorted(package.files) == ["hook", "orders", "orders_arm64"]


def test_scripts_alone_make_a_dual_package_unless_one_architecture_is_chosen() -> None:
    assert plan_package([file("hook", *BOTH)]).architectures == (X86, ARM)
    chosen = plan_package([file("hook", *BOTH)], architectures=frozenset({ARM}))
    assert chosen.architectures == (ARM,)
    assert layout(chosen) == {"hook arm64": "hook"}


def test_a_script_follows_the_architecture_of_the_programs() -> None:
    assert plan_package([file("orders", ARM), file("hook", *BOTH)]).architectures == (ARM,)


def test_a_chosen_architecture_leaves_the_other_programs_out() -> None:
    files = [file("orders", X86), file("orders", ARM), file("data.txt")]
    package = plan_package(files, architectures=frozenset({ARM}))
    assert layout(package) == {"orders arm64": "orders"}
    assert sorted(package.files) == ["data.txt", "orders"]
    assert package.files["orders"].architectures == {ARM}


def test_a_handler_that_lacks_an_architecture_is_named() -> None:
    files = [file("orders", X86), file("orders", ARM), file("invoices", X86), file("bin/new", ARM)]
    with pytest.raises(InputError) as caught:
        plan_package(files)
    assert caught.value.message == (
        "not every handler is there for x86_64 and arm64:"
        " `bin/new` lacks x86_64, `invoices` lacks arm64"
    )
    assert "--allow-missing" in str(caught.value.hint)


def test_a_chosen_architecture_must_be_there_for_every_handler() -> None:
    with pytest.raises(
        InputError, match="not every handler is there for arm64: `orders` lacks arm64"
    ):
        plan_package([file("orders", X86)], architectures=frozenset({ARM}))


def test_missing_architectures_can_be_allowed() -> None:
    files = [file("orders", X86), file("orders", ARM), file("invoices", X86)]
    package = plan_package(files, allow_missing=True)
    assert package.handlers["invoices"] == {X86: "invoices"}
    only_arm = plan_package(files, architectures=frozenset({ARM}), allow_missing=True)
    assert list(only_arm.handlers) == ["orders"]


def test_nothing_for_the_chosen_architecture_is_nothing_to_pack() -> None:
    with pytest.raises(InputError, match="nothing to pack: no program for arm64"):
        plan_package([file("x", X86)], architectures=frozenset({ARM}), allow_missing=True)


@pytest.mark.parametrize("files", [[], [file("data.txt"), file("lib/module.py")]])
def test_no_program_is_nothing_to_pack(files: list[InputFile]) -> None:
    with pytest.raises(InputError, match="nothing to pack") as caught:
        plan_package(files)
    assert caught.value.hint


def test_two_programs_for_one_handler_and_architecture_are_refused() -> None:
    one = file("orders", ARM, content="1", path="a/orders")
    two = file("orders", ARM, content="2", path="b/orders")
    with pytest.raises(InputError) as caught:
        plan_package([two, one])
    assert caught.value.message == (
        "two programs for the handler `orders` on arm64: `a/orders` and `b/orders`"
    )


def test_a_script_and_a_program_for_one_handler_are_refused() -> None:
    with pytest.raises(InputError, match="two programs for the handler `orders` on arm64"):
        plan_package([file("orders", *BOTH), file("orders", ARM)])


def test_the_same_file_twice_is_one_file() -> None:
    files = [file("hook", *BOTH), file("hook", *BOTH), file("a.txt"), file("a.txt")]
    assert sorted(plan_package(files).files) == ["a.txt", "hook"]


def test_equal_size_and_checksum_do_not_make_files_the_same() -> None:
    def source(data: bytes) -> PackedSource:
        return PackedSource(path=Path("orders"), size=1, crc32=7, entry=entry("orders", data))

    assert is_same(source(b"1"), source(b"1"))
    assert not is_same(source(b"1"), source(b"2"))


def test_two_files_for_one_place_are_refused() -> None:
    program = file("orders", X86)
    with pytest.raises(InputError, match=r"two files for one path in the package, `lib/x\.so`"):
        plan_package([program, file("lib/x.so", content="1"), file("lib/x.so", content="2")])
    with pytest.raises(InputError, match="two files for one path in the package, `orders`"):
        plan_package([program, file("orders", content="data")])


def test_a_handler_that_ends_like_a_variant_cannot_stand_in_its_place() -> None:
    files = [file("orders", X86), file("orders", ARM), file("orders_arm64", X86)]
    with pytest.raises(InputError, match="`orders_arm64`"):
        plan_package(files, allow_missing=True)


@pytest.mark.parametrize("name", ["orders_arm64", "orders_arm64/data.txt"])
@pytest.mark.parametrize("arch", [(ARM,), (X86, ARM)])
def test_nothing_may_be_started_in_a_handlers_place(name: str, arch: tuple[Arch, ...]) -> None:
    with pytest.raises(InputError) as caught:
        plan_package([file("orders", *arch), file(name)])
    assert caught.value.message == (
        "on arm64 the launcher would start in place of the handler `orders`: `orders_arm64`"
    )


def test_on_x86_64_a_file_that_ends_like_a_variant_is_harmless() -> None:
    package = plan_package([file("orders", X86), file("orders_arm64")])
    assert sorted(package.files) == ["orders", "orders_arm64"]


def test_a_file_cannot_stand_where_a_folder_is_needed() -> None:
    with pytest.raises(
        InputError, match="a file stands where `a/b/orders` needs a folder: `a-data`"
    ):
        plan_package([file("a/b/orders", X86), file("a", content="data")])


def test_the_zip_holds_launcher_manifest_programs_and_data(
    programs: dict[Arch, Path], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/data.txt").write_text("data")
    (tmp_path / "in/hook").write_text("#!/bin/sh\n")
    words = [str(tmp_path / "in"), *(f"bin/orders={path}" for path in programs.values())]
    package = plan_package(find_files(map(Input.parse, words)).files)
    output = tmp_path / "out.zip"
    packed = write_zip(output, zip_entries(package, launcher=LAUNCHER, flavour=Flavour.LEAN))
    with zipfile.ZipFile(output) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
        content = {name: archive.read(name) for name in archive.namelist()}
    assert modes == {
        ".shim/aarch64": 0o100755,
        ".shim/manifest.json": 0o100644,
        ".shim/x86_64": 0o100755,
        "bin/orders": 0o100755,
        "bin/orders_arm64": 0o100755,
        "bootstrap": 0o100755,
        "data.txt": 0o100644,
        "hook": 0o100755,
    }
    assert content["bin/orders_arm64"] == programs[ARM].read_bytes()
    assert {path: content[path] for path in LAUNCHER} == LAUNCHER
    assert packed.size == output.stat().st_size
    assert packed.unzipped == sum(map(len, content.values()))

    def described(path: str) -> dict[str, str | int]:
        return {"file": path, "size": len(content[path])}

    assert json.loads(content[".shim/manifest.json"]) == {
        "format": 1,
        "shim": __version__,
        "flavour": "lean",
        "architectures": ["x86_64", "arm64"],
        "handlers": {
            "bin/orders": {
                "x86_64": described("bin/orders"),
                "arm64": described("bin/orders_arm64"),
            },
            "hook": {"x86_64": described("hook"), "arm64": described("hook")},
        },
    }


def test_a_file_that_changes_between_looking_and_packing_leaves_the_old_zip(
    programs: dict[Arch, Path], tmp_path: Path
) -> None:
    program = tmp_path / "orders"
    program.write_bytes(programs[X86].read_bytes())
    output = tmp_path / "out.zip"
    output.write_bytes(b"old")
    package = plan_package(find_files([Input(path=program)]).files)
    program.write_bytes(programs[ARM].read_bytes())
    with pytest.raises(InputError, match="the file changed while it was being packed"):
        write_zip(output, zip_entries(package, launcher=LAUNCHER, flavour=Flavour.LEAN))
    assert output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders", "out.zip"]


names = st.sampled_from(["a", "b", "a_arm64", "b_arm64", "a/b", "c.txt", "b/c_arm64"])
placements = st.sampled_from([(), (X86,), (ARM,), (X86, ARM)])
given_files = st.lists(
    st.builds(lambda name, where: file(name, *where), names, placements), max_size=9
)


@given(files=given_files, chosen=st.sampled_from([frozenset(), {X86}, {ARM}, BOTH]), data=st.data())
def test_each_plan_starts_each_handler_with_its_own_program(
    files: list[InputFile], chosen: frozenset[Arch], data: st.DataObject
) -> None:
    """Held against the launcher's rule, "the first candidate that is there"."""
    try:
        package = plan_package(files, architectures=frozenset(chosen), allow_missing=True)
    except InputError:
        return
    moved = [
        replace(given, source=replace(given.source, path=Path(str(index))))
        for index, given in enumerate(data.draw(st.permutations(files)))
        if isinstance(given.source, PackedSource)
    ]
    again = plan_package(moved, architectures=frozenset(chosen), allow_missing=True)
    assert manifest(again, Flavour.LEAN) == manifest(package, Flavour.LEAN)
    for name, paths in package.handlers.items():
        for arch in paths:
            candidates = [name + "_arm64", name] if arch is ARM else [name]
            started = next(path for path in candidates if path in package.files)
            assert package.files[started].name == name
            assert arch in package.files[started].architectures
