"""`shim check`: will this package start?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.cli import options
from shim.errors import ExitCode
from shim.package.ahead import reading_ahead
from shim.package.read import read_package

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Say whether a package will start, in which runtime and on which architecture, and why not.

PACKAGE is a function's zip, or a folder with the same files in it. Without a choice every handler
in it is checked in every runtime and on both architectures; a table shows what starts where.
With a choice (--runtime, --root, --arch, --handler, --from) the answer is about that.

examples:
  shim check functions.zip
  shim check functions.zip --layer launcher.zip --runtime provided.al2023 --arch arm64
  aws lambda get-function --function-name orders > orders.json
  shim check functions.zip --from orders.json
  shim check dist/ --sarif > shim.sarif
  shim check functions.zip --root rootfs/

exit status 0: every handler starts in one at least of the states that were asked for, or may, as
far as can be told (with --strict only the first); 1: one starts in none of them; 2: bad usage.
Runtimes whose support has ended are shown, but don't count unless they are asked for."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "packages", nargs="+", type=options.file_path, metavar="PACKAGE", help="zip or folder"
    )
    options.add_layers(parser)
    runtime = parser.add_mutually_exclusive_group()
    options.add_runtime(runtime)
    runtime.add_argument(
        "--root",
        type=options.file_path,
        metavar="FOLDER",
        help="a root file system, an unpacked image's say, in the place of a runtime",
    )
    runtime.add_argument(
        "--image",
        type=options.text,
        metavar="IMAGE",
        help="the same of a container image, public.ecr.aws/lambda/provided:al2023 say; pulled if"
        " need be (needs the Docker SDK and an engine)",
    )
    options.add_arch(parser)
    options.add_handler(parser)
    options.add_env(parser)
    options.add_from(parser)
    parser.add_argument(
        "--strict", action="store_true", help="take unknown for an answer of no: exit status 1"
    )
    parser.add_argument(
        "--sarif", action="store_true", help="print SARIF 2.1.0, for code scanning, instead of text"
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Read the packages, check each, print what was found."""
    packages = tuple(map(read_package, arguments.packages))
    layers = tuple(map(read_package, arguments.layers))
    # Of --from, the handler is not known yet.
    with reading_ahead(() if arguments.from_file else (*packages, *layers), arguments.handler):
        # Meanwhile: to import all that takes as long as to inflate a large package.
        from shim.check.verdict import Answer
        from shim.cli.checking import choose, note_left_out, printer, survey_packages

        choice = choose(arguments)
        print_report = printer(arguments)
    surveys = survey_packages(packages, layers, choice)
    print_report(surveys)
    note_left_out(surveys)
    is_fine = {Answer.STARTS} if arguments.strict else {Answer.STARTS, Answer.UNKNOWN}
    return ExitCode.OK if all(one.answer in is_fine for one in surveys) else ExitCode.NO
