"""A file of parameters, in each of the forms that AWS's tools take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.fields import Field, naming, read_file, read_json

if TYPE_CHECKING:
    from pathlib import Path


def read_parameters(path: Path) -> dict[str, str]:
    """By name: of the AWS CLI's lists, or an object, CodePipeline's too; `InputError` otherwise."""
    with naming(str(path)):
        document = read_json(read_file(path))
        if isinstance(document.value, list):
            return dict(map(_pair, document.items()))
        inside = document["Parameters"] if document.has("Parameters") else document
        return inside.texts()


def _pair(field: Field) -> tuple[str, str]:
    """`Stage=prod`, or `{"ParameterKey": "Stage", "ParameterValue": "prod"}`."""
    if not isinstance(field.value, str):
        return field["ParameterKey"].text(), field["ParameterValue"].text()
    name, equals, value = field.text().partition("=")
    if not (name and equals):
        field.refuse("not NAME=VALUE")
    return name, value
