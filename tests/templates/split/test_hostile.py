"""Templates that somebody made to break it: a split, or one sentence."""

from __future__ import annotations

import copy
import json
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import pytest

from shim.errors import ShimError
from shim.templates.source import read_source
from tests.templates.split.builders import GO, OWN, put, split_files
from tests.templates.split.test_split import SAM_NEW, SAM_OLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("lean_launchers")

STRANGE: tuple[Any, ...] = (None, True, -1, "", "../..", [], {}, [None], {"Ref": "Nowhere"})
PLAIN: dict[str, Any] = {
    "Parameters": {"Size": {"Type": "String", "Default": "big"}},
    "Resources": {
        "F": {
            "Type": "AWS::Lambda::Function",
            "Metadata": {"aws:asset:path": "build/old", "aws:asset:property": "Code"},
            "Properties": {
                "Runtime": "go1.x",
                "Handler": "orders",
                "Code": {"S3Bucket": {"Ref": "Size"}, "S3Key": "a/old.zip"},
                "Layers": [{"Ref": "Tools"}],
                "Environment": {"Variables": {"A": {"Fn::Sub": "${Size}-x"}}},
            },
        },
        "Tools": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": "tools"}},
    },
}


def plain_new() -> dict[str, Any]:
    """With other settings, and names that the old one doesn't have."""
    text = json.dumps(PLAIN).replace("go1.x", "provided.al2023").replace("orders", "bootstrap")
    new: dict[str, Any] = json.loads(text.replace("build/old", "build/new").replace("Size", "Long"))
    new["Resources"]["F"]["Properties"]["Layers"] = [{"Ref": "More"}]
    new["Resources"]["More"] = new["Resources"].pop("Tools")
    return new


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every part of it but the whole."""
    if path:
        yield path
    if isinstance(data, dict | list):
        for name, one in data.items() if isinstance(data, dict) else enumerate(data):
            yield from paths(one, (*path, name))


def with_value(data: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(data)
    inner: Any = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("form", ["plain", "sam"])
def test_whatever_stands_somewhere_ends_in_a_split_or_a_sentence(
    tmp_path: Path, side: int, form: str
) -> None:
    put(tmp_path, {"build/old": GO, "build/new": OWN, "tools": {"lib/x": b"x"}})
    sides = [PLAIN, plain_new()]
    if form == "sam":
        sides = [read_source("t", text.encode()).data for text in (SAM_OLD, SAM_NEW)]
    splits = 0
    for number, path in enumerate(paths(sides[side])):
        # Each place gets some of them, all together all: the translator takes its time.
        for value in STRANGE[number % 5 :: 5]:
            both = [with_value(one, path, value) if index == side else one
                    for index, one in enumerate(sides)]  # fmt: skip
            for name, data in zip(("old.json", "new.json"), both, strict=True):
                (tmp_path / name).write_text(json.dumps(data))
            try:
                done = split_files(tmp_path, "old.json", "new.json", allow_unknown=True)
            except ShimError:
                continue
            splits += bool(done.deployments)
            rmtree(tmp_path / "out", ignore_errors=True)
    assert splits
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]
