"""What the commands that write zips have in common."""

from __future__ import annotations

from contextlib import nullcontext
from shlex import quote
from typing import TYPE_CHECKING

from shim.cli import options
from shim.cli.terminal import progress
from shim.package.layer import publish_arguments
from shim.package.limits import format_size, read_limits

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from shim.arch import Arch
    from shim.package.function import PackedZip

RESULT_FORMAT = 1
"""Of what commands that write files print as JSON."""

SLOW = 20 << 20
"""Bytes from which on packing takes about a second: that is shown."""


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what says which zip is written, and which files go along with the handlers."""
    options.add_output(parser, "the zip to write", is_required=True)
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


def packing(total: int) -> AbstractContextManager[Callable[[int], None]]:
    """Takes the bytes that are done, and shows them where it takes over a second."""
    return progress("packing", total) if total >= SLOW else nullcontext(lambda _: None)


def publish_command(name: str, output: Path, packed: PackedZip, arches: Iterable[Arch]) -> str:
    """The call of the AWS command line that publishes the layer."""
    content = f"--zip-file fileb://{quote(str(output))}"
    if packed.size > read_limits().direct_upload:
        content = "--content S3Bucket=BUCKET,S3Key=KEY"
    arguments = " ".join(publish_arguments(arches))
    return f"aws lambda publish-layer-version --layer-name {name} {content} \\\n    {arguments}"


def sizes(packed: PackedZip) -> str:
    """Both sizes, for people."""
    return f"{format_size(packed.size)}, {format_size(packed.unzipped)} unzipped"
