"""How large Lambda lets things be; the numbers are data, in limits.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """In bytes."""

    direct_upload: int
    unzipped: int
    environment: int
    event: int


@cache
def read_limits() -> Limits:
    """The limits of today."""
    return Limits(**tomllib.loads(Path(__file__).with_name("limits.toml").read_text()))


def size_notes(*, zipped: int | None, unzipped: int) -> list[str]:
    """What the user should know of a package of these sizes; a folder has no zip's."""
    limits = read_limits()
    notes = []
    if zipped is not None and zipped > limits.direct_upload:
        notes.append(
            f"the zip has {format_size(zipped)}, a direct upload at most"
            f" {format_size(limits.direct_upload)}: upload it to S3 and name that to Lambda"
        )
    if unzipped > limits.unzipped:
        notes.append(
            f"unzipped the package has {format_size(unzipped)}, and Lambda refuses more than"
            f" {format_size(limits.unzipped)}, layers included"
        )
    return notes


def format_size(size: int) -> str:
    """As Lambda counts: an MB has 1024 KB, a KB 1024 bytes."""
    if size < 1 << 10:
        return f"{size} B"
    return f"{size / (1 << 10):.1f} KB" if size < 1 << 20 else f"{size / (1 << 20):.1f} MB"
