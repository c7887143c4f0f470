"""`shim doctor`: what this machine can do, and what would have to be there for the rest."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from shim import __version__
from shim.arch import Arch
from shim.aws.permissions import Place
from shim.cli import options
from shim.cli.cache import cache_folder, kept
from shim.cli.config import find_configuration
from shim.cli.connecting import open_connection
from shim.cli.emulator import check_system
from shim.cli.main import COMMANDS, command_parser, find_command
from shim.cli.terminal import open_console
from shim.document import as_object, document, encode
from shim.errors import ExitCode, InputError, MachineError, ShimError
from shim.package.launchers import Flavour, launcher
from shim.package.limits import format_size
from shim.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

DESCRIPTION = """\
Say what this machine can do for shim, and what would have to be there for the rest: launchers,
namespaces and emulation for `shim run`, a container engine, boto3 and its region, the cache, and
the file whose options are in force. AWS is asked nothing without --identity.

exit status: 0 whatever is missing, 1 something is there and doesn't work, or AWS doesn't say who
calls, 2 bad usage, 3 this machine could not do it, 130 interrupted"""

RESULT_FORMAT = 1
_ENGINE_SECONDS = 5
_USED_BY = {"templates": "diff", "bench": "bench", "completion": "completion"}
"""By extra of the distribution: what takes it."""


class State(StrEnum):
    """What came of one look."""

    FINE = "fine"
    MISSING = "missing"
    BROKEN = "broken"


_STYLES = {State.FINE: "green", State.MISSING: "yellow", State.BROKEN: "bold red"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What is known of one thing."""

    name: str
    state: State
    text: str
    hint: str | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.epilog = ""
    parser.add_argument(
        "--identity", action="store_true", help="ask AWS who calls: one call of STS, which is free"
    )
    options.add_connection(parser)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Look at everything, and say what there is."""
    findings = list(_findings(arguments))
    if arguments.json:
        content = {
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
            "findings": [as_object(one) for one in findings],
        }
        print(encode(document(RESULT_FORMAT, content)))
    else:
        _print(findings, arguments)
    is_broken = any(one.state is State.BROKEN for one in findings)
    return ExitCode.NO if is_broken else ExitCode.OK


def _print(findings: list[Finding], arguments: argparse.Namespace) -> None:
    from rich.text import Text

    width = max(len(one.name) for one in findings)
    lines = Text(
        f"shim {__version__}, Python {platform.python_version()} ({sys.executable}),"
        f" {platform.system()} {platform.machine()}\n"
    )
    for one in findings:
        lines.append(f"{one.state:<7}", _STYLES[one.state])
        lines.append(f"  {one.name:<{width}}  {printable(one.text)}\n")
        for line in (one.hint or "").splitlines():
            lines.append(f"{'':<7}  {'':<{width}}  hint: {printable(line)}\n", "dim")
    open_console(no_color=arguments.no_color).print(lines, soft_wrap=True, end="")


def _findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    looks: dict[str, Callable[[], str]] = {
        "lean launchers": lambda: _launchers(Flavour.LEAN),
        "full launchers": lambda: _launchers(Flavour.FULL),
        "namespaces": _namespaces,
        "other architecture": _other_architecture,
        "emulator": _emulator,
        "container engine": _engine,
        "boto3": lambda: _boto3(arguments),
        "templates": lambda: _installed("templates", "PyYAML", "aws-sam-translator"),
        "bench": lambda: _installed("bench", "ziglang", "matplotlib"),
        "completion": lambda: _installed("completion", "shtab"),
        "cache": _cache,
        "options": _configuration,
    }
    if arguments.identity:
        looks["identity"] = lambda: _identity(arguments)
    for name, look in looks.items():
        yield _finding(name, look)


def _finding(name: str, look: Callable[[], str]) -> Finding:
    """What a machine lacks is missing; any other error says that something is broken."""
    try:
        return Finding(name=name, state=State.FINE, text=look())
    except MachineError as error:
        return Finding(name=name, state=State.MISSING, text=error.message, hint=error.hint)
    except ShimError as error:
        return Finding(name=name, state=State.BROKEN, text=error.message, hint=error.hint)


def _launchers(flavour: Flavour) -> str:
    sizes = [f"{arch} {format_size(len(launcher(arch, flavour)))}" for arch in Arch]
    return ", ".join(sizes)


def _namespaces() -> str:
    check_system("`shim run --in machine`")
    # Only Linux has all that this imports.
    from shim.emulate.sandbox import obstacle

    if why := obstacle():
        raise MachineError(
            f"none ({why}): `shim run` starts functions in containers, and without an engine in a"
            " temporary folder instead of /var/task",
            hint="as root, or where users may create user namespaces, it is as on Lambda",
        )
    return "`shim run` starts functions at /var/task, as on Lambda"


def _other_architecture() -> str:
    check_system("`shim run --arch`")
    from shim.emulate.host import NO_QEMU
    from shim.emulate.machine import host_arch
    from shim.emulate.standin import can_run

    missing = [arch for arch in Arch if not can_run(arch)]
    if missing:
        raise MachineError(f"programs for {missing[0]} don't run on this machine", hint=NO_QEMU)
    return " and ".join(f"{arch} {'itself' if arch == host_arch() else 'by qemu'}" for arch in Arch)


def _emulator() -> str:
    from shim.emulate import machine, rie

    pin = rie.read_pin(machine.required_host_arch())
    if program := rie.cached(cache_folder(), pin):
        return f"{pin.distribution} {pin.version}: {program}"
    rie.pip_command()
    return f"not there yet: `shim run` fetches it once ({pin.megabytes} MB), with pip"


def _engine() -> str:
    from shim.emulate.image import container_engine

    with container_engine(seconds=_ENGINE_SECONDS) as engine:
        return engine.describe()


def _boto3(arguments: argparse.Namespace) -> str:
    place = open_connection(arguments).place
    if place == Place():
        raise MachineError(
            f"{_version('boto3')}, and no region is known",
            hint="`--region NAME`, AWS_REGION, `aws configure`, or `region` in shim.toml",
        )
    return f"{_version('boto3')}, region {place.region}"


def _identity(arguments: argparse.Namespace) -> str:
    from shim.aws.identity import caller

    try:
        return caller(open_connection(arguments))
    except ShimError as error:
        raise InputError(error.message, hint=error.hint) from error


def _installed(extra: str, *names: str) -> str:
    missing = [name for name in names if _version(name) is None]
    if missing:
        raise MachineError(
            f"{' and '.join(missing)} not installed",
            hint=f"for `shim {_USED_BY[extra]}`: `pip install 'lambda-shim[{extra}]'`",
        )
    return ", ".join(f"{name} {_version(name)}" for name in names)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cache() -> str:
    folder = cache_folder()
    return f"{folder}, {format_size(sum(one.size for one in kept(folder)))}"


def _configuration() -> str:
    found = find_configuration(Path.cwd(), COMMANDS)
    if found is None:
        return "no file"
    options_of = {}
    for command in COMMANDS:
        parser = command_parser(command, find_command(command))
        if words := found.words(command, parser, ()):
            options_of[command] = words
    said = "; ".join(f"{command}: --{', --'.join(words)}" for command, words in options_of.items())
    return f"{found.path}: {said or 'says nothing'}"
