"""Why a start failed, in the lean launcher's words: what the launch path tried, tried again.

Part of the full launcher, like explain.py. Paths are bytes: those of a package need not be text.
"""

import os

from shim.launcher.program import read_program
from shim.launcher.wording import show

TYPE_CHECKING = False  # mypy takes it for true; the module `typing` would be frozen too
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never

    Execute = Callable[[bytes, list[bytes]], Never]

BAD_CONFIGURATION, NOT_EXECUTABLE, NOT_FOUND = 100, 126, 127
ENOENT, ENOEXEC, EACCES, ENOTDIR, ENAMETOOLONG = 2, 8, 13, 20, 36
CHARACTER_LIMIT = 128
"""UpdateFunctionConfiguration, Handler."""

PATH_LIMIT = 1023
"""Bytes of a path: the launch path's own limit (launch.pxd)."""


class Start:
    """What decides how a start goes: variables, the machine, the launcher's path and words."""

    def __init__(
        self,
        variables: dict[bytes, bytes],
        *,
        machine: str,
        own_path: bytes | None,
        words: list[bytes],
        opt: bytes = b"/opt",
    ) -> None:
        self.handler = variables.get(b"_HANDLER", b"")
        self.root = variables.get(b"LAMBDA_TASK_ROOT") or b"/var/task"
        self.wrapper = variables.get(b"AWS_LAMBDA_EXEC_WRAPPER", b"")
        self.api = variables.get(b"AWS_LAMBDA_RUNTIME_API", b"")
        self.is_arm64 = machine == "aarch64"
        self.own_path = own_path
        self.words = words
        self.opt = opt

    @property
    def arch(self) -> str:
        """This machine's architecture, as Lambda's API calls it."""
        return "arm64" if self.is_arm64 else "x86_64"

    @property
    def candidates(self) -> list[bytes]:
        """The paths that are tried, in order."""
        names = [self.handler + b"_arm64", self.handler] if self.is_arm64 else [self.handler]
        return [folder + b"/" + name for folder in (self.root, self.opt) for name in names]


class Failure:
    """Why a start failed: as the lean launcher says it, and with what is needed to explain it."""

    def __init__(
        self, kind: str, sentence: str, *, status: int, culprit: bytes = b"", error: int = 0
    ) -> None:
        self.kind = kind
        self.sentence = sentence
        self.status = status
        self.culprit = culprit
        self.error = error


def find_failure(start: Start, execute: "Execute" = os.execv) -> Failure:
    """Try again what the launch path tried; where that works after all, the handler runs."""
    return check_handler(start.handler) or _try_candidates(start, execute)


def check_handler(handler: bytes) -> Failure | None:
    """What forbids this name: it has to lead into the package, and not to the launcher."""
    parts = [part for part in handler.split(b"/") if part not in {b"", b"."}]
    kind = "HandlerInvalid"
    if not handler:
        return Failure("HandlerUnset", "_HANDLER is not set", status=BAD_CONFIGURATION)
    if handler.startswith(b"/"):
        sentence = "handler is absolute: "
    elif sum(byte & 0xC0 != 0x80 for byte in handler) > CHARACTER_LIMIT:
        sentence = f"handler has more than {CHARACTER_LIMIT} characters: "
    elif b".." in parts:
        sentence = "handler has a part '..': "
    elif parts == [b"bootstrap"]:
        return _is_launcher(handler)
    else:
        return None
    return Failure(kind, sentence + show(handler), status=BAD_CONFIGURATION)


def _is_launcher(culprit: bytes) -> Failure:
    sentence = "the launcher would start itself: " + show(culprit)
    return Failure("HandlerIsLauncher", sentence, status=BAD_CONFIGURATION, culprit=culprit)


def _try_candidates(start: Start, execute: "Execute") -> Failure:
    error = ENOENT
    for path in start.candidates:
        for culprit in (start.wrapper, path):
            if culprit and culprit == start.own_path:
                return _is_launcher(culprit)
        if len(path) >= PATH_LIMIT:
            return _exec_failure(path, ENAMETOOLONG, start)
        error = _error_of_candidate(path) if start.wrapper else 0
        if start.wrapper and not error:
            error = _error_of_exec(execute, start.wrapper, [path, *start.words])
            return _wrapper_failure(start.wrapper, error)
        error = error or _error_of_exec(execute, path, start.words)
        if error not in {ENOENT, ENOTDIR}:
            return _exec_failure(path, error, start)
    return _absence(start)


def _error_of_exec(execute: "Execute", path: bytes, words: list[bytes]) -> int:
    try:
        execute(path, [path, *words])
    except OSError as failure:
        return failure.errno or 0
    return 0


def _error_of_candidate(path: bytes) -> int:
    """The errno that exec would give for what a wrapper is to execute, or 0."""
    try:
        os.stat(path)
    except OSError as failure:
        return failure.errno or 0
    return 0 if os.access(path, os.X_OK) and not os.path.isdir(path) else EACCES


def _wrapper_failure(wrapper: bytes, error: int) -> Failure:
    status = NOT_FOUND if error in {ENOENT, ENOTDIR} else NOT_EXECUTABLE
    sentence = f"execve failed: {show(wrapper)} (errno {error})"
    return Failure("LaunchFailed", sentence, status=status, culprit=wrapper, error=error)


def _exec_failure(path: bytes, error: int, start: Start) -> Failure:
    kind, sentence = "LaunchFailed", f"execve failed: {show(path)} (errno {error})"
    program = read_program(path) if error == ENOEXEC else None
    machine = program.machine if program else 0
    if error == EACCES:
        kind, sentence = "HandlerNotExecutable", f"handler may not be executed: {show(path)}"
    elif machine not in {0, 183 if start.is_arm64 else 62}:
        kind = "WrongArchitecture"
        sentence = f"handler is built for another machine: {show(path)} (ELF machine {machine})"
    return Failure(kind, sentence, status=NOT_EXECUTABLE, culprit=path, error=error)


def _absence(start: Start) -> Failure:
    for path in start.candidates:
        if os.access(path, os.F_OK):
            sentence = "handler's interpreter is missing: " + show(path)
            return Failure("InterpreterMissing", sentence, status=NOT_EXECUTABLE, culprit=path)
    sentence = "handler not found: " + ", ".join(map(show, start.candidates))
    return Failure("HandlerNotFound", sentence, status=NOT_FOUND)
