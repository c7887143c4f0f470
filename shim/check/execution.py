"""What happens when Linux executes a file: the same checks in the same order, with the same errors.

(fs/exec.c, fs/binfmt_script.c, fs/binfmt_elf.c.) An `Attempt` with the error 0 has been started;
its findings then say what ends it before its own first instruction.
"""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.findings import Finding, Severity, finding
from shim.check.runtimes import read_service
from shim.check.tree import File, Node, Tree
from shim.elf import EXECUTABLE, MAGIC, SHARED, ElfInvalid, ElfStart, other_system
from shim.package.contents import Unreadable
from shim.package.executables import (
    Shebang,
    elf_start,
    first_bytes,
    is_program,
    read_first,
    read_shebang,
)
from shim.package.foreign import foreign_program
from shim.package.program import FIRST_LINE, FOR_LINUX

if TYPE_CHECKING:
    from shim.check.state import State

_NESTED_LIMIT = 5
_REBUILD = "build it for {arch} (Go: `GOOS=linux GOARCH={go}`)"
_AGAIN = "build it, or copy it, once more"


class Role(StrEnum):
    """As what a file is executed; some findings' codes begin with it."""

    BOOTSTRAP = "bootstrap"
    HANDLER = "handler"
    WRAPPER = "wrapper"
    EXTENSION = "extension"
    INTERPRETER = "interpreter"
    PROGRAM = "program"
    """What a script names."""
    SHELL_SCRIPT = "script"
    """What a shell is given to read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What came of executing a path."""

    path: str
    error: int = 0
    node: Node | None = None
    findings: tuple[Finding, ...] = field(default=())
    is_followed: bool = False
    """Whether what it starts has been looked at: a script's programs."""

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing at the path."""
        return self.node is None


class Machine:
    """The tree of a state, ready to execute its files."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.tree = Tree.of(state)

    @property
    def path(self) -> str:
        """The variable PATH."""
        return self.state.variable("PATH", ":".join(read_service().path))

    @property
    def library_path(self) -> str:
        """The variable LD_LIBRARY_PATH."""
        return self.state.variable("LD_LIBRARY_PATH", ":".join(read_service().library_path))

    def read(self, path: str) -> Attempt:
        """Have a shell read `path`."""
        node = self.tree.find(path)
        if isinstance(node, int):
            return Attempt(path=path, error=node)
        is_readable = node.is_readable and not node.is_folder
        return Attempt(path=path, error=0 if is_readable else errno.EACCES, node=node)

    def load(self, path: str, role: Role, *, by: Node) -> Attempt:
        """Have the dynamic linker `by` start `path`, which needs no run bit for that."""
        node = self.tree.find(path)
        if isinstance(node, int):
            return Attempt(path=path, error=node)
        if node.file is None or node.is_folder or not node.is_readable:
            return Attempt(path=path, error=errno.EACCES, node=node)
        where = node.file.where
        try:
            start = elf_start(node.file.entry)
        except (ElfInvalid, Unreadable) as error:
            problem: Finding | None = finding("elf-invalid", where, str(error), hint=_AGAIN)
        else:
            problem = self._header_problem(start, where, role)
        if problem:
            return self._refused(path, node, errno.ENOEXEC, problem)
        found = check_linking(self.tree, self.state, node.path, node.file) if by.is_system else ()
        return self._refused(path, node, 0, *found)

    def execute(self, path: str, role: Role, *, depth: int = 0) -> Attempt:
        """Execute `path`; what stands there is in the attempt, whether it starts or not."""
        node = self.tree.find(path)
        if isinstance(node, int):
            return Attempt(path=path, error=node)
        if node.is_system and not node.is_folder:
            return Attempt(path=path, node=node)
        file = node.file
        if node.is_folder or file is None:
            return self._refused(path, node, errno.EACCES, _directory(node, path, role))
        if not stat.S_ISREG(file.entry.kind):
            return Attempt(path=path, error=errno.EACCES, node=node)
        if not node.is_executable:
            return self._refused(path, node, errno.EACCES, _not_executable(file, role))
        try:
            start = read_first(file.entry)
        except Unreadable as error:
            unreadable = finding(
                "entry-unreadable", file.where, str(error), hint="make the zip again"
            )
            return self._refused(path, node, errno.ENOENT, unreadable)
        if start.startswith(b"#!"):
            return self._execute_script(path, node, file, depth=depth)
        if start.startswith(MAGIC):
            return self._execute_elf(path, node, file, role=role)
        return self._refused(path, node, errno.ENOEXEC, _no_program(start, file.where))

    def _refused(self, path: str, node: Node, error: int, *findings: Finding) -> Attempt:
        return Attempt(path=path, error=error, node=node, findings=findings)

    def _execute_script(self, path: str, node: Node, file: File, *, depth: int) -> Attempt:
        where, start = file.where, first_bytes(file.entry)
        shebang = read_shebang(start)
        if shebang is None:
            is_long = len(start) == FIRST_LINE and b"\n" not in start
            problem = _too_long(where) if is_long else _no_interpreter(where)
            return self._refused(path, node, errno.ENOEXEC, problem)
        if depth >= _NESTED_LIMIT:
            nested = finding(
                "script-nested",
                where,
                "is interpreted by scripts that scripts interpret, more than Linux follows",
                hint="name a program after `#!`, not a script",
            )
            return self._refused(path, node, errno.ELOOP, nested)
        is_crlf = shebang.interpreter.endswith("\r") or shebang.argument.endswith("\r")
        inner = self.execute(shebang.interpreter, Role.INTERPRETER, depth=depth + 1)
        if is_crlf:
            return self._refused(path, node, inner.error, _crlf(where))
        if inner.error:
            missing = inner.findings or (_missing_interpreter(where, shebang, inner, self.state),)
            return self._refused(path, node, inner.error, *missing)
        own = self._script_findings(where, shebang)
        if not node.is_readable:
            own.append(_unreadable_script(where, inner))
        return self._refused(path, node, 0, *inner.findings, *own)

    def _script_findings(self, where: str, shebang: Shebang) -> list[Finding]:
        """What ends a script although its interpreter has been started."""
        findings = []
        if shebang.is_cut and shebang.argument:
            findings.append(replace(_too_long(where), severity=Severity.WARNING))
        if shebang.interpreter.rpartition("/")[2] == "env":
            findings += self._env_findings(where, shebang)
        return findings

    def _env_findings(self, where: str, shebang: Shebang) -> list[Finding]:
        """`env` looks for the program along PATH, and takes all that follows as its name."""
        name = env_program(shebang.argument)
        folders = self.path.split(":")
        if name and "/" in name:
            folders = [""]
        for folder in folders if name else ():
            attempt = self.execute(f"{folder}/{name}" if folder else name, Role.INTERPRETER)
            if attempt.error not in {errno.ENOENT, errno.ENOTDIR, errno.EACCES}:
                return list(attempt.findings)
        return [
            finding(
                "script-interpreter-missing",
                where,
                f"is run by `{name}`, which is not along PATH in {self.state.runtime.name}"
                if name
                else "names `env` after `#!`, and no program",
                hint="`env` takes what follows as one name: put arguments behind `-S`"
                if " " in shebang.argument
                else "bring the program along in a layer's `bin`, or compile the handler",
            )
        ]

    def _execute_elf(self, path: str, node: Node, file: File, *, role: Role) -> Attempt:
        where = file.where
        try:
            start = elf_start(file.entry)
        except (ElfInvalid, Unreadable) as error:
            return self._refused(
                path, node, errno.ENOEXEC, finding("elf-truncated", where, str(error), hint=_AGAIN)
            )
        if problem := self._header_problem(start, where, role):
            return self._refused(path, node, errno.ENOEXEC, problem)
        if start.interpreter is not None:
            # What static programs don't need, and what takes longer to import than to run.
            from shim.check.interpreter import refusal

            inner = self.tree.find(start.interpreter)
            if isinstance(inner, int):
                missing = _no_loader(where, start, self.state)
                return self._refused(path, node, inner, missing)
            if refused := refusal(self.state, file, inner):
                return self._refused(path, node, *refused)
        return self._refused(path, node, 0, *self._elf_findings(node.path, file, start))

    def _header_problem(self, start: ElfStart, where: str, role: Role) -> Finding | None:
        """Why Linux wouldn't take it for a program of this machine."""
        arch = self.state.arch
        rebuild = _rebuild(arch)
        if not start.is_64_bit or not start.is_little_endian:
            kind = "a 32-bit program" if not start.is_64_bit else "a big-endian program"
            return finding("elf-not-64-bit", where, f"is {kind}", hint=rebuild)
        if start.machine != arch.elf_machine:
            other = Arch.from_elf_machine(start.machine)
            name = other or f"another machine (ELF machine {start.machine})"
            code = "handler" if role is Role.INTERPRETER else role.value
            return finding(
                f"{code}-wrong-architecture",
                where,
                f"is built for {name}, the function runs on {arch}",
                hint=rebuild,
            )
        if start.type not in {EXECUTABLE, SHARED}:
            return finding(
                "elf-not-executable", where, "is an object file or a core, no program", hint=rebuild
            )
        if not start.segments or start.interpreter_is_broken:
            return finding("elf-invalid", where, "has headers that Linux refuses", hint=_AGAIN)
        return None

    def _elf_findings(self, path: str, file: File, start: ElfStart) -> list[Finding]:
        """What ends a program that Linux has taken."""
        where = file.where
        if start.end > file.entry.size:
            sentence = f"is cut off: {file.entry.size:,} bytes of at least {start.end:,}"
            return [finding("elf-truncated", where, sentence, hint=_AGAIN)]
        if system := other_system(start):
            return [
                finding(
                    "program-not-linux", where, f"is for {system}", hint=_rebuild(self.state.arch)
                )
            ]
        if not is_program(file.entry) and start.interpreter is None:
            return [
                finding("elf-not-executable", where, "is a shared library", hint="give a program")
            ]
        if not start.has_entry:
            return [
                finding("elf-invalid", where, "begins where it has no instructions", hint=_AGAIN)
            ]
        if start.packer:
            return [_packed(where, start.packer)]
        if start.interpreter is None:
            return []
        from shim.check.interpreter import check_linker  # as above

        return list(check_linker(self.tree, self.state, path, file, start.interpreter))


def _packed(where: str, packer: str) -> Finding:
    return finding(
        "program-packed",
        where,
        f"is packed by {packer}: which interpreter and libraries it needs can't be seen",
        hint="check the program as it was before, or try this one: `shim run`",
    )


def env_program(argument: str) -> str:
    """The program that `env` starts for the one argument that a `#!` line gives it."""
    if not argument.startswith("-"):
        return argument
    words = argument.removeprefix("-S").removeprefix("--split-string=").split()
    return next((word for word in words if "=" not in word and not word.startswith("-")), "")


def _rebuild(arch: Arch) -> str:
    return _REBUILD.format(arch=arch, go="arm64" if arch is Arch.ARM64 else "amd64")


def _directory(node: Node, path: str, role: Role) -> Finding:
    where = node.file.where if node.file else path
    code = f"{role.value}-not-executable" if role is not Role.HANDLER else "handler-directory"
    if role is Role.INTERPRETER:
        code = "script-interpreter-missing"
    return finding(code, where, "is a folder, no program", hint="name the program in it")


def _not_executable(file: File, role: Role) -> Finding:
    code = "script-interpreter-missing" if role is Role.INTERPRETER else f"{role}-not-executable"
    return finding(
        code,
        file.where,
        f"has the mode {file.entry.mode:04o}, and Lambda runs it as a user who needs o+x",
        hint="`chmod 755` it before it is packed, or pack it with `shim pack`, which sets modes",
    )


def _no_program(start: bytes, where: str) -> Finding:
    if foreign := foreign_program(start):
        return finding("program-not-linux", where, f"is {foreign}", hint=FOR_LINUX)
    what = "is empty" if not start else "is neither an ELF program nor a `#!` script"
    return finding(
        "no-program", where, what, hint="a script needs `#!/bin/sh`, or its like, as first line"
    )


def _no_interpreter(where: str) -> Finding:
    return finding(
        "no-program",
        where,
        "names no interpreter after `#!`",
        hint="say which program runs it: `#!/bin/sh`",
    )


def _too_long(where: str) -> Finding:
    return finding(
        "script-line-long",
        where,
        "has a first line of more than the 255 bytes that Linux reads",
        hint="shorten the interpreter's path or its arguments",
    )


def _crlf(where: str) -> Finding:
    return finding(
        "script-crlf",
        where,
        "has CRLF line ends: Linux takes the carriage return as part of the interpreter's name or"
        " argument",
        hint="write it with Unix line ends: `sed -i 's/\\r$//' FILE`, `*.sh text eol=lf` in"
        " .gitattributes",
    )


def _unreadable_script(where: str, interpreter: Attempt) -> Finding:
    """An error under the runtime's own programs; of the package's, nobody knows what they read."""
    is_known = interpreter.node is not None and interpreter.node.is_system
    return finding(
        "script-unreadable",
        where,
        "may be executed but not read, and its interpreter has to read it",
        hint="`chmod 755` it before it is packed, or pack it with `shim pack`",
        severity=None if is_known else Severity.WARNING,
    )


def _missing_interpreter(where: str, shebang: Shebang, inner: Attempt, state: State) -> Finding:
    what = "is not there" if inner.error == errno.ENOENT else "can't be executed"
    return finding(
        "script-interpreter-missing",
        where,
        f"is run by `{shebang.interpreter}`, which {what} in {state.runtime.name}",
        hint="bring the program along in the package or a layer, or compile the handler",
    )


def _no_loader(where: str, start: ElfStart, state: State) -> Finding:
    interpreter, system = start.interpreter or "", other_system(start)
    musl = "; it is linked against musl" if "musl" in interpreter else ""
    return finding(
        "interpreter-missing",
        where,
        f"wants the ELF interpreter `{interpreter}`, which is not in {state.runtime.name}"
        + (f"; it is for {system}" if system else musl),
        hint=_rebuild(state.arch) if system else "link it statically, or against glibc",
    )
