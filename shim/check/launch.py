"""How the launcher goes on from `bootstrap` (launch.py): the handler's candidates, the wrapper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.attempt import Attempt, Role
from shim.check.findings import Finding, Severity, finding
from shim.check.missing import GOES_ON, missing_handler, missing_wrapper, refused_handler
from shim.check.tree import OPT, TASK
from shim.package.executables import is_launcher
from shim.package.names import handler_problem, is_bootstrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shim.check.execution import Machine
    from shim.check.programs import Begin


def check_launch(machine: Machine, begin: Begin, *, own_path: str) -> Iterator[Finding]:
    """The launch path: candidates in order, the next one only after ENOENT, ENOTDIR."""
    if problem := _name_problem(machine.state.handler):
        yield problem
        return
    wrapper = machine.state.variable("AWS_LAMBDA_EXEC_WRAPPER")
    absent: Attempt | None = None
    for path in candidates(machine):
        if path == own_path:
            yield _is_launcher(path)
            return
        attempt = machine.execute(path, Role.HANDLER)
        if wrapper and attempt.node is not None and attempt.node.is_executable:
            yield from _check_wrapper(machine, begin, wrapper, attempt)
            return
        if attempt.error not in GOES_ON:
            if attempt.error and absent is not None:
                # The one before was there, and its interpreter wasn't.
                yield from absent.findings
            yield from _check_started(machine, begin, attempt)
            return
        if absent is None or absent.is_absent:
            absent = attempt
    if absent is not None:
        yield from absent.findings if not absent.is_absent else [missing_handler(machine, absent)]


def check_handler_alone(machine: Machine, begin: Begin) -> Iterator[Finding]:
    """The go1.x way: the file that Handler names is run itself."""
    if problem := _name_problem(machine.state.handler):
        yield problem
        return
    yield from begin(machine, f"{TASK}/{machine.state.handler}", Role.HANDLER, ()).findings


def candidates(machine: Machine) -> Iterator[str]:
    """Where the launcher looks for the handler, in its order."""
    handler = machine.state.handler
    for root in (TASK, OPT):
        if machine.state.arch is Arch.ARM64:
            yield f"{root}/{handler}{Arch.ARM64.suffix}"
        yield f"{root}/{handler}"


def _check_started(machine: Machine, begin: Begin, attempt: Attempt) -> Iterator[Finding]:
    """The candidate whose execution decides."""
    node = attempt.node
    if attempt.error or any(one.severity is Severity.ERROR for one in attempt.findings):
        yield from attempt.findings or [refused_handler(attempt)]
    elif node and node.file and is_launcher(node.file.entry):
        yield _is_launcher(attempt.path)
    elif node and node.is_system:
        yield finding(
            "link-outside",
            attempt.path,
            f"is a link out of the package, to `{node.path}`",
            hint="put the program itself into the package",
            severity=Severity.ERROR,
        )
    else:
        yield from begin(machine, attempt.path, Role.HANDLER, ()).findings


def _check_wrapper(
    machine: Machine, begin: Begin, wrapper: str, handler: Attempt
) -> Iterator[Finding]:
    attempt = begin(machine, wrapper, Role.WRAPPER, (handler.path,))
    if attempt.is_absent:
        yield missing_wrapper(machine, wrapper)
    yield from attempt.findings
    if attempt.error == 0 and not attempt.is_followed:
        # A program: that it runs the handler, unchanged, is what wrappers are for.
        yield from _check_started(machine, begin, handler)


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
