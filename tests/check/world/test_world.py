"""A few of the packages of sources.toml, and this machine's own programs, beside readelf."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shim.arch import Arch
from shim.check.verdict import Answer
from tests.check.world.campaign import Tally, compare
from tests.check.world.corpus import elf_files, fetched, read_sources
from tests.requirements import require

if TYPE_CHECKING:
    from collections.abc import Iterable

FEW = {
    *("coreutils", "gdb", "tini", "@esbuild/linux-{arch}", "@esbuild/freebsd-{arch}"),
    *("@esbuild/netbsd-{arch}", "@esbuild/openbsd-{arch}", "@esbuild/android-{arch}"),
    *("@biomejs/cli-linux-{arch}-musl", "lxml", "uv"),
}
OWN = 60
"""Of this machine's programs."""


@pytest.fixture(scope="module", autouse=True)
def _tools() -> None:
    for tool in ("readelf", "npm", "apt-get", "dpkg-deb"):
        require(shutil.which(tool) is not None, f"{tool} is not installed")


def compared(paths: Iterable[Path], *, arch: Arch) -> Tally:
    tally = Tally()
    for path in paths:
        compare(path, arch=arch, registry="some", tally=tally)
    return tally


@pytest.mark.parametrize("arch", Arch)
def test_verdicts_on_packages_of_public_registries_are_what_readelf_tells(
    arch: Arch, request: pytest.FixtureRequest
) -> None:
    assert request.config.cache is not None
    cache = request.config.cache.mkdir("world")
    chosen = [source for source in read_sources(arch) if source.name in FEW]
    folders = [fetched(source, cache) for source in chosen]
    assert len(chosen) == len(FEW)
    missing = [one.folder for one, folder in zip(chosen, folders, strict=True) if not folder]
    require(not missing, f"not to be had from the registries: {', '.join(missing)}")
    tally = compared((path for one in folders if one for path in elf_files(one)), arch=arch)
    assert tally.differences == []
    assert sum(tally.programs.values()) > 100
    assert {line.partition(": ")[2] for line in tally.answers} == set(Answer)


def test_verdicts_on_this_machines_own_programs_are_what_readelf_tells() -> None:
    arch = Arch.from_machine(os.uname().machine)
    assert arch is not None
    tally = compared(list(elf_files(Path("/usr/bin")))[:OWN], arch=arch)
    assert tally.differences == []
    assert sum(tally.programs.values()) == OWN
