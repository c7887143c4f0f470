#!/usr/bin/env python3
"""Reads a root file system and prints what shim/check/runtimes.toml says of such a runtime.

    scripts/read_runtime.py SOURCE --name NAME [--arch ARCH] [--listings FOLDER]

SOURCE is a folder, a tar, or the name of a container image, which is pulled if need be. With
--listings its programs and libraries are written there, as NAME-ARCHITECTURE.txt: the files of
shim/check/listings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.check.listing import format_listing
from shim.check.root import read_root
from shim.check.runtimes import BASH
from shim.emulate.image import container_engine
from shim.emulate.untar import unpack_tar
from shim.errors import ShimError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shim.check.runtimes import Runtime

_CHUNK = 1 << 20


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="SOURCE", help="folder, tar, or Docker's image")
    parser.add_argument("--name", required=True, help="what the runtime shall be called")
    parser.add_argument("--arch", type=Arch, help="of an image that is there for both")
    parser.add_argument("--listings", type=Path, metavar="FOLDER", help="write its listings there")
    arguments = parser.parse_args()
    today = datetime.now(UTC).date()
    try:
        with opened(arguments.source, arguments.arch) as (folder, digest):
            runtime = read_root(folder, day=today, name=arguments.name)
    except ShimError as error:
        sys.exit(f"error: {error}")
    print(_table(runtime, f"{arguments.source}, {digest}, read on {today}"))
    if arguments.listings:
        for arch in runtime.architectures:
            file = arguments.listings / f"{runtime.name}-{arch}.txt"
            file.write_text(format_listing(runtime.listing(arch)), encoding="utf-8")
    return 0


@contextmanager
def opened(source: str, arch: Arch | None) -> Iterator[tuple[Path, str]]:
    """The source as a folder, and its digest."""
    path = Path(source)
    if path.is_dir():
        yield path, "a folder"
        return
    with TemporaryDirectory(prefix="shim-runtime-") as folder:
        root = Path(folder)
        if path.is_file():
            with path.open("rb") as tar:
                unpack_tar(iter(partial(tar.read, _CHUNK), b""), root)
            yield root, f"sha256:{_sha256(path)}"
            return
        with container_engine() as engine:
            image = engine.find_image(source, arch)
            engine.unpack(image, root)
        yield root, image.digest


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _table(runtime: Runtime, source: str) -> str:
    """The runtime's table in runtimes.toml."""
    return "\n".join(
        [
            f"# {source}",
            f'[runtime."{runtime.name}"]',
            f"system = {json.dumps(runtime.system)}",
            f"architectures = {_strings(sorted(runtime.architectures))}",
            f"merged_usr = {str(runtime.merged_usr).lower()}",
            *([] if runtime.shell == BASH else [f'shell = "{runtime.shell}"']),
            f"library_folders = {_strings(runtime.library_folders)}",
            f'listing = "{runtime.name}"',
            f"image = {runtime.image}",
            "",
            f'[runtime."{runtime.name}".versions]',
            *(f'{kind} = "{runtime.version(kind)}"' for kind in sorted(runtime.versions)),
        ]
    )


def _strings(values: Iterable[str]) -> str:
    return json.dumps(list(values))


if __name__ == "__main__":
    sys.exit(main())
