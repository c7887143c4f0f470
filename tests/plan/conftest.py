"""What the tests of plans share with those of simulations: the packages, and the emulator."""

from __future__ import annotations

from tests.simulate.conftest import built, cache, emulator, functions

__all__ = ["built", "cache", "emulator", "functions"]
