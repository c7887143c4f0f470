"""From a command line to a change: what a function is now, and what it shall be."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.aws.api import LATEST, Function
from shim.aws.function import NamedFunction, read_function, state_of
from shim.check.runtimes import known_runtime
from shim.cli import options
from shim.cli.cache import cache_folder
from shim.cli.terminal import status
from shim.errors import InputError
from shim.package.packages import Packages, code_sha256

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from shim.check.state import State
    from shim.package.read import Package

_SETTINGS = ("runtime", "arch", "handler", "layers", "no_layers", "env")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What was asked for."""

    name: str
    """The function's; empty where nothing says it."""
    begin: State
    wanted: State
    arns: Mapping[Package, str]
    """Of the layers that have one."""
    alias: AliasNow | None
    """Where the traffic is, if not on `$LATEST`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AliasNow:
    """An alias that shall come to what is wanted."""

    name: str
    version: str
    """That it points to now."""
    state: State
    """What that version is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    """One `--layer`."""

    arn: str | None
    path: Path | None


def add_change_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which function, what it is now, and what it shall be."""
    now = parser.add_argument_group("what the function is now")
    options.add_from(now)
    now.add_argument(
        "--from-package",
        type=options.file_path,
        metavar="ZIP",
        help="the package that it has now, with --from",
    )
    now.add_argument(
        "--from-layer",
        action="append",
        default=[],
        type=options.text,
        metavar="ARN=ZIP",
        dest="from_layers",
        help="where the zip of a layer lies that it has now",
    )
    options.add_account(now)
    then = parser.add_argument_group("what it shall be; what isn't said stays as it is")
    then.add_argument(
        "--package", "--to-package", type=options.file_path, metavar="ZIP", help="its package"
    )
    options.add_runtime(then)
    options.add_arch(then)
    options.add_handler(then)
    then.add_argument(
        "--layer",
        action="append",
        default=[],
        type=options.text,
        metavar="[ARN=]ZIP",
        dest="layers",
        help="a layer, in its order, in place of all that it has; without ARN: not published yet."
        " With --to: where the layer's zip lies",
    )
    then.add_argument("--no-layers", action="store_true", help="no layers at all")
    options.add_env(then)
    then.add_argument(
        "--alias",
        type=options.text,
        metavar="NAME[=VERSION]",
        help="traffic is on this alias, which points to VERSION now (--function looks it up)",
    )
    then.add_argument(
        "--to",
        type=options.file_path,
        metavar="FILE",
        help="all settings at once, from a file such as --from's",
    )


def read_change(arguments: argparse.Namespace) -> Change:
    """Read the function and all packages. Raises `InputError`."""
    _check(arguments)
    with status("reading the function and its packages") if arguments.function else nullcontext():
        return _Reader(arguments).change()


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.from_file is None) == (arguments.function is None):
        raise InputError(
            "what is the function now? give one of `--from FILE` and `--function NAME`",
            hint="aws lambda get-function --function-name NAME > FILE",
        )
    given = [name for name in _SETTINGS if getattr(arguments, name)]
    if arguments.to and set(given) - {"layers"}:
        option = given[0].replace("_", "-")
        raise InputError(f"--to says all settings, and can't go along with --{option}")
    if arguments.no_layers and arguments.layers:
        raise InputError("--no-layers and --layer can't go together")


def _layer(word: str) -> _Layer:
    """`ARN=ZIP`, an ARN, or a zip; no ARN has a `=`."""
    if not word.startswith("arn:"):
        return _Layer(arn=None, path=Path(word))
    arn, equals, path = word.partition("=")
    return _Layer(arn=arn, path=Path(path) if equals else None)


class _Reader:
    """Reads each file once, and knows where layers lie."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._packages = Packages()
        self._layers = [_layer(word) for word in arguments.layers]
        told = [*self._layers, *map(_layer, arguments.from_layers)]
        self._paths = {one.arn: one.path for one in told if one.arn and one.path}
        self._arns: dict[Package, str] = {}
        self._absent: tuple[str, ...] = ()
        self._client: Any = None
        if arguments.function:
            from shim.aws.boto import connect

            self._client = connect(region=arguments.region, profile=arguments.profile, tries=5)

    def change(self) -> Change:
        """All of it."""
        now, begin_path = self._now()
        begin_package = self._packages.read(begin_path)
        _check_hash(now.function, begin_package)
        self._absent = self._absent_layers(now.function)
        begin = self._state_of(now.function, begin_package)
        wanted = self._wanted(begin, now.function)
        return Change(
            name=now.name,
            begin=begin,
            wanted=wanted,
            arns=self._arns,
            alias=self._alias(begin),
        )

    def _absent_layers(self, now: Function) -> tuple[str, ...]:
        """The function's layers, where nobody says where they lie, and they stay as they are."""
        arguments = self._arguments
        is_asked = self._client or self._layers or arguments.no_layers
        if is_asked or any(arn in self._paths for arn in now.layers):
            return ()
        stays = not arguments.to or read_function(arguments.to).function.layers == now.layers
        return now.layers if stays else ()

    def _state_of(self, function: Function, package: Package) -> State:
        layers = () if self._absent else tuple(map(self._published, function.layers))
        return replace(state_of(function, package, layers), absent_layers=self._absent)

    def _now(self) -> tuple[NamedFunction, Path]:
        arguments = self._arguments
        if self._client is not None:
            from shim.aws.boto import fetch_function

            live = fetch_function(
                self._client, arguments.function, folder=_downloads(), known=self._paths
            )
            self._paths |= live.layers
            return live.named, live.package
        now = read_function(arguments.from_file)
        if arguments.from_package is None:
            raise InputError(
                "where is the package that the function has now? give it: `--from-package ZIP`",
                hint='curl -o old.zip "$(aws lambda get-function --function-name'
                f' {now.name or "NAME"} --query Code.Location --output text)"',
            )
        return now, arguments.from_package

    def _alias(self, begin: State) -> AliasNow | None:
        if self._arguments.alias is None:
            return None
        name, equals, version = self._arguments.alias.partition("=")
        if self._client is None:
            if not version.isdecimal():
                raise InputError(
                    f"which version does the alias point to now? `--alias {name}=VERSION`",
                    hint=f"aws lambda get-alias --function-name NAME --name {name}",
                )
            # Of the version nothing is known: that it is what the function is now is the usual.
            return AliasNow(name=name, version=version, state=begin)
        if equals:
            raise InputError(f"the account knows the alias's version: `--alias {name}`")
        from shim.aws.boto import BotoApi, fetch_function

        function = self._arguments.function
        version = BotoApi(self._client).get_alias(function, name).version
        live = fetch_function(
            self._client, function, folder=_downloads(), qualifier=version, known=self._paths
        )
        self._paths |= live.layers
        state = self._state_of(live.named.function, self._packages.read(live.package))
        return AliasNow(name=name, version=version, state=state)

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
            if one.arn is None:
                raise InputError(
                    f"which of the layers is it? `--layer ARN=ZIP`: `--layer {one.path}`"
                )
        return self._state_of(then, package)

    def _given(self, layer: _Layer) -> Package:
        if layer.path is None or layer.arn is not None:
            return self._published(layer.arn or "")
        return self._packages.read(layer.path)

    def _published(self, arn: str) -> Package:
        """The package of a layer that has an ARN."""
        if arn not in self._paths:
            if self._client is None:
                raise InputError(
                    f"where is the zip of the layer `{arn}`?",
                    hint=f"give it: `--from-layer {arn}=ZIP` or `--layer {arn}=ZIP`",
                )
            from shim.aws.boto import fetch_layer

            self._paths[arn] = fetch_layer(self._client, arn, folder=_downloads())
        package = self._packages.read(self._paths[arn])
        self._arns[package] = arn
        return package


def _downloads() -> Path:
    return cache_folder() / "functions"


def _check_hash(now: Function, package: Package) -> None:
    """A plan from another package than the function's would guard against nothing."""
    found = code_sha256(package)
    if now.version == LATEST and now.code_sha256 and found and found != now.code_sha256:
        raise InputError(
            f"this is not the package that the function has: its CodeSha256 is {found}, the"
            f" function's {now.code_sha256}: `{package.path}`",
            hint="download the function's own: `Code.Location` of get-function",
        )
