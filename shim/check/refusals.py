"""What Linux refuses, in words: findings of what can't be executed, and what to do about it."""

from __future__ import annotations

import errno
from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.absent import left_open
from shim.check.attempt import Role
from shim.check.findings import Finding, Severity, finding
from shim.elf import other_system
from shim.package.foreign import foreign_program
from shim.package.placeholders import is_lfs_pointer, link_in_text

if TYPE_CHECKING:
    from shim.check.attempt import Attempt
    from shim.check.state import State
    from shim.check.tree import File, Node
    from shim.elf import ElfStart
    from shim.package.executables import Shebang

_REBUILD = "build it for {arch} (Go: `GOOS=linux GOARCH={go}`)"


def packed(where: str, packer: str) -> Finding:
    """A program that shows only what unpacks it."""
    return finding(
        "program-packed",
        where,
        f"is packed by {packer}: which interpreter and libraries it needs can't be seen",
        hint="check the program as it was before, or try this one: `shim run`",
    )


def rebuild(arch: Arch) -> str:
    """How to build for that architecture."""
    return _REBUILD.format(arch=arch, go="arm64" if arch is Arch.ARM64 else "amd64")


def is_folder(node: Node, path: str, role: Role) -> Finding:
    """A folder where a program should be."""
    where = node.file.where if node.file else path
    code = f"{role.value}-not-executable" if role is not Role.HANDLER else "handler-directory"
    if role is Role.INTERPRETER:
        code = "script-interpreter-missing"
    return finding(code, where, "is a folder, not a program", hint="name the program in it")


def not_executable(file: File, role: Role) -> Finding:
    """No run bit for everybody; of a zip without modes, none at all."""
    code = "script-interpreter-missing" if role is Role.INTERPRETER else f"{role}-not-executable"
    if not file.package.has_modes:
        return finding(
            code,
            file.where,
            "has no run bit: the zip, made on Windows it seems, has no modes",
            hint="pack it with `shim pack`, which sets modes on every system",
        )
    return finding(
        code,
        file.where,
        f"has the mode {file.entry.mode:04o}, and Lambda runs it as a user who needs o+x",
        hint="`chmod 755` it before it is packed, or pack it with `shim pack`, which sets modes",
    )


def no_program(start: bytes, file: File, arch: Arch) -> Finding:
    """Neither ELF nor `#!`; the hint says what it stands for."""
    if foreign := foreign_program(start):
        return finding("program-not-linux", file.where, f"is {foreign}", hint=rebuild(arch))
    what = "is empty" if not start else "is neither an ELF program nor a `#!` script"
    hint = "a script needs `#!/bin/sh`, or its like, as first line"
    if start.startswith(BOM_UTF8 + b"#!"):
        what = "has a byte order mark in front of its `#!`, and Linux takes it for no script"
        hint = "save it as UTF-8 without a byte order mark: `sed -i '1s/^\\xef\\xbb\\xbf//' FILE`"
    elif is_lfs_pointer(file.entry):
        what, hint = "is a Git LFS pointer, not the file itself", "fetch the file: `git lfs pull`"
    elif target := link_in_text(file.package, file.entry):
        what = f"is a link that was stored as text: it holds the path of `{target}`"
        hint = "let Git write links (`git config core.symlinks true`), or put the file itself there"
    return finding("no-program", file.where, what, hint=hint)


def no_script(where: str) -> Finding:
    """A program where a shell is to read a script."""
    return finding(
        "no-program",
        where,
        "is an ELF program, and a shell is to read it as a script",
        hint="start it itself, without `sh` or `bash` in front",
    )


def no_interpreter(where: str) -> Finding:
    """`#!` and nothing behind it."""
    return finding(
        "no-program",
        where,
        "names no interpreter after `#!`",
        hint="say which program runs it: `#!/bin/sh`",
    )


def line_too_long(where: str) -> Finding:
    """A first line that Linux cuts."""
    return finding(
        "script-line-long",
        where,
        "has a first line of more than the 255 bytes that Linux reads",
        hint="shorten the interpreter's path or its arguments",
    )


def crlf(where: str) -> Finding:
    """A first line that ends as on Windows."""
    return finding(
        "script-crlf",
        where,
        "has CRLF line ends: Linux takes the carriage return as part of the interpreter's name or"
        " argument",
        hint="write it with Unix line ends: `sed -i 's/\\r$//' FILE`, `*.sh text eol=lf` in"
        " .gitattributes",
    )


def unreadable_script(where: str, interpreter: Attempt) -> Finding:
    """An error under the runtime's own programs; of the package's, nobody knows what they read."""
    is_known = interpreter.node is not None and interpreter.node.is_system
    return finding(
        "script-unreadable",
        where,
        "may be executed but not read, and its interpreter has to read it",
        hint="`chmod 755` it before it is packed, or pack it with `shim pack`",
        severity=None if is_known else Severity.WARNING,
    )


def missing_interpreter(where: str, shebang: Shebang, inner: Attempt, state: State) -> Finding:
    """The program after `#!` is not there."""
    what = "is not there" if inner.error == errno.ENOENT else "can't be executed"
    missing = finding(
        "script-interpreter-missing",
        where,
        f"is run by `{shebang.interpreter}`, which {what} in {state.runtime.name}",
        hint="bring the program along in the package or a layer, or compile the handler",
    )
    return left_open(state, missing, shebang.interpreter)


def no_loader(where: str, start: ElfStart, state: State) -> Finding:
    """The ELF interpreter is not there."""
    interpreter, system = start.interpreter or "", other_system(start)
    musl = "; it is linked against musl" if "musl" in interpreter else ""
    hint = rebuild(state.arch) if system else "link it statically, or against glibc"
    if interpreter.startswith("/nix/store/"):
        hint = "Nix links programs against its own store: link it statically (`pkgsStatic`)"
    missing = finding(
        "interpreter-missing",
        where,
        f"wants the ELF interpreter `{interpreter}`, which is not in {state.runtime.name}"
        + (f"; it is for {system}" if system else musl),
        hint=hint,
    )
    return left_open(state, missing, interpreter)
