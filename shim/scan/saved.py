"""Reads functions from files: what the AWS command line prints of them, and saved scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.aws.account import Caller, CallerKind, Listed, parse_described, parse_listed
from shim.aws.api import LATEST, Function
from shim.fields import naming, read_file, read_json
from shim.scan.document import SCAN_FORMAT
from shim.scan.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from shim.fields import Field

_HINT = "`aws lambda list-functions > FILE`, or `shim scan --json > FILE`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """What a file says."""

    functions: tuple[Facts, ...]
    layers: Mapping[str, str]
    """Hashes of layers' versions, by ARN, where the file has them."""


def read_functions(path: Path) -> Saved:
    """Every function in the file; `InputError` for all that is none."""
    with naming(str(path), hint=_HINT):
        return _parse(read_json(read_file(path)))


def _parse(document: Field) -> Saved:
    if document.has("format"):
        if document["format"].whole() != SCAN_FORMAT:
            document["format"].refuse(f"this version reads scans of the format {SCAN_FORMAT}")
        layers = {one["arn"].text(): one["codeSha256"].text() for one in document["layers"].items()}
        functions = tuple(map(_facts, document["functions"].items()))
        return Saved(functions=functions, layers=layers)
    if document.has("Functions"):
        listed = tuple(Facts(listed=parse_listed(one)) for one in document["Functions"].items())
        return Saved(functions=listed, layers={})
    if document.has("Configuration"):
        described = parse_described(document)
        facts = Facts(listed=described.listed, tags=described.tags)
        return Saved(functions=(facts,), layers={})
    return Saved(functions=(Facts(listed=parse_listed(document)),), layers={})


def _facts(field: Field) -> Facts:
    is_asked = field.has("callers")
    return Facts(
        listed=Listed(
            name=field["name"].text(),
            arn=field["arn"].text(),
            runtime=field["runtime"].text(),
            architecture=field["architecture"].text(),
            code_sha256=field["codeSha256"].text(),
            code_size=field["codeSize"].whole(),
            function=None if field.has("problem") else _function(field),
            problem=field["problem"].text() if field.has("problem") else "",
        ),
        tags=tuple((tag["key"].text(), tag["value"].text()) for tag in field["tags"].items()),
        callers=tuple(map(_caller, field["callers"].items())) if is_asked else None,
        problems=tuple(one.text() for one in field["problems"].items()),
    )


def _function(field: Field) -> Function:
    return Function(
        version=LATEST,
        code_sha256=field["codeSha256"].text(),
        arch=field["architecture"].one_of(Arch),
        runtime=field["runtime"].text(),
        handler=field["handler"].text(),
        layers=tuple(one.text() for one in field["layers"].items()),
        environment=tuple(sorted(field["environment"].texts().items())),
        revision="",
    )


def _caller(field: Field) -> Caller:
    return Caller(
        kind=field["kind"].one_of(CallerKind),
        who=field["who"].text(),
        qualifier=field["qualifier"].text(),
    )
