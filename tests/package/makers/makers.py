"""What makes the zips: makers.toml, and how one of it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parent
_SECONDS = 300


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

    @property
    def name(self) -> str:
        """As reports call it."""
        return f"{self.tool} {self.variant}"

    def is_there(self, tools: Path) -> bool:
        """Whether the machine has what it needs."""
        return shutil.which(self.needs.format(tools=tools)) is not None

    def make(self, folder: Path, output: Path, *, tools: Path) -> str | None:
        """Make a zip of what is in `folder`; what the tool said, where there is none then."""
        names = {"tools": tools, "scripts": SCRIPTS, "maker": self.variant}
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
        if done.returncode or not output.is_file():
            return f"{done.returncode}: {done.stderr.decode(errors='replace').strip()[-500:]}"
        return None


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
        )
        for tool, table in tables.items()
        for variant, words in table["variants"].items()
    )


def install(tools: Path) -> None:
    """Fetch what the makers need of npm and PyPI, and build what is in Go, once."""
    packages = tomllib.loads((SCRIPTS / "makers.toml").read_text("utf-8"))["packages"]
    npm, pip, go = tools / "npm", tools / "pip", tools / "make-go"
    npm.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SCRIPTS / "make.mjs", npm / "make.mjs")
    if shutil.which("npm") and not (npm / "node_modules").exists():
        (npm / "package.json").write_text("{}\n")
        _run("npm", "install", "--no-audit", "--no-fund", *packages["npm"], folder=npm)
    if not pip.exists():
        _run("python3", "-m", "venv", str(pip), folder=tools)
        _run(str(pip / "bin" / "pip"), "install", "--quiet", *packages["pip"], folder=tools)
    if shutil.which("go") and not go.exists():
        _run("go", "build", "-o", str(go), str(SCRIPTS / "make.go"), folder=tools)


def _run(*words: str, folder: Path) -> None:
    subprocess.run(words, cwd=folder, check=True)
