"""From a command line to the functions that it starts on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.check.runtimes import known_runtime, lambda_runtimes
from shim.emulate.machine import default_arch
from shim.emulate.start import DECIDED_HERE, Start
from shim.errors import InputError
from shim.package.executables import handlers_of
from shim.package.function import plan_package, write_zip, zip_entries
from shim.package.inputs import Input, find_files
from shim.package.launchers import Flavour, launcher_files
from shim.package.names import BOOTSTRAP, api_problem, file_stem
from shim.package.read import read_package
from shim.text import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from shim.aws.function import NamedFunction
    from shim.check.runtimes import Runtime

_PROGRAMS = (b"\x7fELF", b"#!")
"""What the files begin with that are no packages."""

_SHOWN = 5
_MOST = 20
"""Functions that are started at once, each with an emulator of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Local:
    """A function on this machine."""

    given: Path
    """What the user named: a package, or what one was made of."""
    start: Start


class LocalFunctions:
    """What `shim run` is to start; what isn't a package yet is made one, and goes with `stack`.

    Whatever Lambda wouldn't take is an `InputError`.
    """

    def __init__(self, arguments: argparse.Namespace, stack: ExitStack) -> None:
        self._arguments, self._stack = arguments, stack
        self._inputs = [Input.parse(word) for word in arguments.packages]
        self._configured = _configured(arguments.from_file)
        if self._configured and len(self._inputs) > 1:
            raise InputError("--from is of one function, and can't go along with several packages")

    @property
    def paths(self) -> Sequence[Path]:
        """The files and folders that all is made of."""
        return [*(given.path for given in self._inputs), *self._arguments.layers]

    @property
    def notes(self) -> Sequence[str]:
        """Where `--from` says something else than what is started."""
        layers = self._configured.function.layers if self._configured else ()
        given = len(self._arguments.layers)
        if self._configured is None or len(layers) == given:
            return []
        there = ", ".join(layers) or "none"
        return [f"the function's layers are others than the {given} given here: {there}"]

    def read(self) -> Mapping[str, Local]:
        """All of them as they are now, by name."""
        for path in self.paths:
            if not path.exists():
                raise InputError(f"there is no such file: {path}")
        found: dict[str, Local] = {}
        for number, given in enumerate(self._inputs):
            if given.name is not None and file_stem(given.name) != given.name:
                raise InputError(
                    f"Lambda takes no such function name: `{printable(given.name)}`",
                    hint="it has letters, digits, `-` and `_`, 64 of them at most",
                )
            package = self._packed(given, f"{number}.zip")
            for handler in self._handlers(package):
                name = given.name or self._name(given.path, handler)
                if name in found:
                    raise InputError(
                        f"two functions have the name `{name}`",
                        hint="name one handler, `--handler NAME`, or packages: `NAME=PACKAGE`",
                    )
                found[name] = Local(given=given.path, start=self._start(package, handler))
        if len(found) > 1 and self._arguments.event is not None:
            raise InputError(f"an event is for one function, and there are {', '.join(found)}")
        return found

    def _name(self, path: Path, handler: str) -> str:
        """As the function is called, or its program, or its package."""
        if self._configured and self._configured.name:
            return self._configured.name
        return file_stem(
            path.absolute().stem if handler == BOOTSTRAP else handler.rpartition("/")[2]
        )

    @cached_property
    def _folder(self) -> Path:
        return Path(self._stack.enter_context(TemporaryDirectory(prefix="shim-run-")))

    def _packed(self, given: Input, name: str) -> Path:
        """The package; or one of a program, or of a folder of programs, as `shim pack` makes it."""
        if not self._is_unpacked(given.path):
            return given.path
        output = self._folder / name
        named = given if given.path.is_file() else Input(path=given.path)
        function = plan_package(find_files([named]).files)
        launcher = launcher_files(function.architectures, Flavour.LEAN)
        write_zip(output, zip_entries(function, launcher=launcher, flavour=Flavour.LEAN))
        return output

    def _is_unpacked(self, path: Path) -> bool:
        if path.is_file():
            with path.open("rb") as file:
                return file.read(4).startswith(_PROGRAMS)
        layers = map(read_package, self._arguments.layers)
        has_bootstrap = os.path.lexists(path / BOOTSTRAP) or any(
            BOOTSTRAP in layer.names for layer in layers
        )
        return not (has_bootstrap or self.runtime.runs_handler)

    @property
    def runtime(self) -> Runtime:
        """The function's where that is known, else the newest."""
        configured = self._configured
        return known_runtime(configured.function.runtime) if configured else lambda_runtimes()[0]

    def _handlers(self, package: Path) -> Sequence[str]:
        """The one that is named; else every program in the package and its layers.

        Where there is none the package takes any name: Go's usual one, then.
        """
        if self._arguments.handler is not None:
            return [self._arguments.handler]
        if self._configured:
            return [self._configured.function.handler]
        packages = map(read_package, (package, *self._arguments.layers))
        names = sorted(frozenset[str]().union(*map(handlers_of, packages)))
        if len(names) > (_MOST if self._arguments.event is None else 1):
            there = ", ".join(f"`{name}`" for name in names[:_SHOWN])
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            raise InputError(
                f"which handler? there are {there}{more}", hint="name one: `--handler NAME`"
            )
        return names or [BOOTSTRAP]

    def _start(self, package: Path, handler: str) -> Start:
        if problem := api_problem(handler):
            raise InputError(f"Lambda takes no such Handler, {problem}: `{handler}`")
        layers = self._arguments.layers
        arch = self._arguments.arch or (self._configured and self._configured.function.arch)
        return Start(
            package=package.absolute(),
            handler=handler,
            arch=arch or default_arch(package, layers),
            layers=tuple(path.absolute() for path in layers),
            environment=self._environment(),
            timeout=self._arguments.timeout,
            runs_handler=self.runtime.runs_handler,
        )

    def _environment(self) -> Mapping[str, str]:
        configured = self._configured.function.environment if self._configured else ()
        environment = {**dict(configured), **dict(self._arguments.env)}
        for name in DECIDED_HERE & environment.keys():
            raise InputError(f"this variable is set by shim itself: {name}")
        return environment


def _configured(path: Path | None) -> NamedFunction | None:
    """The function that `--from` names."""
    if path is None:
        return None
    # What few runs need, and much of the imports.
    from shim.aws.function import read_function

    return read_function(path)
