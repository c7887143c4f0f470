"""`shim check`: will this package start?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.cli import options
from shim.errors import ExitCode, InputError
from shim.package.ahead import reading_ahead
from shim.package.read import read_package

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_TEMPLATES = {".yaml", ".yml", ".json", ".template"}
_SYNTHESISED = ("cdk.out", "cloudformation-template-update-stack.json")
"""Files that `cdk synth` and `serverless package` leave in their folders, and nobody else."""

DESCRIPTION = """\
Say whether a package will start, in which runtime and on which architecture, and why not.

PACKAGE is a function's zip, or a folder with the same files in it; or a template of CloudFormation
or SAM, cdk.out or .serverless, each of whose functions is checked in its own settings.
Without a choice every handler in a package is checked in every runtime and on both architectures; a
table shows what starts where.
With a choice (--runtime, --root, --arch, --handler, --from) the answer is about that.

examples:
  shim check functions.zip
  shim check functions.zip --layer launcher.zip --runtime provided.al2023 --arch arm64
  aws lambda get-function --function-name orders > orders.json
  shim check functions.zip --from orders.json
  shim check dist/ --sarif > shim.sarif
  shim check functions.zip --root rootfs/
  sam build && shim check .aws-sam/build/template.yaml

exit status 0: every handler starts in one at least of the states that were asked for, or may, as
far as can be told (with --strict only the first); 1: one starts in none of them; 2: bad usage.
Runtimes whose support has ended are shown, but don't count unless they are asked for."""

FORMS = {"--sarif": "print SARIF 2.1.0, for code scanning, instead of text"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "packages",
        nargs="+",
        type=options.file_path,
        metavar="PACKAGE",
        help="zip, folder or template",
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
    options.add_template(parser)
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say how each Go program was built, too: of a zip all of it is inflated for that",
    )
    parser.add_argument(
        "--strict", action="store_true", help="take unknown for an answer of no: exit status 1"
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Read the packages, check each, print what was found."""
    are_templates = set(map(_is_template, arguments.packages))
    if are_templates == {True}:
        return _check_templates(arguments)
    if True in are_templates:
        raise InputError("packages and templates can't be checked in one run")
    packages = tuple(map(read_package, arguments.packages))
    layers = tuple(map(read_package, arguments.layers))
    # Of --from, the handler is not known yet.
    with reading_ahead(() if arguments.from_file else (*packages, *layers), arguments.handler):
        # Meanwhile: to import all that takes as long as to inflate a large package.
        from shim.check.verdict import Answer
        from shim.cli.checking import choose, note_left_out, printer, survey_packages

        choice = choose(arguments)
        print_report = printer(arguments)
    surveys = survey_packages(packages, layers, choice, explains=arguments.explain)
    print_report(surveys)
    note_left_out(surveys)
    is_fine = {Answer.STARTS} if arguments.strict else {Answer.STARTS, Answer.UNKNOWN}
    return ExitCode.OK if all(one.answer in is_fine for one in surveys) else ExitCode.NO


def _is_template(path: Path) -> bool:
    if path.suffix in _TEMPLATES and not path.is_dir():
        return True
    return any((path / name).is_file() for name in _SYNTHESISED)


def _check_templates(arguments: argparse.Namespace) -> ExitCode:
    # What reads templates is imported when there is one.
    from shim.check.verdict import Answer
    from shim.cli.checking import printer
    from shim.cli.template import survey_templates
    from shim.cli.terminal import print_note

    surveys, unchecked = survey_templates(arguments)
    printer(arguments, unchecked)(surveys)
    for one in unchecked:
        print_note(f"not checked: {one.function}: {one.reason}")
    if any(one.answer is Answer.FAILS for one in surveys):
        return ExitCode.NO
    is_known = not unchecked and all(one.answer is Answer.STARTS for one in surveys)
    return ExitCode.OK if is_known or not arguments.strict else ExitCode.NO
