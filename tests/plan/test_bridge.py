"""Bridge packages and layers: what is in them, where they start, and why some can't be made."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.verdicts import Verdicts
from shim.plan.bridge.package import BOTH, NEW, OLD, bridge_packages
from shim.plan.bridge.planning import Bridged, Unbridged, find_bridged_plan
from tests.check.builders import entry, launcher, package, program
from tests.plan.builders import AL2, GO, bare, dual, extension, layer, single, state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shim.check.state import State
    from shim.package.read import Package

FOR_AL2 = b"#!/usr/bin/python2.7\n"
"""A script that starts on Amazon Linux 2 alone: only that has Python."""

pytestmark = pytest.mark.usefixtures("lean_launchers")


def bridged(begin: State, wanted: State, folder: Path = Path()) -> Bridged | Unbridged:
    return find_bridged_plan(
        begin,
        wanted,
        verdicts=Verdicts(),
        day=None,
        folder=folder,
    )


def planned(begin: State, wanted: State, folder: Path = Path()) -> Bridged:
    answer = bridged(begin, wanted, folder)
    assert isinstance(answer, Bridged), answer
    assert answer.plan.wanted == wanted
    return answer


def reasons(begin: State, wanted: State) -> str:
    answer = bridged(begin, wanted)
    assert isinstance(answer, Unbridged)
    return "\n".join(answer.reasons)


def files(bridge: Package) -> dict[str, str]:
    """Each file's kind: a link's target, or which of the builders' files it is."""
    kinds = {launcher(arch): f"launcher {arch}" for arch in Arch}
    kinds |= {program(arch): f"program {arch}" for arch in Arch}
    return {one.name: _kind(one.kind, one.read(0, 1 << 20), kinds) for one in bridge.entries}


def _kind(kind: int, data: bytes, kinds: Mapping[bytes, str]) -> str:
    if stat.S_ISLNK(kind):
        return f"-> {data.decode()}"
    return kinds.get(data, "script" if data.startswith(b"#!") else "ours")


def native(arch: Arch = Arch.X86_64, mark: bytes = b"", path: str = "native.zip") -> Package:
    return package(entry("bootstrap", program(arch, mark=mark)), path=path)


def test_no_bridge_is_built_where_none_is_needed() -> None:
    answer = planned(state(single(Arch.X86_64, "orders")), state(single(Arch.X86_64, "orders")))
    assert (answer.used, answer.without) == ((), None)


def test_a_handler_renamed_together_with_the_package_goes_over_both_names() -> None:
    begin = state(single(Arch.X86_64, "orders"))
    wanted = state(single(Arch.X86_64, "bin/orders"), handler="bin/orders")
    answer = planned(begin, wanted)
    (bridge,) = answer.used
    assert bridge.what == BOTH
    assert files(bridge.package) == {
        "bootstrap": "launcher x86_64",
        "orders": "program x86_64",
        "bin/orders": "program x86_64",
    }
    assert len(answer.plan.steps) == 3
    assert answer.without is not None


def test_name_and_architecture_together_go_over_a_dual_package() -> None:
    begin = state(single(Arch.X86_64, "orders"))
    wanted = state(single(Arch.ARM64, "bin/orders"), arch=Arch.ARM64, handler="bin/orders")
    answer = planned(begin, wanted)
    (bridge,) = answer.used
    assert files(bridge.package) == {
        ".shim/aarch64": "ours",
        ".shim/x86_64": "ours",
        "bootstrap": "script",
        "orders": "program x86_64",
        "orders_arm64": "program arm64",
        "bin/orders": "-> ../orders",
        "bin/orders_arm64": "-> ../orders_arm64",
    }


def test_go1x_keeps_its_program_under_its_old_name() -> None:
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(native(mark=b"new"), handler="bootstrap")
    answer = planned(begin, wanted)
    (bridge,) = answer.used
    assert files(bridge.package) == {"bootstrap": "ours", "main": "program x86_64"}
    (bootstrap,) = (one for one in bridge.package.entries if one.name == "bootstrap")
    assert bootstrap.read(0, 1000).endswith(b"new")
    assert [type(step).__name__ for step in answer.plan.steps] == [
        *("UpdateCode", "UpdateConfiguration", "UpdateCode"),
    ]


@pytest.mark.parametrize("arch", list(Arch))
@pytest.mark.parametrize(
    ("code", "handler"),
    [
        (lambda arch: native(arch, b"new"), "bootstrap"),
        (lambda arch: native(arch, b"new"), "main"),
        (lambda arch: single(arch, "main"), "main"),
        (lambda arch: single(arch, "bin/orders"), "bin/orders"),
    ],
    ids=["native", "native, the same name", "the same name", "another name"],
)
def test_go1x_leads_to_every_other_state_and_back(
    code: Callable[[Arch], Package], handler: str, arch: Arch
) -> None:
    old = state(bare("main"), runtime=GO, handler="main")
    new = state(code(arch), arch=arch, handler=handler)
    planned(old, new)
    planned(new, old)


def test_both_programs_of_one_name_are_told_apart_by_the_runtime() -> None:
    begin = state(bare("main"), runtime=GO, handler="main")
    wanted = state(native(Arch.ARM64, b"new"), handler="main", arch=Arch.ARM64)
    (bridge,) = planned(begin, wanted).used
    assert bridge.what == BOTH
    assert files(bridge.package)["main"] == "program x86_64"


def test_other_files_of_both_come_along_and_the_programs_stay_beside_theirs() -> None:
    begin = state(
        package(
            entry("bootstrap", launcher()),
            entry("app/orders", program()),
            entry("a.txt", b"a", 0o644),
        ),
        handler="app/orders",
    )
    wanted = state(
        package(
            entry("bootstrap", launcher()),
            entry("new/orders", program(mark=b"n")),
            entry("b.txt", b"b", 0o644),
        ),
        handler="new/orders",
    )
    (bridge,) = planned(begin, wanted).used
    assert {one.name for one in bridge.package.entries} == {
        *("a.txt", "b.txt", "app/orders", "bootstrap", "new/orders"),
    }
    assert bridge.what == BOTH


def versioned(name: str, version: bytes, data: bytes = b"") -> Package:
    """A launcher, a handler, and a file of the same name in every version."""
    return package(
        entry("bootstrap", launcher()),
        entry(name, data or program()),
        entry("version", version, 0o644),
        path=f"{name}.zip",
    )


def test_where_other_files_conflict_one_package_alone_becomes_the_bridge() -> None:
    begin = state(versioned("old", b"1"), handler="old")
    wanted = state(versioned("new", b"2"), handler="new")
    (bridge,) = planned(begin, wanted).used
    assert bridge.what == OLD
    assert files(bridge.package) == {
        "bootstrap": "launcher x86_64",
        "new": "-> old",
        "old": "program x86_64",
        "version": "ours",
    }


def test_where_only_the_new_program_starts_on_both_sides_it_is_the_bridge() -> None:
    begin = state(versioned("old", b"1", FOR_AL2), handler="old", runtime=AL2)
    wanted = state(versioned("new", b"2"), handler="new")
    (bridge,) = planned(begin, wanted).used
    assert bridge.what == NEW


def test_where_no_program_starts_on_both_sides_the_conflict_is_the_reason() -> None:
    perl = b"#!/usr/bin/perl\n"
    # Nothing in a layer comes before the old package's own `bootstrap`.
    old = package(entry("bootstrap", FOR_AL2), entry("version", b"1", 0o644), path="old.zip")
    begin = state(old, handler="old", runtime=AL2)
    wanted = state(versioned("new", b"2", perl), handler="new", runtime="debian-bookworm")
    said = reasons(begin, wanted)
    assert "both have a file at `version`, with other content" in said
    assert "a bridge package doesn't start on debian-bookworm x86_64 with the handler `new`" in said


def test_a_bridge_larger_than_lambda_takes_is_passed_over_for_a_smaller_one() -> None:
    def huge(name: str) -> Package:
        ballast = replace(entry(f"{name}.bin", b"", 0o644), size=140 << 20)
        return package(entry("bootstrap", launcher()), entry(name, program()), ballast)

    begin, wanted = (state(huge(name), handler=name) for name in ("old", "new"))
    (bridge,) = planned(begin, wanted).used
    assert bridge.what == OLD
    reasons = bridge_packages(begin, wanted, path="bridge.zip").reasons
    assert reasons[0] == ("together they unpack to 280.0 MB, and Lambda takes 250.0 MB")


def test_a_name_that_no_zip_can_have_is_a_reason_and_no_traceback() -> None:
    odd = package(entry("bootstrap", launcher()), entry("old", program()), entry("\udcff", b"x"))
    new = package(entry("bootstrap", launcher()), entry("new", program()), entry("\udcfe", b"x"))
    said = reasons(state(odd, handler="old"), state(new, handler="new"))
    assert "it is not UTF-8: '\\udcff'" in said


def test_a_handler_of_go1x_may_be_spelt_with_a_dot() -> None:
    begin = state(bare("main"), runtime=GO, handler="./main")
    (bridge,) = planned(begin, state(native(), handler="bootstrap")).used
    assert set(files(bridge.package)) == {"bootstrap", "main"}


def test_a_script_that_the_bridge_does_without_is_told() -> None:
    script = b'#!/bin/sh\nexport SETTING=1\nexec "./$_HANDLER"\n'
    begin = state(package(entry("bootstrap", script), entry("old", program())), handler="old")
    wanted = state(single(Arch.ARM64, "new"), handler="new", arch=Arch.ARM64)
    bridges = bridge_packages(begin, wanted, path="bridge.zip").found
    told = "; of package.zip it leaves out the script that is `bootstrap`"
    assert {one.what for one in bridges if told in one.what} == {BOTH + told, OLD + told}
    kept = [one for one in bridges if one.what == OLD]
    assert kept
    assert all(files(one.package)["bootstrap"] == "script" for one in kept)


def test_an_extension_for_one_architecture_each_becomes_one_that_starts_on_both() -> None:
    code = dual("orders")
    begin = state(code, layers=(extension(Arch.X86_64),))
    wanted = state(code, arch=Arch.ARM64, layers=(extension(Arch.ARM64),))
    answer = planned(begin, wanted)
    (bridge,) = answer.used
    assert bridge.kind == "bridge layer"
    assert files(bridge.package) == {
        ".extensions/aarch64/agent": "program arm64",
        ".extensions/x86_64/agent": "program x86_64",
        "extensions/agent": "script",
    }
    assert len(answer.plan.steps) == 3


def test_launcher_layers_become_one_that_starts_on_both() -> None:
    def launchers(arch: Arch) -> Package:
        return layer(entry("bootstrap", launcher(arch)), path=f"{arch}.zip")

    code = package(*(entry(f"orders{arch.suffix}", program(arch)) for arch in Arch))
    begin = state(code, layers=(launchers(Arch.X86_64),))
    wanted = state(code, arch=Arch.ARM64, layers=(launchers(Arch.ARM64),))
    answer = planned(begin, wanted)
    (bridge,) = answer.used
    assert bridge.kind == "bridge layer"
    assert files(bridge.package) == {
        ".shim/aarch64": "launcher arm64",
        ".shim/x86_64": "launcher x86_64",
        "bootstrap": "script",
    }


def test_layers_that_both_have_stay_as_they_are() -> None:
    code, shared = dual("orders"), layer(entry("data", b"x"))
    begin = state(code, layers=(shared, extension(Arch.X86_64)))
    wanted = state(code, arch=Arch.ARM64, layers=(shared, extension(Arch.ARM64)))
    answer = planned(begin, wanted)
    (bridge,) = answer.used
    assert bridge.kind == "bridge layer"
    assert bridge.layers == ((shared, bridge.package),)


def test_an_extension_that_only_one_side_has_is_left_out_meanwhile() -> None:
    code = dual("orders")
    more = layer(
        entry("extensions/agent", program(Arch.X86_64)),
        entry("extensions/audit", program(Arch.X86_64)),
    )
    answer = planned(
        state(code, layers=(more,)),
        state(code, arch=Arch.ARM64, layers=(extension(Arch.ARM64),)),
    )
    # Without `audit`, and without a bridge, there is no way: `agent` is for one architecture.
    (bridge,) = answer.used
    assert bridge.kind == "bridge layer"
    assert bridge.what.endswith("without the extension `audit`, which is there for one alone")


def test_layers_with_libraries_at_one_path_are_refused_with_the_path() -> None:
    def with_library(arch: Arch) -> Package:
        return layer(
            entry("extensions/agent", program(arch)), entry("lib/libx.so", program(arch, kind=3))
        )

    code = dual("orders")
    said = reasons(
        state(code, layers=(with_library(Arch.X86_64),)),
        state(code, arch=Arch.ARM64, layers=(with_library(Arch.ARM64),)),
    )
    assert "the layers can't be made into one" in said
    assert "`lib/libx.so`" in said
