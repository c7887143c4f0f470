"""Compiles a handler in Python: `python build/handler.py hello.py --output out`.

Nuitka does it, in containers of the release environment (Dockerfile.al2), for each architecture:
OUTPUT/<architecture>/bin holds the program, called as its module, and the libraries that it needs.
What it imports is pinned in the `requirements.txt` beside it, with hashes.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from launchers import ARCHITECTURES, add_architectures, add_container_options, note, run
from lean import BuildError

EPILOG = """\
exit status: 0 compiled, 1 not, 2 bad usage
examples:
  python build/handler.py examples/python-native/hello.py --output out
  python build/handler.py hello.py --output out --arch arm64 --base my/amazonlinux:2"""


def main() -> None:
    """Compile what the command line names."""
    arguments = _parser().parse_args()
    if not arguments.program.is_file():
        raise BuildError(f"there is no such file: {arguments.program}")
    from container import compile_in_container

    output: Path = arguments.output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    # In a folder of its own until all is there: nobody ever finds half of it.
    with tempfile.TemporaryDirectory(prefix=f"{output.name}.", dir=output.parent) as name:
        made = compile_in_container(
            arguments.program.absolute(),
            Path(name),
            architectures=tuple(dict.fromkeys(arguments.arch or ARCHITECTURES)),
            base=arguments.base,
            cache=arguments.cache,
            log=note,
        )
        for program in made:
            folder = output / program.relative_to(name).parts[0]
            folder.parent.mkdir(exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
            (Path(name) / folder.name).rename(folder)
            print(folder / "bin" / program.name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("program", type=Path, metavar="PROGRAM.py", help="its main module")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    add_architectures(parser)
    add_container_options(parser)
    return parser


if __name__ == "__main__":
    run(main)
