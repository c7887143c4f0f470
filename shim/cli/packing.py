"""What the commands that write packages have in common: where to, and what is said of it."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum, auto
from shlex import quote
from typing import TYPE_CHECKING, TextIO

from shim.cli import options
from shim.cli.streams import write_data
from shim.cli.terminal import progress
from shim.errors import InputError
from shim.package.archive import write_archive
from shim.package.folder import check_folder, write_folder
from shim.package.function import Packed, write_zip
from shim.package.inputs import check_apart
from shim.package.layer import publish_arguments
from shim.package.limits import format_size, read_limits
from shim.package.output import check_output

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from shim.arch import Arch
    from shim.package.entry import Entry
    from shim.package.inputs import Input

RESULT_FORMAT = 1
"""Of what commands that write files print as JSON."""

SLOW = 20 << 20
"""Bytes from which on packing takes about a second: that is shown."""

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


class Form(Enum):
    """What is made of a package's entries."""

    ZIP = auto()
    FOLDER = auto()
    STREAM = auto()
    """A zip on standard output."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """Where a package goes."""

    path: Path
    form: Form

    @classmethod
    def parse(cls, word: str) -> Output:
        """What `--output` says, for argparse."""
        path = options.file_path(word)
        if word == "-":
            return cls(path=path, form=Form.STREAM)
        is_folder = word.endswith(_SEPARATORS) or path.is_dir()
        return cls(path=path, form=Form.FOLDER if is_folder else Form.ZIP)

    def __str__(self) -> str:
        return str(self.path)

    @property
    def messages(self) -> TextIO:
        """Where the summary goes."""
        return sys.stderr if self.form is Form.STREAM else sys.stdout

    def check(self, inputs: Iterable[Input], *, as_json: bool) -> None:
        """Refuse what can't be written, before any work is done for it."""
        match self.form:
            case Form.ZIP:
                check_apart(check_output(self.path), inputs=inputs)
            case Form.FOLDER:
                check_apart(check_folder(self.path), inputs=inputs)
            case Form.STREAM:
                if as_json:
                    raise InputError("--json and `-o -` both want standard output")
                if sys.stdout.isatty():
                    raise InputError(
                        "a zip is no text for a terminal",
                        hint="write a file, `-o FILE`, or into a pipe",
                    )

    def write(self, entries: Sequence[Entry]) -> Packed:
        """Write the package: whole, or nothing."""
        unzipped = sum(entry.size for entry in entries)
        with packing(unzipped) as show:
            match self.form:
                case Form.ZIP:
                    return write_zip(self.path, entries, progress=show)
                case Form.FOLDER:
                    write_folder(self.path, entries, progress=show)
                    return Packed(size=None, unzipped=unzipped)
                case Form.STREAM:
                    return Packed(size=_write_stream(entries, show), unzipped=unzipped)


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which package is written, and which files go along with the handlers."""
    add_output(parser, is_required=True)
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="a file or folder that goes along under its own name, or as NAME; never a handler",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="go on where a handler is there for one of the architectures only",
    )


def add_output(
    parser: argparse.ArgumentParser, *, note: str = "", is_required: bool = False
) -> None:
    """Add `--output` for a package; `note` says what is written without."""
    options.add_output(
        parser,
        "the zip to write; a folder with the same files, where OUTPUT is one or ends with `/`; `-`"
        f" for a zip on standard output{note}",
        is_required=is_required,
        metavar="OUTPUT",
        kind=Output.parse,
    )


def packing(total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Takes the bytes that are done, and shows them where it takes over a second."""
    return progress("packing", total) if total >= SLOW else nullcontext(lambda _: None)


def publish_command(name: str, output: Output, packed: Packed, arches: Iterable[Arch]) -> str:
    """The call of the AWS command line that publishes the layer."""
    if packed.size is None:
        return "publish it: it is a layer's `ContentUri` (SAM), or asset (CDK)"
    file = "ZIP" if output.form is Form.STREAM else quote(str(output))
    content = f"--zip-file fileb://{file}"
    if packed.size > read_limits().direct_upload:
        content = "--content S3Bucket=BUCKET,S3Key=KEY"
    arguments = " ".join(publish_arguments(arches))
    return f"aws lambda publish-layer-version --layer-name {name} {content} \\\n    {arguments}"


def sizes(packed: Packed) -> str:
    """The sizes, for people."""
    unzipped = f"{format_size(packed.unzipped)} unzipped"
    return unzipped if packed.size is None else f"{format_size(packed.size)}, {unzipped}"


def _write_stream(entries: Sequence[Entry], show: Callable[[int], None]) -> int:
    """Write the zip to standard output, once all of it is there; returns its bytes."""
    with tempfile.TemporaryFile() as file:
        write_archive(file, entries, progress=show)
        size = file.tell()
        file.seek(0)
        write_data(file)
    return size
