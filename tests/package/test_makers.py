"""Packages that other tools make, as shim reads them; many more: tests.package.makers.campaign."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.package.launchers import Flavour, launcher_files
from tests.package.makers.compare import SCRIPT, compare, fill, pack
from tests.package.makers.makers import Maker, read_makers
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterator

FAST = [maker for maker in read_makers() if maker.is_fast]


@pytest.fixture(scope="module")
def folder(lean_launchers: None) -> Iterator[Path]:  # noqa: ARG001 - it has to be there
    # Not pytest's own, which nobody else may enter: functions are started as somebody else.
    with tempfile.TemporaryDirectory(prefix="shim-makers-") as name:
        work = Path(name)
        work.chmod(0o755)
        fill(work / "launcher", launcher_files((Arch.X86_64,), Flavour.LEAN)["bootstrap"])
        fill(work / "script", SCRIPT)
        yield work


@pytest.mark.parametrize("maker", FAST, ids=lambda maker: maker.name)
def test_a_package_is_read_and_judged_as_unzip_and_a_start_take_it(
    maker: Maker, folder: Path
) -> None:
    require(shutil.which("unzip") is not None, "Info-ZIP's unzip is not there")
    require(maker.is_there(folder), f"{maker.needs} is not there")
    output = folder / f"{maker.name}.zip"
    maker.make(folder / "launcher", output, tools=folder)
    assert compare(output, folder / maker.name).differences == []


@pytest.mark.parametrize("maker", FAST, ids=lambda maker: maker.name)
def test_a_launcher_takes_the_place_of_its_script_where_that_starts(
    maker: Maker, folder: Path
) -> None:
    require(shutil.which("unzip") is not None, "Info-ZIP's unzip is not there")
    require(maker.is_there(folder), f"{maker.needs} is not there")
    output = folder / f"{maker.name} script.zip"
    maker.make(folder / "script", output, tools=folder)
    into = folder / f"{maker.name} packed"
    assert not pack(output, into, arch=maker.arch, is_program=False).differs
