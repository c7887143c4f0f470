"""Reads a function as `aws lambda get-function` prints it, or get-function-configuration.

What can't be used is an `InputError` that names the file and the place in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shim.arch import Arch
from shim.check.runtimes import Runtime, read_runtimes
from shim.errors import InputError
from shim.migrate.api import LATEST, Function, UpdateStatus
from shim.migrate.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim.package.read import Package

_HINT = "aws lambda get-function --function-name NAME > FILE"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedFunction:
    """A function of an account, or of a file."""

    name: str
    """Empty where the file doesn't say it."""
    function: Function


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A value in a JSON document, and where it is; each method raises `InputError`."""

    value: Any
    source: str
    path: str = ""

    def at(self, key: str) -> Place:
        """A member of an object; of None where it isn't there."""
        path = f"{self.path}.{key}" if self.path else key
        return Place(value=self.members().get(key), source=self.source, path=path)

    def members(self) -> dict[str, Any]:
        """An object's members; none for None."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        return self.value

    def items(self) -> Iterator[Place]:
        """An array's elements; none for None."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.wrong("is not an array")
        for index, value in enumerate(self.value):
            yield Place(value=value, source=self.source, path=f"{self.path}[{index}]")

    def text(self, default: str | None = None) -> str:
        """A string; `default` where there is none."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self.wrong("is not there" if self.value is None else "is not a string")
        return self.value

    def number(self) -> int:
        """A whole number from 0."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            raise self.wrong("is not there" if self.value is None else "is not a size")
        return self.value

    def wrong(self, what: str) -> InputError:
        """The sentence on what is wrong here."""
        return InputError(f"{self.source}: {self.path or 'the document'} {what}", hint=_HINT)


def read_function(path: Path) -> NamedFunction:
    """The function in the file; `InputError` for all that is none."""
    return parse_function(read_document(path))


def read_document(path: Path) -> Place:
    """A file's JSON."""
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"can't read it, {error.strerror}: `{path}`") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{path}: {where} is no JSON: {error.msg}", hint=_HINT) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is no UTF-8", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        # Numbers of thousands of digits, brackets nested thousands deep.
        raise InputError(f"{path}: no JSON that anybody writes: {error}", hint=_HINT) from error
    return Place(value=value, source=str(path))


def parse_function(document: Place) -> NamedFunction:
    """The function that a document is about."""
    configuration = document
    if "Configuration" in document.members():
        configuration = document.at("Configuration")
    if not configuration.members():
        raise configuration.wrong("is not what `aws lambda get-function` prints")
    if configuration.at("PackageType").text("Zip") != "Zip":
        raise configuration.at("PackageType").wrong(
            "is not `Zip`: a function that is a container image has no runtime to start in"
        )
    return NamedFunction(
        name=configuration.at("FunctionName").text(""),
        function=Function(
            version=configuration.at("Version").text(LATEST),
            code_sha256=configuration.at("CodeSha256").text(""),
            arch=_arch(configuration.at("Architectures")),
            runtime=_runtime(configuration.at("Runtime")).name,
            handler=configuration.at("Handler").text(""),
            layers=tuple(one.at("Arn").text() for one in configuration.at("Layers").items()),
            environment=_environment(configuration.at("Environment")),
            revision=configuration.at("RevisionId").text(""),
            is_active=configuration.at("State").text("Active") in {"Active", "Inactive"},
            update=_update(configuration.at("LastUpdateStatus")),
            reason_code=configuration.at("LastUpdateStatusReasonCode").text(""),
            reason=configuration.at("LastUpdateStatusReason").text(""),
        ),
    )


def known_runtime(name: str) -> Runtime:
    """The runtime of that name; `InputError` where it is not an OS-only one."""
    runtimes = read_runtimes()
    if name not in runtimes:
        raise InputError(
            f"no OS-only runtime is called that: `{name}`", hint=f"one of {', '.join(runtimes)}"
        )
    return runtimes[name]


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


def _arch(place: Place) -> Arch:
    arches = list(place.items())
    if not arches:
        return Arch.X86_64
    if arches[0].text() not in set(Arch):
        raise arches[0].wrong(f"is neither {' nor '.join(Arch)}: `{arches[0].value}`")
    return Arch(arches[0].text())


def _runtime(place: Place) -> Runtime:
    name = place.text()
    if name not in read_runtimes():
        others = ", ".join(read_runtimes())
        raise InputError(
            f"{place.source}: {place.path} is no OS-only runtime: `{name}`", hint=f"one of {others}"
        )
    return read_runtimes()[name]


def _environment(place: Place) -> tuple[tuple[str, str], ...]:
    if place.at("Error").value is not None:
        raise place.at("Error").wrong(
            f"says that AWS could not read the environment: {place.at('Error').at('Message').value}"
        )
    variables = place.at("Variables")
    return tuple(sorted((name, variables.at(name).text()) for name in variables.members()))


def _update(place: Place) -> UpdateStatus:
    status = place.text(UpdateStatus.SUCCESSFUL)
    if status not in set(UpdateStatus):
        raise place.wrong(f"is none of {', '.join(UpdateStatus)}: `{status}`")
    return UpdateStatus(status)
