"""CHANGELOG.md: what is under Unreleased becomes the section of a version.

`python build/changelog.py 0.2.0` prints that section: the notes of the release.
"""

from __future__ import annotations

import re
import sys

from lean import ROOT, BuildError

UNRELEASED = "## Unreleased\n"


def close_section(text: str, *, version: str, date: str) -> str:
    """The changelog with what was under Unreleased under `version`, and nothing there."""
    if text.count(UNRELEASED) != 1:
        raise BuildError("CHANGELOG.md has no section `## Unreleased`, or several")
    before, _, after = text.partition(UNRELEASED)
    if not section(text, "Unreleased"):
        raise BuildError("CHANGELOG.md has nothing under `## Unreleased`: what would be released?")
    return f"{before}{UNRELEASED}\n## {version} - {date}\n{after}"


def section(text: str, name: str) -> str:
    """What stands under the heading that begins with `name`; empty where there is none."""
    parts = re.split(r"^## (\S+).*\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(name, "").strip()


if __name__ == "__main__":
    print(section((ROOT / "CHANGELOG.md").read_text(), sys.argv[1]))
