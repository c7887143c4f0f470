"""What happens when Linux executes a file: the same checks in the same order, with the same errors.

(fs/exec.c, fs/binfmt_script.c, fs/binfmt_elf.c.) An `Attempt` with the error 0 has been started;
its findings then say what ends it before its own first instruction.
"""

from __future__ import annotations

import errno
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check import refusals
from shim.check.absent import left_open
from shim.check.attempt import Attempt, Role
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
from shim.package.program import FIRST_LINE

if TYPE_CHECKING:
    from shim.check.state import State

_NESTED_LIMIT = 5
_AGAIN = "build it, or copy it, once more"


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
        if node.is_folder or not node.is_readable:
            return Attempt(path=path, error=errno.EACCES, node=node)
        if node.file and first_bytes(node.file.entry).startswith(MAGIC):
            problem = refusals.no_script(node.file.where)
            return self._refused(path, node, errno.ENOEXEC, problem)
        return Attempt(path=path, node=node)

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
        if not by.is_system:
            return Attempt(path=path, node=node)
        from shim.check.linking import check_linking  # what few scripts do

        found = check_linking(self.tree, self.state, node.path, node.file)
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
            return self._refused(path, node, errno.EACCES, refusals.is_folder(node, path, role))
        if not stat.S_ISREG(file.entry.kind):
            return Attempt(path=path, error=errno.EACCES, node=node)
        if not node.is_executable:
            return self._refused(path, node, errno.EACCES, refusals.not_executable(file, role))
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
        problem = refusals.no_program(start, file, self.state.arch)
        return self._refused(path, node, errno.ENOEXEC, problem)

    def _refused(self, path: str, node: Node, error: int, *findings: Finding) -> Attempt:
        return Attempt(path=path, error=error, node=node, findings=findings)

    def _execute_script(self, path: str, node: Node, file: File, *, depth: int) -> Attempt:
        where, start = file.where, first_bytes(file.entry)
        shebang = read_shebang(start)
        if shebang is None:
            is_long = len(start) == FIRST_LINE and b"\n" not in start
            problem = refusals.line_too_long(where) if is_long else refusals.no_interpreter(where)
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
            return self._refused(path, node, inner.error, refusals.crlf(where))
        if inner.error:
            missing = inner.findings or (
                refusals.missing_interpreter(where, shebang, inner, self.state),
            )
            return self._refused(path, node, inner.error, *missing)
        own = self._script_findings(where, shebang)
        if not node.is_readable:
            own.append(refusals.unreadable_script(where, inner))
        return self._refused(path, node, 0, *inner.findings, *own)

    def _script_findings(self, where: str, shebang: Shebang) -> list[Finding]:
        """What ends a script although its interpreter has been started."""
        findings = []
        if shebang.is_cut and shebang.argument:
            findings.append(replace(refusals.line_too_long(where), severity=Severity.WARNING))
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
        missing = finding(
            "script-interpreter-missing",
            where,
            f"is run by `{name}`, which is not on PATH in {self.state.runtime.name}"
            if name
            else "names `env` after `#!`, and no program",
            hint="`env` takes what follows as one name: put arguments behind `-S`"
            if " " in shebang.argument
            else "bring the program along in a layer's `bin`, or compile the handler",
        )
        # PATH has a folder of the layers'.
        return [left_open(self.state, missing) if name else missing]

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
                missing = refusals.no_loader(where, start, self.state)
                return self._refused(path, node, inner, missing)
            if refused := refusal(self.state, file, inner):
                return self._refused(path, node, *refused)
        return self._refused(path, node, 0, *self._elf_findings(node.path, file, start))

    def _header_problem(self, start: ElfStart, where: str, role: Role) -> Finding | None:
        """Why Linux wouldn't take it for a program of this machine."""
        arch = self.state.arch
        rebuild = refusals.rebuild(arch)
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
                "elf-not-executable",
                where,
                "is an object file or a core dump, not a program",
                hint="give the program that the linker makes of it",
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
                    "program-not-linux",
                    where,
                    f"is for {system}",
                    hint=refusals.rebuild(self.state.arch),
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
            return [refusals.packed(where, start.packer)]
        if start.interpreter is None:
            return []
        from shim.check.interpreter import check_linker  # as above

        return list(check_linker(self.tree, self.state, path, file, start.interpreter))


def env_program(argument: str) -> str:
    """The program that `env` starts for the one argument that a `#!` line gives it."""
    if not argument.startswith("-"):
        return argument
    words = argument.removeprefix("-S").removeprefix("--split-string=").split()
    return next((word for word in words if "=" not in word and not word.startswith("-")), "")
