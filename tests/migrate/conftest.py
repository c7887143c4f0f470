"""What the tests of migrations share: the emulator, and real functions for it."""

from tests.emulate.conftest import cache, emulator, functions

__all__ = ["cache", "emulator", "functions"]
