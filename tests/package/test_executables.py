"""What stands as `bootstrap` is known for what it is, whichever version made it."""

from __future__ import annotations

from pathlib import Path

import pytest

import shim.launcher
from shim.arch import Arch
from shim.package.executables import Kind, kind_of
from tests.check.builders import entry, program

BUILT = Path(shim.launcher.__path__[0], "bin")


@pytest.mark.parametrize("arch", Arch)
def test_the_lean_launcher_is_a_launcher(lean_launchers: None, arch: Arch) -> None:
    del lean_launchers
    data = (BUILT / f"lean-{arch}").read_bytes()
    assert kind_of(entry("bootstrap", data)) is Kind.LAUNCHER


@pytest.mark.parametrize(
    "told", [b"Runtime.HandlerIsLauncher: as once", b"HandlerIsLauncher\0in other words: "]
)
def test_a_launcher_with_other_sentences_is_a_launcher(told: bytes) -> None:
    assert kind_of(entry("bootstrap", program(mark=told))) is Kind.LAUNCHER


def test_another_program_is_none() -> None:
    assert kind_of(entry("bootstrap", program(mark=b"HandlerNotFound"))) is Kind.NATIVE
