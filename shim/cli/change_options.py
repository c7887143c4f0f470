"""The options that say what a function is now, and what it shall be."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.cli import options
from shim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SETTINGS = {
    "runtime": "--runtime",
    "arch": "--arch",
    "handler": "--handler",
    "layers": "--layer",
    "no_layers": "--no-layers",
    "env": "--env",
}
_CHANGE = {
    "from_file": "--from",
    "from_package": "--from-package",
    "from_layers": "--from-layer",
    "function": "--function",
    "package": "--package",
    **_SETTINGS,
    "alias": "--alias",
    "to": "--to",
    "shares": "--share",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenLayer:
    """One `--layer` or `--from-layer`: an ARN, a zip, or where the zip of an ARN lies."""

    arn: str
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
        type=_zip_of_layer,
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
        type=_layer,
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


def given_options(arguments: argparse.Namespace) -> Iterator[str]:
    """What of a change was given, which a saved plan or a deployment folder has already."""
    return (option for name, option in _CHANGE.items() if getattr(arguments, name))


def check_change_arguments(arguments: argparse.Namespace) -> None:
    """Raise `InputError` where they don't go together."""
    if arguments.shares and not arguments.alias:
        raise InputError("--share is for traffic on an alias: `--alias NAME`")
    if (arguments.from_file is None) == (arguments.function is None):
        raise InputError(
            "what is the function now? give one of `--from FILE` and `--function NAME`",
            hint="aws lambda get-function --function-name NAME > FILE",
        )
    options.refuse_account(arguments)
    if arguments.function and arguments.from_package:
        raise InputError("--function gives its package, and can't go along with --from-package")
    given = [name for name in _SETTINGS if getattr(arguments, name)]
    if arguments.to and set(given) - {"layers"}:
        option = next(_SETTINGS[name] for name in given if name != "layers")
        raise InputError(f"--to says all settings, and can't go along with {option}")
    if arguments.no_layers and arguments.layers:
        raise InputError("--no-layers and --layer can't go together")


def _layer(word: str) -> GivenLayer:
    """For argparse: `ARN=ZIP`, an ARN, or a zip; no ARN has a `=`."""
    if not options.text(word).startswith("arn:"):
        return GivenLayer(arn="", path=options.file_path(word))
    arn, equals, path = word.partition("=")
    return GivenLayer(arn=arn, path=options.file_path(path) if equals else None)


def _zip_of_layer(word: str) -> GivenLayer:
    layer = _layer(word)
    if not layer.arn or layer.path is None:
        raise argparse.ArgumentTypeError(f"not ARN=ZIP: {word}")
    return layer
