"""The programs that a script starts: where they are, and what comes of it."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shim.arch import Arch
from shim.check.absent import left_open
from shim.check.attempt import Attempt, Role
from shim.check.execution import Machine
from shim.check.findings import Severity, finding
from shim.check.situation import NOT_FOUND, Failure, Leaving, Situation
from shim.check.tree import OPT, TASK, Node
from shim.package.executables import script_text
from shim.package.script import read_script
from shim.package.shell import SHELLS, Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.check.findings import Finding
    from shim.check.situation import Value
    from shim.check.words import Words
    from shim.package.shell import Statement

_NOT_EXECUTABLE = 126
_TEMPORARY = "/tmp/"  # noqa: S108 - a name that is looked up in a model
_LOADER = re.compile(r"ld-(linux|musl)[-\w]*\.so\.\d|ld-\d[.\d]*\.so")
_LOADER_VALUES = frozenset({"--library-path", "--argv0", "--preload", "--audit", "--inhibit-rpath"})
_STARTING = frozenset(
    {"nice", "nohup", "timeout", "xargs", "setsid", "stdbuf", "strace", "chroot", "find"}
)
"""Programs of a runtime's that may start any other."""

_ON_VARIABLES = frozenset(
    {"library-missing", "library-version", "library-broken", "script-interpreter-missing"}
)
"""Codes of what LD_LIBRARY_PATH and PATH decide on."""


_READ_BY_SHELL = frozenset({"no-program", "script-line-long"})
"""Codes of what Linux refuses, and a shell takes for one more script of its own."""


class Begin(Protocol):
    """Starts a program and follows it; see `begin`."""

    def __call__(
        self, machine: Machine, path: str, role: Role, arguments: tuple[Value, ...]
    ) -> Attempt: ...


class Programs:
    """Starts the programs of a script that people know as `where`."""

    def __init__(self, machine: Machine, words: Words, begin: Begin, *, where: str) -> None:
        self._machine, self._words, self._begin = machine, words, begin
        self._where = where

    def run(self, fields: Sequence[Value], at: Situation, line: int) -> Situation:
        """Where the script stands behind a program, or behind `exec` of one."""
        is_exec = False
        while fields and (name := fields[0]) in {"exec", "command", "env"}:
            is_exec = is_exec or name == "exec"
            unwrapped = self._unwrapped(fields, at, line)
            if isinstance(unwrapped, Situation):
                return unwrapped
            at, fields = unwrapped
        if not fields:
            return replace(at, has_acted=True, status=0)
        name, *rest = fields
        path = name if isinstance(name, Unclear) else self._path(name, at)
        if isinstance(path, Unclear):
            return at.stuck(path, line)
        if path is None:
            return self._absent(str(name), at, line, is_exec=is_exec)
        return self._run_at(path, rest, at, line, is_exec=is_exec)

    def _run_at(
        self, path: str, rest: Sequence[Value], at: Situation, line: int, *, is_exec: bool
    ) -> Situation:
        """Where the script stands behind the program at a path."""
        if path.startswith(_TEMPORARY):
            return at.stuck(Unclear(line=0, reason="it runs what it made in /tmp itself"), line)
        node = self._machine.tree.find(path)
        is_own = path.startswith((f"{TASK}/", f"{OPT}/"))
        if isinstance(node, int):
            if is_own:
                return self._started(path, tuple(rest), at, line, is_exec=is_exec)
            return self._absent(path, at, line, is_exec=is_exec)
        if _LOADER.fullmatch(node.path.rpartition("/")[2]):
            return self._loaded(node, rest, at, line, is_exec=is_exec)
        if node.is_system and is_own:
            reason = f"`{path}` is a link out of the package"
            return at.stuck(Unclear(line=0, reason=reason), line)
        if node.is_system:
            return self._system(node, rest, at, line, is_exec=is_exec)
        return self._started(path, tuple(rest), at, line, is_exec=is_exec)

    def read_in(
        self, rest: Sequence[Value], at: Situation, line: int
    ) -> tuple[Statement, ...] | Situation:
        """The statements of a file that `.` names, or where the script stands without them."""
        path = rest[0] if rest else Unclear(line=0, reason="it reads in no file")
        if isinstance(path, Unclear):
            return at.stuck(path, line)
        node = self._words.find(path, at) if "/" in path else None
        if isinstance(node, int):
            missing = self._missing(f"reads in `{path}` (line {line}), which is not there")
            return self._over((missing,), at, 1, is_exec=at.is_posix)
        if node is None or node.file is None or node.is_folder or not node.is_readable:
            return at.stuck(Unclear(line=0, reason=f"what it reads in: `{path}`"), line)
        return read_script(script_text(node.file.entry))

    def _unwrapped(
        self, fields: Sequence[Value], at: Situation, line: int
    ) -> tuple[Situation, Sequence[Value]] | Situation:
        """The command behind `exec`, `command` or `env`."""
        name, *rest = fields
        if name == "command" and rest[:1] == ["-v"] and len(rest) == 2:
            known = {*at.functions, "exec"}
            is_there = rest[1] in known or isinstance(self._path(str(rest[1]), at), str)
            return at.with_status(0 if is_there else None)
        if name == "exec" and rest[:1] == ["-a"]:
            rest = rest[2:]
        if rest[:1] == ["--"]:
            rest = rest[1:]
        if not rest and name != "env":
            return at.with_status(0)
        while name == "env" and rest and isinstance(rest[0], str) and "=" in rest[0]:
            variable, _, value = str(rest[0]).partition("=")
            at, rest = at.with_variable(variable, value), rest[1:]
        if rest and isinstance(rest[0], str) and rest[0].startswith("-"):
            return at.stuck(Unclear(line=0, reason=f"`{name} {rest[0]}`"), line)
        return at, rest

    def _path(self, name: str, at: Situation) -> str | Unclear | None:
        """The path that a command's name stands for; None where it is not along PATH."""
        if "/" in name or not name:
            return _joined(at, name)
        along = at.value("PATH")
        if isinstance(along, Unclear):
            return along
        for folder in (along or "").split(":"):
            path = f"{folder or at.folder}/{name}"
            node = self._machine.tree.find(path)
            if isinstance(node, Node) and node.is_executable:
                return path
        return None

    def _absent(self, name: str, at: Situation, line: int, *, is_exec: bool) -> Situation:
        """A program that would be the runtime's, and isn't known to be there."""
        where = "is not there" if "/" in name else "is not along PATH"
        runtime = self._machine.state.runtime.name
        missing = self._missing(f"runs `{name}` (line {line}), which {where} in {runtime}")
        # PATH has a folder of the layers'.
        missing = left_open(self._machine.state, missing, name if "/" in name else OPT)
        return self._over((missing,), at, NOT_FOUND, is_exec=is_exec, is_certain=False)

    def _system(
        self, node: Node, rest: Sequence[Value], at: Situation, line: int, *, is_exec: bool
    ) -> Situation:
        """A program of the runtime's; what it does isn't followed, but for shells."""
        name = node.path.rpartition("/")[2]
        if name == "env":
            return self.run(["exec", name, *rest] if is_exec else [name, *rest], at, line)
        if name in _STARTING:
            return at.stuck(Unclear(line=0, reason=f"what `{name}` starts"), line)
        if name in SHELLS:
            first = rest[0] if rest else ""
            if isinstance(first, Unclear) or first.startswith("-") or not first:
                return at.stuck(Unclear(line=0, reason=f"what `{name}` is given"), line)
            path = _joined(at, first)
            if isinstance(path, Unclear):
                return at.stuck(path, line)
            return self._started(
                path, tuple(rest[1:]), at, line, is_exec=is_exec, role=Role.SHELL_SCRIPT
            )
        acted = replace(at, has_acted=True, status=None)
        return replace(acted, leaving=Leaving.SCRIPT, result=()) if is_exec else acted

    def _started(
        self,
        path: str,
        arguments: tuple[Value, ...],
        at: Situation,
        line: int,
        *,
        is_exec: bool,
        role: Role | None = None,
    ) -> Situation:
        role = role or self._role(path)
        machine = self._machine_at(at)
        attempt = self._begin(machine, path, role, arguments)
        found = attempt.findings
        is_odd = attempt.error == errno.ENOEXEC and role is not Role.SHELL_SCRIPT
        if is_odd and any(one.code in _READ_BY_SHELL for one in found):
            reason = f"`{path}` has no `#!` line, and the shell reads it as its own script"
            return at.stuck(Unclear(line=0, reason=reason), line)
        if attempt.error and not found:
            how = "is not there" if attempt.is_absent else "can't be executed"
            missing = self._missing(f"runs `{path}` (line {line}), which {how}")
            found = (left_open(machine.state, missing, path),)
        if any(isinstance(at.value(name), Unclear) for name in ("PATH", "LD_LIBRARY_PATH")):
            found = tuple(
                replace(one, severity=Severity.UNKNOWN) if one.code in _ON_VARIABLES else one
                for one in found
            )
        status = NOT_FOUND if attempt.is_absent else _NOT_EXECUTABLE
        return self._over(found, at, status, is_exec=is_exec)

    def _over(
        self,
        found: tuple[Finding, ...],
        at: Situation,
        status: int,
        *,
        is_exec: bool,
        is_certain: bool = True,
    ) -> Situation:
        """Where the script stands once a program was started, or couldn't be."""
        if is_exec:
            return replace(at, leaving=Leaving.SCRIPT, result=found)
        is_failure = any(one.severity is Severity.ERROR for one in found)
        failure = Failure(
            findings=found,
            is_after_another=at.has_run,
            is_certain=is_certain,
            is_strict=at.is_strict,
        )
        return replace(
            at,
            failures=(*at.failures, failure) if found else at.failures,
            has_acted=True,
            has_run=at.has_run or not found or not is_failure,
            status=(status if is_certain else None) if is_failure else None,
            is_last_missing=is_failure,
        )

    def _loaded(
        self, node: Node, rest: Sequence[Value], at: Situation, line: int, *, is_exec: bool
    ) -> Situation:
        """A program that the dynamic linker is asked to start (ld.so(8))."""
        words = list(rest)
        while words and isinstance(words[0], str) and words[0].startswith("--"):
            option, *words = words
            value = words.pop(0) if option in _LOADER_VALUES and words else ""
            if option == "--library-path":
                at = at.with_variable("LD_LIBRARY_PATH", value)
            elif option not in _LOADER_VALUES and option != "--inhibit-cache":
                return at.stuck(Unclear(line=0, reason=f"what `{option}` of ld.so does"), line)
        path = words[0] if words else Unclear(line=0, reason="ld.so is given no program")
        path = path if isinstance(path, Unclear) else _joined(at, path)
        if isinstance(path, Unclear):
            return at.stuck(path, line)
        machine = self._machine_at(at)
        attempt = machine.load(path, self._role(path), by=node)
        found = attempt.findings
        if attempt.error and not found:
            found = (self._missing(f"has ld.so load `{path}` (line {line}), which is not there"),)
        return self._over(found, at, NOT_FOUND, is_exec=is_exec)

    def _role(self, path: str) -> Role:
        handler = self._machine.state.handler
        suffixes = ["", Arch.ARM64.suffix] if handler else []
        parts = [part for part in path.split("/") if part not in {"", "."}]
        for suffix in suffixes:
            own = [part for part in f"{handler}{suffix}".split("/") if part not in {"", "."}]
            if parts in (["var", "task", *own], ["opt", *own]):
                return Role.HANDLER
        return Role.PROGRAM

    def _machine_at(self, at: Situation) -> Machine:
        """The machine with the variables as the script has set them."""
        state = self._machine.state
        environment = dict(state.environment)
        for name in ("PATH", "LD_LIBRARY_PATH", "AWS_LAMBDA_EXEC_WRAPPER"):
            value = at.value(name)
            if isinstance(value, str):
                environment[name] = value
            elif value is None:
                environment.pop(name, None)
        handler = at.value("_HANDLER")
        return Machine(
            replace(
                state,
                environment=tuple(environment.items()),
                handler=handler if isinstance(handler, str) else state.handler,
            )
        )

    def _missing(self, sentence: str) -> Finding:
        return finding(
            "program-missing",
            self._where,
            sentence,
            hint="put it into the package, or a layer; a name without `/` is looked for along PATH"
            " alone",
        )


def _joined(at: Situation, path: str) -> str | Unclear:
    """A path from the working directory."""
    if path.startswith("/"):
        return path
    while path.startswith("./"):
        path = path[2:].lstrip("/")
    if at.folder is None:
        return Unclear(line=0, reason="it depends on the working directory")
    return f"{at.folder}/{path}"
