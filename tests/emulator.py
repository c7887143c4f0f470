"""The pinned emulator, fetched once and kept between runs of the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.emulate import machine, rie
from shim.errors import MachineError
from tests.requirements import require

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def emulator_cache(config: pytest.Config) -> Path:
    """A cache with the emulator for this machine in it."""
    assert config.cache is not None
    folder = config.cache.mkdir("shim")
    pin = rie.read_pin(machine.required_host_arch())
    problem = None
    try:
        rie.cached(folder, pin) or rie.fetch(folder, pin)
    except MachineError as error:
        problem = error
    require(problem is None, f"no emulator: {problem}")
    return folder


def pinned_emulator(config: pytest.Config) -> Path:
    """The emulator's program."""
    program = rie.cached(emulator_cache(config), rie.read_pin(machine.required_host_arch()))
    assert program
    return program
