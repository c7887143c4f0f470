"""`shim layer`: the launcher as a layer, for reuse by many functions."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.cli import options
from shim.cli.packing import (
    RESULT_FORMAT,
    Output,
    add_file_arguments,
    publish_command,
    sizes,
)
from shim.cli.starting import build_notes, handler_starts, print_starts
from shim.cli.terminal import print_note
from shim.document import document, encode
from shim.errors import ExitCode
from shim.package.function import handler_table, zip_entries
from shim.package.inputs import Input, find_files
from shim.package.launchers import best_flavour, launcher_files
from shim.package.layer import plan_layer, publish_arguments
from shim.package.limits import size_notes
from shim.package.planned import planned_package
from shim.text import printable

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Make a layer's zip with the launcher as `/opt/bootstrap`, and print how to publish it.

A function that has this layer needs no `bootstrap` of its own (one of its own hides the layer's).
Its handlers are found in its package first, then in `/opt`: INPUTs become handlers there, and are
what `shim pack` takes. Without INPUT or `--arch` the layer starts on both architectures.

examples:
  shim layer -o shim-layer.zip
  shim layer --arch arm64 --flavour lean -o shim-layer-arm64.zip
  shim layer build/audit_x86_64 build/audit_arm64 -o common.zip"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("inputs", nargs="*", metavar="INPUT", help="handlers: see `shim pack`")
    add_file_arguments(parser)
    options.add_arch(parser, note=", native; twice: both, as without", is_repeated=True)
    options.add_flavour(parser, None)


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the layer, and print what it is and how to publish it."""
    output: Output = arguments.output
    inputs = [Input.parse(word) for word in arguments.inputs]
    inputs += [Input.parse(word, is_data=True) for word in arguments.include]
    output.check(inputs, as_json=arguments.json)
    found = find_files(inputs)
    layer = plan_layer(
        found.files,
        architectures=frozenset[Arch](arguments.arch or ()),
        allow_missing=arguments.allow_missing,
    )
    flavour = arguments.flavour or best_flavour(layer.architectures)
    launcher = launcher_files(layer.architectures, flavour)
    entries = zip_entries(layer, launcher=launcher, flavour=flavour)
    alone = planned_package("", ())
    planned = planned_package(str(output), entries)
    starts = handler_starts(alone, layer.handlers, layers=(planned,))
    packed = output.write(entries)
    notes = [*found.notes, *size_notes(zipped=packed.size, unzipped=packed.unzipped)]
    notes += build_notes(starts)
    for note in notes:
        print_note(note)
    print_starts(starts, quote(str(output)))
    if arguments.json:
        result = {
            "output": str(output),
            "size": packed.size,
            "unzipped": packed.unzipped,
            "flavour": flavour,
            "architectures": layer.architectures,
            "handlers": handler_table(layer),
            "otherFiles": layer.other_files,
            "publishArguments": publish_arguments(layer.architectures),
            "starts": [one.as_json() for one in starts],
            "notes": notes,
        }
        print(encode(document(RESULT_FORMAT, result)))
        return ExitCode.OK
    where = " and ".join(layer.architectures)
    lines = [f"{output}: {flavour} launcher for {where}; {sizes(packed)}"]
    lines += [f"  /opt/{printable(name)}" for name in layer.handlers]
    lines += ["", publish_command("NAME", output, packed, layer.architectures)]
    print("\n".join(lines), file=output.messages)
    return ExitCode.OK
