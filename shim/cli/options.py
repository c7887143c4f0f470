"""The options that several commands have: each is defined here, once, with its name and help."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from shim.arch import SPELLINGS, Arch
from shim.errors import InputError
from shim.package.launchers import Flavour
from shim.text import text_problem

if TYPE_CHECKING:
    from argparse import _ActionsContainer as Arguments
    from collections.abc import Callable, Mapping, Sequence

    from shim.templates.resolve import Given

_Value = TypeVar("_Value")
_Words = TypeVar("_Words", bound=StrEnum)
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]+=.*", re.DOTALL)
"""Lambda API, `Environment`: the names that it takes."""

_DRAWINGS = {".svg", ".html"}


def add_from(parser: Arguments, *, note: str = "", is_repeated: bool = False) -> None:
    """Add `--from`: a function's configuration, from a file; `note` says what else it may be."""
    parser.add_argument(
        "--from",
        action="append" if is_repeated else "store",
        dest="from_file",
        type=file_path,
        metavar="FILE",
        help=f"the function: what `aws lambda get-function` prints{note}",
    )


def add_account(parser: Arguments) -> None:
    """Add `--function` and what finds its account."""
    parser.add_argument(
        "--function", type=text, metavar="NAME", help="read it from the account (needs boto3)"
    )
    add_connection(parser)
    add_iam(parser)


def add_connection(parser: Arguments, *, note: str = "", has_regions: bool = False) -> None:
    """Add what finds an account and its services, where AWS's own settings don't say it."""
    add = parser.add_argument
    add(
        "--region",
        action="append" if has_regions else "store",
        type=text,
        metavar="NAME",
        help=f"of the account (or: AWS_REGION, the profile){note}",
    )
    add("--profile", type=text, metavar="NAME", help="of the AWS settings (or: AWS_PROFILE)")
    add(
        "--endpoint-url",
        type=text,
        metavar="URL",
        help="where to call every service of AWS (or: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_LAMBDA)",
    )


def refuse_account(arguments: argparse.Namespace) -> None:
    """Raise `InputError` where what finds an account is given with `--from`.

    That a file says it for all commands is fine.
    """
    for name in ("region", "profile", "endpoint_url"):
        is_typed = getattr(arguments, name) and name not in arguments.configured
        if arguments.from_file and is_typed:
            option = name.replace("_", "-")
            raise InputError(
                f"--from reads files and no account, and can't go along with --{option}"
            )


def add_iam(parser: Arguments) -> None:
    """Add `--iam`, for what calls an account."""
    parser.add_argument(
        "--iam",
        action="store_true",
        help="only print the least IAM policy with which this very command can do its work",
    )


def add_runtime(parser: Arguments, *, note: str = "", is_repeated: bool = False) -> None:
    """Add `--runtime`."""
    parser.add_argument(
        "--runtime",
        action="append" if is_repeated else "store",
        type=text,
        metavar="NAME",
        help=f"such as provided.al2023{note}",
    )


def add_arch(parser: Arguments, *, note: str = "", is_repeated: bool = False) -> None:
    """Add `--arch`; `note` says what this command makes of it."""
    parser.add_argument(
        "--arch",
        action="append" if is_repeated else "store",
        type=OneOf(SPELLINGS, tuple(Arch)),
        metavar="ARCH",
        help=f"{' or '.join(Arch)}{note}",
    )


def add_handler(parser: Arguments, *, note: str = "") -> None:
    """Add `--handler`; `note` says what this command does without."""
    parser.add_argument(
        "--handler",
        type=text,
        metavar="NAME",
        help=f"the function's Handler, such as bin/orders{note}",
    )


def add_env(parser: Arguments) -> None:
    """Add `--env`, which gives pairs of a name and a value."""
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        type=_variable,
        metavar="NAME=VALUE",
        help="a variable that the function has; once for each",
    )


def add_layers(parser: Arguments) -> None:
    """Add `--layer`, for zips that need no ARN."""
    parser.add_argument(
        "--layer",
        action="append",
        default=[],
        type=file_path,
        metavar="ZIP",
        dest="layers",
        help="a layer of the function, zip or folder; once for each, in the function's order",
    )


def add_flavour(parser: Arguments, default: Flavour | None) -> None:
    """Add `--flavour`; without a default it is full where this installation has that."""
    usual = default or f"{Flavour.FULL} where this installation has it"
    parser.add_argument(
        "--flavour",
        type=one_of(Flavour),
        default=default,
        metavar="FLAVOUR",
        help=f"the launcher: lean, or full, which explains failures (default: {usual})",
    )


def add_event(parser: Arguments) -> None:
    """Add `--event`."""
    parser.add_argument(
        "--event",
        metavar="FILE|-|JSON",
        help="the event to send: a file, `-` for standard input, or the JSON itself",
    )


def add_allow_unknown(parser: Arguments) -> None:
    """Add `--allow-unknown`."""
    parser.add_argument(
        "--allow-unknown",
        action="store_true",
        help="take it for fine where it is unknown whether a state on the way starts",
    )


def add_shares(parser: Arguments) -> None:
    """Add `--share`, for traffic on an alias."""
    parser.add_argument(
        "--share",
        action="append",
        default=[],
        type=float,
        metavar="FRACTION",
        dest="shares",
        help="with --alias: what the new version gets first, 0.1 say; more than once: step by step",
    )


def add_template(parser: Arguments) -> None:
    """Add what a template doesn't say by itself."""
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        dest="parameters",
        help="a template's parameter; once for each (default: the template's own default)",
    )
    parser.add_argument(
        "--parameters",
        type=file_path,
        metavar="FILE",
        dest="parameters_file",
        help="a file of them, as the AWS CLI and CodePipeline take it",
    )
    parser.add_argument("--region", type=text, metavar="NAME", help="where the template goes")
    parser.add_argument("--account", type=text, metavar="NUMBER", help="likewise")
    parser.add_argument("--stack", type=text, metavar="NAME", help="likewise")


def template_given(arguments: argparse.Namespace) -> Given:
    """What `add_template`'s options say."""
    from shim.templates.parameters import read_parameters
    from shim.templates.resolve import Given

    file = arguments.parameters_file
    return Given(
        parameters={**(read_parameters(file) if file else {}), **dict(arguments.parameters)},
        region=arguments.region,
        account=arguments.account,
        stack=arguments.stack,
    )


def add_output(
    parser: Arguments,
    what: str,
    *,
    is_required: bool = False,
    metavar: str = "FILE",
    kind: Callable[[str], object] | None = None,
) -> None:
    """Add `--output`, the file or folder that a command writes; `kind` makes more of its word."""
    parser.add_argument(
        "--output", "-o", required=is_required, type=kind or file_path, metavar=metavar, help=what
    )


def add_draw(parser: Arguments, what: str) -> None:
    """Add `--draw`, a picture of `what`."""
    parser.add_argument(
        "--draw", type=_drawing, metavar="FILE", help=f"draw {what}: FILE.svg or FILE.html"
    )


def add_emulator(parser: Arguments) -> None:
    """Add `--rie`."""
    parser.add_argument(
        "--rie", type=file_path, metavar="FILE", help="another Runtime Interface Emulator to use"
    )


def file_path(word: str) -> Path:
    """A path, for argparse: an empty word would be the current folder."""
    if not word:
        raise argparse.ArgumentTypeError("empty file name")
    return Path(word)


@dataclass(frozen=True, slots=True, eq=False)
class OneOf(Generic[_Value]):
    """Reads one of some words, for argparse; `shown` are those that are offered."""

    values: Mapping[str, _Value]
    shown: Sequence[str]

    def __call__(self, word: str) -> _Value:
        """What the word means."""
        if word not in self.values:
            raise argparse.ArgumentTypeError(f"not {' or '.join(self.shown)}: {word}")
        return self.values[word]


def one_of(kind: type[_Words]) -> OneOf[_Words]:
    """What reads one of the words of `kind`."""
    return OneOf({one.value: one for one in kind}, tuple(kind))


def text(word: str) -> str:
    """A text that AWS can be sent, for argparse: an empty one would be as good as none."""
    if problem := text_problem(word) if word else "it is empty":
        raise argparse.ArgumentTypeError(problem)
    return word


def day(word: str) -> date:
    """A day, for argparse."""
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a day such as 2027-03-03: {word}") from None


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """What reads a whole number within bounds, for argparse."""

    def read(word: str) -> int:
        # Before the conversion, which takes for ever on a million digits.
        is_short = len(word) <= len(str(most))
        if not (word.isascii() and word.isdecimal() and is_short and least <= int(word) <= most):
            raise argparse.ArgumentTypeError(
                f"not a whole number from {least:,} to {most:,}: {word}"
            )
        return int(word)

    return read


def _variable(word: str) -> tuple[str, str]:
    name, _, value = text(word).partition("=")
    if not _VARIABLE.fullmatch(word):
        raise argparse.ArgumentTypeError(
            "not NAME=VALUE, the name a letter and then letters, digits or `_`, two characters at"
            f" least: {word}"
        )
    return name, value


def _parameter(word: str) -> tuple[str, str]:
    name, equals, value = text(word).partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"not NAME=VALUE: {word}")
    return name, value


def _drawing(word: str) -> Path:
    path = file_path(word)
    if path.suffix not in _DRAWINGS:
        raise argparse.ArgumentTypeError(f"a drawing is an .svg or .html file: {word}")
    return path
