"""Packages that other tools make, as shim reads them; many more: tests.package.makers.campaign."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.package.launchers import Flavour, launcher_files
from tests.package.makers.compare import compare, fill
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
        fill(work / "package", launcher_files((Arch.X86_64,), Flavour.LEAN)["bootstrap"])
        yield work


@pytest.mark.parametrize("maker", FAST, ids=lambda maker: maker.name)
def test_a_package_is_read_and_judged_as_unzip_and_a_start_take_it(
    maker: Maker, folder: Path
) -> None:
    require(shutil.which("unzip") is not None, "Info-ZIP's unzip is not there")
    require(maker.is_there(folder), f"{maker.needs} is not there")
    output = folder / f"{maker.name}.zip"
    assert maker.make(folder / "package", output, tools=folder) is None
    assert compare(output, folder / maker.name).differences == []
