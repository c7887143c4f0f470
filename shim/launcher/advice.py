"""Why a start failed and what to do about it, in sentences, with the facts that they rest on.

Part of the full launcher, like explain.py. Nothing is read outside the task root and `/opt`.
"""

import os

from shim.launcher.failure import Failure, Start
from shim.launcher.inventory import Inventory, lies_below, nearest, take_inventory
from shim.launcher.program import Program, read_program
from shim.launcher.wording import show

SHOWN = 20
"""Handlers that a report lists."""

E2BIG, ENOEXEC, ENOMEM, EACCES, ETXTBSY, ENAMETOOLONG, ELOOP = 7, 8, 12, 13, 26, 36, 40

BUILD = {
    "x86_64": "Go: GOOS=linux GOARCH=amd64; Rust: --target x86_64-unknown-linux-musl",
    "arm64": "Go: GOOS=linux GOARCH=arm64; Rust: --target aarch64-unknown-linux-musl",
}
"""How the usual compilers are told."""

ERRORS = {
    E2BIG: "Arguments and environment are too large together",
    ENOMEM: "There is not enough memory: raise the function's memory size",
    ETXTBSY: "The file is open for writing",
    ENAMETOOLONG: "The path is too long: check LAMBDA_TASK_ROOT, which Lambda sets to /var/task",
    ELOOP: "Symbolic links lead in a circle: pack the file itself",
}
"""What an errno of `execve` means here, where it tells by itself what to do."""


class Case:
    """A failed start, what is in its package, and what lies where the exec failed."""

    def __init__(
        self, failure: Failure, start: Start, *, inventory: Inventory, program: Program
    ) -> None:
        self.failure = failure
        self.start = start
        self.inventory = inventory
        self.program = program
        self.arch = start.arch

    @property
    def fitting(self) -> list[bytes]:
        """The handlers that are there for this machine."""
        handlers = self.inventory.handlers.items()
        return [name for name, there_for in handlers if {self.arch, "any"} & there_for]


def advise(failure: Failure, start: Start) -> tuple[str, dict[str, object]]:
    """Why and what to do, as a text of a few sentences; and the facts, ready for JSON."""
    inventory = take_inventory((start.root, start.opt))
    program = _read_inside(failure.culprit, start)
    text = _ADVICE[failure.kind](Case(failure, start, inventory=inventory, program=program))
    return text, {
        "machine": start.arch,
        **_file_facts(failure.culprit, program),
        **_handler_facts(inventory),
    }


def _read_inside(path: bytes, start: Start) -> Program:
    roots = (os.path.realpath(start.root), os.path.realpath(start.opt))
    is_inside = path.startswith(b"/") and lies_below(os.path.realpath(path), roots)
    return (read_program(path, in_full=True) if is_inside else None) or Program()


def _file_facts(path: bytes, program: Program) -> dict[str, object]:
    if not (program.kind or program.problem):
        return {}
    facts: dict[str, object] = {"path": show(path), "kind": program.problem or program.kind}
    if program.machine or program.kind == "script":
        facts["architecture"] = program.arch
    if program.interpreter:
        facts["interpreter"] = show(program.interpreter)
    if program.glibc:
        facts["glibc"] = ".".join(map(str, program.glibc))
    return {"file": facts}


def _handler_facts(inventory: Inventory) -> dict[str, object]:
    names = sorted(inventory.handlers)
    listed = {show(name): sorted(inventory.handlers[name]) for name in names[:SHOWN]}
    facts: dict[str, object] = {"handlers": listed}
    if len(names) > SHOWN:
        facts["handlersLeftOut"] = len(names) - SHOWN
    if not inventory.is_complete:
        facts["handlersIncomplete"] = True
    return facts


def _handler_unset(case: Case) -> str:
    return "Lambda sets it to the function's Handler. " + _choice(case)


def _handler_invalid(case: Case) -> str:
    path = os.path.normpath(case.start.handler)
    inside = path.removeprefix(os.path.normpath(case.start.root) + b"/").lstrip(b"/")
    if inside in case.inventory.handlers:
        return f"Handler is a path within the package. Set it to {show(inside)}"
    return "Handler is a path within the package, such as bin/orders. " + _choice(case)


def _handler_is_launcher(case: Case) -> str:
    if case.failure.culprit == case.start.wrapper:
        return "AWS_LAMBDA_EXEC_WRAPPER must name another program: correct it, or remove it"
    if case.failure.culprit == case.start.handler:
        text = "bootstrap is the launcher; Handler names the program that it starts. "
        return text + _choice(case)
    return "This file is the launcher, or a link to it: put the handler's own program there"


def _handler_not_found(case: Case) -> str:
    for path in case.start.candidates:
        if os.path.islink(path):
            target = show(os.readlink(path))
            return f"{show(path)} is a link to {target}, which is missing: pack the file itself"
    there_for = case.inventory.handlers.get(os.path.normpath(case.start.handler))
    if there_for:
        arch = min(there_for)
        return (
            f"It is in the package for {arch} only, and this machine is {case.arch}: add it"
            f" built for {case.arch}, or set the function's Architectures to {arch}"
        )
    parts = case.start.handler.split(b"/")
    for size in range(1, len(parts)):
        part = b"/".join(parts[:size])
        if os.path.isfile(os.path.join(case.start.root, part)):
            return f"{show(part)} is a file, not a folder. " + _choice(case)
    return _choice(case)


def _choice(case: Case) -> str:
    """What Handler could be set to."""
    fitting = case.fitting
    meant = nearest(case.start.handler, fitting) if case.start.handler else []
    if meant:
        others = "".join(f" or {show(name)}" for name in meant[1:])
        return f"Nearest in the package: {show(meant[0])}{others}. Set Handler to the one meant"
    if fitting:
        names = sorted(fitting)
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        return f"Set Handler to one of: {', '.join(map(show, names[:5]))}{more}"
    if case.inventory.handlers:
        return f"No program in the package is for this machine, {case.arch}: build one for it"
    return "There is no program in the package: add one, built for " + case.arch


def _handler_not_executable(case: Case) -> str:
    path = case.failure.culprit
    if os.path.isdir(path):
        below = case.start.handler.rstrip(b"/") + b"/"
        inside = [name for name in case.fitting if name.startswith(below)]
        fix = f"Set Handler to {show(min(inside))}" if inside else _choice(case)
        return f"It is a folder. {fix}"
    if not os.path.isfile(path):
        return "It is not a regular file: pack the program itself"
    mode = os.stat(path).st_mode & 0o7777
    if mode & 0o111 == 0:
        return (
            f"Its mode is {mode:04o}, without a run bit, which zips made on Windows or by some"
            " libraries lack: `chmod 755` it before zipping, or make the zip with `shim pack`"
        )
    if case.program.interpreter:
        named = show(case.program.interpreter)
        return f"Its mode is {mode:04o}: what it names, {named}, may not be run"
    return f"Its mode is {mode:04o}, and so a folder on the way, or the file system, forbids it"


def _wrong_architecture(case: Case) -> str:
    arch = case.program.arch
    text = f"It is built for {arch}, and this machine is {case.arch}: "
    text += f"build it for {case.arch} ({BUILD[case.arch]})"
    if arch in BUILD:
        text += f", or set the function's Architectures to {arch}"
    if arch == "arm64" and not case.start.handler.endswith(b"_arm64"):
        name = show(case.start.handler)
        text += f". A package for both holds {name} for x86_64 and {name}_arm64 for arm64"
    return text


def _interpreter_missing(case: Case) -> str:
    if not case.program.interpreter:
        return "What it names is not on this machine"
    wanted = show(case.program.interpreter.rstrip(b"\r"))
    if case.program.has_carriage_return:
        return (
            "Its first line ends with a carriage return, as Windows ends lines, and no program is"
            f" called `{wanted}` and a carriage return: give it Unix line ends (`dos2unix`, or"
            f" `sed -i 's/\\r$//' {show(case.start.handler)}`)"
        )
    if case.program.kind == "script":
        if not wanted.startswith("/"):
            return (
                f"Its first line names `{wanted}`, which is not an absolute path: `#!/bin/sh`, say"
            )
        return (
            f"Its first line names {wanted}, which is not on this machine: name one that the"
            " runtime has, such as /bin/sh, or pack the interpreter and name it by its path"
        )
    return _loader_missing(wanted, case.program)


def _loader_missing(wanted: str, program: Program) -> str:
    text = f"Its loader, {wanted}, is not on this machine. "
    if "musl" in wanted:
        text += "It was linked against musl, on Alpine Linux say, which Lambda's runtimes lack: "
    text += "link it statically (Go: CGO_ENABLED=0), or build it on Amazon Linux"
    if program.glibc:
        version = ".".join(map(str, program.glibc))
        text += f". It needs glibc {version} too (provided.al2023 has 2.34, provided.al2 2.26)"
    return text


def _launch_failed(case: Case) -> str:
    if case.failure.culprit == case.start.wrapper:
        text = {
            ENOEXEC: "is neither a program for this machine nor a script with a `#!` line",
            EACCES: "may not be executed: `chmod 755` it before zipping",
        }.get(case.failure.error, "can't be started: " + os.strerror(case.failure.error))
        return f"AWS_LAMBDA_EXEC_WRAPPER is set, and what it names {text}. Correct it or remove it"
    if case.failure.error == ENOEXEC:
        return _no_program(case.program, case.arch)
    return ERRORS.get(case.failure.error, os.strerror(case.failure.error))


def _no_program(program: Program, arch: str) -> str:
    if "#!" in program.problem:
        return f"It is {program.problem}: a script begins with `#!/bin/sh`, or another such line"
    if program.problem:
        return f"It is {program.problem}. Build it for {arch} ({BUILD[arch]})"
    return "Its ELF header is right, but the rest is not: it is damaged or cut off. Build it again"


_ADVICE = {
    "HandlerUnset": _handler_unset,
    "HandlerInvalid": _handler_invalid,
    "HandlerIsLauncher": _handler_is_launcher,
    "HandlerNotFound": _handler_not_found,
    "HandlerNotExecutable": _handler_not_executable,
    "WrongArchitecture": _wrong_architecture,
    "InterpreterMissing": _interpreter_missing,
    "LaunchFailed": _launch_failed,
}
