"""From a command line to a change: what a function is now, and what it shall be."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shim.aws.api import LATEST, Function
from shim.aws.function import read_function, state_of
from shim.check.runtimes import known_runtime
from shim.cli.change_options import GivenLayer, check_change_arguments
from shim.cli.sources import open_source
from shim.cli.terminal import status
from shim.errors import InputError
from shim.package.packages import Packages, code_sha256
from shim.plan.alias import find_alias_plan
from shim.plan.bridge.planning import find_bridged_plan
from shim.plan.target import target_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from shim.check.state import State
    from shim.check.verdicts import Verdicts
    from shim.cli.sources import Paths, Source
    from shim.package.read import Package
    from shim.plan.alias import AliasPlan
    from shim.plan.bridge.planning import Bridged, Unbridged
    from shim.plan.search import NoPlan
    from shim.plan.target import Target


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What was asked for."""

    target: Target | None
    """Which function; None where nothing says it."""
    begin: State
    wanted: State
    arns: Mapping[Package, str]
    """Of the layers that have one."""
    alias: AliasNow | None
    """Where the traffic is, if not on `$LATEST`."""

    @property
    def name(self) -> str:
        """The function's; empty where nothing says it."""
        return self.target.name if self.target else ""

    def bridged_plan(
        self, verdicts: Verdicts, *, day: date, folder: Path, name: str = "bridge"
    ) -> Bridged | Unbridged:
        """For traffic on the function itself."""
        return find_bridged_plan(
            self.begin, self.wanted, verdicts=verdicts, day=day, folder=folder, name=name
        )

    def alias_plan(
        self, alias: AliasNow, verdicts: Verdicts, *, day: date, shares: Sequence[float]
    ) -> AliasPlan | NoPlan:
        """For traffic on that alias."""
        return find_alias_plan(
            self.begin,
            self.wanted,
            live=alias.state,
            alias=alias.name,
            old_version=alias.version,
            shares=tuple(shares),
            code_sha256=code_sha256(self.wanted.package),
            answer=verdicts.answer,
            day=day,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AliasNow:
    """An alias that shall come to what is wanted."""

    name: str
    version: str
    """That it points to now."""
    state: State
    """What that version is."""


def read_change(
    arguments: argparse.Namespace,
    *,
    source: Callable[[argparse.Namespace, Paths], Source] = open_source,
) -> Change:
    """Read the function, by what `source` opens, and all packages. Raises `InputError`."""
    check_change_arguments(arguments)
    with status("reading the function and its packages") if arguments.function else nullcontext():
        return _Reader(arguments, source).change()


class _Reader:
    """Reads each file once."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        source: Callable[[argparse.Namespace, Paths], Source],
    ) -> None:
        self._arguments = arguments
        self._packages = Packages()
        self._layers: list[GivenLayer] = arguments.layers
        told = [*self._layers, *arguments.from_layers]
        self._paths = {one.arn: one.path for one in told if one.arn and one.path}
        self._arns: dict[Package, str] = {}
        self._source = source(arguments, self._paths)
        self._absent: tuple[str, ...] = ()

    def change(self) -> Change:
        """All of it."""
        now, path = self._source.function()
        package = self._packages.read(path)
        _check_hash(now.function, package)
        self._absent = self._absent_layers(now.function)
        begin = self._state_of(now.function, package)
        return Change(
            target=target_of(now),
            begin=begin,
            wanted=self._wanted(begin, now.function),
            arns=self._arns,
            alias=self._alias(),
        )

    def _absent_layers(self, now: Function) -> tuple[str, ...]:
        """The function's layers, where nobody says where they lie, and they stay as they are."""
        arguments = self._arguments
        is_asked = self._source.has_layers or self._layers or arguments.no_layers
        if is_asked or any(arn in self._paths for arn in now.layers):
            return ()
        stays = not arguments.to or read_function(arguments.to).function.layers == now.layers
        return now.layers if stays else ()

    def _state_of(self, function: Function, package: Package) -> State:
        layers = () if self._absent else tuple(map(self._published, function.layers))
        return replace(state_of(function, package, layers), absent_layers=self._absent)

    def _alias(self) -> AliasNow | None:
        if self._arguments.alias is None:
            return None
        version, (named, path) = self._source.version(self._arguments.alias)
        return AliasNow(
            name=self._arguments.alias.partition("=")[0],
            version=version,
            state=self._state_of(named.function, self._packages.read(path)),
        )

    def _wanted(self, begin: State, now: Function) -> State:
        arguments = self._arguments
        package = self._packages.read(arguments.package) if arguments.package else begin.package
        if arguments.to:
            return self._wanted_of_file(package, now)
        environment = dict(begin.environment) | dict(arguments.env)
        layers = begin.layers
        if self._layers or arguments.no_layers:
            layers = tuple(map(self._given, self._layers))
        return replace(
            begin,
            package=package,
            runtime=known_runtime(arguments.runtime) if arguments.runtime else begin.runtime,
            arch=arguments.arch or begin.arch,
            handler=begin.handler if arguments.handler is None else arguments.handler,
            layers=layers,
            environment=tuple(sorted(environment.items())),
        )

    def _wanted_of_file(self, package: Package, now: Function) -> State:
        arguments = self._arguments
        then = read_function(arguments.to).function
        if arguments.package is None and then.code_sha256 not in {"", now.code_sha256}:
            raise InputError(
                f"where is the package that `{arguments.to}` tells of? give it: `--package ZIP`"
            )
        for one in self._layers:
            if not one.arn:
                raise InputError(
                    f"which of the layers is it? `--layer ARN=ZIP`: `--layer {one.path}`"
                )
        return self._state_of(then, package)

    def _given(self, layer: GivenLayer) -> Package:
        if layer.path is None or layer.arn:
            return self._published(layer.arn)
        return self._packages.read(layer.path)

    def _published(self, arn: str) -> Package:
        """The package of a layer that has an ARN."""
        package = self._packages.read(self._source.layer(arn))
        self._arns[package] = arn
        return package


def _check_hash(now: Function, package: Package) -> None:
    """A plan from another package than the function's would guard against nothing."""
    found = code_sha256(package)
    if now.version == LATEST and now.code_sha256 and found and found != now.code_sha256:
        raise InputError(
            f"this is not the package that the function has: its CodeSha256 is {found}, the"
            f" function's {now.code_sha256}: `{package.path}`",
            hint="download the function's own: `Code.Location` of get-function",
        )
