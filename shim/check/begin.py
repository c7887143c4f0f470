"""Starts a program, and goes on with what it starts: a launcher's handler, a script's programs."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shim.check.attempt import Attempt, Role
from shim.check.execution import Machine, env_program
from shim.check.findings import Severity, finding, location
from shim.check.launch import check_launch
from shim.check.missing import missing_handler
from shim.check.runtimes import BASH
from shim.check.tree import TASK
from shim.package.executables import (
    Kind,
    first_bytes,
    is_launcher,
    kind_of,
    read_shebang,
    script_text,
)
from shim.package.names import BOOTSTRAP, PRIVATE
from shim.package.script import read_script
from shim.package.shell import SHELLS, Unclear

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shim.check.findings import Finding
    from shim.check.situation import Situation, Value
    from shim.check.tree import File
    from shim.package.executables import Shebang
    from shim.package.shell import Statement

_CHAIN_LIMIT = 8
_API = "127.0.0.1:9001"
"""A runtime's API: always set, as an address and a port."""


def begin(
    machine: Machine,
    path: str,
    role: Role,
    arguments: tuple[Value, ...] = (),
    *,
    chain: tuple[str, ...] = (),
) -> Attempt:
    """Execute `path` and go on with what it executes; `chain` are the scripts that led to it.

    Findings that are errors say that the function doesn't start by it; the error number is only
    that of executing the file itself.
    """
    attempt = machine.read(path) if role is Role.SHELL_SCRIPT else machine.execute(path, role)
    if attempt.is_absent and role is Role.HANDLER:
        return replace(attempt, findings=(missing_handler(machine, attempt),))
    if attempt.error or _fails(attempt.findings) or not attempt.node or not attempt.node.file:
        return attempt
    beyond = _beyond(machine, attempt, attempt.node.file, role, arguments, chain)
    found = attempt.findings if beyond is None else (*attempt.findings, *beyond)
    return replace(attempt, findings=found, is_followed=beyond is not None)


def launcher_path(machine: Machine, bootstrap: str) -> str:
    """What a dual `bootstrap` hands over to."""
    return f"{bootstrap.removesuffix(BOOTSTRAP)}{PRIVATE}/{machine.state.arch.machine}"


def _beyond(
    machine: Machine,
    attempt: Attempt,
    file: File,
    role: Role,
    arguments: tuple[Value, ...],
    chain: tuple[str, ...],
) -> Iterable[Finding] | None:
    """What the started file does next; None where it is the program itself."""
    # Looking for a launcher's mark means to inflate all of a file: of handlers, of small ones only.
    is_script = role is Role.SHELL_SCRIPT or first_bytes(file.entry).startswith(b"#!")
    kind = Kind.SCRIPT if is_script else Kind.NATIVE
    if role in {Role.BOOTSTRAP, Role.PROGRAM} or is_script:
        kind = kind_of(file.entry)
    elif role is Role.HANDLER and is_launcher(file.entry):
        kind = Kind.LAUNCHER
    own = partial(begin, chain=(*chain, attempt.path))
    match kind:
        case Kind.LAUNCHER:
            return check_launch(machine, own, own_path=attempt.path)
        case Kind.DUAL if role is Role.BOOTSTRAP:
            inner = begin(machine, launcher_path(machine, attempt.path), role, chain=chain)
            return (_no_launcher(machine, file),) if inner.is_absent else inner.findings
        case Kind.NATIVE:
            return None
        case _:
            return _follow(machine, attempt, file, role, arguments, chain)


def _no_launcher(machine: Machine, file: File) -> Finding:
    return finding(
        "launcher-missing",
        location(file.package, f"{PRIVATE}/{machine.state.arch.machine}"),
        "is not there, and `bootstrap` hands over to it",
        hint="make the package with `shim pack`",
    )


def _follow(
    machine: Machine,
    attempt: Attempt,
    file: File,
    role: Role,
    arguments: tuple[Value, ...],
    chain: tuple[str, ...],
) -> Iterable[Finding] | None:
    # What a shell is given to read is a script of its own, whatever the first line says.
    line = None if role is Role.SHELL_SCRIPT else read_shebang(first_bytes(file.entry))
    shell, options = _shell(line) if line else ("sh", ())
    if shell not in SHELLS:
        # A program in another language: its interpreter was started, and that is all of it.
        return None
    path = attempt.node.path if attempt.node else attempt.path
    if path in chain:
        return (_starts_itself(file),)
    # What most packages don't need.
    from shim.check.script import follow

    text = script_text(file.entry)
    script: Statement
    if len(text) < file.entry.size or len(chain) > _CHAIN_LIMIT:
        script = Unclear(line=1, reason="it is too long, or started by too many others")
    elif not all(re.fullmatch("-[eux]+", option) for option in options):
        script = Unclear(line=1, reason="what the shell's options do")
    else:
        script = read_script(text[text.find(b"\n") :] if b"\n" in text else b"")
    at = _situation(machine, attempt.path, role, shell)
    at.arguments, at.options = arguments, frozenset("".join(options)) - {"-"}
    own = partial(begin, chain=(*chain, path))
    return follow(machine, own, at, script, where=file.where)


def _shell(shebang: Shebang) -> tuple[str, tuple[str, ...]]:
    """The name of what interprets a script, and its options."""
    name = shebang.interpreter.rpartition("/")[2]
    if name != "env":
        return name, (shebang.argument,) if shebang.argument else ()
    program = env_program(shebang.argument)
    return program.rpartition("/")[2], tuple(shebang.argument.partition(program)[2].split())


def _situation(machine: Machine, path: str, role: Role, shell: str) -> Situation:
    """Where a script begins, with the variables that Lambda sets."""
    from shim.check.situation import Situation  # as above

    state = machine.state
    is_bash = shell == "bash" or (shell == "sh" and state.runtime.shell == BASH)
    handler: Value | None = state.handler or Unclear(
        reason="it depends on the handler, and none is named (`--handler`)"
    )
    task_root: Value | None = TASK
    if role is Role.EXTENSION:
        # Extensions get neither.
        handler = task_root = None
    of_bash = {
        "HOSTTYPE": state.arch.machine,
        "BASH_VERSINFO[5]": f"{state.arch.machine}-amazon-linux-gnu",
        "BASH_SOURCE[0]": path,
        "BASH_SOURCE": path,
    }
    return Situation(
        variables={
            "0": path,
            "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": task_root,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "AWS_LAMBDA_RUNTIME_API": _API,
            "AWS_LAMBDA_EXEC_WRAPPER": state.variable("AWS_LAMBDA_EXEC_WRAPPER") or None,
            "PATH": machine.path,
            "LD_LIBRARY_PATH": machine.library_path,
            **(of_bash if is_bash else {}),
        },
        is_bash=is_bash,
        is_posix=shell != "bash",
    )


def _starts_itself(file: File) -> Finding:
    return finding(
        "script-loops",
        file.where,
        "starts itself, again and again",
        hint="let it run the program that it is there for",
    )


def _fails(found: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in found)
