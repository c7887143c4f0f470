"""Writes Homebrew's formula: `python build/formula.py dist --home URL --output shim.rb`.

Made when a release is: it names every file by its address and hash. Those of what shim imports are
asked of the index that pip takes packages from, by uv, in the versions of requirements/image.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import string
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

from launchers import run
from lean import ROOT, BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = ROOT / "packages" / "homebrew" / "shim.rb"
PYTHON = "3.13"  # the template's
RESOURCE = """
  resource "{name}" do
    url "{url}"
    sha256 "{sha256}"
  end
"""


def formula(files: Path, *, home: str, tree: Path = ROOT) -> str:
    """The formula of the release in `files`, whose project is at `home`; raises `BuildError`."""
    shim, launchers = _only(files, "lambda_shim-*.whl"), _only(files, "lambda_shim_launchers-*.whl")
    version = shim.name.split("-")[1]
    released = f"{home}/releases/download/v{version}"
    resources = [*_imported(tree), ("lambda-shim-launchers", *_address(launchers, released))]
    url, sha256 = _address(shim, released)
    return string.Template(TEMPLATE.read_text()).substitute(
        home=home,
        url=url,
        sha256=sha256,
        resources="".join(
            RESOURCE.format(name=name, url=url, sha256=sha256) for name, url, sha256 in resources
        ),
    )


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise BuildError(f"not one file `{pattern}`, but {len(found)}: {folder}")
    return found[0]


def _address(path: Path, released: str) -> tuple[str, str]:
    return f"{released}/{path.name}", hashlib.sha256(path.read_bytes()).hexdigest()


def _imported(tree: Path) -> Iterator[tuple[str, str, str]]:
    """The source release of each package that shim needs: its name, address and hash."""
    with tempfile.TemporaryDirectory(prefix="shim-formula-") as name:
        lock = Path(name) / "pylock.toml"
        command: list[str | Path] = [sys.executable, "-m", "uv", "pip", "compile", "--quiet"]
        command += ["--universal", "--python-version", PYTHON]
        command += ["--format", "pylock.toml", "--output-file", lock]
        command += ["--constraints", tree / "requirements" / "image.txt", tree / "pyproject.toml"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"uv can't say where the packages are: {done.stderr}")
        packages = tomllib.loads(lock.read_text())["packages"]
    for package in packages:
        if "marker" not in package:  # else it is for another system, or for another Python
            source = package["sdist"]
            yield package["name"], source["url"], source["hashes"]["sha256"]


def main() -> None:
    """Write what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("files", type=Path, metavar="FOLDER", help="the files of the release")
    parser.add_argument("--home", required=True, metavar="URL", help="the project's page")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    arguments = parser.parse_args()
    arguments.output.write_text(formula(arguments.files, home=arguments.home))


if __name__ == "__main__":
    run(main)
