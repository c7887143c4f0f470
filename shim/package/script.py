"""Reads a shell script's text as statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shim.package.shell import Statement


def read_script(text: bytes) -> Statement:
    """The statements of a script's text."""
    # What few packages need: a parser of half a megabyte.
    from shim.package.shell_parser import parse

    return parse(text)
