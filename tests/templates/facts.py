"""What two readings of the same functions have in common, whatever tool wrote them down."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from shim.templates.value import Reference, Text, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from shim.templates.model import Consumer, Function, Layer, Template
    from shim.templates.value import Content

SETTINGS = ("runtime", "handler", "architecture", "layers", "environment", "role", "dead_letter")


def differences(one: Template, other: Template) -> Iterator[str]:
    """What two readings differ in: each thing with its kind, and what it is on either side."""
    ours, theirs = facts(one), facts(other)
    for kind in ours:
        for name in sorted({*ours[kind], *theirs[kind]}):
            pair = ours[kind].get(name), theirs[kind].get(name)
            if pair[0] != pair[1]:
                yield f"{kind} {name}: {pair[0]} is not {pair[1]}"


def facts(template: Template) -> dict[str, Mapping[str, Any]]:
    """All that rules see, without ids and places: what refers to a thing says what that is."""
    names = {one.id: one.name.text or one.id for one in template.functions.values()}
    meant: dict[str, Any] = {name: ("function", names[name]) for name in names}
    meant |= {one.id: ("version", names[one.function]) for one in template.versions}
    meant |= {one.id: ("layer", *_layer(one)) for one in template.layers.values()}
    for alias in template.aliases:
        meant[alias.id] = ("alias", names[alias.function], _plain(alias.name.content, meant))

    def consumers(found: Iterable[Consumer]) -> Mapping[str, Any]:
        said = ((names[one.function], one.kind, _qualifier(one, meant)) for one in found)
        return dict.fromkeys(map(str, said), True)

    return {
        "functions": {names[id_]: _function(one, meant) for id_, one in template.functions.items()},
        "layers": Counter(str(_layer(one)) for one in template.layers.values()),
        "versions": Counter(names[one.function] for one in template.versions),
        "aliases": Counter(str((*meant[one.id], one.is_gradual)) for one in template.aliases),
        "consumers": consumers(template.consumers),
        "outputs": consumers(template.outputs),
    }


def _function(function: Function, meant: dict[str, Any]) -> dict[str, Any]:
    found = {name: _plain(getattr(function, name).content, meant) for name in SETTINGS}
    code = _hash(function.package) or _plain(function.code.content, meant)
    return {**found, "code": code, "is image": function.is_image}


def _layer(layer: Layer) -> tuple[Any, ...]:
    architectures = layer.architectures.content
    return str(architectures), _hash(layer.package) or str(layer.code)


def _qualifier(consumer: Consumer, meant: dict[str, Any]) -> Any:
    """An alias by its name, whether it is written out or referred to."""
    match _plain(consumer.qualifier, meant):
        case ("alias", _, name):
            return name
        case other:
            return other


def _plain(content: Content, meant: dict[str, Any]) -> Any:
    match content:
        case Reference():
            return meant.get(content.id, ("a resource", content.attribute))
        case Text():
            return [_plain(one, meant) for one in content.parts]
        case Unknown():
            return ("unknown", content.cause, [_plain(one, meant) for one in content.inside])
        case dict():
            return {name: _plain(one, meant) for name, one in content.items()}
        case list():
            return [_plain(one, meant) for one in content]
        case _:
            return content


def _hash(path: Path | None) -> str | None:
    if path is None or not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()
