"""`shim extension`: an extension's layer that starts on both architectures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.cli import options
from shim.cli.packing import RESULT_FORMAT, Form, Output, add_output, publish_command, sizes
from shim.cli.terminal import print_note
from shim.document import document, encode
from shim.errors import ExitCode
from shim.package.extension import extension_entries
from shim.package.inputs import Input
from shim.package.layer import publish_arguments
from shim.package.limits import size_notes

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Make the layer's zip of an extension that is there for both architectures.

Lambda starts every file in `/opt/extensions`, and a program for the wrong machine there ends the
function's start. So `/opt/extensions/NAME` is a script of two lines that executes
`/opt/.extensions/x86_64/NAME` or `/opt/.extensions/aarch64/NAME`. NAME is what the extension
registers with: it has to equal its file's name.

example:
  shim extension audit --x86-64 out/audit-amd64 --arm64 out/audit-arm64 -o audit-layer.zip"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    parser.add_argument("name", metavar="NAME", help="the extension's name")
    for arch, option in ((Arch.X86_64, "--x86-64"), (Arch.ARM64, "--arm64")):
        parser.add_argument(
            option,
            dest=str(arch),
            required=True,
            type=options.file_path,
            metavar="FILE",
            help=f"the program for {arch}",
        )
    add_output(parser, note=" (default: NAME.zip)")
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="a file or folder that goes into `/opt` under its own name, or as NAME",
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write the layer, and print what it is and how to publish it."""
    name: str = arguments.name
    programs = {arch: Path(getattr(arguments, arch)) for arch in Arch}
    include = [Input.parse(word, is_data=True) for word in arguments.include]
    given = [*(Input(path=path) for path in programs.values()), *include]
    default = Output(path=Path(f"{name.replace('/', '-')}.zip"), form=Form.ZIP)
    output: Output = arguments.output or default
    output.check(given, as_json=arguments.json)
    entries = extension_entries(name, programs, include)
    packed = output.write(entries)
    notes = size_notes(zipped=packed.size, unzipped=packed.unzipped)
    for note in notes:
        print_note(note)
    if arguments.json:
        result = {
            "output": str(output),
            "size": packed.size,
            "unzipped": packed.unzipped,
            "architectures": list(Arch),
            "files": sorted(entry.name for entry in entries),
            "publishArguments": publish_arguments(Arch),
            "notes": notes,
        }
        print(encode(document(RESULT_FORMAT, result)))
        return ExitCode.OK
    text = f"{output}: the extension `{name}` for {' and '.join(Arch)}; {sizes(packed)}"
    command = publish_command(name, output, packed, Arch)
    print(f"{text}\n\n{command}", file=output.messages)
    return ExitCode.OK
