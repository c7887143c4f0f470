"""Reads YAML and JSON with the line of everything, and CloudFormation's short tags spelt out.

It goes by the events of libyaml, which construct nothing: no tag can call anything
(docs/why/speed.md says what else was measured).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from shim.errors import InputError, MachineError
from shim.templates.value import Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from shim.templates.value import Steps

SOURCE_LIMIT = 4 << 20
"""Bytes that are read: CloudFormation takes 1 MB."""

_VALUES_LIMIT = 500_000
"""Values with all aliases unfolded."""

_DEPTH_LIMIT = 100
_TAGS = {"Ref", "Condition"}
_FUNCTION_TAGS = frozenset({
    *("And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals"),
    *("FindInMap", "ForEach", "GetAZs", "GetAtt", "GetStackOutput", "If", "ImportValue", "Join"),
    *("Length", "Not", "Or", "RefAll", "Select", "Split", "Sub", "ToJsonString", "Transform"),
    *("ValueOf", "ValueOfAll"),
})  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}([eE][-+]?[0-9]{1,2})?")
_TRUE = {word for one in ("true", "yes", "on") for word in (one, one.title(), one.upper())}
_FALSE = {word for one in ("false", "no", "off") for word in (one, one.title(), one.upper())}
_NULL = {"", "~", "null", "Null", "NULL"}
_MERGE = "<<"


@dataclass(slots=True)
class Mark:
    """Where a value stands, and what is in it."""

    line: int
    column: int
    inside: dict[str | int, Mark] = field(default_factory=dict)
    source: Source | None = None
    """The file that it is in, where that is another one than that of what is around it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A file's data, and where each part of it stands."""

    file: str
    data: Any
    mark: Mark | None = None
    """None where no lines are known."""
    lines: tuple[str, ...] = ()

    def place(self, path: Steps) -> Place:
        """Of what stands at `path`, or else of the nearest thing around it."""
        mark, source, steps = self.mark, self, path
        if mark is None:
            return Place(file=self.file, path=dotted(path))
        for index, name in enumerate(path):
            if name not in mark.inside:
                break
            mark = mark.inside[name]
            if mark.source is not None:
                source, steps = mark.source, path[index:]
        # In JSON what a bracket opens begins a line below.
        while mark.inside and source.text_of(mark).strip() in {"{", "["}:
            mark = next(iter(mark.inside.values()))
        return Place(
            file=source.file,
            path=dotted(steps),
            line=mark.line + 1,
            column=mark.column + 1,
            text=source.text_of(mark),
            steps=steps,
        )

    def text_of(self, mark: Mark) -> str:
        """The line that something stands in."""
        return self.lines[mark.line] if mark.line < len(self.lines) else ""


def dotted(path: Iterable[str | int]) -> str:
    """`Resources.Orders.Properties.Layers[0]`."""
    text = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
    return text.removeprefix(".")


def read_source(file: str, data: bytes) -> Source:
    """A YAML or JSON document; `InputError` with the line where it is none."""
    yaml = import_yaml()
    check_size(data)
    try:
        builder = _Builder()
        for event in yaml.parse(data, Loader=yaml.CSafeLoader):
            builder.add(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise InputError(
            f"neither YAML nor JSON: {line}{error.problem or error.context}"
        ) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise InputError(f"neither YAML nor JSON: {error}".splitlines()[0]) from error
    if builder.document is None:
        raise InputError("not a template: it is empty")
    return Source(
        file=file,
        data=builder.document.value,
        mark=builder.document.mark,
        # Not splitlines, which knows more ends of lines than YAML does.
        lines=tuple(data.decode(errors="replace").replace("\r\n", "\n").split("\n")),
    )


def check_size(data: bytes) -> None:
    """Raise `InputError` where no template can be so large."""
    if len(data) > SOURCE_LIMIT:
        raise InputError(
            f"not a template: it has {len(data):,} bytes, and CloudFormation takes 1,000,000"
        )


def import_yaml() -> ModuleType:
    """PyYAML; `MachineError` that says what to install where it isn't."""
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise MachineError(
            "templates are read with PyYAML, which is not installed",
            hint="pip install 'lambda-shim[templates]'",
        ) from error
    return yaml


@dataclass(slots=True)
class _Node:
    """A value, finished or not; `size` and `depth` are those with all aliases unfolded."""

    value: Any
    mark: Mark
    tag: str | None = None
    anchor: str | None = None
    key: tuple[str, Mark] | None = None
    size: int = 1
    depth: int = 0


class _Builder:
    """Puts one document together from its events, without recursion."""

    def __init__(self) -> None:
        self.document: _Node | None = None
        self._open: list[_Node] = []
        self._anchors: dict[str, _Node] = {}

    def add(self, event: Any) -> None:
        """One event of `yaml.parse`."""
        mark = Mark(event.start_mark.line, event.start_mark.column)
        match type(event).__name__:
            case "MappingStartEvent":
                self._open.append(_Node({}, mark, event.tag, event.anchor))
            case "SequenceStartEvent":
                self._open.append(_Node([], mark, event.tag, event.anchor))
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close(self._open.pop())
            case "ScalarEvent" if self._awaits_key():
                self._take_key(event.value, mark)
            case "ScalarEvent":
                value = _scalar(event.value) if event.implicit[0] else event.value
                self._close(_Node(value, mark, event.tag, event.anchor))
            case "AliasEvent":
                self._alias(event.anchor, mark)
            case "DocumentStartEvent" if self.document is not None:
                _refuse(mark, "a second document begins")
            case _:
                pass

    def _awaits_key(self) -> bool:
        return (
            bool(self._open) and isinstance(self._open[-1].value, dict) and not self._open[-1].key
        )

    def _take_key(self, key: str, mark: Mark) -> None:
        if key in self._open[-1].value:
            _refuse(mark, f"a name stands here twice: {key!r}")
        self._open[-1].key = (key, mark)

    def _alias(self, name: str, mark: Mark) -> None:
        if name not in self._anchors:
            _refuse(mark, f"no anchor of this name is closed before it: {name!r}")
        node = self._anchors[name]
        self._put(_Node(node.value, Mark(mark.line, mark.column, node.mark.inside),
                        size=node.size, depth=node.depth))  # fmt: skip

    def _close(self, node: _Node) -> None:
        if isinstance(node.value, dict) and _MERGE in node.value:
            _merge(node)
        node.value = _spelt_out(node)
        if node.anchor:
            self._anchors[node.anchor] = node
        self._put(node)

    def _put(self, node: _Node) -> None:
        if not self._open:
            self.document = node
            return
        parent = self._open[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if parent.size > _VALUES_LIMIT:
            _refuse(node.mark, f"its aliases unfold to more than {_VALUES_LIMIT:,} values")
        if parent.depth > _DEPTH_LIMIT or len(self._open) > _DEPTH_LIMIT:
            _refuse(node.mark, "it is nested too deeply")
        if isinstance(parent.value, list):
            parent.mark.inside[len(parent.value)] = node.mark
            parent.value.append(node.value)
            return
        if parent.key is None:
            _refuse(node.mark, "a name can't be a list or an object")
        name, mark = parent.key
        # People look for the name, not for where its value begins.
        parent.mark.inside[name] = Mark(mark.line, mark.column, node.mark.inside)
        parent.value[name], parent.key = node.value, None


def _refuse(mark: Mark, problem: str) -> NoReturn:
    raise InputError(f"line {mark.line + 1}: {problem}")


def _scalar(text: str) -> str | int | float | bool | None:
    """A plain scalar as YAML 1.1 has it; dates and octal numbers stay texts."""
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text in _NULL:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _spelt_out(node: _Node) -> Any:
    """`!Sub x` as `{"Fn::Sub": "x"}`; YAML's own tags of plain types change nothing."""
    tag = node.tag or ""
    if not tag or tag == "!":
        return node.value
    if tag.startswith("tag:yaml.org,2002:"):
        kind = tag.rpartition(":")[2]
        if kind in {"str", "int", "float", "bool", "null", "map", "seq"}:
            return node.value
    name = tag.removeprefix("!")
    if name in _TAGS:
        return {name: node.value}
    if name == "GetAtt" and isinstance(node.value, str):
        return {"Fn::GetAtt": node.value.split(".", 1)}
    if name not in _FUNCTION_TAGS:
        _refuse(node.mark, f"CloudFormation has no such tag: {tag!r}")
    return {f"Fn::{name}": node.value}


def _merge(node: _Node) -> None:
    """YAML 1.1's `<<`: what is not there by itself comes from there."""
    merged = node.value.pop(_MERGE)
    mark = node.mark.inside.pop(_MERGE)
    for index, one in enumerate(merged if isinstance(merged, list) else [merged]):
        if not isinstance(one, dict):
            _refuse(mark, "only objects can be merged")
        marks = mark.inside[index] if isinstance(merged, list) else mark
        for name, value in one.items():
            if name not in node.value:
                node.value[name] = value
                if name in marks.inside:
                    node.mark.inside[name] = marks.inside[name]
