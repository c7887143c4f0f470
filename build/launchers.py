"""Builds launchers: `python build/launchers.py --flavour full --arch x86_64 --arch arm64`.

The lean ones come with every wheel; the full one is built by this, on the host where a static
libpython is at hand, or in a container of the release environment (Dockerfile.al2). What was built
before from the same sources and with the same tools is taken from the cache.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from full import build_full
from lean import SOURCES, BuildError, build_lean
from verify import verify_full, verify_lean

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
    try:
        if arguments.where == "container":
            from container import build_in_container

            paths = build_in_container(
                architectures,
                arguments.output,
                flavours=flavours,
                base=arguments.base,
                cache=arguments.cache,
                log=_note,
            )
        else:
            paths = _build_on_host(architectures, flavours, arguments)
        for path in paths:
            verify = verify_lean if path.name.startswith("lean") else verify_full
            verify(path, arch=path.name.split("-", 1)[1])
            print(f"{path}: {path.stat().st_size} bytes")
    except BuildError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--flavour", choices=["lean", "full", "all"], default="all")
    parser.add_argument("--arch", choices=ARCHITECTURES, action="append", help="default: both")
    parser.add_argument("--in", choices=["host", "container"], default="host", dest="where")
    parser.add_argument(
        "--output", type=Path, default=SOURCES / "bin", metavar="FOLDER", help="where to put them"
    )
    parser.add_argument(
        "--base",
        default="amazonlinux:2",
        metavar="IMAGE",
        help="with --in container: the image to build in; {arch} in it is replaced",
    )
    parser.add_argument("--cache", type=Path, default=_cache_folder(), metavar="FOLDER")
    return parser


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
            _note(f"building the full launcher for {arch} (minutes at first, then seconds)")
            paths.append(build_full(arch, arguments.output, cache=arguments.cache))
            _note(f"{time.monotonic() - before:.0f} s")
    return paths


def _cache_folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "shim" / "build"


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
