"""What code and documents refer to is there: files, and the sections of them that are named."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CITED = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.md)(?:#([\w-]+))?(?![\w/])")
LINKED = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
STRINGS = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", None)}
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def tracked(*suffixes: str) -> list[Path]:
    """The repository's files of these kinds; without git, those in its folders."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = done.stdout.decode().split("\0")[:-1] if done.returncode == 0 else []
    found = [ROOT / name for name in names] or [
        path for folder in ("shim", "tests", "docs", "build") for path in (ROOT / folder).rglob("*")
    ]
    return sorted(path for path in found if path.suffix in suffixes and path.is_file())


def said(path: Path) -> str:
    """A module's comments, and those of its strings that are sentences; docstrings among them."""
    with io.BytesIO(path.read_bytes()) as file:
        tokens = list(tokenize.tokenize(file.readline))
    return "\n".join(
        one.string
        for one in tokens
        if one.type == tokenize.COMMENT or (one.type in STRINGS and " " in one.string)
    )


def anchors(path: Path) -> set[str]:
    """The sections of a document, as GitHub names them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(path.read_text("utf-8"))
    }


def check_there(target: Path, anchor: str | None) -> str | None:
    if not target.exists():
        return f"{target} is not there"
    if anchor and anchor not in anchors(target):
        return f"{target} has no section {anchor}"
    return None


@pytest.mark.parametrize("path", tracked(".py", ".toml"), ids=lambda path: path.name)
def test_code_cites_what_is_there(path: Path) -> None:
    text = said(path) if path.suffix == ".py" else path.read_text("utf-8")
    problems = [check_there(ROOT / name, anchor) for name, anchor in CITED.findall(text)]
    assert not [problem for problem in problems if problem]


@pytest.mark.parametrize("path", tracked(".md"), ids=lambda path: path.name)
def test_documents_link_to_what_is_there(path: Path) -> None:
    links = LINKED.findall(path.read_text("utf-8"))
    problems = [check_there(path.parent / name if name else path, anchor) for name, anchor in links]
    assert not [problem for problem in problems if problem]
