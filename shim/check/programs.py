"""The programs that a script starts: where they are, and what comes of it."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shim.arch import Arch
from shim.check.absent import left_open
from shim.check.attempt import Attempt, Role
from shim.check.execution import Machine
from shim.check.findings import Severity, finding
from shim.check.situation import Stuck
from shim.check.tree import OPT, TASK, Node
from shim.package.shell import SHELLS, Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shim.check.findings import Finding
    from shim.check.situation import Situation, Value

_TEMPORARY = "/tmp/"  # noqa: S108 - a name that is looked up in a model
_LOADER = re.compile(r"ld-(linux|musl)[-\w]*\.so\.\d|ld-\d[.\d]*\.so")
_STARTING = frozenset(
    {"nice", "nohup", "timeout", "xargs", "setsid", "stdbuf", "strace", "chroot", "find"}
)
"""Programs of a runtime's that may start any other."""

_CERTAIN = frozenset(
    {"basename", "curl", "cut", "date", "dirname", "echo", "env", "hostname", "id", "mktemp"}
    | {"nproc", "printf", "pwd", "seq", "sleep", "tr", "true", "uname", "whoami"}
)
"""Programs of a runtime's whose success no file of the package decides."""

_MAKING = frozenset({"mkdir", "rm", "touch"})
"""The same, where all that they are given lies in /tmp."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """What came of starting a program."""

    findings: tuple[Finding, ...] = ()
    is_own: bool = False
    """Whether it is the package's, or a layer's, and not the runtime's."""
    is_certain: bool = False
    """Whether it succeeds."""

    @property
    def fails(self) -> bool:
        """Whether it could not be started."""
        return any(one.severity is Severity.ERROR for one in self.findings)

    @property
    def only_ends(self) -> bool:
        """Whether it is a script that ends by itself, as one that prepares something does."""
        errors = [one for one in self.findings if one.severity is Severity.ERROR]
        return bool(errors) and all(one.code == "script-ends" for one in errors)


class Programs:
    """Starts the programs of a script, as it stands at `at`; people know it as `where`."""

    def __init__(self, machine: Machine, begin: Begin, at: Situation, *, where: str) -> None:
        self._machine, self._begin, self._at, self._where = machine, begin, at, where

    def start(self, fields: Sequence[Value], line: int) -> Started:
        """Start the program that the first word names, with the others."""
        name, *rest = fields or [Unclear(reason="it names no program")]
        if isinstance(name, Unclear):
            raise Stuck(name)
        path = self._path(name)
        if path is None:
            return self._absent(name, line)
        if path.startswith(_TEMPORARY):
            raise Stuck("it runs what it made in /tmp itself")
        node = self._machine.tree.find(path)
        is_own = path.startswith((f"{TASK}/", f"{OPT}/"))
        if isinstance(node, int):
            return self._own(path, rest, line) if is_own else self._absent(path, line)
        if _LOADER.fullmatch(node.path.rpartition("/")[2]):
            return self._loaded(node, rest, line)
        if not node.is_system:
            return self._own(path, rest, line)
        if is_own:
            raise Stuck(f"`{path}` is a link out of the package")
        return self._system(node.path.rpartition("/")[2], rest, line)

    def missing(self, sentence: str, path: str) -> Finding:
        """What isn't there, unless a layer that is not at hand has it."""
        found = finding(
            "program-missing",
            self._where,
            sentence,
            hint="put it into the package, or a layer; a name without `/` is looked for along PATH"
            " alone",
        )
        return left_open(self._machine.state, found, path)

    def _path(self, name: str) -> str | None:
        """The path that a command's name stands for; None where it is not along PATH."""
        if "/" in name or not name:
            return _known(self._at.path(name))
        for folder in _known(self._at.value("PATH") or "").split(":"):
            path = _known(self._at.path(f"{folder or '.'}/{name}"))
            node = self._machine.tree.find(path)
            if isinstance(node, Node) and node.is_executable:
                return path
        return None

    def _absent(self, name: str, line: int) -> Started:
        """A program that would be the runtime's, and isn't known to be there."""
        where = "is not there" if "/" in name else "is not along PATH"
        sentence = (
            f"runs `{name}` (line {line}), which {where} in {self._machine.state.runtime.name}"
        )
        # PATH has a folder of the layers'.
        return Started(findings=(self.missing(sentence, name if "/" in name else OPT),))

    def _system(self, name: str, rest: Sequence[Value], line: int) -> Started:
        """A program of the runtime's; what it does isn't followed, but for shells."""
        if name in _STARTING:
            raise Stuck(f"what `{name}` starts")
        if name == "env":
            return self._env(list(rest), line)
        if name in SHELLS:
            path = self._given(name, rest)
            found = self._machine.tree.find(path)
            if isinstance(found, Node) and found.is_system:
                raise Stuck(f"what `{path}` does")
            return self._own(path, rest[1:], line, Role.SHELL_SCRIPT)
        return Started(is_certain=name in _CERTAIN or (name in _MAKING and _in_temporary(rest)))

    def _env(self, rest: list[Value], line: int) -> Started:
        while rest and isinstance(word := rest[0], str) and "=" in word:
            variable, _, value = word.partition("=")
            rest = rest[1:]
            self._at.variables[variable] = value
        if not rest:
            return Started()
        self._given("env", rest)
        return self.start(rest, line)

    def _given(self, name: str, rest: Sequence[Value]) -> str:
        """The path that a program is given, in front of all else."""
        path = rest[0] if rest else ""
        if isinstance(path, Unclear) or path.startswith("-") or not path:
            raise Stuck(f"what `{name}` is given")
        return _known(self._at.path(path))

    def _own(
        self, path: str, rest: Sequence[Value], line: int, role: Role | None = None
    ) -> Started:
        role = role or self._role(path)
        attempt = self._begin(self._machine_now(), path, role, tuple(rest))
        is_odd = attempt.error == errno.ENOEXEC and role is not Role.SHELL_SCRIPT
        if is_odd and any(one.code in _READ_BY_SHELL for one in attempt.findings):
            raise Stuck(f"`{path}` has no `#!` line, and the shell reads it as its own script")
        return self._started(attempt, f"runs `{path}` (line {line})")

    def _loaded(self, node: Node, rest: Sequence[Value], line: int) -> Started:
        """A program that the dynamic linker is asked to start (ld.so(8))."""
        if len(rest) > 2 and rest[0] == "--library-path":
            self._at.variables["LD_LIBRARY_PATH"], rest = rest[1], rest[2:]
        path = self._given("ld.so", rest)
        attempt = self._machine_now().load(path, self._role(path), by=node)
        return self._started(attempt, f"has ld.so load `{path}` (line {line})")

    def _started(self, attempt: Attempt, sentence: str) -> Started:
        """What came of a program of the package's."""
        found = attempt.findings
        if attempt.error and not found:
            how = "is not there" if attempt.is_absent else "can't be executed"
            found = (self.missing(f"{sentence}, which {how}", attempt.path),)
        if any(isinstance(self._at.value(name), Unclear) for name in ("PATH", "LD_LIBRARY_PATH")):
            found = tuple(
                replace(one, severity=Severity.UNKNOWN) if one.code in _ON_VARIABLES else one
                for one in found
            )
        return Started(findings=tuple(found), is_own=True)

    def _role(self, path: str) -> Role:
        handler = self._machine.state.handler
        parts = [part for part in path.split("/") if part not in {"", "."}]
        for suffix in ["", Arch.ARM64.suffix] if handler else []:
            own = [part for part in f"{handler}{suffix}".split("/") if part not in {"", "."}]
            if parts in (["var", "task", *own], ["opt", *own]):
                return Role.HANDLER
        return Role.PROGRAM

    def _machine_now(self) -> Machine:
        """The machine with the variables as the script has set them."""
        state = self._machine.state
        environment = dict(state.environment)
        for name in ("PATH", "LD_LIBRARY_PATH", "AWS_LAMBDA_EXEC_WRAPPER"):
            value = self._at.value(name)
            if isinstance(value, str):
                environment[name] = value
            elif value is None:
                environment.pop(name, None)
        handler = self._at.value("_HANDLER")
        handler = handler if isinstance(handler, str) else state.handler
        return Machine(replace(state, environment=tuple(environment.items()), handler=handler))


def _in_temporary(words: Sequence[Value]) -> bool:
    return all(isinstance(word, str) and word.startswith((_TEMPORARY, "-")) for word in words)


def _known(value: Value) -> str:
    if isinstance(value, Unclear):
        raise Stuck(value)
    return value
