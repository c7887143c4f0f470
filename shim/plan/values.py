"""States and calls as JSON's values, and back: what each is called there is said here alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from shim.arch import Arch
from shim.check.runtimes import Runtime, read_runtimes
from shim.check.state import State
from shim.document import json_name
from shim.plan.alias import AliasStep, InvokeVersion, MoveAlias, PublishVersion
from shim.plan.step import UpdateCode, UpdateConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shim.fields import Field
    from shim.package.read import Package
    from shim.plan.step import Step

_CODE = {json_name(field): field for field in ("package", "arch")}
_CONFIGURATION = {
    json_name(field): field for field in ("runtime", "handler", "layers", "environment")
}
_STATE = {**_CODE, **_CONFIGURATION, json_name("absent_layers"): "absent_layers"}
"""Names in JSON, and of the fields of states and calls."""

_CALLS = {
    UpdateCode.CALL: (*_CODE,),
    UpdateConfiguration.CALL: (*_CONFIGURATION,),
    PublishVersion.CALL: ("codeSha256",),
    InvokeVersion.CALL: (),
    MoveAlias.CALL: ("alias", "oldVersion", "share"),
}
"""Each call's own names."""


class Values:
    """Writes and reads; packages stand as indexes into one list."""

    def __init__(self, packages: Sequence[Package]) -> None:
        self._packages = packages
        self._numbers = {one: number for number, one in enumerate(packages)}

    def write_state(self, state: State) -> dict[str, Any]:
        """A state, with all of its fields."""
        return self._write(state, _STATE)

    def read_state(self, value: Field) -> State:
        """The same, back; `InputError` names the JSON path."""
        value.check_names(*_STATE)
        return State(**self._read(value, _STATE))

    def write_step(self, step: AliasStep) -> dict[str, Any]:
        """A call, with what it carries."""
        match step:
            case UpdateCode():
                return {"call": step.CALL, **self._write(step, _CODE)}
            case UpdateConfiguration():
                carried = self._write(step, _CONFIGURATION)
                return {"call": step.CALL, **carried}
            case PublishVersion():
                return {"call": step.CALL, "codeSha256": step.code_sha256}
            case InvokeVersion():
                return {"call": step.CALL}
            case MoveAlias():
                return {
                    "call": step.CALL,
                    "alias": step.alias,
                    "oldVersion": step.old_version,
                    "share": step.share,
                }
            case _:
                assert_never(step)

    def read_step(self, value: Field, *besides: str) -> AliasStep:
        """The same, back; names that are in `besides` may be there too."""
        call = value["call"].text()
        if call not in _CALLS:
            value["call"].refuse(f"a plan has no such call, one of {', '.join(_CALLS)}")
        value.check_names("call", *_CALLS[call], *besides)
        match call:
            case UpdateCode.CALL:
                return UpdateCode(**self._read(value, _CODE))
            case UpdateConfiguration.CALL:
                given = {name: one for name, one in _CONFIGURATION.items() if value.has(name)}
                if not given:
                    value.refuse("the call changes nothing")
                return UpdateConfiguration(**self._read(value, given))
            case PublishVersion.CALL:
                known = value.has("codeSha256")
                return PublishVersion(code_sha256=value["codeSha256"].text() if known else None)
            case InvokeVersion.CALL:
                return InvokeVersion()
            case _:
                return _read_move(value)

    def _write(self, values: State | Step, names: Mapping[str, str]) -> dict[str, Any]:
        given = {name: getattr(values, field) for name, field in names.items()}
        return {name: self._write_one(name, one) for name, one in given.items() if one is not None}

    def _read(self, value: Field, names: Mapping[str, str]) -> dict[str, Any]:
        return {field: self._read_one(name, value[name]) for name, field in names.items()}

    def _write_one(self, name: str, value: Any) -> Any:
        match name:
            case "package":
                return self._numbers[value]
            case "layers":
                return [self._numbers[layer] for layer in value]
            case "architecture":
                return value.value
            case "runtime":
                return value.name
            case "environment":
                return dict(value)
            case "absentLayers":
                return list(value)
            case _:
                return value

    def _read_one(self, name: str, value: Field) -> Any:
        match name:
            case "package":
                return self._package(value)
            case "layers":
                return tuple(map(self._package, value.items()))
            case "architecture":
                return value.one_of(Arch)
            case "runtime":
                return _read_runtime(value)
            case "environment":
                return tuple(sorted(value.texts().items()))
            case "absentLayers":
                return tuple(one.text() for one in value.items())
            case _:
                return value.text()

    def _package(self, value: Field) -> Package:
        number = value.whole()
        if not 0 <= number < len(self._packages):
            value.refuse(f"there is no package of this number, there are {len(self._packages)}")
        return self._packages[number]


def _read_move(value: Field) -> MoveAlias:
    share = value["share"]
    if not 0 < share.number() <= 1:
        share.refuse("a share is over 0 and at most 1")
    return MoveAlias(
        alias=value["alias"].text(),
        old_version=value["oldVersion"].text(),
        share=share.number(),
    )


def _read_runtime(value: Field) -> Runtime:
    runtimes = read_runtimes()
    name = value.text()
    if name not in runtimes:
        value.refuse(f"not an OS-only runtime, one of {', '.join(runtimes)}")
    return runtimes[name]
