"""How Lambda starts a function, and how the launcher goes on from there (docs/lambda.md)."""

from __future__ import annotations

import difflib
import errno
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.execution import Attempt, Machine, Role
from shim.check.findings import Finding, Severity, finding, place
from shim.check.runtimes import read_service
from shim.check.tree import OPT, TASK, File, Node
from shim.package.executables import Kind, handlers_of, is_launcher, kind_of, script_text
from shim.package.kept import kept
from shim.package.names import BOOTSTRAP, PRIVATE, handler_problem, is_bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.package.read import Entry, Package

BOOTSTRAPS = (f"{TASK}/{BOOTSTRAP}", f"{OPT}/{BOOTSTRAP}")
_GOES_ON = {errno.ENOENT, errno.ENOTDIR}
_PACK = "pack it with `shim pack`, which puts a launcher there"


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
        yield from _check_handler_alone(machine)
        return
    found = _find_bootstrap(machine)
    if found is None:
        yield _no_bootstrap(machine)
        return
    path, node = found
    yield from _check_bootstrap_place(machine, path, node)
    attempt = machine.execute(path, Role.BOOTSTRAP)
    yield from attempt.findings
    if attempt.error == 0 and node.file is not None:
        yield from _check_beyond(machine, path, node.file)


def find_bootstrap_kind(machine: Machine) -> Kind | None:
    """What stands as `bootstrap`; None where nothing does."""
    found = _find_bootstrap(machine)
    return kind_of(found[1].file.entry) if found and found[1].file else None


def find_program(machine: Machine) -> Node | None:
    """The file that the function itself is, behind launcher or script; None where there is none."""
    path = f"{TASK}/{machine.state.handler}"
    if machine.state.runtime.runs_handler:
        return _first_file(machine, [path])
    if (found := _find_bootstrap(machine)) is None:
        return None
    path, node = found
    if node.file and kind_of(node.file.entry) is Kind.DUAL:
        native = _first_file(machine, [_launcher_path(machine, path)])
        if native is None:
            return None
        node = native
    if node.file is None or not goes_on_to_handler(node.file.entry):
        return node
    return _first_file(machine, _candidates(machine))


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


def _launcher_path(machine: Machine, bootstrap: str) -> str:
    """What a dual `bootstrap` hands over to."""
    return f"{bootstrap.removesuffix(BOOTSTRAP)}{PRIVATE}/{machine.state.arch.machine}"


def _check_extensions(machine: Machine) -> Iterator[Finding]:
    nodes = [node for node in machine.tree.children("extensions") if not node.is_folder]
    limit = read_service().extensions
    if len(nodes) > limit:
        yield finding(
            "extensions-many",
            f"{OPT}/extensions",
            f"{len(nodes)} files are there to be started, and Lambda starts {limit} at most",
            hint="leave layers out; what is no extension belongs outside that folder",
        )
    for node in nodes:
        yield from machine.execute(node.path, Role.EXTENSION).findings


def _find_bootstrap(machine: Machine) -> tuple[str, Node] | None:
    """What Lambda starts: the first that exists and is no folder (rapid, getBootstrap)."""
    for path in BOOTSTRAPS:
        node = machine.tree.find(path)
        if isinstance(node, Node) and not node.is_folder:
            return path, node
    return None


def _no_bootstrap(machine: Machine) -> Finding:
    package = machine.state.package
    there = machine.tree.entry(BOOTSTRAPS[0])
    if there is not None and stat.S_ISLNK(there.kind):
        return finding(
            "bootstrap-link-dangling",
            place(package, "bootstrap"),
            "is a link to nothing, and nothing else stands there to be started",
            hint="let the link lead to a file in the package",
            severity=Severity.ERROR,
        )
    return finding(
        "bootstrap-missing",
        place(package, "bootstrap"),
        "is not there, nor in a layer: Lambda has nothing to start",
        hint=_PACK,
    )


def _check_bootstrap_place(machine: Machine, path: str, node: Node) -> Iterator[Finding]:
    there = machine.tree.entry(BOOTSTRAPS[0])
    where = place(machine.state.package, "bootstrap")
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
            hint=_PACK,
        )
    hidden = machine.tree.find(BOOTSTRAPS[1])
    if path == BOOTSTRAPS[0] and isinstance(hidden, Node) and not hidden.is_folder:
        yield finding(
            "bootstrap-hides-layer",
            where,
            f"is started in place of `{hidden.file.where if hidden.file else hidden.path}`",
            hint="leave one of the two out",
        )


def _check_beyond(machine: Machine, path: str, file: File) -> Iterator[Finding]:
    """What the started `bootstrap` does next."""
    match kind_of(file.entry):
        case Kind.LAUNCHER:
            yield from _check_launch(machine, own_path=path)
        case Kind.DUAL:
            own = _launcher_path(machine, path)
            attempt = machine.execute(own, Role.BOOTSTRAP)
            if attempt.is_absent:
                yield finding(
                    "launcher-missing",
                    place(file.package, f"{PRIVATE}/{machine.state.arch.machine}"),
                    "is not there, and `bootstrap` hands over to it",
                    hint="make the package with `shim pack`",
                )
            yield from attempt.findings
            if attempt.error == 0 and attempt.node and attempt.node.file:
                yield from _check_beyond(machine, own, attempt.node.file)
        case Kind.SCRIPT:
            yield from _check_script(machine, file, own_path=path)
        case Kind.NATIVE:
            return


def _check_script(machine: Machine, file: File, *, own_path: str) -> Iterator[Finding]:
    """A script of the user's own: whether it starts the handler as a launcher does is unknown."""
    if not goes_on_to_handler(file.entry):
        return
    if b"uname" in script_text(file.entry):
        yield finding(
            "bootstrap-shell",
            file.where,
            "is a shell script that asks `uname` at every cold start",
            hint=f"a launcher does it in a hundredth of the time: {_PACK}",
        )
    for one in _check_launch(machine, own_path=own_path):
        yield replace(one, severity=Severity.UNKNOWN) if one.severity is Severity.ERROR else one


def _check_handler_alone(machine: Machine) -> Iterator[Finding]:
    """The go1.x way: the file that Handler names is run itself."""
    if problem := _name_problem(machine.state.handler):
        yield problem
        return
    attempt = machine.execute(f"{TASK}/{machine.state.handler}", Role.HANDLER)
    yield from attempt.findings if not attempt.is_absent else [_not_found(machine, attempt)]


def _check_launch(machine: Machine, *, own_path: str) -> Iterator[Finding]:
    """The launch path (launch.py): candidates in order, the next one only after ENOENT, ENOTDIR."""
    if problem := _name_problem(machine.state.handler):
        yield problem
        return
    wrapper = machine.state.variable("AWS_LAMBDA_EXEC_WRAPPER")
    absent: Attempt | None = None
    for path in _candidates(machine):
        if path == own_path:
            yield _is_launcher(path)
            return
        attempt = machine.execute(path, Role.HANDLER)
        if wrapper and (attempt.node is not None) and attempt.node.is_executable:
            yield from _check_wrapper(machine, wrapper, attempt)
            return
        if attempt.error not in _GOES_ON:
            if attempt.error and absent is not None:
                # The one before was there, and its interpreter wasn't.
                yield from absent.findings
            yield from _check_started(attempt)
            return
        if absent is None or absent.is_absent:
            absent = attempt
    if absent is not None:
        yield from absent.findings if not absent.is_absent else [_not_found(machine, absent)]


def _candidates(machine: Machine) -> Iterator[str]:
    handler = machine.state.handler
    for root in (TASK, OPT):
        if machine.state.arch is Arch.ARM64:
            yield f"{root}/{handler}_arm64"
        yield f"{root}/{handler}"


def _check_started(attempt: Attempt) -> Iterator[Finding]:
    """The candidate whose execution decides."""
    if attempt.findings or attempt.error:
        yield from attempt.findings or [_refused(attempt)]
        return
    node = attempt.node
    if node and node.file and is_launcher(node.file.entry):
        yield _is_launcher(attempt.path)
    elif node and node.is_system:
        yield finding(
            "link-outside",
            attempt.path,
            f"is a link out of the package, to `{node.path}`",
            hint="put the program itself into the package",
            severity=Severity.ERROR,
        )


def _check_wrapper(machine: Machine, wrapper: str, handler: Attempt) -> Iterator[Finding]:
    attempt = machine.execute(wrapper, Role.WRAPPER)
    if attempt.is_absent:
        yield finding(
            "wrapper-missing",
            "AWS_LAMBDA_EXEC_WRAPPER",
            f"names `{wrapper}`, which is not there",
            hint="add the layer that has it, or unset the variable",
        )
    yield from attempt.findings
    if attempt.error == 0:
        yield from _check_started(handler)


def _name_problem(handler: str) -> Finding | None:
    """What the launcher or Lambda's API has against the handler's name."""
    if not handler:
        return finding(
            "handler-unset", "Handler", "is not set", hint="set it to one of the package's programs"
        )
    if is_bootstrap(handler):
        return _is_launcher(handler)
    if problem := handler_problem(handler):
        return finding(
            "handler-invalid",
            "Handler",
            f"can't be `{handler}`: {problem}",
            hint="name it by its path in the package: `bin/orders`",
        )
    return None


def _is_launcher(name: str) -> Finding:
    return finding(
        "handler-is-launcher",
        "Handler",
        f"names the launcher itself, which would start itself for ever: `{name}`",
        hint="set it to one of the package's programs",
    )


def _refused(attempt: Attempt) -> Finding:
    return finding(
        "handler-invalid",
        "Handler",
        f"can't be executed at `{attempt.path}`: {errno.errorcode.get(attempt.error)}",
        hint="name it by its path in the package: `bin/orders`",
    )


def _not_found(machine: Machine, attempt: Attempt) -> Finding:
    handler = machine.state.handler
    if attempt.error not in _GOES_ON:
        return _refused(attempt)
    if machine.state.arch is Arch.X86_64:
        for root in (TASK, OPT):
            if isinstance(machine.tree.find(f"{root}/{handler}_arm64"), Node):
                return finding(
                    "handler-wrong-architecture",
                    f"{root}/{handler}_arm64",
                    f"is there, `{handler}` for x86_64 is not",
                    hint="build it for x86_64 too (Go: `GOOS=linux GOARCH=amd64`)",
                )
    near = _nearest(machine.state.package, machine.state.layers, handler)
    return finding(
        "handler-missing",
        "Handler",
        f"names `{handler}`, and no such file is in the package or the layers",
        hint=f"nearest: {', '.join(f'`{name}`' for name in near)}"
        if near
        else "name it by its path in the package: `bin/orders`",
    )


@kept
def _nearest(package: Package, layers: tuple[Package, ...], handler: str) -> list[str]:
    return difflib.get_close_matches(handler, _handler_names(package, layers), n=3)


@kept
def _handler_names(package: Package, layers: tuple[Package, ...]) -> list[str]:
    return sorted(frozenset().union(*map(handlers_of, (package, *layers))))[:1000]
