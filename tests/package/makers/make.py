"""Makes zips with Python's own tools and with packages: make.py MAKER FOLDER OUTPUT."""

from __future__ import annotations

import shutil
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFLATED = zipfile.ZIP_DEFLATED


class Pipe:
    """A file that can't be gone back in."""

    def __init__(self, file: BinaryIO) -> None:
        self.write, self.flush = file.write, file.flush


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each path below the folder, with its name in a zip."""
    for path in sorted(folder.rglob("*")):
        yield path.relative_to(folder).as_posix(), path


def write(folder: Path, output: Path, method: int = DEFLATED) -> None:
    """As most people do it."""
    with zipfile.ZipFile(output, "w", method) as archive:
        for name, path in files(folder):
            archive.write(path, name)


def stored(folder: Path, output: Path) -> None:
    """Without compression."""
    write(folder, output, zipfile.ZIP_STORED)


def piped(folder: Path, output: Path) -> None:
    """With sizes behind the bytes."""
    with output.open("wb") as file:
        pipe = cast("BinaryIO", Pipe(file))
        with zipfile.ZipFile(pipe, "w", DEFLATED) as archive:
            for name, path in files(folder):
                archive.write(path, name)


def texts(folder: Path, output: Path) -> None:
    """By their contents alone, which makes the modes 0600."""
    with zipfile.ZipFile(output, "w", DEFLATED) as archive:
        for name, path in files(folder):
            if path.is_file():
                archive.writestr(name, path.read_bytes())


def infos(folder: Path, output: Path, *, system: int = 3, wide: bool = False) -> None:
    """By what is said of each file: the run bit for all."""
    with zipfile.ZipFile(output, "w", DEFLATED) as archive:
        for name, path in files(folder):
            if not path.is_file():
                continue
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = system, 0o100755 << 16
            info.compress_type = DEFLATED
            with archive.open(info, "w", force_zip64=wide) as file:
                file.write(path.read_bytes())


def wide(folder: Path, output: Path) -> None:
    """With 64-bit numbers."""
    infos(folder, output, wide=True)


def as_on_windows(folder: Path, output: Path) -> None:
    """As Python on Windows says who made them."""
    infos(folder, output, system=0)


def make_archive(folder: Path, output: Path) -> None:
    """By shutil."""
    shutil.make_archive(str(output.with_suffix("")), "zip", folder)


def sam(folder: Path, output: Path) -> None:
    """As `sam package` does it."""
    module = import_module("samcli.lib.package.utils")
    shutil.move(module.make_zip(str(output.with_suffix("")), str(folder)), output)


def sam_for_lambda(folder: Path, output: Path) -> None:
    """As `sam package` does it for functions."""
    module = import_module("samcli.lib.package.utils")
    made = module.make_zip_with_lambda_permissions(str(output.with_suffix("")), str(folder))
    shutil.move(made, output)


def aws(folder: Path, output: Path) -> None:
    """As `aws cloudformation package` does it."""
    module = import_module("awscli.customizations.cloudformation.artifact_exporter")
    shutil.move(module.make_zip(str(output.with_suffix("")), str(folder)), output)


if __name__ == "__main__":
    name, given, made = sys.argv[1:]
    globals()[name](Path(given), Path(made))
