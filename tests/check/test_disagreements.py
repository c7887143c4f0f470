"""Each disagreement between verdict and real start that was ever found, as a test of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shim.check.verdict import verdict
from tests.check.builders import entry, launcher, link, package, program, sound, state

if TYPE_CHECKING:
    from tests.check.oracle.programs import Programs

BOOT = entry("bootstrap", launcher())


def test_a_link_to_a_folder_of_the_system_does_not_start() -> None:
    assert not verdict(state(BOOT, link("orders", "/tmp"))).starts


def test_a_wrapper_that_is_a_folder_of_the_system_does_not_start() -> None:
    assert not verdict(sound(environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt"})).starts


def test_a_library_whose_symbols_have_no_versions_at_all_does_not_start(
    compiled: Programs,
) -> None:
    library = entry("lib/libshimprivate.so.1", compiled.library())
    assert not verdict(state(BOOT, entry("orders", compiled.needing("SHIM_1")), library)).starts


def test_a_library_that_only_needs_versions_starts(compiled: Programs) -> None:
    library = entry("lib/libshimprivate.so.1", compiled.library("needing"))
    assert verdict(state(BOOT, entry("orders", compiled.needing("SHIM_1")), library)).starts


def test_a_library_cut_off_in_its_segments_does_not_start(compiled: Programs) -> None:
    library = entry("lib/libshimprivate.so.1", compiled.library()[:300])
    assert not verdict(state(BOOT, entry("orders", compiled.needing()), library)).starts


def test_a_script_whose_arguments_are_cut_starts() -> None:
    script = b"#!/bin/sh -" + b"e" * 300 + b"\nexec sleep 1\n"
    assert verdict(state(BOOT, entry("orders", script))).starts


def test_a_program_that_may_only_be_executed_starts() -> None:
    assert verdict(state(BOOT, entry("orders", program(), 0o711))).starts


def test_what_only_a_shell_takes_for_a_script_does_not_start_behind_a_wrapper_either() -> None:
    # A wrapper that is a shell script would run it; one that is a program would not.
    layer = package(entry("wrapper", b'#!/bin/sh\nexec "$@"\n'), path="layer.zip")
    script = entry("orders", b"#!" + b" " * 300 + b"/bin/sh\n")
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    assert not verdict(state(BOOT, script, layers=(layer,), environment=environment)).starts


def test_five_scripts_that_interpret_each_other_start() -> None:
    # Under qemu, which is one interpreter more, they don't.
    scripts = [entry(f"run{n}", f"#!/var/task/run{n + 1}\n".encode()) for n in range(4)]
    assert verdict(sound(*scripts, entry("run4", b"#!/bin/sh\n"), handler="run0")).starts


@pytest.mark.parametrize("interpreter", [b"#!/bin/sh\n", program()])
def test_a_script_whose_own_interpreter_need_not_read_it_starts(interpreter: bytes) -> None:
    run = entry("run", interpreter)
    assert verdict(state(BOOT, run, entry("orders", b"#!./run\n", 0o711))).starts
