"""Makes a release: `scripts/release VERSION`.

One commit (the version in shim/__init__.py, the changelog's section), one annotated tag, which says
the SHA-256 of every file, both pushed. GitHub then builds the same files from the tag, finds the
same bytes, and publishes them (.github/workflows/release.yml).

The files, in the output folder: lambda-shim's wheel and source release, the wheel of the full
launchers, an SBOM, SHA256SUMS. They are built twice, and tried in an empty environment.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from changelog import close_section
from launchers import ARCHITECTURES, add_container_options, note, run
from lean import ROOT, BuildError
from release_files import check_launchers, make_files
from repository import CIUnknownError, Repository

PYTHON = (3, 11)
"""The SBOM lists what this Python takes: GitHub and whoever tags have the same one."""

EPILOG = """\
exit status: 0 made, 1 refused or failed, 2 bad usage
examples:
  scripts/release 0.2.0 --dry-run                          all but the tag and the push
  scripts/release 0.2.0 --dry-run --launchers FOLDER       with launchers built before
  scripts/release 0.2.0                                    for good
  git checkout v0.2.0 && scripts/release 0.2.0 --again     does it give the same bytes once more?"""


def main() -> None:
    """Make the release that the command line asks for."""
    arguments = _parser().parse_args()
    if sys.version_info[:2] != PYTHON:
        raise BuildError(f"releases are made with Python {'.'.join(map(str, PYTHON))}: PYTHON=…")
    if arguments.output.exists():
        raise BuildError(f"there is something already: {arguments.output}")
    here, tag = Repository(folder=ROOT), f"v{arguments.version}"
    here.check_clean()
    if arguments.again:
        here.check_at(tag)
    else:
        here.check_not_released(tag)
        _check_ci(here, is_dry=arguments.dry_run)
    commit = _make(here, arguments)
    said = f"shim {arguments.version}\n\n{(arguments.output / 'SHA256SUMS').read_text()}".strip()
    if arguments.again:
        if here.message(tag) != said:
            raise BuildError(f"not the files that {tag} tells of:\n{here.message(tag)}")
        note(f"the same files as {tag} tells of")
    elif arguments.dry_run:
        note(f"a dry run: nothing is tagged, nothing pushed. {tag} would say:\n\n{said}")
    else:
        here.push(commit, tag, message=said)


def _make(here: Repository, arguments: argparse.Namespace) -> str:
    """Put the files into the output folder, print which they are, and return the commit."""
    with here.tree() as tree, tempfile.TemporaryDirectory(prefix="shim-release-") as name:
        if not arguments.again:
            _commit(tree, arguments.version)
        launchers = arguments.launchers or _build_launchers(Path(name) / "launchers", arguments)
        check_launchers(launchers, is_dry=arguments.dry_run)
        files = make_files(tree.folder, Path(name), launchers=launchers, time=tree.committed_at())
        shutil.copytree(Path(name) / "files", arguments.output)
        print(*(arguments.output / path.name for path in files), sep="\n")
        return tree.git("rev-parse", "HEAD")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/release",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("version", type=_version, metavar="VERSION")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="all but the tag and the push")
    how.add_argument(
        "--again", action="store_true", help="build what is tagged, and compare with what it tells"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument(
        "--launchers",
        type=Path,
        metavar="FOLDER",
        help="the full launchers, built before by build/launchers.py (default: in containers, now)",
    )
    add_container_options(parser)
    return parser


def _version(text: str) -> str:
    if re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", text):
        return text
    raise argparse.ArgumentTypeError(f"releases have three numbers, as 0.2.0 has: {text}")


def _check_ci(repository: Repository, *, is_dry: bool) -> None:
    try:
        repository.check_ci()
    except CIUnknownError as error:
        if not is_dry:
            raise
        note(f"note: a release would be refused: {error}")


def _commit(tree: Repository, version: str) -> None:
    """The release's commit: the one place of the version, and the changelog."""
    source, changelog = tree.folder / "shim" / "__init__.py", tree.folder / "CHANGELOG.md"
    today = datetime.now(tz=UTC).date().isoformat()
    text, count = re.subn(
        r'^__version__ = ".*"$',
        f'__version__ = "{version}"',
        source.read_text(),
        flags=re.MULTILINE,
    )
    if count != 1:
        raise BuildError(f"the version is not where it was: {source}")
    source.write_text(text)
    changelog.write_text(close_section(changelog.read_text(), version=version, date=today))
    tree.commit(f"Release {version}")


def _build_launchers(folder: Path, arguments: argparse.Namespace) -> Path:
    from container import build_in_container

    build_in_container(
        ARCHITECTURES,
        folder,
        flavours=("full",),
        base=arguments.base,
        cache=arguments.cache,
        log=note,
    )
    return folder


if __name__ == "__main__":
    run(main)
