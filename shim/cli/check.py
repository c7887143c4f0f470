"""`shim check`: will this package start?"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.report import as_json, as_sarif
from shim.check.runtimes import Runtime, known_runtime, read_runtimes
from shim.check.state import State
from shim.check.survey import HANDLERS_LIMIT, Survey, survey
from shim.errors import ExitCode
from shim.package.read import read_package

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

DESCRIPTION = """\
Say whether a package will start, in which runtime and on which architecture, and why not.

PACKAGE is a function's zip, or a folder with the same files in it. Without a choice every handler
in it is checked in every runtime and on both architectures; a table shows what starts where.
With a choice (--runtime, --arch, --handler, --function) the answer is about that.

examples:
  shim check functions.zip
  shim check functions.zip --layer launcher.zip --runtime provided.al2023 --arch arm64
  aws lambda get-function --function-name orders > orders.json
  shim check functions.zip --function orders.json
  shim check dist/ --sarif > shim.sarif

exit status 0: every handler starts in one at least of the states that were asked for; 1: not.
Runtimes whose support has ended are shown, but don't count unless they are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the user fixed; None for what is left open."""

    runtime: Runtime | None = None
    arch: Arch | None = None
    handler: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("packages", nargs="+", type=Path, metavar="PACKAGE", help="zip or folder")
    parser.add_argument(
        "--layer",
        action="append",
        default=[],
        type=Path,
        metavar="ZIP",
        dest="layers",
        help="a layer of the function, zip or folder; as often as it has layers, in its order",
    )
    parser.add_argument("--runtime", metavar="NAME", help=f"one of {', '.join(read_runtimes())}")
    parser.add_argument(
        "--arch", type=Arch, choices=list(Arch), metavar="ARCH", help="x86_64, arm64"
    )
    parser.add_argument("--handler", metavar="NAME", help="what the function's Handler is set to")
    parser.add_argument(
        "--function",
        type=Path,
        metavar="FILE",
        help="what `aws lambda get-function` prints: runtime, architecture, handler, environment",
    )
    parser.add_argument(
        "--sarif", action="store_true", help="print SARIF 2.1.0, for code scanning, instead of text"
    )
    parser.add_argument("--no-color", action="store_true", help="print no colours (also: NO_COLOR)")


def run(arguments: argparse.Namespace) -> ExitCode:
    """Check each package, print what was found."""
    choice = _choose(arguments)
    if not (arguments.json or arguments.sarif):
        # Meanwhile: inflating, most of a large package's check, leaves the interpreter's lock free.
        Thread(target=import_module, args=["shim.cli.check_text"], daemon=True).start()
    layers = tuple(map(read_package, arguments.layers))
    today = datetime.now(UTC).date()
    surveys = []
    for path in arguments.packages:
        state = State(
            package=read_package(path),
            layers=layers,
            arch=choice.arch or Arch.X86_64,
            runtime=choice.runtime or next(iter(read_runtimes().values())),
            handler=choice.handler,
            environment=choice.environment,
            # Without a choice, all else would be lost among the older runtimes' dates.
            day=today if choice.runtime else None,
        )
        surveys.append(
            survey(
                state,
                architectures=[choice.arch] if choice.arch else Arch,
                runtimes=[choice.runtime] if choice.runtime else _lambda_runtimes(),
                day=today,
            )
        )
    _print(surveys, arguments)
    return ExitCode.OK if all(one.starts for one in surveys) else ExitCode.NO


def _lambda_runtimes() -> list[Runtime]:
    return [runtime for runtime in read_runtimes().values() if not runtime.is_test]


def _choose(arguments: argparse.Namespace) -> Choice:
    """The function's configuration, and over it what the options say."""
    function = _configured(arguments.function) if arguments.function else Choice()
    return Choice(
        runtime=known_runtime(arguments.runtime) if arguments.runtime else function.runtime,
        arch=arguments.arch or function.arch,
        handler=function.handler if arguments.handler is None else arguments.handler,
        environment=function.environment,
    )


def _configured(path: Path) -> Choice:
    from shim.migrate.function import (
        read_function,  # what few runs need, and a tenth of the imports
    )

    function = read_function(path).function
    return Choice(
        runtime=known_runtime(function.runtime),
        arch=function.arch,
        handler=function.handler,
        environment=dict(function.environment),
    )


def _print(surveys: list[Survey], arguments: argparse.Namespace) -> None:
    if arguments.sarif:
        print(json.dumps(as_sarif(surveys), indent=2))
    elif arguments.json:
        print(json.dumps(as_json(surveys), indent=2))
    else:
        from shim.cli.check_text import print_survey

        is_plain = arguments.no_color or bool(os.environ.get("NO_COLOR"))
        for one in surveys:
            print_survey(one, is_plain=is_plain)
    for one in surveys:
        if one.left_out:
            print(
                f"note: {one.left_out:,} handlers beyond the first {HANDLERS_LIMIT} were not"
                " checked: name one with --handler",
                file=sys.stderr,
            )
