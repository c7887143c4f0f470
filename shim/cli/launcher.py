"""`shim launcher`: the launcher as a file, for those whose own tools build the zip."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.cli import options
from shim.cli.packing import RESULT_FORMAT
from shim.cli.streams import write_data
from shim.document import document, encode
from shim.errors import ExitCode, InputError, MachineError
from shim.package.launchers import Flavour, launcher, launcher_files
from shim.package.output import new_file

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Write the launcher to a file: put it into your zip as `bootstrap`, beside your handlers.

examples:
  shim launcher --arch arm64                            writes ./bootstrap
  shim launcher --arch arm64 --output build/bootstrap
  shim launcher --dual --output build                   writes build/bootstrap and build/.shim/,
                                                        for a zip that starts on both"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.description = DESCRIPTION
    target = parser.add_mutually_exclusive_group(required=True)
    options.add_arch(target)
    target.add_argument(
        "--dual", action="store_true", help="all that a package for both architectures needs"
    )
    options.add_flavour(parser, Flavour.LEAN)
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        help="the file to write, `-` for standard output (default: bootstrap);"
        " with --dual the folder (default: the current one)",
    )


def run(arguments: argparse.Namespace) -> ExitCode:
    """Write what was asked for, and print which files that are."""
    flavour: Flavour = arguments.flavour
    if arguments.dual:
        written = _write_dual(Path(arguments.output or "."), flavour)
    elif arguments.output == "-":
        write_data(io.BytesIO(launcher(arguments.arch, flavour)))
        return ExitCode.OK
    else:
        path = Path(arguments.output or "bootstrap")
        _write(path, launcher(arguments.arch, flavour))
        written = [path]
    if arguments.json:
        result = {"files": [str(path) for path in written], "flavour": flavour}
        print(encode(document(RESULT_FORMAT, result)))
    else:
        print(*written, sep="\n")
    return ExitCode.OK


def _write_dual(folder: Path, flavour: Flavour) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"with `--dual` the output is a folder that is there: `{folder}`")
    written = []
    # Sorted, `bootstrap` comes last: once it is there, what it starts is.
    for name, program in sorted(launcher_files(tuple(Arch), flavour).items()):
        path = folder / name
        try:
            path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise MachineError(
                f"can't make the folder, {error.strerror}: `{path.parent}`"
            ) from error
        _write(path, program)
        written.append(path)
    return written


def _write(path: Path, content: bytes) -> None:
    with new_file(path, executable=True) as file:
        file.write(content)
