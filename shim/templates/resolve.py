"""CloudFormation's functions, carried out as far as template and options go; the rest is unknown.

(AWS CloudFormation template reference, "Intrinsic functions".)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shim.errors import InputError
from shim.templates.functions import FUNCTIONS, dynamic, first_unknown, joined, odd, plain
from shim.templates.value import Cause, Content, Reference, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ABSENT = object()
"""What `AWS::NoValue` stands for: the property isn't there."""

_WORK_LIMIT = 500_000
_LETTERS = 64
"""Values that are made of one template, and letters of a text that count as one of them."""

_DEPTH_LIMIT = 120
"""Values in values, conditions of conditions: Python would end at a thousand calls."""

_PARAMETER_LIMIT = 4096
"""Bytes of a parameter (CloudFormation quotas)."""

# It doesn't read on over what may begin another one: a megabyte of beginnings would take for ever.
_VARIABLE = re.compile(r"\$\{(!?)([^${}]*)\}")
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What the user says that no template has."""

    parameters: Mapping[str, Content] = field(default_factory=dict)
    region: str | None = None
    account: str | None = None
    stack: str | None = None
    exports: Mapping[str, Content] = field(default_factory=dict)
    """What other stacks that are deployed along with it export, by name."""


class Scope:
    """One template's names, and what they stand for."""

    def __init__(
        self,
        template: dict[str, Any],
        given: Given,
        *,
        prefix: str = "",
        output_of: Callable[[str, str], Content] = lambda _id, _name: None,
    ) -> None:
        """`output_of` gives a nested stack's output; None where that stack isn't at hand."""
        self._given = given
        self._output_of = output_of
        self._prefix = prefix
        """Before the names of a nested stack's resources."""
        self._parameters = _section(template, "Parameters")
        self._mappings = _section(template, "Mappings")
        self._conditions = _section(template, "Conditions")
        self._resources = _section(template, "Resources")
        self._known: dict[str, bool | Unknown] = {}
        self._work = 0
        self._depth = 0

    def resolve(self, value: Any) -> Content:
        """What a value comes to; `ABSENT` where it is taken away. Bounded, or `InputError`."""
        self._count(1)
        self._depth += 1
        if self._depth > _DEPTH_LIMIT:
            raise InputError("what its functions and conditions refer to is nested too deeply")
        try:
            return self._resolved(value)
        finally:
            self._depth -= 1

    def _resolved(self, value: Any) -> Content:
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not ABSENT]
        if isinstance(value, str):
            return dynamic(value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref":
                return self._ref(argument)
            if name == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if name.startswith("Fn::"):
                return self._call(name, argument)
        pairs = ((name, self.resolve(one)) for name, one in value.items())
        return {name: one for name, one in pairs if one is not ABSENT}

    def condition(self, name: str) -> bool | Unknown:
        """Whether a named condition holds."""
        if name not in self._known:
            if name not in self._conditions:
                return Unknown(cause=Cause.MISSING, reason=f"there is no condition `{name}`")
            # Until it is known: one that asks for itself is answered by this.
            self._known[name] = Unknown(cause=Cause.FORM, reason=f"`{name}` depends on itself")
            answer = self.resolve(self._conditions[name])
            self._known[name] = answer if isinstance(answer, bool) else _unclear(name, answer)
        return self._known[name]

    def _count(self, work: int) -> None:
        self._work += work
        if self._work > _WORK_LIMIT:
            raise InputError("its functions make too much of it to be looked through")

    def _call(self, name: str, argument: Any) -> Content:
        result = self._result(name, argument)
        self._count(len(result) // _LETTERS if isinstance(result, str) else 1)
        return result

    def _result(self, name: str, argument: Any) -> Content:
        # An If's other branch may be what can't be resolved, and needn't be.
        if name == "Fn::If":
            return self._if(argument)
        if name == "Fn::GetAtt":
            return self._attribute(argument)
        if name == "Fn::Sub":
            return self._substituted(argument)
        function = FUNCTIONS.get(name)
        resolved = self.resolve(argument)
        if name == "Fn::FindInMap":
            return self._found(resolved)
        if name == "Fn::ImportValue" and isinstance(resolved, str):
            exported = self._given.exports.get(resolved)
            if exported is not None:
                return exported
        if function is None:
            causes = {"Fn::ImportValue": Cause.IMPORT}
            return Unknown(
                cause=causes.get(name, Cause.FUNCTION),
                reason=f"`{name}` is carried out by CloudFormation only",
                inside=(resolved,),
            )
        return function(resolved)

    def _ref(self, name: Any) -> Content:
        if not isinstance(name, str):
            return odd("Ref")
        if name == "AWS::NoValue":
            return ABSENT
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self._parameters or name in self._given.parameters:
            return self._parameter(name)
        if name in self._resources:
            return Reference(id=self._prefix + name)
        return Unknown(cause=Cause.MISSING, reason=f"the template has no `{name}`")

    def _pseudo(self, name: str) -> str | Unknown:
        region = self._given.region
        partition = None
        if region:
            partition = next(
                (word for start, word in _PARTITIONS.items() if region.startswith(start)), "aws"
            )
        values = {
            "AWS::Region": region,
            "AWS::AccountId": self._given.account,
            "AWS::StackName": self._given.stack,
            "AWS::Partition": partition,
            "AWS::URLSuffix": partition and f"amazonaws.com{'.cn' * (partition == 'aws-cn')}",
        }
        known = values.get(name)
        return known or Unknown(cause=Cause.PSEUDO, reason=f"`{name}` isn't given")

    def _parameter(self, name: str) -> Content:
        declared = self._parameters.get(name)
        kind = declared.get("Type") if isinstance(declared, dict) else None
        if name in self._given.parameters:
            value = self._given.parameters[name]
        elif isinstance(kind, str) and kind.startswith("AWS::SSM::"):
            reason = f"the parameter `{name}` is looked up in the account"
            return Unknown(cause=Cause.STORED, reason=reason)
        elif isinstance(declared, dict) and declared.get("Default") is not None:
            value = declared["Default"]
        else:
            reason = f"the parameter `{name}` has no default"
            return Unknown(cause=Cause.PARAMETER, reason=reason)
        if isinstance(value, str) and len(value) > _PARAMETER_LIMIT:
            return Unknown(cause=Cause.FORM, reason=f"the parameter `{name}` is too long")
        if isinstance(value, str | int | float | bool) and _is_list(kind):
            return [one.strip() for one in plain(value).split(",")]
        return plain(value) if isinstance(value, int | float | bool) else value

    def _attribute(self, argument: Any) -> Content:
        match argument:
            case [str(name), str(attribute)]:
                pass
            case str() if "." in argument:
                name, _, attribute = argument.partition(".")
            case _:
                return odd("Fn::GetAtt")
        if name not in self._resources:
            return Unknown(cause=Cause.MISSING, reason=f"the template has no resource `{name}`")
        if attribute.startswith("Outputs."):
            output = self._output_of(name, attribute.removeprefix("Outputs."))
            if output is not None:
                return output
        return Reference(id=self._prefix + name, attribute=attribute)

    def _substituted(self, argument: Any) -> Content:
        own: dict[str, Any] = {}
        match argument:
            case str():
                text = argument
            case [str(text), dict(own)]:
                pass
            case _:
                return odd("Fn::Sub")
        parts: list[Content] = []
        last = 0
        for found in _VARIABLE.finditer(text):
            self._count(1)
            parts.append(text[last : found.start()])
            last = found.end()
            literal, name = found.groups()
            if literal:
                parts.append(f"${{{name}}}")
            elif name in own:
                parts.append(self.resolve(own[name]))
            elif "." in name:
                parts.append(self._attribute(name))
            else:
                parts.append(self._ref(name))
        return joined("", [*parts, text[last:]])

    def _if(self, argument: Any) -> Content:
        match argument:
            case [str(name), then, otherwise]:
                pass
            case _:
                return odd("Fn::If")
        answer = self.condition(name)
        if isinstance(answer, bool):
            return self.resolve(then if answer else otherwise)
        both = (self.resolve(then), self.resolve(otherwise))
        if both[0] == both[1]:
            return both[0]
        inside = tuple(one for one in both if one is not ABSENT)
        return Unknown(cause=Cause.CONDITION, reason=answer.reason, inside=inside)

    def _found(self, argument: Content) -> Content:
        match argument:
            case [str(name), first, second, *rest]:
                pass
            case _:
                return first_unknown(argument) or odd("Fn::FindInMap")
        table = self._mappings.get(name)
        for key in (first, second):
            if not isinstance(key, str | int | float):
                return first_unknown(key) or odd("Fn::FindInMap")
            if not isinstance(table, dict) or str(key) not in table:
                match rest:
                    case [{"DefaultValue": default}]:
                        return default
                    case _:
                        reason = f"the mapping `{name}` has no `{key}`"
                        return Unknown(cause=Cause.MISSING, reason=reason)
            table = table[str(key)]
        return self.resolve(table)


def _section(template: dict[str, Any], name: str) -> dict[str, Any]:
    section = template.get(name)
    return section if isinstance(section, dict) else {}


def _unclear(name: str, answer: Content) -> Unknown:
    if isinstance(answer, Unknown):
        return Unknown(cause=answer.cause, reason=answer.reason)
    return Unknown(cause=Cause.FORM, reason=f"the condition `{name}` is none")


def _is_list(kind: Any) -> bool:
    return isinstance(kind, str) and ("List" in kind)
