"""What findings ask for: written into the template where that is certain, else said in words.

What would take a permission or a policy along is left to people: an invoker that is moved to an
alias must be let in there too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shim.fields import read_file
from shim.templates.edit import REMOVED, Edit, edited
from shim.templates.model import Format
from shim.templates.source import read_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shim.templates.between import Judge
    from shim.templates.comparison import Comparison
    from shim.templates.findings import Finding
    from shim.templates.model import Alias, Consumer, Function, Version
    from shim.templates.source import Source
    from shim.templates.value import Place

_SAM_FUNCTION = "AWS::Serverless::Function"
_MAPPING = "AWS::Lambda::EventSourceMapping"
_ALIAS = "live"
"""What an alias is called that is made here."""

_WORDS: dict[str, dict[Format, str]] = {
    "end-fails": {
        Format.TEMPLATE: "`Architectures: [{}]`",
        Format.ASSEMBLY: "the function's `architecture`, in the CDK app: {}",
        Format.SERVERLESS: "`architecture: {}`, in serverless.yml",
        Format.PLAN: '`architectures = ["{}"]`',
    },
    "layer-compatible": {
        Format.TEMPLATE: "`CompatibleArchitectures: [{}]`",
        Format.ASSEMBLY: "the layer's `compatibleArchitectures`, in the CDK app: {}",
        Format.SERVERLESS: "`compatibleArchitectures: [{}]`, in serverless.yml",
    },
    "publishes-nothing": {
        Format.TEMPLATE: "another logical id for the version's resource",
        Format.ASSEMBLY: "the function's `currentVersion` as the alias's version, in the CDK app",
        Format.SERVERLESS: "`versionFunctions: true`, in serverless.yml",
        Format.PLAN: "`publish = true`, and the function's `version` in the alias",
    },
    "invokes-latest": {
        Format.TEMPLATE: "{} here, and in the permission or policy that lets it in",
        Format.ASSEMBLY: "`addAlias('live')` of the function, and the alias here, in the CDK app",
        Format.SERVERLESS: "an alias among the `resources` of serverless.yml, and its ARN here",
        Format.PLAN: "`publish = true`, an `aws_lambda_alias`, and its ARN or `qualifier` here",
    },
}
"""By finding and format: what has to be set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fix:
    """What one finding asks for."""

    finding: Finding
    words: str
    edits: tuple[Edit, ...] = ()
    """In the file of the finding; none where it is left to people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewritten:
    """A file as it was, and as it is with all fixes."""

    file: str
    before: bytes
    after: bytes


def fixes_of(comparison: Comparison, findings: Iterable[Finding], judge: Judge) -> tuple[Fix, ...]:
    """One for each finding that a setting mends; none for those that take a deployment more."""
    fixer = _Fixer(comparison, judge)
    return tuple(fix for one in findings if (fix := fixer.fix(one)) is not None)


def rewrite(fixes: Iterable[Fix]) -> tuple[Rewritten, ...]:
    """Every file that the fixes change; nothing is written yet."""
    by_file: dict[str, dict[Any, Edit]] = {}
    for fix in fixes:
        for edit in fix.edits:
            by_file.setdefault(fix.finding.place.file, {})[edit.path] = edit
    found = []
    for file, edits in by_file.items():
        before = read_file(Path(file))
        after = edited(file, before, list(edits.values()))
        found.append(Rewritten(file=file, before=before, after=after))
    return tuple(found)


class _Fixer:
    def __init__(self, comparison: Comparison, judge: Judge) -> None:
        self._side = comparison.new
        self._judge = judge
        self._stale = {
            one.function for one in comparison.findings if one.code == "publishes-nothing"
        }
        self._sources: dict[str, Source] = {}

    def fix(self, finding: Finding) -> Fix | None:
        rules: dict[str, Callable[[Finding], Fix | None]] = {
            "end-fails": self._architecture,
            "layer-compatible": self._compatible,
            "publishes-nothing": self._published,
            "invokes-latest": self._latest,
        }
        return rules[finding.code](finding) if finding.code in rules else None

    def _architecture(self, finding: Finding) -> Fix | None:
        """A package for the other architecture: of what else keeps it from starting, no fix."""
        function = self._side.functions[finding.function]
        arch = self._judge.starts_elsewhere(self._side, function)
        if arch is None:
            return None
        path = (*function.place.steps[:2], "Properties", "Architectures")
        match self._properties(function.place).get("Architectures"):
            case None:
                edits = [Edit(path=path, value=[str(arch)])]
            case [str()]:
                edits = [Edit(path=(*path, 0), value=str(arch))]
            case _:
                edits = []
        return self._made(finding, str(arch), edits if self._properties(function.place) else ())

    def _compatible(self, finding: Finding) -> Fix | None:
        """The architectures that the layer's files hold for are left."""
        layer = self._side.layers[finding.function]
        claimed = list(layer.architectures.content)
        left = [one for one in claimed if not self._judge.layer_problems(layer, one)]
        if not left:
            return None
        path = (*layer.place.steps[:2], "Properties", "CompatibleArchitectures")
        is_literal = self._properties(layer.place).get("CompatibleArchitectures") == claimed
        edits = [
            Edit(path=(*path, index), value=REMOVED)
            for index, one in enumerate(claimed)
            if one not in left and is_literal
        ]
        return self._made(finding, ", ".join(map(str, left)), edits)

    def _published(self, finding: Finding) -> Fix | None:
        function = self._side.functions[finding.function]
        if not self._is_sam(function):
            return self._made(finding, "", ())
        path = (*function.place.steps[:2], "Properties", "AutoPublishAliasAllProperties")
        return Fix(
            finding=finding,
            words="`AutoPublishAliasAllProperties: true`",
            edits=(Edit(path=path, value=True),),
        )

    def _latest(self, finding: Finding) -> Fix | None:
        function = self._side.functions[finding.function]
        consumer = next(
            one
            for one in self._side.consumers
            if (one.function, one.place) == (finding.function, finding.place)
        )
        makes = self._makes_alias(function)
        publish = Edit(
            path=(*function.place.steps[:2], "Properties", "AutoPublishAlias"), value=_ALIAS
        )
        if makes and self._is_made(consumer):
            return Fix(finding=finding, words=f"`AutoPublishAlias: {_ALIAS}`", edits=(publish,))
        alias = f"{_own_id(function)}.Alias" if makes else self._alias_of(function)
        words = f"`!Ref {alias}`" if alias else "an alias"
        if alias is None or not self._is_mapping_of(function, consumer):
            return self._made(finding, words, ())
        edit = Edit(path=consumer.place.steps, value={"Ref": alias})
        return Fix(finding=finding, words=words, edits=(publish, edit) if makes else (edit,))

    def _made(self, finding: Finding, value: str, edits: Iterable[Edit]) -> Fix:
        by_format = _WORDS[finding.code]
        words = by_format.get(self._side.format, by_format[Format.TEMPLATE])
        return Fix(finding=finding, words=words.format(value), edits=tuple(edits))

    def _makes_alias(self, function: Function) -> bool:
        """Whether `AutoPublishAlias` moves all that invokes it, with what lets it in.

        A function URL would get another address.
        """
        consumers = [
            one
            for one in self._side.consumers
            if one.function == function.id and one.is_unqualified
        ]
        return (
            self._is_sam(function)
            and not self._says(function, "FunctionUrlConfig")
            and not any(one.function == function.id for one in self._side.aliases)
            and all(self._is_made(one) or self._is_mapping_of(function, one) for one in consumers)
        )

    def _alias_of(self, function: Function) -> str | None:
        """How the one alias is referred to that follows the versions of this template."""
        if self._is_sam(function) and self._says(function, "AutoPublishAlias"):
            return f"{_own_id(function)}.Alias"
        aliases = [one for one in self._side.aliases if one.function == function.id]
        versions = {_own_id(one) for one in self._side.versions}
        if len(aliases) != 1 or function.id in self._stale:
            return None
        match self._properties(aliases[0].place).get("FunctionVersion"):
            case {"Fn::GetAtt": [str(version), "Version"]} if version in versions:
                return _own_id(aliases[0])
            case _:
                return None

    def _is_made(self, consumer: Consumer) -> bool:
        """Whether SAM makes it for an event of a function: then it follows the alias."""
        match consumer.place.steps:
            case ["Resources", _, "Properties", "Events", *_]:
                return True
            case ["Resources", *_] | []:
                return len(consumer.place.steps) < 4 and self._side.format is Format.TEMPLATE
            case _:
                return False

    def _is_mapping_of(self, function: Function, consumer: Consumer) -> bool:
        """What polls: it is let in by the function's own role, whatever it names."""
        resource = self._resource(consumer.place)
        named = self._properties(consumer.place).get("FunctionName")
        name = _own_id(function)
        return (
            resource.get("Type") == _MAPPING
            and consumer.place.file == function.place.file
            and named in ({"Ref": name}, {"Fn::GetAtt": [name, "Arn"]})
        )

    def _is_sam(self, function: Function) -> bool:
        return self._resource(function.place).get("Type") == _SAM_FUNCTION

    def _says(self, function: Function, name: str) -> bool:
        """Whether a function of SAM has a property, by itself or by Globals."""
        shared = self._data(function.place).get("Globals")
        usual = shared.get("Function") if isinstance(shared, dict) else None
        own = self._properties(function.place)
        return name in own or (isinstance(usual, dict) and name in usual)

    def _properties(self, place: Place) -> dict[str, Any]:
        properties = self._resource(place).get("Properties")
        return properties if isinstance(properties, dict) else {}

    def _resource(self, place: Place) -> dict[str, Any]:
        """The resource around a place as its file has it; empty where people don't write that."""
        inner: Any = self._data(place)
        for name in place.steps[:2]:
            inner = inner.get(name) if isinstance(inner, dict) else None
        return inner if isinstance(inner, dict) and place.steps else {}

    def _data(self, place: Place) -> dict[str, Any]:
        if self._side.format is not Format.TEMPLATE or not place.steps:
            return {}
        if place.file not in self._sources:
            self._sources[place.file] = read_source(place.file, read_file(Path(place.file)))
        data: dict[str, Any] = self._sources[place.file].data
        return data


def _own_id(one: Function | Version | Alias) -> str:
    """What its own template calls it."""
    return one.id.rpartition("/")[2]
