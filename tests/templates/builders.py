"""Small templates, written into a folder and read from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shim.templates.project import Folder
from shim.templates.read import Reader
from shim.templates.resolve import Given

if TYPE_CHECKING:
    from pathlib import Path

    from shim.templates.model import Template

SAM = "Transform: AWS::Serverless-2016-10-31\n"

FUNCTION: dict[str, Any] = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "FunctionName": "orders",
        "Runtime": "provided.al2023",
        "Handler": "bin/orders",
        "Architectures": ["arm64"],
        "Code": {"S3Bucket": "b", "S3Key": "k"},
        "Role": "arn:aws:iam::1:role/r",
    },
}


def reader(folder: Path, **given: Any) -> Reader:
    return Reader(project=Folder(root=folder), given=Given(**given))


def read_text(folder: Path, text: str, *, name: str = "template.yaml", **given: Any) -> Template:
    """The template with this text."""
    path = folder / name
    path.write_text(text)
    return reader(folder, **given).read_one(path)


def read_data(folder: Path, resources: dict[str, Any], **sections: Any) -> Template:
    """A JSON template with these resources."""
    text = json.dumps({"Resources": resources, **sections}, indent=1)
    return read_text(folder, text, name="template.json")


def function(**properties: Any) -> dict[str, Any]:
    """`FUNCTION` with other properties; None takes one away."""
    both = {**FUNCTION["Properties"], **properties}
    return {
        **FUNCTION,
        "Properties": {name: one for name, one in both.items() if one is not None},
    }
