"""Builds launchers: `python build/launchers.py --flavour full --arch x86_64 --arch arm64`.

The lean ones come with every wheel; the full one is built by this, on the host where a static
libpython is at hand, or in a container of the release environment (Dockerfile.al2). What was built
before from the same sources and with the same tools is taken from the cache.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

from full import build_full
from lean import SOURCES, BuildError, build_lean
from verify import verify_full, verify_lean

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHITECTURES = ("x86_64", "arm64")

EPILOG = """\
exit status: 0 built and checked, 1 not, 2 bad usage
examples:
  python build/launchers.py --flavour full                      both architectures, on the host
  python build/launchers.py --flavour all --in container        as releases are built
  python build/launchers.py --arch arm64 --in container --base my/amazonlinux:2"""


def main() -> None:
    """Build what the command line asks for."""
    arguments = _parser().parse_args()
    architectures = tuple(dict.fromkeys(arguments.arch or ARCHITECTURES))
    flavours = ("lean", "full") if arguments.flavour == "all" else (arguments.flavour,)
    if arguments.context:
        from container import assemble_release

        for arch in architectures:
            assemble_release(arguments.context / arch, arch=arch, cache=arguments.cache)
            print(arguments.context / arch)
        return
    if arguments.where == "container":
        from container import build_in_container

        paths = build_in_container(
            architectures,
            arguments.output,
            flavours=flavours,
            base=arguments.base,
            cache=arguments.cache,
            log=note,
        )
    else:
        paths = _build_on_host(architectures, flavours, arguments)
    for path in paths:
        verify = verify_lean if path.name.startswith("lean") else verify_full
        verify(path, arch=path.name.split("-", 1)[1])
        print(f"{path}: {path.stat().st_size} bytes")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--flavour", choices=["lean", "full", "all"], default="all")
    parser.add_argument("--in", choices=["host", "container"], default="host", dest="where")
    parser.add_argument(
        "--output", type=Path, default=SOURCES / "bin", metavar="FOLDER", help="where to put them"
    )
    parser.add_argument(
        "--context",
        type=Path,
        metavar="FOLDER",
        help="build nothing: put there, for each architecture, what Dockerfile.al2 copies",
    )
    add_architectures(parser)
    add_container_options(parser)
    return parser


def add_architectures(parser: argparse.ArgumentParser) -> None:
    """For which architectures to build."""
    parser.add_argument("--arch", choices=ARCHITECTURES, action="append", help="default: both")


def add_container_options(parser: argparse.ArgumentParser) -> None:
    """What every command takes that builds in containers."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    parser.add_argument(
        "--base",
        default="amazonlinux:2",
        metavar="IMAGE",
        help="in containers: the image to build in; {arch} in it is replaced",
    )
    parser.add_argument(
        "--cache", type=Path, default=Path(home) / "shim" / "build", metavar="FOLDER"
    )


def _build_on_host(
    architectures: tuple[str, ...], flavours: tuple[str, ...], arguments: argparse.Namespace
) -> list[Path]:
    paths = []
    if "lean" in flavours:
        built = build_lean(arguments.output)
        paths += [path for path in built if path.name.removeprefix("lean-") in architectures]
    if "full" in flavours:
        for arch in architectures:
            before = time.monotonic()
            note(f"building the full launcher for {arch} (minutes at first, then seconds)")
            paths.append(build_full(arch, arguments.output, cache=arguments.cache))
            note(f"{time.monotonic() - before:.0f} s")
    return paths


def note(text: str) -> None:
    """Say how far it is."""
    print(text, file=sys.stderr, flush=True)


def run(work: Callable[[], None]) -> None:
    """Do a command's work: its errors as one sentence, and nothing left where it is ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        work()
    except BuildError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run(main)
