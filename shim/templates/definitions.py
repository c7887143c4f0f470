"""What in a resource may name functions: its properties, and a definition in a file of its own.

OpenAPI, and the Amazon States Language: what is substituted into a definition is put there, so
that a qualifier written there is seen.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from shim.errors import InputError
from shim.templates.functions import joined
from shim.templates.value import Reference, Text, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shim.templates.source import Source
    from shim.templates.stack import Resource
    from shim.templates.value import Content, Place, Steps

_FILES = ("BodyS3Location", "DefinitionS3Location")
"""What is a path until the template is packaged (AWS CLI, `cloudformation package`)."""

_INLINE = ("Definition", "DefinitionString")
_GIVEN = "DefinitionSubstitutions"
_NAME = re.compile(r"\$\{([^${}]+)\}")
_LETTERS_LIMIT = 4 << 20
"""Of all that is substituted into one definition."""


def contents(resource: Resource) -> Iterator[tuple[Content, Callable[[Steps], Place]]]:
    """Each content, and where a path in it stands."""
    given = resource.properties.get(_GIVEN)
    substitution = _Substitution(given if isinstance(given, dict) else {})
    source = _source(resource, has_names=bool(given))
    inline = [resource.properties[name] for name in _INLINE if name in resource.properties]
    is_at_hand = source is not None or any(isinstance(one, dict | str | Text) for one in inline)
    own = {
        name: substitution.into(one) if name in _INLINE else one
        for name, one in resource.properties.items()
        if name != _GIVEN or not is_at_hand
    }
    yield own, partial(_place_in, resource)
    if source is not None:
        yield substitution.into(source.data), source.place


def _place_in(resource: Resource, path: Steps) -> Place:
    return resource.place("Properties", *path)


def _source(resource: Resource, *, has_names: bool) -> Source | None:
    for name in _FILES:
        path = resource.properties.get(name)
        if isinstance(path, str):
            try:
                return resource.stack.read(path)
            except InputError:
                # Before the names in it are replaced it may well be no JSON.
                if not has_names:
                    raise
    return None


class _Substitution:
    """What `DefinitionSubstitutions` say; `InputError` where that makes too much of it."""

    def __init__(self, given: Mapping[str, Content]) -> None:
        kinds = (str, int, float, bool, Reference, Text, Unknown)
        self._given = {name: one for name, one in given.items() if isinstance(one, kinds)}
        self._letters = 0

    def into(self, content: Content) -> Content:
        """The content with each `${name}` replaced."""
        match content:
            case dict():
                return {name: self.into(one) for name, one in content.items()}
            case list():
                return [self.into(one) for one in content]
            case Text():
                return joined("", [self.into(one) for one in content.parts])
            case str() if self._given and "${" in content:
                return self._in_text(content)
            case _:
                return content

    def _in_text(self, text: str) -> Content:
        parts: list[Content] = []
        last = 0
        for found in _NAME.finditer(text):
            value = self._given.get(found[1], found[0])
            self._letters += len(str(value))
            if self._letters > _LETTERS_LIMIT:
                raise InputError("what is substituted into a definition makes too much of it")
            parts += [text[last : found.start()], value]
            last = found.end()
        return joined("", [*parts, text[last:]])
