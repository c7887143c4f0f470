"""Starts a program, and goes on with what it starts: a launcher's handler, a script's programs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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
from shim.package.shell import SHELLS, Unclear, read_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tree_sitter import Node as Syntax

    from shim.check.findings import Finding
    from shim.check.situation import Situation, Value
    from shim.check.tree import File
    from shim.package.executables import Shebang

_CHAIN_LIMIT = 5
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
    started = _Started(
        machine=machine,
        attempt=attempt,
        file=attempt.node.file,
        role=role,
        arguments=arguments,
        chain=chain,
    )
    beyond = started.beyond()
    found = attempt.findings if beyond is None else (*attempt.findings, *beyond)
    return replace(attempt, findings=found, is_followed=beyond is not None)


def launcher_path(machine: Machine, bootstrap: str) -> str:
    """What a dual `bootstrap` hands over to."""
    return f"{bootstrap.removesuffix(BOOTSTRAP)}{PRIVATE}/{machine.state.arch.machine}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Started:
    """A file that was executed as `role`, after the scripts `chain`."""

    machine: Machine
    attempt: Attempt
    file: File
    role: Role
    arguments: tuple[Value, ...]
    chain: tuple[str, ...]

    def beyond(self) -> Iterable[Finding] | None:
        """What it does next; None where it is the program itself."""
        machine, path = self.machine, self.attempt.path
        match self._kind():
            case Kind.LAUNCHER:
                own = partial(begin, chain=(*self.chain, path))
                return check_launch(machine, own, own_path=path)
            case Kind.DUAL if self.role is Role.BOOTSTRAP:
                inner = begin(machine, launcher_path(machine, path), self.role, chain=self.chain)
                return (_no_launcher(machine, self.file),) if inner.is_absent else inner.findings
            case Kind.NATIVE:
                return None
            case _:
                return self._follow()

    def _kind(self) -> Kind:
        """What it is; for a launcher's mark all is inflated: of handlers, of small ones only."""
        entry, role = self.file.entry, self.role
        is_script = role is Role.SHELL_SCRIPT or first_bytes(entry).startswith(b"#!")
        if role in {Role.BOOTSTRAP, Role.PROGRAM} or is_script:
            return kind_of(entry)
        return Kind.LAUNCHER if role is Role.HANDLER and is_launcher(entry) else Kind.NATIVE

    def _follow(self) -> Iterable[Finding] | None:
        # What a shell is given to read is a script of its own, whatever the first line says.
        is_read = self.role is Role.SHELL_SCRIPT
        line = None if is_read else read_shebang(first_bytes(self.file.entry))
        shell, options = _shell(line) if line else ("sh", ())
        if shell not in SHELLS:
            # A program in another language: its interpreter was started, and that is all of it.
            return None
        path = self.attempt.node.path if self.attempt.node else self.attempt.path
        if path in self.chain:
            return (_starts_itself(self.file),)
        # What most packages don't need.
        from shim.check.script import follow

        at = self._situation(shell, frozenset("".join(options)) - {"-"})
        own = partial(begin, chain=(*self.chain, path))
        return follow(self.machine, own, at, self._script(options), where=self.file.where)

    def _script(self, options: tuple[str, ...]) -> Syntax | Unclear:
        text = script_text(self.file.entry)
        if len(text) < self.file.entry.size or len(self.chain) > _CHAIN_LIMIT:
            return Unclear(line=1, reason="it is too long, or started by too many others")
        if not all(re.fullmatch("-[eux]+", option) for option in options):
            return Unclear(line=1, reason="what the shell's options do")
        return read_script(text[text.find(b"\n") :] if b"\n" in text else b"")

    def _situation(self, shell: str, options: frozenset[str]) -> Situation:
        """Where a script begins, with the variables that Lambda sets."""
        from shim.check.situation import Situation  # as above

        machine, state = self.machine, self.machine.state
        is_bash = shell == "bash" or (shell == "sh" and state.runtime.shell == BASH)
        handler: Value | None = state.handler or Unclear(
            reason="it depends on the handler, and none is named (`--handler`)"
        )
        # Extensions get neither.
        is_extension = self.role is Role.EXTENSION
        of_bash = {
            "HOSTTYPE": state.arch.machine,
            "BASH_VERSINFO[5]": f"{state.arch.machine}-amazon-linux-gnu",
            "BASH_SOURCE[0]": self.attempt.path,
            "BASH_SOURCE": self.attempt.path,
        }
        return Situation(
            variables={
                "0": self.attempt.path,
                "_HANDLER": None if is_extension else handler,
                "LAMBDA_TASK_ROOT": None if is_extension else TASK,
                "LAMBDA_RUNTIME_DIR": "/var/runtime",
                "AWS_LAMBDA_RUNTIME_API": _API,
                "AWS_LAMBDA_EXEC_WRAPPER": state.variable("AWS_LAMBDA_EXEC_WRAPPER") or None,
                "PATH": machine.path,
                "LD_LIBRARY_PATH": machine.library_path,
                **(of_bash if is_bash else {}),
            },
            is_bash=is_bash,
            is_posix=shell != "bash",
            arguments=self.arguments,
            options=options,
        )


def _no_launcher(machine: Machine, file: File) -> Finding:
    return finding(
        "launcher-missing",
        location(file.package, f"{PRIVATE}/{machine.state.arch.machine}"),
        "is not there, and `bootstrap` hands over to it",
        hint="make the package with `shim pack`",
    )


def _shell(shebang: Shebang) -> tuple[str, tuple[str, ...]]:
    """The name of what interprets a script, and its options."""
    name = shebang.interpreter.rpartition("/")[2]
    if name != "env":
        return name, (shebang.argument,) if shebang.argument else ()
    program = env_program(shebang.argument)
    return program.rpartition("/")[2], tuple(shebang.argument.partition(program)[2].split())


def _starts_itself(file: File) -> Finding:
    return finding(
        "script-loops",
        file.where,
        "starts itself, again and again",
        hint="let it run the program that it is there for",
    )


def _fails(found: Iterable[Finding]) -> bool:
    return any(one.severity is Severity.ERROR for one in found)
