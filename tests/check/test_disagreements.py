"""Each disagreement between verdict and real start that was ever found, as a test of its own."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from shim.arch import Arch
from shim.check.verdict import verdict
from tests.check.builders import entry, launcher, link, program, sound, state
from tests.check.oracle.programs import Programs
from tests.requirements import require

BOOT = entry("bootstrap", launcher())


@pytest.fixture(scope="module")
def compiled(request: pytest.FixtureRequest) -> Programs:
    require(find_spec("ziglang") is not None, "ziglang is not installed")
    assert request.config.cache is not None
    return Programs(arch=Arch.X86_64, cache=request.config.cache.mkdir("oracle-programs"))


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
    script = b"#!/bin/sh -" + b"e" * 300 + b"\n"
    assert verdict(state(BOOT, entry("orders", script))).starts


def test_a_program_that_may_only_be_executed_starts() -> None:
    assert verdict(state(BOOT, entry("orders", program(), 0o711))).starts
