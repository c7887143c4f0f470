"""Hints look at what is there: the usual mistakes are called by their names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.verdict import verdict
from tests.check.builders import entry, launcher, package, program, sound, state

if TYPE_CHECKING:
    from shim.check.findings import Finding
    from shim.check.state import State

BOOT = entry("bootstrap", launcher())
ORDERS = entry("orders", program())


def only(checked: State, code: str) -> Finding:
    (found,) = [one for one in verdict(checked).findings if one.code == code]
    return found


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["myfn/bootstrap", "myfn/orders"], "it is in the folder `myfn`: zip what is in"),
        (["a/bootstrap", "b/bootstrap"], "is a package by itself: `a`, `b`"),
        (["Bootstrap"], "`Bootstrap` is there: the name has to be exactly `bootstrap`"),
        (["bootstrap.sh"], "`bootstrap.sh` is there"),
        (["orders"], "`orders` is the only program there: call it `bootstrap`"),
        (["orders", "greet"], "pack it with `shim pack`"),
        ([], "nothing there is a program"),
    ],
)
def test_what_looks_like_a_bootstrap_is_named(names: list[str], expected: str) -> None:
    checked = state(*(entry(name, program()) for name in names))
    assert expected in only(checked, "bootstrap-missing").hint


def test_a_zip_where_a_package_should_be_is_named() -> None:
    checked = state(entry("orders.zip", b"PK\3\4"), entry("state.json", b"{}"))
    hint = only(checked, "bootstrap-missing").hint
    assert hint == "Lambda unpacks no zip in a package: give the package itself, `orders.zip`"


@pytest.mark.parametrize("folder", ["opt", "layer", "build/layer"])
def test_a_layer_that_was_zipped_with_its_folder_is_named(folder: str) -> None:
    layer = package(entry(f"{folder}/bootstrap", launcher()), path="layer.zip")
    assert f"folder `{folder}`" in only(state(ORDERS, layers=(layer,)), "bootstrap-missing").hint


def test_a_handler_without_a_near_name_gets_the_list() -> None:
    assert only(sound(handler="xyzzy"), "handler-missing").hint == "there is `orders`"
    many = [entry(f"handler{number}", program()) for number in range(9)]
    hint = only(state(BOOT, *many, handler="xyzzy"), "handler-missing").hint
    assert hint.endswith("`handler4` and 4 more")
    assert only(sound(handler="ordres"), "handler-missing").hint == "nearest: `orders`"


def test_a_zip_without_modes_is_told_so_and_chmod_is_not() -> None:
    without = [replace(one, has_mode=False, mode=0o644) for one in (BOOT, ORDERS)]
    found = only(state(*without), "bootstrap-not-executable")
    assert "made on Windows" in found.sentence
    assert "chmod" not in found.hint
    assert "chmod" in only(state(replace(BOOT, mode=0o644)), "bootstrap-not-executable").hint


def test_what_stands_for_a_file_is_told_so() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"
    lfs = only(state(BOOT, entry("orders", pointer)), "no-program")
    assert ("Git LFS pointer" in lfs.sentence, "git lfs pull" in lfs.hint) == (True, True)
    text = only(
        state(BOOT, entry("orders", b"bin/real"), entry("bin/real", program())), "no-program"
    )
    assert "it holds the path of `bin/real`" in text.sentence


def test_a_byte_order_mark_is_named() -> None:
    checked = state(entry("bootstrap", b"\xef\xbb\xbf#!/bin/sh\nexec ./orders\n"), ORDERS)
    assert "byte order mark" in only(checked, "no-program").sentence


@pytest.mark.parametrize(("arch", "goarch"), [(Arch.X86_64, "amd64"), (Arch.ARM64, "arm64")])
def test_another_systems_program_is_to_be_built_for_the_functions_machine(
    arch: Arch, goarch: str
) -> None:
    macos = b"\xcf\xfa\xed\xfe\x0c\0\0\x01" + bytes(4) + b"\x02" + bytes(99)
    hint = only(state(entry("bootstrap", macos), arch=arch), "program-not-linux").hint
    assert f"GOARCH={goarch}" in hint


def test_an_object_file_is_not_to_be_built_for_a_machine() -> None:
    found = only(state(entry("bootstrap", program(kind=1))), "elf-not-executable")
    assert "linker" in found.hint


def test_a_loader_of_nix_is_called_so() -> None:
    nix = program(interpreter=b"/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2")
    assert "Nix" in only(state(BOOT, entry("orders", nix)), "interpreter-missing").hint


ABSENT = ("arn:aws:lambda:eu-west-1:1:layer:all:3",)


@pytest.mark.parametrize(
    ("checked", "code"),
    [
        (state(ORDERS), "bootstrap-missing"),
        (sound(handler="greet"), "handler-missing"),
        (sound(environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}), "wrapper-missing"),
        (state(BOOT, entry("orders", b"#!/opt/bin/node\n")), "script-interpreter-missing"),
        (state(BOOT, entry("orders", b"#!/usr/bin/env node\n")), "script-interpreter-missing"),
        (state(BOOT, entry("orders", program(interpreter=b"/opt/ld.so"))), "interpreter-missing"),
        (state(entry("bootstrap", b"#!/bin/sh\nexec /opt/app\n")), "program-missing"),
        (state(entry("bootstrap", b"#!/bin/sh\nexec node x\n")), "program-missing"),
    ],
)
def test_what_a_layer_could_have_is_unknown_while_the_layers_are_not_at_hand(
    checked: State, code: str
) -> None:
    assert only(checked, code).severity == "error"
    absent = replace(checked, absent_layers=ABSENT)
    assert only(absent, code).severity == "unknown"
    assert verdict(absent).answer == "unknown"


@pytest.mark.parametrize(
    "checked",
    [
        state(replace(BOOT, mode=0o644), ORDERS),
        state(BOOT, entry("orders", b"#!/usr/bin/python3\n")),
        state(BOOT, entry("orders", program(interpreter=b"/lib/ld-musl-x86_64.so.1"))),
        state(entry("bootstrap", b"#!/bin/sh\nexec ./app\n")),
        sound(handler="../orders"),
    ],
)
def test_what_fails_whatever_the_layers_have_stays_an_error(checked: State) -> None:
    assert verdict(replace(checked, absent_layers=ABSENT)).answer == "doesn't start"


def test_sound_packages_are_unknown_too_for_a_layers_extension_may_not_start() -> None:
    assert verdict(replace(sound(), absent_layers=ABSENT)).answer == "unknown"
