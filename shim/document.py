"""Writes JSON documents, all by one convention: names in camelCase, `format` first, then `shim`.

What they hold is the business of who makes them; fields.py is how such a document is read.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from shim import __version__
from shim.text import utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import DataclassInstance

_WORDS = {"arch": "architecture"}
_HUMP = re.compile(r"_(\w)")


def document(version: int, content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` under the head of a document whose kind has come to this version.

    The version is counted up when a reader must know of a change.
    """
    return {"format": version, "shim": __version__, **content}


def encode(content: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """The JSON of a document, in ASCII, without the end of its last line."""
    return json.dumps(_readable(content), indent=indent, allow_nan=False)


def as_object(value: DataclassInstance) -> dict[str, Any]:
    """A dataclass, and those in it, by the names that `json_name` gives."""
    return asdict(value, dict_factory=lambda pairs: {json_name(name): one for name, one in pairs})


def json_name(name: str) -> str:
    """How JSON spells a field's name: `page_cache` as `pageCache`."""
    return _WORDS.get(name) or _HUMP.sub(lambda match: match[1].upper(), name)


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, dict):
        return {utf8(name): _readable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(one) for one in value]
    return value
