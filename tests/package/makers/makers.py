"""What makes the zips: makers.toml, and how one of it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shim.arch import Arch

SCRIPTS = Path(__file__).parent
_SECONDS = 300


class NotMade(Exception):
    """The tool is not here, or it failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Maker:
    """One tool, called in one way."""

    tool: str
    variant: str
    needs: str
    words: tuple[str, ...]
    prints: bool
    """Whether the zip is its standard output."""
    is_fast: bool
    arch: Arch
    has_own_program: bool
    """Whether what it makes is to be a handler, and has no script that a launcher replaces."""

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.tool} {self.variant}"

    def is_there(self, tools: Path) -> bool:
        """Whether the machine has what it needs."""
        return shutil.which(self.needs.format(tools=tools)) is not None

    def make(self, folder: Path, output: Path, *, tools: Path) -> None:
        """Make a package of what is in `folder`, or raise `NotMade`."""
        if not self.is_there(tools):
            raise NotMade(f"{self.needs} is not here")
        names = {"tools": tools, "scripts": SCRIPTS, "tool": self.tool, "maker": self.variant}
        words = [word.format(**names, folder=folder, output=output) for word in self.words]
        done = subprocess.run(
            words,
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        if self.prints:
            output.write_bytes(done.stdout)
        if done.returncode or not output.exists():
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise NotMade(f"{done.returncode}: {said}")


def read_makers() -> tuple[Maker, ...]:
    """All of them, in the file's order."""
    tables: dict[str, Any] = tomllib.loads((SCRIPTS / "makers.toml").read_text("utf-8"))
    del tables["packages"]
    return tuple(
        Maker(
            tool=tool,
            variant=variant,
            needs=table["needs"],
            words=(*table["command"], *words, *table.get("after", ())),
            prints=table.get("stdout", False),
            is_fast=table.get("fast", False),
            arch=Arch(table.get("arch", Arch.X86_64)),
            has_own_program=table.get("own-program", False),
        )
        for tool, table in tables.items()
        for variant, words in table["variants"].items()
    )


def install(tools: Path) -> None:
    """Fetch what the makers need of npm and PyPI, and build what is in Go and C#, once.

    What can't be had fails again where a package is made by it, which is left out then.
    """
    packages = tomllib.loads((SCRIPTS / "makers.toml").read_text("utf-8"))["packages"]
    pip, go, net = tools / "pip", tools / "make-go", tools / "Make.exe"
    _install_npm(tools / "npm", packages["npm"])
    shutil.copyfile(SCRIPTS / "make.mjs", tools / "npm" / "make.mjs")
    if not pip.exists():
        _run("python3", "-m", "venv", str(pip), folder=tools)
        for names in packages["pip"]:
            _run(str(pip / "bin" / "pip"), "install", "--quiet", *names, folder=tools)
    if shutil.which("go") and not go.exists():
        _run("go", "build", "-o", str(go), str(SCRIPTS / "make.go"), folder=tools)
    if shutil.which("mcs") and not net.exists():
        compression = ("System.IO.Compression", "System.IO.Compression.FileSystem")
        libraries = [f"-r:{name}" for name in compression]
        _run("mcs", *libraries, f"-out:{net}", str(SCRIPTS / "Make.cs"), folder=tools)


def _install_npm(folder: Path, packages: list[list[str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm") and not (folder / "node_modules").exists():
        (folder / "package.json").write_text("{}\n")
        for names in packages:
            _run("npm", "install", "--no-audit", "--no-fund", *names, folder=folder)


def _run(*words: str, folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=False)
