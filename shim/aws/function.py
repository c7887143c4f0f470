"""Reads a function as `aws lambda get-function` prints it, or get-function-configuration.

What can't be used is an `InputError` that names the file and the JSON path in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.arch import Arch
from shim.aws.api import LATEST, TIMEOUT, Alias, Function, UpdateStatus
from shim.check.runtimes import known_runtime, lambda_runtimes, read_runtimes
from shim.check.state import State
from shim.fields import Field, naming, read_file, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.package.read import Package

_HINT = "aws lambda get-function --function-name NAME > FILE"

_ARN_PARTS = 7
"""`arn:aws:lambda:REGION:ACCOUNT:function:NAME`; a qualifier may follow."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFunction:
    """A function of an account, or of a file."""

    name: str
    """Empty where the file doesn't say it."""
    arn: str = ""
    """Without a qualifier; empty where the file doesn't say it."""
    function: Function


def read_function(path: Path) -> NamedFunction:
    """The function in the file; `InputError` for all that is none."""
    with naming(str(path), hint=_HINT):
        return parse_function(read_json(read_file(path)))


def parse_function(document: Field) -> NamedFunction:
    """The function that a document is about; each `InputError` names the JSON path."""
    field = document["Configuration"] if document.has("Configuration") else document
    if _text(field, "PackageType", "Zip") != "Zip":
        field["PackageType"].refuse("a container image has no runtime that it starts in")
    return NamedFunction(
        name=_text(field, "FunctionName"),
        arn=unqualified(_text(field, "FunctionArn")),
        function=Function(
            version=_text(field, "Version", LATEST),
            code_sha256=_text(field, "CodeSha256"),
            arch=_arch(field),
            runtime=_runtime(field["Runtime"]),
            handler=_text(field, "Handler"),
            layers=tuple(one["Arn"].text() for one in _items(field, "Layers")),
            environment=_environment(field["Environment"]) if field.has("Environment") else (),
            timeout=field["Timeout"].whole() if field.has("Timeout") else TIMEOUT,
            revision=_text(field, "RevisionId"),
            is_active=_text(field, "State", "Active") in {"Active", "Inactive"},
            update=_update(field),
            reason_code=_text(field, "LastUpdateStatusReasonCode"),
            reason=_text(field, "LastUpdateStatusReason"),
            failure=_failure(field),
            role=_text(field, "Role"),
            dead_letters=_text(field["DeadLetterConfig"], "TargetArn")
            if field.has("DeadLetterConfig")
            else "",
            tags=_tags(document),
        ),
    )


def state_of(function: Function, package: Package, layers: tuple[Package, ...]) -> State:
    """The state that a function with these packages is in."""
    return State(
        package=package,
        arch=function.arch,
        runtime=known_runtime(function.runtime),
        handler=function.handler,
        layers=layers,
        environment=function.environment,
    )


def unqualified(arn: str) -> str:
    """A function's ARN without the version or alias that it may name."""
    return ":".join(arn.split(":")[:_ARN_PARTS])


def _failure(field: Field) -> str:
    if _text(field, "State", "Active") != "Failed":
        return ""
    return f"{_text(field, 'StateReasonCode')}: {_text(field, 'StateReason')}"


def _text(field: Field, name: str, default: str = "") -> str:
    return field[name].text() if field.has(name) else default


def _items(field: Field, name: str) -> Iterator[Field]:
    return field[name].items() if field.has(name) else iter(())


def _arch(field: Field) -> Arch:
    for one in _items(field, "Architectures"):
        return one.one_of(Arch)
    return Arch.X86_64


def _runtime(field: Field) -> str:
    if field.text() not in read_runtimes():
        known = ", ".join(runtime.name for runtime in lambda_runtimes())
        field.refuse(f"{field.text()!r} is not an OS-only runtime, one of {known}")
    return field.text()


def _environment(field: Field) -> tuple[tuple[str, str], ...]:
    if field.has("Error"):
        field["Error"].refuse(f"AWS could not read the environment: {field['Error'].value}")
    return tuple(sorted(field["Variables"].texts().items())) if field.has("Variables") else ()


def _tags(document: Field) -> tuple[tuple[str, str], ...] | None:
    if document.has("TagsError"):
        return None
    return tuple(sorted(document["Tags"].texts().items())) if document.has("Tags") else ()


def _update(field: Field) -> UpdateStatus:
    name = "LastUpdateStatus"
    return field[name].one_of(UpdateStatus) if field.has(name) else UpdateStatus.SUCCESSFUL


def parse_alias(answer: Field) -> Alias:
    """What `GetAlias` and `UpdateAlias` answer, and one of `ListAliases`."""
    routing = answer["RoutingConfig"] if answer.has("RoutingConfig") else Field(value={})
    weights = routing["AdditionalVersionWeights"].value if routing.value else {}
    other, weight = next(iter(weights.items()), (None, 0.0))
    return Alias(
        name=answer["Name"].text(),
        version=answer["FunctionVersion"].text(),
        other_version=other,
        other_weight=weight,
        revision=answer["RevisionId"].text(),
    )
