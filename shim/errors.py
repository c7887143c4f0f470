"""Every error that a user can cause or meet: one sentence, one hint, one exit status."""

from __future__ import annotations

from enum import IntEnum, unique


@unique
class ExitCode(IntEnum):
    """What every `shim` command ends with; listed in each command's help."""

    OK = 0
    NO = 1
    USAGE = 2
    FAILED = 3
    INTERRUPTED = 130


class ShimError(Exception):
    """A sentence (lower case, no full stop, the value last) and what the reader can do about it."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(ShimError):
    """What was given can't be used: a file, a name, a combination of options."""

    exit_code = ExitCode.USAGE


class MachineError(ShimError):
    """This machine can't do it: no room, no permission, a program that isn't there."""
