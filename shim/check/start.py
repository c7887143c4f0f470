"""How Lambda starts a function: extensions, then `bootstrap` (docs/why/lambda.md)."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from shim.check.attempt import Role
from shim.check.begin import begin, launcher_path
from shim.check.findings import Finding, finding, location
from shim.check.launch import candidates, check_handler_alone
from shim.check.missing import PACK, missing_bootstrap
from shim.check.runtimes import read_service
from shim.check.tree import OPT, TASK, Node
from shim.package.contents import Unreadable
from shim.package.executables import Kind, kind_of, script_text
from shim.package.names import BOOTSTRAP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.check.execution import Machine
    from shim.package.read import Entry

BOOTSTRAPS = (f"{TASK}/{BOOTSTRAP}", f"{OPT}/{BOOTSTRAP}")
_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_MENTION_LIMIT = 16 << 20
"""Bytes of a `bootstrap` that is searched; of a larger one nothing is claimed."""


def check_start(machine: Machine) -> Iterator[Finding]:
    """What keeps the function from starting, in the order in which Lambda would meet it."""
    state = machine.state
    if state.arch not in state.runtime.architectures:
        yield finding(
            "runtime-architecture",
            state.runtime.name,
            f"{state.runtime.name} does not run on {state.arch}",
            hint="choose provided.al2023, which runs on both",
        )
    yield from _check_extensions(machine)
    if state.runtime.runs_handler:
        yield from check_handler_alone(machine, begin)
        return
    found = _find_bootstrap(machine)
    if found is None:
        yield missing_bootstrap(machine)
        return
    path, node = found
    yield from _check_bootstrap_path(machine, path, node)
    if node.file and machine.state.variable(_WRAPPER) and not _mentions_wrapper(node.file.entry):
        yield finding(
            "wrapper-ignored",
            node.file.where,
            f"doesn't look at {_WRAPPER}, which is set to `{machine.state.variable(_WRAPPER)}`",
            hint=f"Lambda itself starts no wrapper on OS-only runtimes: {PACK}, and that does",
        )
    yield from begin(machine, path, Role.BOOTSTRAP).findings


def looks_at_handler(machine: Machine) -> bool:
    """Whether the function depends on its handler, as far as can be seen."""
    if machine.state.runtime.runs_handler:
        return True
    found = _find_bootstrap(machine)
    return not found or not found[1].file or goes_on_to_handler(found[1].file.entry)


def find_program(machine: Machine) -> Node | None:
    """The file that the function itself is, behind launcher or script; None where there is none."""
    path = f"{TASK}/{machine.state.handler}"
    if machine.state.runtime.runs_handler:
        return _first_file(machine, [path])
    if (found := _find_bootstrap(machine)) is None:
        return None
    path, node = found
    if node.file and kind_of(node.file.entry) is Kind.DUAL:
        native = _first_file(machine, [launcher_path(machine, path)])
        if native is None:
            return None
        node = native
    if node.file is None or not goes_on_to_handler(node.file.entry):
        return node
    return _first_file(machine, candidates(machine))


def goes_on_to_handler(bootstrap: Entry) -> bool:
    """Whether what stands as `bootstrap` looks at the handler, as far as can be seen."""
    match kind_of(bootstrap):
        case Kind.LAUNCHER | Kind.DUAL:
            return True
        case Kind.SCRIPT:
            return b"_HANDLER" in script_text(bootstrap)
        case Kind.NATIVE:
            return False


def _first_file(machine: Machine, paths: Iterable[str]) -> Node | None:
    nodes = map(machine.tree.find, paths)
    return next((node for node in nodes if isinstance(node, Node) and not node.is_folder), None)


def _check_extensions(machine: Machine) -> Iterator[Finding]:
    nodes = [node for node in machine.tree.children("extensions") if not node.is_folder]
    limit = read_service().extensions
    if len(nodes) > limit:
        yield finding(
            "extensions-many",
            f"{OPT}/extensions",
            f"{len(nodes)} files are there to be started, and Lambda starts {limit} at most",
            hint="leave layers out; what is not an extension belongs outside that folder",
        )
    for node in nodes:
        yield from begin(machine, node.path, Role.EXTENSION).findings


def _find_bootstrap(machine: Machine) -> tuple[str, Node] | None:
    """What Lambda starts: the first that exists and isn't a folder (rapid, getBootstrap)."""
    for path in BOOTSTRAPS:
        node = machine.tree.find(path)
        if isinstance(node, Node) and not node.is_folder:
            return path, node
    return None


def _check_bootstrap_path(machine: Machine, path: str, node: Node) -> Iterator[Finding]:
    there = machine.tree.entry(BOOTSTRAPS[0])
    where = location(machine.state.package, BOOTSTRAP)
    if path == BOOTSTRAPS[1] and there is not None and stat.S_ISLNK(there.kind):
        yield finding(
            "bootstrap-link-dangling",
            where,
            "is a link to nothing: Lambda passes over it to the layer's",
            hint="leave it out",
        )
    if node.is_system:
        yield finding(
            "bootstrap-link-outside",
            where if path == BOOTSTRAPS[0] else path,
            f"is a link out of the package, to `{node.path}`",
            hint=PACK,
        )
    elif node.file and kind_of(node.file.entry) is Kind.SCRIPT:
        yield from _check_shell(node.file.entry, node.file.where)
    hidden = machine.tree.find(BOOTSTRAPS[1])
    if path == BOOTSTRAPS[0] and isinstance(hidden, Node) and not hidden.is_folder:
        yield finding(
            "bootstrap-hides-layer",
            where,
            f"is started in place of `{hidden.file.where if hidden.file else hidden.path}`",
            hint="leave one of the two out",
        )


def _mentions_wrapper(entry: Entry) -> bool:
    """Whether it may look at the variable; a dual `bootstrap` leaves that to the launcher."""
    if entry.size > _MENTION_LIMIT or kind_of(entry) in {Kind.LAUNCHER, Kind.DUAL}:
        return True
    try:
        return _WRAPPER.encode() in entry.read(0, entry.size)
    except Unreadable:
        return True


def _check_shell(entry: Entry, where: str) -> Iterator[Finding]:
    text = script_text(entry)
    if b"_HANDLER" in text and b"uname" in text:
        yield finding(
            "bootstrap-shell",
            where,
            "is a shell script that asks `uname` at every cold start",
            hint=f"a launcher does it in a hundredth of the time: {PACK}",
        )
