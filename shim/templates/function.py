"""One function as `aws lambda get-function` prints it, managed runtimes and images included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.templates.model import Format, Function, Template, Tool
from shim.templates.value import Place, Value

if TYPE_CHECKING:
    from shim.fields import Field
    from shim.templates.value import Content


def is_function(document: Field) -> bool:
    """Whether it is what get-function or get-function-configuration prints."""
    return document.has("Configuration") or document.has("FunctionArn")


def read_function(file: str, document: Field) -> Template:
    """The function, and nothing of who invokes it; each `InputError` names the JSON path."""
    field = document["Configuration"] if document.has("Configuration") else document
    name = field["FunctionName"].text()

    def value(key: str, content: Content) -> Value:
        path = f"{field.json_path}.{key}".lstrip(".")
        return Value(content=content, place=Place(file=file, path=path))

    def text(key: str) -> Value:
        return value(key, field[key].text() if field.has(key) else None)

    environment = {}
    if field.has("Environment") and field["Environment"].has("Variables"):
        environment = field["Environment"]["Variables"].texts()
    architectures = _texts(field, "Architectures")
    layers = [one["Arn"].text() for one in field["Layers"].items()] if field.has("Layers") else []
    dead_letter = None
    if field.has("DeadLetterConfig") and field["DeadLetterConfig"].has("TargetArn"):
        dead_letter = field["DeadLetterConfig"]["TargetArn"].text()
    function = Function(
        id=name,
        place=Place(file=file, path=field.json_path or "the whole document"),
        name=value("FunctionName", name),
        runtime=text("Runtime"),
        handler=text("Handler"),
        architecture=value("Architectures", next(iter(architectures), Arch.X86_64.value)),
        layers=value("Layers", layers),
        environment=value("Environment", environment),
        role=text("Role"),
        dead_letter=value("DeadLetterConfig", dead_letter),
        code=text("CodeSha256"),
        is_image=field.has("PackageType") and field["PackageType"].text() == "Image",
    )
    return Template(
        name=file,
        tool=Tool.UNSAID,
        functions={name: function},
        layers={},
        versions=(),
        aliases=(),
        consumers=(),
        outputs=(),
        is_partial=True,
        format=Format.FUNCTION,
    )


def _texts(field: Field, name: str) -> list[str]:
    return [one.text() for one in field[name].items()] if field.has(name) else []
