"""What `shim check` does once it has the packages: the choice, the surveys, the report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.report import as_json, as_sarif
from shim.check.runtimes import Runtime, known_runtime, lambda_runtimes
from shim.check.state import State
from shim.check.survey import HANDLERS_LIMIT, Survey, Unchecked, survey
from shim.cli.day import today
from shim.cli.terminal import open_console, print_note, quiet_status, status
from shim.document import encode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from shim.package.read import Package


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What the user fixed; None for what is left open."""

    runtime: Runtime | None = None
    arch: Arch | None = None
    architectures: Sequence[Arch] = tuple(Arch)
    """Those that are looked at where none is fixed: a root file system has its own."""
    handler: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    layers: tuple[str, ...] = ()
    """What the function's layers are called."""


def survey_packages(
    packages: Iterable[Package], layers: tuple[Package, ...], choice: Choice, *, explains: bool
) -> list[Survey]:
    """Check each package with the layers; with all that may have to be inflated it `explains`."""
    day = today()
    surveys = []
    runtimes = [choice.runtime] if choice.runtime else lambda_runtimes()
    for package in packages:
        state = State(
            package=package,
            layers=layers,
            arch=choice.arch or Arch.X86_64,
            runtime=runtimes[0],
            environment=choice.environment,
            absent_layers=() if layers else choice.layers,
        )
        surveys.append(
            survey(
                state,
                architectures=[choice.arch] if choice.arch else choice.architectures,
                runtimes=runtimes,
                handler=choice.handler,
                day=day,
                may_inflate=explains,
            )
        )
    return surveys


def choose(arguments: argparse.Namespace) -> Choice:
    """The function's configuration, and over it what the options say."""
    function = _configured(arguments.from_file) if arguments.from_file else Choice()
    runtime = known_runtime(arguments.runtime) if arguments.runtime else function.runtime
    architectures: Iterable[Arch] = Arch
    if arguments.root or arguments.image:
        runtime = _read_root(arguments.root) if arguments.root else _read_image(arguments)
        architectures = runtime.architectures
    return Choice(
        runtime=runtime,
        arch=arguments.arch or function.arch,
        architectures=[arch for arch in Arch if arch in architectures],
        handler=function.handler if arguments.handler is None else arguments.handler,
        layers=function.layers,
        environment=tuple(sorted({**dict(function.environment), **dict(arguments.env)}.items())),
    )


def _read_root(folder: Path, name: str = "") -> Runtime:
    # What few runs need.
    from shim.check.root import read_root

    return read_root(folder, day=today(), name=name)


def _read_image(arguments: argparse.Namespace) -> Runtime:
    from tempfile import TemporaryDirectory

    from shim.emulate.image import container_engine

    with container_engine() as engine, TemporaryDirectory(prefix="shim-image-") as name:
        with quiet_status() as tell:
            image = engine.find_image(arguments.image, arguments.arch, tell=tell)
        with status(f"reading {image.name} for {image.arch}"):
            engine.unpack(image, Path(name))
            return _read_root(Path(name), f"{image.name} ({image.digest[:19]})")


def _configured(path: Path) -> Choice:
    # What few runs need, and a tenth of the imports.
    from shim.aws.function import read_function

    function = read_function(path).function
    return Choice(
        runtime=known_runtime(function.runtime),
        arch=function.arch,
        handler=function.handler,
        environment=function.environment,
        layers=function.layers,
    )


def printer(
    arguments: argparse.Namespace, unchecked: Sequence[Unchecked] = ()
) -> Callable[[list[Survey]], None]:
    """What prints the report in the form that was asked for; only what it needs is imported."""
    if arguments.sarif:
        return lambda surveys: print(encode(as_sarif(surveys)))
    if arguments.json:
        return lambda surveys: print(encode(as_json(surveys, unchecked)))
    from shim.cli.text.check import print_surveys

    console = open_console(no_color=arguments.no_color)
    return partial(print_surveys, console, explains=arguments.explain)


def note_left_out(surveys: Iterable[Survey]) -> None:
    """Say on standard error which packages had too many handlers to check all."""
    for one in surveys:
        if one.left_out:
            print_note(
                f"{one.left_out:,} handlers beyond the first {HANDLERS_LIMIT} were not checked:"
                " name one with --handler"
            )
