"""The options that say which functions a scan is of, and where they shall be."""

from __future__ import annotations

import argparse
from pathlib import Path

from shim.cli import options
from shim.errors import InputError
from shim.package.output import check_output

_EACH = "; once for each"


def add_scan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all of them."""
    which = parser.add_argument_group("which functions")
    which.add_argument(
        "names", nargs="*", type=options.text, metavar="PATTERN", help="names, such as 'orders-*'"
    )
    options.add_connection(which, note=_EACH, has_regions=True)
    which.add_argument(
        "--tag",
        action="append",
        default=[],
        type=_tag,
        metavar="KEY[=VALUE]",
        dest="tags",
        help="only functions that have it; once for each",
    )
    which.add_argument(
        "--owner",
        type=options.text,
        metavar="NAME",
        help="only those of a tool, such as SAM or Terraform, or of a stack of that name",
    )
    options.add_from(
        which,
        note=", or `list-functions`, or `shim scan --json`; no account is asked" + _EACH,
        is_repeated=True,
    )
    which.add_argument(
        "--packages",
        type=options.file_path,
        metavar="FOLDER",
        help="with --from: zips, each found by its hash, besides what was downloaded before",
    )
    which.add_argument(
        "--layer",
        action="append",
        default=[],
        type=_layer,
        metavar="ARN=ZIP",
        dest="layers",
        help="with --from: where the zip of a layer lies; once for each",
    )
    then = parser.add_argument_group(
        "what is wanted; all combinations (default: the newest runtime, each architecture as it is)"
    )
    options.add_runtime(then, note=_EACH, is_repeated=True)
    options.add_arch(then, note=_EACH, is_repeated=True)
    then.add_argument(
        "--launcher",
        type=options.file_path,
        metavar="ZIP",
        help="a layer that `shim layer` made, which functions get that have no `bootstrap`",
    )
    parser.add_argument(
        "--no-callers",
        action="store_true",
        help="don't ask who invokes the functions, which takes longest",
    )
    parser.add_argument(
        "--html", type=options.file_path, metavar="FILE", help="write a page that people can read"
    )
    parser.add_argument(
        "--csv", type=options.file_path, metavar="FILE", help="write a table for spreadsheets"
    )
    options.add_output(
        parser,
        "write a deployment folder for each function that is ready, for `shim deploy FOLDER`",
        metavar="FOLDER",
    )
    options.add_iam(parser)


def check_scan_arguments(arguments: argparse.Namespace) -> None:
    """Refuse what can't go together, before any work is done."""
    options.refuse_account(arguments)
    if not arguments.from_file and (arguments.packages or arguments.layers):
        raise InputError("an account gives packages and layers: --packages, --layer go with --from")
    if arguments.from_file and arguments.iam:
        raise InputError("--iam is for what is read from an account, and --from reads files")
    if arguments.output and max(len(arguments.runtime or ()), len(arguments.arch or ())) > 1:
        raise InputError("--output takes each function to one place: one --runtime, one --arch")
    for path in (arguments.html, arguments.csv):
        if path is not None:
            check_output(path)


def _tag(word: str) -> tuple[str, str | None]:
    """`KEY=VALUE`, or a key that may have any value; no key of AWS's has a `=`."""
    key, equals, value = options.text(word).partition("=")
    return key, value if equals else None


def _layer(word: str) -> tuple[str, Path]:
    arn, equals, path = options.text(word).partition("=")
    if not (arn.startswith("arn:") and equals and path):
        raise argparse.ArgumentTypeError(f"not ARN=ZIP: {word}")
    return arn, Path(path)
