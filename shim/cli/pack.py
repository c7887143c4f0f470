"""`shim pack`: a function's zip from compiled handlers."""

from __future__ import annotations

import base64
import hashlib
import sys
from shlex import quote
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.cli import options
from shim.cli.packing import RESULT_FORMAT, Form, Output, add_file_arguments, sizes
from shim.cli.starting import build_notes, handler_starts, print_starts, sum_up
from shim.cli.terminal import print_note
from shim.document import document, encode
from shim.errors import ExitCode
from shim.package.function import (
    FunctionPackage,
    Packed,
    handler_table,
    plan_package,
    zip_entries,
)
from shim.package.inputs import Input, find_files
from shim.package.launchers import Flavour, launcher_files
from shim.package.limits import format_size, read_limits, size_notes
from shim.package.planned import planned_package
from shim.text import printable

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

DESCRIPTION = """\
Make a function's zip: your programs, the launcher as `bootstrap`, a manifest.

Each INPUT is
  FILE         a program: ELF, or a script that begins with `#!`; the handler has its file's name,
               without an architecture at its end (orders_arm64, orders-linux-amd64: orders)
  NAME=FILE    a program, and the handler's name
  FOLDER       everything in it; programs become handlers of the name that their path says
               (bin/orders), other files go in at their path
  NAME=FOLDER  a folder's only program, and the handler's name; its other files go along
  NAME=ZIP     what another tool built: its `bootstrap` becomes the handler, other files go along
  ZIP          a package whose `bootstrap` is a shell script, or a launcher: ours takes its place
A folder with a `bootstrap` at its root, as CDK leaves it, is taken as a ZIP. Of cargo-lambda's
target/lambda, SAM's .aws-sam/build and GoReleaser's dist each function is a handler, and so is one
function's folder in there.

A program's architecture is what its ELF header says. With programs for both, the zip starts on
both; scripts run on both. The same inputs give the same bytes.

Each handler is checked as `shim check` does it, in the runtimes that are still supported. One that
starts in none of them (linked against musl, or built for FreeBSD) is packed all the same, with a
warning, and the exit status is 0: `shim check` is what answers by its exit status.

examples:
  shim pack build/orders build/invoices -o functions.zip
  shim pack orders=out/amd64/main orders=out/arm64/main -o orders.zip
  shim pack dist/ --arch arm64 -o functions-arm64.zip
  shim pack target/lambda --include templates -o functions.zip
  shim pack orders=build/orders -o .build/orders/"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="a program, zip or folder")
    add_file_arguments(parser)
    options.add_arch(
        parser, note="; twice: both (default: all that the programs are for)", is_repeated=True
    )
    options.add_flavour(parser, Flavour.LEAN)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Pack and print what is in the zip."""
    output: Output = arguments.output
    flavour: Flavour = arguments.flavour
    inputs = [Input.parse(word) for word in arguments.inputs]
    inputs += [Input.parse(word, is_data=True) for word in arguments.include]
    output.check(inputs, as_json=arguments.json)
    found = find_files(inputs)
    package = plan_package(
        found.files,
        architectures=frozenset[Arch](arguments.arch or ()),
        allow_missing=arguments.allow_missing,
    )
    launcher = launcher_files(package.architectures, flavour)
    entries = zip_entries(package, launcher=launcher, flavour=flavour)
    starts = handler_starts(planned_package(str(output), entries), package.handlers)
    packed = output.write(entries)
    notes = [*found.notes, *size_notes(zipped=packed.size, unzipped=packed.unzipped)]
    notes += build_notes(starts)
    for note in notes:
        print_note(note)
    print_starts(starts, quote(str(output)))
    if arguments.json:
        content = _result(package, packed, output=output, flavour=flavour)
        more = {"starts": [one.as_json() for one in starts], "notes": notes}
        print(encode(document(RESULT_FORMAT, content | more)))
        return ExitCode.OK
    answer = sum_up(starts, package.architectures)
    summary = _summary(package, packed, output=output, answer=answer)
    print(summary, file=output.messages, flush=True)
    print(_next_commands(package, packed, output=output), file=sys.stderr)
    return ExitCode.OK


def _result(
    package: FunctionPackage,
    packed: Packed,
    *,
    output: Output,
    flavour: Flavour,
) -> dict[str, object]:
    return {
        "output": str(output),
        "size": packed.size,
        "unzipped": packed.unzipped,
        "codeSha256": None if packed.size is None else _code_sha256(output.path),
        "flavour": flavour,
        "architectures": package.architectures,
        "handlers": handler_table(package),
        "otherFiles": package.other_files,
    }


def _code_sha256(output: Path) -> str:
    """As Lambda shows it."""
    with output.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha256").digest()).decode()


def _summary(package: FunctionPackage, packed: Packed, *, output: Output, answer: str) -> str:
    rows = [("handler", *package.architectures)]
    for name, paths in package.handlers.items():
        cells = (_cell(package, paths.get(arch)) for arch in package.architectures)
        rows.append((printable(name), *cells))
    width = max(len(name) for name, *_ in rows)
    lines = [f"{output}: {answer}; {sizes(packed)}", ""]
    lines += [
        "  ".join((name.ljust(width), *(cell.rjust(10) for cell in cells))) for name, *cells in rows
    ]
    if others := len(package.other_files):
        lines += ["", "and 1 other file" if others == 1 else f"and {others:,} other files"]
    return "\n".join(lines)


def _cell(package: FunctionPackage, path: str | None) -> str:
    return "-" if path is None else format_size(package.files[path].source.size)


def _next_commands(package: FunctionPackage, packed: Packed, *, output: Output) -> str:
    if output.form is Form.STREAM:
        return ""
    name = quote(str(output))
    deploy = f"""aws lambda update-function-code --function-name FUNCTION \\
             --zip-file fileb://{name} --architectures {package.architectures[-1]}"""
    if packed.size is None:
        deploy = "it is SAM's `CodeUri`, CDK's asset, or aws-lambda-deploy's `code-artifacts-dir`"
    elif packed.size > read_limits().direct_upload:
        deploy = deploy.replace(f"--zip-file fileb://{name}", "--s3-bucket BUCKET --s3-key KEY")
    return f"""
try it:  shim run {name} --handler {printable(quote(next(iter(package.handlers))))}
deploy:  {deploy}"""
